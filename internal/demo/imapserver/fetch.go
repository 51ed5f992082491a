package imapserver

import (
	"bytes"
	"encoding/base64"
	"io"
	"math"
	"mime/quotedprintable"
	"slices"
	"strconv"
	"strings"

	"outpost/internal/demo/mailstore"
)

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }

// fetchItem is one thing to tell of a message.
type fetchItem struct {
	name string // in capitals; "BODY[" for a section
	// of a section
	label  string // as asked for, "BODY[1.HEADER.FIELDS (From)]"
	path   []int
	what   string // "", HEADER, TEXT, MIME, HEADER.FIELDS, HEADER.FIELDS.NOT
	binary bool   // decoded (RFC 3516)
	fields []string
	peek   bool
	ranged bool
	offset uint64
	length uint64
}

// fetch is FETCH and UID FETCH with RFC 7162's modifiers.
func (x *session) fetch(uid bool, c *command) error {
	uids, asked, err := x.messages(uid, c)
	if err != nil {
		return err
	}
	if err := c.space(); err != nil {
		return err
	}
	items, err := c.fetchItems()
	if err != nil {
		return err
	}
	since, vanished := uint64(0), false
	if c.take(' ') {
		if !x.can("CONDSTORE") {
			return bad("FETCH modifiers are not offered")
		}
		err := c.list(func() error {
			switch w, err := c.word(); {
			case err != nil:
				return err
			case w == "CHANGEDSINCE":
				if err := c.space(); err != nil {
					return err
				}
				since, err = c.number()
				x.condAll = true
				items = append(items, fetchItem{name: "MODSEQ"})
				return err
			case w == "VANISHED" && uid && x.qresync:
				vanished = true
				return nil
			default:
				return bad("FETCH %q: not known, or not enabled", w)
			}
		})
		if err != nil {
			return err
		}
	}
	if err := c.done(); err != nil {
		return err
	}
	if vanished && since == 0 {
		return bad("VANISHED goes with CHANGEDSINCE")
	}
	if vanished {
		gone, _ := x.box.b.Expunged(since)
		gone = slices.DeleteFunc(gone, func(u uint32) bool { return x.box.seq(u) != 0 || !asked.has(u, max(x.box.lastUID(), 1)) })
		if len(gone) > 0 {
			x.printf("* VANISHED (EARLIER) %s\r\n", formatSet(gone))
		}
	}
	if uid && !slices.ContainsFunc(items, func(f fetchItem) bool { return f.name == "UID" }) {
		items = slices.Insert(items, 0, fetchItem{name: "UID"})
	}
	if err := x.known(items); err != nil {
		return err
	}
	for _, u := range uids {
		m, ok := x.box.b.Message(u)
		if !ok || since > 0 && m.ModSeq <= since {
			continue
		}
		if err := x.fetchOne(&m, items); err != nil {
			return err
		}
	}
	return nil
}

// known refuses items of extensions that are not offered.
func (x *session) known(items []fetchItem) error {
	for _, f := range items {
		switch {
		case f.name == "MODSEQ" && !x.can("CONDSTORE"), (f.name == "EMAILID" || f.name == "THREADID") && !x.can("OBJECTID"):
			return bad("FETCH %s: not known", f.name)
		case f.name == "MODSEQ":
			x.condAll = true
		}
	}
	return nil
}

func (c *command) fetchItems() ([]fetchItem, error) {
	var items []fetchItem
	one := func() error {
		if len(items) > 1000 {
			return bad("too many items")
		}
		f, err := c.fetchItem()
		items = append(items, f)
		return err
	}
	if c.peek() == '(' {
		return items, c.list(one)
	}
	err := one()
	if err == nil {
		var macro []string
		switch items[0].name {
		case "ALL":
			macro = []string{"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"}
		case "FAST":
			macro = []string{"FLAGS", "INTERNALDATE", "RFC822.SIZE"}
		case "FULL":
			macro = []string{"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"}
		}
		if macro != nil {
			items = nil
			for _, n := range macro {
				items = append(items, fetchItem{name: n})
			}
		}
	}
	return items, err
}

