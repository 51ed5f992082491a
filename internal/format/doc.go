// Package format reads and writes the items' own bytes: mail (format/mime), iCalendar and vCard (format/contentline). The
// bytes that a server sent are the item; everything here is derived from them and can be derived again. Nothing here does
// I/O. It imports groupware and its own sub-packages. Derive (derive.go) is what the store keeps of an item; Split and Join
// (here) how it keeps the bytes; Validate and Normalize (validate.go) what a person may hand in.
package format

import (
	_ "embed"

	"outpost/internal/format/mime"
)

// Dictionary is a raw zstd dictionary of what mail, HTML, iCalendar and vCard repeat; version 1. Stored blobs depend on
// it: it is never edited after it has landed.
//
//go:embed dictionary.1.txt
var Dictionary []byte

// Split takes a message apart so that attachments can be stored decoded and shared: parts are the decoded base64 bodies of at
// least 4 KiB. Where the same bytes could not be made again, and where there is nothing to cut, skeleton is raw and parts nil.
func Split(raw []byte) (skeleton []byte, parts [][]byte) { return mime.Split(raw) }

// Join gives back the bytes that Split took apart. part returns the decoded body at the index that Split gave it; the result
// may be skeleton itself.
func Join(skeleton []byte, part func(i int) ([]byte, error)) ([]byte, error) {
	return mime.Join(skeleton, part)
}
