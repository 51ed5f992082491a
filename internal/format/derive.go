package format

import (
	"strings"
	"time"

	"outpost/internal/format/mime"
	gw "outpost/internal/groupware"
)

// Bounds on what is derived, in bytes of UTF-8.
const (
	maxDisplay    = 1 << 10 // Subject, From, To
	maxID         = 1 << 10 // MessageID and each reference
	maxReferences = 100
	maxText       = 4 << 20
)

// Derived is what lists, search and conversations need of an item. It can be derived again from the item's bytes.
type Derived struct {
	Kind       gw.Kind
	Subject    string    // Subject, SUMMARY or FN; one line, at most 1 KiB, no control characters (so are From and To)
	From       string    // "Anna Berg <anna@example.org>": From, ORGANIZER, or a contact's first EMAIL
	To         string    // To and Cc, or ATTENDEEs
	FromAddr   string    // bare address, lower case
	Date       time.Time // Date header, DTSTART, DUE of a task without start, REV of a contact; zero when absent
	End        time.Time // DTEND, DTSTART + DURATION, or DUE
	AllDay     bool      // Date (and End) are days without time, given as midnight UTC
	MessageID  string    // Message-ID with its brackets, or UID
	InReplyTo  []string  // Message-IDs with their brackets
	References []string
	Text       string // to read and to search: plain text, "\n" line ends
	// Attachments are the leaves that are not the text, also pictures that the text shows (Inline).
	Attachments []gw.Part
	Recurs      bool
	Problem     string // "" or what was malformed, with its place
}

// Derive reads an item's own bytes. It never fails: of bad bytes it gives what could be read, and Problem says what was wrong.
func Derive(media gw.Media, raw []byte) Derived {
	switch media {
	case gw.MediaCalendar:
		return deriveCalendar(raw)
	case gw.MediaVCard:
		return deriveCard(raw)
	}
	m := mime.Walk(raw)
	d := Derived{Kind: gw.KindMail, Problem: m.Problem}
	d.header(m.Header(0))
	d.Text, d.Attachments = readText(m)
	if d.Problem == "" {
		d.Problem = m.Problem
	}
	return d
}

// DerivePartial does the same with a message of which only header, text and structure are here.
func DerivePartial(p *gw.Partial) Derived {
	m := mime.Walk(p.Header)
	d := Derived{Kind: gw.KindMail}
	d.header(m.Header(0))
	d.Text = strings.TrimRight(bound(mime.Lines(strings.ToValidUTF8(p.Text, "\uFFFD")), maxText), "\n")
	for _, part := range p.Parts {
		if part.Name == "" && readable(part.Type) {
			continue
		}
		d.Attachments = append(d.Attachments, part)
	}
	return d
}
