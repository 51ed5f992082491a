package backend

import (
	"context"
	"fmt"
	"math"
	"time"

	"outpost/internal/engine"
	"outpost/internal/remote"
	"outpost/internal/store"
)

// budget is what an account may download in an hour of the clock (SPEC C9).
type budget struct {
	s       *Server
	account int64
	email   string
}

// spentError says that an account has read all that it may in this hour.
type spentError struct {
	email string
	what  string // "500 messages"
	until time.Time
}

func (e *spentError) Error() string {
	return fmt.Sprintf("%s: %s an hour is what your administrator allows; the rest comes from %s on, and what you change goes out all the same", e.email, e.what, e.until.Local().Format("15:04"))
}

// budgetOf returns nil where nothing is limited.
func (s *Server) budgetOf(a store.Account) engine.Budget {
	if s.o.Policy.BytesPerHour == 0 && s.o.Policy.MessagesPerHour == 0 {
		return nil
	}
	return budget{s, a.ID, a.Email}
}

// Left implements engine.Budget.
func (b budget) Left(ctx context.Context) (items, bytes int64, err error) {
	p, now := b.s.o.Policy, b.s.o.Clock.Now()
	spentBytes, spentItems, err := b.s.profile.TrafficSince(ctx, b.account, now.Truncate(time.Hour))
	if err != nil {
		return 0, 0, fmt.Errorf("count what was downloaded in this hour: %w", err)
	}
	items, bytes = left(p.MessagesPerHour, spentItems), left(p.BytesPerHour, spentBytes)
	if items > 0 && bytes > 0 {
		return items, bytes, nil
	}
	spent := &spentError{b.email, fmt.Sprintf("%d messages", p.MessagesPerHour), now.Truncate(time.Hour).Add(time.Hour)}
	if items > 0 {
		spent.what = fmt.Sprintf("%d MB", max(1, p.BytesPerHour>>20))
	}
	return 0, 0, &remote.Error{Kind: remote.Unavailable, Doing: "download", Text: spent.Error(), After: spent.until.Sub(now), Err: spent}
}

func left(limit, spent int64) int64 {
	if limit == 0 {
		return math.MaxInt64
	}
	return max(0, limit-spent)
}

// Spend implements engine.Budget.
func (b budget) Spend(ctx context.Context, items, bytes int64) error {
	return b.s.profile.AddTraffic(ctx, b.account, b.s.o.Clock.Now(), bytes, items)
}
