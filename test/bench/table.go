package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// table is what one part measured on one server.
type table struct {
	key, title string
	runs       []run
	figures    []figure
	columns    []string   // of rows
	rows       [][]string // what is neither a run nor a figure
	blocks     []string
	notes      []string
	simulated  bool // on no machine
	started    time.Time
	load       string
}

// run is one line of costs.
type run struct {
	name  string
	cost  cost
	items int
}

// figure is one that may have a goal, which is met when the figure is not above it.
type figure struct {
	name  string
	value float64
	goal  float64 // 0: none
	unit  string
}

func newTable(key, title string) *table {
	return &table{key: key, title: title, started: time.Now(), load: load()}
}

func (t *table) run(name string, items int, c cost) {
	t.runs = append(t.runs, run{name, c, items})
}

// ratio compares the wall times of two runs.
func (t *table) ratio(name string, a, b cost, goal float64) {
	t.figures = append(t.figures, figure{name, a.Wall.Seconds() / b.Wall.Seconds(), goal, ""})
}

func (t *table) figure(name string, value, goal float64, unit string) {
	t.figures = append(t.figures, figure{name, value, goal, unit})
}

func (t *table) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// block is text that is shown as it is.
func (t *table) block(title, text string) {
	t.blocks = append(t.blocks, fmt.Sprintf("%s:\n```\n%s```\n", title, text))
}

const mib = 1 << 20

// markdown is the table as it stands in docs/benchmarks.md.
func (t *table) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n", t.title)
	if !t.simulated {
		fmt.Fprintf(&b, "%s · %s · load %s before, %s after\n\n", t.started.UTC().Format("2006-01-02 15:04 UTC"), machine(), t.load, load())
	}
	if len(t.runs) > 0 {
		b.WriteString("| run | wall s | items/s | CPU s | server CPU s | peak MiB |\n|---|--:|--:|--:|--:|--:|\n")
		for _, r := range t.runs {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", r.name, number(r.cost.Wall.Seconds()), perSecond(r), number(r.cost.CPU.Seconds()),
				number(r.cost.Server.Seconds()), number(float64(r.cost.RSS)/mib))
		}
		b.WriteString("\n")
	}
	if len(t.figures) > 0 {
		b.WriteString("| figure | measured | goal | |\n|---|--:|--:|---|\n")
		for _, f := range t.figures {
			goal, verdict := "", ""
			if f.goal > 0 {
				goal = "≤ " + number(f.goal) + f.unit
				if verdict = "met"; f.value > f.goal {
					verdict = fmt.Sprintf("**missed** by %.0f %%", (f.value/f.goal-1)*100)
				}
			}
			fmt.Fprintf(&b, "| %s | %s%s | %s | %s |\n", f.name, number(f.value), f.unit, goal, verdict)
		}
		b.WriteString("\n")
	}
	if len(t.rows) > 0 {
		fmt.Fprintf(&b, "| %s |\n|---|%s\n", strings.Join(t.columns, " | "), strings.Repeat("--:|", len(t.columns)-1))
		for _, r := range t.rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(r, " | "))
		}
		b.WriteString("\n")
	}
	for _, block := range t.blocks {
		b.WriteString(block + "\n")
	}
	for _, n := range t.notes {
		b.WriteString("- " + n + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// number has three significant digits; what was not measured is left empty.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.1:
		return fmt.Sprintf("%.2f", v)
	case v == 0:
		return ""
	default:
		return fmt.Sprintf("%.2g", v)
	}
}

func perSecond(r run) string {
	if r.items == 0 || r.cost.Wall == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f", float64(r.items)/r.cost.Wall.Seconds())
}

// write puts the table into the document in place of its earlier self, which it finds by its markers; a new one goes to
// the end.
func (t *table) write(path string) error {
	doc, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		doc, err = []byte("# Benchmarks\n"), nil
	}
	if err != nil {
		return err
	}
	begin, end := "<!-- measured: "+t.key+" -->\n", "<!-- end: "+t.key+" -->\n"
	section := begin + t.markdown() + end
	if before, rest, ok := bytes.Cut(doc, []byte(begin)); ok {
		if _, after, ok := bytes.Cut(rest, []byte(end)); ok {
			doc = append(append(before[:len(before):len(before)], section...), after...)
			return os.WriteFile(path, doc, 0o644)
		}
		return fmt.Errorf("%s: %q has no %q after it", path, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	doc = append(append(bytes.TrimRight(doc, "\n"), "\n\n"...), section...)
	return os.WriteFile(path, doc, 0o644)
}

var modelName = regexp.MustCompile(`(?m)^model name\s*:\s*(.*)$`)

// machine says what the figures were measured on.
func machine() string {
	cpu := runtime.GOARCH
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := modelName.FindSubmatch(info); m != nil {
			cpu = string(m[1])
		}
	}
	kernel, err := exec.Command("uname", "-sr").Output()
	if err != nil {
		kernel = []byte(runtime.GOOS)
	}
	return fmt.Sprintf("%s, %d cores, %s, %s", cpu, runtime.NumCPU(), strings.TrimSpace(string(kernel)), runtime.Version())
}

// load is the number of runnable processes over the last minute.
func load() string {
	l, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	first, _, _ := strings.Cut(string(l), " ")
	return first
}
