// Package mapitest helps the tests of the packages that read and write messages as files: it makes messages at random,
// says in what two of them differ, and finds the sample files made by others. Only tests import it.
package mapitest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"outpost/internal/mapi"
)

// Corpus gives the sample files of a folder by their names without the ending, or skips the test and says why.
func Corpus(t testing.TB, folder, ending string) map[string][]byte {
	dir := os.Getenv("OUTPOST_CORPUS")
	if dir == "" {
		at, _ := filepath.Abs(".")
		for at != filepath.Dir(at) {
			if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
				break
			}
			at = filepath.Dir(at)
		}
		dir = filepath.Join(filepath.Dir(at), "shared", "corpus")
	}
	paths, _ := filepath.Glob(filepath.Join(dir, folder, "*"+ending))
	if len(paths) == 0 {
		t.Skipf("no sample data in %s: set OUTPOST_CORPUS to the folder that holds %s", dir, folder)
	}
	files := make(map[string][]byte)
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(filepath.Base(path), ending)] = raw
	}
	return files
}

// Difference says in what two messages differ; the order of properties does not count.
func Difference(a, b *mapi.Message) string {
	if d := differenceOf(&a.Properties, &b.Properties); d != "" {
		return d
	}
	if len(a.Recipients) != len(b.Recipients) || len(a.Attachments) != len(b.Attachments) {
		return fmt.Sprintf("%d recipients and %d attachments, then %d and %d", len(a.Recipients), len(a.Attachments), len(b.Recipients), len(b.Attachments))
	}
	for i := range a.Recipients {
		if d := differenceOf(&a.Recipients[i], &b.Recipients[i]); d != "" {
			return fmt.Sprintf("recipient %d: %s", i, d)
		}
	}
	for i := range a.Attachments {
		x, y := &a.Attachments[i], &b.Attachments[i]
		if d := differenceOf(&x.Properties, &y.Properties); d != "" {
			return fmt.Sprintf("attachment %d: %s", i, d)
		}
		if (x.Embedded == nil) != (y.Embedded == nil) {
			return fmt.Sprintf("attachment %d: only one of the two is a message", i)
		}
		if x.Embedded != nil {
			if d := Difference(x.Embedded, y.Embedded); d != "" {
				return fmt.Sprintf("attachment %d: %s", i, d)
			}
		}
	}
	return ""
}

func differenceOf(a, b *mapi.Properties) string {
	for p := range a.All() {
		if v, ok := lookUp(b, p); !ok {
			return fmt.Sprintf("%s %s is missing", p.Tag, p.Name)
		} else if !same(v, p.Value) {
			return fmt.Sprintf("%s %s is %.200v, was %.200v", p.Tag, p.Name, v, p.Value)
		}
	}
	for p := range b.All() {
		if _, ok := lookUp(a, p); !ok {
			return fmt.Sprintf("%s %s was not there", p.Tag, p.Name)
		}
	}
	return ""
}

// same reports whether two values are equal. Numbers that are none are, if they are of the same bits.
func same(a, b mapi.Value) bool {
	if mapi.Equal(a, b) {
		return true
	}
	x, errX := mapi.AppendValue(nil, mapi.Transfer, a)
	y, errY := mapi.AppendValue(nil, mapi.Transfer, b)
	return errX == nil && errY == nil && mapi.TypeOf(a) == mapi.TypeOf(b) && bytes.Equal(x, y)
}

func lookUp(p *mapi.Properties, like mapi.Property) (mapi.Value, bool) {
	if like.Name.IsZero() {
		return p.Get(like.Tag)
	}
	return p.GetNamed(like.Name, like.Tag.Type())
}
