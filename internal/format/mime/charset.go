package mime

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Decode turns bytes of the named charset into UTF-8. A charset that is not known, or bytes that are not of it, never
// lose the text: valid UTF-8 stays, all else is read as windows-1252 or gets U+FFFD where a byte means nothing.
func Decode(charset string, b []byte) string {
	charset = strings.ToLower(strings.Trim(charset, " \t\"'"))
	ascii := isASCII(b)
	switch charset {
	case "", "us-ascii", "ascii", "unknown-8bit", "x-unknown", "default", "7bit", "8bit":
		if ascii {
			return string(b)
		}
		return Guess(b)
	case "utf-8", "utf8", "utf_8":
		if ascii || utf8.Valid(b) {
			return string(b)
		}
		return strings.ToValidUTF8(string(b), "\uFFFD")
	case "utf-7", "unicode-1-1-utf-7", "x-unicode-2-0-utf-7":
		return decodeUTF7(b)
	case "iso-2022-kr":
		return decodeISO2022KR(b)
	}
	if ascii && (strings.HasPrefix(charset, "iso-8859-") || strings.HasPrefix(charset, "windows-125")) {
		return string(b)
	}
	e := lookup(charset)
	if e == nil {
		return Guess(b)
	}
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return Guess(b)
	}
	return string(out)
}

// Guess reads bytes whose charset nobody told: UTF-8 when they are valid, else windows-1252.
func Guess(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	out.Grow(len(b) + len(b)/8)
	for _, c := range b {
		out.WriteRune(charmap.Windows1252.DecodeByte(c))
	}
	return out.String()
}

// lookup finds the decoder of a charset: the WHATWG names (which mail uses in their sense: "gb2312" is GBK), IANA's, and
// what else was seen in mail.
func lookup(name string) encoding.Encoding {
	switch name {
	case "hz-gb-2312", "hz":
		return simplifiedchinese.HZGB2312
	case "gb18030", "cp54936":
		return simplifiedchinese.GB18030
	case "cp936", "ms936", "windows-936":
		return simplifiedchinese.GBK
	case "cp949", "ms949", "uhc", "ksc5601", "ksc_5601", "ks_c_5601":
		return korean.EUCKR
	case "cp437", "ibm437", "437":
		return charmap.CodePage437
	case "cp850", "ibm850", "850":
		return charmap.CodePage850
	case "cp852", "ibm852", "852":
		return charmap.CodePage852
	case "cp858", "ibm00858":
		return charmap.CodePage858
	case "cp932", "ms932", "cp-932", "shiftjis", "x-ms-cp932":
		name = "shift_jis"
	case "cp950", "ms950":
		name = "big5"
	case "8859-1", "iso8859_1", "iso-8859_1", "latin-1", "iso_8859_1", "cp-1252", "cp819":
		name = "iso-8859-1"
	case "iso-2022-jp-1", "iso-2022-jp-2", "iso-2022-jp-3", "iso-2022-jp-ms", "cp50220", "cp50221":
		name = "iso-2022-jp"
	case "koi8", "koi-8", "koi8_r":
		name = "koi8-r"
	}
	if e, err := htmlindex.Get(name); err == nil && e != encoding.Replacement {
		return e
	}
	if strings.HasPrefix(name, "cp125") || strings.HasPrefix(name, "win-125") || strings.HasPrefix(name, "windows125") {
		if e, err := htmlindex.Get("windows-" + name[strings.Index(name, "125"):]); err == nil {
			return e
		}
	}
	if e, err := ianaindex.MIME.Encoding(name); err == nil && e != nil && e != encoding.Replacement {
		return e
	}
	return nil
}

func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if (b[0]|b[1]|b[2]|b[3]|b[4]|b[5]|b[6]|b[7])&0x80 != 0 || b[0] == 0x1b {
			return false
		}
		if bytes.IndexByte(b[:8], 0x1b) >= 0 { // ISO 2022 is 7 bits but no ASCII
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= 0x80 || c == 0x1b {
			return false
		}
	}
	return true
}

// decodeUTF7 reads RFC 2152.
func decodeUTF7(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		k := bytes.IndexByte(b, '+')
		if k < 0 {
			break
		}
		out.WriteString(Guess(b[:k]))
		b = b[k+1:]
		n := 0
		for n < len(b) && (b[n] == '+' || b[n] == '/' || isAlnum(b[n])) {
			n++
		}
		if n == 0 {
			out.WriteByte('+')
		} else if u, _ := base64.RawStdEncoding.DecodeString(string(b[:n])); true {
			e, _ := htmlindex.Get("utf-16be")
			if s, err := e.NewDecoder().Bytes(u[:len(u)&^1]); err == nil {
				out.Write(s)
			}
		}
		b = b[n:]
		if len(b) > 0 && b[0] == '-' {
			b = b[1:]
		}
	}
	out.WriteString(Guess(b))
	return out.String()
}

// decodeISO2022KR reads RFC 1557: between SO and SI stands EUC-KR without its high bits.
func decodeISO2022KR(b []byte) string {
	out := make([]byte, 0, len(b))
	shifted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == 0x0e:
			shifted = true
		case c == 0x0f:
			shifted = false
		case c == 0x1b && bytes.HasPrefix(b[i:], []byte("\x1b$)C")):
			i += 3
		case shifted && c > ' ':
			out = append(out, c|0x80)
		default:
			out = append(out, c)
		}
	}
	s, err := korean.EUCKR.NewDecoder().Bytes(out)
	if err != nil {
		return Guess(b)
	}
	return string(s)
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
