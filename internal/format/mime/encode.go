package mime

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// EncodeText writes a header field with its line end: as it stands when it is short ASCII, else in encoded words (RFC 2047).
func EncodeText(name, text string) []byte {
	out := append(make([]byte, 0, len(name)+len(text)+16), name...)
	out = append(out, ": "...)
	if plainHeader(text) && len(name)+2+len(text) <= 78 {
		out = append(out, text...)
	} else {
		out = appendWords(out, text)
	}
	return append(out, "\r\n"...)
}

// Encode is the form of an address in a header field, its name quoted or in encoded words where that is needed.
func (a Address) Encode() string {
	switch {
	case a.Name == "":
		return a.Addr
	case !plainHeader(a.Name):
		return string(appendWords(nil, a.Name)) + " <" + a.Addr + ">"
	case strings.ContainsAny(a.Name, `()<>[]:;@\,."`):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.Name) + `" <` + a.Addr + ">"
	}
	return a.Name + " <" + a.Addr + ">"
}

func plainHeader(text string) bool {
	return !strings.Contains(text, "=?") && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f })
}

func appendWords(out []byte, text string) []byte {
	const per = 39 // bytes of text in a word: with its frame 64 characters
	for first := true; first || text != ""; first = false {
		n := min(per, len(text))
		for n > 0 && n < len(text) && !utf8.RuneStart(text[n]) {
			n--
		}
		if n == 0 {
			n = len(text)
		}
		if !first {
			out = append(out, "\r\n "...)
		}
		out = append(out, "=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte(text[:n]))+"?="...)
		text = text[n:]
	}
	return out
}
