package mapi

import (
	"fmt"
	"iter"
	"time"
)

// check reports why the days of the pattern cannot be told.
func (p RecurrencePattern) check() error {
	switch {
	case p.Period == 0:
		return fmt.Errorf("recurrence: it comes every 0 days")
	case p.Type == PatternDay && (p.Period%minutesPerDay != 0 || p.Period > 999*minutesPerDay):
		return fmt.Errorf("recurrence: it comes every %d minutes, which is no number of days up to 999", p.Period)
	case p.Type != PatternDay && p.Period > 999*12:
		return fmt.Errorf("recurrence: a period of %d is too long", p.Period)
	case p.Type >= PatternHijriMonth:
		return fmt.Errorf("recurrence: a pattern of the Hijri calendar (0x%04X) is not understood", uint16(p.Type))
	case p.Calendar > 1:
		return fmt.Errorf("recurrence: a pattern of the calendar %d is not understood", p.Calendar)
	case (p.Type == PatternWeek || p.Type == PatternMonthNth) && p.Days&0x7F == 0:
		return fmt.Errorf("recurrence: it comes on no day of the week")
	case p.Type == PatternMonthNth && (p.Nth < 1 || p.Nth > LastNth):
		return fmt.Errorf("recurrence: it comes on the day number %d, want 1 to %d", p.Nth, LastNth)
	case (p.Type == PatternMonth || p.Type == PatternMonthEnd) && (p.Day < 1 || p.Day > 31):
		return fmt.Errorf("recurrence: it comes on the day %d of the month", p.Day)
	}
	return nil
}

// AllDays gives the days on which the pattern has an occurrence, deleted ones too, each as its midnight. A day that a month
// does not have counts as its last. MS-OXOCAL 2.2.1.44.1
func (p RecurrencePattern) AllDays() (iter.Seq[Minutes], error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return func(yield func(Minutes) bool) {
		last := NoEnd
		if p.End == EndByDate {
			last = min(p.LastDay, last)
		}
		left := p.Count
		p.days(func(d Minutes) bool {
			if d < p.Start.Day() {
				return true
			}
			if d > last || p.End == EndByCount && left == 0 {
				return false
			}
			left--
			return yield(d)
		})
	}, nil
}

// days gives all days of the pattern in the periods from that of Start on; some may lie before Start.
func (p RecurrencePattern) days(yield func(Minutes) bool) {
	start := p.Start.Day()
	switch p.Type {
	case PatternDay:
		for d := start; d <= NoEnd; d += Minutes(p.Period) {
			if !yield(d) {
				return
			}
		}
	case PatternWeek:
		for week := p.week(start); week <= NoEnd; week += Minutes(7 * minutesPerDay * p.Period) {
			for i := range Minutes(7) {
				if d := week + i*minutesPerDay; p.Days.Has(d.Time().Weekday()) && !yield(d) {
					return
				}
			}
		}
	default:
		first := start.Time()
		for i := 0; ; i += int(p.Period) {
			month := time.Date(first.Year(), first.Month()+time.Month(i), 1, 0, 0, 0, 0, time.UTC)
			d, err := MinutesOf(month.AddDate(0, 0, p.dayIn(month)-1))
			if err != nil || d > NoEnd || !yield(d) {
				return
			}
		}
	}
}

// week is the first day of the week that the day lies in. There is none before 1601, whose first week is short.
func (p RecurrencePattern) week(day Minutes) Minutes {
	back := Minutes((int(day.Time().Weekday())-int(p.WeekStart)+7)%7) * minutesPerDay
	if back > day {
		return day
	}
	return day - back
}

// dayIn is the day of the month on which the pattern falls.
func (p RecurrencePattern) dayIn(month time.Time) int {
	most := daysIn(month.Year(), month.Month())
	if p.Type != PatternMonthNth {
		if p.Type == PatternMonthEnd {
			return most
		}
		return min(int(p.Day), most)
	}
	nth, found := 0, 0
	for day := 1; day <= most; day++ {
		if p.Days.Has(month.AddDate(0, 0, day-1).Weekday()) {
			found = day
			if nth++; nth == int(p.Nth) && p.Nth != LastNth {
				break
			}
		}
	}
	return found
}

// FirstDateTime computes First from the other fields. MS-OXOCAL 2.2.1.44.1
func (p RecurrencePattern) FirstDateTime() (Minutes, error) {
	if err := p.check(); err != nil {
		return 0, err
	}
	start := p.Start.Day()
	switch p.Type {
	case PatternDay:
		return start % Minutes(p.Period), nil
	case PatternWeek:
		return p.week(start) % Minutes(7*minutesPerDay*p.Period), nil
	}
	t := start.Time()
	months := (12*(t.Year()-1601) + int(t.Month()) - 1) % int(p.Period)
	return MinutesOf(time.Date(1601, time.January+time.Month(months), 1, 0, 0, 0, 0, time.UTC))
}

// Occurrence is one time that an appointment takes place.
type Occurrence struct {
	// Start and End are what the wall clock shows.
	Start, End Minutes
	// Original is where the pattern has its start; it names the occurrence.
	Original Minutes
	// Exception is set if the occurrence is not like the others.
	Exception *Exception
}

// Occurrences gives the times that the appointment takes place, in the order of the pattern: those of the pattern
// without the deleted, with changed ones in their changed form, wherever they were moved. MS-OXOCAL 2.2.1.44
func (a *AppointmentRecurrence) Occurrences() (iter.Seq[Occurrence], error) {
	days, err := a.AllDays()
	if err != nil {
		return nil, err
	}
	deleted := make(map[Minutes]bool, len(a.Deleted))
	for _, d := range a.Deleted {
		deleted[d.Day()] = true
	}
	changed := make(map[Minutes]*Exception, len(a.Exceptions))
	for i := range a.Exceptions {
		changed[a.Exceptions[i].Original.Day()] = &a.Exceptions[i]
	}
	return func(yield func(Occurrence) bool) {
		for d := range days {
			o := Occurrence{Start: d + Minutes(a.StartOffset), End: d + Minutes(a.EndOffset), Original: d + Minutes(a.StartOffset)}
			if e := changed[d]; e != nil {
				o.Start, o.End, o.Exception = e.Start, e.End, e
			} else if deleted[d] {
				continue
			}
			if !yield(o) {
				return
			}
		}
	}, nil
}
