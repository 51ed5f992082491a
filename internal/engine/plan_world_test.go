package engine

import (
	"encoding/binary"
	"errors"
	"slices"
	"strconv"

	"outpost/internal/groupware"
)

// How a world carries out plans: the engine in small, without its store and its network.

var errCut = errors.New("the connection was lost")

// call is something that the server is asked for, which may be lost on the way there or the answer on the way back.
func (w *world) call(do func()) error {
	w.meanwhile()
	if !w.quiet && w.r.IntN(25) == 0 {
		return errCut
	}
	do()
	if !w.quiet && w.r.IntN(12) == 0 {
		w.count.lost++
		w.say("the answer is lost")
		return errCut
	}
	w.meanwhile()
	return nil
}

func (w *world) meanwhile() {
	if !w.quiet && w.r.IntN(12) == 0 {
		w.deed()
	}
}

func (w *world) at(id int) *thingThere {
	for _, t := range w.there {
		if t.id == id {
			return t
		}
	}
	return nil
}

func hashOf(text [2]value) (h groupware.Hash) {
	binary.LittleEndian.PutUint32(h[0:], uint32(text[0]))
	binary.LittleEndian.PutUint32(h[4:], uint32(text[1]))
	return h
}

func tagName(tag int) string {
	if tag == 0 {
		return ""
	}
	return strconv.Itoa(tag)
}

func flagSet(s groupware.System) groupware.Flags { return groupware.Flags{System: s} }

// triple is what the planner sees.
func (w *world) triple(c *copyHere) (t groupware.Triple) {
	if b := c.base; b != nil {
		t.Base = &groupware.Base{Folder: b.folder, RemoteID: strconv.Itoa(b.id), Tag: tagName(b.tag), Flags: flagSet(b.flags), Content: hashOf(b.text)}
	}
	if l := c.local; l != nil {
		t.Local = &groupware.Local{Folder: w.where[l.place], Flags: flagSet(l.flags), Content: hashOf(l.text)}
	}
	if r := c.remote; r != nil {
		t.Remote = &groupware.Remote{Folder: w.where[r.place], RemoteID: strconv.Itoa(r.id), Tag: tagName(r.tag), Flags: flagSet(r.flags)}
	}
	return t
}

// pass is what the engine does with its plans, in few words.
func (w *world) pass() error {
	if err := w.resolve(); err != nil {
		return err
	}
	for range maxRounds {
		w.touched = false
		if err := w.look(); err != nil {
			return err
		}
		todo := slices.Clone(w.here)
		w.r.Shuffle(len(todo), func(i, j int) { todo[i], todo[j] = todo[j], todo[i] })
		for _, c := range todo {
			if !slices.Contains(w.here, c) || c.intent != nil {
				continue
			}
			if err := w.carryOut(c); err != nil {
				return err
			}
		}
		if !w.touched {
			return nil
		}
	}
	return nil
}

// look sees what the server has: all of it, or a part, from whose silence nothing follows.
func (w *world) look() error {
	if err := w.call(func() {}); err != nil {
		return err
	}
	partial := !w.quiet && w.r.IntN(4) == 0
	for _, c := range w.here {
		c.seen = false
	}
	for _, t := range w.there {
		if partial && w.r.IntN(3) == 0 {
			continue
		}
		i := slices.IndexFunc(w.here, func(c *copyHere) bool {
			return c.remote != nil && c.remote.id == t.id || c.base != nil && c.base.id == t.id
		})
		if i < 0 {
			// Something new, or something known that moved: that is recognised when everything was seen.
			if i = slices.IndexFunc(w.here, func(c *copyHere) bool { return c.name == t.name }); i >= 0 && (partial || w.here[i].intent != nil) {
				continue
			}
		}
		if i < 0 {
			w.here = append(w.here, &copyHere{name: t.name})
			i = len(w.here) - 1
		}
		w.here[i].remote, w.here[i].seen, t.unanswered = showing(t), true, false
	}
	for _, c := range slices.Clone(w.here) {
		if !partial && !c.seen {
			c.remote = nil
		}
	}
	return nil
}

func showing(t *thingThere) *shownThere { return &shownThere{t.id, t.tag, t.place, t.flags} }

