package servers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/gofrs/flock"
)

// Ports lie below the range from which Linux takes ports for outgoing connections, so that none of those sits on one
// while a server is away.
const (
	firstPort = 20000
	lastPort  = 32000
)

// ports are loopback ports that no other test process takes, also while nothing listens on them: a file lock each,
// which the system releases when the process ends.
type ports struct {
	numbers []int
	locks   []*flock.Flock
}

func reservePorts(n int) (*ports, error) {
	dir := filepath.Join(os.TempDir(), "outpost-test-ports-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("reserve ports: %w", err)
	}
	p := &ports{}
	for tries := 0; len(p.numbers) < n; tries++ {
		if tries == 1000 {
			p.release()
			return nil, errors.New("reserve ports: no free port among 1000 tried")
		}
		port := firstPort + rand.IntN(lastPort-firstPort)
		lock := flock.New(filepath.Join(dir, strconv.Itoa(port)))
		if ok, err := lock.TryLock(); err != nil || !ok {
			continue
		}
		l, err := net.Listen("tcp", loopback(port))
		if err != nil {
			lock.Unlock()
			continue
		}
		l.Close()
		p.numbers = append(p.numbers, port)
		p.locks = append(p.locks, lock)
	}
	return p, nil
}

func (p *ports) release() {
	for _, l := range p.locks {
		l.Unlock()
	}
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
