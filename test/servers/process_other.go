//go:build !linux

package servers

import (
	"context"
	"errors"
	"time"
)

// process exists on Linux only; Missing says so before anything gets here.
type process struct{}

var errNotLinux = errors.New("servers are started on Linux only")

func startProcess(string, string, ...string) (*process, error)           { return nil, errNotLinux }
func (p *process) stop(time.Duration) error                              { return errNotLinux }
func (p *process) waitReady(ctx context.Context, try func() error) error { return errNotLinux }
func (p *process) cpu() time.Duration                                    { return 0 }
