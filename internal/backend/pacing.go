package backend

import (
	"math/rand/v2"
	"time"
)

// Pacing is what the schedule decides about time alone, without anything that it takes time for: simulations of many Outposts play with it.
type Pacing struct {
	Policy Policy
	Rand   *rand.Rand
}

// Start is how long the first pass waits after the start.
func (p Pacing) Start() time.Duration { return share(p.Rand, p.Policy.SpreadStart) }

// Lost is how long the pass waits that finds out what the loss of a watching connection means.
func (p Pacing) Lost() time.Duration { return firstWait - share(p.Rand, firstWait/4) }

// After is how long a service is left alone after so many errors in a row, of which this is the last.
func (p Pacing) After(err error, failures int) time.Duration {
	return waitAfter(err, failures, p.Rand.Float64())
}
