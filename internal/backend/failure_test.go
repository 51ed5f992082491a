package backend

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

// failing runs a pass in which so much fails, and nothing else goes wrong; no fault is left.
func (h *house) failing(failures int, faults ...fake.Fault) {
	h.t.Helper()
	for _, f := range faults {
		h.servers[anna].Faults().Order(f)
	}
	r, err := h.Sync(h.ctx, "")
	if err != nil || r.Failures != failures {
		h.t.Fatalf("%+v, %v", r, err)
	}
	h.servers[anna].Faults().Stop()
}

// failure is the one failure that there is.
func (h *house) oneFailure(what FailureKind) Failure {
	h.t.Helper()
	fs, err := h.Failures(h.ctx)
	if err != nil || len(fs) != 1 || fs[0].What != what || fs[0].Error == "" || fs[0].Next == "" || fs[0].Account != anna || fs[0].At.IsZero() {
		h.t.Fatalf("%+v, %v", fs, err)
	}
	if st := h.state(); st.Failures != 1 || st.State != StateAttention {
		h.t.Errorf("%+v", st)
	}
	shown, err := h.ShowFailure(h.ctx, fs[0].ID)
	if err != nil || shown != fs[0] {
		h.t.Errorf("%+v, %v", shown, err)
	}
	return fs[0]
}

// healed checks that nothing is wrong any more after a pass.
func (h *house) healed() {
	h.t.Helper()
	h.sync()
	if fs, err := h.Failures(h.ctx); err != nil || len(fs) != 0 {
		h.t.Errorf("left: %+v, %v", fs, err)
	}
	h.have("Local Failures")
	if st := h.state(); st.State != StateInSync || st.Failures != 0 {
		h.t.Errorf("%+v", st)
	}
}

