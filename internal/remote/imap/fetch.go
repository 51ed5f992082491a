package imap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"outpost/internal/format"
	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/imap/wire"
)

const (
	// chunkItems is how many messages one FETCH asks for: a server's cost for a command is then shared by many, and
	// what was asked for first comes first.
	chunkItems = 500
	// chunkSet bounds the length of a sequence-set, in bytes; servers have bounds for a line.
	chunkSet = 6000
	// inFlight is how many commands are under way, so that the server never waits for the next one.
	inFlight = 4
)

// chunks takes uids apart, in their order; each chunk is ascending.
type chunks struct {
	rest []uint32
	size int
}

func newChunks(uids []uint32) *chunks { return &chunks{rest: uids, size: 32} }

func (k *chunks) next() []uint32 {
	n := min(k.size, len(k.rest))
	part := slices.Sorted(slices.Values(k.rest[:n]))
	if set := wire.AppendSet(nil, part); len(set) > chunkSet {
		n = max(1, n*chunkSet/len(set)*3/4)
		part = slices.Sorted(slices.Values(k.rest[:n]))
	}
	k.rest = k.rest[n:]
	k.size = min(chunkItems, 2*k.size) // a small one first: something to see at once
	return slices.Compact(part)
}

// job is one command about messages of the selected folder. done and refused are called after it, whichever applies;
// what they return is done next.
type job struct {
	uids    []uint32
	verb    string // "UID FETCH "
	items   string // what stands behind the set
	mailbox string // and behind that, a mailbox's name; "" for none
	done    func() []*job
	refused func(error) ([]*job, error)
}

// run sends jobs as they come from source, several at once, and reads what they are answered with. An error of a
// callback ends it once the commands under way are answered; nothing of their answers is handed out any more.
func (d *Driver) run(doing string, h *handler, source func() *job) error {
	c := d.c
	defer c.with(h)()
	var queue []*job
	under := map[*command]*job{}
	for {
		for h.err == nil && len(under) < inFlight {
			var j *job
			if len(queue) > 0 {
				j, queue = queue[0], queue[1:]
			} else if j = source(); j == nil {
				break
			}
			cmd := c.begin(doing, j.verb)
			c.enc.Raw(string(wire.AppendSet(nil, j.uids))).Raw(j.items)
			if j.mailbox != "" {
				c.enc.String(j.mailbox)
			}
			if err := c.end(cmd); err != nil {
				return err
			}
			under[cmd] = j
		}
		if len(under) == 0 {
			return h.err
		}
		cmd, err := c.next()
		if err != nil {
			return err
		}
		j := under[cmd]
		delete(under, cmd)
		if j == nil || h.err != nil {
			continue
		}
		var more []*job
		if refused := cmd.error(); refused == nil {
			if j.done != nil {
				more = j.done()
			}
		} else if j.refused == nil || remote.IsRetryable(refused) {
			h.err = refused
		} else {
			more, h.err = j.refused(refused)
		}
		queue = append(queue, more...)
	}
}

// source makes one job for every chunk of uids.
func source(uids []uint32, make func(part []uint32) *job) func() *job {
	todo := newChunks(uids)
	return func() *job {
		if len(todo.rest) == 0 {
			return nil
		}
		return make(todo.next())
	}
}

// fetchEach asks for items of all uids and hands out every response.
func (d *Driver) fetchEach(uids []uint32, doing, items string, each func(*fetchData) error) error {
	return d.run(doing, &handler{fetch: each}, source(uids, func(part []uint32) *job {
		return &job{uids: part, verb: "UID FETCH ", items: " " + items}
	}))
}

