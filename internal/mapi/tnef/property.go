package tnef

import (
	"fmt"
	"math"
	"strings"
	"time"

	"outpost/internal/mapi"
)

// The interfaces that an Object can have; they stand before its bytes. MS-OXTNEF 2.1.3.4
func iidMessage() mapi.GUID { return mapi.GUID{0x07, 0x03, 0x02, 8: 0xC0, 15: 0x46} }
func iidStorage() mapi.GUID { return mapi.GUID{0x0B, 8: 0xC0, 15: 0x46} }
func iidStream() mapi.GUID  { return mapi.GUID{0x0C, 8: 0xC0, 15: 0x46} }

// fixedSize is how many bytes a value of the type has, if that is always the same. MS-OXTNEF 2.1.3.4
func fixedSize(t mapi.Type) (int, bool) {
	switch t {
	case mapi.TypeInteger16, mapi.TypeBoolean:
		return 2, true
	case mapi.TypeInteger32, mapi.TypeFloating32, mapi.TypeErrorCode:
		return 4, true
	case mapi.TypeFloating64, mapi.TypeCurrency, mapi.TypeFloatingTime, mapi.TypeInteger64, mapi.TypeTime:
		return 8, true
	case mapi.TypeGUID:
		return 16, true
	}
	return 0, false
}

// property is a property with where its value lies, which matters for an embedded message.
type property struct {
	mapi.Property
	at       int
	iid      mapi.GUID // of an Object
	object   []byte    // what follows iid, not copied
	objectAt int
}

// readProperty reads a tag, the name if it has one, and the value. MS-OXTNEF 2.1.3.4
func readProperty(r *reader) (p property) {
	p.at = r.at()
	p.Tag = mapi.Tag(r.u32())
	if p.Tag.ID() >= mapi.FirstNamedID {
		p.Name = readName(r)
		p.Tag = mapi.MakeTag(0, p.Tag.Type())
	}
	t := p.Tag.Type()
	switch t.Single() {
	case mapi.TypeString, mapi.TypeString8, mapi.TypeBinary, mapi.TypeServerID, mapi.TypeObject:
		n := readCount(r, 4)
		if t.Multiple() {
			p.Value = readVariable(r, t, n)
			break
		}
		if n != 1 && r.err == nil {
			r.fail("property %s has %d values, but is of one", p.Tag, n)
		}
		p.objectAt = r.at() + 4 + len(p.iid)
		b := r.counted()
		if t != mapi.TypeObject {
			p.Value = variable(t, b)
			break
		}
		o := &reader{data: b}
		if p.iid = o.guid(); o.err != nil && r.err == nil {
			r.fail("property %s: an object of %d bytes says not of what kind it is", p.Tag, len(b))
		}
		p.object = o.data[o.pos:]
	default:
		p.Value = readFixed(r, t)
	}
	return p
}

