// Package fake is a groupware server in memory for tests: it behaves as the comments of remote.Service say, can play
// poorer servers (Features), breaks when told to (Faults), and lets a test act as another client of the same account
// (AddMail, PutObject, ... and Snapshot). It may import remote and groupware only. Read server.go first.
package fake
