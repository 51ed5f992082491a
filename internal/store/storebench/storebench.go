// Package storebench fills mailboxes with generated mail, for benchmarks. It may import store and groupware.
package storebench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/store"
)

// Generator makes messages; one seed makes the same ones. It is used by one goroutine at a time.
type Generator struct {
	r     *rand.Rand
	zipf  *rand.Zipf
	words []string
	size  int
}

// NewGenerator makes messages of about size bytes each.
func NewGenerator(seed uint64, size int) *Generator {
	r := rand.New(rand.NewPCG(seed, 7))
	g := &Generator{r: r, zipf: rand.NewZipf(r, 1.2, 8, 60_000-1), size: size}
	syllables := []string{"ba", "ker", "li", "no", "ste", "ra", "mun", "do", "vi", "tal", "es", "per", "in", "gon", "sha", "ul", "ti", "mer", "ock", "fe"}
	seen := map[string]bool{}
	for len(g.words) < 60_000 {
		w := ""
		for range 1 + r.IntN(4) {
			w += syllables[r.IntN(len(syllables))]
		}
		if !seen[w] || len(g.words) > 50_000 {
			seen[w] = true
			g.words = append(g.words, w)
		}
	}
	return g
}

// Word returns a word; common ones come often.
func (g *Generator) Word() string { return g.words[g.zipf.Uint64()] }

// Message makes message n, one minute after message n-1. Every thousandth holds the word "needle", every second "common".
func (g *Generator) Message(n int) (raw []byte, received time.Time) {
	received = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Minute)
	var b strings.Builder
	from := g.Word()
	fmt.Fprintf(&b, "Return-Path: <%s@example.org>\r\nReceived: from mail.example.org (mail.example.org [192.0.2.%d])\r\n\tby mx.example.com (Postfix) with ESMTPS id %016X\r\n\tfor <anna@example.com>; %s\r\n",
		from, g.r.IntN(256), g.r.Uint64(), received.Format(time.RFC1123Z))
	fmt.Fprintf(&b, "Message-ID: <%016x.%d@example.org>\r\nDate: %s\r\nFrom: %s %s <%s@example.org>\r\nTo: Anna Berg <anna@example.com>\r\nSubject: %s %s %s\r\n",
		g.r.Uint64(), n, received.Format(time.RFC1123Z), from, g.Word(), from, g.Word(), g.Word(), g.Word())
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
	if n%1000 == 0 {
		b.WriteString("needle ")
	}
	if n%2 == 0 {
		b.WriteString("common ")
	}
	for line := 0; b.Len() < g.size-2; {
		w := g.Word()
		if line+len(w) > 72 {
			b.WriteString("\r\n")
			line = 0
		}
		b.WriteString(w)
		b.WriteByte(' ')
		line += len(w) + 1
	}
	b.WriteString("\r\n")
	return []byte(b.String()), received
}

// Fill downloads n generated messages of about size bytes into folder, newest first, as a first synchronisation does: they are observed,
// prepared by several goroutines, and stored in batches.
func Fill(ctx context.Context, m *store.Mailbox, folder groupware.FolderID, n, size int) error {
	const batch = 500
	seen := make([]groupware.Remote, 0, batch)
	for i := 0; i < n; i++ {
		seen = append(seen, groupware.Remote{Folder: folder, RemoteID: fmt.Sprintf("1.%d", i+1), Order: int64(i + 1), Size: int64(size)})
		if len(seen) < batch && i+1 < n {
			continue
		}
		if err := m.Bulk(ctx, func(tx *store.Tx) error {
			_, err := tx.Observe(folder, seen)
			return err
		}); err != nil {
			return err
		}
		seen = seen[:0]
	}
	type made struct {
		r        groupware.Remote
		p        *store.Prepared
		received time.Time
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := make(chan []made, 4)
	const workers = 2
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			g := NewGenerator(uint64(w)+1, size)
			top := n - w*batch // the highest message of this worker's next batch, and below
			for top > 0 {
				var ms []made
				for i := top; i > max(top-batch, 0); i-- {
					raw, received := g.Message(i)
					ms = append(ms, made{groupware.Remote{Folder: folder, RemoteID: fmt.Sprintf("1.%d", i), Order: int64(i), Size: int64(len(raw))},
						store.Prepare(groupware.MediaMessage, raw), received})
				}
				top -= workers * batch
				select {
				case out <- ms:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	go func() {
		wg.Wait()
		close(out)
	}()
	for ms := range out {
		err := m.Bulk(ctx, func(tx *store.Tx) error {
			for _, d := range ms {
				if _, err := tx.Download(d.r, d.p, d.received); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}