// readCount reads how many values follow, each of at least size bytes.
func readCount(r *reader, size int) int {
	n := r.u32()
	if r.err == nil && uint64(n) > uint64(r.left()/size) {
		r.fail("%d values, but only %d bytes left", n, r.left())
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// readName reads the name of a property. MS-OXTNEF 2.1.3.4
func readName(r *reader) mapi.Name {
	set := r.guid()
	switch kind := r.u32(); {
	case kind == uint32(mapi.KindID):
		return mapi.NameID(set, r.u32())
	case kind == uint32(mapi.KindString):
		return mapi.NameString(set, strings.TrimRight(mapi.DecodeUTF16(r.counted()), "\x00"))
	default:
		r.fail("a property is named by a thing of kind %d", kind)
	}
	return mapi.Name{}
}

// variable makes a value of bytes that are as many as they like to be.
func variable(t mapi.Type, b []byte) mapi.Value {
	switch t {
	case mapi.TypeString:
		return strings.TrimRight(mapi.DecodeUTF16(b), "\x00")
	case mapi.TypeString8:
		return mapi.String8(strings.TrimRight(string(b), "\x00"))
	case mapi.TypeServerID:
		return mapi.ServerID(clone(b))
	}
	return clone(b)
}

// clone copies bytes, and gives none as a slice that is not nil.
func clone(b []byte) []byte { return append([]byte{}, b...) }

func readVariable(r *reader, t mapi.Type, n int) mapi.Value {
	single := func() mapi.Value { return variable(t.Single(), r.counted()) }
	switch t {
	case mapi.TypeMultipleString:
		return many[string](r, n, single)
	case mapi.TypeMultipleString8:
		return many[mapi.String8](r, n, single)
	case mapi.TypeMultipleBinary:
		return many[[]byte](r, n, single)
	}
	r.fail("values of type %s cannot be read", t)
	return nil
}

func readFixed(r *reader, t mapi.Type) mapi.Value {
	size, ok := fixedSize(t.Single())
	if !ok || t&^(mapi.TypeMultiple|0x0FFF) != 0 {
		r.fail("values of type %s (0x%04X) cannot be read", t, uint16(t))
		return nil
	}
	single := func() (v mapi.Value) {
		if b := r.take(size); b != nil {
			v, _, r.err = mapi.DecodeValue(mapi.Transfer, t.Single(), b)
			r.align(size)
		}
		return v
	}
	if !t.Multiple() {
		return single()
	}
	n := readCount(r, size)
	switch t.Single() {
	case mapi.TypeInteger16:
		return many[int16](r, n, single)
	case mapi.TypeInteger32:
		return many[int32](r, n, single)
	case mapi.TypeFloating32:
		return many[float32](r, n, single)
	case mapi.TypeFloating64:
		return many[float64](r, n, single)
	case mapi.TypeCurrency:
		return many[mapi.Currency](r, n, single)
	case mapi.TypeFloatingTime:
		return many[mapi.FloatingTime](r, n, single)
	case mapi.TypeInteger64:
		return many[int64](r, n, single)
	case mapi.TypeTime:
		return many[time.Time](r, n, single)
	case mapi.TypeGUID:
		return many[mapi.GUID](r, n, single)
	}
	r.fail("values of type %s cannot be read", t)
	return nil
}

func many[T any](r *reader, n int, single func() mapi.Value) mapi.Value {
	values := make([]T, 0, n)
	for range n {
		v, ok := single().(T)
		if r.err != nil || !ok {
			return nil
		}
		values = append(values, v)
	}
	return values
}

// writer makes the property lists of one stream. Named properties get ids in the order in which they come.
type writer struct {
	ids   map[mapi.Name]uint16
	depth int
}

// id gives the id that stands for a name in this stream.
func (w *writer) id(n mapi.Name) (uint16, error) {
	if id, ok := w.ids[n]; ok {
		return id, nil
	}
	const last = 0xFFFE
	if len(w.ids) > last-int(mapi.FirstNamedID) {
		return 0, fmt.Errorf("there are more names of properties than the %d that one stream can hold", len(w.ids))
	}
	if w.ids == nil {
		w.ids = make(map[mapi.Name]uint16)
	}
	id := mapi.FirstNamedID + uint16(len(w.ids))
	w.ids[n] = id
	return id, nil
}

// appendProperty writes a tag, the name if it has one, and the value. MS-OXTNEF 2.1.3.4
func (w *writer) appendProperty(dst []byte, p mapi.Property) ([]byte, error) {
	dst, err := w.appendTag(dst, p)
	if err != nil {
		return dst, err
	}
	if dst, err = w.appendValue(dst, p.Value); err != nil {
		return dst, fmt.Errorf("property %s%s: %w", p.Tag, suffix(p.Name), err)
	}
	return dst, nil
}

func suffix(n mapi.Name) string {
	if n.IsZero() {
		return ""
	}
	return " " + n.String()
}

func (w *writer) appendTag(dst []byte, p mapi.Property) ([]byte, error) {
	if p.Name.IsZero() {
		if p.Tag.ID() >= mapi.FirstNamedID {
			return dst, fmt.Errorf("property %s has an id that stands for a name, but no name", p.Tag)
		}
		return le.AppendUint32(dst, uint32(p.Tag)), nil
	}
	id, err := w.id(p.Name)
	if err != nil {
		return dst, err
	}
	dst = le.AppendUint32(dst, uint32(mapi.MakeTag(id, p.Tag.Type())))
	dst = append(dst, p.Name.Set[:]...)
	dst = le.AppendUint32(dst, uint32(p.Name.Kind))
	if p.Name.Kind == mapi.KindID {
		return le.AppendUint32(dst, p.Name.ID), nil
	}
	return appendCounted(dst, append(mapi.EncodeUTF16(p.Name.Name), 0, 0))
}

func (w *writer) appendValue(dst []byte, v mapi.Value) ([]byte, error) {
	if t := mapi.TypeOf(v); t.Multiple() {
		return w.appendMany(dst, v)
	} else if size, ok := fixedSize(t); ok {
		dst, err := mapi.AppendValue(dst, mapi.Transfer, v)
		return append(dst, make([]byte, -size&3)...), err
	}
	dst = le.AppendUint32(dst, 1)
	return appendVariable(dst, v)
}

// appendVariable writes a value with its length before it.
func appendVariable(dst []byte, v mapi.Value) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return appendCounted(dst, append(mapi.EncodeUTF16(v), 0, 0))
	case mapi.String8:
		return appendCounted(dst, append([]byte(v), 0))
	case []byte:
		return appendCounted(dst, v)
	case mapi.ServerID:
		return appendCounted(dst, v)
	case mapi.Object:
		return appendCounted(dst, appendObject(v))
	}
	return dst, fmt.Errorf("a value of type %s cannot be held by this format", mapi.TypeOf(v))
}

