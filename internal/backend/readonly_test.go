package backend

import (
	"strings"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

// What the server would refuse is refused at once, with a sentence, and nothing of it is tried (LESSONS 22).
func TestReadOnlyFoldersRefuseEveryChangeAtOnce(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	put := func(n remote.NewFolder, readOnly bool) string {
		id := s.AddFolder(n)
		if id == "" {
			t.Fatalf("no folder %+v", n)
		}
		s.SetReadOnly(id, readOnly)
		return id
	}
	company := put(remote.NewFolder{Name: "Company", Kind: groupware.FolderMail}, true)
	put(remote.NewFolder{Name: "Open", Parent: company, Kind: groupware.FolderMail}, false)
	mixed := put(remote.NewFolder{Name: "Mixed", Kind: groupware.FolderMail}, false)
	put(remote.NewFolder{Name: "Closed", Parent: mixed, Kind: groupware.FolderMail}, true)
	put(remote.NewFolder{Name: "Work", Kind: groupware.FolderMail}, false)
	holidays := put(remote.NewFolder{Name: "Holidays", Kind: groupware.FolderCalendar}, true)
	staff := put(remote.NewFolder{Name: "Staff", Kind: groupware.FolderContacts}, true)
	drafts := s.FolderID("Drafts")
	s.AddMail(s.FolderID("Inbox"), []byte(message("One")), groupware.Flags{}, h.clock.Now())
	s.AddMail(company, []byte(message("Two")), groupware.Flags{}, h.clock.Now())
	s.AddMail(drafts, []byte(message("Draft")), groupware.NewFlags(groupware.Draft), h.clock.Now())
	s.SetReadOnly(drafts, true)
	s.PutObject(holidays, "e1.ics", []byte(event("e1", "Easter")))
	s.PutObject(staff, "c1.vcf", []byte(card))
	h.sync()
	only := func(folder string) string {
		t.Helper()
		page, err := h.List(h.ctx, folder, ListOptions{})
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("%s: %+v, %v", folder, page, err)
		}
		return page.Items[0].ID
	}
	inbox, news, draft, easter, clara := only("Inbox"), only("Company"), only("Drafts"), only("Holidays"), only("Staff")
	mine := h.add("Calendar", "", event("e2", "Mine"))
	h.sync()
	writes := s.Writes()
	for deed, try := range map[string]func() error{
		"add mail":          func() error { _, err := h.Add(h.ctx, "Company", "", []byte(message("Three"))); return err },
		"add an event":      func() error { _, err := h.Add(h.ctx, "Holidays", "", []byte(event("e3", "New"))); return err },
		"edit an event":     func() error { return h.Edit(h.ctx, easter, "", []byte(event("e1", "Christmas"))) },
		"edit a contact":    func() error { return h.Edit(h.ctx, clara, "", []byte(strings.Replace(card, "Sales", "IT", 1))) },
		"edit a draft":      func() error { return h.Edit(h.ctx, draft, "", []byte(message("Better"))) },
		"flag":              func() error { return h.Flag(h.ctx, news, []string{"flagged"}, nil) },
		"mark as read":      func() error { return h.Flag(h.ctx, news, []string{"seen"}, nil) },
		"take a flag away":  func() error { return h.Flag(h.ctx, news, nil, []string{"seen"}) },
		"move mail out":     func() error { return h.Move(h.ctx, news, "Inbox") },
		"move an event out": func() error { return h.Move(h.ctx, easter, "Calendar") },
		"move mail in":      func() error { return h.Move(h.ctx, inbox, "Company") },
		"move an event in":  func() error { return h.Move(h.ctx, mine, "Holidays") },
		"copy mail in":      func() error { _, err := h.Copy(h.ctx, inbox, "Company"); return err },
		"copy an event in":  func() error { _, err := h.Copy(h.ctx, mine, "Holidays"); return err },
		"delete mail":       func() error { _, err := h.Delete(h.ctx, news); return err },
		"delete an event":   func() error { _, err := h.Delete(h.ctx, easter); return err },
		"delete a contact":  func() error { _, err := h.Delete(h.ctx, clara); return err },
		"make a folder in":  func() error { _, err := h.CreateFolder(h.ctx, "Company/New", groupware.FolderMail); return err },
		"make two in":       func() error { _, err := h.CreateFolder(h.ctx, "Company/New/Deeper", groupware.FolderMail); return err },
		"rename":            func() error { _, err := h.RenameFolder(h.ctx, "Company", "Firm"); return err },
		"rename one in":     func() error { _, err := h.RenameFolder(h.ctx, "Company/Open", "Wide"); return err },
		"rename a calendar": func() error { _, err := h.RenameFolder(h.ctx, "Holidays", "Feasts"); return err },
		"move a folder":     func() error { _, err := h.MoveFolder(h.ctx, "Company", "Work"); return err },
		"move a folder in":  func() error { _, err := h.MoveFolder(h.ctx, "Work", "Company"); return err },
		"delete a folder":   func() error { return h.DeleteFolder(h.ctx, "Company") },
		"delete one around": func() error { return h.DeleteFolder(h.ctx, "Mixed") },
	} {
		t.Run(deed, func(t *testing.T) { wantError(t, try(), CodeReadOnly, "can only be read") })
	}
	if _, err := h.Copy(h.ctx, news, "Inbox"); err != nil { // taking a copy changes nothing there
		t.Error(err)
	}
	if _, err := h.Copy(h.ctx, easter, "Calendar"); err != nil {
		t.Error(err)
	}
	if _, err := h.SetFolder(h.ctx, "Company", groupware.SyncHeaders, true); err != nil { // how much is kept here is no business of the server
		t.Error(err)
	}
	if got := s.Writes() - writes; got != 0 {
		t.Errorf("%d writes before the pass", got)
	}
	if h.sync(); s.Writes() == writes || len(h.there(anna, "Company")) != 1 || len(h.there(anna, "Holidays")) != 1 {
		t.Errorf("the server has %+v", s.Snapshot())
	}
	if st := h.state(); st.State != StateInSync || st.Failures != 0 {
		t.Errorf("%+v", st)
	}
}
