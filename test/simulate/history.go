package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"outpost/internal/engine"
	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
	"outpost/internal/store/simdisk"
)

const address = "anna@example.org"

// history is one mailbox and one server to which random things happen, all of them chosen by one seed.
type history struct {
	w      *world
	seed   uint64
	lives  uint64 // how often the program was started
	r      *rand.Rand
	ctx    context.Context
	server *fake.Server
	plays  fake.Features
	m      *store.Mailbox
	e      *engine.Engine

	trace  []string
	faults map[string]int
	wrong  []string // what must not be
	serial int

	// What is to happen in the pass under way.
	restless bool   // deeds on both sides
	dieAt    int    // the process dies at this call from now
	cancelAt int    // somebody loses patience
	cancel   func() // ends the pass
	ordered  bool   // an order to the disk outlasts the pass
	lose     bool   // and when the process dies by it, the power goes

	expected
	backup *backup
	large  bool    // Projects holds more than may be deleted without a word
	hidden string  // folder that looks empty
	outbox []place // of a scenario
}

// backup is a copy of the disk and what a person had written by then.
type backup struct {
	image   simdisk.Image
	written map[string]bool
	sent    map[string]bool   // texts of what waited in the Outbox
	waits   map[string]string // texts of the mail that waited to be stored, and the folder of the server where
}

// outcome is what came of a history.
type outcome struct {
	seed   uint64
	trace  []string
	calm   int // how many lines of the trace were before the checks
	wrong  []string
	faults map[string]int
}

// run runs the history of a seed, and checks it.
func (w *world) run(ctx context.Context, seed uint64, check bool) outcome {
	h := &history{w: w, seed: seed, ctx: ctx, r: rand.New(rand.NewPCG(seed, 1)), faults: map[string]int{}, expected: newExpected()}
	h.cancel = func() {}
	calm := 0
	if h.must(w.begin(rand.New(rand.NewPCG(seed, 2)))) {
		h.live(seed)
		calm = len(h.trace)
		if check && h.m != nil && len(h.wrong) == 0 {
			h.check(seed)
		}
	}
	h.end()
	if h.server != nil {
		for kind, n := range h.server.Faults().Counts() {
			h.faults["server: "+kind] += n
		}
	}
	return outcome{seed, h.trace, calm, h.wrong, h.faults}
}

// end throws away what is open.
func (h *history) end() {
	if h.m != nil {
		h.w.disk.Kill() // nothing more is wanted of it
		h.m.Close()
	}
	h.must(h.w.disk.Revive(false))
}

// features choose the server of a history.
func (h *history) features() fake.Features {
	rare := func() bool { return h.r.IntN(4) == 0 }
	return fake.Features{NoDelta: rare(), NoVanished: rare(), NoState: rare(), NoNewIDs: rare(), PathIDs: rare(), NoETag: rare(), Rewrites: rare(),
		UniqueUIDs: rare(), NoKeywords: rare(), AnyOrder: rare(), Schedules: rare()}
}

func (h *history) live(seed uint64) {
	h.plays = h.features()
	h.tell("server %+v", h.plays)
	h.server = fake.NewServer(fake.Options{Rand: h.r, Clock: func() time.Time { return h.w.now }, Stalled: func() { h.cancel() }, Features: h.plays})
	h.server.AddFolder(remote.NewFolder{Name: "Projects", Kind: groupware.FolderMail})
	for range 4 {
		h.deliver("Inbox")
	}
	h.putThere("Calendar")
	h.putThere("Contacts")
	if h.large = seed%8 == 0; h.large {
		for range 30 {
			h.deliver("Projects")
		}
	}
	if !h.open() {
		return
	}
	if h.r.IntN(3) > 0 { // else the first sync is the first to go wrong
		h.pass("first")
	}
	h.server.Faults().Random(seed, 0.04, everyFault()...)
	for range 30 {
		if h.step(); h.m == nil {
			return
		}
	}
	h.calm()
}

// everyFault lists what the network and the server do; each is as likely.
func everyFault() []fake.Fault {
	return append(fake.EveryFault(),
		fake.Fault{Stall: true, At: fake.Before}, fake.Fault{Call: "Changes", Stall: true, At: fake.Middle}, fake.Fault{Call: "Create", Stall: true, At: fake.After},
		fake.Fault{Call: "Send", Stall: true, At: fake.After}, fake.Fault{Call: "Move", Stall: true, At: fake.Middle}, fake.Fault{Call: "Send", Cut: true, At: fake.After},
		fake.Fault{Call: "Send", Cut: true, At: fake.Middle}, fake.Fault{Call: "Send", Kind: remote.Other, At: fake.OneItem},
		fake.Fault{Kind: remote.Auth, At: fake.Before}, fake.Fault{Kind: remote.Other, At: fake.After}, fake.Fault{Kind: remote.Exists, At: fake.OneItem},
		fake.Fault{Call: "Create", Kind: remote.OverQuota, At: fake.Before}, fake.Fault{Call: "Create", Kind: remote.Forbidden, At: fake.Before},
		fake.Fault{Call: "SetFlags", Kind: remote.Forbidden, At: fake.Before}, fake.Fault{Call: "Move", Kind: remote.Forbidden, At: fake.Before},
		fake.Fault{Call: "Replace", Kind: remote.Precondition, At: fake.Before}, fake.Fault{Kind: remote.NotFound, At: fake.OneItem},
	)
}

