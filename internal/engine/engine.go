package engine

import (
	"context"
	"errors"
	"math/rand/v2"
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
}

// Progress says how far a pass is in one folder.
type Progress struct {
	Folder string // path
	Doing  string // "listing", "downloading", "uploading", "sending"
	Done   int64  // items
	Total  int64  // items, 0 when not known
	Bytes  int64  // read from the network for the items done
}

// Result is what a pass did. A pass with nothing to do has only the traffic in it.
type Result struct {
	Downloaded int   // items and changes of items taken over from the server
	Uploaded   int   // items and changes of items brought there, messages sent
	Deleted    int   // on either side
	Conflicts  int   // changed on both sides
	Failures   int   // items that could not be brought over in this pass
	BytesIn    int64 // network
	BytesOut   int64
	Left       int64 // items here that still differ from the server
}

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
	Folder      groupware.FolderID // only this folder's items; 0 means all
	FoldersOnly bool               // settle the folders, and look at nothing in them
}

// FetchWhole reads the missing bytes of an item now. It is not an error when nothing is missing. When the server no longer
// has the item, the error's kind is NotFound.
func (e *Engine) FetchWhole(ctx context.Context, id groupware.ItemID) error {
	var t groupware.Triple
	var folder store.Folder
	err := e.m.View(ctx, func(tx *store.Tx) (err error) {
		if t, err = tx.Triple(id); err != nil || t.Base == nil || t.Local == nil || t.Local.Content != (groupware.Hash{}) {
			return err
		}
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
