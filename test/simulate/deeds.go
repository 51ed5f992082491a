package main

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"

	"outpost/internal/groupware"
	"outpost/internal/store"
)

// mailFolders are those that every history has.
func mailFolders() []string { return []string{"Inbox", "Trash", "Projects", "Drafts", "Sent"} }

func choose[T any](r *rand.Rand, of []T) (one T, ok bool) {
	if len(of) == 0 {
		return one, false
	}
	return of[r.IntN(len(of))], true
}

// view reads; on a disk that just died there is nothing to read.
func (h *history) view(fn func(tx *store.Tx) error) {
	if err := h.m.View(h.ctx, fn); err != nil && !h.w.disk.Dead() {
		h.violated("cannot read: %v", err)
	}
}

// do is one transaction of a person. It reports whether that is certain to have happened, and certain not to have.
func (h *history) do(fn func(tx *store.Tx) error) (done bool) {
	before := h.w.disk.Counts()
	err := h.m.Update(h.ctx, fn)
	switch _, full := errors.AsType[*store.DiskFullError](err); {
	case err == nil:
		return true
	case !h.w.disk.Dead() && !full && !strings.Contains(err.Error(), "disk I/O error"):
		h.violated("a deed failed: %v", err)
	}
	h.tell("   not done, perhaps: %v after %d", err, h.w.disk.Counts().All()-before.All())
	return false
}

// place is a folder that a person sees.
type place struct {
	store.Folder
	path string
}

// places lists the folders that a person sees here, by id.
func (h *history) places(tx *store.Tx) (out []place, err error) {
	fs, err := tx.Folders()
	paths := map[groupware.FolderID]string{}
	for _, f := range fs { // parents come first
		up, seen := paths[f.Parent]
		if f.Deleted || f.Parent != 0 && !seen {
			continue
		}
		paths[f.ID] = strings.TrimPrefix(up+"/"+f.Name, "/")
		out = append(out, place{f, paths[f.ID]})
	}
	return out, err
}

// thing is an item as a person sees it here.
type thing struct {
	store.Item
	raw    []byte // the header alone where not all of it is here
	whole  bool
	agreed bool // the server has it just so
}

// seen is what a person sees before a deed.
type seen struct {
	places []place
	mails  []place // those in which a person files things
	own    []place // those that may be renamed, moved and deleted
}

func (h *history) look(tx *store.Tx) (s seen, err error) {
	s.places, err = h.places(tx)
	for _, p := range s.places {
		switch {
		case strings.HasPrefix(p.Name, "text-"):
			s.own, s.mails = append(s.own, p), append(s.mails, p)
		case slices.Contains(mailFolders(), p.path):
			s.mails = append(s.mails, p)
		}
	}
	return s, err
}

func (s seen) at(path string) []place {
	return slices.DeleteFunc(slices.Clone(s.places), func(p place) bool { return p.path != path })
}

// pick chooses an item in one of some folders.
func (h *history) pick(tx *store.Tx, in []place) (t thing, ok bool, err error) {
	p, ok := choose(h.r, in)
	if !ok {
		return t, false, nil
	}
	ids, err := tx.ItemIDs(p.ID, 0, 10000)
	if err != nil {
		return t, false, err
	}
	h.r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	for _, id := range ids {
		it, err := tx.Item(id)
		if errors.Is(err, store.ErrNotFound) || err == nil && it.Folder != p.ID {
			continue
		}
		if err == nil {
			t, err = h.thing(tx, it)
		}
		return t, err == nil, err
	}
	return t, false, nil
}

func (h *history) items(tx *store.Tx, folder groupware.FolderID) (out []store.Item, err error) {
	ids, err := tx.ItemIDs(folder, 0, 10000)
	for _, id := range ids {
		it, e := tx.Item(id)
		if e == nil && it.Folder == folder {
			out = append(out, it)
		} else if e != nil && !errors.Is(e, store.ErrNotFound) {
			err = errors.Join(err, e)
		}
	}
	return out, err
}

