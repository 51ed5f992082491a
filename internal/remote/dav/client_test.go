package dav

import (
	"bufio"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"outpost/internal/remote"
)

func TestEveryRefusalHasItsKindAndTheServersWords(t *testing.T) {
	for _, c := range []struct {
		answer http.HandlerFunc
		kind   remote.ErrorKind
		words  string
	}{
		{says(401, "text/plain", "who are you"), remote.Auth, "401 Unauthorized: who are you"},
		{says(403, "text/html", "<html><head><style>x</style></head><body><h1>No</h1><p>not &c<hr>Server 1.0</body></html>"), remote.Forbidden, "403 Forbidden: No not &c"},
		{says(404, "text/plain", ""), remote.NotFound, "404"},
		{says(410, "text/plain", ""), remote.NotFound, "410"},
		{says(409, "text/plain", "no parent"), remote.NotFound, "no parent"},
		{says(412, "text/plain", ""), remote.Precondition, "412"},
		{says(413, "text/plain", ""), remote.TooLarge, "413"},
		{says(415, "text/plain", ""), remote.Invalid, "415"},
		{says(400, "text/plain", "bad line 3"), remote.Invalid, "bad line 3"},
		{says(423, "text/plain", ""), remote.Unavailable, "423"},
		{says(429, "text/plain", "", "Retry-After", "7"), remote.Unavailable, "429"},
		{says(500, "text/plain", "oops\r\n\tagain"), remote.Other, "500 Internal Server Error: oops again"},
		{says(502, "text/plain", ""), remote.Unavailable, "502"},
		{says(503, "text/plain", ""), remote.Unavailable, "503"},
		{says(507, "text/plain", ""), remote.OverQuota, "507"},
		{says(509, "text/plain", ""), remote.Unavailable, "509"},
		{says(522, "text/html", ""), remote.Unavailable, "522"},
		{says(511, "text/html", ""), remote.Offline, "this network asks you to sign in first"},
		{condition(403, "<C:no-uid-conflict><D:href>/dav/cal/other.ics</D:href></C:no-uid-conflict>"), remote.Exists, "no-uid-conflict): /dav/cal/other.ics"},
		{condition(409, "<C:no-uid-conflict/>"), remote.Exists, "no-uid-conflict"},
		{condition(403, "<C:unique-scheduling-object-resource><D:href>/o.ics</D:href></C:unique-scheduling-object-resource>"), remote.Exists, "/o.ics"},
		{condition(403, "<C:valid-calendar-data/>"), remote.Invalid, "valid-calendar-data"},
		{condition(403, "<A:supported-address-data/>"), remote.Invalid, "supported-address-data"},
		{condition(403, "<C:max-resource-size/>"), remote.TooLarge, "max-resource-size"},
		{condition(403, "<D:quota-not-exceeded/>"), remote.OverQuota, "quota-not-exceeded"},
		{condition(403, "<D:need-privileges/>"), remote.Forbidden, "need-privileges"},
		{says(200, "text/html", "<html>sign in to the hotel</html>"), remote.Offline, "a web page"},
		{func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://hotel.example/login?x=1", http.StatusFound)
		}, remote.Offline, "https://hotel.example/login?x=1: give that address instead, if you trust it (or does this network"},
		{func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://new.example/", http.StatusMovedPermanently)
		}, remote.Offline, "give that address instead, if you trust it (or does this network ask you to sign in first?)"}, // it answered as it should before
		{func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusPermanentRedirect)
		}, remote.Protocol, "circles"},
		{func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(301) }, remote.Protocol, "nowhere"},
		{func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, remote.Offline, ""},
	} {
		s := newScripted(t, map[string]http.HandlerFunc{"PUT /dav/cal/a.ics": c.answer})
		d := s.service(CalDAV)
		_, err := d.put(t.Context(), "/dav/cal/a.ics", remote.NewItem{Raw: []byte("x")}, "If-Match", `"1"`)
		wantKind(t, err, c.kind, c.words, "CalDAV: store a.ics")
	}
}