// step is the next thing that happens.
func (h *history) step() {
	h.w.now = h.w.now.Add(time.Duration(h.r.IntN(100)) * time.Second)
	switch n := h.r.IntN(100); {
	case n < 40:
		h.deed()
	case n < 62:
		h.there()
	case n < 72:
		h.pass("")
	case n < 79:
		h.restless = true
		h.pass("restless")
		h.restless = false
	case n < 84:
		h.dieAt = 1 + h.r.IntN(40)
		h.pass("to die in a call")
		h.dieAt = 0
	case n < 88:
		h.w.disk.Order(simdisk.Order{Nth: 1 + h.r.IntN(150), Do: simdisk.Dies})
		h.pass("to die at the disk")
	case n < 91:
		for range 1 + h.r.IntN(3) {
			h.w.disk.Order(simdisk.Order{Nth: 1 + h.r.IntN(80), Do: []simdisk.Trouble{simdisk.Fails, simdisk.Full}[h.r.IntN(2)]})
		}
		h.pass("on a bad disk")
	case n < 92:
		h.cancelAt = 1 + h.r.IntN(40)
		h.pass("to be ended")
		h.cancelAt = 0
	case n < 93:
		h.count("disk full")
		h.w.disk.SetFree(int64(h.r.IntN(40)) << 10)
		h.pass("on a full disk")
		h.w.disk.SetFree(-1)
	case n < 94:
		d := time.Duration(h.r.IntN(200)-100) * time.Hour
		h.count("clock jump")
		h.tell("the clock jumps %v", d)
		h.w.now = h.w.now.Add(d)
	case n < 95:
		h.tell("the network is away")
		h.count("network away")
		h.server.SetOffline(true)
		h.pass("")
		h.server.SetOffline(false)
	case n < 97:
		h.saveBackup()
	case n < 98:
		if h.backup != nil {
			h.putBack()
		}
	case h.large:
		h.vanish()
	}
}

func (h *history) tell(format string, args ...any) {
	h.trace = append(h.trace, fmt.Sprintf(format, args...))
}

func (h *history) count(fault string) { h.faults[fault]++ }

// violated notes what must not be.
func (h *history) violated(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	h.wrong = append(h.wrong, s)
	h.tell("WRONG: %s", s)
}

// must notes an error that has no excuse, and reports whether there was none.
func (h *history) must(err error) bool {
	if err != nil {
		h.violated("%v", err)
	}
	return err == nil
}

// open starts the program on what the disk holds.
func (h *history) open() bool {
	m, err := h.w.profile.OpenMailbox(h.ctx, h.w.guid)
	if h.m = m; !h.must(err) {
		h.m = nil
		return false
	}
	h.lives++
	h.e = engine.New(h.m, network{h}, engine.Options{Clock: func() time.Time { return h.w.now }, Rand: rand.New(rand.NewPCG(h.seed, h.lives)), Address: address})
	return true
}

// pass runs one pass and says how it ended.
func (h *history) pass(how string) {
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	h.cancel = cancel
	h.tell("pass %s at %s", how, h.w.now.Format(time.DateTime))
	result, err := h.e.Pass(ctx, engine.PassOptions{})
	h.cancel = func() {}
	if !h.ordered {
		h.w.disk.Withdraw()
	}
	if h.w.disk.Dead() {
		h.restart() // what a dead process believes counts for nothing
		return
	}
	h.tell("did %+v: %v", result, err)
	h.excused(err)
}

// excused notes an error of a pass that neither the server, nor the network, nor the disk, nor whoever ended it can be blamed for.
func (h *history) excused(err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			h.excused(e)
		}
		return
	}
	_, server := errors.AsType[*remote.Error](err)
	_, full := errors.AsType[*store.DiskFullError](err)
	if !server && !full && !errors.Is(err, context.Canceled) && !strings.Contains(err.Error(), "disk I/O error") {
		h.violated("a pass failed: %v", err)
	}
}

// restart ends the program if it has not died, and starts it again.
func (h *history) restart() {
	power := false
	if h.w.disk.Dead() {
		power = h.lose
		if !h.ordered {
			power = h.r.IntN(2) == 0
		}
		if !power && !h.ordered && h.r.IntN(2) == 0 {
			h.count("disk away")
			h.tell("the disk is back")
			h.w.disk.Resume()
			return
		}
		if power {
			clear(h.gone) // what both sides had agreed on may not be known any more
			h.count("power lost")
		} else {
			h.count("process died")
		}
		h.m.Close() // whatever it says
		if !h.must(h.w.disk.Revive(power)) {
			h.m = nil
			return
		}
	} else if err := h.m.Close(); !h.must(err) {
		h.m = nil
		return
	}
	h.tell("restart, power lost %v", power)
	h.open()
}

