package imap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/imap/wire"
)

// mailbox is a folder as this connection knows it.
type mailbox struct {
	id       string
	objectID bool   // id is a MAILBOXID (RFC 8474), else the path
	wire     string // the name as the server writes it
	path     string // decoded, for messages to people
	delim    string
	levels   []string // decoded, without the namespace's prefix
	attrs    map[string]bool
	status   status
	rights   string // RFC 4314 2.1, "" when not known
	real     bool   // the server lists it; else it is only above one that is listed
}

func (m mailbox) noItems() bool {
	return !m.real || m.attrs[`\noselect`] || m.attrs[`\nonexistent`]
}

// readOnly reports whether nothing in the mailbox can be changed but whether it was read. "d" is what came before "t", "e" and "x", and
// means little beside them. RFC 4314 2.1.1
func (m mailbox) readOnly() bool {
	return m.rights != "" && !strings.ContainsAny(m.rights, "iwte") && (strings.ContainsAny(m.rights, "kx") || !strings.Contains(m.rights, "d"))
}

// namespace is one of NAMESPACE's. RFC 2342 5
type namespace struct{ prefix, delim string }

func (d *Driver) setNamespaces(personal, others, shared wire.Value) {
	read := func(v wire.Value) (out []namespace) {
		for _, n := range v.List {
			out = append(out, namespace{n.At(0).Str, n.At(1).Str})
		}
		return out
	}
	d.personal = read(personal)
	d.others = append(read(others), read(shared)...)
	if len(d.personal) > 0 {
		d.delim = d.personal[0].delim
	}
}

// home splits a mailbox's name into its personal namespace's prefix and the rest. ok is false for what belongs to others.
func (d *Driver) home(name string) (prefix, rest string, ok bool) {
	other := 0
	for _, n := range d.others {
		if n.prefix != "" && (strings.HasPrefix(name, n.prefix) || name+n.delim == n.prefix) {
			other = max(other, len(n.prefix))
		}
	}
	own := 0
	for _, n := range d.personal {
		if strings.HasPrefix(name, n.prefix) && len(name) > len(n.prefix) {
			own = max(own, len(n.prefix))
		}
		if n.prefix != "" && name+n.delim == n.prefix && !isInbox(name) {
			return "", "", false // the namespace's own root
		}
	}
	if other > own {
		return "", "", false
	}
	return name[:own], name[own:], true
}

func isInbox(name string) bool { return strings.EqualFold(name, "INBOX") }

// normalInbox gives INBOX its one spelling, also as the first level of a name. RFC 9051 5.1
func normalInbox(name, delim string) string {
	if isInbox(name) || delim != "" && len(name) > 5 && isInbox(name[:5]) && strings.HasPrefix(name[5:], delim) {
		return "INBOX" + name[5:]
	}
	return name
}

