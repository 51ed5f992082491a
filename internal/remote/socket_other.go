//go:build !linux

package remote

import (
	"net"
	"syscall"
	"time"
)

// quickAck does nothing where the system has no such option.
func quickAck(net.Conn) func() { return func() {} }

func giveUpAfter(time.Duration) func(network, address string, c syscall.RawConn) error { return nil }
