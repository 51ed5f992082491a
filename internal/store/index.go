package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"outpost/internal/groupware"
)

const (
	indexQueue   = 64                     // batches that wait to be indexed; more are read again from the feed
	indexPending = 4 << 20                // bytes of words that may wait
	indexIdle    = 300 * time.Millisecond // after this long without work a segment is written, for searches
	indexRetry   = 30 * time.Second       // after an error
	searchWait   = 2 * time.Second        // a search waits this long for the last few changes
	searchBehind = 2000                   // how many these may be
	catchUpPage  = 500
)

// indexDoc is an item to be indexed.
type indexDoc struct {
	item    groupware.ItemID
	content int64
	date    int64
	tokens  []byte
}

// indexBatch is what a transaction changed: the changes after from, up to and with to. docs is everything in it that is
// to be indexed, unless incomplete.
type indexBatch struct {
	from, to   int64
	docs       []indexDoc
	removed    int64
	incomplete bool
	bytes      int
}

// index follows the change feed of a mailbox with a goroutine and a writer connection of its own.
type index struct {
	m     *Mailbox
	path  string
	queue chan indexBatch
	kick  chan struct{} // write a segment now
	stop  context.CancelFunc
	ended chan struct{}

	readers chan *conn // idle connections for searches; nil stands for one that is not open yet

	mu      sync.Mutex
	waiting int           // bytes in queue
	written int64         // up to this change, segments hold everything
	changed chan struct{} // closed and made anew when written grows or err is set
	err     error         // why it does not grow
	damaged bool          // remove the file when it is closed

	hand sync.Mutex // takes the goroutine's place where there is none

	// What follows belongs to the goroutine.
	c    *conn
	buf  *buffer
	at   int64 // up to this change, segments and buffer hold everything
	dead int64 // removals since the last write
}

// openIndex opens the index file of a mailbox, or makes it anew when it is absent, damaged or of another program, and
// starts to follow the feed.
func openIndex(ctx context.Context, m *Mailbox) (*index, error) {
	x := &index{
		m: m, path: strings.TrimSuffix(m.path, ".db") + ".index.db", queue: make(chan indexBatch, indexQueue), kick: make(chan struct{}, 1),
		ended: make(chan struct{}), readers: make(chan *conn, 2), changed: make(chan struct{}), buf: newBuffer(),
	}
	err := x.open(ctx)
	_, full := errors.AsType[*DiskFullError](err)
	if err != nil && !full && ctx.Err() == nil {
		// It is derived: begin anew.
		if err := x.remove(); err != nil {
			return nil, err
		}
		err = x.open(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("open the index: %w", err)
	}
	x.readers <- nil
	x.readers <- nil
	run, stop := context.WithCancel(context.Background())
	if x.stop = stop; m.o.noIndexer {
		close(x.ended)
		return x, nil
	}
	go x.run(run)
	return x, nil
}

func (x *index) open(ctx context.Context) (err error) {
	if x.c, err = openConn(ctx, x.path, x.m.conn(connOptions{cacheKiB: indexCache, pages: x.m.o.pages})); err != nil {
		return err
	}
	if err = x.c.script("PRAGMA synchronous=NORMAL"); err == nil {
		err = migrate(x.c, "index", indexApplication)
	}
	if err == nil {
		x.at, err = x.c.number("SELECT seq FROM state")
	}
	x.written = x.at
	if err != nil {
		x.c.close()
	}
	return err
}

func (x *index) remove() error {
	if err := removeDatabase(x.m.o.vfs, x.path); err != nil {
		return fmt.Errorf("begin the index %s anew: %w", filepath.Base(x.path), err)
	}
	return nil
}

// close writes what is in the buffer and closes the file. What was not indexed yet is found in the feed next time.
func (x *index) close() error {
	x.stop()
	<-x.ended
	for range cap(x.readers) {
		if c := <-x.readers; c != nil {
			c.close()
		}
	}
	x.c.interrupt(context.Background())
	var errs []error
	err := x.failure()
	if err == nil {
		_, err := x.save() // not write: merging takes its time, and can be done next time
		errs = append(errs, unlessFull(err), unlessFull(x.c.script("PRAGMA incremental_vacuum")))
	}
	errs = append(errs, x.c.close())
	if _, damaged := asDamaged(err); damaged || x.damaged {
		errs = append(errs, x.remove()) // it is built again next time
	}
	return errors.Join(errs...)
}

func (x *index) failure() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.err
}

