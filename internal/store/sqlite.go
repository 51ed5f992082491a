package store

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
	_ "github.com/ncruces/go-sqlite3/vfs/adiantum" // the VFS that encrypts pages

	"outpost/internal/groupware"
)

// This file is the only one that knows which SQL engine it is.

// pageSize is large because a compressed mail of some KiB wastes less of a large page, and it is what adiantum's 4 KiB blocks divide.
const pageSize = 16384

// streamAbove is the size in bytes from which blobs are written and read in pieces, so that one attachment does not
// have to fit into the engine's memory.
const streamAbove = 256 << 10

// fullBelow is how many free bytes make a failed write a matter of a full disk.
const fullBelow = 1 << 20

// conn is one connection to one database with its prepared statements. It is used by one goroutine at a time.
type conn struct {
	db    *sqlite3.Conn
	path  string
	stmts map[string]*sqlite3.Stmt
}

// connOptions says how to open a connection.
type connOptions struct {
	key      []byte // 32 bytes: encrypt with it; nil: plain
	vfs      string // registered file system of the engine; "": the system's, encrypted where there is a key
	cacheKiB int    // bound of the page cache
	reader   bool   // only read; the database is there
	pages    int64  // bound of the file in pages, for tests of a full disk; 0 means none
}

// openConn opens (and makes, when absent) a database in WAL mode with foreign keys on.
func openConn(ctx context.Context, path string, o connOptions) (*conn, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	name, flags := abs, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE
	if o.key != nil || o.vfs != "" {
		p := filepath.ToSlash(abs)
		if !strings.HasPrefix(p, "/") {
			p = "/" + p
		}
		name = (&url.URL{Scheme: "file", Path: p, RawQuery: url.Values{"vfs": {cmp.Or(o.vfs, "adiantum")}}.Encode()}).String()
		flags |= sqlite3.OPEN_URI
	}
	if !o.reader && o.vfs == "" {
		// Only this person reads it, also when the file is taken out of its folder (mode 0700).
		f, err := os.OpenFile(abs, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open database %s: %w", path, sqlError(ctx, path, err))
		}
		f.Close()
	}
	db, err := sqlite3.OpenFlags(name, flags)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, sqlError(ctx, path, err))
	}
	c := &conn{db: db, path: path, stmts: map[string]*sqlite3.Stmt{}}
	if err := c.prepare(o); err != nil {
		db.Close()
		return nil, fmt.Errorf("open database %s: %w", path, sqlError(ctx, path, err))
	}
	return c, nil
}

// prepare sets what lasts as long as the connection, and what can only be chosen before a database holds anything.
func (c *conn) prepare(o connOptions) error {
	pragmas := []string{"busy_timeout=20000", "temp_store=MEMORY", fmt.Sprintf("cache_size=-%d", o.cacheKiB), "foreign_keys=ON"}
	if o.key != nil {
		pragmas = append([]string{"hexkey='" + hex.EncodeToString(o.key) + "'"}, pragmas...)
	}
	if o.reader {
		pragmas = append(pragmas, "query_only=ON")
	}
	if o.pages > 0 {
		pragmas = append(pragmas, fmt.Sprintf("max_page_count=%d", o.pages))
	}
	for _, p := range pragmas {
		if err := c.db.Exec("PRAGMA " + p); err != nil {
			return err
		}
	}
	if o.reader {
		return nil
	}
	used, err := c.number("PRAGMA page_count")
	if err == nil && used == 0 {
		err = c.db.Exec(fmt.Sprintf("PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL", pageSize))
	}
	if err != nil {
		return err
	}
	return c.db.Exec("PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=33554432")
}

// databaseFiles are the endings of the files of one database.
var databaseFiles = [...]string{"", "-wal", "-shm"}

// removeDatabase removes the files of a database that is closed. One that is not there is no error.
func removeDatabase(system, path string) error {
	fsys := vfs.Find(system)
	if fsys == nil {
		return fmt.Errorf("there is no file system %q", system)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	var errs []error
	for _, suffix := range databaseFiles {
		if there, err := fsys.Access(path+suffix, vfs.ACCESS_EXISTS); err != nil {
			errs = append(errs, err)
		} else if there {
			errs = append(errs, fsys.Delete(path+suffix, false))
		}
	}
	return errors.Join(errs...)
}

// close finalises the statements and closes the connection.
func (c *conn) close() error {
	c.db.SetInterrupt(context.Background())
	for _, s := range c.stmts {
		s.Close()
	}
	c.stmts = map[string]*sqlite3.Stmt{}
	return c.db.Close()
}

// interrupt makes statements end soon after ctx does.
func (c *conn) interrupt(ctx context.Context) { c.db.SetInterrupt(ctx) }

// script runs several statements without arguments.
func (c *conn) script(sql string) error { return c.wrap(c.db.Exec(sql)) }

// exec runs one statement that returns no rows and tells how many rows it changed.
func (c *conn) exec(sql string, args ...any) (int64, error) {
	s, done, err := c.stmt(sql, args)
	if err != nil {
		return 0, err
	}
	err = s.Exec()
	n := c.db.Changes()
	done()
	return n, c.wrap(err)
}

// insert runs one INSERT and returns the id of the new row.
func (c *conn) insert(sql string, args ...any) (int64, error) {
	if _, err := c.exec(sql, args...); err != nil {
		return 0, err
	}
	return c.db.LastInsertRowID(), nil
}

// query calls each for every row of the answer; an error from each ends it and is returned as it is.
func (c *conn) query(each func(r row) error, sql string, args ...any) error {
	s, done, err := c.stmt(sql, args)
	if err != nil {
		return err
	}
	defer done()
	for s.Step() {
		if err := each(row{s}); err != nil {
			return err
		}
	}
	return c.wrap(s.Err())
}

// one calls scan for the first row and tells whether there was one.
func (c *conn) one(scan func(r row), sql string, args ...any) (bool, error) {
	s, done, err := c.stmt(sql, args)
	if err != nil {
		return false, err
	}
	defer done()
	if s.Step() {
		scan(row{s})
		return true, nil
	}
	return false, c.wrap(s.Err())
}

// number returns the first column of the first row, 0 when there is none.
func (c *conn) number(sql string, args ...any) (n int64, err error) {
	_, err = c.one(func(r row) { n = r.int(0) }, sql, args...)
	return n, err
}

// stmt returns a kept statement with its arguments bound, and what to call after use.
func (c *conn) stmt(sql string, args []any) (s *sqlite3.Stmt, done func(), err error) {
	s, kept := c.stmts[sql]
	if kept {
		c.stmts[sql] = nil // taken: a nested use of the same statement prepares another
	}
	if s == nil {
		if s, _, err = c.db.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT); err != nil {
			if kept {
				delete(c.stmts, sql)
			}
			return nil, nil, fmt.Errorf("%w in %q", c.wrap(err), sql)
		}
		c.stmts[sql] = nil
	}
	done = func() {
		s.Reset()
		if old := c.stmts[sql]; old != nil {
			s.Close()
			return
		}
		c.stmts[sql] = s
	}
	for i, a := range args {
		if err := bind(s, i+1, a); err != nil {
			done()
			return nil, nil, c.wrap(err)
		}
	}
	return s, done, nil
}

