package dav

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"outpost/internal/remote"
)

const (
	firstBatch   = 50      // items in the first answers, until their size is known
	maxBatch     = 500     // items in one answer
	batchBytes   = 1 << 20 // what an answer should come to
	fetchWorkers = 3       // answers under way at a time
)

// Fetch reads whole items by multiget (RFC 4791 7.9, RFC 6352 8.7), several answers under way at a time, and one by
// one where a server fails at that.
func (s *Service) Fetch(ctx context.Context, folder string, ids []string, _ remote.Part, emit func(remote.Fetched) error) error {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !within(folder, id) }) // those are not there
	if len(ids) == 0 {
		return ctx.Err()
	}
	if err := s.noFolder(folder); err != nil {
		return err
	}
	v4, err := s.version4(ctx, folder)
	if err != nil {
		return err
	}
	var average atomic.Int64 // bytes of an item, 0 when not known
	batches := func(yield func([]string) bool) {
		for rest := ids; len(rest) > 0; {
			n := firstBatch
			if a := average.Load(); a > 0 {
				n = int(min(max(batchBytes/a, 1), maxBatch))
			}
			if s.noMultiget.Load() {
				n = 1
			}
			n = min(n, len(rest))
			if !yield(rest[:n]) {
				return
			}
			rest = rest[n:]
		}
	}
	type result struct {
		items []remote.Fetched
		err   error
	}
	workers := fetchWorkers
	if s.noMultiget.Load() {
		workers = maxConns
	}
	return pipeline(ctx, workers, iter.Seq[[]string](batches),
		func(ctx context.Context, batch []string) result {
			items, err := s.read(ctx, folder, batch, v4)
			total := int64(0)
			for _, it := range items {
				total += int64(len(it.Raw))
			}
			if len(items) > 0 {
				average.Store(max(total/int64(len(items)), 1))
			}
			return result{items, err}
		},
		func(_ []string, r result) error {
			for _, it := range r.items {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err := emit(it); err != nil {
					return err
				}
			}
			return r.err
		})
}

