package fake

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

// Options say what a Server is made of. The zero value is a good server with all services.
type Options struct {
	// Clock gives the received time of what is stored without one; nil is a fixed moment.
	Clock func() time.Time
	// Rand decides the order of listings; nil is a fixed seed.
	Rand *rand.Rand
	// Services of "imap", "caldav", "carddav"; nil is all three.
	Services []string
	// Stalled is called when a Fault begins to stall, so that a test can end the context of the call.
	Stalled func()
	// NoSubmission takes the submission server away.
	NoSubmission bool
	Features
}

// Features play poorer or stranger servers. The zero value is the best server there is.
type Features struct {
	NoDelta    bool // no state tokens: every listing is full
	NoVanished bool // changes are known, deletions are not (CONDSTORE without QRESYNC): Same entries, full listings
	NoState    bool // listing folders tells no State
	NoNewIDs   bool // Create, Replace and Move of mail tell no new id (no UIDPLUS)
	NoIdentify bool
	NoETag     bool // storing an object tells no tag
	PathIDs    bool // a mail folder's id is its path (no OBJECTID)
	Rewrites   bool // objects are stored otherwise than given
	UniqueUIDs bool // a second object with the same UID is refused in all folders of the service, as Cyrus does (RFC 6638 3.2.4.1)
	NoPush     bool // nobody is told of changes: Watch returns at once
	Schedules  bool // calendars say that the server sends invitations (RFC 6638); it sends none
	NoKeywords bool // keywords are dropped silently, as by servers without PERMANENTFLAGS \*
	AnyOrder   bool // items are read in an order of the server's own
	MaxSize    int64
	Quota      int64 // of all items together
	// Refuse may refuse content, for a folder given by its path; its error is reported as kind Invalid unless it is a *remote.Error.
	Refuse func(path string, item remote.NewItem) error
	// RefuseRecipient may refuse an address.
	RefuseRecipient func(address string) bool
}

// Server holds one account. All methods may be called from any goroutine.
type Server struct {
	o        Options
	services []string
	faults   *Faults

	mu       sync.Mutex
	folders  []*folder // parents before children
	serial   int       // of folders, tags
	validity uint32
	epoch    int // of connections
	offline  bool
	rands    map[string]*rand.Rand
	sent     []Sent
	writes   int
	calls    map[string]int
	watchers []*watcher
}

// Sent is a message that was accepted for delivery.
type Sent struct {
	From string
	To   []string
	Raw  []byte
	At   time.Time
}

type folder struct {
	service  string
	key      string // stable
	parent   *folder
	name     string
	kind     groupware.FolderKind
	role     groupware.Role
	accepts  []groupware.Kind
	readOnly bool
	noItems  bool
	hidden   bool // listed without its items
	era      int  // of modseq: tokens of another one are unknown
	validity uint32
	nextUID  uint32
	modseq   uint64
	floor    uint64 // deletions up to here are forgotten
	items    map[string]*item
	gone     map[string]uint64
}

type item struct {
	id       string
	uid      uint32 // mail
	name     string // objects
	tag      string // objects
	media    groupware.Media
	flags    groupware.Flags
	raw      []byte
	received time.Time
	modseq   uint64
}

