//go:build mutate

package mutate

// Who is to notice.
var (
	engineTests = []string{"./internal/engine"}
	storeTests  = []string{"./internal/store", "./internal/engine"}
	imapTests   = []string{"./internal/remote/imap"}
	davTests    = []string{"./internal/remote/dav"}
	everything  = []string{"./internal/engine", "./test/simulate"}
	simulation  = []string{"./test/simulate"}
)

// mutants are the seeded bugs.
var mutants = []mutant{
	// The plan.
	{
		name: "an edit is dropped when its item was deleted there", file: "internal/engine/plan.go", catch: engineTests,
		old: "		if l.Content != b.Content || l.Folder != b.Folder &&",
		new: "		if l.Folder != b.Folder &&",
	},
	{
		name: "a new place is dropped when its item was deleted there", file: "internal/engine/plan.go", catch: engineTests,
		old: "l.Content != b.Content || l.Folder != b.Folder && l.Content != (groupware.Hash{})",
		new: "l.Content != b.Content",
	},
	{
		name: "an item deleted here is deleted there although it was edited there", file: "internal/engine/plan.go", catch: engineTests,
		old: "		if r.Tag != b.Tag || r.Folder != b.Folder {",
		new: "		if r.Folder != b.Folder {",
	},
	{
		name: "an item deleted here is deleted there although it was filed elsewhere there", file: "internal/engine/plan.go", catch: engineTests,
		old: "		if r.Tag != b.Tag || r.Folder != b.Folder {",
		new: "		if r.Tag != b.Tag {",
	},
	{
		name: "flags set here overwrite those set there", file: "internal/engine/plan.go", catch: engineTests,
		old: "groupware.MergeFlags(b.Flags, l.Flags, r.Flags)",
		new: "l.Flags",
	},
	{
		name: "flags set there overwrite those set here", file: "internal/engine/plan.go", catch: engineTests,
		old: "groupware.MergeFlags(b.Flags, l.Flags, r.Flags)",
		new: "r.Flags",
	},
	{
		name: "flags are joined, so that none is ever taken away", file: "internal/engine/plan.go", catch: engineTests,
		old: "groupware.MergeFlags(b.Flags, l.Flags, r.Flags)",
		new: "l.Flags.Plus(r.Flags)",
	},
	{
		name: "what both sides edited is read from the server over the edit made here", file: "internal/engine/plan.go", catch: engineTests,
		old: "		return Clash\n",
		new: "		return Take\n",
	},
	{
		name: "what both sides edited is sent over the edit made there", file: "internal/engine/plan.go", catch: engineTests,
		old: "		return Clash\n",
		new: "		return Push\n",
	},
	{
		name: "what both sides moved is moved on neither", file: "internal/engine/plan.go", catch: engineTests,
		old: "	case Take, Clash:\n		p.Folder, p.Where = Take, r.Folder",
		new: "	case Take:\n		p.Folder, p.Where = Take, r.Folder",
	},
	{
		name: "a folder that was renumbered is planned to be as before", file: "internal/engine/plan.go", catch: engineTests,
		old: " && r.RemoteID == b.RemoteID {",
		new: " {",
	},

	// What is seen.
	{
		name: "what an incremental listing does not mention counts as gone", file: "internal/engine/observe.go", catch: engineTests,
		old: "		if listing.Full {",
		new: "		if true {",
	},
	{
		name: "what a full listing does not mention counts as there", file: "internal/engine/observe.go", catch: engineTests,
		old: "		if listing.Full {",
		new: "		if false {",
	},
	{
		name: "what a full listing says to be unchanged counts as gone", file: "internal/engine/observe.go", catch: engineTests,
		old: "		present = append(present, c.ID)\n		if c.Same {\n			return nil\n		}\n",
		new: "		if c.Same {\n			return nil\n		}\n		present = append(present, c.ID)\n",
	},
	{
		name: "the state token is saved without what is gone", file: "internal/engine/observe.go", catch: engineTests,
		old: "		if _, err := tx.ObserveGone(f.ID, gone); err != nil {\n			return err\n		}\n",
		new: "",
	},
	{
		name: "the state token is saved without the last lines that it covers", file: "internal/engine/observe.go", catch: engineTests,
		old: "		if _, err := tx.Observe(f.ID, seen); err != nil {\n			return err\n		}\n		if _, err := tx.ObserveGone",
		new: "		if _, err := tx.ObserveGone",
	},
	{
		name: "the state token is never saved", file: "internal/engine/observe.go", catch: engineTests,
		old: "		now.Token = listing.Token\n",
		new: "",
	},
	{
		name: "a message that was moved there is read again as another one", file: "internal/engine/recognise.go", catch: engineTests,
		old: "	if err != nil || len(gone) == 0 {\n		return err\n	}\n	for _, f := range p.inOrder(s) {\n		rs",
		new: "	if err != nil || len(gone) >= 0 {\n		return err\n	}\n	for _, f := range p.inOrder(s) {\n		rs",
	},

	// What is done.
	{
		name: "an item of which it is not known whether it was stored is stored again", file: "internal/engine/execute.go", catch: engineTests,
		old: "home(t) == f.ID && !open[t.Item]",
		new: "home(t) == f.ID",
	},
	{
		name: "what a person did while a step was under way is overwritten by it", file: "internal/engine/execute.go", catch: engineTests,
		old: "	} else if !sameLocal(now.Local, w.t.Local) {\n		return false, nil\n	}",
		new: "	}",
	},
	{
		name: "what a person did between plan and step is overwritten by flags and places set there", file: "internal/engine/execute.go", catch: engineTests,
		old: "	if err != nil || !sameLocal(now.Local, w.t.Local) {\n		p.touched[f.ID] = true",
		new: "	_ = now\n	if err != nil {\n		p.touched[f.ID] = true",
	},
	{
		name: "flags to be set there are cleared and the other way round", file: "internal/engine/execute.go", catch: engineTests,
		old: "flagStep{w.t.Base.Folder, w.p.Flags.Minus(w.t.Remote.Flags), w.t.Remote.Flags.Minus(w.p.Flags)}",
		new: "flagStep{w.t.Base.Folder, w.t.Remote.Flags.Minus(w.p.Flags), w.p.Flags.Minus(w.t.Remote.Flags)}",
	},
	{
		name: "an item is deleted there whatever its version is now", file: "internal/engine/execute.go", catch: engineTests,
		old: "remote.Ref{ID: w.t.Remote.RemoteID, Tag: w.t.Base.Tag}",
		new: "remote.Ref{ID: w.t.Remote.RemoteID}",
	},
	{
		name: "a message deleted here is deleted there under its old number", file: "internal/engine/execute.go", catch: engineTests,
		old: "remote.Ref{ID: w.t.Remote.RemoteID, Tag",
		new: "remote.Ref{ID: w.t.Base.RemoteID, Tag",
	},
	{
		name: "a deletion that the server refuses is forgotten", file: "internal/engine/execute.go", catch: engineTests,
		old: "				case no == nil:\n",
		new: "				case no == nil || refused(no):\n",
	},
	{
		name: "a message that only moved is created again", file: "internal/engine/execute.go", catch: engineTests,
		old: "			if twin != 0 {",
		new: "			if false {",
	},
	{
		name: "the place of a message that was moved is agreed on under its old number", file: "internal/engine/execute.go", catch: engineTests,
		old: "				b.Folder, b.RemoteID = r.to, id\n",
		new: "				b.Folder = r.to\n",
	},
	{
		name: "a move that the server refuses ends the pass", file: "internal/engine/execute.go", catch: engineTests,
		old: "		moved, err := s.svc.Move(ctx, from.RemoteID, remoteIDs(ws), to.RemoteID)\n		if err != nil && !refused(err) {",
		new: "		moved, err := s.svc.Move(ctx, from.RemoteID, remoteIDs(ws), to.RemoteID)\n		if err != nil {",
	},

	// Contents.
	{
		name: "an edit is stored there whatever the version there is now (no If-Match)", file: "internal/engine/content.go", catch: engineTests,
		old: "w.t.Base.RemoteID, w.t.Base.Tag, items[0])",
		new: "w.t.Base.RemoteID, \"\", items[0])",
	},
	{
		name: "an edit whose precondition failed goes to Local Failures", file: "internal/engine/content.go", catch: engineTests,
		old: "			case remote.KindOf(err) == remote.Precondition && err != nil:\n				return tx.ClearIntent(w.id) // it changed meanwhile: the next round sees how\n",
		new: "",
	},
	{
		name: "what was edited while it was sent counts as sent", file: "internal/engine/content.go", catch: engineTests,
		old: "			_, e = settle(tx, w, nil, &b, nil)\n			return errors.Join(e, tx.ClearIntent(w.id))",
		new: "			if now, err := tx.Triple(w.id); err == nil && now.Local != nil {\n				b.Content = now.Local.Content\n			}\n			_, e = settle(tx, w, nil, &b, nil)\n			return errors.Join(e, tx.ClearIntent(w.id))",
	},
	{
		name: "no intent is kept before something is stored (lost journal)", file: "internal/engine/content.go", catch: engineTests,
		old: "			if err := tx.SetIntent(w.id, f.ID, s.name, mark, names[i]); err != nil {\n				return err\n			}\n",
		new: "			_ = mark\n",
	},
	{
		name: "the intent of an edit ends although its answer was lost", file: "internal/engine/content.go", catch: engineTests,
		old: "		if err != nil && !refused(err) {\n			return err\n		}\n		p.touched[f.ID] = true\n		err = p.e.m.Update(",
		new: "		if err != nil && !refused(err) {\n			p.e.m.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.ClearIntent(w.id) })\n			return err\n		}\n		p.touched[f.ID] = true\n		err = p.e.m.Update(",
	},
	{
		name: "one item that the server refuses keeps the others from being stored", file: "internal/engine/content.go", catch: engineTests,
		old: "			default:\n				if err := p.refuseItem(tx, f, ws[i], o.err); err != nil {\n					return err\n				}\n",
		new: "			default:\n				return o.err\n",
	},
	{
		name: "an item that the server refuses is dropped", file: "internal/engine/content.go", catch: engineTests,
		old: "	l.Folder = p.role(groupware.RoleLocalFailures)\n	if ok, err := settle(tx, w, &l, nil, nil); err != nil || !ok {\n		return err\n	}\n",
		new: "	_ = l\n	if err := tx.Delete(w.id); err != nil {\n		return err\n	}\n	return nil\n",
	},
	{
		name: "an item found there after a lost answer is here twice", file: "internal/engine/content.go", catch: engineTests,
		old: "	if known && other.Item != 0 && other.Item != w.id {",
		new: "	if false && known && other.Item != 0 && other.Item != w.id {",
	},
	{
		name: "what was refused replaces the server's version here without a copy", file: "internal/engine/content.go", catch: engineTests,
		old: "	if err := p.putAside(tx, w.id,",
		new: "	if err := func(...any) error { return nil }(tx, w.id,",
	},

	// After an interruption.
	{
		name: "what was sent without an answer is not looked for", file: "internal/engine/recover.go", catch: engineTests,
		old: "	if f.RemoteID != \"\" {\n		if made,",
		new: "	if false {\n		if made,",
	},
	{
		name: "the old version stays beside the new one when a replacement was interrupted", file: "internal/engine/recover.go", catch: engineTests,
		old: "	if found && old != nil && old.RemoteID != at.ID {",
		new: "	if false {",
	},
	{
		name: "an interrupted edit counts as done whatever is there", file: "internal/engine/recover.go", catch: engineTests,
		old: "		if got.Err == nil && ",
		new: "		if got.Err == nil || ",
	},
	{
		name: "a question about one item that the server refuses ends the pass", file: "internal/engine/recover.go", catch: engineTests,
		old: "			if !refused(err) {\n				return err\n			}\n",
		new: "			return err\n",
	},
	{
		name: "what could not be looked for is stored again", file: "internal/engine/recover.go", catch: engineTests,
		old: "	if err != nil && remote.KindOf(err) != remote.NotFound {\n		return at, false, err\n	}",
		new: "	if err != nil && !refused(err) {\n		return at, false, err\n	}",
	},

	// Sending.
	{
		name: "that a message is being sent is not saved before its final dot", file: "internal/engine/send.go", catch: engineTests,
		old: "		return p.e.m.Update(ctx, func(tx *store.Tx) error { return tx.Submit(q) })\n	})\n	save",
		new: "		return nil\n	})\n	save",
	},
	{
		name: "a message that may have been sent is sent again", file: "internal/engine/send.go", catch: engineTests,
		old: "		if q.State != store.Queued {\n			continue\n		}\n",
		new: "",
	},
	{
		name: "a message that was interrupted at the final dot is sent again", file: "internal/engine/send.go", catch: engineTests,
		old: "		if q.State == store.Sending {\n",
		new: "		if q.State == store.Sending {\n			q.State = store.Queued\n		} else if q.State == \"\" {\n",
	},
	{
		name: "a message whose final answer was lost is sent again", file: "internal/engine/send.go", catch: engineTests,
		old: "	case re == nil && began, re != nil && re.Sent:",
		new: "	case re == nil && began:",
	},
	{
		name: "a message that was sent stays to be sent", file: "internal/engine/send.go", catch: engineTests,
		old: "	p.result.Uploaded++\n	if err := tx.ClearSubmission(q.Item); err != nil {\n		return err\n	}\n",
		new: "	p.result.Uploaded++\n",
	},
	{
		name: "that a message was sent is not saved when the pass was ended", file: "internal/engine/send.go", catch: engineTests,
		old: "	save := context.WithoutCancel(ctx)",
		new: "	save := ctx",
	},

	// Folders.
	{
		name: "a server that shows no Inbox has none", file: "internal/engine/folders.go", catch: engineTests,
		old: "		if s.name == \"imap\" && !slices",
		new: "		if false && !slices",
	},
	{
		name: "what was edited in a folder that was deleted there goes with it", file: "internal/engine/folders.go", catch: engineTests,
		old: "			case Create, Revive:\n				keep = true\n				err = tx.Take(id, t.Local, nil, nil)",
		new: "			case Create, Revive:\n				err = tx.Take(id, nil, nil, nil)",
	},

	// Conflicts.
	{
		name: "what cannot be merged is not kept in Conflicts", file: "internal/engine/conflict.go", catch: engineTests,
		old: "		if err := p.keepOurs(tx, f, w, agreed, clashes); err != nil {\n			return err\n		}\n",
		new: "		_ = clashes\n",
	},
	{
		name: "merging takes the edit made here and forgets the one made there", file: "internal/engine/conflict.go", catch: engineTests,
		old: "merge.Merge(got.Media, agreed, ours, got.Raw)",
		new: "merge.Merge(got.Media, got.Raw, ours, got.Raw)",
	},
	{
		name: "merging takes the edit made there and forgets the one made here", file: "internal/engine/conflict.go", catch: engineTests,
		old: "merge.Merge(got.Media, agreed, ours, got.Raw)",
		new: "merge.Merge(got.Media, ours, ours, got.Raw)",
	},
	{
		name: "what was edited while its other version was read is merged as it was before", file: "internal/engine/content.go", catch: everything,
		old: "			if ok, err := asPlanned(tx, w); err != nil || !ok {\n				p.touched[f.ID] = true",
		new: "			if ok, err := true, error(nil); err != nil || !ok {\n				p.touched[f.ID] = true",
	},
	{
		name: "invitations are sent by the server and by Outpost", file: "internal/engine/invite.go", catch: everything,
		old: "p.e.o.Address != \"\" && !p.schedules(f)",
		new: "p.e.o.Address != \"\"",
	},

	// Guards.
	{
		name: "a folder that was suddenly emptied on one side is emptied on the other without a question", file: "internal/engine/guard.go", catch: engineTests,
		old: "func tooMany(n, of int64) bool { return n > max(20, of/4) }",
		new: "func tooMany(n, of int64) bool { return false && n > of }",
	},
	{
		name: "what is held is deleted all the same", file: "internal/engine/guard.go", catch: engineTests,
		old: "	return !here && !there, err\n",
		new: "	return here || !here && !there || there, err\n",
	},
	{
		name: "a folder that is gone there goes here without a question", file: "internal/engine/guard.go", catch: engineTests,
		old: "		if held || fs.s.away[f.ID] {",
		new: "		if false && held {",
	},
	{
		name: "a person who agreed to a few deletions agreed to all that come later", file: "internal/engine/guard.go", catch: engineTests,
		old: "p.holds[i].Confirmed >= h.Items:",
		new: "p.holds[i].Confirmed > 0:",
	},

	// Power cuts and crashes.
	{
		name: "the state token is saved before what it covers", file: "internal/engine/observe.go", catch: simulation,
		old: "	err = p.e.m.Bulk(ctx, func(tx *store.Tx) error {\n		if _, err := tx.Observe(f.ID, seen); err != nil {",
		new: "	err = p.e.m.Bulk(ctx, func(tx *store.Tx) error {\n		now, err := tx.Folder(f.ID)\n		if err != nil {\n			return ignoreNotFound(err)\n		}\n		now.Token = listing.Token\n		return tx.PutFolder(now)\n	})\n	if err != nil {\n		return err\n	}\n	err = p.e.m.Bulk(ctx, func(tx *store.Tx) error {\n		if _, err := tx.Observe(f.ID, seen); err != nil {",
	},
	{
		name: "what a person did may be taken back by a power cut", file: "internal/store/mailbox.go", catch: []string{"./internal/store", "./test/simulate"},
		old: "	return m.write(ctx, true, fn)\n",
		new: "	return m.write(ctx, false, fn)\n",
	},
	{
		name: "that a message is being sent may be taken back by a power cut", file: "internal/engine/send.go", catch: simulation,
		old: "		return p.e.m.Update(ctx, func(tx *store.Tx) error { return tx.Submit(q) })\n	})\n	save",
		new: "		return p.e.m.Bulk(ctx, func(tx *store.Tx) error { return tx.Submit(q) })\n	})\n	save",
	},

	// The store.
	{
		name: "another version there is not noticed", file: "internal/store/observe.go", catch: storeTests,
		old: "asAgreed := known && base.tag == r.Tag && base.flags == r.Flags",
		new: "asAgreed := known && base.flags == r.Flags",
	},
	{
		name: "other flags there are not noticed", file: "internal/store/observe.go", catch: storeTests,
		old: "asAgreed := known && base.tag == r.Tag && base.flags == r.Flags",
		new: "asAgreed := known && base.tag == r.Tag",
	},
	{
		name: "what is gone in one place counts as gone where it was seen since", file: "internal/store/observe.go", catch: storeTests,
		old: "	if err != nil || !known || base.remote { // with a row elsewhere: it moved there",
		new: "	if err != nil || !known {",
	},
	{
		name: "what was read twice is here twice", file: "internal/store/execute.go", catch: storeTests,
		old: "	if id != 0 {\n		return id, tx.complete(id, p, received)\n	}\n",
		new: "	_ = id\n",
	},
	{
		name: "what was deleted before its upload was answered is forgotten, and comes back", file: "internal/store/local.go", catch: storeTests,
		old: "		if it.baseFolder == 0 {\n			_, err",
		new: "		if false {\n			_, err",
	},
	{
		name: "the bytes of an intent go with the edit that replaces them", file: "internal/store/remember.go", catch: storeTests,
		old: "	if err := tx.retain(it.content, 1); err != nil {\n		return err\n	}\n	if err := tx.ClearIntent(id)",
		new: "	if err := tx.ClearIntent(id)",
	},
	{
		name: "a place that another item has taken over is agreed on for both", file: "internal/store/execute.go", catch: storeTests,
		old: "	if found && there.item == 0 {\n		if had {",
		new: "	if false {\n		if had {",
	},

	// The drivers.
	{
		name: "UIDVALIDITY is ignored", file: "internal/remote/imap/driver.go", catch: imapTests,
		old: "parseItemID(id); ok && v == s.uidValidity {",
		new: "parseItemID(id); ok && v != 0 {",
	},
	{
		name: "an old draft is removed before the new one is stored", file: "internal/remote/imap/write.go", catch: imapTests,
		old: "	batch, err := d.appendBatch(m, s, []remote.NewItem{item})\n	if err != nil {\n		return out, err\n	}\n	if batch[0].err != nil {",
		new: "	if err := d.remove(s, uids, doing); err != nil {\n		return out, err\n	}\n	batch, err := d.appendBatch(m, s, []remote.NewItem{item})\n	if err != nil {\n		return out, err\n	}\n	if batch[0].err != nil {",
	},
	{
		name: "changes since another UIDVALIDITY are taken for changes of this one", file: "internal/remote/imap/changes.go", catch: imapTests,
		old: "sel.ok() && s.uidValidity == old.uidValidity &&",
		new: "sel.ok() &&",
	},
	{
		name: "an edit overwrites whatever version the server has (no If-Match)", file: "internal/remote/dav/write.go", catch: davTests,
		old: "s.put(ctx, id, item, \"If-Match\", tag)",
		new: "s.put(ctx, id, item, \"If-Match\", \"*\")",
	},
	{
		name: "a new object overwrites one of its name (no If-None-Match)", file: "internal/remote/dav/write.go", catch: davTests,
		old: "s.put(ctx, id, items[i], \"If-None-Match\", \"*\")",
		new: "s.put(ctx, id, items[i], \"If-Match\", \"*\")",
	},
}
