package merge

import (
	"strconv"
	"strings"

	"outpost/internal/format/contentline"
	"outpost/internal/format/mime"
	gw "outpost/internal/groupware"
)

// maxShown bounds what is shown of one value.
const maxShown = 1 << 10

// show makes a text fit to be shown: valid UTF-8 without control and hidden characters, its lines kept, at most maxShown bytes.
func show(s string) string {
	if len(s) > 4*maxShown {
		s = s[:4*maxShown]
	}
	var b strings.Builder
	for line := range strings.SplitSeq(mime.Lines(strings.ToValidUTF8(s, "\uFFFD")), "\n") {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(mime.Display(line, maxShown))
		if b.Len() > maxShown {
			break
		}
	}
	out := strings.TrimSpace(b.String())
	if len(out) > maxShown {
		out = strings.ToValidUTF8(out[:maxShown-len("…")], "") + "…"
	}
	return out
}

// where names the kind of thing that an object or component is.
func (m *merger) where(c *component) string {
	switch c.Name {
	case "VCARD":
		for _, name := range []string{"KIND", "X-ADDRESSBOOKSERVER-KIND"} {
			if strings.EqualFold(strings.TrimSpace(c.TextOf(name)), "group") {
				return "list"
			}
		}
		return "contact"
	case "VCALENDAR":
		return "calendar"
	}
	return strings.ToLower(m.componentWord(c))
}

// componentWord is what a component is to a person.
func (m *merger) componentWord(c *component) string {
	switch c.Name {
	case "VEVENT", "VTODO", "VJOURNAL":
		if c.Get("RECURRENCE-ID") != nil {
			return "Occurrence"
		}
		return map[string]string{"VEVENT": "Event", "VTODO": "Task", "VJOURNAL": "Note"}[c.Name]
	case "VALARM":
		return "Reminder"
	case "VFREEBUSY":
		return "Free and busy times"
	}
	return c.Name
}

// place names a component inside another.
func (m *merger) place(s scope, k *child) string {
	c := first(k.c)
	switch {
	case isItem(c):
		if l := c.Get("RECURRENCE-ID"); l != nil {
			t := shownTime(l.Value())
			if strings.EqualFold(l.Param("RANGE"), "THISANDFUTURE") {
				return "occurrences from " + t
			}
			return "occurrence of " + t
		}
		return m.where(c)
	case c.Name == "VALARM":
		at := "alarm " + strconv.Itoa(k.number)
		if strings.HasPrefix(s.where, "occurrence") {
			at += " of the " + s.where
		}
		return at
	}
	return show(strings.ToLower(c.Name) + " " + strconv.Itoa(k.number))
}

// summary shows a component in one line; "" for one that is absent.
func (m *merger) summary(c *component) string {
	if c == nil {
		return ""
	}
	var words []string
	for _, name := range []string{"SUMMARY", "DTSTART", "DTEND", "DUE", "LOCATION", "ACTION", "TRIGGER"} {
		if l := c.Get(name); l != nil {
			if s := m.shown(l); s != "" {
				words = append(words, s)
			}
		}
	}
	if len(words) == 0 {
		return m.componentWord(c)
	}
	return show(strings.Join(words, ", "))
}

// propertyWord is how a person calls a property.
func (m *merger) propertyWord(l *line) string {
	name := l.Name()
	word := ""
	if m.media == gw.MediaVCard {
		word = cardWord(name)
		if kinds := types(l); word != "" && len(kinds) > 0 && name != "PHOTO" {
			word += " (" + strings.Join(kinds, ", ") + ")"
		}
	} else {
		word = calendarWord(name)
		if name == "ATTENDEE" {
			word += " " + plainAddress(l.Value())
		}
	}
	if word == "" {
		word = name
	}
	return mime.Display(word, 200)
}

