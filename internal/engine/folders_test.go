package engine

import (
	"fmt"
	"slices"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

func (d *desk) makeFolder(name string, parent groupware.FolderID, kind groupware.FolderKind) (id groupware.FolderID) {
	d.t.Helper()
	d.do(func(tx *store.Tx) (err error) {
		id, err = tx.AddFolder(store.Folder{Name: name, Parent: parent, Kind: kind, Mode: groupware.SyncWhole})
		return err
	})
	return id
}

func (d *desk) changeFolder(id groupware.FolderID, change func(f *store.Folder)) {
	d.t.Helper()
	d.do(func(tx *store.Tx) error {
		f, err := tx.Folder(id)
		if err != nil {
			return err
		}
		change(&f)
		return tx.PutFolder(f)
	})
}

func TestFoldersMadeHereAppearThereWithTheirItems(t *testing.T) {
	servers(t, func(t *testing.T, d *desk) {
		d.sync()
		top := d.makeFolder("Projects", 0, groupware.FolderMail)
		d.makeFolder("Boat", top, groupware.FolderMail)
		d.makeFolder("Team", 0, groupware.FolderCalendar)
		d.makeFolder("To do", 0, groupware.FolderTasks)
		d.makeFolder("Friends", 0, groupware.FolderContacts)
		d.add("Projects/Boat", groupware.MediaMessage, mail("plans"))
		d.add("Team", groupware.MediaCalendar, event("t", "meeting"))
		d.add("Friends", groupware.MediaVCard, card("c", "Cleo"))
		d.sync()
		d.both("Projects/Boat", "plans []")
		d.both("Team", "meeting []")
		d.both("Friends", "Cleo []")
		if d.server.FolderID("To do") == "" {
			t.Fatal("the task list was not made")
		}
		d.sync()
		d.quiet()
	})
}

func TestFolderChangesTravelBothWays(t *testing.T) {
	servers(t, func(t *testing.T, d *desk) {
		mk := func(parent, name string) string {
			return d.server.AddFolder(remote.NewFolder{Parent: parent, Name: name, Kind: groupware.FolderMail})
		}
		mk("", "Rename here")
		there := mk("", "Rename there")
		mk("", "Delete here")
		gone := mk("", "Delete there")
		home := mk("", "Home")
		mk(home, "Child")
		for _, f := range []string{"Rename here", "Rename there", "Delete here", "Delete there", "Home/Child"} {
			d.serverMail(f, "in "+f)
		}
		d.sync()
		moved := d.find("Home/Child", "in Home/Child")
		d.changeFolder(d.folder("Rename here").ID, func(f *store.Folder) { f.Name = "Renamed here" })
		d.changeFolder(d.folder("Delete here").ID, func(f *store.Folder) { f.Deleted = true })
		d.changeFolder(d.folder("Home").ID, func(f *store.Folder) { f.Name = "House" })
		d.server.RenameFolder(there, "", "Renamed there")
		d.server.DeleteFolder(gone)
		calls := d.server.Calls()["Fetch"]
		d.sync()
		d.both("Renamed here", "in Rename here []")
		d.both("Renamed there", "in Rename there []")
		d.both("House/Child", "in Home/Child []")
		if d.find("House/Child", "in Home/Child") != moved {
			t.Error("a message in a renamed folder has another id now")
		}
		// Without OBJECTID, folders of one UIDVALIDITY cannot be told apart when one of them is gone and one is new.
		if f := d.server.Folders()[0]; f.ID != f.Name && d.server.Calls()["Fetch"] != calls {
			t.Error("a renamed folder was read again")
		}
		for _, p := range []string{"Rename here", "Rename there", "Delete here", "Delete there", "Home"} {
			if _, ok := d.lookup(p); ok || d.server.FolderID(p) != "" {
				t.Errorf("%s is still there", p)
			}
		}
		d.sync()
		d.quiet()
	})
}

func TestAFolderDeletedThereKeepsWhatWasChangedHere(t *testing.T) {
	d := newDesk(t, fake.Options{})
	id := d.server.AddFolder(remote.NewFolder{Name: "Team", Kind: groupware.FolderCalendar})
	d.server.PutObject(id, "a.ics", []byte(event("a", "unchanged")))
	d.server.PutObject(id, "b.ics", []byte(event("b", "before")))
	d.sync()
	d.do(func(tx *store.Tx) error {
		return tx.SetContent(d.find("Team", "before"), store.Prepare(groupware.MediaCalendar, []byte(event("b", "after"))))
	})
	d.server.DeleteFolder(id)
	d.sync()
	d.both("Team", "after []")
	d.sync()
	d.quiet()
}

func TestWhatWasFiledOutOfAFolderThatGoesThereIsStoredOnce(t *testing.T) {
	for _, fate := range []string{"renamed", "deleted"} {
		t.Run(fate, func(t *testing.T) {
			d := newDesk(t, fake.Options{Features: fake.Features{PathIDs: true}})
			for _, name := range []string{"Work", "Home"} {
				d.server.AddFolder(remote.NewFolder{Name: name, Kind: groupware.FolderMail})
			}
			d.serverMail("Work", "one")
			d.sync()
			id := d.find("Work", "one")
			d.do(func(tx *store.Tx) error { return tx.SetFolder(id, d.folder("Trash").ID) })
			if fate == "deleted" {
				d.server.DeleteFolder(d.server.FolderID("Work"))
			} else { // both at once, so that nothing tells which is which
				d.server.RenameFolder(d.server.FolderID("Work"), "", "Office")
				d.server.RenameFolder(d.server.FolderID("Home"), "", "House")
			}
			d.sync()
			d.sync()
			d.both("Trash", "one []")
			if d.find("Trash", "one") != id {
				t.Error("it has another id now")
			}
			if fate == "renamed" {
				d.both("Office")
			}
			if _, ok := d.lookup("Work"); ok || d.server.FolderID("Work") != "" {
				t.Error("the folder was made again")
			}
			d.quiet()
		})
	}
}

// Where ids are paths and identities are shared, as UIDVALIDITY may be, a folder that was renamed for us without our hearing of it is known by its new name.
func TestALostAnswerToARenamedFolderMakesNoSecondOne(t *testing.T) {
	d := newDesk(t, fake.Options{Features: fake.Features{PathIDs: true}})
	home := d.server.AddFolder(remote.NewFolder{Name: "Home", Kind: groupware.FolderMail})
	d.server.AddFolder(remote.NewFolder{Parent: home, Name: "Child", Kind: groupware.FolderMail})
	d.serverMail("Home", "one")
	d.sync()
	d.add("Home", groupware.MediaMessage, mail("two"))
	d.changeFolder(d.folder("Home").ID, func(f *store.Folder) { f.Name = "House" })
	d.server.Faults().Order(fake.Fault{Call: "RenameFolder", Nth: 1, At: fake.After, Cut: true})
	if _, err := d.e.Pass(d.ctx, PassOptions{}); err == nil {
		t.Fatal("the answer was not lost")
	}
	d.sync()
	d.both("House", "one []", "two []")
	d.both("House/Child")
	if _, ok := d.lookup("House (mail)"); ok {
		t.Error("the folder is here twice")
	}
	d.quiet()
}

func TestALostAnswerToAFolderMadeIsNotTakenForOneThatWasDeleted(t *testing.T) {
	d := newDesk(t, fake.Options{Features: fake.Features{PathIDs: true}})
	old := d.server.AddFolder(remote.NewFolder{Name: "Old", Kind: groupware.FolderMail})
	d.serverMail("Old", "one")
	d.sync()
	d.makeFolder("New", 0, groupware.FolderMail)
	d.add("New", groupware.MediaMessage, mail("two"))
	d.server.Faults().Order(fake.Fault{Call: "CreateFolder", Nth: 1, At: fake.After, Cut: true})
	if _, err := d.e.Pass(d.ctx, PassOptions{}); err == nil {
		t.Fatal("the answer was not lost")
	}
	d.server.DeleteFolder(old)
	d.sync()
	d.both("New", "two []")
	for _, name := range []string{"Old", "New (mail)"} {
		if _, ok := d.lookup(name); ok {
			t.Errorf("%s is here", name)
		}
	}
	d.quiet()
}

func TestAMailFolderAndACalendarOfOneNameLiveSideBySide(t *testing.T) {
	d := newDesk(t, fake.Options{})
	id := d.server.AddFolder(remote.NewFolder{Name: "Calendar", Kind: groupware.FolderMail})
	d.server.AddMail(id, []byte(mail("a mail")), groupware.Flags{}, d.now)
	d.sync()
	n := 0
	for _, p := range []string{"Calendar", "Calendar (calendar)", "Calendar (mail)"} {
		if _, ok := d.lookup(p); ok {
			n++
		}
	}
	if n != 2 {
		t.Fatalf("%d folders", n)
	}
	d.quiet()
	d.server.DeleteFolder(id)
	d.sync()
	if _, ok := d.lookup("Calendar (calendar)"); ok || d.folder("Calendar").Kind != groupware.FolderCalendar {
		t.Error("the calendar did not get its own name when that was free")
	}
	d.both("Calendar")
	d.quiet()
}

func TestModesSayHowMuchIsRead(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.serverMail("Sent", "in headers mode")
	d.serverMail("Trash", "not at all")
	d.server.AddMail(d.server.FolderID("Sent"), []byte(withAttachment), groupware.Flags{}, d.now)
	d.sync()
	d.changeFolder(d.folder("Trash").ID, func(f *store.Folder) { f.Mode = groupware.SyncOff })
	d.serverMail("Trash", "later")
	d.sync()
	if got := d.here("Trash"); len(got) != 1 {
		t.Fatalf("disabling must keep what is there and read no more: %q", got)
	}
	body := func(subject string) (b groupware.BodyState) {
		d.ok(d.m.View(d.ctx, func(tx *store.Tx) error {
			it, err := tx.Item(d.find("Sent", subject))
			b = it.Body
			return err
		}))
		return b
	}
	if body("picture") != groupware.BodyText {
		t.Fatalf("headers mode kept %s of a mail with attachment", body("picture"))
	}
	d.ok(d.e.FetchWhole(d.ctx, d.find("Sent", "picture"), nil))
	if d.raw(d.find("Sent", "picture")) != withAttachment {
		t.Fatal("other bytes than the server's")
	}
	d.quiet()
	d.server.AddMail(d.server.FolderID("Sent"), []byte(mail("second")+"x"), groupware.Flags{}, d.now)
	d.server.AddMail(d.server.FolderID("Sent"), []byte(withAttachment), groupware.Flags{}, d.now)
	d.sync()
	d.changeFolder(d.folder("Sent").ID, func(f *store.Folder) { f.Mode = groupware.SyncWhole })
	d.sync()
	items, _, err := d.m.List(d.ctx, d.folder("Sent").ID, store.ListOptions{Limit: 10})
	d.ok(err)
	for _, it := range items {
		if it.Body != groupware.BodyWhole {
			t.Fatalf("%q is %s after its folder became whole", it.Subject, it.Body)
		}
	}
	d.quiet()
}

const withAttachment = "From: Ben <ben@example.org>\r\nTo: anna@example.org\r\nSubject: picture\r\nMessage-ID: <p@example.org>\r\n" +
	"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee this.\r\n" +
	"--b\r\nContent-Type: image/png; name=p.png\r\nContent-Disposition: attachment; filename=p.png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n"

func TestAPassOverFoldersOnlyReadsNothingInThem(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.serverMail("Inbox", "one")
	if _, err := d.e.Pass(d.ctx, PassOptions{FoldersOnly: true}); err != nil {
		t.Fatal(err)
	}
	if d.server.Calls()["Changes"] != 0 || len(d.here("Inbox")) != 0 {
		t.Fatalf("%v", d.server.Calls())
	}
	d.folder("Calendar")
	d.sync()
	d.both("Inbox", "one []")
}

func TestWhatIsDoneInAFolderThatIsNotSynchronisedGoesToTheServer(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.server.AddFolder(remote.NewFolder{Name: "Archive", Kind: groupware.FolderMail, Role: groupware.RoleArchive})
	d.serverMail("Archive", "old")
	d.sync()
	d.add("Archive", groupware.MediaMessage, mail("new"))
	d.sync()
	if got := d.there("Archive"); !slices.Equal(got, []string{"new []", "old []"}) {
		t.Fatalf("%q", got)
	}
	id := d.find("Archive", "new")
	d.do(func(tx *store.Tx) error { return tx.SetFlags(id, flagsOf("flagged")) })
	d.sync()
	if got := d.there("Archive"); !slices.Equal(got, []string{"new [flagged]", "old []"}) {
		t.Fatalf("%q", got)
	}
	d.quiet()
	if got := d.here("Archive"); len(got) != 1 {
		t.Fatalf("%q", got)
	}
	d.changeFolder(d.folder("Archive").ID, func(f *store.Folder) { f.Mode = groupware.SyncWhole })
	d.sync()
	d.both("Archive", "new [flagged]", "old []")
	d.quiet()
}

// A long reading makes nobody wait: what the server tells of meanwhile is read next, and what a person does goes there.
func TestALongReadingIsInterrupted(t *testing.T) {
	d := newDesk(t, fake.Options{})
	for i := range 2 {
		id := d.server.AddFolder(remote.NewFolder{Name: fmt.Sprint("Box ", i), Kind: groupware.FolderMail})
		d.server.AddMail(id, []byte(mail(fmt.Sprint("old ", i))), groupware.Flags{}, d.now)
	}
	d.serverMail("Inbox", "first")
	asked, arrived := 0, -1
	d.ok(func() error {
		_, err := d.e.Pass(d.ctx, PassOptions{News: func() []groupware.FolderID {
			switch asked++; asked {
			case 1: // the Inbox has been read
				d.serverMail("Inbox", "urgent")
				id := d.find("Inbox", "first")
				d.do(func(tx *store.Tx) error { return tx.SetFlags(id, flagsOf("seen")) })
				return []groupware.FolderID{d.folder("Inbox").ID}
			case 3:
				arrived = len(d.here("Box 1"))
				d.both("Inbox", "first [seen]", "urgent []")
			}
			return nil
		}})
		return err
	}())
	d.both("Inbox", "first [seen]", "urgent []")
	if arrived != 0 {
		t.Fatalf("%d messages of the last folder were read before", arrived)
	}
	d.quiet()
}
