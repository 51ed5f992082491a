package mapi

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func minutes(t testing.TB, s string) Minutes {
	t.Helper()
	clock, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	m, err := MinutesOf(clock)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The example of MS-OXOCAL 4.1.1.2: Monday, Thursday and Friday, twelve times, one of them an hour later, under another
// name and elsewhere.
const weeklyWithException = "043004300B2001000000C0210000010000000000000032000000222000000C0000000000000001000000A096BC0C01000000A096BC0C" +
	"8020BC0C20ADBC0C0630000009300000580200007602000001003499BC0C5299BC0CF898BC0C11002200210053696D706C6520526563757272656E63652077" +
	"69746820657863657074696F6E730800070033342F34313431000000000400000000000000000000003499BC0C5299BC0CF898BC0C2100530069006D007000" +
	"6C006500200052006500630075007200720065006E006300650020007700690074006800200065007800630065007000740069006F006E0073000700330034" +
	"002F0034003100340031000000000000000000"

func TestAWeeklySeriesWithAnExceptionIsThatOfTheSpecification(t *testing.T) {
	data := unhex(t, weeklyWithException)
	if len(data) != 0x106 {
		t.Fatalf("the example has %d bytes", len(data))
	}
	a, err := DecodeAppointmentRecurrence(data)
	if err != nil {
		t.Fatal(err)
	}
	day := minutes(t, "2007-04-16 00:00")
	want := AppointmentRecurrence{
		RecurrencePattern: RecurrencePattern{
			Frequency: Weekly, Type: PatternWeek, First: 8640, Period: 1, Days: 0x32, End: EndByCount, Count: 12,
			WeekStart: time.Sunday, Deleted: []Minutes{day}, Modified: []Minutes{day},
			Start: minutes(t, "2007-03-26 00:00"), LastDay: minutes(t, "2007-04-20 00:00"),
		},
		ReaderVersion2: ReaderVersion2, WriterVersion2: WriterVersion2, StartOffset: 600, EndOffset: 630,
		Exceptions: []Exception{{
			Start: day + 660, End: day + 690, Original: day + 600, Overrides: OverrideSubject | OverrideLocation,
			Subject: "Simple Recurrence with exceptions", Location: "34/4141",
			Subject8: "Simple Recurrence with exceptions", Location8: "34/4141",
		}},
	}
	checkRecurrence(t, a, want)
	if first, err := a.FirstDateTime(); err != nil || first != a.First {
		t.Errorf("FirstDateTime is %d, %v, want %d", first, err, a.First)
	}
	if out, err := AppendAppointmentRecurrence(nil, a); err != nil || !bytes.Equal(out, data) {
		t.Errorf("written again:\n%x, %v, want\n%x", out, err, data)
	}
	if got, want := starts(t, &a), "2007-03-26 10:00, 2007-03-29 10:00, 2007-03-30 10:00, 2007-04-02 10:00, 2007-04-05 10:00, 2007-04-06 10:00, "+
		"2007-04-09 10:00, 2007-04-12 10:00, 2007-04-13 10:00, 2007-04-16 11:00, 2007-04-19 10:00, 2007-04-20 10:00"; got != want {
		t.Errorf("it takes place\n%s, want\n%s", got, want)
	}
}

// The example of MS-OXOCAL 4.1.1.3: every three days, two of them deleted.
func TestADailySeriesWithDeletedDaysIsThatOfTheSpecification(t *testing.T) {
	data := unhex(t, "043004300A2000000000A0050000E010000000000000212000000A0000000000000002000000A0C1DC0C80D2DC0C00000000207EDC0C"+
		"0016DD0C0630000009300000E0010000FE01000000000000000000000000")
	a, err := DecodeAppointmentRecurrence(data)
	if err != nil {
		t.Fatal(err)
	}
	checkRecurrence(t, a, AppointmentRecurrence{
		RecurrencePattern: RecurrencePattern{
			Frequency: Daily, Type: PatternDay, First: 1440, Period: 4320, End: EndByDate, Count: 10,
			Deleted: []Minutes{minutes(t, "2011-04-19 00:00"), minutes(t, "2011-04-22 00:00")},
			Start:   minutes(t, "2011-04-07 00:00"), LastDay: minutes(t, "2011-05-04 00:00"),
		},
		ReaderVersion2: ReaderVersion2, WriterVersion2: WriterVersion2, StartOffset: 480, EndOffset: 510,
	})
	if first, err := a.FirstDateTime(); err != nil || first != a.First {
		t.Errorf("FirstDateTime is %d, %v, want %d", first, err, a.First)
	}
	if out, err := AppendAppointmentRecurrence(nil, a); err != nil || !bytes.Equal(out, data) {
		t.Errorf("written again:\n%x, %v, want\n%x", out, err, data)
	}
	if got, want := starts(t, &a), "2011-04-07 08:00, 2011-04-10 08:00, 2011-04-13 08:00, 2011-04-16 08:00, "+
		"2011-04-25 08:00, 2011-04-28 08:00, 2011-05-01 08:00, 2011-05-04 08:00"; got != want {
		t.Errorf("it takes place\n%s, want\n%s", got, want)
	}
}

func checkRecurrence(t *testing.T, got, want AppointmentRecurrence) {
	t.Helper()
	if !equalDeep(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
}

func starts(t *testing.T, a *AppointmentRecurrence) string {
	t.Helper()
	all, err := a.Occurrences()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for o := range all {
		list = append(list, o.Start.Time().Format("2006-01-02 15:04"))
		if o.End-o.Start != Minutes(a.EndOffset-a.StartOffset) || (o.Exception != nil) != (o.Start != o.Original) {
			t.Errorf("an occurrence %+v", o)
		}
	}
	return strings.Join(list, ", ")
}

func TestPatternsFallOnTheDaysThatAnotherProgramFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 1500).Draw(t, "start"))
		from, err := MinutesOf(start)
		if err != nil {
			t.Fatal(err)
		}
		p := RecurrencePattern{Start: from, End: EndByCount, Count: uint32(rapid.IntRange(1, 40).Draw(t, "count"))}
		rule := rrule.ROption{Dtstart: start, Count: int(p.Count), Interval: rapid.IntRange(1, 5).Draw(t, "every")}
		week := []rrule.Weekday{rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA}
		p.Period = uint32(rule.Interval)
		days := func() {
			p.Days = Weekdays(rapid.IntRange(1, 0x7F).Draw(t, "days"))
			for d := range time.Weekday(7) {
				if p.Days.Has(d) {
					rule.Byweekday = append(rule.Byweekday, week[d])
				}
			}
		}
		switch rapid.IntRange(0, 5).Draw(t, "pattern") {
		case 0:
			p.Type, rule.Freq, p.Period = PatternDay, rrule.DAILY, p.Period*minutesPerDay
		case 1:
			p.Type, rule.Freq = PatternWeek, rrule.WEEKLY
			p.WeekStart = time.Weekday(rapid.IntRange(0, 6).Draw(t, "week start"))
			rule.Wkst = week[p.WeekStart]
			days()
		case 2: // a day that a month lacks is its last one in Outlook, and skipped in iCalendar
			p.Type, rule.Freq, p.Day = PatternMonth, rrule.MONTHLY, uint32(rapid.IntRange(1, 28).Draw(t, "day"))
			rule.Bymonthday = []int{int(p.Day)}
		case 3:
			p.Type, rule.Freq, p.Day = PatternMonthEnd, rrule.MONTHLY, 31
			rule.Bymonthday = []int{-1}
		case 4:
			p.Type, rule.Freq = PatternMonthNth, rrule.MONTHLY
			p.Nth = uint32(rapid.IntRange(1, 5).Draw(t, "nth"))
			if rule.Bysetpos = []int{int(p.Nth)}; p.Nth == LastNth {
				rule.Bysetpos = []int{-1}
			}
			days()
		case 5:
			p.Type, rule.Freq, p.Period = PatternMonth, rrule.YEARLY, 12*p.Period
			p.Day = uint32(min(start.Day(), 28))
			rule.Bymonthday, rule.Bymonth = []int{int(p.Day)}, []int{int(start.Month())}
		}
		other, err := rrule.NewRRule(rule)
		if err != nil {
			t.Fatal(err)
		}
		all, err := p.AllDays()
		if err != nil {
			t.Fatal(err)
		}
		var got []time.Time
		for d := range all {
			got = append(got, d.Time())
		}
		if want := other.All(); !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Fatalf("%+v: got %v, want %v", p, got, want)
		}
	})
}

