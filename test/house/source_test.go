package house

import (
	"bytes"
	"go/ast"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestEveryPackageSaysWhatItIsForAndWhatItMayImport(t *testing.T) {
	comment := map[string]string{}
	for _, f := range goFiles(t) {
		if !f.test() {
			comment[f.dir] += f.ast.Doc.Text()
		}
	}
	for dir, text := range comment {
		switch {
		case text == "":
			t.Errorf("%s has no package comment. Whoever opens a package wants to know what it is for before reading its code.", dir)
		case !strings.Contains(text, "import"):
			t.Errorf("%s: the package comment does not say what the package may import. The law stands where it is broken, not only in a document.", dir)
		}
	}
}

func TestNothingHappensBeforeMain(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: func init. What runs without being called cannot be given another clock, network or disk.", f.place(fn))
			}
		}
	}
}

func TestTestsDoNotSleep(t *testing.T) {
	for _, f := range goFiles(t) {
		if !f.test() {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sleep" {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" {
					t.Errorf("%s: a test sleeps. It waits too long on a fast machine and too short on a slow one; wait for what is to happen.", f.place(sel))
				}
			}
			return true
		})
	}
}

func TestFilesAreShortEnoughToBeOneThought(t *testing.T) {
	const most = 700
	for _, f := range goFiles(t) {
		if f.test() || ast.IsGenerated(f.ast) {
			continue // a generated file is read in the table that it was made of
		}
		if n := f.fset.Position(f.ast.FileEnd).Line; n > most {
			t.Errorf("%s has %d lines, more than %d. A file is one thought, named by what it holds.", f.path, n, most)
		}
	}
}

var (
	// Written apart, so that this file keeps its own rule.
	laterWork   = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	machinePath = regexp.MustCompile(`(^|[^\w./-])/(work|farm|root)/\w|/home/[a-z]\w*/\w|/Users/[A-Za-z]\w*/\w|[A-Z]:\\Users\\`)
)

func TestTheSourceHoldsNoPromisesAndNoPlacesOfOneMachine(t *testing.T) {
	written := map[string]bool{".go": true, ".md": true, ".sh": true, ".sql": true, ".html": true, ".css": true, ".js": true, ".conf": true, "": true}
	walk(t, func(name, full string) {
		if !written[path.Ext(name)] || path.Base(name) == "LICENSE" {
			return
		}
		data, err := os.ReadFile(full)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(data, 0) >= 0 {
			return // not text
		}
		for n, line := range strings.Split(string(data), "\n") {
			if m := laterWork.FindString(line); m != "" {
				t.Errorf("%s:%d: %s. Work for later is an issue, where somebody finds it; the source says what is.", name, n+1, m)
			}
			if m := machinePath.FindString(line); m != "" {
				t.Errorf("%s:%d: %s. That place exists on one machine only.", name, n+1, strings.TrimSpace(m))
			}
		}
	})
}
