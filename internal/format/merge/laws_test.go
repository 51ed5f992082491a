package merge

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"outpost/internal/format/contentline"
	gw "outpost/internal/groupware"
	"pgregory.net/rapid"
)

// facts is what an item says, fact by fact: "" is not there. A fact with "/" in its name is one of a set.
type facts map[string]string

// kind of item for the laws: which facts it may have, and how they are written and read.
type kind struct {
	media  gw.Media
	values map[string][]string
	write  func(facts, *style) []byte
}

// style is how a program likes to write: order, case, folding, line ends.
type style struct {
	t     *rapid.T
	plain bool
	mail  bool // lines fold only where there is a space
	lines []string
}

func (s *style) line(l string) { s.lines = append(s.lines, s.dress(l)) }

// dress writes a property another way that means the same.
func (s *style) dress(l string) string {
	if s.plain {
		return l + "\r\n"
	}
	name, rest := l[:strings.IndexAny(l, ":;")], l[strings.IndexAny(l, ":;"):]
	switch rapid.IntRange(0, 3).Draw(s.t, "case") {
	case 1:
		name = strings.ToLower(name)
	case 2:
		name = name[:1] + strings.ToLower(name[1:])
	}
	l = name + rest
	if s.mail {
		return l + "\r\n"
	}
	if at := rapid.IntRange(1, len(l)).Draw(s.t, "fold"); at < len(l) {
		l = l[:at] + "\r\n " + l[at:]
	}
	return l + "\r\n"
}

// shuffled gives the lines in some order.
func (s *style) shuffled() string {
	lines := s.lines
	s.lines = nil
	if !s.plain && len(lines) > 1 {
		lines = rapid.Permutation(lines).Draw(s.t, "order")
	}
	return strings.Join(lines, "")
}

var eventKind = kind{
	media: gw.MediaCalendar,
	values: map[string][]string{
		"SUMMARY": {"Team", "Guild", "a\\, b"}, "LOCATION": {"", "Room 1", "Room 2"}, "DESCRIPTION": {"", "x", "y"}, "DTEND": {"20260302T100000Z", "20260302T110000Z"},
		"X-TINT": {"", "red", "blue"}, "PRIORITY": {"", "1", "5"}, "CATEGORIES/Work": {"", "yes"}, "CATEGORIES/Home\\, sweet": {"", "yes"}, "COMMENT/hm": {"", "yes"},
		"ATTENDEE/ben": {"", "TENTATIVE", "ACCEPTED", "DECLINED"}, "ATTENDEE/eve": {"", "ACCEPTED"}, "ALARM/a": {"", "-PT5M", "-PT10M"}, "ALARM/b": {"", "-PT5M"},
		"OCCURRENCE/20260309": {"", "Team", "Guild", "Other"}, "OCCURRENCE/20260316": {"", "Team", "Guild"}, "EXDATE/20260323T090000Z": {"", "yes"}, "EXDATE/20260330T090000Z": {"", "yes"},
	},
	write: func(f facts, s *style) []byte {
		s.line("UID:u")
		s.line("DTSTART:20260302T090000Z")
		s.line("RRULE:FREQ=WEEKLY")
		lists := map[string][]string{}
		var inside string
		for _, k := range slices.Sorted(maps.Keys(f)) {
			v := f[k]
			name, which, isSet := strings.Cut(k, "/")
			switch {
			case v == "":
			case !isSet:
				s.line(name + ":" + v)
			case name == "CATEGORIES", name == "EXDATE":
				lists[name] = append(lists[name], which)
			case name == "COMMENT":
				s.line(name + ":" + which)
			case name == "ATTENDEE":
				s.line("ATTENDEE;CN=" + which + ";PARTSTAT=" + v + ":mailto:" + which + "@example.org")
			case name == "ALARM":
				inside += "BEGIN:VALARM\r\n" + "UID:" + which + "\r\nACTION:AUDIO\r\nTRIGGER:" + v + "\r\nEND:VALARM\r\n"
			}
		}
		for _, name := range slices.Sorted(maps.Keys(lists)) {
			s.line(name + ":" + strings.Join(lists[name], ","))
		}
		out := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\n" + s.shuffled() + inside + "END:VEVENT\r\n"
		for _, k := range slices.Sorted(maps.Keys(f)) {
			if day, ok := strings.CutPrefix(k, "OCCURRENCE/"); ok && f[k] != "" {
				s.line("UID:u")
				s.line("RECURRENCE-ID:" + day + "T090000Z")
				s.line("DTSTART:" + day + "T090000Z")
				s.line("SUMMARY:" + f[k])
				out += "BEGIN:VEVENT\r\n" + s.shuffled() + "END:VEVENT\r\n"
			}
		}
		return []byte(out + "END:VCALENDAR\r\n")
	},
}

