package backend

import (
	"context"
	"fmt"
	"strings"
	"time"

	"outpost/internal/engine"
	"outpost/internal/store"
)

// Bounds of how often an account looks by the clock.
const (
	LeastEvery = 10 * time.Second
	MostEvery  = 7 * 24 * time.Hour
)

// Settings say when an account is synchronised (SPEC C6), and what becomes of what was changed on both sides (SPEC C7).
type Settings struct {
	Push      bool   `json:"push"`      // when the server tells of a change
	Every     string `json:"every"`     // by the clock, like "5m", or "off"
	OnStart   bool   `json:"onStart"`   // when Outpost starts
	OnChange  bool   `json:"onChange"`  // when something is changed here
	Conflicts string `json:"conflicts"` // merge, or duplicate
}

// NewSettings changes some of an account's settings: those that are not nil.
type NewSettings struct {
	Email     string  `json:"email"`
	Push      *bool   `json:"push,omitempty"`
	Every     *string `json:"every,omitempty"`
	OnStart   *bool   `json:"onStart,omitempty"`
	OnChange  *bool   `json:"onChange,omitempty"`
	Conflicts *string `json:"conflicts,omitempty"`
}

const never = "off"

// withDefaults gives a new account the settings that everybody begins with.
func withDefaults(a store.Account) store.Account {
	a.Push, a.OnStart, a.OnChange, a.Every, a.Conflicts = true, true, true, time.Minute, string(engine.ConflictMerge)
	return a
}

func settings(a store.Account) Settings {
	s := Settings{Push: a.Push, Every: never, OnStart: a.OnStart, OnChange: a.OnChange, Conflicts: a.Conflicts}
	if a.Every > 0 {
		s.Every = shortTime(a.Every)
	}
	return s
}

// shortTime writes a time without the parts that are 0: 5m, not 5m0s.
func shortTime(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// SetAccount changes when and how an account is synchronised, at once and for good.
func (s *Server) SetAccount(ctx context.Context, n NewSettings) (Account, error) {
	b, err := s.mustBox(n.Email)
	if err != nil {
		return Account{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.account
	if n.Push != nil {
		a.Push = *n.Push
	}
	if n.OnStart != nil {
		a.OnStart = *n.OnStart
	}
	if n.OnChange != nil {
		a.OnChange = *n.OnChange
	}
	if n.Every != nil {
		if a.Every, err = parseEvery(*n.Every); err != nil {
			return Account{}, err
		}
	}
	if n.Conflicts != nil {
		switch engine.ConflictPolicy(*n.Conflicts) {
		case engine.ConflictMerge, engine.ConflictDuplicate:
			a.Conflicts = *n.Conflicts
		default:
			return Account{}, fail(CodeUsage, "%q is no way to deal with conflicts: use merge or duplicate", *n.Conflicts)
		}
	}
	if a, err = s.profile.PutAccount(ctx, a); err != nil {
		return Account{}, fmt.Errorf("store the settings: %w", err)
	}
	b.account = a
	poke(b.settled)
	if !a.Push && b.watching.end != nil {
		b.watching.end()
	}
	b.lookAgain()
	s.stir()
	return describe(a), nil
}

func parseEvery(text string) (time.Duration, error) {
	if text == never {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < LeastEvery || d > MostEvery {
		return 0, fail(CodeUsage, "%q is no time between two passes: use something from %s to %s, like 5m, or off", text, shortTime(LeastEvery), shortTime(MostEvery))
	}
	return d, nil
}
