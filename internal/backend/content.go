package backend

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"outpost/internal/format"
	"outpost/internal/format/contentline"
	"outpost/internal/groupware"
	"outpost/internal/store"
)

// piece is one item's own bytes on their way in.
type piece struct {
	media groupware.Media
	kind  groupware.Kind
	raw   []byte
}

// pieces takes what a person hands in apart into items, makes them fit to be uploaded, and checks them.
func (s *Server) pieces(media groupware.Media, content []byte, name string) ([]piece, error) {
	if len(content) > MaxContent {
		return nil, fail(CodeInvalid, "that is too large: at most %d MiB", MaxContent>>20)
	}
	if name == "" {
		name = map[groupware.Media]string{groupware.MediaMessage: "the message", groupware.MediaCalendar: "the calendar", groupware.MediaVCard: "the contact"}[media]
	}
	raws, err := [][]byte{content}, error(nil)
	switch media {
	case groupware.MediaCalendar:
		raws, err = format.SplitCalendar(content)
	case groupware.MediaVCard:
		raws, err = format.SplitVCards(content)
	}
	if err != nil {
		return nil, malformed(name, err)
	}
	var out []piece
	for i, raw := range raws {
		fit := format.Normalize(media, raw, s.newUID, s.o.Clock.Now())
		if err := format.Validate(media, fit); err != nil {
			if len(raws) > 1 {
				return nil, malformed(fmt.Sprintf("%s (item %d of %d)", name, i+1, len(raws)), err)
			}
			return nil, malformed(name, asWritten(media, raw, err))
		}
		out = append(out, piece{media, format.Derive(media, fit).Kind, fit})
	}
	return out, nil
}

// asWritten is an error of normalised content with the line as the person wrote it.
func asWritten(media groupware.Media, raw []byte, err error) error {
	before, ok1 := errors.AsType[*format.SyntaxError](format.Validate(media, raw))
	after, ok2 := errors.AsType[*format.SyntaxError](err)
	if ok1 && ok2 && before.Text == after.Text {
		return before
	}
	return err
}

func malformed(what string, err error) error {
	return &Error{Code: CodeInvalid, Err: err, Text: fmt.Sprintf("%s cannot be used: %v", what, err)}
}

// newUID makes a name that no other item has.
func (s *Server) newUID() string {
	s.randMu.Lock()
	defer s.randMu.Unlock()
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], s.o.Rand.Uint64())
	binary.BigEndian.PutUint64(b[8:], s.o.Rand.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // RFC 9562 5.4
	return uuid.UUID(b).String()
}

// accepted lists the kinds of items that a folder takes.
func accepted(f store.Folder) []groupware.Kind {
	if f.Accepts != nil {
		return f.Accepts
	}
	switch f.Kind {
	case groupware.FolderCalendar:
		return []groupware.Kind{groupware.KindEvent}
	case groupware.FolderTasks:
		return []groupware.Kind{groupware.KindTask}
	case groupware.FolderNotes:
		return []groupware.Kind{groupware.KindNote}
	case groupware.FolderContacts:
		return []groupware.Kind{groupware.KindContact, groupware.KindList}
	}
	return []groupware.Kind{groupware.KindMail, groupware.KindNote} // a note that is a message can be filed with mail
}

// mediaFits says whether the service that holds a folder keeps items of that form.
func mediaFits(f store.Folder, m groupware.Media) bool {
	if f.Role.Local() {
		return true // what is put aside keeps its form
	}
	switch f.Service {
	case "caldav":
		return m == groupware.MediaCalendar
	case "carddav":
		return m == groupware.MediaVCard
	}
	return m == groupware.MediaMessage
}

// adapt gives a piece the form in which a folder keeps it: notes are messages in a mail server's folder and VJOURNALs in a
// calendar server's. A piece that the folder does not take is refused.
func adapt(f store.Folder, path, from string, p piece, now time.Time) (piece, error) {
	if f.Kind == groupware.FolderNotes {
		if p.media == groupware.MediaMessage && (f.Service == "caldav" || p.kind != groupware.KindNote) {
			p.media, p.kind, p.raw = groupware.MediaCalendar, groupware.KindNote, format.NoteFromMessage(p.raw)
		}
		if p.media == groupware.MediaCalendar && p.kind == groupware.KindNote && f.Service == "imap" {
			raw, err := format.MessageFromNote(p.raw, from, now)
			if err != nil {
				return p, malformed("the note", err)
			}
			p.media, p.raw = groupware.MediaMessage, raw
		}
	}
	if takes := accepted(f); !slices.Contains(takes, p.kind) || !mediaFits(f, p.media) {
		var names []string
		for _, k := range takes {
			names = append(names, string(k)+"s")
		}
		return p, fail(CodeRefused, "the folder %q takes no %s, only %s: choose another folder", path, p.kind, strings.Join(names, " and "))
	}
	return p, nil
}

// keepUID gives new content the UID that the item has: it is the same item (RFC 5545 3.8.4.7).
func keepUID(p piece, oldMedia groupware.Media, old []byte) piece {
	if p.media == groupware.MediaMessage {
		return p
	}
	if oldMedia == groupware.MediaMessage {
		old, oldMedia = format.NoteFromMessage(old), groupware.MediaCalendar
	}
	was, _ := contentline.Parse(old)
	o, _ := contentline.Parse(p.raw)
	before := format.Components(oldMedia, was)
	if len(before) == 0 || before[0].TextOf("UID") == "" || o == nil {
		return p
	}
	uid := before[0].TextOf("UID")
	for _, c := range format.Components(p.media, o) {
		if c.TextOf("UID") != uid {
			c.Set("UID", contentline.Escape(uid))
		}
	}
	p.raw = o.Encode()
	return p
}
