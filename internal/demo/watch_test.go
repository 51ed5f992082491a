package demo

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"outpost/internal/remote"
	"outpost/internal/remote/imap"
)

// From the moment that a message is delivered to the news of it at a client, in whatever folder.
func TestADeliveryIsNewsAtOnce(t *testing.T) {
	for _, mask := range []string{"", "NOTIFY"} {
		s := start(t, Options{Empty: true})
		s.MaskIMAP(mask)
		a := s.Account()
		d, err := imap.Connect(t.Context(), remote.Endpoint{URL: a.IMAP, User: a.Email, Password: a.Password}, imap.Options{ForceCompress: true})
		if err != nil {
			t.Fatal(err)
		}
		folders, err := d.Folders(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		names := map[string]string{}
		for _, f := range folders {
			ids, names[f.ID] = append(ids, f.ID), f.Name
		}
		ctx, cancel := context.WithCancel(t.Context())
		watching, news, ended := make(chan []string, 1), make(chan string, 10), make(chan error, 1)
		go func() {
			ended <- d.Watch(ctx, ids, func(f []string) { watching <- f }, func(f string) { news <- f })
		}()
		watched := <-watching
		if mask == "" && len(watched) != len(folders) || len(watched) == 0 {
			t.Fatalf("without %q %d of %d folders are watched", mask, len(watched), len(folders))
		}
		var took []time.Duration
		for range 5 {
			for _, id := range watched {
				before := time.Now()
				if err := s.Deliver(a.Email, names[id], []byte(message("news"))); err != nil {
					t.Fatal(err)
				}
				if f := <-news; f != id {
					t.Errorf("a message for %s is news of %q", names[id], names[f])
				}
				took = append(took, time.Since(before))
			}
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		d.Close()
		slices.Sort(took)
		t.Logf("without %q %d folders are watched, news take %v (the longest %v)", mask, len(watched), took[len(took)/2], took[len(took)-1])
		if took[len(took)/2] > time.Second {
			t.Errorf("news take %v", took)
		}
	}
}
