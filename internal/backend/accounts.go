package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"outpost/internal/remote"
	"outpost/internal/store"
)

// Account is an account as frontends see it.
type Account struct {
	Number  int64  `json:"number"`
	Email   string `json:"email"`
	Name    string `json:"name"`
	Login   string `json:"login"`
	IMAP    string `json:"imap"`
	SMTP    string `json:"smtp"`
	CalDAV  string `json:"caldav"`
	CardDAV string `json:"carddav"`
	Mode    string `json:"mode"` // online or offline: the person's wish
	Settings
}

// NewAccount is what it takes to add an account. Without any URL the servers are discovered from the address. When the
// account exists already, this gives it a new password, and what is not given stays as it is.
type NewAccount struct {
	Email            string `json:"email"`
	Password         string `json:"password"`
	Name             string `json:"name,omitempty"`
	Login            string `json:"login,omitempty"` // "" means Email
	IMAP             string `json:"imap,omitempty"`
	SMTP             string `json:"smtp,omitempty"`
	CalDAV           string `json:"caldav,omitempty"`
	CardDAV          string `json:"carddav,omitempty"`
	TrustCertificate string `json:"trustCertificate,omitempty"` // SHA-256 of the one certificate to accept although it does not verify
	AllowPlaintext   bool   `json:"allowPlaintext,omitempty"`
}

// ServiceCheck is what came of trying one service of an account (SPEC A3).
type ServiceCheck struct {
	Service string `json:"service"` // imap, smtp, caldav, carddav
	URL     string `json:"url"`
	OK      bool   `json:"ok"`
	Found   string `json:"found,omitempty"` // what is there, in words
	Error   string `json:"error,omitempty"`
	Code    Code   `json:"code,omitempty"`
}

// AccountCheck is an account and what came of trying each of its services.
type AccountCheck struct {
	Account    Account        `json:"account"`
	Services   []ServiceCheck `json:"services"`
	Discovered []string       `json:"discovered,omitempty"` // what was found where, a sentence each; only when servers were looked for
}

const (
	checkWait   = 90 * time.Second // a server that lists thousands of items for the first time may take a minute
	maxPassword = 1024
)

// Accounts lists the accounts of the data folder.
func (s *Server) Accounts(ctx context.Context) ([]Account, error) {
	out := []Account{}
	for _, b := range s.mailboxes() {
		out = append(out, describe(b.get()))
	}
	return out, nil
}

func describe(a store.Account) Account {
	return Account{Number: a.ID, Email: a.Email, Name: a.Name, Login: a.Login, IMAP: a.IMAP, SMTP: a.SMTP, CalDAV: a.CalDAV, CardDAV: a.CardDAV,
		Mode: mode(a), Settings: settings(a)}
}

func mode(a store.Account) string {
	if a.Offline {
		return "offline"
	}
	return "online"
}

// AddAccount tries every service and, when all of them work, stores the account and its password. An account that
// exists gets what is new; its mailbox stays. When something fails nothing is stored, and the check tells what it was.
func (s *Server) AddAccount(ctx context.Context, n NewAccount) (AccountCheck, error) {
	a, discovered, err := s.completeAccount(ctx, n)
	if err != nil {
		return AccountCheck{}, err
	}
	if b := s.boxOf(a.Email); b != nil {
		done, err := b.beside(ctx)
		if err != nil {
			return AccountCheck{}, err
		}
		defer done()
	}
	checks, err := s.checkServices(ctx, a, n.Password)
	if re, ok := errors.AsType[*remote.Error](err); ok && CodeOf(err) == CodeOffline {
		err = &Error{Code: CodeOffline, Err: err, Text: fmt.Sprintf("%s: the server cannot be reached (%s): check the address and the network; nothing was stored", a.Email, said(re))}
	}
	if err != nil {
		return AccountCheck{describe(a), checks, discovered}, err
	}
	b := s.boxOf(a.Email)
	if b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		now := b.account // what changed while the servers were asked
		a.Offline, a.LastSync, a.Mailbox, a.ID = now.Offline, now.LastSync, now.Mailbox, now.ID
		a.Push, a.OnStart, a.OnChange, a.Every, a.Conflicts = now.Push, now.OnStart, now.OnChange, now.Every, now.Conflicts
	}
	if a, err = s.profile.PutAccount(ctx, a); err != nil {
		return AccountCheck{}, fmt.Errorf("store the account: %w", err)
	}
	if err := s.profile.SetSecret(a.SecretName(), n.Password); err != nil {
		if b == nil {
			err = errors.Join(err, s.profile.RemoveAccount(context.WithoutCancel(ctx), a.Email))
		}
		return AccountCheck{}, err
	}
	if b != nil {
		b.account = a
		poke(b.hurry)
		return AccountCheck{describe(a), checks, discovered}, nil
	}
	if b, err = s.openMailbox(ctx, a); err != nil {
		return AccountCheck{}, err
	}
	if !s.keepIfServing(b) {
		s.lookAtFolders(ctx, b)
	}
	s.o.Log.Info("account added", "category", "account", "account", a.Email, "passwords", s.secrets.Where())
	return AccountCheck{describe(a), checks, discovered}, nil
}

