package interop

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"outpost/test/servers"
)

// kills is how often the daemon is killed, in all; OUTPOST_KILLS sets it, and OUTPOST_SEED the seed.
const (
	kills      = 200
	shortKills = 20
	killSeed   = 20260305
)

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%q is no number", name, text)
	}
	return n
}

// The daemon dies at any moment, in the middle of what it brings over on a bad network, while both sides change: then everything is
// there on both sides, once, and every message was sent once or waits in the Outbox for the person to decide.
func TestNothingIsLostWhenTheDaemonIsKilledAgainAndAgain(t *testing.T) {
	n := kills
	if testing.Short() {
		n = shortKills
	}
	n = number(t, "OUTPOST_KILLS", n)
	seed := number(t, "OUTPOST_SEED", killSeed)
	t.Run("Cyrus", func(t *testing.T) {
		t.Parallel()
		s := servers.Cyrus(t, servers.Options{})
		u := s.NewUser(t)
		newWorld(t, uint64(seed), s, u, s, u).survive(n / 2)
	})
	t.Run("Dovecot and Radicale", func(t *testing.T) {
		t.Parallel()
		mail, dav := servers.Dovecot(t, servers.Options{}), servers.Radicale(t, servers.Options{})
		newWorld(t, uint64(seed)+1, mail, mail.NewUser(t), dav, dav.NewUser(t)).survive(n - n/2)
	})
}

// newWorld adds the account with all its servers behind bad roads, and waits until the first pass is done.
func newWorld(t *testing.T, seed uint64, mail *servers.Server, mailU servers.User, dav *servers.Server, davU servers.User) *world {
	w := &world{t: t, r: rand.New(rand.NewPCG(seed, 1)), seed: seed, o: newOutpost(t), mail: mail, mailU: mailU, dav: dav, davU: davU, deeds: map[string]int{}, killed: map[string]int{}}
	if davU.Name != mailU.Name {
		w.davU.Name = mailU.Name // the account has one login
	}
	for kind, name := range map[servers.Collection]string{servers.Calendar: "team", servers.AddressBook: "people"} {
		if err := dav.CreateCollection(w.davU, kind, name); err != nil {
			t.Fatal(err)
		}
	}
	w.them = w.o.other(mail, mailU).c
	if _, err := w.them.Command("CREATE Kept"); err != nil {
		t.Fatal(err)
	}
	w.sink = servers.SMTPSink(t)
	w.roads = []*road{newRoad(t, "imap", mail.IMAPAddr), newRoad(t, "dav", dav.HTTPAddr), newRoad(t, "smtp", w.sink.Addr)}
	at := func(url string) string { return strings.Replace(url, dav.HTTPAddr, w.roads[1].at, 1) }
	w.o.must(mailU.Password+"\n", "account", "add", mailU.Name, "--password-stdin", "--imap", w.roads[0].url("imap", "?tls=none"),
		"--smtp", w.roads[2].url("smtp", "?tls=none"), "--caldav", at(dav.CalDAV), "--carddav", at(dav.CardDAV))
	w.o.sync()
	w.shelves = []string{"Kept"}
	for range 6 {
		name := w.name("Old")
		w.o.must("", "folder", "create", name)
		w.shelves = append(w.shelves, name)
	}
	w.o.sync()
	return w
}

