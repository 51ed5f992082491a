package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// lock holds a data folder for this program. It ends with the process, however that ends.
type lock struct{ f *flock.Flock }

const lockFile = "outpost.lock"

// takeLock locks dir, or says who has it.
func takeLock(dir, program string) (*lock, error) {
	path := filepath.Join(dir, lockFile)
	f := flock.New(path, flock.SetPermissions(0o600))
	got, err := f.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data folder %s: %w", dir, err)
	}
	if !got {
		e := &LockedError{Dir: dir}
		// The first byte is locked where locks forbid reading; it holds nothing.
		if text, ok := readAfterFirst(path); ok {
			pid, name, _ := strings.Cut(strings.TrimSpace(text), " ")
			e.PID, _ = strconv.Atoi(pid)
			e.Program = name
		}
		return nil, e
	}
	if program == "" {
		program = filepath.Base(os.Args[0])
	}
	// Whoever finds the folder locked reads this; that it cannot be written stops nothing.
	_ = os.WriteFile(path, []byte("\n"+strconv.Itoa(os.Getpid())+" "+program+"\n"), 0o600)
	return &lock{f}, nil
}

func readAfterFirst(path string) (string, bool) {
	f, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	b := make([]byte, 512)
	n, _ := f.ReadAt(b, 1)
	return string(b[:n]), n > 0
}

func (l *lock) release() error {
	_ = os.Truncate(l.f.Path(), 0)
	return l.f.Unlock()
}
