package store

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"outpost/internal/format"
	"outpost/internal/groupware"
)

// A blob's form says how its data stands for its bytes: how it is compressed, and what it is.
const (
	formPlain    = 0
	formZstd     = 1
	formZstdDict = 2 // with format.Dictionary
	formCoding   = 3 // mask of the above
	formSkeleton = 4 // format.Join of the data and the parts gives the bytes
	formPartial  = 8 // an encoded groupware.Partial: the item is not whole
)

// packed is a blob that is ready to be stored. It may be stored more than once.
type packed struct {
	hash  groupware.Hash
	size  int64 // of what data stands for
	form  int64
	data  []byte
	parts []*packed
}

// hashPrefix is what blobs are looked up by.
func hashPrefix(h groupware.Hash) int64 {
	return int64(binary.BigEndian.Uint64(h[:8]) >> 16)
}

// findBlob returns the id of the blob of that hash, 0 when there is none.
func (tx *Tx) findBlob(h groupware.Hash) (id int64, err error) {
	err = tx.c.query(func(r row) error {
		if bytes.Equal(r.raw(1), h[:]) {
			id = r.int(0)
		}
		return nil
	}, "SELECT id, hash FROM blobs WHERE prefix = ?", hashPrefix(h))
	return id, err
}

// putBlob stores a blob, unless it is there already, counts refs more uses of it, and returns its id.
func (tx *Tx) putBlob(p *packed, refs int64) (int64, error) {
	id, err := tx.findBlob(p.hash)
	if err != nil {
		return 0, err
	}
	if id != 0 {
		if refs > 0 {
			err = tx.retain(id, refs)
		}
		return id, err
	}
	if id, err = tx.c.insert("INSERT INTO blobs (prefix, refs, form, size, hash) VALUES (?, ?, ?, ?, ?)", hashPrefix(p.hash), refs, p.form, p.size, p.hash[:]); err != nil {
		return 0, err
	}
	if len(p.data) < streamAbove {
		_, err = tx.c.exec("INSERT INTO blob_data (id, data) VALUES (?, ?)", id, p.data)
	} else if _, err = tx.c.exec("INSERT INTO blob_data (id, data) VALUES (?, ?)", id, zeros(len(p.data))); err == nil {
		err = tx.c.writeBlob("blob_data", "data", id, p.data)
	}
	if err != nil {
		return 0, err
	}
	for i, part := range p.parts {
		n, err := tx.putBlob(part, 1)
		if err != nil {
			return 0, err
		}
		if _, err := tx.c.exec("INSERT INTO parts (blob, n, part) VALUES (?, ?, ?)", id, i, n); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// retain counts n more uses of a blob.
func (tx *Tx) retain(id, n int64) error {
	changed, err := tx.c.exec("UPDATE blobs SET refs = refs + ? WHERE id = ?", n, id)
	if err == nil && changed == 0 {
		err = fmt.Errorf("content %d: %w", id, ErrNotFound)
	}
	return err
}

// release counts one use less, and removes what nobody uses.
func (tx *Tx) release(id int64) error {
	refs := int64(-1)
	if _, err := tx.c.one(func(r row) { refs = r.int(0) }, "UPDATE blobs SET refs = refs - 1 WHERE id = ? RETURNING refs", id); err != nil || refs != 0 {
		return err
	}
	var parts []int64
	err := tx.c.query(func(r row) error { parts = append(parts, r.int(0)); return nil }, "SELECT part FROM parts WHERE blob = ? ORDER BY n", id)
	if err != nil {
		return err
	}
	if n, err := tx.c.number("SELECT length(data) FROM blob_data WHERE id = ?", id); err == nil {
		tx.freed += n
	}
	if _, err := tx.c.exec("DELETE FROM blobs WHERE id = ?", id); err != nil {
		return err
	}
	for _, p := range parts {
		if err := tx.release(p); err != nil {
			return err
		}
	}
	return nil
}

// blobHash returns a blob's hash and form.
func (tx *Tx) blobHash(id int64) (h groupware.Hash, form int64, err error) {
	found, err := tx.c.one(func(r row) {
		copy(h[:], r.raw(0))
		form = r.int(1)
	}, "SELECT hash, form FROM blobs WHERE id = ?", id)
	if err == nil && !found {
		err = fmt.Errorf("content %d: %w", id, ErrNotFound)
	}
	return h, form, err
}

// contentHash is an item's Content in a state: the blob's hash, or zero when it is not whole.
func (tx *Tx) contentHash(id int64) (groupware.Hash, error) {
	h, form, err := tx.blobHash(id)
	if form&formPartial != 0 {
		h = groupware.Hash{}
	}
	return h, err
}

// blobBytes returns what a blob stands for, and its form. It checks the hash: damaged content is an error, never wrong bytes.
func (tx *Tx) blobBytes(id int64) ([]byte, int64, error) {
	var size, stored int64
	h, form, err := tx.blobHash(id)
	if err != nil {
		return nil, 0, err
	}
	var data []byte
	found, err := tx.c.one(func(r row) {
		if size, stored = r.int(0), r.int(1); stored < streamAbove {
			data = r.blob(2)
		}
	}, "SELECT b.size, length(d.data), CASE WHEN length(d.data) < ? THEN d.data END FROM blobs b JOIN blob_data d USING (id) WHERE b.id = ?", streamAbove, id)
	if err == nil && !found {
		err = fmt.Errorf("content %d: %w", id, ErrNotFound)
	}
	if err == nil && stored >= streamAbove {
		data, err = tx.c.readBlob("blob_data", "data", id)
	}
	if err != nil {
		return nil, 0, err
	}
	data, err = expand(data, form, size)
	if err == nil && form&formSkeleton != 0 {
		data, err = format.Join(data, func(i int) ([]byte, error) {
			part, err := tx.c.number("SELECT part FROM parts WHERE blob = ? AND n = ?", id, i)
			if err != nil {
				return nil, err
			}
			b, _, err := tx.blobBytes(part)
			return b, err
		})
	}
	if err == nil && groupware.HashOf(data) != h {
		err = fmt.Errorf("its SHA-256 is not %s", h)
	}
	if err != nil {
		return nil, 0, &DamagedError{Path: tx.c.path, Err: fmt.Errorf("content %d: %w", id, err)}
	}
	return data, form, nil
}
