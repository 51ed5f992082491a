package dav

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

// list runs Changes and returns what was told, as "id tag" with a mark for gone and same.
func list(t *testing.T, d *Service, since string) ([]string, remote.Listing, error) {
	t.Helper()
	var out []string
	l, err := d.Changes(t.Context(), "/dav/cal/", since, func(c remote.Change) error {
		s := strings.TrimPrefix(c.ID, "/dav/cal/") + " " + c.Tag
		if c.Gone {
			s += "gone"
		}
		if c.Same {
			s += "same"
		}
		out = append(out, s)
		return nil
	})
	slices.Sort(out)
	return out, l, err
}

func wantList(t *testing.T, d *Service, since, token string, full bool, want ...string) {
	t.Helper()
	got, l, err := list(t, d, since)
	if err != nil || l.Token != token || l.Full != full || !slices.Equal(got, want) {
		t.Errorf("since %q: got %q, %+v, %v", since, got, l, err)
	}
}

func TestChangesComeInPartsAsTheServerCutsThem(t *testing.T) {
	s := newScripted(t, map[string]http.HandlerFunc{"REPORT /dav/cal/": func(w http.ResponseWriter, r *http.Request) {
		switch b := body(t, r); {
		case strings.Contains(b, "<D:sync-token></D:sync-token>"):
			multi(resource("/dav/cal/", ""), resource("a%40b.ics", etag("1")), status("/dav/cal/", 507), status("/dav/cal/never.ics", 404), "<D:sync-token>t&amp;1</D:sync-token>")(w, r)
		case strings.Contains(b, "<D:sync-token>t&amp;1</D:sync-token>"):
			multi(resource("/dav/cal/c.ics", etag("2")), resource("/dav/cal/sub/", etag("3")), resource("/elsewhere/x.ics", etag("4")), "<D:sync-token>t2</D:sync-token>")(w, r)
		default:
			multi(status("/dav/cal/c.ics", 404), status("/dav/cal/locked.ics", 423), resource("/dav/cal/d.ics", etag("5")), "<D:sync-token>t3</D:sync-token>")(w, r)
		}
	}})
	d := s.service(CalDAV)
	wantList(t, d, "", "sync:t2", true, `a@b.ics "1"`, `c.ics "2"`)
	wantList(t, d, "sync:t2", "sync:t3", false, "c.ics gone", `d.ics "5"`, "locked.ics same")
}

func TestATokenThatTheServerForgotIsAnsweredInFull(t *testing.T) {
	for name, refusal := range map[string]http.HandlerFunc{"as it should": condition(403, "<D:valid-sync-token/>"), "by a crash": says(500, "text/plain", "AttributeError"), "as gone": says(410, "", ""), "as too old": says(507, "", "")} {
		s := newScripted(t, map[string]http.HandlerFunc{"REPORT /dav/cal/": inTurn(refusal, multi(resource("/dav/cal/a.ics", etag("1")), "<D:sync-token>new</D:sync-token>"))})
		t.Run(name, func(t *testing.T) {
			wantList(t, s.service(CalDAV), "sync:old", "sync:new", true, `a.ics "1"`)
		})
	}
}

// compared is a collection without sync-collection.
func compared(t *testing.T, refusal http.HandlerFunc) (*scripted, *Service) {
	s := newScripted(t, map[string]http.HandlerFunc{
		"REPORT /dav/cal/":     refusal,
		"PROPFIND /dav/cal/":   multi(resource("/dav/cal/", "<S:getctag>7</S:getctag>")),
		"PROPFIND/1 /dav/cal/": multi(resource("/dav/cal/", ""), resource("/dav/cal/a.ics", etag("1")), resource("/dav/cal/sub", plainType+etag("2")), status("/dav/cal/b.ics", 403), status("/dav/cal/c.ics", 404)),
	})
	return s, s.service(CalDAV)
}

