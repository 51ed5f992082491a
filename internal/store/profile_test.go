package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"outpost/internal/groupware"
)

// memorySecrets is a secret store that is lost with the test.
type memorySecrets map[string]string

func (s memorySecrets) Get(name string) (string, error) {
	if v, ok := s[name]; ok {
		return v, nil
	}
	return "", errors.New("no such secret")
}
func (s memorySecrets) Set(name, value string) error { s[name] = value; return nil }
func (s memorySecrets) Delete(name string) error     { delete(s, name); return nil }

func TestAccountsAreKeptUntilTheyAreRemoved(t *testing.T) {
	dir, secrets := t.TempDir(), memorySecrets{}
	p := must(OpenProfile(t.Context(), dir, Options{Keyring: secrets}))(t)
	a := must(p.PutAccount(t.Context(), Account{Email: "Anna@example.org", Name: "Anna", IMAP: "imaps://mail.example.org", Offline: true, LastSync: testTime}))(t)
	if a.ID == 0 || len(a.Mailbox) != 36 {
		t.Fatalf("got %+v", a)
	}
	a.Name = "Anna Berg"
	a.Email = "anna@example.org"
	for range 5 {
		must(p.PutAccount(t.Context(), a))(t)
	}
	if ben := must(p.PutAccount(t.Context(), Account{Email: "ben@example.org"}))(t); ben.ID != a.ID+1 {
		t.Errorf("updates used ids up: the next is %d", ben.ID)
	}
	if fi := must(os.Stat(filepath.Join(dir, profileFile)))(t); runtime.GOOS != "windows" && fi.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v", fi.Mode())
	}
	if b := must(p.PutAccount(t.Context(), a))(t); b.ID != a.ID || b.Mailbox != a.Mailbox {
		t.Errorf("got %+v", b)
	}
	m := must(p.OpenMailbox(t.Context(), a.Mailbox))(t)
	if again := must(p.OpenMailbox(t.Context(), a.Mailbox))(t); again != m {
		t.Error("opened twice")
	}
	if err := p.SetSecret(a.SecretName(), "secret"); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p = must(OpenProfile(t.Context(), dir, Options{Keyring: secrets}))(t)
	defer p.Close()
	b := must(p.Account(t.Context(), "ANNA@EXAMPLE.ORG"))(t)
	if b.Name != "Anna Berg" || !b.Offline || !b.LastSync.Equal(testTime) || b.Email != "anna@example.org" {
		t.Errorf("got %+v", b)
	}
	must(p.OpenMailbox(t.Context(), a.Mailbox))(t)
	if err := p.RemoveAccount(t.Context(), a.Email); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Account(t.Context(), a.Email); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "mailboxes")); err != nil || len(left) > 0 || len(secrets) > 0 {
		t.Errorf("left: %v %v %v", left, secrets, err)
	}
	if _, err := p.OpenMailbox(t.Context(), "../../etc/passwd"); err == nil {
		t.Error("a path was accepted as a mailbox")
	}
}

