package rtf

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// western is the code page of text that names none, or one that nobody knows.
const western = 1252

// encodingOf gives the encoding of a Windows code page; unknown ones are read as Western European.
func encodingOf(codepage int) encoding.Encoding {
	switch codepage {
	case 37:
		return charmap.CodePage037
	case 437:
		return charmap.CodePage437
	case 850:
		return charmap.CodePage850
	case 852:
		return charmap.CodePage852
	case 855:
		return charmap.CodePage855
	case 858:
		return charmap.CodePage858
	case 860:
		return charmap.CodePage860
	case 862:
		return charmap.CodePage862
	case 863:
		return charmap.CodePage863
	case 865:
		return charmap.CodePage865
	case 866:
		return charmap.CodePage866
	case 874:
		return charmap.Windows874
	case 932, 10001:
		return japanese.ShiftJIS
	case 936, 10008:
		return simplifiedchinese.GBK
	case 949, 1361, 10003:
		return korean.EUCKR
	case 950, 10002:
		return traditionalchinese.Big5
	case 1250, 10029:
		return charmap.Windows1250
	case 1251:
		return charmap.Windows1251
	case 1253, 10006:
		return charmap.Windows1253
	case 1254, 10081:
		return charmap.Windows1254
	case 1255:
		return charmap.Windows1255
	case 1256:
		return charmap.Windows1256
	case 1257:
		return charmap.Windows1257
	case 1258:
		return charmap.Windows1258
	case 10000:
		return charmap.Macintosh
	case 10007:
		return charmap.MacintoshCyrillic
	case 20866:
		return charmap.KOI8R
	case 21866:
		return charmap.KOI8U
	case 28591:
		return charmap.ISO8859_1
	case 28592:
		return charmap.ISO8859_2
	case 28595:
		return charmap.ISO8859_5
	case 28597:
		return charmap.ISO8859_7
	case 28605:
		return charmap.ISO8859_15
	case 51932:
		return japanese.EUCJP
	case 54936:
		return simplifiedchinese.GB18030
	case 65001:
		return unicode.UTF8
	}
	return charmap.Windows1252
}

// codepageOf gives the code page of a font's \fcharset, RTF 1.9.1 "Font Table"; 0 means that of the document.
func codepageOf(charset int) int {
	switch charset {
	case 0, 2: // ANSI, symbol
		return western
	case 77:
		return 10000
	case 78, 128:
		return 932
	case 79, 129, 130:
		return 949
	case 80, 134:
		return 936
	case 81, 136:
		return 950
	case 83, 161:
		return 1253
	case 84, 162:
		return 1254
	case 88, 238:
		return 1250
	case 89, 204:
		return 1251
	case 163:
		return 1258
	case 177, 181:
		return 1255
	case 178, 179, 180:
		return 1256
	case 186:
		return 1257
	case 222:
		return 874
	case 254:
		return 437
	case 255:
		return 850
	}
	return 0
}

// decode turns bytes of a code page into text. Bytes that mean nothing there become U+FFFD.
func decode(b []byte, codepage int) string {
	ascii := true
	for _, c := range b {
		if c >= 0x80 {
			ascii = false
			break
		}
	}
	if ascii && codepage != 37 {
		return string(b)
	}
	out, err := encodingOf(codepage).NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

// symbols gives the Unicode characters for text in a font whose letters are pictures. It knows the alphabet of Symbol
// and the bullets, arrows and faces that mail programs write; other characters stay what they are.
func symbols(font, s string) string {
	font = strings.ToLower(font)
	wingdings, greek := strings.HasPrefix(font, "wingdings"), strings.HasPrefix(font, "symbol")
	if !wingdings && !greek {
		return s
	}
	lower, upper := []rune("αβχδεφγηιϕκλμνοπθρστυϖωξψζ"), []rune("ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ")
	return strings.Map(func(r rune) rune {
		if r >= 0xF000 && r <= 0xF0FF { // how \u writes the characters of such fonts
			r -= 0xF000
		}
		if greek {
			switch {
			case r >= 'a' && r <= 'z':
				return lower[r-'a']
			case r >= 'A' && r <= 'Z':
				return upper[r-'A']
			}
			switch r {
			case 0xA3:
				return '≤'
			case 0xAC:
				return '←'
			case 0xAE:
				return '→'
			case 0xB3:
				return '≥'
			case 0xB4:
				return '×'
			case 0xB7:
				return '•'
			case 0xB9:
				return '≠'
			case 0xDE:
				return '⇒'
			}
			return r
		}
		switch r {
		case 'J':
			return '☺'
		case 'K':
			return '😐'
		case 'L':
			return '☹'
		case 'l':
			return '●'
		case 'n', 0xA7:
			return '▪'
		case 'o', 'q', 0xA8:
			return '☐'
		case 'v':
			return '❖'
		case 0xD8:
			return '➢'
		case 0xDF:
			return '←'
		case 0xE0, 0xE8:
			return '→'
		case 0xFB:
			return '✗'
		case 0xFC:
			return '✓'
		case 0xFE:
			return '☑'
		}
		return r
	}, s)
}
