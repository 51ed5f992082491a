package demo

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"outpost/internal/demo/davserver"
	"outpost/internal/demo/mailstore"
)

// record is one line of the journal.
type record struct {
	Settings *settings
	Mail     *mailstore.Record
	DAV      *davserver.Record
	Outgoing *Sent
}

// settings are what a server keeps besides its stores.
type settings struct {
	Format                  int
	Email, Name, Password   string
	IMAPPort, SMTPPort, DAV int
}

const journalFormat = 1

// journal is the one file that holds the server's state: a stream of records. Every change is written before it is
// answered, so that a killed process loses nothing that a client was told; opening it rewrites it without history.
type journal struct {
	path string
	f    *os.File
	enc  *gob.Encoder
	err  error // the first failure: from then on nothing is written, so that the file stays a valid beginning
}

// readJournal applies the records of a file. A torn end (a crash while writing) is dropped; no file is no record.
func readJournal(path string, apply func(record) error) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	d := gob.NewDecoder(f)
	for n := 0; ; n++ {
		var r record
		err := d.Decode(&r)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err == nil {
			err = apply(r)
		}
		if err != nil {
			return fmt.Errorf("the demo server's state in %s cannot be read (record %d: %w); remove the file to begin anew", path, n, err)
		}
	}
}

// newJournal writes a new file with what fill emits, puts it in the old one's place, and is ready for more.
func newJournal(path string, fill func(*journal)) (*journal, error) {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{path: path, f: f}
	j.enc = gob.NewEncoder(j)
	fill(j)
	if j.err == nil {
		j.err = f.Sync()
	}
	// An open file cannot be renamed on every system.
	if err := errors.Join(j.err, f.Close()); err != nil {
		return nil, err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return nil, err
	}
	if j.f, err = os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0); err != nil {
		return nil, err
	}
	if d, err := os.Open(filepath.Dir(path)); err == nil {
		d.Sync()
		d.Close()
	}
	return j, nil
}

// Write is for the encoder, which goes on in the same stream when the file has got its name.
func (j *journal) Write(p []byte) (int, error) { return j.f.Write(p) }

func (j *journal) write(r record) {
	if j.err == nil {
		j.err = j.enc.Encode(r)
	}
}

func (j *journal) close() error {
	if j.err == nil {
		j.err = j.f.Sync()
	}
	return errors.Join(j.err, j.f.Close())
}
