package interop

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"outpost/internal/demo"
	"outpost/test/servers"
)

// wire stands between Outpost and a server and can do to connections what networks do.
type wire struct {
	t       *testing.T
	l       net.Listener
	server  string
	mu      sync.Mutex
	down    int64       // each connection ends after so many bytes from the server; 0: never
	up      int64       // or to it
	secured *tls.Config // TLS ends here
	open    map[net.Conn]bool
}

func newWire(t *testing.T, server string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, l: l, server: server, open: map[net.Conn]bool{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { w.carry(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		w.drop()
		wg.Wait()
	})
	return w
}

func (w *wire) url(scheme, tail string) string { return scheme + "://" + w.l.Addr().String() + tail }

// breaks says after how many bytes connections made from now on end.
func (w *wire) breaks(down, up int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down, w.up = down, up
}

// drop ends the connections that are there.
func (w *wire) drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		c.Close()
	}
}

func (w *wire) secure(c *servers.Certificate) {
	w.t.Helper()
	config, err := c.ServerConfig()
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secured = config
}

func (w *wire) carry(c net.Conn) {
	w.mu.Lock()
	down, up, secured := w.down, w.up, w.secured
	w.open[c] = true
	w.mu.Unlock()
	defer func() {
		c.Close()
		w.mu.Lock()
		delete(w.open, c)
		w.mu.Unlock()
	}()
	if secured != nil {
		c = tls.Server(c, secured)
	}
	s, err := net.Dial("tcp", w.server)
	if err != nil {
		return
	}
	defer s.Close()
	var wg sync.WaitGroup
	for _, way := range []struct {
		from, to net.Conn
		bytes    int64
	}{{s, c, down}, {c, s, up}} {
		wg.Go(func() {
			var r io.Reader = way.from
			if way.bytes > 0 {
				r = io.LimitReader(r, way.bytes)
			}
			io.Copy(way.to, r)
			c.Close()
			s.Close()
		})
	}
	wg.Wait()
}

// letterOf is a message that no compression makes much smaller.
func letterOf(subject string, size int, r *rand.Rand) string {
	b := make([]byte, size*3/4)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	text := base64.StdEncoding.EncodeToString(b)
	var lines []string
	for chunk := range slices.Chunk([]byte(text), 76) {
		lines = append(lines, string(chunk))
	}
	return message(subject) + strings.Join(lines, "\r\n") + "\r\n"
}

// load puts messages into a folder of the server.
func (c otherClient) load(folder string, raws ...string) (refused int) {
	c.t.Helper()
	loaded, err := c.c.Append(folder, func(yield func(servers.Mail) bool) {
		for _, raw := range raws {
			if !yield(servers.Mail{Raw: []byte(raw)}) {
				return
			}
		}
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return len(loaded.Refused)
}

// subjects counts the messages of a folder of the server by subject.
func (c otherClient) subjects(folder string) map[string]int {
	c.t.Helper()
	out := map[string]int{}
	for _, l := range strings.Split(c.shows(folder), "\n") {
		if s, ok := strings.CutPrefix(strings.TrimSpace(l), "Subject: "); ok {
			out[s]++
		}
	}
	return out
}

// once checks that exactly the subjects are there, each once.
func once(t *testing.T, where string, got map[string]int, want ...string) {
	t.Helper()
	for _, s := range want {
		if got[s] != 1 {
			t.Errorf("%s: %q is there %d times", where, s, got[s])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d different subjects, want %d", where, len(got), len(want))
	}
}

// subjects counts the items of a folder here by subject.
func (o *outpost) subjects(path string) map[string]int {
	o.t.Helper()
	var items []item
	o.json(&items, "list", path, "--limit", "0")
	out := map[string]int{}
	for _, it := range items {
		out[it.Subject]++
	}
	return out
}

func numbered(name string, n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("%s %d", name, i))
	}
	return out
}

func TestAServerThatClosesInTheMiddle(t *testing.T) {
	for _, kind := range []servers.Kind{servers.DovecotIMAP, servers.CyrusIMAP} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			closesInTheMiddle(t, pool.Get(t, kind))
		})
	}
}

