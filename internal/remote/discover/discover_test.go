package discover

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"outpost/internal/remote"
)

// world is a DNS and the hosts behind it.
type world struct {
	t     *testing.T
	srv   map[string][]*net.SRV
	txt   map[string][]string
	hosts map[string]func(net.Conn) // by host:port
	ca    tls.Certificate
	roots *x509.CertPool
	seen  chan string // what HTTP servers were asked
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, srv: map[string][]*net.SRV{}, txt: map[string][]string{}, hosts: map[string]func(net.Conn){}, roots: x509.NewCertPool(), seen: make(chan string, 100)}
	w.ca = w.certificate(nil, "ca")
	w.roots.AddCert(w.ca.Leaf)
	return w
}

// certificate makes one for a host, by the authority of the world, or by itself where parent is nil.
func (w *world) certificate(parent *tls.Certificate, host string) tls.Certificate {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: parent == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	signer, by := any(key), c
	if parent != nil {
		signer, by = parent.PrivateKey, parent.Leaf
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, key.Public(), signer)
	if err != nil {
		w.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		w.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (w *world) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	key := "_" + service + "._" + proto + "." + name
	if a := w.srv[key]; a != nil {
		return key, a, nil
	}
	return "", nil, &net.DNSError{Err: "no such host", Name: key, IsNotFound: true}
}

func (w *world) LookupTXT(_ context.Context, name string) ([]string, error) {
	if a := w.txt[name]; a != nil {
		return a, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (w *world) dial(_ context.Context, _, address string) (net.Conn, error) {
	serve := w.hosts[address]
	if serve == nil {
		return nil, &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // not net.Pipe: a TLS handshake needs buffers
	if err != nil {
		return nil, err
	}
	defer l.Close()
	theirs, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	ours, err := l.Accept()
	if err != nil {
		return nil, err
	}
	go func() { defer ours.Close(); serve(ours) }()
	return theirs, nil
}

func (w *world) options() Options { return Options{Resolver: w, Dial: w.dial, Roots: w.roots} }

func withCertificate(c tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c}}
}

// mail runs a mail server that says lines, one after each line of the client.
func (w *world) mail(address string, secure bool, lines ...string) {
	host, _, _ := net.SplitHostPort(address)
	cert := w.certificate(&w.ca, host)
	w.hosts[address] = func(c net.Conn) {
		if secure {
			c = tls.Server(c, withCertificate(cert))
		}
		r := bufio.NewReader(c)
		for i, l := range lines {
			if i > 0 {
				if _, err := r.ReadString('\n'); err != nil {
					return
				}
			}
			if l == "TLS" {
				break
			}
			if _, err := io.WriteString(c, l+"\r\n"); err != nil {
				return
			}
			if i+1 < len(lines) && lines[i+1] == "TLS" {
				tls.Server(c, withCertificate(cert)).Handshake()
				return
			}
		}
		r.ReadString('\n')
	}
}

// web runs an https server.
func (w *world) web(address string, h http.HandlerFunc) {
	host, _, _ := net.SplitHostPort(address)
	cert := w.certificate(&w.ca, host)
	w.hosts[address] = func(c net.Conn) {
		l := &oneConn{c: tls.Server(c, withCertificate(cert)), done: make(chan struct{})}
		s := http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.seen <- r.Method + " https://" + r.Host + r.URL.RequestURI()
			if r.Header.Get("Authorization") != "" {
				w.t.Error("a secret was sent")
			}
			h(rw, r)
		}), ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateClosed {
				close(l.done)
			}
		}}
		s.Serve(l)
	}
}

// oneConn is a listener with one connection.
type oneConn struct {
	c    net.Conn
	done chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.c; c != nil {
		l.c = nil
		return c, nil
	}
	<-l.done
	return nil, io.EOF
}
func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

func askPassword(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("WWW-Authenticate", `Basic realm="dav"`)
	rw.WriteHeader(http.StatusUnauthorized)
}

func (w *world) discover(email string) Found {
	w.t.Helper()
	f, err := Discover(w.t.Context(), email, w.options())
	if err != nil {
		w.t.Fatalf("%v\n%s", err, strings.Join(f.Lines, "\n"))
	}
	return f
}

func (w *world) want(f Found, imap, smtp, caldav, carddav string) {
	w.t.Helper()
	if f.IMAP != imap || f.SMTP != smtp || f.CalDAV != caldav || f.CardDAV != carddav {
		w.t.Errorf("found %+v", f)
	}
}

