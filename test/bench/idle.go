package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"outpost/test/servers"
)

const (
	idleFolders = 20
	idleSettle  = 15 * time.Second // after the first passes: what is indexed and tidied up then is not idling
	idleWatched = 60 * time.Second // with the pass that each minute brings
)

// idle measures what the daemon uses while nothing happens.
func (b *bench) idle(s *servers.Server, u servers.User) (err error) {
	if runtime.GOOS != "linux" {
		b.say("idle is left out: what a process uses is read from Linux' /proc")
		return nil
	}
	t := newTable("idle-"+strings.ToLower(string(s.Kind)), fmt.Sprintf("The daemon with nothing to do, %s, %d folders", s.Kind, idleFolders))
	dir, err := b.fresh("idle-" + string(s.Kind))
	if err != nil {
		return err
	}
	o, err := newOutpost(b.binary, filepath.Join(dir, "outpost"), s, u)
	if err != nil {
		return err
	}
	if _, err := o.first("", false, "--imap", s.IMAPS, "--trust-certificate", s.Fingerprint); err != nil {
		return err
	}
	cmd := exec.Command(b.binary, "serve", "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), o.env()...)
	log, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
	}()
	watched := ""
	for lines := bufio.NewScanner(log); watched == "" && lines.Scan(); {
		if _, n, ok := strings.Cut(lines.Text(), "folders="); ok && strings.Contains(lines.Text(), "msg=watching") {
			watched = n
		}
	}
	if watched == "" {
		return errors.New("the daemon watches nothing")
	}
	time.Sleep(idleSettle)
	before, err := usageOf(cmd.Process.Pid)
	if err != nil {
		return err
	}
	serverBefore := s.CPU()
	time.Sleep(idleWatched)
	after, err := usageOf(cmd.Process.Pid)
	if err != nil {
		return err
	}
	t.figure("processor", 100*float64(after.cpu-before.cpu)/float64(idleWatched), 0.1, " %")
	t.figure("processor of the server", 100*float64(s.CPU()-serverBefore)/float64(idleWatched), 0, " %")
	t.figure("times that a thread woke up, a second", float64(after.wakes-before.wakes)/idleWatched.Seconds(), 0, "")
	t.figure("resident memory", float64(after.rss)/mib, 150, " MiB")
	t.note("%v of `outpost serve`, over TLS, with one pass a minute; the server tells of changes in %s of %d folders (all with NOTIFY, one with IDLE), the others wait for that pass.",
		idleWatched, watched, idleFolders+6)
	return b.done(t)
}

// usage is what a process has used so far, and the memory that it has.
type usage struct {
	cpu   time.Duration
	wakes int64
	rss   int64
}

// usageOf reads it from the threads of a process: their schedstat counts nanoseconds where stat counts ticks. proc(5)
func usageOf(pid int) (u usage, err error) {
	dir := fmt.Sprintf("/proc/%d", pid)
	threads, err := os.ReadDir(dir + "/task")
	if err != nil {
		return u, err
	}
	for _, t := range threads {
		stat, err := os.ReadFile(dir + "/task/" + t.Name() + "/schedstat")
		if err != nil {
			continue // it has ended
		}
		spent, _, _ := strings.Cut(string(stat), " ")
		n, err := strconv.ParseInt(spent, 10, 64)
		if err != nil {
			return u, fmt.Errorf("schedstat: %w", err)
		}
		u.cpu += time.Duration(n)
		if u.wakes, err = add(u.wakes, dir+"/task/"+t.Name()+"/status", "voluntary_ctxt_switches:"); err != nil {
			return u, err
		}
	}
	kib, err := add(0, dir+"/status", "VmRSS:")
	u.rss = kib << 10
	return u, err
}

// add adds the number that follows a word at the beginning of a line.
func add(n int64, path, word string) (int64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return n, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, word); ok {
			more, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n + more, err
		}
	}
	return n, fmt.Errorf("%s: there is no %s", path, word)
}
