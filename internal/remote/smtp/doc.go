// Package smtp is the remote.Submitter for message submission (RFC 6409) on go-smtp. A message goes to all of its
// recipients or to none, and the caller is told when the outcome is not known. The package may import groupware and
// remote.
package smtp
