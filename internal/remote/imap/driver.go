// Package imap is the driver for mail: an IMAP client of our own (RFC 9051, RFC 3501) and on it a remote.Service. It
// uses CONDSTORE, QRESYNC, UIDPLUS, MOVE, SPECIAL-USE, LIST-STATUS, LITERAL+, COMPRESS, OBJECTID and ESEARCH where they
// are offered, and does without each of them where not. It may import groupware, remote and format.
//
// Read wire (the codec) for bytes, client.go for commands and answers, then one file for each thing a Service does:
// login.go, folders.go, changes.go, fetch.go, text.go, write.go, edit.go, watch.go.
package imap

import (
	"context"
	"crypto/tls"
	"strconv"
	"strings"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/imap/wire"
)

// Options change how a Driver works. The zero value is right for everything but tests.
type Options struct {
	// Mask names capabilities to do without although the server has them. "AUTH=..." and "LOGIN" mask ways to sign in.
	Mask []string
	// ForceCompress compresses to a server on this machine too.
	ForceCompress bool
	// MaxMessage is the longest message that is read, in bytes; 0 means 256 MiB.
	MaxMessage int64
	// Renew is how long Watch waits before it makes sure that the server is still there; 0 means 9 minutes. Servers end silent
	// connections after 30 (RFC 2177 3), some routers after 10.
	Renew time.Duration
	// Version is told to the server (RFC 2971); "" tells none.
	Version string
}

// Driver is one signed-in connection. It implements remote.Service and remote.Watcher.
type Driver struct {
	c    *client
	opts Options
	host string

	boxes    map[string]mailbox // by folder id, as last listed
	delim    string             // hierarchy delimiter at the top, "" when there are no levels
	personal []namespace
	others   []namespace
	readOnly map[string]bool // folders that SELECT said can only be read
}

var _ remote.Watcher = (*Driver)(nil)

// Connect connects and signs in.
func Connect(ctx context.Context, e remote.Endpoint, o Options) (drv *Driver, err error) {
	c := &client{
		timeout: e.Timeout,
		limits:  wire.Limits{Literal: o.MaxMessage},
		mask:    map[string]bool{},
		enabled: map[string]bool{},
		flags:   map[string]groupware.Flags{},
		hide:    secrets(e),
	}
	if c.timeout <= 0 {
		c.timeout = time.Minute
	}
	for _, m := range o.Mask {
		c.mask[strings.ToUpper(m)] = true
	}
	c.enc.NonSync = func(n int) bool {
		return c.has("LITERAL+") || n <= 4096 && c.has("LITERAL-") // RFC 7888 5
	}
	conn, host, sec, err := e.Connect(ctx, "imap", &c.traffic)
	if err != nil {
		return nil, err
	}
	c.raw = conn
	if tc, ok := conn.(*tls.Conn); ok {
		c.raw = tc.NetConn()
	}
	c.attach(conn)
	defer func() {
		if err != nil {
			c.abort()
		}
	}()
	defer c.guard(ctx, &err)()
	d := &Driver{c: c, opts: o, host: host, readOnly: map[string]bool{}}
	if err := d.signIn(ctx, e, sec); err != nil {
		return nil, err
	}
	return d, nil
}

// Name implements remote.Service.
func (d *Driver) Name() string { return "imap" }

// Traffic implements remote.Service. Bytes are counted as they are on the network: compressed and encrypted.
func (d *Driver) Traffic() (in, out int64) { return d.c.traffic.Bytes() }

// Close implements remote.Service. It says goodbye without waiting for the answer.
func (d *Driver) Close() error {
	c := d.c
	if c.dead != nil {
		return nil
	}
	if len(c.pending) == 0 {
		c.timeout = time.Second
		if c.end(c.begin("sign out", "LOGOUT")) == nil {
			_ = c.flush() // the server notices the end of the connection as well
		}
	}
	c.fail(&remote.Error{Kind: remote.Offline, Doing: "talk to the mail server", Text: "the connection was closed"})
	return nil
}

// itemID makes an item's id.
func itemID(uidValidity, uid uint32) string {
	b := make([]byte, 0, 21)
	b = strconv.AppendUint(b, uint64(uidValidity), 10)
	b = append(b, '.')
	return string(strconv.AppendUint(b, uint64(uid), 10))
}

// parseItemID is the opposite of itemID.
func parseItemID(id string) (uidValidity, uid uint32, ok bool) {
	v, u, ok := strings.Cut(id, ".")
	n, err1 := strconv.ParseUint(v, 10, 32)
	m, err2 := strconv.ParseUint(u, 10, 32)
	return uint32(n), uint32(m), ok && err1 == nil && err2 == nil && n > 0 && m > 0
}

// selection is the mailbox that is selected.
type selection struct {
	folder      string // id
	box         string
	readOnly    bool
	mailboxID   string
	uidValidity uint32
	uidNext     uint32 // 0 when the server did not tell
	exists      uint32
	modSeq      uint64 // 0 when the mailbox has no mod-sequences
	fresh       bool   // opened, or brought up to date, in this call
	permanent   *permanentFlags
	spelling    map[string]string // of keywords, by their lower case
}

