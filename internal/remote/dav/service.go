package dav

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

// The names of the two services, for Connect and as Service.Name.
const (
	CalDAV  = "caldav"
	CardDAV = "carddav"
)

// flavour is what differs between CalDAV and CardDAV.
type flavour struct {
	name, words string
	space       string // XML namespace
	prefix      string // of space in our requests
	homeSet     string // the property of a principal that names the homes
	collection  string // the element of resourcetype
	multiget    string // the report that reads items
	data        string // the property with an item's bytes
	media       groupware.Media
}

func flavourOf(name string) (flavour, error) {
	switch name {
	case CalDAV:
		return flavour{CalDAV, "CalDAV", nsCal, "C:", "calendar-home-set", "calendar", "calendar-multiget", "calendar-data", groupware.MediaCalendar}, nil
	case CardDAV:
		return flavour{CardDAV, "CardDAV", nsCard, "A:", "addressbook-home-set", "addressbook", "addressbook-multiget", "address-data", groupware.MediaVCard}, nil
	}
	return flavour{}, fmt.Errorf("dav: there is no service %q", name)
}

// Service is a remote.Service on one CalDAV or CardDAV server.
type Service struct {
	flavour
	c      *client
	random io.Reader
	homes  []string // collections that hold the folders
	extra  []string // folders that the person named and that lie in no home

	noSync     map[string]bool // folders whose sync-collection the server refused
	noMultiget atomic.Bool
	versions   map[string]bool // address books that convert between vCard versions
	auto       *bool           // the server sends invitations by itself; nil: not asked yet
}

var _ remote.Service = (*Service)(nil)

// Connect signs in and finds the homes. e.URL may be the server's root, a well-known address, a principal, a home or
// one collection (RFC 6764 6).
func Connect(ctx context.Context, name string, e remote.Endpoint) (*Service, error) {
	f, err := flavourOf(name)
	if err != nil {
		return nil, err
	}
	c, err := newClient(e, f.words)
	if err != nil {
		return nil, err
	}
	s := &Service{flavour: f, c: c, random: rand.Reader, noSync: map[string]bool{}, versions: map[string]bool{}}
	u, err := url.Parse(e.URL)
	if err != nil {
		return nil, err
	}
	start, _, err := canonical("/", u.EscapedPath())
	if err != nil {
		return nil, err
	}
	if err := s.bootstrap(ctx, start); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// bootstrap finds the homes: at the address given, else at the well-known one, else at the root.
func (s *Service) bootstrap(ctx context.Context, start string) error {
	wellKnown := "/.well-known/" + s.name
	places := []string{start, wellKnown, "/"}
	if start == "/" {
		places = []string{wellKnown, "/"}
	}
	var first error
	for i, place := range places {
		if slices.Index(places, place) < i {
			continue
		}
		err := s.bootstrapAt(ctx, place)
		if err == nil {
			return nil
		}
		if (endsCall(err) && !errors.Is(err, errPage)) || ctx.Err() != nil {
			return err
		}
		if first == nil || remote.KindOf(first) == remote.NotFound {
			first = err
		}
	}
	return first
}

func (s *Service) bootstrapAt(ctx context.Context, place string) error {
	doing := "look for " + s.collection + "s at " + place
	homeSet := "<" + s.prefix + s.homeSet + "/>"
	here, final, err := s.c.get1(ctx, doing, place, "<D:resourcetype/><D:current-user-principal/>"+homeSet)
	if err != nil {
		return err
	}
	homes := here.props.child(s.space, s.homeSet).hrefs()
	base := final
	if len(homes) == 0 {
		for _, p := range here.props.child(nsDAV, "current-user-principal").hrefs() {
			if base, _, err = canonical(final, p); err != nil {
				continue
			}
			var principal *answer
			if principal, base, err = s.c.get1(ctx, "read the principal "+base, base, homeSet); err != nil {
				return err
			}
			homes = principal.props.child(s.space, s.homeSet).hrefs()
		}
	}
	var foreign string
	for _, h := range homes {
		home, host, err := canonical(base, h)
		if err != nil || host != "" && hostname(host) != hostname(s.c.base.Host) {
			foreign = h
			continue
		}
		if home = asCollection(home); !slices.Contains(s.homes, home) {
			s.homes = append(s.homes, home)
		}
	}
	final = asCollection(final)
	if here.props.child(nsDAV, "resourcetype").child(s.space, s.collection) != nil &&
		!slices.ContainsFunc(s.homes, func(h string) bool { return within(h, strings.TrimSuffix(final, "/")) }) {
		s.extra = []string{final}
	}
	if len(s.homes) > 0 || len(s.extra) > 0 {
		return nil
	}
	if foreign != "" {
		return &remote.Error{Kind: remote.NotFound, Doing: s.words + ": " + doing, Text: "the server says that they are at " + clean(foreign) + ": give that address instead, if you trust it"}
	}
	// A server that tells no principal: perhaps this is the home itself.
	folders, err := s.list(ctx, final)
	if err != nil {
		return err
	}
	if len(folders) == 0 {
		return &remote.Error{Kind: remote.NotFound, Doing: s.words + ": " + doing, Text: "the server names no home for them"}
	}
	s.homes = []string{final}
	return nil
}

func hostname(hostport string) string {
	u := url.URL{Host: hostport}
	return strings.ToLower(u.Hostname())
}

// Name is "caldav" or "carddav".
func (s *Service) Name() string { return s.name }

// Homes returns the addresses of the collections in which the folders were found.
func (s *Service) Homes() []string {
	var out []string
	for _, h := range append(slices.Clone(s.homes), s.extra...) {
		out = append(out, s.c.base.Scheme+"://"+s.c.base.Host+h)
	}
	return out
}

// Traffic returns the bytes read from and written to the network so far.
func (s *Service) Traffic() (in, out int64) { return s.c.traffic.Bytes() }

// Close ends the connections that are open.
func (s *Service) Close() error {
	s.c.http.Transport.(*http.Transport).CloseIdleConnections()
	return nil
}

// noFolder is the answer about an id that names no folder of a DAV server.
func (s *Service) noFolder(folder string) error {
	if strings.HasPrefix(folder, "/") && strings.HasSuffix(folder, "/") {
		return nil
	}
	return &remote.Error{Kind: remote.NotFound, Doing: s.words + ": open " + clean(folder), Text: "that is no folder"}
}

// SetFlags does nothing: DAV has no flags.
func (s *Service) SetFlags(context.Context, string, []string, groupware.Flags, groupware.Flags) error {
	return nil
}

// Identify knows nothing about an item beyond its path.
func (s *Service) Identify(ctx context.Context, folder string, ids []string) (map[string]string, error) {
	out := make(map[string]string, len(ids))
	for _, id := range ids {
		out[id] = ""
	}
	return out, ctx.Err()
}
