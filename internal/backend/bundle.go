package backend

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/store"
)

// Bounds of a support bundle.
const (
	maxBundled      = 100       // items
	maxBundledBytes = 256 << 20 // of items
	maxLogged       = 32 << 20  // of logs
	bundleVerify    = 2 * time.Minute
	minMasked       = 4 // bytes: what is shorter would take out half of every word
)

// LogFile is the log of a data folder; older ones lie beside it, with .1, .2 and so on at the end.
func LogFile(data string) string { return filepath.Join(data, "logs", "outpost.log") }

const bundleAbout = `This is what Outpost packed for somebody who helps. Look into it before you give it away.

  version.json    which program this is
  accounts.json   the accounts: addresses and servers, no passwords
  status.json     how they are
  folders.json    the folders: names, kinds, how many items
  failures.json   what could not be brought over, without subjects
  conflicts.json  what was changed on both sides, by id
  holds.json      deletions that wait for your word
  verify.json     whether the databases are in order
  logs/           what happened
  items/          the items that you named, whole, and none else

Subjects and addresses of other items, and passwords, were taken out of all texts.
`

// bundle is a ZIP that is being made.
type bundle struct {
	z    *zip.Writer
	now  time.Time
	mask masker
}

// bundled is an item that the person named.
type bundled struct {
	id      string
	content Content
	state   *itemState
}

// itemState is an item's three states, for bundles.
type itemState struct {
	ID     string     `json:"id"`
	Local  *sideState `json:"local"`
	Base   *sideState `json:"agreed"`
	Remote *sideState `json:"server"`
}

type sideState struct {
	Folder   groupware.FolderID `json:"folder"`
	RemoteID string             `json:"remoteId,omitempty"`
	Tag      string             `json:"tag,omitempty"`
	Flags    []string           `json:"flags"`
	Content  string             `json:"content,omitempty"` // SHA-256
}

// SupportBundle writes a ZIP for somebody who helps: logs, states, and the items (or failures) that the person names; no
// secrets, and nothing of other mail (SPEC C8).
func (s *Server) SupportBundle(ctx context.Context, w io.Writer, ids []string) error {
	named, err := s.bundled(ctx, ids)
	if err != nil {
		return err
	}
	mask, err := s.masker(ctx)
	if err != nil {
		return err
	}
	bu := bundle{zip.NewWriter(w), s.o.Clock.Now(), mask}
	bu.text("about.txt", bundleAbout)
	bu.json("version.json", ThisBuild())
	for _, part := range []struct {
		name string
		tell func(context.Context) (any, error)
	}{
		{"accounts.json", func(ctx context.Context) (any, error) { return s.Accounts(ctx) }},
		{"status.json", func(ctx context.Context) (any, error) { return s.Status(ctx) }},
		{"folders.json", func(ctx context.Context) (any, error) { return s.Folders(ctx) }},
		{"failures.json", s.failuresWithoutSubjects},
		{"conflicts.json", s.conflictsWithoutSubjects},
		{"holds.json", s.allHolds},
		{"verify.json", s.verifyForBundle},
	} {
		v, err := part.tell(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			v = map[string]string{"error": err.Error()} // a bundle is for when something does not work
		}
		if err := bu.json(part.name, v); err != nil {
			return err
		}
	}
	for _, it := range named {
		bu.bytes("items/"+it.id+Extension(it.content.Media), it.content.Bytes)
		if it.state != nil {
			bu.json("items/"+it.id+".json", it.state)
		}
	}
	if err := bu.logs(s.o.Data); err != nil {
		return err
	}
	return bu.z.Close()
}

// LogBundle writes what can be told of a data folder that cannot be opened: why not, and its logs.
func LogBundle(w io.Writer, data string, why error, now time.Time) error {
	bu := bundle{zip.NewWriter(w), now, newMasker(nil, nil)}
	bu.text("about.txt", "The data folder could not be opened, so there is only why, and the logs.\n")
	bu.json("version.json", ThisBuild())
	bu.json("problem.json", map[string]string{"error": why.Error()})
	if err := bu.logs(data); err != nil {
		return err
	}
	return bu.z.Close()
}

// Extension is how the name of a file ends that holds such an item.
func Extension(m groupware.Media) string {
	switch m {
	case groupware.MediaCalendar:
		return ".ics"
	case groupware.MediaVCard:
		return ".vcf"
	}
	return ".eml"
}

// bundled reads the items that the person names.
func (s *Server) bundled(ctx context.Context, ids []string) ([]bundled, error) {
	if len(ids) > maxBundled {
		return nil, fail(CodeUsage, "a bundle holds at most %d items", maxBundled)
	}
	var out []bundled
	total := 0
	for _, id := range ids {
		it := bundled{id: id}
		var err error
		if strings.Contains(id, ".f") {
			it.content, err = s.FailureSource(ctx, id)
		} else if it.content, err = s.Raw(ctx, id); err == nil {
			it.state, err = s.itemState(ctx, id)
		}
		if err != nil {
			return nil, err
		}
		if total += len(it.content.Bytes); total > maxBundledBytes {
			return nil, fail(CodeInvalid, "these items are too large for a bundle: at most %d MiB together", maxBundledBytes>>20)
		}
		out = append(out, it)
	}
	return out, nil
}

