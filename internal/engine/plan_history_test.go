package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"outpost/internal/groupware"
)

// Histories of the planner alone, in memory: a server, a desk and two people who write, move, flag and delete on both sides in any order, while
// plans are carried out under their preconditions with answers lost and only a part of the server seen. After quiet: the desk and the server hold
// the same and a further pass does nothing (it terminates, converges, is idempotent); whatever somebody wrote and nobody who had seen it replaced
// or deleted is there or in Conflicts (nothing lost); what somebody deleted is there only if it carries a change that the one who deleted it had
// not seen (nothing resurrected); nothing is there twice. One number replays one history: OUTPOST_HISTORIES=n runs the first n, OUTPOST_HISTORIES=n-m
// those, and one alone is told step by step.
func TestHistoriesOfThePlanner(t *testing.T) {
	first, last := uint64(1), uint64(50_000)
	if testing.Short() {
		last = 5_000
	}
	if from, to, both := strings.Cut(os.Getenv("OUTPOST_HISTORIES"), "-"); from != "" {
		n, err := strconv.ParseUint(from, 10, 64)
		if both && err == nil {
			first = n
			n, err = strconv.ParseUint(to, 10, 64)
		}
		if err != nil {
			t.Fatal(err)
		}
		last = n
	}
	var next, bad atomic.Uint64
	next.Store(first)
	var all sync.Mutex
	var planned planCount
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var mine planCount
			for n := next.Add(1) - 1; n <= last && bad.Load() < 10; n = next.Add(1) - 1 {
				w := newWorld(n, &mine)
				if first == last {
					w.tell = t.Logf
				}
				if err := w.run(); err != nil {
					bad.Add(1)
					t.Errorf("history %d: %v", n, err)
				}
			}
			all.Lock()
			defer all.Unlock()
			planned.add(mine)
		})
	}
	wg.Wait()
	t.Logf("%d histories; plans by verb %d, by content %d, by folder %d; %d answers lost, %d conflicts", last-first+1, planned.verb, planned.content, planned.folder, planned.lost, planned.conflicts)
	for v, n := range planned.verb {
		if n == 0 && last-first > 1000 && Verb(v) != Agree { // which no history leads to: the items of both sides know each other by id
			t.Errorf("no history planned verb %d", v)
		}
	}
}

// planCount says what a run has met.
type planCount struct {
	verb            [Update + 1]int
	content, folder [Clash + 1]int
	lost, conflicts int
}

func (c *planCount) add(d planCount) {
	for i, n := range d.verb {
		c.verb[i] += n
	}
	for i, n := range d.content {
		c.content[i] += n
		c.folder[i] += d.folder[i]
	}
	c.lost += d.lost
	c.conflicts += d.conflicts
}

// value is what somebody once wrote into one register of an item (one of two properties, or its place). It is never written again.
type value int32

// version is an item as one side has it.
type version struct {
	text  [2]value
	place value
	flags groupware.System
}

// thing is an item at the server.
type thing struct {
	name int // of the item, on both sides, whatever its id
	id   int // at the server
	tag  int
	version
	unanswered bool // we changed it and do not know yet
}

// copyHere is an item at the desk, with the states that are planned from.
type copyHere struct {
	name   int
	local  *version // nil: deleted here
	base   *agreedOn
	remote *shown // nil: not there
	intent *intention
	seen   bool
}

type agreedOn struct {
	id, tag int
	folder  groupware.FolderID
	flags   groupware.System
	text    [2]value
}

// shown is an item as the server last showed it.
type shown struct {
	id, tag int
	place   value
	flags   groupware.System
}

// intention is what was about to be stored.
type intention struct {
	version
	mark int // ids from here on are new
}

// The kinds of server.
const (
	mailbox  = iota // ids change with the place, contents never: another one is another message
	objects         // ids stay for ever, contents have tags
	hrefs           // ids change with the place, which nobody else changes; contents have tags
	manyKind        // how many
)

