package fake

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

func (c *conn) Name() string { return c.name }

func (c *conn) Traffic() (in, out int64) { return c.in.Load(), c.out.Load() }

func (c *conn) Close() error {
	c.dead = true
	return nil
}

// locked runs fn with the server's lock held.
func (c *conn) locked(fn func(s *Server) error) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return fn(c.s)
}

// folder finds a folder of this service that holds items. The lock is held.
func (c *conn) folder(doing, id string) (*folder, error) {
	f := c.s.find(id)
	if f == nil || f.service != c.name || f.noItems {
		return nil, &remote.Error{Kind: remote.NotFound, Doing: doing, Text: "no such folder"}
	}
	return f, nil
}

// writable is folder, for a call that writes: it counts the call.
func (c *conn) writable(doing, id string) (*folder, error) {
	c.s.writes++
	f, err := c.folder(doing, id)
	if err == nil && f.readOnly {
		return nil, &remote.Error{Kind: remote.Forbidden, Doing: doing, Text: "the folder is read-only"}
	}
	return f, err
}

func (c *conn) Folders(ctx context.Context) ([]remote.Folder, error) {
	k, err := c.begin(ctx, "Folders", "list folders")
	if err != nil {
		return nil, err
	}
	var out []remote.Folder
	c.locked(func(s *Server) error {
		for _, f := range s.folders {
			if f.service == c.name {
				out = append(out, s.show(f))
			}
		}
		return nil
	})
	c.in.Add(int64(len(out)) * 60)
	if err := k.end(); err != nil {
		return nil, err
	}
	return out, nil
}

// change runs a change of folders; fn returns the folder to show, or nil.
func (c *conn) change(ctx context.Context, name, doing string, fn func(s *Server) (*folder, error)) (out remote.Folder, err error) {
	k, err := c.begin(ctx, name, doing)
	if err != nil {
		return remote.Folder{}, err
	}
	err = c.locked(func(s *Server) error {
		s.writes++
		f, err := fn(s)
		if err == nil && f != nil {
			out = s.show(f)
		}
		return err
	})
	if err == nil {
		err = k.end()
	}
	if err != nil {
		return remote.Folder{}, err
	}
	return out, nil
}

func (c *conn) CreateFolder(ctx context.Context, n remote.NewFolder) (remote.Folder, error) {
	doing := "create folder " + n.Name
	return c.change(ctx, "CreateFolder", doing, func(s *Server) (*folder, error) {
		if serviceOf(n.Kind) != c.name {
			return nil, &remote.Error{Kind: remote.Invalid, Doing: doing, Text: c.name + " has no folders of kind " + string(n.Kind)}
		}
		if err := s.checkName(doing, c.name, n.Parent, n.Name, nil); err != nil {
			return nil, err
		}
		return s.makeFolder(n), nil
	})
}

func (c *conn) RenameFolder(ctx context.Context, id, parent, name string) (remote.Folder, error) {
	doing := "rename folder to " + name
	return c.change(ctx, "RenameFolder", doing, func(s *Server) (*folder, error) {
		f := s.find(id)
		if f == nil || f.service != c.name {
			return nil, &remote.Error{Kind: remote.NotFound, Doing: doing, Text: "no such folder"}
		}
		if f.role == groupware.RoleInbox {
			return nil, &remote.Error{Kind: remote.Forbidden, Doing: doing, Text: "the Inbox stays"}
		}
		if err := s.checkName(doing, c.name, parent, name, f); err != nil {
			return nil, err
		}
		s.renameFolder(f, parent, name)
		return f, nil
	})
}

func (c *conn) DeleteFolder(ctx context.Context, id string) error {
	_, err := c.change(ctx, "DeleteFolder", "delete folder", func(s *Server) (*folder, error) {
		f := s.find(id)
		if f == nil || f.service != c.name {
			return nil, nil
		}
		if f.role == groupware.RoleInbox || f.readOnly {
			return nil, &remote.Error{Kind: remote.Forbidden, Doing: "delete folder " + f.name, Text: "permission denied"}
		}
		s.deleteFolder(f)
		return nil, nil
	})
	return err
}

