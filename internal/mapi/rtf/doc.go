// Package rtf reads and writes the Rich Text Format in which Outlook keeps message bodies (PidTagRtfCompressed):
// the compression (MS-OXRTFCP: Compress, Store, Decompress), RTF that carries the HTML or plain text it was made from
// (MS-OXRTFEX: FromHTML and FromText write it, Detect tells it, OriginalHTML and OriginalText give the original back),
// and any other RTF as HTML or text for reading (ToHTML, ToText).
//
// Input comes from anywhere. Nothing here panics, groups nest no deeper than MaxDepth, and neither input nor output is
// larger than MaxSize. What could be read before an error is returned with it. Broken RTF is read as well as it can be,
// as word processors do: only what is no RTF at all, or goes beyond the bounds, is an error.
//
// It imports nothing of ours, so that it can be used and tested alone.
package rtf

import "errors"

const (
	// MaxSize bounds the RTF that is read, in bytes, and what is made of it.
	MaxSize = 64 << 20
	// MaxDepth bounds how deep groups nest. Word processors write a few dozen.
	MaxDepth = 1000
)

var (
	// ErrNotRTF says that the input does not begin as RTF does.
	ErrNotRTF = errors.New("this is not RTF: it does not begin with {\\rtf")
	// ErrNotEncapsulated says that RTF does not carry the original that was asked for.
	ErrNotEncapsulated = errors.New("this RTF was not made from the kind of text asked for")
	// ErrTooLarge says that the input, or what it turns into, is larger than MaxSize.
	ErrTooLarge = errors.New("this RTF is too large")
	// ErrTooDeep says that groups nest deeper than MaxDepth.
	ErrTooDeep = errors.New("this RTF nests its groups too deep")
	// ErrDamaged says that compressed RTF is cut short or was changed on its way.
	ErrDamaged = errors.New("this compressed RTF is damaged")
)
