package store

import (
	"fmt"
	"strings"
	"time"

	"outpost/internal/groupware"
)

// Conflict says that an item was changed on both sides in ways that do not go together (SPEC C7). It ends when our version is
// deleted, or moved out of the folder Conflicts.
type Conflict struct {
	Item    groupware.ItemID   // our version, in the folder Conflicts
	Of      groupware.ItemID   // the item with the server's version; 0: it is no longer there
	Folder  groupware.FolderID // where that is, or was; 0: the folder is gone
	Notice  groupware.ItemID   // the message in the Inbox that tells of it; 0: none
	Clashes []string           // names of properties
	At      time.Time
}

// SetConflict remembers a conflict, over an earlier one of that item. Base is what both versions came from; nil: it is not known.
func (tx *Tx) SetConflict(c Conflict, base []byte) error {
	if err := tx.writable(); err != nil {
		return err
	}
	if _, err := tx.local(c.Item); err != nil {
		return err
	}
	old, err := tx.c.number("SELECT base FROM conflicts WHERE item = ?", c.Item)
	if err != nil {
		return err
	}
	blob, err := tx.replaceBlob(old, base, false)
	if err != nil {
		return err
	}
	names := make([]string, len(c.Clashes))
	for i, n := range c.Clashes {
		names[i] = strings.Join(strings.Fields(column(n)), " ")
	}
	_, err = tx.c.exec(`INSERT INTO conflicts (item, theirs, folder, notice, clashes, base, at) VALUES (?1, nullif(?2, 0), nullif(?3, 0), nullif(?4, 0), ?5, ?6, ?7)
		ON CONFLICT (item) DO UPDATE SET theirs = nullif(?2, 0), folder = nullif(?3, 0), notice = nullif(?4, 0), clashes = ?5, base = ?6, at = ?7`,
		c.Item, c.Of, c.Folder, c.Notice, strings.Join(names, "\n"), blob, c.At.UnixMilli())
	if err != nil {
		return fmt.Errorf("remember the conflict of item %d: %w", c.Item, err)
	}
	return nil
}

// An item that was deleted here is no longer there, also while the server does not know that yet.
const selectConflicts = `SELECT c.item, ifnull(t.id, 0), coalesce(t.folder, c.folder, 0), ifnull(n.id, 0), c.clashes, c.at FROM conflicts c
	LEFT JOIN items t ON t.id = c.theirs AND t.folder IS NOT NULL LEFT JOIN items n ON n.id = c.notice AND n.folder IS NOT NULL`

func scanConflict(r row) Conflict {
	c := Conflict{Item: groupware.ItemID(r.int(0)), Of: groupware.ItemID(r.int(1)), Folder: groupware.FolderID(r.int(2)), Notice: groupware.ItemID(r.int(3)),
		At: time.UnixMilli(r.int(5))}
	if names := r.text(4); names != "" {
		c.Clashes = strings.Split(names, "\n")
	}
	return c
}

// Conflicts lists the conflicts, newest first.
func (tx *Tx) Conflicts() (out []Conflict, err error) {
	err = tx.c.query(func(r row) error {
		out = append(out, scanConflict(r))
		return nil
	}, selectConflicts+" ORDER BY c.at DESC, c.item")
	return out, err
}

// Conflict returns the conflict whose local version an item is, ErrNotFound when it is none.
func (tx *Tx) Conflict(item groupware.ItemID) (c Conflict, err error) {
	found, err := tx.c.one(func(r row) { c = scanConflict(r) }, selectConflicts+" WHERE c.item = ?", item)
	if err == nil && !found {
		err = fmt.Errorf("conflict of item %d: %w", item, ErrNotFound)
	}
	return c, err
}

// ConflictBase returns what both versions came from: nil when that is not known, ErrNotFound when there is no such conflict.
func (tx *Tx) ConflictBase(item groupware.ItemID) ([]byte, error) {
	var blob int64
	found, err := tx.c.one(func(r row) { blob = r.int(0) }, "SELECT base FROM conflicts WHERE item = ?", item)
	if err == nil && !found {
		err = fmt.Errorf("conflict of item %d: %w", item, ErrNotFound)
	}
	if err != nil || blob == 0 {
		return nil, err
	}
	raw, _, err := tx.blobBytes(blob)
	return raw, err
}

// clearConflicts removes the conflicts that a condition selects, and what their versions came from.
func (tx *Tx) clearConflicts(where string, args ...any) error {
	return tx.releasing("DELETE FROM conflicts WHERE "+where+" RETURNING base", args...)
}
