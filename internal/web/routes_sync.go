package web

import (
	"context"
	"encoding/json"
	"net/http"

	"outpost/internal/backend"
)

// syncRoutes are those of when accounts are synchronised, and of how far that is.
func (a *api) syncRoutes() {
	b := a.Backend
	a.mux.HandleFunc("POST /api/accounts/set", a.answer(func(r *http.Request) (any, error) {
		q, err := read[backend.NewSettings](r)
		if err != nil {
			return nil, err
		}
		return b.SetAccount(r.Context(), q)
	}))
	a.mux.HandleFunc("GET /api/status/follow", a.lines(func(ctx context.Context, emit func(line) error) (any, error) {
		return nil, b.FollowStatus(ctx, func(s backend.Status) error { return emit(line{Status: &s}) })
	}))
	a.mux.HandleFunc("POST /api/items/{id}/fetch", func(w http.ResponseWriter, r *http.Request) {
		a.lines(func(ctx context.Context, emit func(line) error) (any, error) {
			return struct{}{}, b.Fetch(ctx, r.PathValue("id"), func(e backend.Event) { emit(line{Event: &e}) })
		})(w, r)
	})
}

// lines answers line by line with what do emits, and at last with what it returns.
func (a *api) lines(do func(ctx context.Context, emit func(line) error) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		enc, control := json.NewEncoder(w), http.NewResponseController(w)
		emit := func(l line) error {
			if err := enc.Encode(l); err != nil {
				return err
			}
			return control.Flush()
		}
		v, err := do(r.Context(), emit)
		last := line{}
		if err == nil {
			last.Result, err = json.Marshal(v)
		}
		if err != nil {
			last = line{Error: err.Error(), Code: backend.CodeOf(err)}
		}
		emit(last)
	}
}
