package store

import (
	"fmt"
	"testing"
	"time"

	"outpost/internal/groupware"
)

func TestAHoldWaitsForAPerson(t *testing.T) {
	m := open(t)
	inbox := addFolder(t, m, "INBOX", "inbox")
	held := func(tx *Tx) int64 { return must(tx.Counts())(t).Held }
	update(t, m, func(tx *Tx) error {
		h := Hold{Folder: inbox, There: true, Items: 30, Of: 100, At: testTime}
		if err := tx.SetHold(h); err != nil {
			return err
		}
		h.At = testTime.Add(time.Hour)
		if err := tx.SetHold(h); err != nil {
			return err
		}
		h.There, h.Items = false, 5
		if err := tx.SetHold(h); err != nil {
			return err
		}
		all := must(tx.Holds())(t)
		if len(all) != 2 || all[1] != (Hold{inbox, true, 30, 100, testTime.Local(), 0}) || held(tx) != 1 {
			t.Errorf("holds %+v, %d held", all, held(tx))
		}
		if n := must(tx.ConfirmHold(inbox))(t); n != 35 || held(tx) != 0 {
			t.Errorf("confirmed %d, %d held", n, held(tx))
		}
		// More than was agreed to.
		h = Hold{Folder: inbox, There: true, Items: 40, Of: 100, At: testTime}
		if err := tx.SetHold(h); err != nil {
			return err
		}
		if all := must(tx.Holds())(t); held(tx) != 1 || all[1].Items != 40 || all[1].Confirmed != 30 {
			t.Errorf("holds %+v, %d held", all, held(tx))
		}
		if err := tx.ClearHold(inbox, true); err != nil {
			return err
		}
		if n := must(tx.ConfirmHold(inbox))(t); n != 5 || len(must(tx.Holds())(t)) != 1 {
			t.Errorf("confirmed %d", n)
		}
		return nil
	})
	update(t, m, func(tx *Tx) error { return tx.RemoveFolder(inbox) })
	view(t, m, func(tx *Tx) error {
		if n := len(must(tx.Holds())(t)); n != 0 {
			t.Errorf("%d holds of a folder that is gone", n)
		}
		return nil
	})
}

func TestDoomedCountsWhatIsToBeDeletedOnEitherSide(t *testing.T) {
	m := open(t)
	inbox, other := addFolder(t, m, "INBOX", "inbox"), addFolder(t, m, "Other", "other")
	var ids []groupware.ItemID
	for i := range 10 {
		ids = append(ids, download(t, m, inbox, fmt.Sprint("1.", i), mail("x", i, "")))
	}
	fresh := add(t, m, inbox, mail("new", 11, ""))
	unanswered := add(t, m, inbox, mail("unanswered", 12, ""))
	count := func(what string, here, there, of int64) {
		t.Helper()
		view(t, m, func(tx *Tx) error {
			h, th, o, err := tx.Doomed(inbox)
			if err != nil || h != here || th != there || o != of {
				t.Errorf("%s: %d here, %d there of %d: %v", what, h, th, o, err)
			}
			return nil
		})
	}
	count("at first", 0, 0, 10)
	update(t, m, func(tx *Tx) error {
		must(tx.ObserveGone(inbox, []string{"1.0", "1.1", "1.2", "1.3", "1.4"}))(t)
		for _, err := range []error{
			tx.SetFlags(ids[1], groupware.NewFlags(groupware.Seen)),                              // a flag does not save it
			tx.SetContent(ids[2], Prepare(groupware.MediaMessage, mail("edited", 2, "an edit"))), // an edit does
			tx.SetFolder(ids[3], other), // so does a new place
			tx.Delete(ids[4]),           // gone on both sides
			tx.Delete(ids[5]), tx.Delete(ids[6]), tx.Delete(fresh),
			tx.SetFolder(ids[7], other),
			tx.SetIntent(unanswered, inbox, "imap", "", ""), tx.Delete(unanswered),
		} {
			if err != nil {
				return err
			}
		}
		must(tx.Observe(inbox, []groupware.Remote{{RemoteID: "1.6", Flags: groupware.NewFlags(groupware.Seen)}}))(t)
		return nil
	})
	count("after deletions on both sides", 2, 2, 10)
}
