// Package demo is a small groupware server inside the binary, with a small company's mail, calendars, contacts, tasks and
// notes: IMAP (demo/imapserver), SMTP, CalDAV and CardDAV (demo/davserver) on loopback. It can be stopped and started, which
// is the demonstration, and nothing that is sent to it ever leaves the machine. It may import groupware and format only;
// read company for the content and imapserver for the protocol that matters most.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"outpost/internal/demo/company"
	"outpost/internal/demo/davserver"
	"outpost/internal/demo/imapserver"
	"outpost/internal/demo/mailstore"
)

// Options of a Server.
type Options struct {
	Dir   string           // where its state is kept between runs; "" keeps it in memory only
	TLS   bool             // with a self-signed certificate of its own, kept in Dir
	Clock func() time.Time // nil: time.Now. What it says at New is the company's today.
	Log   *slog.Logger     // nil: silent
	Empty bool             // no company, only the account: for tests
}

// Account is how to get into the server.
type Account struct {
	Email, Name, Password       string
	IMAP, SMTP, CalDAV, CardDAV string // URLs
	Fingerprint                 string // SHA-256 of the certificate in hex, "" without TLS
}

// Sent is a message that the server took for recipients outside.
type Sent struct {
	From string
	To   []string
	At   time.Time
	Raw  []byte
}

// Server is the demo server. New makes it, Start lets it listen, Stop takes it away, Close saves it.
type Server struct {
	o    Options
	mail *mailstore.Store
	dav  *davserver.Store
	imap *imapserver.Server
	cert *certificate // nil without TLS

	jmu sync.Mutex // the journal's, taken last
	j   *journal   // nil without Dir

	mu       sync.Mutex
	set      settings
	outgoing []Sent
	running  *running
	closed   bool
}

// New makes a server from the state in Dir, or a new one. It does not listen yet.
func New(o Options) (*Server, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, mail: mailstore.New(o.Clock, nil), dav: davserver.NewStore(nil)}
	s.imap = imapserver.New(imapserver.Options{Store: s.mail, Log: o.Log})
	if o.TLS {
		var err error
		if s.cert, err = loadCertificate(o.Dir, o.Clock()); err != nil {
			return nil, fmt.Errorf("make the demo server's certificate: %w", err)
		}
	}
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, err
		}
		if err := readJournal(s.journalPath(), s.replay); err != nil {
			return nil, err
		}
	}
	if s.set.Format == 0 {
		if err := s.populate(); err != nil {
			return nil, fmt.Errorf("fill the demo server: %w", err)
		}
	}
	if o.Dir != "" {
		if err := s.startJournal(); err != nil {
			return nil, fmt.Errorf("keep the demo server's state: %w", err)
		}
	}
	return s, nil
}

func (s *Server) journalPath() string { return filepath.Join(s.o.Dir, "demo.state") }

func (s *Server) replay(r record) error {
	switch {
	case r.Settings != nil:
		if r.Settings.Format != journalFormat {
			return fmt.Errorf("format %d is not known", r.Settings.Format)
		}
		s.set = *r.Settings
	case r.Mail != nil:
		return s.mail.Replay(*r.Mail)
	case r.DAV != nil:
		return s.dav.Replay(*r.DAV)
	case r.Outgoing != nil:
		s.outgoing = append(s.outgoing, *r.Outgoing)
	}
	return nil
}

// startJournal rewrites the state and has the stores tell what changes from here on.
func (s *Server) startJournal() error {
	var err error
	s.j, err = newJournal(s.journalPath(), func(j *journal) {
		j.write(record{Settings: &s.set})
		s.mail.Snapshot(func(r mailstore.Record) { j.write(record{Mail: &r}) }, func(r mailstore.Record) { s.save(record{Mail: &r}) })
		s.dav.Snapshot(func(r davserver.Record) { j.write(record{DAV: &r}) }, func(r davserver.Record) { s.save(record{DAV: &r}) })
		for _, m := range s.outgoing {
			j.write(record{Outgoing: &m})
		}
	})
	return err
}

func (s *Server) save(r record) {
	s.jmu.Lock()
	defer s.jmu.Unlock()
	if s.j == nil {
		return
	}
	before := s.j.err
	if s.j.write(r); before == nil && s.j.err != nil {
		s.o.Log.Error("the demo server's state is no longer saved", "file", s.j.path, "error", s.j.err)
	}
}

