package merge

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"outpost/internal/format/htmltext"
	"outpost/internal/format/mime"
	gw "outpost/internal/groupware"
)

// maxFields bounds the header fields of a message that is merged.
const maxFields = 2000

// message merges drafts and notes that are messages: header fields by name, the text as one, attachments as a set.
func (m *merger) message(baseRaw, localRaw, remoteRaw []byte) ([]byte, bool) {
	lf := bareLF(remoteRaw)
	var v [sides]*draft
	for s, raw := range [sides][]byte{baseRaw, localRaw, remoteRaw} {
		if s == base && m.noBase {
			v[s] = &draft{}
			continue
		}
		if s != remote && bareLF(raw) != lf {
			raw = lineEnds(raw, lf)
		}
		if v[s] = takeApart(raw); v[s] == nil {
			return nil, false
		}
	}
	eol := "\r\n"
	if lf {
		eol = "\n"
	}
	structure, body, changed := m.body(v, eol)
	if !changed {
		structure = nil
	}
	out := m.header(v, structure, changed, eol)
	if len(body) == 0 && len(v[remote].gap) == 0 {
		return out, true
	}
	if !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, eol...)
	}
	gap := v[remote].gap
	if len(gap) == 0 {
		gap = []byte(eol)
	}
	return slices.Concat(out, gap, body), true
}

// draft is a message taken apart for merging.
type draft struct {
	fields    []mime.Field // of the header block
	block     []byte       // the header block
	structure []byte       // the header fields that tell how the body is written (RFC 2045), as they stand
	body      []byte       // all that follows the empty line
	gap       []byte       // the empty line
	text      entity       // what is read
	files     []entity     // attachments
	note      bool         // it is a note of a program that keeps them as messages
}

// entity is a part of a message with its header block as it stands.
type entity struct {
	raw   []byte
	means string // equal for what a person cannot tell apart
	name  string // file name or media type
	shown string
	card  []byte // decoded iCalendar, of notes
}

// takeApart reads a message; nil when it has no header or is broken.
func takeApart(raw []byte) *draft {
	w := mime.Walk(raw)
	if w.Problem != "" || len(raw) == 0 {
		return nil
	}
	d := &draft{block: w.Header(0), body: raw[w.Parts[0].Body:]}
	if k := len(d.block); bytes.HasSuffix(d.block, []byte("\n\r\n")) {
		d.gap = d.block[k-2:]
	} else if bytes.HasSuffix(d.block, []byte("\n\n")) {
		d.gap = d.block[k-1:]
	} else if len(d.body) > 0 {
		return nil
	}
	d.block = d.block[:len(d.block)-len(d.gap)]
	at := 0
	var ofPart []byte // the structure without MIME-Version, which parts do not have
	for f := range mime.Fields(d.block) {
		if f.Start != at || len(d.fields) >= maxFields { // something that is no field
			return nil
		}
		at = f.End
		if isStructure(f) {
			d.structure = append(d.structure, d.block[f.Start:f.End]...)
			if !f.Is("mime-version") {
				ofPart = append(ofPart, d.block[f.Start:f.End]...)
			}
		}
		d.fields = append(d.fields, f)
	}
	if at != len(d.block) || at == 0 {
		return nil
	}
	d.note = bytes.EqualFold(mime.Get(d.block, "x-uniform-type-identifier"), []byte("com.apple.mail-note"))
	root := w.Parts[0]
	if !root.Multipart || root.Type != "multipart/mixed" {
		d.text = entityOf(w, 0)
		gap := d.gap
		if len(gap) == 0 {
			gap = lineEnds([]byte("\n"), bareLF(raw))
		}
		d.text.raw = slices.Concat(ofPart, gap, d.body)
		return d
	}
	for i := range w.Parts {
		p := &w.Parts[i]
		if p.Parent != 0 {
			continue
		}
		e := entityOf(w, i)
		if p.Number == 1 && p.Disposition() != "attachment" && (strings.HasPrefix(p.Type, "text/") && p.Type != "text/calendar" || p.Multipart) {
			d.text = e
		} else {
			d.files = append(d.files, e)
		}
	}
	return d
}

func isStructure(f mime.Field) bool {
	name := strings.ToLower(string(f.Name))
	return name == "mime-version" || strings.HasPrefix(name, "content-")
}

