package mailstore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Replay applies a record of an earlier run. It saves nothing.
func (s *Store) Replay(r Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.Counter != nil:
		s.lastID, s.lastValidity = max(s.lastID, r.Counter.LastID), max(s.lastValidity, r.Counter.LastValidity)
	case r.User != nil:
		s.addUser(r.User.Email, r.User.Name, r.User.Password)
	case r.Mailbox != nil:
		u := s.users[strings.ToLower(r.Mailbox.User)]
		if u == nil {
			return fmt.Errorf("mailbox %q of the unknown user %q", r.Mailbox.Name, r.Mailbox.User)
		}
		u.replayMailbox(r.Mailbox)
	case r.Message != nil:
		u := s.users[strings.ToLower(r.Message.User)]
		if u == nil {
			return fmt.Errorf("message of the unknown user %q", r.Message.User)
		}
		b := u.byID(r.Message.Mailbox)
		if b == nil {
			return fmt.Errorf("message in the unknown mailbox %q", r.Message.Mailbox)
		}
		b.replayMessage(r.Message)
	}
	return nil
}

func (u *User) byID(id string) *Mailbox {
	for _, b := range u.boxes {
		if b.id == id {
			return b
		}
	}
	return nil
}

func (u *User) replayMailbox(r *MailboxRecord) {
	u.s.lastValidity = max(u.s.lastValidity, r.Validity)
	u.s.noteID(r.ID)
	b := u.byID(r.ID)
	if r.Gone {
		if b != nil {
			delete(u.boxes, b.name)
		}
		return
	}
	if b == nil {
		b = &Mailbox{s: u.s, u: u, id: r.ID}
	} else {
		delete(u.boxes, b.name)
	}
	b.name, b.use, b.validity, b.uidNext, b.modSeq, b.subscribed = r.Name, r.Use, r.Validity, r.UIDNext, r.ModSeq, r.Subscribed
	if b.rights = r.Rights; r.Rights == "" {
		b.rights = AllRights
	}
	if r.Reset {
		b.messages, b.expunged = nil, nil
	}
	u.boxes[b.name] = b
}

func (b *Mailbox) replayMessage(r *MessageRecord) {
	b.modSeq = max(b.modSeq, r.ModSeq)
	b.uidNext = max(b.uidNext, r.UID+1)
	b.s.noteID(r.EmailID)
	m := b.find(r.UID)
	switch {
	case r.Gone:
		b.messages = slices.DeleteFunc(b.messages, func(x *Message) bool { return x == m })
		b.expunged = append(b.expunged, expunged{r.UID, r.ModSeq})
	case m != nil:
		m.Flags, m.ModSeq = r.Flags, r.ModSeq
	default:
		b.messages = append(b.messages, &Message{UID: r.UID, ModSeq: r.ModSeq, Flags: r.Flags, Received: r.Received, EmailID: r.EmailID, Body: r.Body})
	}
}

func (s *Store) noteID(id string) {
	if len(id) > 1 {
		if n, err := strconv.ParseUint(id[1:], 16, 64); err == nil {
			s.lastID = max(s.lastID, n)
		}
	}
}

// Snapshot emits records that make up the store as it is, and with the lock held sets save for what comes after.
func (s *Store) Snapshot(emit func(Record), save func(Record)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	emit(Record{Counter: &CounterRecord{s.lastID, s.lastValidity}})
	for _, u := range s.users {
		emit(Record{User: &UserRecord{u.email, u.name, u.password}})
		for _, b := range u.boxes {
			emit(Record{Mailbox: b.record(false, false)})
			old := s.save
			s.save = emit
			for _, m := range b.messages {
				b.saveMessage(m, true)
			}
			s.save = old
			for _, e := range b.expunged {
				emit(Record{Message: &MessageRecord{User: u.email, Mailbox: b.id, UID: e.uid, ModSeq: e.modSeq, Gone: true}})
			}
		}
	}
	s.save = save
}
