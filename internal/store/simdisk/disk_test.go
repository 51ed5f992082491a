package simdisk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

func open(t testing.TB, d *Disk, name string) *sqlite3.Conn {
	t.Helper()
	c, err := tryOpen(d, name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tryOpen(d *Disk, name string) (*sqlite3.Conn, error) {
	c, err := sqlite3.OpenFlags("file:"+name+"?vfs="+d.Name(), sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE|sqlite3.OPEN_URI)
	if err != nil {
		return nil, err
	}
	if err := c.Exec("PRAGMA page_size=1024; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func count(t testing.TB, c *sqlite3.Conn, sql string) int {
	t.Helper()
	s, _, err := c.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !s.Step() {
		t.Fatalf("%s: %v", sql, s.Err())
	}
	return s.ColumnInt(0)
}

func exec(t testing.TB, c *sqlite3.Conn, sql string) {
	t.Helper()
	if err := c.Exec(sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func newDisk(t testing.TB, o Options) *Disk {
	o.Folder = t.TempDir()
	d := New("simdisk-"+t.Name(), o)
	t.Cleanup(d.Close)
	return d
}

func TestConnectionsSeeWhatOthersCommitted(t *testing.T) {
	d := newDisk(t, Options{})
	writer, reader := open(t, d, "/a.db"), open(t, d, "/a.db")
	defer writer.Close()
	defer reader.Close()
	exec(t, writer, "CREATE TABLE t(n)")
	exec(t, reader, "BEGIN")
	if n := count(t, reader, "SELECT count(*) FROM t"); n != 0 {
		t.Fatalf("%d rows in a new table", n)
	}
	exec(t, writer, "INSERT INTO t VALUES (1)")
	if n := count(t, reader, "SELECT count(*) FROM t"); n != 0 {
		t.Fatalf("a snapshot shows %d rows that came later", n)
	}
	exec(t, reader, "COMMIT")
	if n := count(t, reader, "SELECT count(*) FROM t"); n != 1 {
		t.Fatalf("%d rows are seen, want 1", n)
	}
	if err := writer.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if err := reader.Exec("BEGIN IMMEDIATE"); !errors.Is(err, sqlite3.BUSY) {
		t.Fatalf("a second writer got %v", err)
	}
}

// At every operation the process or the power ends: what was committed is there, what was not is not, and the database is sound.
func TestDeathAtEveryOperationLosesNothingCommitted(t *testing.T) {
	for _, power := range []bool{false, true} {
		for n := 1; ; n++ {
			d := newDisk(t, Options{Journal: power, Rand: rand.New(rand.NewPCG(uint64(n), 5))})
			c := open(t, d, "/a.db")
			exec(t, c, "PRAGMA wal_autocheckpoint=10; CREATE TABLE t(n INTEGER PRIMARY KEY, s)")
			d.Order(Order{Nth: n, Do: Dies})
			committed := 0
			for range 30 {
				if c.Exec(fmt.Sprintf("INSERT INTO t VALUES (%d, hex(randomblob(900)))", committed+1)) != nil {
					break
				}
				committed++
			}
			done := !d.Dead()
			c.Close()
			done = done && !d.Dead()
			d.Kill()
			if err := d.Revive(power); err != nil {
				t.Fatal(err)
			}
			c = open(t, d, "/a.db")
			have := count(t, c, "SELECT count(*) FROM t")
			if have != committed && have != committed+1 {
				t.Fatalf("power %v, operation %d: %d rows were committed, %d are there", power, n, committed, have)
			}
			s, _, err := c.Prepare("PRAGMA integrity_check")
			if err != nil {
				t.Fatal(err)
			}
			if !s.Step() || s.ColumnText(0) != "ok" {
				t.Fatalf("power %v, operation %d: %s", power, n, s.ColumnText(0))
			}
			s.Close()
			c.Close()
			d.Close()
			if done {
				if n < 60 {
					t.Fatalf("all was done after %d operations", n)
				}
				break
			}
		}
	}
}

func TestWhatWasNotSyncedMayBeLost(t *testing.T) {
	lost := false
	for seed := range uint64(20) {
		d := newDisk(t, Options{Journal: true, Rand: rand.New(rand.NewPCG(seed, 1))})
		c := open(t, d, "/a.db")
		exec(t, c, "CREATE TABLE t(n); PRAGMA synchronous=NORMAL")
		for range 10 {
			exec(t, c, "INSERT INTO t VALUES (1)")
		}
		d.Kill()
		c.Close()
		if err := d.Revive(true); err != nil {
			t.Fatal(err)
		}
		c = open(t, d, "/a.db")
		n := count(t, c, "SELECT count(*) FROM t")
		lost = lost || n < 10
		c.Close()
		d.Close()
	}
	if !lost {
		t.Fatal("no loss of power lost anything")
	}
}

func TestOperationsFailToOrder(t *testing.T) {
	d := newDisk(t, Options{})
	c := open(t, d, "/a.db")
	defer c.Close()
	exec(t, c, "CREATE TABLE t(n)")
	d.Order(Order{Op: Write, Nth: 2, Do: Full})
	if err := c.Exec("INSERT INTO t VALUES (1)"); !errors.Is(err, sqlite3.FULL) {
		t.Fatalf("a write to a full disk gave %v", err)
	}
	d.Order(Order{Op: Sync, Nth: 1, Do: Fails})
	if err := c.Exec("INSERT INTO t VALUES (1)"); !errors.Is(err, sqlite3.IOERR) {
		t.Fatalf("a failing sync gave %v", err)
	}
	d.SetFree(100)
	if err := c.Exec("INSERT INTO t VALUES (hex(randomblob(100000)))"); !errors.Is(err, sqlite3.FULL) {
		t.Fatalf("a full disk gave %v", err)
	}
	d.SetFree(-1)
	exec(t, c, "INSERT INTO t VALUES (1)")
	if d.Withdraw() != 0 {
		t.Fatal("an order did not strike")
	}
}

func TestADiskThatWasAwayIsUsedAgain(t *testing.T) {
	d := newDisk(t, Options{})
	c := open(t, d, "/a.db")
	defer c.Close()
	exec(t, c, "CREATE TABLE t(n); INSERT INTO t VALUES (1)")
	d.Order(Order{Nth: 2, Do: Dies})
	if err := c.Exec("INSERT INTO t VALUES (2)"); !errors.Is(err, sqlite3.IOERR) {
		t.Fatalf("a disk that is away gave %v", err)
	}
	d.Resume()
	exec(t, c, "INSERT INTO t VALUES (3)")
	if n := count(t, c, "SELECT sum(n) FROM t"); n != 4 {
		t.Fatalf("the rows add up to %d, want 4", n)
	}
}

func TestABackupCanBePutBack(t *testing.T) {
	d := newDisk(t, Options{})
	c := open(t, d, "/a.db")
	exec(t, c, "CREATE TABLE t(n); INSERT INTO t VALUES (1)")
	backup := d.Copy()
	exec(t, c, "INSERT INTO t VALUES (2)")
	if d.Restore(backup) == nil {
		t.Fatal("a disk in use was replaced")
	}
	d.Kill()
	c.Close()
	if err := d.Restore(backup); err != nil {
		t.Fatal(err)
	}
	c = open(t, d, "/a.db")
	defer c.Close()
	if n := count(t, c, "SELECT count(*) FROM t"); n != 1 {
		t.Fatalf("the backup has %d rows, want 1", n)
	}
}

func BenchmarkOpen(b *testing.B) {
	d := newDisk(b, Options{})
	c := open(b, d, "/a.db")
	exec(b, c, "CREATE TABLE t(n); INSERT INTO t VALUES (1)")
	for b.Loop() {
		c := open(b, d, "/a.db")
		count(b, c, "SELECT count(*) FROM t")
		c.Close()
	}
}
