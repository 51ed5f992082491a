package servers

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options says how a server is to run. The zero value is right for tests.
type Options struct {
	// Durable makes the server wait for the disk as it would in real life. Tests and loading do without: it is 5 to 12
	// times faster, and the data is thrown away. Change Server.Durable between Stop and Start to have both.
	Durable bool
	// SMTP is host:port where the server hands over mail for others (invitations); "" for a port where nobody listens.
	SMTP string
	// TLS makes Radicale speak https instead of http. Cyrus and Dovecot always offer both.
	TLS bool
}

// Endpoints says where a server is, in the form that `outpost account add` takes. What the server lacks is "".
type Endpoints struct {
	IMAP     string // without TLS
	StartTLS string // the same, with STARTTLS
	IMAPS    string
	CalDAV   string // http
	CardDAV  string
	CalDAVS  string // https
	CardDAVS string
	IMAPAddr string // host:port of IMAP without TLS
	LMTPAddr string // host:port where mail is delivered to Cyrus' users
	HTTPAddr string // host:port of http, or of https where only that is there
	// Fingerprint is the certificate's SHA-256 in lower-case hex, and Roots has the certificate.
	Fingerprint string
	Roots       *x509.CertPool
}

// User is a login of the server, which is also its address.
type User struct{ Name, Password string }

// Server is a real server that this process started.
type Server struct {
	Kind Kind
	Endpoints
	// Dir holds its data, configuration and log.
	Dir string
	// Durable is as in Options; it counts from the next Start.
	Durable bool

	configure func() error            // writes the configuration files
	argv      func() []string         // the daemon, in the foreground
	ready     func() error            // succeeds when it answers
	addLogin  func(name string) error // makes the login
	removeDir string                  // the folder to remove at the end; "" when the caller gave it
	ports     *ports
	log       *logSink

	mu       sync.Mutex
	process  *process
	lastUser int
}

// Password is every user's.
const Password = "secret"

// startTimeout is generous: a loaded machine with two cores starts several servers at once.
const startTimeout = 60 * time.Second

// Cyrus starts a Cyrus IMAP server (IMAP, CalDAV, CardDAV, LMTP) that ends with the test.
func Cyrus(t testing.TB, o Options) *Server { t.Helper(); return startFor(t, CyrusIMAP, o) }

// Dovecot starts a Dovecot server (IMAP) that ends with the test.
func Dovecot(t testing.TB, o Options) *Server { t.Helper(); return startFor(t, DovecotIMAP, o) }

// Radicale starts a Radicale server (CalDAV, CardDAV) that ends with the test.
func Radicale(t testing.TB, o Options) *Server { t.Helper(); return startFor(t, RadicaleDAV, o) }

func startFor(t testing.TB, k Kind, o Options) *Server {
	t.Helper()
	Require(t, k)
	s, stop, err := Start(k, "", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return s
}

// Start starts a server with its data in dir, which must be empty or absent and reachable for every user of the system;
// "" makes a folder that stop removes. stop ends the server for good.
func Start(k Kind, dir string, o Options) (s *Server, stop func(), err error) {
	s = &Server{Kind: k, Dir: dir, Durable: o.Durable}
	defer func() {
		if err != nil {
			s.close()
			s, stop, err = nil, nil, fmt.Errorf("start %s: %w", k, err)
		}
	}()
	if reason := Missing(k); reason != "" {
		return s, nil, errors.New(reason)
	}
	if dir == "" {
		if s.Dir, err = os.MkdirTemp(publicTempDir(), "outpost-"+strings.ToLower(string(k))+"-"); err != nil {
			return s, nil, err
		}
		s.removeDir = s.Dir
	}
	if err = os.MkdirAll(s.Dir, 0o755); err != nil {
		return s, nil, err
	}
	if err = os.Chmod(s.Dir, 0o755); err != nil {
		return s, nil, err
	}
	if s.ports, err = reservePorts(6); err != nil {
		return s, nil, err
	}
	cert, err := NewCertificate()
	if err != nil {
		return s, nil, err
	}
	s.Fingerprint, s.Roots = cert.Fingerprint, cert.Roots
	if err = s.write("cert.pem", string(cert.Cert), 0o644); err != nil {
		return s, nil, err
	}
	if err = s.write("key.pem", string(cert.Key), 0o600); err != nil {
		return s, nil, err
	}
	if o.SMTP == "" {
		o.SMTP = loopback(s.ports.numbers[5])
	}
	switch k {
	case CyrusIMAP:
		err = s.prepareCyrus(o)
	case DovecotIMAP:
		err = s.prepareDovecot(o)
	default:
		err = s.prepareRadicale(o)
	}
	if err != nil {
		return s, nil, err
	}
	if err = s.Start(); err != nil {
		return s, nil, err
	}
	for range 4 {
		if _, err = s.AddUser(); err != nil {
			return s, nil, err
		}
	}
	return s, s.close, nil
}

// StartCyrus is Start for a Cyrus server.
func StartCyrus(dir string, o Options) (*Server, func(), error) { return Start(CyrusIMAP, dir, o) }

// StartDovecot is Start for a Dovecot server.
func StartDovecot(dir string, o Options) (*Server, func(), error) { return Start(DovecotIMAP, dir, o) }

// StartRadicale is Start for a Radicale server.
func StartRadicale(dir string, o Options) (*Server, func(), error) { return Start(RadicaleDAV, dir, o) }

// Start brings the server back after Stop, on the same ports and with its data. It returns when the server answers.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return nil
	}
	if err := s.configure(); err != nil {
		return err
	}
	p, err := startProcess(s.path("out.log"), s.removeDir, s.argv()...)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := p.waitReady(ctx, s.ready); err != nil {
		p.stop(time.Second)
		return fmt.Errorf("%s does not answer: %w\n%s", s.Kind, err, s.Log())
	}
	s.process = p
	return nil
}