// completeAccount checks what was given and fills in the rest.
func (s *Server) completeAccount(ctx context.Context, n NewAccount) (a store.Account, discovered []string, err error) {
	addr, err := mail.ParseAddress(n.Email)
	if err != nil || addr.Name != "" || len(n.Email) > 320 {
		return a, nil, fail(CodeUsage, "%q is not an e-mail address: write it like anna@example.org", n.Email)
	}
	switch {
	case n.Password == "":
		return a, nil, fail(CodeUsage, "the password is empty: write it to standard input (--password-stdin)")
	case len(n.Password) > maxPassword || strings.ContainsAny(n.Password, "\r\n\x00"):
		return a, nil, fail(CodeUsage, "the password must be one line of at most %d bytes", maxPassword)
	}
	old := s.boxOf(addr.Address)
	if old != nil {
		a = old.get()
	} else {
		a = withDefaults(a)
	}
	a.Email = addr.Address
	a.Name = cmp.Or(n.Name, a.Name)
	a.Login = cmp.Or(n.Login, a.Login)
	a.AllowPlaintext = a.AllowPlaintext || n.AllowPlaintext
	if n.TrustCertificate != "" {
		if a.TrustSHA256 = remote.NormalFingerprint(n.TrustCertificate); len(a.TrustSHA256) != 64 || strings.Trim(a.TrustSHA256, "0123456789abcdef") != "" {
			return a, nil, fail(CodeUsage, "--trust-certificate wants the certificate's SHA-256 fingerprint: 64 hexadecimal digits, colons allowed")
		}
	}
	if n.IMAP+n.SMTP+n.CalDAV+n.CardDAV != "" {
		a.IMAP, a.SMTP, a.CalDAV, a.CardDAV = cmp.Or(n.IMAP, a.IMAP), cmp.Or(n.SMTP, a.SMTP), cmp.Or(n.CalDAV, a.CalDAV), cmp.Or(n.CardDAV, a.CardDAV)
	} else if old == nil {
		found, err := s.o.Discover(ctx, a.Email)
		if err != nil {
			code := CodeNotFound
			if remote.KindOf(err) == remote.Offline {
				code = CodeOffline
			}
			return a, nil, &Error{Code: code, Err: err, Text: fmt.Sprintf("no servers were found for %s (%v): name them with --imap, --smtp, --caldav and --carddav", a.Email, err)}
		}
		a.IMAP, a.SMTP, a.CalDAV, a.CardDAV, discovered = found.IMAP, found.SMTP, found.CalDAV, found.CardDAV, found.Lines
		a.Login = cmp.Or(a.Login, found.Login)
	}
	a.Login = cmp.Or(a.Login, a.Email)
	for _, sv := range services(a) {
		if _, _, _, err := endpoint(a, sv, "").Resolve(sv.scheme); err != nil {
			return a, nil, &Error{Code: CodeUsage, Text: err.Error(), Err: err}
		}
	}
	if a.IMAP == "" && a.CalDAV == "" && a.CardDAV == "" {
		return a, nil, fail(CodeUsage, "an account needs at least one of --imap, --caldav and --carddav")
	}
	return a, discovered, nil
}