// since reads a token of folder f; ok is false for one that the server does not know any more.
func (f *folder) since(token string) (modseq uint64, ok bool) {
	at := strings.LastIndexByte(token, ' ')
	if at < 0 {
		return 0, false
	}
	modseq, err := strconv.ParseUint(token[at+1:], 10, 64)
	ok = err == nil && token[:at] == f.line() && modseq <= f.modseq && modseq >= f.floor
	return modseq, ok
}

func (c *conn) Changes(ctx context.Context, id, token string, emit func(remote.Change) error) (remote.Listing, error) {
	k, err := c.begin(ctx, "Changes", "list changes")
	if err != nil {
		return remote.Listing{}, err
	}
	var all []remote.Change
	var out remote.Listing
	err = c.locked(func(s *Server) error {
		f, err := c.folder(k.doing, id)
		if err != nil {
			return err
		}
		modseq, known := f.since(token)
		known = known && !s.o.NoDelta
		out = remote.Listing{Token: f.token(), Full: !known || s.o.NoVanished}
		for _, it := range f.sorted() {
			if f.hidden {
				break
			}
			ch := remote.Change{ID: it.id, Tag: it.tag, Flags: it.flags, Order: int64(it.uid)}
			if f.service == "imap" {
				ch.Size = int64(len(it.raw))
			}
			if known && it.modseq <= modseq {
				if !s.o.NoVanished {
					continue
				}
				ch = remote.Change{ID: it.id, Same: true}
			}
			all = append(all, ch)
		}
		for gone, at := range f.gone {
			if !out.Full && at > modseq {
				all = append(all, remote.Change{ID: gone, Gone: true})
			}
		}
		// In any order, but the same for the same history.
		slices.SortFunc(all, func(a, b remote.Change) int { return strings.Compare(a.ID, b.ID) })
		s.rands[c.name].Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		return nil
	})
	if err != nil {
		return remote.Listing{}, err
	}
	times := k.times()
	for _, ch := range all {
		c.in.Add(int64(len(ch.ID)) + 20)
		for range times {
			if err := emit(ch); err != nil {
				return remote.Listing{}, err
			}
		}
		if err := k.step(); err != nil {
			return remote.Listing{}, err
		}
	}
	if err := k.end(); err != nil {
		return remote.Listing{}, err
	}
	return out, nil
}

