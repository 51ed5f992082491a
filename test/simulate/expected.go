package main

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

// expected is what must hold of a history once it is quiet, whatever happened in it.
type expected struct {
	written map[string]bool   // texts written on either side, and not deleted or replaced on purpose: they are somewhere
	gone    map[string]bool   // texts deleted when both sides knew them, and touched by nobody since: they are nowhere
	resent  map[string]bool   // texts of messages that may be sent again, because a backup was put back in which they waited
	filed   map[string]bool   // texts of messages that may be stored again, because a backup was put back in which they waited for that, and they were filed since
	queued  map[string]bool   // texts of messages to be sent; false: perhaps
	removed map[string]bool   // UIDs of objects that the engine removed at the server
	stored  map[string]string // UIDs of meetings, and the last version of each that the engine stored
	retold  map[string]bool   // UIDs of meetings of which attendees may be told again
}

func newExpected() expected {
	return expected{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]string{}, map[string]bool{}}
}

func copyOf(m map[string]bool) map[string]bool { return maps.Clone(m) }

// wrote says that texts are new.
func (x *expected) wrote(raw []byte) {
	for _, s := range texts(raw) {
		x.written[s] = true
	}
}

// replaced says that an item was edited: the old text may go, and the item lives.
func (x *expected) replaced(raw []byte, old, next string) {
	x.touched(raw)
	delete(x.written, old)
	if next != "" {
		x.written[next] = true
	}
}

// touched says that an item was changed in a way that brings it back if it was deleted on the other side.
func (x *expected) touched(raw []byte) {
	for _, s := range texts(raw) {
		delete(x.gone, s)
	}
}

// deleted says that an item was deleted; agreed, that the other side had it just so.
func (x *expected) deleted(raw []byte, agreed bool) {
	for _, s := range texts(raw) {
		delete(x.written, s)
		if agreed {
			x.gone[s] = true
		}
	}
}

// at finds an item of the server.
func (h *history) at(folder, id string) (fake.Item, bool) {
	for _, it := range h.server.Snapshot() {
		if it.Folder == folder && it.ID == id {
			return it, true
		}
	}
	return fake.Item{}, false
}

// inFolder lists what lies in a folder of the server and below it.
func (h *history) inFolder(id string) (out []fake.Item) {
	under := map[string]bool{id: true}
	for _, f := range h.server.Folders() { // parents before children
		under[f.ID] = under[f.ID] || under[f.Parent]
	}
	for _, it := range h.server.Snapshot() {
		if under[it.Folder] {
			out = append(out, it)
		}
	}
	return out
}

// emptied says that a folder is being deleted with what is in it, on either side.
func (h *history) emptied(id string) {
	for _, it := range h.inFolder(id) {
		h.deleted(it.Raw, false)
	}
}

// refusedFolder says that the server would not delete a folder: what is in it comes back.
func (h *history) refusedFolder(id string) {
	for _, it := range h.inFolder(id) {
		h.touched(it.Raw)
	}
}

// refusedItem says that the server would not delete an item: it comes back.
func (h *history) refusedItem(folder, id string) {
	if it, ok := h.at(folder, id); ok {
		h.touched(it.Raw)
	}
}

// removing notes which objects the engine removes with a call, once that was made.
func (h *history) removing(folder string, refs []remote.Ref) (made func()) {
	uids := map[string]string{}
	for _, ref := range refs {
		if it, ok := h.at(folder, ref.ID); ok && it.Media != groupware.MediaMessage {
			uids[ref.ID] = key(it.Raw)
		}
	}
	return func() {
		for id, uid := range uids {
			if _, still := h.at(folder, id); !still {
				h.removed[uid] = true
			}
		}
	}
}

// creates notes an object that the engine is about to store: never one that it has removed itself.
func (h *history) creates(service string, n remote.NewItem) {
	if uid := key(n.Raw); service != "imap" && h.removed[uid] {
		h.violated("the object %s was removed at the server and is created there again", uid)
	}
}

// agreedHere reports whether the server has an item exactly as it is here.
func (h *history) agreedHere(tx *store.Tx, id groupware.ItemID, raw []byte) bool {
	t, err := tx.Triple(id)
	if err != nil || t.Base == nil || t.Local == nil || t.Remote == nil || t.Local.Folder != t.Base.Folder {
		return false
	}
	f, err := tx.Folder(t.Base.Folder)
	if err != nil {
		return false
	}
	if h.copies(tx, raw) {
		return false
	}
	it, ok := h.at(f.RemoteID, t.Base.RemoteID)
	return ok && it.Tag == t.Remote.Tag && it.Tag == t.Base.Tag && t.Local.Content == t.Base.Content && f.RemoteID != h.hidden
}

// unanswered reports whether an item of these texts was sent, and it is not known yet whether it arrived.
func (h *history) unanswered(raw []byte) (found bool) {
	h.view(func(tx *store.Tx) error {
		open, err := tx.Intents()
		for _, in := range open {
			if was, err := tx.IntentRaw(in.Item); err == nil && shares(texts(raw), was) {
				found = true
			}
		}
		return err
	})
	return found
}

// copies reports whether there is more than one item of a text on a side, as while something that both sides moved comes together.
func (h *history) copies(tx *store.Tx, raw []byte) bool {
	of := texts(raw)
	n := 0
	for _, it := range h.server.Snapshot() {
		if shares(of, it.Raw) {
			n++
		}
	}
	if n > 1 {
		return true
	}
	n = 0
	ps, err := h.places(tx)
	for _, p := range ps {
		all, e := h.items(tx, p.ID)
		err = errors.Join(err, e)
		for _, it := range all {
			if t, e := h.thing(tx, it); e == nil && shares(of, t.raw) {
				n++
			}
		}
	}
	return err != nil || n > 1
}

func shares(of []string, raw []byte) bool {
	return slices.ContainsFunc(of, func(s string) bool { return bytes.Contains(raw, []byte(s)) })
}

// known reports whether an item of the server is known here.
func (h *history) known(it fake.Item) (known bool) {
	h.view(func(tx *store.Tx) (err error) { _, known, err = h.tripleOf(tx, it); return err })
	return known
}

// agreed reports whether an item of the server is here just so.
func (h *history) agreed(it fake.Item) (agreed bool) {
	h.view(func(tx *store.Tx) error {
		t, known, err := h.tripleOf(tx, it)
		agreed = known && t.Item != 0 && h.agreedHere(tx, t.Item, it.Raw)
		return err
	})
	return agreed
}

func (h *history) tripleOf(tx *store.Tx, it fake.Item) (t groupware.Triple, known bool, err error) {
	fs, err := tx.Folders()
	for _, f := range fs {
		if f.RemoteID == it.Folder && err == nil && !known {
			t, known, err = tx.TripleByRemote(f.ID, it.ID)
		}
	}
	return t, known, err
}
