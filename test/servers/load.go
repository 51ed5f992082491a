package servers

import (
	"bytes"
	"fmt"
	"iter"
	"time"
)

// Mail is a message to load.
type Mail struct {
	Raw   []byte // with CRLF line ends
	Flags string // `\Seen \Flagged`
	Date  time.Time
}

// Loaded says what Append did.
type Loaded struct {
	Messages int
	Bytes    int64
	Refused  []error // by the server: one for each message that it does not take
}

// Commands are this large at most; a message that is larger goes alone.
const (
	appendMessages = 250
	appendBytes    = 8 << 20
)

// Append loads messages into a folder, many with one command.
// RFC 3502 (MULTIAPPEND), RFC 7888 (LITERAL+)
func (c *IMAP) Append(folder string, mails iter.Seq[Mail]) (Loaded, error) {
	var done Loaded
	var batch []Mail
	var size int
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := c.append(folder, batch)
		if err != nil && len(batch) > 1 {
			// One bad message has the whole batch refused. Only that one is to be left out.
			for _, m := range batch {
				if err := c.append(folder, []Mail{m}); err != nil {
					done.Refused = append(done.Refused, err)
					continue
				}
				done.Messages++
				done.Bytes += int64(len(m.Raw))
			}
			if len(done.Refused) > appendMessages {
				return fmt.Errorf("the server refuses everything, for example: %w", done.Refused[0])
			}
		} else if err != nil {
			done.Refused = append(done.Refused, err)
		} else {
			done.Messages += len(batch)
			done.Bytes += int64(size)
		}
		batch, size = batch[:0], 0
		return nil
	}
	for m := range mails {
		if len(batch) == appendMessages || size+len(m.Raw) > appendBytes {
			if err := flush(); err != nil {
				return done, err
			}
		}
		batch = append(batch, m)
		size += len(m.Raw)
	}
	return done, flush()
}

func (c *IMAP) append(folder string, batch []Mail) error {
	tag := c.nextTag()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s APPEND %s", tag, Quote(folder))
	for _, m := range batch {
		fmt.Fprintf(&b, " (%s)", m.Flags)
		if !m.Date.IsZero() {
			fmt.Fprintf(&b, " %s", Quote(m.Date.Format("_2-Jan-2006 15:04:05 -0700"))) // RFC 3501 date-time
		}
		fmt.Fprintf(&b, " {%d+}\r\n", len(m.Raw))
		b.Write(m.Raw)
	}
	b.WriteString("\r\n")
	_, err := c.exchange(tag, fmt.Sprintf("APPEND of %d messages to %s", len(batch), folder), b.Bytes())
	return err
}
