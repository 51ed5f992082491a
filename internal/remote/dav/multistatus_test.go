package dav

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func decode(s string) (out []*answer, end ending, err error) {
	end, err = decodeMultistatus(&budget{r: strings.NewReader(s)}, func(a *answer) error { out = append(out, a); return nil })
	return out, end, err
}

// RFC 4918 9.1.3 and 9.6.2, RFC 6578 3.8, put together.
const example = `<?xml version="1.0" encoding="utf-8" ?>
<multistatus xmlns="DAV:" xmlns:R="http://ns.example.com/boxschema/">
<response><href>/file</href>
 <propstat><prop><R:bigbox><R:BoxType>Box type A</R:BoxType></R:bigbox><getetag>"1"</getetag></prop><status>HTTP/1.1 200 OK</status></propstat>
 <propstat><prop><R:DingALing/></prop><status>HTTP/1.1 403 Forbidden</status><responsedescription>no access to DingALing</responsedescription></propstat></response>
<response><href>/container/resource3</href><status>HTTP/1.1 423 Locked</status><error><lock-token-submitted/></error></response>
<response><href>/a</href><href>/b</href><status>HTTP/1.1 404 Not Found</status></response>
<responsedescription>all</responsedescription><sync-token>http://example.com/ns/sync/1238</sync-token></multistatus>`

func TestAMultistatusIsReadAsTheSpecificationsShowIt(t *testing.T) {
	a, end, err := decode(example)
	if err != nil || len(a) != 4 || end.syncToken != "http://example.com/ns/sync/1238" || end.resources != 3 {
		t.Fatalf("got %d answers, %+v, %v", len(a), end, err)
	}
	if a[0].href != "/file" || a[0].status != 0 || a[0].refused != 403 || a[0].words != "no access to DingALing" ||
		a[0].props.child(nsDAV, "getetag").words() != `"1"` || a[0].props.child("http://ns.example.com/boxschema/", "DingALing") != nil {
		t.Errorf("got %+v", a[0])
	}
	if a[1].status != 423 || a[1].err.child(nsDAV, "lock-token-submitted") == nil {
		t.Errorf("got %+v", a[1])
	}
	if a[2].href != "/a" || a[3].href != "/b" || a[3].status != 404 {
		t.Errorf("got %+v and %+v", a[2], a[3])
	}
}

func TestCharactersComeThroughAsMeant(t *testing.T) {
	a, _, err := decode("<?xml version='1.0' encoding='iso-8859-1'?><multistatus xmlns='DAV:'><response><href>/x</href><propstat><prop><displayname>Gr\xf6\xdfe &amp; <![CDATA[<Ma\xdf>]]>&#13;\n</displayname></prop><status>HTTP/1.1 200</status></propstat></response></multistatus>")
	if err != nil || string(a[0].props.child(nsDAV, "displayname").text) != "Größe & <Maß>\r\n" {
		t.Fatalf("got %+v, %v", a, err)
	}
}

func TestWhatIsNoMultistatusIsAnError(t *testing.T) {
	deep := strings.Repeat("<a>", maxDepth+1)
	for _, bad := range []string{"", "hello", "<html></html>", "<multistatus/>", "<multistatus xmlns='DAV:'>", "<multistatus xmlns='DAV:'><response><href>/x",
		"<multistatus xmlns='DAV:'><response>" + deep, "<multistatus xmlns='DAV:'><response>" + strings.Repeat("<a/>", maxNodes+1),
		`<!DOCTYPE x [<!ENTITY a "aaaa">]><multistatus xmlns='DAV:'><response>&a;</response></multistatus>`} {
		if a, _, err := decode(bad); err == nil {
			t.Errorf("%.80q became %v", bad, a)
		}
	}
}

// endless is an answer whose one item never ends.
type endless struct{ begun bool }

func (e *endless) Read(p []byte) (int, error) {
	if !e.begun {
		e.begun = true
		return copy(p, "<multistatus xmlns='DAV:'><response><href>"), nil
	}
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestOneItemHasABoundAndAListHasNot(t *testing.T) {
	if _, err := decodeMultistatus(&budget{r: &endless{}}, func(*answer) error { return nil }); !errors.Is(err, errTooBig) {
		t.Errorf("got %v", err)
	}
	b := &budget{r: strings.NewReader("<multistatus xmlns='DAV:'>" + strings.Repeat("<response><href>/x</href></response>", 3) + "</multistatus>")}
	n := 0
	if _, err := decodeMultistatus(b, func(*answer) error { n++; b.left = 1 << 10; return nil }); err != nil || n != 3 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestAnErrorOfTheReceiverEndsTheReading(t *testing.T) {
	mine := errors.New("enough")
	if _, err := decodeMultistatus(&budget{r: strings.NewReader(example)}, func(*answer) error { return mine }); err != mine {
		t.Errorf("got %v", err)
	}
}

func FuzzMultistatus(f *testing.F) {
	f.Add(example)
	f.Add("<multistatus xmlns='DAV:'><response><href>/x</href></response><sync-token>1</sync-token></multistatus>")
	f.Add("<D:error xmlns:D='DAV:'><D:valid-sync-token/><x><D:href>/a</D:href></x></D:error>")
	f.Fuzz(func(t *testing.T, s string) {
		a, _, err := decode(s)
		if err == nil {
			// What was read can be written and read again with the same meaning.
			var b strings.Builder
			for _, one := range a {
				fmt.Fprintf(&b, "<D:response><D:href>%s</D:href><D:status>HTTP/1.1 %d x</D:status></D:response>", text(one.href), max(one.status, 200))
			}
			again, _, err := decode("<D:multistatus xmlns:D='DAV:'>" + b.String() + "</D:multistatus>")
			if err != nil || len(again) != len(a) {
				t.Errorf("%d answers became %d: %v", len(a), len(again), err)
			}
		}
		if n := decodeError(strings.NewReader(s)); n != nil {
			r := &refusal{status: 403}
			if words := r.text(r.take(n)); len(words) > 2000 {
				t.Errorf("an error of %d bytes", len(words))
			}
		}
	})
}