func (h *history) thing(tx *store.Tx, it store.Item) (t thing, err error) {
	t = thing{Item: it, whole: true}
	if t.raw, err = tx.Raw(it.ID); errors.Is(err, store.ErrNotWhole) {
		t.whole = false
		t.raw, err = tx.Header(it.ID)
	}
	return t, err
}

// deed is something that a person does here.
func (h *history) deed() {
	var s seen
	h.view(func(tx *store.Tx) (err error) { s, err = h.look(tx); return err })
	if h.w.disk.Dead() {
		return
	}
	switch h.r.IntN(21) {
	case 0, 1:
		to, _ := choose(h.r, s.mails)
		h.add(to, groupware.MediaMessage, h.mail(h.text()))
	case 2:
		for _, p := range s.at("Calendar") {
			h.add(p, groupware.MediaCalendar, h.event("here-"+name(h.text())))
		}
	case 3:
		for _, p := range s.at("Contacts") {
			h.add(p, groupware.MediaVCard, h.card("here-"+name(h.text())))
		}
	case 4, 5, 6:
		h.edit(s.at("Calendar"))
	case 7:
		h.edit(s.at("Contacts"))
	case 8, 9:
		h.edit(s.at("Drafts"))
	case 10, 11:
		h.file(s)
	case 12:
		h.remove(append(s.mails, append(s.at("Calendar"), s.at("Contacts")...)...))
	case 13, 14:
		h.flag(s.mails)
	case 15:
		h.post(s.at("Outbox"))
	case 16:
		up, nested := choose(h.r, s.own)
		h.makeFolder(up.ID, nested && h.r.IntN(2) == 0)
	case 17:
		h.renameFolder(s)
	case 18:
		h.moveFolder(s)
	case 20:
		if p, ok := choose(h.r, s.mails); ok && h.r.IntN(2) == 0 {
			mode := []groupware.SyncMode{groupware.SyncWhole, groupware.SyncHeaders}[h.r.IntN(2)]
			h.tell("here: keep %s %s", p.path, mode)
			h.change(p.ID, func(f *store.Folder) { f.Mode = mode })
		}
	case 19:
		if p, ok := choose(h.r, s.own); ok {
			h.removeFolder(s, p)
		}
	}
}

func (h *history) add(to place, media groupware.Media, raw []byte) {
	if to.ID == 0 {
		return
	}
	h.tell("here: add %s to %s", texts(raw), to.path)
	if h.do(func(tx *store.Tx) error {
		_, err := tx.Add(to.ID, store.Prepare(media, raw), groupware.Flags{}, h.w.now)
		return err
	}) {
		h.wrote(raw)
	}
}

// edit changes one property of an item, or a draft as a whole.
func (h *history) edit(in []place) {
	var t thing
	var next []byte
	var old, text string
	ok := false
	h.view(func(tx *store.Tx) (err error) {
		if t, ok, err = h.pick(tx, in); ok && err == nil {
			ok = t.whole
			next, old, text = h.edited(t.raw)
		}
		return err
	})
	if !ok || next == nil {
		return
	}
	if t.Media == groupware.MediaMessage && h.r.IntN(2) == 0 { // other programs keep the Message-ID of a draft
		next = bytes.Replace(next, []byte("Message-ID: "+key(t.raw)), []byte("Message-ID: <"+name(text)+"@example.org>"), 1)
	}
	h.tell("here: edit item %d, %s to %s", t.ID, old, text)
	if h.do(func(tx *store.Tx) error { return tx.SetContent(t.ID, store.Prepare(t.Media, next)) }) {
		h.replaced(t.raw, old, text)
	} else {
		h.replaced(t.raw, old, "")
	}
}

func (h *history) file(s seen) {
	to, _ := choose(h.r, s.mails)
	h.fileTo(s.mails, to)
}

func (h *history) fileTo(from []place, to place) {
	var t thing
	ok := false
	h.view(func(tx *store.Tx) (err error) { t, ok, err = h.pick(tx, from); return err })
	if ok && to.ID != t.Folder {
		h.tell("here: file item %d %s in %s", t.ID, texts(t.raw), to.path)
		h.touched(t.raw)
		h.do(func(tx *store.Tx) error { return tx.SetFolder(t.ID, to.ID) })
	}
}

