package dav

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

const (
	calendarType = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
	bookType     = "<D:resourcetype><D:collection/><A:addressbook/></D:resourcetype>"
	plainType    = "<D:resourcetype><D:collection/></D:resourcetype>"
)

func homeSet(href string) string {
	return "<C:calendar-home-set><D:href>" + href + "</D:href></C:calendar-home-set>"
}

func principal(href string) string {
	return "<D:current-user-principal><D:href>" + href + "</D:href></D:current-user-principal>"
}

// RFC 6764 6, from every kind of address that a person may have been given.
func TestTheHomeIsFoundFromAnyAddress(t *testing.T) {
	me := multi(resource("/p/anna/", homeSet("../../cal/a%40b/")))
	for name, c := range map[string]struct {
		start   string
		answers map[string]http.HandlerFunc
	}{
		"the root, by way of the well-known address": {"/", map[string]http.HandlerFunc{
			"PROPFIND /.well-known/caldav": func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/dav/", http.StatusMovedPermanently)
			},
			"PROPFIND /dav/":    multi(resource("/dav/", plainType+principal("/p/anna/"))),
			"PROPFIND /p/anna/": me,
		}},
		"the root, without a well-known address": {"", map[string]http.HandlerFunc{
			"PROPFIND /":        multi(resource("/", principal("/p/anna/"))),
			"PROPFIND /p/anna/": me,
		}},
		"the root, where the well-known address is a web page": {"", map[string]http.HandlerFunc{
			"PROPFIND /.well-known/caldav": says(200, "text/html", "<html>"),
			"PROPFIND /":                   multi(resource("/", principal("/p/anna/"))),
			"PROPFIND /p/anna/":            me,
		}},
		"the principal": {"/p/anna/", map[string]http.HandlerFunc{"PROPFIND /p/anna/": me}},
		"the home":      {"/cal/a@b", map[string]http.HandlerFunc{"PROPFIND /cal/a@b": multi(resource("/cal/a%40b/", plainType+principal("/p/anna/"))), "PROPFIND /p/anna/": me}},
		"one calendar": {"/cal/a@b/work/", map[string]http.HandlerFunc{
			"PROPFIND /cal/a@b/work/": multi(resource("/cal/a@b/work/", calendarType+principal("/p/anna/"))), "PROPFIND /p/anna/": me}},
		"an address that is not there": {"/old/", map[string]http.HandlerFunc{
			"PROPFIND /.well-known/caldav": multi(resource("/.well-known/caldav", homeSet("/cal/a%40b"))),
		}},
		"a home at another name of the server": {"/p/anna/", map[string]http.HandlerFunc{
			"PROPFIND /p/anna/": multi(resource("/p/anna/", "<C:calendar-home-set><D:href>http://127.0.0.1:1/cal/a@b/</D:href></C:calendar-home-set>"))}},
		"a home that tells no principal": {"/cal/a@b/", map[string]http.HandlerFunc{
			"PROPFIND /cal/a@b/": multi(resource("/cal/a@b/", plainType)), "PROPFIND/1 /cal/a@b/": multi(resource("/cal/a@b/", plainType), resource("/cal/a@b/work/", calendarType))}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t, c.answers)
			e := s.endpoint()
			e.URL += c.start
			d, err := Connect(t.Context(), CalDAV, e)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(d.homes, []string{"/cal/a@b/"}) || len(d.extra) != 0 || d.Homes()[0] != s.URL+"/cal/a@b/" {
				t.Errorf("homes %v and %v", d.homes, d.extra)
			}
		})
	}
}

func TestACalendarOutsideOfTheHomesIsListedToo(t *testing.T) {
	s := newScripted(t, map[string]http.HandlerFunc{
		"PROPFIND /team/":   multi(resource("/team/", calendarType+principal("/p/anna/")+"<D:displayname>Team</D:displayname>")),
		"PROPFIND /p/anna/": multi(resource("/p/anna/", homeSet("/cal/"))),
		"PROPFIND/1 /cal/":  multi(resource("/cal/", plainType), resource("/cal/work/", calendarType+"<D:sync-token>1</D:sync-token>")),
	})
	e := s.endpoint()
	e.URL += "/team/"
	d, err := Connect(t.Context(), CalDAV, e)
	if err != nil {
		t.Fatal(err)
	}
	folders, err := d.Folders(t.Context())
	if err != nil || len(folders) != 2 || folders[0].ID != "/cal/work/" || folders[1].ID != "/team/" || folders[1].Name != "Team" {
		t.Fatalf("%+v, %v", folders, err)
	}
	// Without any home new calendars go beside it.
	s.answers["PROPFIND /team/"] = multi(resource("/team/", calendarType))
	if d, err = Connect(t.Context(), CalDAV, e); err != nil || len(d.homes) != 0 || !slices.Equal(d.extra, []string{"/team/"}) {
		t.Fatalf("%v", err)
	}
}

func TestWhereNothingIsFoundTheErrorSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]http.HandlerFunc
		kind    remote.ErrorKind
		words   string
	}{
		"wrong password":        {map[string]http.HandlerFunc{"PROPFIND /.well-known/caldav": says(401, "text/plain", "no")}, remote.Auth, "401"},
		"nothing":               {map[string]http.HandlerFunc{}, remote.NotFound, "404"},
		"no home":               {map[string]http.HandlerFunc{"PROPFIND /": multi(resource("/", plainType)), "PROPFIND/1 /": multi(resource("/", plainType))}, remote.NotFound, "no home"},
		"home elsewhere":        {map[string]http.HandlerFunc{"PROPFIND /": multi(resource("/", homeSet("https://p7.example.com/cal/")))}, remote.NotFound, "https://p7.example.com/cal/"},
		"only web pages":        {map[string]http.HandlerFunc{"PROPFIND /.well-known/caldav": says(200, "text/html", "x"), "PROPFIND /": says(200, "text/html", "x")}, remote.Offline, "a web page"},
		"server down for a bit": {map[string]http.HandlerFunc{"PROPFIND /.well-known/caldav": says(503, "text/plain", "", "Retry-After", "60")}, remote.Unavailable, "503"},
	} {
		_, err := Connect(t.Context(), CalDAV, newScripted(t, c.answers).endpoint())
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantKind(t, err, c.kind, c.words)
	}
}

func components(names ...string) string {
	s := "<C:supported-calendar-component-set>"
	for _, n := range names {
		s += `<C:comp name="` + n + `"/>`
	}
	return s + "</C:supported-calendar-component-set>"
}

func TestFoldersAreWhatTheirComponentsAndRightsSay(t *testing.T) {
	rights := func(names ...string) string {
		s := "<D:current-user-privilege-set>"
		for _, n := range names {
			s += "<D:privilege><D:" + n + "/></D:privilege>"
		}
		return s + "</D:current-user-privilege-set>"
	}
	s := newScripted(t, map[string]http.HandlerFunc{"PROPFIND/1 /dav/": multi(
		resource("/dav/", plainType),
		resource("/dav/Inbox/", "<D:resourcetype><D:collection/><C:calendar/><C:schedule-inbox/></D:resourcetype>"),
		resource("/dav/Outbox/", "<D:resourcetype><D:collection/><C:schedule-outbox/></D:resourcetype>"),
		resource("/dav/all/", calendarType+"<D:displayname>  All \n things </D:displayname><D:sync-token>t1</D:sync-token>"),
		resource("/dav/events", calendarType+components("VEVENT", "VFREEBUSY")+rights("read", "write-content")+"<D:sync-token>t2</D:sync-token>"),
		resource("/dav/tasks/", calendarType+components("vtodo")+rights("read")+"<D:sync-token>t3</D:sync-token>"),
		resource("/dav/notes%20here/", calendarType+components("VJOURNAL")+rights("all")+"<D:sync-token>t4</D:sync-token>"),
		resource("/dav/both/", calendarType+components("VEVENT", "VTODO")+"<D:sync-token>t5</D:sync-token>"),
		resource("/dav/polls/", calendarType+components("VPOLL")),
		resource("/dav/file.txt", "<D:resourcetype/>"),
	)})
	folders, err := s.service(CalDAV).Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	event, task, note := groupware.KindEvent, groupware.KindTask, groupware.KindNote
	want := []remote.Folder{
		{ID: "/dav/all/", Name: "All things", Kind: groupware.FolderCalendar, Accepts: []groupware.Kind{event, task, note}, State: "sync:t1"},
		{ID: "/dav/events/", Name: "events", Kind: groupware.FolderCalendar, Accepts: []groupware.Kind{event}, State: "sync:t2"},
		{ID: "/dav/tasks/", Name: "tasks", Kind: groupware.FolderTasks, Accepts: []groupware.Kind{task}, ReadOnly: true, State: "sync:t3"},
		{ID: "/dav/notes%20here/", Name: "notes here", Kind: groupware.FolderNotes, Accepts: []groupware.Kind{note}, State: "sync:t4"},
		{ID: "/dav/both/", Name: "both", Kind: groupware.FolderCalendar, Accepts: []groupware.Kind{event, task}, State: "sync:t5"},
	}
	if len(folders) != len(want) {
		t.Fatalf("got %+v", folders)
	}
	for i, f := range folders {
		w := want[i]
		if f.ID != w.ID || f.Name != w.Name || f.Kind != w.Kind || !slices.Equal(f.Accepts, w.Accepts) || f.ReadOnly != w.ReadOnly || f.State != w.State || f.Items != -1 {
			t.Errorf("got %+v, want %+v", f, w)
		}
	}
}

