package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/internal/groupware"
)

func TestFoldersKeepTheirOrderNamesAndCounts(t *testing.T) {
	m := open(t)
	inbox := addFolder(t, m, "Inbox", "inbox")
	var work, old groupware.FolderID
	update(t, m, func(tx *Tx) (err error) {
		if work, err = tx.AddFolder(Folder{Parent: inbox, Name: "Caf\u0065\u0301/Bar", Kind: groupware.FolderMail, Role: groupware.RoleArchive, Accepts: []groupware.Kind{groupware.KindMail, groupware.KindNote}}); err != nil {
			return err
		}
		old, err = tx.AddFolder(Folder{Name: "Old", Kind: groupware.FolderCalendar})
		return err
	})
	refused := func(what string, want error, fn func(tx *Tx) error) {
		t.Helper()
		if err := m.Update(t.Context(), fn); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	refused("INBOX has no case", ErrExists, func(tx *Tx) error {
		_, err := tx.AddFolder(Folder{Name: "INBOX", Kind: groupware.FolderMail})
		return err
	})
	refused("names compare composed", ErrExists, func(tx *Tx) error {
		_, err := tx.AddFolder(Folder{Parent: inbox, Name: "Caf\u00e9/Bar", Kind: groupware.FolderMail})
		return err
	})
	refused("an empty name", nil, func(tx *Tx) error {
		_, err := tx.AddFolder(Folder{Kind: groupware.FolderMail})
		return err
	})
	refused("a folder below itself", nil, func(tx *Tx) error {
		f := must(tx.Folder(inbox))(t)
		f.Parent = work
		return tx.PutFolder(f)
	})
	refused("a folder that is not empty", nil, func(tx *Tx) error { return tx.RemoveFolder(inbox) })
	refused("a parent that is not there", ErrNotFound, func(tx *Tx) error {
		_, err := tx.AddFolder(Folder{Parent: 999, Name: "x", Kind: groupware.FolderMail})
		return err
	})
	update(t, m, func(tx *Tx) error {
		f := must(tx.Folder(old))(t)
		if f.Mode != groupware.SyncWhole {
			t.Errorf("mode %q", f.Mode)
		}
		f.Deleted = true
		if err := tx.PutFolder(f); err != nil {
			return err
		}
		// The name is free again.
		if _, err := tx.AddFolder(Folder{Name: "Old", Kind: groupware.FolderCalendar}); err != nil {
			return err
		}
		w := must(tx.Folder(work))(t)
		if w.Mode != groupware.SyncOff || !slices.Equal(w.Accepts, []groupware.Kind{groupware.KindMail, groupware.KindNote}) {
			t.Errorf("got %+v", w)
		}
		return nil
	})
	view(t, m, func(tx *Tx) error {
		if p := must(tx.FolderPath(work))(t); p != `Inbox/Café\/Bar` {
			t.Errorf("path %q", p)
		}
		var names []string
		for _, f := range must(tx.Folders())(t) {
			names = append(names, f.Name)
		}
		wants(t, "folders", names, "Conflicts", "Inbox", "Café/Bar", "Local Failures", "Old", "Old", "Outbox")
		return nil
	})
	if err := m.View(t.Context(), func(tx *Tx) error { return tx.RemoveFolder(work) }); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a view wrote: %v", err)
	}
}

