package backend

import (
	"context"
	"net"
	"slices"
	"strings"
	"time"
)

// No event that exists everywhere tells that the computer has slept or has another network. So a pulse looks at the clock and at the
// addresses of the computer; it costs some microseconds.
const (
	pulse = 5 * time.Second
	slept = 10 * time.Second // more than a pulse that is late on a busy computer
)

// stayAwake has the servers asked at once when the computer wakes up, or when its network is another one (SPEC C5).
func (s *Server) stayAwake(ctx context.Context) {
	last, had := s.o.Clock.Now().Round(0), s.o.Addresses() // without the monotonic part, which may stand still while the computer sleeps
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.o.Clock.After(pulse):
		}
		now, have := s.o.Clock.Now().Round(0), s.o.Addresses()
		gap := now.Sub(last) - pulse
		woken := gap > slept || gap < -slept
		moved := slices.ContainsFunc(had, func(a string) bool { return !slices.Contains(have, a) })
		arrived := slices.ContainsFunc(have, func(a string) bool { return !slices.Contains(had, a) })
		last, had = now, have
		for _, b := range s.mailboxes() {
			// A new address beside the old ones breaks no connection, and helps those who have none.
			if woken || moved || arrived && (b.pace.failing() || b.isLost()) {
				s.o.Log.Info("the computer was asleep or its network has changed", "category", "sync", "account", b.get().Email)
				poke(b.hurry)
			}
		}
	}
}

// localAddresses lists the addresses of the computer that reach beyond it.
func localAddresses() []string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			out = append(out, strings.Clone(n.IP.String()))
		}
	}
	slices.Sort(out)
	return out
}
