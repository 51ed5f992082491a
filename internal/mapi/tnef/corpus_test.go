package tnef

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"outpost/internal/mapi"
	"outpost/internal/mapi/mapitest"
)

func corpus(t testing.TB) map[string][]byte { return mapitest.Corpus(t, "tnef", ".tnef") }

// nameOf is the name of an attachment as people see it.
func nameOf(a *mapi.Attachment) string {
	for _, tag := range []mapi.Tag{tagAttachLongFilename, tagAttachFilename, tagAttachTransportName} {
		if name := asText(&a.Properties, tag); name != "" {
			return name
		}
	}
	return ""
}

// dataOf is the content of an attached file.
func dataOf(a *mapi.Attachment) []byte {
	v, _ := a.Get(tagAttachDataBinary)
	data, _ := v.([]byte)
	return data
}

func TestTheSampleFilesAreRead(t *testing.T) {
	type attachment struct {
		name string
		size int
	}
	for name, want := range map[string]struct {
		class, subject string
		attachments    []attachment
		problem        string
	}{
		"MAPI_ATTACH_DATA_OBJ":  {"IPM.Note", "Bod\xf8-damer p\xe5 vei!", []attachment{{"VIA_Nytt_1402.doc", 61952}, {"VIA_Nytt_1402.pdf", 213685}, {"VIA_Nytt_14021.htm", 68919}}, ""},
		"MAPI_OBJECT":           {"IPM.Note", "OCTOBER DISCOUNTED PRICE LIST", []attachment{{"Untitled_Attachment", 0}}, ""},
		"attachments":           {"IPM.Note", "", []attachment{{"zappa_av1.jpg", 2937}, {"bookmark.htm", 85805}}, ""},
		"body":                  {"IPM.Note", "Bill of Rights", nil, ""},
		"christmas":             {"IPM.Note", "", []attachment{{"kitten-playing-with-a-christmas-tree.jpg", 375081}, {"Untitled Attachment", 0}, {"Untitled Attachment", 0}}, ""},
		"data-before-name":      {"IPM.Note", "", []attachment{{"AUTOEXEC.BAT", 0}, {"CONFIG.SYS", 0}, {"boot.ini", 289}}, ""},
		"garbage-at-end":        {"Report.IPM.Note.IPNRN", "", nil, ""},
		"long-filename":         {"IPM.Note", "RE: license file", []attachment{{"allproductsmar2000.dat", 279}}, ""},
		"missing-filenames":     {"IPM.Note", "Y2K problem with Add-DT", []attachment{{"generpts.src", 61210}, {"TechlibDEC99.doc", 33792}, {"TechlibDEC99-JAN00.doc", 34304}, {"TechlibNOV99.doc", 33792}}, ""},
		"multi-name-property":   {"IPM.Appointment", "Pfingstmontag", nil, ""},
		"multi-value-attribute": {"IPM.Note.Microsoft.Voicemail.UM.CA", "", []attachment{{"208225__5_seconds__Voice_Mail.mp3", 10656}}, ""},
		"one-file":              {"IPM.Note", "one-file", []attachment{{"AUTHORS", 244}}, ""},
		"panic": {"IPM.Note", "Fw: VIKTIGT: Vill att någon av er gör följande ändringar i https://baka.spiderads.eu/",
			[]attachment{{"image001.jpg", 11250}, {"image002.jpg", 9583}, {"image003.png", 7147}}, "at byte 49862: an attribute should begin, but there is 0x4B"},
		"rtf":                    {"IPM.Note", "", nil, ""},
		"triples":                {"IPM.Appointment", "Sample Summary", nil, ""},
		"two-files":              {"IPM.Note", "two files", []attachment{{"AUTHORS", 244}, {"README", 893}}, ""},
		"unicode-mapi-attr-name": {"IPM.Note", "RE: [ZGLOSZENIE] THU#29044 Aktualizacja numerów w dodatkowych panelach", []attachment{{"spaconsole2.cfg", 8387}, {"image001.png", 3815}, {"image002.png", 3573}, {"image003.png", 3792}}, ""},
		"unicode-mapi-attr":      {"IPM.Note", "example", []attachment{{"example.dat", 1024}}, ""},
		"winmail":                {"IPM.Note", "", []attachment{{"Untitled Attachment", 0}, {"Untitled Attachment", 0}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Decode(corpus(t)[name])
			if m == nil {
				t.Fatal(err)
			}
			if want.problem == "" && err != nil || want.problem != "" && (err == nil || !strings.Contains(err.Error(), want.problem)) {
				t.Errorf("problems %v, want %q", err, want.problem)
			}
			if got := asText(&m.Properties, tagMessageClass); got != want.class {
				t.Errorf("class %q, want %q", got, want.class)
			}
			if got := asText(&m.Properties, tagSubject); got != want.subject {
				t.Errorf("subject %q, want %q", got, want.subject)
			}
			var got []attachment
			for i := range m.Attachments {
				got = append(got, attachment{nameOf(&m.Attachments[i]), len(dataOf(&m.Attachments[i]))})
			}
			if !slices.Equal(got, want.attachments) {
				t.Errorf("attachments %v, want %v", got, want.attachments)
			}
		})
	}
}