// survive kills the daemon n times, and looks at what is left of the world.
func (w *world) survive(n int) {
	t := w.t
	t.Logf("seed %d, %d kills", w.seed, n)
	var lives []string
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d; the lives of the daemon:\n%s", w.seed, strings.Join(lives, "\n"))
		}
	})
	start := time.Now()
	heal := worsen(t, rand.New(rand.NewPCG(w.seed, 2)), w.roads...)
	defer heal()
	for i := range n {
		w.did = nil
		lives = append(lives, fmt.Sprintf("%d: %s; %s", i+1, w.live(), strings.Join(w.did, ", ")))
		if t.Failed() {
			return
		}
	}
	heal()
	t.Logf("%d kills in %v: %v; changes here: %v; %d letters, %d events and contacts", n, time.Since(start).Round(time.Second), w.killed, w.deeds, len(w.letters), len(w.objects))

	d := w.o.serve()
	defer d.kill()
	<-d.ready
	if err := w.settle(d); err != nil {
		t.Fatalf("%v\n%s", err, d.said())
	}
	w.rest(d)
	w.compare(d)
	var checked struct{ Accounts []struct{ Problems []string } }
	if err := d.stream("verify", func(string) {}, &checked); err != nil || len(checked.Accounts) != 1 || len(checked.Accounts[0].Problems) > 0 {
		t.Errorf("verify: %+v, %v", checked, err)
	}
	if t.Failed() {
		t.Logf("the daemon said\n%s", d.said())
	}
	d.kill()
	w.o.check(0, "all is well", "", "verify")
}

// live starts the daemon, changes both sides, and kills it. It returns what was killed.
func (w *world) live() string {
	d := w.o.serve()
	if w.r.IntN(12) == 0 {
		wait := time.Duration(w.r.IntN(120)) * time.Millisecond
		d.wait(wait)
		d.kill()
		w.killed["starting"]++
		return fmt.Sprintf("killed while it started, after %v", wait)
	}
	<-d.ready
	if d.isGone() {
		w.t.Errorf("the daemon ended by itself:\n%s", d.said())
		return "ended by itself"
	}
	// It dies when the time is over or, in two of three lives, soon after it told of so many steps in which something is brought over.
	span, steps, soon := time.Duration(30+w.r.IntN(3000))*time.Millisecond, 1+w.r.IntN(40), time.Duration(w.r.IntN(4000))*time.Microsecond
	byStep := w.r.IntN(3) > 0
	began := time.Now()
	var doing atomic.Value
	reached := make(chan struct{})
	go func() {
		told := 0
		for !d.isGone() {
			d.stream("sync", func(what string) { // its end is that of the daemon, sooner or later
				doing.Store(what)
				if what == "" || what == "connecting" || !byStep {
					return
				}
				if told++; told == steps {
					close(reached)
				}
			}, new(passed))
			d.wait(10 * time.Millisecond)
		}
	}()
	go func() {
		select {
		case <-time.After(span):
		case <-reached:
			d.wait(soon)
		}
		d.kill()
	}()
	changes := 0
	for err := w.settle(d); err == nil && changes < 14 && !d.isGone(); changes++ {
		d.wait(time.Duration(w.r.IntN(200)) * time.Millisecond)
		if w.r.IntN(5) < 3 {
			err = w.here(d)
		} else if no := w.there(d); no != nil {
			w.t.Errorf("the other client: %v", no)
		}
	}
	<-d.gone
	if said := d.said(); strings.Contains(said, "panic:") || strings.Contains(said, "level=ERROR") {
		w.t.Errorf("the daemon said\n%s", said)
	}
	what, _ := doing.Load().(string)
	if what == "" {
		what = "idle"
	}
	w.killed[strings.Fields(what)[0]]++
	return fmt.Sprintf("killed after %v while %s; %d changes, %d open; %v", time.Since(began).Round(time.Millisecond), what, changes, len(w.open), w.roads)
}

// rest waits until a pass finds nothing to do.
func (w *world) rest(d *daemon) {
	w.t.Helper()
	var last passed
	for range 12 {
		last = passed{}
		if err := d.stream("sync", func(string) {}, &last); err != nil {
			w.t.Fatalf("sync: %v\n%s", err, d.said())
		}
		if last.nothing() {
			return
		}
	}
	w.t.Errorf("it does not come to rest: %+v", last)
}

