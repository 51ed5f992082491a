package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Account is one account of a profile. Its password is a secret of the profile under SecretName.
type Account struct {
	ID                          int64
	Email                       string // compares without case
	Name                        string // the person's
	Login                       string // "" means Email
	IMAP, SMTP, CalDAV, CardDAV string // URLs, "" where there is none
	TrustSHA256                 string // fingerprint of the certificate that is accepted all the same
	AllowPlaintext              bool
	Offline                     bool   // the person's wish; it stays until that person ends it
	Mailbox                     string // GUID
	LastSync                    time.Time
	LastError, LastErrorKind    string

	// When it is synchronised: at once when the server tells of something, when Outpost starts, when something was changed here, and
	// after so long without either; 0: never by the clock.
	Push, OnStart, OnChange bool
	Every                   time.Duration
	// Conflicts says what becomes of what does not go together: "merge" (keep the server's, ours goes to Conflicts) or "duplicate"
	// (keep both as items). It is never "" in an account that was read: PutAccount takes "" to mean that nothing is said about this and the
	// fields above, and keeps what an account has. A new one has everything switched on, every minute, "merge".
	Conflicts string
}

// SecretName is the name of the account's password among the secrets.
func (a Account) SecretName() string { return "account:" + a.Mailbox }

const accountColumns = "id, email, name, login, imap, smtp, caldav, carddav, trust_sha256, allow_plaintext, offline, mailbox, last_sync, last_error, last_error_kind, " +
	"push, on_start, on_change, every, conflicts"

func scanAccount(r row) Account {
	a := Account{ID: r.int(0), Email: r.text(1), Name: r.text(2), Login: r.text(3), IMAP: r.text(4), SMTP: r.text(5), CalDAV: r.text(6), CardDAV: r.text(7),
		TrustSHA256: r.text(8), AllowPlaintext: r.bool(9), Offline: r.bool(10), Mailbox: r.text(11), LastError: r.text(13), LastErrorKind: r.text(14),
		Push: r.bool(15), OnStart: r.bool(16), OnChange: r.bool(17), Every: time.Duration(r.int(18)) * time.Millisecond, Conflicts: r.text(19)}
	if ms := r.int(12); ms != 0 {
		a.LastSync = time.UnixMilli(ms)
	}
	return a
}

// Accounts lists the accounts in the order in which they were added.
func (p *Profile) Accounts(ctx context.Context) (out []Account, err error) {
	err = p.use(ctx, func(c *conn) error {
		return c.query(func(r row) error {
			out = append(out, scanAccount(r))
			return nil
		}, "SELECT "+accountColumns+" FROM accounts ORDER BY id")
	})
	return out, err
}

// Account returns the account of an address, ErrNotFound when there is none.
func (p *Profile) Account(ctx context.Context, email string) (a Account, err error) {
	err = p.use(ctx, func(c *conn) error {
		found, err := c.one(func(r row) { a = scanAccount(r) }, "SELECT "+accountColumns+" FROM accounts WHERE email = ?", strings.TrimSpace(email))
		if err == nil && !found {
			err = fmt.Errorf("account %s: %w", email, ErrNotFound)
		}
		return err
	})
	return a, err
}

// PutAccount adds an account, or updates the one of that Email. It chooses ID and Mailbox for a new one and keeps those
// of an old one.
func (p *Profile) PutAccount(ctx context.Context, a Account) (Account, error) {
	if a.Email = strings.TrimSpace(a.Email); a.Email == "" {
		return a, errors.New("an account needs an email address")
	}
	guid, err := uuid.NewRandomFromReader(p.o.Rand)
	if err != nil {
		return a, fmt.Errorf("name a mailbox: %w", err)
	}
	var at int64
	if !a.LastSync.IsZero() {
		at = a.LastSync.UnixMilli()
	}
	switch {
	case a.Conflicts != "" && a.Conflicts != "merge" && a.Conflicts != "duplicate":
		return a, fmt.Errorf("conflicts cannot be handled by %q: use merge or duplicate", a.Conflicts)
	case a.Every < 0:
		return a, fmt.Errorf("an account cannot be synchronised every %v", a.Every)
	}
	err = p.use(ctx, func(c *conn) error {
		args := []any{a.Email, a.Name, a.Login, a.IMAP, a.SMTP, a.CalDAV, a.CardDAV, a.TrustSHA256, a.AllowPlaintext, a.Offline, at, a.LastError, a.LastErrorKind,
			a.Push, a.OnStart, a.OnChange, a.Every.Milliseconds(), a.Conflicts}
		settled := a.Conflicts != ""
		// Not one upsert: each would use an id up, and ids are never used again.
		known, err := c.one(func(r row) { a = scanAccount(r) }, `UPDATE accounts SET email = ?1, name = ?2, login = ?3, imap = ?4, smtp = ?5, caldav = ?6,
			carddav = ?7, trust_sha256 = ?8, allow_plaintext = ?9, offline = ?10, last_sync = ?11, last_error = ?12, last_error_kind = ?13,
			push = iif(?18 = '', push, ?14), on_start = iif(?18 = '', on_start, ?15), on_change = iif(?18 = '', on_change, ?16),
			every = iif(?18 = '', every, ?17), conflicts = iif(?18 = '', conflicts, ?18)
			WHERE email = ?1 RETURNING `+accountColumns, args...)
		if err != nil || known {
			return err
		}
		if !settled {
			args = append(args[:13], true, true, true, time.Minute.Milliseconds(), "merge")
		}
		_, err = c.one(func(r row) { a = scanAccount(r) }, `INSERT INTO accounts (email, name, login, imap, smtp, caldav, carddav, trust_sha256,
			allow_plaintext, offline, last_sync, last_error, last_error_kind, push, on_start, on_change, every, conflicts, mailbox)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
			RETURNING `+accountColumns, append(args, guid.String())...)
		return err
	})
	return a, err
}

// RemoveAccount removes an account, its mailbox with all files, and its password.
func (p *Profile) RemoveAccount(ctx context.Context, email string) error {
	a, err := p.Account(ctx, email)
	if err != nil {
		return err
	}
	p.mu.Lock()
	m := p.boxes[a.Mailbox]
	delete(p.boxes, a.Mailbox)
	p.mu.Unlock()
	if m != nil {
		if err := m.Close(); err != nil {
			return fmt.Errorf("close the mailbox of %s: %w", email, err)
		}
	}
	if err := p.use(ctx, func(c *conn) error {
		_, err := c.exec("DELETE FROM accounts WHERE id = ?", a.ID)
		return err
	}); err != nil {
		return err
	}
	errs := []error{p.DeleteSecret(a.SecretName())}
	for _, kind := range []string{".db", ".index.db"} {
		errs = append(errs, removeDatabase(p.o.VFS, filepath.Join(p.dir, mailboxDir, a.Mailbox+kind)))
	}
	return errors.Join(errs...)
}

// use gives fn the common database.
func (p *Profile) use(ctx context.Context, fn func(c *conn) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.db == nil {
		return ErrClosed
	}
	p.db.interrupt(ctx)
	defer p.db.interrupt(context.Background())
	return fn(p.db)
}