func (s *Server) itemState(ctx context.Context, id string) (*itemState, error) {
	b, itemID, err := s.parseID(id)
	if err != nil {
		return nil, err
	}
	var t groupware.Triple
	err = b.View(ctx, func(tx *store.Tx) (err error) {
		t, err = tx.Triple(itemID)
		return err
	})
	if err != nil {
		return nil, err
	}
	st := &itemState{ID: id}
	if l := t.Local; l != nil {
		st.Local = &sideState{Folder: l.Folder, Flags: l.Flags.Names(), Content: l.Content.String()}
	}
	if b := t.Base; b != nil {
		st.Base = &sideState{b.Folder, b.RemoteID, b.Tag, b.Flags.Names(), b.Content.String()}
	}
	if r := t.Remote; r != nil {
		st.Remote = &sideState{Folder: r.Folder, RemoteID: r.RemoteID, Tag: r.Tag, Flags: r.Flags.Names()}
	}
	return st, nil
}

func (s *Server) failuresWithoutSubjects(ctx context.Context) (any, error) {
	fs, err := s.Failures(ctx)
	for i := range fs {
		fs[i].Subject = ""
	}
	return fs, err
}

func (s *Server) conflictsWithoutSubjects(ctx context.Context) (any, error) {
	cs, err := s.Conflicts(ctx)
	for i := range cs {
		cs[i].Subject = ""
	}
	return cs, err
}

func (s *Server) allHolds(ctx context.Context) (any, error) {
	out := []Hold{}
	for _, b := range s.mailboxes() {
		hs, err := s.holds(ctx, b)
		if err != nil {
			return nil, err
		}
		out = append(out, hs...)
	}
	return out, nil
}

func (s *Server) verifyForBundle(ctx context.Context) (any, error) {
	inTime, cancel := context.WithTimeout(ctx, bundleVerify)
	defer cancel()
	v, err := s.Verify(inTime)
	if err != nil && ctx.Err() == nil && inTime.Err() != nil {
		err = fmt.Errorf("not done within %v: outpost verify takes its time", bundleVerify)
	}
	return v, err
}

func (bu *bundle) bytes(name string, b []byte) error {
	w, err := bu.z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: bu.now})
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}

func (bu *bundle) text(name, text string) error { return bu.bytes(name, []byte(text)) }

func (bu *bundle) json(name string, v any) error {
	text, err := plainJSON(v)
	if err != nil {
		return err
	}
	return bu.text(name, bu.mask.text(text))
}

// plainJSON writes < and > as they are, so that what is between them is found.
func plainJSON(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.String(), err
}

// logs packs the logs, newest first, as far as there is room.
func (bu *bundle) logs(data string) error {
	files, err := filepath.Glob(LogFile(data) + "*")
	if err != nil {
		return err
	}
	slices.Sort(files)
	room := int64(maxLogged)
	for _, path := range files {
		b, err := readUpTo(path, room)
		if errors.Is(err, os.ErrNotExist) {
			continue // it was rotated away just now
		}
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		room -= int64(len(b))
		if err := bu.text("logs/"+filepath.Base(path), bu.mask.text(string(b))); err != nil {
			return err
		}
	}
	return nil
}

func readUpTo(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, n))
}

// masker takes out of a text what is nobody's business: passwords, addresses other than the accounts' own, and subjects of
// what failed, which a server may have said back.
type masker struct {
	own     []string
	words   *strings.Replacer
	address *regexp.Regexp
}

func newMasker(own, words []string) masker {
	var pairs []string
	for _, word := range words {
		if len(word) < minMasked {
			continue
		}
		pairs = append(pairs, word, "(left out)")
		if quoted, err := plainJSON(word); err == nil { // as logs and states write it
			pairs = append(pairs, quoted[1:len(quoted)-2], "(left out)")
		}
	}
	return masker{own, strings.NewReplacer(pairs...), regexp.MustCompile(`[^\s<>"'()\[\],;:\\=/]+@[^\s<>"'()\[\],;:\\/]+`)}
}

// masker collects what is to be taken out.
func (s *Server) masker(ctx context.Context) (masker, error) {
	var own, words []string
	for _, b := range s.mailboxes() {
		a := b.get()
		own = append(own, strings.ToLower(a.Email), strings.ToLower(a.Login))
		if p, err := s.profile.Secret(a.SecretName()); err == nil {
			words = append(words, p)
		}
	}
	fs, err := s.Failures(ctx)
	if err != nil {
		return masker{}, err
	}
	cs, err := s.Conflicts(ctx)
	for _, f := range fs {
		words = append(words, f.Subject)
	}
	for _, c := range cs {
		words = append(words, c.Subject)
	}
	return newMasker(own, words), err
}

// text takes it out of one text.
func (m masker) text(s string) string {
	return m.address.ReplaceAllStringFunc(m.words.Replace(s), func(a string) string {
		if slices.Contains(m.own, strings.ToLower(strings.TrimRight(a, "."))) {
			return a
		}
		return "(address)"
	})
}
