package company

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// contacts are vCards: colleagues in 4.0, others in 3.0 as an older program wrote them, with some photos; and groups.
func (w *world) contacts() []Resource {
	var out []Resource
	n := 0
	for _, p := range w.everybody {
		if p.Title == "" && p.Note == "" { // addresses of machines
			continue
		}
		if p.Organisation == firm {
			out = append(out, Resource{p.Key + ".vcf", w.card4(p, n)})
		} else {
			out = append(out, Resource{p.Key + ".vcf", w.card3(p, n)})
		}
		n++
	}
	group := func(uid, name, note string, keys ...string) {
		var b ics
		b.line("BEGIN:VCARD")
		b.line("VERSION:4.0")
		b.line("PRODID:-//Brambleford//Contacts 3.1//EN")
		b.line("UID:%s", uid)
		b.line("KIND:group")
		b.text("FN", name)
		b.text("NOTE", note)
		for _, k := range keys {
			b.line("MEMBER:%s", cardID(k))
		}
		b.line("REV:%s", w.base.UTC().Format(utc))
		b.line("END:VCARD")
		out = append(out, Resource{name + ".vcf", []byte(b.String())})
	}
	group("urn:uuid:6f9619ff-8b86-4011-b42d-00c04fc964f1", "Workshop", "Everybody with oil on their hands", "jonas", "wiktor", "owen", "ines")
	group("urn:uuid:6f9619ff-8b86-4011-b42d-00c04fc964f2", "Dealers", "Gets the price list", "petra", "claire", "kasia", "kenji", "layla", "dave", "marit")
	group("urn:uuid:6f9619ff-8b86-4011-b42d-00c04fc964f3", "Trade fair", "Stand C17", "mara", "tom", "hana", "ayesha", "sabine")
	return out
}

// cardID is a UID that is the same in every run.
func cardID(key string) string {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	return fmt.Sprintf("urn:uuid:%08x-%04x-4%03x-9%03x-%012x", uint32(h>>32), uint16(h>>16), uint16(h)&0xfff, uint16(h>>20)&0xfff, h&(1<<48-1))
}

// names splits a name into family and given names, as its script has it.
func names(p Person) (family, given string) {
	before, after, _ := strings.Cut(p.Name, " ")
	if p.Key == "kenji" {
		return before, after
	}
	return after, before
}

func (w *world) photo(n int) []byte {
	backs := []uint32{0xdfe9df, 0xe9e2d5, 0xd8e3ee, 0xeedfe3, 0xe6e6f2}
	skins := []uint32{0xf1c7a3, 0xc98f64, 0x8d5b3c, 0xe5b48a, 0xf4d3bb}
	hairs := []uint32{0x3a2a1d, 0x111111, 0x8a5a2b, 0xc9a36a, 0x777777}
	shirts := []uint32{0x2f6f4f, 0xc9772b, 0x33507a, 0x7a3350, 0x555555}
	return portrait(backs[n%5], skins[(n*3+1)%5], hairs[(n*2+3)%5], shirts[(n*4+2)%5])
}

func (w *world) card4(p Person, n int) []byte {
	family, given := names(p)
	var b ics
	b.line("BEGIN:VCARD")
	b.line("VERSION:4.0")
	b.line("PRODID:-//Brambleford//Contacts 3.1//EN")
	b.line("UID:%s", cardID(p.Key))
	b.line("KIND:individual")
	b.text("FN", p.Name)
	b.line("N:%s;%s;;;", family, given)
	b.line("EMAIL;TYPE=work;PREF=1:%s", p.Email)
	b.line("TEL;TYPE=\"work,voice\";VALUE=uri:tel:%s", strings.ReplaceAll(p.Phone, " ", "-"))
	b.text("ORG", p.Organisation)
	b.text("TITLE", p.Title)
	b.text("NOTE", p.Note)
	b.line("ADR;TYPE=work:;;Unit 4\\, The Old Mill;Brambleford;;BF1 4ZZ;England")
	b.line("CATEGORIES:Colleagues")
	if n%2 == 0 {
		b.line("PHOTO:data:image/png;base64,%s", base64.StdEncoding.EncodeToString(w.photo(n)))
	}
	if p.Key == "wiktor" {
		b.line("BDAY:%s", w.day(2).AddDate(-50, 0, 0).Format(dateOnly))
	}
	b.line("REV:%s", w.base.AddDate(0, 0, -n).UTC().Format(utc))
	b.line("END:VCARD")
	return []byte(b.String())
}

func (w *world) card3(p Person, n int) []byte {
	family, given := names(p)
	kind, categories := "WORK", "Customers"
	switch {
	case p.Organisation == "":
		kind, categories = "HOME", "Private"
	case strings.Contains("enzo grace fritz sam", p.Key):
		categories = "Suppliers"
	case strings.Contains("sabine greta", p.Key):
		categories = "Others"
	}
	var b ics
	b.line("BEGIN:VCARD")
	b.line("VERSION:3.0")
	b.line("PRODID:-//Older Address Book//EN")
	b.line("UID:%s", strings.TrimPrefix(cardID(p.Key), "urn:uuid:"))
	b.text("FN", p.Name)
	b.line("N:%s;%s;;;", family, given)
	b.line("EMAIL;TYPE=INTERNET,%s:%s", kind, p.Email)
	if p.Phone != "" {
		b.line("item1.TEL;TYPE=%s,VOICE:%s", kind, p.Phone)
		b.line("item1.X-ABLabel:main")
	}
	if p.Organisation != "" {
		b.line("ORG:%s;", strings.ReplaceAll(p.Organisation, ",", `\,`))
		b.text("TITLE", p.Title)
	}
	switch p.Key {
	case "petra":
		b.line("ADR;TYPE=WORK:;;Lindenhofstraße 14;Berlin;;13999;Deutschland")
		b.line("URL:https://radhaus-lindenhof.example/")
	case "kenji":
		b.line("X-PHONETIC-FIRST-NAME:けんじ")
		b.line("X-PHONETIC-LAST-NAME:もりた")
		b.line("NICKNAME:Morita-san")
	case "claire":
		b.line("ADR;TYPE=WORK:;;8 rue de la Manivelle;Lyon;;69999;France")
	case "elin":
		b.line("BDAY:1991-03-09")
		b.line("X-SPOUSE:Anders")
	}
	b.text("NOTE", p.Note)
	b.line("CATEGORIES:%s", categories)
	if n%3 == 0 {
		b.line("PHOTO;ENCODING=b;TYPE=PNG:%s", base64.StdEncoding.EncodeToString(w.photo(n)))
	}
	b.line("REV:%s", w.base.AddDate(0, 0, -n).UTC().Format("2006-01-02T15:04:05Z"))
	b.line("END:VCARD")
	return []byte(b.String())
}
