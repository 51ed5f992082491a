package davserver

import (
	"encoding/xml"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// target is what a path names.
type target struct {
	what string // root, principal, home, collection, resource
	user string
	kind Kind
	name string // of the collection
	res  string // of the resource
	c    *collection
	r    *resource
}

const (
	principals   = "/principals/"
	calendars    = "/calendars/"
	addressBooks = "/addressbooks/"
)

func (c *collection) href() string {
	return homePath(c.user, c.kind) + escape(c.name) + "/"
}

func homePath(user string, kind Kind) string {
	if kind == AddressBook {
		return addressBooks + escape(user) + "/"
	}
	return calendars + escape(user) + "/"
}

// find resolves an escaped path. What does not exist has a nil c or r.
func (s *Store) find(escaped string) (*target, bool) {
	var segs []string
	for _, p := range strings.Split(strings.Trim(escaped, "/"), "/") {
		d, err := url.PathUnescape(p)
		if err != nil {
			return nil, false
		}
		segs = append(segs, d)
	}
	t := &target{}
	switch {
	case segs[0] == "" && len(segs) == 1:
		t.what = "root"
		return t, true
	case len(segs) < 2 || len(segs) > 4:
		return nil, false
	case segs[0] == strings.Trim(principals, "/") && len(segs) == 2:
		t.what = "principal"
	case segs[0] == strings.Trim(calendars, "/"):
		t.what, t.kind = "home", Calendar
	case segs[0] == strings.Trim(addressBooks, "/"):
		t.what, t.kind = "home", AddressBook
	default:
		return nil, false
	}
	t.user = segs[1]
	if len(segs) > 2 {
		t.what, t.name = "collection", segs[2]
		t.c = s.home(t.user, t.kind)[t.name]
	}
	if len(segs) > 3 {
		t.what, t.res = "resource", segs[3]
		if t.c != nil {
			t.r = t.c.resources[t.res]
		}
	}
	return t, true
}

func (t *target) exists() bool {
	return t.what != "collection" && t.what != "resource" || t.what == "collection" && t.c != nil || t.r != nil
}

func (t *target) href() string {
	switch t.what {
	case "principal":
		return principals + escape(t.user) + "/"
	case "home":
		return homePath(t.user, t.kind)
	case "collection":
		return t.c.href()
	case "resource":
		return t.c.href() + escape(t.r.name)
	}
	return "/"
}

func resourceTarget(c *collection, r *resource) *target {
	return &target{what: "resource", user: c.user, kind: c.kind, name: c.name, res: r.name, c: c, r: r}
}

func (c *collection) sorted() []*resource {
	out := make([]*resource, 0, len(c.resources))
	for _, r := range c.resources {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *resource) int { return strings.Compare(a.name, b.name) })
	return out
}

// children lists what is right below, for Depth 1.
func (s *Store) children(t *target) []*target {
	var out []*target
	switch t.what {
	case "home":
		for _, c := range s.home(t.user, t.kind) {
			out = append(out, &target{what: "collection", user: t.user, kind: t.kind, name: c.name, c: c})
		}
		slices.SortFunc(out, func(a, b *target) int { return strings.Compare(a.name, b.name) })
	case "collection":
		for _, r := range t.c.sorted() {
			out = append(out, resourceTarget(t.c, r))
		}
	}
	return out
}

func (c *collection) contentType(r *resource) string {
	if c.kind == AddressBook {
		return "text/vcard; charset=utf-8"
	}
	return "text/calendar; charset=utf-8; component=" + strings.ToLower(r.component)
}

// propNames are the properties that allprop tells and that PROPPATCH may not set.
func propNames() []xml.Name {
	return []xml.Name{{Space: nsDAV, Local: "resourcetype"}, {Space: nsDAV, Local: "displayname"}, {Space: nsDAV, Local: "getetag"},
		{Space: nsDAV, Local: "getcontenttype"}, {Space: nsDAV, Local: "getcontentlength"}, {Space: nsDAV, Local: "sync-token"},
		{Space: nsCS, Local: "getctag"}, {Space: nsDAV, Local: "owner"}, {Space: nsDAV, Local: "current-user-principal"}}
}

