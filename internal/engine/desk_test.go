package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

// desk is a mailbox with its engine and a server to trade with.
type desk struct {
	t       testing.TB
	ctx     context.Context
	server  *fake.Server
	dir     string
	rand    *rand.Rand
	profile *store.Profile
	m       *store.Mailbox
	e       *Engine
	now     time.Time
}

func newDesk(t testing.TB, o fake.Options) *desk {
	t.Helper()
	d := &desk{t: t, ctx: context.Background(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	d.server = fake.NewServer(o)
	d.dir, d.rand = t.TempDir(), rand.New(rand.NewPCG(7, 7))
	d.reopen()
	t.Cleanup(func() { d.profile.Close() })
	return d
}

// reopen ends the program and starts it again on the same files.
func (d *desk) reopen() {
	d.t.Helper()
	d.ok(d.profile.Close())
	var err error
	d.profile, err = store.OpenProfile(d.ctx, d.dir, store.Options{Clock: func() time.Time { return d.now }})
	d.ok(err)
	a, err := d.profile.PutAccount(d.ctx, store.Account{Email: "anna@example.org"})
	d.ok(err)
	d.m, err = d.profile.OpenMailbox(d.ctx, a.Mailbox)
	d.ok(err)
	d.e = New(d.m, d.server, Options{Clock: func() time.Time { return d.now }, Rand: d.rand, Address: "anna@example.org"})
}

func (d *desk) ok(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// sync runs a pass that must succeed.
func (d *desk) sync() Result {
	d.t.Helper()
	r, err := d.e.Pass(d.ctx, PassOptions{})
	d.ok(err)
	return r
}

// quiet checks that a further pass does nothing, on either side.
func (d *desk) quiet() {
	d.t.Helper()
	writes, seq := d.server.Writes(), d.seq()
	r := d.sync()
	r.BytesIn, r.BytesOut = 0, 0
	if r != (Result{}) {
		d.t.Fatalf("a pass with nothing to do did %+v", r)
	}
	if d.server.Writes() != writes || d.seq() != seq {
		d.t.Fatalf("a pass with nothing to do wrote: server %d times, store %d changes", d.server.Writes()-writes, d.seq()-seq)
	}
}

func (d *desk) seq() (seq int64) {
	d.ok(d.m.View(d.ctx, func(tx *store.Tx) (err error) { seq, err = tx.LastChange(); return err }))
	return seq
}

// folder finds a folder here by its path.
func (d *desk) folder(path string) store.Folder {
	d.t.Helper()
	f, ok := d.lookup(path)
	if !ok {
		d.t.Fatalf("there is no folder %q here", path)
	}
	return f
}

func (d *desk) lookup(path string) (found store.Folder, ok bool) {
	d.ok(d.m.View(d.ctx, func(tx *store.Tx) error {
		fs, err := tx.Folders()
		for _, f := range visible(fs) {
			p, err := tx.FolderPath(f.ID)
			if err != nil {
				return err
			}
			if strings.EqualFold(p, path) {
				found, ok = f, true
			}
		}
		return err
	}))
	return found, ok
}

// visible leaves out what a person does not see: folders deleted here and what is below them.
func visible(fs []store.Folder) []store.Folder {
	hidden := map[groupware.FolderID]bool{}
	return slices.DeleteFunc(fs, func(f store.Folder) bool { // parents come first
		hidden[f.ID] = f.Deleted || hidden[f.Parent]
		return hidden[f.ID]
	})
}

// do is one local transaction.
func (d *desk) do(fn func(tx *store.Tx) error) {
	d.t.Helper()
	d.ok(d.m.Update(d.ctx, fn))
}

func (d *desk) add(path string, media groupware.Media, raw string, flags ...string) (id groupware.ItemID) {
	d.t.Helper()
	f := d.folder(path)
	d.do(func(tx *store.Tx) (err error) {
		id, err = tx.Add(f.ID, store.Prepare(media, []byte(raw)), flagsOf(flags...), d.now)
		return err
	})
	return id
}

func flagsOf(names ...string) (f groupware.Flags) {
	for _, n := range names {
		g, err := groupware.ParseFlag(n)
		if err != nil {
			panic(err)
		}
		f = f.Plus(g)
	}
	return f
}

// here lists what is in a folder here as "subject [flags]", sorted.
func (d *desk) here(path string) []string {
	d.t.Helper()
	f := d.folder(path)
	items, _, err := d.m.List(d.ctx, f.ID, store.ListOptions{Limit: 10000})
	d.ok(err)
	out := []string{}
	for _, it := range items {
		out = append(out, fmt.Sprint(it.Subject, " ", it.Flags.Names()))
	}
	sort.Strings(out)
	return out
}

// there lists what is in a folder at the server in the same way.
func (d *desk) there(path string) []string {
	out := []string{}
	for _, it := range d.server.Snapshot() {
		if strings.EqualFold(it.Path, path) {
			out = append(out, fmt.Sprint(subject(string(it.Raw)), " ", it.Flags.Names()))
		}
	}
	sort.Strings(out)
	return out
}

func subject(raw string) string {
	for _, line := range strings.Split(raw, "\r\n") {
		for _, p := range []string{"Subject: ", "SUMMARY:", "FN:"} {
			if s, ok := strings.CutPrefix(line, p); ok {
				return s
			}
		}
	}
	return ""
}

// both checks that a folder holds the same on both sides, and what.
func (d *desk) both(path string, want ...string) {
	d.t.Helper()
	sort.Strings(want)
	if here, there := d.here(path), d.there(path); !slices.Equal(here, there) || !slices.Equal(here, want) {
		d.t.Fatalf("%s\n  here  %q\n  there %q\n  want  %q", path, here, there, want)
	}
}

func (d *desk) find(path, subject string) groupware.ItemID {
	d.t.Helper()
	items, _, err := d.m.List(d.ctx, d.folder(path).ID, store.ListOptions{Limit: 10000})
	d.ok(err)
	for _, it := range items {
		if it.Subject == subject {
			return it.ID
		}
	}
	d.t.Fatalf("no %q in %s", subject, path)
	return 0
}

func (d *desk) raw(id groupware.ItemID) (raw string) {
	d.t.Helper()
	d.ok(d.m.View(d.ctx, func(tx *store.Tx) error {
		b, err := tx.Raw(id)
		raw = string(b)
		return err
	}))
	return raw
}

func mail(subject string) string {
	return "From: Ben <ben@example.org>\r\nTo: anna@example.org\r\nSubject: " + subject + "\r\nMessage-ID: <" + strings.ReplaceAll(subject, " ", ".") +
		"@example.org>\r\nDate: Sun, 1 Mar 2026 10:00:00 +0000\r\n\r\nText of " + subject + ".\r\n"
}

func event(uid, summary string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//test//EN\r\nBEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTAMP:20260301T100000Z\r\n" +
		"DTSTART:20260305T090000Z\r\nDTEND:20260305T100000Z\r\nSUMMARY:" + summary + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

func card(uid, name string) string {
	return "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:" + uid + "\r\nFN:" + name + "\r\nN:" + name + ";;;;\r\nEND:VCARD\r\n"
}

func (d *desk) serverMail(path, subject string, flags ...string) string {
	d.t.Helper()
	id := d.server.AddMail(d.server.FolderID(path), []byte(mail(subject)), flagsOf(flags...), d.now)
	if id == "" {
		d.t.Fatalf("no folder %q at the server", path)
	}
	return id
}

func kindOf(err error) remote.ErrorKind {
	if _, ok := errors.AsType[*remote.Error](err); !ok {
		return -1
	}
	return remote.KindOf(err)
}
