package format

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the same zones on every system, also where there are none

	"outpost/internal/format/contentline"
	"outpost/internal/format/mime"
)

// Time reads a DATE or DATE-TIME (RFC 5545 3.3.4, 3.3.5). tzid is the TZID parameter, looked up among the IANA and Windows names
// and in cal's VTIMEZONEs (cal may be nil). A DATE is midnight UTC with day true. A floating time, and one whose zone nobody
// knows, is taken as UTC, so that the same bytes mean the same everywhere; the latter also gives an error.
func Time(value, tzid string, cal *contentline.Component) (t time.Time, day bool, err error) {
	value = strings.TrimSpace(value)
	switch {
	case len(value) == 8:
		if t, err = time.Parse("20060102", value); err == nil && mime.SafeYear(t) {
			return t, true, nil
		}
	case len(value) == 16 && value[15] == 'Z':
		if t, err = time.Parse("20060102T150405Z", value); err == nil && mime.SafeYear(t) {
			return t, false, nil
		}
	case len(value) == 15:
		if strings.HasSuffix(value, "60") { // leap second, RFC 5545 3.3.12
			value = value[:13] + "59"
		}
		if t, err = time.Parse("20060102T150405", value); err == nil && mime.SafeYear(t) {
			t, err = inZone(t, tzid, cal)
			return t, false, err
		}
	}
	return time.Time{}, false, fmt.Errorf("%q is no date or time", short(value))
}

func short(s string) string {
	if len(s) > 40 {
		s = strings.ToValidUTF8(s[:40], "") + "..."
	}
	return s
}

// inZone gives the instant of a wall clock time (in t as if UTC) in a zone.
func inZone(t time.Time, tzid string, cal *contentline.Component) (time.Time, error) {
	tzid = strings.Trim(strings.TrimSpace(tzid), `"`)
	if tzid == "" {
		return t, nil
	}
	if loc := location(tzid); loc != nil {
		return localise(t, loc), nil
	}
	if cal != nil {
		for _, z := range cal.Components("VTIMEZONE") {
			if strings.Trim(strings.TrimSpace(z.TextOf("TZID")), `"`) != tzid {
				continue
			}
			if loc := location(z.TextOf("X-LIC-LOCATION")); loc != nil {
				return localise(t, loc), nil
			}
			if name, offset, ok := ruleOffset(z, t); ok {
				return t.Add(-time.Duration(offset) * time.Second).In(time.FixedZone(name, offset)), nil
			}
		}
	}
	return t, fmt.Errorf("the time zone %q is not known", short(tzid))
}

// location finds a zone by its IANA name (also behind a prefix, "/mozilla.org/20050126_1/Europe/Berlin") or its Windows name; nil
// when there is none.
func location(name string) *time.Location {
	if name == "" || len(name) > 255 {
		return nil
	}
	switch strings.ToUpper(name) {
	case "UTC", "GMT", "Z", "ETC/UTC", "ETC/GMT":
		return time.UTC
	}
	if iana, ok := windowsZones[name]; ok {
		name = iana
	}
	parts := strings.Split(name, "/")
	for k := max(0, len(parts)-3); k < len(parts); k++ {
		n := strings.Join(parts[k:], "/")
		if len(n) < 3 || strings.EqualFold(n, "local") || strings.ContainsFunc(n, func(r rune) bool {
			return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '/' || r == '_' || r == '+' || r == '-')
		}) {
			continue
		}
		if loc, err := time.LoadLocation(n); err == nil {
			return loc
		}
		if iana, ok := windowsZones[n]; ok {
			if loc, err := time.LoadLocation(iana); err == nil {
				return loc
			}
		}
	}
	return nil
}

// localise puts a wall clock time (in t as if UTC) into a zone as RFC 5545 3.3.5 asks: a time that occurs twice is the
// first one, a time that does not occur has the offset from before the gap.
func localise(t time.Time, loc *time.Location) time.Time {
	same := func(x time.Time) bool {
		return x.Hour() == t.Hour() && x.Minute() == t.Minute() && x.Day() == t.Day()
	}
	_, before := t.Add(-24 * time.Hour).In(loc).Zone()
	_, after := t.Add(24 * time.Hour).In(loc).Zone()
	first := t.Add(-time.Duration(before) * time.Second).In(loc)
	if same(first) {
		return first
	}
	if second := t.Add(-time.Duration(after) * time.Second).In(loc); same(second) {
		return second
	}
	return first
}

// ruleOffset finds the offset in force at a wall clock time by the rules of a VTIMEZONE (RFC 5545 3.6.5).
func ruleOffset(zone *contentline.Component, t time.Time) (name string, offset int, ok bool) {
	var best, earliest time.Time
	before := 0
	for _, o := range zone.Components("") {
		if o.Name != "STANDARD" && o.Name != "DAYLIGHT" {
			continue
		}
		from, okFrom := utcOffset(o.TextOf("TZOFFSETFROM"))
		to, okTo := utcOffset(o.TextOf("TZOFFSETTO"))
		start, err := time.Parse("20060102T150405", strings.TrimSpace(o.TextOf("DTSTART")))
		if !okTo || err != nil {
			continue
		}
		if !okFrom {
			from = to
		}
		if earliest.IsZero() || start.Before(earliest) {
			earliest, before = start, from
		}
		if onset, has := lastOnset(o, start, t); has && (!ok || onset.After(best)) {
			best, offset, ok = onset, to, true
			name = o.TextOf("TZNAME")
		}
	}
	if !ok && !earliest.IsZero() {
		return "", before, true
	}
	return short(name), offset, ok
}

