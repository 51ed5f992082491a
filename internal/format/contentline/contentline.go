// Package contentline reads and writes the content lines that iCalendar and vCard share (RFC 5545 3.1, RFC 6350 3.2-3.3)
// without losing anything: what is not changed is written as the very bytes that were read, whatever their folding, case or
// order. It imports nothing of ours. Parse gives an Object; value.go reads and writes values and parameters.
package contentline

import (
	"bytes"
	"fmt"
	"strings"
)

// Bounds on what is read.
const (
	MaxSize  = 16 << 20 // bytes of one object
	MaxDepth = 16       // components inside each other
	MaxLines = 100000   // content lines
)

// Line is one content line: a property, or the BEGIN or END of a component.
type Line struct {
	Number int    // 1-based physical line where it starts; 0 for a line that was made here
	raw    []byte // as read, with folding and line end; nil when made here
	name   string // upper case, without group
	Group  string // vCard group, as written

	written string // the name as written, where it matters
	params  []byte // after the name, with the leading ";"
	value   []byte // unfolded
	bad     bool   // no property at all: kept as it is
}

// Component is BEGIN:NAME ... END:NAME with everything between, in order.
type Component struct {
	Name    string // upper case
	Entries []Entry
	begin   *Line
	end     *Line // nil when it is missing
}

// Entry is a property or a component; the other is nil.
type Entry struct {
	Line      *Line
	Component *Component
}

// Object is a whole file: usually one VCALENDAR, or one or more VCARDs.
type Object struct {
	Entries []Entry
	eol     string
}

// SyntaxError tells where and what is wrong.
type SyntaxError struct {
	Line int // 1-based, 0 when it is in no line
	Text string
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.Text
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Text)
}

// Parse reads any number of components. The object is always usable for what could be read, and Encode gives back exactly raw;
// err (*SyntaxError) tells the first thing that was wrong. Beyond MaxSize or MaxLines the object is nil.
func Parse(raw []byte) (*Object, error) {
	if len(raw) > MaxSize {
		return nil, &SyntaxError{Line: 1, Text: fmt.Sprintf("larger than %d MiB", MaxSize>>20)}
	}
	o := &Object{eol: "\r\n"}
	var first error
	fail := func(n int, format string, args ...any) {
		if first == nil {
			first = &SyntaxError{Line: n, Text: fmt.Sprintf(format, args...)}
		}
	}
	if k := bytes.IndexByte(raw, '\n'); k >= 0 && (k == 0 || raw[k-1] != '\r') {
		o.eol = "\n"
	}
	var stack []*Component
	add := func(e Entry) {
		if len(stack) == 0 {
			o.Entries = append(o.Entries, e)
			return
		}
		c := stack[len(stack)-1]
		c.Entries = append(c.Entries, e)
	}
	number, count := 1, 0
	for pos := 0; pos < len(raw); {
		if count++; count > MaxLines {
			return nil, &SyntaxError{Line: number, Text: fmt.Sprintf("more than %d lines", MaxLines)}
		}
		end, lines := logicalLine(raw, pos)
		l := readLine(raw[pos:end])
		l.Number = number
		pos = end
		number += lines
		if l.bad {
			if len(bytes.TrimSpace(l.raw)) > 0 {
				fail(l.Number, "%q is no property: there is no colon after a name", short(l.raw))
			}
			add(Entry{Line: l})
			continue
		}
		switch l.name {
		case "BEGIN":
			if len(stack) >= MaxDepth { // kept as a line, so that nothing is lost
				fail(l.Number, "more than %d components inside each other", MaxDepth)
				add(Entry{Line: l})
				continue
			}
			c := &Component{Name: strings.ToUpper(string(bytes.TrimSpace(l.value))), begin: l}
			add(Entry{Component: c})
			stack = append(stack, c)
		case "END":
			name := strings.ToUpper(string(bytes.TrimSpace(l.value)))
			k := len(stack) - 1
			for k >= 0 && stack[k].Name != name {
				k--
			}
			if k < 0 {
				fail(l.Number, "END:%s without its BEGIN", short([]byte(name)))
				add(Entry{Line: l})
				continue
			}
			if k != len(stack)-1 {
				fail(l.Number, "END:%s where END:%s should be", short([]byte(name)), short([]byte(stack[len(stack)-1].Name)))
			}
			stack[k].end = l
			stack = stack[:k]
		default:
			add(Entry{Line: l})
		}
	}
	if len(stack) > 0 {
		fail(number, "END:%s is missing", short([]byte(stack[len(stack)-1].Name)))
	}
	return o, first
}

