package imap

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/imap/wire"
)

// client is one connection: commands go out in order, as many at once as the caller likes, and responses are read
// in order by the same goroutine. It holds what the server said about itself and about the selected mailbox.
type client struct {
	conn    net.Conn // with TLS where there is TLS
	raw     net.Conn // the network itself; never changes, so that abort may use it from any goroutine
	timeout time.Duration
	until   time.Time // while waiting for news: when reading gives up; zero: timeout after it began
	traffic remote.Traffic
	limits  wire.Limits

	dec  *wire.Decoder
	out  *bufio.Writer
	zip  *flate.Writer // nil without compression
	enc  wire.Encoder
	tags int
	dead error // why the connection cannot be used any more

	dirty bool // something was written that is not flushed

	pending  []*command
	finished []*command
	more     string // text of the last continuation request
	bye      *code
	byeText  string

	mask    map[string]bool
	caps    map[string]bool // nil when not known
	told    bool            // the server told its capabilities without being asked
	enabled map[string]bool
	limit   int64    // APPENDLIMIT, 0 none
	hide    []string // what must not be in any message

	sel     *selection // nil when no mailbox is selected
	h       *handler
	fetched fetchData
	flags   map[string]groupware.Flags // flag lists as written by the server
}

// handler takes what the commands in progress are answered with. A callback that is nil is not interested.
type handler struct {
	fetch     func(*fetchData) error
	vanished  func(wire.Range) error
	search    func(wire.Range)
	list      func(listed)
	status    func(box string, s status)
	namespace func(personal, others, shared wire.Value)
	rights    func(box, rights string)
	news      func() // something in the selected mailbox is different
	code      func(code)

	err error // what a callback returned; from then on everything is passed over
}

// command is one that was sent.
type command struct {
	tag   string
	doing string
	verb  string // "UID STORE"
	done  bool
	word  string // OK, NO or BAD
	code  code
	text  string
}

func (c *command) ok() bool { return c.word == "OK" }

// timedConn bounds every single wait for the network.
type timedConn struct {
	net.Conn
	c *client
}

func (t timedConn) Read(p []byte) (int, error) {
	until := t.c.until
	if until.IsZero() {
		until = time.Now().Add(t.c.timeout)
	}
	if err := t.SetReadDeadline(until); err != nil {
		return 0, err
	}
	return t.Conn.Read(p)
}

func (t timedConn) Write(p []byte) (int, error) {
	if err := t.SetWriteDeadline(time.Now().Add(t.c.timeout)); err != nil {
		return 0, err
	}
	return t.Conn.Write(p)
}

// attach puts the codec on a connection.
func (c *client) attach(conn net.Conn) {
	c.conn = conn
	t := timedConn{conn, c}
	c.out = bufio.NewWriterSize(t, 32<<10)
	if c.dec == nil {
		c.dec = wire.NewDecoder(t, c.limits)
		return
	}
	c.dec.Reset(t)
}

// startTLS goes on with TLS. RFC 9051 6.2.1: what was received before it must not be used.
func (c *client) startTLS(ctx context.Context, cfg *tls.Config) error {
	const doing = "protect the connection with STARTTLS"
	cmd, err := c.simple(doing, "STARTTLS")
	if err != nil {
		return err
	}
	if !cmd.ok() {
		return cmd.error()
	}
	if c.dec.Buffered() > 0 {
		return c.fail(&remote.Error{Kind: remote.Protocol, Doing: doing, Text: "the server sent unprotected data behind its answer: somebody may be tampering with the connection"})
	}
	tc := tls.Client(c.conn, cfg)
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if err := tc.HandshakeContext(ctx); err != nil {
		return c.fail(remote.NetworkError(doing, err))
	}
	c.attach(tc)
	c.caps = nil
	return nil
}

// startDeflate goes on with compression, once the server has agreed. RFC 4978 3
func (c *client) startDeflate() error {
	t := timedConn{c.conn, c}
	zip, err := flate.NewWriter(t, flate.DefaultCompression)
	if err != nil {
		return c.fail(err)
	}
	c.zip = zip
	c.out = bufio.NewWriterSize(zip, 32<<10)
	var src io.Reader = t
	if left := c.dec.Reset(nil); len(left) > 0 {
		src = io.MultiReader(bytes.NewReader(left), t)
	}
	c.dec.Reset(flate.NewReader(bufio.NewReaderSize(src, 64<<10)))
	return nil
}

// abort makes every wait on the connection end now. It may be called from any goroutine.
func (c *client) abort() { c.raw.Close() } // without a farewell of TLS, which could block

// fail gives the connection up and remembers why.
func (c *client) fail(err error) error {
	if c.dead == nil {
		c.dead = err
		c.abort()
	}
	return c.dead
}

// lost gives the connection up for what the decoder or the network said.
func (c *client) lost(err error) error {
	if c.dead != nil {
		return c.dead
	}
	doing := "talk to the mail server"
	if len(c.pending) > 0 {
		doing = c.pending[0].doing
	}
	if _, ok := errors.AsType[*wire.SyntaxError](err); ok {
		return c.fail(&remote.Error{Kind: remote.Protocol, Doing: doing, Text: "the server's answer makes no sense: " + err.Error(), Err: err})
	}
	if c.bye != nil {
		kind := kindOfCode(c.bye.name)
		switch {
		case kind == remote.Auth || kind == remote.Unavailable:
		case isBusy(c.byeText), kind == remote.OverQuota:
			kind = remote.Unavailable
		default:
			kind = remote.Offline
		}
		return c.fail(&remote.Error{Kind: kind, Doing: doing, Text: c.byeText, After: backOff(c.byeText), Err: err})
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return c.fail(&remote.Error{Kind: remote.Offline, Doing: doing, Text: "the server closed the connection", Err: err})
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return c.fail(&remote.Error{Kind: remote.Offline, Doing: doing, Text: "the server did not answer within " + c.timeout.String(), Err: err})
	}
	return c.fail(remote.NetworkError(doing, err))
}

