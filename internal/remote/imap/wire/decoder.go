// Package wire is the codec of IMAP: the only code of the driver that touches bytes. A Decoder reads tokens of the
// server's responses, an Encoder builds commands. It knows the grammar of RFC 9051 section 9 and nothing of what
// commands mean. It imports nothing of ours; read package imap next.
package wire

import (
	"bytes"
	"fmt"
	"io"
	"math"
)

// Limits bound what a Decoder takes from a server.
type Limits struct {
	Line    int   // bytes of one response that are kept, literals apart; 0 means 1 MiB
	Literal int64 // bytes of one literal; 0 means 256 MiB
	Depth   int   // nesting of lists; 0 means 64
	Values  int   // values in one list and what it holds; 0 means 20,000
}

const (
	defaultLine    = 1 << 20
	defaultLiteral = 256 << 20
	defaultDepth   = 64
	defaultValues  = 20000

	// skipLimit bounds what is passed over without being kept in one response, literals apart.
	skipLimit = 256 << 20
	// trustedLiteral is how much memory a literal gets before any of it has arrived.
	trustedLiteral = 1 << 20
)

// SyntaxError says what a Decoder could not make sense of, and where.
type SyntaxError struct {
	Offset int64 // bytes since the connection (or its compression) began
	What   string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at byte %d of the server's answers", e.What, e.Offset)
}

// Decoder reads responses. Its error is sticky: after the first one every method returns zero values and reads
// nothing. Methods that return bytes say how long these are valid.
//
// There are two families: methods named after a token (Atom, Number, String ...) demand that token and fail without
// it; methods named Accept or Skip take what is there.
type Decoder struct {
	src    io.Reader
	buf    []byte
	r, w   int
	before int64 // bytes read before buf[0]
	limits Limits
	kept   int
	passed int
	tok    []byte
	err    error
}

// NewDecoder returns a Decoder on src.
func NewDecoder(src io.Reader, limits Limits) *Decoder {
	if limits.Line <= 0 {
		limits.Line = defaultLine
	}
	if limits.Literal <= 0 {
		limits.Literal = defaultLiteral
	}
	if limits.Depth <= 0 {
		limits.Depth = defaultDepth
	}
	if limits.Values <= 0 {
		limits.Values = defaultValues
	}
	return &Decoder{src: src, buf: make([]byte, 64<<10), limits: limits}
}

// Err returns the first error: a *SyntaxError, or what the reader said.
func (d *Decoder) Err() error { return d.err }

// Buffered returns how many bytes have been read from the source but not yet decoded.
func (d *Decoder) Buffered() int { return d.w - d.r }

// Reset makes d read from another source (after STARTTLS or COMPRESS). What is buffered is handed back: the caller
// decides whether it belongs to the new source or must not be there at all.
func (d *Decoder) Reset(src io.Reader) (left []byte) {
	left = bytes.Clone(d.buf[d.r:d.w])
	d.before += int64(d.w)
	d.src, d.r, d.w = src, 0, 0
	return left
}

func (d *Decoder) fail(what string) {
	if d.err == nil {
		d.err = &SyntaxError{Offset: d.before + int64(d.r), What: what}
	}
	d.r, d.w = 0, 0
}

// fill reads more. It reports whether at least one byte is there.
func (d *Decoder) fill() bool {
	if d.r < d.w {
		return true
	}
	if d.err != nil {
		return false
	}
	d.before += int64(d.w)
	d.r, d.w = 0, 0
	for range 100 {
		n, err := d.src.Read(d.buf)
		if n > 0 {
			d.w = n
			return true
		}
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			d.err = err
			return false
		}
	}
	d.err = io.ErrNoProgress
	return false
}

// keep counts bytes of the response that stay in memory.
func (d *Decoder) keep(n int) bool {
	if d.kept += n; d.kept > d.limits.Line {
		d.fail(fmt.Sprintf("a line longer than %d bytes", d.limits.Line))
		return false
	}
	return true
}

func (d *Decoder) pass(n int) bool {
	if d.passed += n; d.passed > skipLimit {
		d.fail("an answer that does not end")
		return false
	}
	return true
}

// Begin starts a response: its bounds are counted from here.
func (d *Decoder) Begin() { d.kept, d.passed = 0, 0 }

// Forget tells that what was read so far is not kept: for lists of numbers that are used as they stream by.
func (d *Decoder) Forget() { d.kept = 0 }

// Peek returns the next byte without taking it, 0 at an error.
func (d *Decoder) Peek() byte {
	if !d.fill() {
		return 0
	}
	return d.buf[d.r]
}