// world is one history.
type world struct {
	r         *rand.Rand
	kind      int
	untagged  bool // writes are not answered with the new tag
	quiet     bool // nothing happens any more, and no answer is lost
	there     []*thing
	here      []*copyHere
	conflicts []version
	lastID    int
	lastTag   int
	writes    int // at the server
	changes   int // at the desk, by the engine
	touched   bool
	count     *planCount
	tell      func(format string, args ...any)

	// What the world knows and nobody in it.
	parent  []value              // of a value: what its writer saw in its place
	where   []groupware.FolderID // of a place
	owed    []bool               // of a text: to be found in the end
	names   int
	deleted map[int][]version           // of an item: what those who deleted it had seen
	flagged map[int]*[2]flagging        // by whom, last
	blurred map[int]bool                // flags that another client set on the way are not what is looked at
	putting map[[2]value]map[value]bool // contents in Conflicts
}

type flagging struct{ touched, last groupware.System }

const folders = 3

func newWorld(n uint64, count *planCount) *world {
	r := rand.New(rand.NewPCG(n, 3))
	w := &world{r: r, kind: r.IntN(manyKind), untagged: r.IntN(4) == 0, count: count, parent: []value{0}, where: []groupware.FolderID{0}, owed: []bool{false},
		deleted: map[int][]version{}, flagged: map[int]*[2]flagging{}, blurred: map[int]bool{}}
	return w
}

func (w *world) run() error {
	for range 3 {
		w.createThere()
	}
	for range 10 + w.r.IntN(30) {
		if w.r.IntN(4) == 0 {
			w.say("pass")
			w.pass()
		} else {
			w.deed()
		}
	}
	w.quiet = true
	w.say("quiet")
	for range 3 {
		if err := w.pass(); err != nil {
			return err
		}
	}
	writes, changes := w.writes, w.changes
	if err := w.pass(); err != nil || w.writes != writes || w.changes != changes || w.touched {
		return fmt.Errorf("a pass with nothing to do wrote %d times there and %d times here, error %v", w.writes-writes, w.changes-changes, err)
	}
	return w.check()
}

func (w *world) say(format string, args ...any) {
	if w.tell != nil {
		w.tell(format, args...)
	}
}

// write notes a new value over one that its writer saw.
func (w *world) write(over value, where groupware.FolderID) value {
	w.parent, w.where, w.owed = append(w.parent, over), append(w.where, where), append(w.owed, where == 0)
	if where == 0 {
		w.owed[over] = false
	}
	return value(len(w.parent) - 1)
}

func (w *world) folder() groupware.FolderID { return groupware.FolderID(1 + w.r.IntN(folders)) }

func (w *world) fresh() version {
	return version{[2]value{w.write(0, 0), w.write(0, 0)}, w.write(0, w.folder()), groupware.System(w.r.IntN(4))}
}

// deed is something that a person does on one of the sides.
func (w *world) deed() {
	if w.r.IntN(2) == 0 {
		w.deedHere()
	} else {
		w.deedThere()
	}
}

func (w *world) deedHere() {
	if w.r.IntN(6) == 0 && len(w.here) < 8 {
		w.names++
		v := w.fresh()
		w.here = append(w.here, &copyHere{name: w.names, local: &v})
		w.say("here: create %d %v", w.names, v)
		return
	}
	if len(w.here) == 0 {
		return
	}
	c := w.here[w.r.IntN(len(w.here))]
	if c.local == nil {
		return
	}
	if w.change(c.name, c.local, 0, false, false) {
		if slices.ContainsFunc(w.there, func(t *thing) bool { return t.name == c.name && t.unanswered }) {
			// We filed it elsewhere there without an answer: then it looks as if another client had done that, and comes back once.
			delete(w.deleted, c.name)
			w.blurred[c.name] = true
		}
		if c.local = nil; c.base == nil && c.intent == nil {
			w.drop(c)
		}
	}
	w.say("here: now %d is %v", c.name, c.local)
}

func (w *world) createThere() {
	w.names++
	w.there = append(w.there, &thing{name: w.names, id: w.newID(), tag: w.newTag(), version: w.fresh()})
	w.say("there: create %d %v", w.names, w.there[len(w.there)-1].version)
}

