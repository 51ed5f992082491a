package store

import (
	"fmt"
	"slices"

	"outpost/internal/groupware"
)

// What the engine saw at the server. Only what differs from base is written, so that observing an unchanged folder
// writes nothing. None of it is in the change feed: nothing changed here.

// remoteRow is a row of remotes.
type remoteRow struct {
	groupware.Remote
	item   groupware.ItemID // 0: only the server has it
	gone   bool
	failed bool
}

const remoteColumns = "folder, remote_id, ifnull(item, 0), gone, failed, tag, flags, keywords, ord, size"

func scanRemote(r row) remoteRow {
	return remoteRow{
		Remote: groupware.Remote{Folder: groupware.FolderID(r.int(0)), RemoteID: r.text(1), Tag: r.text(5),
			Flags: groupware.Flags{System: groupware.System(r.int(6)), Keywords: r.text(7)}, Order: r.int(8), Size: r.int(9)},
		item: groupware.ItemID(r.int(2)), gone: r.bool(3), failed: r.bool(4),
	}
}

// remoteAt finds the row of a place at the server.
func (tx *Tx) remoteAt(folder groupware.FolderID, remoteID string) (rr remoteRow, found bool, err error) {
	found, err = tx.c.one(func(r row) { rr = scanRemote(r) }, "SELECT "+remoteColumns+" FROM remotes WHERE folder = ? AND remote_id = ?", folder, remoteID)
	return rr, found, err
}

// remoteOf finds the row of an item.
func (tx *Tx) remoteOf(id groupware.ItemID) (rr remoteRow, found bool, err error) {
	found, err = tx.c.one(func(r row) { rr = scanRemote(r) }, "SELECT "+remoteColumns+" FROM remotes WHERE item = ?", id)
	return rr, found, err
}

// putRemote writes a row of remotes, over one of the same place.
func (tx *Tx) putRemote(rr remoteRow) error {
	var item any
	if rr.item != 0 {
		item = rr.item
	}
	_, err := tx.c.exec(`INSERT INTO remotes (folder, remote_id, item, gone, failed, tag, flags, keywords, ord, size) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
		ON CONFLICT (folder, remote_id) DO UPDATE SET item = ?3, gone = ?4, failed = ?5, tag = ?6, flags = ?7, keywords = ?8, ord = ?9, size = ?10`,
		rr.Folder, rr.RemoteID, item, rr.gone, rr.failed, rr.Tag, int(rr.Flags.System), rr.Flags.Keywords, rr.Order, rr.Size)
	if err != nil {
		return fmt.Errorf("observe %q in folder %d: %w", rr.RemoteID, rr.Folder, err)
	}
	return nil
}

// dropRemote removes the row of a place, and the failure to read it.
func (tx *Tx) dropRemote(rr remoteRow) error {
	if rr.item == 0 {
		if err := tx.clearFailures("item IS NULL AND folder = ? AND remote_id = ?", rr.Folder, rr.RemoteID); err != nil {
			return err
		}
	}
	_, err := tx.c.exec("DELETE FROM remotes WHERE folder = ? AND remote_id = ?", rr.Folder, rr.RemoteID)
	return err
}

// markRemote notes on an item whether remotes has a row of it.
func (tx *Tx) markRemote(id groupware.ItemID, has bool) error {
	_, err := tx.c.exec("UPDATE items SET remote = ? WHERE id = ? AND remote <> ?", has, id, has)
	return err
}

// agreedItem is the part of an item that observations are compared with.
type agreedItem struct {
	id     groupware.ItemID
	tag    string
	flags  groupware.Flags
	remote bool
}

// itemAt finds the item that was last agreed to be at that place.
func (tx *Tx) itemAt(folder groupware.FolderID, remoteID string) (a agreedItem, found bool, err error) {
	found, err = tx.c.one(func(r row) {
		a = agreedItem{id: groupware.ItemID(r.int(0)), tag: r.text(1), flags: groupware.Flags{System: groupware.System(r.int(2)), Keywords: r.text(3)}, remote: r.bool(4)}
	}, "SELECT id, base_tag, base_flags, base_keywords, remote FROM items WHERE base_folder = ? AND base_remote = ?", folder, remoteID)
	return a, found, err
}

// Observe notes what the server shows of items of folder. What equals base needs no row; one that was there goes. It returns how many
// observations told something new. Folder 0 means that each seen item names its own.
func (tx *Tx) Observe(folder groupware.FolderID, seen []groupware.Remote) (changed int, err error) {
	if err := tx.writable(); err != nil {
		return 0, err
	}
	for _, r := range seen {
		if folder != 0 {
			r.Folder = folder
		}
		if r.RemoteID == "" {
			return changed, fmt.Errorf("observe folder %d: an item without id", r.Folder)
		}
		news, err := tx.observe(r)
		if err != nil {
			return changed, err
		}
		if news {
			changed++
		}
	}
	return changed, nil
}

