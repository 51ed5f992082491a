package davserver

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const home = "/calendars/mara@x.example/"

func newHandler(t testing.TB) *Handler {
	t.Helper()
	s := NewStore(nil)
	for _, c := range []struct {
		kind       Kind
		name       string
		components []string
	}{{Calendar, "cal", []string{"VEVENT"}}, {Calendar, "todo", []string{"VTODO"}}, {AddressBook, "book", nil}} {
		if err := s.Create("mara@x.example", c.kind, c.name, c.components, nil); err != nil {
			t.Fatal(err)
		}
	}
	return New(Options{Store: s, SignIn: func(user, password string) (string, bool) { return user, password == "secret" }})
}

func do(h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.SetBasicAuth("mara@x.example", "secret")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func want(t *testing.T, w *httptest.ResponseRecorder, code int, contains ...string) string {
	t.Helper()
	b := w.Body.String()
	if w.Code != code {
		t.Fatalf("status %d instead of %d: %s", w.Code, code, b)
	}
	for _, s := range contains {
		if !strings.Contains(b, s) {
			t.Fatalf("%q is not in %s", s, b)
		}
	}
	return b
}

func event(uid, extra string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTAMP:20240101T000000Z\r\nDTSTART:20240601T090000Z\r\nDTEND:20240601T100000Z\r\n" +
		extra + "END:VEVENT\r\nEND:VCALENDAR\r\n"
}

func syncReport(token, limit string) string {
	return `<sync-collection xmlns="DAV:"><sync-token>` + token + `</sync-token><sync-level>1</sync-level>` + limit + `<prop><getetag/></prop></sync-collection>`
}

// changes runs a sync-collection and returns the token and the answer.
func changes(t *testing.T, h http.Handler, path, token string) (string, string) {
	t.Helper()
	b := want(t, do(h, "REPORT", path, syncReport(token, "")), 207)
	_, after, ok := strings.Cut(b, "<D:sync-token>")
	token, _, ok2 := strings.Cut(after, "</D:sync-token>")
	if !ok || !ok2 {
		t.Fatalf("no token in %s", b)
	}
	return token, b
}

func TestDiscoveryLeadsFromTheRootToTheCollections(t *testing.T) {
	h := newHandler(t)
	w := do(h, "PROPFIND", "/.well-known/caldav", "")
	if w.Code != 308 || w.Header().Get("Location") != "/" {
		t.Fatal(w.Code, w.Header())
	}
	want(t, do(h, "PROPFIND", "/", `<propfind xmlns="DAV:"><prop><current-user-principal/><x/></prop></propfind>`, "Depth", "0"), 207,
		"<D:current-user-principal><D:href>/principals/mara@x.example/</D:href></D:current-user-principal>", "<D:x/></D:prop><D:status>HTTP/1.1 404")
	want(t, do(h, "PROPFIND", "/principals/mara@x.example/", `<propfind xmlns="DAV:"><prop><calendar-home-set xmlns="urn:ietf:params:xml:ns:caldav"/><addressbook-home-set xmlns="urn:ietf:params:xml:ns:carddav"/></prop></propfind>`, "Depth", "0"),
		207, "<D:href>/calendars/mara@x.example/</D:href>", "<D:href>/addressbooks/mara@x.example/</D:href>")
	want(t, do(h, "PROPFIND", home, `<propfind xmlns="DAV:"><prop><resourcetype/><displayname/><sync-token/><supported-calendar-component-set xmlns="urn:ietf:params:xml:ns:caldav"/></prop></propfind>`, "Depth", "1"),
		207, home+"cal/", home+"todo/", "<D:collection/><C:calendar/>", `<C:comp name="VTODO"/>`, "<D:sync-token>data:,1-1</D:sync-token>")
	want(t, do(h, "PROPFIND", home, "", "Depth", "infinity"), 403, "propfind-finite-depth")
	want(t, do(h, "PROPFIND", "/calendars/other@x.example/", "", "Depth", "1"), 403)
	want(t, do(h, "GET", "/nowhere/at/all", ""), 404)
	r := httptest.NewRequest("PROPFIND", "/", nil)
	w = httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != 401 || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic") {
		t.Fatal(w.Code)
	}
}

