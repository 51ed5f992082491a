package store

import (
	"fmt"
	"strconv"
	"time"

	"outpost/internal/groupware"
)

// What a person does. Each is one change of the local state; that it differs from what was agreed is all the engine
// needs to know (DESIGN, law 1).

// Add puts a new item into a folder. Received is when it came; zero means now.
func (tx *Tx) Add(folder groupware.FolderID, p *Prepared, flags groupware.Flags, received time.Time) (groupware.ItemID, error) {
	if err := tx.writable(); err != nil {
		return 0, err
	}
	if err := tx.holdsItems(folder); err != nil {
		return 0, err
	}
	if received.IsZero() {
		received = tx.now
	}
	blob, err := tx.putBlob(p.content, 1)
	if err != nil {
		return 0, err
	}
	it := item{folder: folder, flags: flags, content: blob}
	it.apply(p, received)
	if err := tx.add(&it); err != nil {
		return 0, err
	}
	tx.index(&it, p)
	return it.id, nil
}

// SetContent replaces an item's bytes.
func (tx *Tx) SetContent(id groupware.ItemID, p *Prepared) error {
	return tx.edit(id, func(it *item) error {
		blob, err := tx.putBlob(p.content, 0)
		if err != nil {
			return err
		}
		it.content = blob
		it.apply(p, time.Time{})
		tx.index(it, p)
		return nil
	})
}

// SetFlags replaces an item's flags.
func (tx *Tx) SetFlags(id groupware.ItemID, flags groupware.Flags) error {
	return tx.edit(id, func(it *item) error {
		it.flags = flags
		return nil
	})
}

// SetFolder moves an item.
func (tx *Tx) SetFolder(id groupware.ItemID, folder groupware.FolderID) error {
	if err := tx.holdsItems(folder); err != nil {
		return err
	}
	return tx.edit(id, func(it *item) error {
		it.folder = folder
		return nil
	})
}

// Delete makes an item absent here. The row of one that was agreed on stays until the server agrees; so does that of one
// that was sent there and not answered yet (IsUnanswered): it may have become one.
func (tx *Tx) Delete(id groupware.ItemID) error {
	return tx.edit(id, func(it *item) error {
		if it.baseFolder == 0 {
			_, err := tx.c.one(func(r row) { it.baseFolder, it.baseContent = groupware.FolderID(r.int(0)), r.int(1) },
				"SELECT folder, content FROM intents WHERE item = ?", id)
			if err != nil {
				return err
			}
			if it.baseFolder != 0 {
				it.baseRemote = unanswered + strconv.FormatInt(int64(id), 10)
			}
		}
		it.dropLocal()
		return nil
	})
}

// Copy adds a second item of the same content and flags to a folder; ErrNotWhole when not all of it is here.
func (tx *Tx) Copy(id groupware.ItemID, folder groupware.FolderID) (groupware.ItemID, error) {
	if err := tx.writable(); err != nil {
		return 0, err
	}
	if err := tx.holdsItems(folder); err != nil {
		return 0, err
	}
	it, err := tx.local(id)
	if err != nil {
		return 0, err
	}
	if it.body != bodyWhole {
		return 0, fmt.Errorf("copy item %d: %w", id, ErrNotWhole)
	}
	it.dropBase()
	it.folder, it.remote = folder, false
	if err := tx.retain(it.content, 1); err != nil {
		return 0, err
	}
	return it.id, tx.add(&it)
}

// edit changes an item that is here.
func (tx *Tx) edit(id groupware.ItemID, change func(*item) error) error {
	if err := tx.writable(); err != nil {
		return err
	}
	it, err := tx.local(id)
	if err != nil {
		return err
	}
	next := it
	if err := change(&next); err != nil {
		return err
	}
	return tx.save(&it, &next)
}

// holdsItems refuses folders that are not there or hold only folders.
func (tx *Tx) holdsItems(id groupware.FolderID) error {
	var noItems, deleted bool
	var name string
	found, err := tx.c.one(func(r row) { name, noItems, deleted = r.text(0), r.bool(1), r.bool(2) }, "SELECT name, no_items, deleted FROM folders WHERE id = ?", id)
	switch {
	case err != nil:
		return err
	case !found || deleted:
		return fmt.Errorf("folder %d: %w", id, ErrNotFound)
	case noItems:
		return fmt.Errorf("folder %q only holds other folders", name)
	}
	return nil
}

// index hands an item's words to the index, for after the commit.
func (tx *Tx) index(it *item, p *Prepared) {
	tx.indexed = append(tx.indexed, indexDoc{item: it.id, content: it.content, date: it.date, tokens: p.tokens})
}
