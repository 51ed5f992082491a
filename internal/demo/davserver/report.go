package davserver

import (
	"cmp"
	"encoding/xml"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (q *request) report() error {
	if q.t.what != "collection" || q.xml == nil {
		return &errCondition{403, "D:supported-report", "", "reports are of a collection"}
	}
	props, _ := q.asked(q.xml.child(nsDAV, "prop"))
	calendar := q.t.kind == Calendar
	switch n := q.xml.name; {
	case n.Space == nsDAV && n.Local == "sync-collection":
		return q.syncCollection(props)
	case calendar && n.Space == nsCal && n.Local == "calendar-multiget", !calendar && n.Space == nsCard && n.Local == "addressbook-multiget":
		return q.multiget(props)
	case calendar && n.Space == nsCal && n.Local == "calendar-query", !calendar && n.Space == nsCard && n.Local == "addressbook-query":
		return q.query(props)
	}
	return &errCondition{403, "D:supported-report", "", q.xml.name.Local + " is not known here"}
}

// syncCollection is RFC 6578 3.2, with truncation by D:limit (3.6).
func (q *request) syncCollection(props []xml.Name) error {
	since, c := uint64(0), q.t.c
	if t := q.xml.child(nsDAV, "sync-token").trimmed(); t != "" {
		var ok bool
		if since, ok = c.parseToken(t); !ok {
			return &errCondition{403, "D:valid-sync-token", "", "this token is not known"}
		}
	}
	limit := math.MaxInt
	if v := q.xml.child(nsDAV, "limit").child(nsDAV, "nresults").trimmed(); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return &errCondition{status: 400, text: "nresults must be a number"}
		}
		limit = n
	}
	type change struct {
		seq  uint64
		name string
		r    *resource
	}
	var changes []change
	for _, r := range c.resources {
		if r.seq > since {
			changes = append(changes, change{r.seq, r.name, r})
		}
	}
	if since > 0 {
		for name, seq := range c.removed {
			if seq > since {
				changes = append(changes, change{seq, name, nil})
			}
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.seq, b.seq) })
	token, cut := c.seq, len(changes) > limit
	if cut {
		changes = changes[:limit]
		token = changes[limit-1].seq
	}
	q.multi()
	for _, ch := range changes {
		if ch.r == nil {
			q.status(c.href()+escape(ch.name), "404 Not Found")
		} else {
			q.response(resourceTarget(c, ch.r), props, false)
		}
	}
	if cut {
		q.status(c.href(), "507 Insufficient Storage")
	}
	q.a.body.WriteString("<D:sync-token>" + c.token(token) + "</D:sync-token>")
	q.end()
	return nil
}

// multiget is RFC 4791 7.9 and RFC 6352 8.7.
func (q *request) multiget(props []xml.Name) error {
	q.multi()
	for _, n := range q.xml.children {
		if !n.is(nsDAV, "href") {
			continue
		}
		asked := n.trimmed()
		u, err := url.Parse(asked)
		if err != nil {
			q.status(asked, "400 Bad Request")
			continue
		}
		t, ok := q.s.find(u.EscapedPath())
		if !ok || t.r == nil || t.c != q.t.c {
			q.status(asked, "404 Not Found")
			continue
		}
		q.response(t, props, false)
	}
	q.end()
	return nil
}

// query is calendar-query (RFC 4791 7.8) and addressbook-query (RFC 6352 8.6): component, time range, defined or not, text.
func (q *request) query(props []xml.Name) error {
	match := q.matchCard
	space := nsCard
	if q.t.kind == Calendar {
		match, space = q.matchCalendar, nsCal
	}
	filter := q.xml.child(space, "filter")
	var hits []*resource
	for _, r := range q.t.c.sorted() {
		ok, err := match(filter, r)
		if err != nil {
			return err
		}
		if ok {
			hits = append(hits, r)
		}
	}
	q.multi()
	for _, r := range hits {
		q.response(resourceTarget(q.t.c, r), props, false)
	}
	q.end()
	return nil
}

func (q *request) matchCalendar(filter *node, r *resource) (bool, error) {
	top := filter.child(nsCal, "comp-filter")
	if top == nil || top.attribute("name") != "VCALENDAR" {
		return false, &errCondition{403, "C:valid-filter", "", "a filter begins with VCALENDAR"}
	}
	for _, f := range top.children {
		if !f.is(nsCal, "comp-filter") {
			continue
		}
		is := strings.EqualFold(f.attribute("name"), r.component)
		if f.child(nsCal, "is-not-defined") != nil {
			is = !is
		}
		if !is {
			return false, nil
		}
		for _, g := range f.children {
			switch {
			case g.is(nsCal, "time-range"):
				from, to, err := timeRange(g)
				if err != nil {
					return false, err
				}
				if !overlaps(r.body, from, to) {
					return false, nil
				}
			case g.is(nsCal, "prop-filter"):
				if !matchProp(nsCal, g, r.body) {
					return false, nil
				}
			}
		}
	}
	return true, nil
}

func timeRange(n *node) (from, to time.Time, err error) {
	from, to = time.Time{}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, b := range []struct {
		name string
		t    *time.Time
	}{{"start", &from}, {"end", &to}} {
		if v := n.attribute(b.name); v != "" {
			if *b.t, err = time.Parse("20060102T150405Z", v); err != nil {
				return from, to, &errCondition{403, "C:valid-filter", "", v + " is not a time"}
			}
		}
	}
	return from, to, nil
}

func (q *request) matchCard(filter *node, r *resource) (bool, error) {
	if filter == nil {
		return true, nil
	}
	any, all := false, true
	for _, f := range filter.children {
		if f.is(nsCard, "prop-filter") {
			ok := matchProp(nsCard, f, r.body)
			any, all = any || ok, all && ok
		}
	}
	if filter.attribute("test") == "allof" || len(filter.children) == 0 {
		return all, nil
	}
	return any, nil
}

// matchProp applies a prop-filter to the values of a property.
func matchProp(space string, f *node, body []byte) bool {
	name := strings.ToUpper(f.attribute("name"))
	defined, hit := false, false
	contentLines(body, func(l line) error {
		if l.name == name {
			defined = true
			hit = hit || matchText(f.child(space, "text-match"), l.value)
		}
		return nil
	})
	if f.child(space, "is-not-defined") != nil {
		return !defined
	}
	return hit
}

func matchText(m *node, v string) bool {
	if m == nil {
		return true
	}
	v, s := strings.ToLower(v), strings.ToLower(m.text)
	var ok bool
	switch m.attribute("match-type") {
	case "equals":
		ok = v == s
	case "starts-with":
		ok = strings.HasPrefix(v, s)
	case "ends-with":
		ok = strings.HasSuffix(v, s)
	default:
		ok = strings.Contains(v, s)
	}
	return ok != (m.attribute("negate-condition") == "yes")
}
