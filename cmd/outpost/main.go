// Command outpost is Outpost's one program: the daemon, the demonstration and the command line. It is thin: each command
// asks the JSON API of internal/web, of the daemon when one runs and else within this process, and prints the answer.
// It may import web, backend, demo and groupware.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing wrong but not in sync.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second one ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