func TestTheCtagIsTheStateWhereThereIsNoSyncToken(t *testing.T) {
	s := newScripted(t, map[string]http.HandlerFunc{"PROPFIND/1 /dav/": inTurn(
		multi(resource("/dav/", ""), resource("/dav/a/", bookType), resource("/dav/b/", bookType)),
		multi(resource("/dav/a/", "<S:getctag>7</S:getctag>"), resource("/dav/b/", "")),
	)})
	folders, err := s.service(CardDAV).Folders(t.Context())
	if err != nil || len(folders) != 2 || folders[0].State != "ctag:7" || folders[1].State != "" || folders[0].Kind != groupware.FolderContacts {
		t.Fatalf("%+v, %v", folders, err)
	}
}

// An empty answer must never look like an empty account.
func TestAHomeThatIsGoneOrSilentIsAnError(t *testing.T) {
	for _, c := range []struct {
		answer http.HandlerFunc
		kind   remote.ErrorKind
	}{{says(404, "text/plain", ""), remote.NotFound}, {multi(), remote.Protocol}, {multi(status("/dav/", 403)), remote.Forbidden}, {says(200, "text/html", ""), remote.Offline}, {says(204, "text/plain", ""), remote.Protocol}} {
		s := newScripted(t, map[string]http.HandlerFunc{"PROPFIND/1 /dav/": c.answer})
		folders, err := s.service(CalDAV).Folders(t.Context())
		wantKind(t, err, c.kind)
		if len(folders) != 0 {
			t.Errorf("got %+v", folders)
		}
	}
}

// newFolder is a scripted home in which one folder can be made, at an address made from the name and four zero bytes.
func newFolder(t *testing.T, slug string, answers map[string]http.HandlerFunc) (*scripted, *Service, string) {
	id := "/dav/" + slug + "-00000000/"
	answers["PROPFIND/1 /dav/"] = multi(resource("/dav/", ""), resource("/dav/work/", calendarType+"<D:displayname>Work</D:displayname><D:sync-token>1</D:sync-token>"))
	for k, h := range answers {
		answers[strings.ReplaceAll(k, "ID", id)] = h
	}
	s := newScripted(t, answers)
	d := s.service(CalDAV)
	d.random = bytes.NewReader(make([]byte, 64))
	return s, d, id
}

func TestANewFolderIsMadeForItsKind(t *testing.T) {
	for kind, component := range map[groupware.FolderKind]string{groupware.FolderCalendar: "VEVENT", groupware.FolderTasks: "VTODO", groupware.FolderNotes: "VJOURNAL"} {
		got := ""
		_, d, id := newFolder(t, "gr-e-b-c", map[string]http.HandlerFunc{
			"MKCALENDAR ID": func(w http.ResponseWriter, r *http.Request) { got = body(t, r); w.WriteHeader(201) },
			"PROPFIND ID":   multi(resource("ID", calendarType+"<D:displayname>Größe B&amp;C</D:displayname>"+components(component))),
		})
		f, err := d.CreateFolder(t.Context(), remote.NewFolder{Name: "Größe B&C", Kind: kind})
		if err != nil || f.ID != id || f.Name != "Größe B&C" || f.Kind != kind {
			t.Fatalf("%+v, %v", f, err)
		}
		if !strings.Contains(got, "<D:displayname>Größe B&amp;C</D:displayname>") || !strings.Contains(got, `<C:comp name="`+component+`"/>`) {
			t.Errorf("asked %s", got)
		}
	}
}

