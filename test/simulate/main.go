// Command simulate runs random histories of one mailbox and one server on a simulated clock, network and disk, and checks after each what must
// hold of all. `make simulate SEEDS=n` runs it, its tests run a fixed share. docs/reliability.md says what is simulated. It may import everything.
// Read history.go first, then scenario.go.
package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

func main() {
	var seeds, first uint64
	var document string
	flag.Uint64Var(&seeds, "seeds", 10_000, "how many histories, each run twice")
	flag.Uint64Var(&first, "first", 1, "the first seed")
	flag.StringVar(&document, "o", "", "the document to write the record into, such as docs/reliability.md (default: only printed)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := simulate(ctx, first, seeds, document); err != nil {
		fmt.Fprintln(os.Stderr, "simulate:", err)
		os.Exit(1)
	}
}

func simulate(ctx context.Context, first, seeds uint64, document string) error {
	debug.SetGCPercent(400)
	r := record{when: time.Now(), first: first, faults: map[string]int{}}
	told := r.when
	err := histories(ctx, first, seeds, func(o outcome) bool {
		r.add(o)
		if len(o.wrong) > 0 {
			fmt.Printf("seed %d: %s\n\treplay it with OUTPOST_SEED=%d go test -v -run TestRandomHistories ./test/simulate\n", o.seed, strings.Join(o.wrong, "\n\t"), o.seed)
		}
		if now := time.Now(); now.Sub(told) > time.Minute {
			told = now
			fmt.Printf("%d of %d seeds, %d with violations, %.0f a second\n", r.seeds, seeds, len(r.bad), float64(r.seeds)/now.Sub(r.when).Seconds())
		}
		return ctx.Err() == nil
	})
	if err != nil {
		return err
	}
	r.took = time.Since(r.when)
	fmt.Print(r.line(), r.kinds())
	if document != "" && r.seeds > 0 {
		if err := r.write(document); err != nil {
			return err
		}
	}
	if len(r.bad) > 0 {
		slices.Sort(r.bad)
		return fmt.Errorf("%d of %d histories broke a promise, the first is seed %d", len(r.bad), r.seeds, r.bad[0])
	}
	return nil
}

// record is what a run was.
type record struct {
	when   time.Time
	took   time.Duration
	first  uint64
	seeds  uint64
	calls  int // lines of the traces
	faults map[string]int
	bad    []uint64
}

func (r *record) add(o outcome) {
	r.seeds++
	r.calls += len(o.trace)
	for kind, n := range o.faults {
		r.faults[kind] += n
	}
	if len(o.wrong) > 0 {
		r.bad = append(r.bad, o.seed)
	}
}

// line is the run's line in the record.
func (r *record) line() string {
	total := 0
	for _, n := range r.faults {
		total += n
	}
	return fmt.Sprintf("| %s | %d-%d | %d | %d | %d | %s |\n", r.when.UTC().Format("2006-01-02 15:04"), r.first, r.first+r.seeds-1, r.calls, total, len(r.bad), r.took.Round(time.Second))
}

// kinds is the table of faults.
func (r *record) kinds() string {
	var b strings.Builder
	b.WriteString("\n| fault | times |\n|---|--:|\n")
	for _, kind := range slices.Sorted(maps.Keys(r.faults)) {
		fmt.Fprintf(&b, "| %s | %d |\n", kind, r.faults[kind])
	}
	return b.String()
}

const (
	recordBegins = "<!-- record: histories -->\n"
	recordEnds   = "<!-- end: histories -->\n"
	recordHead   = "| when (UTC) | seeds | events | faults | violations | took |\n|---|---|--:|--:|--:|--:|\n"
	keptLines    = 20
)

// write adds the run to the record between the markers of a document, and replaces the table of faults by its own.
func (r *record) write(path string) error {
	doc, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	next, err := r.into(string(doc))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(next), 0o644)
}

func (r *record) into(doc string) (string, error) {
	before, rest, ok := strings.Cut(doc, recordBegins)
	old, after, ended := strings.Cut(rest, recordEnds)
	if !ok || !ended {
		return "", fmt.Errorf("has no place for the record: %q to %q", strings.TrimSpace(recordBegins), strings.TrimSpace(recordEnds))
	}
	lines := []string{r.line()}
	for line := range strings.Lines(old) {
		if strings.HasPrefix(line, "| 2") && len(lines) < keptLines {
			lines = append(lines, line)
		}
	}
	return before + recordBegins + recordHead + strings.Join(lines, "") + "\nFaults of the last run:\n" + r.kinds() + recordEnds + after, nil
}
