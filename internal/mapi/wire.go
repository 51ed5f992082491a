package mapi

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// reader reads little-endian fields. After the first error every read gives zeros and changes nothing, so a decoder
// reads all of its fields and looks at err once. What it gives are copies.
type reader struct {
	data []byte
	pos  int
	err  error
}

// errShort is the cause of an error when fields go beyond the end of the bytes.
var errShort = errors.New("the bytes end too early")

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("at byte %d: "+format, append([]any{r.pos}, args...)...)
	}
}

func (r *reader) left() int { return len(r.data) - r.pos }

// take gives the next n bytes without copying them.
func (r *reader) take(n int) []byte {
	if r.err == nil && (n < 0 || n > r.left()) {
		r.fail("%d bytes wanted, %d left: %w", n, r.left(), errShort)
	}
	if r.err != nil {
		return nil
	}
	b := r.data[r.pos : r.pos+n]
	r.pos += n
	return b
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) guid() (g GUID) {
	copy(g[:], r.take(len(g)))
	return g
}

func (r *reader) bytes(n int) []byte { return bytes.Clone(r.take(n)) }

// length reads a length or count of 32 bits that the bytes left must be able to hold at size bytes a piece.
func (r *reader) length(size int) int { return r.fits(uint64(r.u32()), size) }

func (r *reader) fits(n uint64, size int) int {
	if r.err == nil && n > uint64(r.left()/size) {
		r.fail("a count of %d, but only %d bytes left: %w", n, r.left(), errShort)
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// stringz reads UTF-16 up to a NUL.
func (r *reader) stringz() string {
	for i := r.pos; r.err == nil && i+1 < len(r.data); i += 2 {
		if r.data[i] == 0 && r.data[i+1] == 0 {
			s := DecodeUTF16(r.take(i - r.pos))
			r.pos += 2
			return s
		}
	}
	r.fail("a text without its end: %w", errShort)
	return ""
}

// bytesz reads bytes up to a NUL.
func (r *reader) bytesz() string {
	if r.err == nil {
		if n := bytes.IndexByte(r.data[r.pos:], 0); n >= 0 {
			s := string(r.take(n))
			r.pos++
			return s
		}
	}
	r.fail("a text without its end: %w", errShort)
	return ""
}

// end fails if something is left.
func (r *reader) end() {
	if r.err == nil && r.left() > 0 {
		r.fail("%d bytes too many", r.left())
	}
}

// done gives the error, if any, with the name of what was read.
func (r *reader) done(what string) error {
	if r.err != nil {
		return fmt.Errorf("%s: %w", what, r.err)
	}
	return nil
}

// le is short for what is written most.
var le = binary.LittleEndian

// DecodeUTF16 makes a string of little-endian UTF-16. A surrogate without its other half becomes the three bytes that
// UTF-8 would have for it, so that EncodeUTF16 gives the same bytes back. An odd last byte is left out.
func DecodeUTF16(b []byte) string {
	out := make([]byte, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		u := rune(le.Uint16(b))
		switch {
		case u < 0xD800 || u > 0xDFFF:
			out = utf8.AppendRune(out, u)
		case u < 0xDC00 && len(b) >= 4 && le.Uint16(b[2:])&0xFC00 == 0xDC00:
			out = utf8.AppendRune(out, 0x10000+(u-0xD800)<<10+rune(le.Uint16(b[2:]))-0xDC00)
			b = b[2:]
		default:
			out = append(out, 0xE0|byte(u>>12), 0x80|byte(u>>6)&0x3F, 0x80|byte(u)&0x3F)
		}
	}
	return string(out)
}

// EncodeUTF16 is the other way round. Bytes that are neither UTF-8 nor what DecodeUTF16 makes become U+FFFD.
func EncodeUTF16(s string) []byte { return appendUTF16(make([]byte, 0, 2*len(s)), s) }

func appendUTF16(out []byte, s string) []byte {
	for i := 0; i < len(s); {
		u, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case u == utf8.RuneError && n == 1 && i+2 < len(s) && s[i] == 0xED && s[i+1] >= 0xA0 && s[i+1] <= 0xBF && s[i+2]&0xC0 == 0x80:
			out = le.AppendUint16(out, 0xD000|uint16(s[i+1]&0x3F)<<6|uint16(s[i+2]&0x3F))
			n = 3
		case u >= 0x10000:
			u -= 0x10000
			out = le.AppendUint16(out, 0xD800|uint16(u>>10))
			out = le.AppendUint16(out, 0xDC00|uint16(u&0x3FF))
		default:
			out = le.AppendUint16(out, uint16(u))
		}
		i += n
	}
	return out
}

// secondsTo1970 lie between 1601-01-01 and 1970-01-01.
const secondsTo1970 = 11644473600

// Filetime gives the instant that a FILETIME counts in steps of 100 ns since 1601. MS-DTYP 2.3.3
func Filetime(ticks uint64) time.Time {
	return time.Unix(int64(ticks/1e7)-secondsTo1970, int64(ticks%1e7)*100).UTC()
}

// FiletimeTicks counts an instant as a FILETIME; what is below 100 ns is cut off. Years before 1601 and after 60055
// have none. MS-DTYP 2.3.3
func FiletimeTicks(t time.Time) (uint64, error) {
	const most = ^uint64(0)
	seconds := t.Unix() + secondsTo1970
	rest := uint64(t.Nanosecond() / 100)
	if t.Year() < 1601 || t.Year() > 70000 || uint64(seconds) > most/1e7 || uint64(seconds)*1e7 > most-rest {
		return 0, fmt.Errorf("the time %s cannot be held: it is not between 1601 and 60055", t.UTC().Format(time.RFC3339))
	}
	return uint64(seconds)*1e7 + rest, nil
}

// cut shortens a slice's capacity, so that an append by whoever gets it does not write into what lies behind.
func cut(b []byte) []byte { return slices.Clip(b) }
