// Package web is the JSON API over HTTP, for the command line and later for pages, and its client. The daemon serves it on
// a loopback address; without a daemon the client calls the same handler within its own process (connect.go). So there
// is one way to everything.
//
// Every request but GET / and GET /api/hello carries the bearer token of the data folder's daemon.json. Requests whose
// Host is not the address that we listen on, or whose Origin is another one, are refused: a page from elsewhere must not
// reach this server through a name that it points at the loopback address. Bodies are bounded. An error is
// {"error": sentence, "code": backend.Code}; what takes long answers with lines of JSON, {"event": ...} as it goes and at
// last {"result": ...} or {"error": ..., "code": ...}.
//
// It may import backend and groupware, never store, engine or remote.
package web
