package backend

import (
	"slices"
	"strings"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
)

// inConflict is a house in which an event was given another subject on both sides.
func inConflict(t *testing.T) (h *house, original string) {
	t.Helper()
	h = newHouse(t, anna)
	s := h.servers[anna]
	s.PutObject(s.FolderID("Calendar"), "e1.ics", []byte(event("e1", "Planning")))
	h.sync()
	original = h.only("Calendar")
	h.clash(original, "Ours", "Theirs")
	return h, original
}

// clash gives an event that is in e1.ics a subject here and another there, and looks what comes of it.
func (h *house) clash(id, ours, theirs string) {
	h.t.Helper()
	if err := h.Edit(h.ctx, id, "", []byte(event("e1", ours))); err != nil {
		h.t.Fatal(err)
	}
	h.servers[anna].PutObject(h.servers[anna].FolderID("Calendar"), "e1.ics", []byte(event("e1", theirs)))
	if r, err := h.Sync(h.ctx, ""); err != nil || len(r.Problems) > 0 || r.Conflicts != 1 {
		h.t.Fatalf("%+v, %v", r, err)
	}
}

// only is the id of the one item in a folder.
func (h *house) only(folder string) string {
	h.t.Helper()
	if ids := h.ids(folder); len(ids) == 1 {
		return ids[0]
	}
	h.t.Fatalf("%s holds %v", folder, h.subjects(folder))
	return ""
}

