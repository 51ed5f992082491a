package main

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"outpost/internal/backend"
	"outpost/internal/web"
)

// conflicting gives an event another place here and another at the server, by way of a second desk on the same account.
func conflicting(t *testing.T) (d *desk, id string) {
	t.Helper()
	d = newDesk(t)
	other := &desk{t: t, data: filepath.Join(t.TempDir(), "other"), server: d.server, acc: d.acc}
	other.must(d.acc.Password+"\n", d.addArgs("--trust-certificate", d.acc.Fingerprint)...)
	id = strings.TrimSpace(d.must(meeting("m1", "Planning"), "add", "Calendar"))
	d.must("", "sync")
	other.must("", "sync")
	var there []struct{ ID string }
	other.json(&there, "list", "Calendar")
	other.must(strings.Replace(meeting("m1", "Planning"), "Room 5", "The harbour", 1), "edit", there[0].ID)
	other.must("", "sync")
	d.must(strings.Replace(meeting("m1", "Planning"), "Room 5", "The canteen", 1), "edit", id)
	if out := d.must("", "sync"); !strings.Contains(out, "1 conflict") {
		t.Fatalf("sync: %q", out)
	}
	return d, id
}

func TestAConflictIsComparedAndDecided(t *testing.T) {
	d, id := conflicting(t)
	if out := d.must("", "list", "INBOX"); !strings.Contains(out, "Message in conflict!") {
		t.Errorf("INBOX: %q", out)
	}
	if out, _, _ := d.run("", "status"); !strings.Contains(out, "1 conflict;") || !strings.Contains(out, "outpost conflict list") {
		t.Errorf("status: %q", out)
	}
	out := d.must("", "conflict", "list")
	if !strings.Contains(out, "Planning") || !strings.Contains(out, "Calendar") || strings.Count(out, "\n") != 1 {
		t.Errorf("list: %q", out)
	}
	out = d.must("", "conflict", "show", id)
	place := ""
	for line := range strings.Lines(out) {
		if strings.Contains(line, "The canteen") {
			place = line
		}
	}
	if fields := strings.Fields(place); len(fields) == 0 || fields[0] != "*" || strings.Index(place, "The canteen") > strings.Index(place, "The harbour") || !strings.Contains(place, "Room 5") {
		t.Errorf("show: %q", out)
	}
	if strings.Contains(out, "Planning  ") || !strings.Contains(out, "outpost conflict keep ") {
		t.Errorf("show tells what is the same: %q", out)
	}
	var shown struct {
		ID, Of      string
		Clashes     []string
		Differences []map[string]any
	}
	d.json(&shown, "conflict", "show", id)
	if shown.Of != id || len(shown.Clashes) == 0 || len(shown.Differences) == 0 || keys(shown.Differences[0]) != "base clash local name property server where" {
		t.Errorf("%+v", shown)
	}
	d.fails(exitUsage, "", []string{"conflict", "keep", id}, "--local", "--server", "--both")
	d.fails(exitUsage, "", []string{"conflict", "keep", id, "--local", "--both"}, "one of")
	d.fails(exitFailed, "", []string{"conflict", "show", "1.4711"}, "1.4711", "outpost conflict list")
	if out := d.must("", "conflict", "keep", shown.ID, "--local"); out != id+" in Calendar\n" {
		t.Errorf("keep: %q", out)
	}
	d.must("", "sync")
	d.must("", "status")
	if out := d.must("", "conflict", "list", "--json"); out != "[]\n" {
		t.Errorf("list: %q", out)
	}
	if out := d.must("", "show", id); !strings.Contains(out, "Where: The canteen\n") {
		t.Errorf("show: %q", out)
	}
	if out := d.must("", "list", "INBOX"); out != "" {
		t.Errorf("INBOX: %q", out)
	}
}

func TestKeepBothFromTheCommandLine(t *testing.T) {
	d, id := conflicting(t)
	var kept struct{ ID, Folder string }
	d.json(&kept, "conflict", "keep", id, "--both")
	d.must("", "sync")
	if out := d.must("", "list", "Calendar"); kept.Folder != "Calendar" || strings.Count(out, "Planning") != 2 {
		t.Errorf("%+v, %q", kept, out)
	}
}