// resolve looks for what was sent and not answered.
func (w *world) resolve() error {
	for _, c := range slices.Clone(w.here) {
		in := c.intent
		if in == nil {
			continue
		}
		var t *thingThere
		err := w.call(func() {
			for _, u := range w.there {
				if c.base != nil && w.kind != ofMailbox && u.id == c.base.id && u.text == in.text ||
					c.base == nil && u.name == c.name || w.kind == ofMailbox && u.name == c.name && u.id >= in.mark && u.text == in.text {
					t = u
				}
			}
		})
		if err != nil {
			return err
		}
		if c.intent = nil; t == nil {
			if c.local == nil && c.base == nil {
				w.drop(c)
			}
			continue
		}
		flags := in.flags
		if old := c.base; old != nil {
			if w.kind == ofMailbox {
				if err := w.call(func() { w.remove(old.id, 0) }); err != nil {
					c.intent = in
					return err
				}
			} else {
				flags = old.flags
			}
		}
		w.agree(c, t, agreedOn{flags: flags, text: in.text})
	}
	return nil
}

// agree notes that an item which we stored is there.
func (w *world) agree(c *copyHere, t *thingThere, b agreedOn) {
	b.id, b.tag = t.id, t.tag
	if w.untagged || t.text != b.text {
		b.tag = 0
	}
	r := showing(t)
	if b.folder = w.where[t.place]; c.base != nil { // the answer says nothing of its place
		b.folder = c.base.folder
		if c.remote != nil {
			r.place = c.remote.place
		}
	}
	c.base, c.remote = &b, r
	t.unanswered = false
	w.changes++
}

func (w *world) remove(id, tag int) {
	if t := w.at(id); t != nil && (tag == 0 || t.tag == tag) {
		w.writes++
		w.there = slices.DeleteFunc(w.there, func(u *thingThere) bool { return u == t })
	}
}

// carryOut does what is planned for one item, each step under the precondition of the plan.
func (w *world) carryOut(c *copyHere) error {
	p := PlanItem(w.triple(c))
	w.count.verb[p.Verb]++
	if p.Verb != Nothing {
		w.say("item %d: base %v local %v remote %v plan %+v", c.name, c.base, c.local, c.remote, p)
	}
	switch p.Verb {
	case Nothing:
		if c.local == nil && c.base == nil {
			w.drop(c)
		}
		return nil
	case Forget, RemoveHere:
		w.changes++
		w.drop(c)
		return nil
	case Revive:
		w.changes++
		w.touched, c.base = true, nil
		return nil
	case Create:
		return w.store(c, nil)
	case RemoveThere:
		w.touched = true
		id, tag := c.remote.id, c.base.tag
		return w.call(func() { w.remove(id, tag) })
	case Download, Restore, Agree:
		return w.read(c, p, c.local)
	}
	w.count.content[p.Content]++
	w.count.folder[p.Folder]++
	return w.update(c, p)
}

// update does the steps of a plan for an item that both sides have.
func (w *world) update(c *copyHere, p Plan) error {
	r := c.remote
	before, beforeBase := *c.local, *c.base
	c.local.flags = p.Flags.System
	if p.Folder == Take {
		c.local.place = r.place
	}
	c.base.flags, c.base.id, c.base.folder = r.flags, r.id, w.where[r.place]
	if *c.local != before || *c.base != beforeBase {
		w.changes++
	}
	planned := *c.local
	if p.Flags.System != r.flags {
		w.touched = true
		add, drop := p.Flags.System&^r.flags, r.flags&^p.Flags.System
		found := false
		err := w.call(func() {
			if t := w.at(r.id); t != nil {
				w.writes++
				t.flags, found = t.flags&^drop|add, true
			}
		})
		if err != nil {
			w.blurred[c.name] = true // when it is taken back here before it is seen there, nobody can tell who did that
			return err
		}
		if !found {
			return nil
		}
		c.base.flags, r.flags = p.Flags.System, p.Flags.System
		w.changes++
	}
	switch p.Content {
	case Take, Clash:
		if err := w.read(c, p, &planned); err != nil {
			return err
		}
	case Push:
		if c.local == nil || *c.local != planned {
			w.touched = true
			return nil
		}
		if err := w.store(c, c.base); err != nil {
			return err
		}
	}
	if p.Folder == Push && c.base != nil && c.intent == nil {
		w.touched = true
		from, to := c.base.id, planned.place
		err := w.call(func() {
			if t := w.at(from); t != nil {
				w.writes++
				t.place, t.unanswered = to, true
				if w.kind != ofObjects {
					t.id = w.newID()
				}
			}
		})
		if err != nil {
			w.filed[c.name] = true
			return err
		}
		if t := w.at(from); t == nil && w.kind != ofObjects {
			for _, u := range w.there {
				if u.name == c.name && u.place == to { // the answer names the new id
					c.base.id, c.base.folder = u.id, w.where[to]
					c.remote = &shownThere{u.id, c.base.tag, to, c.base.flags}
					w.changes++
				}
			}
		} else if t != nil && t.place == to {
			c.base.folder, c.remote.place = w.where[to], to
			w.changes++
		}
	}
	return nil
}

