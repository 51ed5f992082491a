package dav

import (
	"context"
	"net/http"
	"strings"

	"outpost/internal/remote"
)

const (
	syncPrefix = "sync:"
	ctagPrefix = "ctag:"
	maxPages   = 100_000 // parts of one sync-collection answer
)

// Changes lists what is different: by sync-collection, or by ctag and etags where the server has no sync-collection
// (or had none when since was made).
func (s *Service) Changes(ctx context.Context, folder, since string, emit func(remote.Change) error) (remote.Listing, error) {
	if err := s.noFolder(folder); err != nil {
		return remote.Listing{}, err
	}
	if !strings.HasPrefix(since, ctagPrefix) && !s.noSync[folder] {
		emitted := false
		token, known := strings.CutPrefix(since, syncPrefix)
		if !known {
			token = ""
		}
		l, err := s.syncCollection(ctx, folder, token, func(c remote.Change) error {
			emitted = true
			return emit(c)
		})
		if err == nil || emitted || !lacksSync(err) {
			return l, err
		}
		s.noSync[folder] = true
	}
	return s.compareAll(ctx, folder, since, emit)
}

// lacksSync reports whether a refused sync-collection may be a server that does not know it.
func lacksSync(err error) bool {
	switch refusalOf(err).status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusConflict, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusNotImplemented, http.StatusInsufficientStorage:
		return true
	}
	return remote.KindOf(err) == remote.Protocol
}

// tokenRefused reports whether a refused sync-collection may be about its token: valid-sync-token (RFC 6578 3.2), or
// whatever else a server makes of a token that it does not know.
func tokenRefused(err error) bool {
	switch refusalOf(err).status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusGone, http.StatusPreconditionFailed,
		http.StatusInternalServerError, http.StatusInsufficientStorage:
		return true
	}
	return false
}

// syncCollection is the report of RFC 6578 3.2, with the parts of a cut answer (3.6) put together.
func (s *Service) syncCollection(ctx context.Context, folder, token string, emit func(remote.Change) error) (remote.Listing, error) {
	doing := "list the changes in " + lastSegment(folder)
	full, emitted := token == "", false
	for range maxPages {
		cut := false
		end, _, err := s.c.multistatus(ctx, request{doing: doing, method: "REPORT", path: folder, depth: "0",
			body: []byte(xmlHead + "<D:sync-collection" + xmlSpaces + "><D:sync-token>" + text(token) +
				"</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>")},
			func(a *answer) error {
				if asCollection(a.href) == folder {
					cut = cut || a.status == http.StatusInsufficientStorage
					return nil
				}
				if !within(folder, a.href) {
					return nil
				}
				c := change(a)
				if c.Gone && full {
					return nil // some servers tell what was there once
				}
				emitted = true
				return emit(c)
			})
		if err != nil {
			if token != "" && !full && !emitted && tokenRefused(err) {
				token, full = "", true
				continue
			}
			return remote.Listing{}, err
		}
		if end.syncToken == "" || cut && end.syncToken == token {
			return remote.Listing{}, protocolError(s.words+": "+doing, "the server gave no new sync-token")
		}
		token = end.syncToken
		if !cut {
			return remote.Listing{Token: syncPrefix + token, Full: full}, nil
		}
	}
	return remote.Listing{}, protocolError(s.words+": "+doing, "the answer comes in too many parts")
}

// change reads one member of a listing.
func change(a *answer) remote.Change {
	c := remote.Change{ID: a.href, Tag: a.props.child(nsDAV, "getetag").words()}
	switch {
	case a.status == http.StatusNotFound || a.status == http.StatusGone:
		c.Gone = true
	case a.status/100 > 2 || a.refused != 0 && c.Tag == "":
		c.Same = true // the server will not say; that is no reason to think that it is gone
	}
	return c
}

// compareAll lists everything, unless the collection's ctag says that nothing has changed.
func (s *Service) compareAll(ctx context.Context, folder, since string, emit func(remote.Change) error) (remote.Listing, error) {
	doing := "list " + lastSegment(folder)
	// The ctag is read before the items, so that a change in between is seen the next time rather than never.
	self, _, err := s.c.get1(ctx, doing, folder, "<S:getctag/>")
	if err != nil {
		return remote.Listing{}, err
	}
	token := ctagState(self)
	if token != "" && token == since {
		return remote.Listing{Token: token}, nil
	}
	whole := false
	_, err = s.c.propfind(ctx, doing, folder, "1", "<D:getetag/><D:resourcetype/>", func(a *answer) error {
		if asCollection(a.href) == folder {
			if a.status/100 > 2 {
				return propertyFailure(s.words+": "+doing, "PROPFIND", a)
			}
			whole = true
			return nil
		}
		if !within(folder, a.href) || a.props.child(nsDAV, "resourcetype").child(nsDAV, "collection") != nil {
			return nil
		}
		if c := change(a); !c.Gone {
			return emit(c)
		}
		return nil
	})
	if err != nil {
		return remote.Listing{}, err
	}
	if !whole { // an answer that leaves out the collection may leave out anything: nothing is to be thought gone
		return remote.Listing{}, protocolError(s.words+": "+doing, "the server's list is not complete")
	}
	return remote.Listing{Token: token, Full: true}, nil
}

func ctagState(a *answer) string {
	if t := a.props.child(nsCS, "getctag").words(); t != "" {
		return ctagPrefix + t
	}
	return ""
}
