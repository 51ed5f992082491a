package mime

import (
	"strings"
	"testing"
)

// The names that mail uses, each with bytes of it written down by hand or by the charset's own encoder.
func TestCharsets(t *testing.T) {
	for name, c := range map[string]struct{ bytes, want string }{
		"utf-8":            {"\xc3\xa4\xe2\x82\xac", "ä€"},
		"UTF8":             {"\xc3\xa4", "ä"},
		"utf-16":           {"\xff\xfea\x00\xe4\x00", "aä"},
		"utf-16be":         {"\x00a\x00\xe4", "aä"},
		"utf-16le":         {"a\x00\xe4\x00", "aä"},
		"utf-7":            {"Hi Mom -+Jjo--!+AOQ", "Hi Mom -☺-!ä"}, // RFC 2152
		"us-ascii":         {"a\xe4", "aä"},
		"iso-8859-1":       {"\xe4\xdf", "äß"},
		"latin1":           {"\xe4", "ä"},
		"iso-8859-2":       {"\xb3\xf3d\xbc", "łódź"},
		"iso-8859-3":       {"\xe6", "ĉ"},
		"iso-8859-4":       {"\xbe", "ž"},
		"iso-8859-5":       {"\xbf", "П"},
		"iso-8859-6":       {"\xc7", "ا"},
		"iso-8859-7":       {"\xe1", "α"},
		"iso-8859-8":       {"\xe0", "א"},
		"iso-8859-8-i":     {"\xe0", "א"},
		"iso-8859-9":       {"\xfe", "ş"},
		"iso-8859-10":      {"\xbd", "―"},
		"iso-8859-13":      {"\xfe", "ž"},
		"iso-8859-14":      {"\xa1", "Ḃ"},
		"iso-8859-15":      {"\xa4", "€"},
		"iso-8859-16":      {"\xaa", "Ș"},
		"windows-1250":     {"\x9a", "š"},
		"cp1250":           {"\x9a", "š"},
		"windows-1251":     {"\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"},
		"windows-1252":     {"\x80\x93", "€“"},
		"windows-1253":     {"\xe1", "α"},
		"windows-1254":     {"\xfe", "ş"},
		"windows-1255":     {"\xe0", "א"},
		"windows-1256":     {"\xc7", "ا"},
		"windows-1257":     {"\xfe", "ž"},
		"windows-1258":     {"\xfe", "₫"},
		"windows-874":      {"\xa1", "ก"},
		"tis-620":          {"\xa1", "ก"},
		"koi8-r":           {"\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"},
		"koi8-u":           {"\xa4", "є"},
		"macintosh":        {"\x8a", "ä"},
		"ibm437":           {"\x84", "ä"},
		"cp850":            {"\x84", "ä"},
		"ibm852":           {"\x84", "ä"},
		"cp866":            {"\x8f", "П"},
		"iso-2022-jp":      {"\x1b$BF|K\\8l\x1b(B!", "日本語!"},
		"shift_jis":        {"\x93\xfa\x96\x7b\x8c\xea", "日本語"},
		"cp932":            {"\x93\xfa\x96\x7b\x8c\xea", "日本語"},
		"euc-jp":           {"\xc6\xfc\xcb\xdc\xb8\xec", "日本語"},
		"gb2312":           {"\xd6\xd0\xce\xc4", "中文"},
		"gbk":              {"\xd6\xd0\xce\xc4", "中文"},
		"cp936":            {"\xd6\xd0\xce\xc4", "中文"},
		"gb18030":          {"\xd6\xd0\xce\xc4\x81\x30\x84\x36", "中文\u00a5"},
		"hz-gb-2312":       {"~{VPND~}", "中文"},
		"big5":             {"\xa4\xa4\xa4\xe5", "中文"},
		"euc-kr":           {"\xc7\xd1\xb1\xdb", "한글"},
		"ks_c_5601-1987":   {"\xc7\xd1\xb1\xdb", "한글"},
		"iso-2022-kr":      {"\x1b$)C\x0eGQ1[\x0f!", "한글!"},
		"x-unknown":        {"caf\xe9", "café"},
		"no-such-charset":  {"caf\xc3\xa9", "café"},
		` "iso-8859-1" `:   {"\xe4", "ä"},
		"utf-8, but wrong": {"\xe4", "ä"},
	} {
		if got := strings.TrimPrefix(Decode(name, []byte(c.bytes)), "\ufeff"); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