func TestRetryAfterIsToldAsSecondsOrDate(t *testing.T) {
	for value, want := range map[string]time.Duration{"120": 2 * time.Minute, "Sun, 06 Nov 1994 08:50:37 GMT": time.Minute, "never": 0, "-5": 0, "999999999": 24 * time.Hour, "Sun, 06 Nov 1994 08:00:00 GMT": 0} {
		resp := &http.Response{Header: http.Header{"Retry-After": {value}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}}}
		if got := retryAfter(resp); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func TestRedirectionsKeepMethodAndBodyOnTheSameServer(t *testing.T) {
	for _, code := range []int{301, 302, 307, 308} {
		got := ""
		s := newScripted(t, map[string]http.HandlerFunc{
			"PUT /old/a.ics": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/new%20place/a.ics")
				w.WriteHeader(code)
			},
			"PUT /new%20place/a.ics": func(w http.ResponseWriter, r *http.Request) {
				user, password, _ := r.BasicAuth()
				got = body(t, r) + " " + user + ":" + password + " " + r.Header.Get("If-Match")
				w.WriteHeader(204)
			},
		})
		if _, err := s.service(CalDAV).put(t.Context(), "/old/a.ics", remote.NewItem{Raw: []byte("BEGIN")}, "If-Match", `"1"`); err != nil {
			t.Fatal(code, err)
		}
		if got != `BEGIN anna:top-secret "1"` {
			t.Errorf("%d: got %q", code, got)
		}
	}
}

func TestThePasswordNeverGoesToAnotherServer(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Error("the other server was asked") }))
	defer other.Close()
	for _, location := range []string{other.URL + "/", "//" + strings.TrimPrefix(other.URL, "http://") + "/", strings.Replace(other.URL, "127.0.0.1", "localhost", 1) + "/"} {
		s := newScripted(t, map[string]http.HandlerFunc{"PROPFIND /.well-known/caldav": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Location", location); w.WriteHeader(301) }})
		if _, err := Connect(t.Context(), CalDAV, s.endpoint()); err == nil {
			t.Errorf("connected by way of %s", location)
		}
	}
}

// A server may send from http to https on the same host, and never back.
func TestHTTPLeadsToHTTPSAndNeverBack(t *testing.T) {
	secure := httptest.NewTLSServer(multi(resource("/", "<C:calendar-home-set><D:href>/dav/</D:href></C:calendar-home-set>")))
	defer secure.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, secure.URL+r.URL.Path, http.StatusMovedPermanently)
	}))
	defer plain.Close()
	e := remote.Endpoint{URL: plain.URL, User: "anna", Password: "top-secret", TrustSHA256: fingerprint(t, secure)}
	d, err := Connect(t.Context(), CalDAV, e)
	if err != nil || len(d.homes) != 1 {
		t.Fatalf("%v", err)
	}
	d.Close()
	down := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL+r.URL.Path, http.StatusMovedPermanently)
	}))
	defer down.Close()
	e.URL, e.TrustSHA256 = down.URL, fingerprint(t, down)
	_, err = Connect(t.Context(), CalDAV, e)
	wantKind(t, err, remote.Other, plain.URL)
}

func TestACertificateThatDoesNotVerifyIsShown(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	s.Config.ErrorLog = nil
	_, err := Connect(t.Context(), CardDAV, remote.Endpoint{URL: s.URL})
	wantKind(t, err, remote.Certificate, fingerprint(t, s))
}

func fingerprint(t *testing.T, s *httptest.Server) string {
	t.Helper()
	_, err := Connect(t.Context(), CalDAV, remote.Endpoint{URL: s.URL})
	re, ok := err.(*remote.Error)
	if !ok || re.Fingerprint == "" {
		t.Fatalf("got %v", err)
	}
	return re.Fingerprint
}

