package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
	"outpost/internal/store/simdisk"
)

// scenario is a script in which, run after run, one point goes wrong: the first write, the second, and so on until nothing is left to go wrong.
type scenario struct {
	name  string
	plays fake.Features
	first bool               // without a sync before it
	steps []func(h *history) // a process that dies in one of them is started again for the next
}

// trouble is what goes wrong at a point.
type trouble struct {
	name  string
	at    simdisk.Trouble
	power bool // with the process, all that was not synced
	calls bool // the points are calls to the server, not operations of the disk
}

func troubles() []trouble {
	return []trouble{
		{name: "the process dies at the disk", at: simdisk.Dies},
		{name: "the power goes", at: simdisk.Dies, power: true},
		{name: "the disk fails once", at: simdisk.Fails},
		{name: "the disk is full once", at: simdisk.Full},
		{name: "the process dies in a call", calls: true},
	}
}

func pass(h *history) { h.pass("") }

func scenarios() []scenario {
	plain := fake.Features{NoDelta: true, NoState: true, NoNewIDs: true, PathIDs: true}
	return []scenario{
		{name: "first sync", first: true, steps: []func(h *history){pass}},
		{name: "new mail, event and contact", steps: []func(h *history){
			func(h *history) {
				h.addTo("Drafts", groupware.MediaMessage, h.mail(h.text()))
				h.addTo("Calendar", groupware.MediaCalendar, h.event("here-"+name(h.text())))
				h.addTo("Contacts", groupware.MediaVCard, h.card("here-"+name(h.text())))
			}, pass,
		}},
		{name: "new mail on a plain server", plays: plain, steps: []func(h *history){
			func(h *history) {
				h.addTo("Drafts", groupware.MediaMessage, h.mail(h.text()))
				h.addTo("Projects", groupware.MediaMessage, h.mail(h.text()))
			}, pass,
		}},
		{name: "edits on both sides", steps: []func(h *history){
			func(h *history) {
				h.editIn("Drafts")
				h.editIn("Calendar")
				h.flagIn("Inbox")
				h.editThere("Contacts")
				h.flagThere("Inbox")
				h.deliver("Inbox")
			}, pass,
		}},
		{name: "a draft is edited there, to as many bytes", steps: []func(h *history){
			func(h *history) {
				if it, ok := h.thereIn("Drafts"); ok {
					next, old, text := h.edited(it.Raw)
					h.replaced(it.Raw, old, text)
					h.server.AddMail(it.Folder, next[:len(it.Raw)], it.Flags, h.w.now)
					h.server.DeleteMail(it.Folder, it.ID)
				}
			}, pass,
		}},
		{name: "conflicts", steps: []func(h *history){
			func(h *history) {
				for range 4 { // of three properties, at least one on both sides
					h.editIn("Calendar")
					h.editThere("Calendar")
				}
				h.removeIn("Contacts")
				h.editThere("Contacts")
			}, pass,
		}},
		{name: "mail is filed elsewhere", steps: []func(h *history){
			func(h *history) {
				h.fileIn("Inbox", "Projects")
				h.fileIn("Inbox", "Trash")
				h.moveThere("Inbox", "Sent")
			}, pass,
		}},
		{name: "mail is filed elsewhere on a plain server", plays: plain, steps: []func(h *history){
			func(h *history) { h.fileIn("Inbox", "Projects"); h.moveThere("Inbox", "Sent") }, pass,
		}},
		{name: "mail is deleted", steps: []func(h *history){
			func(h *history) { h.removeIn("Inbox"); h.removeIn("Calendar"); h.deleteThere("Inbox") }, pass,
		}},
		{name: "a meeting", steps: []func(h *history){
			func(h *history) {
				uid := "here-" + name(h.text())
				for h.serial%2 > 0 {
					h.text()
				}
				h.addTo("Calendar", groupware.MediaCalendar, h.event(uid))
				h.deleteThere("Calendar") // so that there is no other event
			}, pass,
			func(h *history) { h.editIn("Calendar") }, pass,
			func(h *history) { h.removeIn("Calendar") }, pass,
		}},
		{name: "folders", steps: []func(h *history){
			func(h *history) { h.newFolder("text-900001", ""); h.newFolder("text-900002", "text-900001") },
			func(h *history) { h.addTo("text-900001/text-900002", groupware.MediaMessage, h.mail(h.text())) }, pass,
			func(h *history) { h.nameFolder("text-900001", "text-900003") }, pass,
			func(h *history) { h.dropFolder("text-900003") }, pass,
		}},
		{name: "a message is sent", steps: []func(h *history){
			func(h *history) {
				h.view(func(tx *store.Tx) error { s, err := h.look(tx); h.outbox = s.at("Outbox"); return err })
			},
			func(h *history) { h.post(h.outbox) }, pass,
		}},
		{name: "folders are renumbered", steps: []func(h *history){
			func(h *history) {
				h.editIn("Drafts")
				h.removeIn("Inbox")
				for _, p := range []string{"Inbox", "Drafts", "Projects"} {
					h.server.BumpUIDValidity(h.server.FolderID(p))
				}
				h.deliver("Inbox")
			}, pass,
		}},
		{name: "a folder is kept whole, and then not", steps: []func(h *history){
			func(h *history) { h.mode("Projects", groupware.SyncWhole) }, pass,
			func(h *history) { h.mode("Projects", groupware.SyncHeaders) }, pass,
		}},
	}
}

