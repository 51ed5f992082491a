package format

import (
	"strings"
	"time"

	"outpost/internal/format/contentline"
	"outpost/internal/format/mime"
	gw "outpost/internal/groupware"
)

// deriveCalendar reads an iCalendar object (RFC 5545): the first VEVENT, VTODO or VJOURNAL that is no changed occurrence.
func deriveCalendar(raw []byte) Derived {
	d := Derived{Kind: gw.KindEvent}
	o, err := contentline.Parse(raw)
	if err != nil {
		d.Problem = err.Error()
	}
	if o == nil {
		return d
	}
	cal, c := mainComponent(o)
	if c == nil {
		d.problem("there is no VEVENT, VTODO or VJOURNAL in it")
		return d
	}
	d.Kind = componentKind(c.Name)
	d.Subject = mime.Display(text(c, "SUMMARY"), maxDisplay)
	d.MessageID = mime.Display(strings.TrimSpace(text(c, "UID")), maxID)
	d.Recurs = c.Get("RRULE") != nil || c.Get("RDATE") != nil
	if l := c.Get("ORGANIZER"); l != nil {
		a := calAddress(l)
		d.From = mime.Display(a.String(), maxDisplay)
		d.FromAddr = mime.Display(strings.ToLower(a.Addr), maxDisplay)
	}
	var to []mime.Address
	for _, l := range c.All("ATTENDEE") {
		if len(to) < 100 {
			to = append(to, calAddress(l))
		}
	}
	d.To = displayList(to)
	d.times(cal, c)
	var b strings.Builder
	for _, l := range append(append(append(c.All("LOCATION"), c.All("DESCRIPTION")...), c.All("COMMENT")...), c.All("CATEGORIES")...) {
		join(&b, cardText(l))
	}
	// What other occurrences are called or say must be found too.
	said := []string{text(c, "SUMMARY"), text(c, "LOCATION"), text(c, "DESCRIPTION")}
	for _, x := range cal.Components(c.Name) {
		if x == c || x.Get("RECURRENCE-ID") == nil || b.Len() > maxText {
			continue
		}
		for i, name := range []string{"SUMMARY", "LOCATION", "DESCRIPTION"} {
			if t := text(x, name); t != said[i] {
				join(&b, t)
			}
		}
	}
	d.Text = bound(mime.Lines(strings.ToValidUTF8(b.String(), "\uFFFD")), maxText)
	return d
}

// mainComponent finds the calendar and the component that stands for the object; nil when there is none.
func mainComponent(o *contentline.Object) (cal, c *contentline.Component) {
	for _, v := range o.Components("VCALENDAR") {
		for _, x := range v.Components("") {
			if componentKind(x.Name) == "" {
				continue
			}
			if c == nil || c.Get("RECURRENCE-ID") != nil && x.Get("RECURRENCE-ID") == nil && x.Name == c.Name {
				c, cal = x, v
			}
		}
	}
	return cal, c
}

// componentKind tells what a component is to a person, "" when it is no item.
func componentKind(name string) gw.Kind {
	switch name {
	case "VEVENT":
		return gw.KindEvent
	case "VTODO":
		return gw.KindTask
	case "VJOURNAL":
		return gw.KindNote
	}
	return ""
}

func (d *Derived) problem(s string) {
	if d.Problem == "" {
		d.Problem = mime.Display(s, 250)
	}
}

// text returns a TEXT property as valid UTF-8.
func text(c *contentline.Component, name string) string {
	if l := c.Get(name); l != nil {
		return cardText(l)
	}
	return ""
}

func calAddress(l *contentline.Line) mime.Address {
	addr := strings.TrimSpace(l.Value())
	if len(addr) >= 7 && strings.EqualFold(addr[:7], "mailto:") {
		addr = addr[7:]
	} else if e := l.Param("EMAIL"); e != "" {
		addr = e
	}
	return mime.Address{Name: strings.ToValidUTF8(l.Param("CN"), "\uFFFD"), Addr: strings.ToValidUTF8(addr, "\uFFFD")}
}

// times reads DTSTART, DTEND, DURATION and DUE (RFC 5545 3.8.2).
func (d *Derived) times(cal, c *contentline.Component) {
	read := func(name string) (t time.Time, day, ok bool) {
		l := c.Get(name)
		if l == nil {
			return t, false, false
		}
		t, day, err := Time(l.Value(), l.Param("TZID"), cal)
		if err != nil {
			d.problem(name + " in line " + itoa(l.Number) + ": " + err.Error())
		}
		return t, day, !t.IsZero()
	}
	start, day, hasStart := read("DTSTART")
	end, endDay, hasEnd := read("DTEND")
	if due, dueDay, ok := read("DUE"); ok && !hasEnd {
		end, endDay, hasEnd = due, dueDay, true
	}
	switch {
	case hasStart:
		d.Date, d.AllDay, d.End = start, day, end
		if l := c.Get("DURATION"); l != nil && !hasEnd {
			var err error
			if d.End, err = addDuration(start, l.Value()); err != nil {
				d.problem("DURATION in line " + itoa(l.Number) + ": " + err.Error())
			}
		} else if !hasEnd && c.Name == "VEVENT" { // RFC 5545 3.6.1
			if d.End = start; day {
				d.End = start.AddDate(0, 0, 1)
			}
		}
	case hasEnd:
		d.Date, d.AllDay, d.End = end, endDay, end
	case c.Name == "VJOURNAL":
		for _, name := range []string{"LAST-MODIFIED", "CREATED", "DTSTAMP"} {
			if t, _, ok := read(name); ok {
				d.Date = t
				break
			}
		}
	}
}