// offer hands over what a transaction changed. It never waits: what does not fit is read from the feed later.
func (x *index) offer(b indexBatch) {
	if x.m.o.noIndexer {
		return // it is read from the feed when that is asked for
	}
	for _, d := range b.docs {
		b.bytes += len(d.tokens) + 64
	}
	x.mu.Lock()
	if x.waiting > 0 && x.waiting+b.bytes > indexPending {
		b.docs, b.bytes, b.incomplete = nil, 0, true
	}
	x.waiting += b.bytes
	x.mu.Unlock()
	select {
	case x.queue <- b:
	default: // the goroutine sees the gap
		x.mu.Lock()
		x.waiting -= b.bytes
		x.mu.Unlock()
	}
}

// run follows the feed until ctx ends. After an error, a full disk say, it tries again later.
func (x *index) run(ctx context.Context) {
	defer close(x.ended)
	for {
		err := x.follow(ctx)
		if ctx.Err() != nil || errors.Is(err, ErrClosed) {
			return
		}
		x.fail(err)
		retry := time.NewTimer(indexRetry)
		select {
		case <-ctx.Done():
			retry.Stop()
			return
		case <-retry.C:
		}
		x.restart()
	}
}

// restart forgets what is not written: it is read from the feed again.
func (x *index) restart() {
	x.buf, x.dead = newBuffer(), 0
	if seq, err := x.c.number("SELECT seq FROM state"); err == nil {
		x.at = seq
	}
}

// byHand does once what run does all the time, where there is no run (Options.NoIndexer).
func (x *index) byHand(ctx context.Context) error {
	x.hand.Lock()
	defer x.hand.Unlock()
	err := x.catchUp(ctx)
	if err != nil {
		x.fail(err)
		x.restart()
	}
	return err
}

// fail remembers why the index does not grow, for who waits.
func (x *index) fail(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.err = err
	close(x.changed)
	x.changed = make(chan struct{})
}

func (x *index) follow(ctx context.Context) error {
	if err := x.catchUp(ctx); err != nil {
		return err
	}
	idle := time.NewTimer(indexIdle)
	defer idle.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b := <-x.queue:
			if err := x.take(ctx, b); err != nil {
				return err
			}
			if x.buf.full() {
				if err := x.write(); err != nil {
					return err
				}
			}
		case <-x.kick:
			// Batches of commits before the kick come first.
			for more := true; more; {
				select {
				case b := <-x.queue:
					if err := x.take(ctx, b); err != nil {
						return err
					}
				default:
					more = false
				}
			}
			if err := x.catchUp(ctx); err != nil {
				return err
			}
		case <-idle.C:
			if err := x.catchUp(ctx); err != nil { // writes, and sees batches that did not fit
				return err
			}
			continue // nothing to do until something comes
		}
		idle.Reset(indexIdle)
	}
}

// take indexes a batch.
func (x *index) take(ctx context.Context, b indexBatch) error {
	x.mu.Lock()
	x.waiting -= b.bytes
	x.mu.Unlock()
	switch {
	case b.to <= x.at: // read from the feed already
		return nil
	case b.from != x.at || b.incomplete:
		return x.catchUpTo(ctx, b.to)
	}
	for _, d := range b.docs {
		x.buf.add(d)
	}
	x.dead += b.removed
	x.at = b.to
	return nil
}

// catchUp reads the feed to its end and writes what is in the buffer.
func (x *index) catchUp(ctx context.Context) error {
	newest := int64(0)
	err := x.m.View(ctx, func(tx *Tx) (err error) {
		newest, err = tx.LastChange()
		return err
	})
	if err != nil {
		return err
	}
	if err := x.catchUpTo(ctx, newest); err != nil {
		return err
	}
	return x.write()
}

