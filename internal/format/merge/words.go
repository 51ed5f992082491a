package merge

import (
	"strings"

	"outpost/internal/format/mime"
)

// maxShown bounds what is shown of one value.
const maxShown = 1 << 10

// show makes a text fit to be shown: valid UTF-8 without control and hidden characters, its lines kept, at most maxShown bytes.
func show(s string) string {
	if len(s) > 4*maxShown {
		s = s[:4*maxShown]
	}
	var b strings.Builder
	for line := range strings.SplitSeq(mime.Lines(strings.ToValidUTF8(s, "\uFFFD")), "\n") {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(mime.Display(line, maxShown))
		if b.Len() > maxShown {
			break
		}
	}
	out := strings.TrimSpace(b.String())
	if len(out) > maxShown {
		out = strings.ToValidUTF8(out[:maxShown-len("…")], "") + "…"
	}
	return out
}