func (c *command) fetchItem() (fetchItem, error) {
	name := strings.ToUpper(c.run(func(b byte) bool { return b == '.' || b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z' }))
	f := fetchItem{name: name}
	if (name == "BODY" || name == "BODY.PEEK") && c.peek() == '[' {
		f.name, f.peek = "BODY[", name == "BODY.PEEK"
		return f, c.section(&f)
	}
	if kind, ok := strings.CutPrefix(name, "BINARY"); ok && c.peek() == '[' && (kind == "" || kind == ".PEEK" || kind == ".SIZE") {
		f = fetchItem{name: "BODY[", binary: true, peek: kind != ""}
		err := c.section(&f)
		if f.what != "" || kind == ".SIZE" && f.ranged {
			err = bad("FETCH BINARY is of parts")
		}
		f.label = "BINARY" + strings.TrimPrefix(f.label, "BODY")
		if kind == ".SIZE" {
			f.name, f.label = "BINARY.SIZE", "BINARY.SIZE"+strings.TrimPrefix(f.label, "BINARY")
		}
		return f, err
	}
	switch name {
	case "RFC822":
		return fetchItem{name: "BODY[", label: name}, nil
	case "RFC822.HEADER":
		return fetchItem{name: "BODY[", label: name, what: "HEADER", peek: true}, nil
	case "RFC822.TEXT":
		return fetchItem{name: "BODY[", label: name, what: "TEXT"}, nil
	case "ALL", "FAST", "FULL", "FLAGS", "UID", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE", "MODSEQ", "EMAILID", "THREADID":
		return f, nil
	}
	return f, bad("FETCH %q: not known", name+brief(c.rest()))
}

// section reads "[1.2.HEADER.FIELDS (A B)]<0.100>".
func (c *command) section(f *fetchItem) error {
	c.pos++
	var label strings.Builder
	for c.peek() >= '1' && c.peek() <= '9' {
		n, err := c.number()
		if err != nil || n > 1<<20 || len(f.path) > maxPartDepth {
			return bad("not a part's number")
		}
		f.path = append(f.path, int(n))
		label.WriteString(utoa(n))
		if !c.take('.') {
			break
		}
		label.WriteByte('.')
	}
	f.what = strings.ToUpper(c.run(func(b byte) bool { return b == '.' || b|0x20 >= 'a' && b|0x20 <= 'z' }))
	label.WriteString(f.what)
	switch f.what {
	case "", "HEADER", "TEXT":
	case "MIME":
		if len(f.path) == 0 {
			return bad("MIME is of a part")
		}
	case "HEADER.FIELDS", "HEADER.FIELDS.NOT":
		if err := c.space(); err != nil {
			return err
		}
		err := c.list(func() error {
			s, err := c.astring()
			f.fields = append(f.fields, s)
			return err
		})
		if err != nil {
			return err
		}
		var o out
		for i, s := range f.fields {
			if i > 0 {
				o.WriteByte(' ')
			}
			if strings.ContainsFunc(s, func(r rune) bool { return r >= 0x7f || !isAtom(byte(r)) }) || s == "" {
				o.str(s)
			} else {
				o.WriteString(s)
			}
		}
		label.WriteString(" (" + o.String() + ")")
	default:
		return bad("section %q: not known", f.what)
	}
	if err := c.expect(']'); err != nil {
		return err
	}
	f.label = "BODY[" + label.String() + "]"
	if !c.take('<') {
		return nil
	}
	var err error
	f.ranged = true
	if f.offset, err = c.number(); err == nil {
		err = c.expect('.')
	}
	if err == nil {
		f.length, err = c.number()
	}
	if err == nil && (f.length == 0 || f.offset > math.MaxInt32) {
		err = bad("not a range")
	}
	f.label += "<" + utoa(f.offset) + ">"
	if err == nil {
		err = c.expect('>')
	}
	return err
}

// fetchOne answers for one message.
func (x *session) fetchOne(m *mailstore.Message, items []fetchItem) error {
	read := slices.ContainsFunc(items, func(f fetchItem) bool { return f.name == "BODY[" && !f.peek })
	if read && !x.box.readOnly && !m.Has(`\Seen`) && need(x.box.b, "s") == nil {
		if now, _, err := x.box.b.SetFlags([]uint32{m.UID}, mailstore.AddFlags, []string{`\Seen`}, math.MaxUint64); err == nil && len(now) == 1 {
			*m = now[0] // update tells the flag afterwards
		}
	}
	var root *part
	structure := func() *part {
		if root == nil {
			root = parseMessage(m.Body)
		}
		return root
	}
	var o out
	for i, f := range items {
		if i > 0 {
			o.WriteByte(' ')
		}
		switch f.name {
		case "UID":
			o.WriteString("UID " + utoa(uint64(m.UID)))
		case "FLAGS":
			o.WriteString("FLAGS (" + strings.Join(m.Flags, " ") + ")")
		case "INTERNALDATE":
			o.WriteString(`INTERNALDATE "` + m.Received.Format("_2-Jan-2006 15:04:05 -0700") + `"`)
		case "RFC822.SIZE":
			o.WriteString("RFC822.SIZE " + strconv.Itoa(len(m.Body)))
		case "MODSEQ":
			o.WriteString("MODSEQ (" + utoa(m.ModSeq) + ")")
		case "EMAILID":
			o.WriteString("EMAILID (" + m.EmailID + ")")
		case "THREADID":
			o.WriteString("THREADID NIL")
		case "ENVELOPE":
			o.WriteString("ENVELOPE ")
			o.envelope(structure())
		case "BODY", "BODYSTRUCTURE":
			o.WriteString(f.name + " ")
			o.bodyStructure(structure(), f.name == "BODYSTRUCTURE")
		case "BODY[", "BINARY.SIZE":
			b, ok := m.Body, true
			if f.what != "" || f.path != nil {
				b, ok = structure().section(&f)
			}
			if f.binary && ok && f.path != nil {
				if b, ok = structure().find(f.path).decode(); !ok {
					return no("[UNKNOWN-CTE] this part cannot be decoded")
				}
			}
			o.WriteString(f.label + " ")
			if f.name == "BINARY.SIZE" {
				o.WriteString(strconv.Itoa(len(b)))
				break
			}
			if !ok {
				o.WriteString("NIL")
				break
			}
			if f.ranged {
				from := min(f.offset, uint64(len(b)))
				b = b[from:min(from+f.length, uint64(len(b)))]
			}
			if f.binary && bytes.IndexByte(b, 0) >= 0 {
				o.WriteByte('~')
			}
			o.WriteString("{" + strconv.Itoa(len(b)) + "}\r\n")
			o.Write(b)
		}
	}
	x.printf("* %d FETCH (", x.box.seq(m.UID))
	x.w.Write(o.Bytes())
	x.printf(")\r\n")
	return nil
}

// decode undoes the part's transfer encoding; a part with parts has none.
func (p *part) decode() ([]byte, bool) {
	if len(p.parts) > 0 {
		return p.body, true
	}
	var r io.Reader = bytes.NewReader(p.body)
	switch strings.ToLower(strings.TrimSpace(dropComments(p.value("Content-Transfer-Encoding")))) {
	case "", "7bit", "8bit", "binary":
		return p.body, true
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	default:
		return nil, false
	}
	b, err := io.ReadAll(r)
	return b, err == nil
}

// section returns the bytes that a section names.
func (p *part) section(f *fetchItem) ([]byte, bool) {
	if p = p.find(f.path); p == nil {
		return nil, false
	}
	if f.what == "MIME" {
		return p.header, true
	}
	if len(f.path) > 0 && f.what != "" { // HEADER and TEXT are of the message that the part is
		if p = p.message; p == nil {
			return nil, false
		}
	}
	switch f.what {
	case "HEADER":
		return p.header, true
	case "HEADER.FIELDS", "HEADER.FIELDS.NOT":
		var b bytes.Buffer
		for _, h := range p.fields {
			in := slices.ContainsFunc(f.fields, func(s string) bool { return strings.EqualFold(s, h.name) })
			if in == (f.what == "HEADER.FIELDS") {
				b.Write(h.raw)
			}
		}
		b.WriteString("\r\n")
		return b.Bytes(), true
	}
	return p.body, true
}