func (tx *Tx) observe(r groupware.Remote) (news bool, err error) {
	base, known, err := tx.itemAt(r.Folder, r.RemoteID)
	if err != nil {
		return false, err
	}
	asAgreed := known && base.tag == r.Tag && base.flags == r.Flags
	if asAgreed && !base.remote {
		return false, nil
	}
	if known && base.remote {
		// It was thought to be elsewhere: that is another item after all.
		row, found, err := tx.remoteOf(base.id)
		if err != nil {
			return false, err
		}
		if found && (row.Folder != r.Folder || row.RemoteID != r.RemoteID) {
			if err := tx.detachRemote(base.id); err != nil {
				return false, err
			}
			news = true
		}
	}
	old, had, err := tx.remoteAt(r.Folder, r.RemoteID)
	if err != nil {
		return false, err
	}
	if asAgreed {
		if had {
			if err := tx.dropRemote(old); err != nil {
				return false, err
			}
		}
		return true, tx.markRemote(base.id, false)
	}
	next := remoteRow{Remote: r, item: old.item}
	if known {
		next.item = base.id
	}
	if had {
		news = news || old.gone || old.Tag != r.Tag || old.Flags != r.Flags || old.item != next.item
		// What failed is tried again when it is another version.
		if next.failed = old.failed && old.Tag == r.Tag; next == old {
			return news, nil
		}
		if old.failed && !next.failed {
			if err := tx.ClearFailure(0, r.Folder, r.RemoteID); err != nil {
				return false, err
			}
		}
	} else {
		news = true
	}
	if err := tx.putRemote(next); err != nil {
		return false, err
	}
	if known && !base.remote {
		err = tx.markRemote(base.id, true)
	}
	return news, err
}

// ObserveGone notes that items are no longer at the server. Ids that are not known are passed over; what only the server had
// is forgotten.
func (tx *Tx) ObserveGone(folder groupware.FolderID, remoteIDs []string) (changed int, err error) {
	if err := tx.writable(); err != nil {
		return 0, err
	}
	for _, id := range remoteIDs {
		news, err := tx.observeGone(folder, id)
		if err != nil {
			return changed, err
		}
		if news {
			changed++
		}
	}
	return changed, nil
}

func (tx *Tx) observeGone(folder groupware.FolderID, remoteID string) (bool, error) {
	row, had, err := tx.remoteAt(folder, remoteID)
	if err != nil {
		return false, err
	}
	if had {
		switch {
		case row.gone:
			return false, nil
		case row.item == 0:
			return true, tx.dropRemote(row)
		}
		// What is gone is noted where it was agreed to be, also when it was last seen elsewhere.
		it, err := tx.load(row.item)
		if err != nil {
			return false, err
		}
		if err := tx.dropRemote(row); err != nil {
			return false, err
		}
		return true, tx.putGone(it.id, it.baseFolder, it.baseRemote, it.baseTag, it.baseFlags)
	}
	base, known, err := tx.itemAt(folder, remoteID)
	if err != nil || !known || base.remote { // with a row elsewhere: it moved there
		return false, err
	}
	return true, tx.putGone(base.id, folder, remoteID, base.tag, base.flags)
}

// putGone notes that an item is no longer where it was agreed to be.
func (tx *Tx) putGone(id groupware.ItemID, folder groupware.FolderID, remoteID, tag string, flags groupware.Flags) error {
	if err := tx.putRemote(remoteRow{Remote: groupware.Remote{Folder: folder, RemoteID: remoteID, Tag: tag, Flags: flags}, item: id, gone: true}); err != nil {
		return err
	}
	return tx.markRemote(id, true)
}

// ObserveAbsent notes after a full listing that every known item of folder that is not in present is gone. Present must
// be sorted.
func (tx *Tx) ObserveAbsent(folder groupware.FolderID, present []string) (changed int, err error) {
	if err := tx.writable(); err != nil {
		return 0, err
	}
	if !slices.IsSorted(present) {
		return 0, fmt.Errorf("observe folder %d: the listing is not sorted", folder)
	}
	var absent []string
	err = tx.c.query(func(r row) error {
		if id := r.text(0); !contains(present, id) {
			absent = append(absent, id)
		}
		return nil
	}, `SELECT base_remote FROM items WHERE base_folder = ?1 AND base_remote NOT LIKE '`+unanswered+`%' UNION ALL SELECT remote_id FROM remotes WHERE folder = ?1 AND NOT gone`, folder)
	if err != nil {
		return 0, err
	}
	slices.Sort(absent)
	return tx.ObserveGone(folder, slices.Compact(absent))
}

