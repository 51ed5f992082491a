package mime

import (
	"bytes"
	"iter"
	"strings"
)

type fieldKind int

const (
	fieldOK fieldKind = iota
	fieldEnd
	fieldGarbage
)

// field reads the header field at pos with its folded lines (RFC 5322 2.2). value keeps its line ends and has no
// space around it.
func field(b []byte, pos int) (name, value []byte, next int, kind fieldKind) {
	if pos >= len(b) {
		return nil, nil, pos, fieldEnd
	}
	end := lineEnd(b, pos)
	line := b[pos:end]
	if len(bytes.TrimRight(line, "\r\n")) == 0 {
		return nil, nil, end, fieldEnd
	}
	colon := 0
	for colon < len(line) && line[colon] > ' ' && line[colon] < 0x7f && line[colon] != ':' {
		colon++
	}
	nameEnd := colon
	for colon < len(line) && (line[colon] == ' ' || line[colon] == '\t') { // obsolete syntax, RFC 5322 4.5
		colon++
	}
	ok := nameEnd > 0 && colon < len(line) && line[colon] == ':'
	for end < len(b) && (b[end] == ' ' || b[end] == '\t') {
		end = lineEnd(b, end)
	}
	if !ok {
		return nil, nil, end, fieldGarbage
	}
	return b[pos : pos+nameEnd], bytes.TrimSpace(b[pos+colon+1 : end]), end, fieldOK
}

func lineEnd(b []byte, pos int) int {
	if k := bytes.IndexByte(b[pos:], '\n'); k >= 0 {
		return pos + k + 1
	}
	return len(b)
}

// isFromLine recognises the line that mailbox files put before a message.
func isFromLine(line []byte) bool {
	return bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))
}

// Field is one header field. Name and Value are raw: folded lines and encoded words as they stand, no space around them.
type Field struct {
	Name, Value []byte
	Start, End  int // in the block, folded lines and the last line end included
}

// Is tells whether the field has that name, given in lower case.
func (f Field) Is(name string) bool { return equalFold(f.Name, name) }

// Fields goes over the fields of a header block, in order; lines that are no fields are left out.
func Fields(block []byte) iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for pos := 0; pos < len(block); {
			name, value, next, kind := field(block, pos)
			if kind == fieldEnd || kind == fieldOK && !yield(Field{name, value, pos, next}) {
				return
			}
			pos = next
		}
	}
}

// Get returns the raw value of the first field of that name (lower case), nil when there is none.
func Get(block []byte, name string) []byte {
	for f := range Fields(block) {
		if f.Is(name) {
			return f.Value
		}
	}
	return nil
}

// equalFold compares an ASCII name with a lower-case one.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range b {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// Unfold removes the line ends of a folded value (RFC 5322 2.2.3).
func Unfold(value []byte) []byte {
	if bytes.IndexByte(value, '\n') < 0 && bytes.IndexByte(value, '\r') < 0 {
		return value
	}
	out := make([]byte, 0, len(value))
	for _, c := range value {
		if c != '\r' && c != '\n' {
			out = append(out, c)
		}
	}
	return out
}

// mainValue returns what stands before the first ";", in lower case, without comments.
func mainValue(value []byte) string {
	if k := bytes.IndexByte(value, ';'); k >= 0 {
		value = value[:k]
	}
	if k := bytes.IndexByte(value, '('); k >= 0 {
		value = value[:k]
	}
	return strings.ToLower(string(bytes.TrimSpace(Unfold(value))))
}

// mediaType reads "type/subtype" in lower case; "" when it is none.
func mediaType(value []byte) string {
	var a [48]byte
	n := 0
	for _, c := range value {
		if c == ';' || c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '(' || c == ',' || n == len(a) {
			break
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		a[n] = c
		n++
	}
	switch string(a[:n]) { // the common ones without allocating
	case "text/plain":
		return "text/plain"
	case "text/html":
		return "text/html"
	case "text/calendar":
		return "text/calendar"
	case "multipart/alternative":
		return "multipart/alternative"
	case "multipart/mixed":
		return "multipart/mixed"
	case "multipart/related":
		return "multipart/related"
	case "message/rfc822":
		return "message/rfc822"
	case "application/octet-stream":
		return "application/octet-stream"
	case "text": // seen in old mail
		return "text/plain"
	}
	t := mainValue(value)
	if k := strings.IndexAny(t, " \t,"); k >= 0 {
		t = t[:k]
	}
	if k := strings.IndexByte(t, '/'); k <= 0 || k == len(t)-1 || len(t) > 200 {
		return ""
	}
	return t
}

func encodingName(value []byte) string {
	switch {
	case equalFold(value, "7bit"):
		return "7bit"
	case equalFold(value, "8bit"):
		return "8bit"
	case equalFold(value, "base64"):
		return "base64"
	case equalFold(value, "quoted-printable"):
		return "quoted-printable"
	}
	e := strings.Trim(mainValue(value), `"`)
	if len(e) > 64 {
		e = e[:64]
	}
	return e
}
