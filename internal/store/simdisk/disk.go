// Package simdisk is a disk in memory that a test owns: a VFS for SQLite (https://sqlite.org/vfs.html) whose files can be copied and put
// back, whose writes fail to order, and on which the process dies or the power goes at any write. Only the WAL-index, which several connections
// map, is a file of the system, in a folder given by the test: a crash loses it in any case. It imports nothing of ours. Read disk.go first,
// then file.go.
package simdisk

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// sector is what is written whole or not at all when the power goes.
const sector = 512

// Disk is the disk. Its methods may be called from any goroutine.
type Disk struct {
	name    string
	folder  string // of WAL-indexes
	counted func(path string) bool

	mu       sync.Mutex
	files    map[string]*file
	open     int // handles of counted files
	counts   Counts
	orders   []*Order
	capacity int64
	dead     bool
	journal  bool
	watch    func(op Op, path string)
	rand     *rand.Rand
}

// Op is a kind of operation on a file.
type Op int

const (
	Any Op = iota // in an Order: every one of those below
	Write
	Sync
	Truncate
	Remove
)

func (o Op) String() string { return [...]string{"any", "write", "sync", "truncate", "remove"}[o] }

// Counts is how much was done to the files that count.
type Counts struct {
	Writes, Syncs, Truncates, Removes int
	Bytes                             int64 // written
}

// All is the number of operations that an Order of Any counts.
func (c Counts) All() int { return c.Writes + c.Syncs + c.Truncates + c.Removes }

// Trouble is what an order does.
type Trouble int

const (
	Fails Trouble = iota // the operation fails once (EIO), and nothing of it was done
	Full                 // it fails once because the disk is full (ENOSPC)
	Dies                 // the process dies: this write was done in part, and nothing is done after it until Revive
)

func (t Trouble) String() string { return [...]string{"fails", "full", "dies"}[t] }

// Order is one thing that goes wrong: the Nth operation of kind Op from now on, from 1.
type Order struct {
	Op  Op
	Nth int
	Do  Trouble
}

// Options say how a disk behaves.
type Options struct {
	// Folder is where WAL-indexes are; best in memory.
	Folder string
	// Counted chooses the files that are counted, fail and die; the others are on a disk without faults. nil: all.
	Counted func(path string) bool
	// Journal keeps what was not synced, so that Revive can lose it.
	Journal bool
	// Rand decides what a crash leaves of what was not synced.
	Rand *rand.Rand
}

// New makes an empty disk and registers it as a VFS, to be taken away with Close. No two may have one name at a time.
func New(name string, o Options) *Disk {
	d := &Disk{name: name, folder: o.Folder, counted: o.Counted, journal: o.Journal, rand: o.Rand, files: map[string]*file{}}
	if d.counted == nil {
		d.counted = func(string) bool { return true }
	}
	if d.rand == nil {
		d.rand = rand.New(rand.NewPCG(1, 1))
	}
	vfs.Register(name, d)
	return d
}

// Name is that of the VFS.
func (d *Disk) Name() string { return d.name }

// Close takes the VFS away.
func (d *Disk) Close() { vfs.Unregister(d.name) }

// Image is a copy of a disk.
type Image map[string][]byte

// Copy returns the files that count as a process would find them now. Between transactions that is a backup.
func (d *Disk) Copy() Image {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := Image{}
	for name, f := range d.files {
		if d.counted(name) {
			out[name] = bytes.Clone(f.data)
		}
	}
	return out
}

// Restore puts a copy in the place of the files that count, and takes back every order. No such file may be open.
func (d *Disk) Restore(i Image) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open > 0 {
		return fmt.Errorf("restore the disk %s: %d files are open", d.name, d.open)
	}
	maps.DeleteFunc(d.files, func(name string, _ *file) bool { return d.counted(name) })
	for name, data := range i {
		d.files[name] = &file{data: bytes.Clone(data)}
	}
	d.dead, d.orders, d.capacity = false, nil, 0
	return nil
}

// Use changes what decides and what is kept, for the next history on the same disk.
func (d *Disk) Use(r *rand.Rand, journal bool, watch func(op Op, path string)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rand, d.journal, d.watch, d.counts = r, journal, watch, Counts{}
}

// Counts tells what was done since Use.
func (d *Disk) Counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counts
}