func calendarWord(name string) string {
	switch name {
	case "SUMMARY":
		return "Subject"
	case "DESCRIPTION":
		return "Text"
	case "X-ALT-DESC", "STYLED-DESCRIPTION":
		return "Formatted text"
	case "LOCATION":
		return "Location"
	case "GEO":
		return "Position"
	case "DTSTART":
		return "Start"
	case "DTEND":
		return "End"
	case "DUE":
		return "Due"
	case "DURATION":
		return "Duration"
	case "RRULE", "EXRULE":
		return "Repeats"
	case "RDATE":
		return "Extra occurrence"
	case "EXDATE":
		return "Deleted occurrence"
	case "ATTENDEE":
		return "Attendee"
	case "ORGANIZER":
		return "Organizer"
	case "CATEGORIES":
		return "Category"
	case "COMMENT":
		return "Comment"
	case "CONTACT":
		return "Contact"
	case "ATTACH":
		return "Attachment"
	case "STATUS":
		return "Status"
	case "PRIORITY":
		return "Priority"
	case "CLASS":
		return "Privacy"
	case "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS":
		return "Show as"
	case "COMPLETED":
		return "Completed"
	case "PERCENT-COMPLETE":
		return "Percent complete"
	case "TRIGGER":
		return "Time of the reminder"
	case "ACTION":
		return "Kind of reminder"
	case "REPEAT":
		return "Repetitions of the reminder"
	case "URL":
		return "Web page"
	case "COLOR":
		return "Colour"
	case "RELATED-TO":
		return "Related to"
	case "RESOURCES":
		return "Resource"
	case "CONFERENCE":
		return "Conference"
	}
	return ""
}

func cardWord(name string) string {
	switch name {
	case "N", "FN":
		return "Name"
	case "NICKNAME":
		return "Nickname"
	case "TEL":
		return "Phone"
	case "EMAIL":
		return "Email"
	case "ADR":
		return "Address"
	case "LABEL":
		return "Address label"
	case "IMPP":
		return "Chat"
	case "URL":
		return "Web page"
	case "ORG":
		return "Organization"
	case "TITLE":
		return "Job title"
	case "ROLE":
		return "Profession"
	case "NOTE":
		return "Notes"
	case "BDAY":
		return "Birthday"
	case "ANNIVERSARY":
		return "Anniversary"
	case "PHOTO":
		return "Picture"
	case "LOGO":
		return "Logo"
	case "CATEGORIES":
		return "Category"
	case "MEMBER", "X-ADDRESSBOOKSERVER-MEMBER":
		return "Member"
	case "GENDER":
		return "Gender"
	case "LANG":
		return "Language"
	case "TZ":
		return "Time zone"
	case "KEY":
		return "Key"
	case "RELATED":
		return "Related to"
	case "KIND", "X-ADDRESSBOOKSERVER-KIND":
		return "Kind"
	case "X-ABLABEL":
		return "Label"
	}
	return ""
}

// shown is the value of a property as a person reads it.
func (m *merger) shown(l *line) string {
	name := l.Name()
	if strings.EqualFold(l.Param("ENCODING"), "B") || strings.EqualFold(l.Param("ENCODING"), "BASE64") || strings.HasPrefix(l.Value(), "data:") {
		return strconv.Itoa(len(l.Value())*3/4) + " bytes of data"
	}
	if m.media == gw.MediaVCard {
		v := decoded(l)
		switch name {
		case "N", "ADR", "ORG", "GENDER":
			var words []string
			for _, f := range contentline.Fields(v, ';') {
				if f = strings.TrimSpace(contentline.Unescape(f)); f != "" {
					words = append(words, f)
				}
			}
			return show(strings.Join(words, ", "))
		}
		return show(contentline.Unescape(v))
	}
	v := l.Value()
	switch name {
	case "DTSTART", "DTEND", "DUE", "COMPLETED", "RECURRENCE-ID", "EXDATE", "RDATE":
		s := shownTime(v)
		if z := l.Param("TZID"); z != "" {
			s += " (" + z + ")"
		}
		return show(s)
	case "ATTENDEE", "ORGANIZER":
		s := mime.Address{Name: l.Param("CN"), Addr: plainAddress(v)}.String()
		if p := l.Param("PARTSTAT"); p != "" {
			s += ", " + strings.ToLower(strings.ReplaceAll(p, "-", " "))
		}
		if r := strings.ToUpper(l.Param("ROLE")); r == "OPT-PARTICIPANT" {
			s += ", optional"
		} else if r == "CHAIR" {
			s += ", chair"
		}
		return show(s)
	}
	return show(contentline.Unescape(v))
}

// plainAddress is a calendar address without its scheme.
func plainAddress(v string) string {
	if v = strings.TrimSpace(v); len(v) > 7 && strings.EqualFold(v[:7], "mailto:") {
		return v[7:]
	}
	return v
}

// shownTime writes "20260305T090000" as "2026-03-05 09:00", without moving it to another zone.
func shownTime(v string) string {
	t, ok := wall(v)
	if !ok {
		return v
	}
	switch v = strings.TrimSpace(v); len(v) {
	case 8:
		return t.Format("2006-01-02")
	case 16:
		return t.Format("2006-01-02 15:04") + " UTC"
	}
	return t.Format("2006-01-02 15:04")
}
