package company

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// event is what the calendars hold; zero fields are left out.
type event struct {
	uid, method, summary, location, description string
	start                                       time.Time
	length                                      time.Duration
	days                                        int // all-day, that many days
	rule                                        string
	without                                     []time.Time // cancelled occurrences
	changed                                     []event     // occurrences that differ; their recurrence is what they replace
	recurrence                                  time.Time
	organizer                                   Person
	attendees                                   []attendee
	categories                                  string
	alarm                                       int // minutes before
	status, transparent                         string
	stamp                                       time.Time
	sequence                                    int
}

type attendee struct {
	Person
	answer string
}

// ics collects content lines.
type ics struct{ strings.Builder }

// line writes a content line, folded at 75 bytes (RFC 5545 3.1).
func (b *ics) line(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	for limit := 75; len(s) > limit; limit = 74 {
		cut := limit
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		b.WriteString(s[:cut] + "\r\n ")
		s = s[cut:]
	}
	b.WriteString(s + "\r\n")
}

// text writes a TEXT property, if there is one.
func (b *ics) text(name, v string) {
	if v != "" {
		b.line("%s:%s", name, strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(v))
	}
}

const (
	floating = "20060102T150405"
	utc      = "20060102T150405Z"
	dateOnly = "20060102"
)

// object writes a calendar object with its time zone.
func (e *event) object() []byte {
	var b ics
	b.line("BEGIN:VCALENDAR")
	b.line("VERSION:2.0")
	b.line("PRODID:-//Brambleford//Calendar 4.2//EN")
	if e.method != "" {
		b.line("METHOD:%s", e.method)
	}
	if e.days == 0 {
		b.zone(e.start.Location().String())
	}
	e.component(&b)
	for _, c := range e.changed {
		c.component(&b)
	}
	b.line("END:VCALENDAR")
	return []byte(b.String())
}

func (b *ics) when(name string, t time.Time, allDay bool) {
	switch {
	case allDay:
		b.line("%s;VALUE=DATE:%s", name, t.Format(dateOnly))
	case t.Location() == time.UTC:
		b.line("%s:%s", name, t.Format(utc))
	default:
		b.line("%s;TZID=%s:%s", name, t.Location(), t.Format(floating))
	}
}

func (e *event) component(b *ics) {
	b.line("BEGIN:VEVENT")
	b.line("UID:%s", e.uid)
	b.line("DTSTAMP:%s", e.stamp.UTC().Format(utc))
	if !e.recurrence.IsZero() {
		b.when("RECURRENCE-ID", e.recurrence, e.days > 0)
	}
	b.when("DTSTART", e.start, e.days > 0)
	if e.days > 0 {
		b.when("DTEND", e.start.AddDate(0, 0, e.days), true)
	} else {
		b.when("DTEND", e.start.Add(e.length), false)
	}
	b.text("SUMMARY", e.summary)
	b.text("LOCATION", e.location)
	b.text("DESCRIPTION", e.description)
	if e.rule != "" {
		b.line("RRULE:%s", e.rule)
	}
	for _, t := range e.without {
		b.when("EXDATE", t, e.days > 0)
	}
	if e.categories != "" {
		b.line("CATEGORIES:%s", e.categories)
	}
	if e.status != "" {
		b.line("STATUS:%s", e.status)
	}
	if e.transparent != "" {
		b.line("TRANSP:%s", e.transparent)
	}
	if e.organizer.Email != "" {
		b.line("ORGANIZER;CN=%q:mailto:%s", e.organizer.Name, e.organizer.Email)
	}
	for _, a := range e.attendees {
		b.line("ATTENDEE;CN=%q;ROLE=REQ-PARTICIPANT;PARTSTAT=%s;RSVP=TRUE:mailto:%s", a.Name, a.answer, a.Email)
	}
	b.line("SEQUENCE:%d", e.sequence)
	if e.alarm > 0 {
		b.line("BEGIN:VALARM")
		b.line("ACTION:DISPLAY")
		b.text("DESCRIPTION", e.summary)
		b.line("TRIGGER:-PT%dM", e.alarm)
		b.line("END:VALARM")
	}
	b.line("END:VEVENT")
}

// zone writes the VTIMEZONE of one of the zones that the company meets.
func (b *ics) zone(name string) {
	type rule struct{ kind, begin, from, to, abbreviation, recurs string }
	european := func(std, dst, stdName, dstName, hour, backHour string) []rule {
		return []rule{
			{"DAYLIGHT", "19810329T" + hour, std, dst, dstName, "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU"},
			{"STANDARD", "19961027T" + backHour, dst, std, stdName, "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU"},
		}
	}
	var rules []rule
	switch name {
	case "Europe/London":
		rules = european("+0000", "+0100", "GMT", "BST", "010000", "020000")
	case "Europe/Berlin":
		rules = european("+0100", "+0200", "CET", "CEST", "020000", "030000")
	case "Asia/Tokyo":
		rules = []rule{{"STANDARD", "19510101T000000", "+0900", "+0900", "JST", ""}}
	case "Asia/Taipei":
		rules = []rule{{"STANDARD", "19791001T000000", "+0800", "+0800", "CST", ""}}
	default:
		return
	}
	b.line("BEGIN:VTIMEZONE")
	b.line("TZID:%s", name)
	for _, r := range rules {
		b.line("BEGIN:%s", r.kind)
		b.line("DTSTART:%s", r.begin)
		b.line("TZOFFSETFROM:%s", r.from)
		b.line("TZOFFSETTO:%s", r.to)
		b.line("TZNAME:%s", r.abbreviation)
		if r.recurs != "" {
			b.line("RRULE:%s", r.recurs)
		}
		b.line("END:%s", r.kind)
	}
	b.line("END:VTIMEZONE")
}
