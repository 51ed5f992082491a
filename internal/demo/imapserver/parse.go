package imapserver

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Bounds of what a client may send.
const (
	maxLine     = 1 << 20 // all of a command but its literals
	maxLiterals = 1000
	maxDepth    = 20
)

// errSyntax is an error in a command that the client hears about as BAD.
type errSyntax struct{ text string }

func (e *errSyntax) Error() string { return e.text }

func bad(format string, args ...any) error { return &errSyntax{fmt.Sprintf(format, args...)} }

// errTooMuch ends a connection: the client sends more than is taken.
var errTooMuch = errors.New("command too long")

// command is one command of a client, its literals apart from its text.
type command struct {
	text     []byte // with "{n}\r\n" where a literal stood
	literals [][]byte
	pos      int
}

// readCommand reads a command with its literals; more asks the client to send one (a continuation request). limit
// bounds the literals' bytes.
func readCommand(r *bufio.Reader, limit int64, more func() error) (*command, error) {
	c := &command{}
	for {
		line, err := readLine(r, maxLine-len(c.text))
		if err != nil {
			return nil, err
		}
		c.text = append(c.text, line...)
		n, wait, ok := literalHead(line)
		if !ok {
			return c, nil
		}
		if limit -= n; limit < 0 || len(c.literals) == maxLiterals {
			return nil, errTooMuch
		}
		if wait {
			if err := more(); err != nil {
				return nil, err
			}
		}
		c.text = append(c.text, "\r\n"...)
		var lit bytes.Buffer // grows as bytes arrive, so that a large number alone takes no memory
		if _, err := io.CopyN(&lit, r, n); err != nil {
			return nil, err
		}
		c.literals = append(c.literals, lit.Bytes())
	}
}

// readLine reads a line without its end.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > limit {
			return nil, errTooMuch
		}
		line = append(line, part...)
		if err == nil {
			return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), nil
		}
		if err != bufio.ErrBufferFull {
			return nil, err
		}
	}
}

// literalHead reads the "{n}", "{n+}" or "~{n}" at the end of a line.
func literalHead(line []byte) (n int64, wait, ok bool) {
	if !bytes.HasSuffix(line, []byte("}")) {
		return 0, false, false
	}
	i := bytes.LastIndexByte(line, '{')
	if i < 0 {
		return 0, false, false
	}
	num, plus := strings.CutSuffix(string(line[i+1:len(line)-1]), "+")
	n, err := strconv.ParseInt(num, 10, 63)
	if err != nil || n < 0 || num[0] == '+' {
		return 0, false, false
	}
	return n, !plus, true
}

func (c *command) rest() []byte { return c.text[c.pos:] }
func (c *command) end() bool    { return c.pos >= len(c.text) }

func (c *command) peek() byte {
	if c.end() {
		return 0
	}
	return c.text[c.pos]
}

// take consumes the byte b if it is next.
func (c *command) take(b byte) bool {
	if c.peek() == b && !c.end() {
		c.pos++
		return true
	}
	return false
}

func (c *command) expect(b byte) error {
	if !c.take(b) {
		return bad("%q expected at %q", string(b), brief(c.rest()))
	}
	return nil
}

func (c *command) space() error {
	if !c.take(' ') {
		return bad("a space expected at %q", brief(c.rest()))
	}
	return nil
}

func (c *command) done() error {
	for c.take(' ') {
	}
	if !c.end() {
		return bad("unexpected %q", brief(c.rest()))
	}
	return nil
}

func brief(b []byte) string { return string(b[:min(len(b), 40)]) }

func isAtom(b byte) bool {
	return b > ' ' && b < 0x7f && !strings.ContainsRune(`(){%*"\]`, rune(b))
}

func (c *command) run(ok func(byte) bool) string {
	start := c.pos
	for !c.end() && ok(c.text[c.pos]) {
		c.pos++
	}
	return string(c.text[start:c.pos])
}

func (c *command) atom() (string, error) {
	if s := c.run(isAtom); s != "" {
		return s, nil
	}
	return "", bad("a word expected at %q", brief(c.rest()))
}

// word reads an atom that may hold "]", such as a section's name or a flag's; it comes back in capitals.
func (c *command) word() (string, error) {
	s, err := c.atom()
	return strings.ToUpper(s), err
}