// entityOf reads part i with all that is inside it.
func entityOf(w *mime.Message, i int) entity {
	p := &w.Parts[i]
	e := entity{raw: w.Raw[p.Start:p.End], name: p.FileName()}
	if e.name == "" {
		e.name = p.Type
	}
	sum := sha256.New()
	var text, html string
	for j := i; j < len(w.Parts); j++ {
		q := &w.Parts[j]
		if j > i && !within(w, j, i) {
			break
		}
		fmt.Fprintf(sum, "%s\x00%s\x00", q.Type, q.FileName())
		if j > i {
			fmt.Fprintf(sum, "%s\x00", q.ContentID())
		}
		if !w.Leaf(j) {
			continue
		}
		content, _ := mime.DecodeBody(q.Encoding, w.Content(j))
		switch {
		case q.Type == "text/calendar":
			e.card = content
		case strings.HasPrefix(q.Type, "text/") && q.FileName() == "":
			s := strings.TrimRight(mime.Lines(mime.Decode(q.Param("charset"), content)), "\n")
			if q.Type == "text/plain" {
				s = strings.TrimRight(q.PlainText(content), "\n")
				text += s
			} else if q.Type == "text/html" && html == "" {
				html = htmltext.Text(s, 16*maxShown)
			}
			content = []byte(s)
		}
		fmt.Fprintf(sum, "%d\x00", len(content))
		sum.Write(content)
	}
	if text == "" {
		text = html
	}
	e.means, e.shown = hex.EncodeToString(sum.Sum(nil)), text
	return e
}

// within tells whether part j is inside part i.
func within(w *mime.Message, j, i int) bool {
	for ; j > i; j = w.Parts[j].Parent {
	}
	return j == i
}

// isNoted tells the header fields that programs write for themselves.
func isNoted(name string) bool {
	switch name {
	case "date", "message-id", "received", "return-path", "user-agent", "x-mailer", "x-mozilla-status", "x-mozilla-status2", "x-mozilla-keys", "x-uidl", "lines", "x-mail-created-date":
		return true
	}
	return strings.HasPrefix(name, "x-outpost-") || strings.HasPrefix(name, "x-ms-has-attach")
}

// header merges the header fields; structure replaces the fields of the structure when it changed.
func (m *merger) header(v [sides]*draft, structure []byte, changed bool, eol string) []byte {
	var order []string
	by := map[string]*[sides][]mime.Field{}
	for s, d := range v {
		for _, f := range d.fields {
			if isStructure(f) {
				continue
			}
			name := strings.ToLower(string(f.Name))
			x := by[name]
			if x == nil {
				x = new([sides][]mime.Field)
				by[name] = x
				order = append(order, name)
			}
			x[s] = append(x[s], f)
		}
	}
	from := map[int][]byte{} // by the start of the remote field: what stands there now; empty when it goes
	var added []byte
	for _, name := range order {
		x := by[name]
		var means, shown [sides]string
		for s, fs := range x {
			means[s], shown[s] = fieldMeaning(name, fs)
		}
		verdict := m.decide(means)
		if isNoted(name) {
			if len(x[remote]) == 0 && len(x[base]) == 0 && !m.noBase {
				added = append(endLine(added, eol), fieldBytes(v[local], x[local], eol)...)
			} else if name == "date" && verdict >= take && len(x[local]) == 1 && len(x[remote]) == 1 {
				l, ok1 := mime.Date(x[local][0].Value)
				r, ok2 := mime.Date(x[remote][0].Value)
				if ok1 && ok2 && l.After(r) {
					from[x[remote][0].Start] = v[local].block[x[local][0].Start:x[local][0].End]
				}
			}
			continue
		}
		if verdict == same {
			continue
		}
		if verdict == take {
			for i, f := range x[remote] { // one for one; what is more stands behind the last
				var now []mime.Field
				if i < len(x[local]) {
					now = x[local][i : i+1]
					if i == len(x[remote])-1 {
						now = x[local][i:]
					}
				}
				from[f.Start] = fieldBytes(v[local], now, eol)
			}
			if len(x[remote]) == 0 {
				added = append(endLine(added, eol), fieldBytes(v[local], x[local], eol)...)
			}
		}
		m.differ(Difference{Where: "header", Property: headerWord(name), Name: textproto.CanonicalMIMEHeaderKey(name), Base: shown[base], Local: shown[local], Remote: shown[remote], Clash: verdict == clash})
	}
	var out []byte
	put := func(fields []byte) {
		if len(fields) > 0 { // a header without a body may lack its last line end
			out = append(endLine(out, eol), fields...)
		}
	}
	for _, f := range v[remote].fields {
		now, found := from[f.Start]
		switch {
		case isStructure(f) && changed: // the new ones stand where the first old one stood
			put(structure)
			structure = nil
		case found:
			put(now)
		default:
			put(v[remote].block[f.Start:f.End])
		}
	}
	put(added)
	put(structure)
	return out
}

