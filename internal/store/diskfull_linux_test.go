package store

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// The same on a disk that is really full, where the test may make one.
func TestAFullDiskLosesNothingOnARealDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	m := openIn(t, dir, Options{})
	inbox := addFolder(t, m, "INBOX", "inbox")
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	fillUp(t, m, inbox)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	add(t, m, inbox, mail("there is room again", 1, "body"))
}
