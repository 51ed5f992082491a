package imapserver

import (
	"bytes"
	"io"
	"mime"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/encoding/htmlindex"

	"outpost/internal/demo/mailstore"
)

// candidate is a message that is being searched.
type candidate struct {
	*mailstore.Message
	seq  uint32
	root *part
}

func (m *candidate) part() *part {
	if m.root == nil {
		m.root = parseMessage(m.Body)
	}
	return m.root
}

type criterion func(*candidate) bool

// search is SEARCH and UID SEARCH with RFC 4731's RETURN.
func (x *session) search(uid bool, tag string, c *command) error {
	if err := c.space(); err != nil {
		return err
	}
	var returns []string
	extended := x.rev2
	if bytes.HasPrefix(bytes.ToUpper(c.rest()), []byte("RETURN (")) && x.can("ESEARCH") {
		c.pos += len("RETURN ")
		extended = true
		err := c.list(func() error {
			w, err := c.word()
			if err == nil && !slices.Contains([]string{"MIN", "MAX", "ALL", "COUNT", "SAVE"}, w) {
				err = bad("SEARCH RETURN %q: not known", w)
			}
			returns = append(returns, w)
			return err
		})
		if err == nil {
			err = c.space()
		}
		if err != nil {
			return err
		}
	}
	if len(returns) == 0 {
		returns = []string{"ALL"}
	}
	if bytes.HasPrefix(bytes.ToUpper(c.rest()), []byte("CHARSET ")) {
		c.pos += len("CHARSET ")
		cs, err := c.astring()
		if err != nil {
			return err
		}
		if cs = strings.ToUpper(cs); cs != "UTF-8" && cs != "US-ASCII" {
			return no("[BADCHARSET (UTF-8 US-ASCII)] %s is not known", cs)
		}
		if err := c.space(); err != nil {
			return err
		}
	}
	modSeq := false
	match, err := x.criteria(c, maxDepth, &modSeq)
	if err == nil {
		err = c.done()
	}
	if err != nil {
		return err
	}
	var found, uids []uint32
	highest := uint64(0)
	for i, u := range x.box.uids {
		m, ok := x.box.b.Message(u)
		if !ok || !match(&candidate{Message: &m, seq: uint32(i + 1)}) {
			continue
		}
		highest = max(highest, m.ModSeq)
		uids = append(uids, u)
		if uid {
			found = append(found, u)
		} else {
			found = append(found, uint32(i+1))
		}
	}
	if slices.Contains(returns, "SAVE") {
		x.box.saved = saved(uids, returns)
		if len(returns) == 1 {
			return nil
		}
	}
	if !extended {
		x.printf("* SEARCH")
		for _, n := range found {
			x.printf(" %d", n)
		}
		if modSeq && len(found) > 0 {
			x.printf(" (MODSEQ %d)", highest)
		}
		x.printf("\r\n")
		return nil
	}
	var o out
	o.WriteString("* ESEARCH (TAG ")
	o.str(tag)
	o.WriteString(")")
	if uid {
		o.WriteString(" UID")
	}
	for _, r := range returns {
		switch {
		case r == "COUNT":
			o.WriteString(" COUNT " + utoa(uint64(len(found))))
		case len(found) == 0:
		case r == "ALL":
			o.WriteString(" ALL " + formatSet(found))
		case r == "MIN":
			o.WriteString(" MIN " + utoa(uint64(found[0])))
		case r == "MAX":
			o.WriteString(" MAX " + utoa(uint64(found[len(found)-1])))
		}
	}
	if modSeq && len(found) > 0 {
		o.WriteString(" MODSEQ " + utoa(highest))
	}
	o.WriteString("\r\n")
	x.w.Write(o.Bytes())
	return nil
}

// saved says what SAVE keeps beside other options (RFC 9051 6.4.4.1).
func saved(uids []uint32, returns []string) []uint32 {
	if len(uids) == 0 || slices.Contains(returns, "ALL") || slices.Contains(returns, "COUNT") {
		return uids
	}
	least, most := slices.Contains(returns, "MIN"), slices.Contains(returns, "MAX")
	switch {
	case least && most:
		return []uint32{uids[0], uids[len(uids)-1]}
	case least:
		return uids[:1]
	case most:
		return uids[len(uids)-1:]
	}
	return uids
}

// criteria reads search keys up to the end or a closing parenthesis; all must match.
func (x *session) criteria(c *command, depth int, modSeq *bool) (criterion, error) {
	var all []criterion
	for {
		k, err := x.criterion(c, depth, modSeq)
		if err != nil {
			return nil, err
		}
		if all = append(all, k); len(all) > 1000 {
			return nil, bad("too many search keys")
		}
		if !c.take(' ') {
			break
		}
	}
	return func(m *candidate) bool { return !slices.ContainsFunc(all, func(k criterion) bool { return !k(m) }) }, nil
}

