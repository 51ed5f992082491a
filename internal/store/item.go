package store

import (
	"fmt"
	"time"

	"outpost/internal/groupware"
)

// item is a row of items: two states and what lists show. A state with folder 0 is absent.
type item struct {
	id      groupware.ItemID
	folder  groupware.FolderID
	flags   groupware.Flags
	content int64 // blob

	baseFolder  groupware.FolderID
	baseRemote  string
	baseTag     string
	baseFlags   groupware.Flags
	baseContent int64 // blob

	remote bool // remotes has a row of it

	summary
}

// summary is what is derived from an item's content, and when it was received.
type summary struct {
	kind        groupware.Kind
	media       groupware.Media
	body        int64 // bodyNone, bodyText, bodyWhole
	size        int64 // bytes of the whole item
	date        int64 // seconds since 1970, for sorting
	ends        int64
	received    int64
	subject     string
	from, to    string
	messageID   string
	attachments bool
	recurs      bool
	problem     string
}

const (
	bodyNone = iota
	bodyText
	bodyWhole
)

const itemColumns = "id, ifnull(folder, 0), flags, keywords, ifnull(content, 0), ifnull(base_folder, 0), ifnull(base_remote, ''), base_tag, base_flags, " +
	"base_keywords, ifnull(base_content, 0), remote, kind, media, body, size, date, ends, received, subject, sender, recipient, message_id, " +
	"attachments, recurs, problem"

func scanItem(r row) item {
	return item{
		id: groupware.ItemID(r.int(0)), folder: groupware.FolderID(r.int(1)),
		flags: groupware.Flags{System: groupware.System(r.int(2)), Keywords: r.text(3)}, content: r.int(4),
		baseFolder: groupware.FolderID(r.int(5)), baseRemote: r.text(6), baseTag: r.text(7),
		baseFlags: groupware.Flags{System: groupware.System(r.int(8)), Keywords: r.text(9)}, baseContent: r.int(10),
		remote: r.bool(11),
		summary: summary{
			kind: groupware.Kind(r.text(12)), media: groupware.Media(r.text(13)), body: r.int(14), size: r.int(15), date: r.int(16), ends: r.int(17),
			received: r.int(18), subject: r.text(19), from: r.text(20), to: r.text(21), messageID: r.text(22),
			attachments: r.bool(23), recurs: r.bool(24), problem: r.text(25),
		},
	}
}

// args are the columns after id, in order.
func (it *item) args() []any {
	var folder, content, baseFolder, baseRemote, baseContent any
	if it.folder != 0 {
		folder, content = it.folder, it.content
	}
	if it.baseFolder != 0 {
		baseFolder, baseRemote, baseContent = it.baseFolder, it.baseRemote, it.baseContent
	}
	return []any{folder, int(it.flags.System), it.flags.Keywords, content, baseFolder, baseRemote, it.baseTag, int(it.baseFlags.System),
		it.baseFlags.Keywords, baseContent, it.remote, string(it.kind), string(it.media), it.body, it.size, it.date, it.ends, it.received,
		it.subject, it.from, it.to, it.messageID, it.attachments, it.recurs, it.problem}
}

func (it *item) dropLocal() { it.folder, it.content, it.flags = 0, 0, groupware.Flags{} }

func (it *item) dropBase() {
	it.baseFolder, it.baseRemote, it.baseTag, it.baseFlags, it.baseContent = 0, "", "", groupware.Flags{}, 0
}

// unread counts in a folder's Unread: only mail is read.
func (it *item) unread() int64 {
	if it.kind == groupware.KindMail && it.flags.System&groupware.Seen == 0 {
		return 1
	}
	return 0
}

// load reads an item's row, ErrNotFound when there is none.
func (tx *Tx) load(id groupware.ItemID) (it item, err error) {
	found, err := tx.c.one(func(r row) { it = scanItem(r) }, "SELECT "+itemColumns+" FROM items WHERE id = ?", id)
	if err == nil && !found {
		err = fmt.Errorf("item %d: %w", id, ErrNotFound)
	}
	return it, err
}

// local reads an item that is here.
func (tx *Tx) local(id groupware.ItemID) (item, error) {
	it, err := tx.load(id)
	if err == nil && it.folder == 0 {
		err = fmt.Errorf("item %d: %w", id, ErrNotFound)
	}
	return it, err
}