func TestMessagesInAMessageAreRead(t *testing.T) {
	m, err := Decode(corpus(t)["christmas"])
	if err != nil || len(m.Attachments) != 3 {
		t.Fatalf("%d attachments, %v", len(m.Attachments), err)
	}
	task, party := m.Attachments[1].Embedded, m.Attachments[2].Embedded
	if task == nil || asText(&task.Properties, tagSubject) != "Build a train table" {
		t.Errorf("the first is %v", task)
	}
	if party == nil || asText(&party.Properties, tagSubject) != "Christmas Celebration!" || len(party.Attachments) != 1 {
		t.Fatalf("the second is %v", party)
	}
	if !bytes.Equal(dataOf(&party.Attachments[0]), dataOf(&m.Attachments[0])) {
		t.Error("its picture differs from the one beside it")
	}
}

func TestAnObjectOfAnotherProgramIsKept(t *testing.T) {
	m, err := Decode(corpus(t)["MAPI_OBJECT"])
	if err != nil {
		t.Fatal(err)
	}
	v, _ := m.Attachments[0].Get(tagAttachDataObject)
	if object, ok := v.(mapi.Object); !ok || !bytes.HasPrefix(object, []byte{0xD0, 0xCF, 0x11, 0xE0}) {
		t.Errorf("the object is a %T and no compound file", v)
	}
}

func TestNamedPropertiesOfSampleFilesHaveTheirNames(t *testing.T) {
	m, err := Decode(corpus(t)["multi-name-property"])
	if err != nil {
		t.Fatal(err)
	}
	const busyStatus = 0x8205
	if v, ok := m.GetNamed(mapi.NameID(mapi.PSETIDAppointment(), busyStatus), mapi.TypeInteger32); !ok {
		t.Errorf("PidLidBusyStatus is %v", v)
	}
	names := 0
	for p := range m.All() {
		if p.Name.Kind == mapi.KindString && p.Name.Name != "" {
			names++
		}
	}
	if names == 0 {
		t.Error("no property is named by a text")
	}
}

func TestSampleFilesAreTheSameAfterWriting(t *testing.T) {
	for name, raw := range corpus(t) {
		m, _ := Decode(raw)
		written, err := Encode(m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := Decode(written)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := mapitest.Difference(m, again); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// tools are other people's programs that extract attachments into a folder.
func tools() map[string]func(file, dir string) *exec.Cmd {
	return map[string]func(file, dir string) *exec.Cmd{
		"tnef": func(file, dir string) *exec.Cmd {
			return exec.Command("tnef", "--directory", dir, "--number-backups", file)
		},
		"ytnef": func(file, dir string) *exec.Cmd { return exec.Command("ytnef", "-f", dir, file) },
	}
}

// extracted gives the files that a program finds, by their content. It reports false if the program gives up.
func extracted(t *testing.T, tool func(file, dir string) *exec.Cmd, raw []byte) (map[string]string, bool) {
	dir := t.TempDir()
	file := filepath.Join(t.TempDir(), "winmail.dat")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := tool(file, dir).CombinedOutput(); err != nil || bytes.Contains(out, []byte("ERROR")) {
		t.Logf("gives up (%v): %.200s", err, out)
		return nil, false
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found[string(data)] = e.Name()
	}
	return found, true
}

// Both the sample files and what we make of them are read by other programs, which find the same attachments.
func TestOtherProgramsFindTheSameAttachments(t *testing.T) {
	files := corpus(t)
	for program, tool := range tools() {
		t.Run(program, func(t *testing.T) {
			if _, err := exec.LookPath(program); err != nil {
				t.Skipf("%s is not installed", program)
			}
			compared := 0
			for _, name := range slices.Sorted(maps.Keys(files)) {
				m, _ := Decode(files[name])
				written, err := Encode(m)
				if err != nil {
					t.Fatal(err)
				}
				found, ok := extracted(t, tool, files[name])
				if !ok {
					t.Logf("%s: it cannot be compared", name)
					continue
				}
				if len(found) > 0 {
					compared += compare(t, name+" as it came", m, found)
				}
				if found, ok = extracted(t, tool, written); !ok {
					t.Errorf("%s: it reads the file, but not as we write it", name)
				}
				compared += compare(t, name+" as we write it", m, found)
			}
			if compared < 30 {
				t.Errorf("only %d attachments were compared", compared)
			}
			t.Logf("%d attachments compared", compared)
		})
	}
}

// compare looks for the attached files of a message among those that a program found, and says how many there are. The
// programs make no file of an empty one, and of messages and objects they make something else.
func compare(t *testing.T, name string, m *mapi.Message, found map[string]string) (compared int) {
	for i := range m.Attachments {
		a := &m.Attachments[i]
		data := dataOf(a)
		if len(data) == 0 {
			continue
		}
		compared++
		if got, ok := found[string(data)]; !ok {
			t.Errorf("%s: it does not find the %d bytes of %s, but %v", name, len(data), nameOf(a), slices.Collect(maps.Values(found)))
		} else if got != nameOf(a) {
			t.Errorf("%s: it says %s, we %s", name, got, nameOf(a))
		}
	}
	return compared
}
