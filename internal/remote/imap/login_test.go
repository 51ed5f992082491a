package imap

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"outpost/internal/remote"
	"outpost/test/servers"
)

func TestWaysToSignIn(t *testing.T) {
	hidden := base64.StdEncoding.EncodeToString([]byte("\x00anna\x00sesame street"))
	for name, transcript := range map[string]string{
		"LOGIN, where the server offers nothing else, asking for capabilities before and after": `
			S: * OK hello
			C: A1 CAPABILITY
			S: * CAPABILITY IMAP4rev1
			S: A1 OK done
			C: A2 LOGIN "anna" "sesame street"
			S: A2 OK welcome
			C: A3 CAPABILITY
			S: * CAPABILITY IMAP4rev1 UIDPLUS
			S: A3 OK done`,
		"PLAIN at once": `
			S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hello
			C: A1 AUTHENTICATE PLAIN ` + hidden + `
			S: A1 OK [CAPABILITY IMAP4rev1 UIDPLUS] welcome`,
		"PLAIN in two steps": `
			S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello
			C: A1 AUTHENTICATE PLAIN
			S: + 
			C: ` + hidden + `
			S: * CAPABILITY IMAP4rev1 UIDPLUS
			S: A1 OK welcome`,
		"not at all, where we are known": `
			S: * PREAUTH [CAPABILITY IMAP4rev1 UIDPLUS] hello`,
		"with agreement on everything": `
			S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 AUTH=PLAIN SASL-IR LOGINDISABLED] hello
			C: A1 AUTHENTICATE PLAIN ` + hidden + `
			S: A1 OK [CAPABILITY IMAP4rev1 IMAP4rev2 ENABLE QRESYNC UIDPLUS ID NAMESPACE] welcome
			C: A2 ENABLE QRESYNC IMAP4REV2
			C: A3 ID ("name" "Outpost")
			C: A4 NAMESPACE
			S: * ENABLED QRESYNC IMAP4rev2
			S: A2 OK done
			S: * ID ("name" "Some server" "x" NIL)
			S: A3 OK done
			S: * NAMESPACE (("" "/")) NIL NIL
			S: A4 OK done`,
	} {
		t.Run(name, func(t *testing.T) {
			d := connect(t, script(t, transcript), Options{})
			if !d.c.has("UIDPLUS") {
				t.Errorf("capabilities are %v", d.c.caps)
			}
			if strings.Contains(name, "everything") != (d.c.has("QRESYNC") && d.c.utf8() && d.c.has("ESEARCH")) {
				t.Errorf("enabled is %v", d.c.enabled)
			}
		})
	}
}

func TestAPasswordThatCannotBeQuotedIsSentAsALiteral(t *testing.T) {
	t.Run("synchronising", func(t *testing.T) {
		e := script(t, "S: * OK [CAPABILITY IMAP4rev1] hello\nC: A1 LOGIN \"anna\" {7}\nS: + go on\nC: sch\u00f6n\"\nS: A1 OK [CAPABILITY IMAP4rev1] welcome")
		e.Password = "sch\u00f6n\""
		connect(t, e, Options{})
	})
	t.Run("not synchronising", func(t *testing.T) {
		e := script(t, "S: * OK [CAPABILITY IMAP4rev1 LITERAL-] hello\nC: A1 LOGIN \"anna\" {7+}\\r\\nsch\u00f6n\"\nS: A1 OK [CAPABILITY IMAP4rev1] welcome")
		e.Password = "sch\u00f6n\""
		connect(t, e, Options{})
	})
}

