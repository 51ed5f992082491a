package mime

import (
	"bytes"
	"strings"
)

// Address is one mailbox of an address list (RFC 5322 3.4). Name is decoded; Addr is as written, without brackets.
type Address struct {
	Name string
	Addr string
}

// maxAddresses bounds what is read of one field.
const maxAddresses = 10000

// Addresses reads an address list as programs write it: comments for names, routes, semicolons for commas, groups (whose names are
// left out), what is opened and never closed. Entries without any address are returned with Addr "".
func Addresses(value []byte) []Address {
	var out []Address
	v := Unfold(value)
	start := 0
	emit := func(end int) {
		if a, ok := oneAddress(v[start:end]); ok && len(out) < maxAddresses {
			out = append(out, a)
		}
	}
	quoted, angle, comment := false, false, 0
	// What is opened and never closed is taken as it stands.
	lastQuote, lastAngle, lastComment := bytes.LastIndexByte(v, '"'), bytes.LastIndexByte(v, '>'), bytes.LastIndexByte(v, ')')
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '\\' && (quoted || comment > 0):
			i++
		case quoted:
			quoted = c != '"'
		case comment > 0:
			if c == '(' {
				comment++
			} else if c == ')' {
				comment--
			}
		case c == '"':
			quoted = i < lastQuote
		case c == '(':
			if i < lastComment {
				comment++
			}
		case c == '<':
			angle = i < lastAngle
		case c == '>':
			angle = false
		case angle:
		case c == ':': // the name of a group, RFC 5322 3.4
			start = i + 1
		case c == ',' || c == ';':
			emit(i)
			start = i + 1
		}
	}
	emit(len(v))
	return out
}

func oneAddress(b []byte) (Address, bool) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return Address{}, false
	}
	if open := bytes.LastIndexByte(b, '<'); open >= 0 {
		addr := b[open+1:]
		if end := bytes.IndexByte(addr, '>'); end >= 0 {
			addr = addr[:end]
		}
		if k := bytes.LastIndexByte(addr, ':'); k >= 0 && len(addr) > 0 && addr[0] == '@' { // route, RFC 5322 4.4
			addr = addr[k+1:]
		}
		return Address{Name: phrase(b[:open]), Addr: cleanAddr(addr)}, true
	}
	bare, comments := stripComments(b)
	if bytes.IndexByte(bare, '@') < 0 {
		return Address{Name: phrase(b)}, true
	}
	addr := bare
	name := Text(comments)
	if q := bytes.LastIndex(bare, []byte(`"@`)); bytes.HasPrefix(bare, []byte(`"`)) && q > 0 { // "a b"@example.org
		return Address{Name: strings.TrimSpace(name), Addr: cleanAddr(bare)}, true
	}
	if k := bytes.LastIndexAny(bytes.TrimSpace(bare), " \t"); k >= 0 && bytes.IndexByte(bare[k:], '@') >= 0 { // "Anna Berg anna@example.org"
		bare = bytes.TrimSpace(bare)
		addr = bare[k+1:]
		if name == "" {
			name = phrase(bare[:k])
		}
	}
	return Address{Name: strings.TrimSpace(name), Addr: cleanAddr(addr)}, true
}

// phrase decodes a display name: quotes go, encoded words are decoded also inside quotes (many mailers put them there).
func phrase(b []byte) string {
	b = bytes.TrimSpace(b)
	if bytes.IndexByte(b, '"') >= 0 {
		out := make([]byte, 0, len(b))
		for i := 0; i < len(b); i++ {
			if b[i] == '"' {
				continue
			}
			if b[i] == '\\' && i+1 < len(b) {
				i++
			}
			out = append(out, b[i])
		}
		b = out
	}
	return strings.TrimSpace(Text(b))
}

// stripComments takes RFC 5322 3.2.2 comments out and returns the text of the last one.
func stripComments(b []byte) (bare, comment []byte) {
	if bytes.IndexByte(b, '(') < 0 {
		return b, nil
	}
	depth, start := 0, 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\' && depth > 0:
			i++
		case c == '(':
			if depth++; depth == 1 {
				start = i + 1
			}
		case c == ')' && depth > 0:
			if depth--; depth == 0 {
				comment = b[start:i]
			}
		case depth == 0:
			bare = append(bare, c)
		}
	}
	return bare, comment
}

// cleanAddr makes an address one word, in UTF-8.
func cleanAddr(b []byte) string {
	b, _ = stripComments(b)
	b = bytes.Trim(bytes.TrimSpace(b), "<>")
	if bytes.HasPrefix(b, []byte("mailto:")) {
		b = b[7:]
	}
	if bytes.IndexByte(b, '"') < 0 && bytes.ContainsAny(b, " \t") {
		// Space may stand around the dots and the @ (RFC 5322 4.4); elsewhere it is a mistake that must not make another address.
		f := bytes.Fields(b)
		b = nil
		for i, w := range f {
			if i > 0 && !bytes.ContainsRune([]byte("@."), rune(w[0])) && !bytes.ContainsRune([]byte("@."), rune(b[len(b)-1])) {
				b = append(b, ' ')
			}
			b = append(b, w...)
		}
	}
	return Guess(b)
}

// String is the display form: "Anna Berg <anna@example.org>".
func (a Address) String() string {
	switch {
	case a.Name == "" || a.Name == a.Addr:
		return a.Addr
	case a.Addr == "":
		return a.Name
	}
	return a.Name + " <" + a.Addr + ">"
}
