package wire

import "strconv"

// Encoder builds one or more commands. Nothing is written before Segments are.
type Encoder struct {
	// NonSync tells whether a literal of n bytes may be sent without waiting for the server (RFC 7888).
	NonSync func(n int) bool
	// UTF8 tells that quoted strings may hold UTF-8 (RFC 6855, RFC 9051).
	UTF8 bool

	segs []Segment
	cur  []byte
	wait bool
}

// Segment is a stretch of a command. If Wait is set, the server must ask for it first.
type Segment struct {
	Data []byte
	Wait bool
}

// copyLimit is up to where a literal is copied into its surroundings, so that they leave in one packet.
const copyLimit = 16 << 10

// Raw appends s as it is: only for text that this program chose.
func (e *Encoder) Raw(s string) *Encoder {
	e.cur = append(e.cur, s...)
	return e
}

// Number appends n.
func (e *Encoder) Number(n uint64) *Encoder {
	e.cur = strconv.AppendUint(e.cur, n, 10)
	return e
}

// String appends s as a quoted string, or as a literal where it must be one.
func (e *Encoder) String(s string) *Encoder {
	if len(s) > 1000 || !e.quotable(s) {
		return e.Literal([]byte(s))
	}
	e.cur = append(e.cur, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			e.cur = append(e.cur, '\\')
		}
		e.cur = append(e.cur, s[i])
	}
	e.cur = append(e.cur, '"')
	return e
}

func (e *Encoder) quotable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c == 0 || c == '\r' || c == '\n' || c >= 0x80 && !e.UTF8 {
			return false
		}
	}
	return true
}

// Literal appends b as a literal. A long b is not copied: it must not change until the command has been written.
func (e *Encoder) Literal(b []byte) *Encoder {
	nonSync := e.NonSync != nil && e.NonSync(len(b))
	e.cur = append(e.cur, '{')
	e.cur = strconv.AppendInt(e.cur, int64(len(b)), 10)
	if nonSync {
		e.cur = append(e.cur, '+')
	}
	e.cur = append(e.cur, '}', '\r', '\n')
	if !nonSync {
		e.cut(true)
	}
	if len(b) <= copyLimit {
		e.cur = append(e.cur, b...)
		return e
	}
	if nonSync {
		e.cut(false)
	}
	e.segs = append(e.segs, Segment{Data: b, Wait: e.wait})
	e.wait = false
	return e
}

func (e *Encoder) cut(wait bool) {
	e.segs = append(e.segs, Segment{Data: e.cur, Wait: e.wait})
	e.cur, e.wait = nil, wait
}

// End ends a command's line.
func (e *Encoder) End() *Encoder { return e.Raw("\r\n") }

// Segments hands over what was built and empties the Encoder.
func (e *Encoder) Segments() []Segment {
	if len(e.cur) > 0 || e.wait {
		e.cut(false)
	}
	out := e.segs
	e.segs = nil
	return out
}

// IsAtom reports whether s can be sent as an atom. RFC 9051 9 "atom"
func IsAtom(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ', c >= 0x7f:
			return false
		case c == '(', c == ')', c == '{', c == '%', c == '*', c == '"', c == '\\', c == ']':
			return false
		}
	}
	return s != ""
}
