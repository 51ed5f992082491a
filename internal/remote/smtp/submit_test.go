package smtp

import (
	"bufio"
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"outpost/internal/remote"
	"outpost/test/servers"
)

const message = "From: anna@example.org\r\nSubject: hello\r\n\r\nOne line\r\n.dotted line\r\n"

func sinkEndpoint(s *servers.Sink, url string) remote.Endpoint {
	return remote.Endpoint{URL: url, User: "anna@example.org", Password: servers.Password, Roots: s.Roots}
}

func mustConnect(t *testing.T, e remote.Endpoint) *Submitter {
	t.Helper()
	s, err := Connect(t.Context(), e, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// wantError checks the kind of an error and that its words hold some.
func wantError(t *testing.T, err error, kind remote.ErrorKind, words ...string) *remote.Error {
	t.Helper()
	e, ok := errors.AsType[*remote.Error](err)
	if !ok || e.Kind != kind {
		t.Fatalf("got %v, want an error of kind %q", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(e.Error(), w) {
			t.Errorf("%q does not say %q", e, w)
		}
	}
	return e
}

func agree() error { return nil }

func TestAMessageGoesToEveryRecipientByEachKindOfConnection(t *testing.T) {
	sink := servers.SMTPSink(t)
	for _, url := range []string{sink.SMTP, sink.StartTLS, sink.SMTPS} {
		s := mustConnect(t, sinkEndpoint(sink, url))
		committed := 0
		for range 2 {
			if err := s.Send(t.Context(), "anna@example.org", []string{"bo@example.org", "cy@example.org"}, []byte(message), func() error { committed++; return nil }); err != nil {
				t.Fatal(url, err)
			}
			m := <-sink.Received()
			if m.Login != "anna@example.org" || m.From != "anna@example.org" || strings.Join(m.To, " ") != "bo@example.org cy@example.org" || string(m.Data) != message {
				t.Fatalf("%s: got %+v", url, m)
			}
		}
		if committed != 2 {
			t.Fatalf("committed %d times", committed)
		}
		if in, out := s.Traffic(); in == 0 || out < int64(2*len(message)) {
			t.Errorf("counted %d in, %d out", in, out)
		}
	}
}

func TestAnAddressOutsideOfASCIINeedsSMTPUTF8(t *testing.T) {
	sink := servers.SMTPSink(t)
	s := mustConnect(t, sinkEndpoint(sink, sink.SMTP))
	if err := s.Send(t.Context(), "anna@example.org", []string{"j\u00f8rgen@example.org"}, []byte(message), agree); err != nil {
		t.Fatal(err)
	}
	s = mustConnect(t, script(t, "S: 220 hi", "C: EHLO", "S: 250 hi", "C: QUIT", "S: 221 bye"))
	err := s.Send(t.Context(), "anna@example.org", []string{"j\u00f8rgen@example.org"}, []byte(message), agree)
	wantError(t, err, remote.Invalid, "SMTPUTF8")
}

func TestOneRefusedRecipientMeansThatNobodyGetsTheMessage(t *testing.T) {
	sink := servers.SMTPSink(t)
	s := mustConnect(t, sinkEndpoint(sink, sink.SMTP))
	never := func() error { t.Error("committed"); return nil }
	err := s.Send(t.Context(), "anna@example.org", []string{"bo@example.org", "reject1@example.org", "later@example.org", "reject2@example.org"}, []byte(message), never)
	e := wantError(t, err, remote.Other, "reject1@example.org: 550 5.1.1 no such user", "reject2@example.org", "later@example.org: 451")
	if e.Sent || strings.Contains(e.Text, "bo@") {
		t.Errorf("got %+v", e)
	}
	wantError(t, s.Send(t.Context(), "anna@example.org", []string{"bo@example.org", "later@example.org"}, []byte(message), never), remote.Unavailable, "later@example.org")
	// The connection is as good as before.
	if err := s.Send(t.Context(), "anna@example.org", []string{"bo@example.org"}, []byte(message), agree); err != nil {
		t.Fatal(err)
	}
	if n := len(sink.Messages()); n != 1 {
		t.Fatalf("%d messages were sent", n)
	}
}

func TestAWrongPasswordIsNamedAndNeverRepeated(t *testing.T) {
	sink := servers.SMTPSink(t)
	e := sinkEndpoint(sink, sink.SMTPS)
	e.Password = "not-the-password"
	_, err := Connect(t.Context(), e, Options{})
	if err := wantError(t, err, remote.Auth, "535"); strings.Contains(err.Error(), e.Password) {
		t.Errorf("the error tells the password: %v", err)
	}
}

func TestACertificateThatDoesNotVerifyIsShownAndCanBeTrusted(t *testing.T) {
	sink := servers.SMTPSink(t)
	for _, url := range []string{sink.SMTPS, sink.StartTLS} {
		e := sinkEndpoint(sink, url)
		e.Roots = nil
		_, err := Connect(t.Context(), e, Options{})
		if re := wantError(t, err, remote.Certificate); re.Fingerprint != sink.Fingerprint {
			t.Fatalf("%s: fingerprint %q, want %q", url, re.Fingerprint, sink.Fingerprint)
		}
		e.TrustSHA256 = sink.Fingerprint
		mustConnect(t, e)
	}
}

func TestWithoutSTARTTLSThePasswordStaysHere(t *testing.T) {
	e := script(t, "S: 220 hi", "C: EHLO", "S: 250-hi", "S: 250 AUTH PLAIN")
	e.URL = "smtp://localhost?tls=starttls"
	_, err := Connect(t.Context(), e, Options{})
	wantError(t, err, remote.Other, "no STARTTLS", "smtps://")
}

func TestLOGINIsUsedWherePLAINIsNotOffered(t *testing.T) {
	mustConnect(t, script(t, "S: 220 hi", "C: EHLO localhost", "S: 250-hi", "S: 250 AUTH LOGIN CRAM-MD5", "C: AUTH LOGIN",
		"S: 334 VXNlcm5hbWU6", "C: YW5uYQ==", "S: 334 UGFzc3dvcmQ6", "C: c2VjcmV0", "S: 235 welcome", "C: QUIT", "S: 221 bye"))
	_, err := Connect(t.Context(), script(t, "S: 220 hi", "C: EHLO", "S: 250-hi", "S: 250 AUTH GSSAPI", "C: QUIT", "S: 221 bye"), Options{})
	wantError(t, err, remote.Auth, "GSSAPI")
	_, err = Connect(t.Context(), script(t, "S: 220 hi", "C: EHLO", "S: 250-hi", "S: 250 AUTH PLAIN", "C: AUTH PLAIN", "S: 454 4.7.0 later", "C: *", "S: 501 ok", "C: QUIT", "S: 221 bye"), Options{})
	wantError(t, err, remote.Unavailable, "454 4.7.0 later")
}

// signed is a scripted session up to the point where mail can be sent.
func signed(extension string, rest ...string) []string {
	return append([]string{"S: 220 hi", "C: EHLO", "S: 250-hi", "S: 250-" + extension, "S: 250 AUTH PLAIN", "C: AUTH PLAIN", "S: 235 ok"}, rest...)
}

func TestAMessageOverTheServersSizeIsNotEvenBegun(t *testing.T) {
	s := mustConnect(t, script(t, signed("SIZE 20", "C: QUIT", "S: 221 bye")...))
	wantError(t, s.Send(t.Context(), "a@x", []string{"b@x"}, []byte(message), agree), remote.TooLarge, "the server takes 20")
}

func TestAFailedCommitSendsNothing(t *testing.T) {
	s := mustConnect(t, script(t, signed("8BITMIME", "C: MAIL FROM:<a@x> BODY=8BITMIME", "S: 250 ok", "C: RCPT TO:<b@x>", "S: 250 ok", "C: DATA", "S: 354 go", "C: <end without a dot>")...))
	full := errors.New("disk full")
	if err := s.Send(t.Context(), "a@x", []string{"b@x"}, []byte(message), func() error { return full }); err != full {
		t.Fatalf("got %v", err)
	}
	wantError(t, s.Send(t.Context(), "a@x", []string{"b@x"}, []byte(message), agree), remote.Offline)
}

var upToTheDot = []string{"C: MAIL", "S: 250 ok", "C: RCPT", "S: 250 ok", "C: DATA", "S: 354 go", "C: <data>"}

func TestALostAnswerAfterTheDotMeansPerhapsSent(t *testing.T) {
	for _, end := range []string{"S: <close>", "S: what?", "S: <silence>"} {
		e := script(t, signed("SIZE", append(upToTheDot, end)...)...)
		e.Timeout = 50 * time.Millisecond
		s := mustConnect(t, e)
		if re := wantError(t, s.Send(t.Context(), "a@x", []string{"b@x"}, []byte(message), agree), remote.Offline, "did not say"); !re.Sent {
			t.Errorf("after %q: %+v", end, re)
		}
	}
}

func TestARefusalAfterTheDotMeansNotSent(t *testing.T) {
	for reply, kind := range map[string]remote.ErrorKind{
		"554 5.7.1 spam":           remote.Other,
		"451 4.3.0 busy":           remote.Unavailable,
		"552 5.3.4 too big":        remote.TooLarge,
		"552 5.2.2 no room":        remote.OverQuota,
		"554 5.3.1 disk full":      remote.OverQuota,
		"552 exceeds":              remote.TooLarge,
		"552 5.7.0 blocked":        remote.Other,
		"452 4.3.1 no room now":    remote.Unavailable, // sent later, by itself
		"421 4.3.2 shutting down":  remote.Unavailable,
		"550-5.7.1 one\r\n550 two": remote.Other,
	} {
		s := mustConnect(t, script(t, signed("SIZE", append(upToTheDot, "S: "+reply, "C: QUIT", "S: 221 bye")...)...))
		if re := wantError(t, s.Send(t.Context(), "a@x", []string{"b@x"}, []byte(message), agree), kind, reply[:3]); re.Sent {
			t.Errorf("after %q: %+v", reply, re)
		}
	}
}

func TestALostConnectionBeforeTheDotMeansNotSent(t *testing.T) {
	for i := range len(upToTheDot) - 1 {
		if upToTheDot[i][0] != 'C' {
			continue
		}
		s := mustConnect(t, script(t, signed("SIZE", append(append([]string{}, upToTheDot[:i+1]...), "S: <close>")...)...))
		err := s.Send(t.Context(), "a@x", []string{"b@x"}, []byte(message), func() error { t.Error("committed"); return nil })
		if re := wantError(t, err, remote.Offline); re.Sent {
			t.Errorf("after %q: %+v", upToTheDot[i], re)
		}
	}
}

func TestRefusalsBeforeTheMessageSayWhatTheServerSaid(t *testing.T) {
	undo := []string{"C: RSET", "S: 250 ok", "C: EHLO", "S: 250 hi", "C: QUIT", "S: 221 bye"}
	for _, c := range []struct {
		say  []string
		kind remote.ErrorKind
	}{
		{[]string{"C: MAIL", "S: 530 5.7.0 sign in first"}, remote.Auth},
		{[]string{"C: MAIL", "S: 452 4.3.1 no room"}, remote.Unavailable},
		{[]string{"C: MAIL", "S: 552 too big"}, remote.TooLarge},
		{[]string{"C: MAIL", "S: 250 ok", "C: RCPT", "S: 552 mailbox full"}, remote.OverQuota},
		{[]string{"C: MAIL", "S: 250 ok", "C: RCPT", "S: 552 5.2.2 mailbox full"}, remote.OverQuota},
		{[]string{"C: MAIL", "S: 250 ok", "C: RCPT", "S: 552 5.3.4 too big"}, remote.TooLarge},
		{[]string{"C: MAIL", "S: 250 ok", "C: RCPT", "S: 452 4.2.2 mailbox full"}, remote.Unavailable},
		{[]string{"C: MAIL", "S: 250 ok", "C: RCPT", "S: 250 ok", "C: DATA", "S: 554 no"}, remote.Other},
	} {
		s := mustConnect(t, script(t, signed("SIZE", append(append([]string{}, c.say...), undo...)...)...))
		last := c.say[len(c.say)-1]
		wantError(t, s.Send(t.Context(), "a@x", []string{"b@x"}, []byte(message), agree), c.kind, last[3:6])
	}
}

func TestWhatDoesNotGreetLikeAMailServerIsANetworkThatIsNotOurs(t *testing.T) {
	for _, say := range []string{"HTTP/1.1 400 Bad Request", "* OK IMAP4rev1 ready", "200 news server ready", "hello"} {
		for _, tls := range []string{"none", "starttls"} {
			e := script(t, "S: "+say)
			e.URL = "smtp://localhost?tls=" + tls
			_, err := Connect(t.Context(), e, Options{})
			wantError(t, err, remote.Offline, "no mail server", "sign in first", say[:5])
		}
	}
	for say, kind := range map[string]remote.ErrorKind{"421 too busy": remote.Unavailable, "554 no service": remote.Other} {
		_, err := Connect(t.Context(), script(t, "S: "+say), Options{})
		wantError(t, err, kind, say)
	}
}

func TestNoAddressCanSayMoreThanAnAddress(t *testing.T) {
	s := mustConnect(t, script(t, signed("SIZE", "C: QUIT", "S: 221 bye")...))
	for _, bad := range []string{"", "a@x>\r\nRCPT TO:<evil@x", "a b@x", "<a@x>"} {
		wantError(t, s.Send(t.Context(), "a@x", []string{bad}, []byte(message), agree), remote.Invalid)
	}
	wantError(t, s.Send(t.Context(), "a@x", nil, []byte(message), agree), remote.Invalid)
}

func TestAnEndedContextEndsTheCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := mustConnect(t, script(t, signed("SIZE", "C: MAIL", "S: 250 ok", "C: RCPT", "S: 250 ok", "C: DATA", "S: 354 go", "C: <end without a dot>")...))
	// From the moment of commit on nobody knows.
	err := s.Send(ctx, "a@x", []string{"b@x"}, []byte(message), func() error {
		cancel()
		for s.conn.SetDeadline(time.Time{}) == nil { // until it is closed
			runtime.Gosched()
		}
		return nil
	})
	if re := wantError(t, err, remote.Offline); !re.Sent {
		t.Errorf("got %+v", re)
	}
	wantError(t, s.Send(ctx, "a@x", []string{"b@x"}, []byte(message), agree), remote.Offline)
	_, err = Connect(ctx, script(t, "S: 220 hi"), Options{})
	wantError(t, err, remote.Offline)
}

// script plays a server: "S: " lines are said, "C: " lines are expected as the beginning of what the client says.
func script(t *testing.T, lines ...string) remote.Endpoint {
	t.Helper()
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	t.Cleanup(func() { ours.Close(); <-done })
	go func() {
		defer close(done)
		defer ours.Close()
		r := bufio.NewReader(ours)
		for _, line := range lines {
			who, what, _ := strings.Cut(line, ": ")
			switch {
			case what == "<close>":
				return
			case what == "<silence>":
				r.ReadByte() // until the client goes away
			case what == "<data>", what == "<end without a dot>":
				for {
					got, err := r.ReadString('\n')
					if what == "<data>" && err != nil {
						t.Errorf("the data ended without a dot: %v", err)
					}
					if what != "<data>" && got == ".\r\n" {
						t.Error("the final dot was sent")
					}
					if err != nil || got == ".\r\n" {
						break
					}
				}
			case who == "S":
				if _, err := ours.Write([]byte(what + "\r\n")); err != nil {
					return // the client has gone, which its own test judges
				}
			default:
				got, err := r.ReadString('\n')
				if err != nil || !strings.HasPrefix(got, what) {
					t.Errorf("client said %q (%v), expected %q", got, err, what)
					return
				}
			}
		}
	}()
	return remote.Endpoint{URL: "smtp://localhost?tls=none", User: "anna", Password: "secret",
		Dial: func(context.Context, string, string) (net.Conn, error) { return theirs, nil }}
}