func TestWithoutSyncCollectionEverythingIsComparedUnlessTheCtagIsTheSame(t *testing.T) {
	for _, refusal := range []http.HandlerFunc{says(400, "", ""), says(403, "", ""), says(405, "", ""), says(415, "", ""), says(501, "", ""), says(500, "", ""), condition(403, "<D:supported-report/>"), multi()} {
		s, d := compared(t, refusal)
		wantList(t, d, "sync:gone", "ctag:7", true, `a.ics "1"`, "b.ics same")
		s.requests()
		wantList(t, d, "", "ctag:7", true, `a.ics "1"`, "b.ics same")
		wantList(t, d, "ctag:7", "ctag:7", false)
		wantList(t, d, "ctag:6", "ctag:7", true, `a.ics "1"`, "b.ics same")
		if l := s.requests(); strings.Contains(l, "REPORT") {
			t.Errorf("it was asked again for what it does not know:\n%s", l)
		}
	}
	s, d := compared(t, says(501, "", ""))
	s.answers["PROPFIND /dav/cal/"] = multi(resource("/dav/cal/", ""))
	wantList(t, d, "", "", true, `a.ics "1"`, "b.ics same")
}

func TestAListThatMayBeIncompleteIsAnErrorAndNotADeletion(t *testing.T) {
	for name, c := range map[string]struct {
		depth1 http.HandlerFunc
		kind   remote.ErrorKind
	}{
		"empty":       {multi(), remote.Protocol},
		"cut":         {multi(resource("/dav/cal/a.ics", etag("1")), status("/dav/cal/", 507)), remote.OverQuota},
		"web page":    {says(200, "text/html", "sign in"), remote.Offline},
		"not allowed": {says(403, "text/plain", ""), remote.Forbidden},
		"too much":    {says(507, "text/plain", ""), remote.OverQuota},
		"gone":        {says(404, "text/plain", ""), remote.NotFound},
	} {
		s, d := compared(t, says(405, "", ""))
		s.answers["PROPFIND/1 /dav/cal/"] = c.depth1
		_, l, err := list(t, d, "")
		if wantKind(t, err, c.kind); l.Full || l.Token != "" {
			t.Errorf("%s: got %+v", name, l)
		}
	}
}

func TestErrorsOfAListingAreToldAsTheyAre(t *testing.T) {
	for _, c := range []struct {
		answer http.HandlerFunc
		kind   remote.ErrorKind
	}{
		{says(404, "", ""), remote.NotFound}, {says(401, "", ""), remote.Auth}, {says(503, "", ""), remote.Unavailable}, {says(200, "text/html", ""), remote.Offline},
		{multi(resource("/dav/cal/a.ics", etag("1"))), remote.Protocol}, // without a token
		{multi(resource("/dav/cal/a.ics", etag("1")), status("/dav/cal/", 507), "<D:sync-token>t</D:sync-token>"), remote.Protocol},
	} {
		s := newScripted(t, map[string]http.HandlerFunc{"REPORT /dav/cal/": c.answer})
		_, l, err := list(t, s.service(CalDAV), "sync:t")
		if wantKind(t, err, c.kind); l.Token != "" {
			t.Errorf("got %+v", l)
		}
	}
	s := newScripted(t, map[string]http.HandlerFunc{"REPORT /dav/cal/": multi(resource("/dav/cal/a.ics", etag("1")), "<D:sync-token>t</D:sync-token>")})
	mine := errors.New("disk full")
	if _, err := s.service(CalDAV).Changes(t.Context(), "/dav/cal/", "", func(remote.Change) error { return mine }); err != mine {
		t.Errorf("got %v", err)
	}
}

func item(href, tag, data string) string {
	return resource(href, etag(tag)+"<C:calendar-data>"+data+"</C:calendar-data>")
}

