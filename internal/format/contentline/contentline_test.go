package contentline

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

const sample = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-ODD;x=\"a:b;c\" : kept \r\nBEGIN:VEVENT\r\nsummary;LANGUAGE=en:Fol\r\n ded\r\n\t text\r\nUID:1\r\nATTENDEE;CN=\"Berg, ^'Anna^'^n^^\";ROLE=A,\"B,C\":mailto:a@b\r\nBEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\n\r\nEND:VCALENDAR\r\n"

func parse(t *testing.T, s string) *Object {
	t.Helper()
	o, err := Parse([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestPropertiesAreReadWhateverTheirFolding(t *testing.T) {
	o := parse(t, sample)
	ev := o.Components("VCALENDAR")[0].Components("VEVENT")[0]
	if got := ev.TextOf("SUMMARY"); got != "Folded text" {
		t.Errorf("SUMMARY %q", got)
	}
	if got := ev.Get("SUMMARY").Param("LANGUAGE"); got != "en" {
		t.Errorf("LANGUAGE %q", got)
	}
	// RFC 6868 3.1
	if got := ev.Get("ATTENDEE").Param("CN"); got != "Berg, \"Anna\"\n^" {
		t.Errorf("CN %q", got)
	}
	if got := ev.Get("ATTENDEE").ParamValues("ROLE"); len(got) != 2 || got[1] != "B,C" {
		t.Errorf("ROLE %q", got)
	}
	if n := ev.Get("UID").Number; n != 8 || ev.Line() != 4 {
		t.Errorf("UID in line %d, VEVENT in line %d", n, ev.Line())
	}
}

func TestWhatIsNotChangedStaysByteForByte(t *testing.T) {
	for _, s := range []string{sample, strings.ReplaceAll(sample, "\r\n", "\n"), strings.TrimSuffix(sample, "\r\n"), "", "\r\n", "\ufeff" + sample,
		"BEGIN:VCARD\nVERSION:2.1\nNOTE;ENCODING=QUOTED-PRINTABLE:a=\nb\nEND:VCARD", "garbage\r\n more\r\n", "BEGIN:A\r\nBEGIN:B\r\nEND:A\r\n", "END:X\r\n"} {
		o, _ := Parse([]byte(s))
		if got := string(o.Encode()); got != s {
			t.Errorf("got %q, want %q", got, s)
		}
	}
}

func TestAnEditChangesOnlyItsLine(t *testing.T) {
	for _, c := range []struct {
		name     string
		edit     func(ev *Component)
		old, new string
	}{
		{"set", func(ev *Component) { ev.Set("UID", "2") }, "UID:1\r\n", "UID:2\r\n"},
		{"set keeps case and parameters", func(ev *Component) { ev.Set("SUMMARY", "New") }, "summary;LANGUAGE=en:Fol\r\n ded\r\n\t text\r\n", "summary;LANGUAGE=en:New\r\n"},
		{"set to the same", func(ev *Component) { ev.Set("SUMMARY", "Folded text") }, "", ""},
		{"remove", func(ev *Component) { ev.Remove("UID") }, "UID:1\r\n", ""},
		{"add", func(ev *Component) { ev.Set("LOCATION", "here") }, "BEGIN:VALARM", "LOCATION:here\r\nBEGIN:VALARM"},
		{"add with parameters", func(ev *Component) { ev.Add(NewLine("x-y", "v", Param{"P", "a\"b,c"})) }, "BEGIN:VALARM", "X-Y;P=\"a^'b,c\":v\r\nBEGIN:VALARM"},
		{"a value cannot make a line", func(ev *Component) { ev.Set("UID", "2\r\nX:3") }, "UID:1\r\n", "UID:2X:3\r\n"},
	} {
		o := parse(t, sample)
		c.edit(o.Components("VCALENDAR")[0].Components("VEVENT")[0])
		if got, want := string(o.Encode()), strings.Replace(sample, c.old, c.new, 1); got != want {
			t.Errorf("%s: got %q, want %q", c.name, got, want)
		}
	}
	o := parse(t, strings.ReplaceAll(sample, "\r\n", "\n"))
	o.Components("VCALENDAR")[0].Set("X-N", "1")
	if got, want := string(o.Encode()), strings.ReplaceAll(strings.Replace(sample, "BEGIN:VEVENT", "X-N:1\r\nBEGIN:VEVENT", 1), "\r\n", "\n"); got != want {
		t.Errorf("bare line feeds: got %q, want %q", got, want)
	}
}

func TestLongLinesAreFolded(t *testing.T) {
	value := strings.Repeat("äöü", 100)
	c := NewComponent("vevent")
	c.Set("X", value)
	b := NewObject(c).Encode()
	for line := range bytes.SplitSeq(b, []byte("\r\n")) {
		if len(line) > 75 || !bytes.Equal(bytes.ToValidUTF8(line, nil), line) {
			t.Errorf("line of %d bytes: %q", len(line), line)
		}
	}
	if got := parse(t, string(b)).Components("VEVENT")[0].Get("X").Value(); got != value {
		t.Errorf("got %q", got)
	}
}

func TestVCard21IsRead(t *testing.T) {
	o := parse(t, "BEGIN:VCARD\r\nTEL;HOME;VOICE:1\r\nitem1.EMAIL;type=INTERNET;type=pref:a@b\r\nNOTE;QUOTED-PRINTABLE:a=\r\nb=3D\r\nEND:VCARD\r\n")
	c := o.Components("VCARD")[0]
	if got := c.Get("TEL").ParamValues("TYPE"); len(got) != 2 || got[0] != "HOME" {
		t.Errorf("TYPE %q", got)
	}
	if l := c.Get("EMAIL"); l == nil || l.Group != "item1" || len(l.ParamValues("TYPE")) != 2 {
		t.Errorf("EMAIL %+v", l)
	}
	if l := c.Get("NOTE"); l.Param("ENCODING") != "QUOTED-PRINTABLE" || l.Value() != "a=\nb=3D" {
		t.Errorf("NOTE %q %q", l.Param("ENCODING"), l.Value())
	}
}

func TestErrorsTellTheLine(t *testing.T) {
	for in, want := range map[string]string{
		"BEGIN:A\r\nno colon\r\nEND:A\r\n":           `line 2: "no colon" is no property: there is no colon after a name`,
		"BEGIN:A\r\nX:1\r\n y\r\nEND:B\r\n":          "line 4: END:B without its BEGIN",
		"BEGIN:A\r\nBEGIN:B\r\nEND:A\r\n":            "line 3: END:A where END:B should be",
		"BEGIN:A\r\nX:1\r\n":                         "line 3: END:A is missing",
		strings.Repeat("BEGIN:A\r\n", 17):            "line 17: more than 16 components inside each other",
		strings.Repeat("X:1\r\n", MaxLines+1):        "line 100001: more than 100000 lines",
		strings.Repeat("X", MaxSize+1):               "line 1: larger than 16 MiB",
		"BEGIN:A\r\nX;A=\"never closed\r\nEND:A\r\n": `line 2: "X;A=\"never closed" is no property: there is no colon after a name`,
	} {
		_, err := Parse([]byte(in))
		if e, ok := errors.AsType[*SyntaxError](err); !ok || e.Error() != want {
			t.Errorf("%.60q: got %v, want %s", in, err, want)
		}
	}
}

func TestTextEscapes(t *testing.T) {
	// RFC 5545 3.3.11
	for raw, want := range map[string]string{
		`Project XYZ Final Review\nConference Room - 3B\nCome Prepared.`: "Project XYZ Final Review\nConference Room - 3B\nCome Prepared.",
		`a\, b\; c\\ d\Ne`: "a, b; c\\ d\ne",
		`C:\temp\`:         `C:\temp\`,
	} {
		if got := Unescape(raw); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
	if got := Escape("a, b; c\\ d\r\ne\x00"); got != `a\, b\; c\\ d\ne` {
		t.Errorf("got %q", got)
	}
	if got := Fields(`a\;b;c;;d`, ';'); strings.Join(got, "|") != `a\;b|c||d` {
		t.Errorf("got %q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample), "SUMMARY", "x\ny")
	f.Add([]byte("BEGIN:VCARD\nTEL;HOME:1\nN;QUOTED-PRINTABLE:a=\nb\nitem1.X:y\nEND:VCARD"), "X", "äöü")
	f.Fuzz(func(t *testing.T, raw []byte, name, value string) {
		o, err := Parse(raw)
		if o == nil {
			return
		}
		if !bytes.Equal(o.Encode(), raw) {
			t.Fatalf("got %q", o.Encode())
		}
		for _, c := range o.Components("") {
			for _, e := range c.Entries {
				if l := e.Line; l != nil {
					l.Text()
					l.ParamValues("TYPE")
				}
			}
			if err != nil || !plainName(name) {
				continue
			}
			n := len(c.All(strings.ToUpper(name)))
			c.Set(strings.ToUpper(name), Escape(value))
			again, err := Parse(o.Encode())
			if err != nil {
				t.Fatalf("after a change: %v\n%q", err, o.Encode())
			}
			for _, d := range again.Components(c.Name) {
				if l := d.Get(strings.ToUpper(name)); l != nil && len(d.All(strings.ToUpper(name))) == max(n, 1) && strings.HasPrefix(l.Value(), Escape(value)) {
					return
				}
			}
			t.Fatalf("the change is lost: %q", o.Encode())
		}
	})
}

func plainName(s string) bool {
	if s == "" || strings.EqualFold(s, "begin") || strings.EqualFold(s, "end") {
		return false
	}
	for _, c := range []byte(s) {
		if !isNameChar(c) || c == '.' {
			return false
		}
	}
	return true
}

func TestAParameterIsSetWithoutTouchingTheOthers(t *testing.T) {
	const before = "BEGIN:VEVENT\r\nAttendee;X-A=\"b;c\";PartStat=NEEDS-ACTION;CN=\"Berg, Anna\":mailto:anna@example.org\r\nEND:VEVENT\r\n"
	o, err := Parse([]byte(before))
	if err != nil {
		t.Fatal(err)
	}
	l := o.Components("VEVENT")[0].Get("ATTENDEE")
	names := func() (out string) {
		for name, values := range l.Params() {
			out += name + "=" + strings.Join(values, "|") + " "
		}
		return out
	}
	if got := names(); got != "X-A=b;c PARTSTAT=NEEDS-ACTION CN=Berg, Anna " {
		t.Errorf("parameters %s", got)
	}
	l.SetParam("PARTSTAT", "NEEDS-ACTION")
	if got := string(o.Encode()); got != before {
		t.Errorf("the same value again gives\n%s", got)
	}
	l.SetParam("PARTSTAT", "ACCEPTED")
	l.SetParam("DELEGATED-TO", "mailto:b@example.org")
	want := strings.Replace(before, "PartStat=NEEDS-ACTION", "PARTSTAT=ACCEPTED", 1)
	want = strings.Replace(want, "Anna\":mailto", "Anna\";DELEGATED-TO=\"mailto:b@exam\r\n ple.org\":mailto", 1)
	got := strings.ReplaceAll(string(o.Encode()), "\r\n ", "")
	if got != strings.ReplaceAll(want, "\r\n ", "") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	l.SetParam("DELEGATED-TO")
	l.SetParam("PARTSTAT")
	if got := names(); got != "X-A=b;c CN=Berg, Anna " {
		t.Errorf("parameters %s", got)
	}
}

func TestAPropertyMovesToAnotherGroup(t *testing.T) {
	o, err := Parse([]byte("BEGIN:VCARD\r\nitem1.Tel;HOME:+1\r\nEND:VCARD\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	o.Components("VCARD")[0].Get("TEL").SetGroup("item2")
	if got := string(o.Encode()); got != "BEGIN:VCARD\r\nitem2.Tel;HOME:+1\r\nEND:VCARD\r\n" {
		t.Errorf("got %s", got)
	}
}
