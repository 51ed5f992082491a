package store

import (
	"testing"

	"outpost/internal/groupware"
)

// A message that was seen in its new place stays there when its old place is looked at again.
func TestAMovedMessageIsNotGoneWhenItsOldPlaceIsSeenEmpty(t *testing.T) {
	m := open(t)
	inbox, trash := addFolder(t, m, "Inbox", "inbox"), addFolder(t, m, "Trash", "trash")
	there := groupware.Remote{Folder: trash, RemoteID: "5.5"}
	var id groupware.ItemID
	update(t, m, func(tx *Tx) (err error) {
		if id, err = tx.Download(groupware.Remote{Folder: inbox, RemoteID: "1.1"}, Prepare(groupware.MediaMessage, mail("moved", 1, "body")), tx.now); err != nil {
			return err
		}
		must(tx.ObserveGone(inbox, []string{"1.1"}))(t)
		must(tx.Observe(trash, []groupware.Remote{there}))(t)
		return tx.ObserveMoved(id, there)
	})
	update(t, m, func(tx *Tx) error {
		must(tx.ObserveGone(inbox, []string{"1.1"}))(t)
		must(tx.ObserveAbsent(inbox, nil))(t)
		if tr := must(tx.Triple(id))(t); tr.Remote == nil || *tr.Remote != there {
			t.Errorf("it is said to be at %+v", tr.Remote)
		}
		if gone := must(tx.GoneItems(0))(t); len(gone) != 0 {
			t.Errorf("gone: %+v", gone)
		}
		return nil
	})
	clean(t, m)
}
