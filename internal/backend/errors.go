package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"outpost/internal/remote"
	"outpost/internal/store"
)

// Code tells a program what kind of trouble an Error is. Codes are part of the JSON API.
type Code string

const (
	CodeUsage       Code = "usage"       // the request itself makes no sense, whatever the mailbox holds
	CodeNotFound    Code = "not-found"   // no such account, folder or item
	CodeExists      Code = "exists"      // something of that name is already there
	CodeReadOnly    Code = "read-only"   // the server lets us only read it
	CodeRefused     Code = "refused"     // not possible with this folder or item
	CodeInvalid     Code = "invalid"     // malformed message, iCalendar or vCard
	CodeOffline     Code = "offline"     // the server cannot be reached, or the person works offline
	CodeSignIn      Code = "sign-in"     // user name or password refused
	CodeCertificate Code = "certificate" // TLS certificate not trusted
	CodeServer      Code = "server"      // the server said no for a reason of its own
	CodeLocked      Code = "locked"      // another program has the data folder
	CodeDataFolder  Code = "data-folder" // the data folder cannot be used as it is
	CodePolicy      Code = "policy"      // the administrator's file cannot be used
	CodeLimit       Code = "limit"       // the administrator allows no more in this hour
	CodeCancelled   Code = "cancelled"
	CodeInternal    Code = "internal"
)

// Error is what a person is told: one sentence that says what happened and what to do next.
type Error struct {
	Code Code
	Text string
	Err  error // cause, may be nil; not shown
}

func (e *Error) Error() string { return e.Text }
func (e *Error) Unwrap() error { return e.Err }

func fail(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of an error, CodeInternal for one that has none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	if _, full := errors.AsType[*store.DiskFullError](err); full {
		return CodeDataFolder
	}
	if _, damaged := errors.AsType[*store.DamagedError](err); damaged {
		return CodeDataFolder
	}
	if errors.Is(err, context.Canceled) {
		return CodeCancelled
	}
	return CodeInternal
}

// explain puts what a server or the network said into words, for an account.
func explain(account store.Account, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	re, ok := errors.AsType[*remote.Error](err)
	if !ok {
		return err
	}
	if spent, ok := errors.AsType[*spentError](err); ok {
		return &Error{Code: CodeLimit, Text: spent.Error(), Err: err}
	}
	email := account.Email
	out := &Error{Code: CodeServer, Err: err}
	switch re.Kind {
	case remote.Auth:
		out.Code = CodeSignIn
		out.Text = fmt.Sprintf("%s: the server refused the user name or password (%s): give the right one with outpost account add %s; nothing is lost meanwhile",
			email, said(re), email)
	case remote.Certificate:
		out.Code = CodeCertificate
		out.Text = fmt.Sprintf("%s: %s: the server's certificate is not trusted (%s). It belongs to %q, SHA-256 %s; if your administrator confirms that it is the right one, repeat outpost account add %s with --trust-certificate %s",
			email, re.Doing, strings.TrimSpace(re.Text), re.Subject, re.Fingerprint, email, re.Fingerprint)
	case remote.Offline:
		out.Code = CodeOffline
		out.Text = fmt.Sprintf("%s: the server cannot be reached (%s); what you change is kept and goes out when it answers", email, said(re))
	case remote.Unavailable:
		out.Code = CodeOffline
		out.Text = fmt.Sprintf("%s: the server asks to come back later (%s); what you change is kept and goes out then", email, said(re))
	default:
		out.Text = fmt.Sprintf("%s: the server did not do it (%s)", email, re.Error())
	}
	return out
}

func said(e *remote.Error) string {
	if e.Text == "" {
		return e.Doing
	}
	return e.Doing + ": " + strings.TrimSuffix(strings.TrimSpace(e.Text), ".")
}

// inWords turns the store's errors about the data folder into sentences.
func inWords(dir string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*store.LockedError](err); ok {
		return &Error{Code: CodeLocked, Err: err, Text: err.Error()}
	}
	if _, ok := errors.AsType[*store.NetworkFSError](err); ok {
		return &Error{Code: CodeDataFolder, Err: err, Text: err.Error() + "; --allow-network-folder takes the risk"}
	}
	return &Error{Code: CodeDataFolder, Err: err, Text: fmt.Sprintf("the data folder %s cannot be opened: %v", dir, err)}
}