func fieldBytes(d *draft, fs []mime.Field, eol string) (out []byte) {
	for _, f := range fs {
		out = append(endLine(out, eol), d.block[f.Start:f.End]...)
	}
	return out
}

// fieldMeaning gives all fields of a name a form that is equal when they mean the same, and one to show.
func fieldMeaning(name string, fs []mime.Field) (means, shown string) {
	var a, b strings.Builder
	for i, f := range fs {
		if i > 0 {
			b.WriteByte('\n')
		}
		switch name {
		case "from", "to", "cc", "bcc", "reply-to", "sender":
			if bytes.ContainsAny(f.Value, ":;(") { // groups and comments, which a list of addresses does not have
				a.WriteString("\x03" + strings.Join(strings.Fields(mime.Text(f.Value)), " "))
			}
			for j, x := range mime.Addresses(f.Value) {
				if j > 0 {
					b.WriteString(", ")
				}
				if x.Addr == "" && x.Name == "" {
					continue
				}
				a.WriteString("\x01" + x.Name + "\x02" + strings.ToLower(x.Addr))
				if b.Len() < 2*maxShown {
					b.WriteString(x.String())
				}
			}
			if a.Len() == 0 {
				continue // "To:" without an address is as none
			}
		default:
			s := strings.Join(strings.Fields(mime.Text(f.Value)), " ")
			if len(f.Value) > 60<<10 { // longer than is decoded
				s += string(f.Value)
			}
			a.WriteString("\x01" + s)
			if b.Len() < 2*maxShown {
				b.WriteString(s)
			}
		}
	}
	return a.String(), show(b.String())
}

func headerWord(name string) string {
	switch name {
	case "to", "from", "subject":
		return strings.ToUpper(name[:1]) + name[1:]
	case "cc":
		return "Copy to (Cc)"
	case "bcc":
		return "Blind copy to (Bcc)"
	case "reply-to":
		return "Reply to"
	case "x-priority", "importance", "priority":
		return "Importance"
	case "in-reply-to", "references":
		return "Answer to"
	case "disposition-notification-to", "return-receipt-to":
		return "Receipt"
	}
	return mime.Display(name, 200)
}

// body merges text and attachments, and returns the header fields of the structure and what follows the empty line; changed tells
// that they are not those of the remote side.
func (m *merger) body(v [sides]*draft, eol string) (structure, body []byte, changed bool) {
	var means [sides]string
	for s, d := range v {
		if d.text.raw != nil {
			means[s] = d.text.means
		}
	}
	verdict := m.decide(means)
	if verdict != same {
		b, l, r := showChange(v[base].text.shown, v[local].text.shown, v[remote].text.shown)
		m.differ(Difference{Where: "text", Property: "Text", Name: "TEXT", Base: b, Local: l, Remote: r, Clash: verdict == clash})
	}
	files, changed := m.files(v, eol)
	fromLocal := verdict == take
	switch {
	case !fromLocal && !changed:
		return v[remote].structure, v[remote].body, false
	case (fromLocal || verdict == same) && sameFiles(files, v[local].files):
		return v[local].structure, v[local].body, true
	}
	text := v[remote].text
	if fromLocal {
		text = v[local].text
	}
	structure, body = mixed(text, files, eol)
	return structure, body, true
}

