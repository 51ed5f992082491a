package dav_test

import (
	"os"
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
	return s
}

func TestRealServersPassTheSuite(t *testing.T) {
	const (
		comma = "the suite's edited samples hold a comma that these servers escape"
		uid   = "Cyrus takes a UID into one calendar of an account only, and this test stores one in several"
	)
	rewriting := map[string]string{
		"a replacement holds the new content and nothing is left of the old": comma,
		"what changed meanwhile is not replaced":                             comma,
		"what changed meanwhile is not deleted":                              comma,
	}
	for _, c := range []struct {
		kind servers.Kind
		name string
		skip map[string]string
	}{
		{servers.CyrusIMAP, dav.CalDAV, map[string]string{
			"names with spaces, umlauts, ampersands and emoji come back as given": uid,
			"an odd name is refused or comes back as given":                       uid,
		}},
		{servers.CyrusIMAP, dav.CardDAV, nil},
		{servers.RadicaleDAV, dav.CalDAV, nil},
		{servers.RadicaleDAV, dav.CardDAV, nil},
	} {
		t.Run(string(c.kind)+"/"+c.name, func(t *testing.T) {
			server := pool.Get(t, c.kind)
			user := server.NewUser(t)
			skip := map[string]string{}
			for _, m := range []map[string]string{rewriting, c.skip} {
				for k, v := range m {
					skip[k] = v
				}
			}
			kinds := []groupware.FolderKind{groupware.FolderCalendar, groupware.FolderTasks, groupware.FolderNotes}
			if c.name == dav.CardDAV {
				kinds = []groupware.FolderKind{groupware.FolderContacts}
			}
			remotetest.Run(t, remotetest.Target{
				Kinds:   kinds,
				Skip:    skip,
				Connect: func(t testing.TB) remote.Service { return connect(t, c.name, endpoint(server, c.name, user)) },
				// Neither server keeps the bytes of calendars and cards: both order and fold properties their way.
				Features: remotetest.Features{State: true, Delta: true, Renames: true, StableFolderIDs: true, NewIDs: true, Tags: true, Moves: true},
			})
		})
	}
}
