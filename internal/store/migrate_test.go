package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// oldMailbox is the GUID of the mailbox in testdata.
const oldMailbox = "82c7c9f9-99e3-4e62-a2b7-a7c28a4dd0e6"

// writeOldFolder makes a data folder as the first format had it, with rows in every table.
func writeOldFolder(t testing.TB, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, mailboxDir), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, d := range []struct {
		path, prefix string
		application  int64
	}{{profileFile, "profile", profileApplication}, {mailboxDir + "/" + oldMailbox + ".db", "mailbox", mailboxApplication}} {
		c := must(openConn(t.Context(), filepath.Join(dir, d.path), connOptions{cacheKiB: 100}))(t)
		name := "sql/" + d.prefix + "-001.sql"
		first := fstest.MapFS{name: {Data: must(migrations.ReadFile(name))(t)}}
		if err := migrateFrom(first, c, d.prefix, d.application); err != nil {
			t.Fatal(err)
		}
		rows := must(os.ReadFile("testdata/" + d.prefix + "-001-rows.sql"))(t)
		if err := errors.Join(c.script(string(rows)), c.close()); err != nil {
			t.Fatal(err)
		}
	}
}

// rowsIn returns the rows of the tables that migrations leave as they are, but for columns that are new.
func rowsIn(t testing.TB, path string) string {
	t.Helper()
	c := must(openConn(t.Context(), path, connOptions{cacheKiB: 100}))(t)
	defer c.close()
	return keptRows(t, c)
}

func keptRows(t testing.TB, c *conn) (rows string) {
	t.Helper()
	for _, table := range []string{"folders", "blobs", "blob_data", "parts", "items", "remotes", "changes", "intents", "reasons", "submissions"} {
		columns := ""
		if _, err := c.one(func(r row) { columns = r.text(0) }, "SELECT group_concat('quote(' || name || ')', ' || ') FROM pragma_table_info(?) WHERE name <> 'edited'", table); err != nil {
			t.Fatal(err)
		}
		n := 0
		if err := c.query(func(r row) error {
			n++
			rows += table + " " + r.text(0) + "\n"
			return nil
		}, "SELECT "+columns+" FROM "+table+" ORDER BY 1"); err != nil || n == 0 {
			t.Fatalf("%d rows of %s: %v", n, table, err)
		}
	}
	return rows
}

