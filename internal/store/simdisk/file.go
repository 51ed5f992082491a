package simdisk

import (
	"bytes"
	"io"
	"math/rand/v2"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// file is what is on the disk under a name. The disk's lock guards it.
type file struct {
	data []byte
	log  []change // since the last sync, when the disk keeps a journal

	shared            int
	reserved, pending bool
}

// change is a write (or a truncation, when truncated) that was not synced.
type change struct {
	off       int64
	put       []byte
	was       []byte // what stood there
	size      int64  // of the file before
	truncated bool
}

func (f *file) write(b []byte, off int64, journal bool) {
	if journal {
		c := change{off: off, put: bytes.Clone(b), size: int64(len(f.data))}
		if off < c.size {
			c.was = bytes.Clone(f.data[off:min(c.size, off+int64(len(b)))])
		}
		f.log = append(f.log, c)
	}
	f.grow(off + int64(len(b)))
	copy(f.data[off:], b)
}

func (f *file) truncate(size int64, journal bool) {
	if size < int64(len(f.data)) {
		if journal {
			f.log = append(f.log, change{off: size, was: bytes.Clone(f.data[size:]), size: int64(len(f.data)), truncated: true})
		}
		clear(f.data[size:])
		f.data = f.data[:size]
	}
}

// grow makes a file at least that large; what is new is zero.
func (f *file) grow(size int64) {
	if n := size - int64(len(f.data)); n > 0 {
		if size <= int64(cap(f.data)) {
			f.data = f.data[:size]
		} else {
			f.data = append(f.data, make([]byte, n)...)
		}
	}
}

// lose takes back what was not synced, all or in part: each write is there, is not, or is there up to some sector.
func (f *file) lose(r *rand.Rand) {
	log := f.log
	f.log = nil
	for i := len(log) - 1; i >= 0; i-- {
		c := log[i]
		if c.truncated {
			f.grow(c.size)
			copy(f.data[c.off:], c.was)
			continue
		}
		copy(f.data[c.off:], c.was)
		f.truncate(c.size, false)
	}
	most := r.IntN(4) // in how many of four writes are there
	for _, c := range log {
		if r.IntN(4) >= most {
			continue
		}
		if c.truncated {
			f.truncate(c.off, false)
			continue
		}
		if r.IntN(4) == 0 {
			c.put = c.put[:min(len(c.put), sector*r.IntN(1+len(c.put)/sector))]
		}
		f.write(c.put, c.off, false)
	}
}

// handle is an open file.
type handle struct {
	d       *Disk
	f       *file
	name    string
	counted bool
	lock    vfs.LockLevel
	shm     vfs.SharedMemory
}

var (
	_ vfs.FileSharedMemory = (*handle)(nil)
	_ vfs.FileLockState    = (*handle)(nil)
)

func (h *handle) SharedMemory() vfs.SharedMemory { return h.shm }
func (h *handle) LockState() vfs.LockLevel       { return h.lock }
func (h *handle) SectorSize() int                { return sector }

func (h *handle) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return vfs.IOCAP_POWERSAFE_OVERWRITE | vfs.IOCAP_SUBPAGE_READ
}

func (h *handle) Close() error {
	if h.shm != nil {
		h.shm.Close()
	}
	h.Unlock(vfs.LOCK_NONE)
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.counted {
		h.d.open--
	}
	return nil
}

func (h *handle) ReadAt(b []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.d.gone(h.name) {
		return 0, sqlite3.IOERR_READ
	}
	n := 0
	if off < int64(len(h.f.data)) {
		n = copy(b, h.f.data[off:])
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handle) WriteAt(b []byte, off int64) (int, error) {
	d := h.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone(h.name) {
		return 0, sqlite3.IOERR_WRITE
	}
	if t, struck := d.strike(Write, h.name, off+int64(len(b))-int64(len(h.f.data))); struck {
		switch t {
		case Full:
			return 0, sqlite3.FULL
		case Dies:
			d.dead = true
			h.f.write(b[:min(len(b), sector*d.rand.IntN(1+len(b)/sector))], off, d.journal)
		}
		return 0, sqlite3.IOERR_WRITE
	}
	h.f.write(b, off, d.journal && h.counted)
	return len(b), nil
}

func (h *handle) Truncate(size int64) error {
	d := h.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone(h.name) {
		return sqlite3.IOERR_TRUNCATE
	}
	if t, struck := d.strike(Truncate, h.name, 0); struck {
		d.dead = d.dead || t == Dies
		return sqlite3.IOERR_TRUNCATE
	}
	h.f.truncate(size, d.journal && h.counted)
	return nil
}

func (h *handle) Sync(vfs.SyncFlag) error {
	d := h.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone(h.name) {
		return sqlite3.IOERR_FSYNC
	}
	if t, struck := d.strike(Sync, h.name, 0); struck {
		d.dead = d.dead || t == Dies
		return sqlite3.IOERR_FSYNC
	}
	h.f.log = nil
	return nil
}

func (h *handle) Size() (int64, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.d.gone(h.name) {
		return 0, sqlite3.IOERR_FSTAT
	}
	return int64(len(h.f.data)), nil
}

// Lock never waits: the caller asks again. https://sqlite.org/lockingv3.html
func (h *handle) Lock(lock vfs.LockLevel) error {
	if h.lock >= lock {
		return nil
	}
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	switch f := h.f; lock {
	case vfs.LOCK_SHARED:
		if f.pending {
			return sqlite3.BUSY
		}
		f.shared++
	case vfs.LOCK_RESERVED:
		if f.reserved {
			return sqlite3.BUSY
		}
		f.reserved = true
	case vfs.LOCK_EXCLUSIVE:
		if h.lock < vfs.LOCK_PENDING {
			if f.pending {
				return sqlite3.BUSY
			}
			h.lock, f.pending = vfs.LOCK_PENDING, true
		}
		if f.shared > 1 {
			return sqlite3.BUSY
		}
	}
	h.lock = lock
	return nil
}

func (h *handle) Unlock(lock vfs.LockLevel) error {
	if h.lock <= lock {
		return nil
	}
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.lock >= vfs.LOCK_RESERVED {
		h.f.reserved = false
	}
	if h.lock >= vfs.LOCK_PENDING {
		h.f.pending = false
	}
	if lock < vfs.LOCK_SHARED {
		h.f.shared--
	}
	h.lock = lock
	return nil
}

func (h *handle) CheckReservedLock() (bool, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	return h.f.reserved, nil
}
