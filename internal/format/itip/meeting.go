package itip

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"outpost/internal/format"
	"outpost/internal/format/contentline"
	gw "outpost/internal/groupware"
)

type (
	line      = contentline.Line
	component = contentline.Component
)

// meeting is an event or task with its changed occurrences. A nil meeting has nobody and nothing.
type meeting struct {
	raw       []byte // with CRLF
	object    *contentline.Object
	calendar  *component
	parts     map[string]*component       // by occurrence, "" is the series or the one event
	asked     map[string]map[string]*line // by occurrence and address
	any       map[string]*line            // by address
	order     []string
	organizer *line
}

// readMeeting takes an iCalendar object apart; nil without error for none, and for what has no attendees by its nature.
func readMeeting(raw []byte) (*meeting, error) {
	if raw == nil {
		return nil, nil
	}
	m := &meeting{parts: map[string]*component{}, asked: map[string]map[string]*line{}, any: map[string]*line{}}
	m.raw = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	if bytes.Equal(m.raw, raw) {
		m.raw = raw
	}
	var err error
	if m.object, err = contentline.Parse(m.raw); err != nil {
		return nil, err
	}
	cals := m.object.Components("VCALENDAR")
	if len(cals) != 1 {
		return nil, errors.New("it is not one VCALENDAR")
	}
	m.calendar = cals[0]
	uid, name, count := "", "", 0
	for _, c := range m.calendar.Components("") {
		if !isItem(c.Name) {
			continue
		}
		id := strings.TrimSpace(c.TextOf("UID"))
		if len(m.parts) == 0 {
			uid, name = id, c.Name
		}
		if id == "" || id != uid || c.Name != name {
			return nil, fmt.Errorf("line %d: it holds more than one event or task, or one without UID", c.Line())
		}
		key := ""
		if l := c.Get("RECURRENCE-ID"); l != nil {
			key = instant(l, l.Value(), m.calendar)
		}
		if m.parts[key] != nil {
			return nil, fmt.Errorf("line %d: it holds the same occurrence twice", c.Line())
		}
		if len(m.parts) >= maxOccurrences {
			return nil, fmt.Errorf("it has more than %d changed occurrences", maxOccurrences)
		}
		m.parts[key] = c
		m.order = append(m.order, key)
		if l := c.Get("ORGANIZER"); l != nil && (m.organizer == nil || key == "") {
			m.organizer = l
		}
		if count += len(c.All("ATTENDEE")); count > maxAttendees {
			return nil, fmt.Errorf("it has more than %d attendees", maxAttendees)
		}
		m.asked[key] = attendees(c)
		for who, l := range m.asked[key] {
			if m.any[who] == nil || key == "" {
				m.any[who] = l
			}
		}
	}
	if len(m.parts) == 0 {
		return nil, nil
	}
	for key, c := range m.parts { // an occurrence that names nobody at all is that of the series
		if c.Get("ATTENDEE") == nil && c.Get("ORGANIZER") == nil {
			m.asked[key] = m.asked[""]
		}
	}
	return m, nil
}

// isItem tells components that can have attendees who are asked (RFC 5546 3.2, 3.4).
func isItem(name string) bool { return name == "VEVENT" || name == "VTODO" }

// address is the mail address of an ORGANIZER or ATTENDEE in lower case, "" when it has none that mail can be sent to.
func address(l *line) string { return strings.ToLower(mailbox(l)) }

