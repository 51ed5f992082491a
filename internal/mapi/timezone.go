package mapi

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// SystemTime is a date and time of day, or, with Year 0, a rule for one in each year: the Day-th DayOfWeek of the
// month, where a Day of 5 is the last one. With Month 0 it is no date at all. MS-DTYP 2.3.13
type SystemTime struct {
	Year, Month, DayOfWeek, Day, Hour, Minute, Second, Milliseconds uint16
}

// in gives the wall clock of the rule in a year, in UTC for want of a zone.
func (s SystemTime) in(year int) time.Time {
	clock := time.Duration(s.Hour)*time.Hour + time.Duration(s.Minute)*time.Minute + time.Duration(s.Second)*time.Second +
		time.Duration(s.Milliseconds)*time.Millisecond
	month := time.Month(s.Month)
	if s.Year != 0 {
		return time.Date(year, month, int(s.Day), 0, 0, 0, 0, time.UTC).Add(clock)
	}
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	day := 1 + (int(s.DayOfWeek)-int(first.Weekday())+7)%7 + 7*(int(s.Day)-1)
	for day > daysIn(year, month) {
		day -= 7
	}
	return first.AddDate(0, 0, day-1).Add(clock)
}

func (s SystemTime) check() error {
	switch {
	case s.Month == 0:
		return nil
	case s.Month > 12 || s.DayOfWeek > 6 || s.Day < 1 || s.Hour > 23 || s.Minute > 59 || s.Second > 59 || s.Milliseconds > 999,
		s.Year == 0 && s.Day > 5, s.Year != 0 && s.Day > 31:
		return fmt.Errorf("%+v is no date", s)
	}
	return nil
}

func (r *reader) systemTime() SystemTime {
	return SystemTime{r.u16(), r.u16(), r.u16(), r.u16(), r.u16(), r.u16(), r.u16(), r.u16()}
}

func appendSystemTime(dst []byte, s SystemTime) []byte {
	for _, v := range [...]uint16{s.Year, s.Month, s.DayOfWeek, s.Day, s.Hour, s.Minute, s.Second, s.Milliseconds} {
		dst = le.AppendUint16(dst, v)
	}
	return dst
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// ZoneRule says how far a wall clock is from UTC, in minutes: UTC is the clock plus Bias plus that of the season.
// MS-OXOCAL 2.2.1.39
type ZoneRule struct {
	Bias, StandardBias, DaylightBias int32
	// StandardDate is when the daylight clock is set back, DaylightDate when the standard clock is set forward. With a
	// Month of 0 in either there is no daylight saving.
	StandardDate, DaylightDate SystemTime
}

func (z ZoneRule) check() error {
	for _, bias := range [...]int32{z.Bias, z.StandardBias, z.DaylightBias} {
		if bias < -24*60 || bias > 24*60 {
			return fmt.Errorf("a clock that is %d minutes from UTC", bias)
		}
	}
	if err := z.StandardDate.check(); err != nil {
		return err
	}
	return z.DaylightDate.check()
}

func (z ZoneRule) standard() time.Duration {
	return -time.Duration(z.Bias+z.StandardBias) * time.Minute
}

func (z ZoneRule) daylight() time.Duration {
	return -time.Duration(z.Bias+z.DaylightBias) * time.Minute
}

// isDaylight reports whether the daylight clock is in force at the instant.
func (z ZoneRule) isDaylight(t time.Time) bool {
	if z.StandardDate.Month == 0 || z.DaylightDate.Month == 0 {
		return false
	}
	year := t.UTC().Add(z.standard()).Year()
	start := z.DaylightDate.in(year).Add(-z.standard())
	end := z.StandardDate.in(year).Add(-z.daylight())
	if start.Before(end) {
		return !t.Before(start) && t.Before(end)
	}
	return !t.Before(start) || t.Before(end) // south of the equator
}

// Offset is how far the wall clock is ahead of UTC at the instant.
func (z ZoneRule) Offset(t time.Time) time.Duration {
	if z.isDaylight(t) {
		return z.daylight()
	}
	return z.standard()
}

// Instant gives the instant at which the wall clock shows what local shows, whatever its location. Of two such instants
// it gives the earlier one; a time that the clock skips counts as if it had not been set forward yet.
func (z ZoneRule) Instant(local time.Time) time.Time {
	wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.UTC)
	if t := wall.Add(-z.daylight()); z.isDaylight(t) {
		return t
	}
	return wall.Add(-z.standard())
}

