package interop

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"outpost/internal/demo"
	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/dav"
	"outpost/internal/remote/imap"
	"outpost/internal/remote/remotetest"
	"outpost/test/servers"
)

// mailFeatures are those of an IMAP server with every extension that the driver uses.
var mailFeatures = remotetest.Features{State: true, Delta: true, Renames: true, StableFolderIDs: true, Nests: true, KeepsBytes: true, NewIDs: true,
	Tags: true, Identify: true, Keywords: true, Push: true, PushAll: true, Moves: true}

// objectFeatures are those of a DAV server with sync-collection that keeps what it is given.
var objectFeatures = remotetest.Features{State: true, Delta: true, Renames: true, StableFolderIDs: true, KeepsBytes: true, NewIDs: true, Tags: true, Moves: true}

// objectKinds lists the kinds of folder of each DAV service.
var objectKinds = map[string][]groupware.FolderKind{
	dav.CalDAV:  {groupware.FolderCalendar, groupware.FolderTasks, groupware.FolderNotes},
	dav.CardDAV: {groupware.FolderContacts},
}

// poorer says what is left of the features without some capabilities.
var poorer = []struct {
	name  string
	mask  []string
	lacks func(*remotetest.Features)
}{
	{"as it is", nil, func(*remotetest.Features) {}},
	{"without QRESYNC", []string{"QRESYNC"}, func(f *remotetest.Features) { f.Delta = false }},
	{"without extensions", []string{"QRESYNC", "CONDSTORE", "UIDPLUS", "MOVE", "OBJECTID", "LIST-STATUS", "LIST-EXTENDED", "SPECIAL-USE", "CREATE-SPECIAL-USE",
		"LITERAL+", "LITERAL-", "MULTIAPPEND", "ESEARCH", "NAMESPACE", "ENABLE", "COMPRESS=DEFLATE", "UNSELECT", "IMAP4REV2", "IDLE", "NOTIFY", "ACL", "LIST-MYRIGHTS"}, func(f *remotetest.Features) {
		f.Delta, f.State, f.NewIDs, f.StableFolderIDs, f.Push, f.PushAll = false, false, false, false, false, false
	}},
}

// conformMail runs the suite against a mail server, each time as another user. restrict takes a user's rights away.
func conformMail(t *testing.T, newUser func(t *testing.T) remote.Endpoint, features remotetest.Features, refused []byte,
	restrict func(t testing.TB, u servers.User, path string) func()) {
	for _, p := range poorer {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			e := newUser(t)
			target := remotetest.Target{Kinds: []groupware.FolderKind{groupware.FolderMail}, Refused: refused, Features: features}
			p.lacks(&target.Features)
			if !slices.Contains(p.mask, "ACL") {
				target.Restrict = func(t testing.TB, path string) func() {
					t.Helper()
					return restrict(t, servers.User{Name: e.User, Password: e.Password}, path)
				}
			}
			if len(p.mask) > 1 {
				target.Many = 100 // each waits for an answer, and that takes Cyrus 45 ms
			}
			target.Connect = func(t testing.TB) remote.Service {
				t.Helper()
				s, err := imap.Connect(t.Context(), e, imap.Options{Mask: p.mask})
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			remotetest.Run(t, target)
		})
	}
}

// conformObjects runs the suite against a DAV service, for each kind of folder as another user.
func conformObjects(t *testing.T, name string, newUser func(t *testing.T) remote.Endpoint, features remotetest.Features) {
	for _, kind := range objectKinds[name] {
		t.Run(name+" "+string(kind), func(t *testing.T) {
			t.Parallel()
			e := newUser(t)
			remotetest.Run(t, remotetest.Target{Kinds: []groupware.FolderKind{kind}, Features: features, Connect: func(t testing.TB) remote.Service {
				t.Helper()
				s, err := dav.Connect(t.Context(), name, e)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}})
		})
	}
}

// users makes new users of a server, and says where it is for them.
func users(s *servers.Server, url string) func(t *testing.T) remote.Endpoint {
	return func(t *testing.T) remote.Endpoint {
		u := s.NewUser(t)
		return remote.Endpoint{URL: url, User: u.Name, Password: u.Password, Timeout: 30 * time.Second}
	}
}

func TestDemoConforms(t *testing.T) {
	s, err := demo.New(demo.Options{Empty: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := s.Account()
	var n atomic.Int32
	at := func(url string) func(t *testing.T) remote.Endpoint {
		return func(t *testing.T) remote.Endpoint {
			name := fmt.Sprintf("user%d@brambleford.example", n.Add(1))
			if err := s.AddUser(name, name, servers.Password); err != nil {
				t.Fatal(err)
			}
			return remote.Endpoint{URL: url, User: name, Password: servers.Password, Timeout: 30 * time.Second}
		}
	}
	conformMail(t, at(a.IMAP), mailFeatures, nil, func(t testing.TB, u servers.User, path string) func() {
		set := func(readOnly bool) {
			t.Helper()
			if err := s.Restrict(u.Name, path, readOnly); err != nil {
				t.Error(err)
			}
		}
		set(true)
		return func() { set(false) }
	})
	conformObjects(t, dav.CalDAV, at(a.CalDAV), objectFeatures)
	conformObjects(t, dav.CardDAV, at(a.CardDAV), objectFeatures)
}

func TestCyrusConforms(t *testing.T) {
	s := servers.Cyrus(t, servers.Options{})
	m := mailFeatures
	m.PushAll = false // Cyrus 3.6 has no NOTIFY
	conformMail(t, users(s, s.IMAP), m, []byte("Subject: NUL\r\n\r\n\x00\r\n"), s.Restrict)
	f := objectFeatures
	f.KeepsBytes = false // it writes the parts of an RRULE, and lists of TYPE, in a form of its own
	conformObjects(t, dav.CalDAV, users(s, s.CalDAV), f)
	conformObjects(t, dav.CardDAV, users(s, s.CardDAV), f)
}

func TestDovecotConforms(t *testing.T) {
	s := servers.Dovecot(t, servers.Options{})
	f := mailFeatures
	f.StableFolderIDs = false // Dovecot 2.3 has no OBJECTID
	conformMail(t, users(s, s.IMAP), f, nil, s.Restrict)
}

func TestRadicaleConforms(t *testing.T) {
	s := servers.Radicale(t, servers.Options{})
	f := objectFeatures
	f.KeepsBytes, f.Tags = false, false // it writes every object anew
	conformObjects(t, dav.CalDAV, users(s, s.CalDAV), f)
	conformObjects(t, dav.CardDAV, users(s, s.CardDAV), f)
}
