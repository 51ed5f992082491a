package imap

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

// nameFor makes the server's name for a folder called name in parent ("" is the top).
func (d *Driver) nameFor(doing, parent, name string) (string, error) {
	invalid := func(text string) error {
		return &remote.Error{Kind: remote.Invalid, Doing: doing, Text: text}
	}
	if strings.TrimSpace(name) == "" {
		return "", invalid("a folder needs a name")
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
		return "", invalid("the name holds characters that cannot be in a folder's name")
	}
	prefix, delim := "", d.delim
	if parent != "" {
		m, err := d.mailbox(parent)
		if err != nil {
			return "", err
		}
		if delim = m.delim; delim == "" {
			return "", invalid("this server's folders cannot hold others")
		}
		prefix = m.wire + delim
	} else if d.boxes == nil && d.delim == "" {
		if _, err := d.list(); err != nil { // tells the delimiter
			return "", err
		}
		delim = d.delim
	}
	if delim != "" && strings.Contains(name, delim) {
		return "", invalid("on this server the name of a folder cannot hold " + delim)
	}
	if parent == "" && len(d.personal) > 0 {
		prefix = d.personal[0].prefix
	}
	return prefix + d.encode(name), nil
}

// CreateFolder implements remote.Service.
func (d *Driver) CreateFolder(ctx context.Context, f remote.NewFolder) (out remote.Folder, err error) {
	c := d.c
	defer c.guard(ctx, &err)()
	doing := "create the folder " + f.Name
	name, err := d.nameFor(doing, f.Parent, f.Name)
	if err != nil {
		return out, err
	}
	use := specialUse(f.Role)
	if !c.has("CREATE-SPECIAL-USE") {
		use = ""
	}
	cmd, err := d.create(doing, name, use)
	if err == nil && !cmd.ok() && use != "" && kindOfCode(cmd.code.name) != remote.Exists {
		cmd, err = d.create(doing, name, "") // RFC 6154 3: perhaps another folder has that use
	}
	if err != nil {
		return out, err
	}
	if err := cmd.error(); err != nil {
		return out, d.existing(err, name)
	}
	return d.find(doing, name)
}

// create sends CREATE, and SUBSCRIBE so that other programs show the folder too.
func (d *Driver) create(doing, name, use string) (*command, error) {
	c := d.c
	cmd := c.begin(doing, "CREATE ")
	c.enc.String(name)
	if use != "" {
		c.enc.Raw(" (USE (" + use + "))")
	}
	if err := c.end(cmd); err != nil {
		return nil, err
	}
	if err := c.wait(); err != nil || !cmd.ok() {
		return cmd, err
	}
	return cmd, d.subscription("SUBSCRIBE ", name)
}

// subscription sends (UN)SUBSCRIBE, whose outcome does not matter.
func (d *Driver) subscription(verb, name string) error {
	c := d.c
	sub := c.begin("subscribe to folders", verb)
	c.enc.String(name)
	if err := c.end(sub); err != nil {
		return err
	}
	return c.wait()
}

// specialUse is the attribute of a role. RFC 6154 2
func specialUse(r groupware.Role) string {
	switch r {
	case groupware.RoleSent:
		return `\Sent`
	case groupware.RoleDrafts:
		return `\Drafts`
	case groupware.RoleTrash:
		return `\Trash`
	case groupware.RoleJunk:
		return `\Junk`
	case groupware.RoleArchive:
		return `\Archive`
	}
	return ""
}

// existing makes a refusal to create name one of kind Exists where that is the cause: not every server says so.
func (d *Driver) existing(refused error, name string) error {
	re, ok := refused.(*remote.Error)
	if !ok || re.Kind == remote.Exists {
		return refused
	}
	if boxes, err := d.list(); err == nil && slices.ContainsFunc(boxes, func(m mailbox) bool { return m.real && m.wire == normalInbox(name, m.delim) }) {
		re.Kind = remote.Exists
	}
	return re
}

// find lists anew and returns the folder of that name.
func (d *Driver) find(doing, name string) (remote.Folder, error) {
	boxes, err := d.list()
	if err != nil {
		return remote.Folder{}, err
	}
	all := d.folders(boxes)
	i := slices.IndexFunc(boxes, func(m mailbox) bool { return m.wire == name })
	if i < 0 { // a server may bring names into a normal form, RFC 9051 5.1
		want := norm.NFC.String(d.decode(name))
		i = slices.IndexFunc(boxes, func(m mailbox) bool { return norm.NFC.String(d.decode(m.wire)) == want })
	}
	if i < 0 {
		return remote.Folder{}, &remote.Error{Kind: remote.Protocol, Doing: doing, Text: "the server says that it is done, but does not list the folder"}
	}
	return all[i], nil
}

