// Package interop holds the tests that need everything: the conformance suite of internal/remote/remotetest on the demo server, Cyrus,
// Dovecot and Radicale, the journeys of a day with the built program, and its faults (cut connections, kill -9, full disks, odd
// content). Its tests may import test/servers, the drivers, remotetest and demo; they drive the program from outside.
package interop
