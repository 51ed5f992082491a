package mime

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxValue bounds what of one header value is decoded, maxWord one encoded word (RFC 2047 says 75 bytes; some mailers do not care).
const (
	maxValue = 64 << 10
	maxWord  = 16 << 10
)

// Text decodes an unstructured header value for display: unfolds it, decodes encoded words (RFC 2047) including the
// broken ones that mailers make, guesses the charset of raw 8-bit text.
func Text(value []byte) string {
	v := Unfold(value[:min(len(value), maxValue)])
	if !bytes.Contains(v, []byte("=?")) {
		if isASCII(v) {
			return string(v)
		}
		return guessHeader(v)
	}
	var out strings.Builder
	var pending []byte // decoded bytes of words of one charset that follow each other, which may cut a character in two
	charset := ""
	flush := func() {
		if len(pending) > 0 {
			out.WriteString(Decode(charset, pending))
			pending = pending[:0]
		}
	}
	after := false // the last thing written was an encoded word
	for len(v) > 0 {
		k := bytes.Index(v, []byte("=?"))
		if k < 0 {
			break
		}
		cs, word, n := encodedWord(v[k:])
		if n == 0 {
			flush()
			out.WriteString(guessHeader(v[:k+2]))
			v, after = v[k+2:], false
			continue
		}
		if !after || len(bytes.TrimSpace(v[:k])) > 0 { // space between two encoded words is not shown, RFC 2047 6.2
			flush()
			out.WriteString(guessHeader(v[:k]))
		}
		if cs != charset || strings.HasPrefix(cs, "iso-2022") {
			flush()
			charset = cs
		}
		pending = append(pending, word...)
		v, after = v[k+n:], true
	}
	flush()
	out.WriteString(guessHeader(v))
	return out.String()
}

func guessHeader(b []byte) string {
	if bytes.Contains(b, []byte("\x1b$")) { // ISO-2022-JP put raw into a header
		return Decode("iso-2022-jp", b)
	}
	return Guess(b)
}

// encodedWord reads the encoded word at the start of v: its charset in lower case, its bytes, and its length; 0 when it is none.
func encodedWord(v []byte) (charset string, word []byte, n int) {
	q1 := bytes.IndexByte(v[2:], '?')
	if q1 <= 0 || q1 > 64 {
		return "", nil, 0
	}
	cs := v[2 : 2+q1]
	if bytes.ContainsAny(cs, " \t=\"<>@") {
		return "", nil, 0
	}
	if star := bytes.IndexByte(cs, '*'); star >= 0 { // language, RFC 2231 5
		cs = cs[:star]
	}
	rest := v[2+q1+1:]
	if len(rest) < 2 || rest[1] != '?' {
		return "", nil, 0
	}
	text := rest[2:min(len(rest), maxWord)]
	end := bytes.Index(text, []byte("?="))
	if end < 0 {
		return "", nil, 0
	}
	enc := rest[0] | 0x20
	if enc == 'q' && end == 0 && len(text) > 2 {
		// "=?utf-8?Q?=41?=": the first "?=" is the start of the text, not its end
		if e := bytes.Index(text[1:], []byte("?=")); e >= 0 && !bytes.ContainsAny(text[:e+1], " \t") {
			end = e + 1
		}
	}
	n = 2 + q1 + 1 + 2 + end + 2
	text = text[:end]
	switch enc {
	case 'q':
		word = make([]byte, 0, len(text))
		for i := 0; i < len(text); i++ {
			switch c := text[i]; {
			case c == '_':
				word = append(word, ' ')
			case c == '=' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]):
				word = append(word, unhex(text[i+1])<<4|unhex(text[i+2]))
				i += 2
			default:
				word = append(word, c)
			}
		}
	case 'b':
		word, _ = decodeBase64(text)
	default:
		return "", nil, 0
	}
	return strings.ToLower(string(cs)), word, n
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// Display makes a decoded value fit for one line of a list: control and invisible formatting characters become one
// space or go, the length is at most max bytes, cut between characters.
func Display(s string, max int) string {
	clean := len(s) <= max
	for i := 0; clean && i < len(s); i++ {
		clean = s[i] >= ' ' && s[i] < 0x7f && (s[i] != ' ' || i > 0 && i+1 < len(s) && s[i+1] != ' ')
	}
	if clean {
		return s
	}
	var out strings.Builder
	space := true
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			if !space {
				r, space = ' ', true
			} else {
				continue
			}
		} else if r == utf8.RuneError && n == 1 {
			r = utf8.RuneError
			space = false
		} else if hidden(r) {
			continue
		} else {
			space = false
		}
		if out.Len()+utf8.RuneLen(r) > max {
			break
		}
		out.WriteRune(r)
	}
	return strings.TrimRight(out.String(), " ")
}

// hidden tells the characters that can make a line read as what it is not: directional overrides and the like.
func hidden(r rune) bool {
	switch {
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff, r >= 0xe0000 && r <= 0xe007f, r == 0x2028, r == 0x2029:
		return true
	}
	return false
}
