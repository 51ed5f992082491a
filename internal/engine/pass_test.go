package engine

import (
	"fmt"
	"strings"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

// servers are the kinds of server that every journey is made with.
func servers(t *testing.T, journey func(t *testing.T, d *desk)) {
	for name, f := range map[string]fake.Features{
		"best":            {},
		"no delta":        {NoDelta: true, NoState: true},
		"no QRESYNC":      {NoVanished: true},
		"no UIDPLUS":      {NoNewIDs: true},
		"no OBJECTID":     {PathIDs: true},
		"no ETag on PUT":  {NoETag: true},
		"poorest":         {NoDelta: true, NoState: true, NoNewIDs: true, PathIDs: true, NoETag: true},
		"rewrites":        {Rewrites: true},
		"rewrites untold": {Rewrites: true, NoETag: true},
	} {
		t.Run(name, func(t *testing.T) { journey(t, newDesk(t, fake.Options{Features: f})) })
	}
}

func TestFirstPassBringsEverythingAndTheSecondNothing(t *testing.T) {
	servers(t, func(t *testing.T, d *desk) {
		d.serverMail("Inbox", "one", "seen")
		d.serverMail("Inbox", "two", "flagged", "work")
		d.serverMail("Sent", "three")
		d.server.PutObject(d.server.FolderID("Calendar"), "a.ics", []byte(event("a", "lunch")))
		d.server.PutObject(d.server.FolderID("Contacts"), "b.vcf", []byte(card("b", "Ben")))
		r := d.sync()
		if r.Downloaded != 5 || r.Uploaded+r.Deleted+r.Conflicts+r.Failures != 0 {
			t.Fatalf("%+v", r)
		}
		d.both("Inbox", "one [seen]", "two [flagged work]")
		d.both("Sent", "three []")
		d.both("Calendar", "lunch []")
		d.both("Contacts", "Ben []")
		d.quiet()
	})
}

func TestChangesOfBothSidesArriveOnTheOther(t *testing.T) {
	servers(t, func(t *testing.T, d *desk) {
		for i := range 6 {
			d.serverMail("Inbox", fmt.Sprint("mail ", i))
		}
		keep := d.serverMail("Inbox", "flag me there")
		gone := d.serverMail("Inbox", "delete me there")
		cal := d.server.FolderID("Calendar")
		obj := d.server.PutObject(cal, "a.ics", []byte(event("a", "lunch")))
		d.sync()

		d.server.SetFlags(d.server.FolderID("Inbox"), keep, flagsOf("seen", "work"))
		d.server.DeleteMail(d.server.FolderID("Inbox"), gone)
		d.server.PutObject(cal, "a.ics", []byte(event("a", "late lunch")))
		_ = obj
		d.do(func(tx *store.Tx) error { return tx.SetFlags(d.find("Inbox", "mail 0"), flagsOf("seen")) })
		d.do(func(tx *store.Tx) error { return tx.SetFolder(d.find("Inbox", "mail 1"), d.folder("Trash").ID) })
		d.do(func(tx *store.Tx) error { return tx.Delete(d.find("Inbox", "mail 2")) })
		d.add("Drafts", groupware.MediaMessage, mail("written here"), "draft", "seen")
		d.add("Calendar", groupware.MediaCalendar, event("b", "dinner"))
		d.sync()
		d.both("Inbox", "mail 0 [seen]", "mail 3 []", "mail 4 []", "mail 5 []", "flag me there [seen work]")
		d.both("Trash", "mail 1 []")
		d.both("Drafts", "written here [seen draft]")
		d.both("Calendar", "late lunch []", "dinner []")
		d.sync() // a server that rewrites what it is given is read once more
		d.quiet()
	})
}

func TestFlagsOfBothSidesMergeBitByBit(t *testing.T) {
	d := newDesk(t, fake.Options{})
	id := d.serverMail("Inbox", "one", "flagged")
	d.sync()
	d.do(func(tx *store.Tx) error { return tx.SetFlags(d.find("Inbox", "one"), flagsOf("flagged", "seen")) })
	d.server.SetFlags(d.server.FolderID("Inbox"), id, flagsOf("answered"))
	d.sync()
	d.both("Inbox", "one [seen answered]")
	d.quiet()
}

func TestAnEditTravelsUnderItsVersion(t *testing.T) {
	servers(t, func(t *testing.T, d *desk) {
		d.server.PutObject(d.server.FolderID("Calendar"), "a.ics", []byte(event("a", "lunch")))
		d.sync()
		id := d.find("Calendar", "lunch")
		d.do(func(tx *store.Tx) error {
			return tx.SetContent(id, store.Prepare(groupware.MediaCalendar, []byte(event("a", "long lunch"))))
		})
		d.sync()
		d.both("Calendar", "long lunch []")
		if d.find("Calendar", "long lunch") != id {
			t.Fatal("the event has another id now")
		}
		d.sync()
		d.quiet()
	})
}

func TestADraftIsReplacedNotDoubled(t *testing.T) {
	servers(t, func(t *testing.T, d *desk) {
		d.sync()
		id := d.add("Drafts", groupware.MediaMessage, mail("first words"), "draft")
		d.sync()
		for _, s := range []string{"more words", "last words"} {
			d.do(func(tx *store.Tx) error {
				return tx.SetContent(id, store.Prepare(groupware.MediaMessage, []byte(mail(s))))
			})
			d.sync()
		}
		d.both("Drafts", "last words [draft]")
		d.quiet()
	})
}

func TestAClashKeepsTheServersVersionAndPutsOursIntoConflicts(t *testing.T) {
	d := newDesk(t, fake.Options{})
	cal := d.server.FolderID("Calendar")
	d.server.PutObject(cal, "a.ics", []byte(event("a", "lunch")))
	d.sync()
	id := d.find("Calendar", "lunch")
	mine := event("a", "lunch at mine")
	d.do(func(tx *store.Tx) error {
		return tx.SetContent(id, store.Prepare(groupware.MediaCalendar, []byte(mine)))
	})
	d.server.PutObject(cal, "a.ics", []byte(event("a", "lunch at theirs")))
	if r := d.sync(); r.Conflicts != 1 {
		t.Fatalf("%+v", r)
	}
	d.both("Calendar", "lunch at theirs []")
	if got := d.raw(d.find("Conflicts", "lunch at mine")); got != mine {
		t.Fatalf("%q", got)
	}
	d.quiet()
}

func TestTheSameEditOnBothSidesIsNoConflict(t *testing.T) {
	d := newDesk(t, fake.Options{})
	cal := d.server.FolderID("Calendar")
	d.server.PutObject(cal, "a.ics", []byte(event("a", "lunch")))
	d.sync()
	id := d.find("Calendar", "lunch")
	d.do(func(tx *store.Tx) error {
		return tx.SetContent(id, store.Prepare(groupware.MediaCalendar, []byte(event("a", "dinner"))))
	})
	d.server.PutObject(cal, "a.ics", []byte(event("a", "dinner")))
	if r := d.sync(); r.Conflicts != 0 {
		t.Fatalf("%+v", r)
	}
	d.both("Calendar", "dinner []")
	d.quiet()
}

func TestDeletedOnOneSideAndEditedOnTheOtherLives(t *testing.T) {
	servers(t, func(t *testing.T, d *desk) {
		cal := d.server.FolderID("Calendar")
		d.server.PutObject(cal, "a.ics", []byte(event("a", "edited here")))
		b := d.server.PutObject(cal, "b.ics", []byte(event("b", "edited there")))
		d.sync()
		ida, idb := d.find("Calendar", "edited here"), d.find("Calendar", "edited there")
		for _, it := range d.server.Snapshot() {
			if it.Name == "a.ics" {
				d.server.DeleteObject(cal, it.ID)
			}
		}
		d.do(func(tx *store.Tx) error {
			return tx.SetContent(ida, store.Prepare(groupware.MediaCalendar, []byte(event("a", "edited here, again"))))
		})
		_ = b
		d.server.PutObject(cal, "b.ics", []byte(event("b", "edited there, again")))
		d.do(func(tx *store.Tx) error { return tx.Delete(idb) })
		d.sync()
		d.both("Calendar", "edited here, again []", "edited there, again []")
		d.sync()
		d.quiet()
	})
}

func TestAMoveByAnotherClientKeepsTheItem(t *testing.T) {
	servers(t, func(t *testing.T, d *desk) {
		id := d.serverMail("Inbox", "one")
		d.serverMail("Inbox", "two")
		d.serverMail("Trash", "old")
		d.sync()
		mine := d.find("Inbox", "one")
		d.server.MoveMail(d.server.FolderID("Inbox"), id, d.server.FolderID("Trash"))
		calls := d.server.Calls()["Fetch"]
		d.sync()
		d.both("Inbox", "two []")
		d.both("Trash", "old []", "one []")
		if d.find("Trash", "one") != mine {
			t.Fatal("the message has another id now")
		}
		if d.server.Calls()["Fetch"] != calls {
			t.Fatal("the message was read again")
		}
		d.quiet()
	})
}

// A pass may see a message arrive and not see it go.
func TestAMoveByAnotherClientThatWasSeenInPartIsOneMessage(t *testing.T) {
	d := newDesk(t, fake.Options{})
	to := d.server.AddFolder(remote.NewFolder{Name: "Projects", Kind: groupware.FolderMail})
	there := d.serverMail("Inbox", "one")
	d.sync()
	id := d.find("Inbox", "one")
	d.server.MoveMail(d.server.FolderID("Inbox"), there, to)
	d.server.Faults().Order(fake.Fault{Call: "Changes", Nth: 1, At: fake.Before, Kind: remote.Other})
	if _, err := d.e.Pass(d.ctx, PassOptions{}); kindOf(err) != remote.Other || len(d.here("Inbox")) != 1 || len(d.here("Projects")) != 1 {
		t.Fatalf("%v: %q, %q", err, d.here("Inbox"), d.here("Projects"))
	}
	d.do(func(tx *store.Tx) error { return tx.SetFolder(id, d.folder("Trash").ID) })
	d.sync()
	d.both("Projects", "one []")
	d.both("Trash")
	if d.find("Projects", "one") != id {
		t.Error("it has another id now")
	}
	d.quiet()
}

func TestANewUIDValidityReadsNothingAgainAndLosesNothing(t *testing.T) {
	d := newDesk(t, fake.Options{})
	for i := range 30 {
		d.serverMail("Inbox", fmt.Sprint("mail ", i))
	}
	d.sync()
	first := d.find("Inbox", "mail 7")
	d.do(func(tx *store.Tx) error { return tx.SetFlags(first, flagsOf("flagged")) })
	d.server.BumpUIDValidity(d.server.FolderID("Inbox"))
	calls := d.server.Calls()["Fetch"]
	r := d.sync()
	if r.Deleted != 0 || d.server.Calls()["Fetch"] != calls {
		t.Fatalf("%+v, %d reads", r, d.server.Calls()["Fetch"]-calls)
	}
	if d.find("Inbox", "mail 7") != first || len(d.here("Inbox")) != 30 {
		t.Fatal("items were renumbered here")
	}
	if !strings.Contains(strings.Join(d.there("Inbox"), ","), "mail 7 [flagged]") {
		t.Fatalf("%q", d.there("Inbox"))
	}
	d.quiet()
}

func TestALostAnswerStoresNothingTwice(t *testing.T) {
	for _, features := range []fake.Features{{}, {NoNewIDs: true}, {NoETag: true}} {
		for _, at := range []fake.Point{fake.Before, fake.Middle, fake.After} {
			for _, call := range []string{"Create", "Replace", "Move", "Delete", "SetFlags", "Mark", "Changes", "Fetch", "Folders", "CreateFolder"} {
				t.Run(fmt.Sprint(features, call, " cut ", at), func(t *testing.T) {
					d := newDesk(t, fake.Options{Features: features})
					d.serverMail("Inbox", "flag")
					d.serverMail("Inbox", "move")
					d.serverMail("Inbox", "delete")
					d.server.PutObject(d.server.FolderID("Calendar"), "a.ics", []byte(event("a", "lunch")))
					d.sync()
					draft := d.add("Drafts", groupware.MediaMessage, mail("draft"))
					d.sync()
					d.do(func(tx *store.Tx) error {
						for _, err := range []error{
							tx.SetFlags(d.find("Inbox", "flag"), flagsOf("seen")),
							tx.SetFolder(d.find("Inbox", "move"), d.folder("Trash").ID),
							tx.Delete(d.find("Inbox", "delete")),
							tx.SetContent(draft, store.Prepare(groupware.MediaMessage, []byte(mail("draft, edited")))),
							tx.SetContent(d.find("Calendar", "lunch"), store.Prepare(groupware.MediaCalendar, []byte(event("a", "brunch")))),
						} {
							if err != nil {
								return err
							}
						}
						_, err := tx.AddFolder(store.Folder{Name: "Projects", Kind: groupware.FolderMail, Mode: groupware.SyncWhole})
						return err
					})
					d.add("Inbox", groupware.MediaMessage, mail("new 1"))
					d.add("Inbox", groupware.MediaMessage, mail("new 2"))
					d.add("Calendar", groupware.MediaCalendar, event("b", "dinner"))
					d.serverMail("Inbox", "arrived")
					d.server.Faults().Order(fake.Fault{Call: call, Nth: 1, At: at, Step: 0, Cut: true})
					d.e.Pass(d.ctx, PassOptions{})
					d.sync()
					d.both("Inbox", "arrived []", "flag [seen]", "new 1 []", "new 2 []")
					d.both("Trash", "move []")
					d.both("Drafts", "draft, edited []")
					d.both("Calendar", "brunch []", "dinner []")
					d.folder("Projects")
					if d.server.FolderID("Projects") == "" {
						t.Fatal("the folder was not made")
					}
					d.sync()
					d.quiet()
				})
			}
		}
	}
}

func TestARefusedItemGoesToLocalFailuresWithTheServersWords(t *testing.T) {
	d := newDesk(t, fake.Options{Features: fake.Features{Refuse: func(path string, it remote.NewItem) error {
		if strings.Contains(string(it.Raw), "SUMMARY:bad") {
			return fmt.Errorf("summary not allowed on this server")
		}
		return nil
	}}})
	d.server.PutObject(d.server.FolderID("Calendar"), "a.ics", []byte(event("a", "good")))
	d.sync()
	d.add("Calendar", groupware.MediaCalendar, event("b", "bad"))
	d.add("Calendar", groupware.MediaCalendar, event("c", "fine"))
	good := d.find("Calendar", "good")
	d.do(func(tx *store.Tx) error {
		return tx.SetContent(good, store.Prepare(groupware.MediaCalendar, []byte(event("a", "bad edit"))))
	})
	if r := d.sync(); r.Failures != 2 {
		t.Fatalf("%+v", r)
	}
	d.both("Calendar", "fine []", "good []")
	if got := d.here("Local Failures"); len(got) != 2 {
		t.Fatalf("%q", got)
	}
	d.ok(d.m.View(d.ctx, func(tx *store.Tx) error {
		r, _, err := tx.Reason(d.find("Local Failures", "bad"))
		if err == nil && !strings.Contains(r.Text, "summary not allowed on this server") {
			t.Fatalf("%+v", r)
		}
		return err
	}))
	d.quiet()
}

func TestWhatCouldNotBeReadIsTriedAgainLaterAndStopsNothing(t *testing.T) {
	d := newDesk(t, fake.Options{})
	for i := range 3 {
		d.serverMail("Inbox", fmt.Sprint("mail ", i))
	}
	d.server.Faults().Order(fake.Fault{Call: "Fetch", Nth: 1, At: fake.OneItem, Step: 1, Kind: remote.Other})
	if r := d.sync(); r.Downloaded != 2 || r.Failures != 1 {
		t.Fatalf("%+v", r)
	}
	if r := d.sync(); r.Downloaded != 0 {
		t.Fatalf("tried again at once: %+v", r)
	}
	d.now = d.now.Add(2 * retryAfter)
	d.sync()
	d.both("Inbox", "mail 0 []", "mail 1 []", "mail 2 []")
	d.quiet()
}

func TestAFullQuotaKeepsTheItemPendingUntilThereIsRoom(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.sync()
	d.add("Calendar", groupware.MediaCalendar, event("b", "party"))
	d.server.Faults().Order(fake.Fault{Call: "Create", Nth: 1, At: fake.OneItem, Kind: remote.OverQuota})
	if r := d.sync(); r.Failures != 1 || r.Left != 1 {
		t.Fatalf("%+v", r)
	}
	d.sync()
	d.both("Calendar", "party []")
	d.quiet()
}