func (x *session) criterion(c *command, depth int, modSeq *bool) (criterion, error) {
	if depth == 0 {
		return nil, bad("search keys nested too deep")
	}
	if c.take('(') {
		k, err := x.criteria(c, depth-1, modSeq)
		if err == nil {
			err = c.expect(')')
		}
		return k, err
	}
	if b := c.peek(); b == '*' || b == '$' || b >= '0' && b <= '9' {
		s, err := c.set()
		s = x.resolve(false, s)
		return func(m *candidate) bool { return s.has(m.seq, uint32(len(x.box.uids))) }, err
	}
	key, err := c.word()
	if err != nil {
		return nil, err
	}
	if k := flagCriterion(key); k != nil {
		return k, nil
	}
	if key == "ALL" {
		return func(*candidate) bool { return true }, nil
	}
	if err := c.space(); err != nil {
		return nil, err
	}
	switch key {
	case "NOT":
		k, err := x.criterion(c, depth-1, modSeq)
		return func(m *candidate) bool { return !k(m) }, err
	case "OR":
		a, err := x.criterion(c, depth-1, modSeq)
		if err == nil {
			err = c.space()
		}
		if err != nil {
			return nil, err
		}
		b, err := x.criterion(c, depth-1, modSeq)
		return func(m *candidate) bool { return a(m) || b(m) }, err
	case "UID":
		s, err := c.set()
		s = x.resolve(true, s)
		return func(m *candidate) bool { return s.has(m.UID, x.box.lastUID()) }, err
	case "KEYWORD", "UNKEYWORD":
		f, err := c.flag()
		return func(m *candidate) bool { return m.Has(f) == (key == "KEYWORD") }, err
	case "LARGER", "SMALLER":
		n, err := c.number()
		return func(m *candidate) bool {
			return key == "LARGER" && uint64(len(m.Body)) > n || key == "SMALLER" && uint64(len(m.Body)) < n
		}, err
	case "MODSEQ":
		return x.modSeqCriterion(c, modSeq)
	case "EMAILID":
		s, err := c.astring()
		if !x.can("OBJECTID") {
			err = bad("EMAILID: not known")
		}
		return func(m *candidate) bool { return m.EmailID == s }, err
	case "BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE":
		return dateCriterion(c, key)
	case "BCC", "CC", "FROM", "TO", "SUBJECT":
		s, err := c.astring()
		return headerCriterion(key, s), err
	case "HEADER":
		name, err := c.astring()
		if err == nil {
			err = c.space()
		}
		if err != nil {
			return nil, err
		}
		s, err := c.astring()
		return headerCriterion(name, s), err
	case "BODY", "TEXT":
		s, err := c.astring()
		s = strings.ToLower(s)
		return func(m *candidate) bool { return m.part().contains(s, key == "TEXT") }, err
	}
	return nil, bad("SEARCH %q: not known", key)
}

func flagCriterion(key string) criterion {
	name, not := strings.CutPrefix(key, "UN")
	switch name {
	case "ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN":
		return func(m *candidate) bool { return m.Has(`\`+name) != not }
	}
	switch key {
	case "NEW", "RECENT": // no message is ever \Recent
		return func(*candidate) bool { return false }
	case "OLD":
		return func(*candidate) bool { return true }
	}
	return nil
}

// modSeqCriterion is RFC 7162 3.1.5: MODSEQ ["/flags/..." type] n.
func (x *session) modSeqCriterion(c *command, used *bool) (criterion, error) {
	if !x.can("CONDSTORE") {
		return nil, bad("MODSEQ: not known")
	}
	*used, x.condAll = true, true
	if c.peek() == '"' {
		if _, err := c.str(); err != nil {
			return nil, err
		}
		if err := c.space(); err != nil {
			return nil, err
		}
		if _, err := c.word(); err != nil {
			return nil, err
		}
		if err := c.space(); err != nil {
			return nil, err
		}
	}
	n, err := c.number()
	return func(m *candidate) bool { return m.ModSeq >= n }, err
}

func dateCriterion(c *command, key string) (criterion, error) {
	d, err := c.date()
	if err != nil {
		return nil, err
	}
	how, sent := strings.CutPrefix(key, "SENT")
	return func(m *candidate) bool {
		t := m.Received
		if sent {
			var err error
			if t, err = parseDate(m.part().value("Date")); err != nil {
				return false
			}
		}
		day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) // time and zone do not count
		return how == "BEFORE" && day.Before(d) || how == "ON" && day.Equal(d) || how == "SINCE" && !day.Before(d)
	}, nil
}

func parseDate(s string) (time.Time, error) {
	s, _, _ = strings.Cut(s, "(")
	if _, after, ok := strings.Cut(s, ","); ok {
		s = after
	}
	return time.Parse("2 Jan 2006 15:04:05 -0700", strings.TrimSpace(s))
}

func headerCriterion(name, s string) criterion {
	s = strings.ToLower(s)
	return func(m *candidate) bool {
		for _, f := range m.part().fields {
			if strings.EqualFold(f.name, name) && strings.Contains(strings.ToLower(decodeWords(f.value())), s) {
				return true
			}
		}
		return false
	}
}

// decodeWords decodes a header's encoded words; what cannot be decoded stays as it is.
func decodeWords(s string) string {
	d := mime.WordDecoder{CharsetReader: func(charset string, r io.Reader) (io.Reader, error) {
		e, err := htmlindex.Get(charset)
		if err != nil {
			return nil, err
		}
		return e.NewDecoder().Reader(r), nil
	}}
	if out, err := d.DecodeHeader(s); err == nil {
		return out
	}
	return s
}

// contains looks for lower-case text in the texts of a message, and in its headers if they are asked for.
func (p *part) contains(s string, headers bool) bool {
	if headers && strings.Contains(strings.ToLower(decodeWords(string(p.header))), s) {
		return true
	}
	if p.message != nil {
		return p.message.contains(s, true)
	}
	if len(p.parts) > 0 {
		return slices.ContainsFunc(p.parts, func(c *part) bool { return c.contains(s, headers) })
	}
	return p.typ == "text" && strings.Contains(strings.ToLower(p.text()), s)
}

// text decodes a text part, as far as it can be decoded.
func (p *part) text() string {
	b, _ := p.decode() // what was read before an error counts
	if cs := p.param("charset"); cs != "" && !strings.EqualFold(cs, "utf-8") {
		if e, err := htmlindex.Get(cs); err == nil {
			if dec, err := e.NewDecoder().Bytes(b); err == nil {
				b = dec
			}
		}
	}
	return string(b)
}
