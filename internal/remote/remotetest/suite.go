// Package remotetest is the one conformance suite that every driver of package remote passes, and the sample items it
// uses. What it demands is what the comments of remote.Service say. It may import remote and groupware only.
// Read Target first, then the sentences in folders.go, changes.go, items.go, writes.go and partial.go.
package remotetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

// Target is a driver and a server to try it with.
type Target struct {
	// Connect makes a new connection to the account, which is always the same one during a Run. The suite closes it.
	Connect func(t testing.TB) remote.Service
	// Second makes a connection that plays another client of the account; nil is Connect.
	Second func(t testing.TB) remote.Service
	// Kinds of folder that the service can make: all tests run for each.
	Kinds []groupware.FolderKind
	// Restrict takes the user's right to store, change and delete items in a folder (by its path, "A/B"), as an administrator
	// would; undo gives it back. nil when that cannot be done.
	Restrict func(t testing.TB, path string) (undo func())
	// Refused is content for a mail folder that the server refuses; nil when it takes everything.
	Refused []byte
	// Many is how many items a large folder has; 0 is 500 for mail and 60 for the others.
	Many int
	Features
}

// Features tell what the server offers. A test that needs more than is there demands only what then remains.
type Features struct {
	State           bool // listing folders tells State
	Delta           bool // Changes since a token emits what is different, not everything
	Renames         bool // folders can be renamed
	StableFolderIDs bool // a renamed folder keeps its id
	Nests           bool // folders can have children
	KeepsBytes      bool // what is read is what was stored, byte for byte
	NewIDs          bool // Create, Replace and Move tell new ids (UIDPLUS; always so with DAV)
	Tags            bool // Create and Replace tell the tag where the server did not rewrite
	Identify        bool // Identify knows mail
	Keywords        bool // flags of any name are kept
	Push            bool // Watch tells at once of changes in the first folder
	PushAll         bool // and of those in every other, and of the list of folders
	Moves           bool // Move works between folders of the kind
}

// test is one sentence about a service.
type test struct {
	name       string
	kind       func(groupware.FolderKind) bool // nil: every kind
	needs      func(Features) bool             // nil: nothing
	refused    bool                            // of mail: needs content that the server refuses
	restricted bool                            // needs somebody who can take rights away
	run        func(e *env)
}

func mail(k groupware.FolderKind) bool    { return k == groupware.FolderMail }
func objects(k groupware.FolderKind) bool { return k != groupware.FolderMail }

// Run tries every sentence for every kind of folder of the target.
func Run(t *testing.T, target Target) {
	if target.Second == nil {
		target.Second = target.Connect
	}
	tests := slices.Concat(folderTests(), changeTests(), itemTests(), partialTests(), writeTests(), watchTests(), rightsTests())
	for _, kind := range target.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			p := &pool{target: target}
			defer p.close()
			for i, c := range tests {
				if c.kind != nil && !c.kind(kind) || c.needs != nil && !c.needs(target.Features) || c.refused && mail(kind) && target.Refused == nil ||
					c.restricted && target.Restrict == nil {
					continue
				}
				t.Run(c.name, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
					defer cancel()
					e := &env{T: t, Target: target, folderKind: kind, number: i, ctx: ctx, pool: p}
					e.s = p.first(t)
					defer e.clean()
					c.run(e)
				})
			}
		})
	}
}

// pool keeps two connections over the tests of a kind; a test that failed or broke them gets rid of them.
type pool struct {
	target Target
	a, b   remote.Service
}

func (p *pool) first(t testing.TB) remote.Service {
	if p.a == nil {
		p.a = p.target.Connect(t)
	}
	return p.a
}

func (p *pool) second(t testing.TB) remote.Service {
	if p.b == nil {
		p.b = p.target.Second(t)
	}
	return p.b
}

func (p *pool) close() {
	for _, s := range []remote.Service{p.a, p.b} {
		if s != nil {
			s.Close()
		}
	}
	p.a, p.b = nil, nil
}

// env is what one test works with.
type env struct {
	*testing.T
	Target
	folderKind groupware.FolderKind
	number     int
	ctx        context.Context
	pool       *pool
	s          remote.Service
	made       []string // folders, to be removed
	undo       []func() // what to do before that
	names      int
}

func (e *env) other() remote.Service { e.Helper(); return e.pool.second(e.T) }

// reconnect replaces the connection, as after a cut.
func (e *env) reconnect() {
	e.Helper()
	e.pool.close()
	e.s = e.pool.first(e.T)
}

