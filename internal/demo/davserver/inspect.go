package davserver

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// errObject: valid iCalendar that is not one object (RFC 4791 4.1).
var errObject = errors.New("not one calendar object")

// line is one unfolded content line.
type line struct {
	name, value string
	params      string // ";TZID=..." as written
}

// contentLines unfolds and cuts content lines (RFC 5545 3.1).
func contentLines(body []byte, each func(line) error) error {
	if !utf8.Valid(body) {
		return errors.New("not UTF-8")
	}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	for n := 1; len(body) > 0; n++ {
		var whole []byte
		for {
			i := bytes.IndexByte(body, '\n')
			part := body
			if i >= 0 {
				part, body = body[:i], body[i+1:]
			} else {
				body = nil
			}
			part = bytes.TrimSuffix(part, []byte("\r"))
			if whole != nil {
				part = part[1:]
			}
			whole = append(whole, part...)
			if len(body) == 0 || body[0] != ' ' && body[0] != '\t' {
				break
			}
			if whole == nil {
				whole = []byte{}
			}
		}
		if len(bytes.TrimSpace(whole)) == 0 {
			continue
		}
		s, quoted, colon := string(whole), false, -1
		for i := range len(s) {
			if s[i] == '"' {
				quoted = !quoted
			} else if s[i] == ':' && !quoted {
				colon = i
				break
			}
		}
		if colon <= 0 {
			return fmt.Errorf("line %d has no name and value", n)
		}
		name, params, _ := strings.Cut(s[:colon], ";")
		if _, bare, ok := strings.Cut(name, "."); ok { // a vCard group
			name = bare
		}
		if err := each(line{strings.ToUpper(name), s[colon+1:], params}); err != nil {
			return err
		}
	}
	return nil
}

// inspectCard checks that a body is one vCard and returns its UID.
func inspectCard(body []byte) (uid string, err error) {
	state, version := 0, ""
	err = contentLines(body, func(l line) error {
		switch {
		case l.name == "BEGIN" && strings.EqualFold(l.value, "VCARD") && state == 0:
			state = 1
		case l.name == "END" && strings.EqualFold(l.value, "VCARD") && state == 1:
			state = 2
		case state != 1 || l.name == "BEGIN":
			return errors.New("not one vCard")
		case l.name == "UID":
			uid = l.value
		case l.name == "VERSION":
			version = l.value
		}
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case state != 2:
		return "", errors.New("not one vCard")
	case version != "3.0" && version != "4.0":
		return "", fmt.Errorf("vCard version %q is not stored here: use 3.0 or 4.0", version)
	case uid == "":
		return "", errors.New("the vCard has no UID")
	}
	return uid, nil
}

// inspectCalendar checks that a body is one calendar object and returns its UID and component.
func inspectCalendar(body []byte) (uid, component string, err error) {
	var stack []string
	closed := false
	finish := func(u string) error {
		switch {
		case u == "":
			return fmt.Errorf("%w: a component has no UID", errObject)
		case uid != "" && uid != u:
			return fmt.Errorf("%w: two UIDs", errObject)
		}
		uid = u
		return nil
	}
	current := ""
	err = contentLines(body, func(l line) error {
		v := strings.ToUpper(strings.TrimSpace(l.value))
		switch {
		case closed:
			return errors.New("text after END:VCALENDAR")
		case l.name == "BEGIN":
			if len(stack) == 0 && v != "VCALENDAR" || len(stack) > 10 {
				return errors.New("not a VCALENDAR")
			}
			if len(stack) == 1 && v != "VTIMEZONE" {
				if component != "" && component != v {
					return fmt.Errorf("%w: %s and %s", errObject, component, v)
				}
				component, current = v, ""
			}
			stack = append(stack, v)
		case l.name == "END":
			if len(stack) == 0 || stack[len(stack)-1] != v {
				return fmt.Errorf("END:%s does not match", v)
			}
			stack = stack[:len(stack)-1]
			closed = len(stack) == 0
			if len(stack) == 1 && v != "VTIMEZONE" {
				return finish(current)
			}
		case len(stack) == 0:
			return errors.New("not a VCALENDAR")
		case l.name == "METHOD" && len(stack) == 1:
			return fmt.Errorf("%w: it has a METHOD", errObject)
		case l.name == "UID" && len(stack) == 2 && stack[1] != "VTIMEZONE":
			current = l.value
		}
		return nil
	})
	switch {
	case err != nil:
		return "", "", err
	case !closed:
		return "", "", errors.New("END:VCALENDAR is missing")
	case component == "":
		return "", "", fmt.Errorf("%w: it is empty", errObject)
	}
	return uid, component, nil
}

// overlaps reports whether an object may lie in a time range (RFC 4791 9.9). It errs towards yes: a series counts from
// its start to its UNTIL, and a day is given to either side for zones.
func overlaps(body []byte, from, to time.Time) bool {
	const slack = 24 * time.Hour
	var depth int
	var start, end, until time.Time
	endless, dated, hit := false, false, false
	contentLines(body, func(l line) error {
		switch l.name {
		case "BEGIN":
			if depth++; depth == 2 {
				start, end, until, endless = time.Time{}, time.Time{}, time.Time{}, false
			}
		case "END":
			if depth--; depth == 1 && strings.HasPrefix(l.value, "V") && !strings.EqualFold(l.value, "VTIMEZONE") {
				if start.IsZero() && end.IsZero() {
					hit = true // a task without dates is always there
				}
				dated = true
				if start.IsZero() {
					start = end
				}
				for _, t := range []time.Time{start, until} {
					if end.Before(t) {
						end = t
					}
				}
				if start.Before(to.Add(slack)) && (endless || end.Add(slack).After(from)) {
					hit = true
				}
			}
		}
		if depth != 2 {
			return nil
		}
		switch l.name {
		case "DTSTART":
			start = dateOf(l.value)
		case "DTEND", "DUE":
			end = dateOf(l.value)
		case "DURATION", "RDATE":
			endless = true
		case "RRULE":
			endless = true
			for _, p := range strings.Split(strings.ToUpper(l.value), ";") {
				if u, ok := strings.CutPrefix(p, "UNTIL="); ok {
					endless, until = false, dateOf(u)
				}
			}
		}
		return nil
	})
	return hit || !dated
}

func dateOf(v string) time.Time {
	for _, layout := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
		if t, err := time.Parse(layout, strings.TrimSpace(v)); err == nil {
			return t
		}
	}
	return time.Time{}
}