// NewServer makes an account with the folders that everybody has: Inbox, Sent, Drafts, Trash; Calendar; Contacts.
func NewServer(o Options) *Server {
	if o.Clock == nil {
		o.Clock = func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
	}
	if o.Rand == nil {
		o.Rand = rand.New(rand.NewPCG(1, 2))
	}
	s := &Server{o: o, validity: 1000, faults: newFaults(), rands: map[string]*rand.Rand{}, calls: map[string]int{}}
	for _, name := range []string{"imap", "caldav", "carddav"} {
		// One source for each service, so that one service's history does not depend on how fast another is.
		s.rands[name] = rand.New(rand.NewPCG(o.Rand.Uint64(), o.Rand.Uint64()))
		if o.Services == nil || slices.Contains(o.Services, name) {
			s.services = append(s.services, name)
		}
	}
	for _, f := range []remote.NewFolder{
		{Name: "Inbox", Kind: groupware.FolderMail, Role: groupware.RoleInbox},
		{Name: "Sent", Kind: groupware.FolderMail, Role: groupware.RoleSent},
		{Name: "Drafts", Kind: groupware.FolderMail, Role: groupware.RoleDrafts},
		{Name: "Trash", Kind: groupware.FolderMail, Role: groupware.RoleTrash},
		{Name: "Calendar", Kind: groupware.FolderCalendar},
		{Name: "Contacts", Kind: groupware.FolderContacts},
	} {
		if slices.Contains(s.services, serviceOf(f.Kind)) {
			s.makeFolder(f)
		}
	}
	return s
}

// Services lists the services that the account has, in the order imap, caldav, carddav.
func (s *Server) Services() []string { return slices.Clone(s.services) }

// Faults is the plan of what goes wrong; a new server's plan is empty.
func (s *Server) Faults() *Faults { return s.faults }

// Connect signs in to one service.
func (s *Server) Connect(ctx context.Context, service string) (remote.Service, error) {
	if !slices.Contains(s.services, service) {
		return nil, &remote.Error{Kind: remote.NotFound, Doing: "connect to " + service, Text: "the account has no such service"}
	}
	c, err := s.connect(ctx, service, "Connect")
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (s *Server) connect(ctx context.Context, service, name string) (*conn, error) {
	s.mu.Lock()
	c := &conn{s: s, name: service, epoch: s.epoch}
	s.mu.Unlock()
	k, err := c.begin(ctx, name, "connect to "+service)
	if err != nil {
		return nil, err
	}
	return c, k.end()
}

// SetOffline takes the server off the network, killing all connections, or brings it back.
func (s *Server) SetOffline(off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offline = off
	s.epoch++
	for _, w := range s.watchers {
		w.rouse()
	}
}

// Writes counts the calls of services that wrote or asked to write something (not what the test does as another client).
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// Calls counts calls of services by method name, "Connect", "Submit" and "Send" included.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for k, v := range s.calls {
		out[k] = v
	}
	return out
}

func serviceOf(k groupware.FolderKind) string {
	switch k {
	case groupware.FolderMail:
		return "imap"
	case groupware.FolderContacts:
		return "carddav"
	}
	return "caldav"
}

// id is what the folder is called on the wire.
func (s *Server) id(f *folder) string {
	if f == nil {
		return ""
	}
	if s.o.PathIDs && f.service == "imap" {
		return path(f)
	}
	return f.key
}

func path(f *folder) string {
	if f.parent == nil {
		return f.name
	}
	return path(f.parent) + "/" + f.name
}

func (s *Server) find(id string) *folder {
	for _, f := range s.folders {
		if s.id(f) == id {
			return f
		}
	}
	return nil
}

func (s *Server) show(f *folder) remote.Folder {
	out := remote.Folder{ID: s.id(f), Parent: s.id(f.parent), Name: f.name, Kind: f.kind, Role: f.role,
		Accepts: slices.Clone(f.accepts), ReadOnly: f.readOnly, NoItems: f.noItems, Items: int64(len(f.items)), Schedules: s.o.Schedules && f.service == "caldav"}
	if f.hidden {
		out.Items = 0
	}
	if !s.o.NoState && !f.noItems {
		out.State = f.token()
	}
	if f.service == "imap" {
		out.Identity = fmt.Sprint(f.validity)
	}
	return out
}

func (f *folder) token() string { return fmt.Sprintf("%s %d", f.line(), f.modseq) }

// line names the numbers that a modseq is one of: two tokens of one line can be compared.
func (f *folder) line() string {
	if f.hidden {
		return fmt.Sprintf("%s %d.%d hidden", f.key, f.validity, f.era)
	}
	return fmt.Sprintf("%s %d.%d", f.key, f.validity, f.era)
}