// populate makes the account, and the company unless it is not wanted.
func (s *Server) populate() error {
	c := company.Company{Person: company.Demo()}
	if !s.o.Empty {
		var err error
		if c, err = company.New(s.o.Clock()); err != nil {
			return err
		}
	}
	s.set = settings{Format: journalFormat, Email: c.Person.Email, Name: c.Person.Name, Password: rand.Text()}
	if err := s.AddUser(c.Person.Email, c.Person.Name, s.set.Password); err != nil {
		return err
	}
	for _, p := range c.Colleagues {
		if err := s.AddUser(p.Email, p.Name, rand.Text()); err != nil {
			return err
		}
	}
	u := s.mail.User(c.Person.Email)
	for _, m := range c.Mail {
		b, err := u.Mailbox(m.Folder)
		if errors.Is(err, mailstore.ErrNoMailbox) {
			b, err = u.Create(m.Folder, "")
		}
		if err == nil {
			_, _, err = b.Append(m.Flags, m.Received, m.Raw)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.Folder, err)
		}
	}
	for _, col := range c.Collections {
		if err := s.dav.Create(c.Person.Email, davserver.Kind(col.Kind), col.Name, col.Components, col.Props); err != nil && !davserver.IsExists(err) {
			return fmt.Errorf("%s: %w", col.Name, err)
		}
		for _, r := range col.Resources {
			if err := s.dav.Put(c.Person.Email, davserver.Kind(col.Kind), col.Name, r.Name, r.Raw); err != nil {
				return fmt.Errorf("%s/%s: %w", col.Name, r.Name, err)
			}
		}
	}
	return nil
}

// AddUser adds a user with the usual folders, or changes the password of one.
func (s *Server) AddUser(email, name, password string) error {
	u := s.mail.AddUser(email, name, password)
	for _, f := range []struct{ name, use string }{{"Sent", `\Sent`}, {"Drafts", `\Drafts`}, {"Trash", `\Trash`}, {"Junk", `\Junk`}, {"Archive", `\Archive`}} {
		if _, err := u.Create(f.name, f.use); err != nil && !errors.Is(err, mailstore.ErrExists) {
			return err
		}
	}
	for _, c := range company.Home() {
		if err := s.dav.Create(email, davserver.Kind(c.Kind), c.Name, c.Components, c.Props); err != nil && !davserver.IsExists(err) {
			return err
		}
	}
	return nil
}

// Deliver puts a message into a user's mailbox, made if need be; "" is the INBOX.
func (s *Server) Deliver(email, folder string, raw []byte, flags ...string) error {
	u := s.mail.User(email)
	if u == nil {
		return fmt.Errorf("deliver to %s: no such user", email)
	}
	if folder == "" {
		folder = "INBOX"
	}
	b, err := u.Mailbox(folder)
	if errors.Is(err, mailstore.ErrNoMailbox) {
		b, err = u.Create(folder, "")
	}
	if err == nil {
		_, _, err = b.Append(flags, time.Time{}, raw)
	}
	if err != nil {
		return fmt.Errorf("deliver to %s: %w", email, err)
	}
	return nil
}

// Renumber gives a user's mailbox a new UIDVALIDITY, as a server does whose index was lost.
func (s *Server) Renumber(email, folder string) error {
	u := s.mail.User(email)
	if u == nil {
		return fmt.Errorf("renumber for %s: no such user", email)
	}
	b, err := u.Mailbox(folder)
	if err != nil {
		return fmt.Errorf("renumber %s: %w", folder, err)
	}
	b.Renumber()
	return nil
}

// Restrict takes from a user the right to store, change and remove messages in a mailbox, or gives it back.
func (s *Server) Restrict(email, folder string, readOnly bool) error {
	u := s.mail.User(email)
	if u == nil {
		return fmt.Errorf("restrict %s: no such user", email)
	}
	b, err := u.Mailbox(folder)
	if err != nil {
		return fmt.Errorf("restrict %s: %w", folder, err)
	}
	rights := mailstore.AllRights
	if readOnly {
		rights = "lrskxa"
	}
	b.SetRights(rights)
	return nil
}

