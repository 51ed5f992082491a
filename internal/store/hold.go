package store

import (
	"fmt"
	"time"

	"outpost/internal/groupware"
)

// Hold says that the deletion of so much of a folder waits until a person agrees (LESSONS: one side emptied must not
// empty the other).
type Hold struct {
	Folder    groupware.FolderID
	There     bool  // the deletions are to be made at the server; else here
	Items     int64 // so many
	Of        int64 // of so many
	At        time.Time
	Confirmed int64 // a person agreed to so many; 0: to none
}

// SetHold notes what waits, over an earlier hold of the folder and side: At stays that of the first, and so does Confirmed when
// it is 0 here. What is noted already is not written again.
func (tx *Tx) SetHold(h Hold) error {
	if err := tx.writable(); err != nil {
		return err
	}
	_, err := tx.c.exec(`INSERT INTO holds (folder, there, items, total, at, confirmed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT (folder, there) DO UPDATE SET items = ?3, total = ?4, confirmed = iif(?6 = 0, confirmed, ?6)
		WHERE items <> ?3 OR total <> ?4 OR ?6 NOT IN (0, confirmed)`, h.Folder, h.There, h.Items, h.Of, h.At.UnixMilli(), h.Confirmed)
	if err != nil {
		return fmt.Errorf("hold folder %d: %w", h.Folder, err)
	}
	return nil
}

// Holds lists what waits, newest first.
func (tx *Tx) Holds() (out []Hold, err error) {
	err = tx.c.query(func(r row) error {
		out = append(out, Hold{Folder: groupware.FolderID(r.int(0)), There: r.bool(1), Items: r.int(2), Of: r.int(3), At: time.UnixMilli(r.int(4)), Confirmed: r.int(5)})
		return nil
	}, "SELECT folder, there, items, total, at, confirmed FROM holds ORDER BY at DESC, folder, there")
	return out, err
}

// ConfirmHold notes that a person agrees to everything that waits in a folder now. It returns how many items that is; 0: nothing
// waits there.
func (tx *Tx) ConfirmHold(folder groupware.FolderID) (n int, err error) {
	if err := tx.writable(); err != nil {
		return 0, err
	}
	err = tx.c.query(func(r row) error {
		n += int(r.int(0))
		return nil
	}, "UPDATE holds SET confirmed = items WHERE folder = ? RETURNING items", folder)
	return n, err
}

// ClearHold forgets a hold. One that is not there is no error.
func (tx *Tx) ClearHold(folder groupware.FolderID, there bool) error {
	if err := tx.writable(); err != nil {
		return err
	}
	_, err := tx.c.exec("DELETE FROM holds WHERE folder = ? AND there = ?", folder, there)
	return err
}

// Doomed counts what the three states say is to be deleted of a folder: here because it is gone at the server and was not changed
// here, there because it was deleted here and the server still has it. Of is how many items both sides agreed on in it. It takes as
// long as there is something pending in the folder.
func (tx *Tx) Doomed(folder groupware.FolderID) (here, there, of int64, err error) {
	if err := tx.flush(); err != nil {
		return 0, 0, 0, err
	}
	// All of it follows from what is counted already and what is pending: gone is what is gone, without what was changed here; agreed is what
	// is here, without what is pending and was not agreed here, with what was and left.
	const gone = "remote AND EXISTS (SELECT 1 FROM remotes WHERE item = items.id AND gone)"
	const known = "base_remote NOT GLOB '[" + unanswered + "]*'"
	_, err = tx.c.one(func(r row) { here, there, of = r.int(0), r.int(1), r.int(2) }, `SELECT
		(SELECT count(*) FROM remotes INDEXED BY remotes_gone WHERE folder = ?1 AND gone)
			- count(*) FILTER (WHERE (folder IS NOT ?1 OR content IS NOT base_content) AND `+gone+`),
		count(*) FILTER (WHERE folder IS NULL AND `+known+` AND NOT (`+gone+`)),
		ifnull((SELECT items FROM folders WHERE id = ?1), 0) - (SELECT count(*) FROM items WHERE pending AND folder = ?1 AND base_folder IS NOT ?1)
			+ count(*) FILTER (WHERE folder IS NOT ?1 AND `+known+`)
		FROM items WHERE pending AND base_folder = ?1`, folder)
	return here, there, of, err
}
