package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

// Random histories: edits on both sides between passes and during them, folders made, renamed, moved and deleted, renumbered folders, faults
// of every kind, passes that end anywhere with the program; after quiet, both sides hold the same, nothing that was written is lost,
// nothing is there twice, nothing was sent twice. One seed replays one history: OUTPOST_SEED=n runs that one, OUTPOST_SEED=n-m those.
func TestRandomHistoriesConverge(t *testing.T) {
	from, to := uint64(1), uint64(40)
	if testing.Short() {
		to = 20
	}
	first, last, _ := strings.Cut(os.Getenv("OUTPOST_SEED"), "-")
	if s, err := strconv.ParseUint(first, 10, 64); err == nil {
		from, to = s, s
		if s, err := strconv.ParseUint(last, 10, 64); err == nil {
			to = s
		}
	}
	for seed := from; seed <= to; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel() // most of it waits for the disk
			newHistory(t, seed).run(t)
		})

	}
}

// history is a desk to which random things happen.
type history struct {
	*desk
	r       *rand.Rand
	written map[string]bool // texts that a person wrote here and nobody deleted
	queued  []string        // subjects of mail to be sent
	serial  int
}

var mailFolders = []string{"Inbox", "Trash", "Projects", "Drafts"}

func newHistory(t *testing.T, seed uint64) *history {
	r := rand.New(rand.NewPCG(seed, 1))
	flip := func() bool { return r.IntN(3) == 0 }
	h := &history{r: r, written: map[string]bool{}}
	h.desk = newDesk(t, fake.Options{Rand: r, Features: fake.Features{NoDelta: flip(), NoVanished: flip(), NoState: flip(), NoNewIDs: flip(), PathIDs: flip(), NoETag: flip()}})
	h.server.AddFolder(remote.NewFolder{Name: "Projects", Kind: groupware.FolderMail})
	for i := range 5 {
		h.serverMail("Inbox", fmt.Sprint("start ", i))
	}
	h.sync()
	h.server.Faults().Random(seed, 0.05, fake.EveryFault()...)
	h.calm()
	return h
}

