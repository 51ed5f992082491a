package secret

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

type memory map[string]string

func (m memory) Get(name string) (string, error) {
	if v, ok := m[name]; ok {
		return v, nil
	}
	return "", ErrNotFound
}
func (m memory) Set(name, value string) error { m[name] = value; return nil }
func (m memory) Delete(name string) error     { delete(m, name); return nil }

type broken struct{}

func (broken) Get(string) (string, error) { return "", errors.New("locked") }
func (broken) Set(string, string) error   { return errors.New("locked") }
func (broken) Delete(string) error        { return errors.New("locked") }

func fileOptions(t *testing.T) Options {
	return Options{Dir: t.TempDir(), KeyFile: filepath.Join(t.TempDir(), "conf", "key"), Why: "there is none in this test"}
}

func mustSet(t *testing.T, s *Store, name, value string) {
	t.Helper()
	if err := s.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

func wantValue(t *testing.T, s *Store, name, want string) {
	t.Helper()
	if got, err := s.Get(name); err != nil || got != want {
		t.Fatalf("%s: got %q, %v; want %q", name, got, err, want)
	}
}

func TestFileKeepsSecretsAcrossRuns(t *testing.T) {
	o := fileOptions(t)
	s := Open(o)
	if _, err := s.Get("a"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("an empty store answers %v", err)
	}
	mustSet(t, s, "a", "first")
	mustSet(t, s, "a", "pass\u00e9 wort")
	mustSet(t, s, "b", "")
	again := Open(o)
	wantValue(t, again, "a", "pass\u00e9 wort")
	wantValue(t, again, "b", "")
	if err := again.Delete("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(o).Get("a"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("after Delete: %v", err)
	}
	wantValue(t, again, "b", "")
	if !strings.Contains(s.Where(), "encrypted file") {
		t.Errorf("Where says %q", s.Where())
	}
}

func TestDataFolderAloneGivesNothingAway(t *testing.T) {
	o := fileOptions(t)
	mustSet(t, Open(o), "account 1", "swordfish")
	entries, err := os.ReadDir(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(o.Dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "swordfish") || strings.Contains(string(b), "account 1") {
			t.Errorf("%s holds the secret in clear", e.Name())
		}
		if info, _ := e.Info(); runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
	if len(entries) != 1 {
		t.Errorf("%d files in the data folder, want 1", len(entries))
	}
	if info, err := os.Stat(o.KeyFile); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v %v", info, err)
	}
}

func TestMissingKeyIsToldAndLosesNothing(t *testing.T) {
	o := fileOptions(t)
	mustSet(t, Open(o), "a", "one")
	away := o.KeyFile + ".away"
	if err := os.Rename(o.KeyFile, away); err != nil {
		t.Fatal(err)
	}
	var ke *KeyError
	if _, err := Open(o).Get("a"); !errors.As(err, &ke) || !strings.Contains(err.Error(), "OUTPOST_KEY_FILE") {
		t.Fatalf("Get without the key: %v", err)
	}
	if err := Open(o).Set("b", "two"); !errors.As(err, &ke) {
		t.Fatalf("Set without the key: %v", err)
	}
	if _, err := os.Stat(o.KeyFile); err == nil {
		t.Fatal("a new key was made although the old one is needed")
	}
	if err := os.Rename(away, o.KeyFile); err != nil {
		t.Fatal(err)
	}
	wantValue(t, Open(o), "a", "one")
}

func TestWrongKeyAndDamageAreToldApart(t *testing.T) {
	o := fileOptions(t)
	mustSet(t, Open(o), "a", "one")
	other := fileOptions(t)
	mustSet(t, Open(other), "a", "two")
	wrong := o
	wrong.KeyFile = other.KeyFile
	var ke *KeyError
	if _, err := Open(wrong).Get("a"); !errors.As(err, &ke) || ke.Problem != "belongs to other data" {
		t.Fatalf("with another key: %v", err)
	}
	path := filepath.Join(o.Dir, fileName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(o).Get("a"); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Fatalf("damaged file: %v", err)
	}
	if err := os.WriteFile(o.KeyFile, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(o).Get("a"); !errors.As(err, &ke) || !strings.Contains(err.Error(), "5 bytes") {
		t.Fatalf("damaged key: %v", err)
	}
}

func TestKeychainIsUsedWhereItWorksAndRemembered(t *testing.T) {
	o, k := fileOptions(t), memory{}
	o.Keychain, o.Why = k, ""
	mustSet(t, Open(o), "a", "one")
	wantValue(t, Open(o), "a", "one")
	if _, err := os.Stat(filepath.Join(o.Dir, fileName)); err == nil {
		t.Error("the file was written although the keychain works")
	}
	if len(k) != 1 {
		t.Errorf("the keychain holds %v", k)
	}
	// Another data folder in the same keychain is a world of its own.
	o2 := fileOptions(t)
	o2.Keychain = k
	mustSet(t, Open(o2), "a", "two")
	wantValue(t, Open(o), "a", "one")
	// Without the keychain the answer says where the secret is, and a new value goes to the file.
	o.Keychain, o.Why = nil, "no session bus"
	var ke *KeychainError
	if _, err := Open(o).Get("a"); !errors.As(err, &ke) || !strings.Contains(err.Error(), "no session bus") {
		t.Fatalf("without the keychain: %v", err)
	}
	mustSet(t, Open(o), "a", "three")
	wantValue(t, Open(o), "a", "three")
	// The keychain back does not bring the old value back.
	o.Keychain = k
	wantValue(t, Open(o), "a", "three")
	if err := Open(o).Delete("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(o).Get("a"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("after Delete: %v", err)
	}
}

func TestBrokenKeychainFallsBackToTheFile(t *testing.T) {
	o := fileOptions(t)
	o.Keychain = broken{}
	mustSet(t, Open(o), "a", "one")
	wantValue(t, Open(o), "a", "one")
	if _, err := os.Stat(filepath.Join(o.Dir, placeName)); err == nil {
		t.Error("a keychain that does not work was remembered")
	}
}

func TestEnvironmentChoosesKeychainAndKeyFile(t *testing.T) {
	t.Setenv("OUTPOST_KEYCHAIN", "off")
	t.Setenv("OUTPOST_KEY_FILE", "/somewhere/key")
	o, err := FromEnvironment("data")
	if err != nil || o.Keychain != nil || o.KeyFile != "/somewhere/key" || o.Why == "" {
		t.Fatalf("got %+v, %v", o, err)
	}
	if runtime.GOOS == "linux" {
		t.Setenv("OUTPOST_KEYCHAIN", "")
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
		if o, err = FromEnvironment("data"); err != nil || o.Keychain != nil {
			t.Fatalf("without a session bus: %+v, %v", o, err)
		}
	}
}

func FuzzUnseal(f *testing.F) {
	key := make([]byte, 32)
	f.Add([]byte(fileMagic + keyID(key) + "\n0123456789012345678901234"))
	s := Open(Options{Dir: f.TempDir()})
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := s.unseal("secrets", b, key); err == nil {
			t.Fatalf("made-up bytes were accepted: %v", v)
		}
	})
}
