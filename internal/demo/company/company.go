// Package company makes up a small firm's mail, calendars, contacts, tasks and notes, for the demo server. Everything is
// invented, lies around the day it is given, and is the same for the same day. The stories are in stories/*.txt, in a form
// that stories.go describes. It imports nothing of ours.
package company

import (
	"cmp"
	"embed"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the company's time zone, also where the system has none
)

//go:embed stories/*.txt
var stories embed.FS

// Person is somebody with an address.
type Person struct{ Key, Name, Email, Organisation, Title, Phone, Note string }

// Company is the content of the demo person's mailbox.
type Company struct {
	Person      Person // whose mailbox it is
	Colleagues  []Person
	Mail        []Message // oldest first
	Collections []Collection
}

// Message is a message in a folder.
type Message struct {
	Folder   string
	Flags    []string
	Received time.Time
	Raw      []byte
}

// Collection is a calendar or an address book.
type Collection struct {
	Kind       string // calendar or addressbook
	Name       string // last part of its path
	Components []string
	Props      map[string]string // by "namespace name"
	Resources  []Resource
}

// Resource is an iCalendar object or a vCard.
type Resource struct {
	Name string
	Raw  []byte
}

const (
	displayName = "DAV: displayname"
	colour      = "http://apple.com/ns/ical/ calendar-color"
)

// Home lists the empty collections that everybody has.
func Home() []Collection {
	return []Collection{
		{Kind: "calendar", Name: "calendar", Components: []string{"VEVENT"}, Props: map[string]string{displayName: "Calendar", colour: "#2F6F4FFF"}},
		{Kind: "calendar", Name: "tasks", Components: []string{"VTODO"}, Props: map[string]string{displayName: "Tasks"}},
		{Kind: "calendar", Name: "notes", Components: []string{"VJOURNAL"}, Props: map[string]string{displayName: "Notes"}},
		{Kind: "addressbook", Name: "contacts", Props: map[string]string{displayName: "Contacts"}},
	}
}

// Demo is the person whose mailbox it is.
func Demo() Person {
	return Person{Key: "mara", Name: "Mara Lindqvist", Email: "mara@" + domain, Organisation: firm, Title: "Sales and operations", Phone: "+44 1632 960 102"}
}

// New makes the company as it is on that day.
func New(now time.Time) (Company, error) {
	w, err := newWorld(now)
	if err != nil {
		return Company{}, err
	}
	c := Company{Person: w.people["mara"]}
	for _, p := range w.everybody {
		if strings.HasSuffix(p.Email, "@"+domain) && p.Key != "mara" { // also "sales" and "all"
			c.Colleagues = append(c.Colleagues, p)
		}
	}
	files, err := stories.ReadDir("stories")
	if err != nil {
		return Company{}, err
	}
	for _, f := range files {
		b, err := stories.ReadFile("stories/" + f.Name())
		if err != nil {
			return Company{}, err
		}
		if err := w.tell(f.Name(), string(b)); err != nil {
			return Company{}, err
		}
	}
	w.routine()
	slices.SortStableFunc(w.mail, func(a, b Message) int { return a.Received.Compare(b.Received) })
	c.Mail = w.mail
	c.Collections = Home()
	for i := range c.Collections {
		switch c.Collections[i].Name {
		case "calendar":
			c.Collections[i].Resources = w.calendar()
		case "tasks":
			c.Collections[i].Resources = w.tasks()
		case "notes":
			c.Collections[i].Resources = w.notes()
		case "contacts":
			c.Collections[i].Resources = w.contacts()
		}
	}
	c.Collections = append(c.Collections, Collection{Kind: "calendar", Name: "team", Components: []string{"VEVENT"},
		Props: map[string]string{displayName: "Team", colour: "#C9772BFF"}, Resources: w.team()})
	for _, col := range c.Collections {
		slices.SortFunc(col.Resources, func(a, b Resource) int { return cmp.Compare(a.Name, b.Name) })
	}
	return c, nil
}

// world is what the makers share.
type world struct {
	now       time.Time
	base      time.Time // midnight of the last day with mail
	today     time.Time // midnight of the next working day, today if it is one
	loc       *time.Location
	rand      *rand.Rand
	everybody []Person
	people    map[string]Person
	mail      []Message
	count     int
}

func newWorld(now time.Time) (*world, error) {
	loc, err := time.LoadLocation("Europe/London")
	if err != nil {
		return nil, err
	}
	now = now.In(loc)
	w := &world{now: now, loc: loc, rand: rand.New(rand.NewPCG(7, 2026)), everybody: everybody(), people: map[string]Person{}}
	for _, p := range w.everybody {
		w.people[p.Key] = p
	}
	// Mail of "day 0" is of a morning, and must not be of the future.
	w.base = time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, loc)
	w.today = w.base
	if now.Hour() < 12 {
		w.base = w.base.AddDate(0, 0, -1)
	}
	for weekend(w.base) {
		w.base = w.base.AddDate(0, 0, -1)
	}
	for weekend(w.today) {
		w.today = w.today.AddDate(0, 0, 1)
	}
	return w, nil
}

func weekend(t time.Time) bool { return t.Weekday() == time.Saturday || t.Weekday() == time.Sunday }

// workday returns midnight n working days before from; after it when n is negative.
func workday(from time.Time, n int) time.Time {
	step := -1
	if n < 0 {
		step, n = 1, -n
	}
	for n > 0 {
		if from = from.AddDate(0, 0, step); !weekend(from) {
			n--
		}
	}
	return from
}

// at returns a time of day, in minutes, n working days ago.
func (w *world) at(n, minutes int) time.Time {
	d := workday(w.base, n)
	return time.Date(d.Year(), d.Month(), d.Day(), minutes/60, minutes%60, 0, 0, w.loc)
}
