package dav

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"outpost/internal/remote"
)

// refusal is what a server answered instead of success; it is the Err of the *remote.Error made from it.
type refusal struct {
	status     int
	conditions []string // local names of the preconditions that failed
}

func (r *refusal) Error() string {
	return strconv.Itoa(r.status) + " " + strings.Join(r.conditions, " ")
}

func (r *refusal) has(conditions ...string) bool {
	return slices.ContainsFunc(r.conditions, func(c string) bool { return slices.Contains(conditions, c) })
}

// refusalOf returns the refusal in err's chain, an empty one when there is none.
func refusalOf(err error) *refusal {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r
	}
	return &refusal{}
}

// errPage is the cause when a web page came where DAV belongs: a network's sign-in page, or not a DAV server.
var errPage = errors.New("a web page came back where the server's answer belongs (does this network ask you to sign in first?)")

// failure turns an answer that is no success into an *remote.Error. It reads at most 1 MiB of the body.
func (c *client) failure(doing string, method string, resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // what could be read has to do
	r := &refusal{status: resp.StatusCode}
	e := &remote.Error{Doing: doing, Err: r}
	words := ""
	media := mediaType(resp)
	if n := decodeError(bytes.NewReader(body)); n != nil {
		words = r.take(n)
	} else if media == "text/plain" || media == "text/html" {
		words = plain(string(body), media == "text/html")
	}
	e.Kind = r.kind(method)
	e.Text = r.text(words)
	if r.status == http.StatusNetworkAuthenticationRequired { // RFC 6585 6
		e.Text += " (this network asks you to sign in first)"
	}
	if e.Kind == remote.Unavailable {
		e.After = retryAfter(resp)
	}
	return e
}

// propertyFailure turns the status of one resource inside a multistatus into an *remote.Error.
func propertyFailure(doing, method string, a *answer) error {
	r := &refusal{status: a.status}
	if r.status == 0 {
		r.status = a.refused
	}
	words := a.words
	if a.err != nil {
		if w := r.take(a.err); words == "" {
			words = w
		}
	}
	return &remote.Error{Kind: r.kind(method), Doing: doing, Text: r.text(words), Err: r}
}

// take collects the conditions of a DAV:error and returns the words and addresses in it.
func (r *refusal) take(n *node) string {
	var words []string
	for i, k := range n.kids {
		if i == 8 {
			break
		}
		if k.name.Local == "responsedescription" || k.name.Local == "message" || k.name.Local == "human-readable" {
			words = append(words, clean(k.words()))
			continue
		}
		if len(k.name.Local) <= 64 {
			r.conditions = append(r.conditions, k.name.Local)
		}
		words = append(words, k.hrefs()...)
		if w := clean(k.words()); w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " ")
}

func (r *refusal) text(words string) string {
	s := strings.TrimSpace(strconv.Itoa(r.status) + " " + http.StatusText(r.status))
	if len(r.conditions) > 0 {
		s += " (" + strings.Join(r.conditions, ", ") + ")"
	}
	if words = clean(words); words != "" {
		s += ": " + words
	}
	return s
}

// kind maps preconditions (RFC 4791 5.3.2.1, RFC 6352 6.3.2.1, RFC 6638 3.2.4.1, RFC 4331 6) and status codes.
func (r *refusal) kind(method string) remote.ErrorKind {
	switch {
	case r.has("no-uid-conflict", "unique-scheduling-object-resource", "resource-must-be-null"):
		return remote.Exists
	case r.has("max-resource-size"):
		return remote.TooLarge
	case r.has("quota-not-exceeded", "sufficient-disk-space"):
		return remote.OverQuota
	case r.has("valid-calendar-data", "valid-calendar-object-resource", "supported-calendar-component", "supported-calendar-data",
		"valid-address-data", "supported-address-data", "min-date-time", "max-date-time", "max-instances", "max-attendees-per-instance",
		"attendee-allowed", "organizer-allowed", "same-organizer-in-all-components"):
		return remote.Invalid
	case r.has("need-privileges", "cannot-modify-protected-property"):
		return remote.Forbidden
	}
	switch r.status {
	case http.StatusUnauthorized:
		return remote.Auth
	case http.StatusForbidden, http.StatusMethodNotAllowed:
		return remote.Forbidden
	case http.StatusNotFound, http.StatusGone:
		return remote.NotFound
	case http.StatusConflict: // RFC 4918 9.3.1, 9.7.1, 9.9.4: the collection that should hold it is not there
		return remote.NotFound
	case http.StatusPreconditionFailed:
		return remote.Precondition
	case http.StatusRequestEntityTooLarge:
		return remote.TooLarge
	case http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return remote.Invalid
	case http.StatusBadRequest:
		if method == http.MethodPut {
			return remote.Invalid
		}
	case http.StatusInsufficientStorage:
		return remote.OverQuota
	case http.StatusLocked, http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway,
		http.StatusGatewayTimeout, http.StatusRequestTimeout, http.StatusTooEarly,
		509, 520, 521, 522, 523, 524: // bandwidth limit; a proxy that does not reach the server
		return remote.Unavailable
	case http.StatusNetworkAuthenticationRequired:
		return remote.Offline
	}
	return remote.Other
}

// endsCall reports whether an error concerns more than the one item that met it.
func endsCall(err error) bool {
	switch remote.KindOf(err) {
	case remote.Offline, remote.Auth, remote.Certificate, remote.Unavailable:
		return true
	}
	return false
}

// unclear reports whether a server failed in a way that leaves open whether it did what it was asked to.
func unclear(err error) bool {
	return refusalOf(err).status == http.StatusInternalServerError && remote.KindOf(err) == remote.Other
}

// retryAfter reads Retry-After (RFC 9110 10.2.3), a date against the server's own.
func retryAfter(resp *http.Response) time.Duration {
	v := resp.Header.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return min(time.Duration(n)*time.Second, 24*time.Hour)
	}
	then, err := http.ParseTime(v)
	now, err2 := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || err2 != nil || !then.After(now) {
		return 0
	}
	return min(then.Sub(now), 24*time.Hour)
}

func mediaType(resp *http.Response) string {
	m, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(m))
}

// clean makes one short line of what a server said.
func clean(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}

// plain takes the words out of a page, good enough for an error.
func plain(s string, page bool) string {
	if !page {
		return s
	}
	if i := strings.Index(strings.ToLower(s), "<body"); i >= 0 {
		s = s[i:]
	}
	var b strings.Builder
	for s != "" && b.Len() < 1000 {
		var tag string
		words, rest, found := strings.Cut(s, "<")
		b.WriteString(words + " ")
		if !found {
			break
		}
		if tag, s, _ = strings.Cut(rest, ">"); tag == "hr" || tag == "hr /" {
			break // below the line is the server's signature
		}
		for _, skip := range []string{"style", "script"} {
			if strings.HasPrefix(strings.ToLower(tag), skip) {
				_, after, _ := strings.Cut(s, "</")
				_, s, _ = strings.Cut(after, ">")
			}
		}
	}
	return b.String()
}

func protocolError(doing, format string, args ...any) error {
	return &remote.Error{Kind: remote.Protocol, Doing: doing, Text: fmt.Sprintf(format, args...)}
}