// fetch reads items and returns "tag data" by name.
func fetch(t *testing.T, d *Service, folder string, names ...string) map[string]string {
	t.Helper()
	var ids []string
	for _, n := range names {
		ids = append(ids, folder+n)
	}
	out := map[string]string{}
	err := d.Fetch(t.Context(), folder, ids, remote.PartText, func(f remote.Fetched) error {
		s := f.Tag + " " + string(f.Raw)
		if f.Err != nil {
			s = f.Err.Error()
		}
		if _, twice := out[strings.TrimPrefix(f.ID, folder)]; twice {
			t.Errorf("%s was emitted twice", f.ID)
		}
		out[strings.TrimPrefix(f.ID, folder)] = s
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return out
}

func wantItems(t *testing.T, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestItemsComeByMultigetAndTheRestOneByOne(t *testing.T) {
	s := newScripted(t, map[string]http.HandlerFunc{
		"REPORT /dav/cal/": multi(item("/dav/cal/lf.ics", "1", "BEGIN\nEND\n"), item("/dav/cal/cr%2eics", "2", "BEGIN&#13;\nlone\nEND&#13;\n"),
			status("/dav/cal/gone.ics", 404), item("/dav/cal/empty.ics", "3", " "), item("/dav/cal/other.ics", "9", "not asked for")),
		"GET /dav/cal/empty.ics": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept") != "text/calendar" || r.Header.Get("Accept-Encoding") != "identity" {
				t.Errorf("asked with %v", r.Header)
			}
			says(200, "text/calendar", "BEGIN:3", "ETag", `"3"`)(w, r)
		},
		"GET /dav/cal/untold.ics": says(403, "text/plain", "not yours"),
	})
	wantItems(t, fetch(t, s.service(CalDAV), "/dav/cal/", "lf.ics", "cr.ics", "gone.ics", "empty.ics", "missing.ics", "untold.ics"), map[string]string{
		"lf.ics": `"1" ` + "BEGIN\r\nEND\r\n", "cr.ics": `"2" ` + "BEGIN\r\nlone\nEND\r\n", "empty.ics": `"3" BEGIN:3`,
		"untold.ics": "CalDAV: read untold.ics: not allowed: 403 Forbidden: not yours",
	})
}

func TestOneItemThatBreaksAnAnswerStopsNoOther(t *testing.T) {
	get := says(200, "text/calendar", "BEGIN", "ETag", `"g"`)
	for name, report := range map[string]http.HandlerFunc{
		"unreadable": multi(item("/dav/cal/a.ics", "1", "BEGIN"), item("/dav/cal/b.ics", "2", "\x01")),
		"refused":    says(500, "text/plain", "traceback"),
		"unknown":    says(501, "text/plain", ""),
		"forbidden":  condition(403, "<D:supported-report/>"),
	} {
		s := newScripted(t, map[string]http.HandlerFunc{"REPORT /dav/cal/": report, "GET /dav/cal/a.ics": get, "GET /dav/cal/b.ics": get})
		got := fetch(t, s.service(CalDAV), "/dav/cal/", "a.ics", "b.ics")
		if len(got) != 2 || !strings.HasSuffix(got["a.ics"], " BEGIN") || got["b.ics"] != `"g" BEGIN` {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestAServerThatIsGoneEndsAReading(t *testing.T) {
	for _, c := range []struct {
		answer http.HandlerFunc
		kind   remote.ErrorKind
	}{{says(401, "", ""), remote.Auth}, {says(503, "", ""), remote.Unavailable}, {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, remote.Offline}} {
		s := newScripted(t, map[string]http.HandlerFunc{"REPORT /dav/cal/": c.answer})
		err := s.service(CalDAV).Fetch(t.Context(), "/dav/cal/", []string{"/dav/cal/a.ics"}, remote.PartWhole, func(f remote.Fetched) error { t.Errorf("got %+v", f); return nil })
		wantKind(t, err, c.kind)
	}
}

// Batches grow with the smallness of items, come in the order of the ids, and nothing is asked twice.
func TestALargeFolderIsReadInOrderByFewRequests(t *testing.T) {
	const n = 2000
	s := newScripted(t, map[string]http.HandlerFunc{"REPORT /dav/cal/": func(w http.ResponseWriter, r *http.Request) {
		var parts []string
		for _, h := range strings.Split(body(t, r), "<D:href>")[1:] {
			h, _, _ = strings.Cut(h, "</D:href>")
			parts = append(parts, item(h, "1", "BEGIN "+h))
		}
		multi(parts...)(w, r)
	}})
	d := s.service(CalDAV)
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("/dav/cal/%d.ics", i))
	}
	i := 0
	err := d.Fetch(t.Context(), "/dav/cal/", ids, remote.PartWhole, func(f remote.Fetched) error {
		if f.ID != ids[i] || string(f.Raw) != "BEGIN "+f.ID || f.Media != groupware.MediaCalendar {
			t.Fatalf("item %d is %+v", i, f)
		}
		i++
		return nil
	})
	if requests := strings.Count(s.requests(), "REPORT"); err != nil || i != n || requests > 12 {
		t.Errorf("%d items in %d requests, %v", i, requests, err)
	}
}

// RFC 6352 5.1.1: a server may convert; Cyrus and SabreDAV send 3.0 unless asked for 4.0.
func TestVCardsComeInTheVersionThatTheServerHolds(t *testing.T) {
	card := func(name, data string) string {
		return resource("/dav/book/"+name, etag(name)+"<A:address-data>"+data+"</A:address-data>")
	}
	both := `<A:supported-address-data><A:address-data-type content-type="text/vcard" version="3.0"/><A:address-data-type content-type="text/vcard" version="4.0"/></A:supported-address-data>`
	s := newScripted(t, map[string]http.HandlerFunc{
		"PROPFIND /dav/book/": multi(resource("/dav/book/", both)),
		"REPORT/1 /dav/book/": multi(resource("/dav/book/new.vcf", etag("n")), resource("/dav/book/alone.vcf", etag("x"))),
		"REPORT /dav/book/": func(w http.ResponseWriter, r *http.Request) {
			b := body(t, r)
			if v4 := strings.Contains(b, `version="4.0"`); v4 == strings.Contains(b, "old.vcf") || v4 != strings.Contains(b, "new.vcf") {
				t.Errorf("asked %s", b)
			}
			if strings.Contains(b, "new.vcf") {
				multi(card("new.vcf", "VERSION:4.0"))(w, r)
			} else {
				multi(card("old.vcf", "VERSION:3.0"))(w, r)
			}
		},
		"GET /dav/book/alone.vcf": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept") != "text/vcard; version=4.0" {
				t.Errorf("asked with %v", r.Header)
			}
			says(200, "text/vcard", "VERSION:4.0", "ETag", `"g"`)(w, r)
		},
	})
	want := map[string]string{"old.vcf": `"old.vcf" VERSION:3.0`, "new.vcf": `"new.vcf" VERSION:4.0`, "alone.vcf": `"g" VERSION:4.0`}
	wantItems(t, fetch(t, s.service(CardDAV), "/dav/book/", "old.vcf", "new.vcf", "alone.vcf"), want)
	// A server that cannot be asked is taken at its word.
	s = newScripted(t, map[string]http.HandlerFunc{"PROPFIND /dav/book/": multi(resource("/dav/book/", both)), "REPORT/1 /dav/book/": says(500, "", ""), "REPORT /dav/book/": multi(card("old.vcf", "VERSION:3.0"))})
	wantItems(t, fetch(t, s.service(CardDAV), "/dav/book/", "old.vcf"), map[string]string{"old.vcf": `"old.vcf" VERSION:3.0`})
}

