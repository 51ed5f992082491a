package wire

import (
	"bytes"
	"fmt"
	"io"
)

// String takes a quoted string or a literal of at most Limits.Line bytes. Eight-bit quoted strings are accepted. The
// result is the caller's.
func (d *Decoder) String() []byte {
	switch d.Peek() {
	case '"':
		return bytes.Clone(d.quoted())
	case '{', '~':
		n := d.literal()
		if !d.keep(int(min(n, int64(d.limits.Line)+1))) {
			return nil
		}
		return d.read(n)
	}
	if d.err == nil {
		d.fail("a string is missing")
	}
	return nil
}

// AString takes a string or an atom. The result is the caller's.
func (d *Decoder) AString() []byte {
	switch d.Peek() {
	case '"', '{', '~':
		return d.String()
	}
	return bytes.Clone(d.Atom())
}

// NString takes a string or NIL, for which ok is false. The result is the caller's.
func (d *Decoder) NString() (b []byte, ok bool) {
	switch d.Peek() {
	case '"', '{', '~':
		b = d.String()
		return b, d.err == nil
	}
	d.nilAtom()
	return nil, false
}

func (d *Decoder) nilAtom() {
	if a := d.Atom(); d.err == nil && !bytes.EqualFold(a, []byte("NIL")) {
		d.fail("a string or NIL is missing")
	}
}

// Body takes a string or NIL (ok false) of up to Limits.Literal bytes, in one allocation that is the caller's. Of a
// longer one nothing is kept: it is passed over and over is its length.
func (d *Decoder) Body() (b []byte, ok bool, over int64) {
	switch d.Peek() {
	case '"':
		return bytes.Clone(d.quoted()), d.err == nil, 0
	case '{', '~':
		n := d.literal()
		if n > d.limits.Literal {
			d.discard(n)
			return nil, true, n
		}
		return d.read(n), d.err == nil, 0
	}
	d.nilAtom()
	return nil, false, 0
}

// quoted takes a quoted string. It is valid until the next call. RFC 9051 9 "quoted"
func (d *Decoder) quoted() []byte {
	d.r++ // the quote that the caller saw
	b := d.scan(func(c byte) bool { return c == '"' || c == '\\' || c == '\r' || c == '\n' })
	if d.Accept('"') {
		return b
	}
	d.tok = append(d.tok[:0], b...)
	for d.fill() {
		c := d.buf[d.r]
		d.r++
		switch c {
		case '"':
			return d.tok
		case '\\':
			if !d.fill() {
				return nil
			}
			c = d.buf[d.r]
			d.r++
		}
		if c == '\r' || c == '\n' {
			d.fail("a quoted string that does not end")
			return nil
		}
		if d.tok = append(d.tok, c); !d.keep(1) {
			return nil
		}
	}
	return nil
}

// literal takes the head of a literal, {n}, {n+} or ~{n}, and its line end. RFC 9051 9 "literal", "literal8"
func (d *Decoder) literal() int64 {
	d.Accept('~')
	d.Expect('{')
	n := d.Number64()
	d.Accept('+')
	d.Expect('}')
	if d.err == nil && !d.AcceptEOL() {
		d.fail("a literal without its line end")
	}
	if n > 1<<62 {
		d.fail("a literal that is too long")
	}
	if d.err != nil {
		return 0
	}
	return int64(n)
}

// read takes n bytes. Memory for a long literal is only asked for when the beginning of it has arrived.
func (d *Decoder) read(n int64) []byte {
	if d.err != nil {
		return nil
	}
	out := make([]byte, min(n, trustedLiteral))
	d.readFull(out)
	if n > trustedLiteral && d.err == nil {
		whole := make([]byte, n)
		copy(whole, out)
		d.readFull(whole[len(out):])
		out = whole
	}
	if d.err != nil {
		return nil
	}
	return out
}

func (d *Decoder) readFull(p []byte) {
	n := copy(p, d.buf[d.r:d.w])
	d.r += n
	if n == len(p) {
		return
	}
	m, err := io.ReadFull(d.src, p[n:])
	d.before += int64(m)
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		d.err = err
	}
}

