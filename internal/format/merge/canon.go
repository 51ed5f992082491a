package merge

import (
	"maps"
	"slices"
	"strings"
	"time"

	"outpost/internal/format"
	"outpost/internal/format/contentline"
	"outpost/internal/format/mime"
	gw "outpost/internal/groupware"
)

// what is how a property is merged.
type what int

const (
	whole what = iota // all of that name are one unit
	multi             // one of a kind is a unit, several of a kind are a set
	set               // a set of properties
	list              // a set of values, several of them in one property
	notes             // what programs note for themselves: never clashes
)

// kinds says how properties are merged that are not one unit by their name. RFC 5545 3.8, RFC 7986, RFC 6350 6.
func (m *merger) kind(in *component, name string) what {
	if m.media == gw.MediaVCard {
		switch name {
		case "TEL", "EMAIL", "ADR", "IMPP", "URL", "LABEL", "RELATED", "LANG", "KEY", "X-ABLABEL", "X-ABRELATEDNAMES", "X-ABDATE", "X-SOCIALPROFILE":
			return multi
		case "MEMBER", "X-ADDRESSBOOKSERVER-MEMBER":
			return set
		case "CATEGORIES", "NICKNAME":
			return list
		case "REV", "PRODID", "VERSION":
			return notes
		}
		if strings.HasPrefix(name, "X-OUTPOST-") {
			return notes
		}
		return whole
	}
	switch name {
	case "CATEGORIES", "RESOURCES", "EXDATE", "RDATE":
		return list
	case "COMMENT", "ATTACH", "REQUEST-STATUS":
		return set
	case "CONTACT", "RELATED-TO", "IMAGE", "CONFERENCE", "LINK", "STRUCTURED-DATA":
		return multi
	case "DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE", "PRODID", "VERSION", "RECURRENCE-ID", "ACKNOWLEDGED",
		"X-MOZ-GENERATION", "X-MOZ-LASTACK", "X-MICROSOFT-CDO-OWNERAPPTID", "X-MICROSOFT-CDO-APPT-SEQUENCE",
		"X-MICROSOFT-CDO-ATTENDEE-CRITICAL-CHANGE", "X-MICROSOFT-CDO-OWNER-CRITICAL-CHANGE":
		return notes
	case "UID":
		if isItem(in) || in.Name == "VALARM" { // what it was found by
			return notes
		}
	case "X-WR-ALARMUID":
		return notes
	}
	if strings.HasPrefix(name, "X-OUTPOST-") {
		return notes
	}
	return whole
}

// isWhen tells the properties that say together when something is (RFC 5545 3.8.2, 3.8.5.3).
func isWhen(name string) bool {
	switch name {
	case "DTSTART", "DTEND", "DUE", "DURATION", "RRULE", "EXRULE":
		return true
	}
	return false
}

// key names the unit that a property belongs to.
func (m *merger) key(in *component, l *line) string {
	name := l.Name()
	if m.media == gw.MediaVCard {
		switch {
		case name == "N" || name == "FN":
			return "N"
		case l.Group != "" && m.kind(in, name) != list && m.kind(in, name) != set:
			return name + "\x00group\x00" + strings.ToLower(l.Group)
		case m.kind(in, name) == multi:
			return name + "\x00" + strings.Join(types(l), ",")
		}
		return name
	}
	switch {
	case name == "ATTENDEE":
		return name + "\x00" + address(l.Value())
	case isWhen(name) && isItem(in):
		return "when"
	}
	return name
}

// types are the kinds of a vCard property (RFC 2426 3.3, RFC 6350 5.6).
func types(l *line) []string { return kindsOf(l.ParamValues("TYPE"), true) }

// address makes addresses comparable: those of mail without case.
func address(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		return strings.ToLower(s)
	}
	return s
}

// texts are the iCalendar and vCard properties whose value is one text (RFC 5545 3.3.11, RFC 6350 4.1).
func isText(name string) bool {
	switch name {
	case "SUMMARY", "DESCRIPTION", "LOCATION", "COMMENT", "CONTACT", "UID", "NAME", "FN", "NOTE", "TITLE", "ROLE", "TEL", "EMAIL", "LABEL", "SORT-STRING", "MAILER", "TZNAME", "TZID":
		return true
	}
	return false
}

