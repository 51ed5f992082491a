package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"strings"
	"time"

	"outpost/internal/format"
	"outpost/internal/format/merge"
	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/store"
)

// An item was changed on both sides since they last agreed (SPEC C7).

// reconcile decides between an item as it is here and as the server now has it, in one transaction. What can be merged is merged, property by
// property, and goes to the server next. Otherwise the server's version stays where the item is, and ours is kept as the
// account's policy says.
func (p *pass) reconcile(tx *store.Tx, f store.Folder, w *work, got remote.Fetched, c *store.Prepared, base groupware.Base) error {
	ours, err := tx.Raw(w.id)
	if err != nil {
		return err
	}
	agreed, err := tx.BaseRaw(w.id)
	if err != nil && !errors.Is(err, store.ErrNotWhole) && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	merged, clashes := merge.Merge(got.Media, agreed, ours, got.Raw)
	if merged == nil {
		if err := p.keepOurs(tx, f, w, agreed, clashes); err != nil {
			return err
		}
		p.result.Conflicts++
	}
	local := groupware.Local{Folder: w.t.Local.Folder, Flags: w.t.Local.Flags, Content: c.Hash()}
	if _, err := settle(tx, w, &local, &base, c); err != nil || merged == nil {
		return err
	}
	p.result.Downloaded++
	p.touched[f.ID] = true // and to be sent
	w.p.Verb = Nothing
	return tx.SetContent(w.id, store.Prepare(got.Media, merged))
}

// keepOurs keeps the version that was written here, which the server's is about to replace (law 3).
func (p *pass) keepOurs(tx *store.Tx, f store.Folder, w *work, agreed []byte, clashes []merge.Difference) error {
	if p.e.o.Conflicts == ConflictDuplicate {
		return p.duplicate(tx, f, w)
	}
	kept, err := tx.Copy(w.id, p.role(groupware.RoleConflicts))
	if err != nil {
		return fmt.Errorf("keep a copy of item %d: %w", w.id, err)
	}
	it, err := tx.Item(w.id)
	if err != nil {
		return err
	}
	var names []string
	for _, d := range clashes {
		if len(names) < maxNames {
			names = append(names, d.Property)
		}
	}
	now := p.e.o.Clock()
	why := store.Reason{Folder: p.paths[f.ID], Text: "It was changed here and at the server at the same time; the server's version is in " + p.paths[f.ID] + ".", At: now}
	if err := tx.SetReason(kept, why); err != nil {
		return err
	}
	conflict := store.Conflict{Item: kept, Of: w.id, Folder: f.ID, Clashes: names, At: now}
	if inbox := p.role(groupware.RoleInbox); inbox != 0 {
		id := fmt.Sprintf("%016x%016x@outpost.invalid", p.e.o.Rand.Uint64(), p.e.o.Rand.Uint64())
		note := notice(p.e.o.Address, id, now, it, p.paths[f.ID], names)
		if conflict.Notice, err = tx.Add(inbox, store.Prepare(groupware.MediaMessage, note), groupware.Flags{}, now); err != nil {
			return err
		}
		p.touched[inbox] = true
	}
	return tx.SetConflict(conflict, agreed)
}

// maxNames bounds how many properties a message names.
const maxNames = 50

// duplicate makes our version an item of its own beside the server's.
func (p *pass) duplicate(tx *store.Tx, f store.Folder, w *work) error {
	it, err := tx.Item(w.id)
	if err != nil {
		return err
	}
	ours, err := tx.Raw(w.id)
	if err != nil {
		return err
	}
	uid := fmt.Sprintf("%016x%016x", p.e.o.Rand.Uint64(), p.e.o.Rand.Uint64())
	p.touched[w.t.Local.Folder] = true
	_, err = tx.Add(w.t.Local.Folder, store.Prepare(it.Media, format.AsCopy(it.Media, ours, uid)), it.Flags, it.Received)
	return err
}

// notice is the message in the Inbox that tells of a conflict.
func notice(to, id string, now time.Time, it store.Item, path string, names []string) []byte {
	what := it.Subject
	if what == "" {
		what = "an item without a subject"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: Outpost <%s>\r\nTo: %s\r\nSubject: Message in conflict!\r\nMessage-ID: <%s>\r\nDate: %s\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", to, to, id, now.Format(time.RFC1123Z))
	text := quotedprintable.NewWriter(&b) // writing to a buffer cannot fail
	fmt.Fprintf(text, "%s in the folder %q was changed here and at the server at the same time", words(it.Kind, what), path)
	if len(names) > 0 {
		fmt.Fprintf(text, ", each in another way: %s", strings.Join(names, ", "))
	}
	io.WriteString(text, ".\n\nNothing is lost. The server's version is in that folder. The version that was written here is in the folder Conflicts.\n\n"+
		"Look at both side by side, and keep the one that is right, or both:\n\n"+
		"    outpost conflict list\n    outpost conflict show ID\n    outpost conflict keep ID --local\n    outpost conflict keep ID --server\n    outpost conflict keep ID --both\n\n"+
		"This message can be deleted; it goes away by itself when you have decided.\n")
	text.Close()
	return b.Bytes()
}

// words names an item in a sentence.
func words(kind groupware.Kind, subject string) string {
	names := map[groupware.Kind]string{groupware.KindMail: "The message", groupware.KindEvent: "The event", groupware.KindTask: "The task",
		groupware.KindNote: "The note", groupware.KindContact: "The contact", groupware.KindList: "The distribution list"}
	return fmt.Sprintf("%s %q", names[kind], subject)
}

// clash reports whether an item, whose server's version was read, was changed on both sides.
func clash(w *work) bool { return w.p.Content == Clash || w.p.Verb == Agree }