// Fetch implements remote.Service.
func (d *Driver) Fetch(ctx context.Context, folder string, ids []string, part remote.Part, emit func(remote.Fetched) error) (err error) {
	defer d.c.guard(ctx, &err)()
	s, err := d.open(folder, false)
	if err != nil {
		return err
	}
	uids := s.uids(ids)
	if len(uids) == 0 {
		return nil
	}
	// What has arrived when ctx ends is not handed out any more.
	live := func(f remote.Fetched) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return emit(f)
	}
	r := &reading{d: d, s: s, doing: "read messages of " + d.path(s), emit: live, wanted: make(map[uint32]bool, len(uids))}
	for _, u := range uids {
		r.wanted[u] = true
	}
	if part == remote.PartText {
		r.texts = map[uint32]*text{}
		return d.run(r.doing, &handler{fetch: r.take}, source(uids, r.describe))
	}
	return d.run(r.doing, &handler{fetch: r.take}, source(uids, r.whole))
}

// reading is one Fetch.
type reading struct {
	d      *Driver
	s      *selection
	doing  string
	emit   func(remote.Fetched) error
	wanted map[uint32]bool // not yet emitted
	texts  map[uint32]*text
}

// take takes a FETCH response. One without anything that was asked for is news about flags, which Changes will tell.
func (r *reading) take(f *fetchData) error {
	if !r.wanted[f.UID] {
		return nil
	}
	if !f.HasBody && f.Over == 0 {
		if r.texts != nil {
			return r.takeText(f)
		}
		return nil
	}
	out := r.item(f.UID)
	out.Flags, out.Received, out.Raw = f.Flags, f.Date, f.Body
	if f.Over > 0 {
		out.Raw = nil
		out.Err = &remote.Error{Kind: remote.TooLarge, Doing: r.doing, Text: fmt.Sprintf("the message has %d bytes, which is more than is read here", f.Over)}
	}
	return r.finish(out)
}

func (r *reading) item(uid uint32) remote.Fetched {
	return remote.Fetched{ID: itemID(r.s.uidValidity, uid), Order: int64(uid), Media: groupware.MediaMessage}
}

func (r *reading) finish(out remote.Fetched) error {
	uid := uint32(out.Order)
	delete(r.wanted, uid)
	delete(r.texts, uid)
	return r.emit(out)
}

// whole reads messages whole.
func (r *reading) whole(part []uint32) *job {
	j := &job{uids: part, verb: "UID FETCH ", items: " (UID FLAGS INTERNALDATE BODY.PEEK[])"}
	j.refused = func(err error) ([]*job, error) { return r.halve(part, err, r.whole) }
	return j
}

// halve deals with a command that the server refused because of something in part: it asks again for one half and the
// other, until what cannot be read stands alone and is told.
func (r *reading) halve(part []uint32, refused error, again func([]uint32) *job) ([]*job, error) {
	part = slices.DeleteFunc(part, func(u uint32) bool { return !r.wanted[u] })
	switch len(part) {
	case 0:
		return nil, nil
	case 1:
		out := r.item(part[0])
		out.Err = refused
		return nil, r.finish(out)
	}
	return []*job{again(part[:len(part)/2]), again(part[len(part)/2:])}, nil
}

// Identify implements remote.Service.
func (d *Driver) Identify(ctx context.Context, folder string, ids []string) (out map[string]string, err error) {
	defer d.c.guard(ctx, &err)()
	s, err := d.open(folder, false)
	if err != nil {
		return nil, err
	}
	uids := s.uids(ids)
	out = make(map[string]string, len(uids))
	err = d.fetchEach(uids, "recognise messages of "+d.path(s), identityItems, func(f *fetchData) error {
		if id, ok := messageID(f); ok {
			out[itemID(s.uidValidity, f.UID)] = remote.MailIdentity(id, f.Size)
		}
		return nil
	})
	return out, err
}

const identityItems = "(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"

// messageID returns the Message-ID that identityItems brought, read as everywhere else here; ok is false for other
// FETCH responses.
func messageID(f *fetchData) (id string, ok bool) {
	for _, s := range f.Sections {
		if strings.HasPrefix(s.name, "HEADER.FIELDS") {
			return format.Derive(groupware.MediaMessage, s.data).MessageID, true
		}
	}
	return "", false
}
