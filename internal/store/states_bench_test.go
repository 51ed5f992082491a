package store

import "testing"

// BenchmarkMillionStates asks what the engine and every status ask, of a folder of 1,000,000 items in states that cost the most. The items
// share one content: it is the rows that are counted.
func BenchmarkMillionStates(b *testing.B) {
	const items = 1_000_000
	_, m := openProfile(b, b.TempDir(), Options{NoIndexer: true})
	inbox := addFolder(b, m, "INBOX", "inbox")
	download(b, m, inbox, "1.0", mail("one", 1, "the content of all"))
	script := func(sql string) {
		b.Helper()
		if err := m.writer.script("BEGIN; " + sql + "; COMMIT"); err != nil {
			b.Fatal(err)
		}
	}
	script(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)
		INSERT INTO items (folder, flags, keywords, content, base_folder, base_remote, base_tag, base_flags, base_keywords, base_content, remote,
			kind, media, body, size, date, ends, received, subject, sender, recipient, message_id, attachments, recurs, problem)
		SELECT folder, flags, keywords, content, base_folder, '1700000000.' || i, base_tag, base_flags, base_keywords, base_content, remote,
			kind, media, body, size, date + i, ends, received, subject, sender, recipient, message_id || i, attachments, recurs, problem FROM n, items WHERE id = 1;
		UPDATE blobs SET refs = 2000000; UPDATE folders SET items = 1000000, unread = 1000000 WHERE role = '' AND remote_id <> ''`)
	ask := func(name string, question func(tx *Tx) error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				view(b, m, question)
			}
		})
	}
	state := func(name string, here, there, pending int64) {
		ask("Doomed"+name, func(tx *Tx) error {
			h, th, of, err := tx.Doomed(inbox)
			if h != here || th != there || of != items {
				b.Fatalf("%d here, %d there of %d", h, th, of)
			}
			return err
		})
		ask("Counts"+name, func(tx *Tx) error {
			c, err := tx.Counts()
			if c.Pending != pending {
				b.Fatalf("counts %+v", c)
			}
			return err
		})
	}
	state("Quiet", 0, 0, 0)
	script("UPDATE items SET flags = 1 WHERE folder IS NOT NULL")
	state("AllRead", 0, 0, items)
	script("UPDATE items SET flags = 0, remote = 1; INSERT INTO remotes SELECT base_folder, base_remote, id, 1, 0, '', 0, '', 0, 0 FROM items")
	state("AllGone", items, 0, items)
	script("DELETE FROM remotes; UPDATE items SET folder = NULL, content = NULL, remote = 0; UPDATE blobs SET refs = 1000000; UPDATE folders SET items = 0, unread = 0")
	state("AllDeleted", 0, items, items)
}