// flag reads a flag: an atom, perhaps with a backslash before it.
func (c *command) flag() (string, error) {
	pre := ""
	if c.take('\\') {
		pre = `\`
	}
	s, err := c.atom()
	if len(s) > 128 {
		return "", bad("a flag of %d bytes", len(s))
	}
	return pre + s, err
}

// str reads a string: quoted or literal.
func (c *command) str() (string, error) {
	switch c.peek() {
	case '"':
		c.pos++
		var out []byte
		for !c.end() {
			b := c.text[c.pos]
			c.pos++
			switch b {
			case '"':
				return string(out), nil
			case '\\':
				if c.end() {
					return "", bad("a quoted string without end")
				}
				b = c.text[c.pos]
				c.pos++
			case '\r', '\n':
				return "", bad("a line end in a quoted string")
			}
			out = append(out, b)
		}
		return "", bad("a quoted string without end")
	case '{', '~':
		b, err := c.literal()
		return string(b), err
	}
	return "", bad("a string expected at %q", brief(c.rest()))
}

// literal reads a literal's bytes.
func (c *command) literal() ([]byte, error) {
	c.take('~')
	i := bytes.Index(c.rest(), []byte("}\r\n"))
	if c.peek() != '{' || i < 0 || len(c.literals) == 0 {
		return nil, bad("a literal expected at %q", brief(c.rest()))
	}
	if _, _, ok := literalHead(c.rest()[:i+1]); !ok {
		return nil, bad("a literal expected at %q", brief(c.rest()))
	}
	c.pos += i + 3
	b := c.literals[0]
	c.literals = c.literals[1:]
	return b, nil
}

// astring reads an atom (with "]") or a string.
func (c *command) astring() (string, error) {
	if b := c.peek(); b == '"' || b == '{' {
		return c.str()
	}
	if s := c.run(func(b byte) bool { return isAtom(b) || b == ']' }); s != "" {
		return s, nil
	}
	return "", bad("a word or string expected at %q", brief(c.rest()))
}

// pattern reads what LIST takes: an astring that may hold wildcards.
func (c *command) pattern() (string, error) {
	if b := c.peek(); b == '"' || b == '{' {
		return c.str()
	}
	if s := c.run(func(b byte) bool { return isAtom(b) || b == ']' || b == '*' || b == '%' || b >= 0x80 }); s != "" {
		return s, nil
	}
	return "", bad("a mailbox pattern expected at %q", brief(c.rest()))
}

func (c *command) number() (uint64, error) {
	s := c.run(func(b byte) bool { return b >= '0' && b <= '9' })
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, bad("a number expected at %q", s+brief(c.rest()))
	}
	return n, nil
}

// list reads "(" items ")", calling item for each.
func (c *command) list(item func() error) error {
	if err := c.expect('('); err != nil {
		return err
	}
	for first := true; !c.take(')'); first = false {
		if !first {
			if err := c.space(); err != nil {
				return err
			}
		}
		if err := item(); err != nil {
			return err
		}
	}
	return nil
}

// flags reads a flag list, with or without parentheses.
func (c *command) flags() ([]string, error) {
	var out []string
	one := func() error {
		f, err := c.flag()
		out = append(out, f)
		return err
	}
	if c.peek() == '(' {
		return out, c.list(one)
	}
	for {
		if err := one(); err != nil {
			return nil, err
		}
		if !c.take(' ') {
			return out, nil
		}
	}
}

// dateTime reads an INTERNALDATE, with quotes.
func (c *command) dateTime() (time.Time, error) {
	s, err := c.str()
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse("_2-Jan-2006 15:04:05 -0700", s)
	if err != nil {
		return t, bad("%q is not a date-time", s)
	}
	return t, nil
}

// date reads a search date, with or without quotes.
func (c *command) date() (time.Time, error) {
	s, err := c.astring()
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse("_2-Jan-2006", s)
	if err != nil {
		return t, bad("%q is not a date", s)
	}
	return t, nil
}

// set is a sequence set. 0 stands for "*".
type set []span

type span struct {
	from, to uint32
	saved    bool // "$": what SEARCH has saved (RFC 9051 6.4.4.1)
}

// set reads a sequence set.
func (c *command) set() (set, error) {
	var out set
	num := func() (uint32, error) {
		if c.take('*') {
			return 0, nil
		}
		n, err := c.number()
		if err == nil && (n == 0 || n > 1<<32-1) {
			err = bad("%d is not a message number", n)
		}
		return uint32(n), err
	}
	if c.take('$') {
		return set{{saved: true}}, nil
	}
	for {
		from, err := num()
		if err != nil {
			return nil, err
		}
		to := from
		if c.take(':') {
			if to, err = num(); err != nil {
				return nil, err
			}
		}
		out = append(out, span{from: from, to: to})
		if !c.take(',') {
			return out, nil
		}
	}
}

// has reports whether n is in the set when "*" is last.
func (s set) has(n, last uint32) bool {
	for _, p := range s {
		if p.from == 0 {
			p.from = last
		}
		if p.to == 0 {
			p.to = last
		}
		if n >= min(p.from, p.to) && n <= max(p.from, p.to) {
			return true
		}
	}
	return false
}

// formatSet writes ascending numbers as a set, in ranges.
func formatSet(ns []uint32) string {
	var b strings.Builder
	for i := 0; i < len(ns); {
		j := i
		for j+1 < len(ns) && ns[j+1] == ns[j]+1 {
			j++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(uint64(ns[i]), 10))
		if j > i {
			b.WriteString(":" + strconv.FormatUint(uint64(ns[j]), 10))
		}
		i = j + 1
	}
	return b.String()
}
