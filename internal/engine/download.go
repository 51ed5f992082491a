package engine

import (
	"context"
	"maps"
	"math"
	"runtime"
	"slices"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/store"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

const (
	downloadPage  = 5000     // ids asked for at once
	downloadBatch = 400      // items in one transaction
	downloadBytes = 8 << 20  // or this much
	inFlight      = 24 << 20 // bytes between the network and the store
	saveEvery     = 500 * time.Millisecond
)

// spent is why downloading ends before its end: what may be read for now has been read.
type spent struct{ error }

func (s spent) Unwrap() error { return s.error }

// download is the reading of one folder: what is only at the server, newest first, and then the rest of what is here in part only
// although the folder's mode now asks for all of it.
type download struct {
	*pass
	f      groupware.FolderID
	amount Amount
	tried  map[groupware.ItemID]bool
}

// expectMissing finds out how much there is to read in all.
func (p *pass) expectMissing(ctx context.Context) error {
	return p.e.m.View(ctx, func(tx *store.Tx) error {
		items, bytes, err := tx.MissingCount(0)
		p.all.Total, p.all.TotalBytes = p.all.Done+items, p.all.Bytes+bytes
		return err
	})
}

// more reads the next page and says whether that was all. Between pages another folder may be wanted more.
func (d *download) more(ctx context.Context, s *session) (done bool, err error) {
	f := d.folders[d.f]
	if f.ID == 0 || s.dead {
		return true, nil
	}
	limit, err := d.allowed(ctx)
	if err != nil {
		return true, err
	}
	var missing []groupware.Remote
	err = d.e.m.View(ctx, func(tx *store.Tx) (err error) {
		if d.amount.Total == 0 {
			if d.amount.Total, d.amount.TotalBytes, err = tx.MissingCount(f.ID); err != nil {
				return err
			}
		}
		if d.amount.Total > 0 {
			missing, err = tx.Missing(f.ID, limit.items)
			missing = slices.DeleteFunc(missing, func(r groupware.Remote) bool { return d.unread[place{f.ID, r.RemoteID}] })
		}
		return err
	})
	if err != nil {
		return true, err
	}
	if len(missing) > 0 {
		return false, d.read(ctx, s, f, limit.cut(missing))
	}
	if f.Mode != groupware.SyncWhole {
		return true, nil
	}
	return d.thicken(ctx, s, f, limit)
}

// allowance bounds a page.
type allowance struct {
	items int
	bytes int64
}

func (d *download) allowed(ctx context.Context) (allowance, error) {
	a := allowance{downloadPage, math.MaxInt64}
	if d.e.o.Budget == nil {
		return a, nil
	}
	items, bytes, err := d.e.o.Budget.Left(ctx)
	if err != nil {
		return a, spent{err}
	}
	a.items, a.bytes = int(min(int64(a.items), max(1, items))), max(1, bytes)
	return a, nil
}

// cut shortens a page to what it may weigh, and leaves one item at least.
func (a allowance) cut(page []groupware.Remote) []groupware.Remote {
	for i, r := range page {
		if a.bytes -= r.Size; a.bytes < 0 && i > 0 {
			return page[:i]
		}
	}
	return page
}

// count notes that an item was read.
func (d *download) count(got fetched) {
	for _, a := range []*Amount{&d.amount, &d.all} {
		a.Done++
		a.Bytes += got.size()
	}
}

// show tells how far the download is, and what it has cost since it told so last.
func (d *download) show(ctx context.Context, since Amount) error {
	d.progress(d.f, "downloading", d.amount)
	if d.e.o.Budget == nil {
		return nil
	}
	return d.e.o.Budget.Spend(ctx, d.amount.Done-since.Done, d.amount.Bytes-since.Bytes)
}

// read reads items that only the server has.
func (d *download) read(ctx context.Context, s *session, f store.Folder, missing []groupware.Remote) error {
	part := remote.PartWhole
	if f.Mode == groupware.SyncHeaders {
		part = remote.PartText
	}
	byID := make(map[string]groupware.Remote, len(missing))
	ids := make([]string, len(missing))
	for i, r := range missing {
		byID[r.RemoteID], ids[i] = r, r.RemoteID
	}
	err := d.stream(ctx, s, f, ids, part, func(tx *store.Tx, got fetched) error {
		r := byID[got.ID]
		delete(byID, got.ID)
		d.count(got)
		if got.Err != nil {
			return d.fail(tx, store.Failure{Folder: f.ID, RemoteID: got.ID, Doing: "read", Raw: got.Raw}, got.Err)
		}
		r.Folder, r.RemoteID, r.Tag, r.Flags = f.ID, got.ID, got.Tag, got.Flags
		if _, err := tx.Download(r, got.content, got.Received); err != nil {
			return err
		}
		d.result.Downloaded++
		return nil
	})
	if err != nil || len(byID) == 0 {
		return err
	}
	// Listed a moment ago and not sent: gone meanwhile, which the next observation tells.
	err = d.e.m.Bulk(ctx, func(tx *store.Tx) error {
		for _, id := range slices.Sorted(maps.Keys(byID)) {
			if err := tx.SetFailure(store.Failure{Folder: f.ID, RemoteID: id, Doing: "read", Text: "the server listed it but did not send it", At: d.e.o.Clock()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.observe(ctx, s, d.folders[f.ID])
}

// thicken reads all of the items of which only a part is here, and says whether that was all.
func (d *download) thicken(ctx context.Context, s *session, f store.Folder, limit allowance) (done bool, err error) {
	if d.tried == nil {
		d.tried = map[groupware.ItemID]bool{}
	}
	byID := map[string]groupware.ItemID{}
	var ids []string
	err = d.e.m.View(ctx, func(tx *store.Tx) error {
		ts, err := tx.Thin(f.ID, limit.items)
		for _, t := range ts {
			if t.Base != nil && !d.tried[t.Item] {
				d.tried[t.Item] = true
				byID[t.Base.RemoteID] = t.Item
				ids = append(ids, t.Base.RemoteID)
			}
		}
		return err
	})
	if err != nil || len(ids) == 0 {
		return true, err
	}
	d.amount.Total += int64(len(ids))
	d.all.Total += int64(len(ids))
	return false, d.stream(ctx, s, f, ids, remote.PartWhole, func(tx *store.Tx, got fetched) error {
		d.count(got)
		if got.Err != nil {
			return d.fail(tx, store.Failure{Item: byID[got.ID], Folder: f.ID, RemoteID: got.ID, Doing: "read", Raw: got.Raw}, got.Err)
		}
		d.result.Downloaded++
		return complete(tx, byID[got.ID], got.content)
	})
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
func (d *download) stream(ctx context.Context, s *session, f store.Folder, ids []string, part remote.Part, save func(*store.Tx, fetched) error) error {
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
		last, told := d.e.o.Clock(), d.amount
		flush := func() error {
			if len(batch) == 0 {
				return nil
			}
			err := d.e.m.Bulk(ctx, func(tx *store.Tx) error {
				for _, item := range batch {
					if err := save(tx, *item); err != nil {
						return err
					}
				}
				return nil
			})
			room.Release(weight)
			batch, weight, last = batch[:0], 0, d.e.o.Clock()
			if err != nil {
				return err
			}
			was := told
			told = d.amount
			return d.show(ctx, was)
		}
		for item := range ordered {
			select {
			case <-item.ready:
			case <-ctx.Done():
				return ctx.Err()
			}
			batch, weight = append(batch, item), weight+item.weight
			if len(batch) >= downloadBatch || weight >= downloadBytes || d.e.o.Clock().Sub(last) > saveEvery {
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