func (w *world) deedThere() {
	if w.r.IntN(6) == 0 && len(w.there) < 8 {
		w.createThere()
		return
	}
	if len(w.there) == 0 {
		return
	}
	t := w.there[w.r.IntN(len(w.there))]
	if w.kind == mailbox && w.r.IntN(20) == 0 { // UIDVALIDITY
		for _, u := range w.there {
			if w.where[u.place] == w.where[t.place] && !u.unanswered {
				u.id = w.newID()
			}
		}
		w.say("there: folder %d is renumbered", w.where[t.place])
		return
	}
	was := t.version
	// What we did there without an answer, and another client undid before we asked, cannot be told from what never arrived.
	v := t.version
	deleted := w.change(t.name, &v, 1, w.kind == hrefs, t.unanswered)
	switch {
	case deleted:
		w.there = slices.DeleteFunc(w.there, func(u *thing) bool { return u == t })
	case v.text != was.text && w.kind == mailbox:
		// Another client replaces a message: that is another message.
		w.deleted[t.name] = append(w.deleted[t.name], was)
		w.there = slices.DeleteFunc(w.there, func(u *thing) bool { return u == t })
		w.owed[v.text[0]], w.owed[v.text[1]] = true, true
		w.names++
		w.there = append(w.there, &thing{name: w.names, id: w.newID(), version: version{v.text, w.write(0, w.where[v.place]), v.flags}})
	default:
		t.version = v
		if v.text != was.text {
			t.tag = w.newTag()
		}
		if v.place != was.place && w.kind == mailbox {
			t.id = w.newID()
		}
	}
	w.say("there: %d was %v, now %v, deleted %v", t.name, was, v, deleted)
}

// change does something to an item on one side; true means that it is deleted.
func (w *world) change(name int, v *version, side int, stays, onlyFlags bool) (deleted bool) {
	switch what := w.r.IntN(6); what {
	case 3, 4:
		bit := groupware.System(1) << w.r.IntN(2)
		v.flags ^= bit
		f := w.flagged[name]
		if f == nil {
			f = &[2]flagging{}
			w.flagged[name] = f
		}
		f[side].touched |= bit
		f[side].last = f[side].last&^bit | v.flags&bit
	default:
		if onlyFlags {
			return false
		}
		return w.changeMore(what, name, v, stays)
	}
	return false
}

func (w *world) changeMore(what, name int, v *version, stays bool) (deleted bool) {
	switch what {
	case 0, 1:
		i := w.r.IntN(2)
		v.text[i] = w.write(v.text[i], 0)
	case 2:
		if !stays {
			v.place = w.write(v.place, w.folder())
		}
	case 5:
		w.deleted[name] = append(w.deleted[name], *v)
		w.owed[v.text[0]], w.owed[v.text[1]] = false, false
		return true
	}
	return false
}

func (w *world) newID() int { w.lastID++; return w.lastID }
func (w *world) newTag() int {
	if w.kind == mailbox {
		return 0
	}
	w.lastTag++
	return w.lastTag
}

func (w *world) drop(c *copyHere) {
	w.here = slices.DeleteFunc(w.here, func(d *copyHere) bool { return d == c })
}

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

