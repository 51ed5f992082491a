package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Secrets keeps passwords and keys outside of the databases: the system's keychain, or a file of its own.
// Deleting what is not there is no error.
type Secrets interface {
	Get(name string) (string, error)
	Set(name, value string) error
	Delete(name string) error
}

// Options says how to open a profile. The zero value opens an unencrypted one without secrets.
type Options struct {
	Encrypt bool             // make the databases encrypted; only when the folder is made
	Force   bool             // also on a network file system
	Keyring Secrets          // nil: there are none, and nothing can be encrypted
	Clock   func() time.Time // nil: time.Now
	Rand    io.Reader        // nil: crypto/rand
	Program string           // what the lock says; "" means the program's name and process
	// FileSystem names the file system that a folder is on and says whether it is on the network; nil asks the system.
	FileSystem func(path string) (name string, network bool, err error)
	// MaxPages bounds a mailbox's file, to test a full disk; 0 means no bound.
	MaxPages int64
	// VFS names the registered file system of the SQL engine that all databases lie on; "" is the system's. With Encrypt it must be one that
	// encrypts. The lock and the mark of an encrypted folder are files of the system all the same.
	VFS string
	// NoIndexer lets the full-text index follow only when it is asked for (WaitIndexed, Search), in the goroutine that asks: a test owns every write.
	NoIndexer bool
}

// Profile is a data folder in use by this program.
type Profile struct {
	dir   string
	o     Options
	lock  *lock
	key   []byte
	mu    sync.Mutex // guards db and mailboxes
	db    *conn
	boxes map[string]*Mailbox
}

const (
	profileFile   = "outpost.db"
	encryptedFile = "outpost.encrypted"
	mailboxDir    = "mailboxes"
	secretPrefix  = "database-key/"
)

