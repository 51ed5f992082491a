package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// scratch is a folder for the few real files of a world: in memory where the system has such a place.
func scratch() (string, error) {
	if dir, err := os.MkdirTemp("/dev/shm", "outpost-simulate-"); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "outpost-simulate-")
}

// worlds runs do in as many worlds at once as there are processors. The first error ends all.
func worlds(ctx context.Context, do func(w *world) error) error {
	dir, err := scratch()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var wg sync.WaitGroup
	errs := make(chan error, runtime.GOMAXPROCS(0))
	for i := range cap(errs) {
		wg.Go(func() {
			w, err := newWorld(ctx, fmt.Sprintf("world-%d-%d", os.Getpid(), i), dir)
			if err != nil {
				errs <- fmt.Errorf("make a world: %w", err)
				return
			}
			defer w.close()
			if err := do(w); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// histories runs the histories of seeds from first on, each twice: what differs between the two is as wrong as any violation. each is told
// of every outcome, by one goroutine at a time, and ends the run with false.
func histories(ctx context.Context, first, count uint64, each func(outcome) bool) error {
	var next atomic.Uint64
	var mu sync.Mutex
	var stop atomic.Bool
	return worlds(ctx, func(w *world) error {
		for !stop.Load() {
			n := next.Add(1) - 1
			if n >= count {
				return nil
			}
			o := w.run(ctx, first+n, true)
			again := w.run(ctx, first+n, false)
			if d := difference(o.trace[:o.calm], again.trace); d != "" {
				o.wrong = append(o.wrong, d)
			}
			mu.Lock()
			if !each(o) {
				stop.Store(true)
			}
			mu.Unlock()
		}
		return nil
	})
}

// difference shows where two traces of one seed part.
func difference(a, b []string) string {
	if slices.Equal(a, b) {
		return ""
	}
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			line := func(t []string) string {
				if i < len(t) {
					return t[i]
				}
				return "(ended)"
			}
			return fmt.Sprintf("two runs of one seed part at line %d:\n\t%s\n\t%s", i+1, line(a), line(b))
		}
	}
	return ""
}
