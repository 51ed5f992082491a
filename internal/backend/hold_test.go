package backend

import (
	"fmt"
	"strings"
	"testing"

	"outpost/internal/groupware"
)

// crowd is a house with so many messages in the Inbox.
func crowd(t *testing.T, n int) *house {
	t.Helper()
	h := newHouse(t, anna)
	s := h.servers[anna]
	for i := range n {
		s.AddMail(s.FolderID("Inbox"), []byte(message(fmt.Sprintf("Letter %d", i))), groupware.Flags{}, h.clock.Now())
	}
	h.sync()
	return h
}

func TestAServerThatWasEmptiedEmptiesNothingHere(t *testing.T) {
	h := crowd(t, 60)
	h.servers[anna].Empty(h.servers[anna].FolderID("Inbox"))
	for range 2 {
		if r, err := h.Sync(h.ctx, ""); err != nil || r.Held != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	st := h.state()
	if st.State != StateAttention || st.Held != 1 || len(st.Holds) != 1 {
		t.Fatalf("%+v", st)
	}
	want := "folder Inbox: 60 of 60 items would be deleted here, because the server no longer shows them; look, and say outpost folder confirm Inbox"
	if hold := st.Holds[0]; hold.Sentence() != want || hold.Confirmed || hold.Since.IsZero() {
		t.Errorf("%+v: %s", hold, hold.Sentence())
	}
	if page, err := h.List(h.ctx, "Inbox", ListOptions{}); err != nil || page.Total != 60 {
		t.Fatalf("%+v, %v", page.Total, err)
	}
	holds, err := h.ConfirmFolder(h.ctx, "inbox")
	if err != nil || len(holds) != 1 || !holds[0].Confirmed || holds[0].Items != 60 {
		t.Fatalf("%+v, %v", holds, err)
	}
	if st := h.state(); st.Held != 0 || len(st.Holds) != 1 || !st.Holds[0].Confirmed {
		t.Errorf("%+v", st)
	}
	h.sync()
	h.have("Inbox")
	if st := h.state(); st.State != StateInSync || len(st.Holds) != 0 {
		t.Errorf("%+v", st)
	}
}

func TestASlipHereEmptiesNothingAtTheServer(t *testing.T) {
	h := crowd(t, 60)
	if _, err := h.SetFolder(h.ctx, "Trash", groupware.SyncOff, false); err != nil {
		t.Fatal(err)
	}
	for _, id := range h.ids("Inbox")[:57] {
		if _, err := h.Delete(h.ctx, id); err != nil { // to Trash: nothing is lost by it
			t.Fatal(err)
		}
	}
	for _, id := range h.ids("Trash") {
		if _, err := h.Delete(h.ctx, id); err != nil { // for good
			t.Fatal(err)
		}
	}
	if _, err := h.Sync(h.ctx, ""); err != nil {
		t.Fatal(err)
	}
	st := h.state()
	if st.State != StateAttention || st.Held != 1 || st.Holds[0].At != "server" || !strings.Contains(st.Holds[0].Sentence(), "57 of 60 items would be deleted at the server") {
		t.Fatalf("%+v", st)
	}
	if got := h.there(anna, "Inbox"); len(got) != 60 {
		t.Errorf("the server has %d", len(got))
	}
	if _, err := h.ConfirmFolder(h.ctx, "Inbox"); err != nil {
		t.Fatal(err)
	}
	h.sync()
	if got := h.there(anna, "Inbox"); len(got) != 3 {
		t.Errorf("the server has %d", len(got))
	}
}

func TestNothingToConfirm(t *testing.T) {
	h := crowd(t, 1)
	_, err := h.ConfirmFolder(h.ctx, "Inbox")
	wantError(t, err, CodeNotFound, `"Inbox"`, "outpost status")
	_, err = h.ConfirmFolder(h.ctx, "Inbax")
	wantError(t, err, CodeNotFound, "did you mean")
	if hold := (Hold{Folder: "My mail", At: "server", Items: 30, Of: 40}); !strings.HasSuffix(hold.Sentence(), `say outpost folder confirm "My mail"`) {
		t.Error(hold.Sentence())
	}
}