func (d *Decoder) discard(n int64) {
	for n > 0 && d.fill() {
		k := int(min(n, int64(d.w-d.r)))
		d.r += k
		n -= int64(k)
	}
}

// Kind is the form of a Value.
type Kind uint8

const (
	Nil Kind = iota
	Atom
	String
	List
)

// Value is anything that can stand in a list.
type Value struct {
	Kind Kind
	Str  string  // Atom, String
	List []Value // List
}

// Text returns the string of an atom or string, "" otherwise.
func (v Value) Text() string { return v.Str }

// At returns the i-th value of a list, NIL where there is none.
func (v Value) At(i int) Value {
	if i < len(v.List) {
		return v.List[i]
	}
	return Value{}
}

// Value takes any value: NIL, atom, string or list. whole is false when bounds (depth, number of values) made it
// leave something out.
func (d *Decoder) Value() (v Value, whole bool) {
	budget := d.limits.Values
	whole = true
	v = d.value(0, &budget, &whole)
	return v, whole && d.err == nil
}

func (d *Decoder) value(depth int, budget *int, whole *bool) Value {
	if *budget--; *budget < 0 || depth > d.limits.Depth {
		*whole = false
		d.SkipValue()
		return Value{}
	}
	switch d.Peek() {
	case '(':
		d.r++
		v := Value{Kind: List}
		for d.AcceptSpace(); d.err == nil && !d.Accept(')'); d.AcceptSpace() {
			if !d.keep(1) {
				return Value{}
			}
			e := d.value(depth+1, budget, whole)
			if *budget >= 0 {
				v.List = append(v.List, e)
			}
		}
		return v
	case '"', '{', '~':
		return Value{Kind: String, Str: string(d.String())}
	}
	a := d.Atom()
	if bytes.EqualFold(a, []byte("NIL")) {
		return Value{}
	}
	return Value{Kind: Atom, Str: string(a)}
}

// SkipValue passes over one value, however deep, keeping nothing.
func (d *Decoder) SkipValue() {
	for depth := 0; d.err == nil; {
		d.AcceptSpace()
		switch d.Peek() {
		case '(':
			d.r++
			depth++
		case ')':
			if depth == 0 {
				return
			}
			d.r++
			depth--
		case '\r', '\n':
			d.fail(fmt.Sprintf("a list that is not closed (%d open)", depth))
		case '"':
			d.skipQuoted()
		case '{':
			d.discard(d.literal())
		default:
			d.skipAtom()
		}
		if !d.pass(1) || depth == 0 {
			return
		}
	}
}

func (d *Decoder) skipAtom() {
	if d.Peek() == '~' {
		d.r++
	}
	for d.fill() && !isAtomEnd(d.buf[d.r]) {
		if d.r++; !d.pass(1) {
			return
		}
	}
}

func (d *Decoder) skipQuoted() {
	d.r++
	for d.fill() && d.pass(1) {
		switch c := d.buf[d.r]; c {
		case '\r', '\n':
			return // unclosed: the line's end ends it too
		case '"':
			d.r++
			return
		case '\\':
			if d.r++; !d.fill() || d.buf[d.r] == '\r' || d.buf[d.r] == '\n' {
				return
			}
		}
		d.r++
	}
}

// SkipLine passes over the rest of a response with the literals in it, whatever it is, and its line end.
func (d *Decoder) SkipLine() {
	for d.fill() && d.pass(1) {
		switch c := d.buf[d.r]; c {
		case '\n':
			d.r++
			return
		case '"':
			d.skipQuoted()
		case '{':
			d.r++
			d.skipBrace()
		default:
			d.r++
		}
	}
}

// skipBrace is behind a brace: it passes over a literal if this is one, else over nothing but the digits.
func (d *Decoder) skipBrace() {
	var n int64
	digits := 0
	for d.fill() && d.buf[d.r] >= '0' && d.buf[d.r] <= '9' && digits < 19 {
		n = n*10 + int64(d.buf[d.r]-'0')
		digits++
		d.r++
	}
	d.Accept('+')
	if digits == 0 || !d.Accept('}') || !d.AtEOL() || n < 0 {
		return
	}
	if d.AcceptEOL() {
		d.discard(n)
	}
}
