package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

// network is the way to the server. Every call is told in the trace, and before and after each things may happen.
type network struct{ *history }

func (n network) Services() []string { return n.server.Services() }

func (n network) Connect(ctx context.Context, service string) (out remote.Service, err error) {
	err = n.call("Connect", service, func() (string, error) {
		s, err := n.server.Connect(ctx, service)
		out = wire{s, n.history}
		return "", err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (n network) Submit(ctx context.Context) (out remote.Submitter, err error) {
	err = n.call("Submit", "", func() (string, error) {
		s, err := n.server.Submit(ctx)
		out = letters{s, n.history}
		return "", err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// call makes one call, of which the trace says what was asked and what came of it. A process that has died asks nothing and hears nothing.
func (h *history) call(name, args string, do func() (string, error)) error {
	dead := &remote.Error{Kind: remote.Offline, Doing: name, Text: "the process has died"}
	if h.w.disk.Dead() {
		return dead
	}
	h.hook(name, true)
	if h.w.disk.Dead() {
		return dead
	}
	result, err := do()
	h.tell("  %s %s: %s %v (disk %d)", name, args, result, err, h.w.disk.Counts().All())
	h.hook(name, false)
	if h.w.disk.Dead() {
		return dead
	}
	return err
}

// letters is a connection to the submission server.
type letters struct {
	remote.Submitter
	h *history
}

func (l letters) Send(ctx context.Context, from string, to []string, raw []byte, commit func() error) error {
	return l.h.call("Send", from+" "+strings.Join(to, ",")+" "+sum(raw), func() (string, error) {
		return "", l.Submitter.Send(ctx, from, to, raw, commit)
	})
}

// wire is a connection to one service.
type wire struct {
	remote.Service
	h *history
}

// sum is short for content.
func sum(raw []byte) string {
	f := fnv.New32a()
	f.Write(raw)
	return fmt.Sprintf("%v#%08x", texts(raw), f.Sum32())
}

func sumItem(n remote.NewItem) string { return n.Name + fmt.Sprint(n.Flags.Names()) + sum(n.Raw) }

func (w wire) Folders(ctx context.Context) (out []remote.Folder, err error) {
	err = w.h.call("Folders", w.Name(), func() (told string, err error) {
		out, err = w.Service.Folders(ctx)
		return fmt.Sprint(len(out)), err
	})
	return out, err
}

func (w wire) CreateFolder(ctx context.Context, f remote.NewFolder) (out remote.Folder, err error) {
	err = w.h.call("CreateFolder", f.Parent+"/"+f.Name, func() (told string, err error) {
		out, err = w.Service.CreateFolder(ctx, f)
		return out.ID, err
	})
	return out, err
}

func (w wire) RenameFolder(ctx context.Context, id, parent, name string) (out remote.Folder, err error) {
	err = w.h.call("RenameFolder", id+" to "+parent+"/"+name, func() (told string, err error) {
		out, err = w.Service.RenameFolder(ctx, id, parent, name)
		return out.ID, err
	})
	return out, err
}

func (w wire) DeleteFolder(ctx context.Context, id string) error {
	return w.h.call("DeleteFolder", id, func() (told string, err error) {
		w.h.emptied(id)
		if err = w.Service.DeleteFolder(ctx, id); refused(err) {
			w.h.refusedFolder(id)
		}
		return "", err
	})
}

func (w wire) Changes(ctx context.Context, folder, since string, emit func(remote.Change) error) (l remote.Listing, err error) {
	err = w.h.call("Changes", folder+" since "+since, func() (string, error) {
		told := []byte{}
		l, err = w.Service.Changes(ctx, folder, since, func(c remote.Change) error {
			told = append(append(append(told, c.ID...), c.Tag...), ' ')
			return emit(c)
		})
		return fmt.Sprintf("%s full %v %s", told, l.Full, l.Token), err
	})
	return l, err
}

func (w wire) Identify(ctx context.Context, folder string, ids []string) (out map[string]string, err error) {
	err = w.h.call("Identify", folder+" "+strings.Join(ids, " "), func() (told string, err error) {
		out, err = w.Service.Identify(ctx, folder, ids)
		return fmt.Sprint(len(out)), err
	})
	return out, err
}

func (w wire) Fetch(ctx context.Context, folder string, ids []string, part remote.Part, emit func(remote.Fetched) error) error {
	return w.h.call("Fetch", fmt.Sprint(folder, part, ids), func() (string, error) {
		n := 0
		err := w.Service.Fetch(ctx, folder, ids, part, func(f remote.Fetched) error {
			n++
			return emit(f)
		})
		return fmt.Sprint(n), err
	})
}

func (w wire) Mark(ctx context.Context, folder string) (mark string, err error) {
	err = w.h.call("Mark", folder, func() (told string, err error) {
		mark, err = w.Service.Mark(ctx, folder)
		return mark, err
	})
	return mark, err
}

func (w wire) Find(ctx context.Context, folder, mark string, item remote.NewItem) (out remote.Created, found bool, err error) {
	err = w.h.call("Find", folder+" "+mark+" "+sumItem(item), func() (told string, err error) {
		out, found, err = w.Service.Find(ctx, folder, mark, item)
		return out.ID, err
	})
	return out, found, err
}

func (w wire) Create(ctx context.Context, folder string, items []remote.NewItem, report func(int, remote.Created, error) error) error {
	args := folder
	for _, n := range items {
		args += " " + sumItem(n)
		w.h.creates(w.Name(), n)
	}
	return w.h.call("Create", args, func() (told string, err error) {
		stored := w.h.storing(w.Name(), folder)
		defer stored()
		err = w.Service.Create(ctx, folder, items, func(i int, c remote.Created, err error) error {
			told += fmt.Sprint(i, c.ID, err, " ")
			return report(i, c, err)
		})
		return told, err
	})
}

func (w wire) Replace(ctx context.Context, folder, id, tag string, item remote.NewItem) (out remote.Created, err error) {
	err = w.h.call("Replace", folder+" "+id+tag+" "+sumItem(item), func() (told string, err error) {
		stored := w.h.storing(w.Name(), folder)
		defer stored()
		out, err = w.Service.Replace(ctx, folder, id, tag, item)
		return out.ID + out.Tag, err
	})
	return out, err
}

func (w wire) SetFlags(ctx context.Context, folder string, ids []string, add, remove groupware.Flags) error {
	return w.h.call("SetFlags", fmt.Sprint(folder, ids, add.Names(), remove.Names()), func() (string, error) {
		return "", w.Service.SetFlags(ctx, folder, ids, add, remove)
	})
}

func (w wire) Move(ctx context.Context, folder string, ids []string, to string) (out map[string]string, err error) {
	err = w.h.call("Move", fmt.Sprint(folder, ids, " to ", to), func() (told string, err error) {
		out, err = w.Service.Move(ctx, folder, ids, to)
		return fmt.Sprint(out), err
	})
	return out, err
}

func (w wire) Delete(ctx context.Context, folder string, items []remote.Ref, report func(string, error) error) error {
	return w.h.call("Delete", fmt.Sprint(folder, items), func() (told string, err error) {
		removed := w.h.removing(folder, items)
		defer removed()
		stored := w.h.storing(w.Name(), folder)
		defer stored()
		err = w.Service.Delete(ctx, folder, items, func(id string, err error) error {
			if told += fmt.Sprint(id, err, " "); refused(err) {
				w.h.refusedItem(folder, id)
			}
			return report(id, err)
		})
		return told, err
	})
}

// refused reports whether a server said no to a deed for good: then it is undone here, as a person is told.
func refused(err error) bool {
	if err == nil {
		return false
	}
	switch remote.KindOf(err) {
	case remote.Offline, remote.Unavailable, remote.Auth, remote.Certificate, remote.Protocol, remote.Precondition:
		return false
	}
	return true
}
