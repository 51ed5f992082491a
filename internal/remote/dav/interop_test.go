package dav_test

import (
	"os"
	"strings"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/dav"
	"outpost/internal/remote/remotetest"
	"outpost/test/servers"
)

var pool servers.Pool

func TestMain(m *testing.M) { os.Exit(pool.Run(m)) }

func endpoint(s *servers.Server, name string, u servers.User) remote.Endpoint {
	e := remote.Endpoint{URL: s.CalDAV, User: u.Name, Password: u.Password}
	if name == dav.CardDAV {
		e.URL = s.CardDAV
	}
	return e
}

func connect(t testing.TB, name string, e remote.Endpoint) *dav.Service {
	t.Helper()
	s, err := dav.Connect(t.Context(), name, e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// The conformance suite runs on these servers in test/interop.

func TestRealServersAreFoundFromAnyAddress(t *testing.T) {
	for _, kind := range []servers.Kind{servers.CyrusIMAP, servers.RadicaleDAV} {
		server := pool.Get(t, kind)
		user := server.NewUser(t)
		for _, name := range []string{dav.CalDAV, dav.CardDAV} {
			home := strings.TrimPrefix(connect(t, name, endpoint(server, name, user)).Homes()[0], "http://"+server.HTTPAddr)
			for _, path := range []string{"", "/", "/.well-known/" + name, home, strings.TrimSuffix(home, "/"), strings.ReplaceAll(home, "@", "%40"), "/not/there/"} {
				e := endpoint(server, name, user)
				e.URL = "http://" + server.HTTPAddr + path
				if got := connect(t, name, e).Homes(); len(got) != 1 || !strings.HasSuffix(got[0], home) {
					t.Errorf("%s: from %q: %v, want %s", kind, path, got, home)
				}
			}
			e := endpoint(server, name, user)
			e.Password = "wrong"
			if _, err := dav.Connect(t.Context(), name, e); remote.KindOf(err) != remote.Auth {
				t.Errorf("%s: with a wrong password: %v", kind, err)
			}
		}
	}
}

func TestRealServersGiveCardsInTheVersionThatTheyHold(t *testing.T) {
	card := func(version, more string) []byte {
		return []byte("BEGIN:VCARD\r\nVERSION:" + version + "\r\nUID:u" + version + more + "\r\nFN:Anna\r\nN:Berg;Anna;;;\r\nX-MORE:" + more + "\r\nEND:VCARD\r\n")
	}
	for _, kind := range []servers.Kind{servers.CyrusIMAP, servers.RadicaleDAV} {
		server := pool.Get(t, kind)
		s := connect(t, dav.CardDAV, endpoint(server, dav.CardDAV, server.NewUser(t)))
		f, err := s.CreateFolder(t.Context(), remote.NewFolder{Name: "Cards", Kind: groupware.FolderContacts})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{}
		var items []remote.NewItem
		for _, c := range []struct{ name, version, more string }{{"old.vcf", "3.0", ""}, {"new.vcf", "4.0", ""}, {"group.vcf", "4.0", "KIND"}} {
			items = append(items, remote.NewItem{Name: c.name, Raw: card(c.version, c.more), Media: groupware.MediaVCard})
			want[f.ID+c.name] = c.version
		}
		if err := s.Create(t.Context(), f.ID, items, func(_ int, _ remote.Created, err error) error { return err }); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for id := range want {
			ids = append(ids, id)
		}
		if err := s.Fetch(t.Context(), f.ID, ids, remote.PartWhole, func(got remote.Fetched) error {
			if !strings.Contains(string(got.Raw), "\r\nVERSION:"+want[got.ID]+"\r\n") {
				t.Errorf("%s: %s is %s", kind, got.ID, got.Raw)
			}
			delete(want, got.ID)
			return got.Err
		}); err != nil || len(want) != 0 {
			t.Errorf("%s: left %v, %v", kind, want, err)
		}
	}
}

func TestASecondItemOfAUIDIsToldAsTheFirst(t *testing.T) {
	for _, kind := range []servers.Kind{servers.CyrusIMAP, servers.RadicaleDAV} {
		server := pool.Get(t, kind)
		s := connect(t, dav.CalDAV, endpoint(server, dav.CalDAV, server.NewUser(t)))
		f, err := s.CreateFolder(t.Context(), remote.NewFolder{Name: "Events", Kind: groupware.FolderCalendar})
		if err != nil {
			t.Fatal(err)
		}
		first, second := remotetest.Item(groupware.FolderCalendar, "one", "One"), remotetest.Item(groupware.FolderCalendar, "one", "One")
		second.Name = "another.ics"
		err = s.Create(t.Context(), f.ID, []remote.NewItem{first}, func(_ int, _ remote.Created, err error) error { return err })
		if err != nil {
			t.Fatal(err)
		}
		err = s.Create(t.Context(), f.ID, []remote.NewItem{second}, func(_ int, _ remote.Created, err error) error { return err })
		if remote.KindOf(err) != remote.Exists {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// RFC 6638 2
func TestCyrusSendsInvitationsItselfAndRadicaleDoesNot(t *testing.T) {
	for kind, want := range map[servers.Kind]bool{servers.CyrusIMAP: true, servers.RadicaleDAV: false} {
		server := pool.Get(t, kind)
		s := connect(t, dav.CalDAV, endpoint(server, dav.CalDAV, server.NewUser(t)))
		if _, err := s.CreateFolder(t.Context(), remote.NewFolder{Name: "Events", Kind: groupware.FolderCalendar}); err != nil {
			t.Fatal(err)
		}
		folders, err := s.Folders(t.Context())
		if err != nil || len(folders) == 0 {
			t.Fatalf("%s: %v", kind, err)
		}
		for _, f := range folders {
			if f.Schedules != want || f.ReadOnly {
				t.Errorf("%s: %+v", kind, f)
			}
		}
	}
}

func TestASyncTokenOfAnotherServerIsAnsweredInFull(t *testing.T) {
	for _, kind := range []servers.Kind{servers.CyrusIMAP, servers.RadicaleDAV} {
		server := pool.Get(t, kind)
		s := connect(t, dav.CalDAV, endpoint(server, dav.CalDAV, server.NewUser(t)))
		f, err := s.CreateFolder(t.Context(), remote.NewFolder{Name: "Events", Kind: groupware.FolderCalendar})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Create(t.Context(), f.ID, []remote.NewItem{remotetest.Item(groupware.FolderCalendar, "one", "One")}, func(_ int, _ remote.Created, err error) error { return err }); err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{"sync:http://radicale.org/ns/sync/0000000000000000000000000000000000000000000000000000000000000000", "sync:data:,1-999999", "sync:nonsense", "ctag:nonsense", "?"} {
			n := 0
			l, err := s.Changes(t.Context(), f.ID, token, func(c remote.Change) error {
				if !c.Gone {
					n++
				}
				return nil
			})
			if err != nil || !l.Full || n != 1 || l.Token == "" {
				t.Errorf("%s: %s: %+v with %d items, %v", kind, token, l, n, err)
			}
		}
	}
}
