package imap

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"

	"outpost/internal/remote"
)

// secrets lists what must not be in any message: a server may repeat what it was sent.
func secrets(e remote.Endpoint) []string {
	if e.Password == "" {
		return nil
	}
	return []string{e.Password, base64.StdEncoding.EncodeToString([]byte(plain(e)))}
}

// plain is the message of SASL PLAIN. RFC 4616 2
func plain(e remote.Endpoint) string { return "\x00" + e.User + "\x00" + e.Password }

// setCapabilities takes a capability list, without those that are masked.
func (c *client) setCapabilities(list string) {
	c.caps, c.told = map[string]bool{}, true
	c.limit = 0
	for _, w := range strings.Fields(strings.ToUpper(list)) {
		if n, ok := strings.CutPrefix(w, "APPENDLIMIT="); ok { // RFC 7889 2
			w = "APPENDLIMIT"
			if v, err := strconv.ParseInt(n, 10, 64); err == nil && !c.mask[w] {
				c.limit = v
			}
		}
		if !c.mask[w] {
			c.caps[w] = true
		}
	}
}

// has reports whether the server has a capability, by its name or as a part of IMAP4rev2. RFC 9051 appendix E
func (c *client) has(name string) bool {
	if c.mask[name] {
		return false
	}
	switch name {
	case "QRESYNC":
		return c.caps["QRESYNC"] && !c.mask["CONDSTORE"] && c.enabled["QRESYNC"]
	case "CONDSTORE":
		if c.caps["QRESYNC"] {
			return true // RFC 7162 3.2: one implies the other
		}
	case "LITERAL-":
		return c.caps[name] || c.caps["IMAP4REV2"]
	case "ENABLE", "SASL-IR":
		return c.caps[name] || c.caps["IMAP4REV2"]
	case "NAMESPACE", "UNSELECT", "UIDPLUS", "ESEARCH", "LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE", "MOVE":
		return c.caps[name] || c.enabled["IMAP4REV2"]
	}
	return c.caps[name]
}

// signIn greets, protects the connection, signs in, and agrees on extensions.
func (d *Driver) signIn(ctx context.Context, e remote.Endpoint, sec remote.Security) error {
	c := d.c
	greeting := c.greet()
	if c.dead != nil {
		return c.dead
	}
	if greeting == "PREAUTH" && sec == remote.StartTLS {
		// RFC 9051 7.1.4: STARTTLS is not possible any more, which is also what an attacker would like.
		return c.fail(&remote.Error{Kind: remote.Protocol, Doing: "protect the connection with STARTTLS",
			Text: "the server says that we are signed in already, before the connection is protected"})
	}
	if sec == remote.StartTLS {
		if err := c.startTLS(ctx, e.TLSConfig(d.host)); err != nil {
			return err
		}
	}
	if greeting != "PREAUTH" {
		if err := c.needCapabilities(); err != nil {
			return err
		}
		if err := c.authenticate(e, sec == remote.Plaintext && !remote.IsLoopback(d.host)); err != nil {
			return err
		}
	}
	if err := c.needCapabilities(); err != nil {
		return err
	}
	return d.agree()
}

const connecting = "connect to the mail server"

// greet reads the greeting. RFC 9051 7.1.5
func (c *client) greet() string {
	d := c.dec
	d.Begin()
	if d.Peek() != '*' && d.Err() == nil {
		e := &remote.Error{Kind: remote.Protocol, Doing: connecting}
		line := d.Text(200)
		if e.Text = "the server's greeting makes no sense: " + c.clean(line); remote.IsWebPage(line) {
			e.Kind, e.Text = remote.Offline, remote.WebPage
		}
		c.fail(e)
		return ""
	}
	d.Expect('*')
	d.Expect(' ')
	word := strings.ToUpper(string(d.Atom()))
	if d.Err() != nil {
		c.lost(d.Err())
		return ""
	}
	co, text := c.responseText()
	switch word {
	case "OK", "PREAUTH":
		if co.name == "CAPABILITY" {
			c.setCapabilities(co.arg)
		}
	case "BYE":
		c.fail(&remote.Error{Kind: remote.Unavailable, Doing: connecting, Text: text, After: backOff(text)})
	default:
		c.fail(&remote.Error{Kind: remote.Protocol, Doing: connecting, Text: "it does not greet like an IMAP server"})
	}
	if d.Err() != nil {
		c.lost(d.Err())
	}
	return word
}

func (c *client) needCapabilities() error {
	if c.caps != nil {
		return nil
	}
	cmd, err := c.simple("ask what the server can do", "CAPABILITY")
	if err != nil {
		return err
	}
	if c.caps == nil {
		if err := cmd.error(); err != nil {
			return err
		}
		c.caps = map[string]bool{}
	}
	return nil
}

const signingIn = "sign in"

