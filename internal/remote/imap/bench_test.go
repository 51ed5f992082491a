package imap

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"outpost/internal/remote"
	"outpost/test/servers"
)

// mixed makes messages as large as mail is: 7 KB in the mean, some with an attachment.
func mixed(n int) func(func(servers.Mail) bool) {
	line := []byte("The quick brown fox jumps over the lazy dog and comes back the next day.\r\n")
	return func(yield func(servers.Mail) bool) {
		for i := range n {
			var b bytes.Buffer
			fmt.Fprintf(&b, "From: a@example.org\r\nTo: b@example.org\r\nSubject: Message %d\r\nMessage-ID: <%d@mixed.example.org>\r\nDate: Mon, 2 Mar 2026 09:30:00 +0100\r\nMIME-Version: 1.0\r\n", i, i)
			text := bytes.Repeat(line, 10+i%40)
			switch i % 10 {
			case 0, 1, 2, 3, 4:
				b.WriteString("\r\n")
				b.Write(text)
			case 9:
				b.WriteString("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n")
				b.Write(text)
				b.WriteString("\r\n--x\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n")
				b.Write(bytes.Repeat(line, 600))
				b.WriteString("\r\n--x--\r\n")
			default:
				b.WriteString("Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n\r\n")
				b.Write(text)
				b.WriteString("\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>")
				b.Write(text)
				b.WriteString("\r\n--x--\r\n")
			}
			if !yield(servers.Mail{Raw: b.Bytes(), Flags: `\Seen`, Date: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)}) {
				return
			}
		}
	}
}

// BenchmarkReading compares, on the same 10,000 messages of real servers, what reading costs with a bare loop that throws
// the same bytes away. "of the wire" is the bare loop's time divided by ours.
func BenchmarkReading(b *testing.B) {
	const n = 10_000
	for _, k := range []servers.Kind{servers.CyrusIMAP, servers.DovecotIMAP} {
		b.Run(string(k), func(b *testing.B) {
			s := pool.Get(b, k)
			u := s.NewUser(b)
			c, err := s.DialIMAP(u)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Append("INBOX", mixed(n)); err != nil {
				b.Fatal(err)
			}
			d := connect(b, endpoint(s, u), Options{})
			inbox := folderAt(b, d, "INBOX")
			var ids []string
			list := func() {
				ids = ids[:0]
				if _, err := d.Changes(b.Context(), inbox.ID, "", func(c remote.Change) error { ids = append(ids, c.ID); return nil }); err != nil {
					b.Fatal(err)
				}
			}
			bare := func(items string) time.Duration {
				if _, err := c.Command("SELECT INBOX"); err != nil {
					b.Fatal(err)
				}
				start := time.Now()
				if _, err := c.Discard("UID FETCH 1:* (%s)", items); err != nil {
					b.Fatal(err)
				}
				return time.Since(start)
			}
			read := func(part remote.Part) (bytes int64) {
				err := d.Fetch(b.Context(), inbox.ID, ids, part, func(f remote.Fetched) error {
					bytes += int64(len(f.Raw))
					if f.Err != nil {
						return f.Err
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				return bytes
			}
			list()
			slices.Reverse(ids)
			compare := func(name, items string, do func() int64) {
				b.Run(name, func(b *testing.B) {
					bare(items) // warm
					var ours, wire time.Duration
					var size int64
					b.ReportAllocs()
					b.ResetTimer()
					for range b.N {
						b.StopTimer()
						wire += bare(items)
						b.StartTimer()
						start := time.Now()
						size = do()
						ours += time.Since(start)
					}
					b.ReportMetric(float64(n*b.N)/ours.Seconds(), "msg/s")
					b.ReportMetric(wire.Seconds()/ours.Seconds(), "of-the-wire")
					b.SetBytes(size)
				})
			}
			compare("list", "UID FLAGS RFC822.SIZE", func() int64 { list(); slices.Reverse(ids); return 0 })
			compare("whole", "UID FLAGS INTERNALDATE BODY.PEEK[]", func() int64 { return read(remote.PartWhole) })
			compare("text", "UID FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER]", func() int64 { return read(remote.PartText) })
		})
	}
}
