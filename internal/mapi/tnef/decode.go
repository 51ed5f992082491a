package tnef

import (
	"bytes"
	"errors"
	"fmt"

	"outpost/internal/mapi"
)

// What a file may have at most. The lengths in it are trusted only as far as there are bytes for them.
const (
	maxSize        = 1 << 30
	maxDepth       = 32      // messages in messages
	maxRecipients  = 1 << 16 // of one message
	maxAttachments = 1 << 14 // of one message
	maxProblems    = 20      // what is told of a broken file
)

// ErrFormat is the cause when a file is no TNEF at all.
var ErrFormat = errors.New("it does not begin as a TNEF file (winmail.dat) does")

// Decode reads a file. A broken one is read as far as it can be: then there are a message and an error that names the
// places; what lies beyond them is missing. There is no message only if the file is not of this kind (ErrFormat) or is
// larger than 1 GiB.
func Decode(data []byte) (*mapi.Message, error) {
	if len(data) > maxSize {
		return nil, fmt.Errorf("read TNEF: a file of %d bytes is larger than 1 GiB", len(data))
	}
	if !isStream(data) {
		return nil, fmt.Errorf("read TNEF: %w", ErrFormat)
	}
	d := &decoder{}
	m := d.stream(data, 0, 0)
	if d.more > 0 {
		d.problems = append(d.problems, fmt.Errorf("and %d more", d.more))
	}
	if len(d.problems) > 0 {
		return m, fmt.Errorf("read TNEF: %w", errors.Join(d.problems...))
	}
	return m, nil
}

func isStream(data []byte) bool { return len(data) >= 6 && le.Uint32(data) == signature }

type decoder struct {
	problems []error
	more     int
}

func (d *decoder) problem(err error) {
	if len(d.problems) >= maxProblems {
		d.more++
		return
	}
	d.problems = append(d.problems, err)
}

func (d *decoder) problemAt(at int, format string, args ...any) {
	d.problem(fmt.Errorf("at byte %d: "+format, append([]any{at}, args...)...))
}

// object is a message or an attachment while it is read: what attributes say of it and what its own list says.
type object struct {
	attributes, properties mapi.Properties
	embedded               *mapi.Message
}

// merged gives the properties of both; those of the list count. MS-OXTNEF 2.1.3
func (o *object) merged() mapi.Properties {
	if o.attributes.Len() == 0 {
		return o.properties
	}
	p := o.attributes
	for prop := range o.properties.All() {
		p.SetProperty(prop)
	}
	if o.embedded != nil {
		p.Delete(tagAttachDataBinary) // something for readers that cannot show a message
	}
	return p
}

// stream reads a stream, which may lie in another one. MS-OXTNEF 2.1.3
func (d *decoder) stream(data []byte, base, depth int) *mapi.Message {
	const header = 6 // the signature and a key that nobody needs
	r := &reader{data: data, base: base, pos: header}
	m := &mapi.Message{}
	var message object
	var attachments []*object
	var owner []byte
	codepage := uint32(0)
	for r.left() > 0 {
		a, ok := d.attribute(r)
		if !ok {
			break
		}
		if a.level == levelAttachment && a.id != attAttachRendData && len(attachments) == 0 {
			d.problemAt(a.at, "attribute 0x%08X of an attachment stands before the one that begins an attachment", a.id)
			attachments = append(attachments, &object{})
		}
		switch {
		case a.id == attMsgProps:
			d.list(&reader{data: a.data, base: a.at}, &message, depth)
		case a.id == attRecipTable:
			m.Recipients = append(m.Recipients, d.recipients(&reader{data: a.data, base: a.at}, maxRecipients-len(m.Recipients), depth)...)
		case a.id == attTnefVersion:
		case a.id == attOemCodepage:
			codepage = (&reader{data: a.data}).u32()
		case a.id == attOwner:
			owner = a.data
		case a.level == levelMessage:
			if !messageAttribute(&message.attributes, a.id, a.data) {
				d.problemAt(a.at, "attribute 0x%08X of %d bytes is not understood", a.id, len(a.data))
			}
		case a.id == attAttachRendData && len(attachments) == maxAttachments:
			d.problemAt(a.at, "there are more than %d attachments", maxAttachments)
			r.pos = len(data)
		case a.id == attAttachment:
			d.list(&reader{data: a.data, base: a.at}, attachments[len(attachments)-1], depth)
		default:
			if a.id == attAttachRendData {
				attachments = append(attachments, &object{})
			}
			if !attachmentAttribute(&attachments[len(attachments)-1].attributes, a.id, a.data) {
				d.problemAt(a.at, "attribute 0x%08X of %d bytes is not understood", a.id, len(a.data))
			}
		}
	}
	if owner != nil && !ownerAttribute(&message.attributes, classOf(&message), owner) {
		d.problemAt(base, "the owner of the meeting cannot be read")
	}
	m.Properties = message.merged()
	for _, a := range attachments {
		m.Attachments = append(m.Attachments, mapi.Attachment{Properties: a.merged(), Embedded: a.embedded})
	}
	if _, ok := m.Get(tagMessageCodepage); !ok && codepage != 0 && hasString8(m) {
		m.Set(tagMessageCodepage, int32(codepage))
	}
	return m
}

