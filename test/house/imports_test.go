package house

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// drivers speak one protocol each and know nothing of how the engine or the store use them.
var drivers = []string{"internal/format", "internal/format/*", "internal/groupware", "internal/remote"}

// allowed says which of our packages a package may import; "…/*" stands for every package below. Imports run downward
// only (docs/architecture.md), so that each part can be understood, tested and replaced without those above it.
var allowed = map[string][]string{
	"cmd/outpost":                {"internal/backend", "internal/demo", "internal/groupware", "internal/web"},
	"internal/web":               {"internal/backend", "internal/groupware"},
	"internal/backend":           {"internal/engine", "internal/format", "internal/format/*", "internal/groupware", "internal/remote", "internal/remote/*", "internal/secret", "internal/store"},
	"internal/engine":            {"internal/format", "internal/format/*", "internal/groupware", "internal/remote", "internal/store"},
	"internal/store":             {"internal/format", "internal/format/*", "internal/groupware"},
	"internal/remote":            {"internal/format", "internal/format/*", "internal/groupware"},
	"internal/remote/dav":        drivers,
	"internal/remote/discover":   drivers,
	"internal/remote/fake":       drivers,
	"internal/remote/imap":       drivers,
	"internal/remote/remotetest": drivers,
	"internal/remote/smtp":       drivers,
	"internal/demo":              {"internal/format", "internal/format/*", "internal/groupware"},
	"internal/format":            {"internal/groupware"},
	"internal/groupware":         {},
	"internal/mapi":              {"internal/groupware"},
	"internal/secret":            {},
}

// mayImport reports whether pkg may import target. A package below another (internal/web/api below internal/web) has
// the same rights unless it has a line of its own, and the two may import each other.
func mayImport(pkg, target string) (ok, known bool) {
	for p := pkg; p != "."; {
		if rule, found := allowed[p]; found {
			inside := p != pkg || allowed[target] == nil && strings.HasPrefix(target, p+"/")
			if inside && (target == p || strings.HasPrefix(target, p+"/")) {
				return true, true
			}
			return slices.ContainsFunc(rule, func(r string) bool {
				if below, wild := strings.CutSuffix(r, "*"); wild {
					return strings.HasPrefix(target, below)
				}
				return target == r
			}), true
		}
		cut := strings.LastIndexByte(p, '/')
		if cut < 0 {
			break
		}
		p = p[:cut]
	}
	return false, false
}

func TestImportsRunDownward(t *testing.T) {
	const module = "outpost/"
	for _, f := range goFiles(t) {
		if f.test() || strings.HasPrefix(f.dir, "test/") {
			continue // a test may look at everything
		}
		for _, spec := range f.ast.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if name == "C" {
				t.Errorf("%s: cgo. Outpost is one binary that builds for every system on any other.", f.place(spec))
			}
			target, ours := strings.CutPrefix(name, module)
			if !ours {
				continue
			}
			switch ok, known := mayImport(f.dir, target); {
			case strings.HasPrefix(target, "test/") || target == "internal/remote/remotetest":
				t.Errorf("%s: imports %s. What is there for tests must not get into the program.", f.place(spec), target)
			case !known:
				t.Errorf("%s: no rule says what %s may import. Give it a line in test/house/imports_test.go, so that its place in the house is a decision.", f.place(spec), f.dir)
			case !ok:
				t.Errorf("%s: %s must not import %s. Imports run downward only: a frontend sees the backend, a driver knows its protocol, the store knows no server, so that each can be tested and replaced alone.", f.place(spec), f.dir, target)
			}
		}
	}
}

func TestTheImportRuleKnowsGoodFromBad(t *testing.T) {
	for _, c := range []struct {
		pkg, target string
		ok, known   bool
	}{
		{"internal/web", "internal/backend", true, true},
		{"internal/web", "internal/store", false, true},
		{"internal/web/pages", "internal/backend", true, true},
		{"internal/web/pages", "internal/web", true, true},
		{"internal/web", "internal/web/pages", true, true},
		{"internal/store", "internal/remote", false, true},
		{"internal/remote", "internal/remote/imap", false, true},
		{"internal/remote/imap", "internal/remote", true, true},
		{"internal/remote/imap", "internal/remote/smtp", false, true},
		{"internal/remote/imap", "internal/store", false, true},
		{"internal/backend", "internal/remote/imap", true, true},
		{"internal/groupware", "internal/format", false, true},
		{"internal/attic", "internal/groupware", false, false},
	} {
		if ok, known := mayImport(c.pkg, c.target); ok != c.ok || known != c.known {
			t.Errorf("%s imports %s: allowed %v, known %v", c.pkg, c.target, ok, known)
		}
	}
}
