package mapi

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Form is one of the ways in which values are written down. They differ in the widths of counts, in truth values and
// in how the end of a text is told.
type Form int

// The forms.
const (
	// ROP is that of remote operations. MS-OXCDATA 2.11.1
	ROP Form = iota
	// Extended is that of extended rules, of search folders and of the address book over HTTP, where what counts bytes
	// or conditions has 32 bits. MS-OXCDATA 2.11.1.1
	Extended
	// Transfer is that of FastTransfer streams. MS-OXCFXICS 2.2.4.1
	Transfer
)

// maxDepth is how deep conditions and actions may lie in each other.
const maxDepth = 64

// AppendValue appends the value in the form. A value that the form has no way to say is an error.
func AppendValue(dst []byte, f Form, v Value) ([]byte, error) {
	if err := f.check(TypeOf(v)); err != nil {
		return dst, err
	}
	out, err := f.append(dst, v, 0)
	if err != nil {
		return dst, fmt.Errorf("a value of type %s: %w", TypeOf(v), err)
	}
	return out, nil
}

// check reports whether values of the type can be said in the form.
func (f Form) check(t Type) error {
	switch t {
	case TypeNull, TypeRestriction, TypeRuleAction:
		if f != Transfer {
			return nil
		}
	case TypeObject:
		if f == Transfer {
			return nil
		}
	case TypeMultiple | TypeErrorCode, TypeMultiple | TypeBoolean:
		// There are none. MS-OXCDATA 2.11.1
	default:
		if _, ok := f.minSize(t.Single()); ok && t&^(TypeMultiple|0x0FFF) == 0 {
			if t.Multiple() && t.Single() == TypeServerID {
				break
			}
			return nil
		}
	}
	return fmt.Errorf("values of type %s (0x%04X) cannot be written or read here", t, uint16(t))
}

// minSize is how many bytes a single value takes at least.
func (f Form) minSize(t Type) (int, bool) {
	switch t {
	case TypeInteger16:
		return 2, true
	case TypeInteger32, TypeFloating32, TypeErrorCode:
		return 4, true
	case TypeFloating64, TypeCurrency, TypeFloatingTime, TypeInteger64, TypeTime:
		return 8, true
	case TypeGUID:
		return 16, true
	case TypeBoolean:
		if f == Transfer {
			return 2, true
		}
		return 1, true
	case TypeString8:
		if f == Transfer {
			return 4, true
		}
		return 1, true
	case TypeString:
		if f == Transfer {
			return 4, true
		}
		return 2, true
	case TypeBinary, TypeServerID:
		if f == ROP {
			return 2, true
		}
		return 4, true
	}
	return 0, false
}

func (f Form) append(dst []byte, v Value, depth int) ([]byte, error) {
	switch v := v.(type) {
	case Null:
		return dst, nil
	case int16:
		return le.AppendUint16(dst, uint16(v)), nil
	case int32:
		return le.AppendUint32(dst, uint32(v)), nil
	case float32:
		return le.AppendUint32(dst, math.Float32bits(v)), nil
	case float64:
		return le.AppendUint64(dst, math.Float64bits(v)), nil
	case Currency:
		return le.AppendUint64(dst, uint64(v)), nil
	case FloatingTime:
		return le.AppendUint64(dst, math.Float64bits(float64(v))), nil
	case ErrorCode:
		return le.AppendUint32(dst, uint32(v)), nil
	case bool:
		b := byte(0)
		if v {
			b = 1
		}
		if dst = append(dst, b); f == Transfer {
			dst = append(dst, 0) // MS-OXCFXICS 2.2.4.1.3
		}
		return dst, nil
	case int64:
		return le.AppendUint64(dst, uint64(v)), nil
	case string:
		return f.appendString(dst, v)
	case String8:
		return f.appendString8(dst, v)
	case time.Time:
		ticks, err := FiletimeTicks(v)
		return le.AppendUint64(dst, ticks), err
	case GUID:
		return append(dst, v[:]...), nil
	case ServerID: // its count has 16 bits everywhere but in a stream
		if f == Extended {
			return ROP.appendBytes(dst, v)
		}
		return f.appendBytes(dst, v)
	case []byte:
		return f.appendBytes(dst, v)
	case Object:
		return f.appendBytes(dst, v)
	case Restriction:
		return f.appendRestriction(dst, v, depth)
	case RuleActions:
		return f.appendActions(dst, v)
	case []int16:
		return appendMany(f, dst, v)
	case []int32:
		return appendMany(f, dst, v)
	case []float32:
		return appendMany(f, dst, v)
	case []float64:
		return appendMany(f, dst, v)
	case []Currency:
		return appendMany(f, dst, v)
	case []FloatingTime:
		return appendMany(f, dst, v)
	case []int64:
		return appendMany(f, dst, v)
	case []string:
		return appendMany(f, dst, v)
	case []String8:
		return appendMany(f, dst, v)
	case []time.Time:
		return appendMany(f, dst, v)
	case []GUID:
		return appendMany(f, dst, v)
	case [][]byte:
		return appendMany(f, dst, v)
	}
	return dst, fmt.Errorf("a %T is no value of a property", v)
}