// try runs a scenario in which the nth point goes wrong, and says whether there was such a point.
func (w *world) try(ctx context.Context, s scenario, t trouble, n int) (o outcome, struck bool) {
	f := fnv.New64a()
	f.Write([]byte(s.name))
	seed := f.Sum64()
	h := &history{w: w, seed: seed, ctx: ctx, r: rand.New(rand.NewPCG(seed, 1)), faults: map[string]int{}, expected: newExpected(), plays: s.plays}
	h.cancel = func() {}
	if h.must(w.begin(rand.New(rand.NewPCG(seed, uint64(n))))) {
		h.prepare()
		if h.open() {
			struck = h.script(s, t, n)
		}
		if h.m != nil {
			h.calm()
		}
		if h.m != nil && len(h.wrong) == 0 {
			h.check(1)
		}
	}
	h.end()
	return outcome{seed: seed, trace: h.trace, wrong: h.wrong, faults: h.faults}, struck
}

// prepare makes the server of a scenario.
func (h *history) prepare() {
	h.server = fake.NewServer(fake.Options{Rand: h.r, Clock: func() time.Time { return h.w.now }, Features: h.plays})
	h.server.AddFolder(remote.NewFolder{Name: "Projects", Kind: groupware.FolderMail})
	for _, p := range []string{"Inbox", "Inbox", "Inbox", "Projects", "Projects", "Drafts"} {
		h.deliver(p)
	}
	h.putThere("Calendar")
	h.putThere("Contacts")
}

func (h *history) script(s scenario, t trouble, n int) (struck bool) {
	if !s.first {
		h.pass("before")
	}
	if t.calls {
		h.dieAt = n
	} else {
		h.w.disk.Order(simdisk.Order{Nth: n, Do: t.at})
		h.ordered = true
	}
	for _, step := range s.steps {
		if step(h); h.m == nil {
			return true
		}
		if h.w.disk.Dead() {
			h.lose = t.power
			h.restart()
		}
		if h.m == nil {
			return true
		}
	}
	struck = t.calls && h.dieAt == 0 || !t.calls && h.w.disk.Withdraw() == 0
	h.dieAt, h.ordered = 0, false
	return struck
}

// What follows does one thing to one item, always the first that fits.

func (h *history) in(path string) (s seen, p []place) {
	h.view(func(tx *store.Tx) (err error) { s, err = h.look(tx); return err })
	return s, s.at(path)
}

func (h *history) addTo(path string, media groupware.Media, raw []byte) {
	if _, ps := h.in(path); len(ps) > 0 && !h.w.disk.Dead() {
		h.add(ps[0], media, raw)
	}
}

func (h *history) editIn(path string) {
	if _, ps := h.in(path); !h.w.disk.Dead() {
		h.edit(ps)
	}
}

func (h *history) flagIn(path string) {
	if _, ps := h.in(path); !h.w.disk.Dead() {
		h.flag(ps)
	}
}

func (h *history) removeIn(path string) {
	if _, ps := h.in(path); !h.w.disk.Dead() {
		h.remove(ps)
	}
}

func (h *history) fileIn(from, to string) {
	_, target := h.in(to)
	if _, ps := h.in(from); !h.w.disk.Dead() && len(target) > 0 {
		h.fileTo(ps, target[0])
	}
}

func (h *history) mode(path string, mode groupware.SyncMode) {
	if _, ps := h.in(path); len(ps) > 0 && !h.w.disk.Dead() {
		h.change(ps[0].ID, func(f *store.Folder) { f.Mode = mode })
	}
}

func (h *history) newFolder(name, in string) {
	_, up := h.in(in)
	if h.w.disk.Dead() || in != "" && len(up) == 0 {
		return
	}
	f := store.Folder{Name: name, Kind: groupware.FolderMail, Mode: groupware.SyncWhole}
	if len(up) > 0 {
		f.Parent = up[0].ID
	}
	h.do(func(tx *store.Tx) error { _, err := tx.AddFolder(f); return err })
}

func (h *history) nameFolder(path, name string) {
	if _, ps := h.in(path); len(ps) > 0 && !h.w.disk.Dead() {
		h.change(ps[0].ID, func(f *store.Folder) { f.Name = name })
	}
}

func (h *history) dropFolder(path string) {
	if s, ps := h.in(path); len(ps) > 0 && !h.w.disk.Dead() {
		h.removeFolder(s, ps[0])
	}
}

// thereIn is the first item of a folder at the server.
func (h *history) thereIn(path string) (it fake.Item, ok bool) {
	for _, it := range h.server.Snapshot() {
		if strings.EqualFold(it.Path, path) {
			return it, true
		}
	}
	return it, false
}

func (h *history) editThere(path string) {
	if it, ok := h.thereIn(path); ok {
		next, old, text := h.edited(it.Raw)
		h.replaced(it.Raw, old, text)
		h.server.PutObject(it.Folder, it.Name, next)
	}
}

func (h *history) flagThere(path string) {
	if it, ok := h.thereIn(path); ok {
		h.server.SetFlags(it.Folder, it.ID, groupware.NewFlags(groupware.Answered))
	}
}

func (h *history) deleteThere(path string) {
	if it, ok := h.thereIn(path); ok && !h.w.disk.Dead() {
		h.deleted(it.Raw, h.agreed(it))
		h.server.DeleteMail(it.Folder, it.ID)
	}
}

func (h *history) moveThere(path, to string) {
	if it, ok := h.thereIn(path); ok {
		h.touched(it.Raw)
		h.server.MoveMail(it.Folder, it.ID, h.server.FolderID(to))
	}
}

// point names one run of a scenario, to be given to OUTPOST_POINT.
func point(s scenario, t trouble, n int) string { return fmt.Sprintf("%s/%s/%d", s.name, t.name, n) }
