package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongUsageEndsWithTwo(t *testing.T) {
	d := alone(t)
	for _, args := range [][]string{
		{"frobnicate"}, {"account"}, {"account", "frobnicate"}, {"list"}, {"list", "a", "b"}, {"list", "INBOX", "--frobnicate"}, {"list", "INBOX", "--limit", "many"},
		{"folder", "set", "INBOX"}, {"folder", "set", "INBOX", "--sync", "some"}, {"folder", "create", "X", "--kind", "drawer"}, {"flag", "1.1"}, {"flag", "1.1", "2.2", "+seen"},
		{"flag", "1.1", "+seen", "--frobnicate"}, {"search"}, {"conflict"}, {"conflict", "show"}, {"conflict", "keep", "1.1"}, {"failure", "retry"}, {"failure", "export", "1.1"}, {"support-bundle"}, {"folder", "confirm"}, {"demo", "now"}, {"account", "add", "anna@example.org"}, {"serve", "--listen", "0.0.0.0:8145"}, {"serve", "--listen", "8145"},
	} {
		d.fails(exitUsage, "", args)
	}
	d = newDesk(t)
	for _, args := range [][]string{{"show", "42"}, {"flag", "1.1", "+two words"}, {"list", "INBOX", "--sort", "colour"}, {"list", "INBOX", "--limit", "-1"}, {"account", "add", "anna", "--password-stdin"}} {
		d.fails(exitUsage, "secret\n", args)
	}
}

func TestNothingThereYet(t *testing.T) {
	d := alone(t)
	for _, args := range [][]string{{"status"}, {"list", "INBOX"}, {"sync"}, {"demo", "server", "status"}} {
		d.fails(exitFailed, "", args, d.data, "outpost account add", "outpost demo")
	}
	if _, err := os.Stat(d.data); err == nil {
		t.Error("asking made the data folder")
	}
}

