package interop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// road leads to one server through a proxy that can do to connections what bad networks do, also while they are used.
type road struct {
	server           *toxiproxy.ApiServer
	name, at, behind string

	mu    sync.Mutex
	proxy *toxiproxy.Proxy
	now   string // what is wrong with it
}

func newRoad(t *testing.T, name, behind string) *road {
	t.Helper()
	x := &road{name: name, at: "127.0.0.1:0", behind: behind, server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())}
	if err := x.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.proxy.Stop)
	return x
}

func (x *road) open() error {
	x.proxy = toxiproxy.NewProxy(x.server, x.name, x.at, x.behind)
	err := x.proxy.Start()
	x.at = x.proxy.Listen // the same for ever: it is in the account's settings
	return err
}

func (x *road) url(scheme, path string) string { return scheme + "://" + x.at + path }

// set makes the road as toxics (JSON of the proxy's API) say, for connections that are there and that come. A change that gets
// stuck, as one may that meets a connection which is just ending, makes a new road at the same address.
func (x *road) set(toxics ...string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.now = strings.Join(toxics, " ")
	put := func(p *toxiproxy.Proxy) error {
		p.Toxics.ResetToxics(context.Background())
		for _, toxic := range toxics {
			if _, err := p.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
				return fmt.Errorf("%s: %w", toxic, err)
			}
		}
		return nil
	}
	old := x.proxy
	done := make(chan error, 1)
	go func() { done <- put(old) }()
	select {
	case err := <-done:
		return err
	case <-time.After(2 * time.Second):
	}
	old.Stop()
	if err := x.open(); err != nil {
		return err
	}
	return put(x.proxy)
}

func (x *road) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.now == "" {
		return x.name + " open"
	}
	return x.name + " " + x.now
}

// toxics chooses what is wrong with a road: nothing, every second time.
func toxics(r *rand.Rand) []string {
	toxic := func(kind, attributes string) []string {
		way := []string{"upstream", "downstream"}[r.IntN(2)]
		return []string{fmt.Sprintf(`{"type":%q,"stream":%q,"attributes":{%s}}`, kind, way, attributes)}
	}
	switch n := r.IntN(100); {
	case n < 50:
		return nil
	case n < 65:
		return toxic("latency", fmt.Sprintf(`"latency":%d,"jitter":%d`, 1+r.IntN(40), r.IntN(20)))
	case n < 76:
		return toxic("reset_peer", fmt.Sprintf(`"timeout":%d`, r.IntN(60)))
	case n < 90:
		return toxic("limit_data", fmt.Sprintf(`"bytes":%d`, 1+r.IntN(1<<(5+r.IntN(13)))))
	}
	return toxic("timeout", fmt.Sprintf(`"timeout":%d`, 1+r.IntN(250)))
}

// worsen changes a road at a time until the returned function is called, which makes all of them good again.
func worsen(t *testing.T, r *rand.Rand, roads ...*road) (heal func()) {
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-end:
				return
			case <-time.After(time.Duration(20+r.IntN(150)) * time.Millisecond):
			}
			if err := roads[r.IntN(len(roads))].set(toxics(r)...); err != nil {
				t.Error(err)
				return
			}
		}
	})
	return sync.OnceFunc(func() {
		close(end)
		wg.Wait()
		for _, x := range roads {
			if err := x.set(); err != nil {
				t.Error(err)
			}
		}
	})
}
