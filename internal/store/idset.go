package store

import "outpost/internal/groupware"

// idSet is a set of items that is quick to ask. Ids are dense, so that a bit for each between the first and the last is
// little; where they are not, it is a map.
type idSet struct {
	first  groupware.ItemID
	bits   []uint64
	sparse map[groupware.ItemID]struct{}
}

func newIDSet(ids []groupware.ItemID) idSet {
	if len(ids) == 0 {
		return idSet{}
	}
	first, last := ids[0], ids[0]
	for _, id := range ids {
		first, last = min(first, id), max(last, id)
	}
	s := idSet{first: first}
	if span := int64(last-first) + 1; span <= 1<<26 {
		s.bits = make([]uint64, (span+63)/64)
		for _, id := range ids {
			n := id - first
			s.bits[n/64] |= 1 << (n % 64)
		}
		return s
	}
	s.sparse = make(map[groupware.ItemID]struct{}, len(ids))
	for _, id := range ids {
		s.sparse[id] = struct{}{}
	}
	return s
}

func (s idSet) has(id groupware.ItemID) bool {
	if s.sparse != nil {
		_, ok := s.sparse[id]
		return ok
	}
	n := id - s.first
	return n >= 0 && int(n/64) < len(s.bits) && s.bits[n/64]&(1<<(n%64)) != 0
}