func TestRefusedSignInsSayWhy(t *testing.T) {
	for name, c := range map[string]struct {
		transcript string
		kind       remote.ErrorKind
		words      string
	}{
		"wrong password": {`
			S: * OK [CAPABILITY IMAP4rev1] hello
			C: A1 LOGIN "anna" "sesame street"
			S: A1 NO [AUTHENTICATIONFAILED] no: LOGIN anna sesame street is wrong`, remote.Auth, "LOGIN anna *** is wrong"},
		"wrong password without a code": {`
			S: * OK [CAPABILITY IMAP4rev1] hello
			C: A1 LOGIN "anna" "sesame street"
			S: A1 NO Login failed`, remote.Auth, "Login failed"},
		"not now": {`
			S: * OK [CAPABILITY IMAP4rev1] hello
			C: A1 LOGIN "anna" "sesame street"
			S: A1 NO [UNAVAILABLE] the user database is away`, remote.Unavailable, "away"},
		"thrown out": {`
			S: * OK [CAPABILITY IMAP4rev1] hello
			C: A1 LOGIN "anna" "sesame street"
			S: * BYE too many failures
			CLOSE`, remote.Offline, "too many failures"},
		"no way in": {`
			S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=GSSAPI] hello`, remote.Auth, "no way to sign in"},
		"full house": {`
			S: * BYE too many connections
			CLOSE`, remote.Unavailable, "too many connections"},
		"no IMAP": {`
			S: 220 smtp.example.org ESMTP
			CLOSE`, remote.Protocol, "makes no sense"},
		"a login page": {`
			S: <!DOCTYPE html><html><head><title>Welcome to our hotel
			CLOSE`, remote.Offline, "does this network ask you to sign in first?"},
		"a web server": {`
			S: HTTP/1.1 400 Bad Request
			S: Connection: close
			CLOSE`, remote.Offline, "a web page came back"},
		"thrown out for being many": {`
			S: * OK [CAPABILITY IMAP4rev1] hello
			C: A1 LOGIN "anna" "sesame street"
			S: * BYE Too many simultaneous connections. (Failure)
			CLOSE`, remote.Unavailable, "simultaneous"},
		"not now, in words only": {`
			S: * OK [CAPABILITY IMAP4rev1] hello
			C: A1 LOGIN "anna" "sesame street"
			S: A1 NO Temporary authentication failure`, remote.Unavailable, "Temporary"},
		"too much": {`
			S: * OK [CAPABILITY IMAP4rev1] hello
			C: A1 LOGIN "anna" "sesame street"
			S: A1 NO [OVERQUOTA] Account exceeded command or bandwidth limits`, remote.Unavailable, "bandwidth"},
		"an account that somebody must look at": {`
			S: * OK [CAPABILITY IMAP4rev1] hello
			C: A1 LOGIN "anna" "sesame street"
			S: A1 NO [CONTACTADMIN] call us`, remote.Auth, "call us"},
		"strange greeting": {`
			S: * HELLO there
			CLOSE`, remote.Protocol, "does not greet"},
		"nothing": {`CLOSE`, remote.Offline, "closed the connection"},
		"closed in the middle": {`
			S: * OK [CAPABILITY IMAP4rev1] hello
			C: A1 LOGIN "anna" "sesame street"
			CLOSE`, remote.Offline, "sign in: offline: the server closed the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Connect(t.Context(), script(t, c.transcript), Options{})
			wantKind(t, err, c.kind, c.words)
		})
	}
}

func TestASilentServerIsOfflineAfterTheTimeout(t *testing.T) {
	e := script(t, "S: * OK [CAPABILITY IMAP4rev1] hello\nC: A1 LOGIN \"anna\" \"sesame street\"\nSILENCE")
	e.Timeout = 50e6
	_, err := Connect(t.Context(), e, Options{})
	wantKind(t, err, remote.Offline, "did not answer within")
}

