package msg

import (
	"bytes"
	"errors"
	"fmt"

	"outpost/internal/mapi"
)

// The names of storages and streams. MS-OXMSG 2.1, 2.2
const (
	nameProperties = "__properties_version1.0"
	nameNames      = "__nameid_version1.0"
	nameRecipient  = "__recip_version1.0_#%08X"
	nameAttachment = "__attach_version1.0_#%08X"
	nameValue      = "__substg1.0_%08X"
	nameOneOfMany  = "__substg1.0_%08X-%08X"
)

const propertyEntry = 16 // bytes of the property stream, MS-OXMSG 2.4.2

// fixedSize is how many bytes a value of the type has in the property stream, or in the stream of many values if the
// type is one of those. MS-OXMSG 2.1.2, 2.1.4.1
func fixedSize(t mapi.Type) (int, bool) {
	switch t {
	case mapi.TypeInteger16, mapi.TypeBoolean:
		return 2, true
	case mapi.TypeInteger32, mapi.TypeFloating32, mapi.TypeErrorCode:
		return 4, true
	case mapi.TypeFloating64, mapi.TypeCurrency, mapi.TypeFloatingTime, mapi.TypeInteger64, mapi.TypeTime:
		return 8, true
	}
	return 0, false
}

// isText says what ends the texts of a type.
func isText(t mapi.Type) (end int, ok bool) {
	switch t.Single() {
	case mapi.TypeString:
		return 2, true
	case mapi.TypeString8:
		return 1, true
	}
	return 0, false
}

// readValue reads the value of an entry of the property stream, or of the streams that it stands for. MS-OXMSG 2.1
func (d *decoder) readValue(s *storage, t mapi.Tag, inEntry []byte) (mapi.Value, error) {
	typ := t.Type()
	if size, ok := fixedSize(typ); ok {
		v, _, err := mapi.DecodeValue(mapi.Transfer, typ, inEntry[:size])
		return v, err
	}
	name := fmt.Sprintf(nameValue, uint32(t))
	if sub := s.storage(name); sub != nil && typ == mapi.TypeObject {
		object, err := writeCompound(sub)
		return mapi.Object(object), err
	}
	data, ok := s.stream(name)
	if !ok {
		return nil, errors.New("its value is missing")
	}
	if end, ok := isText(typ); ok && !typ.Multiple() { // some programs write the NULs that should not be there
		for len(data) >= end && len(bytes.Trim(data[len(data)-end:], "\x00")) == 0 && len(data)%end == 0 {
			data = data[:len(data)-end]
		}
	}
	switch typ {
	case mapi.TypeString, mapi.TypeString8, mapi.TypeBinary, mapi.TypeServerID, mapi.TypeObject:
		v, _, err := mapi.DecodeValue(mapi.Transfer, typ, append(le.AppendUint32(nil, uint32(len(data))), data...))
		return v, err
	case mapi.TypeGUID:
		v, _, err := mapi.DecodeValue(mapi.Transfer, typ, data)
		return v, err
	case mapi.TypeMultipleString, mapi.TypeMultipleString8, mapi.TypeMultipleBinary:
		return readMany(s, t, data)
	}
	size, ok := fixedSize(typ.Single())
	if typ == mapi.TypeMultipleGUID {
		size, ok = 16, true
	}
	if !ok || !typ.Multiple() {
		return nil, fmt.Errorf("values of type %s cannot be read", typ)
	}
	v, _, err := mapi.DecodeValue(mapi.Transfer, typ, append(le.AppendUint32(nil, uint32(len(data)/size)), data...))
	return v, err
}

// readMany reads values of which each lies in a stream of its own. MS-OXMSG 2.1.4.2
func readMany(s *storage, t mapi.Tag, lengths []byte) (mapi.Value, error) {
	size := 4
	if t.Type() == mapi.TypeMultipleBinary {
		size = 8
	}
	n := len(lengths) / size
	all := le.AppendUint32(nil, uint32(n))
	for i := range n {
		data, ok := s.stream(fmt.Sprintf(nameOneOfMany, uint32(t), i))
		if !ok {
			return nil, fmt.Errorf("value %d of %d is missing", i+1, n)
		}
		all = append(le.AppendUint32(all, uint32(len(data))), data...)
	}
	v, _, err := mapi.DecodeValue(mapi.Transfer, t.Type(), all)
	return v, err
}

// writeValue writes a value into streams of its own, if it does not fit into the entry, and gives the entry's last
// eight bytes. MS-OXMSG 2.1, 2.4.2
func writeValue(s *storage, t mapi.Tag, v mapi.Value) (inEntry [8]byte, err error) {
	typ := t.Type()
	encoded, err := mapi.AppendValue(nil, mapi.Transfer, v)
	if err != nil {
		return inEntry, err
	}
	if _, ok := fixedSize(typ); ok {
		copy(inEntry[:], encoded)
		return inEntry, nil
	}
	name := fmt.Sprintf(nameValue, uint32(t))
	size := 0
	end, text := isText(typ)
	switch {
	case typ == mapi.TypeObject:
		if sub, err := readCompound(encoded[4:]); err == nil {
			s.addStorage(name, sub)
			return storageEntry(4), nil
		}
		s.addStream(name, encoded[4:])
		size = len(encoded) - 4
	case text && !typ.Multiple(): // the stream has no NUL at the end, but the size counts it
		s.addStream(name, encoded[4:len(encoded)-end])
		size = len(encoded) - 4
	case typ == mapi.TypeGUID:
		s.addStream(name, encoded)
		size = len(encoded)
	case text || typ == mapi.TypeMultipleBinary:
		lengths := writeMany(s, t, encoded)
		s.addStream(name, lengths)
		size = len(lengths)
	default: // bytes after their length, or values of one size after their number
		s.addStream(name, encoded[4:])
		size = len(encoded) - 4
	}
	le.PutUint32(inEntry[:], uint32(size))
	return inEntry, nil
}

// storageEntry stands in place of a size where the value is a storage: of a message (1) or of an object (4).
// MS-OXMSG 2.4.2.2
func storageEntry(kind uint32) (inEntry [8]byte) {
	le.PutUint32(inEntry[:], 0xFFFFFFFF)
	le.PutUint32(inEntry[4:], kind)
	return inEntry
}

// writeMany writes each value into a stream of its own and gives their lengths. MS-OXMSG 2.1.4.2
func writeMany(s *storage, t mapi.Tag, encoded []byte) (lengths []byte) {
	n := le.Uint32(encoded)
	encoded = encoded[4:]
	for i := range n {
		size := le.Uint32(encoded)
		s.addStream(fmt.Sprintf(nameOneOfMany, uint32(t), i), encoded[4:4+size])
		encoded = encoded[4+size:]
		if lengths = le.AppendUint32(lengths, size); t.Type() == mapi.TypeMultipleBinary {
			lengths = le.AppendUint32(lengths, 0)
		}
	}
	return lengths
}
