package web

import (
	"io"
	"net/http"
	"strconv"

	"outpost/internal/backend"
	"outpost/internal/groupware"
)

// Requests, as JSON.
type (
	emailRequest  struct{ Email string }
	folderRequest struct {
		Path, Name, To string
		Kind           groupware.FolderKind
		Sync           groupware.SyncMode
		Recursive      bool
	}
	flagsRequest struct{ Add, Remove []string }
	toRequest    struct{ To string }
	modeRequest  struct{ Offline bool }
	demoRequest  struct{ Run bool }
)

// DemoState is how the demo server is.
type DemoState struct {
	Running bool `json:"running"`
}

func (a *api) routes() {
	b := a.Backend
	handle := func(pattern string, do func(r *http.Request) (any, error)) { a.mux.HandleFunc(pattern, a.answer(do)) }

	handle("GET /api/status", func(r *http.Request) (any, error) { return b.Status(r.Context()) })
	handle("GET /api/accounts", func(r *http.Request) (any, error) { return b.Accounts(r.Context()) })
	handle("POST /api/accounts", func(r *http.Request) (any, error) {
		q, err := read[backend.NewAccount](r)
		if err != nil {
			return nil, err
		}
		return b.AddAccount(r.Context(), q)
	})
	handle("POST /api/accounts/check", func(r *http.Request) (any, error) {
		q, err := read[emailRequest](r)
		if err != nil {
			return nil, err
		}
		check, err := b.CheckAccount(r.Context(), q.Email)
		if len(check.Services) > 0 { // it tells for each service what went wrong
			return check, nil
		}
		return check, err
	})
	handle("POST /api/accounts/remove", func(r *http.Request) (any, error) {
		q, err := read[emailRequest](r)
		if err != nil {
			return nil, err
		}
		return nil, b.RemoveAccount(r.Context(), q.Email)
	})

	a.conflictRoutes()

	handle("GET /api/folders", func(r *http.Request) (any, error) { return b.Folders(r.Context()) })
	folder := func(pattern string, do func(r *http.Request, q folderRequest) (any, error)) {
		handle(pattern, func(r *http.Request) (any, error) {
			q, err := read[folderRequest](r)
			if err != nil {
				return nil, err
			}
			return do(r, q)
		})
	}
	folder("POST /api/folders", func(r *http.Request, q folderRequest) (any, error) {
		return b.CreateFolder(r.Context(), q.Path, q.Kind)
	})
	folder("POST /api/folders/rename", func(r *http.Request, q folderRequest) (any, error) {
		return b.RenameFolder(r.Context(), q.Path, q.Name)
	})
	folder("POST /api/folders/move", func(r *http.Request, q folderRequest) (any, error) { return b.MoveFolder(r.Context(), q.Path, q.To) })
	folder("POST /api/folders/delete", func(r *http.Request, q folderRequest) (any, error) { return nil, b.DeleteFolder(r.Context(), q.Path) })
	folder("POST /api/folders/set", func(r *http.Request, q folderRequest) (any, error) {
		return b.SetFolder(r.Context(), q.Path, q.Sync, q.Recursive)
	})

	handle("GET /api/items", func(r *http.Request) (any, error) {
		q := r.URL.Query()
		o := backend.ListOptions{Sort: q.Get("sort"), Ascending: q.Get("ascending") == "true"}
		if err := numbers(r, &o.Offset, &o.Limit); err != nil {
			return nil, err
		}
		return b.List(r.Context(), q.Get("folder"), o)
	})
	handle("GET /api/search", func(r *http.Request) (any, error) {
		o := backend.SearchOptions{Words: r.URL.Query().Get("words"), Folder: r.URL.Query().Get("folder")}
		if err := numbers(r, &o.Offset, &o.Limit); err != nil {
			return nil, err
		}
		return b.Search(r.Context(), o)
	})
	handle("GET /api/items/{id}", func(r *http.Request) (any, error) { return b.Show(r.Context(), r.PathValue("id")) })
	a.mux.HandleFunc("GET /api/items/{id}/raw", func(w http.ResponseWriter, r *http.Request) {
		c, err := b.Raw(r.Context(), r.PathValue("id"))
		if err != nil {
			a.fail(w, r, err)
			return
		}
		a.content(w, c)
	})
	handle("POST /api/items", func(r *http.Request) (any, error) {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		return b.Add(r.Context(), r.URL.Query().Get("folder"), r.URL.Query().Get("name"), content)
	})
	handle("PUT /api/items/{id}", func(r *http.Request) (any, error) {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		return nil, b.Edit(r.Context(), r.PathValue("id"), r.URL.Query().Get("name"), content)
	})
	handle("POST /api/items/{id}/flags", func(r *http.Request) (any, error) {
		q, err := read[flagsRequest](r)
		if err != nil {
			return nil, err
		}
		return nil, b.Flag(r.Context(), r.PathValue("id"), q.Add, q.Remove)
	})
	handle("POST /api/items/{id}/move", func(r *http.Request) (any, error) {
		q, err := read[toRequest](r)
		if err != nil {
			return nil, err
		}
		return nil, b.Move(r.Context(), r.PathValue("id"), q.To)
	})
	handle("POST /api/items/{id}/copy", func(r *http.Request) (any, error) {
		q, err := read[toRequest](r)
		if err != nil {
			return nil, err
		}
		return b.Copy(r.Context(), r.PathValue("id"), q.To)
	})
	handle("DELETE /api/items/{id}", func(r *http.Request) (any, error) { return b.Delete(r.Context(), r.PathValue("id")) })
	handle("POST /api/send", func(r *http.Request) (any, error) {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		return b.Send(r.Context(), content)
	})

	handle("POST /api/mode", func(r *http.Request) (any, error) {
		q, err := read[modeRequest](r)
		if err != nil {
			return nil, err
		}
		return nil, b.SetOffline(r.Context(), q.Offline)
	})
	a.mux.HandleFunc("POST /api/sync", a.stream(func(r *http.Request) (any, error) { return b.Sync(r.Context(), r.URL.Query().Get("folder")) }))
	a.mux.HandleFunc("POST /api/verify", a.stream(func(r *http.Request) (any, error) { return b.Verify(r.Context()) }))

	handle("GET /api/demo", func(r *http.Request) (any, error) { return a.demo(nil) })
	handle("POST /api/demo", func(r *http.Request) (any, error) {
		q, err := read[demoRequest](r)
		if err != nil {
			return nil, err
		}
		return a.demo(&q.Run)
	})
}

// content answers with an item's own bytes.
func (a *api) content(w http.ResponseWriter, c backend.Content) {
	w.Header().Set("Content-Type", string(c.Media))
	w.Header().Set("Content-Length", strconv.Itoa(len(c.Bytes)))
	w.Header().Set("Content-Security-Policy", "sandbox") // it comes from strangers
	w.Write(c.Bytes)
}

// demo starts or stops the demo server (nil: neither) and tells how it is.
func (a *api) demo(run *bool) (any, error) {
	if a.Demo == nil {
		return nil, &backend.Error{Code: backend.CodeRefused, Text: "no demo server runs on this data folder: outpost demo starts one"}
	}
	var err error
	if run != nil && *run != a.Demo.Running() {
		if *run {
			err = a.Demo.Start(a.Life)
		} else {
			err = a.Demo.Stop()
		}
	}
	return DemoState{a.Demo.Running()}, err
}

// numbers reads the place and length of the part of a list that is wanted.
func numbers(r *http.Request, offset, limit *int) error {
	for name, into := range map[string]*int{"offset": offset, "limit": limit} {
		text := r.URL.Query().Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return &backend.Error{Code: backend.CodeUsage, Text: name + " must be a number", Err: err}
		}
		*into = n
	}
	return nil
}
