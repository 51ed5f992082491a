package backend

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"outpost/internal/engine"
	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

// house is a data folder whose accounts live on servers in memory.
type house struct {
	*Server
	t       *testing.T
	ctx     context.Context
	o       Options
	clock   *testClock
	servers map[string]*fake.Server // by address
	network atomic.Pointer[[]string]
}

func (h *house) addresses() []string {
	if a := h.network.Load(); a != nil {
		return *a
	}
	return []string{"192.0.2.1"}
}

const password = "swordfish"

// testClock is time that a test owns. Whoever waits for it waits until the test lets time pass.
type testClock struct {
	mu    sync.Mutex
	now   time.Time
	waits []wait
	added chan time.Duration  // gets the length of every wait that begins, but those of the pulse
	beat  chan chan time.Time // the waits of the pulse, which pass does not end
}

type wait struct {
	until time.Time
	ch    chan time.Time
}

func newClock() *testClock {
	return &testClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), added: make(chan time.Duration, 1000), beat: make(chan chan time.Time, 1000)}
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	if d == pulse {
		c.beat <- ch
		return ch
	}
	c.waits = append(c.waits, wait{c.now.Add(d), ch})
	c.added <- d
	return ch
}

// pass lets time pass.
func (c *testClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	var left []wait
	for _, w := range c.waits {
		if w.until.After(c.now) {
			left = append(left, w)
		} else {
			w.ch <- c.now
		}
	}
	c.waits = left
}

// signIn is a server that asks for the password.
type signIn struct {
	*fake.Server
	account  store.Account
	password string
}

func (c signIn) Connect(ctx context.Context, service string) (remote.Service, error) {
	if c.password != password {
		return nil, &remote.Error{Kind: remote.Auth, Doing: "sign in as " + c.account.Login, Text: "AUTHENTICATIONFAILED Sorry."}
	}
	return c.Server.Connect(ctx, service)
}

func newHouse(t *testing.T, emails ...string) *house {
	t.Helper()
	t.Setenv("OUTPOST_KEYCHAIN", "off")
	t.Setenv("OUTPOST_KEY_FILE", filepath.Join(t.TempDir(), "key"))
	h := &house{t: t, ctx: t.Context(), clock: newClock(), servers: map[string]*fake.Server{}}
	h.o = Options{Data: t.TempDir(), Clock: h.clock, Rand: rand.New(rand.NewPCG(1, 2)), Policy: &Policy{}, Addresses: h.addresses, Connect: func(a store.Account, password string) engine.Connector {
		s := h.servers[strings.ToLower(a.Email)]
		if s == nil {
			t.Errorf("nobody made a server for %s", a.Email)
		}
		return signIn{s, a, password}
	}}
	h.open()
	t.Cleanup(func() {
		if err := h.Server.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, e := range emails {
		h.server(e)
		if _, err := h.AddAccount(h.ctx, account(e)); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func (h *house) open() {
	h.t.Helper()
	s, err := Open(h.ctx, h.o)
	if err != nil {
		h.t.Fatal(err)
	}
	h.Server = s
}

// server makes the server of an address.
func (h *house) server(email string) *fake.Server {
	return h.serverOf(email, fake.Features{})
}

func (h *house) serverOf(email string, f fake.Features) *fake.Server {
	s := fake.NewServer(fake.Options{Clock: h.clock.Now, Features: f})
	s.AddFolder(remote.NewFolder{Name: "Notes", Kind: groupware.FolderNotes})
	h.servers[email] = s
	return s
}

func account(email string) NewAccount {
	return NewAccount{Email: email, Password: password, IMAP: "imaps://mail.example.org", SMTP: "smtps://mail.example.org", CalDAV: "https://dav.example.org/", CardDAV: "https://dav.example.org/"}
}

// sync runs a pass that must go well.
func (h *house) sync() SyncResult {
	h.t.Helper()
	r, err := h.Sync(h.ctx, "")
	if err != nil {
		h.t.Fatal(err)
	}
	if len(r.Problems) > 0 || r.Failures > 0 || r.Left > 0 {
		h.t.Fatalf("the pass did not go well: %+v", r)
	}
	return r
}

// add adds content that must be fine, and returns its id.
func (h *house) add(folder, name, content string) string {
	h.t.Helper()
	a, err := h.Add(h.ctx, folder, name, []byte(content))
	if err != nil {
		h.t.Fatal(err)
	}
	return a.ID
}

// there tells what the server holds in a folder, by its path.
func (h *house) there(email, path string) (raws []string) {
	for _, it := range h.servers[email].Snapshot() {
		if it.Path == path {
			raws = append(raws, string(it.Raw))
		}
	}
	return raws
}

// wantError checks an error's code and that its sentence says all of the words.
func wantError(t *testing.T, err error, code Code, words ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("got %v (code %s), want an error of code %s", err, CodeOf(err), code)
	}
	for _, w := range words {
		if !strings.Contains(e.Text, w) {
			t.Errorf("%q does not say %q", e.Text, w)
		}
	}
	if strings.ContainsAny(e.Text, "\r\n") {
		t.Errorf("%q is more than one line", e.Text)
	}
}

func message(subject string) string {
	return "From: Ben <ben@example.net>\r\nTo: anna@example.org\r\nSubject: " + subject + "\r\nDate: Sun, 01 Mar 2026 09:00:00 +0000\r\nMessage-ID: <" +
		strings.ReplaceAll(subject, " ", ".") + "@example.net>\r\n\r\nThe text of " + subject + ".\r\n"
}

func event(uid, summary string) string {
	return fmt.Sprintf("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:%s\r\nDTSTAMP:20260301T120000Z\r\nDTSTART:20260302T100000Z\r\nDTEND:20260302T110000Z\r\n"+
		"SUMMARY:%s\r\nLOCATION:Room 5\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", uid, summary)
}

const card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:c1\r\nFN:Clara Miller\r\nN:Miller;Clara;;;\r\nTEL;TYPE=CELL:+49 30 123\r\nEMAIL:clara@miller.example\r\nORG:Miller Ltd;Sales\r\nEND:VCARD\r\n"

var errUntrusted = &remote.Error{Kind: remote.Certificate, Doing: "connect to mail.example.org", Text: x509.UnknownAuthorityError{}.Error(),
	Fingerprint: strings.Repeat("ab", 32), Subject: "CN=mail.example.org"}
