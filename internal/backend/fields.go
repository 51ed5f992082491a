package backend

import (
	"strings"
	"time"

	"outpost/internal/format"
	"outpost/internal/format/contentline"
	"outpost/internal/groupware"
	"outpost/internal/store"
)

const (
	maxFields = 200
	maxValue  = 4 << 10
)

// fields are the labelled lines above an item's text: the header of a message, when and where of an event, a contact's card.
func fields(it store.Item, raw []byte) []Field {
	var fs fieldList
	switch it.Media {
	case groupware.MediaCalendar:
		fs.calendar(it, raw)
	case groupware.MediaVCard:
		fs.card(it, raw)
	default:
		fs.add("From", it.From)
		fs.add("To", it.To)
		fs.add("Date", when(it.Date, false))
		fs.add("Subject", it.Subject)
	}
	if fs == nil {
		return []Field{}
	}
	return fs
}

type fieldList []Field

func (fs *fieldList) add(name, value string) {
	value = strings.ToValidUTF8(strings.TrimSpace(value), "\ufffd")
	if value == "" || len(*fs) == maxFields {
		return
	}
	if len(value) > maxValue {
		value = strings.ToValidUTF8(value[:maxValue], "") + "\u2026"
	}
	*fs = append(*fs, Field{name, value})
}

// when writes a time in the person's zone, a day without time as a day.
func when(t time.Time, allDay bool) string {
	switch {
	case t.IsZero():
		return ""
	case allDay:
		return t.Format("Mon 2 Jan 2006")
	}
	return t.Local().Format("Mon 2 Jan 2006 15:04 MST")
}

// calendar shows an event, task or note (RFC 5545 3.6).
func (fs *fieldList) calendar(it store.Item, raw []byte) {
	d := format.Derive(groupware.MediaCalendar, raw)
	fs.add("Subject", it.Subject)
	switch {
	case it.Kind == groupware.KindTask:
		fs.add("Due", when(d.End, d.AllDay))
	case it.Kind == groupware.KindNote:
		fs.add("Date", when(d.Date, d.AllDay))
	default:
		from, to := when(d.Date, d.AllDay), when(d.End, d.AllDay)
		if d.AllDay && !d.End.IsZero() { // DTEND is the day after (RFC 5545 3.6.1)
			to = when(d.End.AddDate(0, 0, -1), true)
		} else if d.End.Local().Format(time.DateOnly) == d.Date.Local().Format(time.DateOnly) {
			to = d.End.Local().Format("15:04 MST")
		}
		if to != "" && to != from {
			from += " to " + to
		}
		fs.add("When", from)
	}
	o, _ := contentline.Parse(raw)
	if o == nil {
		return
	}
	for _, calendar := range o.Components("VCALENDAR") {
		for _, name := range []string{"VEVENT", "VTODO", "VJOURNAL"} {
			for _, c := range calendar.Components(name) {
				if c.Get("RECURRENCE-ID") != nil {
					continue
				}
				if r := c.Get("RRULE"); r != nil {
					fs.add("Repeats", r.Value())
				}
				fs.add("Where", c.TextOf("LOCATION"))
				fs.add("Status", c.TextOf("STATUS"))
				if p := c.Get("PERCENT-COMPLETE"); p != nil {
					fs.add("Done", p.Value()+" %")
				}
				fs.add("Organizer", it.From)
				fs.add("With", it.To)
				for _, l := range c.All("CATEGORIES") {
					fs.add("Categories", l.Text())
				}
				fs.add("Web", c.TextOf("URL"))
				return
			}
		}
	}
}

// card shows a contact or a distribution list (RFC 6350 6).
func (fs *fieldList) card(it store.Item, raw []byte) {
	fs.add("Name", it.Subject)
	o, _ := contentline.Parse(raw)
	if o == nil {
		return
	}
	labels := map[string]string{"ORG": "Company", "TITLE": "Title", "ROLE": "Role", "EMAIL": "E-mail", "TEL": "Phone", "ADR": "Address",
		"BDAY": "Birthday", "URL": "Web", "NICKNAME": "Nickname", "CATEGORIES": "Categories", "MEMBER": "Member", "X-ADDRESSBOOKSERVER-MEMBER": "Member"}
	for _, c := range o.Components("VCARD") {
		for _, e := range c.Entries {
			if e.Line == nil || labels[e.Line.Name()] == "" {
				continue
			}
			label, l := labels[e.Line.Name()], e.Line
			var types []string
			for _, t := range l.ParamValues("TYPE") {
				if t = strings.ToLower(t); t != "internet" && t != "pref" && t != "voice" {
					types = append(types, t)
				}
			}
			if len(types) > 0 {
				label += " (" + strings.Join(types, ", ") + ")"
			}
			value := l.Text()
			switch l.Name() {
			case "ADR", "ORG", "N":
				var some []string
				for _, f := range contentline.Fields(l.Value(), ';') {
					if f = strings.TrimSpace(contentline.Unescape(f)); f != "" {
						some = append(some, f)
					}
				}
				value = strings.Join(some, ", ")
			case "TEL", "MEMBER":
				value = strings.TrimPrefix(value, "tel:")
			}
			fs.add(label, value)
		}
		return
	}
}
