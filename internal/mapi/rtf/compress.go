package rtf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// MS-OXRTFCP 2.1.3.1.1: the header and the two values of COMPTYPE.
const (
	headerSize       = 16
	typeCompressed   = 0x75465A4C // "LZFu"
	typeUncompressed = 0x414C454D // "MELA"
)

// MS-OXRTFCP 2.1.3.1.2, 2.1.3.1.5: the dictionary is a ring of the last 4,096 bytes; a reference into it takes two bytes, 12 bits
// of offset and 4 of length less two.
const (
	window   = 4096
	minMatch = 2
	maxMatch = 17
)

// preset is what the dictionary holds before the first byte, MS-OXRTFCP 2.1.3.1.2.
const preset = `{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor ` +
	"MS Sans SerifSymbolArialTimes New RomanCourier" + `{\colortbl\red0\green0\blue0` + "\r\n" +
	`\par \pard\plain\f0\fs20\b\i\u\tab\tx`

// Decompress gives the RTF that is in the value of PidTagRtfCompressed, MS-OXRTFCP 2.2.2. Bytes after the end that the header
// states are padding and ignored. If the value is damaged, what could be read of it comes with the error.
func Decompress(b []byte) ([]byte, error) {
	if len(b) < headerSize {
		return nil, fmt.Errorf("%w: %d bytes are too few for the header", ErrDamaged, len(b))
	}
	size, raw := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	kind, sum := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	if raw > MaxSize {
		return nil, fmt.Errorf("decompress %d bytes: %w", raw, ErrTooLarge)
	}
	contents, short := b[headerSize:], false
	if n := int64(size) - (headerSize - 4); n < 0 || n > int64(len(contents)) {
		short = true
	} else {
		contents = contents[:n]
	}
	switch kind {
	case typeUncompressed: // 2.2.2.2; the CRC of this kind means nothing
		n := min(int(raw), len(contents))
		if n < int(raw) {
			return bytes.Clone(contents), fmt.Errorf("%w: %d bytes of %d are there", ErrDamaged, n, raw)
		}
		return bytes.Clone(contents[:n]), nil
	case typeCompressed:
		out, ok := inflate(contents, int(raw))
		switch {
		case short:
			return out, fmt.Errorf("%w: the header speaks of %d bytes, %d are there", ErrDamaged, int64(size)+4, len(b))
		case checksum(contents) != sum:
			return out, fmt.Errorf("%w: the checksum is wrong", ErrDamaged)
		case !ok || len(out) != int(raw):
			return out, fmt.Errorf("%w: %d bytes of %d could be read", ErrDamaged, len(out), raw)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%w: unknown kind of compression %#08x", ErrDamaged, kind)
}

// inflate reads runs of eight tokens, literals and references, until the reference that points to where the next byte
// goes (MS-OXRTFCP 2.2.2.3), and says whether it found that end. It makes no more than raw bytes.
func inflate(in []byte, raw int) ([]byte, bool) {
	// The ring is the last 4,096 bytes of the preset dictionary followed by the output, so no ring is needed.
	out := append(make([]byte, 0, len(preset)+min(raw, 9*len(in))), preset...)
	limit := len(preset) + raw
	for len(in) > 0 {
		control := in[0]
		in = in[1:]
		for bit := 0; bit < 8; bit++ {
			if control>>bit&1 == 0 {
				if len(in) == 0 || len(out) == limit {
					return out[len(preset):], len(in) == 0 && len(out) == limit
				}
				out, in = append(out, in[0]), in[1:]
				continue
			}
			if len(in) < 2 {
				return out[len(preset):], false
			}
			ref := int(binary.BigEndian.Uint16(in))
			in = in[2:]
			back := (len(out) - ref>>4) & (window - 1)
			if back == 0 {
				return out[len(preset):], true
			}
			n := ref&0xF + minMatch
			if back > len(out) || len(out)+n > limit {
				return out[len(preset):], false
			}
			for range n { // byte by byte: a reference may reach into what it makes itself
				out = append(out, out[len(out)-back])
			}
		}
	}
	return out[len(preset):], false
}

// Compress makes the value of PidTagRtfCompressed from RTF, MS-OXRTFCP 2.2.1.
func Compress(raw []byte) []byte {
	contents := deflate(raw)
	return pack(contents, len(raw), typeCompressed, checksum(contents))
}

// Store makes the value of PidTagRtfCompressed without compressing, MS-OXRTFCP 2.2.1.2.
func Store(raw []byte) []byte { return pack(raw, len(raw), typeUncompressed, 0) }

func pack(contents []byte, raw int, kind, sum uint32) []byte {
	b := make([]byte, 0, headerSize+len(contents))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(contents)+headerSize-4))
	b = binary.LittleEndian.AppendUint32(b, uint32(raw))
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = binary.LittleEndian.AppendUint32(b, sum)
	return append(b, contents...)
}

// maxTries bounds how many earlier places are compared for one reference: text of one letter only would have them all.
const maxTries = 256

func deflate(raw []byte) []byte {
	buf := append([]byte(preset), raw...)
	// last is the newest place of each pair of bytes, before the next older place with the same pair; both plus one.
	last, before := make([]int32, 1<<16), make([]int32, len(buf))
	pair := func(i int) int { return int(buf[i])<<8 | int(buf[i+1]) }
	note := func(i int) {
		if i+1 < len(buf) {
			before[i], last[pair(i)] = last[pair(i)], int32(i+1)
		}
	}
	for i := range len(preset) - 1 {
		note(i)
	}
	noted := len(preset) - 1

	out := make([]byte, 0, len(raw)/2+16)
	control, bit := 0, 8 // where the control byte of the run lies, how many tokens it has
	token := func(reference bool) {
		if bit == 8 {
			control, bit = len(out), 0
			out = append(out, 0)
		}
		if reference {
			out[control] |= 1 << bit
		}
		bit++
	}
	for at := len(preset); at < len(buf); {
		for ; noted < at; noted++ {
			note(noted)
		}
		length, from := 0, 0
		if at+1 < len(buf) {
			// Of equally long matches the oldest wins, as in the examples of the specification; a longest one ends the search.
			most := min(maxMatch, len(buf)-at)
			for p, tries := int(last[pair(at)])-1, 0; p >= 0 && at-p < window && tries < maxTries && length < maxMatch; p, tries = int(before[p])-1, tries+1 {
				n := minMatch
				for n < most && buf[p+n] == buf[at+n] {
					n++
				}
				if n >= length {
					length, from = n, p
				}
			}
		}
		token(length > 0)
		if length == 0 {
			out = append(out, buf[at])
			at++
			continue
		}
		out = binary.BigEndian.AppendUint16(out, uint16(from%window<<4|(length-minMatch)))
		at += length
	}
	token(true)
	return binary.BigEndian.AppendUint16(out, uint16(len(buf)%window<<4)) // 2.2.1.1: a reference to the place where it stands ends it
}

// checksum is the CRC of MS-OXRTFCP 2.1.3.2.2: that of Ethernet, but begun with 0 and not inverted.
func checksum(b []byte) uint32 { return ^crc32.Update(^uint32(0), crc32.IEEETable, b) }
