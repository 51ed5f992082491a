package imap

import (
	"context"
	"errors"
	"time"

	"outpost/internal/remote"
)

// Watch implements remote.Watcher: all folders by NOTIFY (RFC 5465), else the first that is there by IDLE (RFC 2177).
func (d *Driver) Watch(ctx context.Context, folders []string, watching func(folders []string), changed func(folder string)) (err error) {
	c := d.c
	defer c.guard(ctx, &err)()
	if c.dead != nil {
		return c.dead
	}
	var watched []string
	if c.has("IDLE") {
		if watched, err = d.notified(folders); err == nil && watched == nil {
			watched, err = d.selectFirst(folders)
		}
		if err != nil {
			return err
		}
	}
	watching(watched)
	if len(watched) == 0 {
		return nil
	}
	n := d.newsOf(watched, changed)
	defer c.with(&n.handler)()
	for {
		if err := d.idle(n); err != nil {
			return err
		}
	}
}

// notified asks for news of every folder, wherever it is. It returns those of folders that are there, nil when the server
// cannot do that, or not for this user's mailboxes (RFC 5465 5.8).
func (d *Driver) notified(folders []string) ([]string, error) {
	c := d.c
	if !c.has("NOTIFY") || !c.has("CONDSTORE") { // without mod-sequences Dovecot tells of no changed flag
		return nil, nil
	}
	// What is selected would be told in another way. And names, and what the folders were like, are needed.
	if _, err := d.list(); err != nil {
		return nil, err
	}
	cmd, err := c.simple("ask for news", "NOTIFY SET (personal (MessageNew MessageExpunge FlagChange MailboxName))")
	if err != nil || !cmd.ok() {
		return nil, err
	}
	watched := []string{}
	for _, id := range folders {
		if m, ok := d.boxes[id]; ok && !m.noItems() {
			watched = append(watched, id)
		}
	}
	return watched, nil
}

// selectFirst opens the first of folders that is there.
func (d *Driver) selectFirst(folders []string) ([]string, error) {
	for _, id := range folders {
		_, err := d.open(id, true)
		if err == nil {
			return []string{id}, nil
		}
		if d.c.dead != nil || remote.IsRetryable(err) {
			return nil, err
		}
	}
	return nil, nil
}

// news collects what the server tells, until it has no more to say for the moment.
type news struct {
	handler
	fresh   map[string]bool // folder ids, "" for the list of folders
	order   []string        // in which they came
	changed func(folder string)
}

func (d *Driver) newsOf(watched []string, changed func(string)) *news {
	n := &news{fresh: map[string]bool{}, changed: changed}
	if s := d.c.sel; s != nil {
		n.news = func() { n.add(s.folder) }
		return n
	}
	wanted := map[string]bool{}
	for _, id := range watched {
		wanted[id] = true
	}
	type known struct {
		id     string
		modSeq uint64
		valid  uint32
	}
	boxes := map[string]*known{}
	for id, m := range d.boxes {
		boxes[m.wire] = &known{id, m.status.modSeq, m.status.uidValidity}
	}
	n.list = func(listed) { n.add("") }
	n.status = func(box string, s status) {
		k := boxes[normalInbox(box, d.delim)]
		switch {
		case k == nil:
			n.add("")
		case s.modSeq > 0 && s.modSeq == k.modSeq && (s.uidValidity == 0 || s.uidValidity == k.valid): // Dovecot also tells of folders that it looks at for the first time
		case wanted[k.id]:
			k.modSeq = s.modSeq
			n.add(k.id)
		}
	}
	n.code = func(co code) {
		if co.name == "NOTIFICATIONOVERFLOW" { // RFC 5465 5.8: from now on nothing is told
			n.err = &remote.Error{Kind: remote.Offline, Doing: waiting, Text: "the server can tell no more of changes on this connection"}
		}
	}
	return n
}

func (n *news) add(folder string) {
	if !n.fresh[folder] {
		n.fresh[folder] = true
		n.order = append(n.order, folder)
	}
}

func (n *news) tell() {
	for _, id := range n.order {
		n.changed(id)
	}
	clear(n.fresh)
	n.order = n.order[:0]
}

const waiting = "wait for news"

// idle waits in one IDLE. Before the server, or something on the way to it, takes us for dead, and to learn in time
// that it is dead itself, DONE is sent; it must be answered like every command.
func (d *Driver) idle(n *news) error {
	c := d.c
	renew := d.opts.Renew
	if renew <= 0 {
		renew = 9 * time.Minute
	}
	cmd := c.begin(waiting, "IDLE")
	if err := c.end(cmd); err != nil {
		return err
	}
	if err := c.await(cmd); err != nil {
		return err
	}
	c.until = time.Now().Add(renew + c.timeout)
	// Nothing else is written before the server has answered DONE.
	sent := make(chan struct{})
	timer := time.AfterFunc(renew, func() {
		defer close(sent)
		if c.writeNow("DONE\r\n") != nil {
			c.abort()
		}
	})
	var failed error
	for failed == nil && !cmd.done {
		if c.dec.Buffered() == 0 {
			n.tell()
		}
		if _, _, failed = c.step(); failed == nil {
			failed = n.err
		}
	}
	early := timer.Stop()
	if !early {
		<-sent
	}
	c.until = time.Time{}
	n.tell()
	switch {
	case failed != nil:
		return failed
	case !cmd.ok():
		return cmd.error()
	case early:
		// Asking again at once could go round and round.
		return &remote.Error{Kind: remote.Unavailable, Doing: waiting, Text: "the server does not let us wait: " + cmd.text}
	}
	return c.wait()
}

// writeNow writes to the network without regard to what was read. It may be called while another goroutine reads.
func (c *client) writeNow(s string) error {
	if _, err := c.out.WriteString(s); err != nil {
		return err
	}
	err := c.out.Flush()
	if c.zip != nil {
		err = errors.Join(err, c.zip.Flush())
	}
	return err
}
