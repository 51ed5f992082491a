package mapi

import (
	"fmt"
)

// codePageType is the flag of a type in a stream that means text in the code page of the other bits. MS-OXCFXICS 2.2.4.1.1
const codePageType Type = 0x8000

// codePageUnicode is the code page of UTF-16.
const codePageUnicode = 1200

// AppendPropValue appends a property as FastTransfer streams hold it: tag, name and value. A named property needs an id
// of this stream's own, from FirstNamedID on; of the others id does not count. MS-OXCFXICS 2.2.4.3.21
func AppendPropValue(dst []byte, p Property, id uint16) ([]byte, error) {
	if p.Name.IsZero() {
		if p.Tag.Named() {
			return dst, fmt.Errorf("property %s: it has an id of a named property, but no name", p.Tag)
		}
		return AppendTagged(dst, Transfer, p.Tag, p.Value)
	}
	tag := MakeTag(id, TypeOf(p.Value))
	if !tag.Named() {
		return dst, fmt.Errorf("property %s: 0x%04X is no id of a named property", p.Name, id)
	}
	if err := Transfer.check(tag.Type()); err != nil {
		return dst, fmt.Errorf("property %s: %w", p.Name, err)
	}
	out, err := appendName(le.AppendUint32(dst, uint32(tag)), p.Name)
	if err == nil {
		out, err = Transfer.append(out, p.Value, 0)
	}
	if err != nil {
		return dst, fmt.Errorf("property %s: %w", p.Name, err)
	}
	return out, nil
}

// appendName writes a name as streams have it. MS-OXCFXICS 2.2.4.1 (namedPropInfo)
func appendName(dst []byte, n Name) ([]byte, error) {
	dst = append(append(dst, n.Set[:]...), byte(n.Kind))
	switch n.Kind {
	case KindID:
		return le.AppendUint32(dst, n.ID), nil
	case KindString:
		return ROP.appendString(dst, n.Name)
	}
	return dst, fmt.Errorf("a name of the unknown kind 0x%02X", uint8(n.Kind))
}

// DecodePropValue reads a property from the start of the bytes, and gives the id that the stream has for it and what is
// behind it. Text in the code page of UTF-16 becomes String, that in another one String8. The markers of a stream look
// like properties; whoever reads a stream looks for them first. MS-OXCFXICS 2.2.4.3.21
func DecodePropValue(data []byte) (p Property, id uint16, rest []byte, err error) {
	r := &reader{data: data}
	tag := Tag(r.u32())
	if tag.Named() && r.err == nil {
		if p.Name = r.name(); p.Name.IsZero() {
			r.fail("property %s: its name is empty", tag)
		}
	}
	t := tag.Type()
	if t&codePageType != 0 && t&TypeMultiple == 0 {
		if t == codePageType|codePageUnicode {
			t = TypeString
		} else {
			t = TypeString8
		}
	}
	if r.err == nil {
		if err := Transfer.check(t); err != nil {
			r.fail("property %s: %w", tag, err)
		}
	}
	if r.err == nil {
		p.Value = Transfer.read(r, t, 0)
	}
	if err := r.done("property of a stream"); err != nil {
		return Property{}, 0, data, err
	}
	if p.Tag = tag.WithType(t); !p.Name.IsZero() {
		p.Tag = MakeTag(0, t)
	}
	return p, tag.ID(), cut(data[r.pos:]), nil
}

func (r *reader) name() Name {
	n := Name{Set: r.guid(), Kind: Kind(r.u8())}
	switch {
	case r.err != nil:
	case n.Kind == KindID:
		n.ID = r.u32()
	case n.Kind == KindString:
		n.Name = r.stringz()
	default:
		r.fail("a name of the unknown kind 0x%02X", uint8(n.Kind))
	}
	return n
}

// AppendPropertyName appends a name as remote operations ask for its id. MS-OXCDATA 2.6.1
func AppendPropertyName(dst []byte, n Name) ([]byte, error) {
	out := append(append(dst, byte(n.Kind)), n.Set[:]...)
	switch n.Kind {
	case KindID:
		return le.AppendUint32(out, n.ID), nil
	case KindString:
		text, err := ROP.appendString(nil, n.Name)
		if err == nil && len(text) > 0xFF {
			err = fmt.Errorf("it takes %d bytes, more than 255", len(text))
		}
		if err != nil {
			return dst, fmt.Errorf("property name %.40q: %w", n.Name, err)
		}
		return append(append(out, byte(len(text))), text...), nil
	case KindNone:
		return out, nil
	}
	return dst, fmt.Errorf("property name of the unknown kind 0x%02X", uint8(n.Kind))
}

// DecodePropertyName reads a name as remote operations have it, and gives what is behind it. MS-OXCDATA 2.6.1
func DecodePropertyName(data []byte) (n Name, rest []byte, err error) {
	r := &reader{data: data}
	n.Kind, n.Set = Kind(r.u8()), r.guid()
	switch {
	case r.err != nil || n.Kind == KindNone:
	case n.Kind == KindID:
		n.ID = r.u32()
	case n.Kind == KindString:
		text := &reader{data: r.take(int(r.u8()))}
		n.Name = text.stringz()
		text.end()
		if r.err == nil && text.err != nil {
			r.fail("the name: %w", text.err)
		}
	default:
		r.fail("the unknown kind 0x%02X", uint8(n.Kind))
	}
	if err := r.done("property name"); err != nil {
		return Name{}, data, err
	}
	return n, cut(data[r.pos:]), nil
}
