package fake

import (
	"context"
	"fmt"
	"sync/atomic"

	"outpost/internal/remote"
)

// conn is one connection to one service.
type conn struct {
	s       *Server
	name    string
	epoch   int
	dead    bool
	in, out atomic.Int64
}

// call is one request on a connection and what is to go wrong with it.
type call struct {
	c     *conn
	ctx   context.Context
	doing string
	fault *Fault // nil when nothing goes wrong any more
	steps int
}

// begin starts a request: it fails when the connection is gone, the context has ended, or a fault strikes before.
func (c *conn) begin(ctx context.Context, name, doing string) (*call, error) {
	s := c.s
	s.mu.Lock()
	s.calls[name]++
	gone := c.dead || s.offline || c.epoch != s.epoch
	s.mu.Unlock()
	c.out.Add(int64(len(name) + len(doing)))
	c.in.Add(2)
	if gone {
		c.dead = true
		return nil, &remote.Error{Kind: remote.Offline, Doing: doing, Text: "no connection"}
	}
	k := &call{c: c, ctx: ctx, doing: doing, fault: s.faults.next(c.name, name)}
	if err := k.alive(); err != nil {
		return nil, err
	}
	if k.at(Before) {
		return nil, k.strike()
	}
	return k, nil
}

func (k *call) at(p Point) bool { return k.fault != nil && !k.fault.Duplicate && k.fault.At == p }

// strike lets the fault happen.
func (k *call) strike() error {
	f := k.fault
	k.fault = nil
	k.c.s.faults.count(f)
	if f.Stall {
		if k.c.s.o.Stalled != nil {
			k.c.s.o.Stalled()
		}
		<-k.ctx.Done()
	}
	err := f.error(k.doing)
	if err.Kind == remote.Offline {
		k.c.dead = true
	}
	return err
}

// alive says whether the caller and the server are still there.
func (k *call) alive() error {
	if err := k.ctx.Err(); err != nil {
		k.c.dead = true
		return fmt.Errorf("%s: %w", k.doing, err)
	}
	k.c.s.mu.Lock()
	defer k.c.s.mu.Unlock()
	if k.c.epoch != k.c.s.epoch {
		k.c.dead = true
		return &remote.Error{Kind: remote.Offline, Doing: k.doing, Text: "connection lost"}
	}
	return nil
}

// refused says whether a fault refuses the next item.
func (k *call) refused() error {
	if k.at(OneItem) && k.fault.Step == k.steps {
		k.steps++
		return k.strike()
	}
	return nil
}

// step is called when an item was done and before it is told.
func (k *call) step() error {
	k.steps++
	if k.at(Middle) && k.fault.Step < k.steps {
		return k.strike()
	}
	return k.alive()
}

// silent says that what is done in this call will not be told.
func (k *call) silent() bool { return k.at(After) }

// end is called when all was done and before the answer.
func (k *call) end() error {
	if k.at(After) || k.at(Middle) {
		return k.strike()
	}
	return nil
}

// times is how often to emit each thing.
func (k *call) times() int {
	if k.fault == nil || !k.fault.Duplicate {
		return 1
	}
	k.c.s.faults.count(k.fault)
	k.fault = nil
	return 2
}
