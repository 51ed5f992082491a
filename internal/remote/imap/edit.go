package imap

import (
	"context"
	"slices"
	"strings"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/imap/wire"
)

// SetFlags implements remote.Service.
func (d *Driver) SetFlags(ctx context.Context, folder string, ids []string, add, remove groupware.Flags) (err error) {
	defer d.c.guard(ctx, &err)()
	s, uids, err := d.target(folder, ids)
	if err != nil || len(uids) == 0 {
		return err
	}
	doing := "set flags in " + d.path(s)
	if err := s.writable(doing); err != nil {
		return err
	}
	for _, change := range []struct {
		verb  string
		flags groupware.Flags
	}{{" +FLAGS.SILENT (", add}, {" -FLAGS.SILENT (", remove}} {
		names := flagNames(s, change.flags)
		if len(names) == 0 {
			continue
		}
		items := change.verb + strings.Join(names, " ") + ")"
		err := d.run(doing, &handler{}, source(uids, func(part []uint32) *job {
			return &job{uids: part, verb: "UID STORE ", items: items}
		}))
		if err != nil {
			return err
		}
	}
	return nil
}

// target opens a folder and takes ids apart, all of which must be of its UIDVALIDITY.
func (d *Driver) target(folder string, ids []string) (*selection, []uint32, error) {
	if len(ids) == 0 {
		return nil, nil, nil
	}
	s, err := d.open(folder, false)
	if err != nil {
		return nil, nil, err
	}
	uids := s.uids(ids)
	if len(uids) < len(ids) {
		return nil, nil, renumbered("change messages of " + d.path(s))
	}
	return s, uids, nil
}

func renumbered(doing string) error {
	return &remote.Error{Kind: remote.Precondition, Doing: doing, Text: "the folder was numbered anew (UIDVALIDITY)"}
}

// remove deletes messages for good. With UIDPLUS only these (RFC 4315 2.1). Without it EXPUNGE takes everything that is
// marked: so what others have marked is unmarked for that moment. Whatever is interrupted there, nothing but uids is lost; others'
// marks may be.
func (d *Driver) remove(s *selection, uids []uint32, doing string) error {
	c := d.c
	if len(uids) == 0 {
		return nil
	}
	if err := s.emptyable(doing); err != nil {
		return err
	}
	store := func(uids []uint32, how string) error {
		return d.run(doing, &handler{}, source(uids, func(part []uint32) *job {
			return &job{uids: part, verb: "UID STORE ", items: " " + how + `FLAGS.SILENT (\Deleted)`}
		}))
	}
	if err := store(uids, "+"); err != nil {
		return err
	}
	if c.has("UIDPLUS") {
		return d.run(doing, &handler{}, source(uids, func(part []uint32) *job { return &job{uids: part, verb: "UID EXPUNGE "} }))
	}
	marked, err := d.search(doing, "DELETED")
	if err != nil {
		return err
	}
	mine := slices.Sorted(slices.Values(uids))
	var others []uint32
	for _, r := range marked {
		for u := int64(r.Low); u <= int64(r.High); u++ {
			if _, ok := slices.BinarySearch(mine, uint32(u)); !ok {
				others = append(others, uint32(u))
			}
		}
	}
	if err := store(others, "-"); err != nil {
		return err
	}
	cmd, err := c.simple(doing, "EXPUNGE")
	if err != nil {
		return err
	}
	return firstError(cmd.error(), store(others, "+"))
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Delete implements remote.Service. Messages have no tags: their content never changes.
func (d *Driver) Delete(ctx context.Context, folder string, items []remote.Ref, report func(id string, err error) error) (err error) {
	defer d.c.guard(ctx, &err)()
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = it.ID
	}
	for part := range slices.Chunk(ids, d.deleteChunk(len(ids))) {
		s, err := d.open(folder, false)
		if err != nil {
			return err
		}
		uids := s.uids(part)
		refused := d.remove(s, uids, "delete messages of "+d.path(s))
		if d.c.dead != nil || refused != nil && remote.IsRetryable(refused) {
			return refused
		}
		for _, id := range part {
			outcome := refused
			if v, _, ok := parseItemID(id); !ok || v != s.uidValidity {
				outcome = renumbered("delete messages of " + d.path(s))
			}
			if err := report(id, outcome); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteChunk is how many messages are deleted before their outcome is reported. Without UIDPLUS all of them are, as each
// EXPUNGE disturbs others.
func (d *Driver) deleteChunk(n int) int {
	if !d.c.has("UIDPLUS") {
		return max(1, n)
	}
	return chunkItems
}

// Move implements remote.Service. Without MOVE messages are copied and then removed; only what was copied is.
func (d *Driver) Move(ctx context.Context, folder string, ids []string, to string) (moved map[string]string, err error) {
	c := d.c
	defer c.guard(ctx, &err)()
	moved = map[string]string{}
	if len(ids) == 0 {
		return moved, nil
	}
	dest, err := d.mailbox(to)
	if err != nil {
		return nil, err
	}
	s, uids, err := d.target(folder, ids)
	if err != nil || len(uids) == 0 {
		return moved, err
	}
	doing := "move messages from " + d.path(s) + " to " + dest.path
	if err := s.emptyable(doing); err != nil {
		return moved, err
	}
	if folder == to {
		for _, u := range uids {
			moved[itemID(s.uidValidity, u)] = itemID(s.uidValidity, u)
		}
		return moved, nil
	}
	told := c.has("UIDPLUS")
	if !told {
		// Nobody will tell which of them were there, so ask before.
		if uids, err = d.present(s, uids, doing); err != nil {
			return moved, err
		}
		for _, u := range uids {
			moved[itemID(s.uidValidity, u)] = ""
		}
	}
	var copied []uint32
	h := &handler{code: func(co code) {
		if !told || co.name != "COPYUID" {
			return
		}
		for from, now := range copyUID(co.arg) {
			copied = append(copied, from)
			moved[itemID(s.uidValidity, from)] = now
		}
	}}
	verb := "UID COPY "
	if c.has("MOVE") {
		verb = "UID MOVE "
	}
	err = d.run(doing, h, source(uids, func(part []uint32) *job {
		return &job{uids: part, verb: verb, items: " ", mailbox: dest.wire}
	}))
	if err != nil || c.has("MOVE") {
		return moved, err
	}
	if !told {
		copied = uids
	}
	return moved, d.remove(s, copied, doing)
}

// present picks those of uids that are in the selected folder.
func (d *Driver) present(s *selection, uids []uint32, doing string) (out []uint32, err error) {
	err = d.fetchEach(uids, doing, "(UID)", func(f *fetchData) error {
		out = append(out, f.UID)
		return nil
	})
	slices.Sort(out)
	wanted := slices.Sorted(slices.Values(uids))
	return slices.DeleteFunc(slices.Compact(out), func(u uint32) bool {
		_, ok := slices.BinarySearch(wanted, u)
		return !ok
	}), err
}

// copyUID reads the argument of COPYUID: for each UID of the source the new id. RFC 4315 3
func copyUID(arg string) map[uint32]string {
	out := map[uint32]string{}
	fields := strings.Fields(arg)
	if len(fields) != 3 {
		return out
	}
	validity := wire.ParseSet(fields[0], 1)
	from, to := wire.ParseSet(fields[1], chunkItems), wire.ParseSet(fields[2], chunkItems)
	if len(validity) != 1 || validity[0] == 0 || len(from) != len(to) {
		return out
	}
	for i, u := range from {
		out[u] = itemID(validity[0], to[i])
	}
	return out
}