// appendObject puts before the bytes what kind of thing they are, which is never a message: those are no bytes.
func appendObject(o mapi.Object) []byte {
	iid := iidStream()
	if len(o) >= 4 && le.Uint32(o) == 0xE011CFD0 { // a compound file, MS-CFB 2.2
		iid = iidStorage()
	}
	return append(iid[:], o...)
}

func (w *writer) appendMany(dst []byte, v mapi.Value) ([]byte, error) {
	switch v := v.(type) {
	case []int16:
		return appendEach(w, dst, v)
	case []int32:
		return appendEach(w, dst, v)
	case []float32:
		return appendEach(w, dst, v)
	case []float64:
		return appendEach(w, dst, v)
	case []mapi.Currency:
		return appendEach(w, dst, v)
	case []mapi.FloatingTime:
		return appendEach(w, dst, v)
	case []int64:
		return appendEach(w, dst, v)
	case []string:
		return appendEach(w, dst, v)
	case []mapi.String8:
		return appendEach(w, dst, v)
	case []mapi.GUID:
		return appendEach(w, dst, v)
	case [][]byte:
		return appendEach(w, dst, v)
	case []time.Time:
		return appendEach(w, dst, v)
	}
	return dst, fmt.Errorf("a value of type %s cannot be held by this format", mapi.TypeOf(v))
}

func appendEach[T any](w *writer, dst []byte, values []T) (_ []byte, err error) {
	if uint64(len(values)) > math.MaxUint32 {
		return dst, fmt.Errorf("%d values are too many", len(values))
	}
	dst = le.AppendUint32(dst, uint32(len(values)))
	for _, v := range values {
		if _, ok := fixedSize(mapi.TypeOf(v)); ok {
			dst, err = w.appendValue(dst, v)
		} else {
			dst, err = appendVariable(dst, v)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendCounted writes bytes with their number before them and fills up the last four.
func appendCounted(dst, b []byte) ([]byte, error) {
	if uint64(len(b)) > math.MaxUint32 {
		return dst, fmt.Errorf("%d bytes are too many", len(b))
	}
	dst = append(le.AppendUint32(dst, uint32(len(b))), b...)
	return append(dst, make([]byte, -len(b)&3)...), nil
}