// MaskIMAP takes capabilities away from IMAP connections made later ("QRESYNC"), to play a poorer server.
func (s *Server) MaskIMAP(capabilities ...string) { s.imap.Mask(capabilities...) }

// Outgoing lists what was sent to recipients outside. It went nowhere.
func (s *Server) Outgoing() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Sent(nil), s.outgoing...)
}

// Account tells how to get in. The URLs have their ports from the first Start on.
func (s *Server) Account() Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := Account{Email: s.set.Email, Name: s.set.Name, Password: s.set.Password}
	tls, query := "", "?tls=none"
	if s.cert != nil {
		a.Fingerprint, tls, query = s.cert.fingerprint, "s", ""
	}
	a.IMAP = fmt.Sprintf("imap%s://127.0.0.1:%d%s", tls, s.set.IMAPPort, query)
	a.SMTP = fmt.Sprintf("smtp%s://127.0.0.1:%d%s", tls, s.set.SMTPPort, query)
	a.CalDAV = fmt.Sprintf("http%s://127.0.0.1:%d/", tls, s.set.DAV)
	a.CardDAV = a.CalDAV
	return a
}

func (s *Server) signIn(user, password string) (string, bool) {
	if u := s.mail.SignIn(user, password); u != nil {
		return u.Email(), true
	}
	return "", false
}

// running is what a server that listens has.
type running struct {
	listeners []net.Listener
	http      *http.Server
	smtp      *smtp.Server
	wg        sync.WaitGroup
}

// Start lets the server listen, on the ports that it had where they are free. It stops by itself when ctx ends.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("the demo server is closed")
	}
	if s.running != nil {
		return nil
	}
	r := &running{}
	before := s.set
	for _, port := range []*int{&s.set.IMAPPort, &s.set.SMTPPort, &s.set.DAV} {
		l, err := s.listen(port)
		if err != nil {
			for _, l := range r.listeners {
				l.Close()
			}
			return fmt.Errorf("start the demo server: %w", err)
		}
		r.listeners = append(r.listeners, l)
	}
	if s.set != before {
		s.save(record{Settings: &s.set})
	}
	r.smtp = s.newSubmission()
	r.http = &http.Server{Handler: davserver.New(davserver.Options{Store: s.dav, SignIn: s.signIn, Log: s.o.Log}),
		ReadHeaderTimeout: time.Minute, IdleTimeout: 5 * time.Minute, ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug)}
	s.running = r
	r.wg.Go(func() { s.imap.Serve(r.listeners[0]) })
	r.wg.Go(func() { r.smtp.Serve(r.listeners[1]) })
	r.wg.Go(func() { r.http.Serve(r.listeners[2]) })
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		same := s.running == r
		s.mu.Unlock()
		if same {
			s.Stop()
		}
	})
	return nil
}

// listen listens on the port that is remembered, or on another one if that is taken.
func (s *Server) listen(port *int) (net.Listener, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil && *port != 0 {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, err
	}
	*port = l.Addr().(*net.TCPAddr).Port
	if s.cert != nil {
		l = s.cert.listener(l)
	}
	return l, nil
}

// Running reports whether the server listens.
func (s *Server) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running != nil
}

// Stop closes the listeners and every connection at once: the server is away. What it holds stays.
func (s *Server) Stop() error {
	s.mu.Lock()
	r := s.running
	s.running = nil
	s.mu.Unlock()
	if r == nil {
		return nil
	}
	var errs []error
	for _, l := range r.listeners {
		errs = append(errs, l.Close())
	}
	r.smtp.Close() // these two close their listeners again, which is no news
	r.http.Close()
	s.imap.CloseConns()
	r.wg.Wait()
	return errors.Join(errs...)
}

// Close stops the server and ends the journal. It cannot be started again.
func (s *Server) Close() error {
	err := s.Stop()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.jmu.Lock()
	defer s.jmu.Unlock()
	if s.j == nil {
		return err
	}
	j := s.j
	s.j = nil
	return errors.Join(err, j.close())
}

// local reports whether an address is of the company's domain.
func (s *Server) local(address string) bool {
	_, domain, _ := strings.Cut(strings.ToLower(address), "@")
	_, own, _ := strings.Cut(strings.ToLower(s.set.Email), "@")
	return domain == own || domain == ""
}
