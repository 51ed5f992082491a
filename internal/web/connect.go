package web

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"outpost/internal/backend"
)

const (
	lockWait  = 3 * time.Second        // for another program to end its short work on the data folder
	lockAgain = 100 * time.Millisecond // between looks
	helloWait = 2 * time.Second
)

// Connect returns a client of a data folder: of its daemon when one runs, else of this process, which then has the folder
// until the returned function is called.
func Connect(ctx context.Context, o backend.Options) (*Client, func() error, error) {
	deadline := time.Now().Add(lockWait)
	for {
		if c := daemonClient(ctx, o.Data); c != nil {
			return c, func() error { return nil }, nil
		}
		b, err := backend.Open(ctx, o)
		if err == nil {
			return Local(b, nil), b.Close, nil
		}
		if backend.CodeOf(err) != backend.CodeLocked || time.Now().After(deadline) {
			return nil, nil, err
		}
		select { // a daemon that is just starting, or a command that is about to end
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(lockAgain):
		}
	}
}

// localHost is the host that a client within this process asks.
const localHost = "outpost.invalid"

// Local returns a client that calls the API within this process.
func Local(b *backend.Server, demo Demo) *Client {
	token := newToken()
	h := Handler(Options{Backend: b, Token: token, Hosts: []string{localHost}, Demo: demo})
	return &Client{base: "http://" + localHost, token: token, http: &http.Client{Transport: inProcess{h}}}
}

// daemonClient returns a client of the data folder's daemon, nil when none runs. The daemon must prove that it knows the
// token before it is told: the port may be somebody else's by now.
func daemonClient(ctx context.Context, data string) *Client {
	d, err := readDaemon(data)
	if err != nil || d.URL == "" || d.Token == "" {
		return nil
	}
	b := make([]byte, 16)
	rand.Read(b)
	nonce := hex.EncodeToString(b)
	ctx, cancel := context.WithTimeout(ctx, helloWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", d.URL+"/api/hello?nonce="+nonce, nil)
	if err != nil {
		return nil
	}
	// No proxy, whatever the environment says: this stays within the computer.
	client := &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var answer struct{ Proof string }
	if json.NewDecoder(io.LimitReader(resp.Body, maxJSON)).Decode(&answer) != nil || !hmac.Equal([]byte(answer.Proof), []byte(proof(d.Token, nonce))) {
		return nil
	}
	return &Client{base: d.URL, token: d.Token, http: client}
}

// inProcess is a network of one handler: the request runs in a goroutine, its answer is read as it is written.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	r, w := io.Pipe()
	a := &answer{header: http.Header{}, begun: make(chan struct{}), body: w}
	serverSide := req.Clone(req.Context())
	serverSide.Host = req.URL.Host
	if serverSide.Body == nil {
		serverSide.Body = http.NoBody
	}
	go func() {
		defer w.Close()
		defer a.WriteHeader(http.StatusOK)
		t.handler.ServeHTTP(a, serverSide)
	}()
	select {
	case <-a.begun:
	case <-req.Context().Done():
		r.CloseWithError(req.Context().Err())
		<-a.begun // the handler sees the same context and ends
	}
	return &http.Response{Status: http.StatusText(a.status), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.sent, Body: r, ContentLength: -1, Request: req}, nil
}

// answer is the http.ResponseWriter of inProcess. One goroutine writes it.
type answer struct {
	header, sent http.Header
	status       int
	begun        chan struct{}
	body         *io.PipeWriter
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status, a.sent = status, a.header.Clone()
		close(a.begun)
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	n, err := a.body.Write(b)
	if errors.Is(err, io.ErrClosedPipe) {
		return n, http.ErrHandlerTimeout
	}
	return n, err
}

// Flush implements http.Flusher: everything is handed on at once already.
func (a *answer) Flush() {}
