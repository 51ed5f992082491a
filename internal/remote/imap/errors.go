package imap

import (
	"strings"

	"outpost/internal/remote"
)

// kindOfCode maps response codes to what a caller can do. RFC 5530 3, RFC 9051 7.1, RFC 7889 3
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

// error returns what the server answered to a command as an error, nil when it did as it was told.
func (c *command) error() error {
	if c.ok() {
		return nil
	}
	kind := kindOfCode(c.code.name)
	if kind == remote.Other && c.word == "NO" {
		kind = kindOfText(c.text)
	}
	return &remote.Error{Kind: kind, Doing: c.doing, Text: c.text}
}