func short(b []byte) string {
	b = bytes.TrimRight(b, "\r\n")
	if len(b) > 40 {
		return strings.ToValidUTF8(string(b[:40]), "") + "..."
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// logicalLine returns where the content line at pos ends, folded lines included, and how many physical lines it has.
func logicalLine(b []byte, pos int) (end, lines int) {
	quotedPrintable := false
	for {
		lines++
		k := bytes.IndexByte(b[pos:], '\n')
		if k < 0 {
			return len(b), lines
		}
		line := b[pos : pos+k]
		if lines == 1 { // vCard 2.1: a soft line break at the end of a quoted-printable value goes on in the next line
			if c := bytes.IndexByte(line, ':'); c > 0 {
				quotedPrintable = bytes.Contains(bytes.ToUpper(line[:c]), []byte("QUOTED-PRINTABLE"))
			}
		}
		pos += k + 1
		if pos >= len(b) {
			return len(b), lines
		}
		soft := quotedPrintable && bytes.HasSuffix(bytes.TrimSuffix(line, []byte("\r")), []byte("="))
		if b[pos] != ' ' && b[pos] != '\t' && !soft {
			return pos, lines
		}
	}
}

// readLine takes a content line apart (RFC 5545 3.1: name *(";" param) ":" value).
func readLine(raw []byte) *Line {
	l := &Line{raw: raw}
	b := bytes.TrimPrefix(Unfold(raw), []byte("\ufeff"))
	n := 0
	for n < len(b) && isNameChar(b[n]) {
		n++
	}
	nameEnd := n
	quoted := false
	for n < len(b) && (b[n] != ':' || quoted) {
		if b[n] == '"' {
			quoted = !quoted
		}
		n++
	}
	if n == len(b) && quoted { // a quote that is never closed
		n = nameEnd + max(bytes.IndexByte(b[nameEnd:], ':'), 0)
	}
	if nameEnd == 0 || n >= len(b) || b[n] != ':' || nameEnd < n && b[nameEnd] != ';' {
		l.bad = true
		return l
	}
	name := string(b[:nameEnd])
	if k := strings.IndexByte(name, '.'); k >= 0 {
		l.Group, name = name[:k], name[k+1:]
	}
	l.name = strings.ToUpper(name)
	l.params = b[nameEnd:n]
	l.value = b[n+1:]
	return l
}

func isNameChar(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '/'
}

// Unfold takes out the line ends with the one space or tab behind them, and the final line end.
func Unfold(raw []byte) []byte {
	raw = bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
	if bytes.IndexByte(raw, '\n') < 0 {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		k := bytes.IndexByte(raw, '\n')
		if k < 0 {
			out = append(out, raw...)
			break
		}
		line := bytes.TrimSuffix(raw[:k], []byte("\r"))
		raw = raw[k+1:]
		if len(raw) > 0 && (raw[0] == ' ' || raw[0] == '\t') {
			raw = raw[1:]
			out = append(out, line...)
		} else { // soft line break of quoted-printable: stays for its decoder
			out = append(out, line...)
			out = append(out, '\n')
		}
	}
	return out
}

// Encode writes the object: lines that were not changed as they were read.
func (o *Object) Encode() []byte {
	e := encoder{eol: o.eol}
	e.entries(o.Entries)
	return e.out
}

type encoder struct {
	out []byte
	eol string
}

func (e *encoder) entries(list []Entry) {
	for _, x := range list {
		if x.Line != nil {
			e.line(x.Line)
			continue
		}
		e.line(x.Component.begin)
		e.entries(x.Component.Entries)
		if x.Component.end != nil {
			e.line(x.Component.end)
		}
	}
}

func (e *encoder) line(l *Line) {
	if n := len(e.out); n > 0 && e.out[n-1] != '\n' { // the line that was the last one of the file has no line end
		e.out = append(e.out, e.eol...)
	}
	if l.raw != nil {
		e.out = append(e.out, l.raw...)
		return
	}
	e.out = appendFolded(e.out, l.content(), e.eol)
}

func (l *Line) content() []byte {
	b := make([]byte, 0, len(l.name)+len(l.params)+len(l.value)+2)
	if l.Group != "" {
		b = append(append(b, l.Group...), '.')
	}
	if l.written != "" {
		b = append(b, l.written...)
	} else {
		b = append(b, l.name...)
	}
	b = append(b, l.params...)
	b = append(b, ':')
	return append(b, l.value...)
}

// appendFolded folds at 75 bytes, never inside a character (RFC 5545 3.1).
func appendFolded(out, b []byte, eol string) []byte {
	room := 75
	for len(b) > room {
		n := room
		for n > room-4 && n > 0 && b[n]&0xc0 == 0x80 {
			n--
		}
		out = append(out, b[:n]...)
		out = append(append(out, eol...), ' ')
		b = b[n:]
		room = 74
	}
	out = append(out, b...)
	return append(out, eol...)
}
