package engine

import (
	"context"
	"slices"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/store"
)

// observeBatch is how many lines of a listing go into one transaction.
const observeBatch = 5000

// observe saves how a folder now is at the server. The state token is saved in the transaction of the last lines that it
// covers (law 2); lines saved before it are true by themselves.
func (p *pass) observe(ctx context.Context, s *session, f store.Folder) error {
	var seen []groupware.Remote
	var present, gone []string
	flush := func() error {
		if len(seen) == 0 {
			return nil
		}
		err := p.e.m.Bulk(ctx, func(tx *store.Tx) error {
			_, err := tx.Observe(f.ID, seen)
			return err
		})
		p.progress(f.ID, "listing", Amount{Done: int64(len(present)), Total: max(0, s.states[f.ID].Items)})
		seen = seen[:0]
		return err
	}
	listing, err := s.svc.Changes(ctx, f.RemoteID, f.Token, func(c remote.Change) error {
		if c.Gone {
			gone = append(gone, c.ID)
			return nil
		}
		present = append(present, c.ID)
		if c.Same {
			return nil
		}
		seen = append(seen, groupware.Remote{Folder: f.ID, RemoteID: c.ID, Tag: c.Tag, Flags: c.Flags, Order: c.Order, Size: c.Size})
		if len(seen) >= observeBatch {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(seen) == 0 && len(gone) == 0 && !listing.Full && listing.Token == f.Token {
		return nil
	}
	err = p.e.m.Bulk(ctx, func(tx *store.Tx) error {
		if _, err := tx.Observe(f.ID, seen); err != nil {
			return err
		}
		if _, err := tx.ObserveGone(f.ID, gone); err != nil {
			return err
		}
		if listing.Full {
			slices.Sort(present)
			if _, err := tx.ObserveAbsent(f.ID, present); err != nil {
				return err
			}
		}
		now, err := tx.Folder(f.ID)
		if err != nil || now.Token == listing.Token {
			return ignoreNotFound(err)
		}
		now.Token = listing.Token
		return tx.PutFolder(now)
	})
	f.Token = listing.Token
	p.folders[f.ID] = f
	return err
}