// mailbox is the mail address as it is written (RFC 6068 without header fields).
func mailbox(l *line) string {
	v := strings.TrimSpace(l.Value())
	if len(v) <= 7 || !strings.EqualFold(v[:7], "mailto:") {
		if v = l.Param("EMAIL"); v == "" { // RFC 7986 6.2
			return ""
		}
	} else {
		v, _, _ = strings.Cut(v[7:], "?")
		if plain, err := url.PathUnescape(v); err == nil {
			v = plain
		}
	}
	at := strings.LastIndexByte(v, '@')
	if at <= 0 || at == len(v)-1 || len(v) > 254 || strings.ContainsFunc(v, func(r rune) bool {
		return r <= ' ' || r == 0x7f || r == '\uFFFD' || strings.ContainsRune(`<>()[],;:"\`, r)
	}) {
		return ""
	}
	return v
}

func addresses(list []string) map[string]bool {
	out := map[string]bool{}
	for _, a := range list {
		if a = strings.ToLower(strings.TrimSpace(a)); a != "" {
			out[a] = true
		}
	}
	return out
}

// attendees are the attendees of one component by address.
func attendees(c *component) map[string]*line {
	out := map[string]*line{}
	for _, l := range c.All("ATTENDEE") {
		if a := address(l); a != "" && out[a] == nil {
			out[a] = l
		}
	}
	return out
}

func keys(m map[string]*line) []string { return slices.Sorted(maps.Keys(m)) }

// everybody lists the attendees of all parts, the organizer left out, in the order in which they stand there.
func (m *meeting) everybody() []string {
	if m == nil {
		return nil
	}
	seen := map[string]bool{"": true}
	if m.organizer != nil {
		seen[address(m.organizer)] = true
	}
	var out []string
	for _, key := range m.order {
		for _, l := range m.parts[key].All("ATTENDEE") {
			if a := address(l); !seen[a] {
				seen[a] = true
				out = append(out, a)
			}
		}
	}
	return out
}

func union(a, b *meeting) []string {
	out := a.everybody()
	seen := map[string]bool{}
	for _, x := range out {
		seen[x] = true
	}
	for _, x := range b.everybody() {
		if !seen[x] {
			out = append(out, x)
		}
	}
	return out
}

// partsOf lists the parts to which somebody is asked.
func (m *meeting) partsOf(who string) []string {
	var out []string
	if m == nil {
		return nil
	}
	for _, key := range m.order {
		if m.find(key, who) != nil {
			out = append(out, key)
		}
	}
	return out
}

// find returns the ATTENDEE of somebody in a part.
func (m *meeting) find(key, who string) *line { return m.asked[key][who] }

// agentIsOther tells that somebody else tells this attendee or organizer, or nobody (RFC 6638 7.1).
func agentIsOther(l *line) bool {
	switch strings.ToUpper(l.Param("SCHEDULE-AGENT")) {
	case "NONE", "CLIENT":
		return true
	}
	return false
}

// mayTell tells whether an attendee is ours to tell.
func (m *meeting) mayTell(who string) bool {
	for _, key := range m.order {
		if l := m.find(key, who); l != nil && agentIsOther(l) {
			return false
		}
	}
	return true
}

// forced tells whether a message is asked for although nothing changed (RFC 6638 7.2).
func (m *meeting) forced(who, method string) bool {
	l := m.organizer
	if method == "REQUEST" {
		for _, key := range m.order {
			if l = m.find(key, who); l != nil {
				break
			}
		}
	}
	return l != nil && strings.EqualFold(l.Param("SCHEDULE-FORCE-SEND"), method)
}

// cancelled tells whether the whole meeting is marked as off.
func (m *meeting) cancelled() bool {
	c := m.parts[""]
	return c != nil && strings.EqualFold(strings.TrimSpace(c.TextOf("STATUS")), "CANCELLED")
}

// over tells whether nothing of the meeting lies ahead, a day for time zones granted. A rule that ends by number is taken to go on.
func (m *meeting) over(now time.Time) bool {
	d := format.Derive(gw.MediaCalendar, m.raw)
	limit := now.AddDate(0, 0, -1)
	if d.End.IsZero() || !d.End.Before(limit) {
		return false
	}
	for key, c := range m.parts {
		if key != "" { // an occurrence that was moved
			for _, name := range []string{"DTEND", "DUE", "DTSTART"} {
				if l := c.Get(name); l != nil {
					if t, _, err := format.Time(l.Value(), l.Param("TZID"), m.calendar); err != nil && t.IsZero() || !t.Before(limit) {
						return false
					}
				}
			}
		}
		for _, l := range c.All("RRULE") {
			until := time.Time{}
			for _, p := range strings.Split(strings.ToUpper(l.Value()), ";") {
				if v, ok := strings.CutPrefix(p, "UNTIL="); ok {
					until, _, _ = format.Time(v, "", nil)
				}
			}
			if until.IsZero() || !until.AddDate(0, 0, 1).Before(limit) {
				return false
			}
		}
		if c.Get("RDATE") != nil {
			return false
		}
	}
	return true
}

// answer is the PARTSTAT of an attendee (RFC 5545 3.2.12).
func answer(l *line) string {
	if l != nil {
		if p := strings.ToUpper(l.Param("PARTSTAT")); p != "" {
			return p
		}
	}
	return "NEEDS-ACTION"
}

func sequence(c *component) int {
	n, err := strconv.ParseInt(strings.TrimSpace(c.TextOf("SEQUENCE")), 10, 31)
	if err != nil || n < 0 || n >= 1<<31-2 {
		return 0
	}
	return int(n)
}

// date is one value of EXDATE: what it means, and a property with it alone.
type date struct {
	key  string
	line *line
}

func dates(c *component, name string) []date {
	var out []date
	for _, l := range c.All(name) {
		for _, v := range contentline.Fields(l.Value(), ',') {
			if v = strings.TrimSpace(v); v != "" && len(out) < maxOccurrences {
				one := *l
				one.SetValue(v)
				out = append(out, date{instant(l, v, nil), &one})
			}
		}
	}
	return out
}

// instant names an occurrence, however its time is written. Nothing that is sent is made from it.
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
	return stamp(t)
}

// stamp is a UTC DATE-TIME (RFC 5545 3.3.5).
func stamp(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// groups are attendees who are told the same.
type groups struct {
	list []*group
	by   map[string]*group
}

type group struct {
	who   []string
	parts []string
}

func (g *groups) add(who string, parts []string) {
	key := strings.Join(parts, "\x00")
	x := g.by[key]
	if x == nil || len(x.who) >= maxRecipients {
		x = &group{parts: parts}
		if g.by == nil {
			g.by = map[string]*group{}
		}
		g.by[key] = x
		g.list = append(g.list, x)
	}
	x.who = append(x.who, who)
}
