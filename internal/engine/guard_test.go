package engine

import (
	"fmt"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

// full is a desk with so many messages in the Inbox on both sides.
func full(t *testing.T, n int) *desk {
	d := newDesk(t, fake.Options{})
	for i := range n {
		d.serverMail("Inbox", fmt.Sprint("mail ", i))
	}
	d.sync()
	return d
}

func (d *desk) count(path string, here, there int) {
	d.t.Helper()
	if h, th := len(d.here(path)), len(d.there(path)); h != here || th != there {
		d.t.Fatalf("%s: %d here and %d there instead of %d and %d", path, h, th, here, there)
	}
}

func (d *desk) confirm(path string) {
	d.t.Helper()
	id := d.folder(path).ID
	d.do(func(tx *store.Tx) error { _, err := tx.ConfirmHold(id); return err })
}

func TestAServerThatSuddenlyShowsAnEmptyFolderIsNotBelieved(t *testing.T) {
	d := full(t, 30)
	d.server.Empty(d.server.FolderID("Inbox"))
	if r := d.sync(); r.Held != 1 || r.Deleted != 0 {
		t.Fatalf("%+v", r)
	}
	d.count("Inbox", 30, 0)
	seq := d.seq()
	d.sync()
	if d.seq() != seq {
		t.Fatal("waiting writes")
	}
	d.confirm("Inbox")
	if r := d.sync(); r.Held != 0 || r.Deleted != 30 {
		t.Fatalf("%+v", r)
	}
	d.count("Inbox", 0, 0)
	d.quiet()
}

func TestWhatComesBackAtTheServerIsNoLongerHeld(t *testing.T) {
	d := full(t, 30)
	inbox := d.server.FolderID("Inbox")
	d.server.Empty(inbox)
	d.sync()
	for i := range 30 {
		d.serverMail("Inbox", fmt.Sprint("mail ", i))
	}
	if r := d.sync(); r.Held != 0 || r.Downloaded != 0 {
		t.Fatalf("%+v", r)
	}
	d.count("Inbox", 30, 30)
	d.quiet()
}

func TestDeletingMuchOfAFolderHereIsAskedAbout(t *testing.T) {
	d := full(t, 40)
	for i := range 21 {
		d.do(func(tx *store.Tx) error { return tx.Delete(d.find("Inbox", fmt.Sprint("mail ", i))) })
	}
	if r := d.sync(); r.Held != 1 || r.Deleted != 0 {
		t.Fatalf("%+v", r)
	}
	d.count("Inbox", 19, 40)
	d.confirm("Inbox")
	d.sync()
	d.count("Inbox", 19, 19)
	d.quiet()
}

func TestDeletingAQuarterOfALargeFolderIsNot(t *testing.T) {
	d := full(t, 120)
	for i := range 30 {
		d.do(func(tx *store.Tx) error { return tx.Delete(d.find("Inbox", fmt.Sprint("mail ", i))) })
	}
	if r := d.sync(); r.Held != 0 || r.Deleted != 30 {
		t.Fatalf("%+v", r)
	}
	d.count("Inbox", 90, 90)
}

func TestManySmallFoldersThatAreEmptyAtOnceAreNotBelieved(t *testing.T) {
	d := newDesk(t, fake.Options{})
	var ids []string
	for i := range 5 {
		id := d.server.AddFolder(remote.NewFolder{Name: fmt.Sprint("Box ", i), Kind: groupware.FolderMail})
		ids = append(ids, id)
		for j := range 10 {
			d.server.AddMail(id, []byte(mail(fmt.Sprint("mail ", i, j))), groupware.Flags{}, d.now)
		}
	}
	d.sync()
	for _, id := range ids {
		d.server.Empty(id)
	}
	if r := d.sync(); r.Held != 5 || r.Deleted != 0 {
		t.Fatalf("%+v", r)
	}
	d.count("Box 3", 10, 0)
}

func TestAFolderFullOfMailThatIsGoneAtTheServerIsAskedAbout(t *testing.T) {
	d := newDesk(t, fake.Options{})
	id := d.server.AddFolder(remote.NewFolder{Name: "Projects", Kind: groupware.FolderMail})
	below := d.server.AddFolder(remote.NewFolder{Parent: id, Name: "Old", Kind: groupware.FolderMail})
	for i := range 30 {
		d.server.AddMail(below, []byte(mail(fmt.Sprint("mail ", i))), groupware.Flags{}, d.now)
	}
	d.sync()
	d.server.DeleteFolder(below)
	d.server.DeleteFolder(id)
	if r := d.sync(); r.Held != 1 || r.Deleted != 0 {
		t.Fatalf("%+v", r)
	}
	d.sync()
	if n := len(d.here("Projects/Old")); n != 30 || d.server.FolderID("Projects") != "" {
		t.Fatalf("%d", n)
	}
	d.confirm("Projects/Old")
	d.sync()
	if _, ok := d.lookup("Projects"); ok {
		t.Fatal("Projects is still here")
	}
	d.quiet()
}

func TestWhoAgreedToSomeDeletionsIsAskedAboutMore(t *testing.T) {
	d := full(t, 60)
	remove := func(from, to int) {
		for i := from; i < to; i++ {
			d.do(func(tx *store.Tx) error { return tx.Delete(d.find("Inbox", fmt.Sprint("mail ", i))) })
		}
	}
	remove(0, 25)
	d.sync()
	d.confirm("Inbox")
	remove(25, 50)
	if r := d.sync(); r.Held != 1 || r.Deleted != 0 {
		t.Fatalf("%+v", r)
	}
	d.count("Inbox", 10, 60)
	d.confirm("Inbox")
	d.sync()
	d.count("Inbox", 10, 10)
	d.quiet()
}
