package fake

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"outpost/internal/remote"
)

// Point is where in a call a fault strikes.
type Point int

const (
	Before  Point = iota // nothing was done
	Middle               // some items were done, the last of them not told
	After                // all was done, nothing of it was told (a lost answer); listings and contents were emitted
	OneItem              // one item is refused (Create, Replace, Delete, Fetch), the others are not
)

func (p Point) String() string { return [...]string{"before", "middle", "after", "item"}[p] }

// Fault is one thing that goes wrong. Without Cut, Stall or Duplicate it is an answer of Kind.
type Fault struct {
	Call    string // method of remote.Service, "Connect", "Submit" or "Send"; "" is any
	Service string // "imap", "caldav", "carddav", "smtp"; "" is any
	Nth     int    // strikes the nth such call from now on, once; 0 strikes every one
	At      Point
	Step    int // Middle, OneItem: the index of the item
	Kind    remote.ErrorKind
	After   time.Duration // Unavailable
	// Cut ends the connection (so does Kind Offline): until a new one, every call is Offline.
	Cut bool
	// Stall waits until the context ends, and ends the connection.
	Stall bool
	// Duplicate emits everything twice (Changes, Fetch); the call succeeds.
	Duplicate bool
}

// String names the fault as Counts does.
func (f Fault) String() string {
	switch {
	case f.Duplicate:
		return "duplicate"
	case f.Stall:
		return "stall " + f.At.String()
	case f.Cut || f.Kind == remote.Offline:
		return "cut " + f.At.String()
	}
	return f.Kind.String() + " " + f.At.String()
}

// EveryFault is a choice for Random: everything but Stall, which needs contexts that end.
func EveryFault() []Fault {
	return []Fault{
		{Cut: true, At: Before}, {Cut: true, At: Middle}, {Cut: true, At: After}, {Duplicate: true},
		{Kind: remote.Unavailable, After: time.Minute, At: Before}, {Kind: remote.Unavailable, At: Middle},
		{Kind: remote.Protocol, At: After}, {Kind: remote.Other, At: Before}, {Kind: remote.Other, At: OneItem},
		{Kind: remote.OverQuota, At: OneItem}, {Kind: remote.TooLarge, At: OneItem}, {Kind: remote.Precondition, At: OneItem},
		{Kind: remote.Forbidden, At: OneItem}, {Kind: remote.Invalid, At: OneItem}, {Call: "Connect", Kind: remote.Auth, At: Before},
	}
}

// Faults is a plan of what goes wrong, asked at every call.
type Faults struct {
	mu      sync.Mutex
	orders  []*Fault
	rate    float64
	seed    uint64
	choices []Fault
	rands   map[string]*rand.Rand
	counts  map[string]int
}

func newFaults() *Faults { return &Faults{counts: map[string]int{}} }

// Order adds a fault to the plan.
func (p *Faults) Order(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.orders = append(p.orders, &f)
}

// Random makes every call go wrong with probability rate in one of the ways of choices that fit it (Nth and Step are not used).
// Each service draws from its own source made from seed, so a history of calls per service has the same faults each time.
func (p *Faults) Random(seed uint64, rate float64, choices ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seed, p.rate, p.choices, p.rands = seed, rate, choices, map[string]*rand.Rand{}
}

// Stop empties the plan; counts stay.
func (p *Faults) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.orders, p.rate, p.choices = nil, 0, nil
}

// Counts tells how often each kind of fault struck, by Fault.String.
func (p *Faults) Counts() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

// Struck is the number of all faults that struck.
func (p *Faults) Struck() (n int) {
	for _, c := range p.Counts() {
		n += c
	}
	return n
}

func (p *Faults) count(f *Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[f.String()]++
}

// next chooses what goes wrong with a call; nil for nothing.
func (p *Faults) next(service, call string) *Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, f := range p.orders {
		if !f.fits(service, call) {
			continue
		}
		if f.Nth == 0 {
			return f
		}
		if f.Nth--; f.Nth == 0 {
			p.orders = append(p.orders[:i:i], p.orders[i+1:]...)
			return f
		}
	}
	if p.rate == 0 || len(p.choices) == 0 {
		return nil
	}
	r := p.rands[service]
	if r == nil {
		r = seedOf(p.seed, service)
		p.rands[service] = r
	}
	// Always the same number of draws, so that a call more or less of one kind does not change all that follows.
	roll, pick, step := r.Float64(), r.Float64(), r.IntN(1<<r.IntN(8))
	var fit []Fault
	for _, f := range p.choices {
		if f.fits(service, call) && (f.At != OneItem || slices.Contains(ofItems[:], call)) {
			fit = append(fit, f)
		}
	}
	if roll >= p.rate || len(fit) == 0 {
		return nil
	}
	f := fit[int(pick*float64(len(fit)))]
	if f.Step = step; f.At == OneItem {
		f.Step %= 4 // most calls have few
	}
	return &f
}

// ofItems are the calls that report on each item.
var ofItems = [...]string{"Create", "Replace", "Delete", "Fetch", "Send"}

func (f *Fault) fits(service, call string) bool {
	return cmp.Or(f.Service, service) == service && cmp.Or(f.Call, call) == call
}

func (f *Fault) error(doing string) *remote.Error {
	if f.Cut || f.Stall || f.Kind == remote.Offline {
		return &remote.Error{Kind: remote.Offline, Doing: doing, Text: "connection lost (" + f.At.String() + ")"}
	}
	return &remote.Error{Kind: f.Kind, Doing: doing, Text: fmt.Sprintf("fault to order (%s)", f.At), After: f.After}
}
