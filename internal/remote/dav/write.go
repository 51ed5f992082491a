package dav

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"net/http"
	"path"
	"slices"
	"strings"

	"outpost/internal/remote"
)

// Mark is not needed: Find looks for a resource by its name.
func (s *Service) Mark(ctx context.Context, folder string) (string, error) { return "", ctx.Err() }

// Find looks for the resource that item.Name would have made. Its tag is not told, so that it is read again: somebody
// else may have changed it since.
func (s *Service) Find(ctx context.Context, folder, _ string, item remote.NewItem) (remote.Created, bool, error) {
	id, err := s.place(folder, item)
	if err != nil {
		return remote.Created{}, false, err
	}
	_, err = s.tag(ctx, id)
	if remote.KindOf(err) == remote.NotFound {
		return remote.Created{}, false, nil
	}
	return remote.Created{ID: id}, err == nil, err
}

// tag returns the current etag of a resource.
func (s *Service) tag(ctx context.Context, id string) (string, error) {
	a, _, err := s.c.get1(ctx, "look for "+lastSegment(id), id, "<D:getetag/>")
	if err != nil {
		return "", err
	}
	return a.props.child(nsDAV, "getetag").words(), nil
}

func (s *Service) place(folder string, item remote.NewItem) (string, error) {
	if err := s.noFolder(folder); err != nil {
		return "", err
	}
	if item.Name == "" || item.Name == "." || item.Name == ".." || len(item.Name) > 1024 {
		return "", &remote.Error{Kind: remote.Invalid, Doing: s.words + ": store in " + lastSegment(folder), Text: "no usable resource name was given"}
	}
	return folder + escape(item.Name), nil
}

// Create stores items where nothing is yet (If-None-Match: *).
func (s *Service) Create(ctx context.Context, folder string, items []remote.NewItem, report func(int, remote.Created, error) error) error {
	type result struct {
		created remote.Created
		err     error
	}
	return pipeline(ctx, maxConns, count(len(items)),
		func(ctx context.Context, i int) result {
			id, err := s.place(folder, items[i])
			if err != nil {
				return result{err: err}
			}
			c, err := s.put(ctx, id, items[i], "If-None-Match", "*")
			if unclear(err) { // the name is the engine's own: what is there is this item
				var there bool
				if there, err = s.isThere(ctx, id, err); there {
					return result{created: remote.Created{ID: id}}
				}
			}
			if e, ok := errors.AsType[*remote.Error](err); ok && e.Kind == remote.Precondition {
				e.Kind = remote.Exists
				e.Text += ": " + id
			}
			return result{c, s.orNoFolder(ctx, folder, err)}
		},
		func(i int, r result) error {
			if endsCall(r.err) {
				return r.err
			}
			return report(i, r.created, r.err)
		})
}

// isThere asks whether a resource is there after a request about it failed in a way that leaves this open. err is nil when it is,
// failed when it is not; when the server does not tell, the error says that it has to be asked again.
func (s *Service) isThere(ctx context.Context, id string, failed error) (there bool, err error) {
	_, err = s.tag(ctx, id)
	switch {
	case err == nil:
		return true, nil
	case remote.KindOf(err) == remote.NotFound:
		return false, failed
	case endsCall(err):
		return false, err
	}
	return false, notTold(failed, err)
}

// notTold makes of a failure one that says that its outcome is not known, so that nobody takes it for a final no.
func notTold(failed, err error) error {
	return &remote.Error{Kind: remote.Unavailable, Doing: failedDoing(failed), Text: "the server failed, and does not tell whether it was done: " + err.Error(), Err: failed}
}

// orNoFolder looks closer at a refusal that some servers give when the folder is not there.
func (s *Service) orNoFolder(ctx context.Context, folder string, err error) error {
	if r := refusalOf(err); r.status == http.StatusForbidden && len(r.conditions) == 0 {
		if _, statErr := s.tag(ctx, folder); remote.KindOf(statErr) == remote.NotFound {
			return statErr
		}
	}
	return err
}