// boxOf returns the mailbox of the account with that address, nil when there is none. Addresses compare without case.
func (s *Server) boxOf(email string) *mailbox {
	for _, b := range s.mailboxes() {
		if strings.EqualFold(b.get().Email, email) {
			return b
		}
	}
	return nil
}

func (s *Server) mustBox(email string) (*mailbox, error) {
	if b := s.boxOf(email); b != nil {
		return b, nil
	}
	have := []string{}
	for _, b := range s.mailboxes() {
		have = append(have, b.get().Email)
	}
	if len(have) == 0 {
		return nil, fail(CodeNotFound, "there is no account %s; there is no account at all yet: add one with outpost account add", email)
	}
	return nil, fail(CodeNotFound, "there is no account %s; there is %s", email, strings.Join(have, ", "))
}

// CheckAccount tries every service of an account. The error is that of the first service that failed.
func (s *Server) CheckAccount(ctx context.Context, email string) (AccountCheck, error) {
	b, err := s.mustBox(email)
	if err != nil {
		return AccountCheck{}, err
	}
	a := b.get()
	password, err := s.password(a)
	if err != nil {
		return AccountCheck{}, err
	}
	done, err := b.beside(ctx)
	if err != nil {
		return AccountCheck{}, err
	}
	defer done()
	checks, err := s.checkServices(ctx, a, password)
	return AccountCheck{Account: describe(a), Services: checks}, err
}

func (s *Server) password(a store.Account) (string, error) {
	p, err := s.profile.Secret(a.SecretName())
	if err != nil {
		return "", &Error{Code: CodeSignIn, Err: err, Text: fmt.Sprintf("%s: the password cannot be had: %v", a.Email, err)}
	}
	return p, nil
}

// checkServices tries every service of an account, one after the other.
func (s *Server) checkServices(ctx context.Context, a store.Account, password string) ([]ServiceCheck, error) {
	c := s.o.Connect(a, password)
	checks := []ServiceCheck{}
	var first error
	note := func(name, found string, err error) {
		check := ServiceCheck{Service: name, URL: urlOf(a, name), OK: err == nil, Found: found}
		if err != nil {
			err = explain(a, err)
			check.Error, check.Code = err.Error(), CodeOf(err)
			if first == nil {
				first = err
			}
		}
		checks = append(checks, check)
	}
	for _, name := range c.Services() {
		found, err := try(ctx, func(ctx context.Context) (string, error) {
			svc, err := c.Connect(ctx, name)
			if err != nil {
				return "", err
			}
			defer svc.Close()
			folders, err := svc.Folders(ctx)
			return fmt.Sprintf("%d folders", len(folders)), err
		})
		note(name, found, err)
	}
	if a.SMTP != "" {
		found, err := try(ctx, func(ctx context.Context) (string, error) {
			sub, err := c.Submit(ctx)
			if err != nil {
				return "", err
			}
			return "takes mail", sub.Close()
		})
		i := slices.IndexFunc(checks, func(c ServiceCheck) bool { return c.Service != "imap" })
		note("smtp", found, err)
		if last := len(checks) - 1; i >= 0 { // in the order of the command line: after IMAP
			smtp := checks[last]
			checks = slices.Insert(checks[:last], i, smtp)
		}
	}
	return checks, first
}

func try(ctx context.Context, do func(context.Context) (string, error)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkWait)
	defer cancel()
	return do(ctx)
}

// RemoveAccount forgets an account here, with its mailbox and password. Nothing changes at the server.
func (s *Server) RemoveAccount(ctx context.Context, email string) error {
	b, err := s.mustBox(email)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.boxes = slices.DeleteFunc(slices.Clone(s.boxes), func(other *mailbox) bool { return other == b })
	s.mu.Unlock()
	b.end()
	return s.profile.RemoveAccount(ctx, b.get().Email)
}
