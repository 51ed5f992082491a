package interop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"outpost/test/servers"
)

// outpost is the program as a person has it: a binary, a data folder, a home.
type outpost struct {
	t    *testing.T
	env  []string
	data string
}

// binaryDir is where binary builds the program, "" until it does; TestMain removes it.
var binaryDir string

var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "outpost-journey")
	if err != nil {
		return "", err
	}
	binaryDir = dir
	path := filepath.Join(dir, "outpost")
	out, err := exec.Command("go", "build", "-o", path, "outpost/cmd/outpost").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build outpost: %w\n%s", err, out)
	}
	return path, err
})

func newOutpost(t *testing.T) *outpost {
	t.Helper()
	home := t.TempDir()
	data := filepath.Join(home, "data")
	return &outpost{t: t, data: data, env: append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "OUTPOST_DATA="+data, "OUTPOST_KEYCHAIN=off")}
}

// run runs one command and returns what it printed and its exit code.
func (o *outpost) run(stdin string, args ...string) (stdout, stderr string, code int) {
	o.t.Helper()
	path, err := binary()
	if err != nil {
		o.t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	c := exec.Command(path, args...)
	c.Env, c.Stdin, c.Stdout, c.Stderr = o.env, strings.NewReader(stdin), &out, &errOut
	err = c.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		o.t.Fatal(err)
	}
	return out.String(), errOut.String(), c.ProcessState.ExitCode()
}

