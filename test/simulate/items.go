package main

import (
	"bytes"
	"fmt"
	"strings"
)

// Every text that is written in a history is one that was never written before: "text-" and six digits. Message-IDs and UIDs are made of "m-"
// and the digits.

const textLen = len("text-000000")

func (h *history) text() string { h.serial++; return fmt.Sprintf("text-%06d", h.serial) }

// name makes an id of a text.
func name(text string) string { return "m-" + strings.TrimPrefix(text, "text-") }

// texts finds the texts in an item. A message that tells of an event or a conflict has none of its own.
func texts(raw []byte) []string {
	if said(raw) {
		return nil
	}
	return plainTexts(raw)
}

func plainTexts(raw []byte) (out []string) {
	for {
		at := bytes.Index(raw, []byte("text-"))
		if at < 0 || at+textLen > len(raw) {
			return out
		}
		if s := string(raw[at : at+textLen]); len(out) == 0 || out[len(out)-1] != s {
			out = append(out, s)
		}
		raw = raw[at+textLen:]
	}
}

// mail is a message; every third has an attachment.
func (h *history) mail(subject string) []byte {
	head := "From: Ben <ben@example.org>\r\nTo: " + address + "\r\nSubject: " + subject + "\r\nMessage-ID: <" + name(subject) + "@example.org>\r\nDate: Sun, 1 Mar 2026 10:00:00 +0000\r\n"
	if h.serial%3 > 0 {
		return []byte(head + "\r\nHello.\r\n")
	}
	return []byte(head + "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n--b\r\n" +
		"Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.bin\r\n\r\n" +
		"AAECAwQFBgcICQ==\r\n--b--\r\n")
}

// event and card are objects with several properties to edit; to every other event somebody is invited.
func (h *history) event(uid string) []byte {
	who := ""
	if h.serial%2 == 0 {
		who = meeting
	}
	return []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//test//EN\r\nBEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTAMP:20260301T100000Z\r\n" +
		"DTSTART:20270305T090000Z\r\nDTEND:20270305T100000Z\r\n" + who + "SUMMARY:" + h.text() + "\r\nLOCATION:" + h.text() + "\r\nDESCRIPTION:" + h.text() +
		"\r\nX-KEPT:as it is\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
}

func (h *history) card(uid string) []byte {
	return []byte("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:" + uid + "\r\nFN:" + h.text() + "\r\nN:Doe;Jo;;;\r\nTITLE:" + h.text() + "\r\nNOTE:" + h.text() + "\r\nX-KEPT:as it is\r\nEND:VCARD\r\n")
}

// edited replaces one of the texts of an item. A message grows by it: one of the same Message-ID and size is taken for the same message when a
// folder is renumbered.
func (h *history) edited(raw []byte) (out []byte, old, next string) {
	old, ok := choose(h.r, texts(raw))
	if !ok {
		return nil, "", ""
	}
	next = h.text()
	out = bytes.ReplaceAll(raw, []byte(old), []byte(next))
	if !bytes.HasPrefix(raw, []byte("BEGIN:")) {
		out = append(out, ".\r\n"...)
	}
	return out, old, next
}

// property finds a line of an item.
func property(raw []byte, name string) string {
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if v, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// key is what an item is called wherever it is: Message-ID or UID.
func key(raw []byte) string {
	if bytes.HasPrefix(raw, []byte("BEGIN:")) {
		return property(raw, "UID:")
	}
	return property(raw, "Message-ID:")
}
