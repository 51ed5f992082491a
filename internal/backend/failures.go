package backend

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"outpost/internal/engine"
	"outpost/internal/format"
	"outpost/internal/groupware"
	"outpost/internal/store"
)

// FailureKind says what failed.
type FailureKind string

const (
	FailedRead   FailureKind = "read"   // the server has it, and it could not be read or understood
	FailedWrite  FailureKind = "write"  // it could not be brought to the server; it is where it was before
	FailedRefuse FailureKind = "refuse" // the server refuses it; it is in Local Failures
	FailedSend   FailureKind = "send"   // nobody here can know whether it was sent; it is in Outbox
)

// Failure is one item that could not be brought over. It stops no other (SPEC C8).
type Failure struct {
	ID      string         `json:"id"`               // of the item, or account.fNUMBER of what is none yet
	Number  int64          `json:"number,omitempty"` // 0 of what lies in Local Failures or Outbox
	Account string         `json:"account"`
	What    FailureKind    `json:"what"`
	Folder  string         `json:"folder"` // where it happened: path
	Kind    groupware.Kind `json:"kind,omitempty"`
	Subject string         `json:"subject,omitempty"`
	Doing   string         `json:"doing,omitempty"`
	Code    string         `json:"code,omitempty"` // kind of the error, "" is no special kind
	Error   string         `json:"error"`          // in the server's own words where it has some
	At      Time           `json:"at"`
	Tries   int            `json:"tries,omitempty"`
	Again   bool           `json:"again,omitempty"` // the next pass tries it again
	Source  bool           `json:"source"`          // its own bytes can be exported
	Next    string         `json:"next"`            // what happens next, and what a person can do
}

// Retried tells what is tried again.
type Retried struct {
	IDs  []string `json:"retried"` // as they are called now
	Left []string `json:"left"`    // may have been sent: they are sent again only when a person says so
}

// maxFailed bounds what is looked at of the folder Local Failures.
const maxFailed = 10000

// failed is a failure with what it is about.
type failed struct {
	Failure
	item  groupware.ItemID // 0: none yet
	in    groupware.FolderID
	media groupware.Media
}

// Failures lists everything that could not be brought over, in either direction.
func (s *Server) Failures(ctx context.Context) ([]Failure, error) {
	out := []Failure{}
	for _, b := range s.mailboxes() {
		all, err := s.failuresOf(ctx, b)
		if err != nil {
			return nil, err
		}
		for _, f := range all {
			out = append(out, f.Failure)
		}
	}
	return out, nil
}

func (s *Server) failuresOf(ctx context.Context, b *mailbox) (out []failed, err error) {
	paths, err := s.paths(ctx, b)
	if err != nil {
		return nil, err
	}
	err = b.View(ctx, func(tx *store.Tx) error {
		out, err = failures(tx, b, paths)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the failures of %s: %w", b.get().Email, err)
	}
	return out, nil
}

func failures(tx *store.Tx, b *mailbox, paths map[groupware.FolderID]string) (out []failed, err error) {
	folders, err := tx.Folders()
	if err != nil {
		return nil, err
	}
	byID := map[groupware.FolderID]store.Folder{}
	for _, f := range folders {
		byID[f.ID] = f
	}
	rows, err := tx.Failures(0)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		f, err := told(tx, b, r, byID[r.Folder])
		if err != nil {
			return nil, err
		}
		f.Folder = paths[r.Folder]
		out = append(out, f)
	}
	for _, folder := range folders {
		if folder.Role != groupware.RoleLocalFailures {
			continue
		}
		ids, err := tx.ItemIDs(folder.ID, 0, maxFailed)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			it, err := tx.Item(id)
			if err != nil {
				return nil, err
			}
			r, _, err := tx.Reason(id)
			if err != nil {
				return nil, err
			}
			f := about(b, it)
			f.What, f.Folder, f.Error, f.At = FailedRefuse, r.Folder, r.Text, Time{r.At}
			f.Next = fmt.Sprintf("it is kept in %s: mend it with outpost edit %s FILE and say outpost failure retry %s, or delete it with outpost delete %s", folder.Name, f.ID, f.ID, f.ID)
			if it.Kind == groupware.KindMail {
				f.Next = fmt.Sprintf("it is kept in %s: outpost failure retry %s tries it once more, outpost failure export %s FILE saves it, outpost delete %s drops it", folder.Name, f.ID, f.ID, f.ID)
			}
			out = append(out, f)
		}
	}
	queue, err := tx.Submissions()
	if err != nil {
		return nil, err
	}
	for _, q := range queue {
		if q.State != store.Unknown {
			continue
		}
		it, err := tx.Item(q.Item)
		if err != nil {
			return nil, err
		}
		f := about(b, it)
		f.What, f.Folder, f.Error, f.At = FailedSend, paths[it.Folder], q.Text, Time{it.Received}
		f.Next = fmt.Sprintf("ask a recipient: if it did not arrive, outpost failure retry %s --send-again sends it; if it did, outpost move %s Sent files it", f.ID, f.ID)
		out = append(out, f)
	}
	return out, nil
}