func TestAResourceIsKeptByteForByteAndGuardedByItsETag(t *testing.T) {
	h := newHandler(t)
	odd := strings.ReplaceAll(event("u 1", "X-ODD;A=\"b:c\":caf\u00e9\r\n  folded\r\n"), "END:VEVENT\r\n", "end:vevent\n")
	w := do(h, "PUT", home+"cal/a%20b.ics", odd, "If-None-Match", "*", "Content-Type", "text/calendar")
	want(t, w, 201)
	etag := w.Header().Get("ETag")
	w = do(h, "GET", home+"cal/a%20b.ics", "")
	if want(t, w, 200) != odd || w.Header().Get("ETag") != etag {
		t.Fatalf("got %q", w.Body)
	}
	want(t, do(h, "PUT", home+"cal/a%20b.ics", odd, "If-None-Match", "*"), 412)
	want(t, do(h, "PUT", home+"cal/a%20b.ics", odd+" ", "If-Match", `"x"`), 412)
	want(t, do(h, "PUT", home+"cal/none.ics", event("n", ""), "If-Match", etag), 412)
	w = do(h, "PUT", home+"cal/a%20b.ics", odd+"\r\n", "If-Match", etag)
	want(t, w, 204)
	want(t, do(h, "DELETE", home+"cal/a%20b.ics", "", "If-Match", etag), 412)
	want(t, do(h, "DELETE", home+"cal/a%20b.ics", "", "If-Match", w.Header().Get("ETag")), 204)
	want(t, do(h, "GET", home+"cal/a%20b.ics", ""), 404)
	want(t, do(h, "DELETE", home+"cal/a%20b.ics", ""), 404)
}

func TestPutRefusesWhatTheCollectionDoesNotHold(t *testing.T) {
	h := newHandler(t)
	want(t, do(h, "PUT", home+"cal/a.ics", event("u1", "")), 201)
	task := strings.ReplaceAll(event("u2", ""), "VEVENT", "VTODO")
	card := "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:c1\r\nFN:x\r\nEND:VCARD\r\n"
	book := "/addressbooks/mara@x.example/book/"
	for _, c := range []struct{ path, body, condition string }{
		{home + "cal/b.ics", event("u1", ""), "<C:no-uid-conflict><D:href>" + home + "cal/a.ics</D:href>"},
		{home + "cal/a.ics", event("other", ""), "C:no-uid-conflict"},
		{home + "cal/b.ics", task, "C:supported-calendar-component"},
		{home + "cal/b.ics", "nonsense", "C:valid-calendar-data"},
		{home + "cal/b.ics", card, "C:valid-calendar-data"},
		{home + "cal/b.ics", strings.Replace(event("u3", ""), "UID:u3\r\n", "", 1), "C:valid-calendar-object-resource"},
		{home + "cal/b.ics", strings.Replace(event("u3", ""), "PRODID:x\r\n", "METHOD:REQUEST\r\n", 1), "C:valid-calendar-object-resource"},
		{home + "cal/b.ics", strings.Replace(event("u3", ""), "END:VCALENDAR", "BEGIN:VEVENT\r\nUID:u4\r\nEND:VEVENT\r\nEND:VCALENDAR", 1), "C:valid-calendar-object-resource"},
		{book + "b.vcf", event("u3", ""), "CR:valid-address-data"},
		{book + "b.vcf", strings.Replace(card, "UID:c1\r\n", "", 1), "CR:valid-address-data"},
		{book + "b.vcf", strings.Replace(card, "3.0", "2.1", 1), "CR:valid-address-data"},
	} {
		want(t, do(h, "PUT", c.path, c.body), 403, c.condition)
	}
	want(t, do(h, "PUT", home+"todo/t.ics", task), 201)
	want(t, do(h, "PUT", book+"c.vcf", card), 201)
	want(t, do(h, "PUT", home+"nowhere/t.ics", task), 409)
	want(t, do(h, "PUT", home+"cal/", task), 405)
}

