package interop

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"outpost/test/servers"
)

// letter is what a mail has to be on both sides when all is quiet. One side only decides about its place and each flag, so that the
// outcome is certain whatever crosses whatever.
type letter struct {
	subject string
	folder  string // "" when it is deleted for good
	ours    bool   // its place is changed here; else by the other client
	draft   bool
	version int
	size    int
	flagged bool // changed here
	work    bool // changed here: a keyword
	replied bool // changed by the other client: \Answered
	private bool // the other client sets no flags: it may be deleted for good, or copied, without being changed meanwhile
}

// object is what an event or a contact has to be.
type object struct {
	name    string
	kind    servers.Collection
	ours    bool // changed here; else by the other client
	gone    bool
	version int
}

// posting is a message that was to be sent.
type posting struct {
	subject string
	taken   bool // the daemon said that it has it
}

// deed is one change made here. When the daemon is killed before it answers, done says later whether the change was made.
type deed struct {
	what  string
	do    func(d *daemon) error
	done  func(d *daemon) (bool, error)
	apply func()
}

// world is both sides of an account, and what each has to look like in the end.
type world struct {
	t     *testing.T
	r     *rand.Rand
	seed  uint64
	o     *outpost
	sink  *servers.Sink
	roads []*road
	mail  *servers.Server
	dav   *servers.Server
	mailU servers.User
	davU  servers.User
	them  *servers.IMAP
	n     int // names given so far

	letters  []*letter
	objects  []*object
	postings []*posting
	shelves  []string // folders to file mail in
	open     []deed   // of which nobody knows yet whether they were done
	deeds    map[string]int
	killed   map[string]int // by what it did
	did      []string       // what was changed in this life of the daemon, for who looks for a fault
}

func collectionOf(kind servers.Collection) string {
	return map[servers.Collection]string{servers.Calendar: "team", servers.AddressBook: "people"}[kind]
}

func (w *world) name(what string) string {
	w.n++
	return fmt.Sprintf("%s-%04d", what, w.n)
}

func pick[T any](r *rand.Rand, from []T, which func(T) bool) (out T, ok bool) {
	fit := slices.DeleteFunc(slices.Clone(from), func(v T) bool { return !which(v) })
	if len(fit) == 0 {
		return out, false
	}
	return fit[r.IntN(len(fit))], true
}

// raw is the letter as it is in its present version: each version of one has the same length, as when a person mends a typing error.
func (l *letter) raw(from string) string {
	lines := strings.Repeat("All the lines of "+l.subject+" are as long as this one.\r\n", l.size/60)
	return "From: " + from + "\r\nTo: Bo <bo@example.org>\r\nSubject: " + l.subject + "\r\nMessage-ID: <" + l.subject + "@example.org>\r\nDate: Sun, 1 Mar 2026 10:00:00 +0000\r\n\r\n" +
		fmt.Sprintf("version %04d\r\n", l.version) + lines
}

func (b *object) raw() string {
	note := fmt.Sprintf("version %04d", b.version)
	if b.kind == servers.AddressBook {
		return strings.Replace(person(b.name, b.name), "END:", "NOTE:"+note+"\r\nEND:", 1)
	}
	return strings.Replace(meeting(b.name, b.name), "END:VEVENT", "DESCRIPTION:"+note+"\r\nEND:VEVENT", 1)
}

// here makes one change through the daemon.
func (w *world) here(d *daemon) error {
	choices := []func(d *daemon) (deed, bool, error){w.addMail, w.addMail, w.addDraft, w.editDraft, w.editDraft, w.file, w.file, w.flag, w.flag, w.bin, w.post, w.addObject, w.editObject, w.deleteObject, w.addShelf, w.renameShelf, w.copy}
	act, ok, err := choices[w.r.IntN(len(choices))](d)
	if err != nil || !ok {
		return err
	}
	err = act.do(d)
	if no, refused := errors.AsType[*errNo](err); refused {
		if no.code != "not-found" { // an item may have moved to another id between two questions
			w.t.Errorf("%s was refused: %v", act.what, no)
		}
		return nil
	}
	if err != nil {
		w.open = append(w.open, act)
		w.did = append(w.did, act.what+"?")
		return err
	}
	w.deeds[strings.Fields(act.what)[0]]++
	w.did = append(w.did, act.what)
	act.apply()
	return nil
}

