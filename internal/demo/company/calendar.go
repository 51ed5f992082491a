package company

import (
	"fmt"
	"strings"
	"time"
)

// day returns midnight n working days from today, before it when n is negative.
func (w *world) day(n int) time.Time { return workday(w.today, -n) }

// clock sets the time of day, "14:30", in a zone.
func clock(day time.Time, hm string, loc *time.Location) time.Time {
	var h, m int
	fmt.Sscanf(hm, "%d:%d", &h, &m) // written below
	return time.Date(day.Year(), day.Month(), day.Day(), h, m, 0, 0, loc)
}

// weekdayOf returns that weekday n weeks from this week.
func (w *world) weekdayOf(d time.Weekday, weeks int) time.Time {
	return w.today.AddDate(0, 0, int(d)-int(w.today.Weekday())+7*weeks)
}

func (w *world) zoned(name string) *time.Location {
	if loc, err := time.LoadLocation(name); err == nil {
		return loc
	}
	return w.loc
}

func (w *world) invited(answer string, keys ...string) []attendee {
	var out []attendee
	for _, k := range keys {
		out = append(out, attendee{w.people[k], answer})
	}
	return out
}

func resources(events []event) []Resource {
	var out []Resource
	for _, e := range events {
		name, _, _ := strings.Cut(e.uid, "@")
		out = append(out, Resource{name + ".ics", e.object()})
	}
	return out
}

