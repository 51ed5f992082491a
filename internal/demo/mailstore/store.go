// Package mailstore holds the demo server's mail: users, mailboxes, messages with their UIDs and mod-sequences.
// It lives in memory and tells a journal what has changed. It imports nothing of ours; imapserver shows it to
// clients, package demo keeps it.
package mailstore

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits of one user's mail.
const (
	MaxMessage   = 64 << 20
	maxMailboxes = 10_000
	maxName      = 1000
	maxDepth     = 20
	maxFlags     = 100
)

// What a caller decides on.
var (
	ErrNoMailbox   = errors.New("no such mailbox")
	ErrExists      = errors.New("mailbox exists already")
	ErrName        = errors.New("this cannot be the name of a mailbox")
	ErrHasChildren = errors.New("mailbox has mailboxes below it")
	ErrInbox       = errors.New("INBOX cannot be removed")
	ErrLimit       = errors.New("limit reached")
)

// Record is one change as the journal keeps it: replaying all of them in order gives the store again.
type Record struct {
	User    *UserRecord
	Mailbox *MailboxRecord
	Message *MessageRecord
	Counter *CounterRecord
}

// CounterRecord keeps numbers that must never be given again.
type CounterRecord struct {
	LastID       uint64
	LastValidity uint32
}

// UserRecord is a user that was added.
type UserRecord struct{ Email, Name, Password string }

// MailboxRecord is a mailbox's state apart from its messages, or its end.
type MailboxRecord struct {
	User, ID, Name, Use     string
	Validity, UIDNext       uint32
	ModSeq                  uint64
	Rights                  string // of the owner, "" is all
	Subscribed, Gone, Reset bool   // Reset: the messages known so far are no more (UIDVALIDITY changed)
}

// MessageRecord is a message that was added (Body set), changed, or expunged (Gone).
type MessageRecord struct {
	User, Mailbox string
	UID           uint32
	ModSeq        uint64
	Flags         []string
	Received      time.Time
	EmailID       string
	Body          []byte
	Gone          bool
}

// Store is all users' mail. Its methods may be called from several goroutines.
type Store struct {
	mu           sync.Mutex
	users        map[string]*User
	clock        func() time.Time
	save         func(Record)
	lastValidity uint32
	lastID       uint64
}

// New makes an empty store. save is called for every change, in order, and must not call the store; nil saves nothing.
func New(clock func() time.Time, save func(Record)) *Store {
	if save == nil {
		save = func(Record) {}
	}
	return &Store{users: map[string]*User{}, clock: clock, save: save}
}

// SetSave replaces the journal, after replaying an old one.
func (s *Store) SetSave(save func(Record)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.save = save
}

// User is one person's mail.
type User struct {
	s                     *Store
	email, name, password string
	boxes                 map[string]*Mailbox // by name
	changed               chan struct{}
}

// Mailbox is one mailbox of a user.
type Mailbox struct {
	s          *Store
	u          *User
	id         string
	name       string // UTF-8, levels separated by "/"
	use        string // special use, `\Sent`
	validity   uint32
	uidNext    uint32
	modSeq     uint64
	rights     string
	subscribed bool
	gone       bool
	messages   []*Message // by UID
	expunged   []expunged // by mod-sequence
}

type expunged struct {
	uid    uint32
	modSeq uint64
}

// Message is a message as it was at one moment. Body is never changed.
type Message struct {
	UID      uint32
	ModSeq   uint64
	Flags    []string // sorted without case, each once
	Received time.Time
	EmailID  string
	Body     []byte
}

// Has reports whether the message has the flag, whose case does not matter.
func (m *Message) Has(flag string) bool {
	return slices.ContainsFunc(m.Flags, func(f string) bool { return strings.EqualFold(f, flag) })
}

// AddUser makes a user with an INBOX, or changes the password of one that is there.
func (s *Store) AddUser(email, name, password string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.addUser(email, name, password)
	s.save(Record{User: &UserRecord{email, name, password}})
	if u.boxes["INBOX"] == nil {
		u.newMailbox("INBOX", "")
	}
	return u
}

func (s *Store) addUser(email, name, password string) *User {
	u := s.users[strings.ToLower(email)]
	if u == nil {
		u = &User{s: s, email: email, boxes: map[string]*Mailbox{}, changed: make(chan struct{})}
		s.users[strings.ToLower(email)] = u
	}
	u.name, u.password = name, password
	return u
}

// User returns the user of that address, nil when there is none.
func (s *Store) User(email string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[strings.ToLower(email)]
}

// Email is the user's address, as it was added.
func (u *User) Email() string { return u.email }

// Name is the user's name.
func (u *User) Name() string { return u.name }

// SignIn returns the user if the password is right, else nil.
func (s *Store) SignIn(email, password string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[strings.ToLower(email)]
	if u == nil || u.password == "" || subtle.ConstantTimeCompare([]byte(u.password), []byte(password)) != 1 {
		return nil
	}
	return u
}