// permanentFlags is what the mailbox can keep. RFC 9051 7.1 PERMANENTFLAGS
type permanentFlags struct {
	flags groupware.Flags
	any   bool // every keyword
}

// take takes a response code that tells about the mailbox.
func (s *selection) take(co code) {
	switch co.name {
	case "CLOSED": // RFC 7162 3.2.11: what came before was about the mailbox before
		*s = selection{folder: s.folder, box: s.box, spelling: map[string]string{}}
	case "UIDVALIDITY":
		s.uidValidity = uint32(min(co.number(), 1<<32-1))
	case "UIDNEXT":
		s.uidNext = uint32(min(co.number(), 1<<32-1))
	case "HIGHESTMODSEQ":
		s.modSeq = co.number()
	case "NOMODSEQ":
		s.modSeq = 0
	case "READ-ONLY":
		s.readOnly = true
	case "READ-WRITE":
		s.readOnly = false
	case "MAILBOXID":
		s.mailboxID = strings.Trim(co.arg, "()")
	case "PERMANENTFLAGS":
		list := strings.Trim(co.arg, "()")
		p := &permanentFlags{flags: parseFlags(list)}
		for _, w := range strings.Fields(list) {
			p.any = p.any || w == `\*`
		}
		s.permanent = p
	}
}

// spell remembers how the server writes its keywords.
func (s *selection) spell(list wire.Value) {
	for _, v := range list.List {
		if len(s.spelling) < 1000 {
			s.spelling[strings.ToLower(v.Str)] = v.Str
		}
	}
}

// selectCommand sends a SELECT for box; done takes its outcome. Until then c.sel collects what the server tells.
func (d *Driver) selectCommand(m mailbox) (*command, error) {
	c := d.c
	cmd := c.begin("open "+m.path, "SELECT ")
	c.enc.String(m.wire)
	if c.has("CONDSTORE") && !c.enabled["CONDSTORE"] && !c.enabled["QRESYNC"] {
		c.enc.Raw(" (CONDSTORE)")
	}
	c.sel = &selection{folder: m.id, box: m.wire, spelling: map[string]string{}}
	return cmd, c.end(cmd)
}

// selected checks the outcome of selectCommand.
func (d *Driver) selected(cmd *command, m mailbox) error {
	c := d.c
	if !cmd.ok() {
		c.sel = nil
		return cmd.error()
	}
	c.sel.take(cmd.code)
	c.sel.fresh = true
	d.readOnly[m.id] = c.sel.readOnly
	if !c.has("CONDSTORE") {
		c.sel.modSeq = 0
	}
	if c.sel.uidValidity == 0 {
		c.sel = nil
		// Seen with Dovecot and a folder made by hand: its numbers would name other messages next time.
		return &remote.Error{Kind: remote.Other, Doing: cmd.doing, Text: "the server gives the folder " + m.path + " no valid UIDVALIDITY, so its messages cannot be told apart"}
	}
	return nil
}

// open selects a folder. With fresh it does so even when the folder is selected already, so that numbers are current.
func (d *Driver) open(folder string, fresh bool) (*selection, error) {
	c := d.c
	if c.dead != nil {
		return nil, c.dead
	}
	if !fresh && c.sel != nil && c.sel.folder == folder {
		return c.sel, d.current(c.sel)
	}
	for again := true; ; again = false {
		m, err := d.mailbox(folder)
		if err != nil {
			return nil, err
		}
		cmd, err := d.selectCommand(m)
		if err == nil {
			err = c.wait()
		}
		if err != nil {
			return nil, err
		}
		err = d.selected(cmd, m)
		if err == nil && (c.sel.mailboxID == "" || !m.objectID || c.sel.mailboxID == m.id) {
			return c.sel, nil
		}
		// The name may by now be another folder's: look once where ours went.
		if !m.objectID || !again || err != nil && remote.KindOf(err) != remote.NotFound {
			if err == nil {
				err = notFound(cmd.doing)
			}
			c.sel = nil
			return nil, err
		}
		d.boxes = nil
	}
}

func notFound(doing string) error {
	return &remote.Error{Kind: remote.NotFound, Doing: doing, Text: "the folder is not on the server (any more)"}
}

// uids picks the UIDs of ids that belong to the selected mailbox. Others are gone: their UIDVALIDITY is over.
func (s *selection) uids(ids []string) []uint32 {
	out := make([]uint32, 0, len(ids))
	for _, id := range ids {
		if v, u, ok := parseItemID(id); ok && v == s.uidValidity {
			out = append(out, u)
		}
	}
	return out
}

// current lets the server tell of what came and went since the folder was opened, if that was in an earlier call: before
// that a session does not know new messages, and still has those that are gone. It waits for the answer, as Dovecot does
// nothing about a NOOP behind which other commands have arrived.
func (d *Driver) current(s *selection) error {
	if s.fresh {
		return nil
	}
	s.fresh = true
	_, err := d.c.simple("look for news in "+d.path(s), "NOOP")
	return err
}
