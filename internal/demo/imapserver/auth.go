package imapserver

import (
	"encoding/base64"
	"errors"
	"strings"
)

// errAnswered says that a command has written its own tagged answer.
var errAnswered = errors.New("answered")

func (x *session) signIn(user, password string) (string, error) {
	if x.user = x.store.SignIn(user, password); x.user == nil {
		x.failures += 10
		return "", no("[AUTHENTICATIONFAILED] the user name or the password is not right")
	}
	x.log.Debug("imap sign-in", "user", user)
	return "[CAPABILITY " + x.capabilities() + "] welcome", nil
}

func (x *session) login(c *command) (string, error) {
	user, password, err := c.twoStrings()
	if err != nil {
		return "", err
	}
	return x.signIn(user, password)
}

func (c *command) twoStrings() (a, b string, err error) {
	if err = c.space(); err == nil {
		a, err = c.astring()
	}
	if err == nil {
		err = c.space()
	}
	if err == nil {
		b, err = c.astring()
	}
	if err == nil {
		err = c.done()
	}
	return a, b, err
}

// authenticate does PLAIN and LOGIN (RFC 9051 6.2.2, RFC 4959).
func (x *session) authenticate(c *command) (string, error) {
	if err := c.space(); err != nil {
		return "", err
	}
	mechanism, err := c.word()
	if err != nil {
		return "", err
	}
	answer := func(challenge string) (string, error) {
		if c.take(' ') && x.can("SASL-IR") {
			b, err := decode64(string(c.rest()))
			c.pos = len(c.text)
			return b, err
		}
		x.printf("+ %s\r\n", base64.StdEncoding.EncodeToString([]byte(challenge)))
		if err := x.flush(); err != nil {
			return "", err
		}
		line, err := readLine(x.r, 16<<10)
		if err != nil {
			return "", err
		}
		if string(line) == "*" {
			return "", bad("cancelled")
		}
		return decode64(string(line))
	}
	switch mechanism {
	case "PLAIN":
		s, err := answer("")
		if err != nil {
			return "", err
		}
		parts := strings.Split(s, "\x00")
		if len(parts) != 3 {
			return "", bad("PLAIN has three parts")
		}
		return x.signIn(parts[1], parts[2])
	case "LOGIN":
		user, err := answer("Username:")
		if err != nil {
			return "", err
		}
		password, err := answer("Password:")
		if err != nil {
			return "", err
		}
		return x.signIn(user, password)
	}
	return "", no("[CANNOT] %s is not offered", mechanism)
}

func decode64(s string) (string, error) {
	if s == "=" {
		return "", nil
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", bad("not base64")
	}
	return string(b), nil
}

// enable is RFC 5161.
func (x *session) enable(c *command) (string, error) {
	enabled := ""
	for c.take(' ') {
		name, err := c.word()
		if err != nil {
			return "", err
		}
		if !x.can(name) {
			continue
		}
		switch name {
		case "CONDSTORE":
			x.condAll = true
		case "QRESYNC":
			x.condAll, x.qresync = true, true
		case "IMAP4REV2":
			x.rev2, name = true, "IMAP4rev2"
		default:
			continue
		}
		enabled += " " + name
	}
	x.printf("* ENABLED%s\r\n", enabled)
	return "done", c.done()
}
