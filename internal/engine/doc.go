// Package engine synchronises one mailbox with its account: it observes what the server has, plans from the three
// states of every item with a pure function (PlanItem), and executes the plan. A pass can end anywhere: what it
// observed and what both sides agreed on is in the store, and the next pass goes on from there.
//
// Files in the order of a pass: pass.go, recover.go, send.go, folders.go, observe.go, recognise.go, guard.go, execute.go, content.go (conflict.go,
// invite.go), download.go (progress.go).
//
// It may import store, remote (not its drivers), format and groupware; backend drives it.
package engine
