package imap

import (
	"context"
	"fmt"
	"slices"

	"outpost/internal/remote"
	"outpost/internal/remote/imap/wire"
)

// token is the state of a folder: what STATUS and SELECT tell of it. modSeq is 0 where there are no mod-sequences.
type token struct {
	uidValidity uint32
	modSeq      uint64
	uidNext     uint32
	messages    uint32
}

func (t token) String() string {
	return fmt.Sprintf("%d.%d.%d.%d", t.uidValidity, t.modSeq, t.uidNext, t.messages)
}

// parseToken is the opposite of String; ok is false for what it did not make.
func parseToken(s string) (t token, ok bool) {
	n, err := fmt.Sscanf(s, "%d.%d.%d.%d", &t.uidValidity, &t.modSeq, &t.uidNext, &t.messages)
	return t, n == 4 && err == nil && t.String() == s
}

// Changes implements remote.Service. A folder's state comes from SELECT, so what happens while its changes are read is
// told again next time.
func (d *Driver) Changes(ctx context.Context, folder, since string, emit func(remote.Change) error) (l remote.Listing, err error) {
	c := d.c
	defer c.guard(ctx, &err)()
	old, known := parseToken(since)
	if known && old.modSeq > 0 && c.has("CONDSTORE") {
		l, full, err := d.changedSince(folder, old, emit)
		if err != nil || !full {
			return l, err
		}
	} else if _, err := d.open(folder, true); err != nil {
		return l, err
	}
	return d.everything(emit)
}

func (s *selection) token() token {
	return token{s.uidValidity, s.modSeq, s.uidNext, s.exists}
}

// everything lists all messages of the selected folder.
func (d *Driver) everything(emit func(remote.Change) error) (remote.Listing, error) {
	c := d.c
	s := c.sel
	l := remote.Listing{Token: s.token().String(), Full: true}
	if s.exists == 0 {
		return l, nil
	}
	h := &handler{fetch: func(f *fetchData) error {
		if !f.HasFlags {
			return nil
		}
		return emit(change(s.uidValidity, f))
	}}
	defer c.with(h)()
	cmd := c.begin("list "+d.path(s), "UID FETCH 1:* (UID FLAGS RFC822.SIZE)")
	if err := c.end(cmd); err != nil {
		return l, err
	}
	if err := c.wait(); err != nil {
		return l, err
	}
	if h.err != nil {
		return l, h.err
	}
	return l, cmd.error()
}

func change(uidValidity uint32, f *fetchData) remote.Change {
	return remote.Change{ID: itemID(uidValidity, f.UID), Flags: f.Flags, Order: int64(f.UID), Size: f.Size}
}

// path names the selected folder to a person.
func (d *Driver) path(s *selection) string {
	if m, ok := d.boxes[s.folder]; ok {
		return m.path
	}
	return d.decode(s.box)
}

// changedSince lists what differs from old: flags and new messages by CHANGEDSINCE, the expunged by VANISHED (QRESYNC),
// by counting, or by listing all UIDs. full means that only a full listing will do; then the folder is selected and
// nothing final was emitted. SELECT and FETCH go out together: one round trip. RFC 7162 3.1.4.1, 3.2.6
func (d *Driver) changedSince(folder string, old token, emit func(remote.Change) error) (l remote.Listing, full bool, err error) {
	c := d.c
	m, err := d.mailbox(folder)
	if err != nil {
		return l, false, err
	}
	vanished := c.has("QRESYNC")
	sel, err := d.selectCommand(m)
	if err != nil {
		return l, false, err
	}
	s := c.sel
	var seen []uint32 // the UIDs that were emitted; with VANISHED only the new ones
	gone := int64(0)
	// Before SELECT's completion, and behind one that failed, answers are about another folder.
	ours := func() bool {
		return sel.ok() && s.uidValidity == old.uidValidity && (s.mailboxID == "" || !m.objectID || s.mailboxID == m.id)
	}
	h := &handler{
		fetch: func(f *fetchData) error {
			if !ours() || !f.HasFlags {
				return nil
			}
			if !vanished || f.UID >= old.uidNext {
				seen = append(seen, f.UID)
			}
			return emit(change(s.uidValidity, f))
		},
		vanished: func(r wire.Range) error {
			if !ours() || !vanished {
				return nil
			}
			// Ranges may hold UIDs that never were: nothing from old.uidNext on was known, and a server that has
			// forgotten its history may name everything below.
			r.High = min(r.High, old.uidNext-1)
			if gone += max(0, r.Count()); gone > 4*int64(old.messages)+10_000 {
				return nil
			}
			for u := int64(r.Low); u <= int64(r.High); u++ {
				if err := emit(remote.Change{ID: itemID(s.uidValidity, uint32(u)), Gone: true}); err != nil {
					return err
				}
			}
			return nil
		},
	}
	defer c.with(h)()
	fetch := c.begin("look for changes in "+m.path, "UID FETCH ")
	if old.uidNext > 1 { // VANISHED is only told of the set, and * is the last message that is still there
		c.enc.Raw("1:").Number(uint64(old.uidNext - 1)).Raw(",")
	}
	c.enc.Number(uint64(max(1, old.uidNext))).Raw(":* (UID FLAGS RFC822.SIZE) (CHANGEDSINCE ")
	c.enc.Number(old.modSeq)
	if vanished {
		c.enc.Raw(" VANISHED")
	}
	c.enc.Raw(")")
	if err := c.end(fetch); err != nil {
		return l, false, err
	}
	for !sel.done {
		if _, err := c.next(); err != nil {
			return l, false, err
		}
	}
	now := s.token()
	if err := c.wait(); err != nil {
		return l, false, err
	}
	switch {
	case h.err != nil:
		return l, false, h.err
	case !ours():
		_, err := d.open(folder, true)
		return l, true, err
	}
	if err := d.selected(sel, m); err != nil {
		return l, false, err
	}
	if !fetch.ok() && now.messages > 0 || gone > 4*int64(old.messages)+10_000 ||
		now.modSeq < old.modSeq || now.uidNext < old.uidNext { // a server that went back in time: restored from a backup
		return l, true, nil
	}
	slices.Sort(seen)
	seen = slices.Compact(seen)
	from, _ := slices.BinarySearch(seen, old.uidNext)
	to, _ := slices.BinarySearch(seen, now.uidNext)
	// What of the old messages is still there, if what was told is all.
	kept := int64(now.messages) - int64(to-from)
	l.Token = now.String()
	if vanished && (kept > int64(old.messages) || kept+gone < int64(old.messages)) {
		return l, true, nil // more than there were, or fewer than what vanished explains: then the token or the server is wrong
	}
	if vanished || old.uidNext > 0 && kept == int64(old.messages) { // as many as before: nothing of the old was expunged
		full, err := d.cameAndWent(old, now, seen[from:to], emit)
		return l, full, err
	}
	l.Full = true
	return l, false, d.rest(now, seen, emit)
}