// lastOnset returns the last time at or before t that an observance began. Of RRULE it reads what zones use: yearly, by month and
// by weekday or day of the month.
func lastOnset(o *contentline.Component, start, t time.Time) (onset time.Time, ok bool) {
	take := func(x time.Time) {
		if !x.After(t) && !x.Before(start) && (!ok || x.After(onset)) {
			onset, ok = x, true
		}
	}
	take(start)
	for _, l := range o.All("RDATE") {
		for _, v := range strings.SplitN(l.Value(), ",", 200) {
			if x, err := time.Parse("20060102T150405", strings.TrimSuffix(strings.TrimSpace(v), "Z")); err == nil {
				take(x)
			}
		}
	}
	for _, l := range o.All("RRULE") {
		rule := map[string]string{}
		for _, p := range strings.Split(strings.ToUpper(l.Value()), ";") {
			k, v, _ := strings.Cut(p, "=")
			rule[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
		until := t
		if u := rule["UNTIL"]; len(u) >= 8 {
			if x, err := time.Parse("20060102", u[:8]); err == nil && x.AddDate(0, 0, 1).Before(until) {
				until = x.AddDate(0, 0, 1)
			}
		}
		for year := until.Year(); year >= until.Year()-1; year-- {
			if x := yearly(rule, start, year); !x.After(until) {
				take(x)
			}
		}
	}
	return onset, ok
}

// yearly gives the day of a yearly rule in one year, at start's time of day.
func yearly(rule map[string]string, start time.Time, year int) time.Time {
	month := start.Month()
	if m, err := strconv.Atoi(rule["BYMONTH"]); err == nil && m >= 1 && m <= 12 {
		month = time.Month(m)
	}
	at := func(day int) time.Time {
		return time.Date(year, month, day, start.Hour(), start.Minute(), start.Second(), 0, time.UTC)
	}
	first := start.Day()
	if d, _, _ := strings.Cut(rule["BYMONTHDAY"], ","); d != "" {
		if n, err := strconv.Atoi(d); err == nil && n >= 1 && n <= 31 {
			first = n
		}
	}
	byday, _, _ := strings.Cut(rule["BYDAY"], ",")
	if len(byday) < 2 {
		return at(first)
	}
	k := strings.Index("SUMOTUWETHFRSA", byday[len(byday)-2:])
	if k < 0 || k%2 != 0 {
		return at(first)
	}
	weekday := time.Weekday(k / 2)
	n, err := strconv.Atoi(byday[:len(byday)-2])
	if err != nil { // the first such weekday on or after a day: BYMONTHDAY=8,9,10,11,12,13,14;BYDAY=SU
		if rule["BYMONTHDAY"] == "" {
			first = 1
		}
		d := at(first)
		return d.AddDate(0, 0, (int(weekday)-int(d.Weekday())+7)%7)
	}
	if n > 0 {
		d := at(1)
		return d.AddDate(0, 0, (int(weekday)-int(d.Weekday())+7)%7+7*(min(n, 5)-1))
	}
	d := at(1).AddDate(0, 1, -1)
	return d.AddDate(0, 0, -((int(d.Weekday())-int(weekday)+7)%7)+7*(max(n, -5)+1))
}

// utcOffset reads "+0530" or "-083000" in seconds (RFC 5545 3.3.14).
func utcOffset(s string) (int, bool) {
	s = strings.TrimSpace(s)
	if len(s) != 5 && len(s) != 7 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	n, err := strconv.Atoi(s[1:])
	if err != nil || n < 0 {
		return 0, false
	}
	if len(s) == 5 {
		n *= 100
	}
	o := n/10000*3600 + n/100%100*60 + n%100
	if o >= 24*3600 {
		return 0, false
	}
	if s[0] == '-' {
		o = -o
	}
	return o, true
}

// addDuration adds an RFC 5545 3.3.6 duration: weeks and days by the calendar, the rest by the clock.
func addDuration(t time.Time, s string) (time.Time, error) {
	rest := strings.ToUpper(strings.TrimSpace(s))
	bad := fmt.Errorf("%q is no duration", short(s))
	sign := 1
	if strings.HasPrefix(rest, "-") {
		sign = -1
	}
	rest = strings.TrimLeft(rest, "+-")
	if len(rest) < 3 || rest[0] != 'P' {
		return t, bad
	}
	rest = rest[1:]
	days, seconds, inTime := 0, 0, false
	for rest != "" {
		if rest[0] == 'T' {
			inTime = true
			rest = rest[1:]
			continue
		}
		k := 0
		for k < len(rest) && rest[k] >= '0' && rest[k] <= '9' {
			k++
		}
		n, err := strconv.Atoi(rest[:k])
		if err != nil || k == len(rest) || k > 8 {
			return t, bad
		}
		switch unit := rest[k]; {
		case unit == 'W':
			days += 7 * n
		case unit == 'D':
			days += n
		case unit == 'H' && inTime:
			seconds += n * 3600
		case unit == 'M' && inTime:
			seconds += n * 60
		case unit == 'S' && inTime:
			seconds += n
		default:
			return t, bad
		}
		rest = rest[k+1:]
	}
	if days > 36500*10 || seconds > 1<<31 {
		return t, bad
	}
	end := t.AddDate(0, 0, sign*days).Add(time.Duration(sign*seconds) * time.Second)
	if !mime.SafeYear(end) {
		return t, bad
	}
	return end, nil
}