func TestAccountsThatDoNotWork(t *testing.T) {
	d := alone(t)
	d.serve()
	// A certificate that nobody vouches for: what it is, and how to trust it.
	d.fails(exitFailed, d.acc.Password+"\n", d.addArgs(), "not trusted", d.acc.Fingerprint, "--trust-certificate "+d.acc.Fingerprint)
	d.fails(exitFailed, d.acc.Password+"\n", d.addArgs("--trust-certificate", strings.Repeat("00:", 31)+"00"), "not trusted", d.acc.Fingerprint)
	trust := d.addArgs("--trust-certificate", d.acc.Fingerprint)
	d.fails(exitFailed, "sardine\n", trust, d.acc.Email, "refused the user name or password")
	d.fails(exitUsage, "\n", trust, "password is empty")
	d.fails(exitFailed, "x\n", []string{"account", "add", "anna@example.org", "--password-stdin", "--imap", "imaps://mail.outpost.invalid"}, "mail.outpost.invalid")
	d.fails(exitUsage, "x\n", []string{"account", "add", "anna@example.org", "--password-stdin", "--imap", "imap://mail.example.org?tls=none"}, "--allow-plaintext")
	var accounts []any
	if d.json(&accounts, "account", "list"); len(accounts) != 0 {
		t.Errorf("stored all the same: %v", accounts)
	}
	out, errs, code := d.run(d.acc.Password+"\n", trust...)
	if code != exitDone || strings.Contains(out+errs, d.acc.Password) {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	d.fails(exitFailed, "", []string{"account", "check", "ben@example.org"}, "ben@example.org", d.acc.Email)
	d.fails(exitFailed, "", []string{"account", "remove", "ben@example.org"}, "ben@example.org")
}

func TestAPasswordThatIsRefusedLaterLosesNothing(t *testing.T) {
	d := newDesk(t)
	if err := d.server.AddUser(d.acc.Email, d.acc.Name, "another"); err != nil {
		t.Fatal(err)
	}
	d.must(letter, "add", "Drafts")
	d.fails(exitFailed, "", []string{"sync"}, d.acc.Email, "refused the user name or password", "outpost account add", "nothing is lost")
	if out, _, code := d.run("", "status"); code != exitNotInSync || !strings.Contains(out, "needs attention") {
		t.Errorf("exit %d, %q", code, out)
	}
	d.must("another\n", "account", "add", d.acc.Email, "--password-stdin")
	d.must("", "sync")
	d.must("", "status")
}

func TestUnknownFoldersAndItems(t *testing.T) {
	d := newDesk(t)
	d.fails(exitFailed, "", []string{"list", "Daft"}, `no folder "Daft"`, `"Drafts"`)
	d.fails(exitFailed, "", []string{"list", "Completely elsewhere"}, "outpost folder list")
	d.fails(exitFailed, "", []string{"sync", "--folder", "Daft"}, `"Drafts"`)
	d.fails(exitFailed, letter, []string{"add", "Daft"}, `"Drafts"`)
	for _, args := range [][]string{{"show", "1.4711"}, {"show", "1.4711", "--raw"}, {"flag", "1.4711", "+seen"}, {"move", "1.4711", "Trash"}, {"copy", "1.4711", "Trash"}, {"delete", "1.4711"}, {"show", "9.1"}} {
		d.fails(exitFailed, "", args, args[1], "outpost list")
	}
}

func TestMalformedContentIsToldWithItsPlace(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct{ folder, name, content, place string }{
		{"Calendar", "a.ics", strings.Replace(meeting("a", "A"), "DTSTART:2", "DTSTART:x", 1), "line 7"},
		{"Calendar", "b.ics", "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nEND:VCALENDAR\n", "VEVENT"},
		{"Contacts", "c.vcf", "BEGIN:VCARD\nVERSION:3.0\nFN Clara\nEND:VCARD\n", "line "},
		{"INBOX", "d.eml", "this is no message\n", "line 1"},
	} {
		d.fails(exitFailed, "", []string{"add", c.folder, d.file(c.name, c.content)}, c.name, c.place)
	}
	d.fails(exitFailed, "", []string{"add", "INBOX", filepath.Join(t.TempDir(), "nothing.eml")}, "nothing.eml")
	d.fails(exitFailed, " \n", []string{"add", "INBOX"}, "no content")
	d.fails(exitFailed, "Subject: x\nTo: b@example.net\n\nx\n", []string{"send"}, "From")
	d.fails(exitFailed, "Subject: x\nFrom: b@example.net\n\nx\n", []string{"send"}, "recipient")
	d.fails(exitFailed, meeting("x", "X"), []string{"add", "INBOX"}, "INBOX", "event")
	d.must("", "status") // nothing of it was stored
}

func TestASecondProgramOnTheSameFolder(t *testing.T) {
	d := newDesk(t)
	other := d.holder()
	d.fails(exitFailed, "", []string{"serve"}, d.data, "in use")
	other() // a command waits for another one that ends soon
	d.must("", "list", "INBOX")
}

func TestAnEncryptedDataFolder(t *testing.T) {
	d := alone(t)
	d.serve()
	d.must(d.acc.Password+"\n", d.addArgs("--trust-certificate", d.acc.Fingerprint, "--encrypt")...)
	d.must("", "sync")
	d.must(strings.Replace(letter, "At noon", "At the zanzibar", 1), "add", "INBOX")
	d.must("", "search", "zanzibar")
	err := filepath.WalkDir(d.data, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(strings.ToLower(string(b)), "zanzibar") || strings.Contains(string(b), d.acc.Email) {
			t.Errorf("%s tells what is in the mail", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	key := os.Getenv("OUTPOST_KEY_FILE")
	t.Setenv("OUTPOST_KEY_FILE", key+".elsewhere")
	d.fails(exitFailed, "", []string{"list", "INBOX"}, "encrypted", "OUTPOST_KEY_FILE")
	t.Setenv("OUTPOST_KEY_FILE", key)
	d.must("", "list", "INBOX")
}

func TestAnEndByTheKeyboardIsClean(t *testing.T) {
	d := newDesk(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs strings.Builder
	if code := run(ctx, []string{"--data", d.data, "sync"}, strings.NewReader(""), &out, &errs); code != exitFailed || !strings.Contains(errs.String(), "stopped") {
		t.Errorf("exit %d, %q", code, errs.String())
	}
	d.must("", "sync")
}

func TestWhatStrangersWriteDoesNotCommandTheTerminal(t *testing.T) {
	d := newDesk(t)
	id := strings.TrimSpace(d.must("From: a@example.net\nSubject: =?utf-8?q?x=1b]0;owned=07?=\nDate: Sun, 1 Mar 2026 10:00:00 +0000\n\nred \x1b[31m text\n", "add", "INBOX"))
	for _, args := range [][]string{{"show", id}, {"list", "INBOX"}, {"search", "text"}} {
		if out := d.must("", args...); strings.ContainsAny(out, "\x1b\x07") {
			t.Errorf("%v: %q", args, out)
		}
	}
}

func TestLogsRotateAndHoldNoSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "outpost.log")
	r, err := openRotating(path)
	if err != nil {
		t.Fatal(err)
	}
	piece := []byte(strings.Repeat("x", 1<<20) + "\n")
	for range 25 {
		if _, err := r.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(path + "*")
	if len(files) != 1+oldLogs {
		t.Errorf("%d files: %v", len(files), files)
	}
	for _, f := range files {
		if info, _ := os.Stat(f); info.Size() > maxLog {
			t.Errorf("%s has %d bytes", f, info.Size())
		}
	}
	d := newDesk(t)
	d.daemon("msg=serving", "serve", "--listen", "127.0.0.1:0")()
	b, err := os.ReadFile(filepath.Join(d.data, "logs", "outpost.log"))
	if err != nil || !strings.Contains(string(b), `"category":"http"`) || strings.Contains(string(b), d.acc.Password) {
		t.Errorf("%v: %s", err, b)
	}
}