func contains(sorted []string, s string) bool {
	_, ok := slices.BinarySearch(sorted, s)
	return ok
}

// ObserveMoved notes that what only the server seemed to have at to is an item's new place.
func (tx *Tx) ObserveMoved(id groupware.ItemID, to groupware.Remote) error {
	if err := tx.writable(); err != nil {
		return err
	}
	it, err := tx.load(id)
	if err != nil {
		return err
	}
	if it.baseFolder == 0 {
		return fmt.Errorf("item %d was never at the server: it cannot have moved there", id)
	}
	there, had, err := tx.remoteAt(to.Folder, to.RemoteID)
	if err != nil {
		return err
	}
	if had && there.item != 0 && there.item != id {
		return fmt.Errorf("item %d cannot be at %q of folder %d: item %d is", id, to.RemoteID, to.Folder, there.item)
	}
	if other, known, err := tx.itemAt(to.Folder, to.RemoteID); err != nil || known && other.id != id {
		if err == nil {
			err = fmt.Errorf("item %d cannot be at %q of folder %d: item %d is", id, to.RemoteID, to.Folder, other.id)
		}
		return err
	}
	if had {
		if err := tx.dropRemote(there); err != nil {
			return err
		}
	}
	if _, err := tx.c.exec("DELETE FROM remotes WHERE item = ?", id); err != nil {
		return err
	}
	if it.baseEquals(to) {
		return tx.markRemote(id, false)
	}
	if err := tx.putRemote(remoteRow{Remote: to, item: id}); err != nil {
		return err
	}
	return tx.markRemote(id, true)
}

// baseEquals reports whether the server shows what was agreed.
func (it *item) baseEquals(r groupware.Remote) bool {
	return it.baseFolder != 0 && it.baseFolder == r.Folder && it.baseRemote == r.RemoteID && it.baseTag == r.Tag && it.baseFlags == r.Flags
}

// Gone is an item that the server no longer has where it was.
type Gone struct {
	Item groupware.ItemID
	// Identity is "Message-ID/size" of the agreed content, by which its new place is recognised; "" for what is not
	// mail or has no Message-ID.
	Identity string
}

// GoneItems lists the items that are gone from folder (0: from any), and are not known to be elsewhere.
func (tx *Tx) GoneItems(folder groupware.FolderID) ([]Gone, error) {
	var ids []groupware.ItemID
	err := tx.c.query(func(r row) error {
		ids = append(ids, groupware.ItemID(r.int(0)))
		return nil
	}, "SELECT item FROM remotes WHERE gone AND (?1 = 0 OR folder = ?1)", folder)
	if err != nil {
		return nil, err
	}
	out := make([]Gone, 0, len(ids))
	for _, id := range ids {
		it, err := tx.load(id)
		if err != nil {
			return nil, err
		}
		g := Gone{Item: id}
		if it.kind == groupware.KindMail && it.media == groupware.MediaMessage {
			if g.Identity, err = tx.identity(&it); err != nil {
				return nil, err
			}
		}
		out = append(out, g)
	}
	return out, nil
}

// forgetRemotes forgets what the server holds in a folder that goes: the rows of items are gone, others go. What was moved there from a place where it
// is still agreed to be is gone from that place.
func (tx *Tx) forgetRemotes(folder groupware.FolderID) error {
	moved, err := tx.itemIDs(`SELECT items.id FROM remotes JOIN items ON items.id = remotes.item
		WHERE remotes.folder = ?1 AND base_folder IS NOT NULL AND base_folder <> ?1 AND base_remote <> '' ORDER BY 1`, folder)
	if err != nil {
		return err
	}
	if _, err := tx.c.exec("UPDATE items SET remote = 0 WHERE id IN (SELECT item FROM remotes WHERE folder = ? AND item IS NOT NULL)", folder); err != nil {
		return err
	}
	if err := tx.clearFailures("folder = ?", folder); err != nil {
		return err
	}
	if _, err := tx.c.exec("DELETE FROM remotes WHERE folder = ?", folder); err != nil {
		return err
	}
	for _, id := range moved {
		it, err := tx.load(id)
		if err != nil {
			return err
		}
		if err := tx.putGone(id, it.baseFolder, it.baseRemote, it.baseTag, it.baseFlags); err != nil {
			return err
		}
	}
	return nil
}
