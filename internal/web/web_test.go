package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"outpost/internal/backend"
)

func open(t *testing.T) (*backend.Server, backend.Options) {
	t.Helper()
	t.Setenv("OUTPOST_KEYCHAIN", "off")
	t.Setenv("OUTPOST_KEY_FILE", filepath.Join(t.TempDir(), "key"))
	o := backend.Options{Data: t.TempDir()}
	b, err := backend.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b, o
}

func TestOnlyWhoMayComeInComesIn(t *testing.T) {
	b, _ := open(t)
	h := Handler(Options{Backend: b, Token: "secret", Hosts: []string{"127.0.0.1:8145"}})
	for _, c := range []struct {
		path, host, token, origin string
		want                      int
	}{
		{"/api/status", "127.0.0.1:8145", "secret", "", 200},
		{"/api/status", "127.0.0.1:8145", "secret", "http://127.0.0.1:8145", 200},
		{"/api/status", "127.0.0.1:8145", "", "", 401},
		{"/api/status", "127.0.0.1:8145", "guess", "", 401},
		{"/api/status", "attacker.example:8145", "secret", "", 421}, // DNS rebinding
		{"/api/status", "127.0.0.1:8145", "secret", "http://attacker.example", 403},
		{"/api/status", "127.0.0.1:8145", "secret", "null", 403},
		{"/", "127.0.0.1:8145", "", "", 200},
		{"/", "attacker.example", "", "", 421},
		{"/api/hello?nonce=1", "127.0.0.1:8145", "", "", 200},
		{"/api/hello", "127.0.0.1:8145", "", "", 400},
		{"/api/nothing", "127.0.0.1:8145", "secret", "", 404},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		r.Host = c.host
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%+v: got %d %s", c, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%+v tells the token", c)
		}
	}
}

func TestWithoutATokenNobodyComesIn(t *testing.T) {
	b, _ := open(t)
	r := httptest.NewRequest("GET", "/api/status", nil)
	r.Header.Set("Authorization", "Bearer ")
	w := httptest.NewRecorder()
	Handler(Options{Backend: b, Hosts: []string{r.Host}}).ServeHTTP(w, r)
	if w.Code != 401 {
		t.Errorf("got %d", w.Code)
	}
}

func TestRequestsAreBounded(t *testing.T) {
	b, _ := open(t)
	h := Handler(Options{Backend: b, Token: "secret", Hosts: []string{"h"}})
	post := func(path string, body io.Reader) (int, problem) {
		r := httptest.NewRequest("POST", path, body)
		r.Host = "h"
		r.Header.Set("Authorization", "Bearer secret")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatalf("%s: %v", w.Body, err)
		}
		return w.Code, p
	}
	if code, p := post("/api/folders", strings.NewReader(`{"path":"`+strings.Repeat("x", maxJSON)+`"}`)); code != 400 || p.Code != backend.CodeUsage {
		t.Errorf("%d %+v", code, p)
	}
	if code, p := post("/api/folders", strings.NewReader(`{"drawer":1}`)); code != 400 || !strings.Contains(p.Error, "drawer") {
		t.Errorf("%d %+v", code, p)
	}
	if code, p := post("/api/send", io.LimitReader(zeros{}, backend.MaxContent+1)); code != 413 || !strings.Contains(p.Error, "too large") {
		t.Errorf("%d %+v", code, p)
	}
	if code, p := post("/api/demo", strings.NewReader(`{"run":true}`)); code != 409 || p.Code != backend.CodeRefused {
		t.Errorf("%d %+v", code, p)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestListenOnlyOnLoopback(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "example.org:80", "8145", "127.0.0.1"} {
		if _, err := listen(address); backend.CodeOf(err) != backend.CodeUsage {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0"} {
		ln, err := listen(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if _, err := listen(ln.Addr().String()); backend.CodeOf(err) != backend.CodeRefused || !strings.Contains(err.Error(), "--listen") {
			t.Errorf("%s twice: %v", address, err)
		}
		ln.Close()
	}
}

func TestDaemonIsFoundAndLeavesNothingBehind(t *testing.T) {
	b, o := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- Serve(ctx, ServeOptions{Data: o.Data, Backend: b, Listen: "127.0.0.1:0", Ready: func(url string) { ready <- url }})
	}()
	url := <-ready
	path := filepath.Join(o.Data, daemonName)
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	c, release, err := Connect(ctx, o)
	if err != nil || c.base != url {
		t.Fatalf("%+v, %v", c, err)
	}
	if s, err := c.Status(ctx); err != nil || s.Accounts == nil {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := c.Sync(ctx, "", nil); backend.CodeOf(err) != backend.CodeNotFound {
		t.Errorf("an error at the end of a stream: %v", err)
	}
	if v, err := c.Verify(ctx, nil); err != nil || v.Accounts == nil {
		t.Errorf("%+v, %v", v, err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("daemon.json is left: %v", err)
	}
}

func TestAStrangerOnTheDaemonsPortIsToldNothing(t *testing.T) {
	b, o := open(t)
	b.Close()
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || strings.Contains(r.URL.String(), "secret") {
			t.Error("the stranger was told the token")
		}
		io.WriteString(w, `{"proof":"trust me"}`)
	}))
	defer stranger.Close()
	if err := writeDaemon(o.Data, daemonFile{URL: stranger.URL, Token: "secret", PID: 1}); err != nil {
		t.Fatal(err)
	}
	c, release, err := Connect(t.Context(), o)
	if err != nil || c.base == stranger.URL {
		t.Fatalf("%+v, %v", c, err)
	}
	release()
}

func TestADaemonThatIsGoneIsNoObstacle(t *testing.T) {
	b, o := open(t)
	b.Close()
	for _, content := range []string{`{"url":"http://127.0.0.1:1","token":"x","pid":1}`, `{"url":`, `{}`} {
		if err := os.WriteFile(filepath.Join(o.Data, daemonName), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		c, release, err := Connect(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Status(t.Context()); err != nil {
			t.Error(err)
		}
		release()
	}
}

// Within the process an answer is read while it is written, and ends when the reader goes away.
func TestInProcessAnswersStream(t *testing.T) {
	next, ended := make(chan string), make(chan error, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for text := range next {
			io.WriteString(w, text)
		}
		<-r.Context().Done()
		_, err := io.WriteString(w, "x")
		ended <- err
	})
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://h/", nil)
	go func() { next <- "one" }()
	resp, err := (&http.Client{Transport: inProcess{h}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two"} {
		b := make([]byte, 3)
		if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != want {
			t.Fatalf("%q, %v", b, err)
		}
		if want == "one" {
			next <- "two"
		}
	}
	close(next)
	cancel()
	resp.Body.Close()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the handler was not told that nobody reads any more")
		}
	case <-time.After(10 * time.Second):
		t.Error("the handler goes on")
	}
}