func (w *world) line(f Found, words ...string) {
	w.t.Helper()
	for _, l := range f.Lines {
		all := true
		for _, word := range words {
			all = all && strings.Contains(l, word)
		}
		if all {
			return
		}
	}
	w.t.Errorf("no line says %q in:\n%s", words, strings.Join(f.Lines, "\n"))
}

func TestSRVRecordsComeFirst(t *testing.T) {
	w := newWorld(t)
	w.srv["_imaps._tcp.example.org"] = []*net.SRV{{Target: "mx.example.org.", Port: 9930}}
	w.srv["_imap._tcp.example.org"] = []*net.SRV{{Target: "mx.example.org.", Port: 143}}
	w.srv["_submission._tcp.example.org"] = []*net.SRV{{Target: "mx.example.org.", Port: 587}}
	w.srv["_submissions._tcp.example.org"] = []*net.SRV{{Target: ".", Port: 0}}
	w.srv["_caldavs._tcp.example.org"] = []*net.SRV{{Target: "dav.example.org.", Port: 8443}}
	w.txt["_caldavs._tcp.example.org"] = []string{"path=/cal dav/"}
	w.srv["_carddavs._tcp.example.org"] = []*net.SRV{{Target: "dav.example.org.", Port: 8443}}
	w.mail("mx.example.org:9930", true, "* OK ready")
	w.mail("mx.example.org:587", false, "220-welcome\r\n220 ready", "250-mx\r\n250 STARTTLS", "220 go", "TLS")
	w.mail("imap.example.org:993", true, "* OK ready")
	w.web("dav.example.org:8443", askPassword)
	f := w.discover("anna@Example.ORG")
	w.want(f, "imaps://mx.example.org:9930", "smtp://mx.example.org:587?tls=starttls", "https://dav.example.org:8443/cal%20dav/", "https://dav.example.org:8443/.well-known/carddav")
	w.line(f, "imap: ", "SRV record")
}

func TestAServerInAnotherDomainIsPointedOut(t *testing.T) {
	w := newWorld(t)
	w.srv["_imaps._tcp.example.org"] = []*net.SRV{{Target: "imap.provider.example.", Port: 993}}
	w.mail("imap.provider.example:993", true, "* OK ready")
	w.line(w.discover("anna@example.org"), "imaps://imap.provider.example:993", "another domain")
}

const autoconfigFile = `<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="x">
<incomingServer type="pop3"><hostname>pop.example.org</hostname><port>995</port><socketType>SSL</socketType></incomingServer>
<incomingServer type="imap"><hostname>plain.example.org</hostname><port>143</port><socketType>plain</socketType></incomingServer>
<incomingServer type="imap"><hostname>box.%EMAILDOMAIN%</hostname><port>143</port><socketType>STARTTLS</socketType><username>%EMAILLOCALPART%</username></incomingServer>
<outgoingServer type="smtp"><hostname>box.example.org</hostname><port>465</port><socketType>SSL</socketType><username>%EMAILADDRESS%</username></outgoingServer>
</emailProvider><calendar type="caldav"><serverURL>https://box.example.org/dav/</serverURL></calendar>
<addressBook type="carddav"><serverURL>http://box.example.org/dav/</serverURL></addressBook></clientConfig>`

func TestTheProvidersAutoconfigFileIsRead(t *testing.T) {
	w := newWorld(t)
	w.web("autoconfig.example.org:443", func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, autoconfigFile) })
	w.mail("box.example.org:143", false, "* OK ready", "* still here\r\na OK begin", "TLS")
	w.mail("box.example.org:465", true, "220 ready")
	w.web("box.example.org:443", func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/dav/" {
			askPassword(rw, r)
		} else {
			http.NotFound(rw, r)
		}
	})
	f := w.discover("anna+tag@example.org")
	w.want(f, "imap://box.example.org:143?tls=starttls", "smtps://box.example.org:465", "https://box.example.org/dav/", "")
	if f.Login != "anna+tag" {
		t.Errorf("login %q", f.Login)
	}
	if got := <-w.seen; got != "GET https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=anna%2Btag%40example.org" {
		t.Errorf("asked %q", got)
	}
}

func TestUsualNamesAreTriedLast(t *testing.T) {
	w := newWorld(t)
	w.mail("mail.example.org:993", true, "* OK ready")
	w.mail("mail.example.org:587", false, "220 ready", "250 STARTTLS", "220 go", "TLS")
	w.web("example.org:443", func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/.well-known/ca") {
			http.Redirect(rw, r, "https://cloud.example.org/remote.php/dav/", http.StatusMovedPermanently)
		} else {
			http.NotFound(rw, r)
		}
	})
	w.web("cloud.example.org:443", askPassword)
	f := w.discover("anna@example.org")
	w.want(f, "imaps://mail.example.org:993", "smtp://mail.example.org:587?tls=starttls", "https://cloud.example.org/remote.php/dav/", "https://cloud.example.org/remote.php/dav/")
	w.line(f, "imap: ", "usual name")
}

