package mailstore

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// State is a mailbox apart from its messages.
type State struct {
	ID, Name, Use     string
	Validity, UIDNext uint32
	ModSeq            uint64
	Messages          int
	Unseen            int
	Deleted           int
	Size              int64
	Subscribed, Gone  bool
	Keywords          []string
}

// State returns the mailbox's numbers.
func (b *Mailbox) State() State {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	st := State{ID: b.id, Name: b.name, Use: b.use, Validity: b.validity, UIDNext: b.uidNext, ModSeq: b.modSeq,
		Messages: len(b.messages), Subscribed: b.subscribed, Gone: b.gone}
	for _, m := range b.messages {
		st.Size += int64(len(m.Body))
		seen := false
		for _, f := range m.Flags {
			switch {
			case strings.EqualFold(f, `\Seen`):
				seen = true
			case strings.EqualFold(f, `\Deleted`):
				st.Deleted++
			case f[0] != '\\' && !slices.Contains(st.Keywords, f):
				st.Keywords = append(st.Keywords, f)
			}
		}
		if !seen {
			st.Unseen++
		}
	}
	slices.Sort(st.Keywords)
	return st
}

// SetSubscribed changes whether the mailbox is subscribed.
func (b *Mailbox) SetSubscribed(yes bool) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.subscribed = yes
	b.saveState()
	b.u.wake()
}

// AllRights are those of RFC 4314 2.1, in the order in which they are told.
const AllRights = "lrswipkxtea"

// Rights are what the owner may do in the mailbox.
func (b *Mailbox) Rights() string {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	return b.rights
}

// SetRights changes what the owner may do. He always sees the mailbox, and may give rights back.
func (b *Mailbox) SetRights(rights string) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.rights = ""
	for _, r := range AllRights {
		if r == 'l' || r == 'a' || strings.ContainsRune(rights, r) {
			b.rights += string(r)
		}
	}
	b.saveState()
	b.u.wake()
}

// Messages returns the messages as they are now, by UID.
func (b *Mailbox) Messages() []Message {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	out := make([]Message, len(b.messages))
	for i, m := range b.messages {
		out[i] = *m
	}
	return out
}

// Message returns one message as it is now.
func (b *Mailbox) Message(uid uint32) (Message, bool) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	if m := b.find(uid); m != nil {
		return *m, true
	}
	return Message{}, false
}

// Is reports whether the mailbox is still there under that UIDVALIDITY.
func (b *Mailbox) Is(validity uint32) bool {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	return !b.gone && b.validity == validity
}

// Expunged lists the UIDs that were expunged after modSeq, in ascending order, and tells the mailbox's mod-sequence.
func (b *Mailbox) Expunged(modSeq uint64) ([]uint32, uint64) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(b.expunged, modSeq+1, func(e expunged, m uint64) int { return cmp.Compare(e.modSeq, m) })
	var out []uint32
	for _, e := range b.expunged[i:] {
		out = append(out, e.uid)
	}
	slices.Sort(out)
	return out, b.modSeq
}

// ChangedSince returns the messages whose mod-sequence is above modSeq, and the mailbox's own.
func (b *Mailbox) ChangedSince(modSeq uint64) ([]Message, uint64) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	if b.modSeq <= modSeq {
		return nil, b.modSeq
	}
	var out []Message
	for _, m := range b.messages {
		if m.ModSeq > modSeq {
			out = append(out, *m)
		}
	}
	return out, b.modSeq
}

// Append adds a message and returns its UID and the mailbox's UIDVALIDITY.
func (b *Mailbox) Append(flags []string, received time.Time, body []byte) (uid, validity uint32, err error) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	if b.gone {
		return 0, 0, ErrNoMailbox
	}
	if len(flags) > maxFlags || len(body) > MaxMessage {
		return 0, 0, ErrLimit
	}
	if received.IsZero() {
		received = b.s.clock()
	}
	m := b.add(flags, received, body, b.s.newID("M"))
	return m.UID, b.validity, nil
}

func (b *Mailbox) add(flags []string, received time.Time, body []byte, emailID string) *Message {
	b.modSeq++
	m := &Message{UID: b.uidNext, ModSeq: b.modSeq, Flags: normalFlags(flags), Received: received.Truncate(time.Second), EmailID: emailID, Body: body}
	b.uidNext++
	b.messages = append(b.messages, m)
	b.saveMessage(m, true)
	b.u.wake()
	return m
}

// FlagOp says what SetFlags does with the flags it is given.
type FlagOp int

const (
	ReplaceFlags FlagOp = iota
	AddFlags
	RemoveFlags
)

