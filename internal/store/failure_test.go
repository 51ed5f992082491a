package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"outpost/internal/groupware"
)

func TestAFailureKeepsItsNumberAndWhatWasRead(t *testing.T) {
	m := open(t)
	inbox := addFolder(t, m, "INBOX", "inbox")
	broken := bytes.Repeat([]byte("this is no message\x00"), 100)
	var number int64
	update(t, m, func(tx *Tx) error {
		must(tx.Observe(inbox, []groupware.Remote{{RemoteID: "1.1", Tag: "a"}, {RemoteID: "1.2"}}))(t)
		return errors.Join(
			tx.SetFailure(Failure{Folder: inbox, RemoteID: "1.2", Doing: "read", Text: "gone", At: testTime}),
			tx.SetFailure(Failure{Folder: inbox, RemoteID: "1.1", Doing: "read", Code: "protocol", Text: "no", At: testTime, Raw: broken}),
			tx.SetFailure(Failure{Folder: inbox, RemoteID: "1.1", Doing: "read", Code: "protocol", Text: "still no", At: testTime.Add(1)}))
	})
	clean(t, m)
	update(t, m, func(tx *Tx) error {
		all := must(tx.Failures(inbox))(t)
		i := slices.IndexFunc(all, func(f Failure) bool { return f.RemoteID == "1.1" })
		if len(all) != 2 || i < 0 {
			t.Fatalf("failures %+v", all)
		}
		f := all[i]
		number = f.Number
		if number == 0 || f.Tries != 2 || f.Text != "still no" || f.Code != "protocol" || !f.HasRaw || f.Again || f.Item != 0 {
			t.Errorf("got %+v", f)
		}
		if raw := must(tx.FailureRaw(number))(t); !bytes.Equal(raw, broken) {
			t.Errorf("read %q", raw)
		}
		if _, err := tx.FailureRaw(all[1-i].Number); !errors.Is(err, ErrNotFound) {
			t.Errorf("of what was not read: %v", err)
		}
		if err := tx.RetryFailure(number); err != nil {
			return err
		}
		if missing := must(tx.Missing(inbox, 9))(t); len(missing) != 1 || missing[0].RemoteID != "1.1" {
			t.Errorf("to be tried again: %+v", missing)
		}
		if f := must(tx.Failure(number))(t); !f.Again {
			t.Error("it does not say that it is tried again")
		}
		// It fails again, with other bytes.
		if err := tx.SetFailure(Failure{Folder: inbox, RemoteID: "1.1", Doing: "read", Text: "no again", At: testTime, Raw: broken[1:]}); err != nil {
			return err
		}
		f = must(tx.Failure(number))(t)
		if f.Tries != 3 || f.Again || len(must(tx.Missing(inbox, 9))(t)) != 0 {
			t.Errorf("after another try: %+v", f)
		}
		return tx.RetryFailure(number)
	})
	clean(t, m)
	update(t, m, func(tx *Tx) error {
		// This time it can be read, and nothing is left of the failure.
		must(tx.Download(groupware.Remote{Folder: inbox, RemoteID: "1.1", Tag: "a"}, Prepare(groupware.MediaMessage, mail("fine", 1, "")), testTime))(t)
		if _, err := tx.Failure(number); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v", err)
		}
		if err := tx.ClearFailure(0, inbox, "1.2"); err != nil {
			return err
		}
		if n := must(tx.FailureCount())(t); n != 0 {
			t.Errorf("%d failures", n)
		}
		if err := tx.SetFailure(Failure{Folder: inbox, RemoteID: "1.1", Text: "new", At: testTime}); err != nil {
			return err
		}
		if f := must(tx.Failures(0))(t)[0]; f.Number <= number {
			t.Errorf("number %d is used again after %d", f.Number, number)
		}
		return nil
	})
	update(t, m, func(tx *Tx) error { return tx.RemoveFolder(inbox) })
	clean(t, m)
}

func TestAFailureOfAnItemEndsWhenItsNextTrySucceeds(t *testing.T) {
	m := open(t)
	inbox := addFolder(t, m, "INBOX", "inbox")
	id := add(t, m, inbox, mail("draft", 1, ""))
	update(t, m, func(tx *Tx) error {
		return tx.SetFailure(Failure{Item: id, Doing: "store", Text: "no", At: testTime, Raw: []byte("what the server sent")})
	})
	agree := func(tx *Tx, tag string) error {
		tr := must(tx.Triple(id))(t)
		return tx.Take(id, tr.Local, &groupware.Base{Folder: inbox, RemoteID: "1.1", Tag: tag, Content: tr.Local.Content}, nil)
	}
	update(t, m, func(tx *Tx) error {
		// Not announced as another try: what the engine settles besides is not the end of it.
		if err := agree(tx, "a"); err != nil {
			return err
		}
		f := must(tx.Failures(inbox))(t)
		if len(f) != 1 || f[0].Item != id {
			t.Fatalf("failures %+v", f)
		}
		if err := tx.SetFlags(id, groupware.NewFlags(groupware.Seen)); err != nil {
			return err
		}
		if err := tx.RetryFailure(f[0].Number); err != nil {
			return err
		}
		if err := tx.SetFlags(id, groupware.Flags{}); err != nil {
			return err
		}
		if n := must(tx.FailureCount())(t); n != 0 {
			t.Errorf("%d failures of what is agreed", n)
		}
		return nil
	})
	clean(t, m)
}

// What failures and conflicts took of the disk, it gets back.
func TestSpaceOfFailuresAndConflictsIsGivenBack(t *testing.T) {
	dir := t.TempDir()
	p, m := openProfile(t, dir, Options{})
	inbox, conflicts := addFolder(t, m, "INBOX", "inbox"), localFolder(t, m, groupware.RoleConflicts)
	reopened := func() int64 { // bytes on the disk after the program ended
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		p, m = openProfile(t, dir, Options{})
		return m.Size(t.Context())
	}
	empty := reopened()
	noise := rand.NewChaCha8([32]byte{})
	some := func() []byte {
		b := make([]byte, 1<<20)
		noise.Read(b)
		return b
	}
	var ids []groupware.ItemID
	for i := range 4 {
		id := add(t, m, conflicts, mail("ours", i, ""))
		update(t, m, func(tx *Tx) error {
			ids = append(ids, id)
			return errors.Join(tx.SetConflict(Conflict{Item: id}, some()), tx.SetFailure(Failure{Folder: inbox, RemoteID: fmt.Sprint("1.", i), Raw: some()}))
		})
	}
	if full := reopened(); full < empty+8<<20 {
		t.Errorf("8 MiB took %d bytes", full-empty)
	}
	// One by one, while the mailbox stays open.
	for i := range ids {
		update(t, m, func(tx *Tx) error {
			return errors.Join(tx.Delete(ids[i]), tx.ClearFailure(0, inbox, fmt.Sprint("1.", i)))
		})
	}
	pages := must(m.writer.number("PRAGMA page_count"))(t)
	if pages*pageSize > empty+5<<20 {
		t.Errorf("while it is open, the database has %d bytes more than at first", pages*pageSize-empty)
	}
	clean(t, m)
	if left := reopened(); left > empty+1<<17 {
		t.Errorf("%d bytes of nothing", left-empty)
	}
}