// isMigrated opens a data folder of the first format and looks whether everything is there.
func isMigrated(t *testing.T, dir, rows string) {
	t.Helper()
	p := must(OpenProfile(t.Context(), dir, Options{}))(t)
	a := must(p.Account(t.Context(), "anna@example.org"))(t)
	if a.Name != "Anna Berg" || a.LastError != "the server is away" || !a.Offline || !a.Push || !a.OnStart || !a.OnChange || a.Every != time.Minute || a.Conflicts != "merge" {
		t.Errorf("account %+v", a)
	}
	m := must(p.OpenMailbox(t.Context(), a.Mailbox))(t)
	clean(t, m)
	if got := keptRows(t, m.writer); got != rows {
		t.Errorf("the rows were\n%s\nand are\n%s", rows, got)
	}
	view(t, m, func(tx *Tx) error {
		all := must(tx.Failures(0))(t)
		if len(all) != 2 || all[0].Text != "over quota" || all[0].Item == 0 || all[0].Tries != 3 || all[1].RemoteID != "1.9" || all[1].Tries != 1 || all[1].Number != 1 {
			t.Errorf("failures %+v", all)
		}
		if c := must(tx.Counts())(t); c.Failures != 2 || c.Conflicts != 1 || c.Pending != 7 {
			t.Errorf("counts %+v", c)
		}
		return nil
	})
	update(t, m, func(tx *Tx) error {
		// What was stored is used as ever.
		if err := tx.ClearFailure(0, must(tx.Failures(0))(t)[1].Folder, "1.9"); err != nil {
			return err
		}
		return tx.SetFailure(Failure{Folder: 4, Text: "of the folder", At: testTime, Raw: []byte("raw")})
	})
	clean(t, m)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAnOldDataFolderIsMigratedWithEverythingInIt(t *testing.T) {
	dir := t.TempDir()
	writeOldFolder(t, dir)
	isMigrated(t, dir, rowsIn(t, filepath.Join(dir, mailboxDir, oldMailbox+".db")))
}

// A migration is one transaction: the program that dies anywhere in it leaves the older format, whole.
func TestAnInterruptedMigrationLosesNothing(t *testing.T) {
	for _, prefix := range []string{"profile", "mailbox"} {
		script := ""
		for _, name := range must(fs.Glob(migrations, "sql/"+prefix+"-*.sql"))(t)[1:] {
			script += string(must(migrations.ReadFile(name))(t))
		}
		statements := strings.SplitAfter(script, ";\n")
		for n := 1; n < len(statements); n++ {
			t.Run(fmt.Sprint(prefix, n), func(t *testing.T) {
				t.Parallel()
				old, dir := t.TempDir(), t.TempDir()
				writeOldFolder(t, old)
				path := filepath.Join(old, profileFile)
				if prefix == "mailbox" {
					path = filepath.Join(old, mailboxDir, oldMailbox+".db")
				}
				rows := rowsIn(t, filepath.Join(old, mailboxDir, oldMailbox+".db"))
				c := must(openConn(t.Context(), path, connOptions{cacheKiB: 16}))(t) // so small that much is written before the end
				defer c.close()
				if err := c.script("BEGIN IMMEDIATE; PRAGMA defer_foreign_keys=ON; " + strings.Join(statements[:n], "")); err != nil {
					t.Fatal(err)
				}
				if err := os.CopyFS(dir, os.DirFS(old)); err != nil { // what the disk holds when the program dies now
					t.Fatal(err)
				}
				isMigrated(t, dir, rows)
			})
		}
	}
}

func TestAMigrationThatFillsTheDiskLosesNothing(t *testing.T) {
	dir := t.TempDir()
	writeOldFolder(t, dir)
	path := filepath.Join(dir, mailboxDir, oldMailbox+".db")
	rows := rowsIn(t, path)
	c := must(openConn(t.Context(), path, connOptions{cacheKiB: 100}))(t)
	pages := must(c.number("PRAGMA page_count"))(t)
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	p := must(OpenProfile(t.Context(), dir, Options{MaxPages: pages}))(t)
	_, err := p.OpenMailbox(context.Background(), oldMailbox)
	if _, full := errors.AsType[*DiskFullError](err); !full || !strings.Contains(err.Error(), "make room") {
		t.Errorf("got %v", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if got := rowsIn(t, path); got != rows {
		t.Errorf("the rows were\n%s\nand are\n%s", rows, got)
	}
	isMigrated(t, dir, rows)
}

func TestAFolderOfANewerOutpostIsRefusedAndLeftAlone(t *testing.T) {
	for _, newer := range []string{profileFile, mailboxDir + "/" + oldMailbox + ".db"} {
		dir := t.TempDir()
		writeOldFolder(t, dir)
		p := must(OpenProfile(t.Context(), dir, Options{}))(t)
		must(p.OpenMailbox(t.Context(), oldMailbox))(t)
		p.Close()
		path := filepath.Join(dir, newer)
		c := must(openConn(t.Context(), path, connOptions{cacheKiB: 100}))(t)
		if err := errors.Join(c.script("PRAGMA user_version = 99"), c.close()); err != nil {
			t.Fatal(err)
		}
		before := must(os.ReadFile(path))(t)
		p, err := OpenProfile(t.Context(), dir, Options{})
		if err == nil {
			_, err = p.OpenMailbox(t.Context(), oldMailbox)
			p.Close()
		}
		e, ok := errors.AsType[*VersionError](err)
		if !ok || e.Have != 99 || e.Know < 2 || filepath.Base(e.Path) != filepath.Base(newer) || !strings.Contains(err.Error(), "newer version of Outpost") {
			t.Errorf("got %v", err)
		}
		if after := must(os.ReadFile(path))(t); string(after) != string(before) {
			t.Errorf("%s was written to", newer)
		}
	}
}