func closesInTheMiddle(t *testing.T, s *servers.Server) {
	r := rand.New(rand.NewPCG(4, 2))
	o, u := newOutpost(t), s.NewUser(t)
	them := o.other(s, u)
	names := numbered("letter", 60)
	var raws []string
	for _, n := range names {
		raws = append(raws, letterOf(n, 3000, r))
	}
	names, raws = append(names, "large"), append(raws, letterOf("large", 400_000, r))
	if n := them.load("INBOX", raws...); n > 0 {
		t.Fatalf("%d refused", n)
	}
	sink := servers.SMTPSink(t)
	mail, post := newWire(t, s.IMAPAddr), newWire(t, sink.Addr)
	var answers atomic.Bool
	answers.Store(true)
	sink.Deliver = func(servers.Message) error {
		if !answers.Load() {
			post.drop()
		}
		return nil
	}
	o.must(u.Password+"\n", "account", "add", u.Name, "--password-stdin", "--imap", mail.url("imap", "?tls=none"), "--smtp", post.url("smtp", "?tls=none"))

	for _, n := range []int64{30, 700, 2000, 20_000, 150_000} {
		mail.breaks(n, 0)
		o.check(3, "the server cannot be reached", "", "sync")
		o.check(3, "offline", "", "status")
	}
	mail.breaks(0, 0)
	o.sync()
	once(t, "INBOX here", o.subjects("INBOX"), names...)
	if got := o.must("", "show", o.id("INBOX", "large"), "--raw"); got != raws[len(raws)-1] {
		t.Errorf("the large one has %d bytes, want %d", len(got), len(raws[len(raws)-1]))
	}
	o.quiet()

	drafts := numbered("draft", 12)
	for _, n := range drafts {
		o.must(letterOf(n, 4000, r), "add", "Drafts")
	}
	o.must("", "folder", "create", "Filed")
	for _, n := range names[:8] {
		o.must("", "move", o.id("INBOX", n), "Filed")
	}
	o.must("", "flag", o.id("INBOX", "large"), "+flagged")
	for _, n := range []struct{ down, up int64 }{{0, 40}, {0, 600}, {0, 6000}, {800, 0}, {0, 20_000}, {1600, 0}, {2600, 0}} {
		mail.breaks(n.down, n.up)
		if _, errs, code := o.run("", "sync"); code != 3 && (code != 0 || n.down == 0) || code == 3 && !strings.Contains(errs, "the server cannot be reached") {
			t.Errorf("broken after %+v: exit %d %s", n, code, errs)
		}
	}
	mail.breaks(0, 0)
	o.sync()
	once(t, "Drafts there", them.subjects("Drafts"), drafts...)
	once(t, "Filed there", them.subjects("Filed"), names[:8]...)
	once(t, "INBOX there", them.subjects("INBOX"), names[8:]...)
	once(t, "Drafts here", o.subjects("Drafts"), drafts...)
	if got := them.shows("INBOX"); !strings.Contains(got, `\Flagged`) {
		t.Error("the flag did not arrive")
	}

	// What was not handed over is sent again; what was and has no answer is told, and never sent again by itself.
	o.must(letterOf("posted", 8000, r), "send")
	for _, up := range []int64{20, 80} {
		post.breaks(0, up)
		o.check(3, "the server cannot be reached", "", "sync")
	}
	post.breaks(0, 0)
	o.sync()
	once(t, "Sent", o.subjects("Sent"), "posted")
	o.sync()
	o.quiet()
	once(t, "Sent there", them.subjects("Sent"), "posted")
	o.check(0, "in sync", "", "status")
	o.must(letterOf("perhaps", 8000, r), "send")
	answers.Store(false)
	o.run("", "sync")
	answers.Store(true)
	o.run("", "sync")
	o.check(3, "needs attention", "", "status")
	o.check(0, "may have been sent", "", "show", o.id("Outbox", "perhaps"))
	if n := len(sink.Messages()); n != 2 {
		t.Errorf("%d messages were sent", n)
	}
	o.must("", "delete", o.id("Outbox", "perhaps"))
	o.sync()
	o.quiet()
	o.check(0, "", "", "status")
	o.check(0, "all is well", "", "verify")
}