func TestSyncCollectionTellsWhatChanged(t *testing.T) {
	h := newHandler(t)
	token, _ := changes(t, h, home+"cal/", "")
	for i := range 3 {
		want(t, do(h, "PUT", fmt.Sprintf("%scal/%d.ics", home, i), event(fmt.Sprint("u", i), "")), 201)
	}
	next, b := changes(t, h, home+"cal/", token)
	if strings.Count(b, "<D:response>") != 3 {
		t.Fatal(b)
	}
	want(t, do(h, "DELETE", home+"cal/0.ics", ""), 204)
	want(t, do(h, "PUT", home+"cal/1.ics", event("u1", "SUMMARY:x\r\n")), 204)
	last, b := changes(t, h, home+"cal/", next)
	if strings.Count(b, "<D:response>") != 2 || !strings.Contains(b, home+"cal/0.ics</D:href><D:status>HTTP/1.1 404") || !strings.Contains(b, "cal/1.ics") {
		t.Fatal(b)
	}
	if again, b := changes(t, h, home+"cal/", last); again != last || strings.Contains(b, "<D:response>") {
		t.Fatal(b)
	}
	// what was removed is no news to somebody who begins
	if _, b := changes(t, h, home+"cal/", ""); strings.Contains(b, "404") || strings.Count(b, "<D:response>") != 2 {
		t.Fatal(b)
	}
	// page by page
	b = want(t, do(h, "REPORT", home+"cal/", syncReport("", "<limit><nresults>1</nresults></limit>")), 207, "507 Insufficient Storage")
	if strings.Count(b, "getetag") != 2 {
		t.Fatal(b)
	}
	for _, bad := range []string{"data:,1-999", "data:,2-1", "nonsense"} {
		want(t, do(h, "REPORT", home+"cal/", syncReport(bad, "")), 403, "<D:valid-sync-token>")
	}
	// a token of a collection that was deleted is not one of its successor
	want(t, do(h, "DELETE", home+"cal/", ""), 204)
	want(t, do(h, "MKCALENDAR", home+"cal/", ""), 201)
	want(t, do(h, "REPORT", home+"cal/", syncReport(last, "")), 403, "<D:valid-sync-token>")
}

func TestMultigetAndQueryGiveEveryByte(t *testing.T) {
	h := newHandler(t)
	body := event("u1", "DESCRIPTION:a<b>&\"c\r\n")
	want(t, do(h, "PUT", home+"cal/a.ics", body), 201)
	want(t, do(h, "PUT", home+"cal/weekly.ics", event("u2", "RRULE:FREQ=WEEKLY;UNTIL=20240801T000000Z\r\n")), 201)
	get := `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop><D:href>` +
		home + `cal/a.ics</D:href><D:href>` + home + `cal/none.ics</D:href></C:calendar-multiget>`
	b := want(t, do(h, "REPORT", home+"cal/", get), 207, "none.ics</D:href><D:status>HTTP/1.1 404")
	var parsed struct {
		Data []string `xml:"response>propstat>prop>calendar-data"`
	}
	if err := xml.Unmarshal([]byte(b), &parsed); err != nil || len(parsed.Data) != 1 || parsed.Data[0] != body {
		t.Fatalf("%v %q", err, parsed.Data)
	}
	query := func(inner string) string {
		return want(t, do(h, "REPORT", home+"cal/", `<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR">`+
			inner+`</C:comp-filter></C:filter></C:calendar-query>`), 207)
	}
	for inner, names := range map[string]string{
		``:                              "a weekly",
		`<C:comp-filter name="VTODO"/>`: "",
		`<C:comp-filter name="VEVENT"><C:time-range start="20240710T000000Z" end="20240720T000000Z"/></C:comp-filter>`:                                  "weekly",
		`<C:comp-filter name="VEVENT"><C:time-range start="20240601T000000Z" end="20240602T000000Z"/></C:comp-filter>`:                                  "a weekly",
		`<C:comp-filter name="VEVENT"><C:time-range start="20250601T000000Z"/></C:comp-filter>`:                                                         "",
		`<C:comp-filter name="VEVENT"><C:prop-filter name="UID"><C:text-match>U2</C:text-match></C:prop-filter></C:comp-filter>`:                        "weekly",
		`<C:comp-filter name="VEVENT"><C:prop-filter name="DESCRIPTION"><C:is-not-defined/></C:prop-filter></C:comp-filter>`:                            "weekly",
		`<C:comp-filter name="VEVENT"><C:prop-filter name="UID"><C:text-match negate-condition="yes">u2</C:text-match></C:prop-filter></C:comp-filter>`: "a",
	} {
		b := query(inner)
		var got []string
		for _, n := range []string{"a", "weekly"} {
			if strings.Contains(b, "cal/"+n+".ics") {
				got = append(got, n)
			}
		}
		if strings.Join(got, " ") != names {
			t.Errorf("%s: got %v, want %s", inner, got, names)
		}
	}
}

