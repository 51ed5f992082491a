package servers

import (
	"sync"
	"testing"
)

// Pool shares servers between the tests of a package: each is started by the first test that asks for it. Its zero
// value is ready:
//
//	var pool servers.Pool
//
//	func TestMain(m *testing.M) { os.Exit(pool.Run(m)) }
//
//	func TestSomething(t *testing.T) {
//		s := pool.Get(t, servers.CyrusIMAP)
//		u := s.NewUser(t)
type Pool struct {
	mu      sync.Mutex
	running map[Kind]*Server
}

// Run runs the tests and ends the servers after them.
func (p *Pool) Run(m *testing.M) int {
	code := m.Run()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.running {
		s.close()
	}
	return code
}

// Get returns the shared server of a kind. It skips or fails the test as Require does.
func (p *Pool) Get(t testing.TB, k Kind) *Server {
	t.Helper()
	Require(t, k)
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.running[k]; s != nil {
		return s
	}
	s, _, err := Start(k, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p.running == nil {
		p.running = map[Kind]*Server{}
	}
	p.running[k] = s
	return s
}