func TestASecondProgramIsToldWhoHasTheFolder(t *testing.T) {
	dir := t.TempDir()
	p := must(OpenProfile(t.Context(), dir, Options{Program: "outpost serve"}))(t)
	_, err := OpenProfile(t.Context(), dir, Options{})
	e, ok := errors.AsType[*LockedError](err)
	if !ok || e.PID != os.Getpid() || e.Program != "outpost serve" {
		t.Errorf("got %v", err)
	}
	if out := child(t, "open", dir); !strings.Contains(out, fmt.Sprintf("in use by outpost serve (process %d)", os.Getpid())) {
		t.Errorf("another process says %q", out)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if out := child(t, "open", dir); !strings.Contains(out, "opened") {
		t.Errorf("afterwards another process says %q", out)
	}
}

func TestANetworkFileSystemIsRefusedUnlessForced(t *testing.T) {
	nfs := func(string) (string, bool, error) { return "nfs", true, nil }
	_, err := OpenProfile(t.Context(), t.TempDir(), Options{FileSystem: nfs})
	if e, ok := errors.AsType[*NetworkFSError](err); !ok || e.Type != "nfs" || !strings.Contains(err.Error(), "local disk") {
		t.Errorf("got %v", err)
	}
	must(OpenProfile(t.Context(), t.TempDir(), Options{FileSystem: nfs, Force: true}))(t).Close()
	if name, network, err := fileSystem(t.TempDir()); err != nil || network {
		t.Errorf("the test's folder is on %q: %v", name, err)
	}
}

func TestAnEncryptedFolderShowsNothingAndNeedsItsKey(t *testing.T) {
	dir, secrets := t.TempDir(), memorySecrets{}
	o := Options{Encrypt: true, Keyring: secrets}
	p, m := openProfile(t, dir, o)
	inbox := addFolder(t, m, "Plaintextfolder", "inbox")
	add(t, m, inbox, mail("Plaintextsubject", 1, strings.Repeat("plaintextbody ", 10)))
	wants(t, "search", search(t, m, SearchOptions{Words: "plaintextbody"}), "Plaintextsubject")
	for _, file := range files(t, dir) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		low := bytes.ToLower(b)
		for _, text := range []string{"plaintext", "sqlite format", "anna@example", "ben@example", "create table"} {
			if bytes.Contains(low, []byte(text)) {
				t.Errorf("%s holds %q", filepath.Base(file), text)
			}
		}
	}
	p.Close()
	p = must(OpenProfile(t.Context(), dir, Options{Keyring: secrets}))(t) // finds out by itself
	if !p.Encrypted() {
		t.Error("not encrypted")
	}
	m = must(p.OpenMailbox(t.Context(), m.GUID()))(t)
	wants(t, "search after opening again", search(t, m, SearchOptions{Words: "plaintextbody"}), "Plaintextsubject")
	p.Close()
	for name, s := range map[string]Secrets{"no store": nil, "no key": memorySecrets{}, "wrong key": wrongKey{}} {
		_, err := OpenProfile(t.Context(), dir, Options{Keyring: s})
		if _, ok := errors.AsType[*EncryptedError](err); !ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
	plain := t.TempDir()
	must(OpenProfile(t.Context(), plain, Options{}))(t).Close()
	if _, err := OpenProfile(t.Context(), plain, o); err == nil || !strings.Contains(err.Error(), "choose a new folder") {
		t.Errorf("encrypting what is there: %v", err)
	}
}

type wrongKey struct{ memorySecrets }

func (wrongKey) Get(string) (string, error) { return strings.Repeat("5a", 32), nil }

func files(t testing.TB, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMigrationsRunOnceAndInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	one := fstest.MapFS{"sql/mailbox-001.sql": {Data: []byte("CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);")}}
	two := fstest.MapFS{"sql/mailbox-001.sql": one["sql/mailbox-001.sql"], "sql/mailbox-002.sql": {Data: []byte("ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1;")}}
	bad := fstest.MapFS{"sql/mailbox-001.sql": one["sql/mailbox-001.sql"], "sql/mailbox-002.sql": {Data: []byte("DROP TABLE a; CREATE NONSENSE;")}}
	c := must(openConn(t.Context(), path, connOptions{cacheKiB: 100}))(t)
	defer c.close()
	for range 2 {
		if err := migrateFrom(one, c, "mailbox", 7); err != nil {
			t.Fatal(err)
		}
	}
	if err := migrateFrom(bad, c, "mailbox", 7); err == nil {
		t.Error("a bad migration passed")
	}
	if n := must(c.number("SELECT count(*) FROM a"))(t); n != 1 {
		t.Errorf("a failed migration left %d rows", n)
	}
	if err := migrateFrom(two, c, "mailbox", 7); err != nil {
		t.Fatal(err)
	}
	if y := must(c.number("SELECT y FROM a"))(t); y != 2 {
		t.Errorf("y is %d", y)
	}
	if e, ok := errors.AsType[*VersionError](migrateFrom(one, c, "mailbox", 7)); !ok || e.Have != 2 || e.Know != 1 {
		t.Errorf("newer than known: %v", e)
	}
	if err := migrateFrom(two, c, "mailbox", 8); err == nil {
		t.Error("a database of another kind was accepted")
	}
}

func TestAFullDiskLosesNothing(t *testing.T) {
	dir := t.TempDir()
	m := openIn(t, dir, Options{MaxPages: 80})
	inbox := addFolder(t, m, "INBOX", "inbox")
	kept := fillUp(t, m, inbox)
	update(t, m, func(tx *Tx) error { return tx.Delete(kept[0]) }) // what makes room still works
}

// fillUp adds items until the disk is full, and looks whether what was there before is still there.
func fillUp(t *testing.T, m *Mailbox, inbox groupware.FolderID) (kept []groupware.ItemID) {
	t.Helper()
	var full error
	for i := 0; full == nil && i < 10_000; i++ {
		noise := make([]byte, 20_000)
		for j := range noise {
			noise[j] = 'a' + byte((i*7919+j*j*31+j/7)%26)
		}
		p := Prepare(groupware.MediaMessage, mail("noise", i, string(noise)))
		var id groupware.ItemID
		full = m.Update(context.Background(), func(tx *Tx) (err error) {
			id, err = tx.Add(inbox, p, groupware.Flags{}, time.Time{})
			return err
		})
		if full == nil {
			kept = append(kept, id)
		}
	}
	if _, ok := errors.AsType[*DiskFullError](full); !ok || len(kept) == 0 || !strings.Contains(full.Error(), "make room") {
		t.Fatalf("after %d items: %v", len(kept), full)
	}
	view(t, m, func(tx *Tx) error {
		for _, id := range kept {
			must(tx.Raw(id))(t)
		}
		if f := must(tx.Folder(inbox))(t); f.Items != int64(len(kept)) {
			t.Errorf("folder counts %d of %d", f.Items, len(kept))
		}
		return nil
	})
	clean(t, m)
	return kept
}

func TestVerifyFindsWhatWasDamaged(t *testing.T) {
	for name, damage := range map[string]string{
		"flipped byte of a content": "UPDATE blob_data SET data = unhex(substr(hex(data), 1, 40) || 'EE' || substr(hex(data), 43)) WHERE id = 1",
		"wrong counter":             "UPDATE folders SET items = items + 1 WHERE name = 'INBOX'",
		"wrong use count":           "UPDATE blobs SET refs = refs + 1 WHERE id = 1",
		"missing content":           "DELETE FROM blobs WHERE id = 1",
		"dangling folder":           "PRAGMA foreign_keys = OFF; UPDATE items SET folder = 999 WHERE id = 1; PRAGMA foreign_keys = ON",
		"wrong mark":                "UPDATE items SET remote = 1 WHERE id = 1",
		"failure without content":   "UPDATE failures SET raw = 99",
		"lost content of a failure": "UPDATE failures SET raw = NULL",
		"conflict without base":     "UPDATE conflicts SET base = 99",
		"lost base of a conflict":   "UPDATE conflicts SET base = NULL",
		"conflict of nothing":       "PRAGMA foreign_keys = OFF; UPDATE conflicts SET item = 99; PRAGMA foreign_keys = ON",
		"hold of nothing":           "PRAGMA foreign_keys = OFF; UPDATE holds SET folder = 99; PRAGMA foreign_keys = ON",
		"failed for no reason":      "UPDATE failures SET remote_id = '1.2'",
		"flipped byte of a failure": "UPDATE blob_data SET data = x'00' WHERE id = (SELECT raw FROM failures)",
		"flipped byte of a base":    "UPDATE blob_data SET data = x'00' WHERE id = (SELECT base FROM conflicts)",
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t)
			inbox := addFolder(t, m, "INBOX", "inbox")
			id := add(t, m, inbox, mail("one", 1, strings.Repeat("text that is compressed ", 20)))
			update(t, m, func(tx *Tx) error {
				must(tx.Observe(inbox, []groupware.Remote{{RemoteID: "1.1"}}))(t)
				return errors.Join(tx.SetFailure(Failure{Folder: inbox, RemoteID: "1.1", Text: "no", Raw: []byte("broken")}),
					tx.SetConflict(Conflict{Item: id}, []byte("base")), tx.SetHold(Hold{Folder: inbox, Items: 30, Of: 40}))
			})
			clean(t, m)
			if err := m.writer.script(damage); err != nil {
				t.Fatal(err)
			}
			if err := m.WaitIndexed(t.Context()); err != nil {
				t.Fatal(err)
			}
			problems, err := m.Verify(t.Context(), func(int64, int64) {})
			if err != nil || len(problems) == 0 {
				t.Errorf("found %v: %v", problems, err)
			}
		})
	}
}
