package mapi

import (
	"fmt"
	"math"
)

// Direction is the direction of an order. MS-OXCDATA 2.13.1
type Direction uint8

// The directions. MS-OXCDATA 2.13.1
const (
	Ascending  Direction = 0x00
	Descending Direction = 0x01
	// MaximumCategory sorts the groups before it by the greatest value of this column in each. MS-OXCTABL 2.2.2.3
	MaximumCategory Direction = 0x04
)

// SortOrder is an order by one column. MS-OXCDATA 2.13.1
type SortOrder struct {
	Tag       Tag
	Direction Direction
}

// SortOrderSet is the order of a table. The first Categories columns group its rows, and the first Expanded of these
// groups are shown open. MS-OXCDATA 2.13.2
type SortOrderSet struct {
	Categories int
	Expanded   int
	Orders     []SortOrder
}

func (s SortOrderSet) check() error {
	if len(s.Orders) > math.MaxUint16 || s.Categories < 0 || s.Categories > len(s.Orders) || s.Expanded < 0 || s.Expanded > s.Categories {
		return fmt.Errorf("sort order: %d columns, %d of them groups and %d of these open", len(s.Orders), s.Categories, s.Expanded)
	}
	return nil
}

// AppendSortOrderSet appends the order of a table. MS-OXCDATA 2.13.2
func AppendSortOrderSet(dst []byte, s SortOrderSet) ([]byte, error) {
	if err := s.check(); err != nil {
		return dst, err
	}
	dst = le.AppendUint16(dst, uint16(len(s.Orders)))
	dst = le.AppendUint16(dst, uint16(s.Categories))
	dst = le.AppendUint16(dst, uint16(s.Expanded))
	for _, o := range s.Orders {
		dst = append(le.AppendUint32(dst, uint32(o.Tag)), byte(o.Direction))
	}
	return dst, nil
}

// DecodeSortOrderSet reads the order of a table from the start of the bytes, and gives what is behind it.
// MS-OXCDATA 2.13.2
func DecodeSortOrderSet(data []byte) (s SortOrderSet, rest []byte, err error) {
	r := &reader{data: data}
	count := int(r.u16())
	s.Categories, s.Expanded = int(r.u16()), int(r.u16())
	for range r.fits(uint64(count), 5) {
		s.Orders = append(s.Orders, SortOrder{Tag: Tag(r.u32()), Direction: Direction(r.u8())})
	}
	if err := r.done("sort order"); err != nil {
		return SortOrderSet{}, data, err
	}
	if err := s.check(); err != nil {
		return SortOrderSet{}, data, err
	}
	return s, cut(data[r.pos:]), nil
}

// Compare orders two rows as cmp.Compare does. A row without the value of a column comes before those that have it, when
// the column ascends. What MaximumCategory asks for is not to be seen in two rows: it orders like Descending.
func (s SortOrderSet) Compare(a, b Target) int {
	for _, o := range s.Orders {
		x, okX := a.Get(o.Tag)
		y, okY := b.Get(o.Tag)
		order := 0
		switch {
		case okX && okY:
			order, _ = CompareValues(x, y)
		case okX:
			order = 1
		case okY:
			order = -1
		}
		if o.Direction != Ascending {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return 0
}
