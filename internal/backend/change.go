package backend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"outpost/internal/format"
	"outpost/internal/groupware"
	"outpost/internal/store"
)

// MaxContent bounds what a person may hand in as one piece, in bytes.
const MaxContent = 64 << 20

// Added tells the ids of what was added: several where an iCalendar or vCard file held several items.
type Added struct {
	ID  string   `json:"id"` // the first of them
	IDs []string `json:"ids"`
}

// mediaOf finds out the form of a content from its file's name or else from how it begins.
func mediaOf(name string, content []byte) groupware.Media {
	switch strings.ToLower(path.Ext(name)) {
	case ".eml":
		return groupware.MediaMessage
	case ".ics", ".ical", ".ifb":
		return groupware.MediaCalendar
	case ".vcf", ".vcard":
		return groupware.MediaVCard
	}
	begin := bytes.ToUpper(bytes.TrimLeft(content[:min(len(content), 1024)], "\ufeff \t\r\n"))
	switch {
	case bytes.HasPrefix(begin, []byte("BEGIN:VCALENDAR")):
		return groupware.MediaCalendar
	case bytes.HasPrefix(begin, []byte("BEGIN:VCARD")):
		return groupware.MediaVCard
	}
	return groupware.MediaMessage
}

// Add puts new content into a folder: a message, an iCalendar or a vCard file. name is the file's name, "" for none. It
// is at the server after the next pass.
func (s *Server) Add(ctx context.Context, folder, name string, content []byte) (Added, error) {
	p, err := s.find(ctx, folder)
	if err != nil {
		return Added{}, err
	}
	if p.Role.Local() {
		return Added{}, fail(CodeRefused, "the folder %q is Outpost's own: nothing can be added to it (outpost send puts mail into Outbox)", folder)
	}
	if err := writable(p.Folder, p.path); err != nil {
		return Added{}, err
	}
	pieces, err := s.pieces(mediaOf(name, content), content, name)
	if err != nil {
		return Added{}, err
	}
	now := s.o.Clock.Now()
	var prepared []*store.Prepared
	for _, piece := range pieces {
		if piece, err = adapt(p.Folder, p.path, p.box.get().Email, piece, now); err != nil {
			return Added{}, err
		}
		prepared = append(prepared, store.Prepare(piece.media, piece.raw))
	}
	out := Added{IDs: []string{}}
	err = p.box.Update(ctx, func(tx *store.Tx) error {
		out.IDs = out.IDs[:0]
		for _, pr := range prepared {
			received := now
			if p.Role != groupware.RoleDrafts && !pr.Derived().Date.IsZero() && pr.Derived().Date.Before(now) {
				received = pr.Derived().Date
			}
			id, err := tx.Add(p.ID, pr, defaultFlags(p.Folder), received)
			if err != nil {
				return err
			}
			out.IDs = append(out.IDs, idText(p.box, int64(id)))
		}
		return nil
	})
	if err != nil {
		return Added{}, fmt.Errorf("add to %q: %w", folder, err)
	}
	p.box.changed()
	out.ID = out.IDs[0]
	return out, nil
}

// defaultFlags are those of what a person adds: it need not be read again.
func defaultFlags(f store.Folder) groupware.Flags {
	switch {
	case f.Kind != groupware.FolderMail && f.Service != "imap":
		return groupware.Flags{}
	case f.Role == groupware.RoleDrafts:
		return groupware.NewFlags(groupware.Seen | groupware.Draft)
	}
	return groupware.NewFlags(groupware.Seen)
}

// writable says whether the server lets us change what is in a folder.
func writable(f store.Folder, path string) error {
	if f.ReadOnly {
		return fail(CodeReadOnly, "the folder %q can only be read: ask its owner for the right to change it, or choose another folder", path)
	}
	if f.NoItems {
		return fail(CodeRefused, "the folder %q only holds other folders: choose one of those", path)
	}
	return nil
}

// Edit replaces the content of an event, task, contact, note or draft.
func (s *Server) Edit(ctx context.Context, id, name string, content []byte) error {
	b, itemID, err := s.parseID(id)
	if err != nil {
		return err
	}
	var t thing
	err = b.View(ctx, func(tx *store.Tx) (err error) {
		t, err = item(tx, b, itemID)
		return err
	})
	if err != nil {
		return err
	}
	if err := editable(t); err != nil {
		return err
	}
	pieces, err := s.pieces(mediaOf(name, content), content, name)
	if err != nil {
		return err
	}
	if len(pieces) != 1 {
		return fail(CodeInvalid, "the new content of %s holds %d items: give one", id, len(pieces))
	}
	old, err := s.Raw(ctx, id)
	if err != nil {
		return err
	}
	p, err := adapt(t.in, t.in.Name, b.get().Email, keepUID(pieces[0], old.Media, old.Bytes), s.o.Clock.Now())
	if err != nil {
		return err
	}
	if p.media != t.Media || p.kind != t.Kind && !(cardKind(p.kind) && cardKind(t.Kind)) {
		return fail(CodeRefused, "%s is a %s and stays one: the new content is a %s", id, t.Kind, p.kind)
	}
	prepared := store.Prepare(p.media, p.raw)
	return s.change(ctx, id, func(tx *store.Tx, t thing) error {
		if err := editable(t); err != nil {
			return err
		}
		return tx.SetContent(itemID, prepared)
	})
}

