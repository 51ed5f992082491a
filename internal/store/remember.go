package store

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"outpost/internal/groupware"
)

// What the engine remembers beside the three states: creations under way, why something is in Conflicts or Local Failures, and mail to
// be sent. Failures, conflicts and holds are in files of their own.

// Intent is a creation at the server that was begun: after a crash or a lost answer it is looked for, not done twice.
type Intent struct {
	Item    groupware.ItemID
	Folder  groupware.FolderID
	Service string
	Mark    string // remote.Service.Mark taken before
	Name    string // resource name that was chosen
	Media   groupware.Media
}

// SetIntent remembers that an item, as it is now, is about to be created in a folder; over an earlier intent.
func (tx *Tx) SetIntent(id groupware.ItemID, folder groupware.FolderID, service, mark, name string) error {
	if err := tx.writable(); err != nil {
		return err
	}
	it, err := tx.local(id)
	if err != nil {
		return err
	}
	if err := tx.retain(it.content, 1); err != nil {
		return err
	}
	if err := tx.ClearIntent(id); err != nil {
		return err
	}
	_, err = tx.c.exec("INSERT INTO intents (item, folder, service, mark, name, media, content) VALUES (?, ?, ?, ?, ?, ?, ?)",
		id, folder, service, mark, name, string(it.media), it.content)
	return err
}

const intentColumns = "item, folder, service, mark, name, media"

func scanIntent(r row) Intent {
	return Intent{groupware.ItemID(r.int(0)), groupware.FolderID(r.int(1)), r.text(2), r.text(3), r.text(4), groupware.Media(r.text(5))}
}

// Intent returns an item's intent, if it has one.
func (tx *Tx) Intent(id groupware.ItemID) (in Intent, found bool, err error) {
	found, err = tx.c.one(func(r row) { in = scanIntent(r) }, "SELECT "+intentColumns+" FROM intents WHERE item = ?", id)
	return in, found, err
}

// Intents returns all intents, by item.
func (tx *Tx) Intents() (out []Intent, err error) {
	err = tx.c.query(func(r row) error {
		out = append(out, scanIntent(r))
		return nil
	}, "SELECT "+intentColumns+" FROM intents ORDER BY item")
	return out, err
}

// IntentRaw returns the bytes that are being created: those of the item when the intent was set.
func (tx *Tx) IntentRaw(id groupware.ItemID) ([]byte, error) {
	blob, err := tx.c.number("SELECT content FROM intents WHERE item = ?", id)
	if err == nil && blob == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("intent of item %d: %w", id, err)
	}
	raw, form, err := tx.blobBytes(blob)
	if err == nil && form&formPartial != 0 {
		err = fmt.Errorf("intent of item %d: %w", id, ErrNotWhole)
	}
	return raw, err
}

