// Package remote is what the engine needs of a server, as one small interface: Service for what holds folders
// (IMAP, CalDAV, CardDAV) and Submitter for what sends mail (SMTP). One driver a sub-package; each knows only its
// protocol. Package remote and its drivers may import groupware and format, never store or engine.
// remotetest holds the one conformance suite that every driver passes.
package remote
