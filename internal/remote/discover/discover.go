// Package discover finds the servers of an email address (SPEC A2): SRV records (RFC 6186, RFC 8314, RFC 6764), the
// provider's own autoconfig file, and the usual host names, each verified by connecting. It asks nobody but the DNS
// and the address's own domain, and sends no password and no more of the address than autoconfig asks for, over TLS.
//
// Read discover.go first; sources.go collects candidates, probe.go tries them. The package may import groupware and
// remote.
package discover

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/idna"

	"outpost/internal/remote"
)

const (
	wholeTime = 10 * time.Second
	askTime   = 3 * time.Second // for what is asked at the same time
	maxProbes = 8               // connections under way
)

// Resolver is what is asked of the DNS; *net.Resolver has it.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Options replaces the network in tests. The zero value is the real one.
type Options struct {
	Resolver Resolver
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Roots    *x509.CertPool
}

// Found is where an account's services are, as URLs that remote.Endpoint takes; "" for what was not found.
type Found struct {
	IMAP, SMTP, CalDAV, CardDAV string
	// Login is the user name that the provider tells; "" means the whole address.
	Login string
	// Lines tell what was found where and what was tried in vain, a sentence each.
	Lines []string
}

// services in the order in which they are told.
func services() []string { return []string{"imap", "smtp", "caldav", "carddav"} }

func (f *Found) url(service string) *string {
	return map[string]*string{"imap": &f.IMAP, "smtp": &f.SMTP, "caldav": &f.CalDAV, "carddav": &f.CardDAV}[service]
}

// candidate is a place where a service may be.
type candidate struct {
	service string
	url     string
	login   string
	source  string // "SRV record", "autoconfig", "usual name"
	warning string
}

// Discover looks for the servers of an address for at most ten seconds. It is an error when neither mail nor calendars nor
// contacts were found.
func Discover(ctx context.Context, email string, o Options) (Found, error) {
	domain, err := domainOf(email)
	if err != nil {
		return Found{}, err
	}
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	d := &discovery{o: o, email: email, domain: domain}

	told, offline := d.ask(ctx)
	d.try(ctx, told)
	d.try(ctx, d.usualMailServers())
	d.try(ctx, d.usualDAVServers())
	d.settle()
	if d.found.IMAP != "" || d.found.CalDAV != "" || d.found.CardDAV != "" {
		return d.found, nil
	}
	e := &remote.Error{Kind: remote.NotFound, Doing: "look for the servers of " + domain, Text: "neither DNS nor autoconfig nor the usual names lead to one"}
	if offline || ctx.Err() != nil {
		e.Kind, e.Text = remote.Offline, "the network does not answer"
	}
	return d.found, e
}

// domainOf returns the domain of an address in its ASCII form.
func domainOf(email string) (string, error) {
	local, domain, _ := strings.Cut(email, "@")
	if i := strings.LastIndexByte(email, '@'); i >= 0 {
		local, domain = email[:i], email[i+1:]
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(domain, "."))
	if local == "" || ascii == "" || err != nil || len(email) > 254 || net.ParseIP(ascii) != nil {
		return "", &remote.Error{Kind: remote.Invalid, Doing: "look for servers", Text: fmt.Sprintf("%q is not an email address", email)}
	}
	return ascii, nil
}

type discovery struct {
	o             Options
	email, domain string

	found     Found
	untrusted map[string]candidate // what answers with a certificate that does not verify, the first of each service
}

// outcome is what came of trying a candidate.
type outcome struct {
	url string // where the service is, after redirections
	err error
}

// try tries candidates of services that are not found yet, all at once, and takes the first good one of each in the
// order given.
func (d *discovery) try(ctx context.Context, candidates []candidate) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	results := make([]outcome, len(candidates))
	slots := make(chan struct{}, maxProbes)
	var wg sync.WaitGroup
	for i, c := range candidates {
		if *d.found.url(c.service) != "" {
			continue
		}
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results[i].url, results[i].err = d.probe(ctx, c)
		})
	}
	wg.Wait()
	for i, c := range candidates {
		r := results[i]
		switch place := d.found.url(c.service); {
		case *place != "" || r.url == "" && r.err == nil:
		case r.err == nil:
			*place = r.url
			if c.service == "imap" && c.login != "" && c.login != d.email {
				d.found.Login = c.login
			}
			d.tell("%s: %s (%s)%s", c.service, r.url, c.source, c.warning)
		case remote.KindOf(r.err) == remote.Certificate:
			d.tell("%s: %s (%s) has a certificate that is not trusted: %v", c.service, c.url, c.source, r.err)
			if d.untrusted == nil {
				d.untrusted = map[string]candidate{}
			}
			if _, have := d.untrusted[c.service]; !have {
				d.untrusted[c.service] = c
			}
		case c.source != usual:
			d.tell("%s: %s (%s) does not answer as it should: %v", c.service, c.url, c.source, r.err)
		}
	}
}

// settle takes servers whose certificate does not verify where there is no other: the person is asked about it before
// anything is sent to them.
func (d *discovery) settle() {
	for _, service := range services() {
		if c, have := d.untrusted[service]; have && *d.found.url(service) == "" {
			*d.found.url(service) = c.url
		}
	}
}

func (d *discovery) tell(format string, args ...any) {
	d.found.Lines = append(d.found.Lines, fmt.Sprintf(format, args...))
}
