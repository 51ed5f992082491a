package dav

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

const folderProps = `<D:resourcetype/><D:displayname/><D:current-user-privilege-set/><C:supported-calendar-component-set/><A:supported-address-data/>`

// Folders lists the collections of every home.
func (s *Service) Folders(ctx context.Context) ([]remote.Folder, error) {
	var out []remote.Folder
	add := func(fs []remote.Folder) {
		for _, f := range fs {
			if !slices.ContainsFunc(out, func(o remote.Folder) bool { return o.ID == f.ID }) {
				out = append(out, f)
			}
		}
	}
	for _, h := range s.homes {
		fs, err := s.list(ctx, h)
		if err != nil {
			return nil, err
		}
		add(fs)
	}
	for _, e := range s.extra {
		if slices.ContainsFunc(out, func(o remote.Folder) bool { return o.ID == e }) {
			continue
		}
		f, err := s.folderAt(ctx, e)
		if err != nil {
			return nil, err
		}
		add([]remote.Folder{f})
	}
	for i := range out {
		var err error
		if out[i].Schedules, err = s.schedules(ctx, out[i].ID); endsCall(err) { // one that refuses to tell does not
			return nil, err
		}
	}
	return out, nil
}

// list returns the folders directly in a home. The sync-token is asked for first and the ctag only where there is no
// sync-token: some servers read every item to make one of them.
func (s *Service) list(ctx context.Context, home string) ([]remote.Folder, error) {
	var out []remote.Folder
	answers, noToken := 0, false
	doing := "list the " + s.collection + "s"
	_, err := s.c.propfind(ctx, doing, home, "1", folderProps+"<D:sync-token/>", func(a *answer) error {
		if answers++; asCollection(a.href) == home && a.status/100 > 2 {
			return propertyFailure(s.words+": "+doing, "PROPFIND", a)
		}
		if f, ok := s.folder(a); ok {
			out = append(out, f)
			noToken = noToken || f.State == ""
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if answers == 0 { // at least the home itself belongs in the answer: no folders are not to be read out of nothing
		return nil, protocolError(s.words+": "+doing, "the server's list is empty")
	}
	if noToken {
		_, err = s.c.propfind(ctx, doing, home, "1", "<S:getctag/>", func(a *answer) error {
			for i := range out {
				if out[i].ID == asCollection(a.href) && out[i].State == "" {
					out[i].State = ctagState(a)
				}
			}
			return nil
		})
	}
	return out, err
}

// folderAt reads one folder, without its State.
func (s *Service) folderAt(ctx context.Context, id string) (remote.Folder, error) {
	a, _, err := s.c.get1(ctx, "read the "+s.collection+" "+lastSegment(id), id, folderProps)
	if err != nil {
		return remote.Folder{}, err
	}
	a.href = id
	f, ok := s.folder(a)
	if !ok {
		return f, &remote.Error{Kind: remote.NotFound, Doing: s.words + ": read " + id, Text: "that is no " + s.collection}
	}
	return f, nil
}

// folder makes a folder of what PROPFIND says, or says that it is none: the home, a scheduling inbox or outbox (RFC
// 6638 2), notifications, or a collection for components that Outpost does not keep.
func (s *Service) folder(a *answer) (remote.Folder, bool) {
	kinds := a.props.child(nsDAV, "resourcetype")
	if kinds.child(s.space, s.collection) == nil || kinds.child(nsCal, "schedule-inbox") != nil || kinds.child(nsCal, "schedule-outbox") != nil {
		return remote.Folder{}, false
	}
	f := remote.Folder{ID: asCollection(a.href), Name: clean(a.props.child(nsDAV, "displayname").words()), Kind: groupware.FolderContacts, Items: -1}
	if f.Name == "" {
		f.Name = lastSegment(f.ID)
	}
	if t := a.props.child(nsDAV, "sync-token").words(); t != "" {
		f.State = syncPrefix + t
	}
	if p := a.props.child(nsDAV, "current-user-privilege-set"); p != nil {
		f.ReadOnly = !slices.ContainsFunc(p.kids, func(k *node) bool {
			return k.child(nsDAV, "all") != nil || k.child(nsDAV, "write") != nil || k.child(nsDAV, "write-content") != nil || k.child(nsDAV, "bind") != nil
		})
	}
	if s.name == CardDAV {
		s.versions[f.ID] = convertsVCards(a.props.child(nsCard, "supported-address-data"))
		return f, true
	}
	if f.Accepts = accepts(a.props.child(nsCal, "supported-calendar-component-set")); len(f.Accepts) == 0 {
		return f, false
	}
	f.Kind = groupware.FolderCalendar
	if len(f.Accepts) == 1 {
		switch f.Accepts[0] {
		case groupware.KindTask:
			f.Kind = groupware.FolderTasks
		case groupware.KindNote:
			f.Kind = groupware.FolderNotes
		}
	}
	return f, true
}

// accepts reads supported-calendar-component-set; without one everything is accepted (RFC 4791 5.2.3).
func accepts(set *node) (out []groupware.Kind) {
	if set == nil {
		return []groupware.Kind{groupware.KindEvent, groupware.KindTask, groupware.KindNote}
	}
	for _, k := range []struct {
		component string
		kind      groupware.Kind
	}{{"VEVENT", groupware.KindEvent}, {"VTODO", groupware.KindTask}, {"VJOURNAL", groupware.KindNote}} {
		if slices.ContainsFunc(set.kids, func(n *node) bool { return n.name.Local == "comp" && strings.EqualFold(n.attr("name"), k.component) }) {
			out = append(out, k.kind)
		}
	}
	return out
}

// convertsVCards reports whether a server offers vCard 3.0 and 4.0 both (RFC 6352 6.2.2), so that what it sends
// may not be what it holds.
func convertsVCards(set *node) bool {
	v3, v4 := false, false
	if set != nil {
		for _, k := range set.kids {
			v3 = v3 || k.attr("version") == "3.0"
			v4 = v4 || k.attr("version") == "4.0"
		}
	}
	return v3 && v4
}

// CreateFolder makes a collection: MKCALENDAR (RFC 4791 5.3.1) or extended MKCOL (RFC 5689).
func (s *Service) CreateFolder(ctx context.Context, f remote.NewFolder) (remote.Folder, error) {
	doing := fmt.Sprintf("make the folder %q", f.Name)
	refuse := func(kind remote.ErrorKind, text string) (remote.Folder, error) {
		return remote.Folder{}, &remote.Error{Kind: kind, Doing: s.words + ": " + doing, Text: text}
	}
	component := map[groupware.FolderKind]string{groupware.FolderCalendar: "VEVENT", groupware.FolderTasks: "VTODO", groupware.FolderNotes: "VJOURNAL"}[f.Kind]
	switch {
	case (component == "") != (s.name == CardDAV) || component == "" && f.Kind != groupware.FolderContacts:
		return refuse(remote.Forbidden, fmt.Sprintf("a folder of kind %s cannot be here", f.Kind))
	case f.Parent != "":
		return refuse(remote.Forbidden, "folders lie side by side here, none in another")
	case !goodName(f.Name):
		return refuse(remote.Invalid, "a folder's name has 1 to 300 bytes, no control characters, and single spaces only between words")
	}
	there, err := s.Folders(ctx)
	if err != nil {
		return remote.Folder{}, err
	}
	if slices.ContainsFunc(there, func(o remote.Folder) bool { return o.Name == f.Name }) {
		return refuse(remote.Exists, "there is one of that name")
	}
	for range 5 {
		id, err := s.newPath(f.Name)
		if err != nil {
			return refuse(remote.Other, err.Error())
		}
		err = s.makeCollection(ctx, doing, id, f.Name, component)
		if unclear(err) {
			_, err = s.isThere(ctx, id, err)
		}
		if err == nil {
			return s.made(ctx, doing, id, f)
		}
		if e, ok := errors.AsType[*remote.Error](err); ok && f.Kind == groupware.FolderNotes && refusalOf(err).status/100 == 4 &&
			(e.Kind == remote.Invalid || e.Kind == remote.Other) {
			e.Kind = remote.Forbidden // it has nothing against the name: it keeps no VJOURNAL
		}
		if refusalOf(err).status != http.StatusMethodNotAllowed && remote.KindOf(err) != remote.Exists {
			return remote.Folder{}, err
		}
		if _, statErr := s.tag(ctx, id); statErr != nil {
			return remote.Folder{}, err // it is not that the address is taken
		}
	}
	return refuse(remote.Exists, "every address made from that name is taken")
}

// goodName reports whether a folder of that name is listed under the very same.
func goodName(name string) bool { return name != "" && name == clean(name) }

// made reads a new folder and takes it back if it cannot hold what it is for.
func (s *Service) made(ctx context.Context, doing, id string, want remote.NewFolder) (remote.Folder, error) {
	f, err := s.folderAt(ctx, id)
	if err != nil {
		return f, err
	}
	if want.Kind == groupware.FolderNotes && !slices.Contains(f.Accepts, groupware.KindNote) {
		err := &remote.Error{Kind: remote.Forbidden, Doing: s.words + ": " + doing, Text: "the server keeps no notes (VJOURNAL)"}
		return remote.Folder{}, joinAfter(err, s.DeleteFolder(ctx, id))
	}
	if f.Name != want.Name {
		return s.RenameFolder(ctx, id, "", want.Name)
	}
	return f, nil
}

func joinAfter(err, undo error) error {
	if undo != nil {
		return fmt.Errorf("%w (and taking it back: %w)", err, undo)
	}
	return err
}

// newPath makes the address of a new folder from its name, with a random end so that it names no folder that was there
// before: ids are never used again.
func (s *Service) newPath(name string) (string, error) {
	var home string
	if len(s.homes) > 0 {
		home = s.homes[0]
	} else {
		e := strings.TrimSuffix(s.extra[0], "/")
		home = e[:strings.LastIndexByte(e, '/')+1]
	}
	var end [4]byte
	if _, err := io.ReadFull(s.random, end[:]); err != nil {
		return "", fmt.Errorf("random numbers: %w", err)
	}
	return home + slug(name) + "-" + hex.EncodeToString(end[:]) + "/", nil
}

func (s *Service) makeCollection(ctx context.Context, doing, id, name, component string) error {
	props := "<D:displayname>" + text(name) + "</D:displayname>"
	if component != "" {
		props += `<C:supported-calendar-component-set><C:comp name="` + component + `"/></C:supported-calendar-component-set>`
		err := s.command(ctx, request{doing: doing, method: "MKCALENDAR", path: id, once: true,
			body: []byte(xmlHead + "<C:mkcalendar" + xmlSpaces + "><D:set><D:prop>" + props + "</D:prop></D:set></C:mkcalendar>")})
		if status := refusalOf(err).status; status != http.StatusMethodNotAllowed && status != http.StatusNotImplemented {
			return err
		}
		props = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>" + props
	} else {
		props = "<D:resourcetype><D:collection/><A:addressbook/></D:resourcetype>" + props
	}
	return s.command(ctx, request{doing: doing, method: "MKCOL", path: id, once: true,
		body: []byte(xmlHead + "<D:mkcol" + xmlSpaces + "><D:set><D:prop>" + props + "</D:prop></D:set></D:mkcol>")})
}

// RenameFolder changes the displayname; folders have no other parent to go to.
func (s *Service) RenameFolder(ctx context.Context, id, parent, name string) (remote.Folder, error) {
	doing := fmt.Sprintf("rename %s to %q", lastSegment(id), name)
	switch {
	case parent != "":
		return remote.Folder{}, &remote.Error{Kind: remote.Forbidden, Doing: s.words + ": " + doing, Text: "folders lie side by side here, none in another"}
	case !goodName(name):
		return remote.Folder{}, &remote.Error{Kind: remote.Invalid, Doing: s.words + ": " + doing, Text: "a folder's name has 1 to 300 bytes, no control characters, and single spaces only between words"}
	}
	err := s.command(ctx, request{doing: doing, method: "PROPPATCH", path: id, body: []byte(xmlHead + "<D:propertyupdate" + xmlSpaces +
		"><D:set><D:prop><D:displayname>" + text(name) + "</D:displayname></D:prop></D:set></D:propertyupdate>")})
	if err != nil {
		return remote.Folder{}, err
	}
	return s.folderAt(ctx, id)
}

// DeleteFolder removes the collection and all that is in it.
func (s *Service) DeleteFolder(ctx context.Context, id string) error {
	err := s.command(ctx, request{doing: "delete the folder " + lastSegment(id), method: http.MethodDelete, path: id})
	if r := refusalOf(err); r.status == http.StatusNotFound || r.status == http.StatusGone {
		return nil
	}
	return s.unlessGone(ctx, id, err)
}

// command sends a request whose answer matters only where it tells of a failure, as a status or in a multistatus.
func (s *Service) command(ctx context.Context, r request) error {
	if r.body != nil {
		r.header = map[string]string{"Content-Type": "application/xml; charset=utf-8"}
	}
	resp, final, err := s.c.do(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	doing := s.words + ": " + r.doing
	if resp.StatusCode == http.StatusOK && mediaType(resp) == "text/html" {
		return &remote.Error{Kind: remote.Offline, Doing: doing, Text: errPage.Error(), Err: errPage}
	}
	if resp.StatusCode != http.StatusMultiStatus {
		return nil
	}
	var failed error
	if _, err := decodeMultistatus(&budget{r: resp.Body}, func(a *answer) error {
		if a.status/100 > 2 || a.refused != 0 {
			failed = propertyFailure(doing, r.method, a)
		}
		return nil
	}); err != nil {
		return protocolError(doing, "unreadable answer about %s: %v", final, err)
	}
	return failed
}

// slug keeps the letters and digits of a name that every server takes in a path.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 40 {
			break
		}
	}
	if s := strings.Trim(b.String(), "-"); s != "" {
		return s
	}
	return "folder"
}
