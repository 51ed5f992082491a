package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// process is a daemon with its children, in a process group of its own.
type process struct {
	cmd   *exec.Cmd
	guard io.WriteCloser
	done  chan struct{} // closed when the daemon itself has ended
}

// When the test process dies without cleaning up (a panic, a time-out, kill -9), the guard sees its standard input end,
// ends the daemon and removes its folder. "Read one line" is the farewell of an orderly stop.
const guardScript = `read -r farewell && exit 0
kill -TERM "$1"
i=0
while kill -0 "$1" 2>/dev/null && [ $i -lt 30 ]; do sleep 0.1; i=$((i+1)); done
kill -KILL -- "-$1" 2>/dev/null
[ -z "$2" ] || rm -rf -- "$2"`

// startProcess starts argv with its output appended to logFile. removeDir is what the guard removes; "" for nothing.
func startProcess(logFile, removeDir string, argv ...string) (*process, error) {
	out, err := os.OpenFile(logFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.done)
	}()
	guard := exec.Command("/bin/sh", "-c", guardScript, "guard", strconv.Itoa(cmd.Process.Pid), removeDir)
	guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if p.guard, err = guard.StdinPipe(); err == nil {
		err = guard.Start()
	}
	if err != nil {
		p.stop(time.Second)
		return nil, fmt.Errorf("start the guard of %s: %w", argv[0], err)
	}
	go guard.Wait()
	return p, nil
}

// stop ends the daemon and its children: first by asking, after patience by force.
func (p *process) stop(patience time.Duration) error {
	pid := p.cmd.Process.Pid
	syscall.Kill(pid, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := poll(ctx, func() error {
		if n := groupSize(pid); n > 0 {
			return fmt.Errorf("%d processes of %s did not end within %v and were killed", n, p.cmd.Path, patience)
		}
		return nil
	})
	syscall.Kill(-pid, syscall.SIGKILL)
	<-p.done
	if p.guard != nil {
		io.WriteString(p.guard, "farewell\n")
		p.guard.Close()
	}
	return err
}

// groupSize counts the living processes of a process group. Zombies do not count: in a container nobody may reap them.
func groupSize(pgid int) (n int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		// pid (name) state ppid pgrp ...; the name may hold anything.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) > 2 && string(fields[2]) == strconv.Itoa(pgid) && fields[0][0] != 'Z' && fields[0][0] != 'X' {
			n++
		}
	}
	return n
}

// poll calls try until it succeeds, or until ctx ends: then it returns try's last error.
func poll(ctx context.Context, try func() error) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// waitReady polls try until it succeeds, the daemon ends, or ctx ends.
func (p *process) waitReady(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := errors.New("the daemon ended by itself")
	go func() {
		select {
		case <-p.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := poll(ctx, try)
	if err != nil {
		select {
		case <-p.done:
			return ended
		default:
		}
	}
	return err
}
