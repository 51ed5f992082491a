package format

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxToken is the length in bytes at which a token is cut.
const maxToken = 64

// Tokens appends the words of text to dst: runs of letters and digits, lower case, without diacritics; Chinese, Japanese and Korean
// as overlapping pairs of characters (one alone stays alone). Every other character separates, so the parts of an address are
// words of their own. The same text always gives the same tokens, also inside a longer text. A word may come more than once.
func Tokens(dst []string, text string) []string {
	s := fold(text)
	start := -1
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if wordByte[c] {
				if start < 0 {
					start = i
				}
			} else if start >= 0 {
				dst = appendToken(dst, s[start:i])
				start = -1
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case pairs(r):
			if start >= 0 {
				dst = appendToken(dst, s[start:i])
				start = -1
			}
			var next int
			dst, next = appendPairs(dst, s, i)
			i = next
			continue
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if start < 0 {
				start = i
			}
		default:
			if start >= 0 {
				dst = appendToken(dst, s[start:i])
				start = -1
			}
		}
		i += n
	}
	if start >= 0 {
		dst = appendToken(dst, s[start:])
	}
	return dst
}

func appendToken(dst []string, t string) []string {
	return append(dst, bound(t, maxToken))
}

// appendPairs reads the run of characters that are indexed in pairs at i and returns where it ends.
func appendPairs(dst []string, s string, i int) ([]string, int) {
	first, prev, count := i, i, 0
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !pairs(r) {
			break
		}
		if count > 0 {
			dst = append(dst, s[prev:i+n])
		}
		prev = i
		i += n
		count++
	}
	if count == 1 {
		dst = append(dst, s[first:i])
	}
	return dst, i
}

// pairs tells the scripts that are written without spaces and indexed as pairs.
func pairs(r rune) bool {
	switch {
	case r < 0x1100:
		return false
	case r >= 0x4e00 && r <= 0x9fff, r >= 0x3400 && r <= 0x4dbf, r >= 0x20000 && r <= 0x323af, r >= 0xf900 && r <= 0xfaff: // Han
		return true
	case r >= 0x3041 && r <= 0x30ff && r != 0x30fb, r >= 0x31f0 && r <= 0x31ff, r == 0x3005, r == 0x3007: // kana
		return true
	case r >= 0xac00 && r <= 0xd7a3, r >= 0x1100 && r <= 0x11ff, r >= 0x3131 && r <= 0x318e: // Hangul
		return true
	}
	return false
}

var wordByte = func() (t [utf8.RuneSelf]bool) {
	for c := range t {
		t[c] = c >= '0' && c <= '9' || c >= 'a' && c <= 'z'
	}
	return t
}()

// fold lowers case and takes diacritics off. ASCII without capitals is returned as it is.
func fold(s string) string {
	i := 0
	for i < len(s) && s[i] < utf8.RuneSelf {
		i++
	}
	if i == len(s) {
		return strings.ToLower(s)
	}
	if strings.Contains(s, "\xef\xbd") || strings.Contains(s, "\xef\xbe") { // half-width kana compose with their marks
		s = norm.NFKC.String(s)
	} else if !norm.NFC.IsNormalString(s) { // Hangul and kana as macOS writes them
		s = norm.NFC.String(s)
	}
	out := make([]byte, 0, len(s)+len(s)/16)
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			out = append(out, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		out = foldRune(out, r)
	}
	return string(out)
}

func foldRune(out []byte, r rune) []byte {
	if r == 0x3099 || r == 0x309a { // a sound mark that composes with nothing
		return out
	}
	if r >= 0xac00 && r <= 0xd7a3 || r >= 0x3041 && r <= 0x30ff || r >= 0x4e00 && r <= 0x9fff { // decomposing would take these apart
		return utf8.AppendRune(out, r)
	}
	var buf [utf8.UTFMax]byte
	d := norm.NFKD.Properties(utf8.AppendRune(buf[:0], r)).Decomposition()
	if d == nil {
		return foldLetter(out, r)
	}
	if r >= 0x3130 && r < 0x3400 { // what stands for several kana or Hangul: they compose again
		d = norm.NFC.Bytes(d)
	}
	for len(d) > 0 {
		x, n := utf8.DecodeRune(d)
		d = d[n:]
		out = foldLetter(out, x)
	}
	return out
}

// foldLetter writes the lower case of what cannot be decomposed, or nothing for a diacritic.
func foldLetter(out []byte, r rune) []byte {
	if diacritic(r) {
		return out
	}
	switch r = unicode.ToLower(r); r {
	case 'ß':
		return append(out, "ss"...)
	case 'ø':
		return append(out, 'o')
	case 'ł':
		return append(out, 'l')
	case 'đ', 'ð':
		return append(out, 'd')
	case 'æ':
		return append(out, "ae"...)
	case 'œ':
		return append(out, "oe"...)
	case 'ı':
		return append(out, 'i')
	case 'þ':
		return append(out, "th"...)
	}
	return utf8.AppendRune(out, r)
}

// diacritic tells marks that people leave out when they search; in the scripts of India and South-East Asia marks are vowels and stay.
func diacritic(r rune) bool {
	return r >= 0x0300 && r <= 0x036f || r >= 0x0591 && r <= 0x05c7 || r >= 0x064b && r <= 0x065f || r == 0x0670 || r >= 0x1ab0 && r <= 0x1aff ||
		r >= 0x1dc0 && r <= 0x1dff || r >= 0x20d0 && r <= 0x20ff || r >= 0xfe20 && r <= 0xfe2f || r == 0xad || r >= 0x200b && r <= 0x200f
}
