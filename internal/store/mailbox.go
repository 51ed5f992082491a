package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"outpost/internal/groupware"
)

// Sizes of page caches in KiB. There is one writer, up to maxReaders readers and, for the index, one of each.
const (
	writerCache = 6 << 10
	readerCache = 4 << 10
	indexCache  = 2 << 10
	maxReaders  = 3
)

// Freed space goes back to the disk in steps, so that no transaction waits for it long.
const (
	freedAbove  = 4 << 20 // bytes
	vacuumPages = 1024
)

// Mailbox is one mailbox. Its methods may be called from several goroutines.
type Mailbox struct {
	guid string
	path string // of GUID.db
	o    mailboxOptions

	writing chan struct{} // holds one token: who has it, has writer
	writer  *conn
	full    bool // the writer's synchronous is FULL
	// feedFirst is about where the feed begins, freed how many bytes of contents went and were not given back to the disk; who has the writer
	// uses them.
	feedFirst, freed int64

	reading chan struct{} // holds a token for each reader that is not in use

	mu          sync.Mutex
	idle        []*conn // open readers that are not in use; the last used one, which has its statements and pages at hand, is taken first
	closed      bool
	subscribers map[chan struct{}]struct{}

	views *views
	index *index
}

// mailboxOptions are what a profile gives its mailboxes.
type mailboxOptions struct {
	clock     func() time.Time
	key       []byte
	vfs       string
	pages     int64 // bound of the file, for tests of a full disk
	noIndexer bool
}

// conn adds to a connection's options those of the mailbox.
func (m *Mailbox) conn(o connOptions) connOptions {
	o.key, o.vfs = m.o.key, m.o.vfs
	return o
}

// openMailbox opens dir/GUID.db, and makes it when it is absent.
func openMailbox(ctx context.Context, dir, guid string, o mailboxOptions) (*Mailbox, error) {
	m := &Mailbox{
		guid: guid, path: filepath.Join(dir, guid+".db"), o: o,
		writing: make(chan struct{}, 1), reading: make(chan struct{}, maxReaders),
		subscribers: map[chan struct{}]struct{}{},
	}
	var err error
	if m.writer, err = openConn(ctx, m.path, m.conn(connOptions{cacheKiB: writerCache, pages: o.pages})); err != nil {
		return nil, err
	}
	if err := migrate(m.writer, "mailbox", mailboxApplication); err != nil {
		m.writer.close()
		return nil, err
	}
	var err2 error
	if m.feedFirst, err2 = m.writer.number("SELECT seq FROM changes ORDER BY seq LIMIT 1"); err2 != nil {
		m.writer.close()
		return nil, err2
	}
	m.writing <- struct{}{}
	for range maxReaders {
		m.reading <- struct{}{}
	}
	m.views = newViews()
	if m.index, err = openIndex(ctx, m); err != nil {
		m.writer.close()
		return nil, err
	}
	if err := m.localFolders(ctx); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// GUID names the mailbox's files.
func (m *Mailbox) GUID() string { return m.guid }

// Close waits for transactions under way, gives freed space back to the disk and closes the files.
func (m *Mailbox) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	m.mu.Unlock()
	errs := []error{m.index.close()}
	<-m.writing
	for range maxReaders {
		<-m.reading
	}
	for _, c := range m.idle {
		errs = append(errs, c.close())
	}
	m.writer.interrupt(context.Background())
	// Giving space back needs some first. On a full disk that is left for another time: nothing is lost by it.
	errs = append(errs, unlessFull(m.vacuum(1<<20)), unlessFull(m.writer.script("PRAGMA wal_checkpoint(TRUNCATE)")), m.writer.close())
	return errors.Join(errs...)
}

// vacuum gives up to that many free pages back to the disk. The caller has the writer.
func (m *Mailbox) vacuum(pages int) error {
	free, err := m.writer.number("PRAGMA freelist_count")
	if err != nil || free == 0 {
		return err
	}
	return m.writer.script(fmt.Sprintf("PRAGMA incremental_vacuum(%d)", pages))
}

// Update runs fn in one write transaction. When it returns nil, the change survives the loss of power. Writers wait for each
// other. When fn fails, nothing has happened.
func (m *Mailbox) Update(ctx context.Context, fn func(*Tx) error) error {
	return m.write(ctx, true, fn)
}

// Bulk is Update for what can be had from the server again: the last transactions may be lost with the power,
// though never the order of them, nor anything by the end of the process.
func (m *Mailbox) Bulk(ctx context.Context, fn func(*Tx) error) error {
	return m.write(ctx, false, fn)
}

