package store

import (
	"context"
	"fmt"

	"outpost/internal/groupware"
)

// maxProblems bounds what Verify lists.
const maxProblems = 200

// Verify looks for damage: the database's own structure, contents that are not what their hash says, counters that do not
// count, references to nothing. It returns what it found in words; nothing is changed. Progress, when not nil, is told how
// many contents of how many were read.
func (m *Mailbox) Verify(ctx context.Context, progress func(done, total int64)) (problems []string, err error) {
	err = m.View(ctx, func(tx *Tx) error {
		v := verifier{tx: tx}
		v.structure()
		v.counters()
		v.contents(progress)
		problems = v.problems
		return v.err
	})
	if err != nil {
		return problems, err
	}
	damage, err := m.index.verify(ctx)
	if damage != "" {
		problems = append(problems, "the search index: "+damage+"; it is built again when Outpost starts next")
	}
	return problems, err
}

// verify checks the structure of the index file. A damaged one is removed when it is closed.
func (x *index) verify(ctx context.Context) (damage string, err error) {
	c, err := x.reader(ctx)
	if err == nil {
		defer func() { x.readers <- c }()
		_, err = c.one(func(r row) {
			if s := r.text(0); s != "ok" {
				damage = s
			}
		}, "PRAGMA integrity_check(1)")
	}
	if d, ok := asDamaged(err); ok {
		damage, err = d.Err.Error(), nil
	}
	if damage != "" {
		x.mu.Lock()
		x.damaged = true
		x.mu.Unlock()
	}
	return damage, err
}

type verifier struct {
	tx       *Tx
	problems []string
	err      error
}

func (v *verifier) found(format string, args ...any) {
	if len(v.problems) < maxProblems {
		v.problems = append(v.problems, fmt.Sprintf(format, args...))
	}
}

// each runs a query whose every row is a problem.
func (v *verifier) each(report func(r row), sql string, args ...any) {
	if v.err != nil {
		return
	}
	err := v.tx.c.query(func(r row) error {
		report(r)
		return nil
	}, sql, args...)
	v.note(err)
}

// note keeps what damage the engine itself reports among the problems.
func (v *verifier) note(err error) {
	if err == nil || v.err != nil {
		return
	}
	if d, ok := asDamaged(err); ok {
		v.found("%v", d.Err)
		return
	}
	v.err = err
}

func (v *verifier) structure() {
	v.each(func(r row) {
		if s := r.text(0); s != "ok" {
			v.found("database structure: %s", s)
		}
	}, "PRAGMA integrity_check")
	v.each(func(r row) {
		v.found("row %d of %s refers to a row of %s that is not there", r.int(1), r.text(0), r.text(2))
	}, "PRAGMA foreign_key_check")
}

func (v *verifier) counters() {
	v.each(func(r row) {
		v.found("folder %q counts %d items, %d unread; it holds %d, %d", r.text(0), r.int(1), r.int(2), r.int(3), r.int(4))
	}, `SELECT f.name, f.items, f.unread, n.items, n.unread FROM folders f JOIN (
			SELECT f.id, count(i.id) AS items, ifnull(sum(i.kind = 'mail' AND NOT i.flags & ?), 0) AS unread
			FROM folders f LEFT JOIN items i ON i.folder = f.id GROUP BY f.id) n USING (id)
		WHERE f.items <> n.items OR f.unread <> n.unread`, int(groupware.Seen))
	v.each(func(r row) { v.found("content %d is used %d times and counts %d", r.int(0), r.int(2), r.int(1)) },
		`SELECT b.id, b.refs, ifnull(u.n, 0) FROM blobs b LEFT JOIN (
			SELECT blob, count(*) AS n FROM (SELECT content AS blob FROM items UNION ALL SELECT base_content FROM items
				UNION ALL SELECT part FROM parts UNION ALL SELECT content FROM intents UNION ALL SELECT raw FROM failures
				UNION ALL SELECT base FROM conflicts) WHERE blob IS NOT NULL GROUP BY blob) u ON u.blob = b.id
		WHERE b.refs <> ifnull(u.n, 0) OR b.refs = 0`)
	v.each(func(r row) { v.found("item %d has content %d, which is not there", r.int(0), r.int(1)) },
		`SELECT id, content FROM items WHERE content NOT IN (SELECT id FROM blobs)
		UNION ALL SELECT id, base_content FROM items WHERE base_content NOT IN (SELECT id FROM blobs)
		UNION ALL SELECT item, content FROM intents WHERE content NOT IN (SELECT id FROM blobs)
		UNION ALL SELECT item, base FROM conflicts WHERE base NOT IN (SELECT id FROM blobs)`)
	v.each(func(r row) { v.found("failure %d has content %d, which is not there", r.int(0), r.int(1)) },
		"SELECT number, raw FROM failures WHERE raw NOT IN (SELECT id FROM blobs)")
	v.each(func(r row) { v.found("%q in folder %d counts as failed, and no failure says why", r.text(1), r.int(0)) },
		`SELECT folder, remote_id FROM remotes WHERE failed AND (item IS NOT NULL OR NOT EXISTS (SELECT 1 FROM failures f
			WHERE f.item IS NULL AND f.folder = remotes.folder AND f.remote_id = remotes.remote_id))`)
	v.each(func(r row) { v.found("item %d is wrong about whether the server shows something else of it", r.int(0)) },
		"SELECT id FROM items WHERE remote <> EXISTS (SELECT 1 FROM remotes WHERE item = items.id)")
}

func (v *verifier) contents(progress func(done, total int64)) {
	if v.err != nil {
		return
	}
	total, err := v.tx.c.number("SELECT count(*) FROM blobs")
	v.note(err)
	var done, after int64
	for v.err == nil {
		var ids []int64
		v.each(func(r row) { ids = append(ids, r.int(0)) }, "SELECT id FROM blobs WHERE id > ? ORDER BY id LIMIT 256", after)
		if len(ids) == 0 {
			return
		}
		for _, id := range ids {
			raw, form, err := v.tx.blobBytes(id)
			if err == nil && form&formPartial != 0 {
				if _, err := decodePartial(raw); err != nil {
					v.found("content %d: %v", id, err)
				}
			}
			if err != nil {
				v.report(id, err)
			}
			after = id
			done++
		}
		if progress != nil {
			progress(done, total)
		}
	}
}

// report says of which items a damaged content is.
func (v *verifier) report(id int64, err error) {
	if _, ok := asDamaged(err); !ok {
		v.note(err)
		return
	}
	n := len(v.problems)
	v.each(func(r row) { v.found("item %d: %v", r.int(0), err) },
		"SELECT id FROM items WHERE content = ?1 OR base_content = ?1 OR content IN (SELECT blob FROM parts WHERE part = ?1)", id)
	v.each(func(r row) { v.found("failure %d: %v", r.int(0), err) }, "SELECT number FROM failures WHERE raw = ?", id)
	v.each(func(r row) { v.found("conflict of item %d: %v", r.int(0), err) }, "SELECT item FROM conflicts WHERE base = ?", id)
	if len(v.problems) == n {
		v.found("%v", err)
	}
}