func appendMany[T any](f Form, dst []byte, values []T) (_ []byte, err error) {
	if uint64(len(values)) > math.MaxUint32 {
		return dst, fmt.Errorf("%d values are too many", len(values))
	}
	dst = le.AppendUint32(dst, uint32(len(values)))
	for i, v := range values {
		if dst, err = f.append(dst, v, 0); err != nil {
			return dst, fmt.Errorf("number %d of %d: %w", i+1, len(values), err)
		}
	}
	return dst, nil
}

func (f Form) appendString(dst []byte, s string) ([]byte, error) {
	if f == Transfer { // the length counts the NUL at the end, MS-OXCFXICS 2.2.4.1.3
		at := len(dst)
		dst = append(appendUTF16(append(dst, 0, 0, 0, 0), s), 0, 0)
		le.PutUint32(dst[at:], uint32(len(dst)-at-4))
		return dst, nil
	}
	if strings.IndexByte(s, 0) >= 0 {
		return dst, fmt.Errorf("the text %.40q has a NUL in it, which would end it", s)
	}
	return append(appendUTF16(dst, s), 0, 0), nil
}

func (f Form) appendString8(dst []byte, s String8) ([]byte, error) {
	if f == Transfer {
		dst = le.AppendUint32(dst, uint32(len(s)+1))
	} else if strings.IndexByte(string(s), 0) >= 0 {
		return dst, fmt.Errorf("the text %.40q has a NUL in it, which would end it", string(s))
	}
	return append(append(dst, s...), 0), nil
}

func (f Form) appendBytes(dst, b []byte) ([]byte, error) {
	if f == ROP {
		if len(b) > math.MaxUint16 {
			return dst, fmt.Errorf("%d bytes are more than the 65535 that fit into an answer; it must be read as a stream", len(b))
		}
		return append(le.AppendUint16(dst, uint16(len(b))), b...), nil
	}
	if uint64(len(b)) > math.MaxUint32 {
		return dst, fmt.Errorf("%d bytes are too many", len(b))
	}
	return append(le.AppendUint32(dst, uint32(len(b))), b...), nil
}

// appendActions writes the actions of a rule. MS-OXORULE 2.2.5.1
func (f Form) appendActions(dst []byte, actions RuleActions) ([]byte, error) {
	dst, err := f.appendCount(dst, len(actions))
	for i, a := range actions {
		if f != Extended && len(a) > math.MaxUint16 {
			return dst, fmt.Errorf("action %d has %d bytes, more than 65535", i+1, len(a))
		}
		if f == Extended {
			dst = le.AppendUint32(dst, uint32(len(a)))
		} else {
			dst = le.AppendUint16(dst, uint16(len(a)))
		}
		dst = append(dst, a...)
	}
	return dst, err
}

// appendCount writes how many conditions or actions follow.
func (f Form) appendCount(dst []byte, n int) ([]byte, error) {
	if f == Extended {
		return le.AppendUint32(dst, uint32(n)), nil
	}
	if n > math.MaxUint16 {
		return dst, fmt.Errorf("%d are more than the 65535 that can be counted", n)
	}
	return le.AppendUint16(dst, uint16(n)), nil
}

// DecodeValue reads a value of the type from the start of the bytes, and gives what is behind it.
func DecodeValue(f Form, t Type, data []byte) (v Value, rest []byte, err error) {
	if err := f.check(t); err != nil {
		return nil, data, err
	}
	r := &reader{data: data}
	v = f.read(r, t, 0)
	if err := r.done("a value of type " + t.String()); err != nil {
		return nil, data, err
	}
	return v, cut(data[r.pos:]), nil
}

