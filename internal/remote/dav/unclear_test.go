package dav

import (
	"bytes"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"outpost/internal/remote"
)

// A server that fails after it did what was asked: what became of it is asked, and nothing is told to it twice.
func TestAFailureAfterTheDeedIsNoFailure(t *testing.T) {
	const body = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
	oops := says(500, "text/plain", "oops")
	there := multi(resource("/dav/cal/a.ics", etag("2")))
	holds := func(raw string) http.HandlerFunc { return says(200, "text/calendar", raw, "ETag", `"2"`) }
	create := func(d *Service) (err error) {
		ended := d.Create(t.Context(), "/dav/cal/", []remote.NewItem{{Name: "a.ics", Raw: []byte(body)}}, func(_ int, c remote.Created, no error) error {
			if err = no; no == nil && c != (remote.Created{ID: "/dav/cal/a.ics"}) {
				t.Errorf("created %+v", c)
			}
			return nil
		})
		if ended != nil {
			err = ended
		}
		return err
	}
	replace := func(d *Service) error {
		_, err := d.Replace(t.Context(), "/dav/cal/", "/dav/cal/a.ics", `"1"`, remote.NewItem{Raw: []byte(body)})
		return err
	}
	remove := func(d *Service) (err error) {
		ended := d.Delete(t.Context(), "/dav/cal/", []remote.Ref{{ID: "/dav/cal/a.ics", Tag: `"1"`}}, func(_ string, no error) error { err = no; return nil })
		if ended != nil {
			err = ended
		}
		return err
	}
	move := func(d *Service) error {
		moved, err := d.Move(t.Context(), "/dav/cal/", []string{"/dav/cal/a.ics"}, "/dav/new/")
		if err == nil && moved["/dav/cal/a.ics"] != "/dav/new/a.ics" {
			t.Errorf("moved %v", moved)
		}
		return err
	}
	removeFolder := func(d *Service) error { return d.DeleteFolder(t.Context(), "/dav/cal/") }
	const done = remote.ErrorKind(-1)
	for name, c := range map[string]struct {
		do      func(*Service) error
		request string
		answers map[string]http.HandlerFunc
		kind    remote.ErrorKind
		words   string
	}{
		"created":                     {create, "PUT /dav/cal/a.ics", map[string]http.HandlerFunc{"PROPFIND /dav/cal/a.ics": there}, done, ""},
		"not created":                 {create, "PUT /dav/cal/a.ics", nil, remote.Other, "oops"},
		"created or not":              {create, "PUT /dav/cal/a.ics", map[string]http.HandlerFunc{"PROPFIND /dav/cal/a.ics": oops}, remote.Unavailable, "does not tell whether it was done"},
		"created, and now it is busy": {create, "PUT /dav/cal/a.ics", map[string]http.HandlerFunc{"PROPFIND /dav/cal/a.ics": says(503, "", "", "Retry-After", "60")}, remote.Unavailable, "503"},
		"replaced":                    {replace, "PUT /dav/cal/a.ics", map[string]http.HandlerFunc{"GET /dav/cal/a.ics": holds(body)}, done, ""},
		"not replaced":                {replace, "PUT /dav/cal/a.ics", map[string]http.HandlerFunc{"GET /dav/cal/a.ics": says(200, "text/calendar", "old", "ETag", `"1"`)}, remote.Other, "oops"},
		"replaced and rewritten":      {replace, "PUT /dav/cal/a.ics", map[string]http.HandlerFunc{"GET /dav/cal/a.ics": holds("another")}, remote.Precondition, "another version"},
		"replaced and gone":           {replace, "PUT /dav/cal/a.ics", nil, remote.Precondition, ""},
		"replaced or not":             {replace, "PUT /dav/cal/a.ics", map[string]http.HandlerFunc{"GET /dav/cal/a.ics": oops}, remote.Unavailable, "does not tell"},
		"deleted":                     {remove, "DELETE /dav/cal/a.ics", nil, done, ""},
		"not deleted":                 {remove, "DELETE /dav/cal/a.ics", map[string]http.HandlerFunc{"PROPFIND /dav/cal/a.ics": there}, remote.Other, "oops"},
		"deleted or not":              {remove, "DELETE /dav/cal/a.ics", map[string]http.HandlerFunc{"PROPFIND /dav/cal/a.ics": oops}, remote.Unavailable, "does not tell"},
		"moved":                       {move, "MOVE /dav/cal/a.ics", map[string]http.HandlerFunc{"PROPFIND /dav/new/a.ics": multi(resource("/dav/new/a.ics", etag("2")))}, done, ""},
		"not moved":                   {move, "MOVE /dav/cal/a.ics", map[string]http.HandlerFunc{"PROPFIND /dav/cal/a.ics": there}, remote.Other, "oops"},
		"folder deleted":              {removeFolder, "DELETE /dav/cal/", nil, done, ""},
		"folder not deleted":          {removeFolder, "DELETE /dav/cal/", map[string]http.HandlerFunc{"PROPFIND /dav/cal/": multi(resource("/dav/cal/", ""))}, remote.Other, "oops"},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string]http.HandlerFunc{c.request: oops}
			for k, h := range c.answers {
				answers[k] = h
			}
			s := newScripted(t, answers)
			err := c.do(s.service(CalDAV))
			if c.kind != done {
				wantKind(t, err, c.kind, c.words)
			} else if err != nil {
				t.Error(err)
			}
			if asked := s.requests(); strings.Count(asked, c.request) != 1 {
				t.Errorf("asked\n%s", asked)
			}
		})
	}
}

