package store

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"outpost/internal/format"
	"outpost/internal/groupware"
)

// Item is an item as lists show it.
type Item struct {
	ID          groupware.ItemID
	Folder      groupware.FolderID
	Kind        groupware.Kind
	Media       groupware.Media
	Subject     string
	From, To    string
	Date        time.Time // of the message, the start of the event, the due date of the task; else when it came
	End         time.Time // of events; zero for others
	Received    time.Time
	Size        int64 // bytes of the whole item
	Flags       groupware.Flags
	Body        groupware.BodyState
	Attachments bool
	Recurs      bool
	Pending     bool   // a change here or there is still to be brought over
	MessageID   string // Message-ID or UID
	Problem     string // what is malformed in it, "" for nothing
	Content     int64  // changes whenever the bytes do
}

const listColumns = "id, folder, kind, media, subject, sender, recipient, date, ends, received, size, flags, keywords, body, attachments, recurs, pending, message_id, problem, content"

func scanListed(r row) Item {
	return Item{
		ID: groupware.ItemID(r.int(0)), Folder: groupware.FolderID(r.int(1)), Kind: groupware.Kind(r.text(2)), Media: groupware.Media(r.text(3)),
		Subject: r.text(4), From: r.text(5), To: r.text(6), Date: timeOrZero(r.int(7)), End: timeOrZero(r.int(8)), Received: timeOrZero(r.int(9)),
		Size: r.int(10), Flags: groupware.Flags{System: groupware.System(r.int(11)), Keywords: r.text(12)},
		Body: [...]groupware.BodyState{groupware.BodyNone, groupware.BodyText, groupware.BodyWhole}[r.int(13)], Attachments: r.bool(14), Recurs: r.bool(15),
		Pending: r.bool(16), MessageID: r.text(17), Problem: r.text(18), Content: r.int(19),
	}
}

// Item returns an item that is here; ErrNotFound when it is not, or lies in a folder that was deleted.
func (tx *Tx) Item(id groupware.ItemID) (it Item, err error) {
	found, err := tx.c.one(func(r row) { it = scanListed(r) }, "SELECT "+listColumns+" FROM items WHERE id = ? AND folder IS NOT NULL", id)
	if err == nil && found {
		var hidden bool
		if hidden, err = tx.hidden(it.Folder); !hidden {
			return it, err
		}
	}
	if err == nil {
		err = fmt.Errorf("item %d: %w", id, ErrNotFound)
	}
	return Item{}, err
}

// hidden reports whether a folder or one above it was deleted here.
func (tx *Tx) hidden(id groupware.FolderID) (bool, error) {
	for range maxFolderDepth {
		var deleted bool
		parent := groupware.FolderID(0)
		found, err := tx.c.one(func(r row) { deleted, parent = r.bool(0), groupware.FolderID(r.int(1)) }, "SELECT deleted, ifnull(parent, 0) FROM folders WHERE id = ?", id)
		if err != nil || !found || deleted {
			return true, err
		}
		if parent == 0 {
			return false, nil
		}
		id = parent
	}
	return true, nil
}

// body reads the bytes of an item as it is here.
func (tx *Tx) body(id groupware.ItemID) (media groupware.Media, raw []byte, partial *groupware.Partial, err error) {
	it, err := tx.local(id)
	if err != nil {
		return "", nil, nil, err
	}
	raw, form, err := tx.blobBytes(it.content)
	if err == nil && form&formPartial != 0 {
		if partial, err = decodePartial(raw); err != nil {
			err = &DamagedError{Path: tx.c.path, Err: fmt.Errorf("content %d: %w", it.content, err)}
		}
		raw = nil
	}
	if err != nil {
		err = fmt.Errorf("item %d: %w", id, err)
	}
	return it.media, raw, partial, err
}

// Raw returns an item's own bytes; ErrNotWhole when not all of them are here.
func (tx *Tx) Raw(id groupware.ItemID) ([]byte, error) {
	_, raw, partial, err := tx.body(id)
	if err == nil && partial != nil {
		err = fmt.Errorf("item %d: %w", id, ErrNotWhole)
	}
	return raw, err
}