// authenticate signs in. exposed means that others can listen: then a mechanism that does not show the password goes first.
func (c *client) authenticate(e remote.Endpoint, exposed bool) error {
	var mechanisms []string
	if c.has("AUTH=PLAIN") {
		mechanisms = append(mechanisms, "PLAIN")
	}
	if !c.caps["LOGINDISABLED"] && !c.mask["LOGIN"] {
		mechanisms = append(mechanisms, "LOGIN")
	}
	var scrams []string
	for _, m := range []string{"SCRAM-SHA-256", "SCRAM-SHA-1"} {
		if c.has("AUTH=" + m) {
			scrams = append(scrams, m)
		}
	}
	if exposed {
		mechanisms = append(scrams, mechanisms...)
	} else {
		mechanisms = append(mechanisms, scrams...)
	}
	if len(mechanisms) == 0 {
		return c.fail(&remote.Error{Kind: remote.Auth, Doing: signingIn, Text: "the server offers no way to sign in with a user name and a password on this connection"})
	}
	initial := c.has("SASL-IR")
	c.told = false // capabilities may change; the answer may bring the new ones
	var cmd *command
	var err error
	switch m := mechanisms[0]; m {
	case "LOGIN":
		cmd = c.begin(signingIn, "LOGIN ")
		c.enc.String(e.User).Raw(" ").String(e.Password)
		if err = c.end(cmd); err == nil {
			err = c.wait()
		}
	case "PLAIN":
		cmd, err = c.sasl(m, initial, []byte(plain(e)), nil)
	default:
		s := &scram{user: e.User, password: e.Password, sha1: m == "SCRAM-SHA-1"}
		cmd, err = c.sasl(m, initial, s.first(), s)
		if err == nil && cmd.ok() && !s.verified {
			err = c.fail(&remote.Error{Kind: remote.Auth, Doing: signingIn, Text: "the server did not prove that it knows the password: it may not be the server that it says it is"})
		}
	}
	if err != nil {
		return err
	}
	if cmd.ok() {
		if !c.told {
			c.caps = nil
		}
		return nil
	}
	re := cmd.error().(*remote.Error)
	if re.Kind == remote.Other && cmd.word == "NO" {
		re.Kind = remote.Auth
	}
	return c.fail(re)
}

// sasl runs an AUTHENTICATE command; s answers challenges after the first response. RFC 9051 6.2.2, RFC 4959
func (c *client) sasl(mechanism string, initial bool, first []byte, s *scram) (*command, error) {
	cmd := c.begin(signingIn, "AUTHENTICATE "+mechanism)
	if initial {
		c.enc.Raw(" " + base64.StdEncoding.EncodeToString(first))
	}
	if err := c.end(cmd); err != nil {
		return nil, err
	}
	for sent := initial; ; sent = true {
		if err := c.await(cmd); err != nil {
			return nil, err
		}
		if cmd.done {
			return cmd, c.wait()
		}
		answer := first
		if sent {
			answer = nil
			challenge, err := base64.StdEncoding.DecodeString(c.more)
			if s != nil && err == nil {
				answer, err = s.next(challenge)
			}
			if s == nil || err != nil {
				c.line("*") // give up, RFC 9051 6.2.2
				if err != nil {
					return nil, c.fail(&remote.Error{Kind: remote.Auth, Doing: signingIn, Text: err.Error()})
				}
				continue
			}
		}
		if err := c.line(base64.StdEncoding.EncodeToString(answer)); err != nil {
			return nil, err
		}
	}
}

func (c *client) line(s string) error {
	c.dirty = true
	if _, err := c.out.WriteString(s + "\r\n"); err != nil {
		return c.lost(err)
	}
	return c.flush()
}

// agree turns on what we use, asks for the namespaces and starts compression, in one round trip.
func (d *Driver) agree() error {
	c := d.c
	h := &handler{namespace: d.setNamespaces}
	defer c.with(h)()
	if c.has("ENABLE") {
		want := ""
		if c.caps["QRESYNC"] && !c.mask["CONDSTORE"] {
			want += " QRESYNC"
		} else if c.has("CONDSTORE") {
			want += " CONDSTORE"
		}
		if c.caps["IMAP4REV2"] {
			want += " IMAP4REV2"
		} else if c.caps["UTF8=ACCEPT"] || c.caps["UTF8=ONLY"] {
			want += " UTF8=ACCEPT"
		}
		if want != "" {
			if err := c.end(c.begin("agree on extensions", "ENABLE"+want)); err != nil {
				return err
			}
		}
	}
	if c.has("ID") {
		cmd := c.begin("introduce ourselves", `ID ("name" "Outpost"`)
		if d.opts.Version != "" {
			c.enc.Raw(` "version" `).String(d.opts.Version)
		}
		c.enc.Raw(")")
		if err := c.end(cmd); err != nil {
			return err
		}
	}
	if c.has("NAMESPACE") || c.caps["IMAP4REV2"] {
		if err := c.end(c.begin("ask for the namespaces", "NAMESPACE")); err != nil {
			return err
		}
	}
	var deflate *command
	if c.has("COMPRESS=DEFLATE") && (d.opts.ForceCompress || !remote.IsLoopback(d.host)) {
		deflate = c.begin("compress the connection", "COMPRESS DEFLATE")
		if err := c.end(deflate); err != nil {
			return err
		}
	}
	if err := c.wait(); err != nil {
		return err
	}
	c.enc.UTF8 = c.utf8()
	if deflate != nil && deflate.ok() {
		return c.startDeflate()
	}
	return nil
}

// utf8 reports whether mailbox names are UTF-8 instead of modified UTF-7. RFC 9051 appendix E 20, RFC 6855 3
func (c *client) utf8() bool {
	return c.enabled["IMAP4REV2"] || c.enabled["UTF8=ACCEPT"] || c.caps["IMAP4REV2"] && !c.caps["IMAP4REV1"]
}