func (w *world) at(id int) *thing {
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

func showing(t *thing) *shown { return &shown{t.id, t.tag, t.place, t.flags} }

// resolve looks for what was sent and not answered.
func (w *world) resolve() error {
	for _, c := range slices.Clone(w.here) {
		in := c.intent
		if in == nil {
			continue
		}
		var t *thing
		err := w.call(func() {
			for _, u := range w.there {
				if c.base != nil && w.kind != mailbox && u.id == c.base.id && u.text == in.text ||
					(c.base == nil || w.kind == mailbox) && u.name == c.name && u.id >= in.mark {
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
			if w.kind == mailbox {
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
func (w *world) agree(c *copyHere, t *thing, b agreedOn) {
	b.id, b.tag, b.folder = t.id, t.tag, w.where[t.place]
	if w.untagged || t.text != b.text {
		b.tag = 0
	}
	c.base, c.remote = &b, showing(t)
	t.unanswered = false
	w.changes++
}

func (w *world) remove(id, tag int) {
	if t := w.at(id); t != nil && (tag == 0 || t.tag == tag) {
		w.writes++
		w.there = slices.DeleteFunc(w.there, func(u *thing) bool { return u == t })
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
				if w.kind != objects {
					t.id = w.newID()
				}
			}
		})
		if err != nil {
			return err
		}
		if t := w.at(from); t == nil && w.kind != objects {
			for _, u := range w.there {
				if u.name == c.name && u.place == to { // the answer names the new id
					c.base.id, c.base.folder = u.id, w.where[to]
					c.remote = &shown{u.id, c.base.tag, to, c.base.flags}
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
func (w *world) read(c *copyHere, p Plan, planned *version) error {
	var got *thing
	id := c.remote.id
	var was version
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
	next := version{got.text, place, c.remote.flags}
	switch {
	case c.local == nil && c.base != nil && c.base.text == got.text && c.base.folder == base.folder:
		// Only the tag is new: deleted next.
		c.base, c.remote = &base, &shown{got.id, got.tag, place, base.flags}
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
	c.local, c.base, c.remote = &next, &base, &shown{got.id, got.tag, place, base.flags}
	w.changes++
	return nil
}

// store creates an item there, or gives the one that is there new content, after noting that.
func (w *world) store(c *copyHere, over *agreedOn) error {
	w.touched = true
	in := &intention{*c.local, w.lastID + 1}
	c.intent = in
	var made *thing
	err := w.call(func() {
		switch {
		case over == nil:
			made = &thing{name: c.name, id: w.newID(), tag: w.newTag(), version: in.version}
			w.there = append(w.there, made)
		case w.at(over.id) == nil:
			return
		case w.kind == mailbox:
			w.blurred[c.name] = true
			old := w.at(over.id)
			made = &thing{name: c.name, id: w.newID(), version: version{in.text, old.place, in.flags}}
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
	if w.kind == mailbox && over != nil && w.at(over.id) != nil {
		return errCut // between the two halves
	}
	c.intent = nil
	if w.at(made.id) != made {
		return nil
	}
	flags := in.flags
	if over != nil && w.kind != mailbox {
		flags = over.flags
	}
	w.agree(c, made, agreedOn{flags: flags, text: in.text})
	return nil
}

// known tells whether a value is one of those that somebody had seen, or what one of those was written over.
func (w *world) known(v value, seen value) bool {
	for ; seen != 0; seen = w.parent[seen] {
		if seen == v {
			return true
		}
	}
	return v == 0
}

// check is what holds after every history.
func (w *world) check() error {
	found := make([]bool, len(w.owed))
	here := map[int]*version{}
	for _, c := range w.here {
		if c.local == nil || c.base == nil || c.remote == nil || c.intent != nil {
			return fmt.Errorf("item %d is not settled: base %v local %v remote %v", c.name, c.base, c.local, c.remote)
		}
		if here[c.name] != nil {
			return fmt.Errorf("item %d is here twice", c.name)
		}
		here[c.name] = c.local
	}
	if len(w.there) != len(w.here) {
		return fmt.Errorf("%d items here, %d there", len(w.here), len(w.there))
	}
	for _, t := range w.there {
		l := here[t.name]
		if delete(here, t.name); l == nil {
			return fmt.Errorf("item %d is there, and not here or there twice", t.name)
		}
		if l.text != t.text || l.flags != t.flags || w.where[l.place] != w.where[t.place] {
			return fmt.Errorf("item %d is %v here and %v there", t.name, *l, t.version)
		}
		found[t.text[0]], found[t.text[1]] = true, true
		for _, d := range w.deleted[t.name] {
			if w.known(t.text[0], d.text[0]) && w.known(t.text[1], d.text[1]) && w.known(t.place, d.place) {
				return fmt.Errorf("item %d is back: %v, and somebody who had seen %v deleted it", t.name, t.version, d)
			}
		}
		if f := w.flagged[t.name]; f != nil && len(w.deleted[t.name]) == 0 && !w.blurred[t.name] {
			for side := range f {
				mine := f[side].touched &^ f[1-side].touched // by nobody else
				if t.flags&mine != f[side].last&mine {
					return fmt.Errorf("item %d has flags %b, and %b of %b were set on side %d alone", t.name, t.flags, f[side].last, mine, side)
				}
			}
		}
	}
	kept := map[[3]value]bool{}
	for _, c := range w.conflicts {
		found[c.text[0]], found[c.text[1]] = true, true
		if k := [3]value{c.text[0], c.text[1]}; kept[k] {
			return fmt.Errorf("%v is in Conflicts twice", c)
		} else {
			kept[k] = true
		}
	}
	for v, owed := range w.owed {
		if owed && !found[v] {
			return fmt.Errorf("what was written as %d is lost", v)
		}
	}
	return nil
}
