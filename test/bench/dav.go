package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"outpost/test/servers"
)

// davCollection is the loaded collection's name.
func davCollection(kind servers.Collection) string { return "bulk-" + string(kind) }

// event is a meeting as a calendar program writes it: one in five repeats, one in three has guests.
func event(r *rand.Rand, n int) servers.Resource {
	start := time.Date(2022, 1, 3, 8, 0, 0, 0, time.UTC).Add(time.Duration(r.IntN(3*365*24)) * time.Hour)
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("BEGIN:VCALENDAR")
	line("VERSION:2.0")
	line("PRODID:-//example//calendar//EN")
	line("BEGIN:VEVENT")
	line("UID:event-%d@north.example", n)
	line("DTSTAMP:%s", start.Format("20060102T150405Z"))
	line("DTSTART:%s", start.Format("20060102T150405Z"))
	line("DTEND:%s", start.Add(time.Hour).Format("20060102T150405Z"))
	line("SUMMARY:Meeting %d about subject %d", n, r.IntN(200))
	line("LOCATION:Room %d", r.IntN(30))
	line("DESCRIPTION:What we talk about: item %d\\, item %d\\nand what is left of last time.", r.IntN(1000), r.IntN(1000))
	if r.IntN(5) == 0 {
		line("RRULE:FREQ=WEEKLY;COUNT=%d", 2+r.IntN(50))
	}
	if r.IntN(3) == 0 {
		for range 1 + r.IntN(4) {
			line("COMMENT:With person %d", r.IntN(400))
		}
	}
	line("BEGIN:VALARM")
	line("ACTION:DISPLAY")
	line("DESCRIPTION:Reminder")
	line("TRIGGER:-PT15M")
	line("END:VALARM")
	line("END:VEVENT")
	line("END:VCALENDAR")
	return servers.Resource{Name: fmt.Sprintf("event-%d.ics", n), Body: []byte(b.String())}
}

// contact is a person with the usual fields.
func contact(r *rand.Rand, n int) servers.Resource {
	return servers.Resource{Name: fmt.Sprintf("contact-%d.vcf", n), Body: fmt.Appendf(nil, "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:contact-%d\r\n"+
		"FN:Person %[1]d Family%d\r\nN:Family%[2]d;Person %[1]d;;;\r\nORG:Company %d\r\nEMAIL;TYPE=WORK:person%[1]d@north.example\r\n"+
		"TEL;TYPE=CELL:+49 170 %07d\r\nADR;TYPE=HOME:;;Street %d;Town %d;;%05d;Germany\r\nNOTE:Met at event %d.\r\nEND:VCARD\r\n",
		n, r.IntN(2000), r.IntN(300), r.IntN(10_000_000), r.IntN(200), r.IntN(500), r.IntN(100_000), r.IntN(5000))}
}

// loadDAV makes an account with events and contacts, and has the server list them once.
func (b *bench) loadDAV(s *servers.Server) (servers.User, error) {
	start := time.Now()
	u, err := s.AddUser()
	if err != nil {
		return u, err
	}
	r := rand.New(rand.NewPCG(b.seed, 7))
	for kind, make := range map[servers.Collection]func(*rand.Rand, int) servers.Resource{servers.Calendar: event, servers.AddressBook: contact} {
		var resources []servers.Resource
		for n := range b.items {
			resources = append(resources, make(r, n))
		}
		if err := s.LoadCollection(u, kind, davCollection(kind), resources); err != nil {
			return u, err
		}
		listed, err := s.ListCollection(u, kind, davCollection(kind))
		if err == nil && len(listed) != b.items {
			err = fmt.Errorf("%s lists %d of %d resources", s.Kind, len(listed), b.items)
		}
		if err != nil {
			return u, err
		}
	}
	b.say("%s: loaded %d events and %d contacts in %.1f s", s.Kind, b.items, b.items, time.Since(start).Seconds())
	return u, nil
}

// dav measures the first sync of calendars and contacts and passes with nothing to do.
func (b *bench) dav(s *servers.Server, u servers.User) error {
	t := newTable("dav-"+strings.ToLower(string(s.Kind)), fmt.Sprintf("Calendars and contacts, %s, %d events and %d contacts", s.Kind, b.items, b.items))
	var first, firstPeer, quiet, quietPeer []cost
	for round := range b.rounds {
		dir, err := b.fresh(fmt.Sprintf("dav-%s-%d", s.Kind, round))
		if err != nil {
			return err
		}
		v, err := newVdirsyncer(filepath.Join(dir, "vdirsyncer"), s, u)
		if err != nil {
			return err
		}
		if _, err := measure(s, v.discover()); err != nil {
			return err
		}
		for _, kind := range []servers.Collection{servers.Calendar, servers.AddressBook} { // warms the cache
			if _, err := s.ListCollection(u, kind, davCollection(kind)); err != nil {
				return err
			}
		}
		var o *outpost
		if b.binary != "" {
			b.say("%s: outpost, calendars and contacts (round %d)", s.Kind, round+1)
			if o, err = newOutpost(b.binary, filepath.Join(dir, "outpost"), s, u); err != nil {
				return err
			}
			services := []string{"--caldav", s.CalDAV, "--carddav", s.CardDAV}
			f, err := o.first("", false, services...)
			if err != nil {
				return err
			}
			if f.result.Downloaded < 2*b.items {
				return fmt.Errorf("outpost downloaded %d of %d items", f.result.Downloaded, 2*b.items)
			}
			first = append(first, f.all)
		}
		b.say("%s: vdirsyncer (round %d)", s.Kind, round+1)
		c, err := measure(s, v.sync())
		if err != nil {
			return err
		}
		firstPeer = append(firstPeer, c)
		n, err := countFiles(v.dir, "*/bulk-*/*")
		if err == nil && n != 2*b.items {
			err = fmt.Errorf("vdirsyncer has %d of %d items", n, 2*b.items)
		}
		if err != nil {
			return err
		}
		ours, theirs, err := b.quietPasses(s, o, v.sync)
		if err != nil {
			return err
		}
		quiet, quietPeer = append(quiet, ours...), append(quietPeer, theirs...)
	}
	b.compare(t, "first sync", first, firstPeer, "vdirsyncer")
	b.compare(t, "nothing to do", quiet, quietPeer, "vdirsyncer")
	t.note("%d round(s) with %d passes each, interleaved, the median.", b.rounds, b.passes)
	return b.done(t)
}
