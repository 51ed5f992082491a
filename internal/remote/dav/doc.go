// Package dav is the remote.Service for calendars, tasks and notes (CalDAV, RFC 4791) and for contacts (CardDAV,
// RFC 6352). It keeps every item's bytes as the server holds them, changes an item only at the version that was seen
// (If-Match), and lists what changed by sync-collection (RFC 6578), or by ctag and etags where a server has nothing
// better.
//
// An item's id and a folder's id are the path of the resource in one canonical spelling (canonical); a folder's ends in
// a slash. A state token is "sync:" and a sync-token, or "ctag:" and a ctag.
//
// Read service.go first, then changes.go, fetch.go and write.go; client.go speaks HTTP, multistatus.go reads XML.
// The package may import groupware and remote.
package dav
