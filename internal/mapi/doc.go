// Package mapi holds what Outlook's world is made of, as Go values: property types, tags, names and values, ordered sets
// of properties, restrictions and sort orders that can be evaluated on them, entry ids, change keys, and the time zone
// and recurrence structures of calendars; each with its encoding and decoding. It does no I/O and knows no server.
//
// One Go type stands for each property type (see Value), so that a value alone says what it is. Decoders take bytes from
// anywhere: they never panic, never keep a part of the input, and make no more than the input pays for.
//
// It may import internal/groupware and nothing else of ours. The packages below it read and write the files that hold
// such properties: rtf (compressed RTF), tnef (winmail.dat) and msg (Outlook's message files).
package mapi