func TestPlainTextToAnotherHostIsRefused(t *testing.T) {
	if _, err := Connect(t.Context(), CalDAV, remote.Endpoint{URL: "http://dav.example.org/"}); err == nil || !strings.Contains(err.Error(), "unprotected") {
		t.Errorf("got %v", err)
	}
}

// raw is a server that answers one request with bytes as they are, and closes.
func raw(t *testing.T, answer string) *client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			req, err := http.ReadRequest(bufio.NewReader(c))
			if err == nil {
				io.Copy(io.Discard, req.Body)
				io.WriteString(c, answer)
			}
			c.Close()
		}
	}()
	c, err := newClient(remote.Endpoint{URL: "http://" + l.Addr().String()}, "CalDAV")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAServerThatClosesEachConnectionIsUnderstood(t *testing.T) {
	c := raw(t, "HTTP/1.0 207 Multi\r\nContent-Type: text/xml\r\n\r\n<multistatus xmlns='DAV:'><response><href>/a</href></response></multistatus>")
	for range 3 {
		a, _, err := c.get1(t.Context(), "ask", "/a", "<D:getetag/>")
		if err != nil || a.href != "/a" {
			t.Fatalf("%+v, %v", a, err)
		}
	}
}

func TestAnAnswerThatEndsInTheMiddleIsAnError(t *testing.T) {
	for _, broken := range []string{
		"HTTP/1.0 207 Multi\r\nContent-Type: text/xml\r\n\r\n<multistatus xmlns='DAV:'><response><href>/a</href></response>",
		"HTTP/1.0 207 Multi\r\nContent-Type: text/xml\r\n\r\n",
		"HTTP/1.1 207 Multi\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n<multistatus xmlns='DAV:'><response>",
		"HTTP/1.1 207 Multi\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<mult\r\n",
	} {
		_, err := raw(t, broken).propfind(t.Context(), "ask", "/a", "1", "<D:getetag/>", func(*answer) error { return nil })
		wantKind(t, err, remote.Offline)
	}
	_, err := raw(t, "HTTP/1.0 207 Multi\r\n\r\n<multistatus xmlns='DAV:'><a></b>").propfind(t.Context(), "ask", "/a", "1", "", func(*answer) error { return nil })
	wantKind(t, err, remote.Protocol)
}

func TestCompressedAnswersAreRead(t *testing.T) {
	s := newScripted(t, map[string]http.HandlerFunc{"PROPFIND /a": func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("gzip was not asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(207)
		z := gzip.NewWriter(w)
		io.WriteString(z, "<multistatus xmlns='DAV:'>"+strings.Repeat("<response><href>/a</href></response>", 500)+"</multistatus>")
		z.Close()
	}})
	d, n := s.service(CalDAV), 0
	before, _ := d.Traffic()
	if _, err := d.c.propfind(t.Context(), "ask", "/a", "0", "", func(*answer) error { n++; return nil }); err != nil || n != 500 {
		t.Fatalf("%d, %v", n, err)
	}
	if after, _ := d.Traffic(); after-before > 5000 {
		t.Errorf("%d bytes were read", after-before)
	}
}

func TestASilentServerIsGivenUp(t *testing.T) {
	end := make(chan struct{})
	s := newScripted(t, map[string]http.HandlerFunc{"PROPFIND /.well-known/caldav": func(http.ResponseWriter, *http.Request) { <-end }})
	defer close(end)
	e := s.endpoint()
	e.Timeout = 20 * time.Millisecond
	_, err := Connect(t.Context(), CalDAV, e)
	wantKind(t, err, remote.Offline, "did not answer in time")
}

func TestAnEndedContextEndsTheCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan struct{})
	s := newScripted(t, map[string]http.HandlerFunc{})
	defer close(end)
	d := s.service(CalDAV)
	s.answers["PROPFIND/1 /dav/"] = func(http.ResponseWriter, *http.Request) { cancel(); <-end }
	if _, err := d.Folders(ctx); err == nil {
		t.Error("no error")
	}
}
