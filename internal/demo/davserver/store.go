// Package davserver is the demo's CalDAV and CardDAV server (RFC 4791, 6352, 6578, 5689): collections of resources kept byte
// for byte in memory, with what changed told to a journal. It imports nothing of ours.
package davserver

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Limits of one user's collections.
const (
	maxResource    = 10 << 20
	maxCollections = 1000
	maxResources   = 200_000
	maxNameLength  = 250
	maxDisplayName = 1000
)

// Kind says what a collection holds.
type Kind string

const (
	Calendar    Kind = "calendar"
	AddressBook Kind = "addressbook"
)

// Record is one change as the journal keeps it.
type Record struct {
	Collection *CollectionRecord
	Resource   *ResourceRecord
}

// CollectionRecord is a collection's state apart from its resources, or its end.
type CollectionRecord struct {
	User       string
	Kind       Kind
	Name, ID   string
	Seq        uint64
	Components []string
	Props      map[string]string
	Gone       bool
}

// ResourceRecord is a resource that was stored or removed.
type ResourceRecord struct {
	User       string
	Kind       Kind
	Collection string
	Name       string
	Seq        uint64
	Body       []byte
	Gone       bool
}

// Store is all users' collections. Its methods may be called from several goroutines.
type Store struct {
	mu    sync.Mutex
	homes map[homeKey]map[string]*collection
	save  func(Record)
	// newID makes a collection's identity, which is in its sync tokens: a collection of the same name that is made
	// later must not honour them.
	lastID uint64
}

type homeKey struct {
	user string
	kind Kind
}

type collection struct {
	user       string
	kind       Kind
	name, id   string
	seq        uint64
	components []string
	props      map[string]string // dead properties and the few that may be set, by "namespace name"
	resources  map[string]*resource
	removed    map[string]uint64
	uids       map[string]string // UID to resource name
}

type resource struct {
	name, etag, uid, component string
	seq                        uint64
	body                       []byte
}

// NewStore makes an empty store; save is called for every change and must not call the store; nil saves nothing.
func NewStore(save func(Record)) *Store {
	if save == nil {
		save = func(Record) {}
	}
	return &Store{homes: map[homeKey]map[string]*collection{}, save: save}
}

// errCondition is a refusal with its status and precondition element, "C:valid-calendar-data".
type errCondition struct {
	status    int
	condition string
	href      string
	text      string
}

func (e *errCondition) Error() string { return e.text }

var errNotFound = &errCondition{status: 404, text: "nothing is there"}

// Create makes a collection. components are what a calendar takes; nil means events, tasks and notes.
func (s *Store) Create(user string, kind Kind, name string, components []string, props map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.create(user, kind, name, components, props)
}

func (s *Store) create(user string, kind Kind, name string, components []string, props map[string]string) error {
	home := s.home(user, kind)
	switch {
	case home[name] != nil:
		return &errCondition{405, "D:resource-must-be-null", "", "something of that name is already there"}
	case !goodName(name):
		return &errCondition{403, "", "", "this cannot be the name of a collection"}
	case len(home) >= maxCollections:
		return &errCondition{507, "", "", "too many collections"}
	}
	for _, c := range components {
		if !slices.Contains(allComponents(), c) {
			return &errCondition{403, "C:supported-calendar-component", "", c + " is not stored here"}
		}
	}
	if kind == Calendar && len(components) == 0 {
		components = allComponents()
	}
	s.lastID++
	c := &collection{user: user, kind: kind, name: name, id: fmt.Sprintf("%x", s.lastID), seq: 1, components: components, props: map[string]string{}}
	c.init()
	for k, v := range props {
		c.props[k] = v
	}
	home[name] = c
	s.save(Record{Collection: c.record(false)})
	return nil
}

func allComponents() []string { return []string{"VEVENT", "VTODO", "VJOURNAL"} }

func (c *collection) init() {
	c.resources, c.removed, c.uids = map[string]*resource{}, map[string]uint64{}, map[string]string{}
}

func goodName(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= maxNameLength && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '/' || r == 0x7f || r == 0xfffd })
}

func (s *Store) home(user string, kind Kind) map[string]*collection {
	k := homeKey{strings.ToLower(user), kind}
	if s.homes[k] == nil {
		s.homes[k] = map[string]*collection{}
	}
	return s.homes[k]
}

func (c *collection) record(gone bool) *CollectionRecord {
	props := map[string]string{}
	for k, v := range c.props {
		props[k] = v
	}
	return &CollectionRecord{c.user, c.kind, c.name, c.id, c.seq, c.components, props, gone}
}

// setProps changes properties; "" removes one.
func (s *Store) setProps(c *collection, props map[string]string) {
	for k, v := range props {
		if v == "" {
			delete(c.props, k)
		} else {
			c.props[k] = v
		}
	}
	s.save(Record{Collection: c.record(false)})
}

func (s *Store) deleteCollection(c *collection) {
	delete(s.home(c.user, c.kind), c.name)
	s.save(Record{Collection: c.record(true)})
}

// Put stores a resource, for the company's content and for tests; the protocol's way is in put.
func (s *Store) Put(user string, kind Kind, collection, name string, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.home(user, kind)[collection]
	if c == nil {
		return errNotFound
	}
	_, err := s.put(c, name, body)
	return err
}

func (s *Store) put(c *collection, name string, body []byte) (created bool, err error) {
	uid, component, err := c.check(name, body)
	if err != nil {
		return false, err
	}
	old := c.resources[name]
	if old == nil && len(c.resources) >= maxResources {
		return false, &errCondition{507, "", "", "the collection is full"}
	}
	if old != nil {
		delete(c.uids, old.uid)
	}
	c.seq++
	c.set(name, uid, component, body, c.seq)
	s.save(Record{Resource: &ResourceRecord{User: c.user, Kind: c.kind, Collection: c.name, Name: name, Seq: c.seq, Body: body}})
	return old == nil, nil
}