func TestCreateStoresOnlyWhereNothingIs(t *testing.T) {
	s := newScripted(t, map[string]http.HandlerFunc{
		"PUT /dav/cal/new%20one.ics": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("If-None-Match") != "*" || r.Header.Get("Content-Type") != "text/calendar; charset=utf-8" || body(t, r) != "BEGIN" {
				t.Errorf("asked with %v", r.Header)
			}
			says(201, "text/html", "<html>Created", "ETag", `"1"`)(w, r)
		},
		"PUT /dav/cal/there.ics":     says(412, "text/plain", ""),
		"PUT /dav/cal/uid.ics":       condition(409, "<C:no-uid-conflict><D:href>/dav/cal/first.ics</D:href></C:no-uid-conflict>"),
		"PUT /dav/cal/weak.ics":      says(201, "", "", "ETag", `W/"1"`),
		"PUT /dav/cal/scheduled.ics": says(204, "", "", "Schedule-Tag", `"1"`),
		"PUT /dav/cal/big.ics":       says(413, "", ""),
	})
	names := []string{"new one.ics", "there.ics", "uid.ics", "weak.ics", "scheduled.ics", "big.ics", "", ".."}
	var items []remote.NewItem
	for _, n := range names {
		items = append(items, remote.NewItem{Name: n, Raw: []byte("BEGIN")})
	}
	next := 0
	kinds := map[int]remote.ErrorKind{1: remote.Exists, 2: remote.Exists, 5: remote.TooLarge, 6: remote.Invalid, 7: remote.Invalid}
	words := map[int]string{1: "/dav/cal/there.ics", 2: "/dav/cal/first.ics"}
	err := s.service(CalDAV).Create(t.Context(), "/dav/cal/", items, func(i int, c remote.Created, err error) error {
		if i != next {
			t.Errorf("%d came after %d", i, next-1)
		}
		next++
		switch kind, fails := kinds[i]; {
		case fails:
			wantKind(t, err, kind, words[i])
		case err != nil || c.ID != "/dav/cal/"+escape(names[i]) || (c.Tag != "") != (i == 0):
			t.Errorf("%s: %+v, %v", names[i], c, err)
		}
		return nil
	})
	if err != nil || next != len(names) {
		t.Errorf("%d were reported, %v", next, err)
	}
}

