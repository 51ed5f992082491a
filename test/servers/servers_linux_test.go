package servers

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

func mailNumber(n int) Mail {
	return Mail{
		Raw:   fmt.Appendf(nil, "From: a@example.org\r\nSubject: Mail %d\r\nMessage-ID: <%d@example.org>\r\n\r\nText.\r\n", n, n),
		Flags: `\Seen`,
		Date:  time.Date(2024, 5, 1, 12, 0, n, 0, time.UTC),
	}
}

func mails(n int) func(func(Mail) bool) {
	return func(yield func(Mail) bool) {
		for i := range n {
			if !yield(mailNumber(i)) {
				return
			}
		}
	}
}

// count asks the server how many messages a folder holds.
func count(t *testing.T, s *Server, u User, folder string) string {
	t.Helper()
	c, err := s.DialIMAP(u)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	lines, err := c.Command("STATUS %s (MESSAGES)", Quote(folder))
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Join(lines, "\n")
	return strings.TrimSuffix(line[strings.LastIndex(line, " ")+1:], ")")
}

func TestIMAPServersKeepMailWhileTheyAreAway(t *testing.T) {
	for _, k := range []Kind{CyrusIMAP, DovecotIMAP} {
		t.Run(string(k), func(t *testing.T) {
			t.Parallel()
			s := startFor(t, k, Options{})
			u := s.NewUser(t)
			if got := count(t, s, u, "INBOX"); got != "0" {
				t.Fatalf("a new user's INBOX holds %s messages", got)
			}
			if err := s.CreateMailbox(u, "Projects/Roof"); err != nil {
				t.Fatal(err)
			}
			c, err := s.DialIMAP(u)
			if err != nil {
				t.Fatal(err)
			}
			loaded, err := c.Append("Projects/Roof", mails(600))
			if err != nil || loaded.Messages != 600 || len(loaded.Refused) > 0 {
				t.Fatalf("loaded %d messages of 600, %d refused: %v", loaded.Messages, len(loaded.Refused), err)
			}
			if _, err := c.Command("SELECT %s", Quote("Projects/Roof")); err != nil {
				t.Fatal(err)
			}
			n, err := c.Discard("UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])")
			if err != nil || n < loaded.Bytes {
				t.Fatalf("the stream of %d bytes of mail had %d bytes: %v", loaded.Bytes, n, err)
			}
			if _, err := c.Discard("UID FETCH nonsense"); err == nil {
				t.Error("an answer of BAD is no error")
			}
			c.Close()

			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			if conn, err := net.Dial("tcp", s.IMAPAddr); err == nil {
				conn.Close()
				t.Fatal("the server is away, but somebody answers")
			}
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
			if got := count(t, s, u, "Projects/Roof"); got != "600" {
				t.Fatalf("600 messages before the server was away, %s after", got)
			}
		})
	}
}

func TestIMAPServersShowTheirCertificate(t *testing.T) {
	for _, k := range []Kind{CyrusIMAP, DovecotIMAP} {
		t.Run(string(k), func(t *testing.T) {
			t.Parallel()
			s := startFor(t, k, Options{})
			u, err := url.Parse(s.IMAPS)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := tls.Dial("tcp", u.Host, &tls.Config{RootCAs: s.Roots, ServerName: "localhost"})
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
		})
	}
}

func TestIMAPServersRefuseAWrongPassword(t *testing.T) {
	for _, k := range []Kind{CyrusIMAP, DovecotIMAP} {
		t.Run(string(k), func(t *testing.T) {
			t.Parallel()
			s := startFor(t, k, Options{})
			if _, err := DialIMAP(s.IMAPAddr, User{s.User(1).Name, "wrong"}); err == nil {
				t.Error("a wrong password was taken")
			}
		})
	}
}

const event = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:%d\r\nDTSTAMP:20240501T120000Z\r\n" +
	"DTSTART:20240502T120000Z\r\nDTEND:20240502T130000Z\r\nSUMMARY:Meeting %d\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

