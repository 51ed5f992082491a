package demo

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

func host(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// signIn opens an IMAP session with the independent client.
func signIn(t *testing.T, s *Server, o *imapclient.Options) *imapclient.Client {
	t.Helper()
	a := s.Account()
	var c *imapclient.Client
	var err error
	if a.Fingerprint == "" {
		c, err = imapclient.DialInsecure(host(t, a.IMAP), o)
	} else {
		c, err = imapclient.DialTLS(host(t, a.IMAP), o)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Login(a.Email, a.Password).Wait(); err != nil {
		t.Fatal(err)
	}
	return c
}

func message(subject string) string {
	return "From: a@x.example\r\nTo: mara@brambleford.example\r\nSubject: " + subject + "\r\nMessage-ID: <" + subject + "@x.example>\r\n\r\nText of " + subject + "\r\n"
}

func request(t *testing.T, s *Server, method, path, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	a := s.Account()
	req, err := http.NewRequest(method, strings.TrimSuffix(a.CalDAV, "/")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(a.Email, a.Password)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if _, err := bufio.NewReader(resp.Body).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, b.String()
}

func TestStateSurvivesCloseAndNew(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{Dir: dir, TLS: true, Empty: true})
	a := s.Account()
	if err := s.Deliver(a.Email, "", []byte(message("kept"))); err != nil {
		t.Fatal(err)
	}
	card := "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u1\r\nFN:Ann\r\nN:;Ann;;;\r\nEND:VCARD\r\n"
	if code, _, body := request(t, s, "PUT", "/addressbooks/"+a.Email+"/contacts/u1.vcf", card); code != 201 {
		t.Fatal(code, body)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = start(t, Options{Dir: dir, TLS: true, Empty: true})
	if b := s.Account(); a != b {
		t.Fatalf("the account was %+v and is %+v", a, b)
	}
	if got := bodies(t, s, "INBOX"); len(got) != 1 || got[0] != message("kept") {
		t.Fatalf("INBOX is %q", got)
	}
	if _, _, body := request(t, s, "GET", "/addressbooks/"+a.Email+"/contacts/u1.vcf", ""); body != card {
		t.Fatalf("the card is %q", body)
	}
}

// A killed process has not closed anything: what a client was told must be there all the same, and a half-written
// record at the end must not matter.
func TestStateSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{Dir: dir, Empty: true})
	if err := s.Deliver(s.Account().Email, "", []byte(message("told"))); err != nil {
		t.Fatal(err)
	}
	state, err := os.ReadFile(filepath.Join(dir, "demo.state"))
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{0, 3} {
		other := t.TempDir()
		extra := append(state, []byte{40, 1, 2}[:cut]...)
		if err := os.WriteFile(filepath.Join(other, "demo.state"), extra, 0o600); err != nil {
			t.Fatal(err)
		}
		again := start(t, Options{Dir: other, Empty: true})
		if got := bodies(t, again, "INBOX"); len(got) != 1 || got[0] != message("told") {
			t.Fatalf("with %d torn bytes INBOX is %q", cut, got)
		}
	}
}

func bodies(t *testing.T, s *Server, mailbox string) []string {
	t.Helper()
	c := signIn(t, s, &imapclient.Options{TLSConfig: &tls.Config{InsecureSkipVerify: true}})
	if _, err := c.Select(mailbox, nil).Wait(); err != nil {
		t.Fatal(err)
	}
	section := &imap.FetchItemBodySection{Peek: true}
	all := imap.SeqSet{}
	all.AddRange(1, 0)
	ms, err := c.Fetch(all, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range ms {
		out = append(out, string(m.FindBodySection(section)))
	}
	return out
}

func TestStopIsAwayAndStartIsBackOnTheSamePorts(t *testing.T) {
	s := start(t, Options{Empty: true})
	a := s.Account()
	conn, err := net.Dial("tcp", host(t, a.IMAP))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if s.Running() {
		t.Error("it says that it runs")
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := r.ReadString('\n'); err == nil || os.IsTimeout(err) {
		t.Errorf("an open connection was not ended: %v", err)
	}
	for _, u := range []string{a.IMAP, a.SMTP, a.CalDAV} {
		if c, err := net.Dial("tcp", host(t, u)); err == nil {
			c.Close()
			t.Errorf("%s answers although stopped", u)
		}
	}
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if b := s.Account(); a != b {
		t.Errorf("the account was %+v and is %+v", a, b)
	}
	bodies(t, s, "INBOX")
}

func TestASubmittedMessageReachesColleaguesAndNobodyElse(t *testing.T) {
	for _, withTLS := range []bool{false, true} {
		t.Run(fmt.Sprint("TLS ", withTLS), func(t *testing.T) {
			s := start(t, Options{Empty: true, TLS: withTLS})
			a := s.Account()
			if err := s.AddUser("jonas@brambleford.example", "Jonas", "secret"); err != nil {
				t.Fatal(err)
			}
			var c *smtp.Client
			var err error
			if withTLS {
				c, err = smtp.DialTLS(host(t, a.SMTP), &tls.Config{InsecureSkipVerify: true})
			} else {
				c, err = smtp.Dial(host(t, a.SMTP))
			}
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Mail(a.Email, nil); err == nil {
				t.Fatal("taken before signing in")
			}
			if err := c.Auth(sasl.NewPlainClient("", a.Email, a.Password)); err != nil {
				t.Fatal(err)
			}
			if err := c.Mail("other@brambleford.example", nil); err == nil {
				t.Error("taken from somebody else")
			}
			if err := c.Mail(a.Email, nil); err != nil {
				t.Fatal(err)
			}
			if err := c.Rcpt("nobody@brambleford.example", nil); err == nil || !strings.Contains(err.Error(), "nobody") {
				t.Errorf("an unknown colleague: %v", err)
			}
			for _, to := range []string{"Jonas@brambleford.example", a.Email, "someone@far.example"} {
				if err := c.Rcpt(to, nil); err != nil {
					t.Fatal(err)
				}
			}
			w, err := c.Data()
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(w, message("hello"))
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if got := bodies(t, s, "INBOX"); len(got) != 1 || !strings.HasSuffix(got[0], "\r\n"+message("hello")) {
				t.Errorf("own INBOX: %q", got)
			}
			b, err := s.mail.User("jonas@brambleford.example").Mailbox("INBOX")
			if err != nil || b.State().Messages != 1 {
				t.Errorf("Jonas has %d messages, %v", b.State().Messages, err)
			}
			if out := s.Outgoing(); len(out) != 1 || out[0].To[0] != "someone@far.example" || string(out[0].Raw) != message("hello") {
				t.Errorf("sent away: %+v", out)
			}
		})
	}
}
