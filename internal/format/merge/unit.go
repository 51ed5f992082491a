package merge

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	gw "outpost/internal/groupware"
)

// unit is what is changed as one: one or more properties of a component, in their three versions.
type unit struct {
	name  string // of its first property
	what  what
	lines [sides][]*line
}

// properties merges the properties of a component.
func (m *merger) properties(s scope, edit *edits) {
	if m.media == gw.MediaVCard {
		m.alignGroups(s.c)
	}
	last := map[string]*line{} // where another property of that name is put
	var units []*unit
	byKey := map[string]*unit{}
	for side, c := range s.c {
		if c == nil {
			continue
		}
		for _, e := range c.Entries {
			l := e.Line
			if l == nil || l.Name() == "" {
				continue
			}
			if side == remote {
				last[l.Name()] = l
			}
			key := m.key(s.c[remote], l)
			u := byKey[key]
			if u == nil {
				u = &unit{name: l.Name(), what: m.kind(s.c[remote], l.Name())}
				byKey[key] = u
				units = append(units, u)
			}
			u.lines[side] = append(u.lines[side], l)
		}
	}
	for _, u := range units {
		switch {
		case u.what == notes:
			m.notes(u, edit, last)
		case u.what == list && !u.encoded():
			m.listed(s, u, edit, last)
		case u.what == set, u.what == multi && (len(u.lines[base]) == 0 || u.several()), u.what == whole && u.several() && m.alike(u):
			m.each(s, u, edit, last)
		case u.name == "ATTENDEE" || u.name == "ORGANIZER":
			m.participant(s, u, edit, last)
		default:
			m.one(s, u, edit, last)
		}
	}
}

func (u *unit) several() bool {
	return len(u.lines[base]) > 1 || len(u.lines[local]) > 1 || len(u.lines[remote]) > 1
}

// alike tells that all properties of a unit have the same name: several of them are a set.
func (m *merger) alike(u *unit) bool {
	for _, ls := range u.lines {
		for _, l := range ls {
			if l.Name() != u.name || isWhen(u.name) || u.name == "N" || u.name == "FN" {
				return false
			}
		}
	}
	return true
}

func (u *unit) encoded() bool {
	for _, ls := range u.lines {
		for _, l := range ls {
			if l.Param("ENCODING") != "" {
				return true
			}
		}
	}
	return false
}

// one merges a unit that changes as a whole.
func (m *merger) one(s scope, u *unit, edit *edits, last map[string]*line) {
	var means [sides]string
	for i, ls := range u.lines {
		means[i] = m.canonAll(ls)
	}
	v := m.decide(means)
	if v == same {
		return
	}
	if s.moved && isWhen(u.name) {
		v = clash
	}
	if v == take {
		m.takeOver(u.lines, edit, last)
	}
	// A person reads the properties of the unit one by one.
	var names []string
	by := map[string][sides][]*line{}
	for i, ls := range u.lines {
		for _, l := range ls {
			x, found := by[l.Name()]
			if !found {
				names = append(names, l.Name())
			}
			x[i] = append(x[i], l)
			by[l.Name()] = x
		}
	}
	for _, name := range names {
		x := by[name]
		if m.canonAll(x[local]) != m.canonAll(x[remote]) {
			m.note(s, name, x, v)
		}
	}
}

// takeOver makes the remote properties of a unit those of the local side; those that mean the same stay as they are.
func (m *merger) takeOver(ls [sides][]*line, edit *edits, last map[string]*line) {
	stay := map[string]int{}
	for _, l := range ls[local] {
		stay[m.canon(l)]++
	}
	for _, r := range ls[remote] {
		if c := m.canon(r); stay[c] > 0 {
			stay[c]--
		} else {
			edit.replace(r, nil)
		}
	}
	for _, l := range ls[local] {
		if c := m.canon(l); stay[c] > 0 {
			stay[c]--
			edit.put(last[l.Name()], l)
		}
	}
}