// RFC 7677 3
func TestSCRAMFollowsTheSpecification(t *testing.T) {
	s := &scram{user: "user", password: "pencil", nonce: "rOprNGfwEbeRWgbNEkqO"}
	if got := string(s.first()); got != "n,,n=user,r=rOprNGfwEbeRWgbNEkqO" {
		t.Errorf("first is %q", got)
	}
	got, err := s.next([]byte("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"))
	if want := "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="; err != nil || string(got) != want {
		t.Errorf("final is %q, %v", got, err)
	}
	if _, err := s.next([]byte("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")); err != nil || !s.verified {
		t.Errorf("not verified: %v", err)
	}
	for _, bad := range []string{"", "r=x,s=W22Z,i=1", "r=rOprNGfwEbeRWgbNEkqO,s=W22Z,i=1", "r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=99999999999", "r=rOprNGfwEbeRWgbNEkqOx,s=,i=1", "e=other-error"} {
		s := &scram{user: "user", password: "pencil", nonce: "rOprNGfwEbeRWgbNEkqO"}
		s.first()
		if _, err := s.next([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	liar := &scram{user: "user", password: "pencil", nonce: "a"}
	liar.first()
	if _, err := liar.next([]byte("r=ab,s=W22Z,i=1")); err != nil {
		t.Fatal(err)
	}
	if _, err := liar.next([]byte("v=bm8=")); err == nil {
		t.Error("a server that does not know the password was believed")
	}
}

func TestAServerThatSkipsItsProofIsNotBelieved(t *testing.T) {
	e := script(t, `
		S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=SCRAM-SHA-256] hello
		C: A1 AUTHENTICATE SCRAM-SHA-256
		S: A1 OK welcome`)
	_, err := Connect(t.Context(), e, Options{})
	wantKind(t, err, remote.Auth, "did not prove")
}

func TestRealServersTakeEveryWayToSignIn(t *testing.T) {
	onServers(t, func(t *testing.T, s *servers.Server) {
		u := s.NewUser(t)
		for _, mask := range [][]string{nil, {"AUTH=PLAIN"}, {"SASL-IR"}, {"AUTH=PLAIN", "LOGIN"}, {"AUTH=PLAIN", "LOGIN", "SASL-IR"}, {"AUTH=PLAIN", "LOGIN", "AUTH=SCRAM-SHA-256"}} {
			d := connect(t, endpoint(s, u), Options{Mask: mask})
			folderAt(t, d, "INBOX")
			wrong := endpoint(s, u)
			wrong.Password = "sesame street"
			_, err := Connect(t.Context(), wrong, Options{Mask: mask})
			wantKind(t, err, remote.Auth, "sign in")
		}
	})
}

// recorder is a connection that remembers what was written to it.
type recorder struct {
	net.Conn
	sent *bytes.Buffer
}

func (r recorder) Write(p []byte) (int, error) { r.sent.Write(p); return r.Conn.Write(p) }

func TestWhereOthersCanListenThePasswordIsNotShown(t *testing.T) {
	onServers(t, func(t *testing.T, s *servers.Server) {
		u := s.NewUser(t)
		e := endpoint(s, u)
		e.URL, e.AllowPlaintext = "imap://mail.example.org?tls=none", true
		var sent bytes.Buffer
		e.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, s.IMAPAddr)
			return recorder{conn, &sent}, err
		}
		folderAt(t, connect(t, e, Options{Mask: []string{"COMPRESS=DEFLATE"}}), "INBOX")
		if got := sent.String(); !strings.Contains(got, "SCRAM-SHA-256") || strings.Contains(got, u.Password) || strings.Contains(got, base64.StdEncoding.EncodeToString([]byte(plain(e)))) {
			t.Errorf("sent %q", got)
		}
	})
}

func TestRealServersAreReachedWithTLSOfBothKinds(t *testing.T) {
	onServers(t, func(t *testing.T, s *servers.Server) {
		u := s.NewUser(t)
		for _, url := range []string{s.IMAPS, s.StartTLS} {
			e := endpoint(s, u)
			e.URL = url
			folderAt(t, connect(t, e, Options{}), "INBOX")
			e.Roots = nil
			_, err := Connect(t.Context(), e, Options{})
			wantKind(t, err, remote.Certificate, s.Fingerprint)
			e.TrustSHA256 = s.Fingerprint
			folderAt(t, connect(t, e, Options{}), "INBOX")
			e.TrustSHA256 = strings.Repeat("0", 64)
			_, err = Connect(t.Context(), e, Options{})
			wantKind(t, err, remote.Certificate, s.Fingerprint)
		}
	})
}

func TestWhatComesBeforeTLSIsNotUsed(t *testing.T) {
	for name, c := range map[string]struct {
		transcript, words string
		kind              remote.ErrorKind
	}{
		"data behind the answer": {"S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hello\nC: A1 STARTTLS\nS: A1 OK go\\r\\n* CAPABILITY IMAP4rev1 AUTH=EVIL", "tampering", remote.Protocol},
		"signed in already":      {"S: * PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hello", "before the connection is protected", remote.Protocol},
		"refused":                {"S: * OK [CAPABILITY IMAP4rev1] hello\nC: A1 STARTTLS\nS: A1 BAD what is that", "what is that", remote.Other},
	} {
		t.Run(name, func(t *testing.T) {
			e := script(t, c.transcript)
			e.URL = strings.TrimSuffix(e.URL, "?tls=none")
			_, err := Connect(t.Context(), e, Options{})
			wantKind(t, err, c.kind, c.words)
		})
	}
}

func TestCompressionIsUsedWhereItIsOffered(t *testing.T) {
	s := pool.Get(t, servers.CyrusIMAP)
	u := s.NewUser(t)
	load(t, s, u, "INBOX", 300)
	read := func(o Options) (in, out int64) {
		d := connect(t, endpoint(s, u), o)
		inbox := folderAt(t, d, "INBOX")
		all, _ := changes(t, d, inbox.ID, "")
		var ids []string
		for _, c := range all[:300] {
			ids = append(ids, c.ID)
		}
		got, err := fetch(t, d, inbox.ID, remote.PartWhole, ids...)
		if err != nil || len(got) != 300 {
			t.Fatalf("%d read, %v", len(got), err)
		}
		for _, f := range got {
			if string(f.Raw) != string(sample(int(f.Order)-1).Raw) {
				t.Fatalf("item %d differs", f.Order)
			}
		}
		big := remote.NewItem{Raw: sample(7).Raw}
		if _, err := create(t, d, inbox.ID, big); err != nil {
			t.Fatal(err)
		}
		return d.Traffic()
	}
	plainIn, _ := read(Options{})
	zipIn, zipOut := read(Options{ForceCompress: true})
	if zipIn*4 > plainIn || zipOut == 0 {
		t.Errorf("read %d bytes, compressed %d", plainIn, zipIn)
	}
	if in, _ := read(Options{ForceCompress: true, Mask: []string{"COMPRESS=DEFLATE"}}); in < plainIn/2 {
		t.Errorf("masked, and yet only %d bytes", in)
	}
}

func TestAWebServerInTheWayIsOfflineAndAWrongCertificateStaysOne(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	_, err := Connect(t.Context(), remote.Endpoint{URL: "imaps://" + web.Listener.Addr().String(), User: "anna"}, Options{})
	wantKind(t, err, remote.Offline, "does this network ask you to sign in first?")
	page := httptest.NewTLSServer(http.NotFoundHandler())
	defer page.Close()
	_, err = Connect(t.Context(), remote.Endpoint{URL: "imaps://" + page.Listener.Addr().String(), User: "anna"}, Options{})
	wantKind(t, err, remote.Certificate, "certificate")
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	go func() {
		conn, err := plain.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "* OK hello\r\n")
		io.Copy(io.Discard, conn)
	}()
	_, err = Connect(t.Context(), remote.Endpoint{URL: "imaps://" + plain.Addr().String(), User: "anna"}, Options{})
	wantKind(t, err, remote.Offline, "does not speak TLS")
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = Connect(t.Context(), remote.Endpoint{URL: "imap://" + l.Addr().String() + "?tls=none"}, Options{})
	wantKind(t, err, remote.Offline, "connect to")
}