func (f Form) read(r *reader, t Type, depth int) Value {
	switch t {
	case TypeNull:
		return Null{}
	case TypeInteger16:
		return int16(r.u16())
	case TypeInteger32:
		return int32(r.u32())
	case TypeFloating32:
		return math.Float32frombits(r.u32())
	case TypeFloating64:
		return math.Float64frombits(r.u64())
	case TypeCurrency:
		return Currency(r.u64())
	case TypeFloatingTime:
		return FloatingTime(math.Float64frombits(r.u64()))
	case TypeErrorCode:
		return ErrorCode(r.u32())
	case TypeBoolean:
		if f == Transfer {
			return r.u16() != 0
		}
		return r.u8() != 0
	case TypeInteger64:
		return int64(r.u64())
	case TypeString:
		return f.readString(r)
	case TypeString8:
		if f != Transfer {
			return String8(r.bytesz())
		}
		s := string(r.take(r.length(1)))
		return String8(strings.TrimSuffix(s, "\x00"))
	case TypeTime:
		return Filetime(r.u64())
	case TypeGUID:
		return r.guid()
	case TypeServerID:
		if f == Extended {
			return ServerID(ROP.readBytes(r))
		}
		return ServerID(f.readBytes(r))
	case TypeBinary:
		return f.readBytes(r)
	case TypeObject:
		return Object(f.readBytes(r))
	case TypeRestriction:
		return f.readRestriction(r, depth)
	case TypeRuleAction:
		return f.readActions(r)
	case TypeMultipleInteger16:
		return readMany[int16](f, r, t)
	case TypeMultipleInteger32:
		return readMany[int32](f, r, t)
	case TypeMultipleFloating32:
		return readMany[float32](f, r, t)
	case TypeMultipleFloating64:
		return readMany[float64](f, r, t)
	case TypeMultipleCurrency:
		return readMany[Currency](f, r, t)
	case TypeMultipleFloatingTime:
		return readMany[FloatingTime](f, r, t)
	case TypeMultipleInteger64:
		return readMany[int64](f, r, t)
	case TypeMultipleString8:
		return readMany[String8](f, r, t)
	case TypeMultipleString:
		return readMany[string](f, r, t)
	case TypeMultipleTime:
		return readMany[time.Time](f, r, t)
	case TypeMultipleGUID:
		return readMany[GUID](f, r, t)
	case TypeMultipleBinary:
		return readMany[[]byte](f, r, t)
	}
	r.fail("values of type %s (0x%04X) cannot be read here", t, uint16(t))
	return nil
}

func readMany[T any](f Form, r *reader, t Type) []T {
	size, _ := f.minSize(t.Single())
	n := r.length(size)
	values := make([]T, 0, n)
	for range n {
		v, ok := f.read(r, t.Single(), 0).(T)
		if r.err != nil || !ok {
			return nil
		}
		values = append(values, v)
	}
	return values
}

func (f Form) readString(r *reader) string {
	if f != Transfer {
		return r.stringz()
	}
	n := r.length(1)
	if n%2 != 0 {
		r.fail("a text of %d bytes cannot be UTF-16", n)
	}
	return strings.TrimSuffix(DecodeUTF16(r.take(n)), "\x00")
}

func (f Form) readBytes(r *reader) []byte {
	if f == ROP {
		return r.bytes(int(r.u16()))
	}
	return r.bytes(r.length(1))
}

func (f Form) readCount(r *reader, size int) int {
	if f == Extended {
		return r.length(size)
	}
	return r.fits(uint64(r.u16()), size)
}

func (f Form) readActions(r *reader) RuleActions {
	actions := make(RuleActions, 0)
	for range f.readCount(r, 2) {
		var n int
		if f == Extended {
			n = r.length(1)
		} else {
			n = int(r.u16())
		}
		if actions = append(actions, r.bytes(n)); r.err != nil {
			return nil
		}
	}
	return actions
}

// AppendTagged appends a tag and its value, a TaggedPropertyValue. The type of the tag must be that of the value.
// MS-OXCDATA 2.11.4
func AppendTagged(dst []byte, f Form, t Tag, v Value) ([]byte, error) {
	return f.appendTagged(dst, t, v, 0)
}

func (f Form) appendTagged(dst []byte, t Tag, v Value, depth int) ([]byte, error) {
	if t.Type() != TypeOf(v) {
		return dst, fmt.Errorf("property %s: a value of type %s does not fit", t, TypeOf(v))
	}
	if err := f.check(t.Type()); err != nil {
		return dst, fmt.Errorf("property %s: %w", t, err)
	}
	out, err := f.append(le.AppendUint32(dst, uint32(t)), v, depth)
	if err != nil {
		return dst, fmt.Errorf("property %s: %w", t, err)
	}
	return out, nil
}

// DecodeTagged reads a tag and its value from the start of the bytes, and gives what is behind them.
func DecodeTagged(f Form, data []byte) (t Tag, v Value, rest []byte, err error) {
	r := &reader{data: data}
	t, v = f.readTagged(r, 0)
	if r.err != nil {
		return 0, nil, data, r.done("a property with its value")
	}
	return t, v, cut(data[r.pos:]), nil
}

func (f Form) readTagged(r *reader, depth int) (Tag, Value) {
	t := Tag(r.u32())
	if r.err != nil {
		return t, nil
	}
	if err := f.check(t.Type()); err != nil {
		r.fail("property %s: %w", t, err)
		return t, nil
	}
	return t, f.read(r, t.Type(), depth)
}