// maxWent bounds how many messages are looked for that came and went between two looks at a folder.
const maxWent = 10_000

// cameAndWent emits as gone what got a UID since old and is not there any more: we may have stored it ourselves, and somebody else
// filed it elsewhere, before we looked again. VANISHED says nothing of UIDs that are higher than the last message's. full means that
// there are too many.
func (d *Driver) cameAndWent(old, now token, seen []uint32, emit func(remote.Change) error) (full bool, err error) {
	missing := int64(now.uidNext) - int64(old.uidNext) - int64(len(seen))
	switch {
	case missing <= 0 || old.uidNext == 0:
		return false, nil
	case missing > maxWent:
		return true, nil
	}
	there, err := d.search("look for changes in "+d.path(d.c.sel), fmt.Sprintf("UID %d:%d", old.uidNext, now.uidNext-1))
	if err != nil {
		return false, err
	}
	for u := old.uidNext; u < now.uidNext; u++ {
		if slices.ContainsFunc(there, func(r wire.Range) bool { return r.Low <= u && u <= r.High }) {
			continue
		}
		if err := emit(remote.Change{ID: itemID(now.uidValidity, u), Gone: true}); err != nil {
			return false, err
		}
	}
	return false, nil
}

// rest emits what is still there and was not seen among the changes.
func (d *Driver) rest(now token, seen []uint32, emit func(remote.Change) error) error {
	ranges, err := d.search("list "+d.path(d.c.sel), "ALL")
	if err != nil {
		return err
	}
	for _, r := range ranges {
		for u := int64(r.Low); u <= int64(r.High) && u < int64(now.uidNext); u++ {
			if _, ok := slices.BinarySearch(seen, uint32(u)); ok {
				continue
			}
			if err := emit(remote.Change{ID: itemID(now.uidValidity, uint32(u)), Same: true, Order: u}); err != nil {
				return err
			}
		}
	}
	return nil
}

// search returns the UIDs that match criteria in the selected folder.
func (d *Driver) search(doing, criteria string) ([]wire.Range, error) {
	c := d.c
	var out []wire.Range
	total := int64(0)
	h := &handler{search: func(r wire.Range) {
		if total += r.Count(); total > int64(c.sel.exists)+10_000 {
			return
		}
		if n := len(out); n > 0 && out[n-1].High+1 == r.Low && r.Low > 0 {
			out[n-1].High = r.High
			return
		}
		out = append(out, r)
	}}
	defer c.with(h)()
	verb := "UID SEARCH "
	if c.has("ESEARCH") {
		verb += "RETURN (ALL) "
	}
	cmd := c.begin(doing, verb+criteria)
	if err := c.end(cmd); err != nil {
		return nil, err
	}
	if err := c.wait(); err != nil {
		return nil, err
	}
	if total > int64(c.sel.exists)+10_000 {
		return nil, &remote.Error{Kind: remote.Protocol, Doing: doing, Text: "the server names more messages than there are"}
	}
	return out, cmd.error()
}