func TestAGroupwareServerThatClosesInTheMiddle(t *testing.T) {
	for _, kind := range []servers.Kind{servers.RadicaleDAV, servers.CyrusIMAP} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := pool.Get(t, kind)
			o, u := newOutpost(t), s.NewUser(t)
			if err := s.CreateCollection(u, servers.Calendar, "team"); err != nil {
				t.Fatal(err)
			}
			there, here := numbered("there", 20), numbered("here", 12)
			for i, n := range there {
				r := servers.Resource{Name: fmt.Sprintf("cut-%d.ics", i), Body: []byte(meeting(fmt.Sprintf("cut-%d", i), n))}
				if err := s.PutResource(u, servers.Calendar, "team", r); err != nil {
					t.Fatal(err)
				}
			}
			w := newWire(t, s.HTTPAddr)
			url := strings.Replace(s.CalDAV, s.HTTPAddr, w.l.Addr().String(), 1)
			o.must(u.Password+"\n", "account", "add", u.Name, "--password-stdin", "--caldav", url)
			for _, n := range []int64{20, 500, 3000} {
				w.breaks(n, 0)
				if _, errs, code := o.run("", "sync"); n < 3000 && code != 3 || code == 3 && !strings.Contains(errs, "the server cannot be reached") {
					t.Errorf("broken after %d: exit %d %s", n, code, errs)
				}
			}
			w.breaks(0, 0)
			o.sync()
			once(t, "here", o.subjects("team"), there...)
			for i, n := range here {
				o.must(meeting(fmt.Sprintf("new-%d", i), n), "add", "team")
			}
			o.must("", "edit", o.id("team", "there 0"), writeFile(t, "e.ics", meeting("cut-0", "edited")))
			o.must("", "delete", o.id("team", "there 1"))
			for _, n := range []struct{ down, up int64 }{{0, 30}, {0, 3000}, {2500, 0}, {0, 5000}, {4000, 0}} {
				w.breaks(n.down, n.up)
				if _, errs, code := o.run("", "sync"); code != 0 && code != 3 || code == 3 && !strings.Contains(errs, "the server cannot be reached") {
					t.Errorf("broken after %+v: exit %d %s", n, code, errs)
				}
			}
			w.breaks(0, 0)
			o.run("", "sync")
			want := append(append([]string{"edited"}, there[2:]...), here...)
			once(t, "here", o.subjects("team"), want...)
			o.sync()
			o.quiet()
			if got, err := s.ListCollection(u, servers.Calendar, "team"); err != nil || len(got) != len(want) {
				t.Errorf("%d events there, want %d: %v", len(got), len(want), err)
			}
			o.check(0, "in sync", "", "status")
			o.check(0, "all is well", "", "verify")
		})
	}
}

// Another certificate than the one that was trusted: nothing goes there until a person says so.
func TestACertificateThatChangesLater(t *testing.T) {
	t.Parallel()
	s := pool.Get(t, servers.DovecotIMAP)
	o, u := newOutpost(t), s.NewUser(t)
	them := o.other(s, u)
	them.append("INBOX", "alpha")
	var certs [2]*servers.Certificate
	for i := range certs {
		c, err := servers.NewCertificate()
		if err != nil {
			t.Fatal(err)
		}
		certs[i] = c
	}
	w := newWire(t, s.IMAPAddr)
	w.secure(certs[0])
	add := []string{"account", "add", u.Name, "--password-stdin", "--imap", w.url("imaps", "")}
	o.check(1, "not trusted", u.Password+"\n", add...)
	o.must(u.Password+"\n", append(add, "--trust-certificate", certs[0].Fingerprint)...)
	o.sync()

	w.secure(certs[1])
	them.append("INBOX", "beta")
	o.must(message("a draft"), "add", "Drafts")
	o.check(1, "--trust-certificate "+certs[1].Fingerprint, "", "sync")
	o.check(3, "needs attention", "", "status")
	o.expect("INBOX", "alpha []")
	if got := them.subjects("Drafts"); len(got) > 0 {
		t.Errorf("something went to a server that is not trusted: %v", got)
	}
	o.must(u.Password+"\n", "account", "add", u.Name, "--password-stdin", "--trust-certificate", certs[1].Fingerprint)
	o.sync()
	o.expect("INBOX", "alpha []", "beta []")
	once(t, "Drafts there", them.subjects("Drafts"), "a draft")
	o.quiet()
}

