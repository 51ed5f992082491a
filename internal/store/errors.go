package store

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound says that there is no such account, folder or item (any more).
	ErrNotFound = errors.New("not found")
	// ErrExists says that a sibling folder of that name is there already.
	ErrExists = errors.New("exists already")
	// ErrNotWhole says that not every byte of the item is here.
	ErrNotWhole = errors.New("not all of this item is here: go online and fetch it")
	// ErrTrimmed says that the change feed no longer reaches back that far: read everything again.
	ErrTrimmed = errors.New("the change feed no longer reaches back that far")
	// ErrReadOnly says that a transaction of View was asked to write.
	ErrReadOnly = errors.New("this transaction only reads")
	// ErrClosed says that the mailbox or profile was closed.
	ErrClosed = errors.New("the mailbox is closed")
)

// LockedError says that another program uses the data folder.
type LockedError struct {
	Dir     string
	PID     int    // 0 when it is not known
	Program string // "" when it is not known
}

func (e *LockedError) Error() string {
	who := "another program"
	if e.Program != "" {
		who = e.Program
	}
	if e.PID != 0 {
		who += fmt.Sprintf(" (process %d)", e.PID)
	}
	return fmt.Sprintf("the data folder %s is in use by %s: end that first, or choose another folder", e.Dir, who)
}

// NetworkFSError says that the data folder lies on a network file system, which corrupts databases.
type NetworkFSError struct {
	Path string
	Type string // "nfs", "smb", ...
}

func (e *NetworkFSError) Error() string {
	return fmt.Sprintf("%s lies on a network file system (%s), where databases get corrupted: choose a folder on a local disk", e.Path, e.Type)
}

// VersionError says that a database was written by a newer program.
type VersionError struct {
	Path       string
	Have, Know int // version of the file, newest version that this program knows
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s was written by a newer version of Outpost (format %d, this one knows up to %d): use that version", e.Path, e.Have, e.Know)
}

// EncryptedError says that the key of an encrypted data folder cannot be had or does not fit.
type EncryptedError struct {
	Dir string
	Err error
}

func (e *EncryptedError) Error() string {
	return fmt.Sprintf("the data folder %s is encrypted and its key cannot be had from the secret store: %v", e.Dir, e.Err)
}

func (e *EncryptedError) Unwrap() error { return e.Err }

// DiskFullError says that there was no room to write. The transaction did not happen; what was there before is intact.
type DiskFullError struct {
	Path string // the folder that is on the full disk
	Err  error
}

func (e *DiskFullError) Error() string {
	return fmt.Sprintf("no room left on the disk of %s: nothing is lost; make room and try again", e.Path)
}

func (e *DiskFullError) Unwrap() error { return e.Err }

// DamagedError says that a database file is not as it was written.
type DamagedError struct {
	Path string
	Err  error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the database %s is damaged (%v): run \"outpost verify\"", e.Path, e.Err)
}

func (e *DamagedError) Unwrap() error { return e.Err }

// unlessFull drops the error that the disk is full.
func unlessFull(err error) error {
	if _, full := errors.AsType[*DiskFullError](err); full {
		return nil
	}
	return err
}

func asDamaged(err error) (*DamagedError, bool) { return errors.AsType[*DamagedError](err) }
