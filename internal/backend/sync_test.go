package backend

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
)

const letter = "From: Anna <anna@example.org>\r\nTo: Ben <ben@example.net>\r\nBcc: carl@example.net\r\nSubject: Lunch?\r\n\r\nAt noon?\r\n"

func (h *house) state() AccountStatus {
	h.t.Helper()
	s, err := h.Status(h.ctx)
	if err != nil || len(s.Accounts) != 1 {
		h.t.Fatalf("%+v, %v", s, err)
	}
	return s.Accounts[0]
}

func TestStatusTellsWhatIsLeft(t *testing.T) {
	h := newHouse(t, anna)
	if st := h.state(); st.State != StateSyncing || !st.LastSync.IsZero() {
		t.Errorf("before the first pass: %+v", st)
	}
	h.sync()
	st := h.state()
	if st.State != StateInSync || st.LastSync.Unix() != h.clock.Now().Unix() || st.Pending != 0 {
		t.Errorf("after it: %+v", st)
	}
	b, _ := json.Marshal(Status{[]AccountStatus{st}})
	want := `{"accounts":[{"email":"anna@example.org","state":"in-sync","mode":"online","folders":` + sizeText(st.Folders) + `,"items":0,"pending":0,"conflicts":0,"failures":0,"held":0,"holds":[],"lastSync":"`
	if !strings.HasPrefix(string(b), want) {
		t.Errorf("got  %s\nwant %s...", b, want)
	}
	h.add("Inbox", "", message("New"))
	if st := h.state(); st.State != StateSyncing || st.Pending != 1 {
		t.Errorf("with a change: %+v", st)
	}
	h.servers[anna].SetOffline(true)
	r, err := h.Sync(h.ctx, "")
	if err != nil || len(r.Problems) != 1 || r.Problems[0].Code != CodeOffline || r.Left != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if st := h.state(); st.State != StateOffline || st.Problem == "" {
		t.Errorf("without the server: %+v", st)
	}
	h.servers[anna].SetOffline(false)
	h.sync()
	if st := h.state(); st.State != StateInSync || st.Problem != "" {
		t.Errorf("with the server back: %+v", st)
	}
	h.servers[anna].Faults().Order(fake.Fault{Call: "Connect", Service: "imap", Kind: remote.Auth})
	if r, err = h.Sync(h.ctx, ""); err != nil || len(r.Problems) != 1 || r.Problems[0].Code != CodeSignIn {
		t.Fatalf("%+v, %v", r, err)
	}
	if st := h.state(); st.State != StateAttention {
		t.Errorf("with a refused password: %+v", st)
	}
}

func TestAFolderThatWaitsIsNotInSync(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	if _, err := h.CreateFolder(h.ctx, "Later", groupware.FolderMail); err != nil {
		t.Fatal(err)
	}
	if st := h.state(); st.State == StateInSync || st.Pending != 1 {
		t.Errorf("made here only: %+v", st)
	}
	h.sync()
	if st := h.state(); st.State != StateInSync || st.Pending != 0 {
		t.Errorf("made there: %+v", st)
	}
	if err := h.DeleteFolder(h.ctx, "Later"); err != nil {
		t.Fatal(err)
	}
	if st := h.state(); st.State == StateInSync || st.Pending != 1 {
		t.Errorf("deleted here only: %+v", st)
	}
	h.sync()
	if st := h.state(); st.State != StateInSync || st.Pending != 0 {
		t.Errorf("deleted there: %+v", st)
	}
}

func sizeText(n int64) string { b, _ := json.Marshal(n); return string(b) }

func TestAPassWithNothingToDoIsZeros(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	writes := h.servers[anna].Writes()
	r := h.sync()
	r.BytesIn, r.BytesOut, r.Seconds = 0, 0, 0
	b, _ := json.Marshal(r)
	if want := `{"downloaded":0,"uploaded":0,"deleted":0,"conflicts":0,"failures":0,"bytesIn":0,"bytesOut":0,"seconds":0,"left":0}`; string(b) != want {
		t.Errorf("got %s", b)
	}
	if h.servers[anna].Writes() != writes {
		t.Error("something was written at the server")
	}
}