// value gives values that mean the same the same form.
func (m *merger) value(l *line) string {
	name := l.Name()
	if m.media == gw.MediaVCard {
		v := decoded(l)
		switch {
		case isText(name):
			v = contentline.Unescape(v)
			if name == "TEL" && len(v) > 4 && strings.EqualFold(v[:4], "tel:") {
				v = v[4:]
			}
			return v
		case name == "N" || name == "ADR" || name == "ORG" || name == "GENDER":
			f := contentline.Fields(v, ';')
			for len(f) > 1 && strings.TrimSpace(f[len(f)-1]) == "" {
				f = f[:len(f)-1]
			}
			return strings.Join(f, ";")
		}
		return v
	}
	v := l.Value()
	switch name {
	case "RRULE", "EXRULE":
		parts := slices.DeleteFunc(strings.Split(strings.ToUpper(strings.TrimSpace(v)), ";"), func(p string) bool {
			return p == "" || p == "INTERVAL=1" || p == "WKST=MO"
		})
		slices.Sort(parts)
		return strings.Join(parts, ";")
	case "DTSTART", "DTEND", "DUE", "DURATION", "TRIGGER", "STATUS", "CLASS", "TRANSP", "ACTION", "COMPLETED", "PERCENT-COMPLETE", "PRIORITY", "SEQUENCE", "METHOD":
		return strings.ToUpper(strings.TrimSpace(v))
	case "ATTENDEE", "ORGANIZER":
		return address(v)
	}
	if isText(name) {
		return contentline.Unescape(v)
	}
	return v
}

// decoded undoes vCard 2.1's ENCODING=QUOTED-PRINTABLE and CHARSET; the value is still escaped.
func decoded(l *line) string {
	v := []byte(l.Value())
	if strings.EqualFold(l.Param("ENCODING"), "QUOTED-PRINTABLE") {
		v, _ = mime.DecodeBody("quoted-printable", v)
	}
	if cs := l.Param("CHARSET"); cs != "" {
		return mime.Decode(cs, v)
	}
	return string(v)
}

// params gives the parameters of a property one form: name and values, without what means the same as nothing.
func (m *merger) params(l *line) map[string]string {
	var all map[string][]string
	for name, values := range l.Params() {
		if all == nil {
			all = map[string][]string{}
		}
		all[name] = append(all[name], values...)
	}
	var out map[string]string
	for name, values := range all {
		if v := m.param(l.Name(), name, values); v != "" {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = v
		}
	}
	return out
}

// param gives the values of a parameter one form; "" also for what is meant when it is absent (RFC 5545 3.2, RFC 6350 5).
func (m *merger) param(property, name string, v []string) string {
	all := clean(strings.ToUpper(strings.Join(v, ",")))
	card := m.media == gw.MediaVCard
	switch name {
	case "SCHEDULE-STATUS", "SCHEDULE-FORCE-SEND": // RFC 6638 7: what the server did
		return ""
	case "TYPE":
		if card {
			return strings.Join(kindsOf(v, false), ",")
		}
	case "CHARSET":
		if card { // the value is compared decoded
			return ""
		}
	case "ENCODING":
		if card && all != "B" && all != "BASE64" {
			return ""
		}
		return all
	case "VALUE":
		if all == "TEXT" || card && all == "URI" || all == "DATE-TIME" && property != "TRIGGER" {
			return ""
		}
		return all
	case "PARTSTAT", "ROLE", "CUTYPE", "RSVP", "SCHEDULE-AGENT", "RELATED", "RANGE", "FBTYPE":
		switch all {
		case "NEEDS-ACTION", "REQ-PARTICIPANT", "INDIVIDUAL", "FALSE", "SERVER", "START":
			return ""
		}
		return all
	case "SENT-BY", "DELEGATED-TO", "DELEGATED-FROM", "MEMBER":
		for i := range v {
			v[i] = address(v[i])
		}
	}
	return clean(strings.Join(v, "\t"))
}

