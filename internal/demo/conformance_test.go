package demo

import (
	"strings"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/dav"
	"outpost/internal/remote/imap"
	"outpost/internal/remote/remotetest"
)

// The drivers and this server were written from the specifications, not from each other: what they agree on is likely right.
func TestTheIMAPDriverConformsOnThisServer(t *testing.T) {
	for _, mask := range []string{"", "CONDSTORE", "UIDPLUS", "MOVE OBJECTID",
		"CONDSTORE UIDPLUS MOVE LITERAL+ LIST-EXTENDED SPECIAL-USE CREATE-SPECIAL-USE OBJECTID ESEARCH ENABLE NAMESPACE UNSELECT SASL-IR ID COMPRESS=DEFLATE STATUS=SIZE IDLE", "NOTIFY", "LIST-MYRIGHTS"} {
		name := "without " + mask
		if mask == "" {
			name = "with everything"
		}
		t.Run(name, func(t *testing.T) {
			if mask != "" && testing.Short() {
				t.Skip("-short: only the way with everything")
			}
			s := start(t, Options{Empty: true, TLS: mask == ""})
			masked := strings.Fields(mask)
			s.MaskIMAP(masked...)
			has := func(words ...string) bool {
				for _, w := range words {
					if strings.Contains(" "+mask+" ", " "+w+" ") {
						return false
					}
				}
				return true
			}
			a := s.Account()
			many := 0
			if mask != "" {
				many = 120
			}
			remotetest.Run(t, remotetest.Target{
				Connect: func(t testing.TB) remote.Service {
					d, err := imap.Connect(t.Context(), remote.Endpoint{URL: a.IMAP, User: a.Email, Password: a.Password, TrustSHA256: a.Fingerprint}, imap.Options{ForceCompress: true})
					if err != nil {
						t.Fatal(err)
					}
					return d
				},
				Restrict: func(t testing.TB, path string) func() {
					set := func(readOnly bool) {
						t.Helper()
						if err := s.Restrict(a.Email, path, readOnly); err != nil {
							t.Error(err)
						}
					}
					set(true)
					return func() { set(false) }
				},
				Kinds: []groupware.FolderKind{groupware.FolderMail},
				Many:  many,
				Features: remotetest.Features{State: has("CONDSTORE"), Delta: has("CONDSTORE", "QRESYNC", "ENABLE"), Renames: true, StableFolderIDs: has("OBJECTID"), Nests: true,
					KeepsBytes: true, NewIDs: has("UIDPLUS"), Identify: true, Keywords: true, Push: has("IDLE"), PushAll: has("IDLE", "NOTIFY", "CONDSTORE"), Moves: true},
			})
		})
	}
}

func TestTheDAVDriverConformsOnThisServer(t *testing.T) {
	for name, kinds := range map[string][]groupware.FolderKind{
		"caldav":  {groupware.FolderCalendar, groupware.FolderTasks, groupware.FolderNotes},
		"carddav": {groupware.FolderContacts},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{Empty: true, TLS: true})
			a := s.Account()
			remotetest.Run(t, remotetest.Target{
				Connect: func(t testing.TB) remote.Service {
					d, err := dav.Connect(t.Context(), name, remote.Endpoint{URL: a.CalDAV, User: a.Email, Password: a.Password, TrustSHA256: a.Fingerprint})
					if err != nil {
						t.Fatal(err)
					}
					return d
				},
				Kinds:    kinds,
				Features: remotetest.Features{State: true, Delta: true, Renames: true, StableFolderIDs: true, KeepsBytes: true, NewIDs: true, Tags: true, Moves: true},
			})
		})
	}
}
