package tnef

import (
	"encoding/binary"
	"fmt"

	"outpost/internal/mapi"
)

// le is short for what is read and written most.
var le = binary.LittleEndian

// reader reads little-endian fields. After the first error every read gives zeros, so that err is looked at once.
type reader struct {
	data []byte
	pos  int
	base int // where data lies in the file, so that an error names the place
	err  error
}

func (r *reader) left() int { return len(r.data) - r.pos }

// at is the place in the file.
func (r *reader) at() int { return r.base + r.pos }

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("at byte %d: "+format, append([]any{r.at()}, args...)...)
	}
}

// take gives the next n bytes without copying them.
func (r *reader) take(n int) []byte {
	if r.err == nil && (n < 0 || n > r.left()) {
		r.fail("%d bytes wanted, %d left", n, r.left())
	}
	if r.err != nil {
		return nil
	}
	b := r.data[r.pos : r.pos+n : r.pos+n]
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
		return le.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return le.Uint32(b)
	}
	return 0
}

func (r *reader) guid() (g mapi.GUID) {
	copy(g[:], r.take(len(g)))
	return g
}

// counted reads bytes with their number before them and what fills up their last four. MS-OXTNEF 2.1.3.4
func (r *reader) counted() []byte {
	n := r.u32()
	if r.err == nil && uint64(n) > uint64(r.left()) {
		r.fail("a length of %d, but only %d bytes left", n, r.left())
	}
	b := r.take(int(n))
	r.align(len(b))
	return b
}

// align skips what fills up n bytes to a multiple of four. At the end of the data it may be missing.
func (r *reader) align(n int) {
	if r.err == nil {
		r.pos += min(-n&3, r.left())
	}
}