func bind(s *sqlite3.Stmt, i int, a any) error {
	switch v := a.(type) {
	case nil:
		return s.BindNull(i)
	case int64:
		return s.BindInt64(i, v)
	case int:
		return s.BindInt64(i, int64(v))
	case string:
		return s.BindText(i, v)
	case []byte:
		return s.BindBlob(i, v)
	case bool:
		return s.BindBool(i, v)
	case groupware.FolderID:
		return s.BindInt64(i, int64(v))
	case groupware.ItemID:
		return s.BindInt64(i, int64(v))
	case zeros:
		return s.BindZeroBlob(i, int64(v))
	}
	return fmt.Errorf("store: cannot bind a %T", a)
}

// zeros is an argument that stands for a blob of that many bytes, to be filled by writeBlob.
type zeros int64

// row is the current row of an answer. Columns count from 0.
type row struct{ s *sqlite3.Stmt }

func (r row) int(i int) int64   { return r.s.ColumnInt64(i) }
func (r row) bool(i int) bool   { return r.s.ColumnInt64(i) != 0 }
func (r row) text(i int) string { return r.s.ColumnText(i) }
func (r row) blob(i int) []byte { return r.s.ColumnBlob(i, nil) }

// raw is only valid until the next use of the statement.
func (r row) raw(i int) []byte { return r.s.ColumnRawBlob(i) }

// readBlob reads one blob in pieces.
func (c *conn) readBlob(table, column string, id int64) ([]byte, error) {
	b, err := c.db.OpenBlob("main", table, column, id, false)
	if err != nil {
		return nil, c.wrap(err)
	}
	defer b.Close()
	out := make([]byte, b.Size())
	for off := 0; off < len(out); {
		n, err := b.Read(out[off:min(off+1<<20, len(out))])
		off += n
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, c.wrap(err)
		}
	}
	return out, nil
}

// writeBlob fills a blob that was inserted as zeros, in pieces.
func (c *conn) writeBlob(table, column string, id int64, data []byte) error {
	b, err := c.db.OpenBlob("main", table, column, id, true)
	if err != nil {
		return c.wrap(err)
	}
	for len(data) > 0 && err == nil {
		n := min(1<<20, len(data))
		_, err = b.Write(data[:n])
		data = data[n:]
	}
	if e := b.Close(); err == nil {
		err = e
	}
	return c.wrap(err)
}

func (c *conn) wrap(err error) error {
	if err == nil {
		return nil
	}
	return sqlError(c.db.GetInterrupt(), c.path, err)
}

// sqlError turns the engine's error into one that callers decide on and people can act on.
func sqlError(ctx context.Context, path string, err error) error {
	switch {
	case errors.Is(err, sqlite3.FULL), errors.Is(err, syscall.ENOSPC):
		return &DiskFullError{Path: filepath.Dir(path), Err: err}
	case errors.Is(err, sqlite3.IOERR) && freeBytes(filepath.Dir(path)) < fullBelow: // not every system says which
		return &DiskFullError{Path: filepath.Dir(path), Err: err}
	case errors.Is(err, sqlite3.INTERRUPT):
		if e := ctx.Err(); e != nil {
			return e
		}
	case errors.Is(err, sqlite3.CORRUPT), errors.Is(err, sqlite3.NOTADB):
		return &DamagedError{Path: path, Err: err}
	}
	return err
}

// isConstraint reports whether a uniqueness rule refused the statement.
func isUnique(err error) bool {
	return errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) || errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY)
}

func unixOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func timeOrZero(sec int64) time.Time {
	if sec == 0 {
		return time.Time{}
	}
	return time.Unix(sec, 0)
}

// inTransaction reports whether a transaction is open.
func (c *conn) inTransaction() bool { return !c.db.GetAutocommit() }
