package dav

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"outpost/internal/remote"
)

const (
	maxConns     = 4 // connections to one server at a time (SPEC C9)
	maxRedirects = 5
)

// client speaks HTTP to one server. Its methods may be used by several goroutines at a time.
type client struct {
	base     url.URL // scheme and host of the server; only bootstrap changes it, from http to https
	user     string
	password string
	http     http.Client
	traffic  remote.Traffic
	words    string      // "CalDAV" or "CardDAV", for errors
	met      atomic.Bool // the server has answered as it should
}

func newClient(e remote.Endpoint, words string) (*client, error) {
	_, host, _, err := e.Resolve("http")
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(e.URL)
	if err != nil {
		return nil, err
	}
	c := &client{base: url.URL{Scheme: u.Scheme, Host: u.Host}, user: e.User, password: e.Password, words: words}
	timeout := e.Timeout
	if timeout <= 0 {
		timeout = 60 * time.Second
	}
	conns := maxConns
	if e.Connections > 0 {
		conns = min(conns, e.Connections)
	}
	dial := e.DialContext(&c.traffic)
	c.http.Transport = &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &patientConn{conn, timeout}, nil
		},
		TLSClientConfig:     e.TLSConfig(host),
		TLSHandshakeTimeout: timeout,
		MaxConnsPerHost:     conns,
		MaxIdleConnsPerHost: conns,
		IdleConnTimeout:     timeout,
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// patientConn gives up when nothing has moved in either direction for timeout.
type patientConn struct {
	net.Conn
	timeout time.Duration
}

func (c *patientConn) Read(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *patientConn) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// request is one HTTP request to a canonical path.
type request struct {
	doing  string // for errors: "store a.ics"
	method string
	path   string
	depth  string
	header map[string]string
	body   []byte
	// once says that the request must not be sent again by itself when the connection was lost.
	once bool
}

// do sends a request, following redirects that stay on the server, and returns the answer when it is a success; the
// caller closes its body. final is the path that answered. A password that is refused is offered once more: a server whose
// directory hiccups must not make the person type it again.
func (c *client) do(ctx context.Context, r request) (resp *http.Response, final string, err error) {
	doing := c.words + ": " + r.doing
	u := c.base
	path := r.path
	doubted := false
	for range maxRedirects {
		req, err := c.newRequest(ctx, r, u, path)
		if err != nil {
			return nil, "", &remote.Error{Kind: remote.Invalid, Doing: doing, Text: err.Error(), Err: err}
		}
		resp, err := c.http.Do(req)
		if err != nil {
			if ue, ok := errors.AsType[*url.Error](err); ok {
				err = ue.Err // without the address, which Doing tells better
			}
			return nil, "", remote.NetworkError(doing, err)
		}
		switch resp.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
			resp.Body.Close()
			if u, path, err = c.redirect(doing, u, path, resp); err != nil {
				return nil, "", err
			}
			continue
		case http.StatusUnauthorized:
			if !doubted && c.user != "" {
				doubted = true
				resp.Body.Close()
				continue
			}
		}
		if resp.StatusCode/100 == 2 {
			return resp, path, nil
		}
		defer resp.Body.Close()
		return nil, "", c.failure(doing, r.method, resp)
	}
	return nil, "", protocolError(doing, "the server sends us round in circles (%d redirections)", maxRedirects)
}

func (c *client) newRequest(ctx context.Context, r request, u url.URL, path string) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.Scheme+"://"+u.Host+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "Outpost")
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	if r.depth != "" {
		req.Header.Set("Depth", r.depth)
	}
	if c.user != "" {
		req.SetBasicAuth(c.user, c.password)
	}
	if !r.once {
		req.Header["Idempotency-Key"] = nil // never sent: tells net/http that it may try once more on a stale connection
	}
	return req, nil
}

