package imapserver

import (
	"strings"

	"outpost/internal/demo/mailstore"
)

// need refuses what a user has no right to. One of wanted is enough (RFC 4314 4).
func need(b *mailstore.Mailbox, wanted string) error {
	if !strings.ContainsAny(b.Rights(), wanted) {
		return no("[NOPERM] the right %s to this mailbox is missing", wanted)
	}
	return nil
}

// permitted picks the flags that may be changed.
func permitted(rights string, flags []string) (out []string) {
	for _, f := range flags {
		right := "w"
		switch {
		case strings.EqualFold(f, `\Seen`):
			right = "s"
		case strings.EqualFold(f, `\Deleted`):
			right = "t"
		}
		if strings.Contains(rights, right) {
			out = append(out, f)
		}
	}
	return out
}

// rightsCommand is RFC 4314's MYRIGHTS, GETACL, SETACL, DELETEACL and LISTRIGHTS. Every mailbox has one user: its owner, who may
// take rights from himself, but not that of giving them back.
func (x *session) rightsCommand(verb string, c *command) (string, error) {
	name, err := x.mailbox(c)
	if err != nil {
		return "", err
	}
	b, err := x.user.Mailbox(name)
	if err != nil {
		return "", err
	}
	var args []string
	for c.take(' ') {
		s, err := c.astring()
		if err != nil {
			return "", err
		}
		args = append(args, s)
	}
	want := map[string]int{"MYRIGHTS": 0, "GETACL": 0, "SETACL": 2, "DELETEACL": 1, "LISTRIGHTS": 1}[verb]
	if err := c.done(); err != nil || len(args) != want {
		return "", bad("%s takes %d words after the mailbox", verb, want)
	}
	if want > 0 && !strings.EqualFold(args[0], x.user.Email()) {
		return "", no("[CANNOT] nobody else can have rights here")
	}
	owner := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(x.user.Email()) + `"`
	switch verb {
	case "MYRIGHTS":
		x.writeRights(b)
	case "GETACL":
		x.printf("* ACL %s %s %s\r\n", x.name(name), owner, b.Rights())
	case "LISTRIGHTS":
		x.printf("* LISTRIGHTS %s %s la", x.name(name), owner)
		for _, r := range mailstore.AllRights {
			if r != 'l' && r != 'a' {
				x.printf(" %c", r)
			}
		}
		x.printf("\r\n")
	case "SETACL":
		old := b.Rights()
		set := strings.NewReplacer("d", "te", "c", "kx").Replace(strings.TrimLeft(args[1], "+-")) // RFC 4314 2.1.1
		switch {
		case strings.Trim(set, mailstore.AllRights) != "":
			return "", bad("these are no rights: %q", args[1])
		case strings.HasPrefix(args[1], "+"):
			set += old
		case strings.HasPrefix(args[1], "-"):
			set = strings.Map(func(r rune) rune {
				if strings.ContainsRune(set, r) {
					return -1
				}
				return r
			}, old)
		}
		b.SetRights(set)
	default:
		b.SetRights("")
	}
	return "done", nil
}

func (x *session) writeRights(b *mailstore.Mailbox) {
	x.printf("* MYRIGHTS %s %s\r\n", x.name(b.State().Name), b.Rights())
}

// mayStore picks the flags that STORE may change, and refuses where that is none, or not all that replacing changes (RFC 4314 4).
func mayStore(b *mailstore.Mailbox, op mailstore.FlagOp, flags []string) ([]string, error) {
	rights := b.Rights()
	kept := permitted(rights, flags)
	if len(kept) == 0 && len(flags) > 0 || op == mailstore.ReplaceFlags && len(permitted(rights, []string{`\Seen`, `\Deleted`, `\Flagged`})) < 3 {
		return nil, no("[NOPERM] these flags may not be changed here")
	}
	return kept, nil
}
