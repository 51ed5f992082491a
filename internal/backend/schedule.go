package backend

import (
	"context"
	"math/rand/v2"
	"time"
)

// When to synchronise (SPEC C6).
const (
	gather     = 300 * time.Millisecond // local changes within this time go out together
	gatherNews = 50 * time.Millisecond  // what the server tells within this time is looked at together
)

// Serve keeps all mailboxes in step with their servers until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	s.mu.Lock()
	s.serving = ctx
	s.mu.Unlock()
	s.keepers.Go(func() { s.stayAwake(ctx) })
	for _, b := range s.mailboxes() {
		s.keepIfServing(b)
	}
	<-ctx.Done()
	s.mu.Lock()
	s.serving = nil
	s.mu.Unlock()
	s.keepers.Wait()
	return nil
}

// keepIfServing starts to keep a mailbox in step if Serve runs, and says whether it does.
func (s *Server) keepIfServing(b *mailbox) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx := s.serving
	if ctx == nil || ctx.Err() != nil {
		return false
	}
	s.keepers.Go(func() { s.keep(ctx, b) })
	s.keepers.Go(func() { s.watch(ctx, b) })
	return true
}

// keeper decides when a mailbox is synchronised. It lives in one goroutine.
type keeper struct {
	*Server
	b   *mailbox
	r   *rand.Rand
	due time.Time // of the next whole pass; zero: only when something happens
}

// keep runs passes at the start, after local changes, when the server tells of something, after a while, and again after a failure.
func (s *Server) keep(ctx context.Context, b *mailbox) {
	k := &keeper{Server: s, b: b, r: s.newRand()}
	drain(b.settled) // it begins with what is set now
	if a := b.get(); a.OnStart {
		k.due = s.o.Clock.Now().Add(share(k.r, s.o.Policy.SpreadStart))
	} else {
		k.plan()
	}
	for {
		sc, ok := k.rest(ctx)
		if !ok {
			return
		}
		s.pass(ctx, b, sc)
		if sc.folders == nil {
			k.plan()
		}
		k.sooner(b.pace.soonest())
	}
}

// plan sets when the next whole pass is due by the clock.
func (k *keeper) plan() {
	a := k.b.get()
	k.due = time.Time{}
	if every := max(a.Every, k.o.Policy.LeastEvery); a.Every > 0 && !k.b.pace.stands(a) {
		k.due = k.o.Clock.Now().Add(every - share(k.r, every/4)) // no two Outposts in step
	}
}

// sooner has the next whole pass at a time, unless that is zero or it is due before.
func (k *keeper) sooner(at time.Time) {
	if !at.IsZero() && (k.due.IsZero() || at.Before(k.due)) {
		k.due = at
	}
}

// share is a random part of a time.
func share(r *rand.Rand, d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d) + 1)) }

// rest waits until it is time for a pass and returns what it is to look at; false means to end.
func (k *keeper) rest(ctx context.Context) (scope, bool) {
	for {
		b := k.b
		wake, told, timer := b.wake, b.told, (<-chan time.Time)(nil)
		switch a := b.get(); {
		case a.Offline: // only the person's wish ends it
			wake, told = nil, nil
		default:
			if !k.due.IsZero() {
				left := k.due.Sub(k.o.Clock.Now())
				if left <= 0 {
					return scope{}, true
				}
				timer = k.o.Clock.After(left)
			}
			if !a.OnChange || b.pace.stands(a) {
				wake = nil
			}
		}
		select {
		case <-ctx.Done():
			return scope{}, false
		case <-b.gone:
			return scope{}, false
		case <-b.hurry:
			b.pace.forget()
			b.watchAnew()
			k.due = k.o.Clock.Now()
		case <-b.settled:
			k.plan()
			k.sooner(b.pace.soonest())
		case <-b.alarm: // a connection was lost: is the server still there?
			k.sooner(k.o.Clock.Now().Add(firstWait - share(k.r, firstWait/4)))
		case <-timer:
			return scope{}, true
		case <-wake:
			if !k.pause(ctx, gather) {
				return scope{}, false
			}
			drain(b.wake) // what else has changed just now goes with it
			return scope{}, true
		case <-told:
			if !k.pause(ctx, gatherNews) {
				return scope{}, false
			}
			drain(b.told)
			if folders, any := b.takeNews(); any {
				return scope{folders: folders}, true
			}
		}
	}
}

func (k *keeper) pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-k.b.gone:
		return false
	case <-k.o.Clock.After(d):
		return true
	}
}

func drain(ch chan struct{}) {
	select {
	case <-ch:
	default:
	}
}