func count(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// Replace stores new content at the tag that was seen (If-Match).
func (s *Service) Replace(ctx context.Context, folder, id, tag string, item remote.NewItem) (remote.Created, error) {
	if !within(folder, id) {
		return remote.Created{}, &remote.Error{Kind: remote.Precondition, Doing: s.words + ": store " + clean(id), Text: "that is not in " + folder}
	}
	if tag == "" {
		tag = "*"
	}
	c, err := s.put(ctx, id, item, "If-Match", tag)
	if unclear(err) {
		return s.replaced(ctx, id, tag, item, err)
	}
	if e, ok := errors.AsType[*remote.Error](err); ok && e.Kind == remote.NotFound {
		e.Kind = remote.Precondition
	}
	return c, err
}

// replaced asks what became of a replacement that failed in a way that leaves it open.
func (s *Service) replaced(ctx context.Context, id, tag string, item remote.NewItem, failed error) (remote.Created, error) {
	got, err := s.get(ctx, id, bytes.Contains(item.Raw, []byte("\nVERSION:4.0")))
	switch {
	case err == nil && bytes.Equal(got.Raw, item.Raw):
		return remote.Created{ID: id, Tag: got.Tag}, nil
	case err == nil && got.Tag == tag:
		return remote.Created{}, failed
	case err == nil, remote.KindOf(err) == remote.NotFound:
		return remote.Created{}, &remote.Error{Kind: remote.Precondition, Doing: failedDoing(failed), Text: "the server failed, and has another version now", Err: failed}
	case endsCall(err):
		return remote.Created{}, err
	}
	return remote.Created{}, notTold(failed, err)
}

func failedDoing(failed error) string {
	if e, ok := errors.AsType[*remote.Error](failed); ok {
		return e.Doing
	}
	return ""
}

// put stores one item under a condition. A server that rewrites what it stores tells no strong etag (RFC 4791 5.3.4), or
// should not; then the tag is "" and the item is read again.
func (s *Service) put(ctx context.Context, id string, item remote.NewItem, condition, value string) (remote.Created, error) {
	doing := "store " + lastSegment(id)
	resp, _, err := s.c.do(ctx, request{doing: doing, method: http.MethodPut, path: id, body: item.Raw,
		header: map[string]string{condition: value, "Content-Type": string(s.media) + "; charset=utf-8"}})
	if err != nil {
		return remote.Created{}, err
	}
	defer resp.Body.Close()
	etag := resp.Header.Get("ETag")
	if resp.StatusCode == http.StatusOK && etag == "" && mediaType(resp) == "text/html" {
		return remote.Created{}, &remote.Error{Kind: remote.Offline, Doing: s.words + ": " + doing, Text: errPage.Error(), Err: errPage}
	}
	if strings.HasPrefix(etag, "W/") || resp.StatusCode == http.StatusMultiStatus {
		etag = ""
	}
	return remote.Created{ID: id, Tag: etag}, nil
}

// Delete removes items, each only at its tag where one is given.
func (s *Service) Delete(ctx context.Context, folder string, items []remote.Ref, report func(string, error) error) error {
	return pipeline(ctx, maxConns, slices.Values(items),
		func(ctx context.Context, r remote.Ref) error {
			if !within(folder, r.ID) {
				return nil // it never was there
			}
			return s.remove(ctx, r.ID, r.Tag)
		},
		func(r remote.Ref, err error) error {
			if endsCall(err) {
				return err
			}
			return report(r.ID, err)
		})
}

func (s *Service) remove(ctx context.Context, id, tag string) error {
	r := request{doing: "delete " + lastSegment(id), method: http.MethodDelete, path: id}
	if tag != "" {
		r.header = map[string]string{"If-Match": tag}
	}
	err := s.command(ctx, r)
	switch refusalOf(err).status {
	case http.StatusNotFound, http.StatusGone:
		return nil
	case http.StatusPreconditionFailed:
		if _, statErr := s.tag(ctx, id); remote.KindOf(statErr) == remote.NotFound {
			return nil // RFC 9110 13.1.1: what is not there matches no tag
		}
	}
	return s.unlessGone(ctx, id, err)
}

// unlessGone turns the failure of a deletion that was done all the same into none.
func (s *Service) unlessGone(ctx context.Context, id string, failed error) error {
	if !unclear(failed) {
		return failed
	}
	there, err := s.isThere(ctx, id, failed)
	switch {
	case there:
		return failed
	case err == failed:
		return nil
	}
	return err
}

// Move moves items between folders of this service. One that cannot be moved stops no other; the first such error is
// returned beside what was moved.
func (s *Service) Move(ctx context.Context, folder string, ids []string, to string) (map[string]string, error) {
	type result struct {
		id  string
		err error
	}
	if err := s.noFolder(to); err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !within(folder, id) }) // those are not there
	moved := make(map[string]string, len(ids))
	var first error
	err := pipeline(ctx, maxConns, slices.Values(ids),
		func(ctx context.Context, id string) result {
			now, err := s.move(ctx, id, to)
			return result{now, err}
		},
		func(id string, r result) error {
			if r.err = s.orNoFolder(ctx, to, r.err); moveRefused(r.err) {
				r.id, r.err = s.copyAndDelete(ctx, folder, id, to+path.Base(id), r.err)
			}
			if r.id != "" {
				moved[id] = r.id
			}
			if endsCall(r.err) {
				return r.err
			}
			if first == nil {
				first = r.err
			}
			return nil
		})
	if err == nil {
		err = first
	}
	return moved, err
}