func TestCollectionsAreMadeNamedAndRemoved(t *testing.T) {
	h := newHandler(t)
	mk := `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:displayname>Büro &amp; Co</D:displayname><C:supported-calendar-component-set><C:comp name="VJOURNAL"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>`
	want(t, do(h, "MKCALENDAR", home+"notes/", mk), 201)
	want(t, do(h, "MKCALENDAR", home+"notes/", mk), 405, "resource-must-be-null")
	mkcol := func(typ string) string {
		return `<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav"><D:set><D:prop><D:resourcetype><D:collection/>` + typ + `</D:resourcetype><D:displayname>Friends</D:displayname></D:prop></D:set></D:mkcol>`
	}
	want(t, do(h, "MKCOL", "/addressbooks/mara@x.example/friends/", mkcol("<CR:addressbook/>")), 201)
	want(t, do(h, "MKCOL", "/addressbooks/mara@x.example/x/", mkcol("<C:calendar/>")), 403, "valid-resourcetype")
	want(t, do(h, "MKCOL", home+"x/", ""), 403, "valid-resourcetype")
	patch := func(prop string) string {
		return `<propertyupdate xmlns="DAV:"><set><prop>` + prop + `</prop></set></propertyupdate>`
	}
	want(t, do(h, "PROPPATCH", home+"notes/", patch(`<displayname>New</displayname><calendar-color xmlns="http://apple.com/ns/ical/">#112233</calendar-color><z xmlns="urn:z">zz</z>`)), 207, "200 OK")
	b := want(t, do(h, "PROPPATCH", home+"notes/", patch(`<displayname>Newer</displayname><getetag>x</getetag>`)), 207, "403 Forbidden", "424 Failed")
	if strings.Contains(b, "200 OK") {
		t.Fatal(b)
	}
	want(t, do(h, "PROPFIND", home+"notes/", `<propfind xmlns="DAV:"><prop><displayname/><calendar-color xmlns="http://apple.com/ns/ical/"/><z xmlns="urn:z"/></prop></propfind>`, "Depth", "0"), 207,
		"<D:displayname>New</D:displayname>", "<A:calendar-color>#112233</A:calendar-color>", `<X:z xmlns:X="urn:z">zz</X:z>`)
	want(t, do(h, "DELETE", home+"notes/", ""), 204)
	want(t, do(h, "PROPFIND", home+"notes/", "", "Depth", "0"), 404)
	want(t, do(h, "DELETE", home, ""), 403)
}

func TestMoveTakesAResourceAlongOrLeavesAllAsItWas(t *testing.T) {
	h := newHandler(t)
	want(t, do(h, "MKCALENDAR", home+"two/", ""), 201)
	want(t, do(h, "PUT", home+"cal/a.ics", event("u1", "")), 201)
	want(t, do(h, "PUT", home+"two/b.ics", event("u2", "")), 201)
	move := func(from, to string, header ...string) *httptest.ResponseRecorder {
		return do(h, "MOVE", from, "", append(header, "Destination", "http://example.com"+to)...)
	}
	want(t, move(home+"cal/a.ics", home+"two/b.ics", "Overwrite", "F"), 412)
	want(t, move(home+"cal/a.ics", home+"two/b.ics"), 403, "no-uid-conflict")
	want(t, move(home+"cal/a.ics", home+"todo/a.ics"), 403, "supported-calendar-component")
	want(t, move(home+"cal/a.ics", home+"none/a.ics"), 409)
	want(t, move(home+"cal/a.ics", "/addressbooks/mara@x.example/book/a.ics"), 403)
	want(t, do(h, "GET", home+"cal/a.ics", ""), 200)
	want(t, do(h, "GET", home+"two/b.ics", ""), 200)
	want(t, do(h, "PUT", home+"two/c.ics", event("u1", "")), 201)
	want(t, move(home+"cal/a.ics", home+"two/a.ics"), 403, home+"two/c.ics")
	want(t, move(home+"two/c.ics", home+"two/d.ics"), 201)
	want(t, do(h, "DELETE", home+"two/d.ics", ""), 204)
	want(t, move(home+"cal/a.ics", home+"two/a.ics"), 201)
	want(t, do(h, "GET", home+"cal/a.ics", ""), 404)
	if want(t, do(h, "GET", home+"two/a.ics", ""), 200) != event("u1", "") {
		t.Fatal("changed on the way")
	}
}

