// Package mime reads mail as it is found in the world (RFC 5322, RFC 2045-2047, RFC 2231), keeping byte offsets into
// the message and never failing: what is broken is read as far as it goes and told in a Problem. It may import
// golang.org/x/text and nothing of ours. Walk (walk.go) finds the parts; header.go, words.go, params.go, address.go read
// what stands in headers; body.go and charset.go read bodies; split.go cuts attachments out and puts them back.
package mime

import (
	"bytes"
	"strconv"
	"strings"
)

// Bounds on what a message may make us do; beyond them the rest is left in the last part that was found.
const (
	MaxDepth  = 32      // multiparts and messages inside each other
	MaxParts  = 1000    // parts of all depths
	MaxHeader = 1 << 20 // bytes of one header block
)

// Part is one entity (RFC 2045 2.4): the message itself, a multipart, or a leaf. Offsets are into Message.Raw.
type Part struct {
	Parent    int    // index into Message.Parts, -1 for the message itself
	Number    int    // 1-based position among the parent's children; 1 for the content of a message/rfc822
	Start     int    // first byte of the header block
	Body      int    // first byte after the header block's empty line
	End       int    // after the body's last byte; the line end before a boundary belongs to the boundary (RFC 2046 5.1.1)
	Type      string // media type in lower case, "text/plain" when absent or unreadable
	Encoding  string // Content-Transfer-Encoding in lower case, "" when absent
	Multipart bool   // has children that boundaries divide
	Message   bool   // message/rfc822 whose content is the one child
	Nested    bool   // is inside a message/rfc822 part

	contentType, disposition, id []byte // raw values
}

// Message is a message taken apart. Parts[0] is the message itself; children follow their parent.
type Message struct {
	Raw     []byte
	Parts   []Part
	Problem string // what was malformed first, with its byte offset; "" when nothing was
}

// Walk takes a message apart. It does not copy raw.
func Walk(raw []byte) *Message {
	w := walker{m: &Message{Raw: raw, Parts: make([]Part, 0, 4)}}
	w.entity(0, -1, 1, false, "text/plain", 0)
	return w.m
}

type walker struct {
	m     *Message
	stack [][]byte // boundaries that are open, outermost first, each with its leading "--"
}

// delimiter is a boundary line: where it and the line end before it start, where the next line starts.
type delimiter struct {
	end, line, next int
	level           int // index into walker.stack, -1 at the end of the message
	last            bool
}

func (w *walker) problem(at int, text string) {
	if w.m.Problem == "" {
		w.m.Problem = text + " at byte " + strconv.Itoa(at)
	}
}

// entity reads the entity at start and returns the delimiter that ended it.
func (w *walker) entity(start, parent, number int, nested bool, defaultType string, depth int) delimiter {
	i := len(w.m.Parts)
	w.m.Parts = append(w.m.Parts, Part{Parent: parent, Number: number, Start: start, Type: defaultType, Nested: nested})
	p := &w.m.Parts[i]
	d, cut := w.header(p, start)
	if cut { // a boundary stands where the header block should have ended
		p.Body, p.End = d.end, d.end
		if t := mediaType(p.contentType); t != "" && !strings.HasPrefix(t, "multipart/") && t != "message/rfc822" {
			p.Type = t
		}
		return d
	}
	body := p.Body
	if p.contentType != nil {
		if t := mediaType(p.contentType); t != "" {
			p.Type = t
		} else {
			w.problem(start, "unreadable Content-Type in the header")
			p.Type = "text/plain"
		}
	}
	isMultipart := strings.HasPrefix(p.Type, "multipart/")
	if (isMultipart || p.Type == "message/rfc822") && (depth >= MaxDepth || len(w.m.Parts) >= MaxParts) {
		w.problem(start, "more parts inside each other than are read")
		isMultipart = false
	} else if p.Type == "message/rfc822" && (p.Encoding == "" || p.Encoding == "7bit" || p.Encoding == "8bit" || p.Encoding == "binary") {
		p.Message = true
		d := w.entity(body, i, 1, true, "text/plain", depth+1)
		w.m.Parts[i].End = d.end
		return d
	}
	if isMultipart {
		boundary := Param(p.contentType, "boundary")
		if boundary = strings.TrimRight(boundary, " \t"); boundary != "" {
			p.Multipart = true
			return w.multipart(i, body, boundary, depth)
		}
		w.problem(start, "a multipart without boundary")
		p.Type = "text/plain"
	}
	d = w.next(body, body)
	p.End = max(d.end, body)
	return d
}

// multipart reads the children of part i (RFC 2046 5.1.1).
func (w *walker) multipart(i, body int, boundary string, depth int) delimiter {
	own := len(w.stack)
	w.stack = append(w.stack, []byte("--"+boundary))
	childType, nested := "text/plain", w.m.Parts[i].Nested
	if w.m.Parts[i].Type == "multipart/digest" {
		childType = "message/rfc822"
	}
	d := w.next(body, body)
	n := 0
	for d.level == own && !d.last {
		if len(w.m.Parts) >= MaxParts {
			w.problem(d.line, "more parts than are read")
			d = w.next(d.next, d.next)
			continue
		}
		n++
		d = w.entity(d.next, i, n, nested, childType, depth+1)
	}
	w.stack = w.stack[:own]
	if d.level == own { // the closing line: what follows is an epilogue
		d = w.next(d.next, d.next)
	} else if n == 0 || d.level < own {
		w.problem(d.end, "the closing boundary of a multipart is missing")
	}
	if n == 0 && d.level < own && !hasChildren(w.m.Parts, i) {
		// No boundary was found at all: show the body as text rather than nothing.
		w.m.Parts[i].Multipart = false
		w.m.Parts[i].Type = "text/plain"
	}
	w.m.Parts[i].End = max(d.end, body)
	return d
}

