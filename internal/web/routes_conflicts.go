package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"outpost/internal/backend"
	"outpost/internal/groupware"
)

// Requests about what needs a person's word, as JSON.
type (
	keepRequest  struct{ Keep backend.Keep }
	retryRequest struct{ SendAgain bool }
	pathRequest  struct{ Path string }
)

// conflictRoutes are about conflicts, failures, deletions that wait, and the bundle for support.
func (a *api) conflictRoutes() {
	b := a.Backend
	handle := func(pattern string, do func(r *http.Request) (any, error)) { a.mux.HandleFunc(pattern, a.answer(do)) }

	handle("GET /api/conflicts", func(r *http.Request) (any, error) { return b.Conflicts(r.Context()) })
	handle("GET /api/conflicts/{id}", func(r *http.Request) (any, error) { return b.ShowConflict(r.Context(), r.PathValue("id")) })
	handle("POST /api/conflicts/{id}/keep", func(r *http.Request) (any, error) {
		q, err := read[keepRequest](r)
		if err != nil {
			return nil, err
		}
		return b.KeepConflict(r.Context(), r.PathValue("id"), q.Keep)
	})

	handle("GET /api/failures", func(r *http.Request) (any, error) { return b.Failures(r.Context()) })
	handle("GET /api/failures/{id}", func(r *http.Request) (any, error) { return b.ShowFailure(r.Context(), r.PathValue("id")) })
	a.mux.HandleFunc("GET /api/failures/{id}/source", func(w http.ResponseWriter, r *http.Request) {
		c, err := b.FailureSource(r.Context(), r.PathValue("id"))
		if err != nil {
			a.fail(w, r, err)
			return
		}
		a.content(w, c)
	})
	handle("POST /api/failures/retry", func(r *http.Request) (any, error) {
		q, err := read[retryRequest](r)
		if err != nil {
			return nil, err
		}
		return b.RetryFailures(r.Context(), q.SendAgain)
	})
	handle("POST /api/failures/{id}/retry", func(r *http.Request) (any, error) {
		q, err := read[retryRequest](r)
		if err != nil {
			return nil, err
		}
		return b.RetryFailure(r.Context(), r.PathValue("id"), q.SendAgain)
	})

	handle("POST /api/folders/confirm", func(r *http.Request) (any, error) {
		q, err := read[pathRequest](r)
		if err != nil {
			return nil, err
		}
		return b.ConfirmFolder(r.Context(), q.Path)
	})
	a.mux.HandleFunc("GET /api/support-bundle", a.bundle)
}

// bundle answers with the bundle for support, when all of it is there.
func (a *api) bundle(w http.ResponseWriter, r *http.Request) {
	f, err := os.CreateTemp("", "outpost-support-*.zip")
	if err != nil {
		a.fail(w, r, fmt.Errorf("make the bundle: %w", err))
		return
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err = a.Backend.SupportBundle(r.Context(), f, r.URL.Query()["item"]); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	io.Copy(w, f)
}

// Conflicts lists what was changed on both sides and waits for a decision.
func (c *Client) Conflicts(ctx context.Context) (out []backend.Conflict, err error) {
	return out, c.call(ctx, "GET", "/api/conflicts", nil, nil, &out)
}

// ShowConflict compares both versions of a conflict.
func (c *Client) ShowConflict(ctx context.Context, id string) (out backend.ConflictShown, err error) {
	return out, c.call(ctx, "GET", "/api/conflicts/"+url.PathEscape(id), nil, nil, &out)
}

// KeepConflict decides a conflict.
func (c *Client) KeepConflict(ctx context.Context, id string, keep backend.Keep) (out backend.Kept, err error) {
	return out, c.call(ctx, "POST", "/api/conflicts/"+url.PathEscape(id)+"/keep", nil, keepRequest{keep}, &out)
}

// Failures lists what could not be brought over.
func (c *Client) Failures(ctx context.Context) (out []backend.Failure, err error) {
	return out, c.call(ctx, "GET", "/api/failures", nil, nil, &out)
}

func failurePath(id string) string { return "/api/failures/" + url.PathEscape(id) }

// ShowFailure tells one failure.
func (c *Client) ShowFailure(ctx context.Context, id string) (out backend.Failure, err error) {
	return out, c.call(ctx, "GET", failurePath(id), nil, nil, &out)
}

// FailureSource returns the bytes that a failure is about.
func (c *Client) FailureSource(ctx context.Context, id string) (out backend.Content, err error) {
	resp, err := c.do(ctx, "GET", failurePath(id)+"/source", nil, "", nil)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	out.Media = groupware.Media(resp.Header.Get("Content-Type"))
	out.Bytes, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return out, err
}

// RetryFailure tries once more what failed; "" means everything.
func (c *Client) RetryFailure(ctx context.Context, id string, sendAgain bool) (out backend.Retried, err error) {
	path := "/api/failures/retry"
	if id != "" {
		path = failurePath(id) + "/retry"
	}
	return out, c.call(ctx, "POST", path, nil, retryRequest{sendAgain}, &out)
}

// ConfirmFolder agrees to the deletions that wait in a folder.
func (c *Client) ConfirmFolder(ctx context.Context, path string) (out []backend.Hold, err error) {
	return out, c.call(ctx, "POST", "/api/folders/confirm", nil, pathRequest{path}, &out)
}

// SupportBundle writes the bundle for support.
func (c *Client) SupportBundle(ctx context.Context, w io.Writer, items []string) error {
	resp, err := c.do(ctx, "GET", "/api/support-bundle", url.Values{"item": items}, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(w, io.LimitReader(resp.Body, maxAnswer))
	return err
}
