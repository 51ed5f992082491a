package remote

import (
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A connection that waits for news has nothing to send: only these options make the kernel find out that nobody is there.
func TestALostConnectionIsNoticedWithinAMinute(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := Endpoint{Timeout: 45 * time.Second}.DialContext(&Traffic{})(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, err := c.(*countingConn).Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	get := func(level, option int) (n int) {
		if err := raw.Control(func(fd uintptr) { n, err = syscall.GetsockoptInt(int(fd), level, option) }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if get(unix.SOL_SOCKET, unix.SO_KEEPALIVE) == 0 {
		t.Error("there are no keep-alives")
	}
	if s := get(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE) + get(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL)*get(unix.IPPROTO_TCP, unix.TCP_KEEPCNT); s > 60 {
		t.Errorf("keep-alives take %d s", s)
	}
	if ms := get(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); ms != 45_000 {
		t.Errorf("what is sent may be unacknowledged for %d ms", ms)
	}
}

func TestAWebPageIsRecognised(t *testing.T) {
	for said, want := range map[string]bool{
		"HTTP/1.1 302 Found": true, "HTTP/": true, "<!DOCTYPE html>": true, " \r\n<html>": true, "\ufeff<html>": true,
		"* OK IMAP4rev1": false, "220 mx ESMTP": false, "": false, "HTTPS": false,
	} {
		if IsWebPage(said) != want {
			t.Errorf("%q is a web page: %v", said, !want)
		}
	}
}
