package imapserver

import (
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"outpost/internal/demo/mailstore"
)

// selected is a session's view of its mailbox: what the client has been told.
type selected struct {
	b        *mailstore.Mailbox
	validity uint32
	readOnly bool
	uids     []uint32          // by sequence number
	seen     uint64            // changes up to this mod-sequence are told
	expunged uint64            // expunges up to this one are told
	saved    []uint32          // by SEARCH RETURN (SAVE)
	told     map[uint32]uint64 // by UID: mod-sequences that this command has told itself
}

func (v *selected) lastUID() uint32 {
	if len(v.uids) == 0 {
		return 0
	}
	return v.uids[len(v.uids)-1]
}

// seq returns the sequence number of a UID, 0 when the client does not know it.
func (v *selected) seq(uid uint32) uint32 {
	if i, ok := slices.BinarySearch(v.uids, uid); ok {
		return uint32(i + 1)
	}
	return 0
}

// selectBox is SELECT and EXAMINE with RFC 7162's parameters.
func (x *session) selectBox(c *command, readOnly bool) (string, error) {
	if x.box != nil && x.qresync {
		x.printf("* OK [CLOSED] the earlier mailbox is closed\r\n")
	}
	x.box = nil
	name, err := x.mailbox(c)
	if err != nil {
		return "", err
	}
	var resync *resync
	if c.take(' ') {
		err := c.list(func() error {
			switch w, err := c.word(); {
			case err != nil:
				return err
			case w == "CONDSTORE" && x.can(w):
				x.condAll = true
				return nil
			case w == "QRESYNC" && x.qresync:
				resync, err = c.resync()
				return err
			default:
				return bad("SELECT %q: not known, or not enabled", w)
			}
		})
		if err != nil {
			return "", err
		}
	}
	if err := c.done(); err != nil {
		return "", err
	}
	b, err := x.user.Mailbox(name)
	if err != nil {
		return "", err
	}
	if err := need(b, "r"); err != nil {
		return "", err
	}
	rights := b.Rights()
	readOnly = readOnly || !strings.ContainsAny(rights, "iwtes") // RFC 4314 5.2
	st := b.State()
	v := &selected{b: b, validity: st.Validity, readOnly: readOnly}
	firstUnseen := 0
	for _, m := range b.Messages() {
		v.uids = append(v.uids, m.UID)
		v.seen = max(v.seen, m.ModSeq)
		if firstUnseen == 0 && !m.Has(`\Seen`) {
			firstUnseen = len(v.uids)
		}
	}
	v.expunged, v.seen = max(v.seen, st.ModSeq), max(v.seen, st.ModSeq)
	all := append([]string{`\Answered`, `\Flagged`, `\Deleted`, `\Seen`, `\Draft`}, st.Keywords...)
	kept := permitted(rights, append(slices.Clone(all), `\*`))
	if readOnly {
		kept = nil
	}
	x.printf("* FLAGS (%s)\r\n* OK [PERMANENTFLAGS (%s)] kept\r\n", strings.Join(all, " "), strings.Join(kept, " "))
	x.printf("* %d EXISTS\r\n", len(v.uids))
	if x.rev2 {
		x.printf("* LIST () \"/\" %s\r\n", x.name(st.Name))
	} else {
		x.printf("* 0 RECENT\r\n")
		if firstUnseen > 0 {
			x.printf("* OK [UNSEEN %d] the first unseen\r\n", firstUnseen)
		}
	}
	x.printf("* OK [UIDVALIDITY %d] valid\r\n* OK [UIDNEXT %d] the next\r\n", st.Validity, st.UIDNext)
	if x.can("CONDSTORE") {
		x.printf("* OK [HIGHESTMODSEQ %d] the highest\r\n", v.seen)
	}
	if x.can("OBJECTID") {
		x.printf("* OK [MAILBOXID (%s)] the same for ever\r\n", st.ID)
	}
	x.box = v
	if resync != nil && resync.validity == st.Validity {
		x.resynchronise(resync)
	}
	if readOnly {
		return "[READ-ONLY] selected", nil
	}
	return "[READ-WRITE] selected", nil
}

// resync is the QRESYNC parameter (RFC 7162 3.2.5).
type resync struct {
	validity uint32
	modSeq   uint64
	known    set
	// hint: at these sequence numbers the client knows these UIDs
	seqs, uids set
}

