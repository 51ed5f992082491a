package rtf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"outpost/internal/mapi/mapitest"
)

// compressedIn finds PidTagRtfCompressed in a TNEF file: the attribute attMsgProps (MS-OXTNEF 2.1.3.3.21), and in it
// the tag, the count and the size before the value.
func compressedIn(tnef []byte) []byte {
	for at := 6; at+9 < len(tnef); {
		id, size := binary.LittleEndian.Uint32(tnef[at+1:]), int(binary.LittleEndian.Uint32(tnef[at+5:]))
		at += 9
		if size > len(tnef)-at {
			break
		}
		if data := tnef[at : at+size]; id == 0x00069003 {
			if _, value, found := bytes.Cut(data, []byte{0x02, 0x01, 0x09, 0x10, 1, 0, 0, 0}); found && len(value) > 4 {
				if n := int(binary.LittleEndian.Uint32(value)); n <= len(value)-4 {
					return value[4 : 4+n]
				}
			}
		}
		at += size + 2
	}
	return nil
}

func TestCompressedRTFOfOutlookIsReadAsOthersReadIt(t *testing.T) {
	files, plain := mapitest.Corpus(t, "tnef", ".tnef"), samples(t)
	seen, compared := 0, 0
	for name, raw := range files {
		want, has := plain[name]
		packed := compressedIn(raw)
		if packed == nil {
			if has {
				t.Errorf("%s: has RTF, but it was not found", name)
			}
			continue
		}
		seen++
		got, err := Decompress(packed)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again, err := Decompress(Compress(got)); err != nil || !bytes.Equal(again, got) {
			t.Errorf("%s: compressed again it differs (%v)", name, err)
		}
		if !has {
			continue
		}
		compared++
		// The samples have line ends of their own.
		unix := func(b []byte) []byte {
			return bytes.TrimRight(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), "\x00\n")
		}
		if !bytes.Equal(unix(got), unix(want)) {
			t.Errorf("%s:\n%q\nwant\n%q", name, got, want)
		}
	}
	if compared < 10 {
		t.Errorf("only %d compared, %d seen, of %d files", compared, seen, len(files))
	}
}

// samples are the RTF files of the corpus.
func samples(t testing.TB) map[string][]byte { return mapitest.Corpus(t, "tnef", ".message.rtf") }