func (h *house) retry(id string) Retried {
	h.t.Helper()
	r, err := h.RetryFailure(h.ctx, id, false)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func TestWhatCannotBeReadIsListedAndReadLater(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	for _, subject := range []string{"One", "Two", "Three"} {
		s.AddMail(s.FolderID("Inbox"), []byte(message(subject)), groupware.Flags{}, h.clock.Now())
	}
	h.failing(1, fake.Fault{Call: "Fetch", Service: "imap", At: fake.OneItem, Step: 1, Kind: remote.Invalid})
	h.have("Inbox", "One", "Three") // it stopped no other
	f := h.oneFailure(FailedRead)
	if f.Number == 0 || !strings.HasPrefix(f.ID, "1.f") || f.Folder != "Inbox" || f.Doing == "" {
		t.Errorf("%+v", f)
	}
	h.sync() // not tried again at once by itself
	h.have("Inbox", "One", "Three")
	if r := h.retry(f.ID); !slices.Equal(r.IDs, []string{f.ID}) {
		t.Errorf("%+v", r)
	}
	if again := h.oneFailure(FailedRead); !again.Again || again.ID != f.ID || !strings.Contains(again.Next, "outpost sync") {
		t.Errorf("%+v", again)
	}
	h.failing(1, fake.Fault{Call: "Fetch", Service: "imap", At: fake.OneItem, Kind: remote.Invalid})
	if again := h.oneFailure(FailedRead); again.Again || again.ID != f.ID || again.Tries != 2 { // still the same failure
		t.Errorf("%+v", again)
	}
	if r, err := h.RetryFailures(h.ctx, false); err != nil || len(r.IDs) != 1 || len(r.Left) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	h.healed()
	h.have("Inbox", "One", "Two", "Three")
	_, err := h.ShowFailure(h.ctx, f.ID)
	wantError(t, err, CodeNotFound, f.ID, "outpost failure list")
}

func TestANewItemThatTheServerRefusesGoesBackWhenRetried(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	id := h.add("Calendar", "", event("e1", "Planning"))
	h.failing(1, fake.Fault{Call: "Create", At: fake.OneItem, Kind: remote.Forbidden})
	h.have("Calendar")
	h.have("Local Failures", "Planning")
	f := h.oneFailure(FailedRefuse)
	if f.ID != id || f.Folder != "Calendar" || f.Subject != "Planning" || f.Kind != groupware.KindEvent || !strings.Contains(f.Error, "not allowed") || !f.Source {
		t.Errorf("%+v", f)
	}
	if shown, err := h.Show(h.ctx, id); err != nil || !strings.Contains(shown.Reason, "not allowed") {
		t.Errorf("%+v, %v", shown, err)
	}
	if r := h.retry(id); !slices.Equal(r.IDs, []string{id}) {
		t.Errorf("%+v", r)
	}
	h.healed()
	h.have("Calendar", "Planning")
	if shown, err := h.Show(h.ctx, id); err != nil || shown.Reason != "" { // it is where it belongs
		t.Errorf("%+v, %v", shown, err)
	}
	if got := h.there(anna, "Calendar"); len(got) != 1 {
		t.Errorf("the server has %q", got)
	}
}

func TestARefusedEditIsRetriedOnTheItemThatItWasOf(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	id := h.add("Calendar", "", event("e1", "Planning"))
	h.sync()
	if err := h.Edit(h.ctx, id, "", []byte(event("e1", "Replanning"))); err != nil {
		t.Fatal(err)
	}
	h.failing(1, fake.Fault{Call: "Replace", Kind: remote.TooLarge})
	h.have("Calendar", "Planning") // as the server has it
	h.have("Local Failures", "Replanning")
	f := h.oneFailure(FailedRefuse)
	if f.ID == id {
		t.Errorf("%+v", f)
	}
	if r := h.retry(f.ID); !slices.Equal(r.IDs, []string{id}) {
		t.Errorf("%+v", r)
	}
	h.healed()
	h.have("Calendar", "Replanning")
	if got := h.there(anna, "Calendar"); len(got) != 1 || !strings.Contains(got[0], "SUMMARY:Replanning") {
		t.Errorf("the server has %q", got)
	}
}

func TestWhatIsRefusedBecauseOfAnotherItemDoesNotReplaceThat(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	h.add("Calendar", "", event("e1", "Planning"))
	h.sync()
	id := h.add("Calendar", "", event("e1", "Of the same name"))
	taken := fake.Fault{Call: "Create", At: fake.OneItem, Kind: remote.Forbidden} // a calendar holds a UID once (RFC 4791 5.3.2.1)
	h.failing(1, taken)
	h.have("Local Failures", "Of the same name")
	h.retry(id)
	h.failing(1, taken)
	h.have("Calendar", "Planning")
	h.have("Local Failures", "Of the same name")
}

func TestTheItemOfARefusedEditIsGone(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	id := h.add("Calendar", "", event("e1", "Planning"))
	h.sync()
	if err := h.Edit(h.ctx, id, "", []byte(event("e1", "Replanning"))); err != nil {
		t.Fatal(err)
	}
	h.failing(1, fake.Fault{Call: "Replace", Kind: remote.TooLarge})
	if _, err := h.Delete(h.ctx, id); err != nil {
		t.Fatal(err)
	}
	h.retry(h.oneFailure(FailedRefuse).ID)
	h.healed()
	if got := h.there(anna, "Calendar"); len(got) != 1 || !strings.Contains(got[0], "SUMMARY:Replanning") {
		t.Errorf("the server has %q", got)
	}
}

func TestAnEditInLocalFailuresCanBeMendedFirst(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	id := h.add("Contacts", "", card)
	h.failing(1, fake.Fault{Call: "Create", At: fake.OneItem, Kind: remote.Invalid})
	if err := h.Edit(h.ctx, id, "", []byte(strings.Replace(card, "Sales", "IT", 1))); err != nil {
		t.Fatal(err)
	}
	h.retry(id)
	h.healed()
	if got := h.there(anna, "Contacts"); len(got) != 1 || !strings.Contains(got[0], "IT") {
		t.Errorf("the server has %q", got)
	}
}

func TestWhereItCameFromIsGoneOrCannotBeChanged(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	s.AddFolder(remote.NewFolder{Name: "Work", Kind: groupware.FolderMail})
	h.sync()
	id := h.add("Work", "", message("Report"))
	h.failing(1, fake.Fault{Call: "Create", At: fake.OneItem, Kind: remote.Invalid})
	s.SetReadOnly(s.FolderID("Work"), true)
	h.sync()
	_, err := h.RetryFailure(h.ctx, id, false)
	wantError(t, err, CodeReadOnly, "Work", "can only be read")
	s.SetReadOnly(s.FolderID("Work"), false)
	s.DeleteFolder(s.FolderID("Work"))
	h.sync()
	_, err = h.RetryFailure(h.ctx, id, false)
	wantError(t, err, CodeRefused, `"Work"`, "outpost move "+id)
	_, err = h.RetryFailures(h.ctx, false)
	wantError(t, err, CodeRefused, `"Work"`)
	if err := h.Move(h.ctx, id, "Inbox"); err != nil {
		t.Fatal(err)
	}
	h.healed()
	h.have("Inbox", "Report")
}

func TestARefusedMessageIsSentOnceWhenRetried(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	sent, err := h.Send(h.ctx, []byte(letter))
	if err != nil {
		t.Fatal(err)
	}
	h.failing(1, fake.Fault{Call: "Send", At: fake.OneItem, Kind: remote.Invalid})
	h.have("Outbox")
	if f := h.oneFailure(FailedRefuse); f.ID != sent.ID || f.Folder != "Outbox" {
		t.Errorf("%+v", f)
	}
	h.sync()
	if got := h.servers[anna].Sent(); len(got) != 0 { // not by itself
		t.Errorf("sent %+v", got)
	}
	h.retry(sent.ID)
	h.have("Outbox", "Lunch?")
	h.healed()
	out := h.servers[anna].Sent()
	if len(out) != 1 || !slices.Equal(out[0].To, []string{"ben@example.net", "carl@example.net"}) || strings.Contains(string(out[0].Raw), "carl") {
		t.Errorf("sent %+v", out)
	}
	h.have("Sent", "Lunch?")
}

// sentOrNot is a house with a message of which nobody can know whether it was sent. It was.
func sentOrNot(t *testing.T) (h *house, id string) {
	t.Helper()
	h = newHouse(t, anna)
	h.sync()
	sent, err := h.Send(h.ctx, []byte(letter))
	if err != nil {
		t.Fatal(err)
	}
	h.servers[anna].Faults().Order(fake.Fault{Call: "Send", Service: "smtp", At: fake.After, Cut: true})
	if _, err := h.Sync(h.ctx, ""); err != nil {
		t.Fatal(err)
	}
	h.servers[anna].Faults().Stop()
	h.sync()
	if got := h.servers[anna].Sent(); len(got) != 1 {
		t.Fatalf("sent %+v", got)
	}
	return h, sent.ID
}

func TestWhatMayHaveBeenSentIsSentAgainOnlyWhenAPersonSaysSo(t *testing.T) {
	h, id := sentOrNot(t)
	f := h.oneFailure(FailedSend)
	if f.ID != id || f.Folder != "Outbox" || f.Subject != "Lunch?" || !strings.Contains(f.Next, "--send-again") {
		t.Errorf("%+v", f)
	}
	_, err := h.RetryFailure(h.ctx, id, false)
	wantError(t, err, CodeRefused, id, "may have been sent already", "--send-again")
	if r, err := h.RetryFailures(h.ctx, false); err != nil || len(r.IDs) != 0 || !slices.Equal(r.Left, []string{id}) {
		t.Errorf("%+v, %v", r, err)
	}
	h.sync()
	if got := h.servers[anna].Sent(); len(got) != 1 {
		t.Errorf("sent %+v", got)
	}
	if r, err := h.RetryFailure(h.ctx, id, true); err != nil || !slices.Equal(r.IDs, []string{id}) {
		t.Errorf("%+v, %v", r, err)
	}
	h.healed()
	if got := h.servers[anna].Sent(); len(got) != 2 { // the person wished it
		t.Errorf("sent %+v", got)
	}
	h.have("Sent", "Lunch?")
}

func TestWhatWasSentAfterAllIsFiled(t *testing.T) {
	h, id := sentOrNot(t)
	if err := h.Move(h.ctx, id, "Sent"); err != nil {
		t.Fatal(err)
	}
	h.healed()
	h.have("Sent", "Lunch?")
	if got := h.servers[anna].Sent(); len(got) != 1 {
		t.Errorf("sent %+v", got)
	}
}

func TestARefusedMoveIsToldUntilItIsLookedAt(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	s.AddFolder(remote.NewFolder{Name: "Work", Kind: groupware.FolderMail})
	s.AddMail(s.FolderID("Inbox"), []byte(message("One")), groupware.Flags{}, h.clock.Now())
	h.sync()
	id := h.only("Inbox")
	if err := h.Move(h.ctx, id, "Work"); err != nil {
		t.Fatal(err)
	}
	h.failing(1, fake.Fault{Call: "Move", Kind: remote.Forbidden})
	h.have("Inbox", "One") // back where it was
	f := h.oneFailure(FailedWrite)
	if f.ID != id || f.Number == 0 || !strings.Contains(f.Doing, "Work") {
		t.Errorf("%+v", f)
	}
	if byNumber, err := h.ShowFailure(h.ctx, numberText(h.mailboxes()[0], f.Number)); err != nil || byNumber != f {
		t.Errorf("%+v, %v", byNumber, err)
	}
	h.retry(id)
	h.healed()
	h.have("Inbox", "One")
}

func TestTheSourceOfAFailureIsExported(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	h.sync()
	s.PutObject(s.FolderID("Calendar"), "e1.ics", []byte(event("e1", "Planning")))
	h.failing(1, fake.Fault{Call: "Fetch", Service: "caldav", At: fake.OneItem, Kind: remote.Protocol})
	f := h.oneFailure(FailedRead)
	if !f.Source { // the server never sent it
		_, err := h.FailureSource(h.ctx, f.ID)
		wantError(t, err, CodeNotFound, f.ID, "nothing to export")
	}
	b := h.mailboxes()[0]
	broken := strings.Replace(event("e1", "Broken"), "END:VEVENT\r\n", "", 1)
	err := b.Update(h.ctx, func(tx *store.Tx) error {
		r, err := tx.Failure(f.Number)
		if err != nil {
			return err
		}
		r.Raw, r.Code, r.Text = []byte(broken), remote.Invalid.String(), "line 9: the event does not end"
		return tx.SetFailure(r)
	})
	if err != nil {
		t.Fatal(err)
	}
	f = h.oneFailure(FailedRead)
	if !f.Source || f.Subject != "Broken" || f.Kind != groupware.KindEvent || f.Code != "content refused" || !strings.Contains(f.Next, "outpost failure export "+f.ID) {
		t.Errorf("%+v", f)
	}
	c, err := h.FailureSource(h.ctx, f.ID)
	if err != nil || string(c.Bytes) != broken || c.Media != groupware.MediaCalendar || Extension(c.Media) != ".ics" {
		t.Errorf("%+v, %v", c, err)
	}
	var zipped bytes.Buffer
	if err := h.SupportBundle(h.ctx, &zipped, []string{f.ID}); err != nil || unpacked(t, zipped.Bytes())["items/"+f.ID+".ics"] != broken {
		t.Errorf("the bundle does not hold it: %v", err)
	}
	h.retry(f.ID)
	h.healed()
	id := h.add("Contacts", "", card)
	h.failing(1, fake.Fault{Call: "Create", At: fake.OneItem, Kind: remote.Invalid})
	if c, err = h.FailureSource(h.ctx, id); err != nil || string(c.Bytes) != card || Extension(c.Media) != ".vcf" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestFailuresThatAreNot(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	fine := h.add("Inbox", "", message("Fine"))
	for _, id := range []string{fine, "1.f99", "1.4711", "7.f1"} {
		_, err := h.ShowFailure(h.ctx, id)
		wantError(t, err, CodeNotFound)
		_, err = h.RetryFailure(h.ctx, id, true)
		wantError(t, err, CodeNotFound)
		_, err = h.FailureSource(h.ctx, id)
		wantError(t, err, CodeNotFound)
	}
	for _, id := range []string{"", "1.f", "1.fx", "1.f-1", "x.f1", "f1"} {
		_, err := h.ShowFailure(h.ctx, id)
		wantError(t, err, CodeUsage)
	}
	if r, err := h.RetryFailures(h.ctx, true); err != nil || len(r.IDs)+len(r.Left) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
