package format

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	gw "outpost/internal/groupware"
)

// Input made to make a reader look through the rest again and again is read once: each of these has half a MiB or more and would take
// minutes otherwise.
func TestHostileInputIsReadOnce(t *testing.T) {
	fill := func(s string, n int) string { return strings.Repeat(s, n/len(s)) }
	const mib = 1 << 19
	for name, raw := range map[string]string{
		"encoded words that never end": "Subject: " + fill("=?a?q?", mib) + "\n\n",
		"encoded words":                "Subject: " + fill("=?a?q??= ", mib) + "\n\n",
		"comments that never end":      "From: " + fill("(", mib) + "\nTo: " + fill("<", mib/2) + "\nCc: " + fill("\"", mib/2) + "\n\n",
		"addresses":                    "To: " + fill("a@b,", mib) + "\n\n",
		"ids":                          "References: " + fill("<", mib) + "\nIn-Reply-To: " + fill("<a>", mib) + "\n\n",
		"fields":                       fill("To: a@b\n", mib) + "\n",
		"stray lines":                  fill("x\nA: b\n", mib) + "\n",
		"folded stray lines":           "x\n" + fill(" \n", mib) + "\n",
		"parameters":                   "Content-Type: multipart/mixed" + fill("; a=b", mib) + "\n\n",
		"boundaries":                   "Content-Type: multipart/mixed; boundary=\"" + fill("-", 1000) + "\"\n\n" + fill("--"+fill("-", 999)+"x\n", 4*mib),
		"parts":                        "Content-Type: multipart/mixed; boundary=b\n\n" + fill("--b\n\n", 2*mib),
		"base64 in one broken line":    "Content-Transfer-Encoding: base64\n\n" + fill("AAA*", 4*mib),
		"base64 in broken lines":       "Content-Transfer-Encoding: base64\n\n" + fill("AAA\n", 4*mib),
		"quoted-printable":             "Content-Transfer-Encoding: quoted-printable\n\n" + fill("=  \t", 4*mib),
		"flowed":                       "Content-Type: text/plain; format=flowed; delsp=yes\n\n" + fill("> \n> ", 2*mib),
		"utf-7":                        "Content-Type: text/plain; charset=utf-7\n\n" + fill("+A-", mib),
		"tags":                         "Content-Type: text/html\n\n" + fill("<blockquote>", mib) + fill("<b ", mib) + fill("<!--", mib) + fill("&", mib),
		"pre":                          "Content-Type: text/html\n\n<pre>" + fill("\n", mib) + fill("<pre>", mib),
	} {
		d := Derive(gw.MediaMessage, []byte(raw))
		checkDerived(t, name, d)
		skeleton, parts := Split([]byte(raw))
		if got, err := Join(skeleton, func(i int) ([]byte, error) { return parts[i], nil }); err != nil || string(got) != raw {
			t.Errorf("%s: joined differs: %v", name, err)
		}
		_, _, _ = Envelope([]byte(raw))
		WithoutBcc([]byte(raw))
		Normalize(gw.MediaMessage, []byte(raw), newUID, now)
	}
	for name, raw := range map[string]string{
		"events":      "BEGIN:VCALENDAR\n" + fill("BEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT\n", mib) + "END:VCALENDAR\n",
		"occurrences": "BEGIN:VCALENDAR\n" + fill("X:1\n", mib/4) + fill("BEGIN:VEVENT\nRECURRENCE-ID:20260101\nEND:VEVENT\n", mib/2) + "END:VCALENDAR\n",
		"properties":  "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + fill("COMMENT:a\n", mib/2) + fill("ATTENDEE:a\n", mib/2) + "END:VEVENT\nEND:VCALENDAR\n",
		"parameters":  "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART" + fill(";A=b", 8*mib) + ":20260101\nEND:VEVENT\nEND:VCALENDAR\n",
		"folding":     "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:" + fill("\n ", 8*mib) + "x\nEND:VEVENT\nEND:VCALENDAR\n",
		"zones":       "BEGIN:VCALENDAR\n" + fill("BEGIN:VTIMEZONE\nEND:VTIMEZONE\n", mib) + "BEGIN:VEVENT\nDTSTART;TZID=x:20260101T000000\nEND:VEVENT\nEND:VCALENDAR\n",
		"begins":      fill("BEGIN:A\n", mib/2),
	} {
		checkDerived(t, name, Derive(gw.MediaCalendar, []byte(raw)))
		n := Normalize(gw.MediaCalendar, []byte(raw), newUID, now)
		_ = Validate(gw.MediaCalendar, n)
		_, _ = SplitCalendar(n)
		cards := strings.NewReplacer("VCALENDAR", "VCARD", "VEVENT", "VCARD", "SUMMARY", "FN", "DTSTART", "TEL").Replace(raw)
		checkDerived(t, name, Derive(gw.MediaVCard, []byte(cards)))
		_, _ = SplitVCards(Normalize(gw.MediaVCard, []byte(cards), newUID, now))
	}
}

// A message of 50 MB is split and joined with at most three times its size.
func TestALargeMessageIsSplitInLittleMemory(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 37<<20/16)
	raw := mixed(wrap(data, 76, "\r\n"))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	skeleton, parts := Split(raw)
	got, err := Join(skeleton, func(i int) ([]byte, error) { return parts[i], nil })
	runtime.ReadMemStats(&after)
	if err != nil || len(parts) != 1 || !bytes.Equal(got, raw) {
		t.Fatal("joined differs", err)
	}
	// raw itself is held already: what was allocated, freed or not, is at most twice its size.
	if n := after.TotalAlloc - before.TotalAlloc; n > 2*uint64(len(raw)) {
		t.Errorf("%d bytes were allocated for a message of %d", n, len(raw))
	}
}

func FuzzTokens(f *testing.F) {
	f.Add("Größe anna@example.org 東京都 ﾃﾞｰﾀ e\u0301 \xff")
	f.Add("Ǿ ㈎ ㌀ ǆ ﬃ ℡ ﲗ")
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range Tokens(nil, text) {
			if w == "" || len(w) > maxToken {
				t.Fatalf("%q", w)
			}
			// A word that is looked for is found again.
			if again := Tokens(nil, w); len(again) != 1 || again[0] != w {
				t.Fatalf("%q becomes %q", w, again)
			}
		}
	})
}