// redirect decides where to go on. The password only ever goes to the server that the person named: the same host, at
// the same port or from http to https.
func (c *client) redirect(doing string, u url.URL, path string, resp *http.Response) (url.URL, string, error) {
	here := url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}
	location := resp.Header.Get("Location")
	to, err := url.Parse(strings.TrimSpace(location))
	if err != nil || location == "" {
		return u, "", protocolError(doing, "%d redirects to nowhere", resp.StatusCode)
	}
	next := u
	if to.Host != "" {
		if to.Scheme == "" {
			to.Scheme = u.Scheme
		}
		next = url.URL{Scheme: strings.ToLower(to.Scheme), Host: to.Host}
		upgrade := here.Scheme == "http" && next.Scheme == "https"
		same := here.Scheme == next.Scheme && port(here) == port(next)
		if !strings.EqualFold(here.Hostname(), next.Hostname()) || !upgrade && !same {
			e := &remote.Error{Kind: remote.Other, Doing: doing, Err: &refusal{status: resp.StatusCode}}
			e.Text = fmt.Sprintf("%d sends us to %s: give that address instead, if you trust it", resp.StatusCode, clean(to.Redacted()))
			permanent := resp.StatusCode == http.StatusMovedPermanently || resp.StatusCode == http.StatusPermanentRedirect
			if !permanent || c.met.Load() {
				e.Kind = remote.Offline // what a network that wants a sign-in does
				e.Text += " (or does this network ask you to sign in first?)"
			}
			return u, "", e
		}
	}
	canon, _, err := canonical(path, location)
	if err != nil {
		return u, "", protocolError(doing, "redirect: %v", err)
	}
	return next, canon, nil
}

func port(u url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// multistatus sends a request with an XML body and hands on what the answer says of each resource, with its href in
// canonical form.
func (c *client) multistatus(ctx context.Context, r request, emit func(*answer) error) (end ending, final string, err error) {
	doing := c.words + ": " + r.doing
	if r.header == nil {
		r.header = map[string]string{}
	}
	r.header["Content-Type"] = "application/xml; charset=utf-8"
	r.header["Accept"] = "application/xml, text/xml"
	resp, final, err := c.do(ctx, r)
	if err != nil {
		return end, "", err
	}
	defer resp.Body.Close()
	if m := mediaType(resp); m == "text/html" || resp.StatusCode != http.StatusMultiStatus && !strings.HasSuffix(m, "xml") {
		if m == "text/html" {
			return end, "", &remote.Error{Kind: remote.Offline, Doing: doing, Text: errPage.Error(), Err: errPage}
		}
		return end, "", protocolError(doing, "answered %s instead of 207 Multi-Status", resp.Status)
	}
	b := &budget{r: resp.Body}
	var stop error
	end, err = decodeMultistatus(b, func(a *answer) error {
		href, _, err := canonical(final, a.href)
		if err != nil {
			stop = protocolError(doing, "%v", err)
			return stop
		}
		a.href = href
		stop = emit(a)
		return stop
	})
	switch {
	case stop != nil:
		return end, final, stop
	case err == nil:
		c.met.Store(true)
		return end, final, nil
	case b.err != nil && b.err != io.EOF:
		return end, final, remote.NetworkError(doing, b.err)
	case b.err == io.EOF && endedEarly(err):
		return end, final, &remote.Error{Kind: remote.Offline, Doing: doing, Text: "the answer ended in the middle", Err: err}
	case errors.Is(err, errTooBig):
		return end, final, &remote.Error{Kind: remote.TooLarge, Doing: doing, Text: err.Error(), Err: err}
	}
	return end, final, &remote.Error{Kind: remote.Protocol, Doing: doing, Text: "unreadable answer: " + clean(err.Error()), Err: err}
}

func endedEarly(err error) bool {
	se, ok := errors.AsType[*xml.SyntaxError](err)
	return err == io.EOF || ok && strings.Contains(se.Msg, "unexpected EOF")
}

// propfind asks for properties: their elements, as XML with the prefixes D, C (CalDAV), A (CardDAV) and S
// (calendarserver.org).
func (c *client) propfind(ctx context.Context, doing, path, depth, props string, emit func(*answer) error) (final string, err error) {
	_, final, err = c.multistatus(ctx, request{doing: doing, method: "PROPFIND", path: path, depth: depth,
		body: []byte(xmlHead + `<D:propfind` + xmlSpaces + `><D:prop>` + props + `</D:prop></D:propfind>`)}, emit)
	return final, err
}

const (
	xmlHead   = `<?xml version="1.0" encoding="utf-8"?>` + "\n"
	xmlSpaces = ` xmlns:D="` + nsDAV + `" xmlns:C="` + nsCal + `" xmlns:A="` + nsCard + `" xmlns:S="` + nsCS + `"`
)

// get1 asks for properties of one resource.
func (c *client) get1(ctx context.Context, doing, path, props string) (a *answer, final string, err error) {
	final, err = c.propfind(ctx, doing, path, "0", props, func(got *answer) error {
		if a == nil {
			a = got
		}
		return nil
	})
	if err == nil && a == nil {
		err = protocolError(c.words+": "+doing, "the answer says nothing")
	}
	if err == nil && a.status != 0 && a.status/100 != 2 {
		err = propertyFailure(c.words+": "+doing, "PROPFIND", a)
	}
	return a, final, err
}