func TestARemovedFolderTakesItsItemsAlong(t *testing.T) {
	m := open(t)
	a, b := addFolder(t, m, "A", "a"), addFolder(t, m, "B", "b")
	download := func(folder groupware.FolderID, n int) (id groupware.ItemID) {
		update(t, m, func(tx *Tx) (err error) {
			id, err = tx.Download(groupware.Remote{Folder: folder, RemoteID: fmt.Sprint("1.", n)}, Prepare(groupware.MediaMessage, mail("m", n, "")), testTime)
			return err
		})
		return id
	}
	stays, movedOut, movedIn := download(a, 1), download(a, 2), download(b, 3)
	update(t, m, func(tx *Tx) error {
		if err := tx.SetFolder(movedOut, b); err != nil {
			return err
		}
		if err := tx.SetFolder(movedIn, a); err != nil {
			return err
		}
		if err := tx.SetIntent(movedIn, a, "imap", "", ""); err != nil {
			return err
		}
		_, err := tx.Observe(a, []groupware.Remote{{RemoteID: "1.9"}, {RemoteID: "1.1", Tag: "new"}})
		return err
	})
	update(t, m, func(tx *Tx) error { return tx.RemoveFolder(a) })
	view(t, m, func(tx *Tx) error {
		if _, err := tx.Triple(stays); !errors.Is(err, ErrNotFound) {
			t.Errorf("an item of the folder: %v", err)
		}
		if tr := must(tx.Triple(movedOut))(t); tr.Base != nil || tr.Local == nil || tr.Local.Folder != b {
			t.Errorf("an item that was moved out: %+v", tr)
		}
		if tr := must(tx.Triple(movedIn))(t); tr.Base == nil || tr.Local != nil {
			t.Errorf("an item that was moved in: %+v", tr)
		}
		return nil
	})
	clean(t, m)
}

// Another client moved a message into a folder that is then deleted: it is gone from where both sides agreed it was.
func TestWhatWasSeenToMoveIntoARemovedFolderIsGone(t *testing.T) {
	m := open(t)
	sent, work := addFolder(t, m, "Sent", "sent"), addFolder(t, m, "Work", "work")
	var id groupware.ItemID
	update(t, m, func(tx *Tx) (err error) {
		id, err = tx.Download(groupware.Remote{Folder: sent, RemoteID: "1.1"}, Prepare(groupware.MediaMessage, mail("m", 1, "")), testTime)
		return err
	})
	update(t, m, func(tx *Tx) error {
		if _, err := tx.ObserveGone(sent, []string{"1.1"}); err != nil {
			return err
		}
		return tx.ObserveMoved(id, groupware.Remote{Folder: work, RemoteID: "1.7"})
	})
	update(t, m, func(tx *Tx) error { return tx.RemoveFolder(work) })
	view(t, m, func(tx *Tx) error {
		if tr := must(tx.Triple(id))(t); tr.Base == nil || tr.Local == nil || tr.Remote != nil {
			t.Errorf("the server is believed to have it: %+v", tr)
		}
		if ts := must(tx.Pending(sent, 0, 10))(t); len(ts) != 1 {
			t.Errorf("%d items wait for a plan, want 1", len(ts))
		}
		return nil
	})
	clean(t, m)
}

func TestObservingTheSameAgainWritesNothing(t *testing.T) {
	m := open(t)
	inbox := addFolder(t, m, "INBOX", "inbox")
	var seen []groupware.Remote
	var ids []string
	for i := range 50 {
		seen = append(seen, groupware.Remote{RemoteID: fmt.Sprintf("1.%02d", i), Tag: "t", Flags: groupware.NewFlags(groupware.Seen, "work"), Order: int64(i), Size: 10})
		ids = append(ids, seen[i].RemoteID)
	}
	update(t, m, func(tx *Tx) error {
		_, err := tx.Observe(inbox, seen)
		for i, r := range must(tx.Missing(inbox, 40))(t) {
			if err == nil {
				_, err = tx.Download(r, Prepare(groupware.MediaMessage, mail("m", i, "body")), testTime)
			}
		}
		return err
	})
	update(t, m, func(tx *Tx) error {
		before := tx.c.db.TotalChanges()
		n := must(tx.Observe(inbox, seen))(t) + must(tx.ObserveAbsent(inbox, ids))(t) + must(tx.ObserveGone(inbox, []string{"2.1"}))(t)
		if n != 0 || tx.c.db.TotalChanges() != before {
			t.Errorf("%d news, %d rows written", n, tx.c.db.TotalChanges()-before)
		}
		items, bytes, err := tx.MissingCount(inbox)
		if items != 10 || bytes != 100 {
			t.Errorf("missing %d items, %d bytes", items, bytes)
		}
		if _, err := tx.ObserveAbsent(inbox, []string{"1.02", "1.01"}); err == nil {
			t.Error("an unsorted listing was taken")
		}
		return err
	})
	update(t, m, func(tx *Tx) error {
		if n := must(tx.ObserveAbsent(inbox, ids[5:45]))(t); n != 10 { // five that only the server had, five that both had
			t.Errorf("%d news", n)
		}
		if n := len(must(tx.GoneItems(inbox))(t)); n != 5 {
			t.Errorf("%d gone", n)
		}
		return nil
	})
	clean(t, m)
}