// catchUpTo reads the feed at least up to seq; where the feed does not reach back, it goes through all items.
func (x *index) catchUpTo(ctx context.Context, seq int64) error {
	scan, err := x.c.number("SELECT scan FROM state")
	if err != nil {
		return err
	}
	if scan >= 0 {
		return x.rebuild(ctx, groupware.ItemID(scan))
	}
	for x.at < seq {
		last := x.at
		err := x.m.View(ctx, func(tx *Tx) error {
			var ids []groupware.ItemID
			first, err := tx.c.number("SELECT seq FROM changes ORDER BY seq LIMIT 1")
			if err != nil {
				return err
			}
			newest, err := tx.LastChange()
			if err != nil {
				return err
			}
			if x.at > newest || x.at+1 < first {
				return ErrTrimmed
			}
			err = tx.c.query(func(r row) error {
				last = r.int(0)
				switch r.int(2) {
				case opAdded, opContent:
					if r.int(1) != 0 {
						ids = append(ids, groupware.ItemID(r.int(1)))
					}
					if r.int(2) == opContent {
						x.dead++
					}
				case opRemoved:
					x.dead++
				}
				return nil
			}, "SELECT seq, item, op FROM changes WHERE seq > ? ORDER BY seq LIMIT ?", x.at, catchUpPage)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := x.addItem(tx, id); err != nil {
					return err
				}
			}
			return nil
		})
		if errors.Is(err, ErrTrimmed) {
			return x.rebuild(ctx, -1)
		}
		if err != nil {
			return err
		}
		if last == x.at {
			return nil
		}
		x.at = last
		if x.buf.full() {
			if err := x.write(); err != nil {
				return err
			}
		}
	}
	return nil
}

