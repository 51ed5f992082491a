package imap

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote/imap/wire"
)

// code is a response code, RFC 9051 7.1. Its name is in upper case; its argument is as the server wrote it.
type code struct{ name, arg string }

// number returns the code's argument as a number, 0 when it is none.
func (c code) number() uint64 {
	n, err := strconv.ParseUint(c.arg, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// responseText reads " [CODE arg] text" and the line's end.
func (c *client) responseText() (code, string) {
	d := c.dec
	d.AcceptSpace()
	line := d.Text(1 << 20)
	d.Accept('\n')
	var co code
	if rest, ok := strings.CutPrefix(line, "["); ok {
		if inner, text, ok := strings.Cut(rest, "]"); ok {
			name, arg, _ := strings.Cut(inner, " ")
			co = code{strings.ToUpper(name), strings.TrimSpace(arg)}
			line = text
		}
	}
	return co, c.clean(line)
}

// untagged reads a response behind "* ". What nobody asked for or nobody knows is passed over.
func (c *client) untagged() {
	d, h := c.dec, c.h
	if h == nil || h.err != nil {
		h = &handler{}
	}
	var num uint32
	numbered := false
	if p := d.Peek(); p >= '0' && p <= '9' {
		num = d.Number()
		numbered = true
		d.Expect(' ')
	}
	var word [16]byte
	a := d.Atom()
	if d.Err() != nil {
		return
	}
	name := word[:copy(word[:], a)]
	if len(a) > len(word) {
		name = nil
	}
	for i, b := range name {
		if b >= 'a' && b <= 'z' {
			name[i] = b - 'a' + 'A'
		}
	}
	if numbered {
		switch {
		case string(name) == "FETCH" && h.news != nil:
			h.news()
		case string(name) == "FETCH" && h.fetch != nil:
			d.Expect(' ')
			c.readFetch(&c.fetched)
			if d.Err() == nil && c.fetched.UID != 0 {
				h.err = h.fetch(&c.fetched)
			}
		case string(name) == "EXISTS" && c.sel != nil:
			if h.news != nil && c.sel.exists != num { // some servers repeat it to keep the connection alive
				h.news()
			}
			c.sel.exists = num
		case string(name) == "EXPUNGE" && c.sel != nil && c.sel.exists > 0:
			if h.news != nil {
				h.news()
			}
			c.sel.exists--
		}
		d.SkipLine()
		return
	}
	switch string(name) {
	case "OK", "NO", "BAD":
		co, _ := c.responseText()
		c.handleCode(co, h)
		return
	case "BYE":
		co, text := c.responseText()
		c.bye, c.byeText = &co, text
		return
	case "CAPABILITY":
		c.setCapabilities(d.Text(64 << 10))
		d.Accept('\n')
		return
	case "ENABLED":
		for _, w := range strings.Fields(strings.ToUpper(d.Text(4 << 10))) {
			c.enabled[w] = true
		}
		d.Accept('\n')
		return
	case "VANISHED":
		c.readVanished(h)
	case "SEARCH":
		c.readSearch(h)
	case "ESEARCH":
		c.readESearch(h)
	case "LIST", "XLIST":
		if h.list != nil {
			if l := c.readList(); d.Err() == nil {
				h.list(l)
			}
		}
	case "STATUS":
		if h.status != nil {
			if box, s := c.readStatus(); d.Err() == nil {
				h.status(box, s)
			}
		}
	case "MYRIGHTS":
		d.AcceptSpace()
		box := string(d.AString())
		d.AcceptSpace()
		rights := string(d.AString())
		if h.rights != nil && d.Err() == nil {
			h.rights(box, rights)
		}
	case "NAMESPACE":
		if h.namespace != nil {
			var v [3]wire.Value
			for i := range v {
				d.AcceptSpace()
				v[i], _ = d.Value()
			}
			if d.Err() == nil {
				h.namespace(v[0], v[1], v[2])
			}
		}
	case "FLAGS":
		if c.sel != nil {
			d.AcceptSpace()
			v, _ := d.Value()
			c.sel.spell(v)
		}
	}
	d.SkipLine()
}

func (c *client) handleCode(co code, h *handler) {
	if c.sel != nil {
		c.sel.take(co)
	}
	if co.name == "CAPABILITY" {
		c.setCapabilities(co.arg)
	}
	if h.code != nil && co.name != "" {
		h.code(co)
	}
}

// fetchData is one FETCH response. Flags is only meaningful with HasFlags, and so on.
type fetchData struct {
	UID          uint32
	Flags        groupware.Flags
	HasFlags     bool
	Date         time.Time
	Size         int64
	Body         []byte // BODY[]
	HasBody      bool
	Over         int64 // BODY[] was this long and has been passed over
	Sections     []section
	Structure    wire.Value // BODYSTRUCTURE
	HasStructure bool       // and it was within bounds
}

type section struct {
	name string // "HEADER", "1.2": in upper case, without origin
	data []byte
	over int64
}

// section returns the data of a section, nil when it was not sent.
func (f *fetchData) section(name string) ([]byte, bool) {
	for _, s := range f.Sections {
		if s.name == name {
			return s.data, s.over == 0
		}
	}
	return nil, false
}

// readFetch reads a list of FETCH items. RFC 9051 7.5.2
func (c *client) readFetch(f *fetchData) {
	*f = fetchData{Sections: f.Sections[:0]}
	d := c.dec
	if !d.Expect('(') {
		return
	}
	for d.AcceptSpace(); d.Err() == nil && !d.Accept(')'); d.AcceptSpace() {
		item := d.Item()
		switch {
		case d.Err() != nil:
			return
		case is(item, "UID"):
			d.Expect(' ')
			f.UID = d.Number()
		case is(item, "FLAGS"):
			d.Expect(' ')
			f.Flags, f.HasFlags = c.readFlags(), true
		case is(item, "INTERNALDATE"):
			d.Expect(' ')
			b, _ := d.NString()
			f.Date = parseDate(b)
		case is(item, "RFC822.SIZE"):
			d.Expect(' ')
			f.Size = int64(min(d.Number64(), 1<<62))
		case is(item, "BODY[]"):
			d.Expect(' ')
			f.Body, f.HasBody, f.Over = d.Body()
		case is(item, "BODYSTRUCTURE"):
			d.Expect(' ')
			f.Structure, f.HasStructure = d.Value()
		case len(item) > 5 && is(item[:5], "BODY["):
			name := strings.ToUpper(string(item[5 : 5+max(0, bytes.LastIndexByte(item[5:], ']'))]))
			d.Expect(' ')
			b, ok, over := d.Body()
			if ok {
				f.Sections = append(f.Sections, section{name, b, over})
			}
		default:
			d.AcceptSpace()
			d.SkipValue()
		}
	}
}

func is(b []byte, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i := range b {
		if c := b[i]; c != name[i] && !(c >= 'a' && c <= 'z' && c-'a'+'A' == name[i]) {
			return false
		}
	}
	return true
}

// readFlags reads a flag list. The same list is only taken apart once.
func (c *client) readFlags() groupware.Flags {
	d := c.dec
	if !d.Expect('(') {
		return groupware.Flags{}
	}
	b := d.Until(')')
	d.Accept(')')
	if f, ok := c.flags[string(b)]; ok {
		return f
	}
	if d.Err() != nil {
		return groupware.Flags{}
	}
	f := parseFlags(string(b))
	if len(b) > 1000 {
		return f
	}
	if len(c.flags) >= 4096 {
		clear(c.flags)
	}
	c.flags[string(b)] = f
	return f
}

// parseFlags turns IMAP flags into ours. \Recent and system flags that nobody knows are dropped.
func parseFlags(s string) groupware.Flags {
	var sys groupware.System
	var keywords []string
	for _, w := range strings.Fields(s) {
		if !strings.HasPrefix(w, `\`) {
			if len(w) <= 128 && wire.IsAtom(w) {
				keywords = append(keywords, w)
			}
			continue
		}
		sys |= systemFlag(w)
	}
	return groupware.NewFlags(sys, keywords...)
}

func systemFlag(w string) groupware.System {
	switch strings.ToLower(w) {
	case `\seen`:
		return groupware.Seen
	case `\answered`:
		return groupware.Answered
	case `\flagged`:
		return groupware.Flagged
	case `\draft`:
		return groupware.Draft
	case `\deleted`:
		return groupware.Deleted
	}
	return 0
}

// parseDate reads "dd-Mon-yyyy hh:mm:ss +zzzz" (RFC 9051 9 "date-time"); the zero time when it is not one.
func parseDate(b []byte) time.Time {
	if len(b) != 26 {
		return time.Time{}
	}
	if b[0] == ' ' {
		b[0] = '0'
	}
	var bad bool
	num := func(from, to int) (n int) {
		for _, c := range b[from:to] {
			if c < '0' || c > '9' {
				bad = true
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	month := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(string(b[3:6])))
	if month < 0 || month%3 != 0 {
		return time.Time{}
	}
	zone := time.Duration(num(22, 24))*time.Hour + time.Duration(num(24, 26))*time.Minute
	if b[21] == '-' {
		zone = -zone
	}
	t := time.Date(num(7, 11), time.Month(1+month/3), num(0, 2), num(12, 14), num(15, 17), num(18, 20), 0, time.UTC).Add(-zone)
	if bad {
		return time.Time{}
	}
	return t
}

// formatDate is the opposite of parseDate, in UTC.
func formatDate(t time.Time) string { return t.UTC().Format("_2-Jan-2006 15:04:05 -0700") }

// readVanished reads "VANISHED [(EARLIER)] set". RFC 7162 3.2.10
func (c *client) readVanished(h *handler) {
	d := c.dec
	d.AcceptSpace()
	earlier := false
	if d.Peek() == '(' {
		d.SkipValue()
		d.AcceptSpace()
		earlier = true
	}
	d.Set(func(r wire.Range) {
		if !earlier && c.sel != nil {
			c.sel.exists -= uint32(min(int64(c.sel.exists), r.Count()))
		}
		if h.news != nil {
			h.news()
		}
		if h.vanished != nil && h.err == nil {
			h.err = h.vanished(r)
		}
	})
}

// readSearch reads the numbers of "SEARCH n n n (MODSEQ n)".
func (c *client) readSearch(h *handler) {
	d := c.dec
	for d.AcceptSpace(); d.Err() == nil && d.Peek() >= '0' && d.Peek() <= '9'; d.AcceptSpace() {
		n := d.Number()
		d.Forget()
		if h.search != nil && d.Err() == nil {
			h.search(wire.Range{Low: n, High: n})
		}
	}
}

// readESearch reads the set of "ESEARCH (TAG "x") UID ALL set". RFC 4731 3.1, RFC 4466 2.6.2
func (c *client) readESearch(h *handler) {
	d := c.dec
	for d.AcceptSpace(); d.Err() == nil && !d.AtEOL(); d.AcceptSpace() {
		if d.Peek() == '(' {
			d.SkipValue()
			continue
		}
		a := d.Atom()
		switch {
		case is(a, "UID"):
		case is(a, "ALL"):
			d.Expect(' ')
			d.Set(func(r wire.Range) {
				if h.search != nil {
					h.search(r)
				}
			})
		default:
			d.AcceptSpace()
			d.SkipValue()
		}
	}
}

// listed is one LIST response: a mailbox as the server names it. RFC 9051 7.3.1
type listed struct {
	name  string
	delim string // "" when the name has no levels
	attrs map[string]bool
}

func (c *client) readList() listed {
	d := c.dec
	l := listed{attrs: map[string]bool{}}
	d.AcceptSpace()
	attrs, _ := d.Value()
	for _, a := range attrs.List {
		l.attrs[strings.ToLower(a.Str)] = true
	}
	d.AcceptSpace()
	delim, _ := d.NString()
	l.delim = string(delim)
	d.AcceptSpace()
	l.name = string(d.AString())
	return l
}

// status is one STATUS response. RFC 9051 7.3.4
type status struct {
	known                          bool // messages and what came with it
	messages, uidNext, uidValidity uint32
	modSeq                         uint64
	mailboxID                      string
}

func (c *client) readStatus() (string, status) {
	d := c.dec
	var s status
	d.AcceptSpace()
	box := string(d.AString())
	d.AcceptSpace()
	d.Expect('(')
	for d.AcceptSpace(); d.Err() == nil && !d.Accept(')'); d.AcceptSpace() {
		item := string(bytes.ToUpper(d.Item()))
		d.Expect(' ')
		switch item {
		case "MESSAGES":
			s.messages, s.known = d.Number(), true
		case "UIDNEXT":
			s.uidNext = d.Number()
		case "UIDVALIDITY":
			s.uidValidity = d.Number()
		case "HIGHESTMODSEQ":
			s.modSeq = d.Number64()
		case "MAILBOXID":
			v, _ := d.Value()
			s.mailboxID = v.At(0).Str
		default:
			d.SkipValue()
		}
	}
	return box, s
}

// merge adds what an earlier response for the same mailbox told.
func (s *status) merge(old status) {
	if !s.known {
		id := s.mailboxID
		*s = old
		s.mailboxID = id
	}
	if s.mailboxID == "" {
		s.mailboxID = old.mailboxID
	}
}
