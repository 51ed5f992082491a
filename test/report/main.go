// Command report runs `go test` with the arguments it is given and prints what go test prints, and after it a list of
// the tests that were skipped, with their reasons: a test that did not run is not a test that passed. It ends as go
// test does. It may import the standard library only.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	cmd := exec.Command("go", append([]string{"test", "-json"}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
	r := report{out: os.Stdout, output: map[test][]string{}}
	r.read(out)
	err = cmd.Wait()
	r.summary()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(max(1, exit.ExitCode()))
	} else if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
}

type test struct{ pkg, name string }

// skip is the tests of a package that were skipped for one reason.
type skip struct {
	pkg, reason string
	names       []string
}

type report struct {
	out     io.Writer
	output  map[test][]string // of tests that have not ended
	skipped []skip
	passed  int
	failed  int
}

func (r *report) read(in io.Reader) {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if len(line) > 0 && json.Unmarshal(line, &e) != nil {
			r.out.Write(line) // not an event, such as a warning of the linker
		} else {
			r.event(e)
		}
		if err != nil {
			return
		}
	}
}

func (r *report) event(e event) {
	key := test{e.Package, e.Test}
	switch e.Action {
	case "output":
		switch {
		case e.Test != "":
			r.output[key] = append(r.output[key], e.Output)
		case e.Output != "PASS\n": // go test prints that line only with -v
			fmt.Fprint(r.out, e.Output)
		}
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "pass", "skip", "fail":
		if e.Test == "" {
			if e.Action == "fail" {
				r.flush(e.Package) // tests that were running when the package ended, by a panic or a time-out
			}
			return
		}
		switch e.Action {
		case "pass":
			r.passed++
		case "skip":
			r.skip(e.Package, reason(r.output[key]), e.Test)
		case "fail":
			r.failed++
			r.print(key)
		}
		delete(r.output, key)
	}
}

// print shows the output of a test without the lines that go test prints only with -v.
func (r *report) print(key test) {
	for _, l := range r.output[key] {
		if !strings.HasPrefix(l, "=== ") {
			fmt.Fprint(r.out, l)
		}
	}
}

func (r *report) flush(pkg string) {
	for key := range r.output {
		if key.pkg == pkg {
			r.print(key)
			delete(r.output, key)
		}
	}
}

// reason is what a skipped test said, without the place in the source.
func reason(lines []string) string {
	var words []string
	for _, l := range lines {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "=== ") || strings.HasPrefix(l, "--- ") {
			continue
		}
		if _, said, ok := strings.Cut(l, ".go:"); ok {
			if _, said, ok = strings.Cut(said, ": "); ok {
				l = said
			}
		}
		words = append(words, l)
	}
	return strings.Join(words, " ")
}

func (r *report) skip(pkg, reason, name string) {
	i := slices.IndexFunc(r.skipped, func(s skip) bool { return s.pkg == pkg && s.reason == reason })
	if i < 0 {
		i = len(r.skipped)
		r.skipped = append(r.skipped, skip{pkg: pkg, reason: reason})
	}
	r.skipped[i].names = append(r.skipped[i].names, name)
}

func (r *report) summary() {
	n := 0
	for _, s := range r.skipped {
		n += len(s.names)
	}
	fmt.Fprintf(r.out, "%d tests passed, %d failed, %d skipped\n", r.passed, r.failed, n)
	for _, s := range r.skipped {
		const show = 2
		names := strings.Join(s.names[:min(show, len(s.names))], ", ")
		if more := len(s.names) - show; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		fmt.Fprintf(r.out, "skipped: %s %s: %s\n", s.pkg, names, s.reason)
	}
}