func (m *Mailbox) write(ctx context.Context, full bool, fn func(*Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err // not a matter of chance
	}
	select {
	case <-m.writing:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { m.writing <- struct{}{} }()
	if m.isClosed() {
		return ErrClosed
	}
	c := m.writer
	c.interrupt(ctx)
	defer c.interrupt(context.Background())
	if full != m.full {
		mode := "NORMAL"
		if full {
			mode = "FULL"
		}
		if err := c.script("PRAGMA synchronous=" + mode); err != nil {
			return err
		}
		m.full = full
	}
	if _, err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	tx := &Tx{m: m, c: c, write: true, now: m.o.clock()}
	committed := false
	defer func() {
		tx.done = true
		if !committed { // fn failed or panicked
			c.interrupt(context.Background())
			if _, e := c.exec("ROLLBACK"); e != nil && c.inTransaction() {
				err = errors.Join(err, e)
			}
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.finish(); err != nil {
		return err
	}
	if _, err := c.exec("COMMIT"); err != nil {
		return err
	}
	committed = true
	if tx.lastSeq > 0 {
		m.index.offer(indexBatch{from: tx.lastSeq - tx.fed, to: tx.lastSeq, docs: tx.indexed, removed: tx.removed,
			incomplete: tx.unindexed != int64(len(tx.indexed))})
		m.wake()
	}
	if m.freed += tx.freed; m.freed > freedAbove {
		c.interrupt(context.Background())
		_ = m.vacuum(vacuumPages) // what it leaves, the next transactions do, and Close
		m.freed = max(0, m.freed-vacuumPages*pageSize)
	}
	return nil
}

// View runs fn on a consistent snapshot. Several may run at once, beside a writer.
func (m *Mailbox) View(ctx context.Context, fn func(*Tx) error) error {
	c, err := m.reader(ctx)
	if err != nil {
		return err
	}
	defer m.release(c)
	c.interrupt(ctx)
	defer c.interrupt(context.Background())
	if _, err := c.exec("BEGIN"); err != nil {
		return err
	}
	tx := &Tx{m: m, c: c, now: m.o.clock()}
	defer func() {
		tx.done = true
		c.interrupt(context.Background())
		_, _ = c.exec("ROLLBACK") // nothing was written
	}()
	return fn(tx)
}

// reader takes a reader connection, to be given back with release.
func (m *Mailbox) reader(ctx context.Context) (*conn, error) {
	if m.isClosed() {
		return nil, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-m.reading:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	m.mu.Lock()
	if n := len(m.idle); n > 0 {
		c := m.idle[n-1]
		m.idle = m.idle[:n-1]
		m.mu.Unlock()
		return c, nil
	}
	m.mu.Unlock()
	c, err := openConn(ctx, m.path, m.conn(connOptions{cacheKiB: readerCache, reader: true}))
	if err != nil {
		m.reading <- struct{}{}
		return nil, err
	}
	return c, nil
}

func (m *Mailbox) release(c *conn) {
	m.mu.Lock()
	m.idle = append(m.idle, c)
	m.mu.Unlock()
	m.reading <- struct{}{}
}

func (m *Mailbox) isClosed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

// Subscribe returns a channel that gets a value after commits that changed the feed (several commits may give one value), and
// a function that ends it.
func (m *Mailbox) Subscribe() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	m.mu.Lock()
	m.subscribers[ch] = struct{}{}
	m.mu.Unlock()
	return ch, func() {
		m.mu.Lock()
		delete(m.subscribers, ch)
		m.mu.Unlock()
	}
}

func (m *Mailbox) wake() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for ch := range m.subscribers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// Size returns the bytes of all files of the mailbox.
func (m *Mailbox) Size(context.Context) (bytes int64) {
	for _, base := range []string{m.path, m.index.path} {
		for _, suffix := range databaseFiles {
			if fi, err := os.Stat(base + suffix); err == nil {
				bytes += fi.Size()
			}
		}
	}
	return bytes
}

// localFolders makes the folders that exist only here.
func (m *Mailbox) localFolders(ctx context.Context) error {
	have, err := m.writer.number("SELECT count(*) FROM folders WHERE role IN ('outbox', 'conflicts', 'local-failures')")
	if err != nil || have == 3 {
		return err
	}
	return m.Update(ctx, func(tx *Tx) error {
		for _, f := range []Folder{
			{Name: "Outbox", Role: groupware.RoleOutbox},
			{Name: "Conflicts", Role: groupware.RoleConflicts},
			{Name: "Local Failures", Role: groupware.RoleLocalFailures},
		} {
			n, err := tx.c.number("SELECT count(*) FROM folders WHERE role = ?", string(f.Role))
			if err != nil {
				return err
			}
			f.Kind, f.Mode = groupware.FolderMail, groupware.SyncWhole
			f.Accepts = []groupware.Kind{groupware.KindMail}
			if f.Role != groupware.RoleOutbox {
				f.Accepts = []groupware.Kind{groupware.KindMail, groupware.KindEvent, groupware.KindTask, groupware.KindNote, groupware.KindContact, groupware.KindList}
			}
			if n == 0 {
				if _, err := tx.AddFolder(f); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