func TestSendQueuesOfflineAndSendsOnce(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	for text, word := range map[string]string{
		"To: b@example.net\r\n\r\nx":                               "no From",
		"From: anna@example.org\r\nSubject: x\r\n\r\nx":            "no recipient",
		"From: anna@example.org\r\nTo: nobody\r\n\r\nx":            "line 2",
		"nothing like a message":                                   "header line",
		"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:X\r\nEND:VCARD": "From",
	} {
		_, err := h.Send(h.ctx, []byte(text))
		wantError(t, err, CodeInvalid, word)
	}
	h.servers[anna].SetOffline(true)
	sent, err := h.Send(h.ctx, []byte(letter))
	if err != nil {
		t.Fatal(err)
	}
	if shown, err := h.Show(h.ctx, sent.ID); err != nil || shown.Folder != "Outbox" {
		t.Errorf("%+v, %v", shown, err)
	}
	if r, _ := h.Sync(h.ctx, ""); len(r.Problems) != 1 || r.Problems[0].Code != CodeOffline {
		t.Errorf("%+v", r)
	}
	if st := h.state(); st.Pending != 1 || st.State != StateOffline {
		t.Errorf("%+v", st)
	}
	h.servers[anna].SetOffline(false)
	h.sync()
	h.sync()
	out := h.servers[anna].Sent()
	if len(out) != 1 || out[0].From != anna || strings.Join(out[0].To, " ") != "ben@example.net carl@example.net" || strings.Contains(string(out[0].Raw), "carl") {
		t.Errorf("the server sent %+v", out)
	}
	if got := h.there(anna, "Sent"); len(got) != 1 {
		t.Errorf("Sent holds %q", got)
	}
	if page, _ := h.List(h.ctx, "Outbox", ListOptions{}); page.Total != 0 {
		t.Errorf("Outbox still holds %+v", page)
	}
}

func TestAMessageCanBeTakenBackFromOutbox(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	sent, err := h.Send(h.ctx, []byte(letter))
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, h.Edit(h.ctx, sent.ID, "", []byte(letter)), CodeRefused, "sent or received")
	if err := h.Move(h.ctx, sent.ID, "Drafts"); err != nil {
		t.Fatal(err)
	}
	other, err := h.Send(h.ctx, []byte(letter))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Delete(h.ctx, other.ID); err != nil {
		t.Fatal(err)
	}
	h.sync()
	if out := h.servers[anna].Sent(); len(out) != 0 {
		t.Errorf("sent all the same: %+v", out)
	}
	if got := h.there(anna, "Drafts"); len(got) != 1 {
		t.Errorf("Drafts holds %q", got)
	}
}

func TestTheWishToWorkOfflineStays(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	if err := h.SetOffline(h.ctx, true); err != nil {
		t.Fatal(err)
	}
	if err := h.Server.Close(); err != nil {
		t.Fatal(err)
	}
	h.open()
	calls := len(h.servers[anna].Calls())
	r, err := h.Sync(h.ctx, "")
	if err != nil || len(r.Problems) != 1 || r.Problems[0].Code != CodeOffline || !strings.Contains(r.Problems[0].Error, "outpost online") {
		t.Fatalf("%+v, %v", r, err)
	}
	if len(h.servers[anna].Calls()) != calls {
		t.Error("the server was asked")
	}
	if st := h.state(); st.State != StateOffline || st.Mode != "offline" {
		t.Errorf("%+v", st)
	}
	if err := h.SetOffline(h.ctx, false); err != nil {
		t.Fatal(err)
	}
	h.sync()
}

func TestSyncOfOneFolder(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	s := h.servers[anna]
	s.AddMail(s.FolderID("Inbox"), []byte(message("One")), groupware.Flags{}, h.clock.Now())
	s.PutObject(s.FolderID("Calendar"), "e1.ics", []byte(event("e1", "Planning")))
	r, err := h.Sync(h.ctx, "inbox")
	if err != nil || r.Downloaded != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	_, err = h.Sync(h.ctx, "Outbox")
	wantError(t, err, CodeRefused, "exists only here")
	_, err = h.Sync(h.ctx, "Nowhere to be found")
	wantError(t, err, CodeNotFound)
}

func TestFoldersAreKnownBeforeAnythingIsRead(t *testing.T) {
	h := newHouse(t)
	s := h.server(anna)
	s.AddMail(s.FolderID("Inbox"), []byte(message("One")), groupware.Flags{}, h.clock.Now())
	if _, err := h.AddAccount(h.ctx, account(anna)); err != nil {
		t.Fatal(err)
	}
	if f, err := h.SetFolder(h.ctx, "Trash", groupware.SyncOff, false); err != nil || f[0].Sync != groupware.SyncOff {
		t.Errorf("%+v, %v", f, err)
	}
	if st := h.state(); st.Items != 0 || !st.LastSync.IsZero() || st.State != StateSyncing {
		t.Errorf("%+v", st)
	}
	s.AddFolder(remote.NewFolder{Name: "Later", Kind: groupware.FolderMail})
	if r, err := h.Sync(h.ctx, "Later"); err != nil || len(r.Problems) != 0 { // a folder that is not known yet
		t.Errorf("%+v, %v", r, err)
	}
}

func TestVerifyFindsNothingWrong(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	h.add("Inbox", "", message("One"))
	v, err := h.Verify(h.ctx)
	if err != nil || len(v.Accounts) != 1 || len(v.Accounts[0].Problems) != 0 || v.Accounts[0].Bytes == 0 {
		t.Fatalf("%+v, %v", v, err)
	}
}

func TestHowLongAServiceIsLeftAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	away, busy := &remote.Error{Kind: remote.Offline}, &remote.Error{Kind: remote.Unavailable, After: time.Hour}
	for range 100 {
		for _, c := range []struct {
			err               error
			failures          int
			shortest, longest time.Duration
		}{
			{away, 1, firstWait / 2, firstWait}, {away, 2, firstWait, 2 * firstWait}, {away, 4, 4 * firstWait, 8 * firstWait},
			{away, 7, lastWait / 2, lastWait}, {away, 1000, lastWait / 2, lastWait},
			{&remote.Error{Kind: remote.Auth}, 1, longWait / 2, longWait}, {errors.New("the disk is full"), 1, longWait / 2, longWait},
			{busy, 1, time.Hour, time.Hour + lastWait}, {busy, 9, time.Hour, time.Hour + lastWait},
		} {
			if d := waitAfter(c.err, c.failures, r.Float64()); d > c.longest || d < c.shortest {
				t.Fatalf("after %d times %v: %v", c.failures, c.err, d)
			}
		}
	}
}

// set changes the settings of Anna's account.
func (h *house) set(n NewSettings) {
	h.t.Helper()
	n.Email = anna
	if _, err := h.SetAccount(h.ctx, n); err != nil {
		h.t.Fatal(err)
	}
}

// serve runs the schedule; the returned function waits for the end of a pass.
func (h *house) serve() (passed func()) {
	events, stop := h.Watch()
	ctx, cancel := context.WithCancel(h.ctx)
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Error(err)
		}
		stop()
	})
	return func() {
		h.t.Helper()
		limit := time.After(20 * time.Second)
		for {
			select {
			case e := <-events:
				if e.Doing == "" {
					return
				}
			case <-limit:
				h.t.Fatal("no pass ended in 20 s")
			}
		}
	}
}

func TestTheScheduleFollowsChangesTimeAndFailures(t *testing.T) {
	h := newHouse(t, anna)
	s := h.servers[anna]
	h.set(NewSettings{Push: new(false)})
	passed := h.serve()
	passed() // at the start
	if d := <-h.clock.added; d > time.Minute || d < time.Minute/2 {
		t.Errorf("waits %v after a pass", d)
	}

	h.add("Inbox", "", message("Soon")) // a local change goes out at once
	if d := <-h.clock.added; d != gather {
		t.Errorf("waits %v for more changes", d)
	}
	h.add("Inbox", "", message("With it"))
	h.clock.pass(gather)
	passed()
	if got := h.there(anna, "Inbox"); len(got) != 2 {
		t.Errorf("the server has %q", got)
	}

	<-h.clock.added // a minute is the longest
	s.AddMail(s.FolderID("Inbox"), []byte(message("From there")), groupware.Flags{}, h.clock.Now())
	h.clock.pass(time.Minute)
	passed()
	if page, _ := h.List(h.ctx, "Inbox", ListOptions{}); page.Total != 3 {
		t.Errorf("here are %d", page.Total)
	}

	<-h.clock.added
	s.SetOffline(true) // the server goes away: it is asked again after longer and longer waits
	h.add("Inbox", "", message("Meanwhile"))
	<-h.clock.added
	h.clock.pass(gather)
	passed()
	last := time.Duration(0)
	for range 4 {
		d := <-h.clock.added
		if d <= last {
			t.Errorf("waits %v after %v", d, last)
		}
		last = d
		h.clock.pass(d)
		passed()
	}
	if st := h.state(); st.State != StateOffline || st.Pending != 1 {
		t.Errorf("%+v", st)
	}
	s.SetOffline(false)
	h.clock.pass(<-h.clock.added)
	passed()
	if st := h.state(); st.State != StateInSync {
		t.Errorf("%+v", st)
	}

	<-h.clock.added
	if err := h.SetOffline(h.ctx, true); err != nil { // a wish to be left alone
		t.Fatal(err)
	}
	h.add("Inbox", "", message("Later"))
	calls := s.Calls()["Connect"]
	h.clock.pass(time.Hour)
	if err := h.SetOffline(h.ctx, false); err != nil {
		t.Fatal(err)
	}
	passed()
	if s.Calls()["Connect"] == calls || h.state().Pending != 0 {
		t.Errorf("after going online: %+v", h.state())
	}
}

func TestARefusedPasswordIsNotTriedAgainAndAgain(t *testing.T) {
	h := newHouse(t, anna)
	h.servers[anna].Faults().Order(fake.Fault{Call: "Connect", Kind: remote.Auth})
	passed := h.serve()
	passed()
	if d := <-h.clock.added; d < longWait*3/4-1 {
		t.Errorf("tries again after %v", d)
	}
	h.servers[anna].Faults().Stop()
	if _, err := h.AddAccount(h.ctx, NewAccount{Email: anna, Password: password}); err != nil { // the right one is tried at once
		t.Fatal(err)
	}
	passed()
	if st := h.state(); st.State != StateInSync {
		t.Errorf("%+v", st)
	}
}
