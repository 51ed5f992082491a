package mapi

import (
	"fmt"
	"math"
)

// Restriction is a condition on an object: one of the types below. MS-OXCDATA 2.12
type Restriction interface {
	restrictionType() byte
}

// And is met when all of its conditions are; with none it is met. MS-OXCDATA 2.12.1
type And []Restriction

// Or is met when one of its conditions is. MS-OXCDATA 2.12.2
type Or []Restriction

// Not is met when its condition is not. MS-OXCDATA 2.12.3
type Not struct{ Of Restriction }

// Content compares a text or bytes with a part. MS-OXCDATA 2.12.4
type Content struct {
	Part Part
	// Loosely holds the Ignore bits.
	Loosely Loosely
	Tag     Tag
	// ValueTag is the tag that stands at the value; only its type counts.
	ValueTag Tag
	Value    Value
}

// Part says which part of a text must be the wanted one. MS-OXCDATA 2.12.4.1
type Part uint16

// The parts. MS-OXCDATA 2.12.4.1
const (
	Whole     Part = 0x0000
	Substring Part = 0x0001
	Prefix    Part = 0x0002
)

// Loosely says what does not count when texts are compared. MS-OXCDATA 2.12.4.1
type Loosely uint16

// What does not count. MS-OXCDATA 2.12.4.1
const (
	IgnoreCase     Loosely = 0x0001
	IgnoreNonSpace Loosely = 0x0002 // accents and the like
	Loose          Loosely = 0x0004 // both
)

// RelOp is how two values are compared. MS-OXCDATA 2.12.5.1
type RelOp uint8

// The comparisons. MS-OXCDATA 2.12.5.1
const (
	Less           RelOp = 0x00
	LessOrEqual    RelOp = 0x01
	Greater        RelOp = 0x02
	GreaterOrEqual RelOp = 0x03
	EqualTo        RelOp = 0x04
	NotEqual       RelOp = 0x05
	MemberOfDL     RelOp = 0x64
)

// Compare compares a property with a value. MS-OXCDATA 2.12.5
type Compare struct {
	Op  RelOp
	Tag Tag
	// ValueTag is the tag that stands at the value; only its type counts.
	ValueTag Tag
	Value    Value
}

// CompareProperties compares two properties of the object. MS-OXCDATA 2.12.6
type CompareProperties struct {
	Op          RelOp
	Left, Right Tag
}

// Bitmask looks at bits of a number. MS-OXCDATA 2.12.7
type Bitmask struct {
	// NotZero says that one of the bits must be set; otherwise all must be clear.
	NotZero bool
	Tag     Tag
	Mask    uint32
}

// Size compares the size of a value in bytes. MS-OXCDATA 2.12.8
type Size struct {
	Op   RelOp
	Tag  Tag
	Size uint32
}

// Exist is met when the object has the property. MS-OXCDATA 2.12.9
type Exist struct{ Tag Tag }

// SubObject is met when one of the recipients or attachments meets the condition. MS-OXCDATA 2.12.10
type SubObject struct {
	Tag Tag // TagMessageRecipients or TagMessageAttachments
	Of  Restriction
}

// Comment carries values for whoever made the condition; they do not count. MS-OXCDATA 2.12.11
type Comment struct {
	Values []Property  // of those without names
	Of     Restriction // nil: it is met
}

// Count says that no more than so many of those that meet the condition are wanted. MS-OXCDATA 2.12.12
type Count struct {
	Count uint32
	Of    Restriction
}

func (And) restrictionType() byte               { return 0x00 }
func (Or) restrictionType() byte                { return 0x01 }
func (Not) restrictionType() byte               { return 0x02 }
func (Content) restrictionType() byte           { return 0x03 }
func (Compare) restrictionType() byte           { return 0x04 }
func (CompareProperties) restrictionType() byte { return 0x05 }
func (Bitmask) restrictionType() byte           { return 0x06 }
func (Size) restrictionType() byte              { return 0x07 }
func (Exist) restrictionType() byte             { return 0x08 }
func (SubObject) restrictionType() byte         { return 0x09 }
func (Comment) restrictionType() byte           { return 0x0A }
func (Count) restrictionType() byte             { return 0x0B }

// AppendRestriction appends a condition in the form, which is ROP or Extended. MS-OXCDATA 2.12
func AppendRestriction(dst []byte, f Form, r Restriction) ([]byte, error) {
	return AppendValue(dst, f, r)
}

// DecodeRestriction reads a condition from the start of the bytes, and gives what is behind it. MS-OXCDATA 2.12
func DecodeRestriction(f Form, data []byte) (Restriction, []byte, error) {
	v, rest, err := DecodeValue(f, TypeRestriction, data)
	if err != nil {
		return nil, rest, err
	}
	return v.(Restriction), rest, nil
}