// about fills in what is told of an item.
func about(b *mailbox, it store.Item) failed {
	return failed{Failure{ID: idText(b, int64(it.ID)), Account: b.get().Email, Kind: it.Kind, Subject: it.Subject, Source: true}, it.ID, it.Folder, it.Media}
}

// told makes a failure of what the engine remembered.
func told(tx *store.Tx, b *mailbox, r store.Failure, in store.Folder) (failed, error) {
	f := failed{Failure: Failure{ID: numberText(b, r.Number), Account: b.get().Email, Source: r.HasRaw}, media: mediaIn(in)}
	it, err := tx.Item(r.Item)
	switch {
	case r.Item == 0 || errors.Is(err, store.ErrNotFound):
		err = nil
		if r.HasRaw {
			var raw []byte
			if raw, err = tx.FailureRaw(r.Number); err == nil {
				d := format.Derive(f.media, raw)
				f.Kind, f.Subject = d.Kind, d.Subject
			}
		}
	case err == nil:
		f = about(b, it)
	}
	f.Number, f.Doing, f.Code, f.Error, f.At, f.Tries, f.Again, f.in = r.Number, r.Doing, r.Code, r.Text, Time{r.At}, r.Tries, r.Again, in.ID
	f.What = FailedWrite
	if r.Item == 0 && r.RemoteID != "" || r.Doing == "read" {
		f.What = FailedRead
	}
	switch {
	case r.Again:
		f.Next = "the next pass tries it again: outpost sync starts one"
	case f.What == FailedRead:
		f.Next = fmt.Sprintf("Outpost tries it again after a while; outpost failure retry %s does at once", f.ID)
		if r.HasRaw {
			f.Next += fmt.Sprintf(", outpost failure export %s FILE saves what was read", f.ID)
		}
	default:
		f.Next = fmt.Sprintf("nothing of it is lost; outpost failure retry %s tries it again if there is something left to try, and forgets it if not", f.ID)
	}
	return f, err
}

// mediaIn is the form of what a folder's service holds.
func mediaIn(f store.Folder) groupware.Media {
	switch f.Service {
	case "caldav":
		return groupware.MediaCalendar
	case "carddav":
		return groupware.MediaVCard
	}
	return groupware.MediaMessage
}

func numberText(b *mailbox, number int64) string {
	return strconv.FormatInt(b.get().ID, 10) + ".f" + strconv.FormatInt(number, 10)
}

// failure finds a failure by its id: that of its item, or account.fNUMBER.
func (s *Server) failure(ctx context.Context, id string) (*mailbox, failed, error) {
	number := int64(0)
	account, n, ok := strings.Cut(id, ".f")
	if ok {
		var err error
		if number, err = strconv.ParseInt(n, 10, 64); err != nil || number < 1 {
			return nil, failed{}, fail(CodeUsage, "%q is not the id of a failure: ids look like 1.42 or 1.f7, outpost failure list shows them", id)
		}
		id = account + ".1"
	}
	b, itemID, err := s.parseID(id)
	if err != nil {
		return nil, failed{}, err
	}
	all, err := s.failuresOf(ctx, b)
	if err != nil {
		return nil, failed{}, err
	}
	for _, f := range all {
		if number != 0 && f.Number == number || number == 0 && f.item == itemID {
			return b, f, nil
		}
	}
	if number != 0 {
		id = account + ".f" + n
	}
	return nil, failed{}, fail(CodeNotFound, "nothing is wrong with %s (any more): outpost failure list shows what could not be brought over", id)
}

// ShowFailure tells one failure.
func (s *Server) ShowFailure(ctx context.Context, id string) (Failure, error) {
	_, f, err := s.failure(ctx, id)
	return f.Failure, err
}

// FailureSource returns the bytes that a failure is about: those that the server sent and Outpost did not understand, or
// the item's own.
func (s *Server) FailureSource(ctx context.Context, id string) (c Content, err error) {
	b, f, err := s.failure(ctx, id)
	if err != nil {
		return c, err
	}
	err = b.View(ctx, func(tx *store.Tx) (err error) {
		c.Bytes, err = tx.FailureRaw(f.Number)
		return err
	})
	switch {
	case err == nil:
		c.Media = f.media
		return c, nil
	case !errors.Is(err, store.ErrNotFound):
		return c, err
	case f.item == 0:
		return c, fail(CodeNotFound, "the server never sent %s (%s): there is nothing to export", f.ID, f.Error)
	}
	return s.Raw(ctx, idText(b, int64(f.item)))
}

