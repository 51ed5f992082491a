package remote

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// quickAck asks the kernel to acknowledge at once what was just read. A server that does not set TCP_NODELAY (Cyrus) otherwise
// waits some 40 ms for our delayed acknowledgement in the middle of every longer answer. The option does not stay set, so it is
// asked for after every read.
func quickAck(c net.Conn) func() {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return func() {}
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return func() {}
	}
	set := func(fd uintptr) { syscall.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) }
	return func() { raw.Control(set) }
}

// giveUpAfter makes the kernel end a connection when what was sent, or a keep-alive, is not acknowledged for so long:
// otherwise it tries for a quarter of an hour. tcp(7) TCP_USER_TIMEOUT
func giveUpAfter(d time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		// Without it the loss is noticed all the same, later.
		return c.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
		})
	}
}