// settle finds out about the deeds that were interrupted.
func (w *world) settle(d *daemon) error {
	for len(w.open) > 0 {
		done, err := w.open[0].done(d)
		if err != nil {
			return err
		}
		if done {
			w.open[0].apply()
		}
		w.open = w.open[1:]
	}
	return nil
}

func (w *world) isIn(folder, subject string) func(d *daemon) (bool, error) {
	return func(d *daemon) (bool, error) {
		it, err := d.item(folder, subject)
		return it.ID != "", err
	}
}

func (w *world) add(d *daemon, l *letter) deed {
	return deed{"add " + l.subject, func(d *daemon) error {
		return d.ask("POST", "items", map[string][]string{"folder": {l.folder}}, l.raw(w.mailU.Name), nil)
	},
		w.isIn(l.folder, l.subject), func() { w.letters = append(w.letters, l) }}
}

func (w *world) addMail(d *daemon) (deed, bool, error) {
	l := &letter{subject: w.name("ours"), folder: "INBOX", ours: w.r.IntN(2) == 0, size: 100 << w.r.IntN(9), private: w.r.IntN(2) == 0}
	if w.r.IntN(3) == 0 {
		l.folder = w.shelves[w.r.IntN(len(w.shelves))]
	}
	return w.add(d, l), true, nil
}

func (w *world) addDraft(d *daemon) (deed, bool, error) {
	return w.add(d, &letter{subject: w.name("draft"), folder: "Drafts", ours: true, draft: true, size: 100 << w.r.IntN(8), private: true}), true, nil
}

// letterHere chooses a letter that is here already.
func (w *world) letterHere(d *daemon, which func(*letter) bool) (*letter, item, bool, error) {
	l, ok := pick(w.r, w.letters, func(l *letter) bool { return l.folder != "" && which(l) })
	if !ok {
		return nil, item{}, false, nil
	}
	it, err := d.item(l.folder, l.subject)
	return l, it, it.ID != "", err
}

func (w *world) editDraft(d *daemon) (deed, bool, error) {
	l, it, ok, err := w.letterHere(d, func(l *letter) bool { return l.draft && l.folder == "Drafts" })
	if !ok || err != nil {
		return deed{}, false, err
	}
	next := *l
	next.version++
	return deed{"edit " + l.subject, func(d *daemon) error { return d.ask("PUT", "items/"+it.ID, nil, next.raw(w.mailU.Name), nil) },
		func(d *daemon) (bool, error) {
			it, err := d.item(l.folder, l.subject)
			if err != nil || it.ID == "" {
				return false, err
			}
			raw, err := d.raw(it.ID)
			return raw == next.raw(w.mailU.Name), err
		}, func() { l.version = next.version }}, true, nil
}

func (w *world) file(d *daemon) (deed, bool, error) {
	l, it, ok, err := w.letterHere(d, func(l *letter) bool { return l.ours && !l.draft })
	if !ok || err != nil || it.Pending { // where the last move was not answered, the place that it led to may stay
		return deed{}, false, err
	}
	to := append([]string{"INBOX"}, w.shelves...)[w.r.IntN(len(w.shelves)+1)]
	if w.has(to, l.subject) {
		return deed{}, false, nil
	}
	return deed{"move " + l.subject + " to " + to, func(d *daemon) error {
		return d.ask("POST", "items/"+it.ID+"/move", nil, map[string]string{"to": to}, nil)
	},
		w.isIn(to, l.subject), func() { l.folder = to }}, true, nil
}

