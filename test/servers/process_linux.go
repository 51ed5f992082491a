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
	"strings"
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
	ended := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return poll(ctx, func() error {
			if n := groupSize(pid); n > 0 {
				return fmt.Errorf("%d processes of %s did not end within %v", n, p.cmd.Path, patience)
			}
			return nil
		})
	}
	err := ended()
	syscall.Kill(-pid, syscall.SIGKILL)
	if err != nil {
		err = ended() // on a busy machine Dovecot's children may not hear of it in time; killed is gone as well
	}
	<-p.done
	if p.guard != nil {
		io.WriteString(p.guard, "farewell\n")
		p.guard.Close()
	}
	return err
}

// groupSize counts the living processes of a process group. Zombies do not count: in a container nobody may reap them.
func groupSize(pgid int) (n int) {
	eachOfGroup(pgid, func(_ int, stat []string) {
		if stat[0] != "Z" && stat[0] != "X" {
			n++
		}
	})
	return n
}

// cpu is what the daemon and all its children have used so far, those included that have ended.
func (p *process) cpu() time.Duration {
	var ticks int64
	leader := p.cmd.Process.Pid
	eachOfGroup(leader, func(pid int, stat []string) {
		times := stat[11:13] // utime, stime
		if pid == leader {
			times = stat[11:15] // and those of the children that it waited for
		}
		for _, t := range times {
			n, _ := strconv.ParseInt(t, 10, 64) // the kernel writes numbers
			ticks += n
		}
	})
	return time.Duration(ticks) * time.Second / 100 // USER_HZ
}

// eachOfGroup calls fn with /proc/PID/stat of each process of a group, beginning with the third field. proc(5)
func eachOfGroup(pgid int, fn func(pid int, stat []string)) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		// pid (name) state ppid pgrp ...; the name may hold anything.
		stat := strings.Fields(string(line[bytes.LastIndexByte(line, ')')+1:]))
		if len(stat) > 14 && stat[2] == strconv.Itoa(pgid) {
			fn(pid, stat)
		}
	}
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
