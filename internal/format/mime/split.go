package mime

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// MinCut is the decoded size in bytes from which Split cuts a base64 body out.
const MinCut = 4096

// A skeleton that has cuts is magic, the number of cuts, then for each cut the number of message bytes before it, the
// decoded size, the line length in characters (0: one line) and 1 when lines end in LF alone (all as unsigned varints), then
// the message's bytes without the cut ones. A message that begins with magic itself always gets this form.
const magic = "\x00outpost.split.1\n"

type cut struct {
	start, end int // in raw: from the first to the last base64 character
	line       int
	lf         bool
	size       int // decoded
}

// Split cuts base64 bodies of at least MinCut decoded bytes out of a message. The form of the lines is kept, so that
// Join gives back the same bytes; bodies where that cannot be done stay in the skeleton. Without a cut the skeleton is raw.
func Split(raw []byte) (skeleton []byte, parts [][]byte) {
	var cuts []cut
	if len(raw) > MinCut && containsBase64(raw) {
		m := Walk(raw)
		for i := range m.Parts {
			p := &m.Parts[i]
			if p.Encoding != "base64" || !m.Leaf(i) || p.End-p.Body < MinCut*4/3 {
				continue
			}
			if c, data, ok := cutBody(raw, p.Body, p.End); ok {
				cuts = append(cuts, c)
				parts = append(parts, data)
			}
		}
	}
	if len(cuts) == 0 && !bytes.HasPrefix(raw, []byte(magic)) {
		return raw, nil
	}
	keep := len(raw)
	for _, c := range cuts {
		keep -= c.end - c.start
	}
	skeleton = make([]byte, 0, len(magic)+16*len(cuts)+8+keep)
	skeleton = append(skeleton, magic...)
	skeleton = binary.AppendUvarint(skeleton, uint64(len(cuts)))
	pos := 0
	for _, c := range cuts {
		skeleton = binary.AppendUvarint(skeleton, uint64(c.start-pos))
		skeleton = binary.AppendUvarint(skeleton, uint64(c.size))
		skeleton = binary.AppendUvarint(skeleton, uint64(c.line))
		var lf uint64
		if c.lf {
			lf = 1
		}
		skeleton = binary.AppendUvarint(skeleton, lf)
		pos = c.end
	}
	pos = 0
	for _, c := range cuts {
		skeleton = append(skeleton, raw[pos:c.start]...)
		pos = c.end
	}
	return append(skeleton, raw[pos:]...), parts
}

// containsBase64 looks for the word in any case without taking the message apart.
func containsBase64(raw []byte) bool {
	for {
		k := bytes.Index(raw, []byte("64"))
		if k < 0 {
			return false
		}
		if k >= 4 && equalFold(raw[k-4:k], "base") {
			return true
		}
		raw = raw[k+2:]
	}
}

// cutBody finds the base64 text in raw[start:end], decodes it and verifies that encoding it again gives the same bytes.
func cutBody(raw []byte, start, end int) (c cut, data []byte, ok bool) {
	for end > start && (raw[end-1] == '\n' || raw[end-1] == '\r') {
		end--
	}
	b := raw[start:end]
	c = cut{start: start, end: end}
	first := bytes.IndexByte(b, '\n')
	eol := 0
	if first >= 0 {
		eol = 1
		c.lf = true
		if first > 0 && b[first-1] == '\r' {
			first--
			eol = 2
			c.lf = false
		}
		c.line = first
		if c.line == 0 || c.line%4 != 0 {
			return c, nil, false
		}
	}
	// Every line is a full one but the last, so the shape follows from the length alone.
	full := c.line + eol
	chars := len(b)
	if c.line > 0 {
		lines := len(b) / full
		chars = lines*c.line + len(b)%full
		if len(b)%full > c.line || len(b)%full == 0 {
			return c, nil, false
		}
	}
	if chars%4 != 0 {
		return c, nil, false
	}
	c.size = chars / 4 * 3
	for k := 1; k <= 2 && b[len(b)-k] == '='; k++ {
		c.size--
	}
	if c.size < MinCut {
		return c, nil, false
	}
	data = make([]byte, c.size)
	n := 0
	for pos := 0; pos < len(b); pos += full {
		line := b[pos:]
		if c.line > 0 && len(line) > c.line {
			line = line[:c.line]
		}
		if base64.StdEncoding.DecodedLen(len(line))-2 > len(data)-n {
			return c, nil, false
		}
		m, err := decodeLine(data[n:], line)
		if err != nil {
			return c, nil, false
		}
		n += m
		if c.line == 0 {
			break
		}
	}
	if n != c.size || !c.matches(data, b) {
		return c, nil, false
	}
	return c, data, true
}

