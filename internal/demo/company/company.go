// Package company makes up a small firm's mail, calendars, contacts, tasks and notes, for the demo server. Everything is
// invented, lies around the day it is given, and is the same for the same day. It imports nothing of ours.
package company

import "time"

// Person is somebody with an address.
type Person struct{ Name, Email, Title, Phone string }

// Company is the content of the demo person's mailbox.
type Company struct {
	Person      Person // whose mailbox it is
	Colleagues  []Person
	Mail        []Message
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

const displayName = "DAV: displayname"

// Home lists the empty collections that everybody has.
func Home() []Collection {
	return []Collection{
		{Kind: "calendar", Name: "calendar", Components: []string{"VEVENT"}, Props: map[string]string{displayName: "Calendar"}},
		{Kind: "calendar", Name: "tasks", Components: []string{"VTODO"}, Props: map[string]string{displayName: "Tasks"}},
		{Kind: "calendar", Name: "notes", Components: []string{"VJOURNAL"}, Props: map[string]string{displayName: "Notes"}},
		{Kind: "addressbook", Name: "contacts", Props: map[string]string{displayName: "Contacts"}},
	}
}

// New makes the company as it is on that day.
func New(now time.Time) Company {
	return Company{Person: Person{Name: "Mara Lindqvist", Email: "mara@brambleford.example"}}
}
