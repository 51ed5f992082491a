package store

import (
	"errors"
	"fmt"
	"time"

	"outpost/internal/groupware"
)

// What the engine does with what it planned.

// Download turns what only the server had into an item on which both agree. It may be repeated: of an item that is
// there it only adds bytes that were missing.
func (tx *Tx) Download(r groupware.Remote, p *Prepared, received time.Time) (groupware.ItemID, error) {
	if err := tx.writable(); err != nil {
		return 0, err
	}
	rr, had, err := tx.remoteAt(r.Folder, r.RemoteID)
	if err != nil {
		return 0, err
	}
	id := rr.item
	if id == 0 {
		base, _, err := tx.itemAt(r.Folder, r.RemoteID)
		if err != nil {
			return 0, err
		}
		id = base.id
	}
	if id != 0 {
		return id, tx.complete(id, p, received)
	}
	blob, err := tx.putBlob(p.content, 2)
	if err != nil {
		return 0, err
	}
	if had {
		if err := tx.dropRemote(rr); err != nil {
			return 0, err
		}
	}
	it := item{folder: r.Folder, flags: r.Flags, content: blob,
		baseFolder: r.Folder, baseRemote: r.RemoteID, baseTag: r.Tag, baseFlags: r.Flags, baseContent: blob}
	if received.IsZero() && p.summary.date == 0 {
		received = tx.now
	}
	it.apply(p, received)
	if err := tx.add(&it); err != nil {
		return 0, err
	}
	tx.index(&it, p)
	return it.id, nil
}

// complete gives an item the bytes that were missing.
func (tx *Tx) complete(id groupware.ItemID, p *Prepared, received time.Time) error {
	it, err := tx.load(id)
	if err != nil {
		return err
	}
	if _, form, err := tx.blobHash(it.baseContent); err != nil || form&formPartial == 0 || !p.whole {
		return err
	}
	next := it
	if next.baseContent, err = tx.putBlob(p.content, 0); err != nil {
		return err
	}
	if it.content == it.baseContent {
		next.content = next.baseContent
		next.apply(p, received)
		tx.index(&next, p)
	}
	return tx.save(&it, &next)
}

// Take sets an item's local and base states as the engine decided, as one step. Local nil: the item vanishes here. Base nil: it
// is only here, and will be uploaded. Both nil: the row goes. P, when given, becomes the content of local, and of base when
// base.Content is its Hash; nil leaves the contents that the states name. Then what the server shows is
// forgotten if it is what base now says, or if it shows nothing and base is nil.
func (tx *Tx) Take(id groupware.ItemID, local *groupware.Local, base *groupware.Base, p *Prepared) error {
	if err := tx.writable(); err != nil {
		return err
	}
	it, err := tx.load(id)
	if err != nil {
		return err
	}
	next := it
	if local == nil {
		next.dropLocal()
	} else {
		next.folder, next.flags = local.Folder, local.Flags
		if p != nil {
			if next.content, err = tx.putBlob(p.content, 0); err != nil {
				return err
			}
			next.apply(p, time.Time{})
			tx.index(&next, p)
		} else if next.content, err = tx.resolve(local.Content, it.content, it.baseContent); err != nil {
			return fmt.Errorf("item %d: local content: %w", id, err)
		} else if next.content != it.content {
			if err := tx.summariseAgain(&next); err != nil {
				return err
			}
		}
	}
	if base == nil {
		next.dropBase()
	} else {
		next.baseFolder, next.baseRemote, next.baseTag, next.baseFlags = base.Folder, base.RemoteID, base.Tag, base.Flags
		switch {
		case p != nil && base.Content == p.Hash():
			if next.baseContent, err = tx.putBlob(p.content, 0); err != nil {
				return err
			}
		default:
			if next.baseContent, err = tx.resolve(base.Content, it.baseContent, next.content, it.content); err != nil {
				return fmt.Errorf("item %d: agreed content: %w", id, err)
			}
		}
	}
	if err := tx.takeRemote(&it, &next); err != nil {
		return err
	}
	return tx.save(&it, &next)
}

// takeRemote brings what the server shows of an item in line with its new base, and sets next.remote.
func (tx *Tx) takeRemote(old, next *item) error {
	had := old.remote
	if had && next.baseFolder != 0 && (old.baseFolder != next.baseFolder || old.baseRemote != next.baseRemote) {
		// The item is agreed to be elsewhere: what the server shows, or no longer shows, at the old place is not it.
		rr, found, err := tx.remoteOf(next.id)
		if err != nil {
			return err
		}
		if found && rr.Folder == old.baseFolder && rr.RemoteID == old.baseRemote {
			had = false
			if err := tx.detachRemote(next.id); err != nil {
				return err
			}
		}
	}
	if next.baseFolder == 0 {
		if had {
			if err := tx.detachRemote(next.id); err != nil {
				return err
			}
		}
		next.remote = false
		return nil
	}
	// Something that only the server seemed to have may be where the item is now agreed to be.
	there, found, err := tx.remoteAt(next.baseFolder, next.baseRemote)
	if err != nil {
		return err
	}
	if found && there.item == 0 {
		if had {
			if _, err := tx.c.exec("DELETE FROM remotes WHERE item = ?", next.id); err != nil {
				return err
			}
		}
		there.item, there.failed = next.id, false
		if err := tx.ClearFailure(0, there.Folder, there.RemoteID); err != nil {
			return err
		}
		if err := tx.putRemote(there); err != nil {
			return err
		}
		had = true
	}
	if !had {
		next.remote = false
		return nil
	}
	rr, found, err := tx.remoteOf(next.id)
	if err != nil {
		return err
	}
	if found && !rr.gone && next.baseEquals(rr.Remote) {
		found = false
		if err := tx.dropRemote(rr); err != nil {
			return err
		}
	}
	next.remote = found
	return nil
}

// resolve finds the blob that a state's Content names: one of candidates, or any of that hash. A zero Content names the
// first candidate that is not whole.
func (tx *Tx) resolve(h groupware.Hash, candidates ...int64) (int64, error) {
	for _, c := range candidates {
		if c == 0 {
			continue
		}
		have, err := tx.contentHash(c)
		if err != nil {
			return 0, err
		}
		if have == h {
			return c, nil
		}
	}
	if h != (groupware.Hash{}) {
		if id, err := tx.findBlob(h); err != nil || id != 0 {
			return id, err
		}
	}
	return 0, errors.New("its bytes are not here")
}

// summariseAgain derives an item's summary from its content.
func (tx *Tx) summariseAgain(it *item) error {
	p, err := tx.prepareAgain(it)
	if err != nil {
		return err
	}
	it.apply(p, time.Time{})
	tx.index(it, p)
	return nil
}

// prepareAgain derives from an item's content what Prepare did.
func (tx *Tx) prepareAgain(it *item) (*Prepared, error) {
	raw, form, err := tx.blobBytes(it.content)
	if err != nil {
		return nil, err
	}
	if form&formPartial == 0 {
		return prepareWords(it.media, raw), nil
	}
	m, err := decodePartial(raw)
	if err != nil {
		return nil, &DamagedError{Path: tx.c.path, Err: fmt.Errorf("content %d: %w", it.content, err)}
	}
	return preparePartialWords(m), nil
}