func TestAMovedMessageIsKnownByItsIdentity(t *testing.T) {
	m := open(t)
	inbox, trash := addFolder(t, m, "INBOX", "inbox"), addFolder(t, m, "Trash", "trash")
	raw := mail("m", 7, "body")
	var id groupware.ItemID
	update(t, m, func(tx *Tx) (err error) {
		if id, err = tx.Download(groupware.Remote{Folder: inbox, RemoteID: "1.1"}, Prepare(groupware.MediaMessage, raw), testTime); err != nil {
			return err
		}
		// The person has edited it since: the identity is that of what the server has.
		return tx.SetContent(id, Prepare(groupware.MediaMessage, mail("edited", 8, "other body")))
	})
	update(t, m, func(tx *Tx) error {
		must(tx.ObserveGone(inbox, []string{"1.1"}))(t)
		gone := must(tx.GoneItems(0))(t)
		if len(gone) != 1 || gone[0].Item != id || gone[0].Identity != fmt.Sprintf("<7@example.org>/%d", len(raw)) {
			t.Errorf("gone: %+v", gone)
		}
		there := groupware.Remote{Folder: trash, RemoteID: "5.5"}
		must(tx.Observe(trash, []groupware.Remote{there}))(t)
		if err := tx.ObserveMoved(id, there); err != nil {
			return err
		}
		if n := len(must(tx.GoneItems(0))(t)); n != 0 {
			t.Errorf("%d still gone", n)
		}
		tr, found, err := tx.TripleByRemote(trash, "5.5")
		if err != nil || !found || tr.Item != id || tr.Remote.Folder != trash || tr.Base.Folder != inbox {
			t.Errorf("got %+v %v", tr, err)
		}
		if got := must(tx.BaseRaw(id))(t); !bytes.Equal(got, raw) {
			t.Errorf("agreed bytes are %q", got)
		}
		return nil
	})
	clean(t, m)
}

