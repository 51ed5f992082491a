package wire

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Modified UTF-7, RFC 3501 5.1.3: printable ASCII stands for itself, "&" is "&-", all else is UTF-16 in a base64 of its
// own between "&" and "-".

func utf7Base64() *base64.Encoding {
	return base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding).Strict()
}

// EncodeUTF7 encodes a mailbox name.
func EncodeUTF7(s string) string {
	var out strings.Builder
	for s != "" {
		n := 0
		for n < len(s) && (s[n] < ' ' || s[n] > '~') {
			n++
		}
		if n > 0 {
			units := utf16.Encode([]rune(s[:n]))
			b := make([]byte, 0, 2*len(units))
			for _, u := range units {
				b = append(b, byte(u>>8), byte(u))
			}
			out.WriteString("&" + utf7Base64().EncodeToString(b) + "-")
			s = s[n:]
			continue
		}
		out.WriteByte(s[0])
		if s[0] == '&' {
			out.WriteByte('-')
		}
		s = s[1:]
	}
	return out.String()
}

// DecodeUTF7 decodes a mailbox name. It reports false, with the name as it is, for one that EncodeUTF7 would not
// have made: so two different names never decode to the same.
func DecodeUTF7(s string) (string, bool) {
	if !strings.Contains(s, "&") {
		return s, isASCII(s)
	}
	var out strings.Builder
	rest := s
	for rest != "" {
		head, tail, shifted := strings.Cut(rest, "&")
		out.WriteString(head)
		if !shifted {
			break
		}
		code, after, ok := strings.Cut(tail, "-")
		if !ok {
			return s, false
		}
		rest = after
		if code == "" {
			out.WriteByte('&')
			continue
		}
		b, err := utf7Base64().DecodeString(code)
		if err != nil || len(b)%2 != 0 {
			return s, false
		}
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
		}
		out.WriteString(string(utf16.Decode(units)))
	}
	if name := out.String(); utf8.ValidString(name) && EncodeUTF7(name) == s {
		return name, true
	}
	return s, false
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
