package backend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"

	"outpost/internal/engine"
	"outpost/internal/groupware"
	"outpost/internal/store"
)

// Problem is what went wrong with one account.
type Problem struct {
	Account string `json:"account"`
	Code    Code   `json:"code"`
	Error   string `json:"error"`
}

// SyncResult is what a pass over all accounts did.
type SyncResult struct {
	Downloaded int       `json:"downloaded"`
	Uploaded   int       `json:"uploaded"`
	Deleted    int       `json:"deleted"`
	Conflicts  int       `json:"conflicts"`
	Failures   int       `json:"failures"`
	BytesIn    int64     `json:"bytesIn"`
	BytesOut   int64     `json:"bytesOut"`
	Seconds    float64   `json:"seconds"`
	Left       int64     `json:"left"`           // changes here that the server has not got yet
	Held       int       `json:"held,omitempty"` // folders in which a large deletion waits for a person's word
	Problems   []Problem `json:"problems,omitempty"`
}

// Sync runs one complete two-way pass over all accounts, or over one folder. What goes wrong with an account stops no
// other and is in Problems. An account that a person has set offline is left alone and is a problem of code offline.
func (s *Server) Sync(ctx context.Context, folder string) (SyncResult, error) {
	boxes, only := s.mailboxes(), []groupware.FolderID(nil)
	if folder != "" {
		p, err := s.find(ctx, folder)
		if CodeOf(err) == CodeNotFound {
			for _, b := range boxes {
				if b.get().LastSync.IsZero() {
					s.lookAtFolders(ctx, b)
				}
			}
			p, err = s.find(ctx, folder)
		}
		if err != nil {
			return SyncResult{}, err
		}
		if p.Service == "" {
			return SyncResult{}, fail(CodeRefused, "the folder %q exists only here: there is nothing to synchronise", folder)
		}
		boxes, only = []*mailbox{p.box}, []groupware.FolderID{p.ID}
	}
	if len(boxes) == 0 {
		return SyncResult{}, fail(CodeNotFound, "there is no account yet: add one with outpost account add")
	}
	start := s.o.Clock.Now()
	var out SyncResult
	results, errs := make([]engine.Result, len(boxes)), make([]error, len(boxes))
	var wg sync.WaitGroup
	for i, b := range boxes {
		if a := b.get(); a.Offline {
			errs[i] = fail(CodeOffline, "%s works offline because you wished so: outpost online ends that", a.Email)
			continue
		}
		b.pace.forget()
		wg.Go(func() { results[i], errs[i] = s.pass(ctx, b, scope{folders: only}) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	for i, r := range results {
		out.Downloaded += r.Downloaded
		out.Uploaded += r.Uploaded
		out.Deleted += r.Deleted
		out.Conflicts += r.Conflicts
		out.Failures += r.Failures
		out.BytesIn += r.BytesIn
		out.BytesOut += r.BytesOut
		out.Left += r.Left
		out.Held += r.Held
		a := boxes[i].get()
		if errors.Is(errs[i], context.Canceled) { // offline was wished, or the account was removed
			errs[i] = fail(CodeCancelled, "%s: the pass was ended before it was done; what was done is kept", a.Email)
		}
		for _, e := range problems(a, errs[i]) {
			out.Problems = append(out.Problems, Problem{a.Email, CodeOf(e), e.Error()})
		}
	}
	out.Seconds = s.o.Clock.Now().Sub(start).Seconds()
	return out, nil
}

// problems takes a joined error apart and puts each in words. That the network is away is said once.
func problems(a store.Account, err error) []error {
	var out []error
	offline := false
	for _, e := range apart(err) {
		e = explain(a, e)
		if CodeOf(e) == CodeOffline {
			if offline {
				continue
			}
			offline = true
		}
		if !slices.ContainsFunc(out, func(other error) bool { return other.Error() == e.Error() }) {
			out = append(out, e)
		}
	}
	return out
}

func apart(err error) (out []error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			out = append(out, apart(e)...)
		}
		return out
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// lookAtFolders learns which folders the server has, before anything in them is read, so that a person can choose what
// to keep of each. What goes wrong with it, the first whole pass will tell.
func (s *Server) lookAtFolders(ctx context.Context, b *mailbox) {
	if !b.get().Offline {
		s.pass(ctx, b, scope{foldersOnly: true})
	}
}

// scope narrows a pass.
type scope struct {
	folders     []groupware.FolderID // nil: all
	foldersOnly bool                 // end before anything in a folder is read
}

// pass runs one pass over a mailbox, after the one that runs now, if any. It remembers how it ended.
func (s *Server) pass(ctx context.Context, b *mailbox, sc scope) (engine.Result, error) {
	select {
	case b.turn <- struct{}{}:
	case <-b.gone:
		return engine.Result{}, context.Canceled
	case <-ctx.Done():
		return engine.Result{}, ctx.Err()
	}
	defer func() { <-b.turn }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b.mu.Lock()
	a := b.account
	b.cancel, b.doing = cancel, Event{Account: a.Email, Doing: "connecting"}
	b.mu.Unlock()
	s.announce(b.doing)

	var result engine.Result
	password, err := s.password(a)
	if err == nil {
		speed := &speedometer{account: a.Email}
		c := &paced{Connector: s.o.Connect(a, password), pace: &b.pace, now: s.o.Clock.Now()}
		e := engine.New(b.Mailbox, c, engine.Options{
			Clock: s.o.Clock.Now, Rand: s.newRand(), Address: a.Email, Conflicts: engine.ConflictPolicy(a.Conflicts), Budget: s.budgetOf(a),
			Progress: func(p engine.Progress) {
				event := speed.event(s.o.Clock.Now(), p)
				b.mu.Lock()
				b.doing = event
				b.mu.Unlock()
				s.announce(event)
			}})
		result, err = e.Pass(ctx, engine.PassOptions{Folders: sc.folders, FoldersOnly: sc.foldersOnly, First: b.lookedAt(s.o.Clock.Now), News: b.newsMeanwhile})
		b.pace.note(s.o.Clock.Now(), c.tried, err, s.newRand())
		s.seen(context.WithoutCancel(ctx), b, sc, c.tried, err)
	}
	s.ended(context.WithoutCancel(ctx), b, sc, result, err)
	return result, err
}

// seen draws conclusions for the watching from what a pass has seen of the mail server.
func (s *Server) seen(ctx context.Context, b *mailbox, sc scope, tried []string, err error) {
	if !slices.Contains(tried, "imap") || b.pace.ask("imap", s.o.Clock.Now()) != nil || errors.Is(err, context.Canceled) {
		return
	}
	b.mu.Lock()
	back := b.watching.lost != nil || !b.begun && !sc.foldersOnly
	b.watching.lost = nil
	b.begun = b.begun || !sc.foldersOnly
	watched, end := b.watching.asked, b.watching.end
	b.mu.Unlock()
	if back {
		b.lookAgain()
	}
	if end == nil {
		return
	}
	if now, _, err := s.toWatch(ctx, b); err == nil && !slices.EqualFunc(now, watched, func(f store.Folder, id groupware.FolderID) bool { return f.ID == id }) {
		end() // others are to be watched
	}
}

// ended remembers how a pass ended.
func (s *Server) ended(ctx context.Context, b *mailbox, sc scope, r engine.Result, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cancel = nil
	log := s.o.Log.With("category", "sync", "account", b.account.Email)
	before := b.account
	switch {
	case errors.Is(err, context.Canceled):
		log.Info("pass was ended early")
	case err != nil:
		b.account.LastErrorKind, b.account.LastError = "", ""
		for _, p := range problems(b.account, err) {
			level := slog.LevelWarn
			if p.Error() == before.LastError {
				level = slog.LevelDebug // told already
			}
			log.Log(ctx, level, "pass failed", "code", CodeOf(p), "error", p)
			// What a person must see to comes before what heals by itself.
			if k := Code(b.account.LastErrorKind); k == "" || k == CodeLimit || k == CodeOffline && CodeOf(p) != CodeLimit {
				b.account.LastErrorKind, b.account.LastError = string(CodeOf(p)), p.Error()
			}
		}
	case sc.folders == nil && !sc.foldersOnly:
		b.account.LastError, b.account.LastErrorKind, b.account.LastSync = "", "", s.o.Clock.Now()
	}
	if r.Downloaded+r.Uploaded+r.Deleted+r.Conflicts+r.Failures > 0 {
		log.Info("pass", "downloaded", r.Downloaded, "uploaded", r.Uploaded, "deleted", r.Deleted, "conflicts", r.Conflicts, "failures", r.Failures,
			"bytesIn", r.BytesIn, "bytesOut", r.BytesOut)
	}
	if b.account != before {
		if _, err := s.profile.PutAccount(ctx, b.account); err != nil {
			log.Error("the outcome of the pass could not be stored", "error", err)
		}
	}
	s.announce(Event{Account: b.account.Email})
}

// newRand gives a pass randomness of its own.
func (s *Server) newRand() *rand.Rand {
	s.randMu.Lock()
	defer s.randMu.Unlock()
	return rand.New(rand.NewPCG(s.o.Rand.Uint64(), s.o.Rand.Uint64()))
}

// SetOffline is the person's wish to work offline, or to end that; it stays over restarts (SPEC C5).
func (s *Server) SetOffline(ctx context.Context, offline bool) error {
	for _, b := range s.mailboxes() {
		b.mu.Lock()
		a := b.account
		a.Offline = offline
		_, err := s.profile.PutAccount(ctx, a)
		if err == nil {
			b.account = a
		}
		b.mu.Unlock()
		if err != nil {
			return fmt.Errorf("remember the wish for %s: %w", a.Email, err)
		}
		if offline {
			b.stopPass()
		}
		b.watchAnew()
		poke(b.hurry)
		b.stir()
	}
	return nil
}

// Watch returns what happens in all mailboxes, until the function is called. A reader that is too slow misses some.
func (s *Server) Watch() (<-chan Event, func()) {
	ch := make(chan Event, 64)
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.watched
	s.watched++
	s.watchers[id] = ch
	return ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, ok := s.watchers[id]; ok {
			delete(s.watchers, id)
			close(ch)
		}
	}
}

func (s *Server) announce(e Event) {
	s.mu.Lock()
	for _, ch := range s.watchers {
		select {
		case ch <- e:
		default:
		}
	}
	s.mu.Unlock()
	s.stir()
}
