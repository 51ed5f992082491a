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
	watched  int
	serving  context.Context // nil unless Serve runs
	keepers  sync.WaitGroup
	randMu   sync.Mutex
}

// mailbox is an account with its mailbox and what is going on with it.
type mailbox struct {
	*store.Mailbox
	turn  chan struct{} // holds one token: whoever put it in runs a pass
	wake  chan struct{} // a change here is to be brought to the server
	hurry chan struct{} // a person did something that may make the next pass succeed
	gone  chan struct{} // closed when the account is removed or the data folder is closed

	mu      sync.Mutex
	account store.Account
	cancel  context.CancelFunc // ends the pass that runs; nil when none does
	doing   Event              // of the pass that runs
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
		o.Connect = func(a store.Account, password string) engine.Connector { return drivers{a, password, o.AnswerWait} }
	}
	if o.Discover == nil {
		o.Discover = func(ctx context.Context, email string) (discover.Found, error) {
			return discover.Discover(ctx, email, discover.Options{})
		}
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
	s := &Server{o: o, secrets: secret.Open(so), watchers: map[int]chan Event{}}
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
	b := &mailbox{Mailbox: m, account: a, turn: make(chan struct{}, 1), wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), gone: make(chan struct{})}
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

// changed wakes the schedule of a mailbox after a local change.
func (b *mailbox) changed() { poke(b.wake) }

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
	b.turn <- struct{}{}
}

// stopPass ends the pass that runs, if one does.
func (b *mailbox) stopPass() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cancel != nil {
		b.cancel()
	}
}
