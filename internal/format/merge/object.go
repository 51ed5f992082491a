package merge

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"outpost/internal/format/contentline"
	gw "outpost/internal/groupware"
)

type (
	line      = contentline.Line
	component = contentline.Component
	entry     = contentline.Entry
)

// object merges calendars and contacts; false when one of the versions cannot be taken apart.
func (m *merger) object(baseRaw, localRaw, remoteRaw []byte) ([]byte, bool) {
	lf := bareLF(remoteRaw)
	o := [sides]*contentline.Object{}
	c := [sides]*component{}
	for s, raw := range [sides][]byte{baseRaw, localRaw, remoteRaw} {
		if s == base && m.noBase {
			continue
		}
		if s != remote {
			raw = lineEnds(raw, lf) // a line that is taken over has the line end of its new neighbours
		}
		var err error
		if o[s], err = contentline.Parse(raw); err != nil {
			return nil, false
		}
		if c[s] = only(o[s], m.top()); c[s] == nil {
			return nil, false
		}
	}
	// The same word means other things in another version of the format (vCard 2.1, 3.0, 4.0).
	if l, r := c[local].TextOf("VERSION"), c[remote].TextOf("VERSION"); l != r {
		m.differ(Difference{Where: m.where(c[remote]), Property: "Version", Name: "VERSION", Base: textOf(c[base], "VERSION"), Local: show(l), Remote: show(r),
			Clash: m.noBase || !bytes.Equal(baseRaw, localRaw) && !bytes.Equal(baseRaw, remoteRaw)})
	}
	named := map[string]bool{}
	zonesUsed(c[remote], named)
	m.walk(scope{where: m.where(c[remote]), c: c})
	m.zones(c, named)
	return o[remote].Encode(), true
}

func (m *merger) top() string {
	if m.media == gw.MediaVCard {
		return "VCARD"
	}
	return "VCALENDAR"
}

func textOf(c *component, name string) string {
	if c == nil {
		return ""
	}
	return show(c.TextOf(name))
}

// only returns the one component that an object is; nil when it is more or less than that.
func only(o *contentline.Object, name string) *component {
	var c *component
	for _, e := range o.Entries {
		switch {
		case e.Component != nil && c == nil && e.Component.Name == name:
			c = e.Component
		case e.Component != nil || e.Line.Name() != "":
			return nil
		}
	}
	return c
}

func bareLF(raw []byte) bool {
	k := bytes.IndexByte(raw, '\n')
	return k == 0 || k > 0 && raw[k-1] != '\r'
}

// lineEnds gives every line LF or CRLF.
func lineEnds(raw []byte, lf bool) []byte {
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	if lf {
		return raw
	}
	return bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
}

// scope is one component in its three versions; base is nil when it was not there. Local and remote are there.
type scope struct {
	where string
	c     [sides]*component
	moved bool // the start must not be merged: the other side changed occurrences that are named by it
}

// walk merges the properties of a component and then what is inside it.
func (m *merger) walk(s scope) {
	edit := &edits{}
	m.properties(s, edit)
	m.children(s, edit)
	edit.apply(s.c[remote])
}

// child is a component inside another in its three versions.
type child struct {
	key    string
	c      [sides]*component
	number int // position among those of its name, in the version that has it first
}

// children merges what is inside a component: occurrences by RECURRENCE-ID, alarms by UID or content, all else by content.
func (m *merger) children(s scope, edit *edits) {
	list := m.pair(s.c)
	moved := m.movedSeries(s.c, list)
	for _, k := range list {
		b, l, r := k.c[base], k.c[local], k.c[remote]
		if l != nil && r != nil {
			where := m.place(s, k)
			if b == nil && !m.noBase {
				k.c[base] = m.occurrenceOf(s.c, l)
			}
			m.walk(scope{where: where, c: k.c, moved: moved[k.key]})
			continue
		}
		v := m.decide(m.meanings(k.c))
		if v == same {
			continue
		}
		if v == take && l == nil {
			edit.drop(r)
		} else if v == take {
			edit.insert(l)
		}
		if v != clash && moved[k.key] {
			v = clash
		}
		m.differ(Difference{Where: m.place(s, k), Property: m.componentWord(first(k.c)), Name: first(k.c).Name,
			Base: m.summary(b), Local: m.summary(l), Remote: m.summary(r), Clash: v == clash})
	}
}

func first(c [sides]*component) *component {
	for _, x := range c {
		if x != nil {
			return x
		}
	}
	return nil
}