// TimeZoneStruct is the value of PidLidTimeZoneStruct: the one rule by which a series is kept. MS-OXOCAL 2.2.1.39
type TimeZoneStruct struct {
	ZoneRule
	// StandardYear and DaylightYear repeat the years of the dates.
	StandardYear, DaylightYear uint16
}

// AppendTimeZoneStruct appends the bytes of PidLidTimeZoneStruct. MS-OXOCAL 2.2.1.39
func AppendTimeZoneStruct(dst []byte, z TimeZoneStruct) []byte {
	for _, bias := range [...]int32{z.Bias, z.StandardBias, z.DaylightBias} {
		dst = le.AppendUint32(dst, uint32(bias))
	}
	dst = appendSystemTime(le.AppendUint16(dst, z.StandardYear), z.StandardDate)
	return appendSystemTime(le.AppendUint16(dst, z.DaylightYear), z.DaylightDate)
}

// DecodeTimeZoneStruct reads the bytes of PidLidTimeZoneStruct. MS-OXOCAL 2.2.1.39
func DecodeTimeZoneStruct(data []byte) (z TimeZoneStruct, err error) {
	r := &reader{data: data}
	z.Bias, z.StandardBias, z.DaylightBias = int32(r.u32()), int32(r.u32()), int32(r.u32())
	z.StandardYear, z.StandardDate = r.u16(), r.systemTime()
	z.DaylightYear, z.DaylightDate = r.u16(), r.systemTime()
	r.end()
	if err := z.check(); err != nil {
		r.fail("%w", err)
	}
	if err := r.done("PidLidTimeZoneStruct"); err != nil {
		return TimeZoneStruct{}, err
	}
	return z, nil
}

// TimeZone is the value of PidLidAppointmentTimeZoneDefinitionStartDisplay, …EndDisplay and …Recur: a zone with the
// rules it has had over the years. MS-OXOCAL 2.2.1.41
type TimeZone struct {
	// KeyName is the name that Windows knows the zone by, such as "W. Europe Standard Time".
	KeyName string
	Rules   []TZRule
}

// TZRule is the rule from a year on. MS-OXOCAL 2.2.1.41.1
type TZRule struct {
	ZoneRule
	Flags uint16
	Year  uint16
}

// The flags of a TZRule. MS-OXOCAL 2.2.1.41.1
const (
	RuleRecurCurrent uint16 = 0x0001 // it is that of PidLidTimeZoneStruct
	RuleEffective    uint16 = 0x0002 // it is the one to use for a series
)

const (
	maxRules   = 1024 // MS-OXOCAL 2.2.1.41
	maxKeyName = 260  // MS-OXOCAL 2.2.1.41
	ruleSize   = 66
)

// AppendTimeZone appends the bytes of a PidLidAppointmentTimeZoneDefinition… property. MS-OXOCAL 2.2.1.41
func AppendTimeZone(dst []byte, z TimeZone) ([]byte, error) {
	name := EncodeUTF16(z.KeyName)
	if len(name)/2 > maxKeyName || !utf8.ValidString(z.KeyName) {
		return dst, fmt.Errorf("time zone %.40q: the name is no text of at most %d characters", z.KeyName, maxKeyName)
	}
	if len(z.Rules) < 1 || len(z.Rules) > maxRules {
		return dst, fmt.Errorf("time zone %q: %d rules, want 1 to %d", z.KeyName, len(z.Rules), maxRules)
	}
	dst = append(dst, 2, 1)
	dst = le.AppendUint16(dst, uint16(6+len(name)))
	dst = le.AppendUint16(dst, 2)
	dst = append(le.AppendUint16(dst, uint16(len(name)/2)), name...)
	dst = le.AppendUint16(dst, uint16(len(z.Rules)))
	for _, rule := range z.Rules {
		dst = le.AppendUint16(append(dst, 2, 1), ruleSize-4)
		dst = le.AppendUint16(dst, rule.Flags)
		dst = le.AppendUint16(dst, rule.Year)
		dst = append(dst, make([]byte, 14)...)
		for _, bias := range [...]int32{rule.Bias, rule.StandardBias, rule.DaylightBias} {
			dst = le.AppendUint32(dst, uint32(bias))
		}
		dst = appendSystemTime(appendSystemTime(dst, rule.StandardDate), rule.DaylightDate)
	}
	return dst, nil
}

