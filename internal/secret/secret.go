// Package secret keeps passwords and keys: in the operating system's keychain where it works, else in an encrypted
// file of the data folder whose key lies outside of it, so that a copy of the data folder alone gives nothing away
// (SPEC A7). It imports nothing of ours; internal/backend hands it to internal/store.
package secret

import (
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
)

// ErrNotFound says that no secret has that name.
var ErrNotFound = errors.New("no such secret is stored")

// MaxValue bounds a secret, in bytes.
const MaxValue = 64 << 10

// Files of the data folder.
const (
	placeName = "secrets.keychain" // the name under which the keychain knows this data folder
	fileName  = "secrets"
)

// Options says where secrets may lie.
type Options struct {
	Dir      string    // the data folder; it exists
	KeyFile  string    // holds the key of the encrypted file; outside of the data folder
	Keychain Keychain  // nil: there is none
	Why      string    // why there is no keychain, for messages; "" when Keychain is set
	Rand     io.Reader // nil: crypto/rand
}

// Store holds the secrets of one data folder. It may be used by several goroutines, but by one process at a time
// (the lock of the data folder sees to that).
type Store struct {
	o  Options
	mu sync.Mutex
}

// Open returns the secrets of a data folder. It reads and writes nothing before the first call.
func Open(o Options) *Store {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	return &Store{o: o}
}

// FromEnvironment returns the options for a data folder as the environment has them: OUTPOST_KEYCHAIN=off turns the
// keychain off, OUTPOST_KEY_FILE names the key file instead of outpost/key in the user's configuration folder.
func FromEnvironment(dir string) (Options, error) {
	o := Options{Dir: dir, KeyFile: os.Getenv("OUTPOST_KEY_FILE")}
	if o.KeyFile == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return o, fmt.Errorf("find the folder for the key of the stored passwords: %w; name a file in OUTPOST_KEY_FILE", err)
		}
		o.KeyFile = filepath.Join(config, "outpost", "key")
	}
	if strings.EqualFold(os.Getenv("OUTPOST_KEYCHAIN"), "off") {
		o.Why = "OUTPOST_KEYCHAIN=off turns it off"
		return o, nil
	}
	o.Keychain, o.Why = SystemKeychain()
	return o, nil
}

// Get returns a secret, ErrNotFound when there is none of that name.
func (s *Store) Get(name string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	values, err := s.readFile()
	if err != nil {
		return "", err
	}
	if v, ok := values[name]; ok {
		return v, nil
	}
	id, err := s.place()
	if err != nil || id == "" {
		return "", orNotFound(err)
	}
	if s.o.Keychain == nil {
		return "", &KeychainError{Why: s.o.Why}
	}
	v, err := s.o.Keychain.Get(id + "/" + name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", &KeychainError{Why: err.Error()}
	}
	return v, err
}

// Set stores a secret under a name, replacing what was there.
func (s *Store) Set(name, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(value) > MaxValue {
		return fmt.Errorf("a password or key of %d bytes is too long: at most %d", len(value), MaxValue)
	}
	values, err := s.readFile()
	if err != nil {
		return err
	}
	_, inFile := values[name]
	if !inFile && s.setInKeychain(name, value) == nil {
		return nil
	}
	if values == nil {
		values = map[string]string{}
	}
	values[name] = value
	return s.writeFile(values)
}

// Delete removes a secret; one that is not there is no error.
func (s *Store) Delete(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	values, err := s.readFile()
	if err != nil {
		return err
	}
	if _, ok := values[name]; ok {
		delete(values, name)
		if err := s.writeFile(values); err != nil {
			return err
		}
	}
	id, err := s.place()
	if err != nil || id == "" || s.o.Keychain == nil {
		return err
	}
	if err := s.o.Keychain.Delete(id + "/" + name); err != nil && !errors.Is(err, ErrNotFound) {
		return &KeychainError{Why: err.Error()}
	}
	return nil
}

// Where says in words where the secrets of this data folder are.
func (s *Store) Where() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	file := fmt.Sprintf("the encrypted file %s (its key is %s)", filepath.Join(s.o.Dir, fileName), s.o.KeyFile)
	if _, err := os.Stat(filepath.Join(s.o.Dir, fileName)); err == nil {
		return file
	}
	if id, _ := s.place(); id != "" || s.o.Keychain != nil && probe(s.o.Keychain) == nil {
		return "the system's keychain"
	}
	return file
}

// place returns the name under which the keychain knows this data folder, "" when it holds nothing of it. The name is
// random and lies in the data folder, so that the folder can be moved and two folders never meet.
func (s *Store) place() (string, error) {
	b, err := os.ReadFile(filepath.Join(s.o.Dir, placeName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find out where the passwords are: %w", err)
	}
	id := strings.TrimSpace(string(b))
	if len(id) != 32 {
		return "", fmt.Errorf("%s is damaged: it must hold 32 letters and digits; remove it and add the accounts' passwords again with outpost account add",
			filepath.Join(s.o.Dir, placeName))
	}
	return id, nil
}

// setInKeychain stores a secret in the keychain; an error means that the file must do.
func (s *Store) setInKeychain(name, value string) error {
	if s.o.Keychain == nil {
		return errors.ErrUnsupported
	}
	id, err := s.place()
	if err != nil {
		return err
	}
	if id == "" {
		if err := probe(s.o.Keychain); err != nil {
			return err
		}
		b := make([]byte, 16)
		if _, err := io.ReadFull(s.o.Rand, b); err != nil {
			return err
		}
		id = hex.EncodeToString(b)
		if err := writeAtomic(filepath.Join(s.o.Dir, placeName), []byte(id+"\n")); err != nil {
			return err
		}
	}
	return s.o.Keychain.Set(id+"/"+name, value)
}

func orNotFound(err error) error {
	if err == nil {
		return ErrNotFound
	}
	return err
}