// clean takes out what cannot be written in a parameter (RFC 5545 3.1: no control characters).
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// kindsOf are the kinds of a vCard property, "work" "cell", in one order. What says nothing is left out (RFC 2426 3.3), and which
// one is preferred where only the kind counts.
func kindsOf(values []string, only bool) []string {
	var out []string
	for _, v := range values {
		switch v = strings.ToLower(v); v {
		case "internet", "voice", "x400":
		case "pref":
			if !only {
				out = append(out, v)
			}
		default:
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// canon is what a property means, without its group.
func (m *merger) canon(l *line) string {
	var b strings.Builder
	b.WriteString(l.Name() + "\x00" + m.value(l))
	params := m.params(l)
	for _, n := range slices.Sorted(maps.Keys(params)) {
		b.WriteString("\x00" + n + "=" + params[n])
	}
	return b.String()
}

func (m *merger) canonAll(ls []*line) string {
	if len(ls) == 1 {
		return m.canon(ls[0])
	}
	all := make([]string, len(ls))
	for i, l := range ls {
		all[i] = m.canon(l)
	}
	slices.Sort(all)
	return strings.Join(all, "\x02")
}

// meaning is what a component means, without what programs note for themselves.
func (m *merger) meaning(c *component) string {
	var all []string
	for _, e := range c.Entries {
		switch {
		case e.Component != nil:
			all = append(all, "\x03"+m.meaning(e.Component)+"\x04")
		case e.Line.Name() == "":
		case m.kind(c, e.Line.Name()) == list:
			for k := range m.listValues(e.Line, c) {
				all = append(all, e.Line.Name()+"\x00"+k)
			}
		case m.kind(c, e.Line.Name()) != notes:
			all = append(all, strings.ToLower(e.Line.Group)+"\x05"+m.canon(e.Line))
		}
	}
	slices.Sort(all)
	return c.Name + "\x02" + strings.Join(all, "\x02")
}

// values gives the meaning of the first property of a name in each version.
func (m *merger) values(c [sides]*component, name string) (v [sides]string) {
	for s, x := range c {
		if x != nil {
			if l := x.Get(name); l != nil {
				v[s] = m.canon(l)
			}
		}
	}
	return v
}

// listValues goes over the values of a property that holds several: what each means, and as it is written.
func (m *merger) listValues(l *line, in *component) func(yield func(key, raw string) bool) {
	return func(yield func(key, raw string) bool) {
		for _, raw := range contentline.Fields(l.Value(), ',') {
			key := ""
			switch l.Name() {
			case "EXDATE", "RDATE":
				key = instant(l, raw, in)
			default:
				key = strings.TrimSpace(contentline.Unescape(raw))
			}
			if key != "" && !yield(key, raw) {
				return
			}
		}
	}
}

// instant names an occurrence, however its time is written (RFC 5545 3.8.4.4). Nothing that is written anywhere is made from it.
func instant(l *line, value string, cal *component) string {
	value = strings.ToUpper(strings.TrimSpace(value))
	zone := l.Param("TZID")
	t, day, err := format.Time(value, zone, cal)
	switch {
	case err != nil:
		return zone + " " + value
	case day || zone == "" && !strings.HasSuffix(value, "Z"):
		return value
	}
	return t.UTC().Format("20060102T150405Z")
}

// dateSet is the set of the dates that a component names under some properties.
func dateSet(c, cal *component, names ...string) map[string]bool {
	out := map[string]bool{}
	for _, name := range names {
		for _, l := range c.All(name) {
			for _, v := range contentline.Fields(l.Value(), ',') {
				if v != "" {
					out[name+"\x00"+instant(l, v, cal)] = true
				}
			}
		}
	}
	return out
}

// occurrenceOf makes what an occurrence of the agreed series is by its rule, so that two changes to the same occurrence can be
// told apart; nil when that is not known.
func (m *merger) occurrenceOf(c [sides]*component, changed *component) *component {
	at := changed.Get("RECURRENCE-ID")
	if at == nil || c[base] == nil || !isItem(changed) || at.Param("RANGE") != "" {
		return nil
	}
	var series *component
	uid := strings.TrimSpace(changed.TextOf("UID"))
	for _, x := range c[base].Components(changed.Name) {
		if x.Get("RECURRENCE-ID") == nil && strings.TrimSpace(x.TextOf("UID")) == uid {
			series = x
			break
		}
	}
	if series == nil {
		return nil
	}
	start := series.Get("DTSTART")
	if start == nil || start.Param("TZID") != at.Param("TZID") || len(strings.TrimSpace(start.Value())) != len(strings.TrimSpace(at.Value())) {
		return nil
	}
	from, ok1 := wall(start.Value())
	to, ok2 := wall(at.Value())
	if !ok1 || !ok2 {
		return nil
	}
	out := make([]entry, 0, len(series.Entries))
	for _, e := range series.Entries {
		if e.Line == nil {
			out = append(out, e)
			continue
		}
		switch e.Line.Name() {
		case "RRULE", "EXRULE", "RDATE", "EXDATE":
			continue
		case "DTSTART", "DTEND", "DUE":
			t, ok := wall(e.Line.Value())
			if !ok {
				return nil
			}
			moved := *e.Line
			v := strings.TrimSpace(e.Line.Value())
			moved.SetValue(t.Add(to.Sub(from)).Format("20060102T150405Z"[:len(v)]))
			out = append(out, entry{Line: &moved})
			continue
		}
		out = append(out, e)
	}
	return series.With(out)
}

// wall reads a date or time as it stands on the wall, whatever its zone.
func wall(v string) (time.Time, bool) {
	v = strings.TrimSpace(v)
	if n := len(v); n != 8 && n != 15 && n != 16 {
		return time.Time{}, false
	}
	t, err := time.Parse("20060102T150405Z"[:len(v)], v)
	return t, err == nil
}