// Order adds something that goes wrong.
func (d *Disk) Order(o Order) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.orders = append(d.orders, &o)
}

// Withdraw takes the orders back and says how many had not struck.
func (d *Disk) Withdraw() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.orders)
	d.orders = nil
	return n
}

// SetFree leaves room for that many bytes more; less than 0 is no bound.
func (d *Disk) SetFree(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.capacity = 0; bytes >= 0 {
		d.capacity = d.used() + bytes + 1
	}
}

// Kill ends the process: nothing that it does reaches the disk.
func (d *Disk) Kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
}

// Dead reports whether the process has died.
func (d *Disk) Dead() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

// Revive makes a disk usable again after death. With the end of the process all that was written is there; with that of the power, of what
// was not synced any part may be missing. Every file must have been closed.
func (d *Disk) Revive(power bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open > 0 {
		return fmt.Errorf("revive the disk %s: %d files are open", d.name, d.open)
	}
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		if f := d.files[name]; power && d.counted(name) {
			f.lose(d.rand)
		} else {
			f.log = nil
		}
	}
	d.dead, d.orders = false, nil
	return nil
}

// Resume ends death for a process that lived on: its disk was away for a while, and is back with all that was written.
func (d *Disk) Resume() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead, d.orders = false, nil
}

func (d *Disk) used() (n int64) {
	for _, f := range d.files {
		n += int64(len(f.data))
	}
	return n
}

// strike says what goes wrong with an operation. The lock is held.
func (d *Disk) strike(op Op, name string, grows int64) (t Trouble, struck bool) {
	if !d.counted(name) {
		return 0, false
	}
	if d.watch != nil && !d.dead {
		d.watch(op, name)
	}
	switch op {
	case Write:
		d.counts.Writes++
		d.counts.Bytes += max(0, grows)
	case Sync:
		d.counts.Syncs++
	case Truncate:
		d.counts.Truncates++
	case Remove:
		d.counts.Removes++
	}
	for i, o := range d.orders {
		if o.Op != Any && o.Op != op {
			continue
		}
		if o.Nth--; o.Nth <= 0 {
			d.orders = slices.Delete(d.orders, i, i+1)
			return o.Do, true
		}
	}
	if op == Write && d.capacity > 0 && grows > 0 && d.used()+grows >= d.capacity {
		return Full, true
	}
	return 0, false
}

// gone reports whether nothing can be done with a file because the process has died. The lock is held.
func (d *Disk) gone(name string) bool { return d.dead && d.counted(name) }

// Open implements vfs.VFS.
func (d *Disk) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if name == "" || flags&vfs.OPEN_DELETEONCLOSE != 0 {
		return &vfsutil.SliceFile{}, flags | vfs.OPEN_MEMORY, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone(name) {
		return nil, flags, sqlite3.CANTOPEN
	}
	f := d.files[name]
	if f == nil {
		if flags&vfs.OPEN_CREATE == 0 {
			return nil, flags, sqlite3.CANTOPEN
		}
		f = &file{}
		d.files[name] = f
	}
	h := &handle{d: d, f: f, name: name, counted: d.counted(name)}
	if h.counted {
		d.open++
	}
	if flags&vfs.OPEN_MAIN_DB != 0 {
		h.shm = vfs.NewSharedMemory(filepath.Join(d.folder, d.name+strings.ReplaceAll(filepath.ToSlash(name), "/", "_")+"-shm"), flags)
	}
	return h, flags, nil
}

// Delete implements vfs.VFS.
func (d *Disk) Delete(name string, syncDir bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone(name) {
		return sqlite3.IOERR_DELETE
	}
	if d.files[name] == nil {
		return sqlite3.IOERR_DELETE_NOENT
	}
	if t, struck := d.strike(Remove, name, 0); struck {
		d.dead = d.dead || t == Dies
		return sqlite3.IOERR_DELETE
	}
	delete(d.files, name)
	return nil
}

// Access implements vfs.VFS.
func (d *Disk) Access(name string, flags vfs.AccessFlag) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone(name) {
		return false, sqlite3.IOERR_ACCESS
	}
	return d.files[name] != nil, nil
}

// FullPathname implements vfs.VFS.
func (d *Disk) FullPathname(name string) (string, error) { return name, nil }