func sameFiles(a, b []entity) bool {
	if len(a) != len(b) {
		return false
	}
	var x, y []string
	for i := range a {
		x, y = append(x, a[i].means), append(y, b[i].means)
	}
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// files merges the attachments as a set; changed tells whether the result is other than the remote ones.
func (m *merger) files(v [sides]*draft, eol string) (files []entity, changed bool) {
	if v[local].note && v[remote].note {
		if list, changed, ok := m.noteFile(v, eol); ok {
			return list, changed
		}
	}
	var order []string
	by := map[string]*[sides]*entity{}
	for s, d := range v {
		times := map[string]int{}
		for i := range d.files {
			key := d.files[i].means
			if times[key]++; times[key] > 1 {
				key = fmt.Sprintf("%s %d", key, times[key])
			}
			x := by[key]
			if x == nil {
				x = new([sides]*entity)
				by[key] = x
				order = append(order, key)
			}
			x[s] = &d.files[i]
		}
	}
	gone := map[*entity]bool{}
	var more []entity
	for _, key := range order {
		x := by[key]
		var there, shown [sides]string
		name := ""
		for s, e := range x {
			if e != nil {
				there[s], shown[s] = "there", show(e.name)
				name = e.name
			}
		}
		verdict := m.decide(there)
		if verdict == same {
			continue
		}
		if verdict == take {
			changed = true
			if x[local] == nil {
				gone[x[remote]] = true
			} else {
				more = append(more, *x[local])
			}
		}
		m.differ(Difference{Where: "attachments", Property: mime.Display("Attachment "+name, 200), Name: "ATTACHMENT", Base: shown[base], Local: shown[local], Remote: shown[remote], Clash: verdict == clash})
	}
	for i := range v[remote].files {
		if e := &v[remote].files[i]; !gone[e] {
			files = append(files, *e)
		}
	}
	return append(files, more...), changed
}

// noteFile merges the note that travels with a message that stands for it, so that there stays one; what differs in it shows
// in the message itself. ok is false when there is not one note on each side.
func (m *merger) noteFile(v [sides]*draft, eol string) (files []entity, changed, ok bool) {
	var raw [sides][]byte
	for s, d := range v {
		if len(d.files) == 1 {
			raw[s] = d.files[0].card
		}
	}
	if raw[local] == nil || raw[remote] == nil || raw[base] == nil {
		return nil, false, false
	}
	merged, list := merge(gw.MediaCalendar, raw[base], raw[local], raw[remote])
	for _, d := range list {
		if d.Name == "SUMMARY" || d.Name == "DESCRIPTION" { // the Subject and the text of the message
			continue
		}
		m.differ(d)
	}
	if merged == nil || bytes.Equal(merged, raw[remote]) {
		return v[remote].files, false, true
	}
	if bytes.Equal(merged, raw[local]) {
		return v[local].files, true, true
	}
	e := v[remote].files[0]
	var b bytes.Buffer
	for _, s := range []string{"Content-Type: text/calendar; charset=utf-8; component=VJOURNAL; name=\"note.ics\"", "Content-Transfer-Encoding: base64",
		"Content-Disposition: attachment; filename=\"note.ics\"", ""} {
		b.WriteString(s + eol)
	}
	for len(merged) > 0 {
		n := min(57, len(merged)) // 76 characters, RFC 2045 6.8
		b.WriteString(base64.StdEncoding.EncodeToString(merged[:n]))
		if merged = merged[n:]; len(merged) > 0 {
			b.WriteString(eol)
		}
	}
	e.raw = b.Bytes()
	e.means = string(e.raw)
	return []entity{e}, true, true
}

// mixed writes a text and attachments as one body (RFC 2046 5.1.3); without attachments the text is the body.
func mixed(text entity, files []entity, eol string) (structure, body []byte) {
	var parts [][]byte
	if text.raw != nil {
		parts = append(parts, text.raw)
	}
	for _, f := range files {
		parts = append(parts, f.raw)
	}
	if len(parts) == 1 && len(files) == 0 {
		structure, body = cutHeader(text.raw, eol)
		if mime.Get(structure, "mime-version") == nil {
			structure = append([]byte("MIME-Version: 1.0"+eol), structure...)
		}
		return structure, endLine(body, eol)
	}
	sum := sha256.Sum256(bytes.Join(parts, nil))
	boundary := "=_" + hex.EncodeToString(sum[:12])
	for slices.ContainsFunc(parts, func(p []byte) bool { return bytes.Contains(p, []byte(boundary)) }) {
		boundary += "="
	}
	structure = []byte("MIME-Version: 1.0" + eol + "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"" + eol)
	for _, p := range parts {
		body = append(body, "--"+boundary+eol...)
		body = append(body, p...)
		body = append(body, eol...)
	}
	return structure, append(body, "--"+boundary+"--"+eol...)
}

// cutHeader divides an entity at its empty line.
func cutHeader(raw []byte, eol string) (header, body []byte) {
	if bytes.HasPrefix(raw, []byte(eol)) {
		return nil, raw[len(eol):]
	}
	if at := bytes.Index(raw, []byte(eol+eol)); at >= 0 {
		return raw[:at+len(eol)], raw[at+2*len(eol):]
	}
	return endLine(raw, eol), nil
}

func endLine(b []byte, eol string) []byte {
	if len(b) > 0 && b[len(b)-1] != '\n' {
		return slices.Concat(b, []byte(eol))
	}
	return b
}

// showChange shows three versions of a text from shortly before the first place where they differ.
func showChange(b, l, r string) (string, string, string) {
	at := 0
	for at < len(l) && at < len(r) && l[at] == r[at] {
		at++
	}
	if at <= maxShown/2 {
		return show(b), show(l), show(r)
	}
	cut := func(s string) string {
		from := min(at-maxShown/4, len(s))
		if from >= len(s) {
			return show(s)
		}
		return show("…" + strings.ToValidUTF8(s[from:], ""))
	}
	return cut(b), cut(l), cut(r)
}
