package backend

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/store"
)

// lively is how long a watching connection must last for its end not to be taken for a refusal to be watched.
const lively = 2 * time.Minute

// watching is the state of the connection that waits for the server to tell of changes. The lock of its mailbox guards it.
type watching struct {
	end      context.CancelFunc          // ends the connection; nil when there is none
	asked    []groupware.FolderID        // what it was asked to watch
	failures int                         // in a row
	after    time.Time                   // not to be tried earlier
	lost     error                       // it was lost, and no pass has gone well since
	news     map[groupware.FolderID]bool // of which the server told, and no pass has begun since; 0 is the list of folders
}

// watch keeps one connection that waits for the server to tell of changes in mail folders (SPEC C6). While the server cannot be reached, the
// passes find out when it is back.
func (s *Server) watch(ctx context.Context, b *mailbox) {
	r := s.newRand()
	for {
		var timer <-chan time.Time
		folders, wait, err := s.toWatch(ctx, b)
		switch {
		case err != nil:
			s.o.Log.Error("the folders to watch cannot be found out", "category", "sync", "account", b.get().Email, "error", err)
		case wait > 0:
			timer = s.o.Clock.After(wait)
		case len(folders) > 0:
			if s.watchOnce(ctx, b, folders, r) {
				continue
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-b.gone:
			return
		case <-b.look:
		case <-timer:
		}
	}
}

// toWatch returns the folders to watch now, the most important first: none when there is to be no watching, or not before wait has passed.
func (s *Server) toWatch(ctx context.Context, b *mailbox) (folders []store.Folder, wait time.Duration, err error) {
	b.mu.Lock()
	a, lost, after, begun := b.account, b.watching.lost, b.watching.after, b.begun
	b.mu.Unlock()
	if !a.Push || a.Offline || a.IMAP == "" || lost != nil || !begun && a.OnStart || !s.o.Policy.push() || ctx.Err() != nil {
		return nil, 0, nil
	}
	err = b.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Folders()
		for _, f := range all {
			if f.Service == "imap" && f.RemoteID != "" && !f.Deleted && !f.NoItems && f.Mode != groupware.SyncOff {
				folders = append(folders, f)
			}
		}
		return err
	})
	slices.SortStableFunc(folders, func(a, b store.Folder) int { return cmp.Compare(importance(a), importance(b)) })
	return folders, max(0, after.Sub(s.o.Clock.Now())), err
}

func importance(f store.Folder) int {
	switch f.Role {
	case groupware.RoleInbox:
		return 0
	case groupware.RoleSent, groupware.RoleDrafts:
		return 2
	case groupware.RoleTrash, groupware.RoleJunk, groupware.RoleArchive:
		return 3
	}
	return 1
}

// watchOnce watches until the connection ends; true means to look at once what is to be watched now.
func (s *Server) watchOnce(ctx context.Context, b *mailbox, folders []store.Folder, r interface{ Float64() float64 }) (again bool) {
	ids, remotes := make([]groupware.FolderID, len(folders)), make([]string, len(folders))
	byRemote := map[string]groupware.FolderID{"": 0}
	for i, f := range folders {
		ids[i], remotes[i] = f.ID, f.RemoteID
		byRemote[f.RemoteID] = f.ID
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b.mu.Lock()
	a := b.account
	b.watching.end, b.watching.asked = cancel, ids
	b.mu.Unlock()
	if b.isGone() {
		return false
	}
	began := s.o.Clock.Now()
	established := false
	err := s.watchFolders(ctx, a, remotes, func(watched []string) {
		established = len(watched) > 0
		var seen []groupware.FolderID
		for _, id := range watched {
			seen = append(seen, byRemote[id])
		}
		if established {
			b.tell(seen...) // what changed earlier is not told
		}
		s.o.Log.Info("watching", "category", "sync", "account", a.Email, "folders", len(seen))
	}, func(folder string) { b.tell(byRemote[folder]) })

	now := s.o.Clock.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	w := &b.watching
	w.end, w.asked = nil, nil
	log := s.o.Log.With("category", "sync", "account", a.Email)
	switch {
	case ctx.Err() != nil || errors.Is(err, context.Canceled): // by us
		return true
	case err == nil:
		log.Info("the server tells of no changes by itself: it is asked from time to time")
		return false
	}
	if w.failures++; established && now.Sub(began) >= lively {
		w.failures = 0
	}
	if w.after = now; w.failures > 0 {
		w.after = now.Add(waitAfter(err, min(w.failures, 20), r.Float64()))
	}
	log.Info("watching has ended", "error", err)
	if established && remote.IsRetryable(err) {
		w.lost = explain(a, err)
		poke(b.alarm)
		b.stir()
	}
	return w.lost == nil
}

// watchFolders opens a connection and watches on it.
func (s *Server) watchFolders(ctx context.Context, a store.Account, folders []string, watching func([]string), changed func(string)) error {
	password, err := s.password(a)
	if err != nil {
		return err
	}
	svc, err := s.o.Connect(a, password).Connect(ctx, "imap")
	if err != nil {
		return err
	}
	defer svc.Close()
	if w, ok := svc.(remote.Watcher); ok {
		return w.Watch(ctx, folders, watching, changed)
	}
	return nil
}

// tell notes folders in which something may be new.
func (b *mailbox) tell(folders ...groupware.FolderID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watching.news == nil {
		b.watching.news = map[groupware.FolderID]bool{}
	}
	for _, id := range folders {
		b.watching.news[id] = true
	}
	poke(b.told)
}

// takeNews returns of which folders the server told, nil for everything, and whether it told of any.
func (b *mailbox) takeNews() (folders []groupware.FolderID, any bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	news := b.watching.news
	b.watching.news = nil
	if news[0] {
		return nil, true
	}
	return slices.Sorted(maps.Keys(news)), len(news) > 0
}

// newsMeanwhile returns the folders of which the server told while a pass runs. What else it told of waits for the next pass.
func (b *mailbox) newsMeanwhile() []groupware.FolderID {
	folders, any := b.takeNews()
	if any && folders == nil {
		b.tell(0)
	}
	return folders
}

// isLost reports whether the watching connection was lost, and no pass has gone well since.
func (b *mailbox) isLost() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.watching.lost != nil
}

// lookAgain has it found out anew what is to be watched.
func (b *mailbox) lookAgain() { poke(b.look) }

// watchAnew ends the watching connection, so that a new one is made: the old one may have died in silence.
func (b *mailbox) watchAnew() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watching.failures, b.watching.after = 0, time.Time{}
	if b.watching.end != nil {
		b.watching.end()
	}
	b.lookAgain()
}
