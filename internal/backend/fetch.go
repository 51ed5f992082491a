package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"outpost/internal/engine"
	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/store"
)

// Fetch reads from the server what is missing of an item, and tells how far it is. It ends soon when ctx does.
func (s *Server) Fetch(ctx context.Context, id string, progress func(Event)) error {
	b, itemID, err := s.parseID(id)
	if err != nil {
		return err
	}
	if _, err := raw(ctx, b, itemID); !errors.Is(err, store.ErrNotWhole) {
		return err
	}
	return s.fetch(ctx, b, itemID, progress)
}

// fetch reads the missing bytes of an item. It is the one thing for which a person waits for the network: as long as something comes, but not
// longer than FetchWait for nothing.
func (s *Server) fetch(ctx context.Context, b *mailbox, id groupware.ItemID, progress func(Event)) error {
	a := b.get()
	if a.Offline {
		return fail(CodeOffline, "not all of this item is here, and %s works offline: outpost online ends that, then try again", a.Email)
	}
	password, err := s.password(a)
	if err != nil {
		return err
	}
	fetchCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	patience := time.AfterFunc(s.o.FetchWait, cancel)
	defer patience.Stop()
	done, err := b.beside(fetchCtx)
	if err == nil {
		defer done()
		var speed meter
		var last int64
		e := engine.New(b.Mailbox, s.o.Connect(a, password), engine.Options{Clock: s.o.Clock.Now, Address: a.Email})
		err = e.FetchWhole(fetchCtx, id, func(done, total int64) {
			if done > last {
				last = done
				patience.Reset(s.o.FetchWait)
			}
			if progress != nil {
				progress(Event{Account: a.Email, Item: idText(b, int64(id)), Doing: "fetching", Amount: speed.read(s.o.Clock.Now(), engine.Amount{Bytes: done, TotalBytes: total})})
			}
		})
	}
	if err != nil && ctx.Err() == nil && fetchCtx.Err() != nil {
		return &Error{Code: CodeOffline, Err: err, Text: fmt.Sprintf("not all of this item is here, and the server of %s has sent nothing of it for %v: try again later", a.Email, s.o.FetchWait)}
	}
	if re, ok := errors.AsType[*remote.Error](err); ok && remote.IsRetryable(re) {
		return &Error{Code: CodeOffline, Err: err, Text: fmt.Sprintf("not all of this item is here, and the server of %s cannot be reached (%s): try again when it answers", a.Email, said(re))}
	}
	return explain(a, err)
}