// RenameFolder implements remote.Service.
func (d *Driver) RenameFolder(ctx context.Context, id, parent, name string) (out remote.Folder, err error) {
	c := d.c
	defer c.guard(ctx, &err)()
	m, err := d.mailbox(id)
	if err != nil {
		return out, err
	}
	doing := "rename the folder " + m.path
	to, err := d.nameFor(doing, parent, name)
	if err != nil {
		return out, err
	}
	if to == m.wire {
		return d.find(doing, to)
	}
	if isInbox(m.wire) { // RFC 9051 6.3.6: it would move all messages and leave the folder
		return out, &remote.Error{Kind: remote.Forbidden, Doing: doing, Text: "the Inbox cannot be renamed"}
	}
	if err := d.leave(m); err != nil {
		return out, err
	}
	cmd := c.begin(doing, "RENAME ")
	c.enc.String(m.wire).Raw(" ").String(to)
	if err := c.end(cmd); err != nil {
		return out, err
	}
	if err := c.wait(); err != nil {
		return out, err
	}
	if err := cmd.error(); err != nil {
		return out, d.existing(err, to)
	}
	for verb, name := range map[string]string{"UNSUBSCRIBE ": m.wire, "SUBSCRIBE ": to} {
		if err := d.subscription(verb, name); err != nil {
			return out, err
		}
	}
	return d.find(doing, to)
}

// leave makes sure that neither m nor a folder below it is selected: some servers end the connection when the selected
// mailbox goes away.
func (d *Driver) leave(m mailbox) error {
	c := d.c
	if c.sel == nil || c.sel.box != m.wire && (m.delim == "" || !strings.HasPrefix(c.sel.box, m.wire+m.delim)) {
		return nil
	}
	if err := d.unselect(); err != nil {
		return err
	}
	return c.wait()
}

// unselect leaves the selected folder, without waiting for the answer. While it is selected, Dovecot's STATUS shows it as
// it was when it was opened, and ends the connection at the next command of any kind should the folder be deleted.
func (d *Driver) unselect() error {
	c := d.c
	if c.sel == nil {
		return nil
	}
	verbs := []string{"UNSELECT"}
	if !c.has("UNSELECT") {
		verbs = []string{"EXAMINE ", "CLOSE"} // CLOSE alone would expunge
	}
	for _, verb := range verbs {
		cmd := c.begin("leave a folder", verb)
		if verb == "EXAMINE " {
			c.enc.String(c.sel.box)
		}
		if err := c.end(cmd); err != nil {
			return err
		}
	}
	c.sel = nil
	return nil
}

func (d *Driver) delete(doing string, m mailbox) error {
	c := d.c
	cmd := c.begin(doing, "DELETE ")
	c.enc.String(m.wire)
	if err := c.end(cmd); err != nil {
		return err
	}
	if err := c.wait(); err != nil {
		return err
	}
	return cmd.error()
}

// DeleteFolder implements remote.Service. Folders below it go first.
func (d *Driver) DeleteFolder(ctx context.Context, id string) (err error) {
	c := d.c
	defer c.guard(ctx, &err)()
	boxes, err := d.list()
	if err != nil {
		return err
	}
	top, ok := d.boxes[id]
	if !ok {
		return nil
	}
	doing := "delete the folder " + top.path
	if isInbox(top.wire) {
		return &remote.Error{Kind: remote.Forbidden, Doing: doing, Text: "the Inbox cannot be deleted"}
	}
	if err := d.leave(top); err != nil {
		return err
	}
	defer func() { d.boxes = nil }()
	for _, m := range slices.Backward(boxes) { // children before parents
		if m.wire != top.wire && (top.delim == "" || !strings.HasPrefix(m.wire, top.wire+top.delim)) || !m.real {
			continue
		}
		err := d.delete(doing, m)
		if c.dead != nil {
			return err
		}
		if remote.KindOf(err) == remote.Exists {
			// Cyrus keeps what is deleted under a name made of the second: another folder of the name went in this one.
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			err = d.delete(doing, m)
		}
		if err != nil && remote.KindOf(err) != remote.NotFound && !m.noItems() {
			return err
		}
		if err := d.subscription("UNSUBSCRIBE ", m.wire); err != nil {
			return err
		}
	}
	return nil
}