func (c *command) resync() (*resync, error) {
	r := &resync{}
	err := c.space()
	if err == nil {
		err = c.expect('(')
	}
	var n uint64
	if err == nil {
		n, err = c.number()
	}
	if err == nil {
		err = c.space()
	}
	if err == nil {
		r.validity = uint32(n)
		r.modSeq, err = c.number()
	}
	if err == nil && c.take(' ') && c.peek() != '(' {
		if r.known, err = c.set(); err == nil {
			c.take(' ')
		}
	}
	if err == nil && c.take('(') {
		if r.seqs, err = c.set(); err == nil {
			err = c.space()
		}
		if err == nil {
			r.uids, err = c.set()
		}
		if err == nil {
			err = c.expect(')')
		}
	}
	if err == nil {
		err = c.expect(')')
	}
	return r, err
}

// resynchronise tells what happened since the client was last here.
func (x *session) resynchronise(r *resync) {
	known := func(uid uint32) bool { return r.known == nil || r.known.has(uid, math.MaxUint32) }
	gone, _ := x.box.b.Expunged(r.modSeq)
	gone = slices.DeleteFunc(gone, func(u uint32) bool { return !known(u) || x.box.seq(u) != 0 })
	if len(gone) > 0 {
		x.printf("* VANISHED (EARLIER) %s\r\n", formatSet(gone))
	}
	changed, _ := x.box.b.ChangedSince(r.modSeq)
	for _, m := range changed {
		if n := x.box.seq(m.UID); n != 0 && known(m.UID) {
			x.writeFlags(n, &m)
		}
	}
}

// writeFlags is the FETCH that tells a message's flags.
func (x *session) writeFlags(seq uint32, m *mailstore.Message) {
	x.printf("* %d FETCH (UID %d FLAGS (%s)", seq, m.UID, strings.Join(m.Flags, " "))
	if x.condAll {
		x.printf(" MODSEQ (%d)", m.ModSeq)
	}
	x.printf(")\r\n")
}

// update tells what has changed in the selected mailbox meanwhile; expunges only where sequence numbers may change
// (RFC 9051 7.5.1). It passes err through and does nothing if there is one.
func (x *session) update(err error, expunges bool) error {
	v := x.box
	if err != nil || v == nil {
		return err
	}
	if expunges {
		x.tellExpunged()
	}
	changed, modSeq := v.b.ChangedSince(v.seen)
	exists := len(v.uids)
	var flags []mailstore.Message
	last := v.lastUID()
	for _, m := range changed {
		if m.UID > last {
			v.uids = append(v.uids, m.UID)
		} else if v.seq(m.UID) != 0 && v.told[m.UID] != m.ModSeq {
			flags = append(flags, m)
		}
	}
	if len(v.uids) != exists {
		x.printf("* %d EXISTS\r\n", len(v.uids))
		if !x.rev2 {
			x.printf("* 0 RECENT\r\n")
		}
	}
	for _, m := range flags {
		x.writeFlags(v.seq(m.UID), &m)
	}
	v.seen = modSeq
	return nil
}

func (x *session) tellExpunged() {
	v := x.box
	gone, modSeq := v.b.Expunged(v.expunged)
	gone = slices.DeleteFunc(gone, func(u uint32) bool { return v.seq(u) == 0 })
	if x.qresync && len(gone) > 0 {
		x.printf("* VANISHED %s\r\n", formatSet(gone))
	}
	for _, u := range slices.Backward(gone) { // from the end, so that the numbers before stay
		n := v.seq(u)
		v.uids = slices.Delete(v.uids, int(n-1), int(n))
		if !x.qresync {
			x.printf("* %d EXPUNGE\r\n", n)
		}
	}
	v.expunged = modSeq
}

// idle is RFC 2177.
func (x *session) idle(c *command) (string, error) {
	if err := c.done(); err != nil {
		return "", err
	}
	x.printf("+ idling\r\n")
	type lineOrError struct {
		line []byte
		err  error
	}
	got := make(chan lineOrError, 1)
	go func() {
		line, err := readLine(x.r, 1000)
		got <- lineOrError{line, err}
	}()
	for {
		changed := x.user.Changed()
		if x.box != nil && !x.box.b.Is(x.box.validity) {
			x.printf("* BYE the mailbox is no more what it was\r\n")
			return "", errBye
		}
		if err := x.tellNews(); err != nil {
			return "", err
		}
		x.update(nil, true)
		x.conn.SetWriteDeadline(time.Now().Add(time.Minute))
		if err := x.flush(); err != nil {
			return "", err
		}
		select {
		case l := <-got:
			if l.err != nil {
				return "", l.err
			}
			if !strings.EqualFold(string(l.line), "DONE") {
				return "", bad("DONE expected")
			}
			return "done", nil
		case <-changed:
		}
	}
}