// read takes over what the server has, merges it with what was changed here, or keeps ours in Conflicts.
func (w *world) read(c *copyHere, p Plan, planned *wording) error {
	var got *thingThere
	id := c.remote.id
	var was wording
	if planned != nil {
		was = *planned
	}
	err := w.call(func() {
		if t := w.at(id); t != nil {
			u := *t
			got = &u
		}
	})
	if err != nil {
		return err
	}
	if w.touched = true; got == nil || !slices.Contains(w.here, c) || (c.local == nil) != (planned == nil) || c.local != nil && *c.local != was {
		return nil // gone, or changed here meanwhile: planned again
	}
	place := c.remote.place
	base := agreedOn{got.id, got.tag, w.where[place], c.remote.flags, got.text}
	next := wording{got.text, place, c.remote.flags}
	switch {
	case c.local == nil && c.base != nil && c.base.text == got.text && c.base.folder == base.folder:
		// Only the tag is new: deleted next.
		c.base, c.remote = &base, &shownThere{got.id, got.tag, place, base.flags}
		w.changes++
		return nil
	case c.local != nil:
		next.place, next.flags = c.local.place, c.local.flags
		l := c.local.text
		switch {
		case l == got.text:
		case c.base != nil && c.base.text == got.text:
			next.text = l
		case p.Content == Clash || p.Verb == Agree:
			merged, ok := got.text, c.base != nil
			for i := range merged {
				switch {
				case ok && l[i] == c.base.text[i], l[i] == got.text[i]:
				case ok && got.text[i] == c.base.text[i]:
					merged[i] = l[i]
				default:
					ok = false
				}
			}
			if ok {
				next.text = merged
				break
			}
			w.conflicts = append(w.conflicts, *c.local)
			w.count.conflicts++
			w.say("item %d: %v goes to Conflicts", c.name, *c.local)
		}
	}
	c.local, c.base, c.remote = &next, &base, &shownThere{got.id, got.tag, place, base.flags}
	w.changes++
	return nil
}

// store creates an item there, or gives the one that is there new content, after noting that.
func (w *world) store(c *copyHere, over *agreedOn) error {
	w.touched = true
	in := &intention{*c.local, w.lastID + 1}
	c.intent = in
	var made *thingThere
	err := w.call(func() {
		switch {
		case over == nil:
			made = &thingThere{name: c.name, id: w.newID(), tag: w.newTag(), wording: in.wording}
			w.there = append(w.there, made)
		case w.at(over.id) == nil:
			return
		case w.kind == ofMailbox:
			w.blurred[c.name] = true
			old := w.at(over.id)
			made = &thingThere{name: c.name, id: w.newID(), wording: wording{in.text, old.place, in.flags}}
			w.there = append(w.there, made)
			if !w.quiet && w.r.IntN(20) == 0 {
				made.unanswered, old.unanswered = true, true
				return // and the old one is still there
			}
			w.remove(over.id, 0)
		case over.tag == 0 || w.at(over.id).tag == over.tag: // If-Match
			made = w.at(over.id)
			made.text, made.tag = in.text, w.newTag()
		default:
			return
		}
		w.writes++
		made.unanswered = true
	})
	if err != nil {
		return err
	}
	if made == nil {
		c.intent = nil // it changed meanwhile: seen by the next look
		return nil
	}
	if w.kind == ofMailbox && over != nil && w.at(over.id) != nil {
		return errCut // between the two halves
	}
	c.intent = nil
	if w.at(made.id) != made {
		return nil
	}
	flags := in.flags
	if over != nil && w.kind != ofMailbox {
		flags = over.flags
	}
	w.agree(c, made, agreedOn{flags: flags, text: in.text})
	return nil
}
