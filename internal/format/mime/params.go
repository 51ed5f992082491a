package mime

import (
	"bytes"
	"sort"
	"strconv"
	"strings"
)

// maxParams bounds the parameters that are looked at in one value.
const maxParams = 64

// Param returns a parameter of a Content-Type or Content-Disposition value, decoded: RFC 2045 5.1, RFC 2231 (pieces,
// charsets), encoded words where they do not belong, missing quotes and semicolons. name is lower case; "" when absent.
func Param(value []byte, name string) string {
	if value == nil {
		return ""
	}
	var pieces []piece
	plain, found := "", false
	params(value, func(n, v []byte, quoted bool) bool {
		if len(n) < len(name) || !equalFold(n[:len(name)], name) {
			return true
		}
		switch rest := n[len(name):]; {
		case len(rest) == 0:
			if !found {
				plain, found = string(v), true
			}
		case rest[0] == '*':
			p := piece{value: v}
			if rest[len(rest)-1] == '*' {
				p.encoded, rest = true, rest[:len(rest)-1]
			}
			if len(rest) > 1 {
				i, err := strconv.Atoi(string(rest[1:]))
				if err != nil || i < 0 {
					return true
				}
				p.number = i
			}
			pieces = append(pieces, p)
		}
		return true
	})
	if len(pieces) > 0 {
		if s := join2231(pieces); s != "" {
			return s
		}
	}
	if !found {
		return ""
	}
	if strings.Contains(plain, "=?") || !isASCII([]byte(plain)) {
		return Text([]byte(plain))
	}
	return plain
}

type piece struct {
	number  int
	encoded bool
	value   []byte
}

// join2231 puts the pieces of RFC 2231 3 and 4 together.
func join2231(pieces []piece) string {
	sort.SliceStable(pieces, func(i, j int) bool { return pieces[i].number < pieces[j].number })
	charset := ""
	var out []byte
	for i, p := range pieces {
		v := p.value
		if p.encoded {
			if i == 0 {
				if a := bytes.IndexByte(v, '\''); a >= 0 {
					if b := bytes.IndexByte(v[a+1:], '\''); b >= 0 {
						charset, v = string(v[:a]), v[a+1+b+1:]
					}
				}
			}
			for k := 0; k < len(v); k++ {
				if v[k] == '%' && k+2 < len(v) && isHex(v[k+1]) && isHex(v[k+2]) {
					out = append(out, unhex(v[k+1])<<4|unhex(v[k+2]))
					k += 2
				} else {
					out = append(out, v[k])
				}
			}
			continue
		}
		out = append(out, v...)
	}
	return Decode(charset, out)
}

// params calls f for every name=value after the main value.
func params(value []byte, f func(name, v []byte, quoted bool) bool) {
	v := value
	if k := bytes.IndexAny(v, "; \t\r\n"); k >= 0 {
		v = v[k:]
	} else if k := bytes.IndexByte(v, '='); k < 0 {
		return
	}
	for count := 0; count < maxParams; count++ {
		v = bytes.TrimLeft(v, "; \t\r\n")
		if len(v) == 0 {
			return
		}
		if v[0] == '(' { // comment
			k := bytes.IndexByte(v, ')')
			if k < 0 {
				return
			}
			v = v[k+1:]
			continue
		}
		k := bytes.IndexAny(v, "=;")
		if k < 0 {
			return
		}
		if v[k] == ';' {
			v = v[k:]
			continue
		}
		name := bytes.TrimSpace(v[:k])
		if s := bytes.LastIndexAny(name, " \t"); s >= 0 { // what stands before it lacks its semicolon
			name = name[s+1:]
		}
		v = bytes.TrimLeft(v[k+1:], " \t\r\n")
		var val []byte
		quoted := len(v) > 0 && v[0] == '"'
		if quoted {
			i := 1
			for i < len(v) && v[i] != '"' {
				// A backslash quotes, but old Windows mailers put file paths here: only before " and \ it means that.
				if v[i] == '\\' && i+1 < len(v) && (v[i+1] == '"' || v[i+1] == '\\') {
					i++
				}
				if v[i] != '\r' && v[i] != '\n' {
					val = append(val, v[i])
				}
				i++
			}
			v = v[min(i+1, len(v)):]
		} else {
			end := bytes.IndexByte(v, ';')
			if end < 0 {
				end = len(v)
			}
			val = bytes.TrimSpace(Unfold(v[:end]))
			if s := bytes.Index(val, []byte(" (")); s >= 0 && val[len(val)-1] == ')' && !bytes.Contains(name, []byte("name")) { // comment
				val = val[:s]
			}
			// "a=b c=d" lacks a semicolon; "name=my file.txt" lacks quotes.
			if s := bytes.IndexAny(val, " \t"); s >= 0 {
				if e := bytes.IndexByte(val[s:], '='); e > 0 && !bytes.Contains(val, []byte("=?")) {
					val = val[:s]
					end = s
				}
			}
			v = v[end:]
		}
		if len(name) > 0 && !f(name, val, quoted) {
			return
		}
	}
}
