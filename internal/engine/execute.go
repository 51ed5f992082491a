package engine

import (
	"context"
	"errors"
	"maps"
	"slices"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/store"
)

// What a step agreed on is saved with Bulk: a power cut then takes back a suffix of the transactions, and the next pass observes
// again what they said. What must not be taken back (intents, submissions, what a person did) is saved with Update.

// executePage is how many items are planned and executed together.
const executePage = 500

// work is one planned item. t follows what has been done to it.
type work struct {
	id groupware.ItemID
	t  groupware.Triple
	p  Plan
}

// execute plans every item of a folder whose states differ and carries the plans out, a page at a time.
func (p *pass) execute(ctx context.Context, s *session, f store.Folder) error {
	if f.ID == 0 || s.dead {
		return nil
	}
	if !p.lost[f.ID] {
		if ok, err := p.guard(ctx, s, f); err != nil || !ok {
			return err
		}
	}
	for after := groupware.ItemID(0); ; {
		var ts []groupware.Triple
		open := map[groupware.ItemID]bool{} // sent and not answered: looked for before anything else happens to them (recover)
		err := p.e.m.View(ctx, func(tx *store.Tx) (err error) {
			if ts, err = tx.Pending(f.ID, after, executePage); err != nil || len(ts) == 0 {
				return err
			}
			intents, err := tx.Intents()
			for _, in := range intents {
				open[in.Item] = true
			}
			return err
		})
		if err != nil || len(ts) == 0 {
			return err
		}
		after = ts[len(ts)-1].Item
		var ws []*work
		for _, t := range ts {
			if home(t) == f.ID && !open[t.Item] {
				if pl := readFirst(s, t, PlanItem(t)); pl.Verb != Nothing {
					ws = append(ws, &work{t.Item, t, pl})
				}
			}
		}
		if len(ws) == 0 {
			continue
		}
		for i, step := range []func(context.Context, *session, store.Folder, []*work) error{
			p.takeOver, p.pushFlags, p.readContent, p.pushContent, p.pushMoves, p.pushDeletes, p.pushCreates,
		} {
			if p.lost[f.ID] && i > 0 {
				break // there is nothing to do anything to
			}
			if err := step(ctx, s, f, ws); err != nil {
				return err
			}
		}
	}
}

// readFirst keeps an object from being replaced or deleted whatever its version is now: one that was stored without the server's naming its
// version (RFC 4791 5.3.4), and was not seen since, is read before anything else happens to it there.
func readFirst(s *session, t groupware.Triple, pl Plan) Plan {
	if s.name == "imap" || t.Base == nil || t.Base.Tag != "" || t.Remote == nil || t.Remote.Tag != "" {
		return pl
	}
	switch {
	case pl.Verb == Update && pl.Content == Push:
		pl.Content = Clash
	case pl.Verb == RemoveThere:
		pl.Verb = Restore
	}
	return pl
}

// home is the one folder in whose turn an item is executed.
func home(t groupware.Triple) groupware.FolderID {
	switch {
	case t.Base != nil:
		return t.Base.Folder
	case t.Local != nil:
		return t.Local.Folder
	case t.Remote != nil:
		return t.Remote.Folder
	}
	return 0
}

// settle writes what both sides have of an item after a step: base is what is now agreed on. What a person did here
// since the plan was made stays: local nil in the call means "as it is now", and otherwise the step is dropped when the
// item is no longer as planned (it will be planned again). It reports whether it was written.
func settle(tx *store.Tx, w *work, local *groupware.Local, base *groupware.Base, content *store.Prepared) (bool, error) {
	now, err := tx.Triple(w.id)
	if err != nil {
		return false, ignoreNotFound(err)
	}
	if local == nil {
		local = now.Local
	} else if !sameLocal(now.Local, w.t.Local) {
		return false, nil
	}
	if err := tx.Take(w.id, local, base, content); err != nil {
		return false, err
	}
	w.t.Local, w.t.Base = local, base
	return true, nil
}

// asPlanned reports whether an item is here as it was when it was planned. One whose folder was deleted here meanwhile is not.
func asPlanned(tx *store.Tx, w *work) (bool, error) {
	now, err := tx.Triple(w.id)
	if err == nil && now.Local != nil {
		_, err = tx.Item(w.id)
	}
	return err == nil && sameLocal(now.Local, w.t.Local), ignoreNotFound(err)
}

