package fake_test

import (
	"context"
	"errors"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/remote/remotetest"
)

var best = remotetest.Features{State: true, Delta: true, Renames: true, StableFolderIDs: true, KeepsBytes: true, NewIDs: true,
	Tags: true, Identify: true, Keywords: true, Push: true, PushAll: true, Moves: true}

// Each row is a kind of server, and what the suite may demand of it.
func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name  string
		plays fake.Features
		lacks func(*remotetest.Features)
	}{
		{"everything", fake.Features{}, func(*remotetest.Features) {}},
		{"no delta, no state", fake.Features{NoDelta: true, NoState: true}, func(f *remotetest.Features) { f.Delta, f.State = false, false }},
		{"CONDSTORE without QRESYNC", fake.Features{NoVanished: true}, func(f *remotetest.Features) { f.Delta = false }},
		{"a plain IMAP server", fake.Features{NoDelta: true, NoState: true, NoNewIDs: true, PathIDs: true, NoPush: true, NoKeywords: true}, func(f *remotetest.Features) {
			f.Delta, f.State, f.NewIDs, f.StableFolderIDs, f.Keywords, f.Push, f.PushAll = false, false, false, false, false, false, false
		}},
		{"paths as ids, no identities", fake.Features{PathIDs: true, NoIdentify: true}, func(f *remotetest.Features) { f.StableFolderIDs, f.Identify = false, false }},
		{"a DAV server that rewrites", fake.Features{Rewrites: true, UniqueUIDs: true}, func(f *remotetest.Features) { f.Tags = false }},
		{"a DAV server that tells no tags", fake.Features{NoETag: true}, func(f *remotetest.Features) { f.Tags = false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			features := c.plays
			features.Refuse = func(_ string, item remote.NewItem) error {
				if string(item.Raw) == "refuse me" {
					return errors.New("no")
				}
				return nil
			}
			s := fake.NewServer(fake.Options{Features: features})
			for _, service := range s.Services() {
				f := best
				c.lacks(&f)
				f.Nests = service == "imap"
				f.KeepsBytes = service == "imap" || !c.plays.Rewrites
				// Only mail has ids that a server might not tell, and paths that might be its folders' ids.
				f.NewIDs = f.NewIDs || service != "imap"
				f.StableFolderIDs = f.StableFolderIDs || service != "imap"
				remotetest.Run(t, remotetest.Target{
					Connect: func(t testing.TB) remote.Service {
						c, err := s.Connect(context.Background(), service)
						if err != nil {
							t.Fatal(err)
						}
						return c
					},
					Kinds: map[string][]groupware.FolderKind{
						"imap":    {groupware.FolderMail},
						"caldav":  {groupware.FolderCalendar, groupware.FolderTasks, groupware.FolderNotes},
						"carddav": {groupware.FolderContacts},
					}[service],
					Restrict: func(t testing.TB, path string) func() {
						id := s.FolderID(path)
						if !s.SetReadOnly(id, true) {
							t.Fatalf("there is no folder %q", path)
						}
						return func() { s.SetReadOnly(id, false) }
					},
					Refused:  []byte("refuse me"),
					Features: f,
				})
			}
			for _, f := range s.Folders() {
				if f.Items != 0 {
					t.Errorf("%q still holds %d items", f.Name, f.Items)
				}
			}
		})
	}
}
