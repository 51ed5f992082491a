package backend

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"outpost/internal/engine"
	"outpost/internal/remote"
	"outpost/internal/store"
)

const (
	firstWait = time.Second // after a server could not be reached; doubles up to lastWait
	lastWait  = time.Minute
	longWait  = 10 * time.Minute // after what only a person can mend: a refused password is not tried again and again
	mostAfter = 24 * time.Hour   // that a server's wish to be left alone is followed
)

// pace remembers which services of an account are left alone just now: those that do not answer, and those that asked for it
// (SPEC C9). None of them slows down another (law 5). Its zero value is ready.
type pace struct {
	mu       sync.Mutex
	services map[string]rest
}

// rest is why and until when a service is left alone.
type rest struct {
	failures int
	until    time.Time
	err      error
}

// resting is the answer of a service that is left alone: what it answered last.
type resting struct{ error }

func (r resting) Unwrap() error { return r.error }

// ask returns nil when a service may be asked.
func (p *pace) ask(service string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.services[service]; r.until.After(now) {
		return resting{r.err}
	}
	return nil
}

// forget has every service asked at once: the network may be another one, or a person wishes it.
func (p *pace) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.services)
}

// note learns from a pass which of the services that it tried are well, and how long each of the others is left alone.
func (p *pace) note(now time.Time, tried []string, err error, r *rand.Rand) {
	if errors.Is(err, context.Canceled) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.services == nil {
		p.services = map[string]rest{}
	}
	bad := map[string]error{}
	for _, e := range apart(err) {
		service := ""
		if se, ok := errors.AsType[*engine.ServiceError](e); ok {
			service = se.Service
		} else if _, spent := errors.AsType[*spentError](e); spent {
			continue
		}
		if _, told := errors.AsType[resting](e); !told && ends(service, e) {
			bad[service] = e
		}
	}
	share := r.Float64() // the same for all: services that come back together are asked together
	for _, service := range append(tried, "") {
		if e, ok := bad[service]; ok {
			delete(bad, service)
			p.fail(service, now, e, share)
		} else {
			delete(p.services, service)
		}
	}
	for service, e := range bad { // could not even be connected to
		p.fail(service, now, e, share)
	}
}

func (p *pace) fail(service string, now time.Time, err error, share float64) {
	failures := p.services[service].failures + 1
	p.services[service] = rest{failures, now.Add(waitAfter(err, failures, share)), err}
}

// ends reports whether an error is of a service as a whole, not of one of its folders. What is no server's word, such as a full disk, is
// of all services.
func ends(service string, err error) bool {
	switch remote.KindOf(err) {
	case remote.Offline, remote.Unavailable, remote.Auth, remote.Certificate, remote.Protocol:
		return true
	}
	return service == ""
}

// waitAfter is how long a service is left alone after so many errors in a row. No two Outposts are in step: share, from 0 to 1, is chance.
func waitAfter(err error, failures int, share float64) time.Duration {
	wait := longWait
	if re, ok := errors.AsType[*remote.Error](err); ok && re.Kind == remote.Unavailable && re.After > 0 {
		// Never earlier, and later by as much again at most: those who were told the same would come back together, again and again.
		after := min(re.After, mostAfter)
		return after + time.Duration(share*float64(min(after, lastWait)))
	} else if ok && remote.IsRetryable(re) {
		wait = min(lastWait, firstWait<<min(failures-1, 10))
	}
	return wait - time.Duration(share*float64(wait/2))
}

// soonest returns when to ask again one of the services that are left alone; zero: none is.
func (p *pace) soonest() (at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.services {
		if at.IsZero() || r.until.Before(at) {
			at = r.until
		}
	}
	return at
}

// failing reports whether a service is left alone.
func (p *pace) failing() bool { return !p.soonest().IsZero() }

// stands reports whether all services of an account that hold folders are left alone: then a pass is of no use.
func (p *pace) stands(a store.Account) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, all := p.services[""]; all {
		return true
	}
	for _, sv := range services(a) {
		if _, rests := p.services[sv.name]; !rests && sv.name != "smtp" {
			return false
		}
	}
	return true
}

// paced connects only to services that are not left alone, and remembers which it tried. One pass uses it, in one goroutine.
type paced struct {
	engine.Connector
	pace  *pace
	now   time.Time // of the beginning of the pass
	tried []string
}

func (c *paced) Connect(ctx context.Context, service string) (remote.Service, error) {
	if err := c.pace.ask(service, c.now); err != nil {
		return nil, err
	}
	c.tried = append(c.tried, service)
	return c.Connector.Connect(ctx, service)
}

func (c *paced) Submit(ctx context.Context) (remote.Submitter, error) {
	const service = "smtp"
	if err := c.pace.ask(service, c.now); err != nil {
		return nil, err
	}
	c.tried = append(c.tried, service)
	return c.Connector.Submit(ctx)
}