// pair finds out which components of the three versions are the same one.
func (m *merger) pair(c [sides]*component) []*child {
	known := map[string]string{} // the UID of an alarm by what it says, for versions that lack the UID
	for _, x := range c {
		if x == nil {
			continue
		}
		for _, y := range x.Components("VALARM") {
			if uid := alarmUID(y); uid != "" {
				known[m.meaning(y)] = uid
			}
		}
	}
	var list []*child
	byKey := map[string]*child{}
	for s, x := range c {
		if x == nil {
			continue
		}
		times := map[string]int{}
		count := map[string]int{}
		for _, y := range x.Components("") {
			if y.Name == "VTIMEZONE" {
				continue
			}
			count[y.Name]++
			key := m.childKey(x, y, known)
			if times[key]++; times[key] > 1 {
				key += "\x00" + strconv.Itoa(times[key])
			}
			k := byKey[key]
			if k == nil {
				k = &child{key: key, number: count[y.Name]}
				byKey[key] = k
				list = append(list, k)
			}
			k.c[s] = y
			if k.c[base] == nil {
				k.number = min(k.number, count[y.Name])
			}
		}
	}
	return list
}

func alarmUID(c *component) string {
	for _, name := range []string{"UID", "X-WR-ALARMUID"} { // RFC 9074 4
		if uid := strings.TrimSpace(c.TextOf(name)); uid != "" {
			return uid
		}
	}
	return ""
}

func (m *merger) childKey(in, c *component, known map[string]string) string {
	switch {
	case isItem(c):
		key := c.Name + "\x00" + strings.TrimSpace(c.TextOf("UID"))
		if l := c.Get("RECURRENCE-ID"); l != nil {
			key += "\x00" + instant(l, l.Value(), in) + "\x00" + strings.ToUpper(l.Param("RANGE"))
		}
		return key
	case c.Name == "VALARM":
		uid := alarmUID(c)
		if uid == "" {
			uid = known[m.meaning(c)]
		}
		if uid != "" {
			return "VALARM\x00uid\x00" + uid
		}
	}
	return c.Name + "\x00" + m.meaning(c)
}

func isItem(c *component) bool {
	switch c.Name {
	case "VEVENT", "VTODO", "VJOURNAL":
		return true
	}
	return false
}

// movedSeries tells which series were given another start on one side while the other side changed, added or took out occurrences.
// Those are named by the old start: together they would bring back what was deleted. It also tells which occurrences one
// side took out (EXDATE) while the other side changed them.
func (m *merger) movedSeries(c [sides]*component, list []*child) map[string]bool {
	if m.noBase || m.media != gw.MediaCalendar {
		return nil
	}
	var out map[string]bool
	set := func(key string) {
		if out == nil {
			out = map[string]bool{}
		}
		out[key] = true
	}
	occurrences := map[string][]*child{} // by series
	for _, k := range list {
		if f := strings.SplitN(k.key, "\x00", 3); isItem(first(k.c)) && len(f) == 3 {
			occurrences[f[0]+"\x00"+f[1]] = append(occurrences[f[0]+"\x00"+f[1]], k)
		}
	}
	for _, k := range list {
		own := occurrences[k.key]
		if !isItem(first(k.c)) || k.c[base] == nil || k.c[local] == nil || k.c[remote] == nil || first(k.c).Get("RECURRENCE-ID") != nil {
			continue
		}
		var changed [sides]bool // whose occurrences are others than in base
		for _, x := range own {
			v := m.meanings(x.c)
			for s := local; s <= remote; s++ {
				changed[s] = changed[s] || v[s] != v[base]
			}
		}
		var dates [sides]map[string]bool
		for s := range dates {
			dates[s] = dateSet(k.c[s], c[s], "EXDATE", "RDATE")
		}
		start := m.values(k.c, "DTSTART")
		for s := local; s <= remote; s++ {
			other := local + remote - s
			if start[s] != start[base] && start[local] != start[remote] && (changed[other] || !maps.Equal(dates[base], dates[other])) {
				set(k.key)
			}
		}
		for _, x := range own { // taken out here, changed there
			l := first(x.c).Get("RECURRENCE-ID")
			if l == nil {
				continue
			}
			at := "EXDATE\x00" + instant(l, l.Value(), first(c))
			v := m.meanings(x.c)
			for s := local; s <= remote; s++ {
				other := local + remote - s
				if dates[s][at] && !dates[base][at] && x.c[s] == nil && x.c[other] != nil && v[base] != v[other] {
					set(x.key)
				}
			}
		}
	}
	return out
}

// meanings is what the versions of a component mean, "" where it is absent.
func (m *merger) meanings(c [sides]*component) (v [sides]string) {
	for s, x := range c {
		if x != nil {
			v[s] = m.meaning(x)
		}
	}
	return v
}

