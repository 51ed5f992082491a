package backend

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"outpost/internal/store"
)

// State says at a glance how a mailbox is (SPEC G1).
type State string

const (
	StateInSync    State = "in-sync"   // the server has everything that is here, as of the last pass
	StateSyncing   State = "syncing"   // a pass runs, or there is something to bring over, perhaps not before the next hour
	StateOffline   State = "offline"   // the server cannot be reached, or the person works offline
	StateAttention State = "attention" // something that only a person can mend
)

// AccountStatus is how one account is.
type AccountStatus struct {
	Email     string `json:"email"`
	State     State  `json:"state"`
	Mode      string `json:"mode"` // online or offline: the person's wish
	Folders   int64  `json:"folders"`
	Items     int64  `json:"items"`
	Pending   int64  `json:"pending"` // changes here that the server has not got yet
	Conflicts int64  `json:"conflicts"`
	Failures  int64  `json:"failures"`
	Held      int64  `json:"held"` // folders in which much would be deleted, which waits for a person's word
	Holds     []Hold `json:"holds"`
	LastSync  Time   `json:"lastSync"`          // end of the last complete pass
	Problem   string `json:"problem,omitempty"` // what went wrong in the last pass
	Doing     *Event `json:"doing,omitempty"`   // in the pass that runs
}

// Status is how everything is.
type Status struct {
	Accounts []AccountStatus `json:"accounts"`
}

// InSync reports whether nothing is left to do for any account.
func (s Status) InSync() bool {
	for _, a := range s.Accounts {
		if a.State != StateInSync {
			return false
		}
	}
	return true
}

// Status tells how all accounts are.
func (s *Server) Status(ctx context.Context) (Status, error) {
	out := Status{Accounts: []AccountStatus{}}
	for _, b := range s.mailboxes() {
		b.mu.Lock()
		a, running, doing, lost := b.account, b.cancel != nil, b.doing, b.watching.lost
		b.mu.Unlock()
		st := AccountStatus{Email: a.Email, Mode: mode(a), LastSync: Time{a.LastSync}, Problem: a.LastError}
		c, err := b.Counts(ctx)
		if err != nil {
			return out, fmt.Errorf("count what is in the mailbox of %s: %w", a.Email, err)
		}
		st.Folders, st.Items, st.Pending, st.Conflicts, st.Failures = c.Folders, c.Items, c.Pending, c.Conflicts, c.Failures
		unsure, err := unsure(ctx, b)
		if err != nil {
			return out, fmt.Errorf("look for what waits in the mailbox of %s: %w", a.Email, err)
		}
		st.Failures += unsure
		if unsure > 0 && st.Problem == "" {
			st.Problem = "a message in Outbox may have been sent or not: outpost failure list and outpost failure show tell more"
		}
		st.Held = c.Held
		if st.Holds, err = s.holds(ctx, b); err != nil {
			return out, fmt.Errorf("look for what is held in the mailbox of %s: %w", a.Email, err)
		}
		if running {
			st.Doing = &doing
		}
		last := Code(a.LastErrorKind)
		if lost != nil && last == "" {
			last, st.Problem = CodeOffline, lost.Error()
		}
		st.State = stateOf(st, last, running)
		out.Accounts = append(out.Accounts, st)
	}
	return out, nil
}

// unsure counts the messages of which nobody but a person can find out whether they were sent (SPEC C11).
func unsure(ctx context.Context, b *mailbox) (n int64, err error) {
	err = b.View(ctx, func(tx *store.Tx) error {
		queue, err := tx.Submissions()
		for _, q := range queue {
			if q.State == store.Unknown {
				n++
			}
		}
		return err
	})
	return n, err
}

// stateOf sums up: what needs a person comes first, then what explains why changes wait.
func stateOf(st AccountStatus, last Code, running bool) State {
	switch {
	case st.Failures > 0, st.Held > 0, last != "" && last != CodeOffline && last != CodeLimit:
		return StateAttention
	case st.Mode == "offline":
		return StateOffline
	case running && st.Doing.busy():
		return StateSyncing
	case last == CodeOffline:
		return StateOffline
	case st.Pending > 0, st.LastSync.IsZero(), last == CodeLimit:
		return StateSyncing
	}
	return StateInSync
}

// busy reports whether something is being brought over. A pass that only looks whether there is something to do does not
// make a mailbox less in sync.
func (e *Event) busy() bool {
	switch e.Doing {
	case "downloading", "uploading", "sending":
		return true
	}
	return false
}

// calm is the least time between two looks of one who follows the status.
const calm = 200 * time.Millisecond

// FollowStatus hands on the status, now and whenever it has changed, until ctx ends or emit fails.
func (s *Server) FollowStatus(ctx context.Context, emit func(Status) error) error {
	wake := make(chan struct{}, 1)
	s.mu.Lock()
	id := s.watched
	s.watched++
	s.stirred[id] = wake
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.stirred, id)
	}()
	var last Status
	for {
		now, err := s.Status(ctx)
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(now, last) {
			if err := emit(now); err != nil {
				return err
			}
			last = now
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.o.Clock.After(calm):
		}
	}
}

// VerifyResult is what a check of the data folder found.
type VerifyResult struct {
	Accounts []AccountVerified `json:"accounts"`
}

// AccountVerified is what a check of one mailbox found.
type AccountVerified struct {
	Email    string   `json:"email"`
	Bytes    int64    `json:"bytes"` // size of its files
	Problems []string `json:"problems"`
}

// Verify checks every mailbox: the databases, every content against its hash, the counts.
func (s *Server) Verify(ctx context.Context) (VerifyResult, error) {
	out := VerifyResult{Accounts: []AccountVerified{}}
	for _, b := range s.mailboxes() {
		email := b.get().Email
		problems, err := b.Mailbox.Verify(ctx, func(done, total int64) {
			s.announce(Event{Account: email, Doing: "verifying", Amount: Amount{Done: done, Total: total}})
		})
		if err != nil {
			return out, fmt.Errorf("verify the mailbox of %s: %w", email, err)
		}
		out.Accounts = append(out.Accounts, AccountVerified{Email: email, Bytes: b.Size(ctx), Problems: append([]string{}, problems...)})
	}
	return out, nil
}