func TestAFolderThatWasMadeInSpiteOfAFailureIsTheOneThatWasAsked(t *testing.T) {
	s := newScripted(t, map[string]http.HandlerFunc{
		"PROPFIND/1 /dav/":                  multi(resource("/dav/", plainType)),
		"MKCALENDAR /dav/team-00000000/":    says(500, "text/plain", "oops"),
		"PROPFIND /dav/team-00000000/":      multi(resource("/dav/team-00000000/", calendarType+"<D:displayname>Team</D:displayname>")),
		"MKCALENDAR /dav/nowhere-00000000/": says(500, "text/plain", "oops"),
	})
	d := s.service(CalDAV)
	d.random = bytes.NewReader(make([]byte, 64))
	f, err := d.CreateFolder(t.Context(), remote.NewFolder{Name: "Team", Kind: "calendar"})
	if err != nil || f.ID != "/dav/team-00000000/" || f.Name != "Team" {
		t.Errorf("%+v, %v", f, err)
	}
	_, err = d.CreateFolder(t.Context(), remote.NewFolder{Name: "Nowhere", Kind: "calendar"})
	wantKind(t, err, remote.Other, "oops")
}

// A directory behind the server that hiccups once.
func TestAPasswordThatIsRefusedOnceIsOfferedAgainAndNoMore(t *testing.T) {
	for refusals, kind := range map[int32]remote.ErrorKind{1: remote.Other, 2: remote.Auth} {
		var n atomic.Int32
		h := multi(resource("/dav/cal/a.ics", etag("1")))
		s := newScripted(t, map[string]http.HandlerFunc{"PROPFIND /dav/cal/a.ics": func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) <= refusals {
				says(401, "text/plain", "who are you")(w, r)
				return
			}
			h(w, r)
		}})
		tag, err := s.service(CalDAV).tag(t.Context(), "/dav/cal/a.ics")
		if kind == remote.Auth {
			wantKind(t, err, kind, "who are you")
		} else if err != nil || tag != `"1"` {
			t.Errorf("%q, %v", tag, err)
		}
		if n.Load() != 2 {
			t.Errorf("asked %d times", n.Load())
		}
	}
}