func TestAPartlyReadMessageIsCompletedLater(t *testing.T) {
	m := open(t)
	inbox := addFolder(t, m, "INBOX", "inbox")
	raw := mail("Photos", 1, "See the harbour")
	header := raw[:bytes.Index(raw, []byte("\r\n\r\n"))+4]
	part := &groupware.Partial{Header: header, Text: "See the harbour", Parts: []groupware.Part{{Path: "2", Type: "image/jpeg", Name: "boat.jpg", Size: 9000}}, Size: int64(len(raw))}
	r := groupware.Remote{Folder: inbox, RemoteID: "1.1"}
	var id groupware.ItemID
	update(t, m, func(tx *Tx) (err error) {
		id, err = tx.Download(r, PreparePartial(part), testTime)
		return err
	})
	view(t, m, func(tx *Tx) error {
		it := must(tx.Item(id))(t)
		if it.Body != groupware.BodyText || it.Size != int64(len(raw)) || it.Subject != "Photos" || it.Pending {
			t.Errorf("got %+v", it)
		}
		if _, err := tx.Raw(id); !errors.Is(err, ErrNotWhole) {
			t.Errorf("raw: %v", err)
		}
		if _, err := tx.BaseRaw(id); !errors.Is(err, ErrNotWhole) {
			t.Errorf("base: %v", err)
		}
		if got := must(tx.Text(id))(t); got != part.Text {
			t.Errorf("text %q", got)
		}
		if got := must(tx.Header(id))(t); !bytes.Equal(got, header) {
			t.Errorf("header %q", got)
		}
		if got := must(tx.Parts(id))(t); !slices.Equal(got, part.Parts) {
			t.Errorf("parts %v", got)
		}
		if thin := must(tx.Thin(inbox, 10))(t); len(thin) != 1 || thin[0].Item != id || thin[0].Local.Content != (groupware.Hash{}) {
			t.Errorf("thin: %+v", thin)
		}
		return nil
	})
	wants(t, "search", search(t, m, SearchOptions{Words: "boat"}), "Photos")
	if err := m.Update(t.Context(), func(tx *Tx) error { _, err := tx.Copy(id, inbox); return err }); !errors.Is(err, ErrNotWhole) {
		t.Errorf("copy: %v", err)
	}
	for range 2 {
		update(t, m, func(tx *Tx) error {
			again, err := tx.Download(r, Prepare(groupware.MediaMessage, raw), testTime)
			if again != id {
				t.Errorf("item %d became %d", id, again)
			}
			return err
		})
	}
	view(t, m, func(tx *Tx) error {
		if got := must(tx.Raw(id))(t); !bytes.Equal(got, raw) {
			t.Errorf("raw %q", got)
		}
		if got := must(tx.Header(id))(t); !bytes.Equal(got, header) {
			t.Errorf("header %q", got)
		}
		if n := len(must(tx.Thin(inbox, 10))(t)); n != 0 || must(tx.PendingCount())(t) != 0 {
			t.Errorf("%d thin", n)
		}
		return nil
	})
	clean(t, m)
}

// attached makes a message with an attachment.
func attached(subject string, n int, file []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: Ben <ben@example.org>\r\nSubject: %s\r\nMessage-ID: <%d@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"+
		"--x\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--x\r\nContent-Type: application/octet-stream; name=file.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n", subject, n)
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(file)), 76) {
		b.Write(line)
		b.WriteString("\r\n")
	}
	b.WriteString("--x--\r\n")
	return b.Bytes()
}

func noise(n int) []byte {
	b := make([]byte, n)
	x := uint64(88172645463325252)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x)
	}
	return b
}

func TestAttachmentsAreKeptDecodedAndOnceAndTheirSpaceIsGivenBack(t *testing.T) {
	dir := t.TempDir()
	p, m := openProfile(t, dir, Options{})
	inbox := addFolder(t, m, "INBOX", "inbox")
	file := noise(6 << 20)
	var ids []groupware.ItemID
	raws := [][]byte{}
	for i := range 4 {
		raws = append(raws, attached(fmt.Sprint("file ", i), i, file))
		ids = append(ids, add(t, m, inbox, raws[i]))
	}
	view(t, m, func(tx *Tx) error {
		for i, id := range ids {
			if got := must(tx.Raw(id))(t); !bytes.Equal(got, raws[i]) {
				t.Errorf("item %d is not what was stored", id)
			}
			if parts := must(tx.Parts(id))(t); len(parts) != 1 || parts[0].Name != "file.bin" {
				t.Errorf("parts %+v", parts)
			}
		}
		return nil
	})
	wants(t, "by the name of a file", search(t, m, SearchOptions{Words: "file.bin 2"}), "file 2")
	clean(t, m)
	path := m.path
	p.Close()
	stored := func() int64 { return must(os.Stat(path))(t).Size() }
	if n := stored(); n > int64(len(file))*11/10 {
		t.Errorf("%d bytes for one file of %d", n, len(file))
	}
	p, m = openProfile(t, dir, Options{})
	update(t, m, func(tx *Tx) error {
		for _, id := range ids {
			if err := tx.Delete(id); err != nil {
				return err
			}
		}
		return nil
	})
	clean(t, m)
	p.Close()
	if n := stored(); n > 2<<20 {
		t.Errorf("%d bytes after everything was deleted", n)
	}
}

