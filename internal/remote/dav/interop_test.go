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
	for _, c := range []struct {
		kind servers.Kind
		name string
	}{
		{servers.CyrusIMAP, dav.CalDAV},
		{servers.CyrusIMAP, dav.CardDAV},
		{servers.RadicaleDAV, dav.CalDAV},
		{servers.RadicaleDAV, dav.CardDAV},
	} {
		t.Run(string(c.kind)+"/"+c.name, func(t *testing.T) {
			server := pool.Get(t, c.kind)
			user := server.NewUser(t)
			kinds := []groupware.FolderKind{groupware.FolderCalendar, groupware.FolderTasks, groupware.FolderNotes}
			if c.name == dav.CardDAV {
				kinds = []groupware.FolderKind{groupware.FolderContacts}
			}
			remotetest.Run(t, remotetest.Target{
				Kinds:   kinds,
				Connect: func(t testing.TB) remote.Service { return connect(t, c.name, endpoint(server, c.name, user)) },
				// Neither server keeps the bytes of calendars and cards: both order and fold properties their way.
				Features: remotetest.Features{State: true, Delta: true, Renames: true, StableFolderIDs: true, NewIDs: true, Tags: true, Moves: true},
			})
		})
	}
}
