package mapi

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Target is an object that conditions and sort orders are evaluated on: Properties, a Message, or a row of a table.
type Target interface {
	// Get gives the value of the property if the object has it with the type of the tag. A tag of TypeUnspecified takes
	// every type.
	Get(Tag) (Value, bool)
}

// parts is a Target with recipients or attachments.
type parts interface {
	parts(Tag) iter.Seq[Target]
}

// ErrTooComplex is the error of a condition that cannot be evaluated. MS-OXCDATA 2.4 (MAPI_E_TOO_COMPLEX)
var ErrTooComplex = errors.New("the condition cannot be evaluated")

// Match reports whether the object meets the condition. A comparison with a property that the object does not have is
// not met, so Not of it is. Texts in Compare are compared without regard to case, as Exchange does. MS-OXCDATA 2.12
func Match(r Restriction, t Target) (bool, error) { return match(r, t, 0) }

func match(r Restriction, t Target, depth int) (bool, error) {
	if depth > maxDepth {
		return false, fmt.Errorf("%w: it is more than %d deep", ErrTooComplex, maxDepth)
	}
	depth++
	switch r := r.(type) {
	case And:
		for _, one := range r {
			if ok, err := match(one, t, depth); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	case Or:
		for _, one := range r {
			if ok, err := match(one, t, depth); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	case Not:
		ok, err := match(r.Of, t, depth)
		return err == nil && !ok, err
	case Content:
		return anyOf(t, r.Tag, func(v Value) (bool, error) { return r.matches(v) })
	case Compare:
		return anyOf(t, r.Tag, func(v Value) (bool, error) { return r.Op.holds(v, r.Value) })
	case CompareProperties:
		right, ok := t.Get(r.Right)
		if !ok {
			return false, nil
		}
		return anyOf(t, r.Left, func(v Value) (bool, error) { return r.Op.holds(v, right) })
	case Bitmask:
		v, _ := t.Get(r.Tag)
		n, ok := v.(int32)
		return ok && (uint32(n)&r.Mask != 0) == r.NotZero, nil
	case Size:
		v, ok := t.Get(r.Tag)
		return ok && r.Op.of(cmp.Compare(sizeOf(v), uint64(r.Size))), nil
	case Exist:
		_, ok := t.Get(r.Tag)
		return ok, nil
	case SubObject:
		p, ok := t.(parts)
		if !ok {
			return false, fmt.Errorf("%w: the object has no %s", ErrTooComplex, r.Tag)
		}
		for part := range p.parts(r.Tag) {
			if ok, err := match(r.Of, part, depth); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	case Comment:
		if r.Of == nil {
			return true, nil
		}
		return match(r.Of, t, depth)
	case Count:
		return match(r.Of, t, depth) // how many is a matter of whoever looks through the table
	}
	return false, fmt.Errorf("%w: a %T is no condition", ErrTooComplex, r)
}

// anyOf asks about the value of a property, or about each of its values if it has many and no answer about all of them.
func anyOf(t Target, tag Tag, ask func(Value) (bool, error)) (bool, error) {
	tag &^= Tag(TypeInstance)
	v, ok := t.Get(tag)
	if !ok {
		return false, nil
	}
	ok, err := ask(v)
	if !tag.Type().Multiple() || ok {
		return ok, err
	}
	for one := range each(v) {
		if ok, oneErr := ask(one); ok {
			return true, nil
		} else if oneErr == nil {
			err = nil
		}
	}
	return false, err
}

// each gives the values of a property that has many.
func each(v Value) iter.Seq[Value] {
	return func(yield func(Value) bool) {
		switch v := v.(type) {
		case []int16:
			all(v, yield)
		case []int32:
			all(v, yield)
		case []float32:
			all(v, yield)
		case []float64:
			all(v, yield)
		case []Currency:
			all(v, yield)
		case []FloatingTime:
			all(v, yield)
		case []int64:
			all(v, yield)
		case []string:
			all(v, yield)
		case []String8:
			all(v, yield)
		case []time.Time:
			all(v, yield)
		case []GUID:
			all(v, yield)
		case [][]byte:
			all(v, yield)
		}
	}
}

func all[T any](values []T, yield func(Value) bool) {
	for _, v := range values {
		if !yield(v) {
			return
		}
	}
}

// holds compares two values. Values of different types cannot be compared, but for integers and floats of different widths.
func (op RelOp) holds(a, b Value) (bool, error) {
	if op > NotEqual {
		return false, fmt.Errorf("%w: comparison 0x%02X is not supported", ErrTooComplex, uint8(op))
	}
	order, ok := CompareValues(a, b)
	if !ok {
		if op == EqualTo || op == NotEqual {
			return Equal(a, b) == (op == EqualTo), nil
		}
		return false, fmt.Errorf("%w: a value of type %s is not comparable with one of type %s", ErrTooComplex, TypeOf(a), TypeOf(b))
	}
	return op.of(order), nil
}

// of reports whether the order of two values, as cmp.Compare gives it, is as wanted.
func (op RelOp) of(order int) bool {
	switch op {
	case Less:
		return order < 0
	case LessOrEqual:
		return order <= 0
	case Greater:
		return order > 0
	case GreaterOrEqual:
		return order >= 0
	case EqualTo:
		return order == 0
	case NotEqual:
		return order != 0
	}
	return false
}

// CompareValues orders two values as cmp.Compare does, if they have an order: integers and floats of any width, texts
// without regard to case, bytes, times, truth values (false first) and GUIDs.
func CompareValues(a, b Value) (order int, ok bool) {
	if x, ok := integer(a); ok {
		if y, ok := integer(b); ok {
			return cmp.Compare(x, y), true
		}
	}
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return cmp.Compare(fold(a), fold(b)), true
		}
	case String8: // bytes of an unknown code page, so only ASCII has a case
		if b, ok := b.(String8); ok {
			return cmp.Compare(lower(a), lower(b)), true
		}
	case time.Time:
		if b, ok := b.(time.Time); ok {
			return a.Compare(b), true
		}
	case bool:
		if b, ok := b.(bool); ok {
			switch {
			case a == b:
				return 0, true
			case a:
				return 1, true
			}
			return -1, true
		}
	case float32:
		if b, ok := float(b); ok {
			return cmp.Compare(float64(a), b), true
		}
	case float64:
		if b, ok := float(b); ok {
			return cmp.Compare(a, b), true
		}
	case FloatingTime:
		if b, ok := b.(FloatingTime); ok {
			return cmp.Compare(a, b), true
		}
	case Currency:
		if b, ok := b.(Currency); ok {
			return cmp.Compare(a, b), true
		}
	case ErrorCode:
		if b, ok := b.(ErrorCode); ok {
			return cmp.Compare(a, b), true
		}
	case GUID:
		if b, ok := b.(GUID); ok {
			return bytes.Compare(a[:], b[:]), true
		}
	case []byte:
		if b, ok := b.([]byte); ok {
			return bytes.Compare(a, b), true
		}
	case ServerID:
		if b, ok := b.(ServerID); ok {
			return bytes.Compare(a, b), true
		}
	}
	return 0, false
}

func integer(v Value) (int64, bool) {
	switch v := v.(type) {
	case int16:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	}
	return 0, false
}

func float(v Value) (float64, bool) {
	switch v := v.(type) {
	case float32:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// fold makes texts that differ in case only the same.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

// lower does so for ASCII alone.
func lower(s String8) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// bare takes accents and other marks off.
func bare(s string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s)))
}