func TestACreateIntoNothingSaysThatTheFolderIsGone(t *testing.T) {
	for _, refusal := range []http.HandlerFunc{says(403, "text/html", "Mailbox does not exist"), says(409, "text/plain", ""), says(404, "", "")} {
		s := newScripted(t, map[string]http.HandlerFunc{"PUT /dav/cal/a.ics": refusal})
		err := s.service(CalDAV).Create(t.Context(), "/dav/cal/", []remote.NewItem{{Name: "a.ics"}}, func(_ int, _ remote.Created, err error) error { return err })
		wantKind(t, err, remote.NotFound)
	}
}

func TestALostAnswerEndsACreateAndFindTellsWhatCameOfIt(t *testing.T) {
	s := newScripted(t, map[string]http.HandlerFunc{
		"PUT /dav/cal/a.ics":      func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"PROPFIND /dav/cal/a.ics": multi(resource("/dav/cal/a.ics", etag("1"))),
	})
	d := s.service(CalDAV)
	err := d.Create(t.Context(), "/dav/cal/", []remote.NewItem{{Name: "a.ics"}}, func(i int, c remote.Created, err error) error { t.Errorf("reported %+v, %v", c, err); return nil })
	wantKind(t, err, remote.Offline)
	mark, err := d.Mark(t.Context(), "/dav/cal/")
	if err != nil {
		t.Error(err)
	}
	for name, want := range map[string]bool{"a.ics": true, "b.ics": false} {
		c, found, err := d.Find(t.Context(), "/dav/cal/", mark, remote.NewItem{Name: name})
		if err != nil || found != want || found && (c.ID != "/dav/cal/a.ics" || c.Tag != "") {
			t.Errorf("%s: %+v, %v, %v", name, c, found, err)
		}
	}
}

func TestReplaceChangesOnlyTheVersionThatWasSeen(t *testing.T) {
	s := newScripted(t, map[string]http.HandlerFunc{"PUT /dav/cal/a.ics": func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("If-Match") {
		case `"1"`, "*":
			says(204, "", "", "ETag", `"2"`)(w, r)
		default:
			w.WriteHeader(412)
		}
	}})
	d := s.service(CalDAV)
	for tag, want := range map[string]bool{`"1"`: true, "": true, `"old"`: false} {
		c, err := d.Replace(t.Context(), "/dav/cal/", "/dav/cal/a.ics", tag, remote.NewItem{Raw: []byte("x")})
		if want && (err != nil || c.Tag != `"2"` || c.ID != "/dav/cal/a.ics") {
			t.Errorf("%q: %+v, %v", tag, c, err)
		}
		if !want {
			wantKind(t, err, remote.Precondition)
		}
	}
	for _, gone := range []string{"/dav/cal/gone.ics", "/other/a.ics", "nonsense"} {
		_, err := d.Replace(t.Context(), "/dav/cal/", gone, `"1"`, remote.NewItem{})
		wantKind(t, err, remote.Precondition)
	}
}

func TestDeleteTellsChangedFromGone(t *testing.T) {
	s := newScripted(t, map[string]http.HandlerFunc{
		"DELETE /dav/cal/ok.ics":        says(204, "", ""),
		"DELETE /dav/cal/changed.ics":   says(412, "", ""),
		"PROPFIND /dav/cal/changed.ics": multi(resource("/dav/cal/changed.ics", etag("2"))),
		"DELETE /dav/cal/vanished.ics":  says(412, "", ""),
		"DELETE /dav/cal/mine.ics":      says(403, "", ""),
	})
	want := map[string]remote.ErrorKind{"changed.ics": remote.Precondition, "mine.ics": remote.Forbidden}
	var refs []remote.Ref
	for _, n := range []string{"ok.ics", "changed.ics", "vanished.ics", "mine.ics", "never.ics"} {
		refs = append(refs, remote.Ref{ID: "/dav/cal/" + n, Tag: `"1"`})
	}
	n := 0
	err := s.service(CalDAV).Delete(t.Context(), "/dav/cal/", append(refs, remote.Ref{ID: "nonsense"}), func(id string, err error) error {
		n++
		if kind, fails := want[lastSegment(id)]; fails {
			wantKind(t, err, kind)
		} else if err != nil {
			t.Errorf("%s: %v", id, err)
		}
		return nil
	})
	if err != nil || n != 6 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestMoveKeepsOneThingOneThing(t *testing.T) {
	s := newScripted(t, map[string]http.HandlerFunc{})
	s.answers["MOVE /dav/cal/a%20b.ics"] = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Destination") != s.URL+"/dav/new/a%20b.ics" || r.Header.Get("Overwrite") != "F" {
			t.Errorf("asked with %v", r.Header)
		}
		w.WriteHeader(201)
	}
	taken := ""
	s.answers["MOVE /dav/cal/taken.ics"] = func(w http.ResponseWriter, r *http.Request) {
		if taken = strings.TrimPrefix(r.Header.Get("Destination"), s.URL); taken == "/dav/new/taken.ics" {
			w.WriteHeader(412)
		} else {
			w.WriteHeader(201)
		}
	}
	s.answers["MOVE /dav/cal/wrong.ics"] = condition(403, "<C:supported-calendar-component/>")
	s.answers["PROPFIND /dav/new/"] = multi(resource("/dav/new/", ""))
	moved, err := s.service(CalDAV).Move(t.Context(), "/dav/cal/", []string{"/dav/cal/a%20b.ics", "/dav/cal/gone.ics", "/dav/cal/wrong.ics", "/dav/cal/taken.ics"}, "/dav/new/")
	wantKind(t, err, remote.Invalid, "supported-calendar-component")
	if len(moved) != 2 || moved["/dav/cal/a%20b.ics"] != "/dav/new/a%20b.ics" || moved["/dav/cal/taken.ics"] != taken || !strings.HasSuffix(taken, "-taken.ics") {
		t.Errorf("got %v", moved)
	}
}