func hasChildren(parts []Part, i int) bool { return i+1 < len(parts) && parts[i+1].Parent == i }

// next finds the next boundary line of any open multipart at or after from. lower is what end must not go below.
func (w *walker) next(from, lower int) delimiter {
	raw := w.m.Raw
	for len(w.stack) > 0 && from < len(raw) {
		if bytes.HasPrefix(raw[from:], dashes) {
			if d, ok := w.match(from, lower); ok {
				return d
			}
		}
		k := bytes.Index(raw[from:], newlineDashes)
		if k < 0 {
			break
		}
		from += k + 1
	}
	return delimiter{end: len(raw), line: len(raw), next: len(raw), level: -1}
}

var (
	dashes        = []byte("--")
	newlineDashes = []byte("\n--")
)

// match tells whether the line at pos is a boundary, innermost first.
func (w *walker) match(pos, lower int) (delimiter, bool) {
	raw := w.m.Raw
	for l := len(w.stack) - 1; l >= 0; l-- {
		b := w.stack[l]
		if !bytes.HasPrefix(raw[pos:], b) {
			continue
		}
		next := len(raw)
		if k := bytes.IndexByte(raw[pos:], '\n'); k >= 0 {
			next = pos + k + 1
		}
		rest := raw[pos+len(b) : next]
		last := bytes.HasPrefix(rest, dashes)
		if !last && len(bytes.TrimRight(rest, " \t\r\n")) != 0 {
			continue
		}
		end := pos
		if end > lower && raw[end-1] == '\n' {
			end--
			if end > lower && raw[end-1] == '\r' {
				end--
			}
		}
		return delimiter{end: end, line: pos, next: next, level: l, last: last}, true
	}
	return delimiter{}, false
}

// header reads the header block of p and sets p.Body; cut tells that a boundary ended it.
func (w *walker) header(p *Part, start int) (d delimiter, cut bool) {
	block := w.m.Raw
	if len(block)-start > MaxHeader {
		block = block[:start+MaxHeader]
	}
	pos, fields := start, 0
	for pos < len(block) {
		if len(w.stack) > 0 && block[pos] == '-' && bytes.HasPrefix(block[pos:], dashes) {
			if d, ok := w.match(pos, start); ok {
				return d, true
			}
		}
		name, value, next, kind := field(block, pos)
		switch kind {
		case fieldEnd:
			p.Body = next
			return d, false
		case fieldGarbage:
			if pos != start || !isFromLine(block[pos:next]) {
				w.problem(pos, "a line in the header block is no header field")
				_, _, _, after := field(block, next)
				if next >= len(block) || after == fieldGarbage || after == fieldEnd && fields == 0 {
					p.Body = pos
					return d, false
				}
			}
		default:
			fields++
			if len(name) > 8 && name[0]|0x20 == 'c' && name[7] == '-' {
				switch {
				case equalFold(name, "content-type"):
					if p.contentType == nil {
						p.contentType = value
					}
				case equalFold(name, "content-transfer-encoding"):
					p.Encoding = encodingName(value)
				case equalFold(name, "content-disposition"):
					p.disposition = value
				case equalFold(name, "content-id"):
					p.id = value
				}
			}
		}
		pos = next
	}
	if len(block) < len(w.m.Raw) {
		w.problem(start, "a header block longer than 1 MiB")
	}
	p.Body = pos
	return d, false
}

// Header returns the header block of part i with its empty line.
func (m *Message) Header(i int) []byte { return m.Raw[m.Parts[i].Start:m.Parts[i].Body] }

// Content returns the body of part i as it stands in the message.
func (m *Message) Content(i int) []byte { return m.Raw[m.Parts[i].Body:m.Parts[i].End] }

// Leaf tells whether part i has no children.
func (m *Message) Leaf(i int) bool { return !m.Parts[i].Multipart && !m.Parts[i].Message }

// Path returns the IMAP section of part i (RFC 9051 6.4.5), "" for a message that has parts.
func (m *Message) Path(i int) string {
	var numbers []int
	for j := i; j >= 0; j = m.Parts[j].Parent {
		p := &m.Parts[j]
		switch {
		case p.Parent < 0:
			if !p.Multipart && j == i {
				numbers = append(numbers, 1)
			}
		case m.Parts[p.Parent].Message && p.Multipart:
			// The multipart of an attached message has no number of its own.
		default:
			numbers = append(numbers, p.Number)
		}
	}
	b := make([]byte, 0, 8)
	for k := len(numbers) - 1; k >= 0; k-- {
		if len(b) > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendInt(b, int64(numbers[k]), 10)
	}
	return string(b)
}

// Param returns a parameter of the part's Content-Type, decoded.
func (p *Part) Param(name string) string { return Param(p.contentType, name) }

// Disposition returns "attachment", "inline" or what else stands there, "" when absent (RFC 2183).
func (p *Part) Disposition() string { return mainValue(p.disposition) }

// FileName returns the name to show for the part, "" when it has none.
func (p *Part) FileName() string {
	if p.disposition != nil {
		if n := Param(p.disposition, "filename"); n != "" {
			return n
		}
	}
	if p.contentType != nil {
		return Param(p.contentType, "name")
	}
	return ""
}

// ContentID returns the part's Content-ID without its angle brackets.
func (p *Part) ContentID() string {
	return strings.Trim(strings.TrimSpace(string(p.id)), "<>")
}