// calendar is the person's own.
func (w *world) calendar() []Resource {
	mara := w.people["mara"]
	at := func(n int, hm string) time.Time { return clock(w.day(n), hm, w.loc) }
	stamp := w.base.AddDate(0, 0, -30)
	oneToOne := clock(w.weekdayOf(time.Tuesday, -10), "16:00", w.loc)
	german := clock(w.weekdayOf(time.Wednesday, -12), "08:00", w.loc)
	tokyo := clock(w.weekdayOf(time.Thursday, -8), "17:30", w.zoned("Asia/Tokyo"))
	berlin := w.zoned("Europe/Berlin")
	lastDay := time.Date(w.today.Year(), w.today.Month()-4, 0, 0, 0, 0, 0, w.loc)
	for weekend(lastDay) {
		lastDay = lastDay.AddDate(0, 0, -1)
	}
	events := []event{
		{uid: "one-to-one-tom", summary: "Tom and Mara: one to one", start: oneToOne, length: 45 * time.Minute, location: "Tom's office, or the bench by the mill race",
			rule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", organizer: w.people["tom"], attendees: w.invited("ACCEPTED", "mara"), alarm: 10},
		{uid: "german-lesson", summary: "German lesson", start: german, length: 50 * time.Minute, description: "Frau Kessel. Homework: the subjunctive of \"to deliver\".",
			rule: "FREQ=WEEKLY;BYDAY=WE;COUNT=30", without: []time.Time{clock(w.weekdayOf(time.Wednesday, -3), "08:00", w.loc)}, categories: "Private"},
		{uid: "midori-call", summary: "緑自転車商会 — monthly call with Mr Morita", start: tokyo, length: 30 * time.Minute, location: "Telephone",
			description: "17:30 in Tokyo, which is breakfast here. Bring the allocation list.", rule: "FREQ=WEEKLY;INTERVAL=4;BYDAY=TH",
			organizer: mara, attendees: w.invited("ACCEPTED", "kenji"), alarm: 15, categories: "Customers"},
		{uid: "month-end", summary: "Month end: invoices out, stock counted", start: clock(lastDay, "15:00", w.loc), length: 2 * time.Hour, rule: "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
			organizer: w.people["priya"], attendees: w.invited("ACCEPTED", "mara", "owen"), categories: "Accounts"},
		{uid: "lindenhof-visit", summary: "Petra Hollenbeck visits: walk the workshop, sample in moss green", start: at(3, "10:00"), length: 3 * time.Hour,
			location: "Workshop, then lunch at the Weir", description: "Allergic to nuts. Wants to see the paint booth.", organizer: mara,
			attendees: append(w.invited("ACCEPTED", "petra", "jonas"), w.invited("TENTATIVE", "tom")...), alarm: 60, categories: "Customers"},
		{uid: "noor-interview", summary: "Second interview: Noor El-Amin", start: at(1, "14:00"), length: 90 * time.Minute, location: "Meeting room, then an hour at the bench",
			organizer: mara, attendees: append(w.invited("ACCEPTED", "wiktor"), w.invited("NEEDS-ACTION", "jonas")...), alarm: 15, categories: "Hiring"},
		{uid: "saltmarsh-handover", summary: "Handover of ten school bikes", start: at(6, "13:30"), length: time.Hour, location: "Saltmarsh Primary School, by the boat shed",
			description: "Bring: helmets, the small pump, the big cake.", organizer: mara, attendees: w.invited("ACCEPTED", "ruth", "owen"), categories: "Customers"},
		{uid: "fair-flight-out", summary: "Train to Cologne", start: clock(w.day(14), "07:04", w.loc), length: 6*time.Hour + 20*time.Minute, description: "Seats 41 and 42, coach 9. Change in Brussels, 25 minutes.", alarm: 120, categories: "Trade fair"},
		{uid: "fair-build-up", summary: "Stand build-up, hall 4", start: clock(w.day(15), "09:00", berlin), length: 8 * time.Hour, location: "Messe, hall 4, stand C17", organizer: w.people["hana"],
			attendees: w.invited("ACCEPTED", "mara", "tom"), categories: "Trade fair"},
		{uid: "fair-days", summary: "Rhein-Velo-Tage", start: w.day(16), days: 3, location: "Hall 4, stand C17", transparent: "OPAQUE", categories: "Trade fair"},
		{uid: "fair-dinner", summary: "Dinner with the Bellandi people", start: clock(w.day(16), "19:30", berlin), length: 150 * time.Minute, location: "Zum Goldenen Speichenrad", organizer: w.people["enzo"],
			attendees: w.invited("TENTATIVE", "mara", "ayesha"), categories: "Trade fair"},
		{uid: "sunhold-call", summary: "Sunhold: hub delivery, what now", start: clock(w.day(1), "16:00", w.zoned("Asia/Taipei")), length: 30 * time.Minute, organizer: w.people["grace"],
			attendees: w.invited("ACCEPTED", "mara", "ayesha"), location: "Video", alarm: 5, categories: "Suppliers"},
		{uid: "dentist", summary: "Dentist", start: at(4, "08:20"), length: 40 * time.Minute, location: "12 Fuller Street", alarm: 60, categories: "Private"},
		{uid: "elin-visit", summary: "Elin is here", start: w.weekdayOf(time.Saturday, 0), days: 2, transparent: "TRANSPARENT", categories: "Private", description: "Train gets in at 11:52. She wants to ride the Heath."},
		{uid: "cake", summary: "Cake for Wiktor (do not tell Wiktor)", start: at(2, "15:00"), length: 30 * time.Minute, location: "Canteen", organizer: w.people["hana"],
			attendees: w.invited("ACCEPTED", "mara", "jonas", "owen", "luke"), categories: "Private"},
		{uid: "lease-talk", summary: "Millrace Estates: lease of unit 5", start: at(-4, "11:00"), length: time.Hour, location: "Their office", organizer: w.people["greta"], attendees: w.invited("ACCEPTED", "mara", "tom"),
			description: "They want five years; we want three and the loading ramp."},
		{uid: "paint-trial", summary: "Paint trial with Ammann", start: at(-9, "09:30"), length: 4 * time.Hour, location: "Paint booth", organizer: w.people["jonas"], attendees: w.invited("ACCEPTED", "mara", "fritz", "ayesha"), categories: "Suppliers"},
		{uid: "cancelled-webinar", summary: "Webinar: customs forms made easy", start: at(5, "12:00"), length: time.Hour, status: "CANCELLED", transparent: "TRANSPARENT"},
		{uid: "quarter-plan", summary: "Plan next quarter", start: at(8, "09:00"), length: 3 * time.Hour, description: "No mail, no telephone. Coffee.", categories: "Focus"},
		{uid: "fontanel-lyon", summary: "Claire Fontanel: déjeuner de travail", start: clock(w.day(10), "12:30", w.zoned("Europe/Berlin")), length: 2 * time.Hour, location: "Lyon, derrière la gare", organizer: w.people["claire"], attendees: w.invited("NEEDS-ACTION", "mara")},
	}
	for i := range events {
		events[i].uid += "@" + domain
		events[i].stamp = stamp
	}
	// The fortnightly meeting was moved once, and the next call with Tokyo begins later.
	moved := oneToOne.AddDate(0, 0, 14*4)
	events[0].changed = []event{{uid: events[0].uid, stamp: stamp, recurrence: moved, start: moved.AddDate(0, 0, 2), length: time.Hour, sequence: 1,
		summary: "Tom and Mara: one to one (moved: Tom is at the dentist's)", organizer: w.people["tom"], attendees: w.invited("ACCEPTED", "mara")}}
	call := tokyo.AddDate(0, 0, 7*8)
	events[2].changed = []event{{uid: events[2].uid, stamp: stamp, recurrence: call, start: call.Add(30 * time.Minute), length: 45 * time.Minute, sequence: 1,
		summary: "緑自転車商会 — call with Mr Morita, spring allocation", location: "Video", organizer: mara, attendees: w.invited("ACCEPTED", "kenji", "ines")}}
	return resources(events)
}

// team is the calendar that everybody fills.
func (w *world) team() []Resource {
	stand := clock(w.weekdayOf(time.Monday, -14), "08:45", w.loc)
	review := clock(w.weekdayOf(time.Friday, -14), "14:00", w.loc)
	first := time.Date(w.today.Year(), w.today.Month()-4, 1, 0, 0, 0, 0, w.loc)
	for first.Weekday() != time.Thursday {
		first = first.AddDate(0, 0, 1)
	}
	year := w.today.Year()
	allHands := []attendee{}
	for _, p := range w.everybody {
		if p.Organisation == firm {
			allHands = append(allHands, attendee{p, "ACCEPTED"})
		}
	}
	events := []event{
		{uid: "stand-up", summary: "Monday stand-up", start: stand, length: 20 * time.Minute, location: "By the wheel-truing stands", rule: "FREQ=WEEKLY;BYDAY=MO", organizer: w.people["tom"], attendees: allHands,
			without: []time.Time{clock(w.weekdayOf(time.Monday, -5), "08:45", w.loc)}, alarm: 5},
		{uid: "frame-review", summary: "Frame review", start: review, length: time.Hour, location: "Bench 2", rule: "FREQ=WEEKLY;BYDAY=FR", organizer: w.people["ines"], attendees: w.invited("ACCEPTED", "wiktor", "jonas", "mara")},
		{uid: "all-hands", summary: "First Thursday: all hands, with soup", start: clock(first, "12:15", w.loc), length: 75 * time.Minute, location: "Canteen", rule: "FREQ=MONTHLY;BYDAY=1TH", organizer: w.people["tom"], attendees: allHands},
		{uid: "stocktake", summary: "Stocktake, warehouse closed", start: w.day(11), days: 2, organizer: w.people["owen"]},
		{uid: "booth-maintenance", summary: "Paint booth: filters changed, no painting", start: w.day(7), days: 1, organizer: w.people["jonas"]},
		{uid: "ines-lisbon", summary: "Inês in Lisbon", start: w.weekdayOf(time.Monday, -8), days: 1, rule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", transparent: "TRANSPARENT"},
		{uid: "wiktor-holiday", summary: "Wiktor on holiday", start: w.weekdayOf(time.Monday, 5), days: 12, transparent: "TRANSPARENT", categories: "Holiday"},
		{uid: "priya-course", summary: "Priya: payroll course", start: clock(w.day(9), "09:00", w.loc), length: 7 * time.Hour, transparent: "TRANSPARENT"},
		{uid: "fire-drill", summary: "Fire drill (act surprised)", start: clock(w.day(5), "10:30", w.loc), length: 20 * time.Minute, organizer: w.people["owen"], attendees: allHands},
		{uid: "photo-day", summary: "Photographer: the new Fen, three colours", start: clock(w.day(6), "09:00", w.loc), length: 5 * time.Hour, location: "Loading bay, north light", organizer: w.people["hana"], attendees: w.invited("ACCEPTED", "ines", "luke")},
		{uid: "shop-down", summary: "Web shop maintenance, 06:00 to 07:00", start: clock(w.day(4), "06:00", w.loc), length: time.Hour, organizer: w.people["luke"]},
		{uid: "holiday-new-year", summary: "New Year's Day", start: time.Date(year, 1, 1, 0, 0, 0, 0, w.loc), days: 1, rule: "FREQ=YEARLY", transparent: "TRANSPARENT", categories: "Holiday"},
		{uid: "holiday-may", summary: "May holiday", start: time.Date(year, 5, 1, 0, 0, 0, 0, w.loc), days: 1, rule: "FREQ=YEARLY;BYMONTH=5;BYDAY=1MO", transparent: "TRANSPARENT", categories: "Holiday"},
		{uid: "holiday-christmas", summary: "Christmas, closed", start: time.Date(year, 12, 25, 0, 0, 0, 0, w.loc), days: 2, rule: "FREQ=YEARLY", transparent: "TRANSPARENT", categories: "Holiday"},
		{uid: "founders-day", summary: "Founders' day: twelve years of Brambleford", start: w.day(18), days: 1, rule: "FREQ=YEARLY", description: "Tom makes the speech about the shed again."},
	}
	// 1 May is only sometimes a Monday: the first occurrence must be one.
	for events[12].start.Weekday() != time.Monday {
		events[12].start = events[12].start.AddDate(0, 0, 1)
	}
	for i := range events {
		events[i].uid += "@team." + domain
		events[i].stamp = w.base.AddDate(0, 0, -40)
	}
	// One stand-up was called off by name, and this Friday's review is earlier because of the photographs.
	off := clock(w.weekdayOf(time.Monday, 3), "08:45", w.loc)
	early := clock(w.weekdayOf(time.Friday, 1), "14:00", w.loc)
	events[0].changed = []event{{uid: events[0].uid, stamp: w.base, recurrence: off, start: off, length: 20 * time.Minute, status: "CANCELLED", summary: "Monday stand-up (everybody is at the fair)", organizer: w.people["tom"], sequence: 1}}
	events[1].changed = []event{{uid: events[1].uid, stamp: w.base, recurrence: early, start: early.Add(-4 * time.Hour), length: time.Hour, summary: "Frame review (earlier: photographs after)", location: "Loading bay", organizer: w.people["ines"],
		attendees: w.invited("ACCEPTED", "wiktor", "jonas", "mara"), sequence: 1}}
	return resources(events)
}

// tasks are written one a line: uid | summary | due in working days or "" | priority | percent | status | categories | note.
func (w *world) tasks() []Resource {
	var out []Resource
	for line := range strings.Lines(taskList) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 8 {
			continue
		}
		var b ics
		b.line("BEGIN:VCALENDAR")
		b.line("VERSION:2.0")
		b.line("PRODID:-//Brambleford//Tasks 2.0//EN")
		b.line("BEGIN:VTODO")
		b.line("UID:%s@%s", f[0], domain)
		b.line("DTSTAMP:%s", w.base.UTC().Format(utc))
		b.line("CREATED:%s", workday(w.base, 20).UTC().Format(utc))
		b.text("SUMMARY", f[1])
		b.text("DESCRIPTION", w.fill(strings.ReplaceAll(f[7], `\n`, "\n")))
		var due int
		if _, err := fmt.Sscan(f[2], &due); err == nil {
			b.line("DUE;VALUE=DATE:%s", w.day(due).Format(dateOnly))
		}
		b.line("PRIORITY:%s", f[3])
		b.line("PERCENT-COMPLETE:%s", f[4])
		b.line("STATUS:%s", f[5])
		if f[5] == "COMPLETED" {
			b.line("COMPLETED:%s", clock(workday(w.base, 2), "15:10", time.UTC).Format(utc))
		}
		if f[6] != "" {
			b.line("CATEGORIES:%s", f[6])
		}
		if f[0] == "vat-return" {
			b.line("RRULE:FREQ=MONTHLY;INTERVAL=3")
		}
		b.line("END:VTODO")
		b.line("END:VCALENDAR")
		out = append(out, Resource{f[0] + ".ics", []byte(b.String())})
	}
	return out
}

const taskList = `
call-petra|Call Petra about the delivery date|0|1|0|NEEDS-ACTION|Customers|She asked for the {wd -1}. Jonas can do the {wd -3} at the earliest.
stand-graphics|Approve the stand graphics|2|1|60|IN-PROCESS|Trade fair|Hana's third version. The bicycle must not ride off to the left again.
midori-allocation|Spring allocation for 緑自転車商会|5|3|20|IN-PROCESS|Customers|They want 40 Fen; we have said 25, and 35 would not kill us.
school-cake|Order the cake for Saltmarsh|3|5|0|NEEDS-ACTION|Customers|Shape of a bicycle. No, a wheel. A wheel is round already.
lease-answer|Answer Millrace about unit 5|-2|1|0|NEEDS-ACTION|Premises|Overdue. Three years, the ramp, and the roof before the winter.
hub-plan-b|Plan B for the hubs|1|1|40|IN-PROCESS|Suppliers|Ayesha has two other quotations. Ask Wiktor whether the flanges fit.
noor-references|Read Noor's references|1|3|0|NEEDS-ACTION|Hiring|
train-tickets|Train tickets to Cologne|-6|3|100|COMPLETED|Trade fair|Seats 41 and 42.
price-list|Price list for the new year|12|3|10|IN-PROCESS|Sales|Steel is up by 6 %. The Heath can carry it; the Wren cannot.
vat-return|VAT return with Priya|15|1|0|NEEDS-ACTION|Accounts|Every quarter. It is always this quarter.
saddle-samples|Send the saddle back to Sam|4|5|0|NEEDS-ACTION|Suppliers|Lovely, but it squeaks.
translate-manual|Have the Polish manual checked|8|5|50|IN-PROCESS|Customers|Katarzyna found "kierownica" twice where the saddle was meant.
thank-fritz|Thank Friedrich for the colour cards|-5|9|100|COMPLETED|Suppliers|
insurance|Renew the transport insurance|20|3|0|NEEDS-ACTION|Accounts|The old one covers floods but not ferries.
bike-service|Service my own bicycle|||0|NEEDS-ACTION|Private|The cobbler's children.
old-catalogue|Throw away the old catalogues||9|0|CANCELLED||Owen uses them to level the bench.
`

// notes are separated by lines of "~": a first line with uid and summary, then the text.
func (w *world) notes() []Resource {
	var out []Resource
	for i, note := range strings.Split(noteList, "\n~\n") {
		head, body, _ := strings.Cut(strings.TrimSpace(note), "\n")
		uid, rest, _ := strings.Cut(head, "|")
		summary, category, _ := strings.Cut(rest, "|")
		day := workday(w.base, 3+7*i)
		var b ics
		b.line("BEGIN:VCALENDAR")
		b.line("VERSION:2.0")
		b.line("PRODID:-//Brambleford//Notes 1.1//EN")
		b.line("BEGIN:VJOURNAL")
		b.line("UID:%s@%s", uid, domain)
		b.line("DTSTAMP:%s", day.UTC().Format(utc))
		b.line("DTSTART;VALUE=DATE:%s", day.Format(dateOnly))
		b.text("SUMMARY", summary)
		b.text("DESCRIPTION", w.fill(body))
		if category != "" {
			b.line("CATEGORIES:%s", category)
		}
		b.line("END:VJOURNAL")
		b.line("END:VCALENDAR")
		out = append(out, Resource{uid + ".ics", []byte(b.String())})
	}
	return out
}

const noteList = `
fair-checklist|Trade fair: what we forgot last time|Trade fair
- extension lead (the long one)
- something to sit on
- business cards in German
- a rag for fingerprints
- Tom's second pair of shoes
- plasters, see Tom's shoes
~
petra-talk|Radhaus Lindenhof, telephone notes|Customers
Moss green sells, slate does not. Could take 18 frames in spring if delivery is in one piece.
Her son rides the Wren and has bent the fork. She laughed. Send a fork.
~
frame-names|Names for the new frame
Fen (working title)
Tarn
Sedge - sounds like a sneeze
Bittern - Inês likes it
Reed
Tom wants "Thunderbolt". No.
~
kenji-etiquette|For calls with Mr Morita|Customers
森田さん. Numbers twice, slowly. He says "difficult" when he means no.
Send the agenda the day before. The call is short because the mail was long.
~
wifi|Workshop Wi-Fi
Guest network: brambleford-visitors
The password is on the board by the lathe. It is never the one before.
~
welding-day|Day at the bench with Wiktor|Private
Tacked two tubes. They are still two tubes, strictly speaking.
"Heat the lug, not the brass." Wrote it on my hand.
~
paint-codes|Ammann paint codes|Suppliers
moss green: AL 6005-M
slate: AL 7015
heather: AL 4001-P (pearl, two coats, 40 minutes between)
buttermilk: AL 1013
~
polish-words|Polskie słówka od Katarzyny
rama - frame
kierownica - handlebar
siodełko - saddle
opóźnienie - delay (needed too often)
dziękuję - thank you
~
ideas|Ideas, some good 💡
Rental fleet for the reservoir path?
Child seat that does not look like a rocket.
A bell with a lower note. 🔔
Repair evening every first Wednesday, tea included.
~
books|To read
The one about the Roman roads that Elin keeps mentioning.
Anything that is not about bicycles.
`