// SetFlags changes flags of messages and returns them as they are now. Those whose mod-sequence is above unchangedSince
// are left alone and are in modified instead (RFC 7162 3.1.3). A message whose flags were so already keeps its mod-sequence.
func (b *Mailbox) SetFlags(uids []uint32, op FlagOp, flags []string, unchangedSince uint64) (now []Message, modified []uint32, err error) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	if b.gone {
		return nil, nil, ErrNoMailbox
	}
	if len(flags) > maxFlags {
		return nil, nil, ErrLimit
	}
	next := b.modSeq + 1
	for _, uid := range uids {
		m := b.find(uid)
		if m == nil {
			continue
		}
		if m.ModSeq > unchangedSince && m.ModSeq != next {
			modified = append(modified, uid)
			continue
		}
		var set []string
		switch op {
		case ReplaceFlags:
			set = normalFlags(flags)
		case AddFlags:
			set = normalFlags(append(slices.Clone(m.Flags), flags...))
		case RemoveFlags:
			for _, f := range m.Flags {
				if !slices.ContainsFunc(flags, func(g string) bool { return strings.EqualFold(f, g) }) {
					set = append(set, f)
				}
			}
		}
		if len(set) > 2*maxFlags {
			return now, modified, ErrLimit
		}
		if !slices.Equal(set, m.Flags) {
			b.modSeq = next
			m.Flags, m.ModSeq = set, next
			b.saveMessage(m, false)
		}
		now = append(now, *m)
	}
	if b.modSeq == next {
		b.u.wake()
	}
	return now, modified, nil
}

// Expunge removes messages marked \Deleted, of those in uids (nil: all), and returns what it removed.
func (b *Mailbox) Expunge(in func(uid uint32) bool) []uint32 {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	return b.expunge(func(m *Message) bool { return m.Has(`\Deleted`) && (in == nil || in(m.UID)) })
}

func (b *Mailbox) expunge(which func(*Message) bool) []uint32 {
	var gone []uint32
	next := b.modSeq + 1
	keep := b.messages[:0:0]
	for _, m := range b.messages {
		if !which(m) {
			keep = append(keep, m)
			continue
		}
		gone = append(gone, m.UID)
		b.expunged = append(b.expunged, expunged{m.UID, next})
		b.s.save(Record{Message: &MessageRecord{User: b.u.email, Mailbox: b.id, UID: m.UID, ModSeq: next, Gone: true}})
	}
	if gone != nil {
		b.messages, b.modSeq = keep, next
		b.u.wake()
	}
	return gone
}

// Copy copies messages, given in ascending order, to another mailbox of the user; move also removes them here. It returns which UIDs became which,
// in order, and the target's UIDVALIDITY.
func (b *Mailbox) Copy(uids []uint32, to *Mailbox, move bool) (from, became []uint32, validity uint32, err error) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	if b.gone || to.gone {
		return nil, nil, 0, ErrNoMailbox
	}
	for _, uid := range uids {
		m := b.find(uid)
		if m == nil {
			continue
		}
		from = append(from, uid)
		became = append(became, to.add(m.Flags, m.Received, m.Body, m.EmailID).UID)
	}
	if move {
		b.expunge(func(m *Message) bool { _, ok := slices.BinarySearch(from, m.UID); return ok })
	}
	return from, became, to.validity, nil
}

// Renumber gives the mailbox a new UIDVALIDITY and its messages new UIDs, as a server does whose index was lost.
func (b *Mailbox) Renumber() {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	old := b.messages
	b.messages, b.expunged = nil, nil
	b.validity, b.uidNext, b.modSeq = b.s.newValidity(), 1, 1
	b.s.save(Record{Mailbox: b.record(false, true)})
	for _, m := range old {
		b.add(m.Flags, m.Received, m.Body, m.EmailID)
	}
	b.u.wake()
}

func (b *Mailbox) find(uid uint32) *Message {
	if i, ok := slices.BinarySearchFunc(b.messages, uid, func(m *Message, u uint32) int { return cmp.Compare(m.UID, u) }); ok {
		return b.messages[i]
	}
	return nil
}

func (b *Mailbox) record(gone, reset bool) *MailboxRecord {
	return &MailboxRecord{User: b.u.email, ID: b.id, Name: b.name, Use: b.use, Validity: b.validity, UIDNext: b.uidNext, ModSeq: b.modSeq,
		Rights: b.rights, Subscribed: b.subscribed, Gone: gone, Reset: reset}
}

func (b *Mailbox) saveState() { b.s.save(Record{Mailbox: b.record(b.gone, false)}) }

func (b *Mailbox) saveMessage(m *Message, whole bool) {
	r := &MessageRecord{User: b.u.email, Mailbox: b.id, UID: m.UID, ModSeq: m.ModSeq, Flags: m.Flags, Received: m.Received, EmailID: m.EmailID}
	if whole {
		r.Body = m.Body
	}
	b.s.save(Record{Message: r})
}

// normalFlags sorts flags, drops doubles and \Recent, and spells system flags as RFC 9051 does.
func normalFlags(flags []string) []string {
	var out []string
	for _, f := range flags {
		for _, sys := range []string{`\Seen`, `\Answered`, `\Flagged`, `\Draft`, `\Deleted`} {
			if strings.EqualFold(f, sys) {
				f = sys
			}
		}
		if f != "" && !strings.EqualFold(f, `\Recent`) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.CompactFunc(out, strings.EqualFold)
}
