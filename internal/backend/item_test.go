package backend

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
)

func TestFoldersAreFoundByPath(t *testing.T) {
	h := newHouse(t, anna)
	_, err := h.List(h.ctx, "Customers", ListOptions{})
	wantError(t, err, CodeNotFound, "outpost sync") // nothing was brought here yet
	customers := h.servers[anna].AddFolder(remote.NewFolder{Name: "Customers", Kind: groupware.FolderMail})
	h.servers[anna].AddFolder(remote.NewFolder{Name: "M\u00fcller", Parent: customers, Kind: groupware.FolderMail})
	h.sync()
	for _, path := range []string{"INBOX", "inbox", "Inbox", "/Inbox/", "Customers/M\u00fcller", "Customers/Mu\u0308ller", anna + "/Customers"} {
		if _, err := h.List(h.ctx, path, ListOptions{}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	_, err = h.List(h.ctx, "Custmers", ListOptions{})
	wantError(t, err, CodeNotFound, `"Custmers"`, `did you mean "Customers"`)
	_, err = h.List(h.ctx, "Muller", ListOptions{})
	wantError(t, err, CodeNotFound, "Customers/M\u00fcller")
	_, err = h.List(h.ctx, "Nothing like it at all", ListOptions{})
	wantError(t, err, CodeNotFound, "outpost folder list")
	_, err = h.List(h.ctx, "", ListOptions{})
	wantError(t, err, CodeUsage, "name a folder")
}

func TestFolderLife(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	for _, c := range []struct {
		path string
		kind groupware.FolderKind
	}{{"Customers", "mail"}, {"Customers/Miller", "mail"}, {"Holidays", "calendar"}, {"Chores", "tasks"}, {"Partners", "contacts"}, {"Ideas", "notes"}} {
		f, err := h.CreateFolder(h.ctx, c.path, c.kind)
		if err != nil || f.Path != c.path || f.Kind != c.kind || f.Items != 0 {
			t.Fatalf("%+v, %v", f, err)
		}
	}
	_, err := h.CreateFolder(h.ctx, "Customers", "mail")
	wantError(t, err, CodeExists, `"Customers"`, "already")
	_, err = h.CreateFolder(h.ctx, "Customers/Dates", "calendar")
	wantError(t, err, CodeRefused, "make it at the top")
	if f, err := h.CreateFolder(h.ctx, "Far/away/Miller", "mail"); err != nil || f.Path != "Far/away/Miller" {
		t.Errorf("%+v, %v", f, err)
	}
	_, err = h.CreateFolder(h.ctx, "Nowhere/Miller", "calendar")
	wantError(t, err, CodeNotFound, "Nowhere")
	_, err = h.CreateFolder(h.ctx, "Outbox/Miller", "mail")
	wantError(t, err, CodeRefused, "exists only here")
	_, err = h.CreateFolder(h.ctx, "a\x07b", "mail")
	wantError(t, err, CodeUsage, "character")
	h.sync()
	for _, path := range []string{"Customers/Miller", "Holidays", "Chores", "Partners", "Ideas"} {
		if h.servers[anna].FolderID(path) == "" {
			t.Errorf("the server has no %s", path)
		}
	}
	if f, err := h.RenameFolder(h.ctx, "Customers/Miller", "Smith"); err != nil || f.Path != "Customers/Smith" {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err := h.MoveFolder(h.ctx, "Customers/Smith", "/"); err != nil || f.Path != "Smith" {
		t.Errorf("%+v, %v", f, err)
	}
	_, err = h.MoveFolder(h.ctx, "Customers", "Customers")
	wantError(t, err, CodeRefused, "into itself")
	_, err = h.RenameFolder(h.ctx, "INBOX", "Post")
	wantError(t, err, CodeRefused, "cannot be renamed")
	err = h.DeleteFolder(h.ctx, "Conflicts")
	wantError(t, err, CodeRefused, "cannot be deleted")
	if err := h.DeleteFolder(h.ctx, "Customers"); err != nil {
		t.Fatal(err)
	}
	_, err = h.List(h.ctx, "Customers", ListOptions{})
	wantError(t, err, CodeNotFound)
	h.sync()
	if h.servers[anna].FolderID("Customers") != "" || h.servers[anna].FolderID("Smith") == "" {
		t.Errorf("the server has %+v", h.servers[anna].Folders())
	}
	h.add("Smith", "", message("Hello"))
	fs, err := h.SetFolder(h.ctx, "Smith", groupware.SyncOff, true)
	if err != nil || len(fs) != 1 || fs[0].Sync != groupware.SyncOff {
		t.Errorf("%+v, %v", fs, err)
	}
	_, err = h.SetFolder(h.ctx, "Outbox", groupware.SyncOff, false)
	wantError(t, err, CodeRefused, "exists only here")
}

func TestAFolderThatNeverWasAtTheServerJustGoes(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	if _, err := h.CreateFolder(h.ctx, "Brief", "mail"); err != nil {
		t.Fatal(err)
	}
	h.add("Brief", "", message("Hello"))
	if err := h.DeleteFolder(h.ctx, "Brief"); err != nil {
		t.Fatal(err)
	}
	writes := h.servers[anna].Writes()
	if h.sync(); h.servers[anna].Writes() != writes {
		t.Error("something was written at the server")
	}
}

func TestListAndSearchAndShow(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	inbox := s.FolderID("Inbox")
	for _, subject := range []string{"Alpha", "Beta", "Gamma"} {
		s.AddMail(inbox, []byte(message(subject)), groupware.Flags{}, time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	}
	s.PutObject(s.FolderID("Calendar"), "e1.ics", []byte(event("e1", "Planning")))
	s.PutObject(s.FolderID("Contacts"), "c1.vcf", []byte(card))
	h.sync()
	page, err := h.List(h.ctx, "INBOX", ListOptions{Sort: "subject", Ascending: true, Offset: 1, Limit: 1})
	if err != nil || page.Total != 3 || len(page.Items) != 1 || page.Items[0].Subject != "Beta" {
		t.Fatalf("%+v, %v", page, err)
	}
	b, _ := json.Marshal(page.Items[0])
	want := `{"id":"1.` + page.Items[0].ID[2:] + `","folder":"Inbox","kind":"mail","subject":"Beta","from":"Ben \u003cben@example.net\u003e","date":"2026-03-01T09:00:00Z","size":` +
		sizeOf(message("Beta")) + `,"flags":[],"body":"whole"}`
	if got := strings.Replace(string(b), page.Items[0].Date.Format(time.RFC3339), "2026-03-01T09:00:00Z", 1); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	_, err = h.List(h.ctx, "INBOX", ListOptions{Sort: "colour"})
	wantError(t, err, CodeUsage, "colour", "subject")
	_, err = h.List(h.ctx, "INBOX", ListOptions{Limit: -1})
	wantError(t, err, CodeUsage, "--limit")

	if page, err = h.Search(h.ctx, SearchOptions{Words: "text gamma"}); err != nil || len(page.Items) != 1 || page.Items[0].Subject != "Gamma" {
		t.Fatalf("%+v, %v", page, err)
	}
	_, err = h.Search(h.ctx, SearchOptions{Words: "  "})
	wantError(t, err, CodeUsage, "words")
	shown, err := h.Show(h.ctx, page.Items[0].ID)
	if err != nil || strings.TrimSpace(shown.Text) != "The text of Gamma." || shown.To != anna {
		t.Errorf("%+v, %v", shown, err)
	}
	cal, _ := h.List(h.ctx, "Calendar", ListOptions{})
	if shown, err = h.Show(h.ctx, cal.Items[0].ID); err != nil || !slices.Contains(shown.Fields, Field{"Where", "Room 5"}) || shown.Kind != groupware.KindEvent {
		t.Errorf("%+v, %v", shown, err)
	}
	cards, _ := h.List(h.ctx, "Contacts", ListOptions{})
	if shown, err = h.Show(h.ctx, cards.Items[0].ID); err != nil || !slices.Contains(shown.Fields, Field{"Phone (cell)", "+49 30 123"}) || !slices.Contains(shown.Fields, Field{"Company", "Miller Ltd, Sales"}) {
		t.Errorf("%+v, %v", shown, err)
	}
	id := h.add("Contacts", "", "BEGIN:VCARD\nVERSION:4.0\nKIND:group\nUID:g1\nFN:Customers\nMEMBER:urn:uuid:C1\nMEMBER:mailto:zoe@example.net\nNOTE:All of them\nEND:VCARD\n")
	if shown, err = h.Show(h.ctx, id); err != nil || shown.Kind != groupware.KindList || shown.Text != "All of them" ||
		!slices.Contains(shown.Fields, Field{"Member", "Clara Miller <clara@miller.example>"}) || !slices.Contains(shown.Fields, Field{"Member", "zoe@example.net"}) {
		t.Errorf("%+v, %v", shown, err)
	}
	c, err := h.Raw(h.ctx, cards.Items[0].ID)
	if err != nil || string(c.Bytes) != card || c.Media != groupware.MediaVCard {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestRulesInWords(t *testing.T) {
	for rule, want := range map[string]string{
		"FREQ=WEEKLY;BYDAY=TU,TH":                    "every week on Tuesday, Thursday",
		"FREQ=DAILY;INTERVAL=3;COUNT=5":              "every 3 days, 5 times",
		"FREQ=YEARLY;UNTIL=20301231T235959Z;WKST=MO": "every year until Tue 31 Dec 2030",
		"FREQ=MONTHLY;BYDAY=-1FR":                    "FREQ=MONTHLY;BYDAY=-1FR",
		"FREQ=MONTHLY;BYMONTHDAY=3":                  "FREQ=MONTHLY;BYMONTHDAY=3",
		"FREQ=SECONDLY":                              "FREQ=SECONDLY",
		"nonsense":                                   "nonsense",
	} {
		if got := repeats(rule); got != want {
			t.Errorf("%s: got %q, want %q", rule, got, want)
		}
	}
}

func sizeOf(s string) string { b, _ := json.Marshal(len(s)); return string(b) }

func TestUnknownIDs(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	for _, id := range []string{"1.9999", "7.1"} {
		_, err := h.Show(h.ctx, id)
		wantError(t, err, CodeNotFound, id, "outpost list")
		wantError(t, h.Flag(h.ctx, id, []string{"seen"}, nil), CodeNotFound, id)
		wantError(t, h.Move(h.ctx, id, "Trash"), CodeNotFound, id)
		_, err = h.Delete(h.ctx, id)
		wantError(t, err, CodeNotFound, id)
	}
	for _, id := range []string{"", "42", "a.b", "1.", "1.-3", "1.2.3"} {
		_, err := h.Show(h.ctx, id)
		wantError(t, err, CodeUsage, "1.42")
	}
}

func TestAddMakesContentFitAndChecksIt(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	h.add("Inbox", "letter.eml", "From: a@example.net\nSubject: Bare\n\nText\n")
	id := h.add("Drafts", "", "Subject: Draft\n\nText\n")
	draft, _ := h.Show(h.ctx, id)
	if !slices.Contains(draft.Flags, "draft") || !slices.Contains(draft.Flags, "seen") {
		t.Errorf("a draft has the flags %v", draft.Flags)
	}
	many := strings.Replace(event("e1", "One"), "END:VCALENDAR\r\n", "", 1) + strings.SplitAfterN(event("e2", "Two"), "//EN\r\n", 2)[1]
	added, err := h.Add(h.ctx, "Calendar", "many.ics", []byte(many))
	if err != nil || len(added.IDs) != 2 || added.ID != added.IDs[0] {
		t.Fatalf("%+v, %v", added, err)
	}
	h.add("Contacts", "", card)
	h.sync()
	mail := h.there(anna, "Inbox")
	if len(mail) != 1 || !strings.Contains(mail[0], "\r\nMessage-ID: <") && !strings.HasPrefix(mail[0], "Message-ID: <") || !strings.Contains(mail[0], "Date: ") {
		t.Errorf("the server got %q", mail)
	}
	if got := h.there(anna, "Calendar"); len(got) != 2 {
		t.Errorf("the server got %q", got)
	}
	if got := h.there(anna, "Contacts"); len(got) != 1 || got[0] != card {
		t.Errorf("the server got %q", got)
	}

	for _, c := range []struct {
		folder, name, content string
		code                  Code
		words                 []string
	}{
		{"Calendar", "bad.ics", strings.Replace(event("x", "Bad"), "DTSTART:20260302T100000Z", "DTSTART:yesterday", 1), CodeInvalid, []string{"bad.ics", "line 7"}},
		{"Calendar", "cut.ics", strings.Replace(event("x", "Cut"), "END:VEVENT\r\n", "", 1), CodeInvalid, []string{"cut.ics", "line "}},
		{"Contacts", "bad.vcf", "BEGIN:VCARD\nVERSION:4.0\nEND:VCARD\n", CodeInvalid, []string{"bad.vcf", "line 1", "FN"}},
		{"Inbox", "bad.eml", "\n\nNo header at all\n", CodeInvalid, []string{"bad.eml", "line 1", "Subject"}},
		{"Inbox", "nul.eml", "Subject: x\n\na\x00b\n", CodeInvalid, []string{"nul.eml", "line 3", "NUL"}},
		{"Calendar", "", card, CodeRefused, []string{"Calendar", "no contact", "only event"}},
		{"Contacts", "", event("x", "Wrong place"), CodeRefused, []string{"Contacts", "no event"}},
		{"Inbox", "", event("x", "Wrong place"), CodeRefused, []string{"Inbox", "no event"}},
		{"Calendar", "", message("Wrong place"), CodeRefused, []string{"Calendar", "no mail"}},
		{"Outbox", "", message("Out"), CodeRefused, []string{"Outbox", "outpost send"}},
		{"Nowhere to be found", "", card, CodeNotFound, []string{"Nowhere to be found"}},
	} {
		_, err := h.Add(h.ctx, c.folder, c.name, []byte(c.content))
		wantError(t, err, c.code, c.words...)
	}
}

func TestNotesTakeTheFormOfTheirFolder(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	folders, _ := h.Folders(h.ctx)
	i := slices.IndexFunc(folders, func(f Folder) bool { return f.Kind == groupware.FolderNotes })
	if i < 0 {
		t.Fatal("the server has no folder for notes")
	}
	const note = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VJOURNAL\r\nUID:n1\r\nDTSTAMP:20260301T120000Z\r\nSUMMARY:Shopping\r\nDESCRIPTION:Milk\\nBread\r\nEND:VJOURNAL\r\nEND:VCALENDAR\r\n"
	id := h.add(folders[i].Path, "note.ics", note)
	shown, err := h.Show(h.ctx, id)
	if err != nil || shown.Kind != groupware.KindNote || shown.Subject != "Shopping" || !strings.Contains(shown.Text, "Milk\nBread") {
		t.Fatalf("%+v, %v", shown, err)
	}
	if err := h.Edit(h.ctx, id, "note.ics", []byte(strings.Replace(strings.Replace(note, "Milk", "Cheese", 1), "UID:n1\r\n", "", 1))); err != nil {
		t.Fatal(err)
	}
	shown, err = h.Show(h.ctx, id)
	if err != nil || !strings.Contains(shown.Text, "Cheese") {
		t.Fatalf("%+v, %v", shown, err)
	}
	h.add(folders[i].Path, "letter.eml", message("A letter becomes a note"))
	h.sync()
	if got := h.there(anna, folders[i].Path); len(got) != 2 {
		t.Errorf("the server got %q", got)
	}
}

func TestEdit(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	s.AddMail(s.FolderID("Inbox"), []byte(message("Received")), groupware.Flags{}, h.clock.Now())
	h.sync()
	id := h.add("Calendar", "", event("e1", "Planning"))
	h.sync()
	changed := strings.Replace(event("e1", "Replanning"), "UID:e1\r\n", "", 1) // without UID: it is put back
	if err := h.Edit(h.ctx, id, "", []byte(changed)); err != nil {
		t.Fatal(err)
	}
	if err := h.Edit(h.ctx, id, "", []byte(event("other", "Replanning"))); err != nil {
		t.Fatal(err)
	}
	if h.sync().Uploaded != 1 {
		t.Error("the edit was not uploaded")
	}
	if got := h.there(anna, "Calendar"); len(got) != 1 || !strings.Contains(got[0], "UID:e1\r\n") || !strings.Contains(got[0], "SUMMARY:Replanning") {
		t.Errorf("the server got %q", got)
	}
	wantError(t, h.Edit(h.ctx, id, "", []byte(card)), CodeRefused, "takes no contact")
	wantError(t, h.Edit(h.ctx, id, "", []byte("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")), CodeInvalid, "line 2", "DTSTART")
	page, _ := h.List(h.ctx, "Inbox", ListOptions{})
	wantError(t, h.Edit(h.ctx, page.Items[0].ID, "", []byte(message("Forged"))), CodeRefused, "only drafts")
	draft := h.add("Drafts", "", message("Draft"))
	if err := h.Edit(h.ctx, draft, "", []byte(message("Better draft"))); err != nil {
		t.Fatal(err)
	}
	if shown, _ := h.Show(h.ctx, draft); shown.Subject != "Better draft" {
		t.Errorf("%+v", shown)
	}
}

func TestFlagMoveCopyDelete(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	s.AddMail(s.FolderID("Inbox"), []byte(message("One")), groupware.Flags{}, h.clock.Now())
	s.AddFolder(remote.NewFolder{Name: "Work", Kind: groupware.FolderMail})
	h.sync()
	page, _ := h.List(h.ctx, "Inbox", ListOptions{})
	id := page.Items[0].ID
	if err := h.Flag(h.ctx, id, []string{"seen", "invoice"}, []string{"flagged"}); err != nil {
		t.Fatal(err)
	}
	wantError(t, h.Flag(h.ctx, id, []string{"two words"}, nil), CodeUsage, "two words")
	h.sync()
	if got := s.Snapshot()[0].Flags; got != groupware.NewFlags(groupware.Seen, "invoice") {
		t.Errorf("the server has the flags %v", got)
	}
	if err := h.Move(h.ctx, id, "Work"); err != nil {
		t.Fatal(err)
	}
	copied, err := h.Copy(h.ctx, id, "Inbox")
	if err != nil || copied.ID == id {
		t.Fatalf("%+v, %v", copied, err)
	}
	h.sync()
	if len(h.there(anna, "Work")) != 1 || len(h.there(anna, "Inbox")) != 1 {
		t.Errorf("the server has %+v", s.Snapshot())
	}
	wantError(t, h.Move(h.ctx, id, "Calendar"), CodeRefused, "Calendar", "does not take a mail")
	wantError(t, h.Move(h.ctx, id, "Local Failures"), CodeRefused, "Outpost's own")
	d, err := h.Delete(h.ctx, id)
	if err != nil || d.Trash != "Trash" {
		t.Fatalf("%+v, %v", d, err)
	}
	h.sync()
	if len(h.there(anna, "Trash")) != 1 {
		t.Error("it is not in the server's Trash")
	}
	if d, err = h.Delete(h.ctx, id); err != nil || d.Trash != "" {
		t.Fatalf("%+v, %v", d, err)
	}
	h.sync()
	if len(h.there(anna, "Trash")) != 0 {
		t.Error("it is still in the server's Trash")
	}
	c := h.add("Contacts", "", card)
	wantError(t, h.Flag(h.ctx, c, []string{"seen"}, nil), CodeRefused, "contact", "no flags")
	if d, err := h.Delete(h.ctx, c); err != nil || d.Trash != "" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestWhatIsNotHereIsFetchedOrTold(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	s.AddFolder(remote.NewFolder{Name: "Big", Kind: groupware.FolderMail})
	big := "From: b@example.net\r\nSubject: Photos\r\nMessage-ID: <p@example.net>\r\nDate: Sun, 01 Mar 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" +
		"--x\r\nContent-Type: text/plain\r\n\r\nSee these.\r\n--x\r\nContent-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat(strings.Repeat("QUJD", 19)+"\r\n", 100) + "--x--\r\n"
	s.AddMail(s.FolderID("Big"), []byte(big), groupware.Flags{}, h.clock.Now())
	h.sync()
	page, _ := h.List(h.ctx, "Big", ListOptions{})
	if len(page.Items) != 1 || page.Items[0].Body != groupware.BodyText {
		t.Fatalf("%+v", page)
	}
	id := page.Items[0].ID
	shown, err := h.Show(h.ctx, id)
	if err != nil || !strings.Contains(shown.Text, "See these.") || len(shown.Files) != 1 || shown.Files[0].Name != "a.png" {
		t.Fatalf("%+v, %v", shown, err)
	}
	if err := h.SetOffline(h.ctx, true); err != nil {
		t.Fatal(err)
	}
	_, err = h.Raw(h.ctx, id)
	wantError(t, err, CodeOffline, "not all of this item is here", "outpost online")
	if err := h.SetOffline(h.ctx, false); err != nil {
		t.Fatal(err)
	}
	s.Faults().Order(fake.Fault{Call: "Connect", Kind: remote.Offline})
	_, err = h.Raw(h.ctx, id)
	wantError(t, err, CodeOffline, "not all of this item is here", "cannot be reached")
	s.Faults().Stop()
	h.Server.o.FetchWait = time.Millisecond
	s.Faults().Order(fake.Fault{Call: "Fetch", Stall: true})
	_, err = h.Raw(h.ctx, id)
	wantError(t, err, CodeOffline, "not all of this item is here", "nothing of it for 1ms")
	s.Faults().Stop()
	h.Server.o.FetchWait = time.Minute
	c, err := h.Raw(h.ctx, id)
	if err != nil || string(c.Bytes) != big {
		t.Fatalf("%d bytes, %v", len(c.Bytes), err)
	}
	h.servers[anna].SetOffline(true)
	if _, err := h.Raw(h.ctx, id); err != nil { // now it is here
		t.Error(err)
	}
}

func TestAFullDiskIsToldAndLosesNothing(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	h.sync()
	first := h.add("Inbox", "", message("Before"))
	if err := h.Server.Close(); err != nil {
		t.Fatal(err)
	}
	h.o.MaxPages = 1 // no room for anything more
	h.open()
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = "0123456789abcdef"[h.o.Rand.IntN(16)]
	}
	_, err := h.Add(h.ctx, "Inbox", "", append([]byte(message("Large")), noise...))
	if CodeOf(err) != CodeDataFolder || !strings.Contains(err.Error(), "no room left on the disk") || !strings.Contains(err.Error(), "nothing is lost") {
		t.Errorf("got %v", err)
	}
	s.AddMail(s.FolderID("Inbox"), append([]byte(message("From there")), noise...), groupware.Flags{}, h.clock.Now())
	r, err := h.Sync(h.ctx, "")
	if err != nil || len(r.Problems) != 1 || r.Problems[0].Code != CodeDataFolder {
		t.Errorf("%+v, %v", r, err)
	}
	if err := h.Server.Close(); err != nil {
		t.Fatal(err)
	}
	h.o.MaxPages = 0 // room was made
	h.open()
	h.sync()
	if _, err := h.Show(h.ctx, first); err != nil {
		t.Error(err)
	}
	if page, err := h.List(h.ctx, "Inbox", ListOptions{}); err != nil || page.Total != 2 || len(h.there(anna, "Inbox")) != 2 {
		t.Errorf("%+v, %v", page, err)
	}
}
