package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// file is a Go file of the project, for whatever system it is built.
type file struct {
	path string // from the top of the project, with slashes
	dir  string
	ast  *ast.File
	fset *token.FileSet
}

func (f file) test() bool { return strings.HasSuffix(f.path, "_test.go") }

func (f file) place(n ast.Node) string {
	p := f.fset.Position(n.Pos())
	return f.path + ":" + strings.TrimPrefix(p.String(), p.Filename+":")
}

// top is the folder of go.mod.
func top(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above this folder")
		}
		dir = filepath.Dir(dir)
	}
}

// walk calls fn for every file that is the project's own work: not what was built or fetched, not test data.
func walk(t *testing.T, fn func(name, full string)) {
	t.Helper()
	root := top(t)
	err := filepath.WalkDir(root, func(full string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch d.Name() {
			case ".git", ".cache", "bin", "testdata", "node_modules":
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		name, err := filepath.Rel(root, full)
		if err != nil {
			return err
		}
		fn(filepath.ToSlash(name), full)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// goFiles parses every Go file of the project.
func goFiles(t *testing.T) []file {
	t.Helper()
	var files []file
	walk(t, func(name, full string) {
		if path.Ext(name) != ".go" {
			return
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, full, nil, parser.ParseComments)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		files = append(files, file{name, path.Dir(name), parsed, fset})
	})
	if len(files) == 0 {
		t.Fatal("no Go files found")
	}
	return files
}
