package imap

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"outpost/internal/format"
	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/imap/wire"
)

const (
	// windowItems and windowBytes bound how much of Create is under way. The answers to it must fit into the buffers of the
	// network, as they are only read after the window was written.
	windowItems = 32
	windowBytes = 1 << 20
)

// networkLines gives a message the line ends that it has on the network. RFC 5322 2.3
func networkLines(raw []byte) []byte {
	bare := 0
	for i, c := range raw {
		if c == '\n' && (i == 0 || raw[i-1] != '\r') || c == '\r' && (i+1 == len(raw) || raw[i+1] != '\n') {
			bare++
		}
	}
	if bare == 0 {
		return raw
	}
	out := make([]byte, 0, len(raw)+bare)
	for i, c := range raw {
		switch {
		case c == '\n' && (i == 0 || raw[i-1] != '\r'), c == '\r' && (i+1 == len(raw) || raw[i+1] != '\n'):
			out = append(out, '\r', '\n')
		default:
			out = append(out, c)
		}
	}
	return out
}

// storing is one item of a Create.
type storing struct {
	raw []byte
	cmd *command
	err error // it was not even sent
}

// Create implements remote.Service. Items are sent several at once; without UIDPLUS the new ones are looked for
// afterwards.
func (d *Driver) Create(ctx context.Context, folder string, items []remote.NewItem, report func(i int, c remote.Created, err error) error) (err error) {
	c := d.c
	defer c.guard(ctx, &err)()
	if len(items) == 0 {
		return nil
	}
	m, err := d.mailbox(folder)
	if err != nil {
		return err
	}
	var s *selection
	if !c.has("UIDPLUS") || slices.ContainsFunc(items, func(it remote.NewItem) bool { return it.Flags.Keywords != "" }) {
		// Which keywords the folder keeps, and which UIDs are new, only the selected folder tells.
		if s, err = d.open(folder, !c.has("UIDPLUS")); err != nil {
			return err
		}
	}
	if c.sel != nil && c.sel != s && c.sel.box != m.wire {
		if err := d.unselect(); err != nil {
			return err
		}
	}
	for first := 0; first < len(items); {
		batch, err := d.appendBatch(m, s, items[first:])
		if err != nil {
			return err
		}
		next := uint32(0)
		if !c.has("UIDPLUS") {
			next = s.uidNext
		}
		created, err := d.outcomes(s, next, items[first:first+len(batch)], batch)
		if err != nil {
			return err
		}
		for i, b := range batch {
			err := b.err
			if b.cmd != nil {
				err = b.cmd.error()
			}
			if err := report(first+i, created[i], err); err != nil {
				return err
			}
		}
		first += len(batch)
	}
	return nil
}

// appendBatch sends as many of items as go together and waits for all answers.
func (d *Driver) appendBatch(m mailbox, s *selection, items []remote.NewItem) ([]storing, error) {
	c := d.c
	var batch []storing
	size := 0
	for _, it := range items {
		if len(batch) >= windowItems || len(batch) > 0 && size+len(it.Raw) > windowBytes {
			break
		}
		b := storing{raw: networkLines(it.Raw)}
		size += len(b.raw)
		doing := "store a message in " + m.path
		switch {
		case len(b.raw) == 0:
			b.err = &remote.Error{Kind: remote.Invalid, Doing: doing, Text: "the message is empty"}
		case c.limit > 0 && int64(len(b.raw)) > c.limit:
			b.err = &remote.Error{Kind: remote.TooLarge, Doing: doing, Text: fmt.Sprintf("the server takes messages of up to %d bytes, this one has %d", c.limit, len(b.raw))}
		default:
			b.cmd = c.begin(doing, "APPEND ")
			c.enc.String(m.wire)
			if names := flagNames(s, it.Flags); len(names) > 0 {
				c.enc.Raw(" (" + strings.Join(names, " ") + ")")
			}
			if y := it.Received.UTC().Year(); !it.Received.IsZero() && y >= 1 && y <= 9999 {
				c.enc.Raw(` "` + formatDate(it.Received) + `"`)
			}
			c.enc.Raw(" ").Literal(b.raw)
			if err := c.end(b.cmd); err != nil {
				return nil, err
			}
		}
		batch = append(batch, b)
	}
	return batch, c.wait()
}

