package engine

import (
	"strings"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

// edit gives an item new content here.
func (d *desk) edit(path, subject, from, to string) {
	d.t.Helper()
	id := d.find(path, subject)
	raw := strings.Replace(d.raw(id), from, to, 1)
	d.do(func(tx *store.Tx) error {
		it, err := tx.Item(id)
		if err != nil {
			return err
		}
		return tx.SetContent(id, store.Prepare(it.Media, []byte(raw)))
	})
}

// editThere gives an event new content at the server.
func (d *desk) editThere(path, from, to string) {
	d.t.Helper()
	for _, it := range d.server.Snapshot() {
		if strings.EqualFold(it.Path, path) && strings.Contains(string(it.Raw), from) {
			d.server.PutObject(it.Folder, it.Name, []byte(strings.Replace(string(it.Raw), from, to, 1)))
			return
		}
	}
	d.t.Fatalf("nothing with %q in %s", from, path)
}

func (d *desk) conflicts() (cs []store.Conflict) {
	d.ok(d.m.View(d.ctx, func(tx *store.Tx) (err error) { cs, err = tx.Conflicts(); return err }))
	return cs
}

func meeting(t *testing.T) *desk {
	d := newDesk(t, fake.Options{})
	d.sync()
	d.add("Calendar", groupware.MediaCalendar, event("m", "Meeting"))
	d.sync()
	return d
}

func TestEditsOfDifferentPropertiesAreMerged(t *testing.T) {
	d := meeting(t)
	d.edit("Calendar", "Meeting", "SUMMARY:Meeting", "SUMMARY:Meeting with Ben")
	d.editThere("Calendar", "SUMMARY:Meeting\r\n", "SUMMARY:Meeting\r\nLOCATION:Workshop\r\n")
	if r := d.sync(); r.Conflicts != 0 {
		t.Fatalf("%+v", r)
	}
	d.both("Calendar", "Meeting with Ben []")
	if raw := d.raw(d.find("Calendar", "Meeting with Ben")); !strings.Contains(raw, "LOCATION:Workshop") {
		t.Fatal(raw)
	}
	if d.here("Conflicts"); len(d.here("Conflicts"))+len(d.here("Inbox")) != 0 {
		t.Fatalf("%q %q", d.here("Conflicts"), d.here("Inbox"))
	}
	d.quiet()
}

func TestEditsOfTheSamePropertyAreAConflictThatThePersonIsToldOf(t *testing.T) {
	d := meeting(t)
	d.edit("Calendar", "Meeting", "SUMMARY:Meeting", "SUMMARY:Here")
	d.editThere("Calendar", "SUMMARY:Meeting", "SUMMARY:There")
	if r := d.sync(); r.Conflicts != 1 {
		t.Fatalf("%+v", r)
	}
	d.both("Calendar", "There []")
	d.both("Inbox", "Message in conflict! []")
	if got := d.here("Conflicts"); len(got) != 1 || got[0] != "Here []" {
		t.Fatalf("%q", got)
	}
	c := d.conflicts()
	if len(c) != 1 || c[0].Of != d.find("Calendar", "There") || c[0].Notice != d.find("Inbox", "Message in conflict!") || strings.Join(c[0].Clashes, " ") != "Subject" {
		t.Fatalf("%+v", c)
	}
	if note := d.raw(c[0].Notice); !strings.Contains(note, `"Here"`) || !strings.Contains(note, `"Calendar"`) {
		t.Fatal(note)
	}
	d.quiet()
}

func TestThePolicyDuplicateKeepsBothAsItems(t *testing.T) {
	d := meeting(t)
	d.e.o.Conflicts = ConflictDuplicate
	d.edit("Calendar", "Meeting", "SUMMARY:Meeting", "SUMMARY:Here")
	d.editThere("Calendar", "SUMMARY:Meeting", "SUMMARY:There")
	d.sync()
	d.both("Calendar", "Here []", "There []")
	d.both("Inbox")
	d.quiet()
}

func TestWhatWasEditedHereAndDeletedThereLives(t *testing.T) {
	d := meeting(t)
	d.edit("Calendar", "Meeting", "SUMMARY:Meeting", "SUMMARY:Here")
	for _, it := range d.server.Snapshot() {
		d.server.DeleteObject(it.Folder, it.ID)
	}
	d.sync()
	d.both("Calendar", "Here []")
	d.quiet()
}

// A draft is edited by storing another message of the same Message-ID and removing the old one.
func TestADraftEditedOnBothSidesIsMerged(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.sync()
	id := d.add("Drafts", groupware.MediaMessage, mail("plan"), "draft")
	d.sync()
	drafts := d.server.FolderID("Drafts")
	for _, it := range d.server.Snapshot() {
		d.server.DeleteMail(drafts, it.ID)
	}
	d.server.AddMail(drafts, []byte(strings.Replace(mail("plan"), "Subject: plan", "Subject: plan for March", 1)), flagsOf("draft"), d.now)
	d.edit("Drafts", "plan", "Text of plan.", "Text of plan, in full.")
	d.sync()
	d.both("Drafts", "plan for March [draft]")
	if raw := d.raw(id); !strings.Contains(raw, "in full") || !strings.Contains(raw, "for March") {
		t.Fatalf("%s", raw)
	}
	d.quiet()
}

func TestADraftEditedThereIsTheSameItem(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.sync()
	id := d.add("Drafts", groupware.MediaMessage, mail("plan"), "draft")
	d.sync()
	drafts := d.server.FolderID("Drafts")
	for _, it := range d.server.Snapshot() {
		d.server.DeleteMail(drafts, it.ID)
	}
	d.server.AddMail(drafts, []byte(strings.Replace(mail("plan"), "Text", "More text", 1)), flagsOf("draft"), d.now)
	d.sync()
	d.both("Drafts", "plan [draft]")
	if raw := d.raw(id); !strings.Contains(raw, "More text") {
		t.Fatalf("%s", raw)
	}
	d.quiet()
}

// A mailbox that was restored from an older copy does not know of what it stored since.
func TestWhatIsAtTheServerAlreadyIsNotStoredAgain(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.sync()
	d.serverMail("Inbox", "letter")
	d.server.PutObject(d.server.FolderID("Calendar"), "other.ics", []byte(event("e", "Meeting")))
	d.add("Inbox", groupware.MediaMessage, mail("letter"))
	d.add("Calendar", groupware.MediaCalendar, event("e", "Meeting"))
	d.sync()
	d.both("Inbox", "letter []")
	d.both("Calendar", "Meeting []")
	d.quiet()
}
