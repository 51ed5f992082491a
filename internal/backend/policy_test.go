package backend

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/internal/engine"
	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

func TestAPolicyIsRead(t *testing.T) {
	p, err := parsePolicy([]byte("{\n  \"connections\": 4,\n  \"bytesPerHour\": 500000000,\n  \"messagesPerHour\": 10000,\n  \"spreadStart\": \"10m\",\n  \"leastEvery\": \"5m\"\n}\n"))
	if want := (Policy{4, 500000000, 10000, 10 * time.Minute, 5 * time.Minute}); err != nil || p != want {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := parsePolicy([]byte("{}")); err != nil || p != (Policy{}) || p.connections() != 3 || !p.push() {
		t.Errorf("%+v, %v", p, err)
	}
	for text, want := range map[string][]string{
		"":                                     {"line 1", "object"},
		"[1]":                                  {"line 1", "object"},
		"{\n  \"conections\": 3}":              {"line 2", `"conections"`, "connections"},
		"{\n\n  \"connections\": \"three\"}":   {"line 3", "connections", "2 to 50"},
		`{"connections": 1}`:                   {"column", "2 to 50"},
		`{"connections": 3.5}`:                 {"whole number"},
		`{"bytesPerHour": -1}`:                 {"bytesPerHour", "from 0"},
		`{"spreadStart": 600}`:                 {"spreadStart", `like "10m"`},
		`{"leastEvery": "1s"}`:                 {"leastEvery", "from 10s"},
		`{"connections": 3, "connections": 4}`: {"twice"},
		"{\"connections\": 3}\n{}":             {"line 2", "follows"},
		`{"connections": 3`:                    {"line 1"},
		`{"connections" 3}`:                    {"line 1"},
	} {
		_, err := parsePolicy([]byte(text))
		if err == nil {
			t.Errorf("%q is accepted", text)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %q does not say %q", text, err, w)
			}
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add([]byte(`{"connections": 3, "spreadStart": "5m"}`))
	f.Add([]byte("{\n\"bytesPerHour\": 1e9}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parsePolicy(data)
		if err == nil && (p.connections() < leastConnections || p.BytesPerHour < 0 || p.SpreadStart < 0 || p.SpreadStart > maxSpread) {
			t.Errorf("%q: %+v", data, p)
		}
	})
}

func TestTheAdministratorsFileMustMakeSense(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.json")
	t.Setenv("OUTPOST_POLICY", path)
	_, err := Open(t.Context(), Options{Data: t.TempDir()})
	wantError(t, err, CodePolicy, path, "cannot be read")
	if err := os.WriteFile(path, []byte("{\n \"speed\": 1}"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{Data: t.TempDir()})
	wantError(t, err, CodePolicy, path, "line 2", `"speed"`)
	if p, err := ReadPolicy(filepath.Join(t.TempDir(), "none.json"), false); err != nil || p != (Policy{}) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestNoMoreIsReadInAnHourThanTheAdministratorAllows(t *testing.T) {
	h := newHouse(t, anna)
	h.Server.o.Policy = &Policy{MessagesPerHour: 10}
	h.sync()
	for i := range 25 {
		h.deliver("Inbox", "Letter "+string(rune('a'+i)))
	}
	for hour, want := range []int64{10, 20, 25} {
		r, err := h.Sync(h.ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		page, _ := h.List(h.ctx, "Inbox", ListOptions{})
		if page.Total != want {
			t.Fatalf("in hour %d there are %d", hour, page.Total)
		}
		st := h.state()
		if want < 25 {
			if len(r.Problems) != 1 || r.Problems[0].Code != CodeLimit || !strings.Contains(r.Problems[0].Error, "10 messages an hour") || st.State != StateSyncing {
				t.Errorf("%+v, %+v", r, st)
			}
			h.add("Drafts", "", message("Written in hour "+string(rune('0'+hour)))) // what is written goes out
			if r, _ = h.Sync(h.ctx, ""); r.Uploaded != 1 || r.Downloaded != 0 {
				t.Errorf("%+v", r)
			}
		} else if len(r.Problems) != 0 || st.State != StateInSync {
			t.Errorf("%+v, %+v", r, st)
		}
		h.clock.pass(time.Hour)
	}
}

func TestFirstPassesAreSpread(t *testing.T) {
	h := newHouse(t, anna)
	h.Server.o.Policy = &Policy{SpreadStart: time.Hour}
	passed := h.serve()
	d := h.next("the first pass", time.Second, time.Hour) // the seed's
	calls := h.servers[anna].Calls()["Connect"]
	h.clock.pass(d - time.Second)
	if n := h.servers[anna].Calls()["Connect"]; n != calls {
		t.Error("it does not wait")
	}
	h.clock.pass(time.Second)
	passed()
	if st := h.state(); st.State != StateInSync {
		t.Errorf("%+v", st)
	}
}

func TestConnectionsAreSharedOut(t *testing.T) {
	one := store.Account{IMAP: "imaps://mail.example.org", SMTP: "smtps://mail.example.org", CalDAV: "https://dav.example.org/c/", CardDAV: "https://dav.example.org/p/"}
	two := one
	two.CardDAV = "https://people.example.org/"
	for _, c := range []struct {
		a    store.Account
		most int
		want map[string]int
	}{
		{one, 3, map[string]int{"imap": 1, "smtp": 1, "caldav": 2, "carddav": 1}},
		{one, 2, map[string]int{"imap": 1, "caldav": 1, "carddav": 1}},
		{one, 8, map[string]int{"caldav": 4, "carddav": 4}},
		{two, 3, map[string]int{"caldav": 3, "carddav": 3}},
	} {
		for _, sv := range services(c.a) {
			if want, ok := c.want[sv.name]; ok && connections(c.a, sv, c.most) != want {
				t.Errorf("%s of %d: %d, want %d", sv.name, c.most, connections(c.a, sv, c.most), want)
			}
		}
	}
}

// counted counts the connections to one server for mail that are open at a time.
type counted struct {
	engine.Connector
	mu         sync.Mutex
	open, most int
}

func (c *counted) Connect(ctx context.Context, service string) (remote.Service, error) {
	svc, err := c.Connector.Connect(ctx, service)
	if err != nil || service != "imap" {
		return svc, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	c.most = max(c.most, c.open)
	return &closing{svc.(remote.Watcher), c}, nil
}

type closing struct {
	remote.Watcher
	c *counted
}

func (s *closing) Close() error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.open--
	return s.Watcher.Close()
}

func TestNeverMoreConnectionsThanAllowed(t *testing.T) {
	h := newHouse(t, anna)
	c := &counted{Connector: h.servers[anna]}
	h.Server.o.Connect = func(store.Account, string) engine.Connector { return c }
	passed := h.watched()
	if _, err := h.SetFolder(h.ctx, "Trash", groupware.SyncHeaders, false); err != nil {
		t.Fatal(err)
	}
	h.next("the gathering", gather, gather)
	h.clock.pass(gather)
	passed()
	h.regular()
	for _, name := range []string{"One", "Two", "Three", "Four"} {
		s := h.servers[anna]
		s.AddMail(s.FolderID("Trash"), []byte(withFile(name)), groupware.Flags{}, h.clock.Now())
	}
	h.next("the look at what is new", gatherNews, gatherNews)
	h.clock.pass(gatherNews)
	passed()
	page, err := h.List(h.ctx, "Trash", ListOptions{})
	if err != nil || len(page.Items) != 4 {
		t.Fatalf("%+v, %v", page, err)
	}
	var wg sync.WaitGroup
	for _, it := range page.Items { // four people want something, while a pass runs, and the server is watched
		wg.Go(func() {
			if _, err := h.Raw(h.ctx, it.ID); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Go(func() { h.Sync(h.ctx, "") })
	wg.Wait()
	if c.most > defaultConnections {
		t.Errorf("%d connections at a time", c.most)
	}
}

// withFile is a message with an attachment.
func withFile(subject string) string {
	return "From: ben@example.net\r\nTo: anna@example.org\r\nSubject: " + subject + "\r\nMessage-ID: <" + subject + "@f>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" +
		"--x\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"" + subject + ".pdf\"\r\n\r\n" +
		strings.Repeat("%PDF "+subject+"\r\n", 500) + "--x--\r\n"
}

func TestThePushIsLeftOutWhereThereIsNoRoomForIt(t *testing.T) {
	h := newHouse(t, anna)
	h.Server.o.Policy = &Policy{Connections: 2}
	passed := h.serve()
	passed()
	h.regular()
	if n := h.servers[anna].Calls()["Watch"]; n != 0 {
		t.Errorf("watched %d times", n)
	}
}

func TestTheFolderThatSomebodyLooksAtGoesFirst(t *testing.T) {
	h := newHouse(t)
	s := h.server(anna)
	later := s.AddFolder(remote.NewFolder{Name: "Later", Kind: groupware.FolderMail})
	if _, err := h.AddAccount(h.ctx, account(anna)); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		h.deliver("Inbox", "In "+string(rune('a'+i)))
		s.AddMail(later, []byte(message("Later "+string(rune('a'+i)))), groupware.Flags{}, h.clock.Now())
	}
	if _, err := h.List(h.ctx, "Later", ListOptions{}); err != nil {
		t.Fatal(err)
	}
	events, stop := h.Watch()
	defer stop()
	h.sync()
	var order []string
	var last Event
	for e := range events {
		if e.Doing == "" {
			break
		}
		if e.Doing == "downloading" {
			last = e
			if len(order) == 0 || order[len(order)-1] != e.Folder {
				order = append(order, e.Folder)
			}
		}
	}
	if strings.Join(order, " ") != "Later Inbox" || last.Done != 30 || last.Total != 30 || last.TotalBytes == 0 || last.All == nil || last.All.Done != 60 || last.All.Total != 60 {
		t.Errorf("%v, at last %+v", order, last)
	}
	h.clock.pass(attention + time.Second) // nobody looks for that long
	if id := h.mailboxes()[0].lookedAt(h.clock.Now)(); id != 0 {
		t.Errorf("folder %d is still looked at", id)
	}
}

func TestTheMeterTellsRateAndRest(t *testing.T) {
	var m meter
	at := newClock().Now()
	if a := m.read(at, engine.Amount{Total: 100, TotalBytes: 1000_000}); a.Rate != 0 || a.Remaining != 0 {
		t.Errorf("at the beginning %+v", a)
	}
	for i := range int64(10) { // 10 items of 10,000 bytes a second
		at = at.Add(time.Second)
		a := m.read(at, engine.Amount{Done: 10 * (i + 1), Total: 200, Bytes: 100_000 * (i + 1), TotalBytes: 2_000_000})
		if a.Rate != 100_000 || a.Remaining != 19-i {
			t.Errorf("after %d s %+v", i+1, a)
		}
	}
	a := m.read(at.Add(time.Second), engine.Amount{Done: 100, Total: 200, Bytes: 1_000_000, TotalBytes: 2_000_000}) // a second of nothing
	if a.Rate >= 100_000 || a.Rate < 70_000 || a.Remaining <= 10 {
		t.Errorf("after a stall %+v", a)
	}
}

func TestModesChangeBothWaysWithDataInPlace(t *testing.T) {
	h := newHouse(t)
	s := h.serverOf(anna, fake.Features{})
	work := s.AddFolder(remote.NewFolder{Name: "Work", Kind: groupware.FolderMail})
	inner := s.AddFolder(remote.NewFolder{Parent: work, Name: "Boat", Kind: groupware.FolderMail})
	if _, err := h.AddAccount(h.ctx, account(anna)); err != nil {
		t.Fatal(err)
	}
	const signed = "From: ben@example.net\r\nSubject: Signed\r\nMessage-ID: <s@f>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=x; protocol=\"application/pgp-signature\"\r\n\r\n" +
		"--x\r\nContent-Type: text/plain\r\n\r\nIt is me.\r\n--x\r\nContent-Type: application/pgp-signature; name=s.asc\r\n\r\nxyz\r\n--x--\r\n"
	var had []string
	put := func(folder, raw string) {
		s.AddMail(folder, []byte(raw), groupware.Flags{}, h.clock.Now())
		had = append(had, raw)
	}
	set := func(mode groupware.SyncMode) {
		t.Helper()
		folders, err := h.SetFolder(h.ctx, "Work", mode, true)
		if err != nil || len(folders) != 2 || folders[1].Path != "Work/Boat" || folders[1].Sync != mode {
			t.Fatalf("%+v, %v", folders, err)
		}
	}
	bodies := func(folder string) map[string]groupware.BodyState {
		t.Helper()
		page, err := h.List(h.ctx, folder, ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]groupware.BodyState{}
		for _, it := range page.Items {
			out[it.Subject] = it.Body
		}
		return out
	}
	id := func(folder, subject string) string {
		t.Helper()
		page, _ := h.List(h.ctx, folder, ListOptions{})
		for _, it := range page.Items {
			if it.Subject == subject {
				return it.ID
			}
		}
		t.Fatalf("no %s in %s", subject, folder)
		return ""
	}
	downloaded := func(want int) {
		t.Helper()
		if r := h.sync(); r.Downloaded != want {
			t.Errorf("%d were downloaded, want %d", r.Downloaded, want)
		}
	}

	put(work, withFile("First"))
	put(inner, withFile("Second"))
	set(groupware.SyncWhole)
	downloaded(2)
	set(groupware.SyncHeaders) // what is whole stays so
	put(work, withFile("Third"))
	put(inner, signed)
	downloaded(2)
	if b := bodies("Work"); b["First"] != groupware.BodyWhole || b["Third"] != groupware.BodyText {
		t.Errorf("%v", b)
	}
	if b := bodies("Work/Boat"); b["Second"] != groupware.BodyWhole || b["Signed"] != groupware.BodyWhole {
		t.Errorf("%v", b)
	}
	if err := h.Flag(h.ctx, id("Work", "Third"), []string{"flagged"}, nil); err != nil {
		t.Fatal(err)
	}

	set(groupware.SyncOff) // what is here stays, and waits with what is changed
	put(work, withFile("Fourth"))
	if err := h.Flag(h.ctx, id("Work", "First"), []string{"seen"}, nil); err != nil {
		t.Fatal(err)
	}
	written := message("Written while it was off")
	h.add("Work/Boat", "", written)
	if r, err := h.Sync(h.ctx, ""); err != nil || r.Downloaded != 0 || len(r.Problems) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if b := bodies("Work"); len(b) != 2 {
		t.Errorf("%v", b)
	}

	set(groupware.SyncWhole)
	fetched := fetchedItems(s)
	downloaded(2) // the rest of the third, and the fourth; nothing again
	if n := fetchedItems(s) - fetched; n > 2 {
		t.Errorf("%d calls read items", n)
	}
	for folder, n := range map[string]int{"Work": 3, "Work/Boat": 3} {
		b := bodies(folder)
		for subject, body := range b {
			if body != groupware.BodyWhole {
				t.Errorf("%s is here %s", subject, body)
			}
		}
		if len(b) != n {
			t.Errorf("%s holds %v", folder, b)
		}
	}
	there := strings.Join(append(h.there(anna, "Work"), h.there(anna, "Work/Boat")...), "\x00")
	for _, raw := range append(had, written) {
		if strings.Count(there, raw) != 1 {
			t.Errorf("%.60q is there %d times", raw, strings.Count(there, raw))
		}
	}
	for _, it := range s.Snapshot() {
		if subject := string(it.Raw); strings.Contains(subject, "Subject: First") && !it.Flags.Has(groupware.NewFlags(groupware.Seen)) ||
			strings.Contains(subject, "Subject: Third") && !it.Flags.Has(groupware.NewFlags(groupware.Flagged)) {
			t.Errorf("flags of %.60q: %v", it.Raw, it.Flags)
		}
	}
	downloaded(0)
}

// fetchedItems counts how often the server was asked for items.
func fetchedItems(s *fake.Server) int { return s.Calls()["Fetch"] }