// outcomes tells where the items of a batch are.
func (d *Driver) outcomes(s *selection, next uint32, items []remote.NewItem, batch []storing) ([]remote.Created, error) {
	out := make([]remote.Created, len(batch))
	missing := false
	for i, b := range batch {
		if b.cmd == nil || !b.cmd.ok() {
			continue
		}
		if v, u, ok := appendUID(b.cmd.code); ok && d.c.has("UIDPLUS") {
			out[i].ID = itemID(v, u)
		} else {
			missing = true
		}
	}
	if !missing || next == 0 {
		return out, nil
	}
	if _, err := d.c.simple("look for new messages", "NOOP"); err != nil {
		return nil, err
	}
	fresh, err := d.arrivals(s, next)
	if err != nil {
		return nil, err
	}
	for i, b := range batch {
		if b.cmd == nil || !b.cmd.ok() || out[i].ID != "" {
			continue
		}
		u, err := d.match(s, fresh, items[i].Raw)
		if err != nil {
			return nil, err
		}
		if u != 0 {
			out[i].ID = itemID(s.uidValidity, u)
			fresh = slices.DeleteFunc(fresh, func(a arrival) bool { return a.uid == u })
			s.uidNext = max(s.uidNext, u+1)
		}
	}
	return out, nil
}

// appendUID reads APPENDUID. A UIDVALIDITY of 0, which Dovecot tells of folders made by hand, is worth nothing. RFC 4315 3
func appendUID(co code) (uidValidity, uid uint32, ok bool) {
	if co.name != "APPENDUID" {
		return 0, 0, false
	}
	v, u, _ := strings.Cut(co.arg, " ")
	return parseItemID(v + "." + u)
}

// arrival is a message that may be one that was stored.
type arrival struct {
	uid  uint32
	size int64
	id   string
}

// arrivals lists the messages from UID next on.
func (d *Driver) arrivals(s *selection, next uint32) ([]arrival, error) {
	c := d.c
	var out []arrival
	h := &handler{fetch: func(f *fetchData) error {
		// n:* always names the last message, even when that is before n. RFC 9051 6.4.9
		if id, ok := messageID(f); ok && f.UID >= next && len(out) < 1_000_000 {
			out = append(out, arrival{f.UID, f.Size, id})
		}
		return nil
	}}
	defer c.with(h)()
	cmd := c.begin("look for new messages in "+d.path(s), "UID FETCH ")
	c.enc.Number(uint64(next)).Raw(":* " + identityItems)
	if err := c.end(cmd); err != nil {
		return nil, err
	}
	if err := c.wait(); err != nil {
		return nil, err
	}
	if err := cmd.error(); err != nil && s.exists > 0 {
		return nil, err
	}
	slices.SortFunc(out, func(a, b arrival) int { return int(int64(a.uid) - int64(b.uid)) })
	return out, nil
}

// match finds the first of list that has the bytes of raw, 0 if none has. Line ends do not count.
func (d *Driver) match(s *selection, list []arrival, raw []byte) (uint32, error) {
	want := networkLines(raw)
	id := format.Derive(groupware.MediaMessage, headerOf(want)).MessageID
	var like []uint32
	for _, a := range list {
		if a.size == int64(len(want)) && a.id == id {
			like = append(like, a.uid)
		}
	}
	hash := groupware.HashOf(want)
	found := uint32(0)
	for _, u := range like {
		err := d.fetchEach([]uint32{u}, "compare messages of "+d.path(s), "(UID BODY.PEEK[])", func(f *fetchData) error {
			if f.UID == u && f.HasBody && groupware.HashOf(networkLines(f.Body)) == hash {
				found = u
			}
			return nil
		})
		if err != nil || found != 0 {
			return found, err
		}
	}
	return 0, nil
}

// headerOf cuts a message off behind its header block.
func headerOf(raw []byte) []byte {
	if i := bytes.Index(raw, []byte("\r\n\r\n")); i >= 0 {
		return raw[:i+4]
	}
	return raw
}

// Mark implements remote.Service: UIDVALIDITY and the next UID.
func (d *Driver) Mark(ctx context.Context, folder string) (mark string, err error) {
	defer d.c.guard(ctx, &err)()
	s, err := d.open(folder, true)
	if err != nil {
		return "", err
	}
	return strconv.FormatUint(uint64(s.uidValidity), 10) + "." + strconv.FormatUint(uint64(s.uidNext), 10), nil
}

