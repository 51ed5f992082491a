package mapi

import (
	"bytes"
	"reflect"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

func equalDeep(a, b any) bool { return reflect.DeepEqual(a, b) }

// berlin is the rule of the zone that Windows calls W. Europe Standard Time.
func berlin() ZoneRule {
	return ZoneRule{
		Bias: -60, DaylightBias: -60,
		StandardDate: SystemTime{Month: 10, Day: 5, Hour: 3},
		DaylightDate: SystemTime{Month: 3, Day: 5, Hour: 2},
	}
}

// sydney has its summer over the new year. AUS Eastern Standard Time
func sydney() ZoneRule {
	return ZoneRule{
		Bias: -600, DaylightBias: -60,
		StandardDate: SystemTime{Month: 4, Day: 1, Hour: 3},
		DaylightDate: SystemTime{Month: 10, Day: 1, Hour: 2},
	}
}

// newYork is Eastern Standard Time.
func newYork() ZoneRule {
	return ZoneRule{
		Bias: 300, DaylightBias: -60,
		StandardDate: SystemTime{Month: 11, Day: 1, Hour: 2},
		DaylightDate: SystemTime{Month: 3, Day: 2, Hour: 2},
	}
}

func TestARuleTellsTheTimeThatTheZoneDatabaseTells(t *testing.T) {
	for name, rule := range map[string]ZoneRule{
		"Europe/Berlin": berlin(), "Australia/Sydney": sydney(), "America/New_York": newYork(),
		"Asia/Tokyo": {Bias: -540}, "Asia/Kolkata": {Bias: -330},
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2026; at = at.Add(30 * time.Minute) {
			local := at.In(zone)
			_, offset := local.Zone()
			if got := rule.Offset(at); got != time.Duration(offset)*time.Second {
				t.Fatalf("%s: at %s the clock is ahead by %s", name, at, got)
			}
			// Where two instants have the same clock, the earlier one is meant.
			want := at
			if before := at.Add(-time.Hour); before.In(zone).Format(time.DateTime) == local.Format(time.DateTime) {
				want = before
			}
			if got := rule.Instant(local); !got.Equal(want) {
				t.Fatalf("%s: the clock shows %s at %s, want %s", name, local, got, want)
			}
		}
	}
}

func TestAClockTimeThatIsSkippedCountsAsIfTheClockStoodStill(t *testing.T) {
	got := berlin().Instant(time.Date(2026, 3, 29, 2, 30, 0, 0, time.UTC))
	if want := time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// MS-OXOCAL 2.2.1.39: the 48 bytes for Pacific Standard Time after 2007, field by field.
func TestATimeZoneStructHasTheBytesOfTheSpecification(t *testing.T) {
	data := unhex(t, "E0010000 00000000 C4FFFFFF 0000 0000 0B00 0000 0100 0200 0000 0000 0000 0000 0000 0300 0000 0200 0200 0000 0000 0000")
	want := TimeZoneStruct{ZoneRule: ZoneRule{
		Bias: 480, DaylightBias: -60,
		StandardDate: SystemTime{Month: 11, Day: 1, Hour: 2}, DaylightDate: SystemTime{Month: 3, Day: 2, Hour: 2},
	}}
	got, err := DecodeTimeZoneStruct(data)
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if out := AppendTimeZoneStruct(nil, want); !bytes.Equal(out, data) {
		t.Errorf("written % x, want % x", out, data)
	}
}

// MS-OXOCAL 2.2.1.41 and 2.2.1.41.1: the fields with the values that they must have.
func TestATimeZoneDefinitionHasTheBytesOfTheSpecification(t *testing.T) {
	data := unhex(t, "02 01 0A00 0200 0200 4A00 5300 0100 "+
		"02 01 3E00 0200 D707 0000000000000000000000000000 C4FFFFFF 00000000 C4FFFFFF "+
		"0000 0A00 0000 0500 0300 0000 0000 0000 0000 0300 0000 0500 0200 0000 0000 0000")
	want := TimeZone{KeyName: "JS", Rules: []TZRule{{ZoneRule: berlin(), Flags: RuleEffective, Year: 2007}}}
	got, err := DecodeTimeZone(data)
	if err != nil || !equalDeep(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if out, err := AppendTimeZone(nil, want); err != nil || !bytes.Equal(out, data) {
		t.Errorf("written % x, %v, want % x", out, err, data)
	}
	if rule, ok := got.Effective(); !ok || rule.Year != 2007 {
		t.Errorf("the rule to use is %+v, %v", rule, ok)
	}
}

func TestAZoneUsesTheRuleOfTheYear(t *testing.T) {
	old := newYork() // until 2006: first Sunday of April to last Sunday of October
	old.DaylightDate, old.StandardDate = SystemTime{Month: 4, Day: 1, Hour: 2}, SystemTime{Month: 10, Day: 5, Hour: 2}
	zone := TimeZone{KeyName: "Eastern Standard Time", Rules: []TZRule{{ZoneRule: newYork(), Year: 2007}, {ZoneRule: old, Year: 1987}}}
	other, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for at := time.Date(1987, 12, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2015; at = at.Add(time.Hour) {
		if _, offset := at.In(other).Zone(); zone.Offset(at) != time.Duration(offset)*time.Second {
			t.Fatalf("at %s the clock is ahead by %s", at, zone.Offset(at))
		}
	}
	if got := zone.RuleOf(1950); got.Year != 1987 {
		t.Errorf("before all rules: %d", got.Year)
	}
}

func genSystemTime(t *rapid.T) SystemTime {
	if rapid.Bool().Draw(t, "none") {
		return SystemTime{}
	}
	return SystemTime{
		Month: rapid.Uint16Range(1, 12).Draw(t, "month"), DayOfWeek: rapid.Uint16Range(0, 6).Draw(t, "day of week"),
		Day: rapid.Uint16Range(1, 5).Draw(t, "nth"), Hour: rapid.Uint16Range(0, 23).Draw(t, "hour"),
	}
}

func TestATimeZoneIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := TimeZone{KeyName: rapid.StringN(0, 60, 120).Draw(t, "name")}
		for range rapid.IntRange(1, 5).Draw(t, "rules") {
			bias := rapid.Int32Range(-840, 840)
			z.Rules = append(z.Rules, TZRule{Flags: rapid.Uint16().Draw(t, "flags"), Year: rapid.Uint16().Draw(t, "year"), ZoneRule: ZoneRule{
				Bias: bias.Draw(t, "bias"), DaylightBias: bias.Draw(t, "daylight"), StandardDate: genSystemTime(t), DaylightDate: genSystemTime(t),
			}})
		}
		data, err := AppendTimeZone(nil, z)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeTimeZone(data); err != nil || !equalDeep(got, z) {
			t.Fatalf("got %+v, %v, want %+v", got, err, z)
		}
	})
}

func TestATimeZoneThatSaysNonsenseIsRefused(t *testing.T) {
	good, err := AppendTimeZone(nil, TimeZone{KeyName: "JS", Rules: []TZRule{{ZoneRule: berlin()}}})
	if err != nil {
		t.Fatal(err)
	}
	// The version, the sizes of the header and of the name, the number of rules, the version and the month of the first.
	for at, value := range map[int]byte{0: 3, 2: 1, 6: 0xFF, 12: 0, 14: 9, 50: 13} {
		bad := bytes.Clone(good)
		bad[at] = value
		if z, err := DecodeTimeZone(bad); err == nil {
			t.Errorf("with byte %d set to %d it was read as %+v", at, value, z)
		}
	}
	for n := range good {
		if _, err := DecodeTimeZone(good[:n]); err == nil {
			t.Errorf("the first %d of %d bytes were read", n, len(good))
		}
	}
}

func FuzzTimeZone(f *testing.F) {
	seed, err := AppendTimeZone(nil, TimeZone{KeyName: "W. Europe Standard Time", Rules: []TZRule{{ZoneRule: berlin()}, {ZoneRule: sydney(), Year: 2008}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(AppendTimeZoneStruct(nil, TimeZoneStruct{ZoneRule: berlin()}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if z, err := DecodeTimeZoneStruct(data); err == nil {
			if out := AppendTimeZoneStruct(nil, z); !bytes.Equal(out, data) {
				t.Fatalf("written % x", out)
			}
			z.Offset(time.Unix(int64(len(data)), 0))
		}
		z, err := DecodeTimeZone(data)
		if err != nil {
			return
		}
		for _, year := range []int{1700, 2026, 4500} {
			z.Instant(z.Rules[0].DaylightDate.in(year).UTC())
			z.Offset(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
		}
		out, err := AppendTimeZone(nil, z)
		if err != nil {
			return // a name that is no text
		}
		if again, err := DecodeTimeZone(out); err != nil || !equalDeep(again, z) {
			t.Fatalf("got %+v, %v, want %+v", again, err, z)
		}
	})
}
