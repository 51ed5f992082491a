package remote

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Endpoint is where a service is and how to get in. URL forms: imaps://h:p, imap://h:p?tls=starttls|none, smtps://, smtp://,
// https://, http://.
type Endpoint struct {
	URL      string
	User     string
	Password string
	// TrustSHA256 is the lower-case hex SHA-256 of the one certificate to accept although it does not verify; "" for none.
	TrustSHA256 string
	// AllowPlaintext permits TLS-less connections to other hosts than loopback.
	AllowPlaintext bool
	// Timeout bounds the connection's establishment and every wait for an answer; 0 means 60 s.
	Timeout time.Duration
	// Connections bounds how many connections a service that uses several at a time may have; 0 means what its driver thinks right.
	Connections int
	// Dial replaces the network in tests; nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Roots replaces the system's certificate authorities in tests; nil means the system's.
	Roots *x509.CertPool
}

// Security is how a connection is protected.
type Security int

const (
	TLS Security = iota
	StartTLS
	Plaintext
)

var defaultPorts = map[string]string{"imaps": "993", "imap": "143", "smtps": "465", "smtp": "587", "https": "443", "http": "80"}

// Resolve checks the URL against the schemes that a service takes ("imap", "smtp" or "http") and SPEC A5's rule that
// plain text is for loopback only. It returns host:port, the host, and the protection.
func (e Endpoint) Resolve(service string) (address, host string, sec Security, err error) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return "", "", 0, fmt.Errorf("%q is not a URL: %w", e.URL, errors.Unwrap(err))
	}
	if u.Scheme != service && u.Scheme != service+"s" {
		return "", "", 0, fmt.Errorf("%q: use %ss:// or %s://", e.URL, service, service)
	}
	if u.Hostname() == "" {
		return "", "", 0, fmt.Errorf("%q names no server", e.URL)
	}
	if u.User != nil {
		return "", "", 0, fmt.Errorf("%q holds a user name or password: give them apart (--user, --password-stdin)", u.Redacted())
	}
	if u.Scheme == service {
		switch u.Query().Get("tls") {
		case "none":
			sec = Plaintext
		case "", "starttls":
			if sec = StartTLS; service == "http" {
				sec = Plaintext
			}
		default:
			return "", "", 0, fmt.Errorf("%q: tls must be starttls or none", e.URL)
		}
	}
	if sec == Plaintext && !e.AllowPlaintext && !IsLoopback(u.Hostname()) {
		return "", "", 0, fmt.Errorf("%q would send the password unprotected: use %ss://, or --allow-plaintext if you must", e.URL, service)
	}
	port := u.Port()
	if port == "" {
		port = defaultPorts[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port), u.Hostname(), sec, nil
}

// IsLoopback reports whether host is localhost or a loopback address.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// TLSConfig verifies the server's certificate for host, or accepts the one that TrustSHA256 names.
func (e Endpoint) TLSConfig(host string) *tls.Config {
	return &tls.Config{
		ServerName: host,
		MinVersion: tls.VersionTLS12,
		// Verification is below, so that a certificate that is trusted by its fingerprint is accepted and the
		// fingerprint of one that is not is told.
		InsecureSkipVerify: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			leaf := cs.PeerCertificates[0]
			sum := sha256.Sum256(leaf.Raw)
			print := hex.EncodeToString(sum[:])
			if e.TrustSHA256 != "" && NormalFingerprint(e.TrustSHA256) == print {
				return nil
			}
			opts := x509.VerifyOptions{DNSName: host, Roots: e.Roots, Intermediates: x509.NewCertPool()}
			for _, c := range cs.PeerCertificates[1:] {
				opts.Intermediates.AddCert(c)
			}
			if _, err := leaf.Verify(opts); err != nil {
				return &Error{Kind: Certificate, Doing: "connect to " + host, Text: err.Error(), Fingerprint: print, Subject: leaf.Subject.String(), Err: err}
			}
			return nil
		},
	}
}

// NormalFingerprint lower-cases a SHA-256 fingerprint and drops colons and spaces.
func NormalFingerprint(s string) string {
	return strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(s))
}

// Connect opens a connection for service ("imap", "smtp"), with TLS already on it where the URL says so from the start.
// It counts bytes on t. The caller starts STARTTLS itself, with TLSConfig(host).
func (e Endpoint) Connect(ctx context.Context, service string, t *Traffic) (conn net.Conn, host string, sec Security, err error) {
	address, host, sec, err := e.Resolve(service)
	if err != nil {
		return nil, "", 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout())
	defer cancel()
	raw, err := e.DialContext(t)(ctx, "tcp", address)
	if err != nil {
		return nil, "", 0, NetworkError("connect to "+address, err)
	}
	if sec != TLS {
		return raw, host, sec, nil
	}
	tc := tls.Client(raw, e.TLSConfig(host))
	if err := tc.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, "", 0, NetworkError("connect to "+address, err)
	}
	return tc, host, sec, nil
}

// DialContext returns a dialler that counts on t, for net/http and Connect.
func (e Endpoint) DialContext(t *Traffic) func(ctx context.Context, network, address string) (net.Conn, error) {
	dial := e.Dial
	if dial == nil {
		// A connection that waits for news may be silent for long: keep-alives tell within a minute that nobody is there any more.
		alive := net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}
		dial = (&net.Dialer{Timeout: e.timeout(), KeepAliveConfig: alive, Control: giveUpAfter(e.timeout())}).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &countingConn{c, t, quickAck(c)}, nil
	}
}

func (e Endpoint) timeout() time.Duration {
	if e.Timeout > 0 {
		return e.Timeout
	}
	return 60 * time.Second
}

// WebPage is what to say where a web page came instead of a server's answer: networks in hotels and trains answer for every
// server until somebody has signed in. It is nobody's mistake, and passes: kind Offline.
const WebPage = "a web page came back where the server's answer belongs (does this network ask you to sign in first?)"

// IsWebPage reports whether what a server said, or its first bytes, is an answer of HTTP or HTML.
func IsWebPage(said string) bool {
	return strings.HasPrefix(said, "HTTP/") || strings.HasPrefix(strings.TrimLeft(said, " \t\r\n\ufeff"), "<")
}

// NetworkError turns what the network said into an *Error: Certificate where that was the cause, else Offline.
// An *Error passes through.
func NetworkError(doing string, err error) error {
	if re, ok := errors.AsType[*Error](err); ok {
		return re
	}
	text := err.Error()
	dns, _ := errors.AsType[*net.DNSError](err)
	ne, _ := errors.AsType[net.Error](err)
	noTLS, isNoTLS := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case isNoTLS && IsWebPage(string(noTLS.RecordHeader[:])):
		text = WebPage
	case isNoTLS:
		text = "what answers there does not speak TLS"
	case dns != nil && dns.IsNotFound:
		text = "no server is called " + dns.Name
	case ne != nil && ne.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, net.ErrClosed): // closed by us, when the time was over
		text = "the server did not answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		text = "nobody answers there: connection refused"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		text = "the server ended the connection"
	}
	return &Error{Kind: Offline, Doing: doing, Text: text, Err: err}
}

// Traffic counts bytes on the network. Its zero value is ready.
type Traffic struct{ in, out atomic.Int64 }

// Bytes returns what was read and written so far.
func (t *Traffic) Bytes() (in, out int64) { return t.in.Load(), t.out.Load() }

type countingConn struct {
	net.Conn
	t   *Traffic
	ack func()
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.ack()
	c.t.in.Add(int64(n))
	return n, err
}

func (c *countingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.t.out.Add(int64(n))
	return n, err
}
