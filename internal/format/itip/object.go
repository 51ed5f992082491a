package itip

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"outpost/internal/format/contentline"
)

// writer makes the messages.
type writer struct {
	self  map[string]bool
	from  string
	now   time.Time
	id    func() string
	chair *line // ORGANIZER
	out   []Outgoing
	err   error
}

// request invites, or tells a change (RFC 5546 3.2.2): each part to which these attendees are asked as it is stored.
func (w *writer) request(m *meeting, g *group, update bool) {
	var list []*component
	for _, key := range g.parts {
		list = append(list, w.part(m.parts[key], func(l *line) *line {
			if l.Name() == "DTSTAMP" {
				return nil
			}
			return l
		}))
	}
	what := "Invitation"
	if update {
		what = "Updated"
	}
	w.send("REQUEST", what, m, g, list)
}

// cancel tells these attendees that the meeting, or parts of it, are off: for all of them, or because they are not asked any more
// (RFC 5546 3.2.5).
func (w *writer) cancel(before, after *meeting, g *group, all bool) {
	var list []*component
	for _, key := range g.parts {
		c := before.parts[key]
		if c == nil { // an occurrence that was none of its own before
			c = after.parts[key]
		}
		n := sequence(c) + 1
		if after != nil && after.parts[key] != nil {
			n = max(n-1, sequence(after.parts[key]))
		}
		out := w.part(c, func(l *line) *line {
			switch l.Name() {
			case "DTSTAMP", "SEQUENCE", "STATUS", "ATTACH", "REQUEST-STATUS":
				return nil
			case "ATTENDEE":
				if !all && !slices.Contains(g.who, address(l)) {
					return nil
				}
			}
			return l
		})
		for _, who := range g.who {
			if l := before.find("", who); l != nil && attendees(out)[who] == nil {
				out.Add(unscheduled(l))
			}
		}
		if out.Get("ORGANIZER") == nil {
			out.Add(unscheduled(w.chair))
		}
		out.Set("SEQUENCE", strconv.Itoa(n))
		if all {
			out.Set("STATUS", "CANCELLED")
		}
		list = append(list, out)
	}
	w.send("CANCEL", "Cancelled", before, g, list)
}

// answered is what an attendee says to one part of a meeting; at is the occurrence that it is about, where that is no part of its own.
type answered struct {
	part   *component
	answer string
	at     *line
}

// replies tells the organizer the answers of one attendee, the same ones together (RFC 5546 3.2.3).
func (w *writer) replies(m *meeting, me string, list []answered) {
	organizer := address(w.chair)
	if organizer == "" || w.self[organizer] {
		return
	}
	by := map[string][]*component{}
	var order []string
	for _, x := range list[:min(len(list), maxOccurrences)] {
		if by[x.answer] == nil {
			order = append(order, x.answer)
		}
		by[x.answer] = append(by[x.answer], w.reply(m, x, me))
	}
	for _, answer := range order {
		what := map[string]string{"ACCEPTED": "Accepted", "DECLINED": "Declined", "TENTATIVE": "Tentative", "COMPLETED": "Done", "IN-PROCESS": "Begun", "DELEGATED": "Delegated"}[answer]
		if what == "" {
			what = "Answer"
		}
		w.send("REPLY", what, m, &group{who: []string{organizer}}, by[answer])
	}
}

// reply is the part of a REPLY about one answer.
func (w *writer) reply(m *meeting, x answered, me string) *component {
	out := w.part(x.part, func(l *line) *line {
		switch l.Name() {
		case "UID", "SEQUENCE", "ORGANIZER", "SUMMARY", "LOCATION", "RECURRENCE-ID", "COMMENT":
			return l
		case "DTSTART", "DTEND", "DUE", "DURATION":
			if x.at == nil { // else they are of another occurrence
				return l
			}
		case "PERCENT-COMPLETE", "STATUS", "COMPLETED":
			if x.part.Name == "VTODO" {
				return l
			}
		}
		return nil
	})
	if out.Get("ORGANIZER") == nil {
		out.Add(unscheduled(w.chair))
	}
	key := ""
	if l := x.part.Get("RECURRENCE-ID"); l != nil {
		key = instant(l, l.Value(), m.calendar)
	}
	if l := m.find(key, me); l != nil {
		mine := *unscheduled(l)
		mine.SetParam("RSVP")
		mine.SetParam("PARTSTAT", x.answer)
		out.Add(&mine)
	}
	if x.at != nil {
		var params []contentline.Param
		for _, name := range []string{"TZID", "VALUE"} {
			if v := x.at.Param(name); v != "" {
				params = append(params, contentline.Param{Name: name, Value: v})
			}
		}
		out.Add(contentline.NewLine("RECURRENCE-ID", x.at.Value(), params...))
		out.Add(contentline.NewLine("DTSTART", x.at.Value(), params...))
	}
	return out
}

// part copies a component for a message: its properties as keep gives them, a DTSTAMP of now, no reminders, which are everybody's own.
func (w *writer) part(c *component, keep func(*line) *line) *component {
	var entries []contentline.Entry
	for _, e := range c.Entries {
		if e.Line == nil {
			if e.Component.Name != "VALARM" {
				entries = append(entries, e)
			}
			continue
		}
		if e.Line.Name() == "" || strings.HasPrefix(e.Line.Name(), "X-MOZ-") || strings.HasPrefix(e.Line.Name(), "X-OUTPOST-") {
			continue
		}
		if l := keep(e.Line); l != nil {
			entries = append(entries, contentline.Entry{Line: unscheduled(l)})
		}
	}
	out := contentline.NewComponent(c.Name)
	out.Entries = entries
	out.AddFirst(contentline.NewLine("DTSTAMP", stamp(w.now)))
	return out
}

// unscheduled is a property without what is only between a program and its server (RFC 6638 7).
func unscheduled(l *line) *line {
	if l.Name() != "ATTENDEE" && l.Name() != "ORGANIZER" {
		return l
	}
	out := *l
	for _, name := range []string{"SCHEDULE-AGENT", "SCHEDULE-STATUS", "SCHEDULE-FORCE-SEND"} {
		out.SetParam(name)
	}
	return &out
}

// object makes the iCalendar object of a message, with the time zones that it names.
func object(m *meeting, method string, list []*component) []byte {
	cal := contentline.NewComponent("VCALENDAR")
	cal.Add(contentline.NewLine("VERSION", "2.0"))
	cal.Add(contentline.NewLine("PRODID", "-//Outpost//Outpost//EN"))
	if l := m.calendar.Get("CALSCALE"); l != nil {
		cal.Add(l)
	}
	cal.Add(contentline.NewLine("METHOD", method))
	used := map[string]bool{}
	for _, c := range list {
		zones(c, used)
	}
	for _, z := range m.calendar.Components("VTIMEZONE") {
		if id := z.TextOf("TZID"); used[id] {
			used[id] = false // once
			cal.Entries = append(cal.Entries, contentline.Entry{Component: z})
		}
	}
	for _, c := range list {
		cal.Entries = append(cal.Entries, contentline.Entry{Component: c})
	}
	return contentline.NewObject(cal).Encode()
}

func zones(c *component, used map[string]bool) {
	for _, e := range c.Entries {
		if e.Component != nil {
			zones(e.Component, used)
		} else if z := e.Line.Param("TZID"); z != "" {
			used[z] = true
		}
	}
}