var cardKind = kind{
	media: gw.MediaVCard,
	values: map[string][]string{
		"FN": {"Anna", "Anna B."}, "NOTE": {"", "tea", "coffee"}, "ORG": {"", "A;B", "C"}, "X-ZODIAC": {"", "Lion", "Ram"},
		"TEL/HOME": {"", "+1", "+2"}, "TEL/WORK": {"", "+3", "+4"}, "EMAIL/HOME": {"", "a@example.org", "b@example.org"},
		"CATEGORIES/Work": {"", "yes"}, "CATEGORIES/Home": {"", "yes"}, "item1.TEL": {"", "+5", "+6"}, "MEMBER/urn:uuid:1": {"", "yes"}, "MEMBER/urn:uuid:2": {"", "yes"},
	},
	write: func(f facts, s *style) []byte {
		s.line("UID:u")
		var list []string
		for _, k := range slices.Sorted(maps.Keys(f)) {
			v := f[k]
			name, which, isSet := strings.Cut(k, "/")
			switch {
			case v == "":
			case name == "CATEGORIES":
				list = append(list, which)
			case name == "MEMBER":
				s.line("MEMBER:" + which)
			case isSet:
				s.line(name + ";TYPE=" + which + ":" + v)
			default:
				s.line(name + ":" + v)
			}
		}
		if list != nil {
			s.line("CATEGORIES:" + strings.Join(list, ","))
		}
		return []byte("BEGIN:VCARD\r\nVERSION:4.0\r\n" + s.shuffled() + "END:VCARD\r\n")
	},
}

var mailKind = kind{
	media: gw.MediaMessage,
	values: map[string][]string{
		"Subject": {"Hi", "Hello"}, "To": {"", "a@example.org", "b@example.org"}, "X-Tint": {"", "red", "blue"}, "TEXT": {"one", "two", "three"},
		"FILE/a": {"", "yes"}, "FILE/b": {"", "yes"},
	},
	write: func(f facts, s *style) []byte {
		s.mail = true
		for _, k := range []string{"Subject", "To", "X-Tint"} {
			if f[k] != "" {
				s.line(k + ": " + f[k])
			}
		}
		out := "From: x@example.org\r\n" + s.shuffled()
		if f["FILE/a"] == "" && f["FILE/b"] == "" {
			return []byte(out + "Content-Type: text/plain\r\n\r\n" + f["TEXT"] + "\r\n")
		}
		boundary := "b"
		if !s.plain {
			boundary = rapid.SampledFrom([]string{"b", "c"}).Draw(s.t, "boundary")
		}
		out += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\nContent-Type: text/plain\r\n\r\n" + f["TEXT"]
		for _, x := range []string{"a", "b"} {
			if f["FILE/"+x] != "" {
				out += "\r\n--" + boundary + "\r\nContent-Type: application/x-y; name=" + x + "\r\n\r\n" + x
			}
		}
		return []byte(out + "\r\n--" + boundary + "--\r\n")
	},
}

func (k kind) draw(t *rapid.T, label string) facts {
	f := facts{}
	for _, name := range slices.Sorted(maps.Keys(k.values)) {
		f[name] = rapid.SampledFrom(k.values[name]).Draw(t, label+" "+name)
	}
	return f
}

// edited changes a few facts.
func (k kind) edited(t *rapid.T, f facts, label string) facts {
	out := maps.Clone(f)
	names := slices.Sorted(maps.Keys(k.values))
	for range rapid.IntRange(0, 4).Draw(t, label+" edits") {
		name := rapid.SampledFrom(names).Draw(t, label+" name")
		out[name] = rapid.SampledFrom(k.values[name]).Draw(t, label+" value")
	}
	return out
}