// RetryFailure tries once more what failed: what could not be read is read again, what the server refused goes back to
// where it came from. What may have been sent already is sent again only if sendAgain says so.
func (s *Server) RetryFailure(ctx context.Context, id string, sendAgain bool) (Retried, error) {
	b, f, err := s.failure(ctx, id)
	if err != nil {
		return Retried{}, err
	}
	if f.What == FailedSend && !sendAgain {
		return Retried{}, fail(CodeRefused, "%s may have been sent already: ask a recipient, and if it did not arrive say outpost failure retry %s --send-again", f.ID, f.ID)
	}
	now, err := s.retry(ctx, b, f)
	if err != nil {
		return Retried{}, err
	}
	b.changed()
	return Retried{[]string{now}, []string{}}, nil
}

// RetryFailures tries once more everything that failed. What stops one is told after all were tried.
func (s *Server) RetryFailures(ctx context.Context, sendAgain bool) (Retried, error) {
	out := Retried{[]string{}, []string{}}
	var errs []string
	var code Code
	for _, b := range s.mailboxes() {
		all, err := s.failuresOf(ctx, b)
		if err != nil {
			return out, err
		}
		for _, f := range all {
			if f.What == FailedSend && !sendAgain {
				out.Left = append(out.Left, f.ID)
				continue
			}
			now, err := s.retry(ctx, b, f)
			if err != nil {
				errs, code = append(errs, err.Error()), CodeOf(err)
				continue
			}
			out.IDs = append(out.IDs, now)
		}
		b.changed()
	}
	if len(errs) > 0 {
		return out, &Error{Code: code, Text: strings.Join(errs, "; ")}
	}
	return out, nil
}

// retry does it in one transaction, and returns the id of what is tried again.
func (s *Server) retry(ctx context.Context, b *mailbox, f failed) (string, error) {
	if f.Number != 0 {
		return f.ID, b.Update(ctx, func(tx *store.Tx) error { return again(tx, f) })
	}
	now := f.item
	err := b.Update(ctx, func(tx *store.Tx) error {
		t, err := item(tx, b, f.item)
		if err != nil {
			return err
		}
		sub, waits, err := tx.Submission(t.ID)
		switch {
		case err != nil:
			return err
		case f.What == FailedSend && waits && sub.State == store.Unknown:
			sub.State, sub.Text = store.Queued, ""
			return tx.Submit(sub)
		case f.What == FailedRefuse && t.in.Role == groupware.RoleLocalFailures:
			now, err = bringBack(tx, t)
			return err
		}
		return fail(CodeNotFound, "%s is not what it was any more: outpost failure list tells how it is now", f.ID)
	})
	return idText(b, int64(now)), err
}

// again lets the next pass try what failed. A failure of something that is in order here and there is only told, and forgotten now.
func again(tx *store.Tx, f failed) error {
	r, err := tx.Failure(f.Number)
	if errors.Is(err, store.ErrNotFound) {
		return nil // a pass was quicker
	}
	if err != nil {
		return err
	}
	if r.Item != 0 && f.What == FailedWrite {
		t, err := tx.Triple(r.Item)
		if errors.Is(err, store.ErrNotFound) || err == nil && engine.PlanItem(t).Verb == engine.Nothing {
			return tx.ClearFailure(r.Item, r.Folder, r.RemoteID)
		}
		if err != nil {
			return err
		}
	}
	return tx.RetryFailure(f.Number)
}

// bringBack puts an item of Local Failures back where it came from: into the item whose edit it was, into Outbox to be sent, or into
// its folder. It returns the item that it is now.
func bringBack(tx *store.Tx, t thing) (groupware.ItemID, error) {
	id := idText(t.box, int64(t.ID))
	r, _, err := tx.Reason(t.ID)
	if err != nil {
		return 0, err
	}
	raw, err := tx.Raw(t.ID)
	if err != nil {
		return 0, err
	}
	if r.Edited != 0 {
		old, err := item(tx, t.box, r.Edited)
		if err == nil {
			err = writable(old.in, old.in.Name)
		}
		if err == nil {
			err = tx.SetContent(r.Edited, store.Prepare(t.Media, raw))
		}
		if err != nil {
			return 0, err
		}
		return r.Edited, tx.Delete(t.ID)
	}
	folders, err := tx.Folders()
	if err != nil {
		return 0, err
	}
	f, found := folderAt(folders, r.Folder)
	if !found {
		return 0, fail(CodeRefused, "the folder %q, where %s was, is gone: put it where you like with outpost move %s FOLDER", r.Folder, id, id)
	}
	if err := writable(f, r.Folder); err != nil {
		return 0, err
	}
	if err := tx.SetFolder(t.ID, f.ID); err != nil || f.Role != groupware.RoleOutbox {
		return t.ID, err
	}
	from, to, err := format.Envelope(raw)
	if err != nil {
		return 0, &Error{Code: CodeInvalid, Err: err, Text: fmt.Sprintf("%s cannot be sent: %v", id, err)}
	}
	return t.ID, tx.Submit(store.Submission{Item: t.ID, From: from, To: to, State: store.Queued})
}