func TestAFullDisk(t *testing.T) {
	t.Parallel()
	s := pool.Get(t, servers.DovecotIMAP)
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=5m,mode=700", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", dir).Run() })
	o, u := newOutpost(t), s.NewUser(t)
	o.data = filepath.Join(dir, "data")
	o.env = append(o.env, "OUTPOST_DATA="+o.data)
	r := rand.New(rand.NewPCG(3, 5))
	them := o.other(s, u)
	names := numbered("letter", 80)
	var raws []string
	for _, n := range names {
		raws = append(raws, letterOf(n, 100_000, r))
	}
	them.load("INBOX", raws...)
	o.must(u.Password+"\n", "account", "add", u.Name, "--password-stdin", "--imap", s.IMAP)
	o.check(1, "no room left on the disk", "", "sync")
	o.check(1, "no room left on the disk", "", "sync")
	_, errs, code := o.run(letterOf("too large", 12_000_000, r), "add", "Drafts")
	if code != 1 || !strings.Contains(errs, "no room left on the disk") || strings.Count(errs, "\n") != 1 {
		t.Errorf("add: exit %d %s", code, errs)
	}
	if out, err := exec.Command("mount", "-o", "remount,size=80m", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	o.must(letterOf("written later", 100_000, r), "add", "Drafts")
	o.sync()
	once(t, "INBOX here", o.subjects("INBOX"), names...)
	once(t, "INBOX there", them.subjects("INBOX"), names...)
	once(t, "Drafts there", them.subjects("Drafts"), "written later")
	for i, n := range names {
		if got := o.must("", "show", o.id("INBOX", n), "--raw"); got != raws[i] {
			t.Fatalf("%s differs", n)
		}
		if i == 9 {
			break
		}
	}
	o.quiet()
	o.check(0, "all is well", "", "verify")
}

// started is a command that runs until it ends or is killed.
type started struct {
	c    *exec.Cmd
	done chan error
}

func (o *outpost) start(args ...string) started {
	o.t.Helper()
	path, err := binary()
	if err != nil {
		o.t.Fatal(err)
	}
	c := exec.Command(path, args...)
	c.Env = o.env
	if err := c.Start(); err != nil {
		o.t.Fatal(err)
	}
	s := started{c, make(chan error, 1)}
	go func() { s.done <- c.Wait() }()
	return s
}

// killAfter ends the command as a power cut does, if it has not ended by then.
func (s started) killAfter(d time.Duration) {
	select {
	case err := <-s.done:
		s.done <- err
	case <-time.After(d):
	}
	s.c.Process.Kill()
	<-s.done
}

func TestKilledAtAnyMoment(t *testing.T) {
	t.Run("Dovecot", func(t *testing.T) {
		t.Parallel()
		s := pool.Get(t, servers.DovecotIMAP)
		u := s.NewUser(t)
		killed(t, s, u, 1)
	})
	t.Run("Cyrus", func(t *testing.T) {
		t.Parallel()
		s := pool.Get(t, servers.CyrusIMAP)
		u := s.NewUser(t)
		if err := s.CreateCollection(u, servers.Calendar, "team"); err != nil {
			t.Fatal(err)
		}
		killed(t, s, u, 2, "--caldav", s.CalDAV)
	})
}