// DecodeTimeZone reads the bytes of a PidLidAppointmentTimeZoneDefinition… property. MS-OXOCAL 2.2.1.41
func DecodeTimeZone(data []byte) (z TimeZone, err error) {
	r := &reader{data: data}
	if major, minor := r.u8(), r.u8(); r.err == nil && (major != 2 || minor < 1) {
		r.fail("version %d.%d is not known", major, minor)
	}
	header := int(r.u16())
	body := r.pos + header // what later versions add to the header is skipped
	r.u16()
	if n := int(r.u16()); n > maxKeyName {
		r.fail("a name of %d characters, more than %d", n, maxKeyName)
	} else {
		z.KeyName = DecodeUTF16(r.take(2 * n))
	}
	count := int(r.u16())
	if r.err == nil {
		if body < r.pos {
			r.fail("a header of %d bytes, too few for the name", header)
		}
		r.take(body - r.pos)
	}
	if r.err == nil && (count < 1 || count > maxRules) {
		r.fail("%d rules, want 1 to %d", count, maxRules)
	}
	for range r.fits(uint64(count), ruleSize) {
		if major := r.u8(); r.err == nil && major != 2 {
			r.fail("a rule of version %d is not known", major)
		}
		r.u8()
		next := int(r.u16()) + r.pos
		rule := TZRule{Flags: r.u16(), Year: r.u16()}
		r.take(14)
		rule.Bias, rule.StandardBias, rule.DaylightBias = int32(r.u32()), int32(r.u32()), int32(r.u32())
		rule.StandardDate, rule.DaylightDate = r.systemTime(), r.systemTime()
		if err := rule.check(); err != nil {
			r.fail("%w", err)
		}
		r.take(max(next-r.pos, 0))
		if r.err != nil {
			break
		}
		z.Rules = append(z.Rules, rule)
	}
	if err := r.done("time zone definition"); err != nil {
		return TimeZone{}, err
	}
	return z, nil
}

// Effective gives the rule that is marked as the one to use for a series. MS-OXOCAL 2.2.1.41
func (z TimeZone) Effective() (TZRule, bool) {
	for _, rule := range z.Rules {
		if rule.Flags&RuleEffective != 0 {
			return rule, true
		}
	}
	return TZRule{}, false
}

// RuleOf gives the rule of a year: the last that begins in it or before, or else the first.
func (z TimeZone) RuleOf(year int) (best TZRule) {
	for i, rule := range z.Rules {
		if i == 0 || int(rule.Year) <= year && (int(best.Year) > year || rule.Year >= best.Year) ||
			int(rule.Year) > year && int(best.Year) > year && rule.Year < best.Year {
			best = rule
		}
	}
	return best
}

// Offset is how far the wall clock of the zone is ahead of UTC at the instant.
func (z TimeZone) Offset(t time.Time) time.Duration {
	rule := z.RuleOf(t.UTC().Year())
	if local := t.UTC().Add(rule.standard()).Year(); local != t.UTC().Year() {
		rule = z.RuleOf(local)
	}
	return rule.Offset(t)
}

// Instant gives the instant at which the wall clock of the zone shows what local shows, as ZoneRule.Instant does.
func (z TimeZone) Instant(local time.Time) time.Time { return z.RuleOf(local.Year()).Instant(local) }
