package backend

import (
	"context"
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

// fields are the labelled lines above an item's text: the header of a message, when and where of an event, a contact's
// card. For what is no message, text is what a person wrote into it.
func fields(it store.Item, raw []byte) (fs fieldList, text string) {
	fs = fieldList{}
	o, _ := contentline.Parse(raw)
	switch {
	case it.Media == groupware.MediaMessage:
		fs.add("From", it.From)
		fs.add("To", it.To)
		fs.add("Date", when(it.Date, false))
		fs.add("Subject", it.Subject)
	case it.Media == groupware.MediaCalendar:
		text = fs.calendar(it, raw, o)
	case it.Media == groupware.MediaVCard:
		text = fs.card(it, o)
	}
	return fs, text
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
func (fs *fieldList) calendar(it store.Item, raw []byte, o *contentline.Object) (text string) {
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
	for _, c := range format.Components(it.Media, o) {
		if c.Get("RECURRENCE-ID") != nil {
			continue
		}
		if r := c.Get("RRULE"); r != nil {
			fs.add("Repeats", repeats(r.Value()))
		}
		fs.add("Where", c.TextOf("LOCATION"))
		if s := strings.ToUpper(c.TextOf("STATUS")); s != "NEEDS-ACTION" && s != "CONFIRMED" {
			fs.add("Status", strings.ToLower(strings.ReplaceAll(s, "-", " ")))
		}
		if p := c.Get("PERCENT-COMPLETE"); p != nil && p.Value() != "0" {
			fs.add("Done", p.Value()+" %")
		}
		fs.add("Organizer", it.From)
		fs.add("With", it.To)
		for _, l := range c.All("CATEGORIES") {
			fs.add("Categories", l.Text())
		}
		fs.add("Web", c.TextOf("URL"))
		return c.TextOf("DESCRIPTION")
	}
	return ""
}

// repeats puts a recurrence rule into words as far as words are short; what is more stays as it is written (RFC 5545 3.3.10).
func repeats(rule string) string {
	units := map[string]string{"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
	days := map[string]string{"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday", "SU": "Sunday"}
	part := map[string]string{}
	for p := range strings.SplitSeq(strings.ToUpper(rule), ";") {
		key, value, _ := strings.Cut(p, "=")
		part[key] = value
	}
	unit := units[part["FREQ"]]
	text := "every " + unit
	if n := part["INTERVAL"]; n != "" && n != "1" {
		text = "every " + n + " " + unit + "s"
	}
	if by := part["BYDAY"]; by != "" {
		var on []string
		for d := range strings.SplitSeq(by, ",") {
			on = append(on, days[d])
			if days[d] == "" {
				return rule
			}
		}
		text += " on " + strings.Join(on, ", ")
	}
	if n := part["COUNT"]; n != "" {
		text += ", " + n + " times"
	}
	if until := part["UNTIL"]; len(until) >= 8 {
		t, err := time.Parse("20060102", until[:8])
		if err != nil {
			return rule
		}
		text += " until " + when(t, true)
	}
	for key := range part {
		switch key {
		case "FREQ", "INTERVAL", "BYDAY", "COUNT", "UNTIL", "WKST":
		default:
			return rule
		}
	}
	if unit == "" {
		return rule
	}
	return text
}

// card shows a contact or a distribution list (RFC 6350 6).
func (fs *fieldList) card(it store.Item, o *contentline.Object) (text string) {
	fs.add("Name", it.Subject)
	labels := map[string]string{"ORG": "Company", "TITLE": "Title", "ROLE": "Role", "EMAIL": "E-mail", "TEL": "Phone", "ADR": "Address",
		"BDAY": "Birthday", "URL": "Web", "NICKNAME": "Nickname", "CATEGORIES": "Categories", "MEMBER": memberField, "X-ADDRESSBOOKSERVER-MEMBER": memberField}
	for _, c := range format.Components(it.Media, o) {
		for _, e := range c.Entries {
			if e.Line == nil || labels[e.Line.Name()] == "" {
				continue
			}
			label, l := labels[e.Line.Name()], e.Line
			var types []string
			for t := range strings.SplitSeq(strings.ToLower(strings.Join(l.ParamValues("TYPE"), ",")), ",") {
				if t != "" && t != "internet" && t != "pref" && t != "voice" {
					types = append(types, t)
				}
			}
			if len(types) > 0 {
				label += " (" + strings.Join(types, ", ") + ")"
			}
			value := l.Text()
			switch l.Name() {
			case "ADR", "ORG":
				var some []string
				for _, f := range contentline.Fields(l.Value(), ';') {
					if f = strings.TrimSpace(contentline.Unescape(f)); f != "" {
						some = append(some, f)
					}
				}
				value = strings.Join(some, ", ")
			case "TEL":
				value = strings.TrimPrefix(value, "tel:")
			}
			fs.add(label, value)
		}
		return c.TextOf("NOTE")
	}
	return ""
}

// memberField is the label of a distribution list's member.
const memberField = "Member"

// nameMembers puts names in place of the UIDs by which a distribution list tells its members (RFC 6350 6.6.5).
func nameMembers(ctx context.Context, b *mailbox, list store.Item, fs []Field) error {
	contacts, _, err := b.List(ctx, list.Folder, store.ListOptions{Limit: maxMembers})
	if err != nil {
		return err
	}
	names := make(map[string]string, len(contacts))
	for _, c := range contacts {
		names[memberUID(c.MessageID)] = c.From
		if c.From == "" {
			names[memberUID(c.MessageID)] = c.Subject
		}
	}
	for i, f := range fs {
		if f.Name == memberField {
			if name := names[memberUID(f.Value)]; name != "" {
				fs[i].Value = name
			} else {
				fs[i].Value = strings.TrimPrefix(f.Value, "mailto:")
			}
		}
	}
	return nil
}

// maxMembers bounds the contacts among which members are looked for.
const maxMembers = 10000

func memberUID(uid string) string { return strings.TrimPrefix(strings.ToLower(uid), "urn:uuid:") }
