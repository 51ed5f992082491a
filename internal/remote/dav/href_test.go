package dav

import (
	"strings"
	"testing"
)

func TestEverySpellingOfAnAddressIsOneId(t *testing.T) {
	for _, c := range []struct{ base, href, path, host string }{
		{"/", "/a%40b/c%20d.ics", "/a@b/c%20d.ics", ""},
		{"/", "/a@b/c d.ics", "/a@b/c%20d.ics", ""},
		{"/", "/a%40b/%63%20d.ics", "/a@b/c%20d.ics", ""},
		{"/", "https://Host:8443/a@b/c%20d.ics", "/a@b/c%20d.ics", "Host:8443"},
		{"/", "https://host", "/", "host"},
		{"/x/y/", "z.ics", "/x/y/z.ics", ""},
		{"/x/y", "z.ics", "/x/z.ics", ""},
		{"/x/y/", "../z/./w/..", "/x/z/", ""},
		{"/x/", "../../../z", "/z", ""},
		{"/x/y/", "", "/x/y/", ""},
		{"/", "/gr%c3%b6%C3%9fe/", "/gr%C3%B6%C3%9Fe/", ""},
		{"/", "/grö/", "/gr%C3%B6/", ""},
		{"/", "/100%/50%zz", "/100%25/50%25zz", ""},
		{"/", "/a%2Fb/", "/a%2Fb/", ""},
		{"/", "/a?x=1#y", "/a", ""},
		{"/", "/a//b", "/a//b", ""},
		{"/", " /a\n", "/a", ""},
		{"/", "/a:b;c=d,e+f~(g)!", "/a:b;c=d,e+f~(g)!", ""},
		{"/", "/x/http://y", "/x/http://y", ""},
	} {
		path, host, err := canonical(c.base, c.href)
		if err != nil || path != c.path || host != c.host {
			t.Errorf("%q from %q: got %q at %q, %v; want %q", c.href, c.base, path, host, err, c.path)
		}
	}
	if _, _, err := canonical("/", strings.Repeat("a", maxHref+1)); err == nil {
		t.Error("an endless address was taken")
	}
}

func TestOnlyMembersAreWithin(t *testing.T) {
	for path, want := range map[string]bool{"/f/a.ics": true, "/f/": false, "/f/sub/": false, "/f/sub/a.ics": false, "/g/a.ics": false, "a.ics": false} {
		if within("/f/", path) != want {
			t.Errorf("%q: want %v", path, want)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add("/a%40b/c%20d.ics")
	f.Add("https://host/../x?y")
	f.Add("%%%2")
	f.Fuzz(func(t *testing.T, href string) {
		path, _, err := canonical("/base/", href)
		if err != nil {
			return
		}
		again, host, err := canonical("/other/", path)
		if len(path) <= maxHref && (err != nil || again != path || host != "") {
			t.Errorf("%q became %q and then %q (%q, %v)", href, path, again, host, err)
		}
	})
}