// selectedCommand runs a command that needs a mailbox.
func (x *session) selectedCommand(name string, uid bool, tag string, c *command) (string, error) {
	v := x.box
	if v.readOnly && slices.Contains([]string{"STORE", "EXPUNGE", "MOVE"}, name) {
		return "", no("[READ-ONLY] opened with EXAMINE")
	}
	switch name {
	case "CLOSE", "UNSELECT":
		if name == "CLOSE" && !v.readOnly && need(v.b, "e") == nil {
			v.b.Expunge(nil)
		}
		x.box = nil
		return "closed", c.done()
	case "EXPUNGE":
		var in func(uint32) bool
		if uid {
			if err := c.space(); err != nil {
				return "", err
			}
			s, err := c.set()
			if err != nil {
				return "", err
			}
			s = x.resolve(true, s)
			in = func(u uint32) bool { return s.has(u, v.lastUID()) }
		}
		if err := c.done(); err != nil {
			return "", err
		}
		if err := need(v.b, "e"); err != nil {
			return "", err
		}
		v.b.Expunge(in)
		return x.highest("expunged"), x.update(nil, true)
	case "FETCH":
		return "done", x.update(x.fetch(uid, c), uid)
	case "STORE":
		return x.storeFlags(uid, c)
	case "SEARCH":
		return "done", x.update(x.search(uid, tag, c), uid)
	}
	return x.copy(uid, name == "MOVE", c)
}

// highest prefixes text with the mod-sequence after an expunge (RFC 7162 3.2.7).
func (x *session) highest(text string) string {
	if x.qresync {
		return "[HIGHESTMODSEQ " + utoa(x.box.b.State().ModSeq) + "] " + text
	}
	return text
}

// messages reads a set and returns the UIDs that it names, as far as the client knows them.
func (x *session) messages(uid bool, c *command) ([]uint32, set, error) {
	if err := c.space(); err != nil {
		return nil, nil, err
	}
	s, err := c.set()
	if err != nil {
		return nil, nil, err
	}
	s = x.resolve(uid, s)
	uids, err := x.inSet(uid, s)
	return uids, s, err
}

// resolve puts what SEARCH has saved in the place of "$".
func (x *session) resolve(uid bool, s set) set {
	if len(s) != 1 || !s[0].saved {
		return s
	}
	s = set{}
	for _, u := range x.box.saved {
		n := x.box.seq(u)
		if n == 0 {
			continue
		}
		if uid {
			n = u
		}
		s = append(s, span{from: n, to: n})
	}
	return s
}

func (x *session) inSet(uid bool, s set) ([]uint32, error) {
	v := x.box
	n := uint32(len(v.uids))
	hit := make([]bool, n)
	for _, p := range s {
		if n == 0 && (p.from == 0 || p.to == 0) { // "1:*" of an empty mailbox
			continue
		}
		last := n
		if uid {
			last = v.lastUID()
		}
		if p.from == 0 {
			p.from = last
		}
		if p.to == 0 {
			p.to = last
		}
		from, to := min(p.from, p.to), max(p.from, p.to)
		if uid {
			i, _ := slices.BinarySearch(v.uids, from)
			for ; i < len(v.uids) && v.uids[i] <= to; i++ {
				hit[i] = true
			}
			continue
		}
		if from == 0 || to > n {
			return nil, bad("there is no message %d", to)
		}
		for i := from; i <= to; i++ {
			hit[i-1] = true
		}
	}
	var out []uint32
	for i, h := range hit {
		if h {
			out = append(out, v.uids[i])
		}
	}
	return out, nil
}

