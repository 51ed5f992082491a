package msg

import (
	"errors"
	"fmt"
	"strings"

	"outpost/internal/mapi"
)

// What a file may have at most.
const (
	maxDepth   = 32   // messages in messages
	maxObjects = 2048 // recipients or attachments of one message, MS-OXMSG 2.2.1, 2.2.2
)

// The lengths of what stands at the beginning of a property stream. MS-OXMSG 2.4.1
const (
	headerOfFile     = 32
	headerOfEmbedded = 24
	headerOfPart     = 8 // of a recipient or an attachment
)

const (
	tagStoreSupportMask mapi.Tag = 0x340D0003 // says that the texts are Unicode, MS-OXMSG 2.1.1
	tagAttachDataObject mapi.Tag = 0x3701000D
)

// Decode reads a file. A broken one is read as far as it can be: then there are a message and an error that names the
// places; what lies beyond them is missing. There is no message only if the file is not of this kind (ErrFormat), has no
// directory, or is larger than 1 GiB.
func Decode(data []byte) (*mapi.Message, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("read .msg: a file of %d bytes is larger than 1 GiB", len(data))
	}
	root, broken := readCompound(data)
	if root == nil {
		return nil, fmt.Errorf("read .msg: %w", broken)
	}
	d := &decoder{}
	if names := root.storage(nameNames); names != nil {
		var problems []error
		d.names, problems = readNames(names)
		for _, err := range problems {
			d.problem("%w", err)
		}
	}
	m := d.message(root, headerOfFile, "", 0)
	if d.more > 0 {
		d.problems = append(d.problems, fmt.Errorf("and %d more", d.more))
	}
	if err := errors.Join(append([]error{broken}, d.problems...)...); err != nil {
		return m, fmt.Errorf("read .msg: %w", err)
	}
	return m, nil
}

type decoder struct {
	names    map[uint16]mapi.Name
	problems []error
	more     int
}

func (d *decoder) problem(format string, args ...any) {
	const most = 20
	if len(d.problems) == most {
		d.more++
		return
	}
	d.problems = append(d.problems, fmt.Errorf(format, args...))
}

// message reads the message in a storage. MS-OXMSG 2.3, 2.2.2.1
func (d *decoder) message(s *storage, header int, path string, depth int) *mapi.Message {
	m := &mapi.Message{Properties: d.properties(s, header, path, nil)}
	m.Delete(tagStoreSupportMask)
	for _, c := range s.sorted() {
		where := path + "/" + c.name
		switch {
		case c.storage == nil:
		case isNumbered(c.name, nameRecipient):
			if len(m.Recipients) == maxObjects {
				d.problem("%s: there are more than %d recipients", where, maxObjects)
				continue
			}
			m.Recipients = append(m.Recipients, d.properties(c.storage, headerOfPart, where, nil))
		case isNumbered(c.name, nameAttachment):
			if len(m.Attachments) == maxObjects {
				d.problem("%s: there are more than %d attachments", where, maxObjects)
				continue
			}
			var a mapi.Attachment
			a.Properties = d.properties(c.storage, headerOfPart, where, func(sub *storage) bool {
				if _, ok := sub.stream(nameProperties); !ok {
					return false
				}
				if depth+1 >= maxDepth {
					d.problem("%s: messages lie in messages deeper than %d", where, maxDepth)
					return false
				}
				a.Embedded = d.message(sub, headerOfEmbedded, where, depth+1)
				return true
			})
			m.Attachments = append(m.Attachments, a)
		}
	}
	return m
}

// isNumbered reports whether a name is one of those that a format makes of numbers.
func isNumbered(name, format string) bool {
	prefix, _, _ := strings.Cut(format, "%")
	return len(name) == len(prefix)+8 && strings.EqualFold(name[:len(prefix)], prefix)
}

// properties reads the property stream of a storage and the values that lie beside it. A storage that is the data of an
// attachment goes to embedded first, which says whether it is a message. MS-OXMSG 2.4
func (d *decoder) properties(s *storage, header int, path string, embedded func(*storage) bool) (p mapi.Properties) {
	entries, ok := s.stream(nameProperties)
	if !ok || len(entries) < header {
		d.problem("%s/%s: the list of properties is missing", path, nameProperties)
		return p
	}
	entries = entries[header:]
	seen := make(map[mapi.Tag]bool) // no value is read twice, however often it is named
	for ; len(entries) >= propertyEntry; entries = entries[propertyEntry:] {
		tag := mapi.Tag(le.Uint32(entries))
		if seen[tag] {
			d.problem("%s: property %s is there twice", path, tag)
			continue
		}
		seen[tag] = true
		if tag == tagAttachDataObject && embedded != nil {
			if sub := s.storage(fmt.Sprintf(nameValue, uint32(tag))); sub != nil && embedded(sub) {
				continue
			}
		}
		value, err := d.readValue(s, tag, entries[8:propertyEntry])
		if err != nil {
			d.problem("%s: property %s: %w", path, tag, err)
			continue
		}
		name, named := d.names[tag.ID()]
		switch {
		case tag.ID() < mapi.FirstNamedID && tag.ID() != 0:
			p.Set(tag, value)
		case named && !name.IsZero():
			p.SetNamed(name, value)
		default:
			d.problem("%s: property %s: it has no name", path, tag)
		}
	}
	return p
}
