package servers

import (
	"fmt"
	"os"
	"runtime"
	"testing"
)

// Kind names one of the servers.
type Kind string

const (
	CyrusIMAP     Kind = "Cyrus"
	DovecotIMAP   Kind = "Dovecot"
	RadicaleDAV   Kind = "Radicale"
	installAdvice      = "as root on Debian run test/servers/install.sh"
)

// program is what must exist for a server to start, and whether only root can start it.
func (k Kind) programs() (paths []string, root bool) {
	switch k {
	case CyrusIMAP:
		return []string{"/usr/lib/cyrus/bin/master", "/usr/lib/cyrus/bin/imapd", "/usr/lib/cyrus/bin/httpd", "/usr/sbin/saslpasswd2"}, true
	case DovecotIMAP:
		return []string{"/usr/sbin/dovecot", "/usr/lib/dovecot/imap"}, true
	default:
		return []string{"/usr/bin/python3", "/usr/bin/radicale"}, false
	}
}

// Missing says why a server cannot be started here and what to do about it; "" when it can.
func Missing(k Kind) string {
	if runtime.GOOS != "linux" {
		return fmt.Sprintf("%s is started on Debian only, this is %s", k, runtime.GOOS)
	}
	paths, root := k.programs()
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			return fmt.Sprintf("%s is not installed (%s is missing): %s", k, p, installAdvice)
		}
	}
	if root && os.Getuid() != 0 {
		return fmt.Sprintf("%s changes to a user of its own, which only root may do: run the tests as root", k)
	}
	return ""
}

// Require skips the test where a server cannot be started, and says why. With OUTPOST_REQUIRE_SERVERS=1 the test fails
// instead, so that a machine which is meant to test everything cannot leave something out unseen.
func Require(t testing.TB, k Kind) {
	t.Helper()
	reason := Missing(k)
	switch {
	case reason == "":
	case os.Getenv("OUTPOST_REQUIRE_SERVERS") == "1":
		t.Fatalf("OUTPOST_REQUIRE_SERVERS is 1, but %s", reason)
	default:
		t.Skip(reason)
	}
}