// compare checks that both sides are as they have to be.
func (w *world) compare(d *daemon) {
	t := w.t
	want := map[string][]string{}
	for _, l := range w.letters {
		if l.folder == "" {
			continue
		}
		var flags []string
		for name, on := range map[string]bool{"answered": l.replied, "flagged": l.flagged, "work": l.work} {
			if on {
				flags = append(flags, name)
			}
		}
		slices.Sort(flags)
		want[l.folder] = append(want[l.folder], fmt.Sprintf("%s version %04d %v", l.subject, l.version, flags))
	}
	for _, b := range w.objects {
		if c := collectionOf(b.kind); !b.gone {
			want[c] = append(want[c], fmt.Sprintf("%s version %04d []", b.name, b.version))
		}
	}
	w.compareFolders(d)
	for _, folder := range append([]string{"INBOX", "Trash", "Drafts", "team", "people", "Conflicts", "Local Failures"}, w.shelves...) {
		w.same(folder+" here", w.itemsHere(d, folder), want[folder])
	}
	for _, folder := range append([]string{"INBOX", "Trash", "Drafts"}, w.shelves...) {
		w.same(folder+" there", w.lettersThere(folder), want[folder])
	}
	for _, kind := range []servers.Collection{servers.Calendar, servers.AddressBook} {
		w.same(collectionOf(kind)+" there", w.objectsThere(kind), want[collectionOf(kind)])
	}
	w.compareSent(d)
	if t.Failed() {
		return
	}
	var status struct {
		Accounts []struct{ State, Problem string }
	}
	if err := d.ask("GET", "status", nil, nil, &status); err != nil || len(status.Accounts) != 1 || status.Accounts[0].State != "in-sync" {
		t.Errorf("status: %+v, %v", status, err)
	}
}

// compareFolders checks that there is no folder that nobody made.
func (w *world) compareFolders(d *daemon) {
	var folders []struct{ Path string }
	if err := d.ask("GET", "folders", nil, nil, &folders); err != nil {
		w.t.Error(err)
	}
	lines, err := w.them.Command(`LIST "" "*"`)
	if err != nil {
		w.t.Error(err)
	}
	ours := func(name string) bool {
		return slices.ContainsFunc([]string{"Kept", "Old-", "New-", "Made-"}, func(s string) bool { return strings.HasPrefix(name, s) })
	}
	var here, there []string
	for _, f := range folders {
		if ours(f.Path) {
			here = append(here, f.Path)
		}
	}
	for _, line := range lines {
		if name := strings.Trim(line[strings.LastIndexByte(line, ' ')+1:], `"`); ours(name) {
			there = append(there, name)
		}
	}
	w.same("the folders here", here, slices.Clone(w.shelves))
	w.same("the folders there", there, slices.Clone(w.shelves))
}

func (w *world) same(where string, got, want []string) {
	slices.Sort(got)
	slices.Sort(want)
	if slices.Equal(got, want) {
		return
	}
	count := map[string]int{}
	for _, s := range want {
		count[s]++
	}
	for _, s := range got {
		count[s]--
	}
	var differ []string
	for s, n := range count {
		if n != 0 {
			differ = append(differ, fmt.Sprintf("%+d %s", -n, s))
		}
	}
	slices.Sort(differ)
	w.t.Errorf("seed %d: %s: (+ too many, - missing)\n%s", w.seed, where, strings.Join(differ, "\n"))
}

