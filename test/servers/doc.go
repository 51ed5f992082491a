// Package servers starts real groupware servers for tests and benchmarks: Cyrus IMAP 3.6, Dovecot 2.3 and Radicale 3.1
// from Debian's packages, and an SMTP server that keeps what it is sent. Each runs on free loopback ports with throw-away
// data, with TLS by a certificate of its own, and can be taken away and brought back with its data.
//
// install.sh beside this file installs the packages. Where one is missing the tests skip and say so, unless
// OUTPOST_REQUIRE_SERVERS is 1: then they fail.
//
// It may import the standard library and go-smtp, and nothing of ours: so it judges Outpost by other eyes than Outpost's.
//
// Read on in server.go; load.go and loaddav.go fill a server quickly.
package servers
