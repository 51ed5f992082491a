package engine

import (
	"fmt"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
)

// BenchmarkNothingToDo is a pass over 200 folders of a server that costs nothing.
func BenchmarkNothingToDo(b *testing.B) {
	d := newDesk(b, fake.Options{})
	for i := range 200 {
		d.server.AddFolder(remote.NewFolder{Name: fmt.Sprint("Folder ", i), Kind: groupware.FolderMail})
	}
	d.sync()
	for b.Loop() {
		d.sync()
	}
}
