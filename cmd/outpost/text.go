package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"outpost/internal/backend"
)

// printable takes out of a text what could command a terminal: mail comes from strangers.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) && !strings.ContainsRune("\u202a\u202b\u202d\u202e\u2066\u2067\u2068", r) {
			return r
		}
		return -1
	}, s)
}

// cut shortens a text to so many characters.
func cut(s string, n int) string {
	s = strings.ReplaceAll(strings.ReplaceAll(printable(s), "\n", " "), "\t", " ")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "\u2026"
}

// table prints rows in columns.
func table(w io.Writer, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	t.Flush()
}

// size is a number of bytes as a person reads it.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.0f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// day is a time in a list.
func day(t backend.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}

// count is a number with its noun.
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// progress shows on stderr what happens: on a terminal as one line that changes, else a line now and then.
type progress struct {
	w        io.Writer
	terminal bool
	last     time.Time
	shown    int // characters on the line
}

const (
	calmTerminal = 150 * time.Millisecond
	calmFile     = 5 * time.Second
)

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, last: time.Now()}
	if f, ok := w.(*os.File); ok {
		p.terminal = term.IsTerminal(int(f.Fd()))
	}
	return p
}

func (p *progress) show(e backend.Event) {
	calm := calmFile
	if p.terminal {
		calm = calmTerminal
	}
	if e.Doing == "" || time.Since(p.last) < calm {
		return
	}
	p.last = time.Now()
	text := e.Doing
	if e.Folder != "" {
		text = e.Folder + ": " + text
	}
	switch {
	case e.Total > 0:
		text += fmt.Sprintf(" %d of %d", e.Done, e.Total)
	case e.Done > 0:
		text += fmt.Sprintf(" %d", e.Done)
	}
	if e.Bytes > 0 {
		text += ", " + size(e.Bytes)
	}
	text = cut(text, 78)
	if !p.terminal {
		fmt.Fprintln(p.w, text)
		return
	}
	n := utf8.RuneCountInString(text)
	fmt.Fprint(p.w, "\r"+text+strings.Repeat(" ", max(0, p.shown-n)))
	p.shown = n
}

// end clears the line.
func (p *progress) end() {
	if p.shown > 0 {
		fmt.Fprint(p.w, "\r"+strings.Repeat(" ", p.shown)+"\r")
		p.shown = 0
	}
}
