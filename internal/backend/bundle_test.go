package backend

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
)

// unpacked is what a ZIP holds, by name.
func unpacked(t *testing.T, b []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(text)
		if strings.HasSuffix(f.Name, ".json") && !json.Valid(text) {
			t.Errorf("%s is no JSON: %s", f.Name, text)
		}
	}
	return out
}

// logged makes a house write its log where daemons do.
func logged(t *testing.T, h *house) *slog.Logger {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(LogFile(h.o.Data)), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(LogFile(h.o.Data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	log := slog.New(slog.NewJSONHandler(f, nil))
	h.Server.o.Log = log
	return log
}

const secretSubject = "Redundancies <plan>"

func TestABundleHoldsNoSecretsAndNoOtherMail(t *testing.T) {
	h := newHouse(t, anna)
	log := logged(t, h)
	s := h.servers[anna]
	s.AddMail(s.FolderID("Inbox"), []byte(message("Zanzibar")), groupware.Flags{}, h.clock.Now())
	h.sync()
	// Every kind of trouble, with subjects and addresses in it.
	h.add("Inbox", "", strings.Replace(message("x"), "Subject: x", "Subject: "+secretSubject, 1))
	h.failing(1, fake.Fault{Call: "Create", At: fake.OneItem, Kind: remote.Invalid})
	if _, err := h.Send(h.ctx, []byte(letter)); err != nil {
		t.Fatal(err)
	}
	s.Faults().Order(fake.Fault{Call: "Send", Service: "smtp", At: fake.After, Cut: true})
	if _, err := h.Sync(h.ctx, ""); err != nil {
		t.Fatal(err)
	}
	s.Faults().Stop()
	s.PutObject(s.FolderID("Calendar"), "e1.ics", []byte(event("e1", "Planning")))
	h.sync()
	h.clash(h.only("Calendar"), "Secret meeting", "Another one")
	mine := h.add("Contacts", "", card)
	h.sync()
	// What a server may say back ends up in the log.
	log.Warn("pass failed", "category", "sync", "account", anna, "error",
		"550 5.1.1 <ben@example.net>: no such user; subject was \""+secretSubject+"\"; Message-ID <abc@example.net>; password "+password+"; conflict with Secret meeting")

	var zipped bytes.Buffer
	if err := h.SupportBundle(h.ctx, &zipped, []string{mine}); err != nil {
		t.Fatal(err)
	}
	files := unpacked(t, zipped.Bytes())
	for _, name := range []string{"about.txt", "version.json", "accounts.json", "status.json", "folders.json", "failures.json", "conflicts.json", "holds.json", "verify.json",
		"logs/outpost.log", "items/" + mine + ".vcf", "items/" + mine + ".json"} {
		if files[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	if files["items/"+mine+".vcf"] != card {
		t.Errorf("the item is %q", files["items/"+mine+".vcf"])
	}
	delete(files, "items/"+mine+".vcf") // the person wants it in there
	for name, text := range files {
		for _, secret := range []string{password, "Redundancies", "Zanzibar", "Lunch", "Secret meeting", "Planning", "Another one", "ben@", "carl@", "clara@", "abc@", "The text of", "At noon"} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
				t.Errorf("%s tells %q: %s", name, secret, text)
			}
		}
	}
	for name, want := range map[string]string{"accounts.json": anna, "failures.json": "content refused", "conflicts.json": `"id": "1.`, "status.json": `"attention"`, "folders.json": "Calendar",
		"verify.json": `"problems": []`, "logs/outpost.log": "no such user", "items/" + mine + ".json": `"agreed"`} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s does not say %q: %s", name, want, files[name])
		}
	}
	for line := range strings.Lines(files["logs/outpost.log"]) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON any more: %s", line)
		}
	}
}

func TestABundleOfWhatIsNotThere(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	wantError(t, h.SupportBundle(h.ctx, io.Discard, []string{"1.4711"}), CodeNotFound, "1.4711")
	wantError(t, h.SupportBundle(h.ctx, io.Discard, []string{"1.f4711"}), CodeNotFound, "1.f4711")
	wantError(t, h.SupportBundle(h.ctx, io.Discard, []string{"all"}), CodeUsage, "all")
	wantError(t, h.SupportBundle(h.ctx, io.Discard, slices.Repeat([]string{"1.1"}, maxBundled+1)), CodeUsage, "100")
	var zipped bytes.Buffer
	if err := h.SupportBundle(h.ctx, &zipped, nil); err != nil {
		t.Fatal(err)
	}
	for name := range unpacked(t, zipped.Bytes()) {
		if strings.HasPrefix(name, "items/") || strings.HasPrefix(name, "logs/") {
			t.Errorf("it holds %s", name)
		}
	}
}

func TestABundleOfAFolderThatCannotBeOpened(t *testing.T) {
	h := newHouse(t, anna)
	logged(t, h).Info("the last words", "from", "ben@example.net")
	var zipped bytes.Buffer
	if err := LogBundle(&zipped, h.o.Data, errors.New("the database is damaged"), time.Now()); err != nil {
		t.Fatal(err)
	}
	files := unpacked(t, zipped.Bytes())
	if !strings.Contains(files["problem.json"], "is damaged") || !strings.Contains(files["logs/outpost.log"], "the last words") || strings.Contains(files["logs/outpost.log"], "ben@") {
		t.Errorf("%v", files)
	}
}
