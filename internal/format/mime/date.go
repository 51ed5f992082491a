package mime

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Date reads a date-time (RFC 5322 3.3 and 4.3) as programs write it: day name optional and not believed, two-digit years, zones by
// name, missing seconds or zone (then UTC). ok is false when there is no date, or none that
// can be written in every zone.
func Date(value []byte) (t time.Time, ok bool) {
	bare, _ := stripComments(Unfold(value))
	s := strings.ReplaceAll(string(bytes.TrimSpace(bare)), ",", " ")
	if len(s) > 100 {
		return t, false
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil && SafeYear(t) {
		return t, true
	}
	f := slices.DeleteFunc(strings.Fields(s), weekday)
	if len(f) > 0 {
		for _, sep := range []string{"-", "/"} { // 12-Nov-2026, 2026-11-12, 2026/11/12
			if strings.Count(f[0], sep) == 2 {
				f = append(strings.Split(f[0], sep), f[1:]...)
			}
		}
	}
	if len(f) < 3 {
		return t, false
	}
	day, month, year := f[0], f[1], f[2]
	rest := f[3:]
	if monthOf(day) > 0 { // asctime: Nov 12 10:11:12 2026
		day, month = month, day
		if strings.Contains(year, ":") && len(rest) > 0 {
			k := len(rest) - 1
			clock := year
			year = rest[k]
			rest = append([]string{clock}, rest[:k]...)
		}
	} else if len(day) == 4 { // ISO order
		day, year = year, day
	}
	mo := monthOf(month)
	if mo == 0 {
		mo, _ = strconv.Atoi(month)
	}
	d, err1 := strconv.Atoi(day)
	y, err2 := strconv.Atoi(year)
	if err1 != nil || err2 != nil || mo < 1 || mo > 12 || d < 1 || d > 31 || y < 0 {
		return t, false
	}
	switch { // RFC 5322 4.3
	case len(year) <= 2 && y < 50:
		y += 2000
	case len(year) <= 3 && y < 1000:
		y += 1900
	}
	var h, m, sec int
	if len(rest) > 0 {
		c := strings.FieldsFunc(rest[0], func(r rune) bool { return r == ':' || r == '.' })
		for i, dst := range []*int{&h, &m, &sec} {
			if i < len(c) {
				n, err := strconv.Atoi(c[i])
				if err != nil {
					return t, false
				}
				*dst = n
			}
		}
		if h > 24 || m > 59 || sec > 60 || h < 0 || m < 0 || sec < 0 {
			return t, false
		}
		if len(rest) > 1 && (strings.EqualFold(rest[1], "PM") && h < 12) {
			h += 12
		}
		rest = rest[1:]
	}
	offset := 0
	for _, z := range rest {
		if o, ok := zoneOffset(z); ok {
			offset = o
			break
		}
	}
	t = time.Date(y, time.Month(mo), d, h, m, sec, 0, time.FixedZone("", offset))
	if !SafeYear(t) {
		return time.Time{}, false
	}
	return t, true
}

// SafeYear tells whether a time can be written as RFC 3339 in every zone.
func SafeYear(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9998 }

func weekday(s string) bool {
	if len(s) < 3 {
		return false
	}
	switch strings.ToLower(s[:3]) {
	case "mon", "tue", "wed", "thu", "fri", "sat", "sun":
		return true
	}
	return false
}

func monthOf(s string) int {
	if len(s) < 3 {
		return 0
	}
	k := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(s[:3]))
	if k < 0 || k%3 != 0 {
		return 0
	}
	return k/3 + 1
}

// zoneOffset reads a zone in seconds east of UTC (RFC 5322 3.3, 4.3).
func zoneOffset(z string) (int, bool) {
	for _, p := range []string{"GMT", "UTC"} {
		if len(z) > 3 && strings.HasPrefix(z, p) {
			z = z[3:]
		}
	}
	if len(z) >= 3 && (z[0] == '+' || z[0] == '-') {
		digits := strings.ReplaceAll(z[1:], ":", "")
		n, err := strconv.Atoi(digits)
		if err != nil || len(digits) > 4 {
			return 0, false
		}
		if len(digits) <= 2 {
			n *= 100
		}
		o := (n/100*60 + n%100) * 60
		if o > 24*3600 {
			return 0, false
		}
		if z[0] == '-' {
			o = -o
		}
		return o, true
	}
	switch strings.ToUpper(z) {
	case "UT", "UTC", "GMT", "Z", "WET":
		return 0, true
	case "EST", "CDT":
		return -5 * 3600, true
	case "EDT":
		return -4 * 3600, true
	case "CST", "MDT":
		return -6 * 3600, true
	case "MST", "PDT":
		return -7 * 3600, true
	case "PST":
		return -8 * 3600, true
	case "BST", "CET", "MEZ", "WEST":
		return 3600, true
	case "CEST", "MESZ", "EET":
		return 2 * 3600, true
	case "EEST", "MSK":
		return 3 * 3600, true
	case "JST", "KST":
		return 9 * 3600, true
	}
	return 0, false
}