func TestReplayGivesTheSameStoreAgain(t *testing.T) {
	var journal []Record
	h := newHandler(t)
	s := NewStore(nil)
	h.o.Store.Snapshot(func(r Record) { journal = append(journal, r) }, func(r Record) { journal = append(journal, r) })
	want(t, do(h, "PUT", home+"cal/a.ics", event("u1", "")), 201)
	want(t, do(h, "PUT", home+"cal/b.ics", event("u2", "")), 201)
	want(t, do(h, "DELETE", home+"cal/a.ics", ""), 204)
	want(t, do(h, "PUT", home+"cal/c.ics", event("u1", "")), 201)
	token, all := changes(t, h, home+"cal/", "")
	for _, r := range journal {
		if err := s.Replay(r); err != nil {
			t.Fatal(err)
		}
	}
	var compact []Record
	s.Snapshot(func(r Record) { compact = append(compact, r) }, func(Record) {})
	third := NewStore(nil)
	for _, r := range compact {
		if err := third.Replay(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, store := range []*Store{s, third} {
		again := New(Options{Store: store, SignIn: h.o.SignIn})
		if tok, b := changes(t, again, home+"cal/", ""); tok != token || len(b) != len(all) {
			t.Fatalf("%s\n%s", all, b)
		}
		if _, b := changes(t, again, home+"cal/", "data:,1-3"); strings.Count(b, "404 Not") != 1 || strings.Count(b, "200 OK") != 1 {
			t.Fatal(b)
		}
	}
}

// Whatever is sent: no panic.
func FuzzRequest(f *testing.F) {
	f.Add("PUT", home+"cal/x.ics", event("u", ""))
	f.Add("REPORT", home+"cal/", syncReport("data:,1-1", "<limit><nresults>1</nresults></limit>"))
	f.Add("PROPPATCH", home+"cal/", `<propertyupdate xmlns="DAV:"><set><prop><displayname>x</displayname></prop></set></propertyupdate>`)
	f.Add("PROPFIND", home, `<propfind xmlns="DAV:"><allprop/></propfind>`)
	f.Add("MKCOL", "/addressbooks/mara@x.example/y", `<mkcol xmlns="DAV:"><set><prop><resourcetype><addressbook xmlns="urn:ietf:params:xml:ns:carddav"/></resourcetype></prop></set></mkcol>`)
	f.Add("REPORT", home+"cal/", `<calendar-query xmlns="urn:ietf:params:xml:ns:caldav"><filter><comp-filter name="VCALENDAR"><comp-filter name="VEVENT"><time-range start="20240101T000000Z"/></comp-filter></comp-filter></filter></calendar-query>`)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		r, err := http.NewRequest(method, "http://x.example"+path, strings.NewReader(body))
		if err != nil || !strings.HasPrefix(path, "/") {
			return
		}
		r.SetBasicAuth("mara@x.example", "secret")
		r.Header.Set("Depth", "1")
		r.Header.Set("Destination", path)
		h := newHandler(t)
		h.o.Store.Put("mara@x.example", Calendar, "cal", "x.ics", []byte(event("u", "RRULE:FREQ=DAILY\r\n")))
		h.ServeHTTP(httptest.NewRecorder(), r)
		h.o.Store.Put("mara@x.example", Calendar, "cal", "y.ics", []byte(body))
		overlaps([]byte(body), time.Unix(0, 0), time.Unix(1e9, 0))
	})
}
