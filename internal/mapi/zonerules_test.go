package mapi

import (
	"testing"
	"time"
)

// fortyZones are zones with and without daylight saving, north and south of the equator, with half and quarter hours,
// and with a clock that is set at midnight or by half an hour.
var fortyZones = []string{
	"Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Anchorage", "America/Argentina/Buenos_Aires",
	"America/Asuncion", "America/Bogota", "America/Chicago", "America/Denver", "America/Halifax", "America/Havana", "America/Los_Angeles",
	"America/New_York", "America/Phoenix", "America/Santiago", "America/Sao_Paulo", "America/St_Johns", "Asia/Beirut", "Asia/Dubai",
	"Asia/Jerusalem", "Asia/Karachi", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tokyo", "Atlantic/Azores",
	"Atlantic/Reykjavik", "Australia/Adelaide", "Australia/Brisbane", "Australia/Lord_Howe", "Australia/Sydney", "Europe/Athens",
	"Europe/Berlin", "Europe/Dublin", "Europe/Lisbon", "Europe/London", "Europe/Madrid", "Pacific/Auckland", "Pacific/Chatham",
}

func TestFortyZonesTellTheTimeOfTenYears(t *testing.T) {
	edges, skipped := 0, 0
	for _, name := range fortyZones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for year := 2013; year < 2023; year++ {
			rule, err := ZoneRuleOf(zone, year)
			if err != nil {
				skipped++
				continue
			}
			for day := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() == year; day = day.AddDate(0, 0, 1) {
				_, before := day.In(zone).Zone()
				_, after := day.AddDate(0, 0, 1).In(zone).Zone()
				step := 24 * time.Hour
				if before != after {
					edges++
					step = 10 * time.Minute
				}
				for at := day; at.Before(day.AddDate(0, 0, 1)); at = at.Add(step) {
					checkInstant(t, zone, rule, at, year)
					checkInstant(t, zone, rule, at.Add(-time.Second), year)
				}
			}
		}
	}
	t.Logf("%d edges, %d years of a zone that this form cannot tell", edges, skipped)
	if edges < 400 || skipped > 10 {
		t.Errorf("%d edges were seen and %d years of a zone left out", edges, skipped)
	}
}

// checkInstant checks that the rule of the year shows what the zone shows, and finds the instant by it, or the earlier one
// at which the clock has shown the same.
func checkInstant(t *testing.T, zone *time.Location, rule ZoneRule, at time.Time, year int) {
	t.Helper()
	local := at.In(zone)
	if local.Year() != year {
		return
	}
	_, offset := local.Zone()
	if got := rule.Offset(at); got != time.Duration(offset)*time.Second {
		t.Fatalf("%s: at %s the clock is ahead by %s, want %ds", zone, at, got, offset)
	}
	got := rule.Instant(local)
	if got.After(at) || at.Sub(got) > time.Hour || got.In(zone).Format(time.DateTime) != local.Format(time.DateTime) {
		t.Fatalf("%s: the clock shows %s at %s, got %s", zone, local, at, got)
	}
}

func TestAZoneOfManyYearsHasARuleForEachChange(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	z, err := TimeZoneOf(zone, "Eastern Standard Time", 1990, 2025)
	if err != nil {
		t.Fatal(err)
	}
	for at := time.Date(1990, 1, 2, 0, 0, 0, 0, time.UTC); at.Year() < 2025; at = at.Add(time.Hour) {
		if _, offset := at.In(zone).Zone(); z.Offset(at) != time.Duration(offset)*time.Second {
			t.Fatalf("at %s the clock is ahead by %s", at, z.Offset(at))
		}
	}
	data, err := AppendTimeZone(nil, z)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := DecodeTimeZone(data); err != nil || !equalDeep(back, z) {
		t.Errorf("read %+v, %v", back, err)
	}
}

func TestAYearThatThisFormCannotTellIsAnError(t *testing.T) {
	zone, err := time.LoadLocation("Africa/Casablanca") // its clock is set around Ramadan
	if err != nil {
		t.Fatal(err)
	}
	if rule, err := ZoneRuleOf(zone, 2017); err == nil {
		t.Errorf("got %+v", rule)
	}
}