func TestARefusalIsExplainedExportedAndRetried(t *testing.T) {
	d := newDesk(t)
	// Nobody of that name is at this server.
	id := strings.TrimSpace(d.must(strings.Replace(letter, "To: mara@", "To: nobody@", 1), "send"))
	_, _, code := d.run("", "sync")
	if code != exitNotInSync {
		t.Fatalf("sync: exit %d", code)
	}
	out := d.must("", "failure", "list")
	if !strings.Contains(out, id) || !strings.Contains(out, "refused") || !strings.Contains(out, "Lunch?") {
		t.Errorf("list: %q", out)
	}
	out = d.must("", "failure", "show", id)
	for _, want := range []string{"What: refused\n", "Folder: Outbox\n", "Why: ", "Next: ", "outpost failure retry " + id} {
		if !strings.Contains(out, want) {
			t.Errorf("show: %q has no %q", out, want)
		}
	}
	var list []map[string]any
	d.json(&list, "failure", "list")
	if len(list) != 1 || list[0]["what"] != "refuse" || list[0]["error"] == "" || list[0]["next"] == "" {
		t.Errorf("%v", list)
	}
	path := filepath.Join(t.TempDir(), "refused")
	if out := d.must("", "failure", "export", id, path); !strings.HasPrefix(out, path+".eml (") {
		t.Errorf("export: %q", out)
	}
	if b, err := os.ReadFile(path + ".eml"); err != nil || !strings.Contains(string(b), "At noon?") {
		t.Errorf("%q, %v", b, err)
	}
	d.fails(exitFailed, "", []string{"failure", "export", id, path}, "there already")
	if out := d.must("", "failure", "export", id, "-"); !strings.Contains(out, "At noon?") {
		t.Errorf("export: %q", out)
	}
	d.fails(exitUsage, "", []string{"failure", "retry"}, "--all")
	d.fails(exitUsage, "", []string{"failure", "retry", id, "--all"}, "--all")
	d.fails(exitFailed, "", []string{"failure", "show", "1.f4711"}, "1.f4711", "outpost failure list")
	if out := d.must("", "failure", "retry", "--all"); out != id+"\n" {
		t.Errorf("retry: %q", out)
	}
	if out := d.must("", "list", "Outbox"); !strings.Contains(out, id) {
		t.Errorf("Outbox: %q", out)
	}
	d.run("", "sync")
	if out := d.must("", "failure", "list"); !strings.Contains(out, id) { // refused once more
		t.Errorf("list: %q", out)
	}
	d.must("", "delete", id)
	if out := d.must("", "failure", "list", "--json"); out != "[]\n" {
		t.Errorf("list: %q", out)
	}
	d.must("", "status")
}

func TestABundleForSupport(t *testing.T) {
	d := newDesk(t)
	d.daemon("msg=serving", "serve", "--listen", "127.0.0.1:0")
	id := strings.TrimSpace(d.must(letter, "add", "Drafts"))
	d.must(strings.Replace(letter, "Lunch?", "Zanzibar", 1), "add", "Drafts")
	d.must("", "sync")
	path := filepath.Join(t.TempDir(), "outpost.zip")
	if out := d.must("", "support-bundle", path, "--item", id); !strings.Contains(out, path) || !strings.Contains(out, "1 item.") {
		t.Errorf("%q", out)
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	names := ""
	for _, f := range z.File {
		names += f.Name + " "
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if text := string(b); err != nil || strings.Contains(text, d.acc.Password) || strings.Contains(text, "Zanzibar") {
			t.Errorf("%s: %v, %s", f.Name, err, text)
		}
	}
	for _, want := range []string{"items/" + id + ".eml", "logs/outpost.log", "verify.json"} {
		if !strings.Contains(names, want) {
			t.Errorf("%s is not in %s", want, names)
		}
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	d.fails(exitFailed, "", []string{"support-bundle", path}, "there already")
	d.fails(exitFailed, "", []string{"support-bundle", path + ".2", "--item", "1.4711"}, "1.4711")
	if _, err := os.Stat(path + ".2"); err == nil {
		t.Error("a bundle was left that is none")
	}
}

func TestABundleOfADamagedDataFolder(t *testing.T) {
	d := newDesk(t)
	d.daemon("msg=serving", "serve", "--listen", "127.0.0.1:0")()
	if err := os.WriteFile(filepath.Join(d.data, "outpost.db"), []byte(strings.Repeat("nonsense", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "outpost.zip")
	_, errs, code := d.run("", "support-bundle", path)
	if code != exitDone || !strings.Contains(errs, "only the logs") {
		t.Fatalf("exit %d, %q", code, errs)
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	names := ""
	for _, f := range z.File {
		names += f.Name + " "
	}
	if names != "about.txt version.json problem.json logs/outpost.log " {
		t.Errorf("it holds %s", names)
	}
}

func TestDeletionsThatWaitAreConfirmed(t *testing.T) {
	d := newDesk(t)
	d.must("", "folder", "create", "Old letters")
	for range 30 {
		d.must(letter, "add", "Old letters")
	}
	d.must("", "sync")
	var list []struct{ ID string }
	d.json(&list, "list", "Old letters")
	b, err := backend.Open(t.Context(), backend.Options{Data: d.data})
	if err != nil {
		t.Fatal(err)
	}
	client := web.Local(b, nil)
	for _, it := range list[:25] { // to the trash, and from there for good, before the server hears of it
		for range 2 {
			if _, err := client.Delete(t.Context(), it.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	d.fails(exitNotInSync, "", []string{"sync"}, "1 folder", "outpost status")
	out, _, code := d.run("", "status")
	if code != exitNotInSync || !strings.Contains(out, `folder "Old letters": 25 of 30 items would be deleted at the server; look, and say outpost folder confirm "Old letters"`) {
		t.Fatalf("status: exit %d, %q", code, out)
	}
	var status struct{ Accounts []map[string]any }
	d.json(&status, "status")
	holds, _ := status.Accounts[0]["holds"].([]any)
	if status.Accounts[0]["held"] != 1.0 || len(holds) != 1 || keys(holds[0].(map[string]any)) != "at confirmed folder items of since" {
		t.Errorf("%v", status.Accounts[0])
	}
	d.fails(exitFailed, "", []string{"folder", "confirm", "INBOX"}, "INBOX", "outpost status")
	if out := d.must("", "folder", "confirm", "Old letters"); !strings.Contains(out, "25 of 30 items are deleted at the server") {
		t.Errorf("confirm: %q", out)
	}
	d.must("", "sync")
	d.must("", "status")
}
