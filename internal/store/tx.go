package store

import (
	"context"
	"fmt"
	"time"

	"outpost/internal/groupware"
)

// feedKeep is how many changes the feed keeps at least; it is trimmed at twice that.
const feedKeep = 100_000

// Tx is a transaction: of Update and Bulk it reads and writes, of View it only reads. It is valid until the function
// that it was given to returns.
type Tx struct {
	m     *Mailbox
	c     *conn
	write bool
	done  bool
	now   time.Time

	counts  map[groupware.FolderID]*count // differences to write at the end
	fed     int64                         // changes appended to the feed
	lastSeq int64                         // of the last of them
	freed   int64                         // bytes of blobs that went
	// For the index: words of new contents, how many of those there should be, and how many went.
	indexed            []indexDoc
	unindexed, removed int64
}

type count struct{ items, unread int64 }

// writable is asked first by everything that writes.
func (tx *Tx) writable() error {
	if !tx.write || tx.done {
		return ErrReadOnly
	}
	return nil
}

// count notes that a folder gained or lost items.
func (tx *Tx) count(f groupware.FolderID, items, unread int64) {
	if tx.counts == nil {
		tx.counts = map[groupware.FolderID]*count{}
	}
	c := tx.counts[f]
	if c == nil {
		c = &count{}
		tx.counts[f] = c
	}
	c.items += items
	c.unread += unread
}

// flush writes the counters.
func (tx *Tx) flush() error {
	for id, n := range tx.counts {
		if n.items == 0 && n.unread == 0 {
			continue
		}
		if _, err := tx.c.exec("UPDATE folders SET items = items + ?, unread = unread + ? WHERE id = ?", n.items, n.unread, id); err != nil {
			return err
		}
	}
	clear(tx.counts)
	return nil
}

// finish does what is due before a commit.
func (tx *Tx) finish() error {
	if err := tx.flush(); err != nil {
		return err
	}
	if tx.lastSeq-tx.m.feedFirst < 2*feedKeep {
		return nil
	}
	// Trim the feed.
	tx.m.feedFirst = tx.lastSeq - feedKeep
	_, err := tx.c.exec("DELETE FROM changes WHERE seq < ?", tx.m.feedFirst)
	return err
}

// What the feed says of an item. The last two are told apart for the index only.
const (
	opAdded   = iota + 1
	opUpdated // its flags
	opRemoved
	opMoved   // added to another folder
	opContent // updated
)

// change appends to the feed.
func (tx *Tx) change(folder groupware.FolderID, item groupware.ItemID, op int) (err error) {
	if item != 0 && (op == opAdded || op == opContent) {
		tx.unindexed++
	}
	if op == opRemoved || op == opContent {
		tx.removed++
	}
	tx.fed++
	tx.lastSeq, err = tx.c.insert("INSERT INTO changes (folder, item, op, at) VALUES (?, ?, ?, ?)", folder, item, op, tx.now.UnixMilli())
	return err
}

// ChangesSince returns up to limit changes after seq, and the sequence number that these lead to. With nothing new, last is seq.
// Seq 0 is the beginning of time. ErrTrimmed says that the feed does not reach back to seq.
func (m *Mailbox) ChangesSince(ctx context.Context, seq int64, limit int) (changes []groupware.Change, last int64, err error) {
	err = m.View(ctx, func(tx *Tx) error {
		changes, last, err = tx.changesSince(seq, limit)
		return err
	})
	return changes, last, err
}

func (tx *Tx) changesSince(seq int64, limit int) ([]groupware.Change, int64, error) {
	var first, newest int64
	if _, err := tx.c.one(func(r row) { first = r.int(0) }, "SELECT seq FROM changes ORDER BY seq LIMIT 1"); err != nil {
		return nil, 0, err
	}
	if _, err := tx.c.one(func(r row) { newest = r.int(0) }, "SELECT seq FROM sqlite_sequence WHERE name = 'changes'"); err != nil {
		return nil, 0, err
	}
	if seq > newest {
		return nil, 0, fmt.Errorf("change %d has not happened yet", seq)
	}
	if seq < newest && (first == 0 || seq+1 < first) {
		return nil, 0, ErrTrimmed
	}
	var changes []groupware.Change
	last := seq
	ops := [...]groupware.ChangeOp{opAdded: groupware.ChangeAdded, opUpdated: groupware.ChangeUpdated, opRemoved: groupware.ChangeRemoved,
		opMoved: groupware.ChangeAdded, opContent: groupware.ChangeUpdated}
	err := tx.c.query(func(r row) error {
		last = r.int(0)
		changes = append(changes, groupware.Change{Seq: last, Folder: groupware.FolderID(r.int(1)), Item: groupware.ItemID(r.int(2)),
			Op: ops[r.int(3)], At: time.UnixMilli(r.int(4))})
		return nil
	}, "SELECT seq, folder, item, op, at FROM changes WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)
	return changes, last, err
}

// LastChange returns the sequence number of the newest change.
func (tx *Tx) LastChange() (seq int64, err error) {
	_, err = tx.c.one(func(r row) { seq = r.int(0) }, "SELECT seq FROM sqlite_sequence WHERE name = 'changes'")
	return seq, err
}
