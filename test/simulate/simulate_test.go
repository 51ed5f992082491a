package main

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

// Random histories on a simulated clock, network and disk; after quiet, what must hold of all. Each runs twice and must be the same.
// OUTPOST_SEEDS says how many, OUTPOST_SEED=n or n-m replays some and prints what happened.
func TestRandomHistoriesEndWell(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	first, count := uint64(1), uint64(10_000)
	if testing.Short() {
		count = 200
	}
	if s := os.Getenv("OUTPOST_SEEDS"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("OUTPOST_SEEDS: %v", err)
		}
		count = n
	}
	replay := os.Getenv("OUTPOST_SEED")
	if replay != "" {
		from, to, _ := strings.Cut(replay, "-")
		a, err := strconv.ParseUint(from, 10, 64)
		if err != nil {
			t.Fatalf("OUTPOST_SEED: %v", err)
		}
		first, count = a, 1
		if b, err := strconv.ParseUint(to, 10, 64); err == nil {
			count = b - a + 1
		}
	}
	bad := 0
	err := histories(t.Context(), first, count, func(o outcome) bool {
		if replay != "" && count == 1 {
			t.Log("\n" + strings.Join(o.trace, "\n"))
		}
		if len(o.wrong) > 0 {
			bad++
			t.Errorf("seed %d: %s\n\treplay it with OUTPOST_SEED=%d go test -v -run %s ./test/simulate", o.seed, strings.Join(o.wrong, "\n\t"), o.seed, t.Name())
		}
		return bad < 20
	})
	if err != nil {
		t.Fatal(err)
	}
}