func TestADayThatAMonthLacksIsItsLast(t *testing.T) {
	p := RecurrencePattern{Type: PatternMonth, Frequency: Monthly, Period: 1, Day: 31, End: EndByCount, Count: 4, Start: minutes(t, "2024-01-31 00:00")}
	all, err := p.AllDays()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for d := range all {
		got = append(got, d.Time().Format(time.DateOnly))
	}
	if s := strings.Join(got, " "); s != "2024-01-31 2024-02-29 2024-03-31 2024-04-30" {
		t.Error(s)
	}
}

func TestASeriesWithoutEndStopsWhereOutlookEndsTheWorld(t *testing.T) {
	p := RecurrencePattern{Type: PatternMonth, Period: 12, Day: 1, End: EndNever, LastDay: NoEnd, Start: minutes(t, "2024-01-01 00:00")}
	all, err := p.AllDays()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range all {
		n++
	}
	if n != 4500-2024+1 {
		t.Errorf("%d years", n)
	}
	if s := NoEnd.Time().Format("2006-01-02 15:04"); s != "4500-12-31 23:59" {
		t.Errorf("the end is %s", s)
	}
}

func TestAPatternThatNeverComesIsRefused(t *testing.T) {
	for _, p := range []RecurrencePattern{
		{Type: PatternDay}, {Type: PatternDay, Period: 7}, {Type: PatternWeek, Period: 1}, {Type: PatternMonthNth, Period: 1, Days: 1},
		{Type: PatternMonthNth, Period: 1, Days: 1, Nth: 6}, {Type: PatternMonth, Period: 1}, {Type: PatternMonth, Period: 1, Day: 32},
		{Type: PatternHijriMonth, Period: 1, Day: 1}, {Type: PatternMonth, Period: 1 << 31, Day: 1},
	} {
		if _, err := p.AllDays(); err == nil {
			t.Errorf("%+v was taken", p)
		}
	}
}