func sameLocal(a, b *groupware.Local) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// takeOver does what needs nothing from the server: agreement, deletions made there, flags and places set there.
func (p *pass) takeOver(ctx context.Context, s *session, f store.Folder, ws []*work) error {
	needed := func(w *work) bool {
		switch w.p.Verb {
		case Forget, RemoveHere, Revive:
			return true
		case Update:
			return w.p.Flags != w.t.Local.Flags || w.p.Folder == Take || w.p.Flags == w.t.Remote.Flags ||
				w.t.Remote.RemoteID != w.t.Base.RemoteID || w.t.Remote.Folder != w.t.Base.Folder
		}
		return false
	}
	if !some(ws, needed) {
		return nil
	}
	return p.e.m.Bulk(ctx, func(tx *store.Tx) error {
		for _, w := range ws {
			if !needed(w) {
				continue
			}
			if err := p.takeOne(tx, s, f, w); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p *pass) takeOne(tx *store.Tx, s *session, f store.Folder, w *work) error {
	now, err := tx.Triple(w.id)
	if err != nil || !sameLocal(now.Local, w.t.Local) {
		p.touched[f.ID] = true
		return ignoreNotFound(err)
	}
	switch w.p.Verb {
	case Forget, RemoveHere:
		if w.p.Verb == RemoveHere {
			p.result.Deleted++
		} else if err := p.tellGone(tx, f, w.id, w.t.Base.Tag); err != nil { // it may be gone there because of us, and the answer was lost
			return err
		}
		return tx.Take(w.id, nil, nil, nil)
	case Revive:
		if l := w.t.Local; l.Content == w.t.Base.Content {
			// It was only filed elsewhere here. If the server has filed it there already, and the answer was lost, it is not created again.
			// It may also be on its way to anywhere, seen to go and not yet to arrive: everything is looked at once more.
			if p.only != nil {
				return nil // a pass over one folder cannot tell
			}
			if !p.doubted[w.id] || slices.ContainsFunc(p.inOrder(s), func(f store.Folder) bool { return !p.looked[f.ID] }) {
				p.lookAgain = p.lookAgain || !p.doubted[w.id]
				p.doubted[w.id] = true
				return nil
			}
			twin, err := tx.Twin(w.id)
			if err != nil {
				return err
			}
			if twin != 0 {
				t, err := tx.Triple(twin)
				if err != nil {
					return err
				}
				switch verb := PlanItem(t).Verb; {
				case !p.looked[t.Base.Folder]: // it may be gone there as well
				case verb == Nothing:
					at := *l
					at.Folder = t.Base.Folder // where both sides moved it, the server's place stays
					return errors.Join(tx.Take(twin, nil, nil, nil), tx.Take(w.id, &at, t.Base, nil))
				case verb == Update:
					return tx.Take(w.id, nil, nil, nil) // what was done to the other goes on
				}
			}
		}
		p.touched[f.ID] = true
		p.touched[w.t.Local.Folder] = true
		return tx.Take(w.id, w.t.Local, nil, nil)
	}
	l, b, r := *w.t.Local, *w.t.Base, w.t.Remote
	if l.Flags != w.p.Flags || w.p.Folder == Take && l.Folder != r.Folder {
		p.result.Downloaded++
	}
	l.Flags = w.p.Flags
	b.Flags = r.Flags
	b.Folder, b.RemoteID = r.Folder, r.RemoteID
	if w.p.Folder == Take {
		l.Folder = r.Folder
	}
	w.t.Local, w.t.Base = &l, &b
	return tx.Take(w.id, &l, &b, nil)
}

type flagStep struct {
	folder      groupware.FolderID
	add, remove groupware.Flags
}

// pushFlags sends the flags that were changed here, one command for all items with the same change.
func (p *pass) pushFlags(ctx context.Context, s *session, _ store.Folder, ws []*work) error {
	changed := func(w *work) (flagStep, bool) {
		if w.p.Verb != Update || w.p.Flags == w.t.Remote.Flags {
			return flagStep{}, false
		}
		return flagStep{w.t.Base.Folder, w.p.Flags.Minus(w.t.Remote.Flags), w.t.Remote.Flags.Minus(w.p.Flags)}, true
	}
	for _, g := range together(ws, changed) {
		err := s.svc.SetFlags(ctx, p.folders[g.key.folder].RemoteID, remoteIDs(g.ws), g.key.add, g.key.remove)
		if err != nil && !refused(err) {
			return err
		}
		p.touched[g.key.folder] = true
		no := err
		if no != nil && remote.KindOf(no) == remote.Precondition {
			continue // the folder is not as it was observed: it is looked at again
		}
		err = p.e.m.Bulk(ctx, func(tx *store.Tx) error {
			for _, w := range g.ws {
				b := *w.t.Base
				if no != nil {
					// Not allowed there: the flags go back to what the server has.
					l := *w.t.Local
					l.Flags = w.t.Remote.Flags
					b.Flags = l.Flags
					if err := p.fail(tx, store.Failure{Item: w.id, Folder: g.key.folder, Doing: "set flags"}, no); err != nil {
						return err
					}
					if _, err := settle(tx, w, &l, &b, nil); err != nil {
						return err
					}
					continue
				}
				b.Flags = w.p.Flags
				p.result.Uploaded++
				if _, err := settle(tx, w, nil, &b, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// group is what one command does to several items.
type group[K comparable] struct {
	key K
	ws  []*work
}

// together groups items by the command that they need, in the order in which each command is first needed.
func together[K comparable](ws []*work, command func(*work) (K, bool)) (out []*group[K]) {
	at := map[K]*group[K]{}
	for _, w := range ws {
		key, needed := command(w)
		if !needed {
			continue
		}
		if at[key] == nil {
			at[key] = &group[K]{key: key}
			out = append(out, at[key])
		}
		at[key].ws = append(at[key].ws, w)
	}
	return out
}

// remoteIDs names items as the server knew them when both sides agreed.
func remoteIDs(ws []*work) []string {
	ids := make([]string, len(ws))
	for i, w := range ws {
		ids[i] = w.t.Base.RemoteID
	}
	return ids
}

// refused reports whether the server said a final no to this one request, on a connection that goes on.
func refused(err error) bool {
	if _, ok := errors.AsType[*remote.Error](err); !ok {
		return false
	}
	switch remote.KindOf(err) {
	case remote.Offline, remote.Unavailable, remote.Auth, remote.Certificate, remote.Protocol:
		return false
	}
	return true
}

// pushMoves files items at the server as they were filed here.
func (p *pass) pushMoves(ctx context.Context, s *session, _ store.Folder, ws []*work) error {
	type route struct{ from, to groupware.FolderID }
	filed := func(w *work) (route, bool) {
		if w.p.Verb != Update || w.p.Folder != Push || w.t.Base.RemoteID == "" {
			return route{}, false
		}
		return route{w.t.Base.Folder, w.p.Where}, true
	}
	for _, g := range together(ws, filed) {
		r, ws := g.key, g.ws
		from, to := p.folders[r.from], p.folders[r.to]
		if to.RemoteID == "" || to.Service != s.name {
			continue // the folder is not there yet: stays pending
		}
		moved, err := s.svc.Move(ctx, from.RemoteID, remoteIDs(ws), to.RemoteID)
		if err != nil && !refused(err) {
			return err
		}
		p.touched[r.from], p.touched[r.to] = true, true
		delete(p.looked, r.to)
		no := err
		if no != nil && remote.KindOf(no) == remote.Precondition {
			continue
		}
		err = p.e.m.Bulk(ctx, func(tx *store.Tx) error {
			for _, w := range ws {
				if no != nil {
					l := *w.t.Local
					l.Folder = r.from
					if err := p.fail(tx, store.Failure{Item: w.id, Folder: r.from, Doing: "move to " + p.paths[r.to]}, no); err != nil {
						return err
					}
					if _, err := settle(tx, w, &l, w.t.Base, nil); err != nil {
						return err
					}
					continue
				}
				p.result.Uploaded++
				id := moved[w.t.Base.RemoteID]
				if id == "" { // recognised when the folder is next observed
					if _, err := tx.ObserveGone(r.from, []string{w.t.Base.RemoteID}); err != nil {
						return err
					}
					continue
				}
				b := *w.t.Base
				b.Folder, b.RemoteID = r.to, id
				if b.Tag != "" {
					b.Tag = "" // the version at the new place is not known yet
				}
				if _, err := settle(tx, w, nil, &b, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// pushDeletes removes at the server what was deleted here, unless it changed there meanwhile.
func (p *pass) pushDeletes(ctx context.Context, s *session, f store.Folder, ws []*work) error {
	byID := map[string]*work{}
	var refs []remote.Ref
	for _, w := range ws {
		if w.p.Verb == RemoveThere {
			byID[w.t.Remote.RemoteID] = w // not as agreed, where the folder was renumbered since
			refs = append(refs, remote.Ref{ID: w.t.Remote.RemoteID, Tag: w.t.Base.Tag})
		}
	}
	if len(refs) == 0 {
		return nil
	}
	outcome := map[string]error{}
	err := s.svc.Delete(ctx, f.RemoteID, refs, func(id string, err error) error {
		outcome[id] = err
		return nil
	})
	if len(outcome) > 0 {
		p.touched[f.ID] = true
		save := p.e.m.Bulk(ctx, func(tx *store.Tx) error {
			for _, id := range slices.Sorted(maps.Keys(outcome)) {
				w, no := byID[id], outcome[id]
				switch {
				case w == nil:
				case no == nil:
					p.result.Deleted++
					if err := p.tellGone(tx, f, w.id, w.t.Base.Tag); err != nil {
						return err
					}
					if _, err := settle(tx, w, nil, nil, nil); err != nil {
						return err
					}
				case remote.KindOf(no) != remote.Precondition && refused(no):
					// Not allowed there: it comes back here.
					if err := p.fail(tx, store.Failure{Item: w.id, Folder: f.ID, Doing: "delete"}, no); err != nil {
						return err
					}
					l := groupware.Local{Folder: w.t.Base.Folder, Flags: w.t.Base.Flags, Content: w.t.Base.Content}
					if _, err := settle(tx, w, &l, w.t.Base, nil); err != nil {
						return err
					}
				}
			}
			return nil
		})
		err = errors.Join(err, save)
	}
	return err
}

func some(ws []*work, f func(*work) bool) bool {
	for _, w := range ws {
		if f(w) {
			return true
		}
	}
	return false
}
