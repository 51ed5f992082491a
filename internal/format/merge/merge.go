// Package merge makes one item of two that were changed since they were the same, property by property, and shows what differs
// for a person to decide. It patches the bytes of the server's version: what nobody changed stays byte for byte. It imports
// groupware, internal/format and its parsers, and does no I/O. Merge and Compare are here; object.go goes over what calendars and
// contacts are made of, unit.go decides about one property, canon.go says when two values mean the same, words.go how a
// person reads it, mail.go does all that for messages.
package merge

import (
	"bytes"

	gw "outpost/internal/groupware"
)

// maxDifferences bounds what is listed.
const maxDifferences = 500

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
	merged, list := merge(media, base, local, remote)
	for _, d := range list {
		if d.Clash {
			clashes = append(clashes, d)
		}
	}
	if len(clashes) > 0 {
		return nil, clashes
	}
	return merged, nil
}

// Compare lists what differs between two versions, side by side; base may be nil. What a program notes for itself (when it last
// wrote, how often) is left out.
func Compare(media gw.Media, base, local, remote []byte) []Difference {
	if bytes.Equal(local, remote) {
		return nil
	}
	_, list := merge(media, base, local, remote)
	return list
}

// merge gives what differs, and the merged item, which is of no use when something clashes.
func merge(media gw.Media, base, local, remote []byte) (merged []byte, list []Difference) {
	m := &merger{media: media, noBase: base == nil}
	ok := false
	if media == gw.MediaMessage {
		merged, ok = m.message(base, local, remote)
	} else {
		merged, ok = m.object(base, local, remote)
	}
	if !ok {
		return nil, []Difference{content(base, local, remote)}
	}
	return merged, m.list
}

// content is the difference of versions that cannot be taken apart.
func content(base, local, remote []byte) Difference {
	changed := func(b []byte) bool { return base == nil || !bytes.Equal(base, b) }
	return Difference{Where: "content", Property: "Content", Name: "CONTENT", Base: show(string(base)), Local: show(string(local)), Remote: show(string(remote)),
		Clash: changed(local) && changed(remote)}
}

// merger goes once over the three versions, changing the remote one.
type merger struct {
	media  gw.Media
	noBase bool
	list   []Difference
}

// The three versions of anything, in this order.
const (
	base = iota
	local
	remote
	sides
)

// verdict says what becomes of one thing of which the three versions are known.
type verdict int

const (
	same  verdict = iota // both sides have the same
	keep                 // the remote side has it as it stays
	take                 // it becomes as the local side has it
	clash                // both changed it
)

// decide compares what three versions mean; "" is absent.
func (m *merger) decide(v [sides]string) verdict {
	switch {
	case v[local] == v[remote]:
		return same
	case m.noBase:
		return clash
	case v[base] == v[local]:
		return keep
	case v[base] == v[remote]:
		return take
	}
	return clash
}

// differ notes a difference.
func (m *merger) differ(d Difference) {
	if len(m.list) < maxDifferences {
		m.list = append(m.list, d)
	} else if d.Clash && !m.list[maxDifferences-1].Clash { // that something clashes is never left out
		m.list[maxDifferences-1] = d
	}
}