func (h *house) ids(folder string) (ids []string) {
	h.t.Helper()
	page, err := h.List(h.ctx, folder, ListOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, it := range page.Items {
		ids = append(ids, it.ID)
	}
	return ids
}

func (h *house) subjects(folder string) []string {
	h.t.Helper()
	out := []string{}
	for _, id := range h.ids(folder) {
		shown, err := h.Show(h.ctx, id)
		if err != nil {
			h.t.Fatal(err)
		}
		out = append(out, shown.Subject)
	}
	slices.Sort(out)
	return out
}

// have checks what lies in a folder, by subject.
func (h *house) have(folder string, want ...string) {
	h.t.Helper()
	slices.Sort(want)
	if got := h.subjects(folder); !slices.Equal(got, want) {
		h.t.Errorf("%s holds %q, want %q", folder, got, want)
	}
}

func (h *house) conflict() Conflict {
	h.t.Helper()
	cs, err := h.Conflicts(h.ctx)
	if err != nil || len(cs) != 1 {
		h.t.Fatalf("%+v, %v", cs, err)
	}
	return cs[0]
}

// settledAll checks that nothing is left to decide, here or at the server, and that this stays so over a restart.
func (h *house) settledAll() {
	h.t.Helper()
	if err := h.Server.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.open()
	h.sync()
	if cs, err := h.Conflicts(h.ctx); err != nil || len(cs) != 0 {
		h.t.Errorf("left: %+v, %v", cs, err)
	}
	if st := h.state(); st.State != StateInSync || st.Conflicts != 0 {
		h.t.Errorf("%+v", st)
	}
	h.have("Conflicts")
	h.have("Inbox") // the message that told of it went with the decision
	if got := h.there(anna, "Inbox"); len(got) != 0 {
		h.t.Errorf("the server has %q", got)
	}
	if v, err := h.Verify(h.ctx); err != nil || len(v.Accounts[0].Problems) != 0 {
		h.t.Errorf("%+v, %v", v, err)
	}
}

func TestAConflictIsListedAndBothVersionsAreShown(t *testing.T) {
	h, original := inConflict(t)
	c := h.conflict()
	if c.Of != original || c.ID == original || c.Folder != "Calendar" || c.Kind != groupware.KindEvent || c.Subject != "Ours" || len(c.Clashes) == 0 || c.At.IsZero() {
		t.Errorf("%+v", c)
	}
	h.have("Calendar", "Theirs")
	h.have("Conflicts", "Ours")
	h.have("Inbox", "Message in conflict!")
	if st := h.state(); st.Conflicts != 1 {
		t.Errorf("%+v", st)
	}
	for _, id := range []string{c.ID, original} { // either names it
		shown, err := h.ShowConflict(h.ctx, id)
		if err != nil || shown.ID != c.ID {
			t.Fatalf("%+v, %v", shown, err)
		}
		i := slices.IndexFunc(shown.Differences, func(d Difference) bool { return d.Name == "SUMMARY" })
		if i < 0 {
			t.Fatalf("%+v", shown.Differences)
		}
		if d := shown.Differences[i]; d.Base != "Planning" || d.Local != "Ours" || d.Server != "Theirs" || !d.Clash || d.Property == "" {
			t.Errorf("%+v", d)
		}
	}
}

func TestKeepLocalPutsOursOverTheServers(t *testing.T) {
	h, original := inConflict(t)
	kept, err := h.KeepConflict(h.ctx, h.conflict().ID, KeepLocal)
	if err != nil || kept.ID != original || kept.Folder != "Calendar" {
		t.Fatalf("%+v, %v", kept, err)
	}
	h.settledAll()
	h.have("Calendar", "Ours")
	if got := h.there(anna, "Calendar"); len(got) != 1 || !strings.Contains(got[0], "SUMMARY:Ours") || !strings.Contains(got[0], "UID:e1\r\n") {
		t.Errorf("the server has %q", got)
	}
}

func TestKeepServerDropsOurs(t *testing.T) {
	h, original := inConflict(t)
	writes := h.servers[anna].Writes()
	kept, err := h.KeepConflict(h.ctx, original, KeepServer)
	if err != nil || kept.ID != original {
		t.Fatalf("%+v, %v", kept, err)
	}
	h.settledAll()
	h.have("Calendar", "Theirs")
	if got := h.servers[anna].Writes() - writes; got > 1 { // the message that told of it
		t.Errorf("%d writes at the server", got)
	}
}

func TestKeepBothMakesOursAnItemOfItsOwn(t *testing.T) {
	h, original := inConflict(t)
	c := h.conflict()
	kept, err := h.KeepConflict(h.ctx, c.ID, KeepBoth)
	if err != nil || kept.ID != c.ID || kept.Folder != "Calendar" {
		t.Fatalf("%+v, %v", kept, err)
	}
	h.settledAll()
	h.have("Calendar", "Ours", "Theirs")
	got := h.there(anna, "Calendar")
	if len(got) != 2 || strings.Count(strings.Join(got, ""), "UID:e1\r\n") != 1 {
		t.Errorf("the server has %q", got)
	}
	if shown, err := h.Show(h.ctx, original); err != nil || shown.Subject != "Theirs" {
		t.Errorf("%+v, %v", shown, err)
	}
}

func TestTheServersVersionIsGone(t *testing.T) {
	for _, keep := range []Keep{KeepLocal, KeepServer, KeepBoth} {
		t.Run(string(keep), func(t *testing.T) {
			h, original := inConflict(t)
			if _, err := h.Delete(h.ctx, original); err != nil {
				t.Fatal(err)
			}
			if keep != KeepBoth {
				h.sync()
			} // else the server does not know yet
			c := h.conflict()
			if shown, err := h.ShowConflict(h.ctx, c.ID); err != nil || shown.Of != "" || len(shown.Differences) != 0 || shown.Folder != "Calendar" {
				t.Errorf("%+v, %v", shown, err)
			}
			_, err := h.ShowConflict(h.ctx, original)
			wantError(t, err, CodeNotFound, original, "outpost conflict list")
			if _, err := h.KeepConflict(h.ctx, c.ID, keep); err != nil {
				t.Fatal(err)
			}
			h.settledAll()
			if keep == KeepServer {
				h.have("Calendar")
				return
			}
			h.have("Calendar", "Ours")
			if got := h.there(anna, "Calendar"); len(got) != 1 || !strings.Contains(got[0], "UID:e1\r\n") { // it is the same event again
				t.Errorf("the server has %q", got)
			}
		})
	}
}

func TestTheFolderOfAConflictIsGone(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	trips := s.AddFolder(remote.NewFolder{Name: "Trips", Kind: groupware.FolderCalendar})
	s.PutObject(trips, "e1.ics", []byte(event("e1", "Rome")))
	h.sync()
	if err := h.Edit(h.ctx, h.only("Trips"), "", []byte(event("e1", "Milan"))); err != nil {
		t.Fatal(err)
	}
	s.PutObject(trips, "e1.ics", []byte(event("e1", "Turin")))
	if r, err := h.Sync(h.ctx, ""); err != nil || r.Conflicts != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := h.DeleteFolder(h.ctx, "Trips"); err != nil {
		t.Fatal(err)
	}
	h.sync()
	c := h.conflict()
	_, err := h.KeepConflict(h.ctx, c.ID, KeepLocal)
	wantError(t, err, CodeRefused, c.ID, "outpost move "+c.ID)
	if err := h.Move(h.ctx, c.ID, "Calendar"); err != nil {
		t.Fatal(err)
	}
	h.settledAll()
	h.have("Calendar", "Milan")
}

func TestFilingOursElsewhereOrDeletingItDecidesToo(t *testing.T) {
	h, _ := inConflict(t)
	if err := h.Move(h.ctx, h.conflict().ID, "Calendar"); err != nil {
		t.Fatal(err)
	}
	h.settledAll()
	h.have("Calendar", "Ours", "Theirs") // with a UID of its own, or the server would refuse it
	h, _ = inConflict(t)
	if _, err := h.Delete(h.ctx, h.conflict().ID); err != nil {
		t.Fatal(err)
	}
	h.settledAll()
	h.have("Calendar", "Theirs")
}

func TestADecisionThatTheServerDoesNotAllow(t *testing.T) {
	h, original := inConflict(t)
	h.servers[anna].SetReadOnly(h.servers[anna].FolderID("Calendar"), true)
	h.sync()
	c := h.conflict()
	for _, keep := range []Keep{KeepLocal} {
		_, err := h.KeepConflict(h.ctx, c.ID, keep)
		wantError(t, err, CodeReadOnly, "Calendar")
	}
	_, err := h.KeepConflict(h.ctx, c.ID, KeepBoth)
	wantError(t, err, CodeReadOnly, "Calendar")
	_, err = h.KeepConflict(h.ctx, c.ID, "neither")
	wantError(t, err, CodeUsage, "--local", "--server", "--both")
	if h.conflict().ID != c.ID {
		t.Error("a refusal decided it")
	}
	if _, err := h.KeepConflict(h.ctx, original, KeepServer); err != nil { // changes nothing there
		t.Fatal(err)
	}
	h.settledAll()
}

func TestTheServerChangedAgainBeforeTheDecisionArrived(t *testing.T) {
	h, original := inConflict(t)
	if _, err := h.KeepConflict(h.ctx, original, KeepLocal); err != nil {
		t.Fatal(err)
	}
	s := h.servers[anna]
	s.PutObject(s.FolderID("Calendar"), "e1.ics", []byte(event("e1", "Once more")))
	if r, err := h.Sync(h.ctx, ""); err != nil || r.Conflicts != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	h.have("Calendar", "Once more")
	h.have("Conflicts", "Ours")
	h.have("Inbox", "Message in conflict!") // one for the new conflict, none of the old
}

func TestSeveralConflictsOfOneItem(t *testing.T) {
	h, original := inConflict(t)
	h.clash(original, "Ours too", "Theirs too")
	cs, err := h.Conflicts(h.ctx)
	if err != nil || len(cs) != 2 || cs[0].Subject != "Ours" || cs[1].Subject != "Ours too" {
		t.Fatalf("%+v, %v", cs, err)
	}
	_, err = h.ShowConflict(h.ctx, original)
	wantError(t, err, CodeUsage, cs[0].ID, cs[1].ID)
	if _, err := h.KeepConflict(h.ctx, cs[0].ID, KeepServer); err != nil {
		t.Fatal(err)
	}
	if _, err := h.KeepConflict(h.ctx, original, KeepLocal); err != nil { // one is left
		t.Fatal(err)
	}
	h.settledAll()
	h.have("Calendar", "Ours too")
}

func TestADraftInConflict(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	h.sync()
	draft := h.add("Drafts", "", message("Draft"))
	h.sync()
	if err := h.Edit(h.ctx, draft, "", []byte(strings.Replace(message("Draft"), "The text", "Our text", 1))); err != nil {
		t.Fatal(err)
	}
	// Another client replaces a draft by storing a new one and removing the old: to us that is one gone and one new.
	for _, it := range s.Snapshot() {
		if it.Path == "Drafts" {
			s.DeleteMail(s.FolderID("Drafts"), it.ID)
		}
	}
	h.sync()
	if got := h.there(anna, "Drafts"); len(got) != 1 || !strings.Contains(got[0], "Our text") { // edited here and deleted there: the edit lives
		t.Errorf("the server has %q", got)
	}
}

func TestConflictsThatAreNot(t *testing.T) {
	h, _ := inConflict(t)
	id := h.add("Calendar", "", event("e9", "Else"))
	for _, id := range []string{id, "1.4711"} {
		_, err := h.ShowConflict(h.ctx, id)
		wantError(t, err, CodeNotFound, id, "outpost conflict list")
		_, err = h.KeepConflict(h.ctx, id, KeepBoth)
		wantError(t, err, CodeNotFound, id)
	}
	_, err := h.ShowConflict(h.ctx, "many")
	wantError(t, err, CodeUsage, "1.42")
}

// A refusal of the upload after a decision loses nothing: ours is in Local Failures then.
func TestADecisionThatTheServerRefuses(t *testing.T) {
	h, original := inConflict(t)
	h.servers[anna].Faults().Order(fake.Fault{Call: "Replace", Kind: remote.Invalid})
	if _, err := h.KeepConflict(h.ctx, original, KeepLocal); err != nil {
		t.Fatal(err)
	}
	if r, err := h.Sync(h.ctx, ""); err != nil || r.Failures != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	h.have("Calendar", "Theirs")
	h.have("Local Failures", "Ours")
}

// A decision is one transaction: where there is no room for it, nothing of it has happened.
func TestADecisionOnAFullDiskHappensLaterAsAWhole(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	s.PutObject(s.FolderID("Calendar"), "e1.ics", []byte(event("e1", "Planning")))
	h.sync()
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = "0123456789abcdef"[h.o.Rand.IntN(16)]
	}
	original := h.only("Calendar")
	h.clash(original, "Ours "+string(noise), "Theirs")
	c := h.conflict()
	restart := func(pages int64) {
		if err := h.Server.Close(); err != nil {
			t.Fatal(err)
		}
		h.o.MaxPages = pages
		h.open()
	}
	restart(1)
	if _, err := h.KeepConflict(h.ctx, c.ID, KeepBoth); CodeOf(err) != CodeDataFolder || !strings.Contains(err.Error(), "no room left") { // the copy has a UID of its own
		t.Fatalf("got %v", err)
	}
	h.have("Calendar", "Theirs")
	h.have("Inbox", "Message in conflict!")
	if left := h.conflict(); left.ID != c.ID || left.Of != original || !slices.Equal(left.Clashes, c.Clashes) {
		t.Errorf("%+v", left)
	}
	restart(0)
	if _, err := h.KeepConflict(h.ctx, c.ID, KeepBoth); err != nil {
		t.Fatal(err)
	}
	h.settledAll()
	if got := h.there(anna, "Calendar"); len(got) != 2 {
		t.Errorf("the server has %d events", len(got))
	}
}

// What each side changed by itself is put together, and nobody is asked.
func TestDifferentPropertiesAreNoConflict(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	s.PutObject(s.FolderID("Calendar"), "e1.ics", []byte(event("e1", "Planning")))
	h.sync()
	if err := h.Edit(h.ctx, h.only("Calendar"), "", []byte(strings.Replace(event("e1", "Planning"), "Room 5", "The canteen", 1))); err != nil {
		t.Fatal(err)
	}
	s.PutObject(s.FolderID("Calendar"), "e1.ics", []byte(event("e1", "Replanning")))
	h.sync()
	h.settledAll()
	if got := h.there(anna, "Calendar"); len(got) != 1 || !strings.Contains(got[0], "SUMMARY:Replanning\r\n") || !strings.Contains(got[0], "LOCATION:The canteen\r\n") {
		t.Errorf("the server has %q", got)
	}
}
