package imap

import (
	"strconv"
	"strings"
	"time"

	"outpost/internal/remote"
)

// kindOfCode maps response codes to what a caller can do. RFC 5530 3, RFC 9051 7.1, RFC 9208 4.3, RFC 7889 3
func kindOfCode(name string) remote.ErrorKind {
	switch name {
	case "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "CONTACTADMIN":
		return remote.Auth
	case "UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG":
		return remote.Unavailable
	case "NOPERM", "READ-ONLY":
		return remote.Forbidden
	case "NONEXISTENT", "TRYCREATE":
		return remote.NotFound
	case "ALREADYEXISTS":
		return remote.Exists
	case "OVERQUOTA":
		return remote.OverQuota
	case "TOOBIG":
		return remote.TooLarge
	case "CANNOT", "BADCHARSET", "PARSE", "UNKNOWN-CTE", "USEATTR", "HASCHILDREN":
		return remote.Invalid
	}
	return remote.Other
}

// kindOfText recognises the words of servers that send no response code: Cyrus (imap/imap_err.et) and Dovecot.
func kindOfText(text string) remote.ErrorKind {
	text = strings.ToLower(text)
	if isBusy(text) {
		return remote.Unavailable
	}
	for _, known := range []struct {
		words string
		kind  remote.ErrorKind
	}{
		{"permission denied", remote.Forbidden},
		{"over quota", remote.OverQuota},
		{"quota exceeded", remote.OverQuota},
		{"does not exist", remote.NotFound},
		{"doesn't exist", remote.NotFound},
		{"already exists", remote.Exists},
		{"message contains", remote.Invalid},
		{"message too large", remote.TooLarge},
		{"message size exceeds", remote.TooLarge},
		{"read-only", remote.Forbidden},
	} {
		if strings.Contains(text, known.words) {
			return known.kind
		}
	}
	return remote.Other
}

// isBusy recognises the words of servers that ask for patience: Exchange Online, Gmail, Yahoo, Cyrus, Dovecot.
func isBusy(text string) bool {
	text = strings.ToLower(text)
	for _, words := range []string{"try again", "later", "for now", "too many simultaneous", "too many connections", "number of connections", "too many requests",
		"rate limit", "throttled", "temporarily", "temporary", "bandwidth limit", "authenticated but not connected", "server busy", "server unavailable"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// backOff finds how long Exchange Online wants to be left alone: "Request is throttled. Suggested Backoff Time: 299923 milliseconds".
func backOff(text string) time.Duration {
	_, rest, ok := strings.Cut(text, "Suggested Backoff Time: ")
	n, unit, _ := strings.Cut(rest, " ")
	ms, err := strconv.ParseInt(n, 10, 32)
	if !ok || err != nil || ms < 0 || !strings.HasPrefix(unit, "milliseconds") {
		return 0
	}
	return min(time.Duration(ms)*time.Millisecond, time.Hour)
}

// stores reports whether a command puts something at the server, so that a limit may be about what it puts.
func (c *command) stores() bool {
	switch strings.TrimPrefix(c.verb, "UID ") {
	case "APPEND", "COPY", "MOVE", "STORE", "CREATE", "RENAME":
		return true
	}
	return false
}

// error returns what the server answered to a command as an error, nil when it did as it was told.
func (c *command) error() error {
	if c.ok() {
		return nil
	}
	kind := kindOfCode(c.code.name)
	switch {
	case c.code.name == "LIMIT" && c.stores() && !isBusy(c.text):
		kind = remote.Other // too many flags, or folders: waiting does not help. RFC 5530 3
	case c.code.name == "OVERQUOTA" && !c.stores():
		kind = remote.Unavailable // Gmail: of commands or bytes, for a while
	case c.code.name == "CONTACTADMIN" && c.doing != signingIn:
		kind = remote.Other
	case kind == remote.Other && (c.word == "NO" || isBusy(c.text)):
		kind = kindOfText(c.text)
	}
	e := &remote.Error{Kind: kind, Doing: c.doing, Text: c.text}
	if kind == remote.Unavailable {
		e.After = backOff(c.text)
	}
	return e
}