func (e *env) clean() {
	if e.Failed() || e.ctx.Err() != nil {
		e.pool.close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, f := range slices.Backward(e.undo) {
		f()
		e.pool.close() // Dovecot remembers rights for half a minute
	}
	for _, id := range slices.Backward(e.made) {
		if err := e.pool.first(e.T).DeleteFolder(ctx, id); err != nil {
			e.Errorf("clean up: %v", err)
			e.pool.close()
			return
		}
	}
	// A server may end a session whose folder another one deleted (Dovecot does).
	if b := e.pool.b; b != nil && len(e.made) > 0 {
		if _, err := b.Folders(ctx); err != nil {
			b.Close()
			e.pool.b = nil
		}
	}
}

func (e *env) ok(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// wantKind demands an error of one of these kinds.
func (e *env) wantKind(err error, kinds ...remote.ErrorKind) {
	e.Helper()
	if err == nil {
		e.Fatalf("no error, want %v", kinds)
	}
	if !slices.Contains(kinds, remote.KindOf(err)) {
		e.Fatalf("got error %v (kind %v), want %v", err, remote.KindOf(err), kinds)
	}
}

// name makes a folder name that no other test uses.
func (e *env) name() string {
	e.names++
	return fmt.Sprintf("Test %s %d.%d", e.folderKind, e.number, e.names)
}

// folder makes a folder for this test alone.
func (e *env) folder() remote.Folder { e.Helper(); return e.folderIn("", e.name()) }

func (e *env) folderIn(parent, name string) remote.Folder {
	e.Helper()
	f, err := e.s.CreateFolder(e.ctx, remote.NewFolder{Parent: parent, Name: name, Kind: e.folderKind})
	if err != nil {
		e.Fatalf("create folder %q: %v", name, err)
	}
	e.made = append(e.made, f.ID)
	return f
}

// listed finds a folder in the listing by its id.
func (e *env) listed(id string) (remote.Folder, bool) {
	e.Helper()
	all, err := e.s.Folders(e.ctx)
	e.ok(err)
	i := slices.IndexFunc(all, func(f remote.Folder) bool { return f.ID == id })
	if i < 0 {
		return remote.Folder{}, false
	}
	return all[i], true
}

// item makes the nth new item of this test, of the folder's kind.
func (e *env) item(n int) remote.NewItem {
	return Item(e.folderKind, fmt.Sprintf("t%d-%d-%s", e.number, n, e.folderKind), "first version")
}

// edited is item(n) as edited.
func (e *env) edited(n int) remote.NewItem {
	return Item(e.folderKind, fmt.Sprintf("t%d-%d-%s", e.number, n, e.folderKind), "edited, and a little longer than it was")
}

func (e *env) items(n int) []remote.NewItem {
	out := make([]remote.NewItem, n)
	for i := range out {
		out[i] = e.item(i)
	}
	return out
}

func (e *env) many() int {
	switch {
	case e.Many > 0:
		return e.Many
	case e.folderKind == groupware.FolderMail:
		return 500
	}
	return 60
}

// create stores items by s and returns their ids in the items' order, read from the listing where Create does not tell.
func (e *env) create(s remote.Service, folder string, items ...remote.NewItem) []string {
	e.Helper()
	var before map[string]remote.Change
	if !e.NewIDs {
		before = e.all(s, folder)
	}
	ids := make([]string, len(items))
	next := 0
	err := s.Create(e.ctx, folder, items, func(i int, c remote.Created, err error) error {
		if err != nil {
			e.Errorf("create item %d: %v", i, err)
		}
		if i != next {
			e.Errorf("item %d was reported after item %d", i, next-1)
		}
		next = i + 1
		if e.NewIDs && c.ID == "" && err == nil {
			e.Errorf("create item %d tells no id", i)
		}
		ids[i] = c.ID
		return nil
	})
	e.ok(err)
	if next != len(items) {
		e.Fatalf("%d of %d items were reported", next, len(items))
	}
	if e.Failed() {
		e.FailNow()
	}
	if !slices.Contains(ids, "") {
		return ids
	}
	var fresh []remote.Change
	for id, c := range e.all(s, folder) {
		if _, ok := before[id]; !ok {
			fresh = append(fresh, c)
		}
	}
	if len(fresh) != len(items) {
		e.Fatalf("%d items created, %d new ones listed", len(items), len(fresh))
	}
	slices.SortFunc(fresh, func(a, b remote.Change) int { return int(a.Order - b.Order) })
	for i, c := range fresh {
		ids[i] = c.ID
	}
	return ids
}

// all lists a folder in full.
func (e *env) all(s remote.Service, folder string) map[string]remote.Change {
	e.Helper()
	out := map[string]remote.Change{}
	l, err := s.Changes(e.ctx, folder, "", func(c remote.Change) error {
		if c.Gone || c.Same || c.ID == "" {
			e.Errorf("a listing from nothing has %+v", c)
		}
		out[c.ID] = c
		return nil
	})
	e.ok(err)
	if !l.Full {
		e.Fatal("a listing from nothing is not full")
	}
	return out
}

// read fetches items whole, by id.
func (e *env) read(folder string, ids ...string) map[string]remote.Fetched {
	e.Helper()
	return e.fetch(folder, remote.PartWhole, ids...)
}

func (e *env) fetch(folder string, part remote.Part, ids ...string) map[string]remote.Fetched {
	e.Helper()
	out := map[string]remote.Fetched{}
	e.ok(e.s.Fetch(e.ctx, folder, ids, part, func(f remote.Fetched) error {
		if f.Err != nil {
			e.Errorf("fetch %s: %v", f.ID, f.Err)
		}
		if _, twice := out[f.ID]; twice {
			e.Errorf("%s was emitted twice", f.ID)
		}
		if !slices.Contains(ids, f.ID) {
			e.Errorf("%s was emitted and not asked for", f.ID)
		}
		out[f.ID] = f
		return nil
	}))
	return out
}

// wantContent demands that an item holds what was stored.
func (e *env) wantContent(folder, id string, want remote.NewItem) {
	e.Helper()
	got, ok := e.read(folder, id)[id]
	if !ok {
		e.Fatalf("item %s is not there", id)
	}
	e.same(got, want)
}

func (e *env) same(got remote.Fetched, want remote.NewItem) {
	e.Helper()
	if got.Media != want.Media {
		e.Errorf("media is %q, want %q", got.Media, want.Media)
	}
	if e.KeepsBytes {
		if string(got.Raw) != string(want.Raw) {
			e.Errorf("bytes differ:\n%s", firstDifference(got.Raw, want.Raw))
		}
	} else if missing := missingFrom(got.Raw, want.Raw); missing != "" {
		e.Errorf("%s is lost in\n%s", missing, got.Raw)
	}
}

// mirror follows a folder by its changes, as the engine does.
type mirror struct {
	e      *env
	folder string
	token  string
	items  map[string]remote.Change
}

func (e *env) mirror(folder string) *mirror {
	e.Helper()
	m := &mirror{e: e, folder: folder, items: map[string]remote.Change{}}
	m.pull(e.s)
	return m
}

// pull brings the mirror up to date and returns how many changes that took, without those that only say Same.
func (m *mirror) pull(s remote.Service) (l remote.Listing, told int) {
	m.e.Helper()
	seen := map[string]bool{}
	l, err := s.Changes(m.e.ctx, m.folder, m.token, func(c remote.Change) error {
		seen[c.ID] = true
		_, known := m.items[c.ID]
		switch {
		case c.Gone:
			delete(m.items, c.ID)
			told++
		case c.Same && !known:
			m.e.Errorf("%s is told to be the same and was never listed", c.ID)
		case c.Same:
		default:
			m.items[c.ID] = c
			told++
		}
		return nil
	})
	m.e.ok(err)
	if l.Full {
		for id := range m.items {
			if !seen[id] {
				delete(m.items, id)
			}
		}
	}
	if l.Token == "" {
		m.e.Error("a listing without a token")
	}
	m.token = l.Token
	return l, told
}

// check demands that the mirror is what a full listing shows.
func (m *mirror) check() {
	m.e.Helper()
	truth := m.e.all(m.e.other(), m.folder)
	for id, c := range truth {
		if got, ok := m.items[id]; !ok {
			m.e.Errorf("%s was not told", id)
		} else if got.Tag != c.Tag || got.Flags != c.Flags {
			m.e.Errorf("%s is %+v there, and was told as %+v", id, c, got)
		}
	}
	for id := range m.items {
		if _, ok := truth[id]; !ok {
			m.e.Errorf("%s is gone, and that was not told", id)
		}
	}
}

// firstDifference shows where two byte strings part.
func firstDifference(got, want []byte) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	show := func(b []byte) string { return fmt.Sprintf("%q", b[max(0, i-20):min(len(b), i+60)]) }
	return fmt.Sprintf("at byte %d (got %d bytes, want %d)\n got %s\nwant %s", i, len(got), len(want), show(got), show(want))
}