// killed has Outpost killed while it brings over what changed on both sides, again and again.
func killed(t *testing.T, s *servers.Server, u servers.User, seed uint64, extra ...string) {
	r := rand.New(rand.NewPCG(seed, 7))
	t.Logf("seed %d", seed)
	o, sink := newOutpost(t), servers.SMTPSink(t)
	them := o.other(s, u)
	inbox := numbered("first", 30)
	var raws []string
	for _, n := range inbox {
		raws = append(raws, letterOf(n, 2000, r))
	}
	them.load("INBOX", raws...)
	o.must(u.Password+"\n", append([]string{"account", "add", u.Name, "--password-stdin", "--imap", s.IMAP, "--smtp", sink.SMTP}, extra...)...)
	calendar := len(extra) > 0
	var drafts, posted, filed, events []string
	o.run("", "sync", "--folder", "Drafts") // the folders are known
	o.must("", "folder", "create", "Filed")
	for round := range 8 {
		n := fmt.Sprintf("arrived %d", round)
		them.append("INBOX", n)
		inbox = append(inbox, n)
		d := fmt.Sprintf("draft %d", round)
		o.must(letterOf(d, 3000, r), "add", "Drafts")
		drafts = append(drafts, d)
		p := fmt.Sprintf("posted %d", round)
		o.must(letterOf(p, 3000, r), "send")
		posted = append(posted, p)
		if calendar {
			e := fmt.Sprintf("event %d", round)
			o.must(meeting(fmt.Sprintf("killed-%d", round), e), "add", "team")
			events = append(events, e)
		}
		var here []item
		o.json(&here, "list", "INBOX", "--limit", "0")
		if len(here) > 0 {
			it := here[r.IntN(len(here))]
			o.must("", "move", it.ID, "Filed")
			filed = append(filed, it.Subject)
			inbox = slices.DeleteFunc(inbox, func(s string) bool { return s == it.Subject })
		}
		command := []string{"sync"}
		if round%2 == 1 {
			command = []string{"serve", "--listen", "127.0.0.1:0"}
		}
		o.start(command...).killAfter(time.Duration(20+r.IntN(400)) * time.Millisecond)
		o.start("sync").killAfter(time.Duration(10+r.IntN(200)) * time.Millisecond)
	}
	o.check(0, "all is well", "", "verify")
	for range 3 { // a pass may end with something to tell; then it is told in Local Failures
		o.run("", "sync")
	}
	var last syncResult
	o.json(&last, "sync")
	if last != (syncResult{}) {
		t.Errorf("not at rest: %+v", last)
	}
	once(t, "INBOX here", o.subjects("INBOX"), inbox...)
	once(t, "INBOX there", them.subjects("INBOX"), inbox...)
	once(t, "Filed here", o.subjects("Filed"), filed...)
	once(t, "Filed there", them.subjects("Filed"), filed...)
	once(t, "Drafts here", o.subjects("Drafts"), drafts...)
	once(t, "Drafts there", them.subjects("Drafts"), drafts...)
	if calendar {
		once(t, "team here", o.subjects("team"), events...)
		if there, err := s.ListCollection(u, servers.Calendar, "team"); err != nil || len(there) != len(events) {
			t.Errorf("%d events there, want %d: %v", len(there), len(events), err)
		}
	}
	sent := map[string]int{}
	for _, m := range sink.Messages() {
		for _, p := range posted {
			if bytes.Contains(m.Data, []byte("Subject: "+p+"\r\n")) {
				sent[p]++
			}
		}
	}
	copies, waiting := o.subjects("Sent"), o.subjects("Outbox")
	for _, p := range posted {
		if sent[p] > 1 {
			t.Errorf("%q was sent %d times", p, sent[p])
		}
		// Killed between the last byte and the answer nobody knows whether it was sent: it waits here for the person to decide.
		if copies[p]+waiting[p] != 1 || copies[p] == 1 && sent[p] != 1 {
			t.Errorf("%q: sent %d times, %d in Sent, %d in Outbox", p, sent[p], copies[p], waiting[p])
		}
	}
	if n := len(posted) - len(copies); n > 0 {
		t.Logf("%d were killed at the moment of sending", n)
	}
	o.check(0, "all is well", "", "verify")
}

