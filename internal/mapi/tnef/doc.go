// Package tnef reads and writes the Transport Neutral Encapsulation Format, MS-OXTNEF: the winmail.dat in which Outlook
// sends a message with all of its properties, recipients and attachments.
//
// A stream holds attributes of an old mail program and, in three of them, lists of properties. Decode gives properties
// only: an attribute becomes the property that the specification maps it to, unless the stream has that property itself,
// which then counts. Encode puts every property into the lists, so that nothing is lost, and adds the attributes that
// other readers look for.
//
// Text in a code page stays as it came (mapi.String8). If there is any, PidTagMessageCodepage says which code page it is.
//
// It imports internal/mapi and nothing else of ours.
package tnef
