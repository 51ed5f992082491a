// Package groupware holds the nouns that every other package shares: folders, items, flags and the three
// states of an item (here, there, agreed). It does no I/O and imports nothing of ours; read internal/remote
// (what a server offers) and internal/store (what is kept here) next.
package groupware
