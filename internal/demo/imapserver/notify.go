package imapserver

import (
	"slices"
	"strings"

	"outpost/internal/demo/mailstore"
)

// notify is what a session asked to be told of without asking again (RFC 5465).
type notify struct {
	groups   []eventGroup
	selected *events
	known    map[string]mailstore.Summary // by id: what the client has been told
}

// eventGroup says of which mailboxes what is told.
type eventGroup struct {
	filter    string   // INBOXES, PERSONAL, SUBSCRIBED, SUBTREE, MAILBOXES
	mailboxes []string // of the last two
	events    events
}

type events struct {
	messageNew, messageExpunge, flagChange, mailboxName, subscriptionChange bool
	items                                                                   []fetchItem // of new messages in the selected mailbox
}

// setNotify is NOTIFY (RFC 5465 3).
func (x *session) setNotify(c *command) (string, error) {
	if err := c.space(); err != nil {
		return "", err
	}
	how, err := c.word()
	if err != nil {
		return "", err
	}
	if how == "NONE" {
		if err := c.done(); err != nil {
			return "", err
		}
		x.notify = nil
		return "nothing is told", nil
	}
	if how != "SET" {
		return "", bad("NOTIFY %q: not known", how)
	}
	n := &notify{known: map[string]mailstore.Summary{}}
	status := false
	for c.take(' ') {
		if c.peek() != '(' {
			if w, err := c.word(); err != nil || w != "STATUS" || status || len(n.groups) > 0 {
				return "", bad("NOTIFY SET %q: not known here", w)
			}
			status = true
			continue
		}
		if err := x.eventGroup(c, n); err != nil {
			return "", err
		}
	}
	if err := c.done(); err != nil {
		return "", err
	}
	if len(n.groups) == 0 && n.selected == nil {
		return "", bad("NOTIFY SET of nothing")
	}
	for _, s := range x.user.Summaries() {
		n.known[s.ID] = s
		if e := n.eventsOf(&s); status && e != nil && e.messageNew && !x.isSelected(&s) {
			x.tellStatus(&s)
		}
	}
	x.notify = n
	return "news will be told", nil
}

// eventGroup reads "(personal (MessageNew MessageExpunge))".
func (x *session) eventGroup(c *command, n *notify) error {
	if err := c.expect('('); err != nil {
		return err
	}
	filter, err := c.word()
	if err != nil {
		return err
	}
	g := eventGroup{filter: filter}
	switch filter {
	case "SELECTED", "SELECTED-DELAYED", "INBOXES", "PERSONAL", "SUBSCRIBED":
	case "SUBTREE", "MAILBOXES":
		if g.mailboxes, err = x.mailboxNames(c); err != nil {
			return err
		}
	default:
		return bad("NOTIFY of %q: not known", filter)
	}
	if err := c.space(); err != nil {
		return err
	}
	selected := strings.HasPrefix(filter, "SELECTED")
	if c.peek() != '(' {
		if w, err := c.word(); err != nil || w != "NONE" {
			return bad("events expected")
		}
	} else if err := c.list(func() error { return g.events.read(c, selected) }); err != nil {
		return err
	}
	e := &g.events
	if e.messageNew != e.messageExpunge || e.flagChange && !e.messageNew { // RFC 5465 5.1, 5.3
		return bad("MessageNew and MessageExpunge go together, and FlagChange with them")
	}
	switch {
	case selected && (n.selected != nil || e.mailboxName || e.subscriptionChange):
		return bad("not of the selected mailbox, or not twice")
	case selected:
		n.selected = e
	case len(n.groups) >= 100:
		return no("[NOTIFICATIONOVERFLOW] too many groups")
	default:
		n.groups = append(n.groups, g)
	}
	return c.expect(')')
}

func (x *session) mailboxNames(c *command) (names []string, err error) {
	if err := c.space(); err != nil {
		return nil, err
	}
	one := func() error {
		s, err := c.astring()
		if err == nil {
			s, err = x.decodeName(s)
		}
		if err == nil {
			s, err = mailstore.CleanName(s)
		}
		if len(names) >= 10_000 {
			return bad("too many mailboxes")
		}
		names = append(names, s)
		return err
	}
	if c.peek() == '(' {
		return names, c.list(one)
	}
	err = one()
	return names, err
}