// storeFlags is STORE with RFC 7162's UNCHANGEDSINCE.
func (x *session) storeFlags(uid bool, c *command) (string, error) {
	uids, _, err := x.messages(uid, c)
	if err != nil {
		return "", err
	}
	if err := c.space(); err != nil {
		return "", err
	}
	since := uint64(math.MaxUint64)
	if c.peek() == '(' && x.can("CONDSTORE") {
		err := c.list(func() error {
			if w, err := c.word(); err != nil || w != "UNCHANGEDSINCE" {
				return bad("STORE %q: not known", w)
			}
			if err := c.space(); err != nil {
				return err
			}
			since, err = c.number()
			return err
		})
		if err == nil {
			err = c.space()
		}
		if err != nil {
			return "", err
		}
		x.condAll = true
	}
	op := mailstore.ReplaceFlags
	if c.take('+') {
		op = mailstore.AddFlags
	} else if c.take('-') {
		op = mailstore.RemoveFlags
	}
	item, err := c.word()
	if err != nil || item != "FLAGS" && item != "FLAGS.SILENT" {
		return "", bad("STORE %q: not known", item)
	}
	if err := c.space(); err != nil {
		return "", err
	}
	flags, err := c.flags()
	if err == nil {
		err = c.done()
	}
	if err != nil {
		return "", err
	}
	for _, f := range flags {
		if strings.HasPrefix(f, `\`) && !slices.ContainsFunc([]string{`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`, `\Recent`},
			func(s string) bool { return strings.EqualFold(s, f) }) {
			return "", no("[CANNOT] %s is not a flag", f)
		}
	}
	if flags, err = mayStore(x.box.b, op, flags); err != nil {
		return "", err
	}
	now, modified, err := x.box.b.SetFlags(uids, op, flags, since)
	if err != nil {
		return "", err
	}
	x.box.told = map[uint32]uint64{}
	for _, m := range now {
		x.box.told[m.UID] = m.ModSeq
		if item == "FLAGS" {
			x.writeFlags(x.box.seq(m.UID), &m)
		} else if x.condAll {
			x.printf("* %d FETCH (UID %d MODSEQ (%d))\r\n", x.box.seq(m.UID), m.UID, m.ModSeq)
		}
	}
	err = x.update(nil, uid)
	x.box.told = nil
	if err != nil {
		return "", err
	}
	if len(modified) > 0 {
		if !uid {
			for i, u := range modified {
				modified[i] = x.box.seq(u)
			}
		}
		return "[MODIFIED " + formatSet(modified) + "] not all: some have changed meanwhile", nil
	}
	return "done", nil
}

// copy is COPY and MOVE with RFC 4315's answer.
func (x *session) copy(uid, move bool, c *command) (string, error) {
	uids, _, err := x.messages(uid, c)
	if err != nil {
		return "", err
	}
	name, err := x.mailbox(c)
	if err != nil {
		return "", err
	}
	if err := c.done(); err != nil {
		return "", err
	}
	to, err := x.user.Mailbox(name)
	if err == mailstore.ErrNoMailbox {
		return "", no("[TRYCREATE] %v", err)
	}
	if err != nil {
		return "", err
	}
	if move && to == x.box.b {
		return "", no("[CANNOT] a message cannot be moved to where it is")
	}
	if err := need(to, "i"); err != nil {
		return "", err
	}
	if move {
		if err := errors.Join(need(x.box.b, "t"), need(x.box.b, "e")); err != nil {
			return "", err
		}
	}
	from, became, validity, err := x.box.b.Copy(uids, to, move)
	if err != nil {
		return "", err
	}
	code := ""
	if len(from) > 0 && x.can("UIDPLUS") {
		code = "[COPYUID " + utoa(uint64(validity)) + " " + formatSet(from) + " " + formatSet(became) + "] "
	}
	if !move {
		return code + "copied", x.update(nil, uid)
	}
	if code != "" {
		x.printf("* OK %smoved\r\n", code)
	}
	return x.highest("moved"), x.update(nil, true)
}

// append is APPEND.
func (x *session) append(c *command) (string, error) {
	name, err := x.mailbox(c)
	if err != nil {
		return "", err
	}
	if err := c.space(); err != nil {
		return "", err
	}
	var flags []string
	var received time.Time
	if c.peek() == '(' {
		if flags, err = c.flags(); err == nil {
			err = c.space()
		}
	}
	if err == nil && c.peek() == '"' {
		if received, err = c.dateTime(); err == nil {
			err = c.space()
		}
	}
	var body []byte
	if err == nil {
		body, err = c.literal()
	}
	if err == nil {
		err = c.done()
	}
	if err != nil {
		return "", err
	}
	b, err := x.user.Mailbox(name)
	if err == mailstore.ErrNoMailbox {
		return "", no("[TRYCREATE] %v", err)
	}
	if err != nil {
		return "", err
	}
	if err := need(b, "i"); err != nil {
		return "", err
	}
	uid, validity, err := b.Append(permitted(b.Rights(), flags), received, body)
	if err != nil {
		return "", err
	}
	if err := x.update(nil, true); err != nil {
		return "", err
	}
	if x.can("UIDPLUS") {
		return "[APPENDUID " + utoa(uint64(validity)) + " " + utoa(uint64(uid)) + "] stored", nil
	}
	return "stored", nil
}
