// Package imapserver is the demo's IMAP server: IMAP4rev1 (RFC 3501) and the basics of IMAP4rev2 (RFC 9051) with CONDSTORE
// and QRESYNC (RFC 7162) and the other extensions that a synchronising client wants, over a mailstore. It has a parser of
// its own, so that it is an independent witness for the driver. It may import mailstore only.
package imapserver

import (
	"bufio"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"outpost/internal/demo/mailstore"
)

// Capabilities are all that the server can do, in the order in which it tells.
func Capabilities() []string {
	return []string{"IMAP4rev1", "IMAP4rev2", "LITERAL+", "SASL-IR", "ID", "ENABLE", "IDLE", "NOTIFY", "NAMESPACE", "CHILDREN", "UIDPLUS", "MOVE", "UNSELECT",
		"SPECIAL-USE", "CREATE-SPECIAL-USE", "LIST-EXTENDED", "LIST-STATUS", "ACL", "RIGHTS=texk", "LIST-MYRIGHTS", "CONDSTORE", "QRESYNC", "ESEARCH", "SEARCHRES", "BINARY", "STATUS=SIZE", "OBJECTID",
		"COMPRESS=DEFLATE", "APPENDLIMIT=67108864"}
}

// Options of a Server.
type Options struct {
	Store *mailstore.Store
	Log   *slog.Logger  // nil: silent
	Idle  time.Duration // a silent connection is closed after it; 0 means 30 minutes (RFC 9051 5.4)
}

// Server answers IMAP clients.
type Server struct {
	o      Options
	mu     sync.Mutex
	conns  map[net.Conn]bool
	masked map[string]bool
	wg     sync.WaitGroup
}

// New makes a server; Serve starts it.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Idle == 0 {
		o.Idle = 30 * time.Minute
	}
	return &Server{o: o, conns: map[net.Conn]bool{}, masked: map[string]bool{}}
}

// Mask takes capabilities away from connections made later, to play a poorer server. It replaces an earlier mask.
func (s *Server) Mask(capabilities ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.masked = map[string]bool{}
	for _, c := range capabilities {
		s.masked[strings.ToUpper(c)] = true
	}
	if s.masked["CONDSTORE"] {
		s.masked["QRESYNC"] = true
	}
	if s.masked["LIST-EXTENDED"] {
		s.masked["LIST-STATUS"], s.masked["LIST-MYRIGHTS"] = true, true
	}
	if s.masked["ACL"] {
		s.masked["RIGHTS=TEXK"], s.masked["LIST-MYRIGHTS"] = true, true
	}
	for _, part := range []string{"UIDPLUS", "MOVE", "ENABLE", "IDLE", "NAMESPACE", "UNSELECT", "ESEARCH", "SEARCHRES", "BINARY", "SASL-IR", "LIST-EXTENDED", "LIST-STATUS",
		"SPECIAL-USE", "STATUS=SIZE"} {
		if s.masked[part] { // IMAP4rev2 promises it (RFC 9051 appendix E)
			s.masked["IMAP4REV2"] = true
		}
	}
}

// Serve answers clients until the listener is closed.
func (s *Server) Serve(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		s.mu.Lock()
		s.conns[c] = true
		s.wg.Add(1)
		s.mu.Unlock()
		go func() {
			defer s.wg.Done()
			s.serveConn(c)
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		}()
	}
}

