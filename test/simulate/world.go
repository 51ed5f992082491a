package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"outpost/internal/store"
	"outpost/internal/store/simdisk"
)

// world is what histories happen in, one after the other: a clock, a disk, and a profile with one mailbox on it that is new for each.
type world struct {
	now     time.Time
	disk    *simdisk.Disk
	profile *store.Profile
	guid    string
	empty   simdisk.Image // a mailbox in which nothing has happened
}

// pageSize is smaller than the store's own, so that a mailbox of a few items has as many pages to lose as a large one.
const pageSize = 1024

// epoch is when every history begins.
func epoch() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// newWorld makes a world whose few real files are in a folder; no two at a time may have one name.
func newWorld(ctx context.Context, name, folder string) (_ *world, err error) {
	w := &world{now: epoch()}
	mailboxes := string(filepath.Separator) + "mailboxes" + string(filepath.Separator)
	w.disk = simdisk.New(name, simdisk.Options{Folder: folder, Counted: func(path string) bool { return strings.Contains(path, mailboxes) }})
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	w.profile, err = store.OpenProfile(ctx, filepath.Join(folder, name), store.Options{VFS: w.disk.Name(), NoIndexer: true, Clock: func() time.Time { return w.now }})
	if err != nil {
		return nil, err
	}
	a, err := w.profile.PutAccount(ctx, store.Account{Email: address})
	if err != nil {
		return nil, err
	}
	w.guid = a.Mailbox
	m, err := w.profile.OpenMailbox(ctx, w.guid)
	if err != nil {
		return nil, err
	}
	if err := m.Close(); err != nil {
		return nil, err
	}
	for path := range w.disk.Copy() {
		if err := w.repage(path); err != nil {
			return nil, fmt.Errorf("give %s smaller pages: %w", path, err)
		}
	}
	w.empty = w.disk.Copy()
	return w, nil
}

func (w *world) repage(path string) error {
	db, err := sqlite3.OpenFlags("file:"+filepath.ToSlash(path)+"?vfs="+w.disk.Name(), sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Exec(fmt.Sprintf("PRAGMA journal_mode=DELETE; PRAGMA page_size=%d; VACUUM; PRAGMA journal_mode=WAL", pageSize))
}

// begin makes the mailbox new and the clock start again.
func (w *world) begin(r *rand.Rand) error {
	w.now = epoch()
	w.disk.Use(r, true, nil)
	return w.disk.Restore(w.empty)
}

func (w *world) close() {
	if w.profile != nil {
		w.profile.Close()
	}
	w.disk.Close()
}
