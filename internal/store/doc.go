// Package store is the mailbox at the desk: folders, items with their three states, contents, search and lists, in
// SQLite. It may import groupware and format, and never a driver, the engine or a frontend. Read profile.go for the
// data folder, mailbox.go and tx.go for transactions, then local.go (what a person does), observe.go, plan.go and
// execute.go (what the engine does), read.go, list.go and search.go (what frontends read).
//
// # The format before the code
//
// A data folder holds
//
//	outpost.db               accounts of the profile, and what each has transferred
//	mailboxes/GUID.db        one mailbox: everything that is not derived
//	mailboxes/GUID.index.db  its full-text index: derived; deleted, it is built again
//	outpost.lock             held by the one program that uses the folder; names it
//	outpost.encrypted        there when the databases are encrypted; names the key in the secret store
//
// Each database carries an application id and the number of its last migration (sql/*.sql); one newer than the
// program is refused, an older one brought up to date, one transaction a migration. In GUID.db
//
//	folders      the tree, with what was agreed with the server (remote_*) and the state token of what was seen
//	items        one row an item: local state, base state, and columns for lists, derived from the content
//	remotes      only what the server holds differently from base: changed, gone (item set), or not here yet (item NULL)
//	blobs        contents by SHA-256 with a count of who names them; blob_data their bytes, compressed;
//	parts        the attachments of a message whose own data is only the text around them
//	changes      the change feed: one row for everything a frontend should notice
//	intents, failures, reasons, submissions   what the engine remembers; a failure with what was read although it could not be understood
//	conflicts    our version (in Conflicts), the server's, and what both came from; it goes when ours leaves Conflicts
//	holds        deletions of so much of a folder that a person has to agree first
//
// Text, words and attachment lists are not stored: they are derived from the bytes when asked for. The index file says
// up to which change it is complete, and follows the feed.
package store