func TestWhatIsNoSuchServerIsNotTaken(t *testing.T) {
	w := newWorld(t)
	w.srv["_imaps._tcp.example.org"] = []*net.SRV{{Target: "a.example.org.", Port: 993}}
	w.mail("a.example.org:993", true, "HTTP/1.1 400 Bad Request")
	w.mail("imap.example.org:143", false, "* OK ready", "a NO not here")
	w.mail("smtp.example.org:465", true, "* OK this is IMAP")
	w.web("example.org:443", func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "<html>welcome</html>") })
	w.web("dav.example.org:443", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "http://dav.example.org/", http.StatusFound)
	})
	f, err := Discover(t.Context(), "anna@example.org", w.options())
	w.want(f, "", "", "", "")
	if remote.KindOf(err) != remote.NotFound {
		t.Fatalf("got %v", err)
	}
	w.line(f, "imaps://a.example.org:993", "does not answer as it should", "HTTP/1.1 400")
}

func TestACertificateThatDoesNotVerifyIsTheLastChoiceAndIsTold(t *testing.T) {
	w := newWorld(t)
	w.mail("imap.example.org:993", true, "* OK ready")
	w.mail("smtp.example.org:465", true, "220 ready")
	trusted := w.roots
	w.roots = x509.NewCertPool()
	f := w.discover("anna@example.org")
	w.want(f, "imaps://imap.example.org:993", "smtps://smtp.example.org:465", "", "")
	w.line(f, "imaps://imap.example.org:993", "not trusted", "SHA-256")
	// Where another one verifies, that is taken.
	w.roots = trusted
	self := w.certificate(nil, "imap.example.org")
	w.hosts["imap.example.org:993"] = func(c net.Conn) { tls.Server(c, withCertificate(self)).Handshake() }
	w.mail("mail.example.org:993", true, "* OK ready")
	w.want(w.discover("anna@example.org"), "imaps://mail.example.org:993", "smtps://smtp.example.org:465", "", "")
}

func TestWithoutNetworkItSaysSo(t *testing.T) {
	w := newWorld(t)
	o := w.options()
	o.Resolver = deaf{}
	o.Dial = func(context.Context, string, string) (net.Conn, error) {
		return nil, fmt.Errorf("network is unreachable")
	}
	if _, err := Discover(t.Context(), "anna@example.org", o); remote.KindOf(err) != remote.Offline {
		t.Fatalf("got %v", err)
	}
}

type deaf struct{}

func (deaf) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, &net.DNSError{Err: "i/o timeout", IsTimeout: true}
}
func (deaf) LookupTXT(context.Context, string) ([]string, error) {
	return nil, &net.DNSError{Err: "i/o timeout", IsTimeout: true}
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	for _, bad := range []string{"", "anna", "anna@", "@example.org", "anna@exa mple.org", "anna@[127.0.0.1]", "anna@127.0.0.1", "anna@example.org/x", strings.Repeat("a", 300) + "@example.org"} {
		if _, err := Discover(t.Context(), bad, newWorld(t).options()); remote.KindOf(err) != remote.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestADomainOfAnyScriptIsLookedUpInASCII(t *testing.T) {
	w := newWorld(t)
	w.srv["_imaps._tcp.xn--mnchen-3ya.example"] = []*net.SRV{{Target: "mx.xn--mnchen-3ya.example.", Port: 993}}
	w.mail("mx.xn--mnchen-3ya.example:993", true, "* OK ready")
	w.want(w.discover("anna@m\u00fcnchen.example"), "imaps://mx.xn--mnchen-3ya.example:993", "", "", "")
}

func FuzzAutoconfig(f *testing.F) {
	f.Add([]byte(autoconfigFile))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &discovery{email: "anna@example.org", domain: "example.org"}
		for _, c := range d.parseAutoconfig(data) {
			scheme := map[string]string{"imap": "imap", "smtp": "smtp", "caldav": "http", "carddav": "http"}[c.service]
			if _, _, sec, err := d.endpoint(c.url).Resolve(scheme); err != nil || sec == remote.Plaintext {
				t.Errorf("%q: %v %v", c.url, sec, err)
			}
		}
	})
}