// each merges a set of properties: every one is there or is not.
func (m *merger) each(s scope, u *unit, edit *edits, last map[string]*line) {
	var order []string
	by := map[string]*[sides]*line{}
	for side, ls := range u.lines {
		times := map[string]int{}
		for _, l := range ls {
			key := m.canon(l)
			if times[key]++; times[key] > 1 {
				key += "\x00" + strconv.Itoa(times[key])
			}
			x := by[key]
			if x == nil {
				x = new([sides]*line)
				by[key] = x
				order = append(order, key)
			}
			x[side] = l
		}
	}
	for _, key := range order {
		x := by[key]
		var there [sides]string
		var ls [sides][]*line
		for i, l := range x {
			if l != nil {
				there[i] = "there"
				ls[i] = []*line{l}
			}
		}
		v := m.decide(there)
		if v == same {
			continue
		}
		if v == take && x[local] != nil {
			edit.put(last[u.name], x[local])
		} else if v == take {
			edit.replace(x[remote], nil)
		}
		m.note(s, u.name, ls, v)
	}
}

// listed merges the values of properties that hold several each.
func (m *merger) listed(s scope, u *unit, edit *edits, last map[string]*line) {
	type value struct {
		raw  [sides]string
		line [sides]*line
	}
	var order []string
	by := map[string]*value{}
	for side, ls := range u.lines {
		for _, l := range ls {
			for key, raw := range m.listValues(l, s.c[side]) {
				x := by[key]
				if x == nil {
					x = &value{}
					by[key] = x
					order = append(order, key)
				}
				x.raw[side], x.line[side] = raw, l
			}
		}
	}
	gone := map[*line]map[string]bool{} // from which remote lines which values are taken out
	more := map[*line][]string{}        // and added
	fresh := map[string]*line{}         // new lines, by their parameters
	var freshOrder []string
	var taken []*value
	for _, key := range order {
		x := by[key]
		var there [sides]string
		var ls [sides][]*line
		for i, l := range x.line {
			if l != nil {
				there[i] = "there"
				one := *l
				one.SetValue(x.raw[i])
				ls[i] = []*line{&one}
			}
		}
		v := m.decide(there)
		if v == same {
			continue
		}
		switch {
		case v == take && x.line[local] == nil:
			r := x.line[remote]
			if gone[r] == nil {
				gone[r] = map[string]bool{}
			}
			gone[r][key] = true
		case v == take:
			taken = append(taken, x)
		}
		m.note(s, u.name, ls, v)
	}
	fits := map[string]*line{} // by parameters: where a value is added, best where one goes
	for _, r := range u.lines[remote] {
		if p := m.paramsOf(r); fits[p] == nil || gone[fits[p]] == nil && gone[r] != nil {
			fits[p] = r
		}
	}
	for _, x := range taken {
		l := x.line[local]
		params := m.paramsOf(l)
		if r := fits[params]; r != nil {
			more[r] = append(more[r], x.raw[local])
		} else if f := fresh[params]; f != nil {
			f.SetValue(f.Value() + "," + x.raw[local])
		} else {
			f := *l
			f.SetValue(x.raw[local])
			fresh[params] = &f
			freshOrder = append(freshOrder, params)
		}
	}
	for _, r := range u.lines[remote] {
		if gone[r] == nil && more[r] == nil {
			continue
		}
		var keep []string
		for key, raw := range m.listValues(r, s.c[remote]) {
			if !gone[r][key] {
				keep = append(keep, raw)
			}
		}
		if keep = append(keep, more[r]...); len(keep) == 0 {
			edit.replace(r, nil)
			continue
		}
		changed := *r
		changed.SetValue(strings.Join(keep, ","))
		edit.replace(r, &changed)
	}
	for _, params := range freshOrder {
		edit.put(last[u.name], fresh[params])
	}
}

// paramsOf are all parameters of a property in one form.
func (m *merger) paramsOf(l *line) string {
	var b strings.Builder
	b.WriteString(strings.ToLower(l.Group))
	params := m.params(l)
	for _, n := range slices.Sorted(maps.Keys(params)) {
		b.WriteString("\x00" + n + "=" + params[n])
	}
	return b.String()
}

// maxParams bounds the parameters that are merged one by one.
const maxParams = 100

