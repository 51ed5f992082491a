package interop

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/internal/demo"
	"outpost/test/servers"
)

// What another client stores is here within a second, by the server's word alone (SPEC C6).
func TestPush(t *testing.T) {
	for _, k := range []servers.Kind{servers.CyrusIMAP, servers.DovecotIMAP} {
		t.Run(string(k), func(t *testing.T) {
			s := pool.Get(t, k)
			u := s.NewUser(t)
			o := newOutpost(t)
			them := o.other(s, u)
			them.do("CREATE Projects")
			o.must(u.Password+"\n", "account", "add", u.Name, "--password-stdin", "--imap", s.IMAPS, "--trust-certificate", s.Fingerprint)
			folders := []string{"INBOX"}
			if k == servers.DovecotIMAP { // NOTIFY
				folders = append(folders, "Projects")
			}
			pushed(t, o, u.Name, folders, func(folder, subject string) { them.append(folder, subject) })
		})
	}
	t.Run("demo", func(t *testing.T) {
		s, err := demo.New(demo.Options{Empty: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		a := s.Account()
		o := newOutpost(t)
		o.must(a.Password+"\n", "account", "add", a.Email, "--password-stdin", "--imap", a.IMAP, "--caldav", a.CalDAV, "--carddav", a.CardDAV)
		pushed(t, o, a.Email, []string{"INBOX", "Trash"}, func(folder, subject string) {
			if err := s.Deliver(a.Email, folder, []byte(message(subject))); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// pushed stores messages as somebody else and measures how long they take until the daemon shows them.
func pushed(t *testing.T, o *outpost, email string, folders []string, store func(folder, subject string)) {
	o.must("", "account", "set", email, "--every", "off")
	d := o.serve()
	defer d.kill()
	<-d.ready
	until := func(what string, most time.Duration, done func() bool) time.Duration {
		t.Helper()
		began := time.Now()
		for !done() {
			if time.Since(began) > most || d.isGone() {
				t.Fatalf("%s: not within %v\n%s", what, most, d.said())
			}
			d.wait(5 * time.Millisecond)
		}
		return time.Since(began)
	}
	until("watching", 30*time.Second, func() bool { return strings.Contains(d.said(), "msg=watching") })
	for _, folder := range folders {
		var took []time.Duration
		for i := range 5 {
			subject := fmt.Sprintf("%s %d", folder, i)
			store(folder, subject)
			took = append(took, until(subject, 20*time.Second, func() bool {
				it, err := d.item(folder, subject)
				return err == nil && it.ID != ""
			}))
		}
		t.Logf("%s: here after %v", folder, took)
		slices.Sort(took)
		if took[len(took)/2] > time.Second { // of five: this computer may have had something else to do
			t.Errorf("%s: here after %v, more than a second", folder, took)
		}
	}
}
