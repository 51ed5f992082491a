package backend

import (
	"context"
	"time"

	"outpost/internal/remote"
	"outpost/internal/remote/dav"
	"outpost/internal/remote/imap"
	"outpost/internal/remote/smtp"
	"outpost/internal/store"
)

// service is one server of an account: its name and the scheme that its URL may have.
type service struct{ name, scheme string }

// services lists those that an account has, in the order in which they are synchronised, submission last.
func services(a store.Account) []service {
	var out []service
	for _, sv := range []service{{"imap", "imap"}, {"caldav", "http"}, {"carddav", "http"}, {"smtp", "smtp"}} {
		if urlOf(a, sv.name) != "" {
			out = append(out, sv)
		}
	}
	return out
}

func urlOf(a store.Account, service string) string {
	switch service {
	case "imap":
		return a.IMAP
	case "smtp":
		return a.SMTP
	case "caldav":
		return a.CalDAV
	case "carddav":
		return a.CardDAV
	}
	return ""
}

// serverOf is the server (host and port) of a service; "" when its URL makes no sense.
func serverOf(a store.Account, sv service) string {
	address, _, _, err := endpoint(a, sv, "").Resolve(sv.scheme)
	if err != nil {
		return ""
	}
	return address
}

// connections is how many connections the engine may have for a service at a time. To a server for mail it has one, beside one that watches and
// one for what a person waits for; those to a server for calendars and contacts are shared out between its services (SPEC C9).
func connections(a store.Account, sv service, most int) int {
	if sv.scheme != "http" {
		return 1
	}
	share, rank := 0, 0
	for _, other := range services(a) {
		if other.scheme == "http" && serverOf(a, other) == serverOf(a, sv) {
			if share++; other.name < sv.name {
				rank++
			}
		}
	}
	return max(1, (most+share-1-rank)/max(1, share))
}

func endpoint(a store.Account, sv service, password string) remote.Endpoint {
	return remote.Endpoint{URL: urlOf(a, sv.name), User: a.Login, Password: password, TrustSHA256: a.TrustSHA256, AllowPlaintext: a.AllowPlaintext}
}

// drivers connects an account through the drivers.
type drivers struct {
	account  store.Account
	password string
	wait     time.Duration // for each answer; 0 means what the drivers think right
	most     int           // connections to one server at a time
}

func (d drivers) endpoint(name, scheme string) remote.Endpoint {
	e := endpoint(d.account, service{name, scheme}, d.password)
	e.Timeout, e.Connections = d.wait, connections(d.account, service{name, scheme}, d.most)
	return e
}

func (d drivers) Services() []string {
	var out []string
	for _, sv := range services(d.account) {
		if sv.name != "smtp" {
			out = append(out, sv.name)
		}
	}
	return out
}

func (d drivers) Connect(ctx context.Context, name string) (remote.Service, error) {
	if name == "imap" {
		return opened(imap.Connect(ctx, d.endpoint(name, "imap"), imap.Options{}))
	}
	return opened(dav.Connect(ctx, name, d.endpoint(name, "http")))
}

// opened makes a driver's connection a Service, and of an error no half one.
func opened[S remote.Service](svc S, err error) (remote.Service, error) {
	if err != nil {
		return nil, err
	}
	return svc, nil
}

func (d drivers) Submit(ctx context.Context) (remote.Submitter, error) {
	if d.account.SMTP == "" {
		return nil, &remote.Error{Kind: remote.NotFound, Doing: "send mail", Text: "the account has no server for sending"}
	}
	sub, err := smtp.Connect(ctx, d.endpoint("smtp", "smtp"), smtp.Options{})
	if err != nil {
		return nil, err
	}
	return sub, nil
}