const contact = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:%d\r\nFN:Person %d\r\nN:Person;%[1]d;;;\r\nEND:VCARD\r\n"

func TestDAVServersTakeCollections(t *testing.T) {
	for _, k := range []Kind{CyrusIMAP, RadicaleDAV} {
		t.Run(string(k), func(t *testing.T) {
			t.Parallel()
			s := startFor(t, k, Options{})
			u := s.NewUser(t)
			for kind, template := range map[Collection]string{Calendar: event, AddressBook: contact} {
				name := "bulk-" + string(kind)
				var rs []Resource
				for i := range 20 {
					rs = append(rs, Resource{fmt.Sprintf("%d.%s", i, kind.extension()), fmt.Appendf(nil, template, i, i)})
				}
				if err := s.LoadCollection(u, kind, name, rs); err != nil {
					t.Fatal(err)
				}
				if err := s.PutResource(u, kind, name, Resource{"20." + kind.extension(), fmt.Appendf(nil, template, 20, 20)}); err != nil {
					t.Fatal(err)
				}
				etags, err := s.ListCollection(u, kind, name)
				if err != nil || len(etags) != 21 {
					t.Errorf("%d resources in %s after 21 were put there: %v", len(etags), name, err)
				}
			}
		})
	}
}

func TestTheSinkKeepsWhatItIsSentAndCyrusDeliversIt(t *testing.T) {
	sink := SMTPSink(t)
	c := Cyrus(t, Options{SMTP: sink.Addr})
	sink.Deliver = c.Deliver
	u := c.NewUser(t)
	message := "From: a@example.org\r\nSubject: Hello\r\n\r\nText.\r\n"
	send := func(to string) error {
		conn, err := smtp.Dial(sink.Addr)
		if err != nil {
			return err
		}
		defer conn.Close()
		return conn.SendMail("a@example.org", []string{to}, strings.NewReader(message))
	}
	if err := send(u.Name); err != nil {
		t.Fatal(err)
	}
	if m := <-sink.Received(); !slices.Equal(m.To, []string{u.Name}) || !strings.Contains(string(m.Data), "Subject: Hello") {
		t.Errorf("the sink kept %q to %v", m.Data, m.To)
	}
	if got := count(t, c, u, "INBOX"); got != "1" {
		t.Errorf("the INBOX holds %s messages after one was delivered", got)
	}
	if err := send("reject@example.org"); err == nil {
		t.Error("a recipient to be rejected was taken")
	}
}

func TestAServerLeavesNothingBehind(t *testing.T) {
	Require(t, DovecotIMAP)
	s, stop, err := StartDovecot("", Options{})
	if err != nil {
		t.Fatal(err)
	}
	pid := s.process.cmd.Process.Pid
	stop()
	if _, err := os.Stat(s.Dir); err == nil {
		t.Errorf("%s is still there", s.Dir)
	}
	if n := groupSize(pid); n > 0 {
		t.Errorf("%d of its processes still run", n)
	}
	if _, err := http.Get("http://" + s.IMAPAddr); err == nil {
		t.Error("it still answers")
	}
}

func TestAKilledTestProcessLeavesNothingBehind(t *testing.T) {
	Require(t, RadicaleDAV)
	if os.Getenv("OUTPOST_TEST_TO_BE_KILLED") == "1" {
		s, _, err := StartRadicale("", Options{})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("\nstarted", s.process.cmd.Process.Pid, s.Dir)
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestAKilledTestProcessLeavesNothingBehind$")
	cmd.Env = append(os.Environ(), "OUTPOST_TEST_TO_BE_KILLED=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	var dir string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, _ := fmt.Sscanf(lines.Text(), "started %d %s", &pid, &dir); n == 2 {
			break
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	if dir == "" {
		t.Fatal("the server did not start")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err = poll(ctx, func() error {
		if n := groupSize(pid); n > 0 {
			return fmt.Errorf("%d of its processes still run", n)
		}
		if _, err := os.Stat(dir); err == nil {
			return fmt.Errorf("%s is still there", dir)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
