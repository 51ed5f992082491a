package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"outpost/internal/engine"
	"outpost/internal/groupware"
	"outpost/internal/remote/discover"
	"outpost/internal/secret"
	"outpost/internal/store"
)

// Clock is time as the schedule needs it.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Options say which data folder to serve and how. Only Data is needed.
type Options struct {
	Data    string // the data folder; made when absent
	Encrypt bool   // encrypt the databases; when the folder is made
	Force   bool   // also on a network file system
	Clock   Clock
	Rand    *rand.Rand
	Log     *slog.Logger
	// FileSystem names the file system that a folder is on and says whether it is on the network; nil asks the system.
	FileSystem func(path string) (name string, network bool, err error)
	// MaxPages bounds a mailbox's file, to test a full disk; 0 means no bound.
	MaxPages int64
	// Connect replaces the drivers in tests.
	Connect func(a store.Account, password string) engine.Connector
	// Discover replaces the search for an address's servers in tests.
	Discover func(ctx context.Context, email string) (discover.Found, error)
	// Addresses lists the computer's addresses on networks; nil asks the system.
	Addresses func() []string
	// Policy is what the administrator decides; nil reads it from where the system has it.
	Policy *Policy
	// FetchWait bounds how long a person waits for what is not here; 0 means 60 s.
	FetchWait time.Duration
	// AnswerWait bounds each wait for a server's answer; 0 means what the drivers think right (60 s).
	AnswerWait time.Duration
}

// Server serves one data folder. It may be used by several goroutines.
type Server struct {
	o       Options
	profile *store.Profile
	secrets *secret.Store

	mu       sync.Mutex
	boxes    []*mailbox // by account number
	watchers map[int]chan Event
	stirred  map[int]chan struct{}
	watched  int             // watchers and stirred ever made
	serving  context.Context // nil unless Serve runs
	keepers  sync.WaitGroup
	randMu   sync.Mutex
}

// mailbox is an account with its mailbox and what is going on with it.
type mailbox struct {
	*store.Mailbox
	turn    chan struct{} // holds one token: whoever put it in runs a pass
	wake    chan struct{} // a change here is to be brought to the server
	told    chan struct{} // the server told of a change
	hurry   chan struct{} // a person did something, or the network did, that may make the next pass succeed
	alarm   chan struct{} // a connection was lost
	settled chan struct{} // the account's settings have changed
	look    chan struct{} // what is to be watched may have changed
	gone    chan struct{} // closed when the account is removed or the data folder is closed
	extra   chan struct{} // holds one token: whoever put it in has a connection beside those of the pass and the watching
	stir    func()        // tells who looks at the status to look again
	pace    pace

	mu       sync.Mutex
	account  store.Account
	cancel   context.CancelFunc // ends the pass that runs; nil when none does
	doing    Event              // of the pass that runs
	begun    bool               // a pass has gone well since the start
	watching watching
	open     groupware.FolderID // the folder that somebody looked at last
	opened   time.Time          // when
}

func (b *mailbox) get() store.Account {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.account
}

// Open opens a data folder, making it at need. Errors are *Error: CodeLocked when another program has it.
func Open(ctx context.Context, o Options) (*Server, error) {
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.Rand == nil {
		o.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.Connect == nil {
		o.Connect = func(a store.Account, password string) engine.Connector {
			return drivers{a, password, o.AnswerWait, o.Policy.connections()}
		}
	}
	if o.Discover == nil {
		o.Discover = func(ctx context.Context, email string) (discover.Found, error) {
			return discover.Discover(ctx, email, discover.Options{})
		}
	}
	if o.Addresses == nil {
		o.Addresses = localAddresses
	}
	if o.Policy == nil {
		p, err := ReadPolicy(PolicyPath())
		if err != nil {
			return nil, err
		}
		o.Policy = &p
	}
	if o.FetchWait == 0 {
		o.FetchWait = time.Minute
	}
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return nil, &Error{Code: CodeDataFolder, Err: err, Text: fmt.Sprintf("make the data folder: %v", err)}
	}
	so, err := secret.FromEnvironment(o.Data)
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, secrets: secret.Open(so), watchers: map[int]chan Event{}, stirred: map[int]chan struct{}{}}
	s.profile, err = store.OpenProfile(ctx, o.Data, store.Options{Encrypt: o.Encrypt, Force: o.Force, Keyring: s.secrets, Clock: o.Clock.Now, FileSystem: o.FileSystem, MaxPages: o.MaxPages})
	if err != nil {
		return nil, inWords(o.Data, err)
	}
	accounts, err := s.profile.Accounts(ctx)
	if err == nil {
		for _, a := range accounts {
			if _, err = s.openMailbox(ctx, a); err != nil {
				break
			}
		}
	}
	if err != nil {
		return nil, errors.Join(inWords(o.Data, err), s.profile.Close())
	}
	return s, nil
}

// Close ends what runs and closes the data folder.
func (s *Server) Close() error {
	s.mu.Lock()
	boxes := s.boxes
	s.boxes = nil
	for id, w := range s.watchers {
		close(w)
		delete(s.watchers, id)
	}
	s.mu.Unlock()
	for _, b := range boxes {
		b.end()
	}
	return s.profile.Close()
}

func (s *Server) openMailbox(ctx context.Context, a store.Account) (*mailbox, error) {
	m, err := s.profile.OpenMailbox(ctx, a.Mailbox)
	if err != nil {
		return nil, fmt.Errorf("open the mailbox of %s: %w", a.Email, err)
	}
	one := func() chan struct{} { return make(chan struct{}, 1) }
	b := &mailbox{Mailbox: m, account: a, turn: one(), wake: one(), told: one(), hurry: one(), alarm: one(), settled: one(), look: one(), extra: one(),
		gone: make(chan struct{}), stir: s.stir}
	s.mu.Lock()
	s.boxes = append(s.boxes, b)
	s.mu.Unlock()
	return b, nil
}

// mailboxes returns all accounts' mailboxes.
func (s *Server) mailboxes() []*mailbox {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*mailbox(nil), s.boxes...)
}

// stir has those look again who look at the status.
func (s *Server) stir() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ch := range s.stirred {
		poke(ch)
	}
}

// beside waits until there is room for one more connection beside that of the pass and that of the watching; done gives it back.
func (b *mailbox) beside(ctx context.Context) (done func(), err error) {
	select {
	case b.extra <- struct{}{}:
		return func() { <-b.extra }, nil
	case <-b.gone:
		return nil, context.Canceled
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// attention is how long a folder counts as looked at.
const attention = 10 * time.Minute

// lookAt notes that somebody looks at a folder: it goes first (SPEC C4).
func (b *mailbox) lookAt(id groupware.FolderID, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open, b.opened = id, now
}

// lookedAt names the folder that somebody looks at, 0 when nobody does.
func (b *mailbox) lookedAt(now func() time.Time) func() groupware.FolderID {
	return func() groupware.FolderID {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.open == 0 || now().Sub(b.opened) > attention {
			return 0
		}
		return b.open
	}
}

// changed wakes the schedule of a mailbox after a local change.
func (b *mailbox) changed() {
	poke(b.wake)
	b.stir()
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// end stops everything that runs for a mailbox and waits for it; nobody gets another turn.
func (b *mailbox) end() {
	close(b.gone)
	b.stopPass()
	b.watchAnew()
	b.turn <- struct{}{}
}

func (b *mailbox) isGone() bool {
	select {
	case <-b.gone:
		return true
	default:
		return false
	}
}

// stopPass ends the pass that runs, if one does.
func (b *mailbox) stopPass() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cancel != nil {
		b.cancel()
	}
}
