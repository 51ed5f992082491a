package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"outpost/test/servers"
)

// cost is what one run of a program took.
type cost struct {
	Wall   time.Duration
	CPU    time.Duration // of the program
	RSS    int64         // its peak, in bytes
	Server time.Duration // processor time of the server meanwhile
	Exit   int
	Out    []byte `json:"-"` // standard output
}

// command is a program to measure.
type command struct {
	argv  []string
	env   []string // besides the harness' own
	stdin string
	ok    []int // exit codes besides 0 that are no failure
}

// helperArg makes this program start another one, wait for it and say what it took. The kernel counts as a program's
// peak memory also that of the process that forked it, and this one is larger than mbsync; so a small one forks.
const helperArg = "measure-one"

func helper(argv []string) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	start := time.Now()
	err := cmd.Run()
	c := cost{Wall: time.Since(start)}
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	c.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	c.RSS = peakMemory(cmd.ProcessState)
	c.Exit = cmd.ProcessState.ExitCode()
	if err := json.NewEncoder(os.NewFile(3, "cost")).Encode(c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// longest bounds one run: mbsync takes four minutes for 100,000 mails of Cyrus on an idle machine.
const longest = time.Hour

// measure runs a program to its end.
func measure(s *servers.Server, c command) (cost, error) {
	self, err := os.Executable()
	if err != nil {
		return cost{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	reader, writer, err := os.Pipe()
	if err != nil {
		return cost{}, err
	}
	defer reader.Close()
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, self, append([]string{helperArg}, c.argv...)...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(c.stdin), &out, &errOut
	cmd.ExtraFiles = []*os.File{writer}
	var before time.Duration
	if s != nil {
		before = s.CPU()
	}
	err = cmd.Run()
	writer.Close()
	name := strings.Join(c.argv, " ")
	if err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", name, err, tail(errOut.Bytes()))
	}
	var m cost
	line, err := io.ReadAll(reader)
	if err == nil {
		err = json.Unmarshal(line, &m)
	}
	if err != nil {
		return cost{}, fmt.Errorf("%s: %w", name, err)
	}
	if m.Exit != 0 && !slices.Contains(c.ok, m.Exit) {
		return cost{}, fmt.Errorf("%s ended with %d:\n%s%s", name, m.Exit, tail(out.Bytes()), tail(errOut.Bytes()))
	}
	if s != nil {
		m.Server = s.CPU() - before
	}
	m.Out = out.Bytes()
	return m, nil
}

func tail(b []byte) []byte { return b[max(0, len(b)-2000):] }

// plus is one cost after the other.
func (c cost) plus(d cost) cost {
	return cost{Wall: c.Wall + d.Wall, CPU: c.CPU + d.CPU, RSS: max(c.RSS, d.RSS), Server: c.Server + d.Server, Out: d.Out}
}

// median is the cost of the run that is in the middle by its wall time, with the largest peak memory of all.
func median(runs []cost) cost {
	sorted := slices.SortedFunc(slices.Values(runs), func(a, b cost) int { return int(a.Wall - b.Wall) })
	m := sorted[len(sorted)/2]
	for _, r := range runs {
		m.RSS = max(m.RSS, r.RSS)
	}
	return m
}

// fastest is the cost of the run with the least wall time.
func fastest(runs []cost) cost {
	return slices.MinFunc(runs, func(a, b cost) int { return int(a.Wall - b.Wall) })
}
