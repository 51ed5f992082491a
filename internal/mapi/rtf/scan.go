package rtf

// kind is what a token is, RTF 1.9.1 "RTF Syntax".
type kind uint8

const (
	end     kind = iota
	open         // {
	close_       // }
	word         // \name, \nameN
	symbol       // \ and a character that is no letter, in c
	char         // a byte of text, in c
	hex          // \'HH, in c
	binary_      // \binN and its bytes
)

// token is one piece of RTF.
type token struct {
	kind  kind
	c     byte
	name  string
	param int
	has   bool // there is a param
}

// maxName bounds a control word, RTF 1.9.1.
const maxName = 32

// scanner cuts RTF into tokens. Line ends, which mean nothing in RTF, it leaves out.
type scanner struct {
	src []byte
	pos int
}

func (s *scanner) next() token {
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		s.pos++
		switch c {
		case '\r', '\n':
			continue
		case '{':
			return token{kind: open}
		case '}':
			return token{kind: close_}
		case '\\':
			return s.control()
		}
		return token{kind: char, c: c}
	}
	return token{}
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

func unhex(c byte) int {
	switch {
	case digit(c):
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// control reads what follows a backslash.
func (s *scanner) control() token {
	if s.pos == len(s.src) {
		return token{}
	}
	start := s.pos
	c := s.src[s.pos]
	if !letter(c) {
		s.pos++
		switch c {
		case '\'':
			return s.hex()
		case '\r', '\n': // an escaped line end is \par
			if c == '\r' && s.pos < len(s.src) && s.src[s.pos] == '\n' {
				s.pos++
			}
			return token{kind: word, name: "par"}
		case '\t':
			return token{kind: word, name: "tab"}
		}
		return token{kind: symbol, c: c}
	}
	for s.pos < len(s.src) && s.pos-start < maxName && letter(s.src[s.pos]) {
		s.pos++
	}
	t := token{kind: word, name: string(s.src[start:s.pos])}
	sign, at := 1, s.pos
	if at < len(s.src) && s.src[at] == '-' {
		sign, at = -1, at+1
	}
	for ; at < len(s.src) && digit(s.src[at]); at++ {
		if t.param < 1<<31 { // larger ones mean nothing
			t.param = t.param*10 + int(s.src[at]-'0')
		}
		t.has = true
	}
	if t.has {
		s.pos, t.param = at, sign*t.param
	}
	if s.pos < len(s.src) && s.src[s.pos] == ' ' {
		s.pos++
	}
	if t.name == "bin" {
		s.pos += min(max(t.param, 0), len(s.src)-s.pos)
		t.kind = binary_
	}
	return t
}

func (s *scanner) hex() token {
	if s.pos+2 > len(s.src) {
		s.pos = len(s.src)
		return token{}
	}
	hi, lo := unhex(s.src[s.pos]), unhex(s.src[s.pos+1])
	if hi < 0 || lo < 0 { // broken: left out, and what follows is read as it is
		return token{kind: symbol}
	}
	s.pos += 2
	return token{kind: hex, c: byte(hi<<4 | lo)}
}