func TestAServerWithoutNotesIsNotLeftWithAUselessCalendar(t *testing.T) {
	s, d, id := newFolder(t, "notes", map[string]http.HandlerFunc{
		"MKCALENDAR ID": says(201, "text/plain", ""),
		"PROPFIND ID":   multi(resource("ID", calendarType+components("VEVENT", "VTODO"))),
		"DELETE ID":     says(204, "text/plain", ""),
	})
	_, err := d.CreateFolder(t.Context(), remote.NewFolder{Name: "Notes", Kind: groupware.FolderNotes})
	wantKind(t, err, remote.Forbidden, "VJOURNAL")
	if !strings.HasSuffix(s.requests(), "DELETE "+id) {
		t.Error("it was not taken back")
	}
	_, d, _ = newFolder(t, "notes", map[string]http.HandlerFunc{"MKCALENDAR ID": condition(403, "<C:supported-calendar-component/>")})
	_, err = d.CreateFolder(t.Context(), remote.NewFolder{Name: "Notes", Kind: groupware.FolderNotes})
	wantKind(t, err, remote.Forbidden)
}

func TestExtendedMKCOLIsUsedWhereThereIsNoMKCALENDAR(t *testing.T) {
	got := ""
	_, d, _ := newFolder(t, "x", map[string]http.HandlerFunc{
		"MKCALENDAR ID": says(501, "text/plain", ""),
		"MKCOL ID":      func(w http.ResponseWriter, r *http.Request) { got = body(t, r); w.WriteHeader(201) },
		"PROPFIND ID":   inTurn(multi(resource("ID", calendarType)), multi(resource("ID", calendarType+"<D:displayname>X</D:displayname>"))),
		"PROPPATCH ID":  multi(resource("ID", "<D:displayname/>")),
	})
	f, err := d.CreateFolder(t.Context(), remote.NewFolder{Name: "X", Kind: groupware.FolderCalendar})
	if err != nil || f.Name != "X" || !strings.Contains(got, "<D:collection/><C:calendar/>") {
		t.Fatalf("%+v, %v; asked %s", f, err, got)
	}
}

func TestFoldersThatCannotBeAreRefused(t *testing.T) {
	s, d, _ := newFolder(t, "x", map[string]http.HandlerFunc{})
	for _, c := range []struct {
		f    remote.NewFolder
		kind remote.ErrorKind
	}{
		{remote.NewFolder{Name: "Work", Kind: groupware.FolderCalendar}, remote.Exists},
		{remote.NewFolder{Name: "X", Kind: groupware.FolderMail}, remote.Forbidden},
		{remote.NewFolder{Name: "X", Kind: groupware.FolderContacts}, remote.Forbidden},
		{remote.NewFolder{Name: "X", Kind: groupware.FolderCalendar, Parent: "/dav/work/"}, remote.Forbidden},
		{remote.NewFolder{Name: " ", Kind: groupware.FolderCalendar}, remote.Invalid},
		{remote.NewFolder{Name: "a\tb", Kind: groupware.FolderCalendar}, remote.Invalid},
	} {
		_, err := d.CreateFolder(t.Context(), c.f)
		wantKind(t, err, c.kind)
	}
	if l := s.requests(); strings.Contains(l, "MK") {
		t.Errorf("something was made: %s", l)
	}
}

func TestADeletionThatLeavesSomethingIsAnError(t *testing.T) {
	s := newScripted(t, map[string]http.HandlerFunc{"DELETE /dav/a/": multi(status("/dav/a/x.ics", 423)), "DELETE /dav/b/": says(204, "", "")})
	d := s.service(CalDAV)
	wantKind(t, d.DeleteFolder(t.Context(), "/dav/a/"), remote.Unavailable, "423")
	for _, gone := range []string{"/dav/b/", "/dav/c/"} {
		if err := d.DeleteFolder(t.Context(), gone); err != nil {
			t.Errorf("%s: %v", gone, err)
		}
	}
}

func TestARefusedRenameIsAnError(t *testing.T) {
	s := newScripted(t, map[string]http.HandlerFunc{"PROPPATCH /dav/a/": multi(
		"<D:response><D:href>/dav/a/</D:href><D:propstat><D:prop><D:displayname/></D:prop><D:status>HTTP/1.1 403 Forbidden</D:status><D:error><D:cannot-modify-protected-property/></D:error></D:propstat></D:response>")})
	_, err := s.service(CalDAV).RenameFolder(t.Context(), "/dav/a/", "", "New")
	wantKind(t, err, remote.Forbidden, "cannot-modify-protected-property")
}
