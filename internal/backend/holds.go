package backend

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"outpost/internal/store"
)

// Hold is a folder in which so much would be deleted at once that a person is asked first: a server that was set up anew,
// or a slip, must not empty the other side.
type Hold struct {
	Folder    string `json:"folder"` // path
	At        string `json:"at"`     // where the items would be deleted: here or server
	Items     int64  `json:"items"`
	Of        int64  `json:"of"`
	Since     Time   `json:"since"`
	Confirmed bool   `json:"confirmed"` // a person agreed; the next pass deletes them
}

// Sentence says what is held and what to do.
func (h Hold) Sentence() string {
	at := "here, because the server no longer shows them"
	if h.At == "server" {
		at = "at the server"
	}
	name := h.Folder
	if strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./@", r)
	}) {
		name = strconv.Quote(name)
	}
	return fmt.Sprintf("folder %s: %d of %d items would be deleted %s; look, and say outpost folder confirm %s", name, h.Items, h.Of, at, name)
}

// holds lists what is held in a mailbox.
func (s *Server) holds(ctx context.Context, b *mailbox) ([]Hold, error) {
	out := []Hold{}
	var all []store.Hold
	err := b.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Holds()
		return err
	})
	if err != nil || len(all) == 0 {
		return out, err
	}
	paths, err := s.paths(ctx, b)
	for _, h := range all {
		out = append(out, held(h, paths[h.Folder]))
	}
	return out, err
}

func held(h store.Hold, path string) Hold {
	out := Hold{Folder: path, At: "here", Items: h.Items, Of: h.Of, Since: Time{h.At}, Confirmed: h.Confirmed >= h.Items}
	if h.There {
		out.At = "server"
	}
	return out
}

// ConfirmFolder agrees to the deletions that are held in a folder, as many as were told; the next pass makes them.
func (s *Server) ConfirmFolder(ctx context.Context, path string) ([]Hold, error) {
	p, err := s.find(ctx, path)
	if err != nil {
		return nil, err
	}
	out := []Hold{}
	err = p.box.Update(ctx, func(tx *store.Tx) error {
		n, err := tx.ConfirmHold(p.ID)
		if err == nil && n == 0 || errors.Is(err, store.ErrNotFound) {
			return fail(CodeNotFound, "nothing waits for your word in the folder %q: outpost status shows where something does", path)
		}
		if err != nil {
			return err
		}
		all, err := tx.Holds()
		for _, h := range all {
			if h.Folder == p.ID {
				out = append(out, held(h, s.fullPath(p)))
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	p.box.changed()
	return out, nil
}
