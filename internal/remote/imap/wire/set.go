package wire

import (
	"math"
	"strconv"
	"strings"
)

// Range is a range of UIDs, both ends included.
type Range struct{ Low, High uint32 }

// Count returns how many numbers are in the range.
func (r Range) Count() int64 { return int64(r.High) - int64(r.Low) + 1 }

// Set takes a sequence-set and hands out its ranges as they come, low end first; "*" is the highest number there is.
// RFC 9051 9 "sequence-set"
func (d *Decoder) Set(each func(Range)) {
	for d.err == nil {
		r := Range{Low: d.setNumber()}
		if r.High = r.Low; d.Accept(':') {
			r.High = d.setNumber()
		}
		if d.err != nil {
			return
		}
		each(Range{min(r.Low, r.High), max(r.Low, r.High)})
		if d.Forget(); !d.Accept(',') {
			return
		}
	}
}

func (d *Decoder) setNumber() uint32 {
	if d.Accept('*') {
		return math.MaxUint32
	}
	return d.Number()
}

// AppendSet appends ascending numbers (repeated ones count once) as a sequence-set with ranges.
func AppendSet(dst []byte, ascending []uint32) []byte {
	for i := 0; i < len(ascending); {
		low, high := ascending[i], ascending[i]
		for i++; i < len(ascending) && (ascending[i] == high || ascending[i] == high+1 && high != math.MaxUint32); i++ {
			high = ascending[i]
		}
		if len(dst) > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(low), 10)
		if high != low {
			dst = append(dst, ':')
			dst = strconv.AppendUint(dst, uint64(high), 10)
		}
	}
	return dst
}

// ParseSet returns the numbers of a sequence-set in the order in which it names them; nil if it is none, or names more
// than max.
func ParseSet(s string, max int) []uint32 {
	var out []uint32
	for part := range strings.SplitSeq(s, ",") {
		low, high, isRange := strings.Cut(part, ":")
		a, err := strconv.ParseUint(low, 10, 32)
		b := a
		if isRange && err == nil {
			b, err = strconv.ParseUint(high, 10, 32)
		}
		if err != nil {
			return nil
		}
		if a > b {
			a, b = b, a
		}
		if b-a >= uint64(max) || len(out)+int(b-a) >= max {
			return nil
		}
		for ; a <= b; a++ {
			out = append(out, uint32(a))
		}
	}
	return out
}
