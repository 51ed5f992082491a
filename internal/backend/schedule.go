package backend

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// When to synchronise (SPEC C6, C9).
const (
	gather    = 300 * time.Millisecond // local changes within this time go out together
	interval  = time.Minute            // between passes when nothing happens
	firstWait = time.Second            // after the server could not be reached; doubles up to lastWait
	lastWait  = time.Minute
	longWait  = 10 * time.Minute // after what only a person can mend: a refused password is not tried again and again
)

// Serve keeps all mailboxes in step with their servers until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	s.mu.Lock()
	s.serving = ctx
	s.mu.Unlock()
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
	return true
}

// keep runs a pass at once, then after local changes, after a while, and again after a failure.
func (s *Server) keep(ctx context.Context, b *mailbox) {
	failures := 0
	for {
		a := b.get()
		var wait time.Duration
		if !a.Offline {
			_, err := s.pass(ctx, b, scope{})
			failures++
			if err == nil || errors.Is(err, context.Canceled) {
				failures = 0
			}
			wait = max(nextPass(failures, failures == 0 || retryable(a, err), s.newRand()), min(comeBack(err), longWait))
		}
		if !s.rest(ctx, b, wait, failures > 0, a.Offline) {
			return
		}
	}
}

// nextPass is how long to wait after a pass: after so many failures in a row, which heal by themselves or not.
func nextPass(failures int, heals bool, r *rand.Rand) time.Duration {
	wait := interval
	switch {
	case !heals:
		wait = longWait
	case failures > 0:
		wait = min(lastWait, firstWait<<min(failures-1, 10))
	}
	return wait - time.Duration(r.Int64N(int64(wait)/4+1)) // no two Outposts in step
}

// rest waits until it is time for the next pass; false means to end. A local change shortens the wait, unless the last pass
// failed; offline, only the person's wish ends it.
func (s *Server) rest(ctx context.Context, b *mailbox, wait time.Duration, failed, offline bool) bool {
	var timer <-chan time.Time
	if !offline {
		timer = s.o.Clock.After(wait)
	}
	wake := b.wake
	if failed || offline {
		wake = nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-b.gone:
		return false
	case <-b.hurry:
		return true
	case <-timer:
		return true
	case <-wake:
	}
	select { // what else changes just now goes with it
	case <-ctx.Done():
		return false
	case <-s.o.Clock.After(gather):
	}
	select {
	case <-b.wake:
	default:
	}
	return true
}
