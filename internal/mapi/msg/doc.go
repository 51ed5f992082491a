// Package msg reads and writes Outlook's message files, MS-OXMSG: one message with all of its properties, recipients and
// attachments in a compound file, MS-CFB, which is a small file system of storages and streams.
//
// Text in a code page stays as it came (mapi.String8); PidTagMessageCodepage says which one that is. What a file says of
// itself is not handed over: PidTagStoreSupportMask, and the flags of properties.
//
// It imports internal/mapi and nothing else of ours.
package msg