// isFiller reports whether nothing but NULs and line ends follows, which some mail programs add.
func isFiller(rest []byte) bool { return len(bytes.TrimLeft(rest, "\x00\r\n")) == 0 }

// attribute is one attribute, with where its data begins.
type attribute struct {
	level uint8
	id    uint32
	data  []byte
	at    int
}

// attribute reads the next attribute. It reports false if there is none that can be read. MS-OXTNEF 2.1.3
func (d *decoder) attribute(r *reader) (a attribute, ok bool) {
	start, rest := r.at(), r.data[r.pos:]
	a.level, a.id = r.u8(), r.u32()
	n := r.u32()
	a.at = r.at()
	switch {
	case rest[0] != levelMessage && rest[0] != levelAttachment:
		if !isFiller(rest) {
			d.problemAt(start, "an attribute should begin, but there is 0x%02X; the %d bytes from there are left out", rest[0], len(rest))
		}
		return a, false
	case r.err != nil:
		d.problemAt(start, "%d bytes at the end are no attribute", len(rest))
		return a, false
	case uint64(n) > uint64(r.left()):
		d.problemAt(a.at, "attribute 0x%08X should have %d bytes, but the file has only %d more", a.id, n, r.left())
		a.data = r.take(r.left())
		return a, true
	}
	a.data = r.take(int(n))
	if sum := r.u16(); r.err != nil {
		d.problemAt(a.at, "the checksum of attribute 0x%08X is missing", a.id)
	} else if sum != checksum(a.data) {
		d.problemAt(a.at, "the checksum of attribute 0x%08X is wrong: its %d bytes may be damaged", a.id, n)
	}
	return a, true
}

// list reads a list of properties. MS-OXTNEF 2.1.3.4
func (d *decoder) list(r *reader, o *object, depth int) {
	n := r.u32()
	for i := uint32(0); i < n && r.err == nil; i++ {
		p := readProperty(r)
		if r.err != nil {
			r.err = fmt.Errorf("property %d of %d: %w", i+1, n, r.err)
			break
		}
		d.set(o, p, depth)
	}
	if r.err != nil {
		d.problem(r.err)
	}
}

func (d *decoder) set(o *object, p property, depth int) {
	if p.Tag.Type() == mapi.TypeObject {
		if p.Tag == tagAttachDataObject && p.iid == iidMessage() && isStream(p.object) {
			if depth+1 < maxDepth {
				o.embedded = d.stream(p.object, p.objectAt, depth+1)
				return
			}
			d.problemAt(p.at, "there are messages in messages deeper than %d", maxDepth)
		}
		p.Value = mapi.Object(clone(p.object))
	}
	switch {
	case !p.Name.IsZero():
		o.properties.SetNamed(p.Name, p.Value)
	case p.Tag.ID() == 0:
		d.problemAt(p.at, "a property has neither an id nor a name")
	default:
		o.properties.Set(p.Tag, p.Value)
	}
}

// recipients reads a table of recipients. MS-OXTNEF 2.1.3.4
func (d *decoder) recipients(r *reader, most, depth int) (rows []mapi.Properties) {
	n := r.u32()
	for i := uint32(0); i < n && r.err == nil && r.left() > 0; i++ {
		if len(rows) == most {
			d.problemAt(r.at(), "there are more than %d recipients", maxRecipients)
			return rows
		}
		var row object
		d.list(r, &row, depth)
		rows = append(rows, row.merged())
	}
	if r.err == nil && uint64(n) > uint64(len(rows)) {
		d.problemAt(r.at(), "there should be %d recipients, but there are only %d", n, len(rows))
	}
	return rows
}

// classOf is the message class.
func classOf(o *object) string {
	p := o.merged()
	return asText(&p, tagMessageClass)
}

// asText gives a text that is of either type.
func asText(p *mapi.Properties, t mapi.Tag) string {
	v, _ := p.Get(t.WithType(mapi.TypeUnspecified))
	switch v := v.(type) {
	case string:
		return v
	case mapi.String8:
		return string(v)
	}
	return ""
}

// hasString8 reports whether there is text in a code page, other than in an embedded message, which says its own.
func hasString8(m *mapi.Message) bool {
	has := func(p *mapi.Properties) bool {
		for prop := range p.All() {
			if prop.Tag.Type().Single() == mapi.TypeString8 {
				return true
			}
		}
		return false
	}
	if has(&m.Properties) {
		return true
	}
	for i := range m.Recipients {
		if has(&m.Recipients[i]) {
			return true
		}
	}
	for i := range m.Attachments {
		if has(&m.Attachments[i].Properties) {
			return true
		}
	}
	return false
}
