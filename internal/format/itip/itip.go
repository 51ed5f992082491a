// Package itip says what has to be told to whom because an event or task with attendees changed (RFC 5546), and writes it as mail (RFC
// 6047). It is for calendars whose server does not send invitations itself (RFC 6638): exactly one party sends them. It imports
// groupware, internal/format and its parsers, and does no I/O. Messages (here) compares the two versions, meeting.go reads what a
// meeting is, object.go writes the iCalendar objects, mail.go the messages.
package itip

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"outpost/internal/format/contentline"
	"outpost/internal/format/merge"
	gw "outpost/internal/groupware"
)

// Bounds on what is read of an event.
const (
	maxAttendees   = 5000 // of all occurrences
	maxOccurrences = 2000 // changed ones
	maxRecipients  = 200  // of one message
)

// Outgoing is a message to send.
type Outgoing struct {
	To     []string // addresses
	Raw    []byte   // the complete message (RFC 5322): plain words and the iCalendar object
	Method string   // REQUEST, CANCEL or REPLY
}

// Messages lists what is to be told to whom because an event or task of self changed from before to after; nil means that it was
// not there, or no longer is. self are the person's own addresses, from is the mailbox in From, id gives unique names.
//
// The organizer tells attendees of a new meeting and of every change of when, where, what and who (REQUEST), and those who are no
// longer asked, or all when it is deleted, that it is off (CANCEL). An attendee tells the organizer an own answer that changed, and
// a deleted meeting or occurrence is declined (REPLY). Nothing is told of what is over, to attendees with SCHEDULE-AGENT=NONE or CLIENT (RFC
// 6638 7.1: nobody, or the program that wrote the event, tells them), and to those without a mail address.
//
// SEQUENCE (RFC 5546 2.1.4) is for the organizer to count up: whoever stores after calls Bump first, and Messages sends after as it is. Only for a
// deleted meeting it counts up itself, as there is nothing left to store.
func Messages(before, after []byte, self []string, from string, now time.Time, id func() string) ([]Outgoing, error) {
	b, err := readMeeting(before)
	if err != nil {
		return nil, fmt.Errorf("the event as it was: %w", err)
	}
	a, err := readMeeting(after)
	if err != nil {
		return nil, fmt.Errorf("the event as it is now: %w", err)
	}
	if (a == nil || a.over(now)) && (b == nil || b.over(now)) {
		return nil, nil
	}
	w := &writer{self: addresses(self), from: from, now: now, id: id}
	for _, m := range []*meeting{b, a} {
		if m != nil && m.organizer != nil {
			w.chair = m.organizer
		}
	}
	switch {
	case w.chair == nil:
	case w.self[address(w.chair)]:
		w.organizer(b, a)
	case !agentIsOther(w.chair):
		w.attendee(b, a)
	}
	return w.out, w.err
}

// Bump gives a meeting of self that is about to be stored, and told to its attendees, a higher SEQUENCE where RFC 5546 2.1.4 asks for it: when it is
// at another time, has another STATUS, or asks others than before. It also sets DTSTAMP of what it counts up. Everything else stays
// byte for byte; after itself is returned where nothing is to be done, or either version cannot be read.
func Bump(before, after []byte, self []string, now time.Time) []byte {
	b, err1 := readMeeting(before)
	a, err2 := readMeeting(after)
	if err1 != nil || err2 != nil || a == nil || b == nil || a.organizer == nil || !addresses(self)[address(a.organizer)] || len(b.everybody()) == 0 {
		return after
	}
	all := false // a new time or list of attendees of the series is one of its occurrences as well
	changed := map[string]bool{}
	for key, c := range a.parts {
		old := b.parts[key]
		if old == nil && key != "" {
			old = b.parts[""]
			if old == nil {
				continue
			}
			changed[key] = true // an occurrence gets its own version
		} else if old != nil && (sequenced(old, c) || !sameAttendees(old, c)) {
			changed[key] = true
			all = all || key == ""
		}
	}
	was := 0
	for _, c := range b.parts {
		was = max(was, sequence(c))
	}
	done := false
	for key, c := range a.parts {
		if (all || changed[key]) && sequence(c) <= was {
			c.Set("SEQUENCE", fmt.Sprint(was+1))
			c.Set("DTSTAMP", stamp(now))
			done = true
		}
	}
	if !done {
		return after
	}
	return a.object.Encode()
}

// sequenced tells whether a property differs for which RFC 5546 2.1.4 asks a new SEQUENCE.
func sequenced(a, b *component) bool {
	for _, name := range []string{"DTSTART", "DTEND", "DURATION", "DUE", "RRULE", "RDATE", "EXDATE", "STATUS"} {
		x, y := valuesOf(a, name), valuesOf(b, name)
		if !slices.Equal(x, y) {
			return true
		}
	}
	return false
}