// CloseConns ends every connection at once and waits until the last command is over. Close the listener first.
func (s *Server) CloseConns() {
	s.mu.Lock()
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// session is one connection.
type session struct {
	srv   *Server
	store *mailstore.Store
	log   *slog.Logger
	conn  net.Conn
	r     *bufio.Reader
	w     *bufio.Writer
	flush func() error

	masked   map[string]bool
	caps     []string
	user     *mailstore.User
	box      *selected
	notify   *notify
	rev2     bool // ENABLE IMAP4rev2
	qresync  bool // ENABLE QRESYNC
	condAll  bool // ENABLE CONDSTORE
	deflated bool
	failures int
}

func (s *Server) serveConn(conn net.Conn) {
	defer conn.Close()
	x := &session{srv: s, store: s.o.Store, log: s.o.Log.With("client", conn.RemoteAddr().String()), conn: conn,
		r: bufio.NewReaderSize(conn, 32<<10), w: bufio.NewWriterSize(conn, 32<<10)}
	x.flush = x.w.Flush
	s.mu.Lock()
	x.masked = s.masked
	s.mu.Unlock()
	for _, c := range Capabilities() {
		if !x.masked[strings.ToUpper(c)] {
			x.caps = append(x.caps, c)
		}
	}
	x.printf("* OK [CAPABILITY %s] the demo server is ready\r\n", x.capabilities())
	for x.one() {
	}
}

func (x *session) can(capability string) bool { return !x.masked[strings.ToUpper(capability)] }

func (x *session) capabilities() string {
	caps := slices.Clone(x.caps)
	if x.user == nil {
		caps = append(caps, "AUTH=PLAIN", "AUTH=LOGIN")
	}
	return strings.Join(caps, " ")
}

func (x *session) printf(format string, args ...any) { fmt.Fprintf(x.w, format, args...) }

// errNo is a refusal that the client hears as NO.
type errNo struct{ text string }

func (e *errNo) Error() string { return e.text }

func no(format string, args ...any) error { return &errNo{fmt.Sprintf(format, args...)} }

// errBye ends the connection with a reason.
var errBye = errors.New("bye")

// one reads and answers one command; false ends the connection.
func (x *session) one() bool {
	x.conn.SetDeadline(time.Now().Add(x.srv.o.Idle))
	if x.r.Buffered() == 0 {
		if x.flush() != nil || !x.await() {
			return false
		}
	}
	limit := int64(mailstore.MaxMessage + 1<<20)
	if x.user == nil {
		limit = 64 << 10
	}
	c, err := readCommand(x.r, limit, func() error {
		x.printf("+ go on\r\n")
		return x.flush()
	})
	if err != nil {
		if errors.Is(err, errTooMuch) {
			x.printf("* BYE [TOOBIG] %v\r\n", err)
			x.flush()
		}
		return false
	}
	tag, err := c.astring()
	if err == nil {
		err = c.space()
	}
	var name string
	if err == nil {
		name, err = c.word()
	}
	if err != nil {
		x.printf("* BAD %s\r\n", oneLine(err.Error()))
		return x.failed()
	}
	text, err := x.dispatch(tag, name, c)
	var syntax *errSyntax
	var refused *errNo
	switch {
	case err == nil:
		x.printf("%s OK %s\r\n", tag, text)
		if name == "LOGOUT" {
			x.flush()
			return false
		}
		return true
	case errors.Is(err, errAnswered):
		return true
	case errors.As(err, &syntax):
		x.printf("%s BAD %s\r\n", tag, oneLine(err.Error()))
		return x.failed()
	case errors.As(err, &refused):
		x.printf("%s NO %s\r\n", tag, oneLine(err.Error()))
		return true
	case errors.Is(err, mailstore.ErrNoMailbox):
		x.printf("%s NO [NONEXISTENT] %v\r\n", tag, err)
		return true
	case errors.Is(err, mailstore.ErrExists):
		x.printf("%s NO [ALREADYEXISTS] %v\r\n", tag, err)
		return true
	case errors.Is(err, mailstore.ErrHasChildren):
		x.printf("%s NO [HASCHILDREN] %v\r\n", tag, err)
		return true
	case errors.Is(err, mailstore.ErrLimit):
		x.printf("%s NO [LIMIT] %v\r\n", tag, err)
		return true
	case errors.Is(err, mailstore.ErrName), errors.Is(err, mailstore.ErrInbox):
		x.printf("%s NO [CANNOT] %v\r\n", tag, err)
		return true
	}
	if !errors.Is(err, io.EOF) {
		x.log.Debug("imap connection ended", "error", err)
	}
	x.flush()
	return false
}

// failed counts bad commands: a client that sends nothing else is sent away.
func (x *session) failed() bool {
	if x.failures++; x.failures < 50 {
		return true
	}
	x.printf("* BYE too many bad commands\r\n")
	x.flush()
	return false
}

func oneLine(s string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(s) }

// dispatch runs a command and returns the text after OK.
func (x *session) dispatch(tag, name string, c *command) (string, error) {
	if x.box != nil && !x.box.b.Is(x.box.validity) {
		x.printf("* BYE the mailbox is no more what it was\r\n")
		return "", errBye
	}
	switch name {
	case "CAPABILITY":
		x.printf("* CAPABILITY %s\r\n", x.capabilities())
		return "done", c.done()
	case "NOOP", "CHECK":
		return "done", x.update(c.done(), true)
	case "LOGOUT":
		x.printf("* BYE see you\r\n")
		return "done", nil
	case "ID":
		if x.can("ID") {
			x.printf("* ID (\"name\" \"Outpost demo server\")\r\n")
			return "done", nil
		}
	case "LOGIN", "AUTHENTICATE":
		if x.user != nil {
			return "", bad("signed in already")
		}
		if name == "LOGIN" {
			return x.login(c)
		}
		return x.authenticate(c)
	}
	if x.user == nil {
		return "", bad("%s: not known, or not before signing in", name)
	}
	uid := name == "UID"
	if uid {
		if err := c.space(); err != nil {
			return "", err
		}
		var err error
		if name, err = c.word(); err != nil {
			return "", err
		}
		if !slices.Contains([]string{"FETCH", "STORE", "SEARCH", "COPY", "MOVE", "EXPUNGE"}, name) {
			return "", bad("UID %s: not known", name)
		}
	}
	switch name {
	case "ENABLE":
		if x.can("ENABLE") {
			return x.enable(c)
		}
	case "COMPRESS":
		if x.can("COMPRESS=DEFLATE") {
			return x.compress(tag, c)
		}
	case "NAMESPACE":
		if x.can("NAMESPACE") {
			x.printf("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n")
			return "done", c.done()
		}
	case "LIST":
		return x.list(c)
	case "LSUB":
		return x.lsub(c)
	case "STATUS":
		return x.status(c)
	case "CREATE":
		return x.create(c)
	case "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE":
		return x.folderCommand(name, c)
	case "SELECT", "EXAMINE":
		return x.selectBox(c, name == "EXAMINE")
	case "APPEND":
		return x.append(c)
	case "MYRIGHTS", "GETACL", "SETACL", "DELETEACL", "LISTRIGHTS":
		if x.can("ACL") {
			return x.rightsCommand(name, c)
		}
	case "IDLE":
		if x.can("IDLE") {
			return x.idle(c)
		}
	case "NOTIFY":
		if x.can("NOTIFY") {
			return x.setNotify(c)
		}
	case "CLOSE", "UNSELECT", "EXPUNGE", "FETCH", "STORE", "SEARCH", "COPY", "MOVE":
		if name == "UNSELECT" && !x.can(name) || name == "MOVE" && !x.can(name) || uid && name == "EXPUNGE" && !x.can("UIDPLUS") {
			break
		}
		if x.box == nil {
			return "", bad("%s: no mailbox is selected", name)
		}
		return x.selectedCommand(name, uid, tag, c)
	}
	return "", bad("%s: not known", name)
}

// compress turns on RFC 4978.
func (x *session) compress(tag string, c *command) (string, error) {
	if err := c.space(); err != nil {
		return "", err
	}
	if how, err := c.word(); err != nil || how != "DEFLATE" {
		return "", bad("only DEFLATE is known")
	}
	if x.deflated {
		return "", no("[COMPRESSIONACTIVE] compressed already")
	}
	x.deflated = true
	x.printf("%s OK compression starts\r\n", tag)
	if err := x.flush(); err != nil {
		return "", err
	}
	x.r = bufio.NewReaderSize(flate.NewReader(x.r), 32<<10)
	under := bufio.NewWriterSize(x.conn, 32<<10)
	fw, err := flate.NewWriter(under, flate.DefaultCompression)
	if err != nil {
		return "", err
	}
	x.w = bufio.NewWriterSize(fw, 32<<10)
	x.flush = func() error {
		if x.w.Buffered() == 0 && under.Buffered() == 0 {
			return nil
		}
		if err := x.w.Flush(); err != nil {
			return err
		}
		if err := fw.Flush(); err != nil {
			return err
		}
		return under.Flush()
	}
	return "", errAnswered
}
