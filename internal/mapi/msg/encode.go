package msg

import (
	"fmt"

	"outpost/internal/mapi"
)

// classOfMessages is {00020D0B-0000-0000-C000-000000000046}, by which programs know a message file.
func classOfMessages() mapi.GUID { return mapi.GUID{0x0B, 0x0D, 0x02, 8: 0xC0, 15: 0x46} }

// flags of each property: it can be read and written. MS-OXMSG 2.4.2.1
const flags = 0x02 | 0x04

// unicodeOK is STORE_UNICODE_OK of PidTagStoreSupportMask. MS-OXMSG 2.1.1
const unicodeOK int32 = 0x00040000

// Encode writes a message with all that belongs to it. A property that this format cannot hold (a rule, a condition, an
// id of a name without the name) is an error; Decode gives back what was written.
func Encode(m *mapi.Message) ([]byte, error) {
	e := &encoder{names: newNameTable()}
	root, err := e.message(m, headerOfFile, 0)
	if err != nil {
		return nil, fmt.Errorf("write .msg: %w", err)
	}
	root.class = classOfMessages()
	root.addStorage(nameNames, e.names.storage())
	out, err := writeCompound(root)
	if err != nil {
		return nil, fmt.Errorf("write .msg: %w", err)
	}
	return out, nil
}

type encoder struct{ names *nameTable }

// message makes the storage of a message. MS-OXMSG 2.3, 2.2.2.1
func (e *encoder) message(m *mapi.Message, header, depth int) (*storage, error) {
	if depth >= maxDepth {
		return nil, fmt.Errorf("messages lie in messages deeper than %d", maxDepth)
	}
	if len(m.Recipients) > maxObjects || len(m.Attachments) > maxObjects {
		return nil, fmt.Errorf("%d recipients and %d attachments: there can be %d of each", len(m.Recipients), len(m.Attachments), maxObjects)
	}
	s := newStorage()
	head := make([]byte, 8, headerOfFile) // MS-OXMSG 2.4.1
	for range 2 {                         // the next ids, then how many there are
		head = le.AppendUint32(head, uint32(len(m.Recipients)))
		head = le.AppendUint32(head, uint32(len(m.Attachments)))
	}
	p := m.Properties.Clone()
	p.Set(tagStoreSupportMask, unicodeOK)
	if err := e.properties(s, head[:header], &p, nil); err != nil {
		return nil, err
	}
	for i := range m.Recipients {
		sub := newStorage()
		if err := e.properties(sub, make([]byte, headerOfPart), &m.Recipients[i], nil); err != nil {
			return nil, fmt.Errorf("recipient %d: %w", i+1, err)
		}
		s.addStorage(fmt.Sprintf(nameRecipient, i), sub)
	}
	for i := range m.Attachments {
		a, sub := &m.Attachments[i], newStorage()
		var embedded *storage
		if a.Embedded != nil {
			var err error
			if embedded, err = e.message(a.Embedded, headerOfEmbedded, depth+1); err != nil {
				return nil, fmt.Errorf("attachment %d: %w", i+1, err)
			}
		}
		if err := e.properties(sub, make([]byte, headerOfPart), &a.Properties, embedded); err != nil {
			return nil, fmt.Errorf("attachment %d: %w", i+1, err)
		}
		s.addStorage(fmt.Sprintf(nameAttachment, i), sub)
	}
	return s, nil
}

// properties writes the property stream and the values that lie beside it. MS-OXMSG 2.4
func (e *encoder) properties(s *storage, out []byte, p *mapi.Properties, embedded *storage) error {
	for prop := range p.All() {
		tag := prop.Tag
		switch {
		case !prop.Name.IsZero():
			id, err := e.names.id(prop.Name)
			if err != nil {
				return err
			}
			tag = mapi.MakeTag(id, tag.Type())
		case tag.ID() >= mapi.FirstNamedID || tag.ID() == 0:
			return fmt.Errorf("property %s has an id that stands for a name, but no name", tag)
		case embedded != nil && tag.ID() == tagAttachDataObject.ID():
			continue
		}
		value, err := writeValue(s, tag, prop.Value)
		if err != nil {
			return fmt.Errorf("property %s %s: %w", prop.Tag, prop.Name, err)
		}
		out = append(appendEntryOf(out, tag), value[:]...)
	}
	if embedded != nil {
		value := storageEntry(1)
		s.addStorage(fmt.Sprintf(nameValue, uint32(tagAttachDataObject)), embedded)
		out = append(appendEntryOf(out, tagAttachDataObject), value[:]...)
	}
	s.addStream(nameProperties, out)
	return nil
}

func appendEntryOf(out []byte, tag mapi.Tag) []byte {
	return le.AppendUint32(le.AppendUint32(out, uint32(tag)), flags)
}
