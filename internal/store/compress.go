package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"outpost/internal/format"
	"outpost/internal/groupware"
)

// dictBelow is the size in bytes up to which contents are compressed with the dictionary: it carries what small ones
// have in common and is lost in large ones.
const dictBelow = 16 << 10

// maxContent bounds one content, in bytes.
const maxContent = 1 << 30

// dictionaryID is that of format.Dictionary's first version.
const dictionaryID = 1

// codec holds the compressors. Those of klauspost may be used by several goroutines.
type codec struct {
	small, large *zstd.Encoder
	plain, dict  *zstd.Decoder
}

// sharedCodec makes the compressors once; they never change.
var sharedCodec = sync.OnceValues(func() (*codec, error) {
	var c codec
	var err error
	if c.small, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderDictRaw(dictionaryID, format.Dictionary),
		zstd.WithEncoderConcurrency(2), zstd.WithEncoderCRC(false), zstd.WithWindowSize(64<<10), zstd.WithLowerEncoderMem(true)); err != nil {
		return nil, err
	}
	if c.large, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(2), zstd.WithEncoderCRC(false),
		zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true)); err != nil {
		return nil, err
	}
	limits := []zstd.DOption{zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxContent), zstd.WithDecoderLowmem(true)}
	if c.plain, err = zstd.NewReader(nil, limits...); err != nil {
		return nil, err
	}
	c.dict, err = zstd.NewReader(nil, append(limits, zstd.WithDecoderDictRaw(dictionaryID, format.Dictionary))...)
	return &c, err
})

// shrink compresses b where that helps, and says how.
func shrink(b []byte) (data []byte, form int64) {
	c, err := sharedCodec()
	if err != nil || len(b) < 64 {
		return b, formPlain
	}
	form = formZstd
	if len(b) < dictBelow {
		form = formZstdDict
		data = c.small.EncodeAll(b, make([]byte, 0, len(b)/2+64))
	} else {
		data = c.large.EncodeAll(b, make([]byte, 0, len(b)/2+64))
	}
	if len(data) >= len(b)-len(b)/32 {
		return b, formPlain
	}
	return data, form
}

// expand undoes shrink. size is only used to allocate.
func expand(data []byte, form, size int64) ([]byte, error) {
	if form&formCoding == formPlain {
		return data, nil
	}
	c, err := sharedCodec()
	if err != nil {
		return nil, err
	}
	buf := make([]byte, 0, min(size, int64(len(data))*16, maxContent)+64)
	switch form & formCoding {
	case formZstd:
		return c.plain.DecodeAll(data, buf)
	case formZstdDict:
		return c.dict.DecodeAll(data, buf)
	}
	return nil, fmt.Errorf("unknown form %d", form)
}

// encodePartial is how a partly read message is stored: lengths and bytes of header and text, then the parts.
func encodePartial(p *groupware.Partial) ([]byte, error) {
	parts, err := json.Marshal(p.Parts)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(p.Header)+len(p.Text)+len(parts)+32)
	b = binary.AppendUvarint(b, uint64(p.Size))
	b = binary.AppendUvarint(b, uint64(len(p.Header)))
	b = append(b, p.Header...)
	b = binary.AppendUvarint(b, uint64(len(p.Text)))
	b = append(b, p.Text...)
	return append(b, parts...), nil
}

func decodePartial(b []byte) (*groupware.Partial, error) {
	short := errors.New("cut short")
	number := func() (uint64, bool) {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, false
		}
		b = b[n:]
		return v, true
	}
	var p groupware.Partial
	size, ok := number()
	if !ok {
		return nil, short
	}
	p.Size = int64(size)
	n, ok := number()
	if !ok || n > uint64(len(b)) {
		return nil, short
	}
	p.Header, b = b[:n:n], b[n:]
	if n, ok = number(); !ok || n > uint64(len(b)) {
		return nil, short
	}
	p.Text, b = string(b[:n]), b[n:]
	return &p, json.Unmarshal(b, &p.Parts)
}
