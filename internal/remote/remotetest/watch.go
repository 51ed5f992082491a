package remotetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

// patience is how long a service may take to tell. It is not how long it should take.
const patience = 20 * time.Second

func push(f Features) bool    { return f.Push }
func pushAll(f Features) bool { return f.PushAll }

// watch is a Watch under way, on a connection of its own.
type watch struct {
	e      *env
	cancel context.CancelFunc
	news   chan string
	ended  chan error
}

// watch starts to watch, and returns when the service says what it watches.
func (e *env) watch(folders ...string) (*watch, []string) {
	e.Helper()
	s := e.Connect(e.T)
	watcher, ok := s.(remote.Watcher)
	if !ok {
		s.Close()
		e.Fatal("the service is no Watcher")
	}
	ctx, cancel := context.WithCancel(e.ctx)
	w := &watch{e: e, cancel: cancel, news: make(chan string, 1000), ended: make(chan error, 1)}
	watching := make(chan []string, 2)
	over := make(chan struct{})
	go func() {
		defer close(over)
		w.ended <- watcher.Watch(ctx, folders, func(f []string) { watching <- slices.Clone(f) }, func(f string) { w.news <- f })
	}()
	e.Cleanup(func() { cancel(); <-over; s.Close() })
	select {
	case f := <-watching:
		return w, f
	case err := <-w.ended:
		e.Fatalf("watching ended before it began: %v", err)
	case <-time.After(patience):
		e.Fatal("the service does not say what it watches")
	}
	return nil, nil
}

// hears waits until news of a folder are told. Those of other folders may be told too.
func (w *watch) hears(folder string) {
	w.e.Helper()
	late := time.After(patience)
	for {
		select {
		case f := <-w.news:
			if f == folder {
				return
			}
		case err := <-w.ended:
			w.e.Fatalf("watching ended: %v", err)
		case <-late:
			w.e.Fatalf("no news of %q", folder)
		}
	}
}

// stops ends the watch, which must be soon.
func (w *watch) stops() {
	w.e.Helper()
	w.cancel()
	select {
	case err := <-w.ended:
		if !errors.Is(err, context.Canceled) {
			w.e.Errorf("ended with %v, want the context's error", err)
		}
	case <-time.After(patience):
		w.e.Fatal("does not end with its context")
	}
}

func watchTests() []test {
	return []test{
		{name: "what another client does in the first folder is told", needs: push, run: func(e *env) {
			f := e.folder()
			w, watched := e.watch(f.ID)
			if !slices.Equal(watched, []string{f.ID}) {
				e.Fatalf("it watches %q", watched)
			}
			ids := e.create(e.s, f.ID, e.item(0))
			w.hears(f.ID)
			if mail(e.folderKind) {
				e.ok(e.s.SetFlags(e.ctx, f.ID, ids, groupware.Flags{System: groupware.Flagged}, groupware.Flags{}))
				w.hears(f.ID)
			} else {
				e.ok(replaced(e.s.Replace(e.ctx, f.ID, ids[0], "", e.edited(0))))
				w.hears(f.ID)
			}
			e.delete(e.s, f.ID, ids...)
			w.hears(f.ID)
			e.create(e.s, f.ID, e.item(1))
			w.hears(f.ID)
			w.stops()
		}},
		{name: "where nothing happens nothing is told", needs: push, run: func(e *env) {
			quiet := e.folder()
			e.create(e.s, quiet.ID, e.item(0))
			w, _ := e.watch(quiet.ID)
			e.all(e.s, quiet.ID) // reading is no change
			e.read(quiet.ID, "nothing")
			w.stops()
			close(w.news)
			for f := range w.news {
				if f == quiet.ID {
					e.Error("news of a folder in which nothing happened")
				}
			}
		}},
		{name: "the most important folder is among those watched, whatever their number", needs: push, run: func(e *env) {
			var all []string
			for range 3 {
				all = append(all, e.folder().ID)
			}
			w, watched := e.watch(all...)
			if len(watched) == 0 || watched[0] != all[0] || len(watched) > 3 {
				e.Fatalf("it watches %q of %q", watched, all)
			}
			for i, f := range slices.Backward(watched) {
				e.create(e.s, f, e.item(i))
				w.hears(f)
			}
			w.stops()
		}},
		{name: "every folder is watched, and the list of folders", needs: pushAll, run: func(e *env) {
			a, b := e.folder(), e.folder()
			w, watched := e.watch(a.ID, b.ID)
			if !slices.Equal(watched, []string{a.ID, b.ID}) {
				e.Fatalf("it watches %q", watched)
			}
			e.create(e.s, b.ID, e.item(0))
			w.hears(b.ID)
			c := e.folder()
			w.hears("")
			renamed, err := e.s.RenameFolder(e.ctx, c.ID, "", e.name())
			e.ok(err)
			e.made = append(e.made, renamed.ID)
			w.hears("")
			e.ok(e.s.DeleteFolder(e.ctx, renamed.ID))
			w.hears("")
			e.create(e.s, a.ID, e.item(1))
			w.hears(a.ID)
			w.stops()
		}},
		{name: "a service that cannot watch says so at once", kind: mail, needs: func(f Features) bool { return !f.Push }, run: func(e *env) {
			f := e.folder()
			told := 0
			e.ok(e.s.(remote.Watcher).Watch(e.ctx, []string{f.ID}, func(folders []string) {
				if told++; len(folders) != 0 {
					e.Errorf("it watches %q", folders)
				}
			}, func(string) { e.Error("there are news") }))
			if told != 1 {
				e.Errorf("it said %d times what it watches", told)
			}
			e.create(e.s, f.ID, e.item(0))
		}},
		{name: "a folder that is gone does not keep others from being watched", needs: push, run: func(e *env) {
			gone, there := e.folder(), e.folder()
			e.ok(e.other().DeleteFolder(e.ctx, gone.ID))
			w, watched := e.watch(gone.ID, there.ID)
			if !slices.Equal(watched, []string{there.ID}) {
				e.Fatalf("it watches %q", watched)
			}
			e.create(e.s, there.ID, e.item(0))
			w.hears(there.ID)
			w.stops()
		}},
	}
}

func replaced(_ remote.Created, err error) error { return err }
