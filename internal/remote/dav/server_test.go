package dav

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"outpost/internal/remote"
)

// scripted is a server that answers "METHOD /path" (Depth: 1 is told as "METHOD/1 /path") as a test wants.
type scripted struct {
	*httptest.Server
	t       *testing.T
	answers map[string]http.HandlerFunc

	mu  sync.Mutex
	log []string
}

func newScripted(t *testing.T, answers map[string]http.HandlerFunc) *scripted {
	s := &scripted{t: t, answers: answers}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Method
	if d := r.Header.Get("Depth"); d == "1" {
		key += "/1"
	}
	key += " " + r.URL.EscapedPath()
	s.mu.Lock()
	s.log = append(s.log, key)
	s.mu.Unlock()
	h := s.answers[key]
	if h == nil {
		http.NotFound(w, r)
		return
	}
	h(w, r)
}

// requests returns what was asked since the last call.
func (s *scripted) requests() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := strings.Join(s.log, "\n")
	s.log = nil
	return l
}

func (s *scripted) endpoint() remote.Endpoint {
	return remote.Endpoint{URL: s.URL, User: "anna", Password: "top-secret"}
}

// service is signed in, with the home /dav/.
func (s *scripted) service(name string) *Service {
	s.t.Helper()
	f, err := flavourOf(name)
	if err != nil {
		s.t.Fatal(err)
	}
	s.answers["PROPFIND /.well-known/"+name] = multi(resource("/.well-known/"+name, "<"+f.prefix+f.homeSet+"><D:href>/dav/</D:href></"+f.prefix+f.homeSet+">"))
	d, err := Connect(s.t.Context(), name, s.endpoint())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { d.Close() })
	s.requests()
	return d
}

// multi answers 207 with parts of a multistatus.
func multi(parts ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusMultiStatus)
		io.WriteString(w, xmlHead+"<D:multistatus"+xmlSpaces+">"+strings.Join(parts, "")+"</D:multistatus>")
	}
}

func resource(href, props string) string {
	return "<D:response><D:href>" + href + "</D:href><D:propstat><D:prop>" + props + "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
}

func status(href string, code int) string {
	return fmt.Sprintf("<D:response><D:href>%s</D:href><D:status>HTTP/1.1 %d x</D:status></D:response>", href, code)
}

func etag(tag string) string { return "<D:getetag>&quot;" + tag + "&quot;</D:getetag>" }

func says(code int, mediaType, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

func condition(code int, elements string) http.HandlerFunc {
	return says(code, "application/xml", "<D:error"+xmlSpaces+">"+elements+"</D:error>")
}

// inTurn answers with one after the other, the last one for ever.
func inTurn(hs ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		h := hs[0]
		if len(hs) > 1 {
			hs = hs[1:]
		}
		mu.Unlock()
		h(w, r)
	}
}

func body(t testing.TB, r *http.Request) string {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// wantKind checks the kind of an error and that its words hold some, and never the password.
func wantKind(t testing.TB, err error, kind remote.ErrorKind, words ...string) {
	t.Helper()
	e, ok := errors.AsType[*remote.Error](err)
	if !ok || e.Kind != kind {
		t.Errorf("got %v, want an error of kind %q", err, kind)
		return
	}
	for _, w := range words {
		if !strings.Contains(e.Error(), w) {
			t.Errorf("%q does not say %q", e, w)
		}
	}
	if strings.Contains(e.Error(), "top-secret") {
		t.Errorf("%q tells the password", e)
	}
}