// Text returns what there is to read of an item, as plain text.
func (tx *Tx) Text(id groupware.ItemID) (string, error) {
	d, err := tx.Derived(id)
	return d.Text, err
}

// Derived returns everything that is found in an item's bytes.
func (tx *Tx) Derived(id groupware.ItemID) (format.Derived, error) {
	media, raw, partial, err := tx.body(id)
	switch {
	case err != nil:
		return format.Derived{}, err
	case partial != nil:
		return format.DerivePartial(partial), nil
	}
	return format.Derive(media, raw), nil
}

// Header returns a message's header block, up to and with the empty line; of other items all bytes.
func (tx *Tx) Header(id groupware.ItemID) ([]byte, error) {
	media, raw, partial, err := tx.body(id)
	switch {
	case err != nil:
		return nil, err
	case partial != nil:
		return partial.Header, nil
	case media != groupware.MediaMessage:
		return raw, nil
	}
	if bytes.HasPrefix(raw, []byte("\r\n")) || bytes.HasPrefix(raw, []byte("\n")) {
		return raw[:bytes.IndexByte(raw, '\n')+1], nil
	}
	end := len(raw)
	for _, empty := range []string{"\r\n\r\n", "\n\n", "\n\r\n"} {
		if i := bytes.Index(raw[:end], []byte(empty)); i >= 0 {
			end = i + len(empty)
		}
	}
	return raw[:end], nil
}

// Parts lists a message's leaves as far as they are attachments; of a partly read message all leaves.
func (tx *Tx) Parts(id groupware.ItemID) ([]groupware.Part, error) {
	media, raw, partial, err := tx.body(id)
	switch {
	case err != nil:
		return nil, err
	case partial != nil:
		return partial.Parts, nil
	}
	return format.Derive(media, raw).Attachments, nil
}

// Counts is a mailbox in numbers.
type Counts struct {
	Folders   int64 // that frontends see
	Items     int64 // in them
	Unread    int64
	Pending   int64 // changes still to be brought over, of items and folders, and mail still to be sent
	Conflicts int64 // conflicts, and what else is in Conflicts
	Failures  int64 // failures, and items in Local Failures
	Held      int64 // folders whose deletions wait for a person
}

// Counts counts.
func (tx *Tx) Counts() (c Counts, err error) {
	if err := tx.flush(); err != nil {
		return c, err
	}
	_, err = tx.c.one(func(r row) {
		c = Counts{Folders: r.int(0), Items: r.int(1), Unread: r.int(2), Conflicts: r.int(3), Failures: r.int(4), Held: r.int(5)}
	}, `WITH RECURSIVE seen (id, items, unread, role) AS (
			SELECT id, items, unread, role FROM folders WHERE parent IS NULL AND NOT deleted
			UNION ALL SELECT f.id, f.items, f.unread, f.role FROM folders f JOIN seen ON f.parent = seen.id WHERE NOT f.deleted)
		SELECT count(*), ifnull(sum(items), 0), ifnull(sum(unread), 0),
			ifnull(sum(items) FILTER (WHERE role = 'conflicts'), 0) + (SELECT count(*) FROM conflicts c CROSS JOIN items i ON i.id = c.item
				WHERE i.folder IS NULL OR i.folder NOT IN (SELECT id FROM seen WHERE role = 'conflicts')),
			ifnull(sum(items) FILTER (WHERE role = 'local-failures'), 0) + (SELECT count(*) FROM failures),
			(SELECT count(DISTINCT folder) FROM holds WHERE confirmed < items) FROM seen`)
	if err != nil {
		return c, err
	}
	if c.Pending, err = tx.PendingCount(); err != nil {
		return c, err
	}
	queued, err := tx.c.number("SELECT count(*) FROM submissions WHERE state IN ('queued', 'sending')")
	c.Pending += queued
	return c, err
}

// Counts counts.
func (m *Mailbox) Counts(ctx context.Context) (c Counts, err error) {
	err = m.View(ctx, func(tx *Tx) error {
		c, err = tx.Counts()
		return err
	})
	return c, err
}