func valuesOf(c *component, name string) []string {
	var out []string
	for _, l := range c.All(name) {
		for _, v := range contentline.Fields(strings.ToUpper(strings.TrimSpace(l.Value())), ',') {
			out = append(out, l.Param("TZID")+" "+v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func sameAttendees(a, b *component) bool {
	x, y := attendees(a), attendees(b)
	return slices.Equal(keys(x), keys(y))
}

// isTold are the properties whose change attendees are told: when, where, what.
func isTold(name string) bool {
	switch name {
	case "DTSTART", "DTEND", "DURATION", "DUE", "RRULE", "EXRULE", "RDATE", "EXDATE", "STATUS", "LOCATION", "GEO", "SUMMARY", "DESCRIPTION", "URL", "CONFERENCE", "ATTACH", "ORGANIZER":
		return true
	}
	return false
}

// toldChange tells whether attendees are to be told that a meeting changed.
func toldChange(before, after *meeting) bool {
	for _, d := range merge.Compare(gw.MediaCalendar, before.raw, before.raw, after.raw) {
		switch {
		case isTold(d.Name), isItem(d.Name), d.Where == "content":
			return true
		case d.Name == "ATTENDEE" && (d.Local == "") != (d.Remote == ""):
			return true
		}
	}
	return false
}

// organizer tells attendees what changed.
func (w *writer) organizer(before, after *meeting) {
	cancelled := after == nil || after.cancelled()
	if cancelled && after != nil && (before == nil || before.cancelled()) {
		return // nobody knows of it, or all know
	}
	if cancelled {
		w.cancelAll(before, after)
		return
	}
	told := before == nil || toldChange(before, after)
	var off, on groups
	for _, who := range union(before, after) {
		was, is := before.partsOf(who), after.partsOf(who)
		if w.self[who] || who == "" {
			continue
		}
		// Parts that are still there, or were taken out of the series, without this attendee.
		var gone []string
		for _, key := range was {
			if _, there := after.parts[key]; !slices.Contains(is, key) && (there || !slices.Contains(is, "")) {
				gone = append(gone, key)
			}
		}
		for _, key := range after.order { // taken out of one occurrence of a series
			if slices.Contains(was, "") && slices.Contains(is, "") && before.parts[key] == nil && !slices.Contains(is, key) {
				gone = append(gone, key)
			}
		}
		if slices.Contains(gone, "") { // the whole meeting is off, with all its occurrences
			gone = []string{""}
		}
		if len(gone) > 0 && before.mayTell(who) {
			off.add(who, gone)
		}
		if len(is) > 0 && after.mayTell(who) && (told || len(was) == 0 || after.forced(who, "REQUEST")) {
			on.add(who, is)
		}
	}
	for _, g := range off.list {
		w.cancel(before, after, g, false)
	}
	for _, g := range on.list {
		w.request(after, g, before != nil)
	}
}

// cancelAll tells everybody that the meeting is off.
func (w *writer) cancelAll(before, after *meeting) {
	if before == nil {
		return
	}
	var off groups
	for _, who := range before.everybody() {
		if !w.self[who] && before.mayTell(who) {
			parts := before.partsOf(who)
			if slices.Contains(parts, "") {
				parts = []string{""}
			}
			off.add(who, parts)
		}
	}
	for _, g := range off.list {
		w.cancel(before, after, g, true)
	}
}

// attendee tells the organizer what this attendee answers.
func (w *writer) attendee(before, after *meeting) {
	me := ""
	for _, m := range []*meeting{after, before} {
		for _, who := range m.everybody() {
			if w.self[who] && me == "" {
				me = who
			}
		}
	}
	if me == "" {
		return
	}
	if after == nil {
		if before.cancelled() {
			return
		}
		var off []answered
		parts := before.partsOf(me)
		for _, key := range parts {
			if key == "" || !slices.Contains(parts, "") {
				if answer(before.find(key, me)) != "DECLINED" {
					off = append(off, answered{before.parts[key], "DECLINED", nil})
				}
			}
		}
		w.replies(before, me, off)
		return
	}
	if after.cancelled() {
		return
	}
	var list []answered
	for _, key := range after.partsOf(me) {
		now, was := answer(after.find(key, me)), "NEEDS-ACTION"
		if before != nil && before.parts[key] != nil {
			was = answer(before.find(key, me))
		} else if before != nil && before.parts[""] != nil {
			was = answer(before.find("", me))
		}
		if now != "NEEDS-ACTION" && (now != was || after.forced(me, "REPLY")) {
			list = append(list, answered{after.parts[key], now, nil})
		}
	}
	w.replies(after, me, append(list, deletedOccurrences(before, after, me)...))
}

// deletedOccurrences are those that the attendee took out of the own calendar; one that the organizer took out comes with a new SEQUENCE.
func deletedOccurrences(before, after *meeting, me string) (out []answered) {
	if before == nil {
		return nil
	}
	was, is := before.parts[""], after.parts[""]
	if was == nil || is == nil || after.find("", me) == nil || sequence(is) != sequence(was) || answer(after.find("", me)) == "DECLINED" {
		return nil
	}
	known := map[string]bool{}
	for _, x := range dates(was, "EXDATE") {
		known[x.key] = true
	}
	for _, x := range dates(is, "EXDATE") {
		if !known[x.key] {
			known[x.key] = true
			out = append(out, answered{is, "DECLINED", x.line})
		}
	}
	return out
}