// Accept takes the next byte if it is c.
func (d *Decoder) Accept(c byte) bool {
	if d.fill() && d.buf[d.r] == c {
		d.r++
		return true
	}
	return false
}

// Expect takes c.
func (d *Decoder) Expect(c byte) bool {
	if d.Accept(c) {
		return true
	}
	if d.err == nil {
		d.fail(fmt.Sprintf("%q is missing", c))
	}
	return false
}

// AcceptSpace takes spaces, however many.
func (d *Decoder) AcceptSpace() bool {
	any := false
	for d.Accept(' ') {
		if any = true; !d.pass(1) {
			return false
		}
	}
	return any
}

// AcceptEOL takes the end of a line: CRLF, and LF from servers that do not know better.
func (d *Decoder) AcceptEOL() bool {
	if d.Accept('\n') {
		return true
	}
	if d.Peek() == '\r' {
		d.r++
		return d.Expect('\n')
	}
	return false
}

// AtEOL reports whether the line ends here.
func (d *Decoder) AtEOL() bool {
	c := d.Peek()
	return c == '\r' || c == '\n' || d.err != nil
}

func isAtomEnd(c byte) bool {
	return c == ' ' || c == '(' || c == ')' || c == '\r' || c == '\n' || c == '"' || c == '{'
}

// scan takes bytes up to the first that ends, which stays. The result is valid until the next call.
func (d *Decoder) scan(ends func(byte) bool) []byte {
	d.tok = d.tok[:0]
	for d.fill() {
		part := d.buf[d.r:d.w]
		for i, c := range part {
			if ends(c) {
				if !d.keep(i) {
					return nil
				}
				d.r += i
				if len(d.tok) == 0 {
					return part[:i]
				}
				d.tok = append(d.tok, part[:i]...)
				return d.tok
			}
		}
		if !d.keep(len(part)) {
			return nil
		}
		d.tok = append(d.tok, part...)
		d.r = d.w
	}
	return nil
}

// Atom takes one atom, in the widest sense: everything up to a space, parenthesis, quote, brace or line end. It is
// valid until the next call.
func (d *Decoder) Atom() []byte {
	b := d.scan(isAtomEnd)
	if len(b) == 0 && d.err == nil {
		d.fail("a word is missing")
	}
	return b
}

// Item takes the name of a FETCH item, with its section and origin: BODY[HEADER.FIELDS (DATE "X")]<0>. It is valid
// until the next call.
func (d *Decoder) Item() []byte {
	depth := 0
	b := d.scan(func(c byte) bool {
		switch {
		case c == '\r' || c == '\n':
			return true
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth <= 0:
			return c == ' ' || c == '(' || c == ')'
		}
		return false
	})
	if len(b) == 0 && d.err == nil {
		d.fail("the name of a FETCH item is missing")
	}
	return b
}

// Until takes everything up to c on this line; c stays. It is valid until the next call.
func (d *Decoder) Until(c byte) []byte {
	b := d.scan(func(x byte) bool { return x == c || x == '\r' || x == '\n' })
	if d.err == nil && d.Peek() != c {
		d.fail(fmt.Sprintf("%q is missing", c))
		return nil
	}
	return b
}

// Number64 takes digits.
func (d *Decoder) Number64() uint64 {
	var n uint64
	digits := 0
	for d.fill() {
		c := d.buf[d.r]
		if c < '0' || c > '9' {
			break
		}
		if n > (math.MaxUint64-uint64(c-'0'))/10 {
			d.fail("a number that is too large")
			return 0
		}
		n = n*10 + uint64(c-'0')
		digits++
		d.r++
		if !d.keep(1) {
			return 0
		}
	}
	if digits == 0 && d.err == nil {
		d.fail("a number is missing")
	}
	if d.err != nil {
		return 0
	}
	return n
}

// Number takes digits that make a 32-bit number.
func (d *Decoder) Number() uint32 {
	n := d.Number64()
	if n > math.MaxUint32 {
		d.fail("a number that is too large")
		return 0
	}
	return uint32(n)
}

// Text takes the rest of the line without its end, and keeps at most max bytes of it. The result is the caller's.
func (d *Decoder) Text(max int) string {
	var out []byte
	for d.fill() {
		part := d.buf[d.r:d.w]
		i := bytes.IndexByte(part, '\n')
		if i >= 0 {
			part = part[:i]
		}
		if !d.pass(len(part)) {
			return ""
		}
		d.r += len(part)
		out = append(out, part[:min(len(part), max-len(out))]...)
		if i >= 0 {
			return string(bytes.TrimSuffix(out, []byte("\r")))
		}
	}
	return ""
}