// RFC 6638 2: told by OPTIONS on the folders, asked once.
func TestAServerThatSendsInvitationsSaysSo(t *testing.T) {
	for header, want := range map[string]bool{"1, access-control, calendar-access, Calendar-Auto-Schedule": true, "1, calendar-access, calendar-schedule": false, "": false} {
		s := newScripted(t, map[string]http.HandlerFunc{
			"PROPFIND/1 /dav/":  multi(resource("/dav/", plainType), resource("/dav/cal/", calendarType+"<D:sync-token>1</D:sync-token>"), resource("/dav/two/", calendarType+"<D:sync-token>1</D:sync-token>")),
			"OPTIONS /dav/cal/": says(200, "text/plain", "", "DAV", header),
		})
		d := s.service(CalDAV)
		for range 2 {
			folders, err := d.Folders(t.Context())
			if err != nil || len(folders) != 2 || folders[0].Schedules != want || folders[1].Schedules != want {
				t.Errorf("%q: %+v, %v", header, folders, err)
			}
		}
		if asked := s.requests(); strings.Count(asked, "OPTIONS") != 1 {
			t.Errorf("asked\n%s", asked)
		}
	}
	// One that refuses to tell schedules nothing; one that is busy is asked again later; address books are not asked.
	for answer, kind := range map[int]remote.ErrorKind{405: 0, 503: remote.Unavailable} {
		s := newScripted(t, map[string]http.HandlerFunc{
			"PROPFIND/1 /dav/":  multi(resource("/dav/", plainType), resource("/dav/cal/", calendarType+"<D:sync-token>1</D:sync-token>")),
			"OPTIONS /dav/cal/": says(answer, "", ""),
		})
		folders, err := s.service(CalDAV).Folders(t.Context())
		if kind != 0 {
			wantKind(t, err, kind)
		} else if err != nil || len(folders) != 1 || folders[0].Schedules {
			t.Errorf("%+v, %v", folders, err)
		}
	}
	s := newScripted(t, map[string]http.HandlerFunc{"PROPFIND/1 /dav/": multi(resource("/dav/", plainType), resource("/dav/book/", bookType+"<D:sync-token>1</D:sync-token>"))})
	if folders, err := s.service(CardDAV).Folders(t.Context()); err != nil || len(folders) != 1 || folders[0].Schedules || strings.Contains(s.requests(), "OPTIONS") {
		t.Errorf("%+v, %v", folders, err)
	}
}

// A network that wants a sign-in in the middle of reading takes no item for unreadable.
func TestASignInPageInTheMiddleOfReadingIsOffline(t *testing.T) {
	page := says(200, "text/html", "<html>sign in")
	answers := map[string]http.HandlerFunc{"REPORT /dav/cal/": page, "GET /dav/cal/a.ics": page, "PROPFIND /dav/cal/": page}
	s := newScripted(t, answers)
	err := s.service(CalDAV).Fetch(t.Context(), "/dav/cal/", []string{"/dav/cal/a.ics"}, remote.PartWhole, func(f remote.Fetched) error { t.Errorf("got %+v", f); return nil })
	wantKind(t, err, remote.Offline, "sign in first")
	// A page for one item only is that item's failure.
	answers["PROPFIND /dav/cal/"] = multi(resource("/dav/cal/", etag("1")))
	n := 0
	err = newScripted(t, answers).service(CalDAV).Fetch(t.Context(), "/dav/cal/", []string{"/dav/cal/a.ics"}, remote.PartWhole, func(f remote.Fetched) error {
		n++
		wantKind(t, f.Err, remote.Offline, "web page")
		return nil
	})
	if err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestRetryAfterIsTold(t *testing.T) {
	for code := range map[int]bool{429: true, 503: true} {
		s := newScripted(t, map[string]http.HandlerFunc{"PROPFIND /dav/cal/a.ics": says(code, "", "", "Retry-After", "7")})
		_, err := s.service(CalDAV).tag(t.Context(), "/dav/cal/a.ics")
		if wantKind(t, err, remote.Unavailable); err != nil && err.(*remote.Error).After != 7*time.Second {
			t.Errorf("%d: %+v", code, err)
		}
	}
}