func TestAnItemDeletedBeforeItsCreationWasAnsweredKeepsItsIntent(t *testing.T) {
	m := open(t)
	inbox := addFolder(t, m, "INBOX", "inbox")
	sent := mail("draft", 1, "first")
	for _, found := range []bool{false, true} {
		id := add(t, m, inbox, sent)
		update(t, m, func(tx *Tx) error { return tx.SetIntent(id, inbox, "imap", "mark", "name") })
		update(t, m, func(tx *Tx) error { return tx.Delete(id) })
		update(t, m, func(tx *Tx) error {
			if _, known, err := tx.Intent(id); err != nil || !known || !bytes.Equal(must(tx.IntentRaw(id))(t), sent) {
				t.Errorf("the intent is gone: %v", err)
			}
			must(tx.ObserveAbsent(inbox, nil))(t) // no listing says anything of it
			tr := must(tx.Triple(id))(t)
			if tr.Local != nil || !IsUnanswered(tr.Base) || tr.Remote == nil {
				t.Errorf("got %+v", tr)
			}
			if found {
				if err := tx.Take(id, nil, &groupware.Base{Folder: inbox, RemoteID: "1.1", Content: groupware.HashOf(sent)}, nil); err != nil {
					return err
				}
			}
			return tx.ClearIntent(id)
		})
		view(t, m, func(tx *Tx) error {
			tr, err := tx.Triple(id)
			if found && (err != nil || tr.Base == nil || tr.Base.RemoteID != "1.1") || !found && !errors.Is(err, ErrNotFound) {
				t.Errorf("got %+v, %v", tr, err)
			}
			return nil
		})
	}
	clean(t, m)
}

func TestWhatIsRememberedBesideTheStates(t *testing.T) {
	m := open(t)
	inbox := addFolder(t, m, "INBOX", "inbox")
	id := add(t, m, inbox, mail("draft", 1, "first"))
	update(t, m, func(tx *Tx) error {
		if err := tx.SetIntent(id, inbox, "imap", "mark", "name"); err != nil {
			return err
		}
		return tx.SetContent(id, Prepare(groupware.MediaMessage, mail("draft", 1, "second")))
	})
	update(t, m, func(tx *Tx) error {
		in, found, err := tx.Intent(id)
		if want := (Intent{id, inbox, "imap", "mark", "name", groupware.MediaMessage}); err != nil || !found || in != want {
			t.Errorf("intent %+v %v", in, err)
		}
		if raw := must(tx.IntentRaw(id))(t); !bytes.Equal(raw, mail("draft", 1, "first")) {
			t.Errorf("the intent's bytes are %q", raw)
		}
		if n := len(must(tx.Intents())(t)); n != 1 {
			t.Errorf("%d intents", n)
		}
		return tx.ClearIntent(id)
	})
	update(t, m, func(tx *Tx) error {
		if _, err := tx.IntentRaw(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v", err)
		}
		must(tx.Observe(inbox, []groupware.Remote{{RemoteID: "1.1", Tag: "a"}}))(t)
		if err := tx.SetFailure(Failure{Folder: inbox, RemoteID: "1.1", Doing: "read", Text: "no", At: testTime, Tries: 1}); err != nil {
			return err
		}
		if n := len(must(tx.Missing(inbox, 9))(t)); n != 0 {
			t.Error("what failed is still Missing")
		}
		must(tx.Observe(inbox, []groupware.Remote{{RemoteID: "1.1", Tag: "b"}}))(t)
		if n := len(must(tx.Missing(inbox, 9))(t)); n != 1 || must(tx.FailureCount())(t) != 0 {
			t.Error("another version is not tried again")
		}
		for range 2 {
			if err := tx.SetFailure(Failure{Item: id, Doing: "store", Text: "no", At: testTime, Tries: 2}); err != nil {
				return err
			}
		}
		fs := must(tx.Failures(inbox))(t)
		if len(fs) != 1 || fs[0].Item != id || fs[0].Tries != 2 || !fs[0].At.Equal(testTime) {
			t.Errorf("failures %+v", fs)
		}
		if err := tx.SetReason(id, Reason{Folder: "INBOX", Text: "because", At: testTime, Edited: id}); err != nil {
			return err
		}
		if r, found, err := tx.Reason(id); err != nil || !found || r.Text != "because" || r.Edited != id {
			t.Errorf("reason %+v %v", r, err)
		}
		if err := tx.Submit(Submission{Item: id, From: "anna@example.org", To: []string{"ben@example.org", "cleo@example.org"}}); err != nil {
			return err
		}
		if err := tx.Submit(Submission{Item: id, From: "a", To: []string{"b\nRCPT TO:<c>"}}); err == nil {
			t.Error("a recipient of two lines was taken")
		}
		q := must(tx.Submissions())(t)
		if len(q) != 1 || q[0].State != Queued || len(q[0].To) != 2 {
			t.Errorf("submissions %+v", q)
		}
		if c := must(tx.Counts())(t); c.Pending != 2 || c.Failures != 1 || c.Items != 1 || c.Folders != 4 {
			t.Errorf("counts %+v", c)
		}
		return nil
	})
	update(t, m, func(tx *Tx) error { return tx.Delete(id) })
	view(t, m, func(tx *Tx) error {
		if c := must(tx.Counts())(t); c.Pending != 0 || c.Failures != 0 || len(must(tx.Submissions())(t)) != 0 {
			t.Errorf("after it was deleted: %+v", c)
		}
		return nil
	})
	clean(t, m)
}