// participant merges an attendee or organizer parameter by parameter: an answer here and a status there do not disturb each other.
func (m *merger) participant(s scope, u *unit, edit *edits, last map[string]*line) {
	if len(u.lines[local]) != 1 || len(u.lines[remote]) != 1 || len(u.lines[base]) > 1 || m.value(u.lines[local][0]) != m.value(u.lines[remote][0]) {
		m.one(s, u, edit, last)
		return
	}
	l, r := u.lines[local][0], u.lines[remote][0]
	var params [sides]map[string]string
	names := map[string]bool{}
	for i, ls := range u.lines {
		if len(ls) == 1 {
			params[i] = m.params(ls[0])
		}
		for name := range params[i] {
			names[name] = true
		}
	}
	if len(names) > maxParams {
		m.one(s, u, edit, last)
		return
	}
	worst := same
	changed := *r
	for _, name := range slices.Sorted(maps.Keys(names)) {
		d := m.decide([sides]string{params[base][name], params[local][name], params[remote][name]})
		if d == take {
			changed.SetParam(name, l.ParamValues(name)...)
		}
		worst = max(worst, d)
	}
	if worst == same {
		return
	}
	if worst == take {
		edit.replace(r, &changed)
	}
	m.note(s, u.name, u.lines, worst)
}

// notes merges what programs write down for themselves: the later time, the earlier creation, the higher count; else the server's.
func (m *merger) notes(u *unit, edit *edits, last map[string]*line) {
	b, l, r := u.lines[base], u.lines[local], u.lines[remote]
	if m.noBase || len(b) > 1 || len(l) != 1 || len(r) > 1 {
		return
	}
	if len(r) == 0 {
		if len(b) == 0 {
			edit.put(last[u.name], l[0])
		}
		return
	}
	if len(b) == 1 && b[0].Value() == l[0].Value() {
		return
	}
	better := false
	switch u.name {
	case "SEQUENCE", "X-MOZ-GENERATION", "X-MICROSOFT-CDO-APPT-SEQUENCE":
		x, err1 := strconv.ParseInt(strings.TrimSpace(l[0].Value()), 10, 32)
		y, err2 := strconv.ParseInt(strings.TrimSpace(r[0].Value()), 10, 32)
		better = err1 == nil && (err2 != nil || x > y)
	case "CREATED":
		x, y := stampOf(l[0]), stampOf(r[0])
		better = x != "" && (y == "" || x < y)
	case "DTSTAMP", "LAST-MODIFIED", "REV", "ACKNOWLEDGED", "X-MOZ-LASTACK", "X-MICROSOFT-CDO-ATTENDEE-CRITICAL-CHANGE", "X-MICROSOFT-CDO-OWNER-CRITICAL-CHANGE":
		x, y := stampOf(l[0]), stampOf(r[0])
		better = x > y
	}
	if better {
		edit.replace(r[0], l[0])
	}
}

// stampOf makes times that programs note comparable, in basic or extended form; "" when it is none.
func stampOf(l *line) string {
	v := strings.NewReplacer("-", "", ":", "").Replace(strings.ToUpper(strings.TrimSpace(l.Value())))
	if len(v) < 8 || strings.ContainsFunc(v, func(r rune) bool { return (r < '0' || r > '9') && r != 'T' && r != 'Z' && r != '.' }) {
		return ""
	}
	return v
}

// note lists a difference of some properties of one name.
func (m *merger) note(s scope, name string, ls [sides][]*line, v verdict) {
	var l *line
	for _, x := range ls {
		if len(x) > 0 {
			l = x[0]
			break
		}
	}
	all := func(ls []*line) string {
		texts := make([]string, 0, min(len(ls), 20))
		for _, l := range ls[:min(len(ls), 20)] {
			texts = append(texts, m.shown(l))
		}
		return show(strings.Join(texts, "\n"))
	}
	m.differ(Difference{Where: s.where, Property: m.propertyWord(l), Name: name, Base: all(ls[base]), Local: all(ls[local]), Remote: all(ls[remote]), Clash: v == clash})
}