// addItem indexes an item as it is now. One that is gone, or whose content is damaged, is passed over.
func (x *index) addItem(tx *Tx, id groupware.ItemID) error {
	it, err := tx.local(id)
	if err == nil {
		var p *Prepared
		if p, err = tx.prepareAgain(&it); err == nil {
			x.buf.add(indexDoc{item: id, content: it.content, date: it.date, tokens: p.tokens})
		}
	}
	if _, damaged := asDamaged(err); damaged || errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// rebuild goes through all items after one; -1 begins anew. It can be interrupted and goes on where it was.
func (x *index) rebuild(ctx context.Context, after groupware.ItemID) error {
	if after < 0 {
		var seq int64
		if err := x.m.View(ctx, func(tx *Tx) (err error) {
			seq, err = tx.LastChange()
			return err
		}); err != nil {
			return err
		}
		if err := x.c.script(fmt.Sprintf("BEGIN; DELETE FROM segments; UPDATE state SET seq = %d, scan = 0, dead = 0; COMMIT", seq)); err != nil {
			return err
		}
		x.buf, x.at, x.dead, after = newBuffer(), seq, 0, 0
	}
	for {
		done := true
		err := x.m.View(ctx, func(tx *Tx) error {
			ids, err := tx.itemIDs("SELECT id FROM items WHERE id > ? ORDER BY id LIMIT ?", after, catchUpPage)
			if err != nil {
				return err
			}
			for _, id := range ids {
				after, done = id, false
				if err := x.addItem(tx, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if done {
			break
		}
		if x.buf.full() {
			if err := x.flush(fmt.Sprintf("UPDATE state SET scan = %d", after)); err != nil {
				return err
			}
		}
	}
	return x.flush("UPDATE state SET scan = -1")
}

// write makes a segment of the buffer, tells who waits, and merges where that is due.
func (x *index) write() error {
	written, err := x.save()
	if err != nil || !written {
		return err
	}
	return x.tidy()
}

// save makes a segment of the buffer and tells who waits. It does nothing while a rebuild was interrupted: that goes on next time.
func (x *index) save() (written bool, err error) {
	scan, err := x.c.number("SELECT scan FROM state")
	if err != nil || scan >= 0 {
		return false, err
	}
	if len(x.buf.entries) > 0 || x.at != x.written || x.dead > 0 {
		if err := x.flush(fmt.Sprintf("UPDATE state SET seq = %d, dead = dead + %d", x.at, x.dead)); err != nil {
			return false, err
		}
		x.dead = 0
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.written, x.err = x.at, nil
	close(x.changed)
	x.changed = make(chan struct{})
	return true, nil
}

// flush writes the buffer and the state in one transaction.
func (x *index) flush(state string) error {
	err := x.inTransaction(func() error {
		if err := x.buf.write(x.c); err != nil {
			return err
		}
		return x.c.script(state)
	})
	if err == nil && len(x.buf.entries) > 0 {
		x.buf = newBuffer()
	}
	return err
}

// tidy merges segments while that is due, and leaves out dead entries when these are many.
func (x *index) tidy() error {
	for {
		all, err := listSegments(x.c)
		if err != nil {
			return err
		}
		total := int64(0)
		for _, s := range all {
			total += s.items
		}
		dead, err := x.c.number("SELECT dead FROM state")
		if err != nil {
			return err
		}
		if dead > 1000 && dead > total/4 {
			if err := x.purge(all); err != nil {
				return err
			}
			continue
		}
		due := mergeDue(all)
		if due == nil {
			return nil
		}
		if err := x.inTransaction(func() error { return merge(x.c, due, nil) }); err != nil {
			return err
		}
	}
}

// purge writes every segment anew without its dead entries.
func (x *index) purge(all []segmentInfo) error {
	err := x.m.View(context.Background(), func(tx *Tx) error {
		alive := func(e entry) (bool, error) {
			content, err := tx.c.number("SELECT content FROM items WHERE id = ?", e.item)
			return content == e.content, err
		}
		for _, s := range all {
			if err := x.inTransaction(func() error { return merge(x.c, []segmentInfo{s}, alive) }); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = x.c.script("UPDATE state SET dead = 0; PRAGMA incremental_vacuum(4096)")
	}
	return err
}

func (x *index) inTransaction(fn func() error) error {
	if _, err := x.c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := fn()
	if err == nil {
		_, err = x.c.exec("COMMIT")
	}
	if err != nil && x.c.inTransaction() {
		_, e := x.c.exec("ROLLBACK")
		err = errors.Join(err, e)
	}
	return err
}

// Indexed returns how many changes the full-text index is behind, and why it has stopped if it has.
func (m *Mailbox) Indexed(ctx context.Context) (behind int64, err error) {
	err = m.View(ctx, func(tx *Tx) error {
		behind, err = tx.LastChange()
		return err
	})
	m.index.mu.Lock()
	defer m.index.mu.Unlock()
	return max(behind-m.index.written, 0), errors.Join(err, m.index.err)
}

// WaitIndexed waits until everything that is committed now can be searched.
func (m *Mailbox) WaitIndexed(ctx context.Context) error {
	var seq int64
	if err := m.View(ctx, func(tx *Tx) (err error) {
		seq, err = tx.LastChange()
		return err
	}); err != nil {
		return err
	}
	x := m.index
	if m.o.noIndexer {
		return x.byHand(ctx)
	}
	for {
		x.mu.Lock()
		written, changed, err := x.written, x.changed, x.err
		x.mu.Unlock()
		if err != nil || written >= seq {
			return err
		}
		select {
		case x.kick <- struct{}{}:
		default:
		}
		select {
		case <-changed:
		case <-x.ended:
			if err := x.failure(); err != nil {
				return err
			}
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reader takes a connection for searches, to be given back to x.readers.
func (x *index) reader(ctx context.Context) (*conn, error) {
	select {
	case c := <-x.readers:
		if c != nil {
			return c, nil
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c, err := openConn(ctx, x.path, x.m.conn(connOptions{cacheKiB: indexCache, reader: true}))
	if err != nil {
		x.readers <- nil
	}
	return c, err
}
