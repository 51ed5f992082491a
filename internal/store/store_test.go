package store

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"outpost/internal/groupware"
)

var testTime = time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)

// open opens a mailbox in a folder of its own.
func open(t testing.TB) *Mailbox {
	t.Helper()
	return openIn(t, t.TempDir(), Options{})
}

func openIn(t testing.TB, dir string, o Options) *Mailbox {
	t.Helper()
	_, m := openProfile(t, dir, o)
	return m
}

// openProfile opens a profile with one account, and its mailbox.
func openProfile(t testing.TB, dir string, o Options) (*Profile, *Mailbox) {
	t.Helper()
	o.Clock = func() time.Time { return testTime }
	p := must(OpenProfile(t.Context(), dir, o))(t)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	a := must(p.PutAccount(t.Context(), Account{Email: "anna@example.org"}))(t)
	return p, must(p.OpenMailbox(t.Context(), a.Mailbox))(t)
}

func update(t testing.TB, m *Mailbox, fn func(*Tx) error) {
	t.Helper()
	if err := m.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, m *Mailbox, fn func(*Tx) error) {
	t.Helper()
	if err := m.View(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func addFolder(t testing.TB, m *Mailbox, name, remoteID string) (id groupware.FolderID) {
	t.Helper()
	update(t, m, func(tx *Tx) (err error) {
		id, err = tx.AddFolder(Folder{Name: name, Kind: groupware.FolderMail, Service: "imap", RemoteID: remoteID, RemoteName: name})
		return err
	})
	return id
}

// mail makes a message of that subject; n tells it from others of the subject.
func mail(subject string, n int, body string) []byte {
	return fmt.Appendf(nil, "From: Ben <ben@example.org>\r\nTo: anna@example.org\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%d@example.org>\r\n\r\n%s\r\n",
		subject, testTime.Add(time.Duration(n)*time.Minute).Format(time.RFC1123Z), n, body)
}

// clean fails when Verify finds something.
func clean(t testing.TB, m *Mailbox) {
	t.Helper()
	problems, err := m.Verify(context.Background(), nil)
	if err != nil || len(problems) > 0 {
		t.Fatalf("verify: %v %v", problems, err)
	}
}

func TestAnItemThatWasAddedIsReadBack(t *testing.T) {
	m := open(t)
	inbox := addFolder(t, m, "INBOX", "inbox")
	raw := mail("Lunch", 1, "At noon?")
	var id groupware.ItemID
	update(t, m, func(tx *Tx) (err error) {
		id, err = tx.Add(inbox, Prepare(groupware.MediaMessage, raw), groupware.NewFlags(groupware.Flagged, "work"), time.Time{})
		return err
	})
	view(t, m, func(tx *Tx) error {
		it := must(tx.Item(id))(t)
		if it.Subject != "Lunch" || it.Folder != inbox || !it.Pending || it.Body != groupware.BodyWhole || it.Flags != groupware.NewFlags(groupware.Flagged, "work") ||
			!it.Date.Equal(testTime.Add(time.Minute)) || !it.Received.Equal(testTime) || it.Size != int64(len(raw)) {
			t.Errorf("got %+v", it)
		}
		if got := must(tx.Raw(id))(t); !bytes.Equal(got, raw) {
			t.Errorf("got %q", got)
		}
		if got := must(tx.Text(id))(t); strings.TrimSpace(got) != "At noon?" {
			t.Errorf("got %q", got)
		}
		if f := must(tx.Folder(inbox))(t); f.Items != 1 || f.Unread != 1 {
			t.Errorf("counts %d %d", f.Items, f.Unread)
		}
		tr := must(tx.Triple(id))(t)
		if tr.Base != nil || tr.Remote != nil || tr.Local == nil || tr.Local.Content != groupware.HashOf(raw) {
			t.Errorf("triple %+v", tr)
		}
		return nil
	})
	items, total, err := m.List(t.Context(), inbox, ListOptions{Limit: 10})
	if err != nil || total != 1 || len(items) != 1 || items[0].ID != id {
		t.Fatalf("list: %v %d %v", items, total, err)
	}
	clean(t, m)
}

func TestADownloadIsAgreedOnAndAChangeIsPending(t *testing.T) {
	m := open(t)
	inbox := addFolder(t, m, "INBOX", "inbox")
	r := groupware.Remote{RemoteID: "1.7", Order: 7, Size: 100}
	update(t, m, func(tx *Tx) error {
		if n := must(tx.Observe(inbox, []groupware.Remote{r}))(t); n != 1 {
			t.Errorf("%d news", n)
		}
		return nil
	})
	var id groupware.ItemID
	update(t, m, func(tx *Tx) (err error) {
		missing := must(tx.Missing(inbox, 10))(t)
		if len(missing) != 1 || missing[0].RemoteID != "1.7" || missing[0].Folder != inbox {
			t.Errorf("missing %+v", missing)
		}
		id, err = tx.Download(missing[0], Prepare(groupware.MediaMessage, mail("Hello", 1, "Hi")), testTime)
		return err
	})
	update(t, m, func(tx *Tx) error {
		if n := must(tx.PendingCount())(t); n != 0 {
			t.Errorf("%d pending", n)
		}
		if n := must(tx.Observe(inbox, []groupware.Remote{r}))(t); n != 0 {
			t.Errorf("%d news of what is agreed", n)
		}
		return tx.SetFlags(id, groupware.NewFlags(groupware.Seen))
	})
	update(t, m, func(tx *Tx) error {
		p := must(tx.Pending(inbox, 0, 10))(t)
		if len(p) != 1 || p[0].Item != id || p[0].Remote.RemoteID != "1.7" || !p[0].Base.Flags.Empty() {
			t.Errorf("pending %+v", p)
		}
		b := *p[0].Base
		b.Flags = p[0].Local.Flags
		return tx.Take(id, p[0].Local, &b, nil)
	})
	view(t, m, func(tx *Tx) error {
		if n := must(tx.PendingCount())(t); n != 0 {
			t.Errorf("%d pending", n)
		}
		return nil
	})
	clean(t, m)
}