func cardKind(k groupware.Kind) bool { return k == groupware.KindContact || k == groupware.KindList }

func editable(t thing) error {
	if t.Kind == groupware.KindMail && t.in.Role != groupware.RoleDrafts && !t.Flags.Has(groupware.NewFlags(groupware.Draft)) {
		return fail(CodeRefused, "%s is a message that was sent or received: only drafts, events, tasks, contacts and notes can be edited", idText(t.box, int64(t.ID)))
	}
	if t.in.Role == groupware.RoleOutbox {
		return fail(CodeRefused, "%s is on its way out: move it to Drafts first, then edit it", idText(t.box, int64(t.ID)))
	}
	return writable(t.in, t.in.Name)
}

// Flag adds and removes flags and keywords of an item.
func (s *Server) Flag(ctx context.Context, id string, add, remove []string) error {
	plus, err := parseFlags(add)
	if err != nil {
		return err
	}
	minus, err := parseFlags(remove)
	if err != nil {
		return err
	}
	return s.change(ctx, id, func(tx *store.Tx, t thing) error {
		if t.Media != groupware.MediaMessage {
			return fail(CodeRefused, "%s is a %s, which has no flags: they are for mail", id, t.Kind)
		}
		if err := writable(t.in, t.in.Name); err != nil {
			return err
		}
		return tx.SetFlags(t.ID, t.Flags.Plus(plus).Minus(minus))
	})
}

func parseFlags(names []string) (out groupware.Flags, err error) {
	for _, n := range names {
		f, err := groupware.ParseFlag(n)
		if err != nil {
			return out, &Error{Code: CodeUsage, Text: err.Error(), Err: err}
		}
		out = out.Plus(f)
	}
	return out, nil
}

// change runs one transaction on an item and wakes the schedule.
func (s *Server) change(ctx context.Context, id string, do func(*store.Tx, thing) error) error {
	b, itemID, err := s.parseID(id)
	if err != nil {
		return err
	}
	err = b.Update(ctx, func(tx *store.Tx) error {
		t, err := item(tx, b, itemID)
		if err != nil {
			return err
		}
		return do(tx, t)
	})
	if err == nil {
		b.changed()
	}
	return err
}

// target returns the folder to move or copy an item to.
func (s *Server) target(ctx context.Context, id, to string) (place, error) {
	b, _, err := s.parseID(id)
	if err != nil {
		return place{}, err
	}
	p, err := s.find(ctx, to)
	switch {
	case err != nil:
		return p, err
	case p.box != b:
		return p, fail(CodeRefused, "%q belongs to another account: take the item out with outpost show --raw and put it in with outpost add", to)
	case p.Role.Local():
		return p, fail(CodeRefused, "the folder %q is Outpost's own: nothing can be put into it", to)
	}
	return p, writable(p.Folder, p.path)
}

// takes says whether an item can be in a folder.
func takes(p place, t thing) error {
	if slices.Contains(accepted(p.Folder), t.Kind) && mediaFits(p.Folder, t.Media) {
		return nil
	}
	return fail(CodeRefused, "the folder %q (%s) does not take a %s", p.path, p.Kind, t.Kind)
}

// Move puts an item into another folder of the same account.
func (s *Server) Move(ctx context.Context, id, to string) error {
	p, err := s.target(ctx, id, to)
	if err != nil {
		return err
	}
	uid := s.newUID()
	return s.change(ctx, id, func(tx *store.Tx, t thing) error {
		if t.Folder == p.ID {
			return nil
		}
		if err := takes(p, t); err != nil {
			return err
		}
		if t.in.Role == groupware.RoleConflicts {
			return takeOut(tx, t, p.ID, uid)
		}
		return move(tx, t, p.ID)
	})
}

// move puts an item into a folder; one that waits in Outbox is no longer to be sent.
func move(tx *store.Tx, t thing, to groupware.FolderID) error {
	if err := writable(t.in, t.in.Name); err != nil {
		return err
	}
	if err := unsend(tx, t); err != nil {
		return err
	}
	return tx.SetFolder(t.ID, to)
}

// unsend takes a message back that waits in Outbox.
func unsend(tx *store.Tx, t thing) error {
	if t.in.Role != groupware.RoleOutbox {
		return nil
	}
	sub, found, err := tx.Submission(t.ID)
	if err != nil || !found {
		return err
	}
	if sub.State == store.Sending {
		return fail(CodeRefused, "%s is being sent just now: wait until the next pass has ended", idText(t.box, int64(t.ID)))
	}
	return tx.ClearSubmission(t.ID)
}

