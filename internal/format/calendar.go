package format

import (
	"strings"
	"time"

	"outpost/internal/format/contentline"
	"outpost/internal/format/mime"
	gw "outpost/internal/groupware"
)

// deriveCalendar reads an iCalendar object (RFC 5545): the first VEVENT, VTODO or VJOURNAL without RECURRENCE-ID.
func deriveCalendar(raw []byte) Derived {
	d := Derived{Kind: gw.KindEvent}
	o, err := contentline.Parse(raw)
	if err != nil {
		d.Problem = err.Error()
	}
	if o == nil {
		return d
	}
	var c, cal *contentline.Component
	for _, v := range o.Components("VCALENDAR") {
		for _, x := range v.Components("") {
			switch x.Name {
			case "VEVENT", "VTODO", "VJOURNAL":
				if c == nil || c.Get("RECURRENCE-ID") != nil && x.Get("RECURRENCE-ID") == nil {
					c, cal = x, v
				}
			}
		}
	}
	if c == nil {
		if d.Problem == "" {
			d.Problem = "no VEVENT, VTODO or VJOURNAL in it"
		}
		return d
	}
	switch c.Name {
	case "VTODO":
		d.Kind = gw.KindTask
	case "VJOURNAL":
		d.Kind = gw.KindNote
	}
	d.Subject = mime.Display(c.TextOf("SUMMARY"), maxDisplay)
	d.MessageID = mime.Display(c.TextOf("UID"), maxID)
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
	d.calendarTimes(c, cal)
	var text strings.Builder
	join(&text, c.TextOf("LOCATION"))
	for _, l := range c.All("DESCRIPTION") {
		join(&text, l.Text())
	}
	d.Text = bound(mime.Lines(text.String()), maxText)
	return d
}

func calAddress(l *contentline.Line) mime.Address {
	addr := strings.TrimSpace(l.Value())
	if len(addr) >= 7 && strings.EqualFold(addr[:7], "mailto:") {
		addr = addr[7:]
	}
	return mime.Address{Name: l.Param("CN"), Addr: addr}
}

func (d *Derived) calendarTimes(c, cal *contentline.Component) {
	read := func(name string) (time.Time, bool, bool) {
		l := c.Get(name)
		if l == nil {
			return time.Time{}, false, false
		}
		t, day, err := Time(l.Value(), l.Param("TZID"), cal)
		if err != nil {
			if d.Problem == "" {
				d.Problem = name + " cannot be read: " + err.Error()
			}
			return time.Time{}, false, false
		}
		return t, day, true
	}
	start, day, ok := read("DTSTART")
	if ok {
		d.Date, d.AllDay = start, day
	}
	for _, name := range []string{"DTEND", "DUE"} {
		if end, endDay, has := read(name); has {
			d.End = end
			if !ok {
				d.Date, d.AllDay = end, endDay
			}
		}
	}
}