// has reports whether a letter of the subject belongs into a folder: only one at a time, so that each can be told from its copies.
func (w *world) has(folder, subject string) bool {
	return slices.ContainsFunc(w.letters, func(l *letter) bool { return l.folder == folder && l.subject == subject })
}

// copy makes another letter of the same bytes in another folder.
func (w *world) copy(d *daemon) (deed, bool, error) {
	l, it, ok, err := w.letterHere(d, func(l *letter) bool { return l.private && !l.draft })
	if !ok || err != nil {
		return deed{}, false, err
	}
	copied := *l
	copied.folder, copied.ours = w.shelves[w.r.IntN(len(w.shelves))], true
	if w.has(copied.folder, l.subject) {
		return deed{}, false, nil
	}
	return deed{"copy " + l.subject, func(d *daemon) error {
		return d.ask("POST", "items/"+it.ID+"/copy", nil, map[string]string{"to": copied.folder}, nil)
	},
		w.isIn(copied.folder, l.subject), func() { w.letters = append(w.letters, &copied) }}, true, nil
}

func (w *world) flag(d *daemon) (deed, bool, error) {
	l, it, ok, err := w.letterHere(d, func(l *letter) bool { return !l.draft })
	if !ok || err != nil {
		return deed{}, false, err
	}
	which, on := "flagged", &l.flagged
	if w.r.IntN(2) == 0 {
		which, on = "work", &l.work
	}
	now := !*on
	change := map[string][]string{"add": {which}}
	if !now {
		change = map[string][]string{"remove": {which}}
	}
	return deed{"flag " + l.subject, func(d *daemon) error { return d.ask("POST", "items/"+it.ID+"/flags", nil, change, nil) },
		func(d *daemon) (bool, error) {
			it, err := d.item(l.folder, l.subject)
			return it.ID != "" && slices.Contains(it.Flags, which) == now, err
		}, func() { *on = now }}, true, nil
}

// bin deletes a letter: into Trash, and from there for good.
func (w *world) bin(d *daemon) (deed, bool, error) {
	l, it, ok, err := w.letterHere(d, func(l *letter) bool { return l.ours && (l.folder != "Trash" || l.private) })
	if !ok || err != nil || it.Pending {
		return deed{}, false, err
	}
	from, to := l.folder, "Trash"
	done := w.isIn(to, l.subject)
	if from != "Trash" && w.has(to, l.subject) {
		return deed{}, false, nil
	}
	if from == "Trash" {
		to = ""
		done = func(d *daemon) (bool, error) {
			it, err := d.item(from, l.subject)
			return it.ID == "", err
		}
	}
	return deed{"delete " + l.subject + " from " + from, func(d *daemon) error { return d.ask("DELETE", "items/"+it.ID, nil, nil, nil) }, done, func() { l.folder = to }}, true, nil
}

func (w *world) post(d *daemon) (deed, bool, error) {
	p := &posting{subject: w.name("posted")}
	w.postings = append(w.postings, p)
	l := letter{subject: p.subject, size: 100 << w.r.IntN(9)}
	return deed{"send " + p.subject, func(d *daemon) error { return d.ask("POST", "send", nil, l.raw(w.mailU.Name), nil) },
		func(d *daemon) (bool, error) { return false, nil }, // it is not known; the sink tells in the end
		func() { p.taken = true }}, true, nil
}

func (w *world) anyKind() servers.Collection {
	return []servers.Collection{servers.Calendar, servers.AddressBook}[w.r.IntN(2)]
}

func (w *world) addObject(d *daemon) (deed, bool, error) {
	b := &object{name: w.name("ours"), kind: w.anyKind(), ours: true}
	return deed{"add " + b.name, func(d *daemon) error {
		return d.ask("POST", "items", map[string][]string{"folder": {collectionOf(b.kind)}}, b.raw(), nil)
	},
		w.isIn(collectionOf(b.kind), b.name), func() { w.objects = append(w.objects, b) }}, true, nil
}