// read reads one event.
func (e *events) read(c *command, selected bool) error {
	w, err := c.word()
	switch w {
	case "MESSAGENEW":
		e.messageNew = true
		if selected && string(c.rest()[:min(2, len(c.rest()))]) == " (" {
			c.take(' ')
			e.items, err = c.fetchItems()
		}
	case "MESSAGEEXPUNGE":
		e.messageExpunge = true
	case "FLAGCHANGE":
		e.flagChange = true
	case "MAILBOXNAME":
		e.mailboxName = true
	case "SUBSCRIPTIONCHANGE":
		e.subscriptionChange = true
	default:
		if err == nil {
			err = no("[BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange)] not known: %s", w)
		}
	}
	return err
}

// eventsOf finds the first group that a mailbox belongs to (RFC 5465 3.1).
func (n *notify) eventsOf(s *mailstore.Summary) *events {
	for i, g := range n.groups {
		in := false
		switch g.filter {
		case "PERSONAL":
			in = true
		case "INBOXES":
			in = s.Name == "INBOX"
		case "SUBSCRIBED":
			in = s.Subscribed
		case "MAILBOXES":
			in = slices.Contains(g.mailboxes, s.Name)
		case "SUBTREE":
			in = slices.ContainsFunc(g.mailboxes, func(m string) bool { return s.Name == m || strings.HasPrefix(s.Name, m+"/") })
		}
		if in {
			return &n.groups[i].events
		}
	}
	return nil
}

func (x *session) isSelected(s *mailstore.Summary) bool {
	return x.box != nil && x.box.b.State().ID == s.ID
}

// tellNews tells what is different from what the client has been told.
func (x *session) tellNews() error {
	n := x.notify
	if n == nil {
		return nil
	}
	gone := n.known
	n.known = make(map[string]mailstore.Summary, len(gone))
	for _, s := range x.user.Summaries() {
		old, known := gone[s.ID]
		delete(gone, s.ID)
		n.known[s.ID] = s
		if e := n.eventsOf(&s); e != nil && (!known || s != old) {
			x.tellChange(e, &s, &old, known)
		}
	}
	for _, s := range gone {
		if e := n.eventsOf(&s); e != nil && e.mailboxName {
			x.printf("* LIST (\\NonExistent) \"/\" %s\r\n", x.name(s.Name))
		}
	}
	if n.selected == nil || !n.selected.messageNew || x.box == nil || !x.box.b.Is(x.box.validity) {
		return nil
	}
	last := x.box.lastUID()
	if err := x.update(nil, true); err != nil || n.selected.items == nil {
		return err
	}
	for _, uid := range slices.Clone(x.box.uids) {
		if m, ok := x.box.b.Message(uid); ok && uid > last {
			if err := x.fetchOne(&m, n.selected.items); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellChange tells of one mailbox that is not as it was (RFC 5465 5.2 to 5.6).
func (x *session) tellChange(e *events, s, old *mailstore.Summary, known bool) {
	attr := ""
	if s.Subscribed {
		attr = `\Subscribed`
	}
	switch {
	case e.mailboxName && known && s.Name != old.Name:
		x.printf("* LIST (%s) \"/\" %s (\"OLDNAME\" (%s))\r\n", attr, x.name(s.Name), x.name(old.Name))
	case e.mailboxName && !known, e.subscriptionChange && known && s.Subscribed != old.Subscribed:
		x.printf("* LIST (%s) \"/\" %s\r\n", attr, x.name(s.Name))
	}
	if x.isSelected(s) {
		return
	}
	counts := s.Validity != old.Validity || s.UIDNext != old.UIDNext || s.Messages != old.Messages
	if e.messageNew && counts && (known || s.Messages > 0) || e.flagChange && known && s.ModSeq != old.ModSeq {
		x.tellStatus(s)
	}
}

func (x *session) tellStatus(s *mailstore.Summary) {
	modSeq := ""
	if x.can("CONDSTORE") {
		modSeq = " HIGHESTMODSEQ " + utoa(s.ModSeq)
	}
	x.printf("* STATUS %s (MESSAGES %d UIDNEXT %d UIDVALIDITY %d%s)\r\n", x.name(s.Name), s.Messages, s.UIDNext, s.Validity, modSeq)
}

// await waits until the client says something, and tells what NOTIFY asked for meanwhile. False: the connection is over.
func (x *session) await() bool {
	if x.notify == nil {
		return true
	}
	said := make(chan struct{})
	go func() {
		defer close(said)
		x.r.Peek(1) // what it says, or that it is gone, is read by the caller
	}()
	for {
		changed := x.user.Changed()
		if x.tellNews() != nil || x.flush() != nil {
			return false
		}
		select {
		case <-said:
			return true
		case <-changed:
		}
	}
}