func TestTheFeedTellsWhatChanged(t *testing.T) {
	m := open(t)
	inbox, trash := addFolder(t, m, "INBOX", "inbox"), addFolder(t, m, "Trash", "trash")
	var start int64
	view(t, m, func(tx *Tx) (err error) {
		start, err = tx.LastChange()
		return err
	})
	woken, end := m.Subscribe()
	defer end()
	id := add(t, m, inbox, mail("one", 1, ""))
	<-woken
	update(t, m, func(tx *Tx) error { return tx.SetFlags(id, groupware.NewFlags(groupware.Seen)) })
	update(t, m, func(tx *Tx) error { return tx.SetFlags(id, groupware.NewFlags(groupware.Seen)) }) // nothing new
	update(t, m, func(tx *Tx) error { return tx.SetFolder(id, trash) })
	update(t, m, func(tx *Tx) error { return tx.SetContent(id, Prepare(groupware.MediaMessage, mail("two", 1, ""))) })
	update(t, m, func(tx *Tx) error { return tx.Delete(id) })
	failed := errors.New("failed")
	if err := m.Update(t.Context(), func(tx *Tx) error {
		_, err := tx.Add(inbox, Prepare(groupware.MediaMessage, mail("never", 1, "")), groupware.Flags{}, time.Time{})
		return errors.Join(err, failed)
	}); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	<-woken
	changes, last, err := m.ChangesSince(t.Context(), start, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes {
		got = append(got, fmt.Sprintf("%d %s", c.Folder-inbox, c.Op))
		if c.Item != id || !c.At.Equal(testTime) {
			t.Errorf("change %+v", c)
		}
	}
	wants(t, "feed", got, "0 added", "0 updated", "0 removed", "1 added", "1 updated", "1 removed")
	if more, same, err := m.ChangesSince(t.Context(), last, 100); err != nil || len(more) != 0 || same != last {
		t.Errorf("afterwards: %v %d %v", more, same, err)
	}
	if _, _, err := m.ChangesSince(t.Context(), last+1, 100); err == nil {
		t.Error("the future was told")
	}
	update(t, m, func(tx *Tx) error {
		_, err := tx.c.exec("DELETE FROM changes WHERE seq <= ?", start+2)
		return err
	})
	if _, _, err := m.ChangesSince(t.Context(), start, 100); !errors.Is(err, ErrTrimmed) {
		t.Errorf("got %v", err)
	}
}

func TestAFailedOrPanickingTransactionDidNotHappen(t *testing.T) {
	m := open(t)
	inbox := addFolder(t, m, "INBOX", "inbox")
	add1 := func(tx *Tx) error {
		_, err := tx.Add(inbox, Prepare(groupware.MediaMessage, mail("one", 1, "")), groupware.Flags{}, time.Time{})
		return err
	}
	func() {
		defer func() { _ = recover() }()
		_ = m.Update(t.Context(), func(tx *Tx) error {
			if err := add1(tx); err != nil {
				return err
			}
			panic("a bug")
		})
	}()
	ctx, cancel := context.WithCancel(t.Context())
	if err := m.Update(ctx, func(tx *Tx) error {
		err := add1(tx)
		cancel()
		return err
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	view(t, m, func(tx *Tx) error {
		if f := must(tx.Folder(inbox))(t); f.Items != 0 {
			t.Errorf("%d items", f.Items)
		}
		return nil
	})
	var kept *Tx
	update(t, m, func(tx *Tx) error { kept = tx; return add1(tx) })
	if err := kept.Delete(1); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a transaction that has ended: %v", err)
	}
	for want, write := range map[int64]func(context.Context, func(*Tx) error) error{2: m.Update, 1: m.Bulk} { // FULL, NORMAL
		if err := write(t.Context(), func(tx *Tx) error {
			if n := must(tx.c.number("PRAGMA synchronous"))(t); n != want {
				t.Errorf("synchronous is %d, want %d", n, want)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	clean(t, m)
}

func TestContentsSurviveEveryForm(t *testing.T) {
	m := open(t)
	inbox := addFolder(t, m, "INBOX", "inbox")
	for name, raw := range map[string][]byte{
		"empty": {}, "one byte": {'x'}, "binary": noise(100), "large binary": noise(streamAbove + 12345), "huge text": []byte(strings.Repeat("all work and no play ", 300_000)),
		"no header": []byte("\r\nbody"), "only a header": []byte("Subject: x"),
	} {
		id := add(t, m, inbox, raw)
		view(t, m, func(tx *Tx) error {
			if got := must(tx.Raw(id))(t); !bytes.Equal(got, raw) {
				t.Errorf("%s: got %d bytes of %d", name, len(got), len(raw))
			}
			must(tx.Header(id))(t)
			return nil
		})
	}
	clean(t, m)
}

func FuzzDecodePartial(f *testing.F) {
	b, _ := encodePartial(&groupware.Partial{Header: []byte("Subject: x\r\n\r\n"), Text: "text", Parts: []groupware.Part{{Path: "1"}}, Size: 99})
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodePartial(b)
		if err != nil {
			return
		}
		c, err := encodePartial(p)
		if err != nil {
			t.Fatal(err)
		}
		q, err := decodePartial(c)
		if err != nil || !bytes.Equal(p.Header, q.Header) || p.Text != q.Text || p.Size != q.Size {
			t.Fatalf("%+v became %+v: %v", p, q, err)
		}
	})
}

func FuzzIndexBlock(f *testing.F) {
	f.Add([]byte("\x00\x03abc\x02\x01\x05\x01\x02zz\x01\x07"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = eachWord(b, func(_, postings []byte) bool {
			eachNumber(postings, 1000, func(n uint32) {
				if n >= 1000 {
					t.Fatal(n)
				}
			})
			return true
		})
		_, _ = decodeEntries(nil, b, len(entryColumns))
	})
}
