package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"outpost/internal/backend"
)

const (
	maxJSON  = 64 << 10 // bytes of a request's JSON
	maxNonce = 128
)

// Demo is the demo server that runs beside the daemon of outpost demo.
type Demo interface {
	Start(ctx context.Context) error
	Stop() error
	Running() bool
}

// Options are what the API is made of.
type Options struct {
	Backend *backend.Server
	Token   string
	Hosts   []string        // values that the Host header may have
	Demo    Demo            // nil: there is none
	Life    context.Context // of what a request starts and leaves running; nil: for ever
	Log     *slog.Logger
}

// api is the handler of the JSON API.
type api struct {
	Options
	mux *http.ServeMux
}

// Handler returns the JSON API.
func Handler(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Life == nil {
		o.Life = context.Background()
	}
	a := &api{Options: o, mux: http.NewServeMux()}
	a.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "This is Outpost, your mailbox at the desk. Use the outpost command; outpost --help tells what it can do.\n")
	})
	a.mux.HandleFunc("GET /api/hello", a.hello)
	a.routes()
	a.syncRoutes()
	return a
}

// ServeHTTP lets in who may come in.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if !slices.Contains(a.Hosts, r.Host) {
		refuse(w, http.StatusMisdirectedRequest, "host", fmt.Sprintf("this server does not answer for %q", r.Host))
		return
	}
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
		refuse(w, http.StatusForbidden, "origin", fmt.Sprintf("a page from %q may not ask this server", origin))
		return
	}
	open := r.Method == http.MethodGet && (r.URL.Path == "/" || r.URL.Path == "/api/hello")
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !open && (!ok || a.Token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(a.Token)) != 1) {
		refuse(w, http.StatusUnauthorized, "token", "this needs the token from daemon.json in the data folder")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, backend.MaxContent)
	a.mux.ServeHTTP(w, r)
}

// hello proves to a client that we know the token, without either side telling it.
func (a *api) hello(w http.ResponseWriter, r *http.Request) {
	nonce := r.URL.Query().Get("nonce")
	if nonce == "" || len(nonce) > maxNonce {
		refuse(w, http.StatusBadRequest, backend.CodeUsage, "hello wants a nonce")
		return
	}
	reply(w, map[string]string{"proof": proof(a.Token, nonce)})
}

// proof is what only who knows the token can say to a nonce.
func proof(token, nonce string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("outpost hello\n" + nonce))
	return hex.EncodeToString(mac.Sum(nil))
}

// problem is an error as it goes over the wire.
type problem struct {
	Error string       `json:"error"`
	Code  backend.Code `json:"code"`
}

func refuse(w http.ResponseWriter, status int, code backend.Code, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(problem{text, code})
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// statusOf is the HTTP status for a code.
func statusOf(c backend.Code) int {
	switch c {
	case backend.CodeUsage:
		return http.StatusBadRequest
	case backend.CodeNotFound:
		return http.StatusNotFound
	case backend.CodeExists, backend.CodeRefused, backend.CodeLocked:
		return http.StatusConflict
	case backend.CodeReadOnly:
		return http.StatusForbidden
	case backend.CodeInvalid:
		return http.StatusUnprocessableEntity
	case backend.CodeOffline:
		return http.StatusServiceUnavailable
	case backend.CodeSignIn, backend.CodeCertificate, backend.CodeServer:
		return http.StatusBadGateway
	}
	return http.StatusInternalServerError
}

// fail answers with an error.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		refuse(w, http.StatusRequestEntityTooLarge, backend.CodeInvalid, fmt.Sprintf("that is too large: at most %d MiB", tooLarge.Limit>>20))
		return
	}
	code := backend.CodeOf(err)
	if code == backend.CodeInternal {
		a.Log.Error("request failed", "category", "http", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	refuse(w, statusOf(code), code, err.Error())
}

// answer runs do and answers with what it returns.
func (a *api) answer(do func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := do(r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		if v == nil {
			v = struct{}{}
		}
		reply(w, v)
	}
}

// read decodes a request's JSON.
func read[T any](r *http.Request) (T, error) {
	var v T
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxJSON))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, &backend.Error{Code: backend.CodeUsage, Text: "the request is not the JSON that is wanted: " + err.Error()}
	}
	return v, nil
}

// line is one line of an answer that takes long.
type line struct {
	Event  *backend.Event  `json:"event,omitempty"`
	Status *backend.Status `json:"status,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
	Code   backend.Code    `json:"code,omitempty"`
}

// stream runs do and answers with what happens meanwhile, line by line, and at last with what it returns.
func (a *api) stream(do func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		enc, control := json.NewEncoder(w), http.NewResponseController(w)
		events, stop := a.Backend.Watch()
		defer stop()
		last := make(chan line, 1)
		go func() {
			v, err := do(r)
			if err == nil {
				var b []byte
				if b, err = json.Marshal(v); err == nil {
					last <- line{Result: b}
					return
				}
			}
			last <- line{Error: err.Error(), Code: backend.CodeOf(err)}
		}()
		for {
			select {
			case e, ok := <-events:
				if !ok {
					events = nil // the data folder is being closed
				} else if enc.Encode(line{Event: &e}) == nil {
					control.Flush()
				}
			case l := <-last:
				enc.Encode(l)
				return
			}
		}
	}
}
