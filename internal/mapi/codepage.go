package mapi

import (
	"fmt"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// charset gives the encoding of a Windows code page: those with a name that browsers know, and those of DOS.
func charset(codepage int) (encoding.Encoding, bool) {
	name := ""
	switch codepage {
	case 437:
		return charmap.CodePage437, true
	case 850:
		return charmap.CodePage850, true
	case 852:
		return charmap.CodePage852, true
	case 855:
		return charmap.CodePage855, true
	case 858:
		return charmap.CodePage858, true
	case 860:
		return charmap.CodePage860, true
	case 862:
		return charmap.CodePage862, true
	case 863:
		return charmap.CodePage863, true
	case 865:
		return charmap.CodePage865, true
	case 1200:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), true
	case 866:
		name = "ibm866"
	case 874:
		name = "windows-874"
	case 932:
		name = "shift_jis"
	case 936, 54936:
		name = "gb18030"
	case 949, 51949:
		name = "euc-kr"
	case 950:
		name = "big5"
	case 10000:
		name = "macintosh"
	case 10007:
		name = "x-mac-cyrillic"
	case 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258:
		name = fmt.Sprintf("windows-%d", codepage)
	case 20127:
		name = "windows-1252" // what calls itself ASCII and is not is this, mostly
	case 28591:
		return charmap.ISO8859_1, true
	case 20866:
		name = "koi8-r"
	case 21866:
		name = "koi8-u"
	case 28592, 28593, 28594, 28595, 28596, 28597, 28598, 28600, 28603, 28604, 28605, 28606:
		name = fmt.Sprintf("iso-8859-%d", codepage-28590)
	case 28599:
		name = "windows-1254"
	case 38598:
		name = "iso-8859-8-i"
	case 50220, 50221, 50222:
		name = "iso-2022-jp"
	case 51932, 20932:
		name = "euc-jp"
	case 65001:
		name = "utf-8"
	default:
		return nil, false
	}
	e, err := htmlindex.Get(name)
	return e, err == nil
}

// Text reads the bytes in a Windows code page, which PidTagMessageCodepage or PidTagInternetCodepage of the object names.
// With one that is not known it reads ASCII. What is no text in it becomes U+FFFD.
func (s String8) Text(codepage int) string {
	if e, ok := charset(codepage); ok {
		if text, err := e.NewDecoder().String(string(s)); err == nil {
			return strings.ToValidUTF8(text, "\uFFFD")
		}
	}
	return strings.Map(func(r rune) rune {
		if r > 0x7E {
			return '\uFFFD'
		}
		return r
	}, string(s))
}

// NewString8 writes a text in a Windows code page, if that has all of its characters.
func NewString8(text string, codepage int) (String8, error) {
	e, ok := charset(codepage)
	if !ok {
		return "", fmt.Errorf("the code page %d is not known", codepage)
	}
	b, err := e.NewEncoder().String(text)
	if err != nil || codepage == 20127 && b != text {
		return "", fmt.Errorf("the text %.40q has a character that code page %d does not have", text, codepage)
	}
	return String8(b), nil
}