// makeFolder assumes that the name was checked.
func (s *Server) makeFolder(n remote.NewFolder) *folder {
	s.serial++
	f := &folder{service: serviceOf(n.Kind), parent: s.find(n.Parent), name: n.Name, kind: n.Kind, role: n.Role,
		validity: s.validity, nextUID: 1, modseq: 1, items: map[string]*item{}, gone: map[string]uint64{}}
	switch n.Kind {
	case groupware.FolderMail:
		f.key = fmt.Sprintf("F%d", s.serial)
	case groupware.FolderTasks:
		f.accepts = []groupware.Kind{groupware.KindTask}
	case groupware.FolderNotes:
		f.accepts = []groupware.Kind{groupware.KindNote}
	}
	if f.key == "" {
		f.key = fmt.Sprintf("/%s/%d/", f.service, s.serial)
	}
	s.folders = append(s.folders, f)
	s.tell(f.service, nil)
	return f
}

// checkName says what is wrong with a name under a parent.
func (s *Server) checkName(doing, service, parent, name string, self *folder) error {
	up := s.find(parent)
	switch {
	case parent != "" && (up == nil || up.service != service):
		return &remote.Error{Kind: remote.NotFound, Doing: doing, Text: "no such parent"}
	case parent != "" && service != "imap":
		return &remote.Error{Kind: remote.Invalid, Doing: doing, Text: "collections do not nest"}
	case name == "" || service == "imap" && strings.Contains(name, "/") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		return &remote.Error{Kind: remote.Invalid, Doing: doing, Text: "invalid name"}
	}
	for p := up; p != nil && self != nil; p = p.parent {
		if p == self {
			return &remote.Error{Kind: remote.Invalid, Doing: doing, Text: "a folder cannot be inside itself"}
		}
	}
	for _, f := range s.folders {
		if f != self && f.service == service && f.parent == up && (f.name == name || f.role == groupware.RoleInbox && strings.EqualFold(name, "inbox")) {
			return &remote.Error{Kind: remote.Exists, Doing: doing, Text: "already exists"}
		}
	}
	return nil
}

func (s *Server) renameFolder(f *folder, parent, name string) {
	f.parent, f.name = s.find(parent), name
	// Parents stay before children.
	slices.SortStableFunc(s.folders, func(a, b *folder) int { return depth(a) - depth(b) })
	s.tell(f.service, nil)
}

func depth(f *folder) (n int) {
	for ; f.parent != nil; f = f.parent {
		n++
	}
	return n
}

func (s *Server) deleteFolder(f *folder) {
	s.tell(f.service, nil)
	s.validity++ // a folder of the same name made later is another one
	s.folders = slices.DeleteFunc(s.folders, func(g *folder) bool {
		for p := g; p != nil; p = p.parent {
			if p == f {
				return true
			}
		}
		return false
	})
}

// put stores new bytes under a new uid (mail) or under name (objects).
func (s *Server) put(f *folder, n remote.NewItem) *item {
	f.modseq++
	it := &item{media: n.Media, raw: slices.Clone(n.Raw), received: n.Received, modseq: f.modseq}
	if it.received.IsZero() {
		it.received = s.o.Clock().Truncate(time.Second)
	}
	if f.service == "imap" {
		it.media, it.flags, it.uid = groupware.MediaMessage, s.kept(n.Flags), f.nextUID
		f.nextUID++
		it.id = f.mailID(it.uid)
	} else {
		s.serial++
		it.received, it.name, it.id, it.tag = time.Time{}, n.Name, f.key+n.Name, fmt.Sprintf(`"%d"`, s.serial)
		if f.service == "carddav" {
			it.media = groupware.MediaVCard
		} else {
			it.media = groupware.MediaCalendar
		}
		if s.o.Rewrites {
			it.raw = rewrite(it.raw)
		}
	}
	f.items[it.id] = it
	delete(f.gone, it.id)
	s.tell(f.service, f)
	return it
}