// decodeLine decodes one line; the last one has padding and less room than the decoder asks for.
func decodeLine(dst, line []byte) (int, error) {
	if need := base64.StdEncoding.DecodedLen(len(line)); need > len(dst) {
		tmp := make([]byte, need)
		n, err := base64.StdEncoding.Decode(tmp, line)
		if n > len(dst) {
			return 0, errors.New("more than announced")
		}
		copy(dst, tmp[:n])
		return n, err
	}
	return base64.StdEncoding.Decode(dst, line)
}

// matches tells whether data encoded in the cut's form is exactly b.
func (c cut) matches(data, b []byte) bool {
	ok := true
	c.encode(data, func(piece []byte) {
		if !ok || !bytes.HasPrefix(b, piece) {
			ok = false
			return
		}
		b = b[len(piece):]
	})
	return ok && len(b) == 0
}

// encode writes data as base64 in the cut's form, in pieces.
func (c cut) encode(data []byte, write func([]byte)) {
	eol := []byte("\r\n")
	if c.lf {
		eol = eol[1:]
	}
	per := c.line / 4 * 3
	if c.line == 0 {
		per = 3 << 12
	}
	line := make([]byte, base64.StdEncoding.EncodedLen(min(per, len(data))))
	for len(data) > 0 {
		n := min(per, len(data))
		out := line[:base64.StdEncoding.EncodedLen(n)]
		base64.StdEncoding.Encode(out, data[:n])
		write(out)
		if data = data[n:]; len(data) > 0 && c.line > 0 {
			write(eol)
		}
	}
}

// Join puts a message together again. part gives the decoded body that Split returned at index i. Without cuts the result is
// the skeleton itself.
func Join(skeleton []byte, part func(i int) ([]byte, error)) ([]byte, error) {
	if !bytes.HasPrefix(skeleton, []byte(magic)) {
		return skeleton, nil
	}
	b := skeleton[len(magic):]
	bad := false
	number := func() int {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > 1<<40 {
			bad = true
			return 0
		}
		b = b[n:]
		return int(v)
	}
	count := number()
	if bad || count > MaxParts {
		return nil, errors.New("the stored message is damaged: its list of parts cannot be read")
	}
	cuts := make([]cut, count)
	gaps := make([]int, count)
	total := 0
	for i := range cuts {
		gaps[i] = number()
		cuts[i] = cut{size: number(), line: number(), lf: number() == 1}
		total += encodedSize(cuts[i])
	}
	if bad || total < 0 {
		return nil, errors.New("the stored message is damaged: its list of parts cannot be read")
	}
	var out []byte
	for i, c := range cuts {
		if gaps[i] > len(b) {
			return nil, errors.New("the stored message is damaged: it is shorter than its list of parts says")
		}
		data, err := part(i)
		if err != nil {
			return nil, fmt.Errorf("read part %d of a message: %w", i, err)
		}
		if len(data) != c.size || c.line%4 != 0 {
			return nil, fmt.Errorf("the stored message is damaged: part %d has %d bytes, not %d", i, len(data), c.size)
		}
		if out == nil { // only now is the size known to be true of something
			out = make([]byte, 0, len(b)+min(total, 16*len(data)+1<<20))
		}
		out = append(out, b[:gaps[i]]...)
		b = b[gaps[i]:]
		c.encode(data, func(piece []byte) { out = append(out, piece...) })
	}
	return append(out, b...), nil
}

func encodedSize(c cut) int {
	n := base64.StdEncoding.EncodedLen(c.size)
	if c.line > 0 && n > 0 {
		eol := 2
		if c.lf {
			eol = 1
		}
		n += (n - 1) / c.line * eol
	}
	return n
}
