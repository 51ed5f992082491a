package engine

import (
	"context"
	"runtime"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/store"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

const (
	downloadPage  = 20000    // ids asked for at once
	downloadBatch = 400      // items in one transaction
	downloadBytes = 8 << 20  // or this much
	inFlight      = 24 << 20 // bytes between the network and the store
	saveEvery     = 500 * time.Millisecond
)

// download reads what is only at the server, newest first, and then completes what is here in part only although the
// folder's mode now asks for all of it.
func (p *pass) download(ctx context.Context, s *session, f store.Folder) error {
	if f.ID == 0 || s.dead {
		return nil
	}
	part := remote.PartWhole
	if f.Mode == groupware.SyncHeaders {
		part = remote.PartText
	}
	var total, done, bytes int64
	for {
		var missing []groupware.Remote
		err := p.e.m.View(ctx, func(tx *store.Tx) (err error) {
			if total == 0 {
				if total, _, err = tx.MissingCount(f.ID); err != nil || total == 0 {
					return err
				}
			}
			missing, err = tx.Missing(f.ID, downloadPage)
			return err
		})
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			break
		}
		byID := make(map[string]groupware.Remote, len(missing))
		ids := make([]string, len(missing))
		for i, r := range missing {
			byID[r.RemoteID], ids[i] = r, r.RemoteID
		}
		err = p.stream(ctx, s, f, ids, part, func(tx *store.Tx, got fetched) error {
			r := byID[got.ID]
			delete(byID, got.ID)
			done, bytes = done+1, bytes+got.size()
			if got.Err != nil {
				return p.fail(tx, store.Failure{Folder: f.ID, RemoteID: got.ID, Doing: "read", Text: got.Err.Error()})
			}
			r.Folder, r.RemoteID, r.Tag, r.Flags = f.ID, got.ID, got.Tag, got.Flags
			if _, err := tx.Download(r, got.content, got.Received); err != nil {
				return err
			}
			p.result.Downloaded++
			return nil
		}, func() { p.progress(f.ID, "downloading", done, total, bytes) })
		if err != nil {
			return err
		}
		if len(byID) > 0 {
			// Listed a moment ago and not sent: gone meanwhile, which the next observation tells.
			err := p.e.m.Bulk(ctx, func(tx *store.Tx) error {
				for id := range byID {
					if err := tx.SetFailure(store.Failure{Folder: f.ID, RemoteID: id, Doing: "read", Text: "the server listed it but did not send it", At: p.e.o.Clock()}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			if err := p.observe(ctx, s, p.folders[f.ID]); err != nil {
				return err
			}
		}
	}
	if f.Mode != groupware.SyncWhole {
		return nil
	}
	return p.thicken(ctx, s, f)
}

// thicken reads all of the items of which only a part is here.
func (p *pass) thicken(ctx context.Context, s *session, f store.Folder) error {
	tried := map[groupware.ItemID]bool{}
	for {
		byID := map[string]groupware.ItemID{}
		var ids []string
		err := p.e.m.View(ctx, func(tx *store.Tx) error {
			ts, err := tx.Thin(f.ID, downloadPage)
			for _, t := range ts {
				if t.Base != nil && !tried[t.Item] {
					tried[t.Item] = true
					byID[t.Base.RemoteID] = t.Item
					ids = append(ids, t.Base.RemoteID)
				}
			}
			return err
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		done, total, bytes := int64(0), int64(len(ids)), int64(0)
		err = p.stream(ctx, s, f, ids, remote.PartWhole, func(tx *store.Tx, got fetched) error {
			done, bytes = done+1, bytes+got.size()
			if got.Err != nil {
				return p.fail(tx, store.Failure{Item: byID[got.ID], Folder: f.ID, RemoteID: got.ID, Doing: "read", Text: got.Err.Error()})
			}
			p.result.Downloaded++
			return complete(tx, byID[got.ID], got.content)
		}, func() { p.progress(f.ID, "downloading", done, total, bytes) })
		if err != nil {
			return err
		}
	}
}

// fetched is an item on its way into the store.
type fetched struct {
	remote.Fetched
	content *store.Prepared
	weight  int64
	ready   chan struct{}
}

func (f *fetched) size() int64 {
	if f.Partial != nil {
		return int64(len(f.Partial.Header) + len(f.Partial.Text))
	}
	return int64(len(f.Raw))
}

// stream reads items and hands them to save in the order of arrival, in batches of one transaction each: one goroutine reads the network,
// a few prepare, this one writes. At most inFlight bytes are on the way.
func (p *pass) stream(ctx context.Context, s *session, f store.Folder, ids []string, part remote.Part, save func(*store.Tx, fetched) error, saved func()) error {
	g, ctx := errgroup.WithContext(ctx)
	var broken error // what ended the reading; what was read before is saved all the same
	room := semaphore.NewWeighted(inFlight)
	work := make(chan *fetched, 64)
	ordered := make(chan *fetched, 4*downloadBatch)
	g.Go(func() error {
		defer close(work)
		defer close(ordered)
		broken = s.svc.Fetch(ctx, f.RemoteID, ids, part, func(got remote.Fetched) error {
			item := &fetched{Fetched: got, ready: make(chan struct{})}
			// One item and a batch that is not full yet always fit.
			item.weight = min(2*item.size()+4096, inFlight-downloadBytes)
			if err := room.Acquire(ctx, item.weight); err != nil {
				return err
			}
			for _, c := range []chan *fetched{work, ordered} {
				select {
				case c <- item:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
		return nil
	})
	for range max(1, runtime.GOMAXPROCS(0)-1) {
		g.Go(func() error {
			for item := range work {
				switch {
				case item.Err != nil:
				case item.Partial != nil:
					item.content = store.PreparePartial(item.Partial)
				default:
					item.content = store.Prepare(item.Media, item.Raw)
				}
				close(item.ready)
			}
			return nil
		})
	}
	g.Go(func() error {
		var batch []*fetched
		var weight int64
		last := p.e.o.Clock()
		flush := func() error {
			if len(batch) == 0 {
				return nil
			}
			err := p.e.m.Bulk(ctx, func(tx *store.Tx) error {
				for _, item := range batch {
					if err := save(tx, *item); err != nil {
						return err
					}
				}
				return nil
			})
			room.Release(weight)
			batch, weight, last = batch[:0], 0, p.e.o.Clock()
			saved()
			return err
		}
		for item := range ordered {
			select {
			case <-item.ready:
			case <-ctx.Done():
				return ctx.Err()
			}
			batch, weight = append(batch, item), weight+item.weight
			if len(batch) >= downloadBatch || weight >= downloadBytes || p.e.o.Clock().Sub(last) > saveEvery {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		return flush()
	})
	if err := g.Wait(); err != nil {
		return err
	}
	return broken
}
