package mapi

import (
	"fmt"
	"sort"
	"time"
)

// ZoneRuleOf makes the rule that a zone has in a year. A zone that then sets its clock other than not at all or once
// forward and once back has none that this form can tell.
func ZoneRuleOf(zone *time.Location, year int) (ZoneRule, error) {
	offset := func(t time.Time) time.Duration {
		_, seconds := t.In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}
	start, end := time.Date(year, 1, 1, 0, 0, 0, 0, zone).UTC(), time.Date(year+1, 1, 1, 0, 0, 0, 0, zone).UTC()
	type change struct {
		wall          time.Time // what the clock shows when it is set
		before, after time.Duration
	}
	var changes []change
	for t := start; t.Before(end); {
		next := t.AddDate(0, 0, 1)
		if next.After(end) {
			next = end
		}
		if before := offset(t); offset(next) != before {
			seconds := sort.Search(int(next.Sub(t)/time.Second), func(s int) bool { return offset(t.Add(time.Duration(s)*time.Second)) != before })
			at := t.Add(time.Duration(seconds) * time.Second)
			changes = append(changes, change{at.Add(before), before, offset(at)})
		}
		t = next
	}
	standard := offset(start)
	for _, c := range changes {
		standard = min(standard, c.after)
	}
	if standard%time.Minute != 0 {
		return ZoneRule{}, fmt.Errorf("time zone %s: in %d its clock is no whole minutes from UTC", zone, year)
	}
	rule := ZoneRule{Bias: -int32(standard / time.Minute)}
	switch {
	case len(changes) == 0:
		return rule, nil
	case len(changes) != 2 || changes[0].before != changes[1].after:
		return ZoneRule{}, fmt.Errorf("time zone %s: in %d its clock is set %d times, which is no daylight saving", zone, year, len(changes))
	}
	for _, c := range changes {
		day := SystemTime{
			Month: uint16(c.wall.Month()), DayOfWeek: uint16(c.wall.Weekday()), Day: uint16((c.wall.Day()-1)/7 + 1),
			Hour: uint16(c.wall.Hour()), Minute: uint16(c.wall.Minute()), Second: uint16(c.wall.Second()),
		}
		if c.wall.Day()+7 > daysIn(year, c.wall.Month()) {
			day.Day = 5
		}
		if c.after > c.before {
			rule.DaylightDate, rule.DaylightBias = day, -int32((c.after-c.before)/time.Minute)
		} else {
			rule.StandardDate = day
		}
	}
	return rule, rule.check()
}

// TimeZoneOf makes the definition of a zone under a name of Windows, with the rules of some years. A rule that is the
// same as that of the year before is left out; one that cannot be told is an error.
func TimeZoneOf(zone *time.Location, keyName string, firstYear, lastYear int) (TimeZone, error) {
	z := TimeZone{KeyName: keyName}
	for year := firstYear; year <= lastYear; year++ {
		rule, err := ZoneRuleOf(zone, year)
		if err != nil {
			return TimeZone{}, err
		}
		if last := len(z.Rules) - 1; last < 0 || z.Rules[last].ZoneRule != rule {
			z.Rules = append(z.Rules, TZRule{ZoneRule: rule, Year: uint16(year)})
		}
	}
	return z, nil
}
