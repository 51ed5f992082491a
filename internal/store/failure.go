package store

import (
	"fmt"
	"time"

	"outpost/internal/groupware"
)

// Failure says that something could not be brought over and why. Item is 0 for what only the server has, named by
// Folder and RemoteID, and for the folder itself, with RemoteID "".
type Failure struct {
	Number   int64 // by which a person names it; never used again
	Item     groupware.ItemID
	Folder   groupware.FolderID
	RemoteID string
	Doing    string // "download", "upload to Drafts"
	Code     string // kind of the error, in the words of remote.ErrorKind; "" is no special kind
	Text     string // what went wrong, for a person
	At       time.Time
	Tries    int    // the store counts them
	Again    bool   // it is to be tried again (RetryFailure) and was not yet
	Raw      []byte // what was read although it could not be understood; only for SetFailure, see FailureRaw
	HasRaw   bool
}

const failureColumns = "number, ifnull(item, 0), folder, remote_id, doing, code, text, at, tries, again, raw IS NOT NULL"

func scanFailure(r row) Failure {
	return Failure{Number: r.int(0), Item: groupware.ItemID(r.int(1)), Folder: groupware.FolderID(r.int(2)), RemoteID: r.text(3), Doing: r.text(4),
		Code: r.text(5), Text: r.text(6), At: time.UnixMilli(r.int(7)), Tries: int(r.int(8)), Again: r.bool(9), HasRaw: r.bool(10)}
}

// SetFailure remembers a failure. Another one of the same item, or of the same place at the server, keeps its Number, is one try
// more, and keeps what was read when f.Raw is nil. What only the server has is no longer Missing until ClearFailure or
// RetryFailure, or until the server shows another version of it.
func (tx *Tx) SetFailure(f Failure) error {
	if err := tx.writable(); err != nil {
		return err
	}
	var item any // NULL: none
	same, args := "item IS NULL AND folder = ? AND remote_id = ?", []any{f.Folder, f.RemoteID}
	if f.Item != 0 {
		same, args = "item = ?", []any{f.Item}
		it, err := tx.load(f.Item)
		if err != nil {
			return err
		}
		if item = f.Item; f.Folder == 0 {
			f.Folder = max(it.folder, it.baseFolder)
		}
	} else if _, err := tx.c.exec("UPDATE remotes SET failed = 1 WHERE folder = ? AND remote_id = ? AND item IS NULL", f.Folder, f.RemoteID); err != nil {
		return err
	}
	var number, old int64
	if _, err := tx.c.one(func(r row) { number, old = r.int(0), r.int(1) },
		"SELECT number, ifnull(raw, 0) FROM failures WHERE "+same, args...); err != nil {
		return err
	}
	raw, err := tx.replaceBlob(old, f.Raw, f.Raw == nil)
	if err != nil {
		return err
	}
	if number != 0 {
		_, err = tx.c.exec("UPDATE failures SET folder = ?, remote_id = ?, doing = ?, code = ?, text = ?, at = ?, tries = tries + 1, again = 0, raw = ? WHERE number = ?",
			f.Folder, f.RemoteID, f.Doing, f.Code, f.Text, f.At.UnixMilli(), raw, number)
	} else {
		_, err = tx.c.exec("INSERT INTO failures (item, folder, remote_id, doing, code, text, at, tries, again, raw) VALUES (?, ?, ?, ?, ?, ?, ?, 1, 0, ?)",
			item, f.Folder, f.RemoteID, f.Doing, f.Code, f.Text, f.At.UnixMilli(), raw)
	}
	if err != nil {
		return fmt.Errorf("remember a failure in folder %d: %w", f.Folder, err)
	}
	return nil
}

// replaceBlob stores bytes beside what names them in place of the blob old (0: there was none), unless that is to be kept. It
// returns the blob, or nil for NULL where there is none.
func (tx *Tx) replaceBlob(old int64, raw []byte, keep bool) (blob any, err error) {
	if keep {
		if old == 0 {
			return nil, nil
		}
		return old, nil
	}
	if raw != nil {
		if blob, err = tx.putBlob(pack(raw), 1); err != nil {
			return nil, err
		}
	}
	if old != 0 {
		err = tx.release(old)
	}
	return blob, err
}

// Failures lists the failures of a folder, or with 0 all, newest first.
func (tx *Tx) Failures(folder groupware.FolderID) (out []Failure, err error) {
	err = tx.c.query(func(r row) error {
		out = append(out, scanFailure(r))
		return nil
	}, "SELECT "+failureColumns+" FROM failures WHERE ?1 = 0 OR folder = ?1 ORDER BY at DESC, number", folder)
	return out, err
}

// Failure returns the failure of a number, ErrNotFound when there is none (any more).
func (tx *Tx) Failure(number int64) (f Failure, err error) {
	found, err := tx.c.one(func(r row) { f = scanFailure(r) }, "SELECT "+failureColumns+" FROM failures WHERE number = ?", number)
	if err == nil && !found {
		err = fmt.Errorf("failure %d: %w", number, ErrNotFound)
	}
	return f, err
}

// FailureRaw returns what was read although it could not be understood, ErrNotFound when nothing was.
func (tx *Tx) FailureRaw(number int64) ([]byte, error) {
	blob, err := tx.c.number("SELECT raw FROM failures WHERE number = ?", number)
	if err == nil && blob == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("what was read of failure %d: %w", number, err)
	}
	raw, _, err := tx.blobBytes(blob)
	return raw, err
}

// FailureCount counts all failures.
func (tx *Tx) FailureCount() (int64, error) {
	return tx.c.number("SELECT count(*) FROM failures")
}

// RetryFailure lets what failed be tried again: it is Missing or Thin again. The failure stays until that is done, or fails again.
func (tx *Tx) RetryFailure(number int64) error {
	f, err := tx.Failure(number)
	if err != nil {
		return err
	}
	if err := tx.writable(); err != nil || f.Again {
		return err
	}
	if _, err := tx.c.exec("UPDATE failures SET again = 1 WHERE number = ?", number); err != nil || f.Item != 0 {
		return err
	}
	return tx.unfail(f.Folder, f.RemoteID)
}

// unfail makes what only the server has Missing again.
func (tx *Tx) unfail(folder groupware.FolderID, remoteID string) error {
	_, err := tx.c.exec("UPDATE remotes SET failed = 0 WHERE folder = ? AND remote_id = ? AND failed", folder, remoteID)
	return err
}

// ClearFailure forgets the failure of an item, or with item 0 of what only the server has at that place: it is
// Missing again. One that is not there is no error.
func (tx *Tx) ClearFailure(item groupware.ItemID, folder groupware.FolderID, remoteID string) error {
	if err := tx.writable(); err != nil {
		return err
	}
	if item != 0 {
		return tx.clearFailures("item = ?", item)
	}
	if err := tx.clearFailures("item IS NULL AND folder = ? AND remote_id = ?", folder, remoteID); err != nil {
		return err
	}
	return tx.unfail(folder, remoteID)
}

// clearFailures removes the failures that a condition selects, and what was read of them.
func (tx *Tx) clearFailures(where string, args ...any) error {
	return tx.releasing("DELETE FROM failures WHERE "+where+" RETURNING raw", args...)
}

// releasing runs a statement that returns the blobs that it no longer names, NULL for none.
func (tx *Tx) releasing(sql string, args ...any) error {
	var blobs []int64
	err := tx.c.query(func(r row) error {
		if b := r.int(0); b != 0 {
			blobs = append(blobs, b)
		}
		return nil
	}, sql, args...)
	for _, b := range blobs {
		if err == nil {
			err = tx.release(b)
		}
	}
	return err
}
