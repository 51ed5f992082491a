package tnef

import (
	"fmt"
	"math"
	"strings"
	"time"

	"outpost/internal/mapi"
)

// defaultCodepage is that of Western European, for text that does not say which one it is in.
const defaultCodepage = 1252

// Encode writes a message with all that belongs to it. A property that this format cannot hold (a rule, a condition, an
// id of a name without the name) is an error; Decode gives back what was written.
func Encode(m *mapi.Message) ([]byte, error) {
	out, err := encode(m, 0)
	if err != nil {
		return nil, fmt.Errorf("write TNEF: %w", err)
	}
	return out, nil
}

func encode(m *mapi.Message, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return nil, fmt.Errorf("messages lie in messages deeper than %d", maxDepth)
	}
	w := &writer{depth: depth}
	const key = 1 // tells streams of one mail apart, which nobody does
	out := le.AppendUint16(le.AppendUint32(nil, signature), key)
	codepage, ok := m.Get(tagMessageCodepage)
	if !ok {
		codepage = int32(defaultCodepage)
	}
	out = appendAttribute(out, levelMessage, attTnefVersion, le.AppendUint32(nil, 0x00010000))
	out = appendAttribute(out, levelMessage, attOemCodepage, le.AppendUint32(le.AppendUint32(nil, uint32(codepage.(int32))), 0))
	out = appendMessageAttributes(out, m, depth)
	if len(m.Recipients) > 0 {
		if len(m.Recipients) > maxRecipients {
			return nil, fmt.Errorf("%d recipients are more than %d", len(m.Recipients), maxRecipients)
		}
		table := le.AppendUint32(nil, uint32(len(m.Recipients)))
		for i := range m.Recipients {
			var err error
			if table, err = w.appendList(table, &m.Recipients[i]); err != nil {
				return nil, fmt.Errorf("recipient %d: %w", i+1, err)
			}
		}
		if uint64(len(table)) > math.MaxUint32 {
			return nil, fmt.Errorf("the recipients take %d bytes, which is too much", len(table))
		}
		out = appendAttribute(out, levelMessage, attRecipTable, table)
	}
	list, err := w.appendList(nil, &m.Properties)
	if err != nil {
		return nil, err
	}
	out = appendAttribute(out, levelMessage, attMsgProps, list)
	if len(m.Attachments) > maxAttachments {
		return nil, fmt.Errorf("%d attachments are more than %d", len(m.Attachments), maxAttachments)
	}
	for i := range m.Attachments {
		if out, err = w.appendAttachment(out, &m.Attachments[i]); err != nil {
			return nil, fmt.Errorf("attachment %d: %w", i+1, err)
		}
	}
	if len(out) > maxSize {
		return nil, fmt.Errorf("%d bytes are more than 1 GiB", len(out))
	}
	return out, nil
}

// appendAttribute writes an attribute. MS-OXTNEF 2.1.3
func appendAttribute(dst []byte, level uint8, id uint32, data []byte) []byte {
	dst = le.AppendUint32(append(dst, level), id)
	dst = append(le.AppendUint32(dst, uint32(len(data))), data...)
	return le.AppendUint16(dst, checksum(data))
}

// appendMessageAttributes writes those attributes that other readers look for; all that they say is in the list, too.
func appendMessageAttributes(dst []byte, m *mapi.Message, depth int) []byte {
	if class := asText(&m.Properties, tagMessageClass); class != "" && isASCII(class) {
		dst = appendAttribute(dst, levelMessage, attMessageClass, append([]byte(classToAttribute(class)), 0))
	}
	if v, ok := m.Get(tagImportance); ok {
		if n := v.(int32); n >= 0 && n <= 2 {
			dst = appendAttribute(dst, levelMessage, attPriority, le.AppendUint16(nil, uint16(3-n)))
		}
	}
	if v, ok := m.Get(tagSubject.WithType(mapi.TypeUnspecified)); ok && depth == 0 { // MS-OXTNEF 2.2.3.5
		dst = appendAttribute(dst, levelMessage, attSubject, oldText(v, '?'))
	}
	if v, ok := m.Get(tagClientSubmitTime); ok && v.(time.Time).UTC().Year() < 1<<16 {
		dst = appendAttribute(dst, levelMessage, attDateSent, appendDate(nil, v.(time.Time)))
	}
	return dst
}

// isASCII reports whether a text reads the same in all code pages, and to readers that stop at a NUL.
func isASCII(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c == 0 || c >= 0x80 }) < 0
}

// oldText gives a text for an attribute, which cannot say everything; the property says it all.
func oldText(v mapi.Value, instead rune) []byte {
	if s, ok := v.(mapi.String8); ok {
		return append([]byte(s), 0)
	}
	s, _ := v.(string)
	return append([]byte(strings.Map(func(c rune) rune {
		if c == 0 || c >= 0x80 {
			return instead
		}
		return c
	}, s)), 0)
}

// appendAttachment writes an attachment; its list comes last. MS-OXTNEF 2.1.3.3.15, 2.2.3.15
func (w *writer) appendAttachment(dst []byte, a *mapi.Attachment) ([]byte, error) {
	dst = appendAttribute(dst, levelAttachment, attAttachRendData, rendData(&a.Properties))
	if v, ok := a.Get(tagAttachFilename.WithType(mapi.TypeUnspecified)); ok {
		if long, ok := a.Get(tagAttachLongFilename.WithType(mapi.TypeUnspecified)); ok {
			v = long
		}
		dst = appendAttribute(dst, levelAttachment, attAttachTitle, oldText(v, '_'))
	}
	list := a.Properties.Clone()
	if a.Embedded != nil {
		list.Delete(tagAttachDataObject)
	} else if data, ok := a.Get(tagAttachDataBinary); ok {
		if uint64(len(data.([]byte))) > math.MaxUint32 {
			return dst, fmt.Errorf("%d bytes are too many", len(data.([]byte)))
		}
		dst = appendAttribute(dst, levelAttachment, attAttachData, data.([]byte))
		list.Delete(tagAttachDataBinary)
	}
	encoded, err := w.appendList(nil, &list)
	if err != nil {
		return dst, err
	}
	if a.Embedded != nil {
		embedded, err := encode(a.Embedded, w.depth+1)
		if err != nil {
			return dst, err
		}
		le.PutUint32(encoded, uint32(list.Len()+1))
		iid := iidMessage()
		encoded = le.AppendUint32(le.AppendUint32(encoded, uint32(tagAttachDataObject)), 1)
		if encoded, err = appendCounted(encoded, append(iid[:], embedded...)); err != nil {
			return dst, err
		}
	}
	return appendAttribute(dst, levelAttachment, attAttachment, encoded), nil
}

// rendData says how an attachment is shown. MS-OXTNEF 2.1.3.3.15
func rendData(p *mapi.Properties) []byte {
	kind, position := uint16(rendFile), uint32(rendNowhere)
	if v, ok := p.Get(tagAttachMethod); ok && v == methodOLE {
		kind = rendOLE
	}
	if v, ok := p.Get(tagRenderingPosition); ok {
		position = uint32(v.(int32))
	}
	out := le.AppendUint32(le.AppendUint16(nil, kind), position)
	return append(out, make([]byte, 8)...) // no picture, an ordinary file
}

// appendList writes a list of properties. MS-OXTNEF 2.1.3.4
func (w *writer) appendList(dst []byte, p *mapi.Properties) (_ []byte, err error) {
	dst = le.AppendUint32(dst, uint32(p.Len()))
	for prop := range p.All() {
		if dst, err = w.appendProperty(dst, prop); err != nil {
			return dst, err
		}
	}
	return dst, nil
}
