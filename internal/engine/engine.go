package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/store"
)

// Connector opens an account's services. Passwords, addresses and time-outs are its business.
type Connector interface {
	// Services lists the account's services in the order in which they are synchronised: of "imap", "caldav", "carddav".
	Services() []string
	Connect(ctx context.Context, service string) (remote.Service, error)
	// Submit opens the submission service; an account without one answers with an *remote.Error of kind NotFound.
	Submit(ctx context.Context) (remote.Submitter, error)
}

// Options are what an Engine takes from outside. The zero value uses the system's clock and randomness.
type Options struct {
	Clock    func() time.Time
	Rand     *rand.Rand
	Progress func(Progress) // called from Pass, often; must be quick
	Address  string         // the account's own address
	// Conflicts is what becomes of an item that was changed on both sides and cannot be merged (SPEC C7).
	Conflicts ConflictPolicy
	Budget    Budget // nil: none
}

// Budget bounds how much is downloaded (SPEC C9).
type Budget interface {
	// Left says how much may be read now. Its *remote.Error of kind Unavailable, when nothing is left, ends the downloading of the pass and nothing else.
	Left(ctx context.Context) (items, bytes int64, err error)
	// Spend counts what has been read.
	Spend(ctx context.Context, items, bytes int64) error
}

// ConflictPolicy says what becomes of the version that was written here.
type ConflictPolicy string

const (
	ConflictMerge     ConflictPolicy = "merge"     // to the folder Conflicts, with a message in the Inbox
	ConflictDuplicate ConflictPolicy = "duplicate" // an item of its own beside the server's
)

// Result is what a pass did. A pass with nothing to do has only the traffic in it.
type Result struct {
	Downloaded int   // items and changes of items taken over from the server
	Uploaded   int   // items and changes of items brought there, messages sent
	Deleted    int   // on either side
	Conflicts  int   // changed on both sides
	Failures   int   // items that could not be brought over in this pass
	Held       int   // folders in which a large deletion waits for a person's word
	BytesIn    int64 // network
	BytesOut   int64
	Left       int64 // items here that still differ from the server
}

// ServiceError is what one service of an account (smtp included) answered, and no other.
type ServiceError struct {
	Service string
	Err     error
}

func (e *ServiceError) Error() string { return e.Service + ": " + e.Err.Error() }
func (e *ServiceError) Unwrap() error { return e.Err }

// Engine synchronises one mailbox. One Pass or FetchWhole at a time.
type Engine struct {
	m *store.Mailbox
	c Connector
	o Options
}

// New makes an engine for the mailbox of one account.
func New(m *store.Mailbox, c Connector, o Options) *Engine {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return &Engine{m: m, c: c, o: o}
}

// PassOptions narrows a pass.
type PassOptions struct {
	Folders     []groupware.FolderID // only the items of these; nil means all
	FoldersOnly bool                 // settle the folders, and look at nothing in them
	// First names the folder that somebody looks at, 0 for none: it is read before all others. It is asked again and again.
	First func() groupware.FolderID
	// News names folders of which the server has told that something is new in them, each once. It is asked while a long reading goes on: they are
	// looked at, and read next. Other folders have to wait for the next pass.
	News func() []groupware.FolderID
}

// FetchWhole reads the missing bytes of an item now, and tells how many of how many bytes are read, where that is known. It is not an
// error when nothing is missing. When the server no longer has the item, the error's kind is NotFound.
func (e *Engine) FetchWhole(ctx context.Context, id groupware.ItemID, progress func(done, total int64)) error {
	var t groupware.Triple
	var folder store.Folder
	var size int64
	err := e.m.View(ctx, func(tx *store.Tx) (err error) {
		if t, err = tx.Triple(id); err != nil || t.Base == nil || t.Local == nil || t.Local.Content != (groupware.Hash{}) {
			return err
		}
		it, err := tx.Item(id)
		if err != nil {
			return err
		}
		size = it.Size
		folder, err = tx.Folder(t.Base.Folder)
		return err
	})
	if err != nil || folder.ID == 0 {
		return err
	}
	svc, err := e.c.Connect(ctx, folder.Service)
	if err != nil {
		return err
	}
	defer svc.Close()
	gone := true
	defer watchTraffic(svc, size, progress)()
	err = svc.Fetch(ctx, folder.RemoteID, []string{t.Base.RemoteID}, remote.PartWhole, func(f remote.Fetched) error {
		if f.Err != nil {
			return f.Err
		}
		gone = false
		p := store.Prepare(f.Media, f.Raw)
		return e.m.Update(ctx, func(tx *store.Tx) error { return complete(tx, id, p) })
	})
	if err == nil && gone {
		err = &remote.Error{Kind: remote.NotFound, Doing: "read the message", Text: "the server no longer has it"}
	}
	return err
}

// tellEvery is how often a person who waits for one large item sees how far it is.
const tellEvery = 200 * time.Millisecond

// watchTraffic tells of what comes over the connection of a service until the returned function is called.
func watchTraffic(svc remote.Service, total int64, progress func(done, total int64)) (stop func()) {
	if progress == nil {
		return func() {}
	}
	before, _ := svc.Traffic()
	end := make(chan struct{})
	var g sync.WaitGroup
	g.Go(func() {
		for tick := time.NewTicker(tellEvery); ; {
			select {
			case <-tick.C:
				in, _ := svc.Traffic()
				progress(min(in-before, total), total)
			case <-end:
				tick.Stop()
				return
			}
		}
	})
	return func() { close(end); g.Wait() }
}

// complete gives an item, of which only headers and text are here, all of its bytes.
func complete(tx *store.Tx, id groupware.ItemID, p *store.Prepared) error {
	t, err := tx.Triple(id)
	if err != nil || t.Local == nil || t.Base == nil || t.Local.Content != (groupware.Hash{}) {
		return ignoreNotFound(err)
	}
	l, b := *t.Local, *t.Base
	l.Content, b.Content = p.Hash(), p.Hash()
	return tx.Take(id, &l, &b, p)
}

func ignoreNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
