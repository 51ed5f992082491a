package engine

import (
	"fmt"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

// unanswered makes the journey once for mail and once for an event that were sent to the server, which answered nothing.
func unanswered(t *testing.T, journey func(t *testing.T, d *desk, path string, id groupware.ItemID, edited *store.Prepared)) {
	for _, features := range []fake.Features{{}, {NoNewIDs: true, NoETag: true, NoDelta: true}} {
		for _, at := range []fake.Point{fake.Before, fake.Middle, fake.After} {
			for _, path := range []string{"Drafts", "Calendar"} {
				t.Run(fmt.Sprint(path, " cut ", at, features), func(t *testing.T) {
					d := newDesk(t, fake.Options{Features: features})
					d.sync()
					media, first, second := groupware.MediaMessage, mail("first"), mail("second")
					if path == "Calendar" {
						media, first, second = groupware.MediaCalendar, event("e", "first"), event("e", "second")
					}
					id := d.add(path, media, first)
					d.server.Faults().Order(fake.Fault{Call: "Create", Nth: 1, At: at, Cut: true})
					if _, err := d.e.Pass(d.ctx, PassOptions{}); kindOf(err) != remote.Offline {
						t.Fatal(err)
					}
					journey(t, d, path, id, store.Prepare(media, []byte(second)))
				})
			}
		}
	}
}

func TestDeletedWhileItsUploadIsUnansweredStaysDeleted(t *testing.T) {
	unanswered(t, func(t *testing.T, d *desk, path string, id groupware.ItemID, _ *store.Prepared) {
		d.do(func(tx *store.Tx) error { return tx.Delete(id) })
		d.sync()
		d.both(path)
		d.quiet()
		d.ok(d.m.View(d.ctx, func(tx *store.Tx) error {
			if _, err := tx.Triple(id); err == nil {
				t.Error("its row is still there")
			}
			return nil
		}))
	})
}

func TestEditedWhileItsUploadIsUnansweredIsStoredOnce(t *testing.T) {
	unanswered(t, func(t *testing.T, d *desk, path string, id groupware.ItemID, edited *store.Prepared) {
		d.do(func(tx *store.Tx) error { return tx.SetContent(id, edited) })
		d.sync()
		d.both(path, "second []")
		if d.find(path, "second") != id {
			t.Error("it has another id now")
		}
		d.sync()
		d.quiet()
	})
}

func TestWhatCannotBeLookedForIsNotStoredAgain(t *testing.T) {
	unanswered(t, func(t *testing.T, d *desk, path string, _ groupware.ItemID, _ *store.Prepared) {
		d.server.Faults().Order(fake.Fault{Call: "Find", Nth: 1, At: fake.Before, Kind: remote.Other})
		if _, err := d.e.Pass(d.ctx, PassOptions{}); kindOf(err) != remote.Other {
			t.Fatal(err)
		}
		d.sync()
		d.both(path, "first []")
		d.quiet()
	})
}

// What was read as a new item before it was known to be one's own is what the server has: nothing tells it again.
func TestWhatWasReadWhileItsUploadIsUnansweredIsAsTheServerHasIt(t *testing.T) {
	for _, features := range []fake.Features{{Rewrites: true}, {Rewrites: true, NoETag: true, NoDelta: true}} {
		for _, path := range []string{"Drafts", "Calendar"} {
			t.Run(fmt.Sprint(path, features), func(t *testing.T) {
				d := newDesk(t, fake.Options{Features: features})
				d.sync()
				media, raw := groupware.MediaMessage, mail("first")
				if path == "Calendar" {
					media, raw = groupware.MediaCalendar, event("e", "first")
				}
				id := d.add(path, media, raw)
				d.server.Faults().Order(fake.Fault{Call: "Create", Nth: 1, At: fake.After, Cut: true})
				if _, err := d.e.Pass(d.ctx, PassOptions{}); kindOf(err) != remote.Offline {
					t.Fatal(err)
				}
				want := "first []"
				for _, it := range d.server.Snapshot() {
					if it.Path == path && path == "Drafts" {
						d.server.SetFlags(d.server.FolderID(path), it.ID, flagsOf("flagged"))
						want = "first [flagged]"
					}
				}
				d.server.Faults().Order(fake.Fault{Call: "Find", Nth: 1, At: fake.Before, Kind: remote.Other})
				if _, err := d.e.Pass(d.ctx, PassOptions{}); kindOf(err) != remote.Other {
					t.Fatal(err)
				}
				if n := len(d.here(path)); n != 2 {
					t.Fatalf("%d items are here before it is known that they are one", n)
				}
				d.sync()
				d.both(path, want)
				for _, it := range d.server.Snapshot() {
					if it.Path == path && d.raw(id) != string(it.Raw) {
						t.Errorf("here\n%s\nthere\n%s", d.raw(id), it.Raw)
					}
				}
				d.quiet()
			})
		}
	}
}

func TestAnEditAfterAnUnansweredEditIsNoConflict(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.server.PutObject(d.server.FolderID("Calendar"), "a.ics", []byte(event("a", "lunch")))
	d.sync()
	id := d.find("Calendar", "lunch")
	edit := func(s string) {
		d.do(func(tx *store.Tx) error {
			return tx.SetContent(id, store.Prepare(groupware.MediaCalendar, []byte(event("a", s))))
		})
	}
	edit("late lunch")
	d.server.Faults().Order(fake.Fault{Call: "Replace", Nth: 1, At: fake.After, Cut: true})
	if _, err := d.e.Pass(d.ctx, PassOptions{}); kindOf(err) != remote.Offline {
		t.Fatal(err)
	}
	edit("dinner")
	if r := d.sync(); r.Conflicts != 0 {
		t.Fatalf("%+v", r)
	}
	d.both("Calendar", "dinner []")
	d.quiet()
}

// What happens here while the server is being talked to is as good as what happens before or after.
func TestChangesDuringAnUploadAreNotLost(t *testing.T) {
	for _, change := range []string{"edit", "delete", "move", "flag"} {
		t.Run(change, func(t *testing.T) {
			d := newDesk(t, fake.Options{})
			d.sync()
			id := d.add("Drafts", groupware.MediaMessage, mail("first"))
			d.e.o.Progress = func(p Progress) {
				if p.Doing != "uploading" {
					return
				}
				d.e.o.Progress = func(Progress) {}
				d.do(func(tx *store.Tx) error {
					switch change {
					case "edit":
						return tx.SetContent(id, store.Prepare(groupware.MediaMessage, []byte(mail("second"))))
					case "delete":
						return tx.Delete(id)
					case "move":
						return tx.SetFolder(id, d.folder("Trash").ID)
					}
					return tx.SetFlags(id, flagsOf("flagged"))
				})
			}
			d.sync()
			switch change {
			case "edit":
				d.both("Drafts", "second []")
			case "delete":
				d.both("Drafts")
			case "move":
				d.both("Trash", "first []")
				d.both("Drafts")
			case "flag":
				d.both("Drafts", "first [flagged]")
			}
			d.quiet()
		})
	}
}
