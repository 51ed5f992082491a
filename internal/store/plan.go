package store

import (
	"strconv"
	"strings"

	"outpost/internal/format"
	"outpost/internal/groupware"
)

// What the engine plans from.

// Triple returns an item's three states.
func (tx *Tx) Triple(id groupware.ItemID) (groupware.Triple, error) {
	it, err := tx.load(id)
	if err != nil {
		return groupware.Triple{}, err
	}
	return tx.triple(&it)
}

// TripleByRemote returns the three states of what the server has, or had when both agreed, at that place.
func (tx *Tx) TripleByRemote(folder groupware.FolderID, remoteID string) (groupware.Triple, bool, error) {
	rr, found, err := tx.remoteAt(folder, remoteID)
	switch {
	case err != nil:
		return groupware.Triple{}, false, err
	case found && rr.item == 0:
		return groupware.Triple{Remote: &rr.Remote}, true, nil
	case found:
		t, err := tx.Triple(rr.item)
		return t, err == nil, err
	}
	base, found, err := tx.itemAt(folder, remoteID)
	if err != nil || !found {
		return groupware.Triple{}, false, err
	}
	t, err := tx.Triple(base.id)
	return t, err == nil, err
}

func (tx *Tx) triple(it *item) (t groupware.Triple, err error) {
	t.Item = it.id
	if it.folder != 0 {
		l := groupware.Local{Folder: it.folder, Flags: it.flags}
		if l.Content, err = tx.contentHash(it.content); err != nil {
			return t, err
		}
		t.Local = &l
	}
	if it.baseFolder != 0 {
		b := groupware.Base{Folder: it.baseFolder, RemoteID: it.baseRemote, Tag: it.baseTag, Flags: it.baseFlags}
		if it.baseContent == it.content {
			b.Content = t.Local.Content
		} else if b.Content, err = tx.contentHash(it.baseContent); err != nil {
			return t, err
		}
		t.Base = &b
	}
	if !it.remote {
		if b := t.Base; b != nil {
			t.Remote = &groupware.Remote{Folder: b.Folder, RemoteID: b.RemoteID, Tag: b.Tag, Flags: b.Flags}
		}
		return t, nil
	}
	rr, found, err := tx.remoteOf(it.id)
	if err == nil && found && !rr.gone {
		t.Remote = &rr.Remote
	}
	return t, err
}

// Pending lists items whose local state differs from base or of which the server shows something else than base, with
// their base, local or remote in folder: those after an id, by id. Limit bounds the answer.
func (tx *Tx) Pending(folder groupware.FolderID, after groupware.ItemID, limit int) ([]groupware.Triple, error) {
	return tx.triples(`SELECT id FROM items WHERE pending AND folder = ?1 AND id > ?2
		UNION SELECT id FROM items WHERE pending AND base_folder = ?1 AND id > ?2
		UNION SELECT item FROM remotes WHERE item IS NOT NULL AND folder = ?1 AND item > ?2 ORDER BY 1 LIMIT ?3`, folder, after, limit)
}

