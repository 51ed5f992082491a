package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// Every scenario, with every trouble at every point: the database is sound after it, and once all is calm what must hold of every history holds.
// OUTPOST_POINT=scenario/trouble/n replays one.
func TestNoPointOfAScenarioIsOneToFailAt(t *testing.T) {
	stride := 1
	if testing.Short() {
		stride = 13
	}
	replay := os.Getenv("OUTPOST_POINT")
	type job struct {
		s scenario
		t trouble
	}
	jobs := make(chan job, len(scenarios())*len(troubles()))
	for _, s := range scenarios() {
		for _, tr := range troubles() {
			if replay == "" || strings.HasPrefix(replay, s.name+"/"+tr.name+"/") {
				jobs <- job{s, tr}
			}
		}
	}
	close(jobs)
	var mu sync.Mutex
	points := 0
	err := worlds(t.Context(), func(w *world) error {
		for j := range jobs {
			bad := 0
			for n := 1; bad < 3; n += stride {
				if replay != "" {
					if _, err := fmt.Sscanf(replay[strings.LastIndexByte(replay, '/')+1:], "%d", &n); err != nil {
						return err
					}
				}
				o, struck := w.try(t.Context(), j.s, j.t, n)
				mu.Lock()
				if struck {
					points++
				}
				if len(o.wrong) > 0 {
					bad++
					t.Errorf("%s: %s\n\treplay it with OUTPOST_POINT=%q go test -v -run %s ./test/simulate", point(j.s, j.t, n), strings.Join(o.wrong, "\n\t"), point(j.s, j.t, n), t.Name())
				}
				if replay != "" {
					t.Log("\n" + strings.Join(o.trace, "\n"))
				}
				mu.Unlock()
				if !struck || replay != "" {
					if n == 1 && replay == "" {
						t.Errorf("%s has no point at which something can go wrong", j.s.name)
					}
					break
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d points", points)
}