// expected merges facts; ok is false when both sides changed one differently.
func expected(b, l, r facts) (out facts, ok bool) {
	out, ok = facts{}, true
	for k := range b {
		base := b[k]
		if strings.HasPrefix(k, "OCCURRENCE/") && base == "" && l[k] != "" && r[k] != "" {
			base = b["SUMMARY"] // what it is by the rule
		}
		switch {
		case l[k] == r[k], base == l[k]:
			out[k] = r[k]
		case base == r[k]:
			out[k] = l[k]
		default:
			ok = false
		}
	}
	return out, ok
}

func forKinds(t *testing.T, law func(t *rapid.T, k kind)) {
	for name, k := range map[string]kind{"event": eventKind, "contact": cardKind, "draft": mailKind} {
		t.Run(name, func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { law(t, k) }) })
	}
}

// Whatever both sides did, the result has each fact as the side has it that changed it, or names the clash; whichever side is
// which, and however the versions are written.
func TestEveryFactIsAsTheSideHasItThatChangedIt(t *testing.T) {
	forKinds(t, func(t *rapid.T, k kind) {
		b := k.draw(t, "base")
		l, r := k.edited(t, b, "local"), k.edited(t, b, "remote")
		base, local, remote := k.write(b, &style{t: t, plain: true}), k.write(l, &style{t: t}), k.write(r, &style{t: t})
		want, ok := expected(b, l, r)
		for _, name := range []string{"TEL/HOME", "TEL/WORK", "EMAIL/HOME", "item1.TEL"} {
			if b[name] == "" && l[name] != r[name] && l[name] != "" && r[name] != "" {
				return // two new ones are two: a test of their own
			}
		}
		got, clashes := Merge(k.media, base, local, remote)
		if (len(clashes) == 0) != ok || (got != nil) != ok {
			t.Fatalf("clashes %+v, expected %v\nbase\n%s\nlocal\n%s\nremote\n%s", clashes, !ok, base, local, remote)
		}
		other, others := Merge(k.media, base, remote, local)
		if turned(clashes) != turned(mirror(others)) {
			t.Fatalf("one way %+v\nthe other %+v", clashes, others)
		}
		if !ok {
			for _, d := range clashes {
				if !d.Clash || d.Local == d.Remote || d.Where == "" || d.Property == "" || d.Name == "" {
					t.Fatalf("%+v", d)
				}
			}
			return
		}
		for _, m := range [][]byte{got, other} {
			if d := Compare(k.media, nil, k.write(want, &style{t: t, plain: true}), m); len(d) > 0 {
				t.Fatalf("differs from what was expected in %+v\n%s", d, m)
			}
		}
	})
}

func mirror(list []Difference) []Difference {
	out := slices.Clone(list)
	for i := range out {
		out[i].Local, out[i].Remote = out[i].Remote, out[i].Local
	}
	return out
}

func turned(list []Difference) string {
	var lines []string
	for _, d := range list {
		lines = append(lines, fmt.Sprintf("%+v", d))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// What the local side did not change is byte for byte as the remote side has it, even where the local side is written otherwise.
func TestWhatTheLocalSideDidNotChangeStaysByteForByte(t *testing.T) {
	forKinds(t, func(t *rapid.T, k kind) {
		b := k.draw(t, "base")
		r := k.edited(t, b, "remote")
		base, local, remote := k.write(b, &style{t: t, plain: true}), k.write(b, &style{t: t}), k.write(r, &style{t: t})
		if bytes.Equal(base, remote) {
			return // then the local bytes are taken as they are
		}
		if got, clashes := Merge(k.media, base, local, remote); !bytes.Equal(got, remote) {
			t.Fatalf("%+v\n%s\nis not\n%s", clashes, got, remote)
		}
		if got, clashes := Merge(k.media, base, k.write(r, &style{t: t}), remote); !bytes.Equal(got, remote) {
			t.Fatalf("both the same: %+v\n%s\nis not\n%s", clashes, got, remote)
		}
	})
}

// Of one changed fact only its own lines are others than before.
func TestOneChangedFactTouchesNoOtherLine(t *testing.T) {
	forKinds(t, func(t *rapid.T, k kind) {
		b := k.draw(t, "base")
		l := maps.Clone(b)
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(k.values))).Draw(t, "name")
		l[name] = rapid.SampledFrom(k.values[name]).Draw(t, "value")
		if k.media == gw.MediaMessage && (name == "TEXT" || strings.HasPrefix(name, "FILE/")) {
			return // a body is rewritten when attachments come or go
		}
		base, local, remote := k.write(b, &style{t: t, plain: true}), k.write(l, &style{t: t, plain: true}), k.write(b, &style{t: t})
		got, _ := Merge(k.media, base, local, remote)
		before, after := physical(remote), physical(got)
		own, _, _ := strings.Cut(name, "/")
		for x, n := range before {
			if after[x] < n && !strings.Contains(strings.ToUpper(strings.ReplaceAll(x, fold, "")), strings.ToUpper(own)) && own != "ALARM" && own != "OCCURRENCE" {
				t.Fatalf("%s changed and with it %q\n%s\nis now\n%s", name, x, remote, got)
			}
		}
	})
}

