package imap

import (
	"strings"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/remotetest"
	"outpost/test/servers"
)

// features are what a real server offers once mask is taken away.
func features(k servers.Kind, mask []string) remotetest.Features {
	has := func(words ...string) bool {
		for _, m := range mask {
			for _, w := range words {
				if m == w {
					return false
				}
			}
		}
		return true
	}
	return remotetest.Features{
		State:           has("CONDSTORE"),
		Delta:           has("CONDSTORE") && has("QRESYNC"),
		Renames:         true,
		StableFolderIDs: k == servers.CyrusIMAP && has("OBJECTID"),
		Nests:           true,
		KeepsBytes:      true,
		NewIDs:          has("UIDPLUS"),
		Identify:        true,
		Keywords:        true,
		Push:            has("IDLE"),
		PushAll:         k == servers.DovecotIMAP && has("IDLE") && has("NOTIFY") && has("CONDSTORE"),
		Moves:           true,
	}
}

// Every way of the driver passes the suite on each real server: with all that the server offers, and without each of the
// extensions that it uses.
func TestRealServersConform(t *testing.T) {
	for _, mask := range []string{"", "QRESYNC", "CONDSTORE", "UIDPLUS", "MOVE", "LITERAL+", "LIST-STATUS", "SPECIAL-USE CREATE-SPECIAL-USE", "OBJECTID", "NOTIFY", "LIST-MYRIGHTS",
		"CONDSTORE QRESYNC UIDPLUS MOVE LITERAL+ LIST-STATUS LIST-EXTENDED SPECIAL-USE CREATE-SPECIAL-USE OBJECTID ESEARCH ENABLE NAMESPACE UNSELECT SASL-IR ID IDLE"} {
		name := "without " + mask
		if mask == "" {
			name = "with everything"
		}
		t.Run(name, func(t *testing.T) {
			if mask != "" && testing.Short() {
				t.Skip("-short: only the way with everything")
			}
			onServers(t, func(t *testing.T, s *servers.Server) {
				u := s.NewUser(t)
				masked := strings.Fields(mask)
				many := 0
				if mask != "" {
					many = 120
				}
				target := remotetest.Target{
					Connect: func(t testing.TB) remote.Service {
						d, err := Connect(t.Context(), endpoint(s, u), Options{Mask: masked})
						if err != nil {
							t.Fatal(err)
						}
						return d
					},
					Restrict: func(t testing.TB, path string) func() { return s.Restrict(t, u, path) },
					Kinds:    []groupware.FolderKind{groupware.FolderMail},
					Many:     many,
					Features: features(s.Kind, masked),
				}
				if s.Kind == servers.CyrusIMAP {
					target.Refused = []byte("From: a@example.org\r\nSubject: NUL\r\n\r\nbefore\x00after\r\n")
				}
				remotetest.Run(t, target)
			})
		})
	}
}