// odd are messages as the world sends them.
var odd = map[string]string{
	"no header end":     "From: a@example.org\r\nSubject: no header end",
	"header only":       "From: a@example.org\r\nSubject: header only\r\n\r\n",
	"no header":         "\r\nSubject: this is text already\r\n",
	"folded into space": "Subject: folded\r\n \r\n\t\r\n  into space\r\n\r\nx\r\n",
	"no colon":          "From: a@example.org\r\nthis line has no colon\r\nSubject: no colon\r\n\r\nx\r\n",
	"eight bit header":  "From: J\xfcrgen <a@example.org>\r\nSubject: Gr\xfc\xdfe \xff\xfe\r\n\r\nx\r\n",
	"a NUL":             "From: a@example.org\r\nSubject: a NUL\r\n\r\nbe\x00fore\r\n",
	"control bytes":     "From: a@example.org\r\nSubject: con\x01\x1b[31mtrol\x7f\r\n\r\n\x02\x1b]0;x\x07\r\n",
	"a long line":       "From: a@example.org\r\nSubject: a long line\r\n\r\n" + strings.Repeat("x", 1<<20) + "\r\n",
	"a long header":     "From: a@example.org\r\nSubject: " + strings.Repeat("long ", 20_000) + "\r\n\r\nx\r\n",
	"no end of parts":   "From: a@example.org\r\nSubject: no end\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\n",
	"no boundary":       "Subject: no boundary\r\nContent-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n",
	"broken base64":     "Subject: base64\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n====AAA!!\r\n\r\nZ\r\n",
	"unknown encodings": "Subject: =?x-nothing?q?a=FF?= =?utf-8?b?****?=\r\nContent-Type: text/plain; charset=x-nothing\r\nContent-Transfer-Encoding: uuencode\r\n\r\n\xff\xfe\r\n",
	"two of each":       "Subject: one\r\nSubject: two\r\nFrom: a@x\r\nFrom: b@x\r\nDate: yesterday\r\nDate: never\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx\r\n",
	"deep":              deep(200),
	"odd addresses":     "From: <>, ,\"\\, <a@@b>, undisclosed:;\r\nTo: (((\r\nSubject: odd addresses\r\nMessage-ID: <<\r\nDate: Sun, 99 Foo 99999 99:99:99 +9999\r\n\r\nx\r\n",
}

func deep(n int) string {
	var b strings.Builder
	b.WriteString("Subject: deep\r\n")
	for i := range n {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	b.WriteString("\r\nat the bottom\r\n")
	return b.String()
}

func TestMalformedMailIsKeptAsItIs(t *testing.T) {
	for _, kind := range []servers.Kind{servers.DovecotIMAP, servers.CyrusIMAP} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := pool.Get(t, kind)
			o, u := newOutpost(t), s.NewUser(t)
			them := o.other(s, u)
			them.append("INBOX", "a good one")
			refused := 0
			for name, raw := range odd {
				if n := them.load("INBOX", raw); n > 0 {
					t.Logf("%s refuses %q", kind, name)
					refused++
				}
			}
			o.must(u.Password+"\n", "account", "add", u.Name, "--password-stdin", "--imap", s.IMAP)
			o.sync()
			var want []string
			them.do("EXAMINE INBOX")
			for _, l := range them.do("UID FETCH 1:* (BODY.PEEK[])") {
				if _, raw, ok := strings.Cut(l, "}\r\n"); ok {
					want = append(want, strings.TrimSuffix(raw, ")"))
				}
			}
			if len(want) != len(odd)+1-refused {
				t.Fatalf("the server shows %d", len(want))
			}
			var items []item
			o.json(&items, "list", "INBOX", "--limit", "0")
			var got []string
			for _, it := range items {
				got = append(got, o.must("", "show", it.ID, "--raw"))
				o.must("", "show", it.ID)
				o.must("", "show", it.ID, "--json")
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%d of %d are the same", len(got), len(want))
				for i := range min(len(got), len(want)) {
					if got[i] != want[i] {
						t.Fatalf("got  %.200q\nwant %.200q", got[i], want[i])
					}
				}
			}
			o.quiet()
			o.check(0, "all is well", "", "verify")
		})
	}
}

