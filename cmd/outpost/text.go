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
	p.terminal = terminal(w)
	return p
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is how many characters a line of a terminal has.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 1 {
			return n
		}
	}
	return 80
}

// fitted cuts the lines of a text so that none takes more than one line of a terminal.
func fitted(text string, width int) string {
	lines := strings.SplitAfter(text, "\n")
	for i, l := range lines {
		if end := strings.TrimSuffix(l, "\n"); utf8.RuneCountInString(end) > width {
			lines[i] = cut(end, width) + l[len(end):]
		}
	}
	return strings.Join(lines, "")
}

// far says in words how far something is.
func far(e backend.Event) string {
	text := e.Doing
	if e.Folder != "" {
		text += " " + e.Folder
	}
	amount := func(a backend.Amount) {
		switch {
		case a.Total > 0:
			text += fmt.Sprintf(" %d of %d", a.Done, a.Total)
		case a.Done > 0:
			text += fmt.Sprintf(" %d", a.Done)
		}
		switch {
		case a.TotalBytes > a.Bytes && a.Total == 0:
			text += fmt.Sprintf(" %s of %s", size(a.Bytes), size(a.TotalBytes))
		case a.Bytes > 0:
			text += ", " + size(a.Bytes)
		}
	}
	amount(e.Amount)
	whole := e.Amount
	if e.All != nil {
		whole = *e.All
		if e.All.Total > e.Total {
			text += "; in all"
			amount(*e.All)
		}
	}
	if whole.Rate > 0 {
		text += fmt.Sprintf(", %s/s", size(whole.Rate))
	}
	if whole.Remaining > 0 {
		text += ", " + remaining(whole.Remaining) + " left"
	}
	return text
}

// remaining is a number of seconds as a person reads it.
func remaining(seconds int64) string {
	switch {
	case seconds >= 2*3600:
		return fmt.Sprintf("%d h", (seconds+1800)/3600)
	case seconds >= 90:
		return fmt.Sprintf("%d min", (seconds+30)/60)
	}
	return fmt.Sprintf("%d s", seconds)
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
	text := printable(far(e))
	if !p.terminal {
		fmt.Fprintln(p.w, text)
		return
	}
	text = cut(text, width(p.w)-1)
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
