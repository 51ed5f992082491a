package mapi

import (
	"bytes"
	"fmt"
	"slices"
)

// XID names an object or a change everywhere: a namespace and an id of 1 to 8 bytes in it. The value of PidTagChangeKey
// is one; so is that of PidTagSourceKey when a client made it. MS-OXCFXICS 2.2.2.2
type XID struct {
	Namespace GUID
	Local     []byte
}

const maxLocal = 8

// XIDOf is the XID, and GID, of an id. MS-OXCFXICS 2.2.2.2, MS-OXCDATA 2.2.1.3
func XIDOf(id LongTermID) XID { return XID{Namespace: id.Replica, Local: bytes.Clone(id.Counter[:])} }

// AppendXID appends the bytes. MS-OXCFXICS 2.2.2.2
func AppendXID(dst []byte, x XID) ([]byte, error) {
	if len(x.Local) < 1 || len(x.Local) > maxLocal {
		return dst, fmt.Errorf("change key: an id of %d bytes, want 1 to %d", len(x.Local), maxLocal)
	}
	return append(append(dst, x.Namespace[:]...), x.Local...), nil
}

// DecodeXID reads an XID that is all of the bytes. MS-OXCFXICS 2.2.2.2
func DecodeXID(data []byte) (XID, error) {
	r := &reader{data: data}
	x := XID{Namespace: r.guid()}
	if n := r.left(); r.err == nil && (n < 1 || n > maxLocal) {
		r.fail("an id of %d bytes, want 1 to %d", n, maxLocal)
	}
	x.Local = r.bytes(r.left())
	if err := r.done("change key"); err != nil {
		return XID{}, err
	}
	return x, nil
}

// PredecessorChangeList is the value of PidTagPredecessorChangeList: the last change of each namespace that has become
// part of a version of an object, in the order of the namespaces. MS-OXCFXICS 2.2.2.3
type PredecessorChangeList []XID

// AppendPredecessorChangeList appends the bytes. MS-OXCFXICS 2.2.2.3
func AppendPredecessorChangeList(dst []byte, list PredecessorChangeList) ([]byte, error) {
	if err := list.check(); err != nil {
		return dst, err
	}
	out := dst
	for _, x := range list {
		var err error
		if out, err = AppendXID(append(out, byte(len(x.Namespace)+len(x.Local))), x); err != nil {
			return dst, err
		}
	}
	return out, nil
}

func (list PredecessorChangeList) check() error {
	for i := 1; i < len(list); i++ {
		if bytes.Compare(list[i-1].Namespace[:], list[i].Namespace[:]) >= 0 {
			return fmt.Errorf("predecessor change list: %s stands behind %s, but each comes once, in order",
				list[i].Namespace, list[i-1].Namespace)
		}
	}
	return nil
}

// DecodePredecessorChangeList reads the list. One whose namespaces are in another order, as some clients write it, is put
// in order; of a namespace that comes twice the later change is kept. MS-OXCFXICS 2.2.2.3
func DecodePredecessorChangeList(data []byte) (PredecessorChangeList, error) {
	r := &reader{data: data}
	var list PredecessorChangeList
	for r.err == nil && r.left() > 0 {
		n := int(r.u8())
		if n < 17 || n > 16+maxLocal {
			r.fail("a change key of %d bytes, want 17 to %d", n, 16+maxLocal)
		}
		x := XID{Namespace: r.guid(), Local: r.bytes(n - 16)}
		if r.err == nil {
			list = append(list, x)
		}
	}
	if err := r.done("predecessor change list"); err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, compareXID)
	kept := list[:0]
	for _, x := range list {
		if last := len(kept) - 1; last >= 0 && kept[last].Namespace == x.Namespace {
			kept[last] = x
		} else {
			kept = append(kept, x)
		}
	}
	return slices.Clip(kept), nil
}

// compareXID orders by namespace, and within one by the change: the ids of a namespace have one length and are compared
// as numbers whose first byte counts most. MS-OXCFXICS 3.1.5.3, 3.3.5.2.3
func compareXID(a, b XID) int {
	if c := bytes.Compare(a.Namespace[:], b.Namespace[:]); c != 0 {
		return c
	}
	if c := len(a.Local) - len(b.Local); c != 0 {
		return c
	}
	return bytes.Compare(a.Local, b.Local)
}

// Includes reports whether the change has become part of the version that has this list.
func (list PredecessorChangeList) Includes(x XID) bool {
	i, ok := list.find(x.Namespace)
	return ok && compareXID(list[i], x) >= 0
}

// IncludesAll reports whether the version with this list holds all that the other one holds. When neither of two
// includes the other, they are in conflict. MS-OXCFXICS 3.1.5.6.2.1
func (list PredecessorChangeList) IncludesAll(other PredecessorChangeList) bool {
	return !slices.ContainsFunc(other, func(x XID) bool { return !list.Includes(x) })
}

// Add gives the list of a version that holds the change too.
func (list PredecessorChangeList) Add(x XID) PredecessorChangeList {
	i, ok := list.find(x.Namespace)
	switch {
	case !ok:
		return slices.Insert(slices.Clone(list), i, x)
	case compareXID(list[i], x) < 0:
		list = slices.Clone(list)
		list[i] = x
	}
	return list
}

// Merge gives the list of a version that holds both versions.
func (list PredecessorChangeList) Merge(other PredecessorChangeList) PredecessorChangeList {
	for _, x := range other {
		list = list.Add(x)
	}
	return list
}

func (list PredecessorChangeList) find(namespace GUID) (int, bool) {
	return slices.BinarySearchFunc(list, namespace, func(x XID, g GUID) int { return bytes.Compare(x.Namespace[:], g[:]) })
}