// Find implements remote.Service. After a change of UIDVALIDITY every message may be the one.
func (d *Driver) Find(ctx context.Context, folder, mark string, item remote.NewItem) (out remote.Created, found bool, err error) {
	defer d.c.guard(ctx, &err)()
	s, err := d.open(folder, true)
	if err != nil {
		return out, false, err
	}
	next := uint32(1)
	if v, u, ok := parseItemID(mark); ok && v == s.uidValidity {
		next = u
	}
	fresh, err := d.arrivals(s, next)
	if err != nil {
		return out, false, err
	}
	u, err := d.match(s, fresh, item.Raw)
	if err != nil || u == 0 {
		return out, false, err
	}
	return remote.Created{ID: itemID(s.uidValidity, u)}, true, nil
}

// Replace implements remote.Service: the new message is stored, then the old one removed. Should that be refused, the new one
// is taken away again as far as possible, so that nothing is there twice.
func (d *Driver) Replace(ctx context.Context, folder, id, tag string, item remote.NewItem) (out remote.Created, err error) {
	c := d.c
	defer c.guard(ctx, &err)()
	s, err := d.open(folder, false)
	if err != nil {
		return out, err
	}
	doing := "replace a message in " + d.path(s)
	uids := s.uids([]string{id})
	there := false
	if len(uids) == 1 {
		err := d.fetchEach(uids, doing, "(UID)", func(f *fetchData) error { there = there || f.UID == uids[0]; return nil })
		if err != nil {
			return out, err
		}
	}
	if !there {
		return out, &remote.Error{Kind: remote.Precondition, Doing: doing, Text: "the message is gone"}
	}
	if err := s.writable(doing); err != nil {
		return out, err
	}
	m, err := d.mailbox(folder)
	if err != nil {
		return out, err
	}
	if !c.has("UIDPLUS") {
		if s, err = d.open(folder, true); err != nil {
			return out, err
		}
		if uids = s.uids([]string{id}); len(uids) == 0 {
			return out, &remote.Error{Kind: remote.Precondition, Doing: doing, Text: "the message is gone"}
		}
	}
	batch, err := d.appendBatch(m, s, []remote.NewItem{item})
	if err != nil {
		return out, err
	}
	if batch[0].err != nil {
		return out, batch[0].err
	}
	if err := batch[0].cmd.error(); err != nil {
		return out, err
	}
	created, err := d.outcomes(s, s.uidNext, []remote.NewItem{item}, batch)
	if err != nil {
		return out, err
	}
	if err := d.remove(s, uids, doing); err != nil {
		if fresh := s.uids([]string{created[0].ID}); len(fresh) == 1 {
			_ = d.remove(s, fresh, doing)
		}
		return out, err
	}
	return created[0], nil
}

// writable tells at once what the server would refuse.
func (s *selection) writable(doing string) error {
	if s.readOnly {
		return &remote.Error{Kind: remote.Forbidden, Doing: doing, Text: "the folder can only be read"}
	}
	return nil
}

// emptyable is writable, for removing messages. Without the right to, Dovecot says OK to +FLAGS (\Deleted) and to EXPUNGE, and does nothing.
func (s *selection) emptyable(doing string) error {
	if s.permanent != nil && !s.permanent.flags.Has(groupware.Flags{System: groupware.Deleted}) {
		return &remote.Error{Kind: remote.Forbidden, Doing: doing, Text: "messages cannot be removed from this folder"}
	}
	return s.writable(doing)
}

// flagNames writes flags as the server knows them, without those that the folder cannot keep: the next observation then
// shows them missing. s may be nil where there are no keywords.
func flagNames(s *selection, f groupware.Flags) []string {
	var out []string
	keeps := func(g groupware.Flags) bool {
		return s == nil || s.permanent == nil || s.permanent.flags.Has(g)
	}
	for i, name := range []string{`\Seen`, `\Answered`, `\Flagged`, `\Draft`, `\Deleted`} {
		if g := (groupware.Flags{System: 1 << i}); f.Has(g) && keeps(g) {
			out = append(out, name)
		}
	}
	for _, k := range f.KeywordList() {
		if wire.IsAtom(k) && (keeps(groupware.Flags{Keywords: k}) || s.permanent.any) {
			out = append(out, spelling(s, k))
		}
	}
	return out
}

// spelling is how the server writes a keyword, or how everybody does: some programs compare with case.
func spelling(s *selection, keyword string) string {
	if s != nil && s.spelling[keyword] != "" {
		return s.spelling[keyword]
	}
	for _, known := range []string{"$Forwarded", "$MDNSent", "$SubmitPending", "$Submitted", "$Junk", "$NotJunk", "$Phishing", "$Important",
		"Junk", "NonJunk", "$Label1", "$Label2", "$Label3", "$Label4", "$Label5"} {
		if strings.EqualFold(known, keyword) {
			return known
		}
	}
	return keyword
}