// fold stands for the line ends inside a property.
const fold = "\x00"

// physical counts the content lines of a file, each with its folds.
func physical(raw []byte) map[string]int {
	out := map[string]int{}
	for _, l := range strings.Split(strings.ReplaceAll(string(raw), "\r\n ", fold), "\r\n") {
		out[l]++
	}
	return out
}

// A side by side list has what Merge finds, and marks the same clashes.
func TestCompareListsWhatMergeFinds(t *testing.T) {
	forKinds(t, func(t *rapid.T, k kind) {
		b := k.draw(t, "base")
		l, r := k.edited(t, b, "local"), k.edited(t, b, "remote")
		base, local, remote := k.write(b, &style{t: t}), k.write(l, &style{t: t}), k.write(r, &style{t: t})
		_, clashes := Merge(k.media, base, local, remote)
		list := Compare(k.media, base, local, remote)
		if (len(list) == 0) != maps.Equal(l, r) {
			t.Fatalf("%v and %v differ in %+v", l, r, list)
		}
		var marked []Difference
		for _, d := range list {
			if d.Clash {
				marked = append(marked, d)
			}
		}
		if turned(marked) != turned(clashes) {
			t.Fatalf("marked %+v, clashes %+v", marked, clashes)
		}
	})
}

func FuzzMerge(f *testing.F) {
	f.Add(uint8(0), crlf(meeting), []byte(strings.Replace(meeting, "Room 1", "Room 2", 1)), crlf(weekly))
	f.Add(uint8(0), crlf(weekly), []byte(strings.Replace(weekly, "Team", "Guild", 1)), []byte(strings.Replace(weekly, "20260309", "20260323", 1)))
	f.Add(uint8(1), crlf(card), []byte(strings.Replace(card, "tea", "milk", 1)), []byte(strings.Replace(card, "item1", "item2", -1)))
	f.Add(uint8(2), crlf(draftMail), crlf(withFiles("Hello", "one")), crlf(withFiles("Hi", "two", "three")))
	f.Fuzz(func(t *testing.T, which uint8, base, local, remote []byte) {
		media := []gw.Media{gw.MediaCalendar, gw.MediaVCard, gw.MediaMessage}[which%3]
		check := func(base, local, remote []byte) {
			merged, list := merge(media, base, local, remote)
			for _, d := range list {
				for _, s := range []string{d.Base, d.Local, d.Remote, d.Property} {
					if len(s) > maxShown {
						t.Fatalf("%d bytes to show", len(s))
					}
				}
			}
			if len(list) > maxDifferences {
				t.Fatalf("%d differences", len(list))
			}
			if merged != nil && media != gw.MediaMessage {
				if _, err := contentline.Parse(merged); err != nil {
					t.Fatalf("the result cannot be read: %v\n%q", err, merged)
				}
			}
		}
		check(base, local, remote)
		check(nil, local, remote)
		check(base, remote, local)
		if merged, list := merge(media, base, base, remote); merged != nil && !bytes.Equal(merged, remote) {
			t.Fatalf("nothing changed here, and %+v\n%q\nbecomes\n%q", list, remote, merged)
		}
		if merged, list := merge(media, base, remote, remote); merged != nil && !bytes.Equal(merged, remote) {
			t.Fatalf("both alike, and %+v\n%q\nbecomes\n%q", list, remote, merged)
		}
		if merged, list := merge(media, base, local, base); merged != nil {
			if d := Compare(media, nil, local, merged); len(d) > 0 && !slices.ContainsFunc(list, func(d Difference) bool { return d.Clash || d.Name == "VERSION" }) {
				t.Fatalf("only the local side changed %q to\n%q\nand it becomes\n%q\n%+v", base, local, merged, d)
			}
		}
	})
}
