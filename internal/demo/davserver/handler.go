package davserver

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const maxRequest = 32 << 20

// Options of a Handler.
type Options struct {
	Store  *Store
	SignIn func(user, password string) (name string, ok bool) // name: the user as the store knows it
	Log    *slog.Logger                                       // nil: silent
}

// Handler answers CalDAV and CardDAV clients.
type Handler struct{ o Options }

// New makes a handler.
func New(o Options) *Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{o}
}

// answer is a whole answer: it is made under the store's lock and written without.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// request is one request with what it is about.
type request struct {
	*http.Request
	s    *Store
	user string
	t    *target
	body []byte
	xml  *node
	a    *answer
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/.well-known/caldav") || strings.HasPrefix(r.URL.Path, "/.well-known/carddav") {
		http.Redirect(w, r, "/", http.StatusPermanentRedirect) // RFC 6764 5
		return
	}
	login, password, _ := r.BasicAuth()
	user, ok := h.o.SignIn(login, password)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="Outpost demo server", charset="UTF-8"`)
		http.Error(w, "the user name or the password is not right", http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "too large or cut short", http.StatusRequestEntityTooLarge)
		return
	}
	q := &request{Request: r, s: h.o.Store, user: user, body: body, a: &answer{status: 200, header: http.Header{}}}
	if err := q.handle(); err != nil {
		q.fail(err)
	}
	for k, v := range q.a.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Length", strconv.Itoa(q.a.body.Len()))
	w.WriteHeader(q.a.status)
	if r.Method != http.MethodHead {
		w.Write(q.a.body.Bytes())
	}
	h.o.Log.Debug("dav", "method", r.Method, "path", r.URL.Path, "status", q.a.status)
}

// fail answers with an error and its precondition (RFC 4918 16).
func (q *request) fail(err error) {
	var c *errCondition
	if !errors.As(err, &c) {
		c = &errCondition{status: http.StatusBadRequest, text: err.Error()}
	}
	q.a.status = c.status
	q.a.body.Reset()
	if c.condition == "" {
		q.a.header.Set("Content-Type", "text/plain; charset=utf-8")
		q.a.body.WriteString(c.text + "\n")
		return
	}
	q.a.header.Set("Content-Type", "application/xml; charset=utf-8")
	inner := ""
	if c.href != "" {
		inner = href(c.href)
	}
	fmt.Fprintf(&q.a.body, `<?xml version="1.0" encoding="utf-8"?>`+"\n"+`<D:error xmlns:D="DAV:" xmlns:C="%s" xmlns:CR="%s"><%s>%s</%s></D:error>`,
		nsCal, nsCard, c.condition, inner, c.condition)
}

func (q *request) handle() error {
	switch q.Method {
	case "PROPFIND", "PROPPATCH", "REPORT", "MKCALENDAR", "MKCOL":
		var err error
		if q.xml, err = parseXML(bytes.NewReader(q.body)); err != nil {
			return &errCondition{status: 400, text: "the request's XML cannot be read: " + err.Error()}
		}
	}
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	t, ok := q.s.find(q.URL.EscapedPath())
	if !ok {
		return errNotFound
	}
	if t.user != "" {
		if !strings.EqualFold(t.user, q.user) {
			return &errCondition{403, "D:need-privileges", "", "this is somebody else's"}
		}
		t.user = q.user
	}
	q.t = t
	switch q.Method {
	case "OPTIONS":
		q.a.header.Set("DAV", "1, 3, access-control, calendar-access, addressbook, extended-mkcol")
		q.a.header.Set("Allow", "OPTIONS, GET, HEAD, PUT, DELETE, MOVE, PROPFIND, PROPPATCH, REPORT, MKCALENDAR, MKCOL")
		return nil
	case "MKCALENDAR", "MKCOL":
		return q.makeCollection()
	case "PUT":
		return q.put()
	}
	if !t.exists() {
		return errNotFound
	}
	switch q.Method {
	case "GET", "HEAD":
		return q.get()
	case "DELETE":
		return q.delete()
	case "MOVE":
		return q.move()
	case "PROPFIND":
		return q.propfind()
	case "PROPPATCH":
		return q.proppatch()
	case "REPORT":
		return q.report()
	}
	return &errCondition{status: 405, text: q.Method + " is not known"}
}

// conditions checks If-Match and If-None-Match (RFC 9110 13).
func (q *request) conditions(r *resource) error {
	etag := ""
	if r != nil {
		etag = r.etag
	}
	in := func(list string) bool {
		for e := range strings.SplitSeq(list, ",") {
			if e = strings.TrimSpace(e); r != nil && (e == "*" || e == etag) {
				return true
			}
		}
		return false
	}
	if v := q.Header.Get("If-Match"); v != "" && !in(v) {
		return &errCondition{status: 412, text: "it has changed meanwhile, or is gone"}
	}
	if v := q.Header.Get("If-None-Match"); v != "" && in(v) {
		if q.Method == "GET" || q.Method == "HEAD" {
			return &errCondition{status: 304}
		}
		return &errCondition{status: 412, text: "it is there already"}
	}
	return nil
}

func (q *request) get() error {
	if q.t.what != "resource" {
		return &errCondition{status: 405, text: "a collection is listed with PROPFIND"}
	}
	if err := q.conditions(q.t.r); err != nil {
		return err
	}
	q.a.header.Set("Content-Type", q.t.c.contentType(q.t.r))
	q.a.header.Set("ETag", q.t.r.etag)
	q.a.body.Write(q.t.r.body)
	return nil
}

func (q *request) put() error {
	switch {
	case q.t.what != "resource":
		return &errCondition{status: 405, text: "only in a collection"}
	case q.t.c == nil:
		return &errCondition{status: 409, text: "the collection is not there"}
	}
	if err := q.conditions(q.t.r); err != nil {
		return err
	}
	want, condition := "text/calendar", "C:supported-calendar-data"
	if q.t.kind == AddressBook {
		want, condition = "text/vcard", "CR:supported-address-data"
	}
	if ct := q.Header.Get("Content-Type"); ct != "" && !strings.HasPrefix(strings.ToLower(ct), want) {
		return &errCondition{403, condition, "", ct + " is not stored here"}
	}
	created, err := q.s.put(q.t.c, q.t.res, q.body)
	if err != nil {
		return err
	}
	q.a.header.Set("ETag", q.t.c.resources[q.t.res].etag)
	q.a.status = 204
	if created {
		q.a.status = 201
	}
	return nil
}

func (q *request) delete() error {
	switch q.t.what {
	case "resource":
		if err := q.conditions(q.t.r); err != nil {
			return err
		}
		q.s.remove(q.t.c, q.t.r)
	case "collection":
		q.s.deleteCollection(q.t.c)
	default:
		return &errCondition{status: 403, text: "this stays"}
	}
	q.a.status = 204
	return nil
}

func (q *request) move() error {
	u, err := url.Parse(q.Header.Get("Destination"))
	if err != nil || q.t.what != "resource" {
		return &errCondition{status: 403, text: "only a resource can be moved, to a Destination"}
	}
	to, ok := q.s.find(u.EscapedPath())
	if !ok || to.what != "resource" || to.kind != q.t.kind || !strings.EqualFold(to.user, q.user) {
		return &errCondition{status: 403, text: "it cannot be moved there"}
	}
	if to.c == nil {
		return &errCondition{status: 409, text: "the collection is not there"}
	}
	if err := q.conditions(q.t.r); err != nil {
		return err
	}
	if to.r == nil && to.c != q.t.c && len(to.c.resources) >= maxResources {
		return &errCondition{status: 507, text: "the collection is full"}
	}
	if to.r == q.t.r {
		return &errCondition{status: 403, text: "it is there already"}
	}
	if to.r != nil && q.Header.Get("Overwrite") == "F" {
		return &errCondition{status: 412, text: "something of that name is already there"}
	}
	// Checked before anything is removed; within a collection the UID's only other holder is what moves.
	from, over := q.t.r, to.r
	if q.t.c == to.c {
		delete(to.c.uids, from.uid)
	}
	if _, _, err := to.c.check(to.res, from.body); err != nil {
		if q.t.c == to.c {
			to.c.uids[from.uid] = from.name
		}
		return err
	}
	q.s.remove(q.t.c, from)
	if _, err := q.s.put(to.c, to.res, from.body); err != nil {
		return err
	}
	q.a.header.Set("ETag", to.c.resources[to.res].etag)
	q.a.status = 201
	if over != nil {
		q.a.status = 204
	}
	return nil
}

// makeCollection is MKCALENDAR (RFC 4791 5.3.1) and extended MKCOL (RFC 5689).
func (q *request) makeCollection() error {
	if q.t.what != "collection" {
		return &errCondition{403, "C:calendar-collection-location-ok", "", "collections are made in a home"}
	}
	var components []string
	props := map[string]string{}
	isType := q.Method == "MKCALENDAR" && q.t.kind == Calendar
	if set := q.xml.child(nsDAV, "set").child(nsDAV, "prop"); set != nil {
		for _, p := range set.children {
			switch {
			case p.is(nsDAV, "resourcetype"):
				isType = p.child(nsCal, "calendar") != nil && q.t.kind == Calendar || p.child(nsCard, "addressbook") != nil && q.t.kind == AddressBook
			case p.is(nsCal, "supported-calendar-component-set"):
				for _, c := range p.children {
					components = append(components, strings.ToUpper(c.attribute("name")))
				}
			case settable(p.name) && len(props) < 100 && len(p.text) <= 100<<10:
				props[propKey(p.name)] = strings.TrimSpace(p.text)
			default:
				return &errCondition{403, "D:cannot-modify-protected-property", "", p.name.Local + " cannot be set"}
			}
		}
	}
	if !isType {
		return &errCondition{403, "D:valid-resourcetype", "", "a calendar among calendars, an address book among address books"}
	}
	if len(props["DAV: displayname"]) > maxDisplayName {
		return &errCondition{status: 403, text: "too long a name"}
	}
	if err := q.s.create(q.user, q.t.kind, q.t.name, components, props); err != nil {
		return err
	}
	q.a.status = 201
	return nil
}

// multi starts a 207.
func (q *request) multi() {
	q.a.status = 207
	q.a.header.Set("Content-Type", "application/xml; charset=utf-8")
	q.a.header.Set("DAV", "1, 3, access-control, calendar-access, addressbook, extended-mkcol")
	q.a.body.WriteString(multistatus)
}

func (q *request) end() { q.a.body.WriteString("</D:multistatus>\n") }

// response writes one resource's properties.
func (q *request) response(t *target, props []xml.Name, found bool) {
	var ok, missing strings.Builder
	for _, n := range props {
		if v, has := t.prop(n, q.user); has {
			ok.WriteString(element(n, v))
		} else {
			missing.WriteString(element(n, ""))
		}
	}
	b := &q.a.body
	b.WriteString("<D:response>" + href(t.href()))
	if ok.Len() > 0 || missing.Len() == 0 {
		b.WriteString("<D:propstat><D:prop>" + ok.String() + "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>")
	}
	if missing.Len() > 0 && !found {
		b.WriteString("<D:propstat><D:prop>" + missing.String() + "</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>")
	}
	b.WriteString("</D:response>\n")
}

func (q *request) status(path, status string) {
	q.a.body.WriteString("<D:response>" + href(path) + "<D:status>HTTP/1.1 " + status + "</D:status></D:response>\n")
}

// propfind is RFC 4918 9.1. Depth infinity is refused.
func (q *request) propfind() error {
	if q.Header.Get("Depth") != "0" && q.Header.Get("Depth") != "1" {
		return &errCondition{403, "D:propfind-finite-depth", "", "Depth must be 0 or 1"}
	}
	props, all := q.asked(q.xml.child(nsDAV, "prop"))
	if q.xml != nil && !q.xml.is(nsDAV, "propfind") {
		return &errCondition{status: 400, text: "propfind expected"}
	}
	targets := []*target{q.t}
	if q.Header.Get("Depth") == "1" {
		targets = append(targets, q.s.children(q.t)...)
	}
	q.multi()
	for _, t := range targets {
		names := props
		if all && t.what == "collection" {
			for k := range t.c.props {
				space, local, _ := strings.Cut(k, " ")
				if n := (xml.Name{Space: space, Local: local}); !slices.Contains(names, n) {
					names = append(slices.Clone(names), n)
				}
			}
		}
		q.response(t, names, all)
	}
	q.end()
	return nil
}

// asked lists the properties of a D:prop; none means all.
func (q *request) asked(prop *node) (names []xml.Name, all bool) {
	if prop == nil {
		return propNames(), true
	}
	for _, p := range prop.children {
		names = append(names, p.name)
	}
	return names, false
}

// proppatch is RFC 4918 9.2: all or nothing.
func (q *request) proppatch() error {
	if q.t.what != "collection" || !q.xml.is(nsDAV, "propertyupdate") {
		return &errCondition{status: 403, text: "only a collection's properties can be set"}
	}
	props := map[string]string{}
	var names, refused []xml.Name
	for _, op := range q.xml.children {
		prop := op.child(nsDAV, "prop")
		if prop == nil || !op.is(nsDAV, "set") && !op.is(nsDAV, "remove") {
			continue
		}
		for _, p := range prop.children {
			names = append(names, p.name)
			v := strings.TrimSpace(p.text)
			if op.name.Local == "remove" {
				v = ""
			}
			if !settable(p.name) || len(v) > 100<<10 || len(q.t.c.props)+len(props) > 100 || p.is(nsDAV, "displayname") && len(v) > maxDisplayName {
				refused = append(refused, p.name)
			}
			props[propKey(p.name)] = v
		}
	}
	status := func(n xml.Name) string {
		switch {
		case slices.Contains(refused, n):
			return "403 Forbidden"
		case len(refused) > 0:
			return "424 Failed Dependency"
		}
		return "200 OK"
	}
	if len(refused) == 0 {
		q.s.setProps(q.t.c, props)
	}
	q.multi()
	q.a.body.WriteString("<D:response>" + href(q.t.href()))
	for _, n := range names {
		q.a.body.WriteString("<D:propstat><D:prop>" + element(n, "") + "</D:prop><D:status>HTTP/1.1 " + status(n) + "</D:status></D:propstat>")
	}
	q.a.body.WriteString("</D:response>")
	q.end()
	return nil
}
