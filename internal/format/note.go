package format

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"

	"outpost/internal/format/contentline"
	"outpost/internal/format/mime"
)

// noteType marks a message that is a note, as the programs do that keep notes in a mail folder.
const noteType = "com.apple.mail-note"

func isNoteType(value []byte) bool {
	return strings.EqualFold(string(bytes.TrimSpace(value)), noteType)
}

// MessageFromNote makes of a VJOURNAL a message for servers that keep notes in a mail folder: SUMMARY is the Subject, DESCRIPTION the
// text, UID the X-Universally-Unique-Identifier. The VJOURNAL itself travels as an attachment, so that NoteFromMessage
// gives back what a message cannot express. now is the Date of a note that has none of its own.
func MessageFromNote(raw []byte, from string, now time.Time) ([]byte, error) {
	o, err := contentline.Parse(raw)
	if err != nil {
		return nil, err
	}
	_, c := mainComponent(o)
	if c == nil || c.Name != "VJOURNAL" {
		return nil, &SyntaxError{Line: 1, Text: "there is no note (VJOURNAL) in it"}
	}
	date := now
	for _, name := range []string{"LAST-MODIFIED", "DTSTAMP", "CREATED"} {
		if t, _, err := Time(text(c, name), "", nil); err == nil {
			date = t
			break
		}
	}
	uid := mime.Display(text(c, "UID"), 200)
	boundary := "=_note"
	for bytes.Contains(raw, []byte(boundary)) || strings.Contains(text(c, "DESCRIPTION"), boundary) {
		boundary += "="
	}
	var b bytes.Buffer
	line := func(s string) { b.WriteString(s + "\r\n") }
	if list := mime.Addresses([]byte(mime.Display(from, maxDisplay))); len(list) > 0 {
		line("From: " + list[0].Encode())
	}
	b.Write(mime.EncodeText("Subject", mime.Display(text(c, "SUMMARY"), maxDisplay)))
	line("Date: " + date.Format(time.RFC1123Z))
	line("Message-ID: <" + noteID(uid) + ">")
	line("X-Uniform-Type-Identifier: " + noteType)
	b.Write(mime.EncodeText("X-Universally-Unique-Identifier", uid))
	line("MIME-Version: 1.0")
	line("Content-Type: multipart/mixed; boundary=\"" + boundary + "\"")
	line("")
	line("--" + boundary)
	line("Content-Type: text/plain; charset=utf-8")
	line("Content-Transfer-Encoding: base64")
	line("")
	writeBase64(&b, []byte(strings.ReplaceAll(mime.Lines(text(c, "DESCRIPTION")), "\n", "\r\n")))
	line("--" + boundary)
	line("Content-Type: text/calendar; charset=utf-8; component=VJOURNAL; name=\"note.ics\"")
	line("Content-Transfer-Encoding: base64")
	line("Content-Disposition: attachment; filename=\"note.ics\"")
	line("")
	writeBase64(&b, raw)
	line("--" + boundary + "--")
	return b.Bytes(), nil
}

// noteID makes a Message-ID's inside of a UID.
func noteID(uid string) string {
	id := strings.Map(func(r rune) rune {
		if r <= ' ' || r >= utf8.RuneSelf || strings.ContainsRune(`()<>[]:;,\"@`, r) {
			return '-'
		}
		return r
	}, uid)
	if id == "" {
		id = "note"
	}
	return id + "@note.invalid"
}

func writeBase64(b *bytes.Buffer, data []byte) {
	const per = 57 // bytes of a line of 76 characters
	for len(data) > 0 {
		n := min(per, len(data))
		b.WriteString(base64.StdEncoding.EncodeToString(data[:n]) + "\r\n")
		data = data[n:]
	}
}

// NoteFromMessage makes a VJOURNAL of a message in a notes folder. A message of MessageFromNote gives back the same bytes, unless
// somebody changed its Subject or text there: then only SUMMARY or DESCRIPTION differ.
func NoteFromMessage(raw []byte) []byte {
	m := mime.Walk(raw)
	d := Derived{}
	d.header(m.Header(0))
	body, _ := readText(m)
	body = strings.TrimRight(body, "\n")
	if o, c := attachedNote(m); c != nil {
		if mime.Display(text(c, "SUMMARY"), maxDisplay) != d.Subject {
			c.Set("SUMMARY", contentline.Escape(d.Subject))
		}
		if len(body) < maxText-8 && strings.TrimRight(mime.Lines(text(c, "DESCRIPTION")), "\n") != body {
			c.Set("DESCRIPTION", contentline.Escape(body))
		}
		return o.Encode()
	}
	uid := mime.Display(mime.Text(mime.Get(m.Header(0), "x-universally-unique-identifier")), 200)
	if uid == "" {
		uid = strings.Trim(d.MessageID, "<>")
	}
	c := contentline.NewComponent("VJOURNAL")
	if uid != "" {
		c.Add(contentline.NewLine("UID", contentline.Escape(uid)))
	}
	if !d.Date.IsZero() {
		c.Add(contentline.NewLine("DTSTAMP", stamp(d.Date)))
		c.Add(contentline.NewLine("LAST-MODIFIED", stamp(d.Date)))
	}
	c.Add(contentline.NewLine("SUMMARY", contentline.Escape(d.Subject)))
	if body != "" {
		c.Add(contentline.NewLine("DESCRIPTION", contentline.Escape(body)))
	}
	cal := contentline.NewComponent("VCALENDAR")
	cal.Add(contentline.NewLine("VERSION", "2.0"))
	cal.Add(contentline.NewLine("PRODID", product))
	cal.Entries = append(cal.Entries, contentline.Entry{Component: c})
	return contentline.NewObject(cal).Encode()
}

func attachedNote(m *mime.Message) (*contentline.Object, *contentline.Component) {
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Nested || p.Type != "text/calendar" {
			continue
		}
		content, _ := mime.DecodeBody(p.Encoding, m.Content(i))
		o, err := contentline.Parse(content)
		if err != nil {
			continue
		}
		if _, c := mainComponent(o); c != nil && c.Name == "VJOURNAL" {
			return o, c
		}
	}
	return nil, nil
}