// Stop takes the server away: its connections end and new ones are refused. Its data stays.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return nil
	}
	err := s.process.stop(5 * time.Second)
	s.process = nil
	return err
}

// CPU is the processor time that the server has used since Start.
func (s *Server) CPU() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.cpu()
}

func (s *Server) close() {
	s.Stop()
	if s.log != nil {
		s.log.close()
	}
	if s.ports != nil {
		s.ports.release()
	}
	if s.removeDir != "" {
		os.RemoveAll(s.removeDir)
	}
}

// Log returns the end of what the server has to say.
func (s *Server) Log() string {
	var b strings.Builder
	for _, name := range []string{"out.log", "log", "syslog"} {
		data, err := os.ReadFile(s.path(name))
		if err != nil || len(data) == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s:\n%s\n", name, data[max(0, len(data)-4096):])
	}
	return b.String()
}

// User returns one of the four users that every server starts with: User(1) is user1@example.org.
func (s *Server) User(n int) User {
	return User{fmt.Sprintf("user%d@example.org", n), Password}
}

// NewUser makes a login with an empty mailbox, so that tests can share a server.
func (s *Server) NewUser(t testing.TB) User {
	t.Helper()
	u, err := s.AddUser()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// AddUser is NewUser for callers outside of a test.
func (s *Server) AddUser() (User, error) {
	s.mu.Lock()
	s.lastUser++
	u := s.User(s.lastUser)
	err := s.addLogin(u.Name)
	s.mu.Unlock()
	if err != nil {
		return User{}, fmt.Errorf("make the user %s: %w", u.Name, err)
	}
	if s.IMAPAddr == "" {
		return u, nil
	}
	// Cyrus and Dovecot make the mailbox at the first login by IMAP.
	c, err := s.DialIMAP(u)
	if err != nil {
		return User{}, fmt.Errorf("make the mailbox of %s: %w", u.Name, err)
	}
	return u, c.Close()
}

func (s *Server) path(name string) string { return filepath.Join(s.Dir, name) }

func (s *Server) write(name, content string, mode os.FileMode) error {
	return os.WriteFile(s.path(name), []byte(content), mode)
}

// config writes a configuration file with its words replaced.
func (s *Server) config(name, file string, words ...string) error {
	text, err := configs.ReadFile("config/" + file)
	if err != nil {
		return err
	}
	return s.write(name, strings.NewReplacer(append(words, "DIR", s.Dir)...).Replace(string(text)), 0o644)
}

// publicTempDir is the temp folder if the daemons' users can get there, else /tmp. Sockets lie below it, whose paths may
// be 108 bytes long.
func publicTempDir() string {
	dir, err := filepath.Abs(os.TempDir())
	if err != nil || len(dir) > 40 {
		return "/tmp"
	}
	for p := dir; p != filepath.Dir(p); p = filepath.Dir(p) {
		if info, err := os.Stat(p); err != nil || info.Mode().Perm()&0o001 == 0 {
			return "/tmp"
		}
	}
	return dir
}