// add inserts a new row. The blobs that it names count it already.
func (tx *Tx) add(it *item) error {
	id, err := tx.c.insert(`INSERT INTO items (folder, flags, keywords, content, base_folder, base_remote, base_tag, base_flags, base_keywords,
		base_content, remote, kind, media, body, size, date, ends, received, subject, sender, recipient, message_id, attachments, recurs, problem)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, it.args()...)
	if err != nil {
		return fmt.Errorf("add an item to folder %d: %w", it.folder, err)
	}
	it.id = groupware.ItemID(id)
	if it.folder == 0 {
		return nil
	}
	tx.count(it.folder, 1, it.unread())
	return tx.change(it.folder, it.id, opAdded)
}

// save writes what differs between old and next: the row, the counts of blobs and folders, the feed. A row with neither
// state goes.
func (tx *Tx) save(old, next *item) error {
	if *old == *next {
		return nil
	}
	gone := next.folder == 0 && next.baseFolder == 0
	if gone {
		if err := tx.removeRow(old); err != nil {
			return err
		}
	} else if _, err := tx.c.exec(`UPDATE items SET folder = ?, flags = ?, keywords = ?, content = ?, base_folder = ?, base_remote = ?, base_tag = ?,
		base_flags = ?, base_keywords = ?, base_content = ?, remote = ?, kind = ?, media = ?, body = ?, size = ?, date = ?, ends = ?, received = ?,
		subject = ?, sender = ?, recipient = ?, message_id = ?, attachments = ?, recurs = ?, problem = ? WHERE id = ?`, append(next.args(), next.id)...); err != nil {
		return fmt.Errorf("item %d: %w", next.id, err)
	}
	if !gone {
		if err := tx.noteSaved(old, next); err != nil {
			return err
		}
	}
	// Take what is needed before giving back what is not, so that a blob in both never goes.
	for _, b := range [...][2]int64{{next.content, old.content}, {next.baseContent, old.baseContent}} {
		if b[0] != b[1] && b[0] != 0 {
			if err := tx.retain(b[0], 1); err != nil {
				return err
			}
		}
	}
	for _, b := range [...][2]int64{{next.content, old.content}, {next.baseContent, old.baseContent}} {
		if b[0] != b[1] && b[1] != 0 {
			if err := tx.release(b[1]); err != nil {
				return err
			}
		}
	}
	if old.folder != 0 {
		tx.count(old.folder, -1, -old.unread())
	}
	if next.folder != 0 {
		tx.count(next.folder, 1, next.unread())
	}
	switch {
	case old.folder != next.folder:
		if old.folder != 0 {
			if err := tx.change(old.folder, old.id, opRemoved); err != nil {
				return err
			}
		}
		if next.folder != 0 {
			op := opMoved
			if old.folder == 0 || old.content != next.content || old.date != next.date {
				op = opAdded
			}
			return tx.change(next.folder, next.id, op)
		}
	case next.folder != 0 && (old.content != next.content || old.date != next.date):
		return tx.change(next.folder, next.id, opContent)
	case next.folder != 0 && (old.flags != next.flags || old.summary != next.summary):
		return tx.change(next.folder, next.id, opUpdated)
	}
	return nil
}

// noteSaved forgets what an item's new states have settled: a conflict of what is no longer in Conflicts, a failure that was
// tried again.
func (tx *Tx) noteSaved(old, next *item) error {
	if old.folder != next.folder && old.folder != 0 {
		if err := tx.clearConflicts("item = ? AND (SELECT role FROM folders WHERE id = ?) = 'conflicts'", old.id, old.folder); err != nil {
			return err
		}
	}
	if next.agreed() && !old.agreed() || next.body == bodyWhole && old.body != bodyWhole {
		return tx.clearFailures("item = ? AND again", old.id)
	}
	return nil
}

// agreed reports whether all three states are the same.
func (it *item) agreed() bool {
	return !it.remote && it.folder == it.baseFolder && it.content == it.baseContent && it.flags == it.baseFlags
}

// removeRow deletes an item's row and what hangs on it. What the server still shows of it becomes something that only
// the server has.
func (tx *Tx) removeRow(it *item) error {
	if it.remote {
		if err := tx.detachRemote(it.id); err != nil {
			return err
		}
	}
	if err := tx.clearFailures("item = ?", it.id); err != nil {
		return err
	}
	if err := tx.clearConflicts("item = ?", it.id); err != nil {
		return err
	}
	if err := tx.clearIntents("item = ?", it.id); err != nil {
		return err
	}
	_, err := tx.c.exec("DELETE FROM items WHERE id = ?", it.id)
	return err
}

// detachRemote ends that a row of remotes belongs to an item.
func (tx *Tx) detachRemote(id groupware.ItemID) error {
	if _, err := tx.c.exec("DELETE FROM remotes WHERE item = ? AND gone", id); err != nil {
		return err
	}
	_, err := tx.c.exec("UPDATE remotes SET item = NULL WHERE item = ?", id)
	return err
}

// apply makes the summary that of p. received stays what it was unless a new one is given.
func (it *item) apply(p *Prepared, received time.Time) {
	if r := unixOrZero(received); r != 0 {
		it.received = r
	}
	kept := it.received
	it.summary = p.summary
	it.received = kept
	if it.date == 0 {
		it.date = it.received
	}
}
