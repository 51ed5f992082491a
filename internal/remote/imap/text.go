package imap

import (
	"fmt"
	"maps"
	"slices"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

// maxText bounds what is read of one text part, in bytes as encoded.
const maxText = 4 << 20

// text is a message of which header and structure have come, and its text parts are still to come.
type text struct {
	out    remote.Fetched
	root   *node
	bodies map[string][]byte // nil until it has come, by path
	whole  bool              // it is to be read whole instead
}

// describe asks for everything but bodies. What must be read further is then asked for together: one command for each
// path, and one for what is read whole.
func (r *reading) describe(part []uint32) *job {
	return &job{
		uids: part, verb: "UID FETCH ", items: " (UID FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER])",
		done: func() []*job { return r.bodies(part) },
		// Some servers stumble over a message's structure: then its bytes may still be had.
		refused: func(error) ([]*job, error) {
			rest := slices.DeleteFunc(slices.Clone(part), func(u uint32) bool { return !r.wanted[u] || r.texts[u] != nil })
			if len(rest) > 0 {
				return append(r.bodies(part), r.whole(rest)), nil
			}
			return r.bodies(part), nil
		},
	}
}

// bodies makes the jobs for what describe has brought.
func (r *reading) bodies(part []uint32) []*job {
	var whole []uint32
	byPath := map[string][]uint32{}
	long := map[string]bool{}
	for _, u := range part {
		t := r.texts[u]
		switch {
		case t == nil:
		case t.whole:
			whole = append(whole, u)
		default:
			for _, n := range t.root.texts() {
				byPath[n.path] = append(byPath[n.path], u)
				long[n.path] = long[n.path] || n.size > maxText
			}
		}
	}
	var jobs []*job
	for _, path := range slices.Sorted(maps.Keys(byPath)) {
		jobs = append(jobs, r.path(byPath[path], path, long[path]))
	}
	if len(whole) > 0 {
		jobs = append(jobs, r.whole(whole))
	}
	return jobs
}

// path reads one part of each of some messages.
func (r *reading) path(uids []uint32, path string, long bool) *job {
	items := " (UID BODY.PEEK[" + path + "]"
	if long {
		items += fmt.Sprintf("<0.%d>", maxText)
	}
	// A message whose part did not come, for whatever reason, is read whole.
	instead := func() []*job {
		var whole []uint32
		for _, u := range uids {
			if t := r.texts[u]; t != nil && t.bodies[path] == nil {
				t.whole = true
				whole = append(whole, u)
			}
		}
		if len(whole) == 0 {
			return nil
		}
		return []*job{r.whole(whole)}
	}
	return &job{uids: uids, verb: "UID FETCH ", items: items + ")", done: instead,
		refused: func(error) ([]*job, error) { return instead(), nil }}
}

// takeText takes a response to describe or path.
func (r *reading) takeText(f *fetchData) error {
	t := r.texts[f.UID]
	if t == nil {
		return r.begin(f)
	}
	if t.whole {
		return nil
	}
	for _, s := range f.Sections {
		if b, waiting := t.bodies[s.name]; waiting && b == nil && s.over == 0 {
			t.bodies[s.name] = s.data
			if s.data == nil {
				t.bodies[s.name] = []byte{}
			}
		}
	}
	return r.complete(t)
}

// begin takes a response to describe.
func (r *reading) begin(f *fetchData) error {
	header, ok := f.section("HEADER")
	if !ok && f.Structure.List == nil {
		return nil // news about flags
	}
	t := &text{out: r.item(f.UID)}
	t.out.Flags, t.out.Received = f.Flags, f.Date
	r.texts[f.UID] = t
	if ok && len(header) > 0 && f.HasStructure {
		t.root, ok = parseStructure(f.Structure)
	} else {
		ok = false
	}
	if !ok || t.root.readWhole() {
		t.whole = true
		return nil
	}
	t.out.Partial = &groupware.Partial{Header: header, Parts: t.root.parts(), Size: f.Size}
	t.bodies = map[string][]byte{}
	for _, n := range t.root.texts() {
		t.bodies[n.path] = nil
	}
	return r.complete(t)
}

// complete emits a message of which everything has come.
func (r *reading) complete(t *text) error {
	for _, b := range t.bodies {
		if b == nil {
			return nil
		}
	}
	t.out.Partial.Text = t.root.text(t.bodies)
	return r.finish(t.out)
}