// zones adds the time zones that came with what was taken over, and takes over those that only the local side changed. named are
// those that the remote version named before.
func (m *merger) zones(c [sides]*component, named map[string]bool) {
	if m.media != gw.MediaCalendar {
		return
	}
	used := map[string]bool{}
	zonesUsed(c[remote], used)
	var by [sides]map[string]*component
	for s := range by {
		by[s] = map[string]*component{}
		if c[s] == nil {
			continue
		}
		for _, z := range c[s].Components("VTIMEZONE") {
			if id := z.TextOf("TZID"); by[s][id] == nil {
				by[s][id] = z
			}
		}
	}
	edit := &edits{}
	for _, z := range c[local].Components("VTIMEZONE") {
		id := z.TextOf("TZID")
		b, r := by[base][id], by[remote][id]
		switch {
		case by[local][id] != z:
		case r == nil && used[id] && !named[id]:
			edit.insert(z)
		case r != nil && b != nil && m.meaning(b) == m.meaning(r) && m.meaning(z) != m.meaning(r):
			edit.swap(r, z)
		}
	}
	edit.apply(c[remote])
}

func zonesUsed(c *component, used map[string]bool) {
	for _, e := range c.Entries {
		if e.Component != nil {
			if e.Component.Name != "VTIMEZONE" {
				zonesUsed(e.Component, used)
			}
		} else if z := e.Line.Param("TZID"); z != "" {
			used[z] = true
		}
	}
}

// edits are the changes to one component, made in one go.
type edits struct {
	lines map[*line]*line // nil: taken out
	out   []*line         // those that are taken out
	new   []added
	kids  map[*component]*component // nil: taken out
	gone  []*component
	more  []*component
}

// added is a property that is put behind another one; nil: behind all.
type added struct {
	line, after *line
}

func (e *edits) replace(old, new *line) {
	if e.lines == nil {
		e.lines = map[*line]*line{}
	}
	if e.lines[old] = new; new == nil {
		e.out = append(e.out, old)
	}
}

func (e *edits) put(after, l *line) { e.new = append(e.new, added{l, after}) }

func (e *edits) swap(old, new *component) {
	if e.kids == nil {
		e.kids = map[*component]*component{}
	}
	e.kids[old] = new
}

func (e *edits) drop(c *component) {
	e.swap(c, nil)
	e.gone = append(e.gone, c)
}

func (e *edits) insert(c *component) { e.more = append(e.more, c) }

func (e *edits) apply(c *component) {
	e.pair()
	if len(e.lines)+len(e.new)+len(e.kids)+len(e.more) == 0 {
		return
	}
	behind := map[*line][]entry{}
	for _, x := range e.new {
		behind[x.after] = append(behind[x.after], entry{Line: x.line})
	}
	out := make([]entry, 0, len(c.Entries)+len(e.new)+len(e.more))
	for _, x := range c.Entries {
		if x.Component != nil {
			if to, found := e.kids[x.Component]; !found {
				out = append(out, x)
			} else if to != nil {
				out = append(out, entry{Component: to})
			}
			continue
		}
		if to, found := e.lines[x.Line]; !found {
			out = append(out, x)
		} else if to != nil {
			out = append(out, entry{Line: to})
		}
		out = append(out, behind[x.Line]...)
	}
	if c.Entries = out; len(behind[nil]) > 0 { // behind the last property, before what is inside
		at := 0
		for i, x := range out {
			if x.Component != nil {
				break
			}
			if x.Line.Name() != "" {
				at = i + 1
			}
		}
		c.Entries = slices.Insert(c.Entries, at, behind[nil]...)
	}
	if len(e.more) > 0 {
		e.inside(c)
	}
}

// pair puts what is added in the place of what goes and has the same name.
func (e *edits) pair() {
	lines := map[string][]*line{}
	for _, l := range e.out {
		lines[l.Name()] = append(lines[l.Name()], l)
	}
	e.new = slices.DeleteFunc(e.new, func(x added) bool {
		old := lines[x.line.Name()]
		if len(old) > 0 {
			e.lines[old[0]], lines[x.line.Name()] = x.line, old[1:]
		}
		return len(old) > 0
	})
	kids := map[string][]*component{}
	for _, c := range e.gone {
		kids[c.Name] = append(kids[c.Name], c)
	}
	e.more = slices.DeleteFunc(e.more, func(c *component) bool {
		old := kids[c.Name]
		if len(old) > 0 {
			e.kids[old[0]], kids[c.Name] = c, old[1:]
		}
		return len(old) > 0
	})
}

// inside adds components behind those of their name; time zones stand before all else (RFC 5545 3.6).
func (e *edits) inside(c *component) {
	last := map[string]int{}
	for i, x := range c.Entries {
		if x.Component != nil {
			last[x.Component.Name] = i + 1
			if _, found := last[""]; !found {
				last[""] = i
			}
		}
	}
	at := map[int][]entry{}
	for _, x := range e.more {
		i, found := last[x.Name]
		if !found && x.Name == "VTIMEZONE" {
			i, found = last[""]
		}
		if !found {
			i = len(c.Entries)
		}
		at[i] = append(at[i], entry{Component: x})
	}
	out := make([]entry, 0, len(c.Entries)+len(e.more))
	for i, x := range c.Entries {
		out = append(append(out, at[i]...), x)
	}
	c.Entries = append(out, at[len(c.Entries)]...)
}
