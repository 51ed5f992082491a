package mime

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// DecodeBody undoes a Content-Transfer-Encoding (RFC 2045 6). What is broken is read as far as it goes; problem tells
// what was wrong, "" when nothing was. The result may be b itself.
func DecodeBody(encoding string, b []byte) (out []byte, problem string) {
	switch encoding {
	case "base64":
		out, ok := decodeBase64(b)
		if !ok {
			return out, "broken base64"
		}
		return out, ""
	case "quoted-printable":
		return decodeQuotedPrintable(b), ""
	}
	return b, ""
}

// decodeBase64 leaves out what is not of the alphabet and goes on after padding (some mailers join pieces).
func decodeBase64(b []byte) (out []byte, ok bool) {
	out = make([]byte, 0, len(b)/4*3+3)
	ok = true
	var group [4]byte
	n := 0
	for len(b) > 0 {
		line := b[:lineEnd(b, 0)]
		b = b[len(line):]
		if n == 0 { // the fast way: a whole line of the alphabet
			full := bytes.TrimRight(line, "\r\n")
			start, need := len(out), len(out)+len(full)/4*3
			if len(full) > 0 && len(full)%4 == 0 && full[len(full)-1] != '=' && need <= cap(out) {
				if m, err := base64.StdEncoding.Decode(out[start:need], full); err == nil && m == need-start {
					out = out[:need]
					continue
				}
			}
		}
		for _, c := range line {
			switch v := base64Value[c]; {
			case v < 64:
				group[n] = v
				if n++; n == 4 {
					out = append(out, group[0]<<2|group[1]>>4, group[1]<<4|group[2]>>2, group[2]<<6|group[3])
					n = 0
				}
			case c == '=':
				out, n = flushGroup(out, group, n), 0
			case c == '\r' || c == '\n' || c == ' ' || c == '\t':
			default:
				ok = false
			}
		}
	}
	if n > 0 {
		out = flushGroup(out, group, n)
		ok = false
	}
	return out, ok
}

func flushGroup(out []byte, g [4]byte, n int) []byte {
	switch n {
	case 2:
		return append(out, g[0]<<2|g[1]>>4)
	case 3:
		return append(out, g[0]<<2|g[1]>>4, g[1]<<4|g[2]>>2)
	}
	return out
}

var base64Value = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		t[c] = byte(i)
	}
	return t
}()

// decodeQuotedPrintable reads RFC 2045 6.7; a "=" that starts nothing stays.
func decodeQuotedPrintable(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		k := bytes.IndexByte(b, '=')
		if k < 0 {
			out = append(out, b...)
			break
		}
		out = append(out, b[:k]...)
		b = b[k:]
		if len(b) >= 3 && isHex(b[1]) && isHex(b[2]) {
			out = append(out, unhex(b[1])<<4|unhex(b[2]))
			b = b[3:]
			continue
		}
		// soft line break, with the space that transport may have put behind it
		e := 1
		for e < len(b) && (b[e] == ' ' || b[e] == '\t' || b[e] == '\r') {
			e++
		}
		if e < len(b) && b[e] == '\n' {
			b = b[e+1:]
			continue
		}
		if e == len(b) {
			break
		}
		out = append(out, '=')
		b = b[1:]
	}
	return out
}

// PlainText turns the decoded bytes of a text/plain part into text: charset, line ends, format=flowed (RFC 3676).
func (p *Part) PlainText(decoded []byte) string {
	s := Lines(Decode(p.Param("charset"), decoded))
	if strings.EqualFold(p.Param("format"), "flowed") {
		s = unflow(s, strings.EqualFold(p.Param("delsp"), "yes"))
	}
	return s
}

// Lines makes every line end "\n" and takes out control characters other than tab, and a byte order mark.
func Lines(s string) string {
	s = strings.TrimLeft(s, "\ufeff")
	if strings.IndexByte(s, '\r') >= 0 {
		s = strings.ReplaceAll(s, "\r\n", "\n")
		s = strings.ReplaceAll(s, "\r", "\n")
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return strings.Map(func(r rune) rune {
				if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
					return -1
				}
				return r
			}, s)
		}
	}
	return s
}

// unflow joins the lines that end in a space with the next line of the same quote depth.
func unflow(s string, delsp bool) string {
	out := make([]byte, 0, len(s))
	open, openDepth, first := false, 0, true
	for line := range strings.SplitSeq(s, "\n") {
		depth := 0
		for depth < len(line) && line[depth] == '>' {
			depth++
		}
		text := strings.TrimPrefix(line[depth:], " ")
		if open && depth == openDepth && text != "-- " {
			if delsp {
				out = out[:len(out)-1]
			}
		} else {
			if !first {
				out = append(out, '\n')
			}
			if depth > 0 {
				out = append(append(out, line[:depth]...), ' ')
			}
		}
		out = append(out, text...)
		open, openDepth, first = strings.HasSuffix(text, " ") && text != "-- ", depth, false
	}
	return string(out)
}