func (w *world) objectHere(d *daemon) (*object, item, bool, error) {
	b, ok := pick(w.r, w.objects, func(b *object) bool { return b.ours && !b.gone })
	if !ok {
		return nil, item{}, false, nil
	}
	it, err := d.item(collectionOf(b.kind), b.name)
	return b, it, it.ID != "", err
}

func (w *world) editObject(d *daemon) (deed, bool, error) {
	b, it, ok, err := w.objectHere(d)
	if !ok || err != nil {
		return deed{}, false, err
	}
	next := *b
	next.version++
	return deed{"edit " + b.name, func(d *daemon) error { return d.ask("PUT", "items/"+it.ID, nil, next.raw(), nil) },
		func(d *daemon) (bool, error) {
			it, err := d.item(collectionOf(b.kind), b.name)
			if err != nil || it.ID == "" {
				return false, err
			}
			raw, err := d.raw(it.ID)
			return strings.Contains(raw, fmt.Sprintf("version %04d", next.version)), err
		}, func() { b.version = next.version }}, true, nil
}

func (w *world) deleteObject(d *daemon) (deed, bool, error) {
	b, it, ok, err := w.objectHere(d)
	if !ok || err != nil || w.r.IntN(2) == 0 {
		return deed{}, false, err
	}
	return deed{"delete " + b.name, func(d *daemon) error { return d.ask("DELETE", "items/"+it.ID, nil, nil, nil) },
		func(d *daemon) (bool, error) {
			it, err := d.item(collectionOf(b.kind), b.name)
			return it.ID == "", err
		}, func() { b.gone = true }}, true, nil
}

func (w *world) isThere(folder string) func(d *daemon) (bool, error) {
	return func(d *daemon) (bool, error) {
		_, err := d.list(folder)
		if no, ok := errors.AsType[*errNo](err); ok && no.code == "not-found" {
			return false, nil
		}
		return err == nil, err
	}
}

func (w *world) addShelf(d *daemon) (deed, bool, error) {
	if len(w.shelves) > 15 {
		return deed{}, false, nil
	}
	name := w.name("Made")
	return deed{"create " + name, func(d *daemon) error {
		return d.ask("POST", "folders", nil, map[string]string{"path": name, "kind": "mail"}, nil)
	},
		w.isThere(name), func() { w.shelves = append(w.shelves, name) }}, true, nil
}

// renameShelf gives a folder another name, once.
func (w *world) renameShelf(d *daemon) (deed, bool, error) {
	old, ok := pick(w.r, w.shelves, func(s string) bool { return strings.HasPrefix(s, "Old-") })
	if !ok || w.r.IntN(4) > 0 {
		return deed{}, false, nil
	}
	name := w.name("New")
	return deed{"rename " + old, func(d *daemon) error {
		return d.ask("POST", "folders/rename", nil, map[string]string{"path": old, "name": name}, nil)
	},
		w.isThere(name), func() {
			w.shelves[slices.Index(w.shelves, old)] = name
			for _, l := range w.letters {
				if l.folder == old {
					l.folder = name
				}
			}
		}}, true, nil
}

// there makes one change at the server, as another program of the same person does.
func (w *world) there(d *daemon) error {
	choices := []func() error{w.theirMail, w.theirMail, w.theirFlag, w.theirFlag, func() error { return w.theirMove(d) }, w.theirObject, w.theirEdit}
	return choices[w.r.IntN(len(choices))]()
}

func (w *world) theirMail() error {
	w.did = append(w.did, "their mail")
	_, err := w.them.Append("INBOX", func(yield func(servers.Mail) bool) {
		for range 1 + w.r.IntN(5) {
			l := &letter{subject: w.name("theirs"), folder: "INBOX", ours: w.r.IntN(2) == 0, size: 100 << w.r.IntN(10), private: w.r.IntN(2) == 0}
			w.letters = append(w.letters, l)
			if !yield(servers.Mail{Raw: []byte(l.raw("ben@example.org"))}) {
				return
			}
		}
	})
	return err
}