// check applies the preconditions of PUT (RFC 4791 5.3.2.1, RFC 6352 6.3.2.1).
func (c *collection) check(name string, body []byte) (uid, component string, err error) {
	prefix := "C:"
	if c.kind == AddressBook {
		prefix = "CR:"
	}
	switch {
	case !goodName(name):
		return "", "", &errCondition{403, "", "", "this cannot be the name of a resource"}
	case len(body) > maxResource:
		return "", "", &errCondition{403, prefix + "max-resource-size", "", "too large"}
	}
	if c.kind == AddressBook {
		if uid, err = inspectCard(body); err != nil {
			return "", "", &errCondition{403, "CR:valid-address-data", "", err.Error()}
		}
	} else {
		if uid, component, err = inspectCalendar(body); err != nil {
			condition := "C:valid-calendar-data"
			if errors.Is(err, errObject) {
				condition = "C:valid-calendar-object-resource"
			}
			return "", "", &errCondition{403, condition, "", err.Error()}
		}
		if !slices.Contains(c.components, component) {
			return "", "", &errCondition{403, "C:supported-calendar-component", "", component + " is not stored here"}
		}
	}
	if other := c.uids[uid]; other != "" && other != name {
		return "", "", &errCondition{403, prefix + "no-uid-conflict", c.href() + escape(other), "another resource has this UID"}
	}
	if old := c.resources[name]; old != nil && old.uid != uid {
		return "", "", &errCondition{403, prefix + "no-uid-conflict", c.href() + escape(name), "a resource keeps its UID"}
	}
	return uid, component, nil
}

func (c *collection) set(name, uid, component string, body []byte, seq uint64) {
	sum := sha256.Sum256(append([]byte(strconv.FormatUint(seq, 10)+" "), body...))
	c.resources[name] = &resource{name: name, etag: `"` + hex.EncodeToString(sum[:12]) + `"`, uid: uid, component: component, seq: seq, body: body}
	c.uids[uid] = name
	delete(c.removed, name)
}

func (s *Store) remove(c *collection, r *resource) {
	c.seq++
	c.unset(r.name, c.seq)
	s.save(Record{Resource: &ResourceRecord{User: c.user, Kind: c.kind, Collection: c.name, Name: r.name, Seq: c.seq, Gone: true}})
}

func (c *collection) unset(name string, seq uint64) {
	if r := c.resources[name]; r != nil {
		delete(c.uids, r.uid)
		delete(c.resources, name)
	}
	c.removed[name] = seq
}

// token names the collection's state now (RFC 6578 4).
func (c *collection) token(seq uint64) string { return fmt.Sprintf("data:,%s-%d", c.id, seq) }

// parseToken reads a token of this collection.
func (c *collection) parseToken(t string) (uint64, bool) {
	n, ok := strings.CutPrefix(t, "data:,"+c.id+"-")
	if !ok {
		return 0, false
	}
	seq, err := strconv.ParseUint(n, 10, 64)
	return seq, err == nil && seq <= c.seq
}

// Replay applies a record of an earlier run. It saves nothing.
func (s *Store) Replay(r Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := r.Collection; r != nil {
		home := s.home(r.User, r.Kind)
		if n, err := strconv.ParseUint(r.ID, 16, 64); err == nil {
			s.lastID = max(s.lastID, n)
		}
		if r.Gone {
			delete(home, r.Name)
			return nil
		}
		if r.Name == "" { // only keeps the number
			return nil
		}
		c := home[r.Name]
		if c == nil || c.id != r.ID {
			c = &collection{user: r.User, kind: r.Kind, name: r.Name, id: r.ID}
			c.init()
			home[r.Name] = c
		}
		c.seq, c.components, c.props = max(c.seq, r.Seq), r.Components, r.Props
		if c.props == nil {
			c.props = map[string]string{}
		}
	}
	if r := r.Resource; r != nil {
		c := s.home(r.User, r.Kind)[r.Collection]
		if c == nil {
			return fmt.Errorf("resource %q in the unknown collection %q", r.Name, r.Collection)
		}
		c.seq = max(c.seq, r.Seq)
		if r.Gone {
			c.unset(r.Name, r.Seq)
			return nil
		}
		if old := c.resources[r.Name]; old != nil {
			delete(c.uids, old.uid)
		}
		uid, component, err := c.check(r.Name, r.Body)
		if err != nil {
			return err
		}
		c.set(r.Name, uid, component, r.Body, r.Seq)
	}
	return nil
}

// Snapshot emits records that make up the store as it is, and sets save for what comes after.
func (s *Store) Snapshot(emit func(Record), save func(Record)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	emit(Record{Collection: &CollectionRecord{ID: strconv.FormatUint(s.lastID, 16)}})
	for _, home := range s.homes {
		for _, c := range home {
			emit(Record{Collection: c.record(false)})
			for _, r := range c.resources {
				emit(Record{Resource: &ResourceRecord{c.user, c.kind, c.name, r.name, r.seq, r.body, false}})
			}
			for name, seq := range c.removed {
				emit(Record{Resource: &ResourceRecord{c.user, c.kind, c.name, name, seq, nil, true}})
			}
		}
	}
	s.save = save
}

// IsExists reports whether Create failed because the name is taken.
func IsExists(err error) bool {
	c, ok := errors.AsType[*errCondition](err)
	return ok && c.condition == "D:resource-must-be-null"
}