func TestATextThatIsNotASCIIIsWrittenInFullBesideItsRemains(t *testing.T) {
	a := AppointmentRecurrence{
		RecurrencePattern: RecurrencePattern{Type: PatternDay, Period: 1440, End: EndNever},
		ReaderVersion2:    ReaderVersion2, WriterVersion2: WriterVersion2,
		Exceptions: []Exception{{Overrides: OverrideSubject | OverrideReminderDelta | OverrideBusyStatus, Subject: "Grüße 😀", ReminderDelta: 15, BusyStatus: 2}},
	}
	data, err := AppendAppointmentRecurrence(nil, a)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeAppointmentRecurrence(data)
	if err != nil {
		t.Fatal(err)
	}
	if a.Exceptions[0].Subject8 = "Gr??e ?"; !equalDeep(got, a) {
		t.Errorf("got\n%+v, want\n%+v", got, a)
	}
}

func TestABlobThatEndsBeforeTheExtendedExceptionsIsRead(t *testing.T) {
	data := unhex(t, weeklyWithException)
	a, err := DecodeAppointmentRecurrence(data[:0x106-4-4-4-12-2-66-2-14-4-4])
	if err != nil {
		t.Fatal(err)
	}
	if e := a.Exceptions[0]; e.Subject != "" || e.Subject8 != "Simple Recurrence with exceptions" {
		t.Errorf("got %+v", e)
	}
}

func FuzzAppointmentRecurrence(f *testing.F) {
	f.Add(unhex(f, weeklyWithException))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := DecodeAppointmentRecurrence(data)
		if err != nil {
			return
		}
		out, err := AppendAppointmentRecurrence(nil, a)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := DecodeAppointmentRecurrence(out)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		for i := range a.Exceptions { // the remains of a text are made where there were none
			if e := &a.Exceptions[i]; e.Subject8 == "" || e.Location8 == "" {
				e.Subject8, e.Location8 = again.Exceptions[i].Subject8, again.Exceptions[i].Location8
			}
		}
		if !equalDeep(again, a) {
			t.Fatalf("got\n%+v, want\n%+v", again, a)
		}
		all, err := a.Occurrences()
		if err != nil {
			return
		}
		n := 0
		for range all {
			if n++; n == 1000 {
				break
			}
		}
	})
}

