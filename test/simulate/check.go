package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"outpost/internal/engine"
	"outpost/internal/groupware"
	"outpost/internal/store"
)

// check holds the invariants against a history that is quiet.
func (h *history) check(seed uint64) {
	h.quiet()
	if seed%8 == 0 {
		h.quiet()
	}
	here := h.contents()
	h.sameFolders()
	h.sameItems(here)
	h.nothingLost(here)
	h.sentOnce(here)
	h.invitedOnce(here)
	if problems, err := h.m.Verify(h.ctx, nil); err != nil || len(problems) > 0 {
		h.violated("verify: %v %q", err, problems)
	}
}

// quiet makes a pass that must do nothing: no request that writes, no transaction, no operation of the disk.
func (h *history) quiet() {
	writes, ops, seq := h.server.Writes(), h.w.disk.Counts().All(), h.lastChange()
	h.tell("pass with nothing to do")
	r, err := h.e.Pass(h.ctx, engine.PassOptions{})
	h.must(err)
	r.BytesIn, r.BytesOut = 0, 0
	if r != (engine.Result{}) {
		h.violated("a pass with nothing to do did %+v", r)
	}
	if n := h.server.Writes() - writes; n > 0 {
		h.violated("a pass with nothing to do asked the server %d times to write", n)
	}
	if n := h.lastChange() - seq; n > 0 {
		h.violated("a pass with nothing to do changed %d things here", n)
	}
	if n := h.w.disk.Counts().All() - ops; n > 0 {
		h.violated("a pass with nothing to do worked %d times on the disk", n)
	}
}

func (h *history) lastChange() (seq int64) {
	h.view(func(tx *store.Tx) (err error) { seq, err = tx.LastChange(); return err })
	return seq
}

// kept is an item here with where it is.
type kept struct {
	thing
	place
}

// contents reads everything that is here, folder by folder.
func (h *history) contents() (out []kept) {
	h.view(func(tx *store.Tx) error {
		fs, err := tx.Folders()
		for _, f := range fs {
			if f.Deleted {
				h.violated("the folder %q is still being deleted", f.Name)
			}
		}
		ps, e := h.places(tx)
		err = errors.Join(err, e)
		for _, p := range ps {
			all, e := h.items(tx, p.ID)
			err = errors.Join(err, e)
			for _, it := range all {
				t, e := h.thing(tx, it)
				if err = errors.Join(err, e); e == nil {
					out = append(out, kept{t, p})
				}
			}
		}
		return err
	})
	return out
}

func (h *history) sameFolders() {
	here, there := map[string]bool{}, map[string]bool{}
	h.view(func(tx *store.Tx) error {
		ps, err := h.places(tx)
		for _, p := range ps {
			if !p.Role.Local() {
				here[p.path] = true
			}
		}
		return err
	})
	paths := map[string]string{}
	for _, f := range h.server.Folders() { // parents before children
		paths[f.ID] = strings.TrimPrefix(paths[f.Parent]+"/"+f.Name, "/")
		there[paths[f.ID]] = true
		if !here[paths[f.ID]] {
			h.violated("the folder %q is only at the server", paths[f.ID])
		}
	}
	for p := range here {
		if !there[p] {
			h.violated("the folder %q is only here", p)
		}
	}
}

// sameItems compares what is in each folder on both sides, byte for byte where all of an item is here.
func (h *history) sameItems(here []kept) {
	left := map[string]int{}
	for _, k := range here {
		if !k.Role.Local() {
			left[h.line(k.path, k.raw, k.whole, k.Flags)]++
		}
	}
	part := map[string]bool{}
	for _, k := range here {
		part[k.path+key(k.raw)] = !k.whole
	}
	for _, it := range h.server.Snapshot() {
		l := h.line(it.Path, it.Raw, true, it.Flags)
		if left[l] == 0 && part[it.Path+key(it.Raw)] {
			head, _, _ := strings.Cut(string(it.Raw), "\r\n\r\n")
			l = h.line(it.Path, []byte(head+"\r\n\r\n"), false, it.Flags)
		}
		if left[l]--; left[l] < 0 {
			h.violated("only at the server: %s", l)
		}
	}
	for _, l := range sorted(left) {
		if left[l] > 0 {
			h.violated("only here: %s", l)
		}
	}
}

func (h *history) line(path string, raw []byte, whole bool, flags groupware.Flags) string {
	if h.plays.NoKeywords { // it says yes, and keeps none
		flags.Keywords = ""
	}
	return fmt.Sprintf("%s: %s %s %v whole %v", path, key(raw), sum(raw), flags.Names(), whole)
}

func sorted(m map[string]int) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// nothingLost looks for what was written and not there, deleted and there, there twice.
func (h *history) nothingLost(here []kept) {
	in, mails, objects := map[string][]string{}, map[string]int{}, map[string]int{}
	back := map[string]bool{}
	for _, k := range here {
		for _, s := range texts(k.raw) {
			in[s] = append(in[s], k.path)
			back[s] = back[s] || !k.Role.Local()
		}
		if k.Media == groupware.MediaMessage {
			for _, s := range texts(k.raw) {
				mails[s]++
			}
		} else if !k.Role.Local() {
			objects[key(k.raw)]++
		}
	}
	for _, s := range sortedSet(h.written) {
		if len(in[s]) == 0 {
			h.violated("%s was lost", s)
		}
	}
	for _, s := range sortedSet(h.gone) {
		if back[s] {
			h.violated("%s was deleted and is in %q", s, in[s])
		}
	}
	for _, s := range sorted(mails) {
		if mails[s] > 1 && !h.resent[s] && !h.filed[s] {
			h.violated("%s is there %d times, in %q", s, mails[s], in[s])
		}
	}
	for _, uid := range sorted(objects) {
		if objects[uid] > 1 {
			h.violated("%s is there %d times", uid, objects[uid])
		}
	}
}

func sortedSet(m map[string]bool) []string {
	out := []string{}
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// sentOnce checks that every message left exactly once, or waits for a person to decide.
func (h *history) sentOnce(here []kept) {
	sent := map[string]int{}
	for _, m := range h.server.Sent() {
		for _, s := range texts(m.Raw) {
			sent[s]++
		}
	}
	asks := map[string]bool{}
	h.view(func(tx *store.Tx) error {
		for _, k := range here {
			s := property(k.raw, "Subject:")
			q, found, err := tx.Submission(k.thing.ID)
			if err != nil {
				return err
			}
			if found && q.State == store.Unknown || k.Role == groupware.RoleLocalFailures {
				asks[s] = true
			}
		}
		return nil
	})
	for _, s := range sortedSet(h.queued) {
		switch {
		case sent[s] > 1 && !h.resent[s]:
			h.violated("%s was sent %d times", s, sent[s])
		case sent[s] == 0 && h.queued[s] && !asks[s]:
			h.violated("%s was never sent", s)
		}
	}
}