func TestMalformedObjectsStopNothingElse(t *testing.T) {
	for _, kind := range []servers.Kind{servers.RadicaleDAV, servers.CyrusIMAP} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := pool.Get(t, kind)
			o, u := newOutpost(t), s.NewUser(t)
			good := meeting("good", "a good one")
			objects := map[servers.Collection]map[string]string{
				servers.Calendar: {
					"good":        good,
					"no-start":    strings.Replace(meeting("no-start", "no start"), "DTSTART:20260305T090000Z\r\n", "", 1),
					"odd-zone":    strings.Replace(meeting("odd-zone", "odd zone"), "DTSTART:", "DTSTART;TZID=Nowhere/At All:", 1),
					"ends-first":  strings.Replace(meeting("ends-first", "ends first"), "DTEND:2026", "DTEND:1926", 1),
					"odd-date":    strings.Replace(meeting("odd-date", "odd date"), "20260305T090000Z", "yesterday", 1),
					"odd-rule":    strings.Replace(meeting("odd-rule", "odd rule"), "SUMMARY", "RRULE:FREQ=SOMETIMES;COUNT=-4\r\nSUMMARY", 1),
					"bare-lf":     strings.ReplaceAll(meeting("bare-lf", "bare LF"), "\r\n", "\n"),
					"unknown":     strings.Replace(meeting("unknown", "unknown"), "SUMMARY", "X-ODD;X=\"a;b\":\\n\\,\r\nBEGIN:X-THING\r\nX-Y:1\r\nEND:X-THING\r\nSUMMARY", 1),
					"no-version":  strings.Replace(meeting("no-version", "no version"), "VERSION:2.0\r\n", "", 1),
					"not-closed":  strings.Replace(meeting("not-closed", "not closed"), "END:VEVENT\r\n", "", 1),
					"not-utf8":    meeting("not-utf8", "not utf8 \xff"),
					"not-at-all":  "this is no calendar\r\n",
					"long":        meeting("long", strings.Repeat("long ", 20_000)),
					"two-of-them": strings.Replace(meeting("two-a", "two of them"), "END:VCALENDAR\r\n", strings.SplitAfterN(meeting("two-b", "the second"), "EN\r\n", 2)[1], 1),
				},
				servers.AddressBook: {
					"good":       person("good", "Good"),
					"no-name":    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:no-name\r\nEND:VCARD\r\n",
					"old":        "BEGIN:VCARD\r\nVERSION:2.1\r\nUID:old\r\nFN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:J=FCrgen=\r\n x\r\nEND:VCARD\r\n",
					"odd-photo":  strings.Replace(person("odd-photo", "Odd Photo"), "END", "PHOTO;ENCODING=b;TYPE=JPEG:!!!!\r\nEND", 1),
					"no-colon":   strings.Replace(person("no-colon", "No Colon"), "END", "a line without one\r\nEND", 1),
					"not-closed": "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:not-closed\r\nFN:Not Closed\r\n",
				},
			}
			want := map[servers.Collection]int{}
			for c, bodies := range objects {
				if err := s.CreateCollection(u, c, string("my-"+c)); err != nil {
					t.Fatal(err)
				}
				for name, body := range bodies {
					if err := s.PutResource(u, c, string("my-"+c), servers.Resource{Name: name + c2ext[c], Body: []byte(body)}); err != nil {
						t.Logf("%s refuses %s: %v", kind, name, err)
						continue
					}
					want[c]++
				}
			}
			o.must(u.Password+"\n", "account", "add", u.Name, "--password-stdin", "--caldav", s.CalDAV, "--carddav", s.CardDAV)
			o.sync()
			for c, n := range want {
				there, err := s.ListCollection(u, c, string("my-"+c))
				if err != nil {
					t.Fatal(err)
				}
				var items []item
				o.json(&items, "list", string("my-"+c), "--limit", "0")
				t.Logf("%s took %d, lists %d, here are %d", kind, n, len(there), len(items))
				if len(items) != len(there) {
					t.Errorf("%s: %d here, %d there", c, len(items), len(there))
				}
				for _, it := range items {
					if raw := o.must("", "show", it.ID, "--raw"); !strings.HasPrefix(raw, "BEGIN:V") {
						t.Errorf("%s: %.100q", it.Subject, raw)
					}
					o.must("", "show", it.ID)
				}
			}
			o.quiet()
			o.check(0, "", "", "status")
			o.check(0, "all is well", "", "verify")
		})
	}
}

