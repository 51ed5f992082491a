package rtf

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// FromText writes plain text as RTF that Outlook shows and that OriginalText gives back, MS-OXRTFEX 2.1.3.2. Line ends
// become CRLF; bytes that are no UTF-8 become U+FFFD.
func FromText(text string) []byte {
	var b bytes.Buffer
	b.Grow(len(text) + 256)
	b.WriteString(`{\rtf1\ansi\ansicpg1252\fromtext \deff0{\fonttbl` + "\r\n" + `{\f0\fswiss\fcharset0 Arial;}}` + "\r\n" +
		`{\colortbl\red0\green0\blue0;\red0\green0\blue255;}` + "\r\n" + `\uc1\pard\plain\deftab360 \f0\fs20 `)
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteString(`\par` + "\r\n")
		}
		escape(&b, line)
	}
	b.WriteString("}")
	return b.Bytes()
}

// escape writes text so that every RTF reader takes it as text: ASCII as it is, everything else as \uN.
func escape(b *bytes.Buffer, s string) {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\\' || c == '{' || c == '}':
			b.WriteByte('\\')
			b.WriteByte(c)
			i++
		case c == '\t':
			b.WriteString(`\tab `)
			i++
		case c < ' ' || c == 0x7F:
			const digits = "0123456789abcdef"
			b.Write([]byte{'\\', '\'', digits[c>>4], digits[c&15]})
			i++
		case c < utf8.RuneSelf:
			b.WriteByte(c)
			i++
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			i += n
			if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
				unit(b, hi)
				unit(b, lo)
			} else {
				unit(b, r)
			}
		}
	}
}

// unit writes a UTF-16 unit, with a question mark for readers that know no Unicode.
func unit(b *bytes.Buffer, r rune) {
	b.WriteString(`\u`)
	b.WriteString(strconv.Itoa(int(int16(r))))
	b.WriteByte('?')
}