// OpenProfile opens a data folder, and makes it (mode 0700) when it is absent. Errors to decide on: *LockedError,
// *NetworkFSError, *VersionError, *EncryptedError, *DamagedError, *DiskFullError.
func OpenProfile(ctx context.Context, dir string, o Options) (p *Profile, err error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.FileSystem == nil {
		o.FileSystem = fileSystem
	}
	if err := os.MkdirAll(filepath.Join(dir, mailboxDir), 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	if !o.Force {
		name, network, err := o.FileSystem(dir)
		if err != nil {
			return nil, fmt.Errorf("find out what file system %s is on: %w", dir, err)
		}
		if network {
			return nil, &NetworkFSError{Path: dir, Type: name}
		}
	}
	l, err := takeLock(dir, o.Program)
	if err != nil {
		return nil, err
	}
	p = &Profile{dir: dir, o: o, lock: l, boxes: map[string]*Mailbox{}}
	defer func() {
		if err != nil {
			p.Close()
			p = nil
		}
	}()
	if err = p.findKey(); err != nil {
		return p, err
	}
	if p.db, err = openConn(ctx, filepath.Join(dir, profileFile), connOptions{key: p.key, vfs: p.o.VFS, cacheKiB: 512}); err != nil {
		if _, damaged := errors.AsType[*DamagedError](err); damaged && p.key != nil {
			err = &EncryptedError{Dir: dir, Err: fmt.Errorf("the key that is stored does not fit: %w", err)}
		}
		return p, err
	}
	if err = p.db.script("PRAGMA synchronous=FULL"); err != nil {
		return p, err
	}
	return p, migrate(p.db, "profile", profileApplication)
}

// findKey finds out whether the folder is encrypted, and its key; it makes one where a new folder is to be.
func (p *Profile) findKey() error {
	marker := filepath.Join(p.dir, encryptedFile)
	id, err := os.ReadFile(marker)
	if err == nil {
		name := strings.TrimSpace(string(id))
		if p.o.Keyring == nil {
			return &EncryptedError{Dir: p.dir, Err: errors.New("there is no secret store")}
		}
		text, err := p.o.Keyring.Get(secretPrefix + name)
		if err != nil {
			return &EncryptedError{Dir: p.dir, Err: err}
		}
		if p.key, err = hex.DecodeString(strings.TrimSpace(text)); err != nil || len(p.key) != 32 {
			p.key = nil
			return &EncryptedError{Dir: p.dir, Err: errors.New("what is stored as its key is not one")}
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("find out whether %s is encrypted: %w", p.dir, err)
	}
	if !p.o.Encrypt {
		return nil
	}
	if _, err := os.Stat(filepath.Join(p.dir, profileFile)); err == nil {
		return fmt.Errorf("the data folder %s exists and is not encrypted: encryption is chosen when it is made; choose a new folder", p.dir)
	}
	if p.o.Keyring == nil {
		return &EncryptedError{Dir: p.dir, Err: errors.New("there is no secret store")}
	}
	key := make([]byte, 32)
	if _, err := io.ReadFull(p.o.Rand, key); err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	name, err := uuid.NewRandomFromReader(p.o.Rand)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	// The key is safe before anything is encrypted with it.
	if err := p.o.Keyring.Set(secretPrefix+name.String(), hex.EncodeToString(key)); err != nil {
		return fmt.Errorf("store the key of the data folder: %w", err)
	}
	if err := writeSynced(marker, name.String()+"\n"); err != nil {
		return fmt.Errorf("mark the data folder as encrypted: %w", err)
	}
	p.key = key
	return nil
}

// writeSynced writes a small file that is on the disk when it returns.
func writeSynced(path, text string) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if e := f.Sync(); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Dir is the data folder.
func (p *Profile) Dir() string { return p.dir }

// Encrypted reports whether the databases are encrypted.
func (p *Profile) Encrypted() bool { return p.key != nil }

// Close closes the mailboxes that are still open and gives the folder free.
func (p *Profile) Close() error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	boxes := p.boxes
	p.boxes = nil
	p.mu.Unlock()
	var errs []error
	for _, m := range boxes {
		errs = append(errs, m.Close())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.db != nil {
		errs = append(errs, p.db.close())
		p.db = nil
	}
	if p.lock != nil {
		errs = append(errs, p.lock.release())
		p.lock = nil
	}
	return errors.Join(errs...)
}

// OpenMailbox opens the mailbox of that GUID, and makes its files when they are absent. It stays open until Mailbox.Close
// or Profile.Close; opening it again returns the same one.
func (p *Profile) OpenMailbox(ctx context.Context, guid string) (*Mailbox, error) {
	id, err := uuid.Parse(guid)
	if err != nil || id.String() != guid {
		return nil, fmt.Errorf("%q does not name a mailbox", guid)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.db == nil {
		return nil, ErrClosed
	}
	if m := p.boxes[guid]; m != nil && !m.isClosed() {
		return m, nil
	}
	m, err := openMailbox(ctx, filepath.Join(p.dir, mailboxDir), guid, mailboxOptions{clock: p.o.Clock, key: p.key, vfs: p.o.VFS, pages: p.o.MaxPages, noIndexer: p.o.NoIndexer})
	if err != nil {
		return nil, fmt.Errorf("open mailbox %s: %w", guid, err)
	}
	p.boxes[guid] = m
	return m, nil
}

// Secret returns what is kept under a name.
func (p *Profile) Secret(name string) (string, error) {
	if p.o.Keyring == nil {
		return "", errors.New("there is no secret store")
	}
	return p.o.Keyring.Get(name)
}

// SetSecret keeps a value under a name.
func (p *Profile) SetSecret(name, value string) error {
	if p.o.Keyring == nil {
		return errors.New("there is no secret store")
	}
	return p.o.Keyring.Set(name, value)
}

// DeleteSecret forgets what is kept under a name.
func (p *Profile) DeleteSecret(name string) error {
	if p.o.Keyring == nil {
		return nil
	}
	return p.o.Keyring.Delete(name)
}