func TestWhereMOVEIsRefusedTheItemIsStoredThereAndDeletedHere(t *testing.T) {
	stored := ""
	answers := map[string]http.HandlerFunc{
		"MOVE /dav/cal/a.ics": says(501, "", ""),
		"GET /dav/cal/a.ics":  says(200, "text/calendar", "BEGIN\r\nEND\r\n", "ETag", `"1"`),
		"PUT /dav/new/a.ics": func(w http.ResponseWriter, r *http.Request) {
			if stored = body(t, r); r.Header.Get("If-None-Match") != "*" {
				t.Errorf("asked with %v", r.Header)
			}
			w.WriteHeader(201)
		},
		"DELETE /dav/cal/a.ics": func(w http.ResponseWriter, r *http.Request) {
			if stored == "" || r.Header.Get("If-Match") != `"1"` {
				t.Errorf("asked with %v after %q", r.Header, stored)
			}
			w.WriteHeader(204)
		},
	}
	move := func(answers map[string]http.HandlerFunc) (map[string]string, string, error) {
		s := newScripted(t, answers)
		moved, err := s.service(CalDAV).Move(t.Context(), "/dav/cal/", []string{"/dav/cal/a.ics"}, "/dav/new/")
		return moved, s.requests(), err
	}
	moved, _, err := move(answers)
	if err != nil || moved["/dav/cal/a.ics"] != "/dav/new/a.ics" || stored != "BEGIN\r\nEND\r\n" {
		t.Errorf("%v, %v, stored %q", moved, err, stored)
	}
	// An attempt that was interrupted is finished.
	answers["PUT /dav/new/a.ics"], answers["GET /dav/new/a.ics"] = says(412, "", ""), answers["GET /dav/cal/a.ics"]
	if moved, _, err = move(answers); err != nil || len(moved) != 1 {
		t.Errorf("%v, %v", moved, err)
	}
	// Something else of that name stays as it is, and so does the item.
	answers["GET /dav/new/a.ics"] = says(200, "text/calendar", "ANOTHER")
	moved, asked, err := move(answers)
	if wantKind(t, err, remote.Precondition); len(moved) != 0 || strings.Contains(asked, "DELETE") {
		t.Errorf("%v: %s", moved, asked)
	}
	// A meeting is not deleted where the server would tell its guests that it is cancelled.
	answers["GET /dav/cal/a.ics"] = says(200, "text/calendar", "BEGIN\r\nATTENDEE:mailto:bo@example.org\r\nEND\r\n", "ETag", `"1"`)
	answers["OPTIONS /dav/cal/a.ics"] = says(200, "", "", "DAV", "1, calendar-access, calendar-auto-schedule")
	moved, asked, err = move(answers)
	if wantKind(t, err, remote.Other, "501"); len(moved) != 0 || strings.Contains(asked, "DELETE") || strings.Contains(asked, "PUT") {
		t.Errorf("%v: %s", moved, asked)
	}
}
