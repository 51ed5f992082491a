package remote

import (
	"errors"
	"fmt"
	"time"
)

// ErrorKind says what a caller can do about an error.
type ErrorKind int

const (
	Other        ErrorKind = iota // the server said no for a reason of its own (Text)
	Offline                       // no connection, time-out, connection lost: try again later
	Auth                          // user name or password refused
	Certificate                   // TLS certificate not trusted
	NotFound                      // folder or item is not there
	Exists                        // something of that name is already there
	Precondition                  // it changed meanwhile: observe again
	Forbidden                     // no right to do it, or read-only
	Invalid                       // the server refuses this content
	TooLarge                      // over the server's limit for one item
	OverQuota                     // no room left at the server
	Unavailable                   // the server asks to come back later (After)
	Protocol                      // the server said something that its protocol does not allow
)

var kindNames = [...]string{"refused", "offline", "sign-in refused", "certificate not trusted", "not found", "exists already",
	"changed meanwhile", "not allowed", "content refused", "too large", "over quota", "unavailable", "protocol error"}

func (k ErrorKind) String() string { return kindNames[k] }

// Error is what a server or the network answered. Its message names the service, what was being done, and the
// server's own words, and never holds a secret.
type Error struct {
	Kind  ErrorKind
	Doing string        // "append to Drafts"
	Text  string        // the server's own words, or what the network said
	After time.Duration // Unavailable: when to come back; 0 when not told
	Sent  bool          // Submitter: the message may have been accepted
	// Fingerprint is the SHA-256 (lower-case hex) of the certificate that was not trusted, Subject its subject.
	Fingerprint string
	Subject     string
	Err         error // cause, may be nil
}

func (e *Error) Error() string {
	s := e.Doing + ": " + e.Kind.String()
	if e.Text != "" {
		s += ": " + e.Text
	}
	if e.Kind == Certificate && e.Fingerprint != "" {
		s += fmt.Sprintf(" (certificate of %s, SHA-256 %s)", e.Subject, e.Fingerprint)
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the *Error in err's chain, Other when there is none.
func KindOf(err error) ErrorKind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Other
}

// IsRetryable reports whether the same request may succeed later without anybody doing anything.
func IsRetryable(err error) bool {
	switch KindOf(err) {
	case Offline, Unavailable:
		return true
	}
	return false
}