// read reads a batch of items; those that are gone are left out.
func (s *Service) read(ctx context.Context, folder string, ids []string, v4 map[string]bool) ([]remote.Fetched, error) {
	found := make(map[string]remote.Fetched, len(ids))
	gone := map[string]bool{}
	if !s.noMultiget.Load() {
		var old, new []string
		for _, id := range ids {
			if v4[id] {
				new = append(new, id)
			} else {
				old = append(old, id)
			}
		}
		for _, part := range []struct {
			ids     []string
			version string
		}{{old, ""}, {new, ` content-type="text/vcard" version="4.0"`}} {
			if len(part.ids) == 0 {
				continue
			}
			if err := s.multiGet(ctx, folder, part.ids, part.version, found, gone); err != nil {
				if endsCall(err) && !errors.Is(err, errPage) || ctx.Err() != nil {
					return nil, err
				}
				switch refusalOf(err).status {
				case http.StatusMethodNotAllowed, http.StatusNotImplemented, http.StatusBadRequest, http.StatusForbidden, http.StatusUnsupportedMediaType:
					s.noMultiget.Store(true)
				}
			}
		}
	}
	var out []remote.Fetched
	for _, id := range ids {
		f, ok := found[id]
		if gone[id] {
			continue
		}
		if !ok {
			var err error
			if f, err = s.get(ctx, id, v4[id]); err != nil {
				if remote.KindOf(err) == remote.NotFound {
					continue
				}
				if errors.Is(err, errPage) { // for this item only, or for all that goes over this network?
					if _, all := s.tag(ctx, folder); endsCall(all) {
						return out, all
					}
				} else if endsCall(err) || ctx.Err() != nil {
					return out, err
				}
				f = remote.Fetched{ID: id, Media: s.media, Err: err}
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// multiGet adds what one report brings to found and gone. What is in neither afterwards was not told.
func (s *Service) multiGet(ctx context.Context, folder string, ids []string, version string, found map[string]remote.Fetched, gone map[string]bool) error {
	var b strings.Builder
	b.WriteString(xmlHead + "<" + s.prefix + s.multiget + xmlSpaces + "><D:prop><D:getetag/><" + s.prefix + s.data + version + "/></D:prop>")
	for _, id := range ids {
		b.WriteString("<D:href>" + text(id) + "</D:href>")
	}
	b.WriteString("</" + s.prefix + s.multiget + ">")
	_, _, err := s.c.multistatus(ctx, request{doing: fmt.Sprintf("read %d items of %s", len(ids), lastSegment(folder)), method: "REPORT", path: folder, depth: "0", body: []byte(b.String())},
		func(a *answer) error {
			if a.status == http.StatusNotFound || a.status == http.StatusGone {
				gone[a.href] = true
				return nil
			}
			if d := a.props.child(s.space, s.data); d != nil && len(bytes.TrimSpace(d.text)) > 0 {
				found[a.href] = remote.Fetched{ID: a.href, Tag: a.props.child(nsDAV, "getetag").words(), Media: s.media, Raw: lineEnds(d.text)}
			}
			return nil
		})
	return err
}

// get reads one item.
func (s *Service) get(ctx context.Context, id string, v4 bool) (remote.Fetched, error) {
	accept := string(s.media)
	if v4 {
		accept += "; version=4.0"
	}
	doing := "read " + lastSegment(id)
	resp, _, err := s.c.do(ctx, request{doing: doing, method: http.MethodGet, path: id,
		// Without compression: some servers change the etag with it.
		header: map[string]string{"Accept": accept, "Accept-Encoding": "identity"}})
	if err != nil {
		return remote.Fetched{}, err
	}
	defer resp.Body.Close()
	doing = s.words + ": " + doing
	if mediaType(resp) == "text/html" {
		return remote.Fetched{}, &remote.Error{Kind: remote.Offline, Doing: doing, Text: errPage.Error(), Err: errPage}
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return remote.Fetched{}, remote.NetworkError(doing, err)
	}
	if len(raw) > maxAnswer {
		return remote.Fetched{}, &remote.Error{Kind: remote.TooLarge, Doing: doing, Text: errTooBig.Error()}
	}
	return remote.Fetched{ID: id, Tag: resp.Header.Get("ETag"), Media: s.media, Raw: lineEnds(raw)}, nil
}

// lineEnds gives back the CRLF (RFC 5545 3.1, RFC 6350 3.2) that XML turns into LF on the way (XML 1.0 2.11). Data
// that came with any CR is as the server holds it.
func lineEnds(data []byte) []byte {
	if bytes.IndexByte(data, '\r') >= 0 {
		return data
	}
	return bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
}

// version4 tells which cards of an address book are vCard 4.0, where the server would turn them into 3.0 unless asked
// not to (RFC 6352 5.1.1 allows it; the etag is the same). nil where it sends what it holds.
func (s *Service) version4(ctx context.Context, folder string) (map[string]bool, error) {
	if s.name != CardDAV {
		return nil, nil
	}
	converts, known := s.versions[folder]
	if !known {
		a, _, err := s.c.get1(ctx, "read the "+s.collection+" "+lastSegment(folder), folder, "<A:supported-address-data/>")
		if err != nil {
			return nil, err
		}
		converts = convertsVCards(a.props.child(nsCard, "supported-address-data"))
		s.versions[folder] = converts
	}
	if !converts {
		return nil, nil
	}
	out := map[string]bool{}
	_, _, err := s.c.multistatus(ctx, request{doing: "look for vCards 4.0 in " + lastSegment(folder), method: "REPORT", path: folder, depth: "1",
		body: []byte(xmlHead + "<A:addressbook-query" + xmlSpaces + `><D:prop><D:getetag/></D:prop><A:filter><A:prop-filter name="VERSION">` +
			`<A:text-match collation="i;unicode-casemap" match-type="equals">4.0</A:text-match></A:prop-filter></A:filter></A:addressbook-query>`)},
		func(a *answer) error {
			if a.status/100 <= 2 {
				out[a.href] = true
			}
			return nil
		})
	if err != nil && !endsCall(err) {
		s.versions[folder] = false // it cannot be asked: take what comes
		return nil, ctx.Err()
	}
	return out, err
}
