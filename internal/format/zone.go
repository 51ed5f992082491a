package format

import (
	"fmt"
	"strings"
	"time"

	"outpost/internal/format/contentline"
)

// Time reads a DATE or DATE-TIME (RFC 5545 3.3.4, 3.3.5). A DATE is given as midnight UTC with day true.
func Time(value, tzid string, cal *contentline.Component) (t time.Time, day bool, err error) {
	value = strings.TrimSpace(value)
	switch len(value) {
	case 8:
		t, err = time.Parse("20060102", value)
		return t, true, err
	case 16:
		t, err = time.Parse("20060102T150405Z", value)
		return t, false, err
	case 15:
		loc := time.UTC
		if tzid != "" && !strings.Contains(tzid, "..") {
			if l, err := time.LoadLocation(tzid); err == nil {
				loc = l
			}
		}
		t, err = time.ParseInLocation("20060102T150405", value, loc)
		return t, false, err
	}
	return t, false, fmt.Errorf("%q is no date or time", value)
}