// must runs a command that has to end with exit code 0.
func (o *outpost) must(stdin string, args ...string) string {
	o.t.Helper()
	out, errOut, code := o.run(stdin, args...)
	if code != 0 {
		o.t.Fatalf("outpost %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errOut)
	}
	return out
}

func (o *outpost) json(v any, args ...string) {
	o.t.Helper()
	out := o.must("", append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), v); err != nil {
		o.t.Fatalf("outpost %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

type item struct {
	ID, Folder, Kind, Subject, From, Body string
	Flags                                 []string
	Pending                               bool
}

// list shows a folder as "subject [flags]", sorted.
func (o *outpost) list(path string) []string {
	o.t.Helper()
	var items []item
	o.json(&items, "list", path, "--limit", "1000")
	out := []string{}
	for _, it := range items {
		out = append(out, fmt.Sprint(it.Subject, " ", it.Flags))
	}
	slices.Sort(out)
	return out
}

func (o *outpost) id(path, subject string) string {
	o.t.Helper()
	var items []item
	o.json(&items, "list", path, "--limit", "1000")
	for _, it := range items {
		if it.Subject == subject {
			return it.ID
		}
	}
	o.t.Fatalf("no %q in %s: %v", subject, path, items)
	return ""
}

type syncResult struct {
	Downloaded, Uploaded, Deleted, Conflicts, Failures int
}

// sync runs a pass that ends in agreement.
func (o *outpost) sync() (r syncResult) {
	o.t.Helper()
	o.json(&r, "sync")
	return r
}

// quiet checks that there is nothing left to do.
func (o *outpost) quiet() {
	o.t.Helper()
	if r := o.sync(); r != (syncResult{}) {
		o.t.Errorf("a pass with nothing to do: %+v", r)
	}
}

func (o *outpost) expect(path string, want ...string) {
	o.t.Helper()
	slices.Sort(want)
	if got := o.list(path); !slices.Equal(got, want) {
		o.t.Errorf("%s\n  got  %q\n  want %q", path, got, want)
	}
}

// check fails when a command does not end with the exit code, or says nothing of what it should.
func (o *outpost) check(code int, says, stdin string, args ...string) {
	o.t.Helper()
	out, errOut, got := o.run(stdin, args...)
	if got != code || !strings.Contains(out+errOut, says) {
		o.t.Errorf("outpost %s: exit %d, want %d saying %q\n%s%s", strings.Join(args, " "), got, code, says, out, errOut)
	}
}

func message(subject string) string {
	return "From: Ben Adler <ben@example.org>\r\nTo: anna@example.org\r\nSubject: " + subject + "\r\nMessage-ID: <" + strings.ReplaceAll(subject, " ", ".") +
		"@example.org>\r\nDate: Sun, 1 Mar 2026 10:00:00 +0000\r\n\r\nThe text of " + subject + ".\r\n"
}

func meeting(uid, summary string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//test//EN\r\nBEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTAMP:20260301T100000Z\r\n" +
		"DTSTART:20260305T090000Z\r\nDTEND:20260305T100000Z\r\nSUMMARY:" + summary + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

func person(uid, name string) string {
	return "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:" + uid + "\r\nFN:" + name + "\r\nN:" + name + ";;;;\r\nEND:VCARD\r\n"
}

// otherClient is somebody else's mail program on the same account.
type otherClient struct {
	t *testing.T
	c *servers.IMAP
}

func (o *outpost) other(s *servers.Server, u servers.User) otherClient {
	o.t.Helper()
	c, err := s.DialIMAP(u)
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { c.Close() })
	return otherClient{o.t, c}
}

func (c otherClient) do(format string, args ...any) []string {
	c.t.Helper()
	lines, err := c.c.Command(format, args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return lines
}

func (c otherClient) append(folder string, subjects ...string) {
	c.t.Helper()
	_, err := c.c.Append(folder, func(yield func(servers.Mail) bool) {
		for _, s := range subjects {
			if !yield(servers.Mail{Raw: []byte(message(s))}) {
				return
			}
		}
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// shows lists a folder as the server has it: "subject (flags)".
func (c otherClient) shows(folder string) string {
	c.t.Helper()
	c.do("EXAMINE %s", servers.Quote(folder))
	return strings.Join(c.do("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"), "\n")
}

// A day with mail: first pass, hours on the train, back at the desk; both sides changed meanwhile.
func mailJourney(t *testing.T, s *servers.Server, extra ...string) {
	o := newOutpost(t)
	sink := servers.SMTPSink(t)
	u := s.NewUser(t)
	them := o.other(s, u)
	them.append("INBOX", "alpha", "beta", "gamma", "delta")

	add := append([]string{"account", "add", u.Name, "--password-stdin", "--imap", s.IMAPS, "--smtp", sink.SMTP}, extra...)
	o.check(1, s.Fingerprint, u.Password+"\n", add...)
	add = append(add, "--trust-certificate", s.Fingerprint)
	o.check(1, "password", "wrong\n", add...)
	o.must(u.Password+"\n", add...)
	if r := o.sync(); r.Downloaded < 4 {
		t.Fatalf("%+v", r)
	}
	o.expect("INBOX", "alpha []", "beta []", "delta []", "gamma []")
	if out := o.must("", "search", "gamma"); !strings.Contains(out, "gamma") {
		t.Errorf("search found %q", out)
	}
	o.quiet()

	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	o.check(3, "", "", "sync")
	o.must("", "flag", o.id("INBOX", "alpha"), "+seen", "+flagged")
	o.must("", "folder", "create", "Projects/Boat")
	o.must("", "move", o.id("INBOX", "beta"), "Projects/Boat")
	o.must("", "delete", o.id("INBOX", "gamma"))
	o.must(message("a draft"), "add", "Drafts")
	o.must(message("from the train"), "send")
	if raw := o.must("", "show", o.id("INBOX", "alpha"), "--raw"); raw != message("alpha") {
		t.Errorf("raw: %q", raw)
	}
	o.check(3, "offline", "", "status")
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}

	them = o.other(s, u)
	them.append("INBOX", "epsilon")
	them.do("SELECT INBOX")
	them.do(`STORE 4 +FLAGS (\Answered work)`)
	o.sync()
	o.expect("INBOX", "alpha [seen flagged]", "delta [answered work]", "epsilon []")
	o.expect("Projects/Boat", "beta []")
	o.expect("Sent", "from the train [seen]")
	for folder, want := range map[string]string{"Projects/Boat": "beta", "Drafts": "a draft", "Sent": "from the train", "Trash": "gamma"} {
		if got := them.shows(folder); !strings.Contains(got, want) {
			t.Errorf("the server's %s has no %q: %s", folder, want, got)
		}
	}
	if got := them.shows("INBOX"); strings.Contains(got, "gamma") || !strings.Contains(got, `\Flagged`) {
		t.Errorf("the server's INBOX: %s", got)
	}
	if got := sink.Messages(); len(got) != 1 || !strings.Contains(string(got[0].Data), "from the train") {
		t.Errorf("%d messages were sent", len(got))
	}
	o.must("", "edit", o.id("Drafts", "a draft"), writeFile(t, "d.eml", message("a better draft")))
	o.sync()
	if got := them.shows("Drafts"); strings.Contains(got, "a draft") || !strings.Contains(got, "a better draft") {
		t.Errorf("the server's Drafts: %s", got)
	}
	o.quiet()
	o.check(0, "", "", "status")
	o.check(0, "", "", "verify")
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A day with calendars and contacts.
func groupwareJourney(t *testing.T, s *servers.Server, u servers.User, add ...string) {
	o := newOutpost(t)
	for kind, name := range map[servers.Collection]string{servers.Calendar: "team", servers.AddressBook: "people"} {
		if err := s.CreateCollection(u, kind, name); err != nil {
			t.Fatal(err)
		}
	}
	put := func(kind servers.Collection, name, file, body string) {
		t.Helper()
		if err := s.PutResource(u, kind, name, servers.Resource{Name: file, Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	put(servers.Calendar, "team", "lunch.ics", meeting("lunch", "lunch"))
	put(servers.Calendar, "team", "retro.ics", meeting("retro", "retrospective"))
	put(servers.AddressBook, "people", "ben.vcf", person("ben", "Ben"))
	o.must(u.Password+"\n", append([]string{"account", "add", u.Name, "--password-stdin"}, add...)...)
	o.sync()
	o.expect("team", "lunch []", "retrospective []")
	o.expect("people", "Ben []")
	o.quiet()

	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	o.must(meeting("party", "party"), "add", "team")
	o.must(person("cleo", "Cleo"), "add", "people")
	o.must("", "folder", "create", "Private", "--kind", "calendar")
	o.must("", "folder", "create", "To do", "--kind", "tasks")
	o.must("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//test//EN\r\nBEGIN:VTODO\r\nUID:todo\r\nDTSTAMP:20260301T100000Z\r\nSUMMARY:paint the boat\r\nEND:VTODO\r\nEND:VCALENDAR\r\n", "add", "To do")
	o.must("", "edit", o.id("team", "lunch"), writeFile(t, "l.ics", meeting("lunch", "long lunch")))
	o.must("", "delete", o.id("people", "Ben"))
	o.check(3, "", "", "sync")
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	put(servers.Calendar, "team", "retro.ics", meeting("retro", "retrospective moved"))
	o.sync()
	o.expect("team", "long lunch []", "party []", "retrospective moved []")
	o.expect("people", "Cleo []")
	o.expect("To do", "paint the boat []")
	events, err := s.ListCollection(u, servers.Calendar, "team")
	if err != nil || len(events) != 3 {
		t.Errorf("the server's team has %d events: %v", len(events), err)
	}
	people, err := s.ListCollection(u, servers.AddressBook, "people")
	if err != nil || len(people) != 1 {
		t.Errorf("the server's people are %d: %v", len(people), err)
	}
	o.sync() // a server that rewrites what it is given is read once more
	o.quiet()

	// The same event changed on both sides: the server's stays, ours is kept.
	o.must("", "edit", o.id("team", "party"), writeFile(t, "p.ics", meeting("party", "party at mine")))
	for href := range events {
		if strings.Contains(href, "retro") {
			put(servers.Calendar, "team", "retro.ics", meeting("retro", "retrospective cancelled"))
		}
	}
	o.must("", "edit", o.id("team", "retrospective moved"), writeFile(t, "r.ics", meeting("retro", "retrospective at mine")))
	var r syncResult
	o.json(&r, "sync")
	if r.Conflicts != 1 {
		t.Errorf("%+v", r)
	}
	o.expect("team", "long lunch []", "party at mine []", "retrospective cancelled []")
	o.expect("Conflicts", "retrospective at mine []")
	o.sync()
	o.quiet()
}

func TestMailJourneyOnCyrus(t *testing.T) {
	mailJourney(t, servers.Cyrus(t, servers.Options{}))
}

func TestMailJourneyOnDovecot(t *testing.T) {
	mailJourney(t, servers.Dovecot(t, servers.Options{}))
}

func TestGroupwareJourneyOnCyrus(t *testing.T) {
	s := servers.Cyrus(t, servers.Options{})
	u := s.NewUser(t)
	groupwareJourney(t, s, u, "--imap", s.IMAP, "--caldav", s.CalDAVS, "--carddav", s.CardDAVS, "--trust-certificate", s.Fingerprint)
}

func TestGroupwareJourneyOnRadicale(t *testing.T) {
	s := servers.Radicale(t, servers.Options{})
	u := s.NewUser(t)
	groupwareJourney(t, s, u, "--caldav", s.CalDAV, "--carddav", s.CardDAV)
}