func (tx *Tx) triples(sql string, args ...any) ([]groupware.Triple, error) {
	ids, err := tx.itemIDs(sql, args...)
	if err != nil {
		return nil, err
	}
	out := make([]groupware.Triple, 0, len(ids))
	for _, id := range ids {
		t, err := tx.Triple(id)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// unshared selects items that no server is to know: new ones in folders that exist only here.
const unshared = "base_folder IS NULL AND NOT remote AND folder IN (SELECT id FROM folders WHERE service = '')"

// folderWaits selects folders (f) that are created, renamed, moved or deleted here and not yet at the server. One that has another
// name here because its own was taken does not wait: that is the name with its kind in parentheses.
const folderWaits = `f.service <> '' AND f.role NOT IN ('outbox', 'conflicts', 'local-failures') AND (f.deleted OR f.remote_id = ''
	OR f.remote_parent <> ifnull((SELECT remote_id FROM folders WHERE id = f.parent), '')
	OR f.name <> f.remote_name AND NOT (substr(f.name, 1, length(f.remote_name || f.kind) + 2) = f.remote_name || ' (' || f.kind AND substr(f.name, -1) = ')'))`

// PendingCount counts the items whose states differ, and the folders that were created, renamed, moved or deleted here and not yet
// at the server. Items that are only in folders that exist only here do not count.
func (tx *Tx) PendingCount() (int64, error) {
	return tx.c.number("SELECT (SELECT count(*) FROM items WHERE pending) - (SELECT count(*) FROM items WHERE pending AND " + unshared +
		") + (SELECT count(*) FROM folders f WHERE " + folderWaits + ")")
}

// PendingFolders lists the folders that Pending finds something in. Folders that exist only here are left out, unless
// something was moved there.
func (tx *Tx) PendingFolders() ([]groupware.FolderID, error) {
	var ids []groupware.FolderID
	err := tx.c.query(func(r row) error {
		ids = append(ids, groupware.FolderID(r.int(0)))
		return nil
	}, "SELECT folder FROM items WHERE folder IS NOT NULL AND pending AND NOT ("+unshared+") UNION SELECT base_folder FROM items WHERE base_folder IS NOT NULL AND pending "+
		"UNION SELECT folder FROM remotes WHERE item IS NOT NULL ORDER BY 1")
	return ids, err
}

// Missing lists what only the server has in a folder, newest first, without what could not be read (SetFailure).
func (tx *Tx) Missing(folder groupware.FolderID, limit int) ([]groupware.Remote, error) {
	var out []groupware.Remote
	err := tx.c.query(func(r row) error {
		out = append(out, scanRemote(r).Remote)
		return nil
	}, "SELECT "+remoteColumns+" FROM remotes WHERE folder = ? AND item IS NULL AND NOT failed ORDER BY ord DESC, remote_id DESC LIMIT ?", folder, limit)
	return out, err
}

// MissingCount counts what Missing lists, and its bytes as far as these are known. Folder 0 means all.
func (tx *Tx) MissingCount(folder groupware.FolderID) (items, bytes int64, err error) {
	_, err = tx.c.one(func(r row) { items, bytes = r.int(0), r.int(1) },
		"SELECT count(*), ifnull(sum(size), 0) FROM remotes WHERE (?1 = 0 OR folder = ?1) AND item IS NULL AND NOT failed", folder)
	return items, bytes, err
}

// Wanting lists the folders in which something is to be read: Missing finds something, or Thin does and the mode is whole.
func (tx *Tx) Wanting() (ids []groupware.FolderID, err error) {
	err = tx.c.query(func(r row) error {
		ids = append(ids, groupware.FolderID(r.int(0)))
		return nil
	}, `SELECT id FROM folders AS f WHERE EXISTS (SELECT 1 FROM remotes WHERE folder = f.id AND item IS NULL AND NOT failed)
		OR mode = 'whole' AND EXISTS (SELECT 1 FROM items WHERE body < 2 AND folder = f.id AND base_folder IS NOT NULL)`)
	return ids, err
}

// Twin finds an agreed item that was added after the given one and has the same bytes, where that is here rather than elsewhere: what
// a move at the server looks like whose other end was read as a new item. It is 0 when there is none.
func (tx *Tx) Twin(id groupware.ItemID) (groupware.ItemID, error) {
	twin, err := tx.c.number(`SELECT t.id FROM items AS i CROSS JOIN folders AS f CROSS JOIN items AS t ON t.folder = f.id AND t.date = i.date
		WHERE i.id = ? AND NOT f.deleted AND t.id > i.id AND t.base_folder = t.folder AND t.content = i.content AND t.base_content = i.content
		ORDER BY t.folder <> i.folder LIMIT 1`, id)
	return groupware.ItemID(twin), err
}

// Thin lists items of a folder that both sides have and of which not every byte is here, newest first, without those
// that could not be read.
func (tx *Tx) Thin(folder groupware.FolderID, limit int) ([]groupware.Triple, error) {
	return tx.triples(`SELECT id FROM items WHERE body < 2 AND folder = ? AND base_folder IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM remotes WHERE item = items.id AND gone) AND NOT EXISTS (SELECT 1 FROM failures WHERE item = items.id AND NOT again)
		ORDER BY date DESC, id DESC LIMIT ?`, folder, limit)
}

// BaseRaw returns the bytes that both sides last agreed on; ErrNotWhole when not all of them are here.
func (tx *Tx) BaseRaw(id groupware.ItemID) ([]byte, error) {
	it, err := tx.load(id)
	if err != nil {
		return nil, err
	}
	if it.baseFolder == 0 {
		return nil, ErrNotFound
	}
	raw, form, err := tx.blobBytes(it.baseContent)
	if err == nil && form&formPartial != 0 {
		err = ErrNotWhole
	}
	return raw, err
}

// identity names the mail of an item's base: its Message-ID and exact size.
func (tx *Tx) identity(it *item) (string, error) {
	id, size := it.messageID, it.size
	if it.content != it.baseContent && it.baseFolder != 0 {
		raw, form, err := tx.blobBytes(it.baseContent)
		if err != nil {
			return "", err
		}
		if form&formPartial != 0 {
			p, err := decodePartial(raw)
			if err != nil {
				return "", err
			}
			id, size = format.DerivePartial(p).MessageID, p.Size
		} else {
			id, size = format.Derive(it.media, raw).MessageID, int64(len(raw))
		}
	}
	if id = strings.TrimSpace(id); id == "" {
		return "", nil
	}
	return id + "/" + strconv.FormatInt(size, 10), nil
}

// ItemIDs lists the items of a folder, as it is here or as was agreed: those after an id, by id. Limit bounds the answer.
func (tx *Tx) ItemIDs(folder groupware.FolderID, after groupware.ItemID, limit int) ([]groupware.ItemID, error) {
	return tx.itemIDs(`SELECT id FROM items WHERE folder IS NOT NULL AND folder = ?1 AND id > ?2
		UNION SELECT id FROM items WHERE base_folder IS NOT NULL AND base_folder = ?1 AND id > ?2 ORDER BY 1 LIMIT ?3`, folder, after, limit)
}