// The pattern of a task, MS-OXOTASK 2.2.2.2.15, with the types of MS-OXOCAL 2.2.1.44.1 that have fields of their own.
func TestThePatternOfATaskIsReadAsItWasWritten(t *testing.T) {
	for _, p := range []RecurrencePattern{
		{Frequency: Monthly, Type: PatternMonth, Period: 1, Sliding: true, Day: 15},
		{Frequency: Monthly, Type: PatternMonthEnd, Period: 1, Day: 31},
		{Frequency: Yearly, Type: PatternMonthNth, Period: 12, Days: 0x7F, Nth: LastNth},
		{Frequency: Monthly, Type: PatternHijriMonthNth, Calendar: 1, Period: 1, Days: 1, Nth: 2},
		{Frequency: Daily, Type: PatternWeek, Period: 1, Days: 0x3E},
	} {
		p.End, p.Count, p.WeekStart, p.Start, p.LastDay = EndNever, 10, time.Monday, minutes(t, "2026-01-31 00:00"), NoEnd
		data, err := AppendRecurrencePattern(nil, p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeRecurrencePattern(data); err != nil || !equalDeep(got, p) {
			t.Errorf("got %+v, %v, want %+v", got, err, p)
		}
		for n := range data {
			if got, err := DecodeRecurrencePattern(data[:n]); err == nil {
				t.Errorf("%d of %d bytes were read as %+v", n, len(data), got)
			}
		}
	}
	if data, err := AppendRecurrencePattern(nil, RecurrencePattern{Type: 9}); err == nil {
		t.Errorf("an unknown type was written as % x", data)
	}
}

// MS-OXOCAL 2.2.1.44.1: whatever the period, First is what is left of the first day, week or month when the periods
// since 1601 are taken away.
func TestFirstDateTimePlacesThePeriod(t *testing.T) {
	for _, c := range []struct {
		p    RecurrencePattern
		want Minutes
	}{
		{RecurrencePattern{Type: PatternMonth, Period: 12, Day: 31, Start: minutes(t, "2026-03-31 00:00")}, minutes(t, "1601-03-01 00:00")},
		{RecurrencePattern{Type: PatternMonthNth, Period: 1, Days: 1, Nth: 1, Start: minutes(t, "2026-03-01 00:00")}, 0},
		{RecurrencePattern{Type: PatternMonth, Period: 3, Day: 1, Start: minutes(t, "2026-03-01 00:00")}, minutes(t, "1601-03-01 00:00")},
		{RecurrencePattern{Type: PatternMonth, Period: 24, Day: 1, Start: minutes(t, "2026-03-01 00:00")}, minutes(t, "1602-03-01 00:00")},
	} {
		if got, err := c.p.FirstDateTime(); err != nil || got != c.want {
			t.Errorf("%+v: %s, %v, want %s", c.p, got.Time(), err, c.want.Time())
		}
	}
	if got, err := (RecurrencePattern{}).FirstDateTime(); err == nil {
		t.Errorf("of no pattern: %d", got)
	}
}

func TestADateOutsideOfASeriesIsAnError(t *testing.T) {
	for _, year := range []int{1600, 9999 * 2} {
		if m, err := MinutesOf(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil {
			t.Errorf("the year %d is %d", year, m)
		}
	}
}

func TestAnAppointmentIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := rapid.Custom(func(t *rapid.T) Minutes { return Minutes(rapid.Uint32().Draw(t, "minutes")) })
		number := rapid.Uint32()
		bytesOrNone := rapid.Custom(func(t *rapid.T) []byte {
			if b := genBytes().Draw(t, "bytes"); len(b) > 0 {
				return b
			}
			return nil
		})
		a := AppointmentRecurrence{
			RecurrencePattern: RecurrencePattern{
				Frequency: Weekly, Type: PatternWeek, Period: number.Draw(t, "period"), Days: Weekdays(number.Draw(t, "days")), End: EndByDate,
				Start: clock.Draw(t, "start"), LastDay: clock.Draw(t, "end"), First: clock.Draw(t, "first"), Count: number.Draw(t, "count"),
			},
			ReaderVersion2: ReaderVersion2, WriterVersion2: rapid.Uint32Range(0x3006, 0x300A).Draw(t, "writer"),
			StartOffset: number.Draw(t, "from"), EndOffset: number.Draw(t, "to"), Reserved1: bytesOrNone.Draw(t, "1"), Reserved2: bytesOrNone.Draw(t, "2"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "exceptions") {
			e := Exception{
				Start: clock.Draw(t, "start"), End: clock.Draw(t, "end"), Original: clock.Draw(t, "original"),
				Overrides: Overrides(rapid.Uint16Range(0, 0x3FF).Draw(t, "overrides")), ReservedEE1: bytesOrNone.Draw(t, "EE1"),
			}
			if e.Overrides&OverrideSubject != 0 {
				e.Subject, e.Subject8 = rapid.String().Draw(t, "subject"), genString8().Draw(t, "subject8")+"!"
			}
			if e.Overrides&OverrideLocation != 0 {
				e.Location, e.Location8 = rapid.String().Draw(t, "location"), genString8().Draw(t, "location8")+"!"
			}
			if e.Overrides&(OverrideSubject|OverrideLocation) != 0 {
				e.ReservedEE2 = bytesOrNone.Draw(t, "EE2")
			}
			for _, n := range append(e.numbers(true), e.numbers(false)...) {
				*n = number.Draw(t, "number")
			}
			if a.WriterVersion2 >= 0x3009 {
				e.ChangeHighlight, e.ChangeHighlightMore = number.Draw(t, "highlight"), bytesOrNone.Draw(t, "more")
			}
			a.Exceptions = append(a.Exceptions, e)
		}
		data, err := AppendAppointmentRecurrence(nil, a)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeAppointmentRecurrence(data); err != nil || !equalDeep(got, a) {
			t.Fatalf("got\n%+v, %v, want\n%+v", got, err, a)
		}
	})
}