// prop returns a property's inner XML. user is who asks.
func (t *target) prop(n xml.Name, user string) (string, bool) {
	own := func(ok bool, s string) (string, bool) { return s, ok }
	me := href(principals + escape(user) + "/")
	collection := t.what == "collection"
	switch n.Space + " " + n.Local {
	case "DAV: resourcetype":
		switch {
		case t.what == "resource":
			return "", true
		case t.what == "principal":
			return "<D:collection/><D:principal/>", true
		case collection && t.kind == Calendar:
			return "<D:collection/><C:calendar/>", true
		case collection:
			return "<D:collection/><CR:addressbook/>", true
		}
		return "<D:collection/>", true
	case "DAV: displayname":
		if collection {
			if v := t.c.props[propKey(n)]; v != "" {
				return text(v), true
			}
			return text(t.c.name), true
		}
		return own(t.what == "principal" || t.what == "home", text(t.user))
	case "DAV: getetag":
		if t.r != nil {
			return text(t.r.etag), true
		}
	case "DAV: getcontenttype":
		if t.r != nil {
			return t.c.contentType(t.r), true
		}
	case "DAV: getcontentlength":
		if t.r != nil {
			return strconv.Itoa(len(t.r.body)), true
		}
	case "DAV: sync-token":
		if collection {
			return t.c.token(t.c.seq), true
		}
	case nsCS + " getctag":
		if collection {
			return t.c.token(t.c.seq), true
		}
	case "DAV: current-user-principal":
		return me, true
	case "DAV: principal-URL", "DAV: owner":
		return own(t.what != "root", me)
	case "DAV: principal-collection-set":
		return href(principals), true
	case "DAV: current-user-privilege-set":
		return own(t.what != "root", privilege("all")+privilege("read")+privilege("write")+privilege("write-properties")+privilege("write-content")+
			privilege("bind")+privilege("unbind")+privilege("read-current-user-privilege-set"))
	case "DAV: supported-report-set":
		return own(collection, t.reports())
	case nsCal + " calendar-home-set":
		return own(t.what == "principal", href(homePath(user, Calendar)))
	case nsCard + " addressbook-home-set":
		return own(t.what == "principal", href(homePath(user, AddressBook)))
	case nsCal + " calendar-user-address-set":
		return own(t.what == "principal", href("mailto:"+user))
	case nsCal + " supported-calendar-component-set":
		if collection && t.kind == Calendar {
			s := ""
			for _, c := range t.c.components {
				s += `<C:comp name="` + c + `"/>`
			}
			return s, true
		}
	case nsCal + " supported-calendar-data":
		return own(collection && t.kind == Calendar, `<C:calendar-data content-type="text/calendar" version="2.0"/>`)
	case nsCard + " supported-address-data":
		return own(collection && t.kind == AddressBook,
			`<CR:address-data-type content-type="text/vcard" version="3.0"/><CR:address-data-type content-type="text/vcard" version="4.0"/>`)
	case nsCal + " max-resource-size", nsCard + " max-resource-size":
		return own(collection, strconv.Itoa(maxResource))
	case nsCal + " calendar-data":
		if t.r != nil && t.kind == Calendar {
			return text(string(t.r.body)), true
		}
	case nsCard + " address-data":
		if t.r != nil && t.kind == AddressBook {
			return text(string(t.r.body)), true
		}
	default:
		if collection {
			v, ok := t.c.props[propKey(n)]
			return text(v), ok
		}
	}
	return "", false
}

func propKey(n xml.Name) string { return n.Space + " " + n.Local }

// settable reports whether a property is the client's to set.
func settable(n xml.Name) bool {
	switch propKey(n) {
	case "DAV: displayname", nsCal + " calendar-description", nsCal + " calendar-timezone", nsCard + " addressbook-description",
		nsCal + " schedule-calendar-transp":
		return true
	}
	return n.Space != nsDAV && n.Space != nsCal && n.Space != nsCard && propKey(n) != nsCS+" getctag"
}

func privilege(name string) string {
	return "<D:privilege><D:" + name + "/></D:privilege>"
}

func (t *target) reports() string {
	s := ""
	names := []string{"D:sync-collection", "C:calendar-multiget", "C:calendar-query"}
	if t.kind == AddressBook {
		names = []string{"D:sync-collection", "CR:addressbook-multiget", "CR:addressbook-query"}
	}
	for _, n := range names {
		s += "<D:supported-report><D:report><" + n + "/></D:report></D:supported-report>"
	}
	return s
}
