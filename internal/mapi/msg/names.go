package msg

import (
	"errors"
	"fmt"
	"hash/crc32"

	"outpost/internal/mapi"
)

// The streams of the named property mapping. MS-OXMSG 2.2.3.1
const (
	nameGUIDs   = "__substg1.0_00020102"
	nameEntries = "__substg1.0_00030102"
	nameStrings = "__substg1.0_00040102"
)

const (
	nameEntry   = 8 // bytes of the entry stream, MS-OXMSG 2.2.3.1.2
	indexMAPI   = 1 // of the sets that are not in the GUID stream
	indexPublic = 2 //
	indexFirst  = 3 // of the GUID stream
	maxNames    = 0x7FFE
	hashStreams = 0x1F // MS-OXMSG 2.2.3.2
)

// readNames reads the names of properties. Property 0x8000+i has the name i. MS-OXMSG 2.2.3.1
func readNames(s *storage) (names map[uint16]mapi.Name, problems []error) {
	guids, _ := s.stream(nameGUIDs)
	entries, _ := s.stream(nameEntries)
	texts, _ := s.stream(nameStrings)
	names = make(map[uint16]mapi.Name)
	for i := 0; i+nameEntry <= len(entries) && i/nameEntry <= maxNames; i += nameEntry {
		n, index, err := readName(entries[i:i+nameEntry], guids, texts)
		if err != nil {
			problems = append(problems, fmt.Errorf("name %d of a property: %w", i/nameEntry, err))
			continue
		}
		if index <= maxNames {
			names[mapi.FirstNamedID+index] = n
		}
	}
	return names, problems
}

// readName reads an entry of the entry stream. MS-OXMSG 2.2.3.1.2
func readName(entry, guids, texts []byte) (n mapi.Name, index uint16, err error) {
	lid, kind := le.Uint32(entry), le.Uint16(entry[4:])
	index = le.Uint16(entry[6:])
	var set mapi.GUID
	switch i := int(kind >> 1); {
	case i == indexMAPI:
		set = mapi.PSMAPI()
	case i == indexPublic:
		set = mapi.PSPublicStrings()
	case i >= indexFirst && (i-indexFirst+1)*len(set) <= len(guids):
		copy(set[:], guids[(i-indexFirst)*len(set):])
	default:
		return n, index, fmt.Errorf("there is no property set %d", i)
	}
	if kind&1 == 0 {
		return mapi.NameID(set, lid), index, nil
	}
	text, err := textAt(texts, lid)
	return mapi.NameString(set, text), index, err
}

// textAt reads an entry of the string stream. MS-OXMSG 2.2.3.1.3
func textAt(texts []byte, offset uint32) (string, error) {
	if uint64(offset)+4 > uint64(len(texts)) {
		return "", errors.New("its text lies beyond the end")
	}
	size := le.Uint32(texts[offset:])
	texts = texts[offset+4:]
	if uint64(size) > uint64(len(texts)) {
		return "", errors.New("its text goes beyond the end")
	}
	return mapi.DecodeUTF16(texts[:size]), nil
}

// nameTable gives ids to names while a file is written.
type nameTable struct {
	ids                   map[mapi.Name]uint16
	sets                  map[mapi.GUID]int
	guids, entries, texts []byte
	hashed                map[uint32][]byte // MS-OXMSG 2.2.3.2
}

func newNameTable() *nameTable {
	return &nameTable{ids: make(map[mapi.Name]uint16), hashed: make(map[uint32][]byte),
		sets: map[mapi.GUID]int{mapi.PSMAPI(): indexMAPI, mapi.PSPublicStrings(): indexPublic}}
}

// id gives the id of a name, which is a new one if the name is new. MS-OXMSG 2.2.3
func (t *nameTable) id(n mapi.Name) (uint16, error) {
	if id, ok := t.ids[n]; ok {
		return id, nil
	}
	index := len(t.ids)
	if index > maxNames {
		return 0, fmt.Errorf("there are more names of properties than the %d that one file can hold", maxNames+1)
	}
	set, ok := t.sets[n.Set]
	if !ok {
		set = len(t.guids)/len(n.Set) + indexFirst
		t.sets[n.Set] = set
		t.guids = append(t.guids, n.Set[:]...)
	}
	lid, hash, kind := n.ID, n.ID, uint16(set)<<1
	if n.Kind == mapi.KindString {
		text := mapi.EncodeUTF16(n.Name)
		kind |= 1
		lid, hash = uint32(len(t.texts)), nameHash(text)
		t.texts = append(le.AppendUint32(t.texts, uint32(len(text))), text...)
		t.texts = append(t.texts, make([]byte, -len(t.texts)&3)...)
	}
	rest := le.AppendUint16(le.AppendUint16(nil, kind), uint16(index))
	t.entries = append(le.AppendUint32(t.entries, lid), rest...)
	stream := 0x1000 + (hash^uint32(kind))%hashStreams
	t.hashed[stream] = append(le.AppendUint32(t.hashed[stream], hash), rest...)
	t.ids[n] = mapi.FirstNamedID + uint16(index)
	return t.ids[n], nil
}

// nameHash is the CRC-32 of a name, with which others begin at 0 and do not turn the bits around. MS-OXMSG 2.2.3.2
func nameHash(text []byte) uint32 { return ^crc32.Update(^uint32(0), crc32.IEEETable, text) }

// storage gives the storage of the names. MS-OXMSG 2.2.3
func (t *nameTable) storage() *storage {
	s := newStorage()
	s.addStream(nameGUIDs, t.guids)
	s.addStream(nameEntries, t.entries)
	s.addStream(nameStrings, t.texts)
	for id := range uint32(hashStreams) {
		if data := t.hashed[0x1000+id]; data != nil {
			s.addStream(fmt.Sprintf(nameValue, (0x1000+id)<<16|uint32(mapi.TypeBinary)), data)
		}
	}
	return s
}