func (c *conn) Identify(ctx context.Context, id string, ids []string) (map[string]string, error) {
	k, err := c.begin(ctx, "Identify", "identify items")
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	err = c.locked(func(s *Server) error {
		f, err := c.folder(k.doing, id)
		if err != nil {
			return err
		}
		for _, id := range ids {
			it := f.items[id]
			switch {
			case it == nil:
			case s.o.NoIdentify || c.name != "imap":
				out[id] = ""
			default:
				out[id] = remote.MailIdentity(messageID(it.raw), int64(len(it.raw)))
			}
			c.in.Add(int64(len(out[id])))
		}
		return nil
	})
	if err == nil {
		err = k.end()
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *conn) Fetch(ctx context.Context, id string, ids []string, part remote.Part, emit func(remote.Fetched) error) error {
	k, err := c.begin(ctx, "Fetch", "read items")
	if err != nil {
		return err
	}
	if err := c.locked(func(*Server) error { _, err := c.folder(k.doing, id); return err }); err != nil {
		return err
	}
	times := k.times()
	if c.s.o.AnyOrder {
		ids = slices.Clone(ids)
		c.locked(func(s *Server) error {
			s.rands[c.name].Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
			return nil
		})
	}
	for _, id2 := range ids {
		var out remote.Fetched
		c.locked(func(s *Server) error {
			f := s.find(id)
			if f == nil || f.items[id2] == nil {
				return nil
			}
			it := f.items[id2]
			out = remote.Fetched{ID: it.id, Tag: it.tag, Flags: it.flags, Received: it.received, Order: int64(it.uid), Media: it.media}
			if part == remote.PartText && it.media == groupware.MediaMessage {
				out.Partial = partial(it.raw)
			}
			if out.Partial == nil {
				out.Raw = slices.Clone(it.raw)
			}
			return nil
		})
		if out.ID == "" {
			continue
		}
		if err := k.refused(); err != nil {
			out = remote.Fetched{ID: id2, Err: err}
		}
		c.in.Add(int64(len(out.Raw)) + 40)
		for range times {
			again := out
			again.Raw = slices.Clone(out.Raw)
			if err := emit(again); err != nil {
				return err
			}
		}
		if err := k.step(); err != nil {
			return err
		}
	}
	return k.end()
}

func (c *conn) Mark(ctx context.Context, id string) (string, error) {
	k, err := c.begin(ctx, "Mark", "mark a position")
	if err != nil {
		return "", err
	}
	mark := ""
	err = c.locked(func(s *Server) error {
		f, err := c.folder(k.doing, id)
		if err == nil && c.name == "imap" {
			mark = fmt.Sprintf("%d.%d", f.validity, f.nextUID)
		}
		return err
	})
	if err == nil {
		err = k.end()
	}
	if err != nil {
		return "", err
	}
	return mark, nil
}

func (c *conn) Find(ctx context.Context, id, mark string, n remote.NewItem) (out remote.Created, found bool, err error) {
	k, err := c.begin(ctx, "Find", "look for an item")
	if err != nil {
		return remote.Created{}, false, err
	}
	err = c.locked(func(s *Server) error {
		f, err := c.folder(k.doing, id)
		if err != nil {
			return err
		}
		if c.name != "imap" {
			if it := f.items[f.key+n.Name]; it != nil {
				found, out.ID = true, it.id
				if !s.o.NoETag && bytes.Equal(it.raw, n.Raw) {
					out.Tag = it.tag
				}
			}
			return nil
		}
		// A mark of an earlier UIDVALIDITY says nothing: then every message may be the one.
		validity, uid, _ := strings.Cut(mark, ".")
		first, _ := strconv.ParseUint(uid, 10, 32)
		if validity != fmt.Sprint(f.validity) {
			first = 0
		}
		for _, it := range f.sorted() {
			if uint64(it.uid) >= first && bytes.Equal(it.raw, n.Raw) {
				found, out.ID = true, it.id
			}
		}
		return nil
	})
	if err == nil {
		err = k.end()
	}
	if err != nil {
		return remote.Created{}, false, err
	}
	return out, found, nil
}

// created is what the server tells of a new item.
func (s *Server) created(f *folder, it *item, given []byte) remote.Created {
	if f.service == "imap" && s.o.NoNewIDs {
		return remote.Created{}
	}
	out := remote.Created{ID: it.id, Tag: it.tag}
	if s.o.NoETag || !bytes.Equal(given, it.raw) {
		out.Tag = ""
	}
	return out
}

func (c *conn) Create(ctx context.Context, id string, items []remote.NewItem, report func(i int, c remote.Created, err error) error) error {
	if len(items) == 0 {
		return nil
	}
	k, err := c.begin(ctx, "Create", "store items")
	if err != nil {
		return err
	}
	// Other than the rest, a read-only folder refuses item by item, as servers do.
	if err := c.locked(func(s *Server) error { s.writes++; _, err := c.folder(k.doing, id); return err }); err != nil {
		return err
	}
	for i, n := range items {
		refused := k.refused()
		var out remote.Created
		if refused == nil {
			c.out.Add(int64(len(n.Raw)) + 40)
			var lost error
			refused = c.locked(func(s *Server) error {
				f, err := c.folder(k.doing, id)
				if err != nil {
					lost = err
					return err
				}
				if err := s.refuse(k.doing, f, n, nil); err != nil {
					return err
				}
				out = s.created(f, s.put(f, n), n.Raw)
				return nil
			})
			if lost != nil {
				return lost
			}
			if err := k.step(); err != nil {
				return err
			}
		}
		if k.silent() {
			continue
		}
		if err := report(i, out, refused); err != nil {
			return err
		}
	}
	return k.end()
}

func (c *conn) Replace(ctx context.Context, id, itemID, tag string, n remote.NewItem) (remote.Created, error) {
	k, err := c.begin(ctx, "Replace", "replace an item")
	if err != nil {
		return remote.Created{}, err
	}
	if err := k.refused(); err != nil {
		return remote.Created{}, err
	}
	c.out.Add(int64(len(n.Raw)) + 40)
	var out remote.Created
	var old *item
	var f *folder
	err = c.locked(func(s *Server) error {
		if f, err = c.writable(k.doing, id); err != nil {
			return err
		}
		old = f.items[itemID]
		if old == nil || tag != "" && tag != old.tag {
			return &remote.Error{Kind: remote.Precondition, Doing: k.doing, Text: "it changed meanwhile"}
		}
		if c.name != "imap" {
			n.Name = old.name
		}
		if err := s.refuse(k.doing, f, n, old); err != nil {
			return err
		}
		out = s.created(f, s.put(f, n), n.Raw)
		return nil
	})
	if err != nil {
		return remote.Created{}, err
	}
	// A mail's replacement is stored before the old one goes: a fault in between leaves both.
	if err := k.step(); err != nil {
		return remote.Created{}, err
	}
	if c.name == "imap" {
		c.locked(func(s *Server) error {
			if f.items[itemID] == old {
				s.remove(f, old)
			}
			return nil
		})
	}
	if err := k.end(); err != nil {
		return remote.Created{}, err
	}
	return out, nil
}

// each runs fn for every id that is in the folder, as one step each.
func (c *conn) each(k *call, id string, ids []string, fn func(s *Server, f *folder, it *item)) error {
	err := c.locked(func(*Server) error {
		f, err := c.writable(k.doing, id)
		for _, id2 := range ids {
			if err == nil && c.name == "imap" && !f.numbers(id2) {
				err = renumbered(k.doing)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, id2 := range ids {
		done := false
		c.locked(func(s *Server) error {
			if f := s.find(id); f != nil && f.items[id2] != nil {
				fn(s, f, f.items[id2])
				done = true
			}
			return nil
		})
		if done {
			if err := k.step(); err != nil {
				return err
			}
		}
	}
	return k.end()
}

func (c *conn) SetFlags(ctx context.Context, id string, ids []string, add, remove groupware.Flags) error {
	if len(ids) == 0 || c.name != "imap" {
		return nil
	}
	k, err := c.begin(ctx, "SetFlags", "set flags")
	if err != nil {
		return err
	}
	return c.each(k, id, ids, func(s *Server, f *folder, it *item) {
		s.setFlags(f, it, it.flags.Minus(remove).Plus(add))
	})
}

func (c *conn) Move(ctx context.Context, id string, ids []string, to string) (map[string]string, error) {
	out := map[string]string{}
	if len(ids) == 0 {
		return out, nil
	}
	k, err := c.begin(ctx, "Move", "move items")
	if err != nil {
		return nil, err
	}
	var target *folder
	if err := c.locked(func(*Server) error { target, err = c.folder(k.doing, to); return err }); err != nil {
		return nil, err
	}
	if target.readOnly {
		return nil, &remote.Error{Kind: remote.Forbidden, Doing: k.doing, Text: "the folder is read-only"}
	}
	var taken error
	err = c.each(k, id, ids, func(s *Server, f *folder, it *item) {
		if c.name != "imap" && target.items[target.key+it.name] != nil {
			taken = &remote.Error{Kind: remote.Exists, Doing: k.doing, Text: "a resource of this name is there"}
			return
		}
		out[it.id] = s.move(f, it, target).id
		if c.name == "imap" && s.o.NoNewIDs {
			out[it.id] = ""
		}
	})
	if err == nil {
		err = taken
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *conn) Delete(ctx context.Context, id string, items []remote.Ref, report func(id string, err error) error) error {
	if len(items) == 0 {
		return nil
	}
	k, err := c.begin(ctx, "Delete", "delete items")
	if err != nil {
		return err
	}
	if err := c.locked(func(*Server) error { _, err := c.writable(k.doing, id); return err }); err != nil {
		return err
	}
	for _, ref := range items {
		refused := k.refused()
		if refused == nil {
			refused = c.locked(func(s *Server) error {
				f := s.find(id)
				if f != nil && c.name == "imap" && !f.numbers(ref.ID) {
					return renumbered(k.doing)
				}
				if f == nil || f.items[ref.ID] == nil {
					return nil
				}
				it := f.items[ref.ID]
				if ref.Tag != "" && ref.Tag != it.tag {
					return &remote.Error{Kind: remote.Precondition, Doing: k.doing, Text: "it changed meanwhile"}
				}
				s.remove(f, it)
				return nil
			})
			if err := k.step(); err != nil {
				return err
			}
		}
		if k.silent() {
			continue
		}
		if err := report(ref.ID, refused); err != nil {
			return err
		}
	}
	return k.end()
}
