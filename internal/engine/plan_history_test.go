package engine

import (
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

// wording is an item as one side has it.
type wording struct {
	text  [2]value
	place value
	flags groupware.System
}

// thingThere is an item at the server.
type thingThere struct {
	name int // of the item, on both sides, whatever its id
	id   int // at the server
	tag  int
	wording
	unanswered bool // we changed it and do not know yet
}

// copyHere is an item at the desk, with the states that are planned from.
type copyHere struct {
	name   int
	local  *wording // nil: deleted here
	base   *agreedOn
	remote *shownThere // nil: not there
	intent *intention
	seen   bool
}

type agreedOn struct {
	id, tag int
	folder  groupware.FolderID
	flags   groupware.System
	text    [2]value
}

// shownThere is an item as the server last showed it.
type shownThere struct {
	id, tag int
	place   value
	flags   groupware.System
}

// intention is what was about to be stored.
type intention struct {
	wording
	mark int // ids from here on are new
}

// The kinds of server.
const (
	ofMailbox = iota // ids change with the place, contents never: another one is another message
	ofObjects        // ids stay for ever, contents have tags
	ofHrefs          // ids change with the place, which nobody else changes; contents have tags
	kindsOfWorld
)

// world is one history.
type world struct {
	r         *rand.Rand
	kind      int
	untagged  bool // writes are not answered with the new tag
	quiet     bool // nothing happens any more, and no answer is lost
	there     []*thingThere
	here      []*copyHere
	conflicts []wording
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
	deleted map[int][]wording    // of an item: what those who deleted it had seen
	flagged map[int]*[2]flagging // by whom, last
	blurred map[int]bool         // nobody can tell who set its flags
	filed   map[int]bool         // we moved it there without an answer: if it is deleted here then, it seems that another client filed it elsewhere, and it comes back
}

type flagging struct{ touched, last groupware.System }

const placesInWorld = 3

func newWorld(n uint64, count *planCount) *world {
	r := rand.New(rand.NewPCG(n, 3))
	w := &world{r: r, kind: r.IntN(kindsOfWorld), untagged: r.IntN(4) == 0, count: count, parent: []value{0}, where: []groupware.FolderID{0}, owed: []bool{false},
		deleted: map[int][]wording{}, flagged: map[int]*[2]flagging{}, blurred: map[int]bool{}, filed: map[int]bool{}}
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

func (w *world) folder() groupware.FolderID { return groupware.FolderID(1 + w.r.IntN(placesInWorld)) }

func (w *world) fresh() wording {
	return wording{[2]value{w.write(0, 0), w.write(0, 0)}, w.write(0, w.folder()), groupware.System(w.r.IntN(4))}
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
		if c.local = nil; c.base == nil && c.intent == nil {
			w.drop(c)
		}
	}
	w.say("here: now %d is %v", c.name, c.local)
}

func (w *world) createThere() {
	w.names++
	w.there = append(w.there, &thingThere{name: w.names, id: w.newID(), tag: w.newTag(), wording: w.fresh()})
	w.say("there: create %d %v", w.names, w.there[len(w.there)-1].wording)
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
	if w.kind == ofMailbox && w.r.IntN(20) == 0 { // UIDVALIDITY
		for _, u := range w.there {
			if w.where[u.place] == w.where[t.place] && !u.unanswered {
				u.id = w.newID()
			}
		}
		w.say("there: folder %d is renumbered", w.where[t.place])
		return
	}
	was := t.wording
	// What we did there without an answer, and another client undid before we asked, cannot be told from what never arrived.
	v := t.wording
	deleted := w.change(t.name, &v, 1, w.kind == ofHrefs, t.unanswered)
	switch {
	case deleted:
		w.there = slices.DeleteFunc(w.there, func(u *thingThere) bool { return u == t })
	case v.text != was.text && w.kind == ofMailbox:
		// Another client replaces a message: that is another message.
		w.deleted[t.name] = append(w.deleted[t.name], was)
		w.there = slices.DeleteFunc(w.there, func(u *thingThere) bool { return u == t })
		w.owed[v.text[0]], w.owed[v.text[1]] = true, true
		w.names++
		w.there = append(w.there, &thingThere{name: w.names, id: w.newID(), wording: wording{v.text, w.write(0, w.where[v.place]), v.flags}})
	default:
		t.wording = v
		if v.text != was.text {
			t.tag = w.newTag()
		}
		if v.place != was.place && w.kind == ofMailbox {
			t.id = w.newID()
		}
	}
	w.say("there: %d was %v, now %v, deleted %v", t.name, was, v, deleted)
}

// change does something to an item on one side; true means that it is deleted.
func (w *world) change(name int, v *wording, side int, stays, onlyFlags bool) (deleted bool) {
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

func (w *world) changeMore(what, name int, v *wording, stays bool) (deleted bool) {
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
	if w.kind == ofMailbox {
		return 0
	}
	w.lastTag++
	return w.lastTag
}

func (w *world) drop(c *copyHere) {
	w.here = slices.DeleteFunc(w.here, func(d *copyHere) bool { return d == c })
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
	here := map[int]*wording{}
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
			return fmt.Errorf("item %d is %v here and %v there", t.name, *l, t.wording)
		}
		found[t.text[0]], found[t.text[1]] = true, true
		for _, d := range w.deleted[t.name] {
			if !w.filed[t.name] && w.known(t.text[0], d.text[0]) && w.known(t.text[1], d.text[1]) && w.known(t.place, d.place) {
				return fmt.Errorf("item %d is back: %v, and somebody who had seen %v deleted it", t.name, t.wording, d)
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
