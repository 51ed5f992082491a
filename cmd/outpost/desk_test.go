package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/internal/backend"
	"outpost/internal/demo"
)

// desk is a person with the program, a data folder, and an account on a server.
type desk struct {
	t      *testing.T
	data   string
	server *demo.Server
	acc    demo.Account
}

// alone is a desk without an account.
func alone(t *testing.T) *desk {
	t.Helper()
	t.Setenv("OUTPOST_KEYCHAIN", "off")
	t.Setenv("OUTPOST_KEY_FILE", filepath.Join(t.TempDir(), "key"))
	t.Setenv("OUTPOST_DATA", "")
	return &desk{t: t, data: filepath.Join(t.TempDir(), "data")}
}

// newDesk is a desk with an account on an empty server.
func newDesk(t *testing.T) *desk {
	t.Helper()
	d := alone(t)
	d.serve()
	d.must(d.acc.Password+"\n", d.addArgs("--trust-certificate", d.acc.Fingerprint)...)
	d.must("", "sync")
	return d
}

// serve starts a server.
func (d *desk) serve() {
	d.t.Helper()
	s, err := demo.New(demo.Options{TLS: true, Empty: true})
	if err == nil {
		err = s.Start(context.Background())
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { s.Close() })
	d.server, d.acc = s, s.Account()
}

func (d *desk) addArgs(more ...string) []string {
	return append([]string{"account", "add", d.acc.Email, "--password-stdin", "--imap", d.acc.IMAP, "--smtp", d.acc.SMTP, "--caldav", d.acc.CalDAV, "--carddav", d.acc.CardDAV}, more...)
}

// run runs one command.
func (d *desk) run(stdin string, args ...string) (out, errs string, code int) {
	var o, e bytes.Buffer
	code = run(d.t.Context(), append([]string{"--data", d.data}, args...), strings.NewReader(stdin), &o, &e)
	return o.String(), e.String(), code
}

// must runs a command that must be done.
func (d *desk) must(stdin string, args ...string) string {
	d.t.Helper()
	out, errs, code := d.run(stdin, args...)
	if code != exitDone {
		d.t.Fatalf("outpost %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// fails runs a command that must end with a code and one sentence that has all of the words.
func (d *desk) fails(code int, stdin string, args []string, words ...string) {
	d.t.Helper()
	out, errs, got := d.run(stdin, args...)
	if got != code {
		d.t.Errorf("outpost %s: exit %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, errs)
	}
	if !strings.HasPrefix(errs, "outpost: ") || strings.Count(errs, "\n") != 1 {
		d.t.Errorf("outpost %s: want one sentence, got\n%s", strings.Join(args, " "), errs)
	}
	for _, w := range words {
		if !strings.Contains(errs, w) {
			d.t.Errorf("outpost %s: %q does not say %q", strings.Join(args, " "), errs, w)
		}
	}
}

// json runs a command with --json and decodes what it prints.
func (d *desk) json(v any, args ...string) {
	d.t.Helper()
	out, errs, code := d.run("", append(args, "--json")...)
	if code != exitDone && code != exitNotInSync {
		d.t.Fatalf("outpost %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	if err := json.Unmarshal([]byte(out), v); err != nil {
		d.t.Fatalf("outpost %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// keys are the names that a JSON object has, in order of the alphabet.
func keys(m map[string]any) string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// file writes a file to hand in.
func (d *desk) file(name, content string) string {
	d.t.Helper()
	path := filepath.Join(d.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// daemon runs a command that stays, until the returned function ends it; it returns when the command has said that it can
// be asked.
func (d *desk) daemon(says string, args ...string) (stop func()) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(d.t.Context())
	w := &watched{want: says, seen: make(chan struct{})}
	done := make(chan int, 1)
	go func() { done <- run(ctx, append([]string{"--data", d.data}, args...), strings.NewReader(""), w, w) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if code := <-done; code != exitDone {
			d.t.Errorf("outpost %s: exit %d\n%s", strings.Join(args, " "), code, w)
		}
	})
	d.t.Cleanup(stop)
	select {
	case <-w.seen:
	case code := <-done:
		done <- code
		d.t.Fatalf("outpost %s ended: exit %d\n%s", strings.Join(args, " "), code, w)
	case <-time.After(60 * time.Second):
		d.t.Fatalf("outpost %s does not come up\n%s", strings.Join(args, " "), w)
	}
	return stop
}

// watched tells when something was written.
type watched struct {
	mu   sync.Mutex
	b    bytes.Buffer
	want string
	seen chan struct{}
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b.Write(b)
	if w.want != "" && strings.Contains(w.b.String(), w.want) {
		w.want = ""
		close(w.seen)
	}
	return len(b), nil
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

const letter = "From: mara@brambleford.example\nTo: mara@brambleford.example\nSubject: Lunch?\n\nAt noon?\n"

func meeting(uid, summary string) string {
	return "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//t//EN\nBEGIN:VEVENT\nUID:" + uid + "\nDTSTAMP:20260301T100000Z\nDTSTART:20260305T090000Z\nDTEND:20260305T100000Z\nSUMMARY:" +
		summary + "\nLOCATION:Room 5\nEND:VEVENT\nEND:VCALENDAR\n"
}

// holder holds the data folder, as another program does, until the returned function lets it go.
func (d *desk) holder() (release func()) {
	d.t.Helper()
	b, err := backend.Open(d.t.Context(), backend.Options{Data: d.data})
	if err != nil {
		d.t.Fatal(err)
	}
	return func() { b.Close() }
}