// theirs chooses a letter that is at the server already and finds its UID, "" when there is none.
func (w *world) theirs(which func(*letter) bool) (*letter, string, error) {
	l, ok := pick(w.r, w.letters, func(l *letter) bool { return l.folder != "" && which(l) })
	if !ok {
		return nil, "", nil
	}
	if _, err := w.them.Command("SELECT %s", servers.Quote(l.folder)); err != nil {
		return l, "", nil // the folder is not there yet
	}
	lines, err := w.them.Command("UID SEARCH NOT DELETED HEADER SUBJECT %s", servers.Quote(l.subject))
	for _, line := range lines {
		if f := strings.Fields(line); len(f) == 3 && f[1] == "SEARCH" { // two: one of them is about to go
			return l, f[2], err
		}
	}
	return l, "", err
}

func (w *world) theirFlag() error {
	l, uid, err := w.theirs(func(l *letter) bool { return !l.draft && !l.private })
	if uid == "" || err != nil {
		return err
	}
	sign := "+"
	if l.replied {
		sign = "-"
	}
	lines, err := w.them.Command(`UID STORE %s %sFLAGS (\Answered)`, uid, sign)
	w.did = append(w.did, "their flag of "+l.subject)
	if strings.Contains(strings.Join(lines, "\n"), "FETCH") { // moved away meanwhile: then nothing was changed
		l.replied = !l.replied
	}
	return err
}

// theirMove files or deletes a letter whose place is the other client's business, once Outpost knows that the server has it as it is
// here: of a letter that is gone from where it was stored without an answer nobody can tell whether it ever was there.
func (w *world) theirMove(d *daemon) error {
	l, uid, err := w.theirs(func(l *letter) bool { return !l.ours })
	if uid == "" || err != nil {
		return err
	}
	if it, err := d.item(l.folder, l.subject); err != nil || it.ID == "" || it.Pending {
		return nil // not now; or the daemon was killed
	}
	to := []string{"INBOX", "Kept", "", ""}[w.r.IntN(4)]
	switch {
	case to != "" && w.has(to, l.subject):
		return nil
	case to == "" && (w.r.IntN(2) == 0 || !l.private):
		return nil
	case to == "":
		if _, err := w.them.Command(`UID STORE %s +FLAGS.SILENT (\Deleted)`, uid); err != nil {
			return err
		}
		_, err = w.them.Command("UID EXPUNGE %s", uid)
	default:
		_, err = w.them.Command("UID MOVE %s %s", uid, servers.Quote(to))
	}
	w.did = append(w.did, fmt.Sprintf("their move of %s from %s to %q", l.subject, l.folder, to))
	l.folder = to
	return err
}

func (w *world) put(b *object) error {
	w.did = append(w.did, "their "+b.name)
	return w.dav.PutResource(w.davU, b.kind, collectionOf(b.kind), servers.Resource{Name: b.name + c2ext[b.kind], Body: []byte(b.raw())})
}

func (w *world) theirObject() error {
	b := &object{name: w.name("theirs"), kind: w.anyKind()}
	w.objects = append(w.objects, b)
	return w.put(b)
}

// theirEdit changes or deletes an event or a contact of the other client.
func (w *world) theirEdit() error {
	b, ok := pick(w.r, w.objects, func(b *object) bool { return !b.ours && !b.gone })
	if !ok {
		return nil
	}
	if w.r.IntN(4) > 0 {
		b.version++
		return w.put(b)
	}
	b.gone = true
	w.did = append(w.did, "their deletion of "+b.name)
	_, err := w.request("DELETE", w.dav.CollectionURL(w.davU, b.kind, collectionOf(b.kind))+b.name+c2ext[b.kind])
	return err
}

// request sends a DAV request without a body and returns the answer's.
func (w *world) request(method, url string) (string, error) {
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		return "", err
	}
	req.SetBasicAuth(w.davU.Name, w.davU.Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	return string(b), err
}