// ClearIntent forgets an item's intent, and the row of an item that is only there because of it (IsUnanswered). One that is not
// there is no error.
func (tx *Tx) ClearIntent(id groupware.ItemID) error {
	if err := tx.writable(); err != nil {
		return err
	}
	it, err := tx.load(id)
	if err == nil && it.folder == 0 && strings.HasPrefix(it.baseRemote, unanswered) {
		next := it
		next.dropBase()
		return tx.save(&it, &next) // the intent goes with the row
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return tx.clearIntents("item = ?", id)
}

// unanswered begins the remote id of an item that was deleted here while the answer to its creation was open. No driver
// makes such an id, and no server is asked for it.
const unanswered = "?"

// IsUnanswered reports whether an item was deleted here before the server told where it had stored it. Its Intent says where to look.
func IsUnanswered(b *groupware.Base) bool {
	return b != nil && strings.HasPrefix(b.RemoteID, unanswered)
}

// clearIntents removes the intents that a condition selects, and gives their contents back.
func (tx *Tx) clearIntents(where string, arg any) error {
	return tx.releasing("DELETE FROM intents WHERE "+where+" RETURNING content", arg)
}

// Reason says why an item is in Conflicts or Local Failures.
type Reason struct {
	Folder string // path of the folder that it came from
	Text   string
	At     time.Time
	Edited groupware.ItemID // the item of which it is an edit that was refused; 0: none, or that is gone
}

// SetReason remembers why an item is where it is.
func (tx *Tx) SetReason(item groupware.ItemID, r Reason) error {
	if err := tx.writable(); err != nil {
		return err
	}
	_, err := tx.c.exec(`INSERT INTO reasons (item, folder, text, at, edited) VALUES (?1, ?2, ?3, ?4, nullif(?5, 0))
		ON CONFLICT (item) DO UPDATE SET folder = ?2, text = ?3, at = ?4, edited = nullif(?5, 0)`, item, r.Folder, r.Text, r.At.UnixMilli(), r.Edited)
	return err
}

// Reason returns why an item is where it is, if that is remembered.
func (tx *Tx) Reason(item groupware.ItemID) (out Reason, found bool, err error) {
	found, err = tx.c.one(func(r row) { out = Reason{r.text(0), r.text(1), time.UnixMilli(r.int(2)), groupware.ItemID(r.int(3))} },
		`SELECT r.folder, r.text, r.at, ifnull(i.id, 0) FROM reasons r LEFT JOIN items i ON i.id = r.edited AND i.folder IS NOT NULL WHERE r.item = ?`, item)
	return out, found, err
}

// SubmissionState says how far the sending of a message is.
type SubmissionState string

const (
	Queued  SubmissionState = "queued"
	Sending SubmissionState = "sending" // the server may get it at any moment: after a crash it is unknown
	Unknown SubmissionState = "unknown" // it may have been sent: a person decides
	Refused SubmissionState = "refused" // Text says why
)

// Submission is a message of the Outbox that is to be sent.
type Submission struct {
	Item  groupware.ItemID
	From  string   // envelope sender
	To    []string // envelope recipients
	State SubmissionState
	Text  string // what the server said
}

// Submit queues s.Item to be sent, or changes how far that is.
func (tx *Tx) Submit(s Submission) error {
	if err := tx.writable(); err != nil {
		return err
	}
	if s.State == "" {
		s.State = Queued
	}
	if _, err := tx.local(s.Item); err != nil {
		return err
	}
	if len(s.To) == 0 || strings.ContainsAny(s.From+strings.Join(s.To, ""), "\r\n") {
		return fmt.Errorf("item %d cannot be sent from %q to %q", s.Item, s.From, s.To)
	}
	_, err := tx.c.exec(`INSERT INTO submissions (item, sender, recipients, state, text) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT (item) DO UPDATE SET sender = ?2, recipients = ?3, state = ?4, text = ?5`, s.Item, s.From, strings.Join(s.To, "\n"), string(s.State), s.Text)
	return err
}

func scanSubmission(r row) Submission {
	return Submission{groupware.ItemID(r.int(0)), r.text(1), strings.Split(r.text(2), "\n"), SubmissionState(r.text(3)), r.text(4)}
}

// Submission returns how far the sending of an item is, if it is to be sent.
func (tx *Tx) Submission(id groupware.ItemID) (s Submission, found bool, err error) {
	found, err = tx.c.one(func(r row) { s = scanSubmission(r) }, "SELECT item, sender, recipients, state, text FROM submissions WHERE item = ?", id)
	return s, found, err
}

// Submissions lists what is to be sent, oldest first.
func (tx *Tx) Submissions() (out []Submission, err error) {
	err = tx.c.query(func(r row) error {
		out = append(out, scanSubmission(r))
		return nil
	}, "SELECT item, sender, recipients, state, text FROM submissions ORDER BY item")
	return out, err
}

// ClearSubmission ends that an item is to be sent. One that is not is no error.
func (tx *Tx) ClearSubmission(id groupware.ItemID) error {
	if err := tx.writable(); err != nil {
		return err
	}
	_, err := tx.c.exec("DELETE FROM submissions WHERE item = ?", id)
	return err
}