// decode turns a name or a level of it into text.
func (d *Driver) decode(name string) string {
	if !d.c.utf8() {
		name, _ = wire.DecodeUTF7(name)
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

func (d *Driver) encode(level string) string {
	if d.c.utf8() {
		return level
	}
	return wire.EncodeUTF7(level)
}

// Folders implements remote.Service. Other people's and shared namespaces are left out for now.
func (d *Driver) Folders(ctx context.Context) (out []remote.Folder, err error) {
	defer d.c.guard(ctx, &err)()
	boxes, err := d.list()
	if err != nil {
		return nil, err
	}
	return d.folders(boxes), nil
}

// list asks for all mailboxes with their status and remembers them. Parents come before children.
func (d *Driver) list() ([]mailbox, error) {
	c := d.c
	var names []string
	byName := map[string]mailbox{}
	stats, rights := map[string]status{}, map[string]string{}
	h := &handler{
		list: func(l listed) {
			m, ok := d.place(l)
			if !ok || len(names) >= maxFolders {
				return
			}
			if old, dup := byName[m.wire]; dup {
				for a := range l.attrs {
					old.attrs[a] = true
				}
				return
			}
			names = append(names, m.wire)
			byName[m.wire] = m
		},
		status: func(box string, s status) {
			box = normalInbox(box, d.delim)
			s.merge(stats[box])
			stats[box] = s
		},
		rights: func(box, r string) {
			if box = normalInbox(box, d.delim); len(rights) < maxFolders && len(r) < 100 {
				rights[box] = r
			}
		},
	}
	defer c.with(h)()
	if err := d.unselect(); err != nil {
		return nil, err
	}
	cmd := c.begin("list the folders", `LIST "" "*"`)
	if opts := d.listOptions(); opts != "" {
		c.enc.Raw(" RETURN (" + opts + ")")
	}
	if err := c.end(cmd); err != nil {
		return nil, err
	}
	if err := c.wait(); err != nil {
		return nil, err
	}
	if err := cmd.error(); err != nil {
		return nil, err
	}
	if err := d.askStatus(names, byName, stats); err != nil {
		return nil, err
	}
	for box, r := range rights {
		if m, ok := byName[box]; ok {
			m.rights = r
			byName[box] = m
		}
	}
	return d.arrange(names, byName, stats), nil
}

// maxFolders bounds what a server can list.
const maxFolders = 100_000

// listOptions are what LIST shall return besides names. RFC 5258 3, RFC 6154 3, RFC 8440 3, RFC 5819 2
func (d *Driver) listOptions() string {
	var opts []string
	if d.c.has("LIST-EXTENDED") {
		if d.c.has("SPECIAL-USE") {
			opts = append(opts, "SPECIAL-USE")
		}
		if d.c.has("LIST-MYRIGHTS") {
			opts = append(opts, "MYRIGHTS")
		}
		if d.c.has("LIST-STATUS") {
			opts = append(opts, "STATUS "+d.statusItems())
		}
	}
	return strings.Join(opts, " ")
}

func (d *Driver) statusItems() string {
	items := "MESSAGES UIDNEXT UIDVALIDITY"
	if d.c.has("CONDSTORE") {
		items += " HIGHESTMODSEQ"
	}
	return "(" + items + ")"
}

// askStatus asks for what LIST did not bring, many at once. MAILBOXID is asked for alone: with other items, or in
// LIST-STATUS, Cyrus 3.6 answers it with whatever lies in its memory, line ends and all. Where LIST does not tell the rights
// (Dovecot 2.3) they are asked for too: two hundred folders take it two milliseconds.
func (d *Driver) askStatus(names []string, byName map[string]mailbox, stats map[string]status) error {
	c := d.c
	var asked []*command
	// settle waits for all that was asked. It is not done one by one: Cyrus would wait 40 ms with every small answer.
	settle := func() error {
		if err := c.wait(); err != nil {
			return err
		}
		for _, cmd := range asked {
			if refused := cmd.error(); refused != nil && c.has("OBJECTID") && remote.IsRetryable(refused) {
				return refused // without its id the folder would look like another one
			}
		}
		asked = asked[:0]
		return nil
	}
	for _, name := range names {
		m := byName[name]
		if m.noItems() {
			continue
		}
		type question struct{ verb, items string }
		var ask []question
		if !stats[name].known {
			ask = append(ask, question{"STATUS ", " " + d.statusItems()})
		}
		if c.has("OBJECTID") {
			ask = append(ask, question{"STATUS ", " (MAILBOXID)"})
		}
		if c.has("ACL") && !(c.has("LIST-MYRIGHTS") && c.has("LIST-EXTENDED")) {
			ask = append(ask, question{"MYRIGHTS ", ""}) // RFC 4314 3.5
		}
		for _, q := range ask {
			cmd := c.begin("ask about "+m.path, q.verb)
			c.enc.String(m.wire).Raw(q.items)
			if err := c.end(cmd); err != nil {
				return err
			}
			asked = append(asked, cmd)
		}
		if len(asked) >= 250 {
			if err := settle(); err != nil {
				return err
			}
		}
	}
	return settle()
}

// isObjectID reports whether s can be an object's id. RFC 8474 7 "objectid"
func isObjectID(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; !(c >= 'a' && c <= 'z' || s[i] >= '0' && s[i] <= '9' || s[i] == '_' || s[i] == '-') {
			return false
		}
	}
	return s != "" && len(s) <= 255
}

// place makes a mailbox of what LIST said, if it is ours to show.
func (d *Driver) place(l listed) (mailbox, bool) {
	name := normalInbox(l.name, l.delim)
	if d.delim == "" {
		d.delim = l.delim
	}
	prefix, rest, ok := d.home(name)
	if !ok || name == "" || l.attrs[`\nonexistent`] {
		return mailbox{}, false
	}
	if l.delim != "" {
		rest = strings.TrimSuffix(rest, l.delim)
	}
	m := mailbox{wire: prefix + rest, delim: l.delim, attrs: l.attrs, real: true}
	return d.named(m, rest), rest != ""
}

// named fills in what follows from a mailbox's name.
func (d *Driver) named(m mailbox, rest string) mailbox {
	levels := []string{rest}
	if m.delim != "" {
		levels = strings.Split(rest, m.delim)
	}
	m.levels = make([]string, len(levels))
	for i, l := range levels {
		m.levels[i] = d.decode(l)
	}
	m.path = strings.Join(m.levels, "/")
	m.id = d.decode(m.wire)
	if d.c.has("OBJECTID") {
		m.id = "path:" + m.id // never equal to a MAILBOXID
	}
	return m
}

// arrange gives mailboxes their ids, adds missing parents and sorts.
func (d *Driver) arrange(names []string, byName map[string]mailbox, stats map[string]status) []mailbox {
	for i := 0; i < len(names); i++ {
		m := byName[names[i]]
		if s, ok := stats[m.wire]; ok {
			m.status = s
			if isObjectID(s.mailboxID) && d.c.has("OBJECTID") {
				m.id, m.objectID = s.mailboxID, true
			}
			byName[m.wire] = m
		}
		above := m.parentName()
		if _, known := byName[above]; above != "" && !known && len(names) < 2*maxFolders {
			p := mailbox{wire: above, delim: m.delim, attrs: map[string]bool{}}
			_, rest, _ := d.home(above)
			byName[above] = d.named(p, rest)
			names = append(names, above)
		}
	}
	d.boxes = make(map[string]mailbox, len(names))
	out := make([]mailbox, 0, len(names))
	for _, n := range names {
		m := byName[n]
		out = append(out, m)
		d.boxes[m.id] = m
	}
	slices.SortFunc(out, func(a, b mailbox) int {
		if ai, bi := isInbox(a.levels[0]), isInbox(b.levels[0]); ai != bi { // first what everybody reads first
			if ai {
				return -1
			}
			return 1
		}
		return slices.Compare(a.levels, b.levels)
	})
	return out
}

// parentName is the name of the mailbox above, "" at the top.
func (m mailbox) parentName() string {
	if len(m.levels) < 2 {
		return ""
	}
	return m.wire[:strings.LastIndex(m.wire, m.delim)]
}

// folders turns mailboxes into what the engine wants to know.
func (d *Driver) folders(boxes []mailbox) []remote.Folder {
	roles := d.roles(boxes)
	ids := make(map[string]string, len(boxes))
	out := make([]remote.Folder, 0, len(boxes))
	for i, m := range boxes {
		ids[m.wire] = m.id
		f := remote.Folder{ID: m.id, Parent: ids[m.parentName()], Name: m.levels[len(m.levels)-1], Kind: groupware.FolderMail, Role: roles[i], ReadOnly: m.readOnly() || d.readOnly[m.id],
			NoItems: m.noItems(), Items: -1}
		if len(m.levels) == 1 && strings.EqualFold(f.Name, "Notes") && f.Role == "" {
			f.Kind = groupware.FolderNotes
		}
		if m.status.known {
			f.Items = int64(m.status.messages)
			if m.status.uidValidity != 0 {
				f.Identity = fmt.Sprint(m.status.uidValidity)
			}
			if d.c.has("CONDSTORE") && m.status.modSeq > 0 && m.status.uidValidity > 0 {
				f.State = token{m.status.uidValidity, m.status.modSeq, m.status.uidNext, m.status.messages}.String()
			}
		}
		out = append(out, f)
	}
	return out
}

// roles finds special folders: by attribute (RFC 6154), else, where the server knows no attributes, by name. A role is
// given once.
func (d *Driver) roles(boxes []mailbox) []groupware.Role {
	out := make([]groupware.Role, len(boxes))
	taken := map[groupware.Role]bool{}
	give := func(i int, r groupware.Role) {
		if r != "" && out[i] == "" && !taken[r] {
			out[i], taken[r] = r, true
		}
	}
	marked := false
	for i, m := range boxes {
		if isInbox(m.wire) {
			give(i, groupware.RoleInbox)
		}
		for attr, r := range map[string]groupware.Role{`\sent`: groupware.RoleSent, `\drafts`: groupware.RoleDrafts, `\trash`: groupware.RoleTrash,
			`\junk`: groupware.RoleJunk, `\spam`: groupware.RoleJunk, `\archive`: groupware.RoleArchive} {
			if m.attrs[attr] {
				give(i, r)
				marked = true
			}
		}
	}
	for i, m := range boxes {
		if m.attrs[`\all`] || m.attrs[`\allmail`] {
			give(i, groupware.RoleArchive) // everything once more: by default not wanted here either
		}
	}
	if marked || d.c.has("SPECIAL-USE") {
		return out
	}
	for i, m := range boxes {
		if len(m.levels) == 1 || len(m.levels) == 2 && isInbox(m.levels[0]) {
			give(i, roleByName(m.levels[len(m.levels)-1]))
		}
	}
	return out
}

// roleByName knows what mail programs call their special folders, in English and German.
func roleByName(name string) groupware.Role {
	switch strings.ToLower(name) {
	case "sent", "sent items", "sent messages", "sent mail", "gesendet", "gesendete objekte", "gesendete elemente", "gesendete nachrichten":
		return groupware.RoleSent
	case "drafts", "draft", "entwürfe", "entwurf":
		return groupware.RoleDrafts
	case "trash", "deleted items", "deleted messages", "papierkorb", "gelöschte objekte", "gelöschte elemente", "gelöscht":
		return groupware.RoleTrash
	case "junk", "spam", "junk e-mail", "junk-e-mail", "unerwünscht", "werbung":
		return groupware.RoleJunk
	case "archive", "archives", "archiv", "archiviert":
		return groupware.RoleArchive
	}
	return ""
}

// mailbox finds a folder by its id, and asks the server anew for one that is not known.
func (d *Driver) mailbox(id string) (mailbox, error) {
	if m, ok := d.boxes[id]; ok {
		return m, nil
	}
	if _, err := d.list(); err != nil {
		return mailbox{}, err
	}
	if m, ok := d.boxes[id]; ok {
		return m, nil
	}
	return mailbox{}, notFound("open a folder")
}
