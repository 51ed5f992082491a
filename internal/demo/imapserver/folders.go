package imapserver

import (
	"fmt"
	"slices"
	"strings"

	"outpost/internal/demo/mailstore"
)

// mailbox reads a mailbox name.
func (x *session) mailbox(c *command) (string, error) {
	if err := c.space(); err != nil {
		return "", err
	}
	s, err := c.astring()
	if err != nil {
		return "", err
	}
	return x.decodeName(s)
}

func (x *session) decodeName(s string) (string, error) {
	if x.rev2 {
		return s, nil
	}
	n, ok := decodeUTF7(s)
	if !ok {
		return "", mailstore.ErrName
	}
	return n, nil
}

// name writes a mailbox name.
func (x *session) name(s string) string {
	if !x.rev2 {
		s = encodeUTF7(s)
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

type listOptions struct {
	subscribed, special, recursive bool // selection
	rights                         bool // to tell them
	status                         []string
}

// list is LIST with RFC 5258, 5819 and 6154.
func (x *session) list(c *command) (string, error) {
	var o listOptions
	if err := c.space(); err != nil {
		return "", err
	}
	if c.peek() == '(' && x.can("LIST-EXTENDED") {
		err := c.list(func() error {
			w, err := c.word()
			switch w {
			case "SUBSCRIBED":
				o.subscribed = true
			case "SPECIAL-USE":
				o.special = true
			case "RECURSIVEMATCH":
				o.recursive = true
			case "REMOTE":
			default:
				return bad("LIST selection %q: not known", w)
			}
			return err
		})
		if err == nil {
			err = c.space()
		}
		if err != nil {
			return "", err
		}
	}
	ref, patterns, err := x.listPatterns(c)
	if err != nil {
		return "", err
	}
	if c.take(' ') {
		if err := x.listReturn(c, &o); err != nil {
			return "", err
		}
	}
	if err := c.done(); err != nil {
		return "", err
	}
	if len(patterns) == 1 && patterns[0] == "" {
		x.printf("* LIST (\\Noselect) \"/\" \"\"\r\n")
		return "done", nil
	}
	boxes := x.user.Mailboxes()
	states := make([]mailstore.State, len(boxes))
	for i, b := range boxes {
		states[i] = b.State()
	}
	for i, st := range states {
		if st.Gone || !slices.ContainsFunc(patterns, func(p string) bool { return matches(ref+p, st.Name) }) || o.special && st.Use == "" {
			continue
		}
		below := func(ok func(mailstore.State) bool) bool {
			return slices.ContainsFunc(states, func(c mailstore.State) bool { return strings.HasPrefix(c.Name, st.Name+"/") && ok(c) })
		}
		childInfo := ""
		if o.subscribed && o.recursive && below(func(c mailstore.State) bool { return c.Subscribed }) {
			childInfo = ` ("CHILDINFO" ("SUBSCRIBED"))`
		}
		if o.subscribed && !st.Subscribed && childInfo == "" {
			continue
		}
		attrs := []string{`\HasNoChildren`}
		if below(func(mailstore.State) bool { return true }) {
			attrs[0] = `\HasChildren`
		}
		if st.Subscribed && x.can("LIST-EXTENDED") {
			attrs = append(attrs, `\Subscribed`)
		}
		if st.Use != "" && x.can("SPECIAL-USE") {
			attrs = append(attrs, st.Use)
		}
		x.printf("* LIST (%s) \"/\" %s%s\r\n", strings.Join(attrs, " "), x.name(st.Name), childInfo)
		if o.rights {
			x.writeRights(boxes[i])
		}
		if o.status != nil {
			x.writeStatus(boxes[i], o.status)
		}
	}
	return "done", nil
}

func (x *session) listPatterns(c *command) (ref string, patterns []string, err error) {
	if ref, err = c.astring(); err == nil {
		err = c.space()
	}
	if err != nil {
		return "", nil, err
	}
	one := func() error {
		p, err := c.pattern()
		if err == nil {
			p, err = x.decodeName(p)
		}
		if len(p) > 1000 || len(patterns) >= 100 {
			return bad("too long a pattern")
		}
		patterns = append(patterns, p)
		return err
	}
	if c.peek() == '(' {
		return ref, patterns, c.list(one)
	}
	err = one()
	return ref, patterns, err
}

func (x *session) listReturn(c *command, o *listOptions) error {
	if w, err := c.word(); err != nil || w != "RETURN" || !x.can("LIST-EXTENDED") {
		return bad("%q: not known here", w)
	}
	if err := c.space(); err != nil {
		return err
	}
	return c.list(func() error {
		w, err := c.word()
		switch w {
		case "SUBSCRIBED", "CHILDREN", "SPECIAL-USE": // told in any case
		case "MYRIGHTS":
			if o.rights = x.can("LIST-MYRIGHTS"); !o.rights {
				return bad("LIST-MYRIGHTS is not offered")
			}
		case "STATUS":
			if !x.can("LIST-STATUS") {
				return bad("LIST-STATUS is not offered")
			}
			if err := c.space(); err != nil {
				return err
			}
			o.status, err = x.statusItems(c)
			return err
		default:
			return bad("LIST return option %q: not known", w)
		}
		return err
	})
}

// matches is the wildcard match of RFC 9051 6.3.9. The work is bounded by the product of the lengths.
func matches(pattern, name string) bool {
	if strings.EqualFold(pattern, "INBOX") {
		pattern = "INBOX"
	}
	reach := make([]bool, len(name)+1) // reach[i]: the pattern so far matches name[:i]
	reach[0] = true
	for p := range len(pattern) {
		next := make([]bool, len(name)+1)
		for i := range reach {
			switch pattern[p] {
			case '*', '%':
				next[i] = reach[i] || i > 0 && next[i-1] && (pattern[p] == '*' || name[i-1] != '/')
			default:
				next[i] = i > 0 && reach[i-1] && pattern[p] == name[i-1]
			}
		}
		reach = next
	}
	return reach[len(name)]
}

func (x *session) lsub(c *command) (string, error) {
	if err := c.space(); err != nil {
		return "", err
	}
	ref, patterns, err := x.listPatterns(c)
	if err != nil {
		return "", err
	}
	for _, b := range x.user.Mailboxes() {
		if st := b.State(); st.Subscribed && matches(ref+patterns[0], st.Name) {
			x.printf("* LSUB () \"/\" %s\r\n", x.name(st.Name))
		}
	}
	return "done", nil
}

func (x *session) status(c *command) (string, error) {
	name, err := x.mailbox(c)
	if err != nil {
		return "", err
	}
	if err := c.space(); err != nil {
		return "", err
	}
	items, err := x.statusItems(c)
	if err != nil {
		return "", err
	}
	b, err := x.user.Mailbox(name)
	if err != nil {
		return "", err
	}
	if err := need(b, "r"); err != nil {
		return "", err
	}
	x.writeStatus(b, items)
	return "done", x.update(nil, true)
}

func (x *session) statusItems(c *command) ([]string, error) {
	items := []string{}
	err := c.list(func() error {
		w, err := c.word()
		ok := slices.Contains([]string{"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "APPENDLIMIT"}, w) ||
			w == "SIZE" && x.can("STATUS=SIZE") || w == "HIGHESTMODSEQ" && x.can("CONDSTORE") || w == "MAILBOXID" && x.can("OBJECTID")
		if err == nil && !ok {
			err = bad("STATUS %q: not known", w)
		}
		items = append(items, w)
		return err
	})
	return items, err
}

func (x *session) writeStatus(b *mailstore.Mailbox, items []string) {
	st := b.State()
	var out []string
	for _, w := range items {
		var v any
		switch w {
		case "MESSAGES":
			v = st.Messages
		case "RECENT":
			v = 0
		case "UIDNEXT":
			v = st.UIDNext
		case "UIDVALIDITY":
			v = st.Validity
		case "UNSEEN":
			v = st.Unseen
		case "DELETED":
			v = st.Deleted
		case "SIZE":
			v = st.Size
		case "APPENDLIMIT":
			v = mailstore.MaxMessage
		case "HIGHESTMODSEQ":
			x.condAll = true
			v = st.ModSeq
		case "MAILBOXID":
			v = "(" + st.ID + ")"
		}
		out = append(out, fmt.Sprint(w, " ", v))
	}
	x.printf("* STATUS %s (%s)\r\n", x.name(st.Name), strings.Join(out, " "))
}

// create is CREATE, with RFC 6154's USE and RFC 8474's answer.
func (x *session) create(c *command) (string, error) {
	name, err := x.mailbox(c)
	if err != nil {
		return "", err
	}
	use := ""
	if c.take(' ') {
		if !x.can("CREATE-SPECIAL-USE") {
			return "", bad("CREATE-SPECIAL-USE is not offered")
		}
		err := c.list(func() error {
			if w, err := c.word(); err != nil || w != "USE" {
				return bad("CREATE %q: not known", w)
			}
			if err := c.space(); err != nil {
				return err
			}
			return c.list(func() error {
				f, err := c.flag()
				i := slices.IndexFunc(specialUses(), func(u string) bool { return strings.EqualFold(u, f) })
				if err == nil && i < 0 {
					return no("[USEATTR] %s: not known", f)
				}
				if err == nil {
					use = specialUses()[i]
				}
				return err
			})
		})
		if err != nil {
			return "", err
		}
	}
	if err := c.done(); err != nil {
		return "", err
	}
	if use != "" {
		for _, b := range x.user.Mailboxes() {
			if b.State().Use == use {
				return "", no("[USEATTR] another mailbox is %s", use)
			}
		}
	}
	b, err := x.user.Create(name, use)
	if err != nil {
		return "", err
	}
	if x.can("OBJECTID") {
		return "[MAILBOXID (" + b.State().ID + ")] made", nil
	}
	return "made", nil
}

func specialUses() []string {
	return []string{`\Sent`, `\Drafts`, `\Trash`, `\Junk`, `\Archive`, `\Flagged`, `\Important`}
}

func (x *session) folderCommand(verb string, c *command) (string, error) {
	name, err := x.mailbox(c)
	if err != nil {
		return "", err
	}
	to := ""
	if verb == "RENAME" {
		if to, err = x.mailbox(c); err != nil {
			return "", err
		}
	}
	if err := c.done(); err != nil {
		return "", err
	}
	if b, err := x.user.Mailbox(name); err == nil && (verb == "DELETE" || verb == "RENAME") {
		if err := need(b, "x"); err != nil {
			return "", err
		}
	}
	switch verb {
	case "DELETE":
		err = x.user.Delete(name)
	case "RENAME":
		err = x.user.Rename(name, to)
	default:
		var b *mailstore.Mailbox
		if b, err = x.user.Mailbox(name); err == nil {
			b.SetSubscribed(verb == "SUBSCRIBE")
		} else if verb == "UNSUBSCRIBE" {
			err = nil
		}
	}
	return "done", err
}