func (h *history) run(t *testing.T) {
	for range 60 {
		h.now = h.now.Add(time.Duration(h.r.IntN(100)) * time.Second)
		switch h.r.IntN(16) {
		case 0, 1:
			h.pass()
		case 2:
			h.crash()
		case 3, 4, 5, 6:
			h.there()
		default:
			h.deed()
		}
	}
	h.server.Faults().Stop()
	for range 6 {
		h.now = h.now.Add(time.Hour)
		if _, err := h.e.Pass(h.ctx, PassOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	h.check(t)
}

func (h *history) text() string { h.serial++; return fmt.Sprint("text ", h.serial) }

// pass runs one pass, in the middle of which things happen.
func (h *history) pass() {
	h.e = New(h.m, hooked{h, func() {
		switch h.r.IntN(20) {
		case 0:
			h.deed()
		case 1:
			h.there()
		}
	}}, h.e.o)
	h.e.Pass(h.ctx, PassOptions{})
	h.calm()
}

// crash ends a pass at some call, and the program with it.
func (h *history) crash() {
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	left := h.r.IntN(40)
	h.e = New(h.m, hooked{h, func() {
		if left--; left == 0 {
			cancel()
		}
	}}, h.e.o)
	h.e.Pass(ctx, PassOptions{})
	h.reopen()
	h.calm()
}

// calm lets passes run as they are.
func (h *history) calm() { h.e = New(h.m, hooked{h, func() {}}, h.e.o) }

// hooked calls back before and after every call that a pass makes.
type hooked struct {
	*history
	hook func()
}

func (c hooked) Services() []string { return c.server.Services() }
func (c hooked) Submit(ctx context.Context) (remote.Submitter, error) {
	return c.server.Submit(ctx)
}

func (c hooked) Connect(ctx context.Context, service string) (remote.Service, error) {
	s, err := c.server.Connect(ctx, service)
	if err != nil {
		return nil, err
	}
	return hookedService{s, c.hook, c.deleting}, nil
}

type hookedService struct {
	remote.Service
	hook     func()
	deleting func(id string)
}

func (s hookedService) around() func() { s.hook(); return s.hook }

func (s hookedService) Folders(ctx context.Context) ([]remote.Folder, error) {
	defer s.around()()
	return s.Service.Folders(ctx)
}
func (s hookedService) CreateFolder(ctx context.Context, f remote.NewFolder) (remote.Folder, error) {
	defer s.around()()
	return s.Service.CreateFolder(ctx, f)
}
func (s hookedService) RenameFolder(ctx context.Context, id, parent, name string) (remote.Folder, error) {
	defer s.around()()
	return s.Service.RenameFolder(ctx, id, parent, name)
}
func (s hookedService) DeleteFolder(ctx context.Context, id string) error {
	defer s.around()()
	s.deleting(id)
	return s.Service.DeleteFolder(ctx, id)
}
func (s hookedService) Changes(ctx context.Context, folder, since string, emit func(remote.Change) error) (remote.Listing, error) {
	defer s.around()()
	return s.Service.Changes(ctx, folder, since, emit)
}
func (s hookedService) Mark(ctx context.Context, folder string) (string, error) {
	defer s.around()()
	return s.Service.Mark(ctx, folder)
}
func (s hookedService) Find(ctx context.Context, folder, mark string, item remote.NewItem) (remote.Created, bool, error) {
	defer s.around()()
	return s.Service.Find(ctx, folder, mark, item)
}
func (s hookedService) Create(ctx context.Context, folder string, items []remote.NewItem, report func(int, remote.Created, error) error) error {
	defer s.around()()
	return s.Service.Create(ctx, folder, items, report)
}
func (s hookedService) Replace(ctx context.Context, folder, id, tag string, item remote.NewItem) (remote.Created, error) {
	defer s.around()()
	return s.Service.Replace(ctx, folder, id, tag, item)
}
func (s hookedService) SetFlags(ctx context.Context, folder string, ids []string, add, remove groupware.Flags) error {
	defer s.around()()
	return s.Service.SetFlags(ctx, folder, ids, add, remove)
}
func (s hookedService) Move(ctx context.Context, folder string, ids []string, to string) (map[string]string, error) {
	defer s.around()()
	return s.Service.Move(ctx, folder, ids, to)
}
func (s hookedService) Delete(ctx context.Context, folder string, items []remote.Ref, report func(string, error) error) error {
	defer s.around()()
	return s.Service.Delete(ctx, folder, items, report)
}

// pick chooses an item that is here in one of some folders.
func (h *history) pick(paths ...string) (groupware.ItemID, store.Item, bool) {
	f, ok := h.lookup(paths[h.r.IntN(len(paths))])
	if !ok {
		return 0, store.Item{}, false
	}
	items, _, err := h.m.List(h.ctx, f.ID, store.ListOptions{Limit: 1000})
	h.ok(err)
	if len(items) == 0 {
		return 0, store.Item{}, false
	}
	it := items[h.r.IntN(len(items))]
	return it.ID, it, true
}

// own lists the paths of the folders here that a history may change: all mail folders whose names begin with "text".
func (h *history) own() (paths []string) {
	h.ok(h.m.View(h.ctx, func(tx *store.Tx) error {
		fs, err := tx.Folders()
		for _, f := range visible(fs) {
			if p, err := tx.FolderPath(f.ID); err != nil {
				return err
			} else if strings.HasPrefix(f.Name, "text ") {
				paths = append(paths, p)
			}
		}
		return err
	}))
	return paths
}

func choose[T any](r *rand.Rand, of []T) (one T, ok bool) {
	if len(of) == 0 {
		return one, false
	}
	return of[r.IntN(len(of))], true
}

// deed is something that a person does here.
func (h *history) deed() {
	mails := append(h.own(), mailFolders...)
	switch h.r.IntN(16) {
	case 0, 1:
		path, _ := choose(h.r, mails)
		if _, ok := h.lookup(path); ok {
			s := h.text()
			h.add(path, groupware.MediaMessage, mail(s))
			h.written[s] = true
		}
	case 2:
		s := h.text()
		h.add("Calendar", groupware.MediaCalendar, event(s, s))
		h.written[s] = true
	case 3:
		if id, it, ok := h.pick("Calendar"); ok {
			s := h.text()
			h.do(func(tx *store.Tx) error {
				return tx.SetContent(id, store.Prepare(groupware.MediaCalendar, []byte(event(it.MessageID, s))))
			})
			delete(h.written, it.Subject)
			h.written[s] = true
		}
	case 4:
		if id, it, ok := h.pick("Drafts"); ok {
			s := h.text()
			h.do(func(tx *store.Tx) error {
				return tx.SetContent(id, store.Prepare(groupware.MediaMessage, []byte(mail(s))))
			})
			delete(h.written, it.Subject)
			h.written[s] = true
		}
	case 5, 6:
		to, _ := choose(h.r, mails)
		if id, _, ok := h.pick(mails...); ok {
			if f, ok := h.lookup(to); ok {
				h.do(func(tx *store.Tx) error { return tx.SetFolder(id, f.ID) })
			}
		}
	case 7:
		if id, it, ok := h.pick(append(mails, "Calendar")...); ok {
			h.do(func(tx *store.Tx) error { return tx.Delete(id) })
			delete(h.written, it.Subject)
		}
	case 8, 9:
		if id, _, ok := h.pick(mails...); ok {
			h.do(func(tx *store.Tx) error {
				return tx.SetFlags(id, groupware.NewFlags(groupware.System(h.r.IntN(8)), []string{"work", "home"}[h.r.IntN(2)]))
			})
		}
	case 10:
		s := h.text()
		h.queue(s)
		h.queued = append(h.queued, s)
	case 11:
		parent := groupware.FolderID(0)
		if up, ok := choose(h.r, h.own()); ok && h.r.IntN(2) == 0 {
			parent = h.folder(up).ID
		}
		h.makeFolder(h.text(), parent, groupware.FolderMail)
	case 12:
		if path, ok := choose(h.r, h.own()); ok {
			h.changeFolder(h.folder(path).ID, func(f *store.Folder) { f.Name = h.text() })
		}
	case 13:
		path, ok := choose(h.r, h.own())
		if to, _ := choose(h.r, append(h.own(), "")); ok && to != path && !strings.HasPrefix(to, path+"/") {
			parent := groupware.FolderID(0)
			if to != "" {
				parent = h.folder(to).ID
			}
			h.changeFolder(h.folder(path).ID, func(f *store.Folder) { f.Parent = parent })
		}
	case 14:
		if path, ok := choose(h.r, h.own()); ok {
			h.deleteFolder(path)
		}
	}
}

// deleteFolder deletes a folder here with all that is below it, as a person does.
func (h *history) deleteFolder(path string) {
	below := h.own()
	slices.Sort(below)
	slices.Reverse(below)
	for _, p := range below {
		if p != path && !strings.HasPrefix(p, path+"/") {
			continue
		}
		f := h.folder(p)
		items, _, err := h.m.List(h.ctx, f.ID, store.ListOptions{Limit: 1000})
		h.ok(err)
		for _, it := range items {
			delete(h.written, it.Subject)
		}
		h.changeFolder(f.ID, func(f *store.Folder) { f.Deleted = true })
	}
}

// there is something that another client does.
func (h *history) there() {
	flip := func() bool { return h.r.IntN(3) == 0 }
	var own []remote.Folder
	mails := []string{}
	for _, f := range h.server.Folders() {
		if strings.HasPrefix(f.Name, "text ") {
			own = append(own, f)
		}
		if f.Kind == groupware.FolderMail {
			mails = append(mails, f.ID)
		}
	}
	in, _ := choose(h.r, mails)
	switch h.r.IntN(10) {
	case 0, 1:
		h.server.AddMail(in, []byte(mail("there "+h.text())), groupware.Flags{}, h.now)
	case 2:
		parent := ""
		if up, ok := choose(h.r, own); ok && flip() {
			parent = up.ID
		}
		h.server.AddFolder(remote.NewFolder{Parent: parent, Name: h.text(), Kind: groupware.FolderMail})
	case 3:
		if f, ok := choose(h.r, own); ok {
			parent := f.Parent
			if up, _ := choose(h.r, own); flip() {
				parent = up.ID
			}
			h.server.RenameFolder(f.ID, parent, h.text())
		}
	case 4:
		if f, ok := choose(h.r, own); ok {
			h.deleting(f.ID)
			h.server.DeleteFolder(f.ID)
		}
	case 5:
		h.server.BumpUIDValidity(in)
	default:
		it, ok := choose(h.r, h.server.Snapshot())
		switch s := subject(string(it.Raw)); {
		case !ok:
		case it.Media != groupware.MediaMessage:
			// Another client edits it: what was written here is replaced on purpose, unless it is a clash.
			h.server.PutObject(it.Folder, it.Name, []byte(event(uid(it.Raw), "there "+h.text())))
			delete(h.written, s)
		case flip():
			h.server.SetFlags(it.Folder, it.ID, groupware.NewFlags(groupware.System(h.r.IntN(8))))
		case flip():
			if h.answered(it) {
				h.server.MoveMail(it.Folder, it.ID, in)
			}
		default:
			h.server.DeleteMail(it.Folder, it.ID)
			delete(h.written, s)
		}
	}
}

// uid is the UID of an event.
func uid(raw []byte) string {
	_, rest, _ := strings.Cut(string(raw), "UID:")
	uid, _, _ := strings.Cut(rest, "\r\n")
	return uid
}

// answered reports whether we know of an item of the server. One that is moved away before its creation was answered, and looked for,
// cannot be told from one that was never stored: it is stored again, as no law asks for less than nothing lost.
func (h *history) answered(it fake.Item) (known bool) {
	h.ok(h.m.View(h.ctx, func(tx *store.Tx) error {
		fs, err := tx.Folders()
		for _, f := range fs {
			if f.RemoteID == it.Folder && err == nil && !known {
				_, known, err = tx.TripleByRemote(f.ID, it.ID)
			}
		}
		return err
	}))
	return known
}

// deleting forgets what is in a folder that a person deletes on one of the sides.
func (h *history) deleting(id string) {
	under := map[string]bool{id: true}
	for _, f := range h.server.Folders() { // parents before children
		under[f.ID] = under[f.ID] || under[f.Parent]
	}
	for _, it := range h.server.Snapshot() {
		if under[it.Folder] {
			delete(h.written, subject(string(it.Raw)))
		}
	}
}

// check is what holds of every history once it is quiet.
func (h *history) check(t *testing.T) {
	if left, err := h.pending(); err != nil || len(left) > 0 {
		t.Fatalf("still pending: %v %s", err, strings.Join(left, "\n"))
	}
	h.quiet()
	paths := map[string]bool{}
	h.ok(h.m.View(h.ctx, func(tx *store.Tx) error {
		fs, err := tx.Folders()
		for _, f := range fs {
			if f.Deleted {
				t.Errorf("folder %q is still being deleted", f.Name)
				continue
			}
			p, err := tx.FolderPath(f.ID)
			if err != nil {
				return err
			}
			paths[p] = true
		}
		return err
	}))
	for _, f := range h.server.Folders() {
		p := f.Name
		for up := f.Parent; up != ""; {
			for _, g := range h.server.Folders() {
				if g.ID == up {
					p, up = g.Name+"/"+p, g.Parent
					break
				}
			}
		}
		if !paths[p] {
			t.Errorf("folder %q is only at the server", p)
		}
	}
	where := map[string]int{}
	for p := range paths {
		here, there := h.here(p), h.desk.there(p)
		if !h.folder(p).Role.Local() && !slices.Equal(here, there) {
			t.Errorf("%s\n  here  %q\n  there %q", p, here, there)
		}
		if !h.folder(p).Role.Local() && h.server.FolderID(p) == "" {
			t.Errorf("folder %q is only here", p)
		}
		items, _, err := h.m.List(h.ctx, h.folder(p).ID, store.ListOptions{Limit: 10000})
		h.ok(err)
		for _, it := range items {
			where[it.Subject]++
		}
	}
	for s := range h.written {
		if where[s] == 0 {
			t.Errorf("%q was lost", s)
		}
	}
	for s, n := range where {
		if n > 1 && s != "Message in conflict!" {
			t.Errorf("%q is there %d times", s, n)
		}
	}
	sent := map[string]int{}
	for _, m := range h.server.Sent() {
		sent[subject(string(m.Raw))]++
	}
	waiting := strings.Join(append(h.here("Outbox"), h.here("Local Failures")...), "\n")
	for _, s := range h.queued {
		if sent[s] > 1 || sent[s] == 0 && !strings.Contains(waiting, s+" ") {
			t.Errorf("%q was sent %d times; waiting are %q", s, sent[s], waiting)
		}
	}
	if problems, err := h.m.Verify(h.ctx, nil); err != nil || len(problems) > 0 {
		t.Errorf("verify: %v %q", err, problems)
	}
}