func (f Form) appendRestriction(dst []byte, r Restriction, depth int) (_ []byte, err error) {
	if depth >= maxDepth {
		return dst, fmt.Errorf("conditions lie more than %d deep in each other", maxDepth)
	}
	if r == nil {
		return dst, fmt.Errorf("a condition is missing")
	}
	depth++
	dst = append(dst, r.restrictionType())
	switch r := r.(type) {
	case And:
		return f.appendRestrictions(dst, r, depth)
	case Or:
		return f.appendRestrictions(dst, r, depth)
	case Not:
		return f.appendRestriction(dst, r.Of, depth)
	case Content:
		dst = le.AppendUint16(dst, uint16(r.Part))
		dst = le.AppendUint16(dst, uint16(r.Loosely))
		return f.appendTagged(le.AppendUint32(dst, uint32(r.Tag)), r.ValueTag, r.Value, depth)
	case Compare:
		dst = le.AppendUint32(append(dst, byte(r.Op)), uint32(r.Tag))
		return f.appendTagged(dst, r.ValueTag, r.Value, depth)
	case CompareProperties:
		dst = le.AppendUint32(append(dst, byte(r.Op)), uint32(r.Left))
		return le.AppendUint32(dst, uint32(r.Right)), nil
	case Bitmask:
		op := byte(0)
		if r.NotZero {
			op = 1
		}
		return le.AppendUint32(le.AppendUint32(append(dst, op), uint32(r.Tag)), r.Mask), nil
	case Size:
		return le.AppendUint32(le.AppendUint32(append(dst, byte(r.Op)), uint32(r.Tag)), r.Size), nil
	case Exist:
		return le.AppendUint32(dst, uint32(r.Tag)), nil
	case SubObject:
		return f.appendRestriction(le.AppendUint32(dst, uint32(r.Tag)), r.Of, depth)
	case Comment:
		if len(r.Values) > math.MaxUint8 {
			return dst, fmt.Errorf("%d values at a condition are more than 255", len(r.Values))
		}
		dst = append(dst, byte(len(r.Values)))
		for _, p := range r.Values {
			if dst, err = f.appendTagged(dst, p.Tag, p.Value, depth); err != nil {
				return dst, err
			}
		}
		if r.Of == nil {
			return append(dst, 0), nil
		}
		return f.appendRestriction(append(dst, 1), r.Of, depth)
	case Count:
		return f.appendRestriction(le.AppendUint32(dst, r.Count), r.Of, depth)
	}
	return dst, fmt.Errorf("a %T is no condition", r)
}

func (f Form) appendRestrictions(dst []byte, all []Restriction, depth int) ([]byte, error) {
	dst, err := f.appendCount(dst, len(all))
	for _, r := range all {
		if err != nil {
			break
		}
		dst, err = f.appendRestriction(dst, r, depth)
	}
	return dst, err
}

func (f Form) readRestriction(r *reader, depth int) Restriction {
	if depth >= maxDepth {
		r.fail("conditions lie more than %d deep in each other", maxDepth)
	}
	if r.err != nil {
		return nil
	}
	depth++
	switch kind := r.u8(); kind {
	case 0x00:
		return And(f.readRestrictions(r, depth))
	case 0x01:
		return Or(f.readRestrictions(r, depth))
	case 0x02:
		return Not{Of: f.readRestriction(r, depth)}
	case 0x03:
		c := Content{Part: Part(r.u16()), Loosely: Loosely(r.u16()), Tag: Tag(r.u32())}
		c.ValueTag, c.Value = f.readTagged(r, depth)
		return c
	case 0x04:
		c := Compare{Op: RelOp(r.u8()), Tag: Tag(r.u32())}
		c.ValueTag, c.Value = f.readTagged(r, depth)
		return c
	case 0x05:
		return CompareProperties{Op: RelOp(r.u8()), Left: Tag(r.u32()), Right: Tag(r.u32())}
	case 0x06:
		return Bitmask{NotZero: r.u8() != 0, Tag: Tag(r.u32()), Mask: r.u32()}
	case 0x07:
		return Size{Op: RelOp(r.u8()), Tag: Tag(r.u32()), Size: r.u32()}
	case 0x08:
		return Exist{Tag: Tag(r.u32())}
	case 0x09:
		return SubObject{Tag: Tag(r.u32()), Of: f.readRestriction(r, depth)}
	case 0x0A:
		var c Comment
		for range r.fits(uint64(r.u8()), 4) {
			t, v := f.readTagged(r, depth)
			if r.err != nil {
				return nil
			}
			c.Values = append(c.Values, Property{Tag: t, Value: v})
		}
		if r.u8() != 0 {
			c.Of = f.readRestriction(r, depth)
		}
		return c
	case 0x0B:
		return Count{Count: r.u32(), Of: f.readRestriction(r, depth)}
	default:
		r.fail("a condition of the unknown kind 0x%02X", kind)
		return nil
	}
}

func (f Form) readRestrictions(r *reader, depth int) []Restriction {
	all := make([]Restriction, 0)
	for range f.readCount(r, 3) {
		one := f.readRestriction(r, depth)
		if r.err != nil {
			return nil
		}
		all = append(all, one)
	}
	return all
}
