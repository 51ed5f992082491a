//go:build mutate

package mutate

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// mutant is one seeded bug.
type mutant struct {
	name     string   // what is wrong, in words
	file     string   // from the top of the module
	old, new string   // old is found exactly once
	catch    []string // packages whose tests are to notice, asked in this order until one does
}

// outcome is what became of a mutant.
type outcome struct {
	caught string // package and test, "" when it survived
	judged bool
}

// testTime bounds one test binary: a bug that makes it hang is caught as well.
const testTime = 10 * time.Minute

func TestEveryMutantIsCaught(t *testing.T) {
	w := newWorkshop(t)
	names := map[string]bool{}
	outcomes := make([]outcome, len(mutants))
	t.Run("of", func(t *testing.T) {
		for i, m := range mutants {
			if names[m.name] {
				t.Fatalf("two mutants are called %q", m.name)
			}
			names[m.name] = true
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				outcomes[i] = w.judge(t, m)
			})
		}
	})
	if document := os.Getenv("OUTPOST_DOCUMENT"); document != "" {
		if err := record(filepath.Join(w.module, document), outcomes); err != nil {
			t.Fatal(err)
		}
	}
}

// workshop builds and runs the tests of broken programs.
type workshop struct {
	module, dir string
	env         []string
	mu          sync.Mutex
	sound       map[string]*sync.Once // whether the unbroken tests of a package pass, asked once
	broken      map[string]string
}

func newWorkshop(t *testing.T) *workshop {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	w := &workshop{module: filepath.Dir(strings.TrimSpace(string(out))), dir: t.TempDir(), sound: map[string]*sync.Once{}, broken: map[string]string{}}
	// Histories and seeds in a number that a mutant can be waited for; what the tests store lies in memory where there is such a folder.
	w.env = append(os.Environ(), "OUTPOST_HISTORIES=20000", "OUTPOST_SEEDS=150")
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		w.env = append(w.env, "TMPDIR=/dev/shm")
	}
	return w
}

// judge breaks the program as a mutant says and runs the tests that are to notice.
func (w *workshop) judge(t *testing.T, m mutant) outcome {
	path := filepath.Join(w.module, m.file)
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte(m.old)); n != 1 {
		t.Fatalf("stale: %s has what this replaces %d times; seed the bug anew in mutants_test.go:\n%s", m.file, n, m.old)
	}
	if len(m.catch) == 0 {
		t.Fatal("nobody is to notice")
	}
	dir := t.TempDir()
	replaced := filepath.Join(dir, filepath.Base(m.file))
	overlay := filepath.Join(dir, "overlay.json")
	replacement, err := json.Marshal(map[string]any{"Replace": map[string]string{path: replaced}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{replaced: bytes.Replace(source, []byte(m.old), []byte(m.new), 1), overlay: replacement} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, pkg := range m.catch {
		w.mustBeSound(t, pkg)
		binary := filepath.Join(dir, "test")
		if err := w.build(pkg, binary, "-overlay", overlay); err != nil {
			t.Fatal(err)
		}
		failed, output, err := w.test(pkg, binary, "-test.short")
		if err == nil && failed == "" && !long(pkg) {
			failed, output, err = w.test(pkg, binary)
		}
		if err != nil {
			t.Fatal(err)
		}
		if failed != "" {
			t.Logf("CAUGHT %s: %s", m.name, failed)
			return outcome{strings.TrimPrefix(pkg, "./") + ": " + failed, true}
		}
		t.Logf("%s did not notice:\n%s", pkg, tail(output))
	}
	t.Errorf("SURVIVED: %s", m.name)
	return outcome{judged: true}
}

// long tells of which package only the short tests can be waited for.
func long(pkg string) bool { return pkg == "./test/simulate" }

// mustBeSound demands that the tests of a package pass when nothing is broken: otherwise they would catch everything.
func (w *workshop) mustBeSound(t *testing.T, pkg string) {
	w.mu.Lock()
	once := w.sound[pkg]
	if once == nil {
		once = &sync.Once{}
		w.sound[pkg] = once
	}
	w.mu.Unlock()
	once.Do(func() {
		binary := filepath.Join(w.dir, strings.ReplaceAll(pkg, "/", "_"))
		failed, output, err := "", "", w.build(pkg, binary)
		switch {
		case err != nil:
		case long(pkg):
			failed, output, err = w.test(pkg, binary, "-test.short")
		default:
			failed, output, err = w.test(pkg, binary)
		}
		if err == nil && failed == "" {
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.broken[pkg] = fmt.Sprintf("%s fails with nothing broken: %s %v\n%s", pkg, failed, err, tail(output))
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if why := w.broken[pkg]; why != "" {
		t.Fatal(why)
	}
}

// build builds the tests of a package.
func (w *workshop) build(pkg, binary string, flags ...string) error {
	build := exec.Command("go", slices.Concat([]string{"test", "-c", "-vet=off", "-o", binary}, flags, []string{pkg})...)
	build.Dir = w.module
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the tests of %s: %w\n%s", pkg, err, tail(string(out)))
	}
	return nil
}

// test runs the tests of a package until the first one fails, which it names. Servers in processes of their own are left out: no bug here may need one.
func (w *workshop) test(pkg, binary string, flags ...string) (failed, output string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), testTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append(flags, "-test.v", "-test.failfast", "-test.skip=RealServer", "-test.timeout="+(2*testTime).String())...)
	cmd.Dir, cmd.Env = filepath.Join(w.module, pkg), w.env
	cmd.Stderr = io.Discard
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return "", "", err
	}
	var all strings.Builder
	if err := cmd.Start(); err != nil {
		return "", "", err
	}
	running := ""
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		all.WriteString(line + "\n")
		if name, ok := strings.CutPrefix(line, "=== RUN "); ok {
			running = strings.TrimSpace(name)
		}
		if name, ok := strings.CutPrefix(line, "--- FAIL: "); ok {
			failed, _, _ = strings.Cut(name, " ")
			cancel()
			break
		}
	}
	io.Copy(io.Discard, pipe)
	err = cmd.Wait()
	switch {
	case failed != "":
	case ctx.Err() != nil:
		failed = running + " (does not end)"
	case err != nil:
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			return "", all.String(), err
		}
		failed = running + " (panics)"
	}
	return failed, all.String(), nil
}

func tail(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}
