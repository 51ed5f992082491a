package secret

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/chacha20poly1305"
)

// The file is one header line, "outpost-secrets 1 KEYID", a nonce, and the sealed JSON object of names and values
// (XChaCha20-Poly1305, the header line as additional data). KEYID tells which key sealed it without telling the key.
const (
	fileMagic = "outpost-secrets 1 "
	maxFile   = 16 << 20
)

// KeyError says that the encrypted file is here but its key is not, or is another one. Nothing is lost: with the key back,
// everything is as it was.
type KeyError struct {
	File, KeyFile string
	Problem       string // "is missing", "belongs to other data"
}

func (e *KeyError) Error() string {
	return fmt.Sprintf("the passwords in %s cannot be read because their key %s %s: put the key file back or name it in OUTPOST_KEY_FILE; "+
		"if it is lost, remove %s and add each account again with outpost account add", e.File, e.KeyFile, e.Problem, e.File)
}

// readFile returns what the encrypted file holds, nil when there is none.
func (s *Store) readFile() (map[string]string, error) {
	path := filepath.Join(s.o.Dir, fileName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the stored passwords: %w", err)
	}
	defer f.Close()
	sealed, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("read the stored passwords: %w", err)
	}
	key, err := s.key(false)
	if err != nil {
		return nil, err
	}
	return s.unseal(path, sealed, key)
}

// unseal decodes the file's bytes.
func (s *Store) unseal(path string, sealed, key []byte) (map[string]string, error) {
	damaged := fmt.Errorf("%s is damaged: put it back from a backup, or remove it and add each account again with outpost account add", path)
	header, rest, ok := bytes.Cut(sealed, []byte("\n"))
	id, magic := bytes.CutPrefix(header, []byte(fileMagic))
	if !ok || !magic || len(rest) < chacha20poly1305.NonceSizeX {
		return nil, damaged
	}
	if string(id) != keyID(key) {
		return nil, &KeyError{File: path, KeyFile: s.o.KeyFile, Problem: "belongs to other data"}
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, rest[:chacha20poly1305.NonceSizeX], rest[chacha20poly1305.NonceSizeX:], header)
	if err != nil {
		return nil, damaged
	}
	values := map[string]string{}
	if err := json.Unmarshal(plain, &values); err != nil {
		return nil, damaged
	}
	return values, nil
}

// writeFile seals values into the encrypted file, making the key at need. It replaces the file as a whole or not at all.
func (s *Store) writeFile(values map[string]string) error {
	key, err := s.key(true)
	if err != nil {
		return err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return err
	}
	plain, err := json.Marshal(values)
	if err != nil {
		return err
	}
	nonce := make([]byte, aead.NonceSize())
	if _, err := io.ReadFull(s.o.Rand, nonce); err != nil {
		return err
	}
	header := fileMagic + keyID(key)
	out := append([]byte(header+"\n"), nonce...)
	out = aead.Seal(out, nonce, plain, []byte(header))
	if err := writeAtomic(filepath.Join(s.o.Dir, fileName), out); err != nil {
		return fmt.Errorf("store the password: %w", err)
	}
	return nil
}

// key reads the key file; create makes one when there is none.
func (s *Store) key(create bool) ([]byte, error) {
	path := filepath.Join(s.o.Dir, fileName)
	key, err := os.ReadFile(s.o.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		if _, statErr := os.Stat(path); !create || statErr == nil {
			return nil, &KeyError{File: path, KeyFile: s.o.KeyFile, Problem: "is missing"}
		}
		return s.makeKey()
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of the stored passwords: %w", err)
	}
	if len(key) != chacha20poly1305.KeySize {
		return nil, &KeyError{File: path, KeyFile: s.o.KeyFile, Problem: fmt.Sprintf("is damaged (it has %d bytes instead of %d)", len(key), chacha20poly1305.KeySize)}
	}
	return key, nil
}

// makeKey makes the key file, complete or not at all. A program that finds that another one was faster takes that key.
func (s *Store) makeKey() ([]byte, error) {
	key := make([]byte, chacha20poly1305.KeySize)
	if _, err := io.ReadFull(s.o.Rand, key); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(s.o.KeyFile), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for the key of the stored passwords: %w", err)
	}
	tmp := s.o.KeyFile + "." + keyID(key) + ".new"
	defer os.Remove(tmp)
	err := writeAtomic(tmp, key)
	if err == nil {
		err = os.Link(tmp, s.o.KeyFile) // never over a key that is there
	}
	if errors.Is(err, errors.ErrUnsupported) { // a file system without links
		err = os.Rename(tmp, s.o.KeyFile)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the key of the stored passwords: %w", err)
	}
	return s.key(false)
}

func keyID(key []byte) string {
	sum := sha256.Sum256(append([]byte("outpost key id\n"), key...))
	return hex.EncodeToString(sum[:8])
}

// writeAtomic replaces a file by new content, as a whole or not at all, readable by its owner only.
func writeAtomic(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if d, err := os.Open(filepath.Dir(path)); err == nil { // not every system syncs folders
		_ = d.Sync()
		d.Close()
	}
	return nil
}