// guard makes the connection end with ctx. The function that it returns ends that and turns *err into ctx's error
// where that was the cause.
func (c *client) guard(ctx context.Context, err *error) func() {
	interrupted := func() *remote.Error {
		return &remote.Error{Kind: remote.Offline, Doing: "talk to the mail server", Text: "interrupted", Err: ctx.Err()}
	}
	if ctx.Err() != nil {
		c.fail(interrupted())
	}
	stop := context.AfterFunc(ctx, c.abort)
	return func() {
		if c.sel != nil {
			c.sel.fresh = false
		}
		if !stop() {
			c.fail(interrupted())
			if *err != nil {
				*err = ctx.Err()
			}
		}
	}
}

// with makes h take the answers until the function that it returns is called.
func (c *client) with(h *handler) func() {
	before := c.h
	c.h = h
	return func() { c.h = before }
}

// begin starts a command in c.enc; end sends it.
func (c *client) begin(doing, verb string) *command {
	c.tags++
	cmd := &command{tag: "A" + strconv.Itoa(c.tags), doing: doing, verb: strings.TrimSpace(verb)}
	c.enc.Raw(cmd.tag).Raw(" ").Raw(verb)
	return cmd
}

// end sends the command that begin started. It waits only where a literal must be asked for; a command that the
// server refuses at that point is already done.
func (c *client) end(cmd *command) error {
	c.enc.End()
	segs := c.enc.Segments()
	if c.dead != nil {
		return c.dead
	}
	c.pending = append(c.pending, cmd)
	for _, s := range segs {
		if s.Wait {
			if err := c.await(cmd); err != nil {
				return err
			}
			if cmd.done {
				return nil
			}
		}
		c.dirty = true
		if _, err := c.out.Write(s.Data); err != nil {
			return c.lost(err)
		}
	}
	return nil
}

// await waits until the server asks for more of cmd, or completes it.
func (c *client) await(cmd *command) error {
	if err := c.flush(); err != nil {
		return err
	}
	for {
		done, more, err := c.step()
		if err != nil || more || cmd.done && done == cmd {
			return err
		}
	}
}

func (c *client) flush() error {
	if c.dead != nil {
		return c.dead
	}
	if !c.dirty {
		return nil
	}
	c.dirty = false
	if err := c.out.Flush(); err != nil {
		return c.lost(err)
	}
	if c.zip != nil {
		if err := c.zip.Flush(); err != nil {
			return c.lost(err)
		}
	}
	return nil
}

// next returns the next command that the server completes, in the order of completion.
func (c *client) next() (*command, error) {
	for len(c.finished) == 0 {
		if err := c.flush(); err != nil {
			return nil, err
		}
		if len(c.pending) == 0 {
			return nil, errors.New("imap: no command is in progress")
		}
		if _, _, err := c.step(); err != nil {
			return nil, err
		}
	}
	cmd := c.finished[0]
	c.finished = c.finished[1:]
	return cmd, nil
}

// wait reads until every command in progress is complete.
func (c *client) wait() error {
	for len(c.pending)+len(c.finished) > 0 {
		if _, err := c.next(); err != nil {
			return err
		}
	}
	return nil
}

// simple sends a command without arguments and waits for it.
func (c *client) simple(doing, verb string) (*command, error) {
	cmd := c.begin(doing, verb)
	if err := c.end(cmd); err != nil {
		return nil, err
	}
	return cmd, c.wait()
}

// step reads one response. done is the command that it completes; more is whether it asks for more of a command.
func (c *client) step() (done *command, more bool, err error) {
	if c.dead != nil {
		return nil, false, c.dead
	}
	d := c.dec
	d.Begin()
	switch d.Peek() {
	case '*':
		d.Accept('*')
		d.Expect(' ')
		c.untagged()
	case '+':
		d.Accept('+')
		d.AcceptSpace()
		c.more = d.Text(16 << 10)
		d.Accept('\n')
		more = true
	default:
		done = c.tagged()
	}
	if err := d.Err(); err != nil {
		return nil, false, c.lost(err)
	}
	if c.bye != nil {
		return nil, false, c.lost(io.EOF)
	}
	return done, more, nil
}

func (c *client) tagged() *command {
	tag := string(c.dec.Atom())
	c.dec.Expect(' ')
	if c.dec.Err() != nil {
		return nil
	}
	i := slices.IndexFunc(c.pending, func(cmd *command) bool { return cmd.tag == tag })
	if i < 0 {
		c.dec.SkipLine() // a completion of nothing: not ours
		return nil
	}
	cmd := c.pending[i]
	cmd.word = strings.ToUpper(string(c.dec.Atom()))
	cmd.code, cmd.text = c.responseText()
	if c.dec.Err() != nil {
		return nil
	}
	cmd.done = true
	c.pending = slices.Delete(c.pending, i, i+1)
	c.finished = append(c.finished, cmd)
	if c.h != nil && c.h.code != nil && cmd.code.name != "" {
		c.h.code(cmd.code)
	}
	if cmd.code.name == "CAPABILITY" {
		c.setCapabilities(cmd.code.arg)
	}
	return cmd
}

// clean makes the server's words fit for a person: no secrets, no control characters, bounded.
func (c *client) clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	for _, secret := range c.hide {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "") + "…"
	}
	return strings.TrimSpace(s)
}
