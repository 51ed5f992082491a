package fake

import (
	"context"
	"slices"

	"outpost/internal/remote"
)

var _ remote.Watcher = (*conn)(nil)

// watcher is a connection that waits for news of its folders.
type watcher struct {
	service string
	folders []string
	news    map[string]bool // folder ids, "" for the list of folders
	wake    chan struct{}   // holds one
}

// tell wakes those who watch a folder; nil is the list of folders of the service. The lock is held.
func (s *Server) tell(service string, f *folder) {
	id := s.id(f)
	for _, w := range s.watchers {
		if w.service == service && (f == nil || slices.Contains(w.folders, id)) {
			w.news[id] = true
			w.rouse()
		}
	}
}

func (w *watcher) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Watch implements remote.Watcher: of all folders, as a server with NOTIFY does. A fault in the middle strikes when
// Step changes have been told.
func (c *conn) Watch(ctx context.Context, folders []string, watching func(folders []string), changed func(folder string)) error {
	k, err := c.begin(ctx, "Watch", "wait for changes")
	if err != nil {
		return err
	}
	w := &watcher{service: c.name, news: map[string]bool{}, wake: make(chan struct{}, 1)}
	c.locked(func(s *Server) error {
		if s.o.NoPush {
			return nil
		}
		for _, id := range folders {
			if _, err := c.folder(k.doing, id); err == nil {
				w.folders = append(w.folders, id)
			}
		}
		s.watchers = append(s.watchers, w)
		return nil
	})
	defer c.locked(func(s *Server) error {
		s.watchers = slices.DeleteFunc(s.watchers, func(x *watcher) bool { return x == w })
		return nil
	})
	watching(w.folders)
	if c.s.o.NoPush {
		return k.end()
	}
	for {
		select {
		case <-ctx.Done():
		case <-w.wake:
		}
		if err := k.alive(); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
		for _, id := range w.take(c.s) {
			c.in.Add(int64(len(id)) + 20)
			changed(id)
			if err := k.step(); err != nil {
				return err
			}
		}
	}
}

// take returns what is new, the list of folders first, then in the order of importance.
func (w *watcher) take(s *Server) (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range append([]string{""}, w.folders...) {
		if w.news[id] {
			out = append(out, id)
		}
	}
	clear(w.news)
	return out
}
