// Package merge makes one item of two that were changed since they were the same, property by property, and shows what differs
// for a person to decide. It patches the bytes of the server's version: what nobody changed stays byte for byte. It imports
// groupware, internal/format and its parsers, and does no I/O. Merge and Compare are here; object.go goes over what calendars and
// contacts are made of, unit.go says what is changed as one and when two values mean the same, words.go how a person
// reads it, mail.go does the same for messages.
package merge

import (
	"bytes"

	gw "outpost/internal/groupware"
)

// Difference is one thing in which two versions of an item differ. Base, Local and Remote can be shown as they are, each at most 1 KiB;
// "" means that the thing is absent there.
type Difference struct {
	Where    string // "event", "occurrence of 2026-03-05 09:00", "alarm 1", "contact", "header", "text"
	Property string // as a person reads it: "Subject", "Start", "Attendee ben@example.org"
	Name     string // the format's own word: SUMMARY
	Base     string
	Local    string
	Remote   string
	Clash    bool // both sides changed it since base, differently
}

// Merge makes one item of two that were changed since base. remote is what is patched. clashes is empty when everything could be
// merged; when not, merged is nil. Without a base (nil) whatever differs clashes, because nobody can tell who changed it.
func Merge(media gw.Media, base, local, remote []byte) (merged []byte, clashes []Difference) {
	switch {
	case bytes.Equal(local, remote), base != nil && bytes.Equal(base, local):
		return remote, nil
	case base != nil && bytes.Equal(base, remote):
		return local, nil
	}
	return nil, []Difference{content(base, local, remote)}
}

// Compare lists what differs between two versions, side by side; base may be nil.
func Compare(media gw.Media, base, local, remote []byte) []Difference {
	if bytes.Equal(local, remote) {
		return nil
	}
	return []Difference{content(base, local, remote)}
}

// content is the difference of versions that cannot be taken apart.
func content(base, local, remote []byte) Difference {
	changed := func(b []byte) bool { return base == nil || !bytes.Equal(base, b) }
	return Difference{Where: "content", Property: "Content", Base: show(string(base)), Local: show(string(local)), Remote: show(string(remote)),
		Clash: changed(local) && changed(remote)}
}
