package store

import (
	"errors"
	"reflect"
	"testing"

	"outpost/internal/groupware"
)

// localFolder finds the folder of a role that exists only here.
func localFolder(t testing.TB, m *Mailbox, role groupware.Role) (id groupware.FolderID) {
	t.Helper()
	view(t, m, func(tx *Tx) error {
		for _, f := range must(tx.Folders())(t) {
			if f.Role == role {
				id = f.ID
			}
		}
		return nil
	})
	return id
}

// download makes an item on which both sides agree.
func download(t testing.TB, m *Mailbox, folder groupware.FolderID, remoteID string, raw []byte) (id groupware.ItemID) {
	t.Helper()
	update(t, m, func(tx *Tx) (err error) {
		id, err = tx.Download(groupware.Remote{Folder: folder, RemoteID: remoteID}, Prepare(groupware.MediaMessage, raw), testTime)
		return err
	})
	return id
}

func TestAConflictLastsAsLongAsOurVersionIsInConflicts(t *testing.T) {
	m := open(t)
	work, other := addFolder(t, m, "Work", "work"), addFolder(t, m, "Other", "other")
	inbox := addFolder(t, m, "INBOX", "inbox")
	conflicts := localFolder(t, m, groupware.RoleConflicts)
	theirs := download(t, m, work, "1.1", mail("theirs", 1, ""))
	notice := add(t, m, inbox, mail("Message in conflict!", 2, ""))
	ours, more, lone := add(t, m, conflicts, mail("ours", 3, "")), add(t, m, conflicts, mail("more", 4, "")), add(t, m, conflicts, mail("lone", 5, ""))
	base := mail("base", 6, "what both came from")
	want := Conflict{Item: ours, Of: theirs, Folder: work, Notice: notice, Clashes: []string{"SUMMARY", "two words"}, At: testTime.Local()}
	update(t, m, func(tx *Tx) error {
		c := want
		c.Clashes = []string{"SUMMARY", "two\r\nwords"}
		return errors.Join(tx.SetConflict(c, []byte("an older base")), tx.SetConflict(c, base), tx.SetConflict(Conflict{Item: more, At: testTime.Add(-1e9)}, nil))
	})
	clean(t, m)
	view(t, m, func(tx *Tx) error {
		all := must(tx.Conflicts())(t)
		if len(all) != 2 || !reflect.DeepEqual(all[0], want) || all[1].Item != more || all[1].Of != 0 || all[1].Clashes != nil {
			t.Errorf("got %+v", all)
		}
		if got := must(tx.ConflictBase(ours))(t); string(got) != string(base) {
			t.Errorf("base %q", got)
		}
		if got, err := tx.ConflictBase(more); got != nil || err != nil {
			t.Errorf("unknown base %q %v", got, err)
		}
		if _, err := tx.ConflictBase(lone); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v", err)
		}
		if _, err := tx.Conflict(lone); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v", err)
		}
		if c := must(tx.Counts())(t); c.Conflicts != 3 {
			t.Errorf("counts %+v", c)
		}
		return nil
	})
	update(t, m, func(tx *Tx) error {
		if err := errors.Join(tx.SetFolder(theirs, other), tx.Delete(notice)); err != nil {
			return err
		}
		if c := must(tx.Conflict(ours))(t); c.Of != theirs || c.Folder != other || c.Notice != 0 {
			t.Errorf("after theirs was moved: %+v", c)
		}
		if err := tx.Delete(theirs); err != nil {
			return err
		}
		if c := must(tx.Conflict(ours))(t); c.Of != 0 || c.Folder != work {
			t.Errorf("after theirs was deleted here: %+v", c)
		}
		if err := tx.Take(theirs, nil, nil, nil); err != nil {
			return err
		}
		if err := tx.RemoveFolder(work); err != nil {
			return err
		}
		if c := must(tx.Conflict(ours))(t); c.Of != 0 || c.Folder != 0 {
			t.Errorf("after the folder went: %+v", c)
		}
		if err := errors.Join(tx.SetFolder(ours, other), tx.Delete(more)); err != nil {
			return err
		}
		if all := must(tx.Conflicts())(t); len(all) != 0 {
			t.Errorf("left: %+v", all)
		}
		if c := must(tx.Counts())(t); c.Conflicts != 1 {
			t.Errorf("counts %+v", c)
		}
		return nil
	})
	clean(t, m)
}
