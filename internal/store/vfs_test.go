package store

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/ncruces/go-sqlite3/vfs"
)

// countingVFS is the system's, and notes what is done with which file.
type countingVFS struct {
	vfs.VFSFilename
	mu              sync.Mutex
	opened, deleted map[string]int
}

func (v *countingVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	v.mu.Lock()
	v.opened[filepath.Base(name.String())]++
	v.mu.Unlock()
	return v.VFSFilename.OpenFilename(name, flags)
}

func (v *countingVFS) Delete(name string, sync bool) error {
	v.mu.Lock()
	v.deleted[filepath.Base(name)]++
	v.mu.Unlock()
	return v.VFSFilename.Delete(name, sync)
}

func TestAllDatabasesLieOnTheFileSystemThatIsNamed(t *testing.T) {
	counting := &countingVFS{VFSFilename: vfs.Find("").(vfs.VFSFilename), opened: map[string]int{}, deleted: map[string]int{}}
	vfs.Register("counting", counting)
	t.Cleanup(func() { vfs.Unregister("counting") })
	dir := t.TempDir()
	p, m := openProfile(t, dir, Options{VFS: "counting"})
	inbox := addFolder(t, m, "INBOX", "inbox")
	add(t, m, inbox, mail("needle", 1, ""))
	wants(t, "search", search(t, m, SearchOptions{Words: "needle"}), "needle")
	clean(t, m)
	guid := m.GUID()
	for _, name := range []string{"outpost.db", "outpost.db-wal", guid + ".db", guid + ".db-wal", guid + ".index.db"} {
		if counting.opened[name] == 0 {
			t.Errorf("%s is elsewhere: %v", name, counting.opened)
		}
	}
	if err := p.RemoveAccount(t.Context(), "anna@example.org"); err != nil {
		t.Fatal(err)
	}
	if left := must(os.ReadDir(filepath.Join(dir, mailboxDir)))(t); len(left) > 0 || counting.deleted[guid+".db"] != 1 {
		t.Errorf("left %v, deleted %v", left, slices.Sorted(maps.Keys(counting.deleted)))
	}
}

func TestWithoutAnIndexerNothingIsWrittenUnlessAskedFor(t *testing.T) {
	_, m := openProfile(t, t.TempDir(), Options{NoIndexer: true})
	inbox := addFolder(t, m, "INBOX", "inbox")
	add(t, m, inbox, mail("needle", 1, ""))
	if m.index.buf.full() || len(m.index.buf.entries) > 0 || len(m.index.queue) > 0 || must(m.Indexed(t.Context()))(t) == 0 {
		t.Error("something was indexed")
	}
	wants(t, "search", search(t, m, SearchOptions{Words: "needle"}), "needle")
	add(t, m, inbox, mail("thread", 2, ""))
	if err := m.WaitIndexed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := must(m.Indexed(t.Context()))(t); n != 0 {
		t.Errorf("%d changes behind", n)
	}
	wants(t, "search", search(t, m, SearchOptions{Words: "thread"}), "thread")
	update(t, m, func(tx *Tx) error { return tx.RemoveFolder(inbox) })
	if got := search(t, m, SearchOptions{Words: "needle"}); len(got) > 0 {
		t.Errorf("found %v", got)
	}
	clean(t, m)
}
