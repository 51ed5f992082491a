package format

import (
	"bytes"
	"fmt"
	"strings"

	"outpost/internal/format/contentline"
	"outpost/internal/format/mime"
	gw "outpost/internal/groupware"
)

// Validate checks what a person hands in, after Normalize: one message with at least one header line; one event, task or note
// with its changed occurrences (RFC 4791 4.1); one contact with a name. The error is a *SyntaxError with the line.
func Validate(media gw.Media, raw []byte) error {
	switch media {
	case gw.MediaCalendar:
		return validateCalendar(raw)
	case gw.MediaVCard:
		return validateCard(raw)
	case gw.MediaMessage:
		return validateMail(raw)
	}
	return &SyntaxError{Text: fmt.Sprintf("%q cannot be kept: use a message, iCalendar or vCard", media)}
}

func validateMail(raw []byte) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return &SyntaxError{Line: 1, Text: "the message is empty"}
	}
	if k := bytes.IndexByte(raw, 0); k >= 0 {
		return &SyntaxError{Line: lineOf(raw, k), Text: "there is a NUL byte, which mail cannot have"}
	}
	for range mime.Fields(mime.Walk(raw).Header(0)) {
		return nil
	}
	return &SyntaxError{Line: 1, Text: "no message begins so: the first line must be a header line such as \"Subject: ...\""}
}

func lineOf(raw []byte, at int) int { return bytes.Count(raw[:at], []byte("\n")) + 1 }

func validateCalendar(raw []byte) error {
	o, err := contentline.Parse(raw)
	if err != nil {
		return err
	}
	cals := o.Components("VCALENDAR")
	if len(cals) == 0 {
		return &SyntaxError{Line: 1, Text: "no calendar begins so: BEGIN:VCALENDAR is missing"}
	}
	if len(cals) > 1 {
		return &SyntaxError{Line: cals[1].Line(), Text: "a second VCALENDAR: hand them in one by one"}
	}
	if len(o.Entries) > 1 {
		for _, e := range o.Entries {
			if e.Line != nil && e.Line.Name() != "" {
				return &SyntaxError{Line: e.Line.Number, Text: e.Line.Name() + " stands outside VCALENDAR"}
			}
		}
	}
	var first, series *contentline.Component
	uid := ""
	for _, c := range cals[0].Components("") {
		if componentKind(c.Name) == "" {
			continue
		}
		id := strings.TrimSpace(c.TextOf("UID"))
		switch {
		case first == nil:
			first, uid = c, id
		case c.Name != first.Name:
			return &SyntaxError{Line: c.Line(), Text: fmt.Sprintf("a %s beside a %s: hand them in one by one", c.Name, first.Name)}
		case id != uid:
			return &SyntaxError{Line: c.Line(), Text: fmt.Sprintf("a second %s with another UID: hand them in one by one", c.Name)}
		}
		if c.Get("RECURRENCE-ID") == nil {
			if series != nil {
				return &SyntaxError{Line: c.Line(), Text: fmt.Sprintf("a second %s with the same UID and no RECURRENCE-ID", c.Name)}
			}
			series = c
		}
		if err := checkTimes(cals[0], c); err != nil {
			return err
		}
	}
	if first == nil {
		return &SyntaxError{Line: cals[0].Line(), Text: "there is no event (VEVENT), task (VTODO) or note (VJOURNAL) in it"}
	}
	if uid == "" {
		return &SyntaxError{Line: first.Line(), Text: "the UID is missing"}
	}
	return nil
}

// checkTimes checks what servers refuse otherwise: DTSTART of an event (RFC 5545 3.6.1), and times that are none.
func checkTimes(cal, c *contentline.Component) error {
	if c.Name == "VEVENT" && c.Get("DTSTART") == nil {
		return &SyntaxError{Line: c.Line(), Text: "the event has no DTSTART"}
	}
	for _, name := range []string{"DTSTART", "DTEND", "DUE", "RECURRENCE-ID"} {
		l := c.Get(name)
		if l == nil {
			continue
		}
		if t, _, err := Time(l.Value(), l.Param("TZID"), cal); err != nil && t.IsZero() {
			return &SyntaxError{Line: l.Number, Text: name + ": " + err.Error()}
		}
	}
	return nil
}

func validateCard(raw []byte) error {
	o, err := contentline.Parse(raw)
	if err != nil {
		return err
	}
	cards := o.Components("VCARD")
	if len(cards) == 0 {
		return &SyntaxError{Line: 1, Text: "no contact begins so: BEGIN:VCARD is missing"}
	}
	if len(cards) > 1 {
		return &SyntaxError{Line: cards[1].Line(), Text: "a second VCARD: hand them in one by one"}
	}
	c := cards[0]
	if strings.TrimSpace(text(c, "FN")) == "" && nameOfParts(c) == "" {
		return &SyntaxError{Line: c.Line(), Text: "the contact has no name: give it FN or N"}
	}
	if c.Get("UID") == nil {
		return &SyntaxError{Line: c.Line(), Text: "the UID is missing"}
	}
	return nil
}