func TestTextOfSamplesIsComplete(t *testing.T) {
	all := samples(t)
	for name, want := range map[string][]string{
		"MAPI_ATTACH_DATA_OBJ": {"at bodødamene er noe mer jålete/velkledde"},
		"rtf":                  {"aafgag'alga'kgk", "Senior Engineer/QADirector Team\r\n", "978-318-6939 (Fax)"},
		"long-filename":        {"I've attached a temp. license for QARun 4.7.  Do you need", "-----Original Message-----\r\nFrom: Mark Simpson"},
		"data-before-name":     {"asdf[attachment 1] [attachment 2] [attachment 3] "},
		"triples":              {"Sample description\r\n"},
	} {
		raw, there := all[name]
		if !there {
			t.Errorf("%s is missing", name)
			continue
		}
		text, err := ToText(raw)
		page, herr := ToHTML(raw)
		if err != nil || herr != nil {
			t.Errorf("%s: %v, %v", name, err, herr)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: text lacks %q:\n%s", name, w, text)
			}
		}
		for _, bad := range []string{"fonttbl", "Riched20", "panose", "Times New Roman"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: %q is no text of it", name, bad)
			}
		}
		if strings.Contains(page, `\`) && !strings.Contains(text, `\`) {
			t.Errorf("%s: RTF in the HTML:\n%s", name, page)
		}
	}
}

func TestEncapsulatedSampleGivesItsHTML(t *testing.T) {
	raw := samples(t)["multi-value-attribute"]
	if raw == nil {
		t.Fatal("the corpus has no such sample")
	}
	got, err := OriginalHTML(raw)
	if err != nil {
		t.Fatal(err)
	}
	const want = `<html><head>` + "\r\n" + `<style type="text/css"> a:link { color: #3399ff; } a:visited { color: #3366cc; } a:active { color: #ff9900; } ` +
		`</style></head><body><style type="text/css"> a:link { color: #3399ff; } a:visited { color: #3366cc; } a:active { color: #ff9900; } </style>` +
		`<div style="font-family: Tahoma, sans-serif; background-color: #ffffff; color: #000000; font-size:10pt;">` +
		`<div id="UM-call-info" lang="en"><div style="font-family: Arial; font-size: 10pt; color:#000066; font-weight: bold;">` +
		`You received a voice mail from Curie Conf Room at <a style="color: #3399ff; " href="tel:208225">208225</a>.</div><br>` +
		`<table border="0" style="width:100%; table-layout:auto;"></table></div></div></body></html>`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	page, err := ToHTML(raw)
	if err != nil || !strings.Contains(page, `<a href="tel:208225">`) {
		t.Errorf("as any RTF: %v\n%s", err, page)
	}
}

func TestEncapsulatedTextOfSamples(t *testing.T) {
	for name, raw := range samples(t) {
		if Detect(raw) != WasPlain {
			continue
		}
		original, err := OriginalText(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text, _ := ToText(raw)
		if got := strings.TrimSpace(withoutAttachments(text)); got != strings.TrimSpace(original) {
			t.Errorf("%s: the original and the text for reading differ:\n%q\n%q", name, original, got)
		}
	}
}

// withoutAttachments takes out what stands for attachments; other programs show nothing there.
func withoutAttachments(text string) string {
	for i := 1; i < 10; i++ {
		text = strings.ReplaceAll(text, fmt.Sprintf("[attachment %d]", i), "")
	}
	return text
}

// words are the letters and digits of a text: what two readers must agree on whatever they think of layout.
func words(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool { return c <= ' ' || c == 0xA0 }), " ")
}

func TestUnrtfReadsTheSameWords(t *testing.T) {
	unrtf, err := exec.LookPath("unrtf")
	if err != nil {
		t.Skip("unrtf is not installed (Debian: apt-get install unrtf)")
	}
	look := func(raw []byte) string {
		file := filepath.Join(t.TempDir(), "x.rtf")
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(unrtf, "--text", file).Output()
		if err != nil {
			t.Fatalf("unrtf: %v", err)
		}
		_, text, _ := strings.Cut(string(out), "-----------------\n") // what it says of itself
		return words(text)
	}
	// What we write.
	for name, x := range map[string]struct{ rtf, text string }{
		"text": {string(FromText("Hello, world\r\n{braces} and \\backslash\\\r\n\r\nThe end")), "Hello, world {braces} and \\backslash\\ The end"},
		"html": {string(FromHTML("<html><head><title>T</title></head><body><p>Dear <b>all</b>,</p>\r\n<ul><li>one<li>two &amp; three</ul>bye</body></html>")),
			"Dear all, • one • two & three bye"},
	} {
		if got := look([]byte(x.rtf)); strings.ReplaceAll(got, "?", "•") != x.text {
			t.Errorf("%s: unrtf reads %q, want %q\n%s", name, got, x.text, x.rtf)
		}
	}
	// What Outlook wrote. unrtf writes what is not ASCII as bytes of some code page, and links without their text.
	ascii := func(s string) string {
		return words(strings.Map(func(c rune) rune {
			if c > '~' {
				return -1
			}
			return c
		}, s))
	}
	for name, raw := range samples(t) {
		ours, err := ToText(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		theirs := strings.ReplaceAll(look(raw), `"tel:208225"`, "208225")
		if ours = withoutAttachments(ours); ascii(ours) != ascii(theirs) {
			t.Errorf("%s: ours\n%s\nunrtf\n%s", name, ours, theirs)
		}
	}
}