// watched are the flags that are changed; a draft has its own.
func watched(flags []string) []string {
	out := []string{}
	for _, f := range flags {
		if f = strings.ToLower(strings.TrimPrefix(f, `\`)); slices.Contains([]string{"answered", "flagged", "work"}, f) {
			out = append(out, f)
		}
	}
	slices.Sort(out)
	return out
}

// described is what matters of an item's bytes.
func described(subject, raw string, flags []string) string {
	version := "no version"
	if i := strings.Index(raw, "version "); i >= 0 {
		version = raw[i:min(len(raw), i+12)]
	}
	return fmt.Sprintf("%s %s %v", subject, version, watched(flags))
}

func (w *world) itemsHere(d *daemon, folder string) (out []string) {
	w.t.Helper()
	items, err := d.list(folder)
	if err != nil {
		w.t.Errorf("%s: %v", folder, err)
	}
	for _, it := range items {
		raw, err := d.raw(it.ID)
		if err != nil {
			w.t.Errorf("%s in %s: %v", it.Subject, folder, err)
		}
		if folder == "Conflicts" || folder == "Local Failures" {
			var shown struct{ Reason string }
			d.ask("GET", "items/"+it.ID, nil, nil, &shown) // only for the words
			w.t.Errorf("%s: %s: %s", folder, it.Subject, shown.Reason)
		}
		out = append(out, described(it.Subject, raw, it.Flags))
	}
	return out
}

func (w *world) lettersThere(folder string) (out []string) {
	w.t.Helper()
	if _, err := w.them.Command("EXAMINE %s", servers.Quote(folder)); err != nil {
		w.t.Errorf("%s there: %v", folder, err)
		return nil
	}
	lines, err := w.them.Command("UID FETCH 1:* (FLAGS BODY.PEEK[])")
	if err != nil {
		w.t.Errorf("%s there: %v", folder, err)
	}
	for _, line := range lines {
		head, raw, ok := strings.Cut(line, "}\r\n")
		_, flags, _ := strings.Cut(head, "FLAGS (")
		flags, _, _ = strings.Cut(flags, ")")
		_, subject, _ := strings.Cut(raw, "Subject: ")
		subject, _, _ = strings.Cut(subject, "\r\n")
		if ok {
			out = append(out, described(subject, raw, strings.Fields(flags)))
		}
	}
	return out
}

func (w *world) objectsThere(kind servers.Collection) (out []string) {
	w.t.Helper()
	there, err := w.dav.ListCollection(w.davU, kind, collectionOf(kind))
	if err != nil {
		w.t.Error(err)
	}
	for href := range there {
		raw, err := w.request("GET", "http://"+w.dav.HTTPAddr+href)
		if err != nil {
			w.t.Error(err)
		}
		_, name, _ := strings.Cut(raw, map[servers.Collection]string{servers.Calendar: "SUMMARY:", servers.AddressBook: "FN:"}[kind])
		name, _, _ = strings.Cut(name, "\r\n")
		out = append(out, described(name, raw, nil))
	}
	return out
}

// compareSent checks that each message was sent once, or waits to be decided about.
func (w *world) compareSent(d *daemon) {
	t := w.t
	sent := map[string]int{}
	for _, m := range w.sink.Messages() {
		_, subject, _ := bytes.Cut(m.Data, []byte("Subject: "))
		subject, _, _ = bytes.Cut(subject, []byte("\r\n"))
		sent[string(subject)]++
	}
	count := func(lines []string) map[string]int {
		out := map[string]int{}
		for _, l := range lines {
			out[strings.Fields(l)[0]]++
		}
		return out
	}
	here, there := count(w.itemsHere(d, "Sent")), count(w.lettersThere("Sent"))
	outbox, err := d.list("Outbox")
	if err != nil {
		t.Error(err)
	}
	waiting := map[string]int{}
	for _, it := range outbox {
		waiting[it.Subject]++
		var shown string
		if err := d.ask("GET", "items/"+it.ID, nil, nil, &shown); err != nil || !strings.Contains(shown, "may have been sent") {
			t.Errorf("%s waits in Outbox and does not say why: %s, %v", it.Subject, shown, err)
		}
		if err := d.ask("DELETE", "items/"+it.ID, nil, nil, nil); err != nil { // the person has decided
			t.Error(err)
		}
	}
	for _, p := range w.postings {
		n, h, s, q := sent[p.subject], here[p.subject], there[p.subject], waiting[p.subject]
		once := n == 1 && h == 1 && s == 1 && q == 0
		perhaps := n <= 1 && h == 0 && s == 0 && q == 1
		never := n+h+s+q == 0 && !p.taken // killed before it was taken
		if !once && !perhaps && !never {
			t.Errorf("seed %d: %s (taken: %v) was sent %d times; %d in Sent here, %d there, %d in Outbox", w.seed, p.subject, p.taken, n, h, s, q)
		}
	}
	t.Logf("%d messages were sent, %d of %d may have been sent", len(sent), len(outbox), len(w.postings))
}