var c2ext = map[servers.Collection]string{servers.Calendar: ".ics", servers.AddressBook: ".vcf"}

func TestAServerWithoutExtensions(t *testing.T) {
	for _, p := range poorer {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s, err := demo.New(demo.Options{Empty: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.MaskIMAP(p.mask...)
			a, o := s.Account(), newOutpost(t)
			for _, n := range numbered("letter", 4) {
				if err := s.Deliver(a.Email, "", []byte(message(n))); err != nil {
					t.Fatal(err)
				}
			}
			o.must(a.Password+"\n", "account", "add", a.Email, "--password-stdin", "--imap", a.IMAP, "--smtp", a.SMTP)
			o.sync()
			o.expect("INBOX", "letter 0 []", "letter 1 []", "letter 2 []", "letter 3 []")
			o.quiet()
			o.must("", "folder", "create", "Filed/Deep")
			o.must("", "move", o.id("INBOX", "letter 0"), "Filed/Deep")
			o.must("", "delete", o.id("INBOX", "letter 1"))
			o.must("", "flag", o.id("INBOX", "letter 2"), "+seen", "+work")
			o.must(message("a draft"), "add", "Drafts")
			o.run("", "sync") // where the server does not tell where it moved something, that is seen by the next pass
			o.sync()
			o.must("", "delete", o.id("Trash", "letter 1"))
			o.must("", "edit", o.id("Drafts", "a draft"), writeFile(t, "d.eml", message("a better draft")))
			o.sync()
			o.quiet()

			second := newOutpost(t) // sees what the server has
			second.must(a.Password+"\n", "account", "add", a.Email, "--password-stdin", "--imap", a.IMAP)
			second.sync()
			for _, o := range []*outpost{o, second} {
				o.expect("INBOX", "letter 2 [seen work]", "letter 3 []")
				o.expect("Filed/Deep", "letter 0 []")
				o.expect("Trash")
				o.expect("Drafts", "a better draft [seen draft]")
			}
			// Changes of the other program, found without a change log.
			second.must("", "flag", second.id("INBOX", "letter 3"), "+flagged")
			second.must("", "delete", second.id("INBOX", "letter 2"))
			second.sync()
			o.sync()
			o.expect("INBOX", "letter 3 [flagged]")
			o.expect("Trash", "letter 2 [seen work]")
			o.quiet()
		})
	}
}

// A pipe that ends early is no fault.
func TestAListIntoAPipeThatEnds(t *testing.T) {
	t.Parallel()
	o := newOutpost(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, "--help")
	c.Env = o.env
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	var errs bytes.Buffer
	c.Stdout, c.Stderr = w, &errs
	err = c.Run()
	w.Close()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 || strings.Contains(errs.String(), "panic") {
		t.Errorf("%v: %s", err, errs.String())
	}
}

var pool servers.Pool

func TestMain(m *testing.M) {
	code := pool.Run(m)
	os.RemoveAll(binaryDir)
	os.Exit(code)
}