func (h *history) remove(in []place) {
	var t thing
	ok := false
	h.view(func(tx *store.Tx) (err error) {
		if t, ok, err = h.pick(tx, in); ok && err == nil {
			t.agreed = h.agreedHere(tx, t.ID, t.raw)
		}
		return err
	})
	if ok {
		h.tell("here: delete item %d %s, agreed %v", t.ID, texts(t.raw), t.agreed)
		done := h.do(func(tx *store.Tx) error { return tx.Delete(t.ID) })
		h.deleted(t.raw, done && t.agreed)
	}
}

func (h *history) flag(in []place) {
	var t thing
	ok := false
	h.view(func(tx *store.Tx) (err error) { t, ok, err = h.pick(tx, in); return err })
	if ok {
		flags := groupware.NewFlags(groupware.System(h.r.IntN(8)), []string{"work", "home"}[h.r.IntN(2)])
		h.tell("here: flag item %d %s %v", t.ID, texts(t.raw), flags.Names())
		h.do(func(tx *store.Tx) error { return tx.SetFlags(t.ID, flags) })
	}
}

func (h *history) post(outbox []place) {
	s := h.text()
	raw := h.mail(s)
	h.tell("here: send %s", s)
	for _, p := range outbox {
		done := h.do(func(tx *store.Tx) error {
			id, err := tx.Add(p.ID, store.Prepare(groupware.MediaMessage, raw), groupware.Flags{}, h.w.now)
			if err != nil {
				return err
			}
			return tx.Submit(store.Submission{Item: id, From: address, To: []string{"ben@example.org"}, State: store.Queued})
		})
		if h.queued[s] = done; done {
			h.wrote(raw)
		}
	}
}

func (h *history) makeFolder(parent groupware.FolderID, nested bool) {
	if !nested {
		parent = 0
	}
	name := h.text()
	h.tell("here: make folder %s in %d", name, parent)
	h.do(func(tx *store.Tx) error {
		_, err := tx.AddFolder(store.Folder{Parent: parent, Name: name, Kind: groupware.FolderMail, Mode: []groupware.SyncMode{groupware.SyncWhole, groupware.SyncHeaders}[h.r.IntN(2)]})
		return err
	})
}

func (h *history) change(id groupware.FolderID, fn func(f *store.Folder)) bool {
	return h.do(func(tx *store.Tx) error {
		f, err := tx.Folder(id)
		if err != nil {
			return err
		}
		fn(&f)
		return tx.PutFolder(f)
	})
}

func (h *history) renameFolder(s seen) {
	if p, ok := choose(h.r, s.own); ok {
		name := h.text()
		h.tell("here: rename folder %s to %s", p.path, name)
		h.change(p.ID, func(f *store.Folder) { f.Name = name })
	}
}

func (h *history) moveFolder(s seen) {
	p, ok := choose(h.r, s.own)
	to, _ := choose(h.r, append(s.own, place{}))
	if ok && to.ID != p.ID && !strings.HasPrefix(to.path, p.path+"/") {
		h.tell("here: move folder %s into %q", p.path, to.path)
		h.change(p.ID, func(f *store.Folder) { f.Parent = to.ID })
	}
}

// removeFolder deletes a folder with all that is below it, as a person does.
func (h *history) removeFolder(s seen, top place) {
	below := slices.DeleteFunc(slices.Clone(s.own), func(p place) bool { return p.ID != top.ID && !strings.HasPrefix(p.path, top.path+"/") })
	slices.Reverse(below)
	h.tell("here: delete folder %s", top.path)
	for _, p := range below {
		h.view(func(tx *store.Tx) error {
			all, err := h.items(tx, p.ID)
			for _, it := range all {
				t, e := h.thing(tx, it)
				if err = errors.Join(err, e); e == nil {
					h.deleted(t.raw, false)
				}
			}
			return err
		})
		if !h.change(p.ID, func(f *store.Folder) { f.Deleted = true }) {
			return
		}
	}
}