// hook is called before and after every call of a pass. While contents are read a goroutine of the engine looks at the clock: it stands still.
func (h *history) hook(call string, before bool) {
	if h.dieAt > 0 {
		if h.dieAt--; h.dieAt == 0 {
			h.tell("  the process dies")
			h.w.disk.Kill()
			return
		}
	}
	if h.cancelAt > 0 && (before || call != "Fetch") {
		if h.cancelAt--; h.cancelAt == 0 {
			h.count("pass ended")
			h.tell("  the pass is ended")
			h.cancel()
		}
	}
	if h.restless {
		switch h.r.IntN(24) {
		case 0:
			h.deed()
		case 1:
			h.there()
		}
	}
}

// saveBackup copies the disk.
func (h *history) saveBackup() {
	b := &backup{written: copyOf(h.written), sent: map[string]bool{}, waits: map[string]string{}}
	h.view(func(tx *store.Tx) error {
		subs, err := tx.Submissions()
		for _, q := range subs {
			raw, e := tx.Raw(q.Item)
			err = errors.Join(err, e)
			for _, s := range plainTexts(raw) {
				b.sent[s] = true
			}
		}
		fs, e := tx.Folders()
		err = errors.Join(err, e)
		for _, f := range fs {
			ts, e := tx.Pending(f.ID, 0, 1000)
			err = errors.Join(err, e)
			for _, t := range ts {
				if raw, e := tx.Raw(t.Item); e == nil && t.Base == nil && f.Kind == groupware.FolderMail && !f.Role.Local() {
					for _, s := range texts(raw) {
						b.waits[s] = f.RemoteID
					}
				}
			}
		}
		return err
	})
	b.image = h.w.disk.Copy()
	h.tell("a backup is made")
	h.backup = b
}

// putBack replaces the mailbox by its backup. What a person did here since is lost, except what the server has.
func (h *history) putBack() {
	// What left after the copy was taken may leave again: the engine looks for it in the server's Sent, and when it cannot look it sends.
	for _, m := range h.server.Sent() {
		for _, s := range plainTexts(m.Raw) {
			h.resent[s] = h.resent[s] || h.backup.sent[s]
		}
	}
	h.tell("the backup is put back")
	h.count("backup put back")
	h.w.disk.Kill()
	h.m.Close()
	h.m = nil
	if !h.must(h.w.disk.Revive(false)) || !h.must(h.w.disk.Restore(h.backup.image)) {
		return
	}
	there := map[string]bool{}
	for _, it := range h.server.Snapshot() {
		for _, s := range texts(it.Raw) {
			there[s] = true
			// What was stored after the copy was taken, and filed elsewhere since, is looked for where it waits only.
			in, waits := h.backup.waits[s]
			h.filed[s] = h.filed[s] || waits && in != it.Folder
		}
	}
	for s := range h.written {
		if !there[s] && !h.backup.written[s] {
			delete(h.written, s)
		}
	}
	for s := range h.queued {
		h.queued[s] = false // it was not in the backup
	}
	clear(h.gone)
	clear(h.removed)
	h.forgetInvitations()
	h.backup = nil
	h.open()
}

// vanish makes a large folder look empty for some passes: nothing of it may go here.
func (h *history) vanish() {
	id := h.server.FolderID("Projects")
	count := func() (n int) {
		h.view(func(tx *store.Tx) error {
			s, err := h.look(tx)
			for _, p := range s.at("Projects") {
				all, e := h.items(tx, p.ID)
				n, err = len(all), errors.Join(err, e)
			}
			return err
		})
		return n
	}
	was := count()
	if was < 25 || len(h.inFolder(id)) < 25 {
		return
	}
	h.count("folder looks empty")
	h.tell("Projects looks empty at the server")
	h.hidden = id
	h.server.Hide(id, true)
	h.pass("")
	if h.m != nil {
		h.pass("")
	}
	if h.m != nil {
		if n := count(); n < was {
			h.violated("%d of %d messages went here because the server showed none", was-n, was)
		}
	}
	h.tell("Projects is there again")
	h.server.Hide(id, false)
	h.hidden = ""
}

// confirm agrees to the deletions that a person is asked about.
func (h *history) confirm() {
	h.do(func(tx *store.Tx) error {
		holds, err := tx.Holds()
		for _, hold := range holds {
			h.tell("here: confirm the deletion of %d items in folder %d", hold.Items, hold.Folder)
			_, e := tx.ConfirmHold(hold.Folder)
			err = errors.Join(err, e)
		}
		return err
	})
}

// calm lets everything settle: no more faults, and passes until nothing is left to do.
func (h *history) calm() {
	h.tell("all is calm")
	h.server.Faults().Stop()
	for n := range 8 {
		h.w.now = h.w.now.Add(2 * time.Hour)
		h.tell("pass in peace")
		result, err := h.e.Pass(h.ctx, engine.PassOptions{})
		h.tell("did %+v: %v", result, err)
		if n > 0 && !h.must(err) {
			return
		}
		result.BytesIn, result.BytesOut = 0, 0
		if n > 0 && result == (engine.Result{}) {
			return
		}
		if result.Held > 0 {
			h.confirm()
		}
	}
	h.violated("after 8 passes in peace there is still something to do")
}
