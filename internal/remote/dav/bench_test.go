package dav_test

import (
	"fmt"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/dav"
	"outpost/internal/remote/remotetest"
	"outpost/test/servers"
)

const many = 5000

// BenchmarkFiveThousand measures what the network side of a first synchronisation of a big collection costs (list and
// read everything), a pass with nothing to do, and one after a change.
func BenchmarkFiveThousand(b *testing.B) {
	for _, kind := range []servers.Kind{servers.CyrusIMAP, servers.RadicaleDAV} {
		for _, name := range []string{dav.CalDAV, dav.CardDAV} {
			b.Run(string(kind)+"/"+name, func(b *testing.B) { benchmarkCollection(b, kind, name) })
		}
	}
}

func benchmarkCollection(b *testing.B, kind servers.Kind, name string) {
	server := pool.Get(b, kind)
	user := server.NewUser(b)
	collection, folderKind, media := servers.Calendar, groupware.FolderCalendar, "ics"
	if name == dav.CardDAV {
		collection, folderKind, media = servers.AddressBook, groupware.FolderContacts, "vcf"
	}
	var resources []servers.Resource
	for i := range many {
		uid := fmt.Sprintf("item-%d", i)
		resources = append(resources, servers.Resource{Name: uid + "." + media, Body: remotetest.Item(folderKind, uid, "One of many").Raw})
	}
	if err := server.LoadCollection(user, collection, "bulk", resources); err != nil {
		b.Fatal(err)
	}
	if _, err := server.ListCollection(user, collection, "bulk"); err != nil { // the server makes its caches
		b.Fatal(err)
	}
	connect := func() (*dav.Service, remote.Folder) {
		s := connect(b, name, endpoint(server, name, user))
		folders, err := s.Folders(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range folders {
			if f.Name == "bulk" {
				return s, f
			}
		}
		b.Fatalf("bulk is not among %v", folders)
		return nil, remote.Folder{}
	}
	changes := func(s *dav.Service, folder, since string) (token string, ids []string) {
		l, err := s.Changes(b.Context(), folder, since, func(c remote.Change) error { ids = append(ids, c.ID); return nil })
		if err != nil {
			b.Fatal(err)
		}
		return l.Token, ids
	}
	token := ""
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			s, f := connect()
			_, ids := changes(s, f.ID, "")
			if len(ids) != many {
				b.Fatalf("%d were listed", len(ids))
			}
			s.Close()
		}
	})
	b.Run("list and read", func(b *testing.B) {
		for b.Loop() {
			s, f := connect()
			var ids []string
			token, ids = changes(s, f.ID, "")
			n := 0
			err := s.Fetch(b.Context(), f.ID, ids, remote.PartWhole, func(f remote.Fetched) error {
				if f.Err == nil && len(f.Raw) > 0 {
					n++
				}
				return nil
			})
			if err != nil || n != many {
				b.Fatalf("%d were read: %v", n, err)
			}
			s.Close()
		}
	})
	b.Run("nothing to do", func(b *testing.B) {
		for b.Loop() {
			s, f := connect()
			if f.State != token {
				b.Fatalf("State %q, token %q", f.State, token)
			}
			s.Close()
		}
	})
	b.Run("one change", func(b *testing.B) {
		for b.Loop() {
			s, f := connect()
			if err := server.PutResource(user, collection, "bulk", resources[0]); err != nil {
				b.Fatal(err)
			}
			var ids []string
			if token, ids = changes(s, f.ID, token); len(ids) > 1 {
				b.Fatalf("%d are told to have changed", len(ids))
			}
			if err := s.Fetch(b.Context(), f.ID, ids, remote.PartWhole, func(f remote.Fetched) error { return f.Err }); err != nil {
				b.Fatal(err)
			}
			s.Close()
		}
	})
}