// move moves one item and returns its new id, "" when it is gone. MOVE (RFC 4918 9.9) keeps it one thing to the server, so
// that no invitation is cancelled.
func (s *Service) move(ctx context.Context, id, to string) (string, error) {
	name := path.Base(id)
	sum := sha256.Sum256([]byte(id))
	var err error
	for _, dest := range []string{to + name, to + hex.EncodeToString(sum[:8]) + "-" + name} {
		err = s.command(ctx, request{doing: "move " + lastSegment(id), method: "MOVE", path: id, once: true,
			header: map[string]string{"Destination": s.c.base.Scheme + "://" + s.c.base.Host + dest, "Overwrite": "F"}})
		switch refusalOf(err).status {
		case http.StatusNotFound, http.StatusGone: // the item, or where it should go
			if _, statErr := s.tag(ctx, id); remote.KindOf(statErr) == remote.NotFound {
				return "", nil
			}
		case http.StatusPreconditionFailed: // something else has that name there
			continue
		case http.StatusInternalServerError:
			if err = s.unlessGone(ctx, id, err); err == nil {
				if _, err = s.tag(ctx, dest); remote.KindOf(err) == remote.NotFound {
					return "", nil
				}
			}
		}
		if err != nil {
			return "", err
		}
		return dest, nil
	}
	return "", err
}

// moveRefused reports whether a server refused to move, rather than to have the item over there.
func moveRefused(err error) bool {
	r := refusalOf(err)
	switch r.status {
	case http.StatusMethodNotAllowed, http.StatusNotImplemented, http.StatusBadGateway, http.StatusForbidden, http.StatusConflict, http.StatusBadRequest:
		return len(r.conditions) == 0
	}
	return false
}

// copyAndDelete moves an item by hand: stored there, then deleted here if it is still what was stored.
func (s *Service) copyAndDelete(ctx context.Context, folder, id, dest string, refused error) (string, error) {
	v4, err := s.version4(ctx, folder)
	if err != nil {
		return "", err
	}
	f, err := s.get(ctx, id, v4[id])
	if remote.KindOf(err) == remote.NotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	// Deleting a meeting makes a scheduling server tell its guests that it is cancelled (RFC 6638 3.2).
	if strings.Contains(strings.ToUpper(string(f.Raw)), "\nATTENDEE") {
		if schedules, err := s.schedules(ctx, id); err != nil || schedules {
			return "", errors.Join(refused, err)
		}
	}
	if f.Tag == "" {
		if f.Tag, err = s.tag(ctx, id); err != nil {
			return "", err
		}
	}
	_, err = s.put(ctx, dest, remote.NewItem{Raw: f.Raw}, "If-None-Match", "*")
	if refusalOf(err).status == http.StatusPreconditionFailed {
		// There already: from an attempt that was interrupted, if it is the same.
		if there, getErr := s.get(ctx, dest, v4[id]); getErr == nil && string(there.Raw) == string(f.Raw) {
			err = nil
		}
	}
	if err != nil {
		return "", err
	}
	return dest, s.remove(ctx, id, f.Tag)
}

// schedules reports whether the server sends invitations by itself (RFC 6638 2).
func (s *Service) schedules(ctx context.Context, path string) (bool, error) {
	if s.auto != nil || s.name != CalDAV {
		return s.auto != nil && *s.auto, nil
	}
	resp, _, err := s.c.do(ctx, request{doing: "ask what the server can do", method: http.MethodOptions, path: path})
	if err != nil {
		return false, err
	}
	resp.Body.Close()
	auto := false
	for name := range strings.SplitSeq(strings.Join(resp.Header.Values("DAV"), ","), ",") {
		auto = auto || strings.EqualFold(strings.TrimSpace(name), "calendar-auto-schedule")
	}
	s.auto = &auto
	return auto, nil
}