func (c Content) matches(v Value) (bool, error) {
	if c.Part&0xF > Prefix {
		return false, fmt.Errorf("%w: the part 0x%04X of a text is not known", ErrTooComplex, uint16(c.Part))
	}
	switch v := v.(type) {
	case string:
		if want, ok := c.Value.(string); ok {
			return c.part(c.loosely(v), c.loosely(want)), nil
		}
	case String8:
		if want, ok := c.Value.(String8); ok {
			if c.Loosely&(IgnoreCase|Loose) != 0 {
				return c.part(lower(v), lower(want)), nil
			}
			return c.part(string(v), string(want)), nil
		}
	case []byte:
		if want, ok := c.Value.([]byte); ok {
			return c.part(string(v), string(want)), nil
		}
	}
	return false, fmt.Errorf("%w: a value of type %s has no part of type %s", ErrTooComplex, TypeOf(v), TypeOf(c.Value))
}

func (c Content) loosely(s string) string {
	if c.Loosely&(IgnoreNonSpace|Loose) != 0 {
		s = bare(s)
	}
	if c.Loosely&(IgnoreCase|Loose) != 0 {
		s = fold(s)
	}
	return s
}

func (c Content) part(text, want string) bool {
	switch c.Part & 0xF {
	case Substring:
		return strings.Contains(text, want)
	case Prefix:
		return strings.HasPrefix(text, want)
	}
	return text == want
}

// sizeOf is the size of a value in bytes, of a text without its end.
func sizeOf(v Value) uint64 {
	switch v := v.(type) {
	case int16, bool:
		return 2
	case int32, float32, ErrorCode:
		return 4
	case int64, float64, Currency, FloatingTime, time.Time:
		return 8
	case GUID:
		return 16
	case string:
		return uint64(len(EncodeUTF16(v)))
	case String8:
		return uint64(len(v))
	case []byte:
		return uint64(len(v))
	case Object:
		return uint64(len(v))
	case ServerID:
		return uint64(len(v))
	}
	var n uint64
	for one := range each(v) {
		n = min(n+sizeOf(one), math.MaxUint64/2)
	}
	return n
}

func (m *Message) parts(t Tag) iter.Seq[Target] {
	return func(yield func(Target) bool) {
		switch t.ID() {
		case TagMessageRecipients.ID():
			for i := range m.Recipients {
				if !yield(&m.Recipients[i]) {
					return
				}
			}
		case TagMessageAttachments.ID():
			for i := range m.Attachments {
				if !yield(&m.Attachments[i].Properties) {
					return
				}
			}
		}
	}
}

// Resolve makes a message a Target whose named properties are found by the ids that names gives them, as the tags of a
// condition have them.
func Resolve(m *Message, names func(id uint16) (Name, bool)) Target { return resolved{m, names} }

type resolved struct {
	*Message
	names func(uint16) (Name, bool)
}

func (r resolved) Get(t Tag) (Value, bool) {
	if t.Named() {
		if n, ok := r.names(t.ID()); ok {
			return r.GetNamed(n, t.Type())
		}
		return nil, false
	}
	return r.Message.Get(t)
}
