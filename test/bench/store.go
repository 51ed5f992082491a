package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

var benchmarkLine = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op`)

// store runs the store's own benchmarks in a folder of a million items: they need its inside, which no command line
// shows. Their names say what they measure: Page…, Search….
func (b *bench) store() error {
	b.say("the store with a folder of 1,000,000 items")
	t := newTable("store", "A folder of 1,000,000 items")
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", "Million", "-timeout", "60m", "./internal/store")
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("the store's benchmarks: %w\n%s%s", err, tail(out), tail(errOut.Bytes()))
	}
	found := benchmarkLine.FindAllSubmatch(out, -1)
	if len(found) == 0 {
		return errors.New("internal/store has no benchmark named Million")
	}
	for _, m := range found {
		ns, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			return err
		}
		name, goal := strings.TrimPrefix(string(m[1]), "Million/"), 0.0
		switch {
		case name == "PageAfterAChange": // holds the change itself, which has no goal
		case strings.HasPrefix(name, "Page"):
			goal = 5
		case strings.HasPrefix(name, "Search"):
			goal = 50
		}
		t.figure(name, ns/1e6, goal, " ms")
	}
	t.note("`go test -bench Million ./internal/store`; PageAfterAChange is storing a message and then reading a page.")
	return b.done(t)
}