// Copy puts a copy of an item into a folder of the same account, reading it from the server when it is not all here.
func (s *Server) Copy(ctx context.Context, id, to string) (Added, error) {
	p, err := s.target(ctx, id, to)
	if err != nil {
		return Added{}, err
	}
	raw, err := s.Raw(ctx, id)
	if err != nil {
		return Added{}, err
	}
	var own *store.Prepared
	if raw.Media != groupware.MediaMessage {
		own = store.Prepare(raw.Media, format.AsCopy(raw.Media, raw.Bytes, s.newUID()))
	}
	var copied groupware.ItemID
	err = s.change(ctx, id, func(tx *store.Tx, t thing) (err error) {
		if err := takes(p, t); err != nil {
			return err
		}
		if own != nil {
			copied, err = tx.Add(p.ID, own, groupware.Flags{}, s.o.Clock.Now())
		} else {
			copied, err = tx.Copy(t.ID, p.ID)
		}
		return err
	})
	if err != nil {
		return Added{}, err
	}
	out := idText(p.box, int64(copied))
	return Added{ID: out, IDs: []string{out}}, nil
}

// Deleted tells what became of an item that was deleted.
type Deleted struct {
	Trash string `json:"trash,omitempty"` // the folder where it is now; "" when it is gone for good
}

// Delete moves mail to the trash, where there is one and it is not there already, and deletes everything else for good.
func (s *Server) Delete(ctx context.Context, id string) (out Deleted, err error) {
	err = s.change(ctx, id, func(tx *store.Tx, t thing) error {
		if err := writable(t.in, t.in.Name); err != nil {
			return err
		}
		if t.Kind == groupware.KindMail && t.in.Role != groupware.RoleTrash && !t.in.Role.Local() {
			folders, err := tx.Folders()
			if err != nil {
				return err
			}
			trash := slices.IndexFunc(folders, func(f store.Folder) bool {
				return f.Role == groupware.RoleTrash && !f.Deleted && !f.ReadOnly && f.Service == t.in.Service
			})
			if trash >= 0 {
				out.Trash = folders[trash].Name
				return move(tx, t, folders[trash].ID)
			}
		}
		if err := unsend(tx, t); err != nil {
			return err
		}
		if c, err := tx.Conflict(t.ID); err == nil { // to delete our version is to keep the server's
			err = dropNotice(tx, c.Notice)
			if err != nil {
				return err
			}
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return tx.Delete(t.ID)
	})
	return out, err
}

// Send puts a message into Outbox; it goes out with the next pass, once, and a copy is kept in Sent.
func (s *Server) Send(ctx context.Context, content []byte) (Added, error) {
	pieces, err := s.pieces(groupware.MediaMessage, content, "")
	if err != nil {
		return Added{}, err
	}
	raw := pieces[0].raw
	from, to, err := format.Envelope(raw)
	if err != nil {
		if _, _, e := format.Envelope(content); e != nil {
			err = e // with the line as the person wrote it
		}
		return Added{}, &Error{Code: CodeInvalid, Err: err, Text: fmt.Sprintf("the message cannot be sent: %v", err)}
	}
	b, err := s.sender(from)
	if err != nil {
		return Added{}, err
	}
	if a := b.get(); a.SMTP == "" {
		return Added{}, fail(CodeRefused, "the account %s has no server for sending: name one with outpost account add %s --smtp", a.Email, a.Email)
	}
	prepared := store.Prepare(groupware.MediaMessage, raw)
	var id groupware.ItemID
	err = b.Update(ctx, func(tx *store.Tx) error {
		folders, err := tx.Folders()
		if err != nil {
			return err
		}
		outbox := slices.IndexFunc(folders, func(f store.Folder) bool { return f.Role == groupware.RoleOutbox })
		if outbox < 0 {
			return fail(CodeInternal, "the mailbox of %s has no Outbox: outpost verify tells more", b.get().Email)
		}
		if id, err = tx.Add(folders[outbox].ID, prepared, groupware.NewFlags(groupware.Seen), s.o.Clock.Now()); err != nil {
			return err
		}
		return tx.Submit(store.Submission{Item: id, From: from, To: to, State: store.Queued})
	})
	if err != nil {
		return Added{}, fmt.Errorf("put the message into Outbox: %w", err)
	}
	b.changed()
	text := idText(b, int64(id))
	return Added{ID: text, IDs: []string{text}}, nil
}

// sender finds the account that a message is from.
func (s *Server) sender(from string) (*mailbox, error) {
	boxes := s.mailboxes()
	if len(boxes) == 0 {
		return nil, fail(CodeNotFound, "there is no account yet: add one with outpost account add")
	}
	if b := s.boxOf(from); b != nil {
		return b, nil
	}
	if len(boxes) == 1 {
		return boxes[0], nil // an alias
	}
	var have []string
	for _, b := range boxes {
		have = append(have, b.get().Email)
	}
	return nil, fail(CodeInvalid, "the message is from %s, which is none of the accounts here: use %s in its From line", from, strings.Join(have, " or "))
}