func (s *Server) kept(f groupware.Flags) groupware.Flags {
	if s.o.NoKeywords {
		f.Keywords = ""
	}
	return f
}

// numbers reports whether an id of mail is of the folder's UIDVALIDITY.
func (f *folder) numbers(id string) bool { return strings.HasPrefix(id, fmt.Sprint(f.validity, ".")) }

func renumbered(doing string) error {
	return &remote.Error{Kind: remote.Precondition, Doing: doing, Text: "the folder was numbered anew (UIDVALIDITY)"}
}

func (f *folder) mailID(uid uint32) string { return fmt.Sprintf("%d.%d", f.validity, uid) }

func (s *Server) remove(f *folder, it *item) {
	f.modseq++
	delete(f.items, it.id)
	f.gone[it.id] = f.modseq
	s.tell(f.service, f)
}

func (s *Server) setFlags(f *folder, it *item, flags groupware.Flags) {
	if flags = s.kept(flags); flags != it.flags {
		f.modseq++
		it.flags, it.modseq = flags, f.modseq
		s.tell(f.service, f)
	}
}

func (s *Server) move(f *folder, it *item, to *folder) *item {
	moved := s.put(to, remote.NewItem{Media: it.media, Raw: it.raw, Flags: it.flags, Received: it.received, Name: it.name})
	s.remove(f, it)
	return moved
}

func (f *folder) sorted() []*item {
	out := make([]*item, 0, len(f.items))
	for _, it := range f.items {
		out = append(out, it)
	}
	slices.SortFunc(out, func(a, b *item) int {
		if a.uid != b.uid {
			return int(a.uid) - int(b.uid)
		}
		return strings.Compare(a.id, b.id)
	})
	return out
}

func (s *Server) used() (n int64) {
	for _, f := range s.folders {
		for _, it := range f.items {
			n += int64(len(it.raw))
		}
	}
	return n
}

// refuse says why an item cannot be stored. old is what it replaces, nil for a new one.
func (s *Server) refuse(doing string, f *folder, n remote.NewItem, old *item) error {
	fail := func(k remote.ErrorKind, text string) error { return &remote.Error{Kind: k, Doing: doing, Text: text} }
	size := int64(len(n.Raw))
	switch {
	case f.readOnly:
		return fail(remote.Forbidden, "the folder is read-only")
	case s.o.MaxSize > 0 && size > s.o.MaxSize:
		return fail(remote.TooLarge, fmt.Sprintf("the limit is %d bytes", s.o.MaxSize))
	case s.o.Quota > 0 && s.used()+size > s.o.Quota:
		return fail(remote.OverQuota, "quota exceeded")
	}
	if s.o.Refuse != nil {
		if err := s.o.Refuse(path(f), n); err != nil {
			if remote.KindOf(err) != remote.Other {
				return err
			}
			return fail(remote.Invalid, err.Error())
		}
	}
	if f.service == "imap" {
		return nil
	}
	if n.Name == "" || strings.ContainsAny(n.Name, "/\x00") {
		return fail(remote.Invalid, "no resource name")
	}
	kind := kindOf(n.Raw)
	accepted := f.accepts
	if accepted == nil {
		accepted = map[string][]groupware.Kind{"caldav": {groupware.KindEvent}, "carddav": {groupware.KindContact, groupware.KindList}}[f.service]
	}
	if !slices.Contains(accepted, kind) {
		return fail(remote.Invalid, "the collection does not take this kind of object")
	}
	if old == nil && f.items[f.key+n.Name] != nil {
		return fail(remote.Exists, "a resource of this name is there")
	}
	if s.o.UniqueUIDs {
		uid := uidOf(n.Raw)
		for _, g := range s.folders {
			for _, it := range g.items {
				if g.service == f.service && it != old && uid != "" && uidOf(it.raw) == uid {
					return fail(remote.Exists, it.id+" has the same UID")
				}
			}
		}
	}
	return nil
}

func seedOf(seed uint64, service string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(service))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}
