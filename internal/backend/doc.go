// Package backend is the application server: what a person may ask of Outpost, in the person's words, whatever
// frontend asks. It opens the data folder and its mailboxes, turns each request into one transaction of the store (a
// frontend never waits for the network unless it asks for what is not here), and decides when the engine trades with
// the servers. It may import engine, store, remote and its drivers, secret, format and groupware; frontends import it and
// none of those.
//
// Read server.go first, then accounts.go, folders.go, items.go, change.go (what a person does to items), sync.go and
// schedule.go.
package backend