// CleanName checks a mailbox name, drops a trailing "/", and spells INBOX in capitals.
func CleanName(name string) (string, error) {
	name = strings.TrimSuffix(name, "/")
	if len(name) == 0 || len(name) > maxName || strings.Count(name, "/") >= maxDepth {
		return "", ErrName
	}
	parts := strings.Split(name, "/")
	for i, p := range parts {
		if p == "" || strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f || r == '*' || r == '%' || r == 0xfffd }) {
			return "", ErrName
		}
		if i == 0 && strings.EqualFold(p, "INBOX") {
			parts[0] = "INBOX"
		}
	}
	return strings.Join(parts, "/"), nil
}

// Mailbox returns the mailbox of that name.
func (u *User) Mailbox(name string) (*Mailbox, error) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	return u.mailbox(name)
}

func (u *User) mailbox(name string) (*Mailbox, error) {
	name, err := CleanName(name)
	if err != nil {
		return nil, err
	}
	if b := u.boxes[name]; b != nil {
		return b, nil
	}
	return nil, ErrNoMailbox
}

// Mailboxes lists the mailboxes, INBOX first, then by name.
func (u *User) Mailboxes() []*Mailbox {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	out := make([]*Mailbox, 0, len(u.boxes))
	for _, b := range u.boxes {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b *Mailbox) int {
		if a.name == "INBOX" || b.name == "INBOX" {
			if a.name == b.name {
				return 0
			} else if a.name == "INBOX" {
				return -1
			}
			return 1
		}
		return strings.Compare(a.name, b.name)
	})
	return out
}

// Changed returns a channel that is closed at the next change of the user's mailboxes, or in one of them.
func (u *User) Changed() <-chan struct{} {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	return u.changed
}

func (u *User) wake() {
	close(u.changed)
	u.changed = make(chan struct{})
}

// Summary is what changes when something in a mailbox does. It takes no look at the messages.
type Summary struct {
	ID, Name          string
	Validity, UIDNext uint32
	ModSeq            uint64
	Messages          int
	Subscribed        bool
}

// Summaries lists the mailboxes by name.
func (u *User) Summaries() []Summary {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	out := make([]Summary, 0, len(u.boxes))
	for _, b := range u.boxes {
		out = append(out, Summary{b.id, b.name, b.validity, b.uidNext, b.modSeq, len(b.messages), b.subscribed})
	}
	slices.SortFunc(out, func(a, b Summary) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Create makes a mailbox and the missing ones above it. use is a special use or "".
func (u *User) Create(name, use string) (*Mailbox, error) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	name, err := CleanName(name)
	if err != nil {
		return nil, err
	}
	if u.boxes[name] != nil {
		return nil, ErrExists
	}
	if len(u.boxes)+strings.Count(name, "/") >= maxMailboxes {
		return nil, ErrLimit
	}
	u.createParents(name)
	return u.newMailbox(name, use), nil
}

func (u *User) createParents(name string) {
	for i, c := range name {
		if c == '/' && u.boxes[name[:i]] == nil {
			u.newMailbox(name[:i], "")
		}
	}
}

func (u *User) newMailbox(name, use string) *Mailbox {
	b := &Mailbox{s: u.s, u: u, id: u.s.newID("F"), name: name, use: use, validity: u.s.newValidity(), uidNext: 1, modSeq: 1,
		rights: AllRights, subscribed: true}
	u.boxes[name] = b
	b.saveState()
	u.wake()
	return b
}

func (s *Store) newID(prefix string) string {
	s.lastID++
	return fmt.Sprintf("%s%08x", prefix, s.lastID)
}

// newValidity never gives the same number twice, so that a name that is used again is seen to be another mailbox.
func (s *Store) newValidity() uint32 {
	s.lastValidity = max(s.lastValidity+1, uint32(s.clock().Unix()))
	return s.lastValidity
}

// Delete removes a mailbox that has none below it.
func (u *User) Delete(name string) error {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	b, err := u.mailbox(name)
	switch {
	case err != nil:
		return err
	case b.name == "INBOX":
		return ErrInbox
	}
	for n := range u.boxes {
		if strings.HasPrefix(n, b.name+"/") {
			return ErrHasChildren
		}
	}
	delete(u.boxes, b.name)
	b.gone = true
	b.saveState()
	b.u.wake()
	return nil
}

// Rename gives a mailbox and those below it another name. Renaming INBOX moves its messages (RFC 9051 6.3.6).
func (u *User) Rename(from, to string) error {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	b, err := u.mailbox(from)
	if err != nil {
		return err
	}
	if to, err = CleanName(to); err != nil {
		return err
	}
	if u.boxes[to] != nil {
		return ErrExists
	}
	if strings.HasPrefix(to, b.name+"/") {
		return ErrName
	}
	u.createParents(to)
	if b.name == "INBOX" {
		n := u.newMailbox(to, "")
		for _, m := range slices.Clone(b.messages) {
			n.add(m.Flags, m.Received, m.Body, m.EmailID)
		}
		b.expunge(func(*Message) bool { return true })
		return nil
	}
	old := b.name
	var moved []*Mailbox
	for n, c := range u.boxes {
		if n == old || strings.HasPrefix(n, old+"/") {
			moved = append(moved, c)
			delete(u.boxes, n)
		}
	}
	for _, c := range moved {
		c.name = to + strings.TrimPrefix(c.name, old)
		u.boxes[c.name] = c
		c.saveState()
	}
	u.wake()
	return nil
}
