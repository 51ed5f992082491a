package main

import (
	"cmp"
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"outpost/internal/backend"
	"outpost/internal/remote"
)

// crowd is many Outposts and one server, on a clock of their own: when each of them comes is decided by the schedule that the backend runs, and
// nothing else of it is needed. Nothing here waits for anything.
type crowd struct {
	outposts int
	seed     uint64
	inStep   bool          // without chance in the schedule, for comparison
	outage   time.Duration // the server answers nobody from the first moment until then
	places   int           // passes that the server serves at once; others are told to come back
	serve    time.Duration // how long one takes
	after    time.Duration // what those are told who are to come back; 0: nothing
}

// still is randomness without chance: always next to nothing, but not 0, which rand.Rand would draw again for ever.
type still struct{}

func (still) Uint64() uint64 { return 1<<32 | 1 }

// pacing is the schedule of one of them.
func (c crowd) pacing(who int, p backend.Policy) backend.Pacing {
	var source rand.Source = rand.NewPCG(c.seed, uint64(who))
	if c.inStep {
		source = still{}
	}
	return backend.Pacing{Policy: p, Rand: rand.New(source)}
}

// visit is something that happens to one Outpost.
type visit struct {
	at      time.Duration
	who     int
	leaving bool // the end of a pass, rather than the beginning
}

// visits is a heap, the earliest first; of two at once the one of the lower number.
type visits []visit

func (v visits) Len() int { return len(v) }
func (v visits) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(v[i].at, v[j].at), cmp.Compare(v[i].who, v[j].who)) < 0
}
func (v visits) Swap(i, j int) { v[i], v[j] = v[j], v[i] }
func (v *visits) Push(x any)   { *v = append(*v, x.(visit)) }
func (v *visits) Pop() any {
	last := (*v)[len(*v)-1]
	*v = (*v)[:len(*v)-1]
	return last
}

// crush is what the server saw since it was back.
type crush struct {
	each         []int // connections in every second
	tries        int
	refused      int // told to come back
	half, inSync time.Duration
}

// comeBack plays the return of a server that all of them lost in the same moment, until every one is in sync.
func (c crowd) comeBack() *crush {
	var todo visits
	paces := make([]backend.Pacing, c.outposts)
	failures := make([]int, c.outposts)
	for i := range paces {
		paces[i] = c.pacing(i, backend.Policy{})
		todo = append(todo, visit{at: paces[i].Lost(), who: i})
	}
	heap.Init(&todo)
	out := &crush{}
	busy, done := 0, 0
	fail := func(v visit, err error) {
		failures[v.who]++
		heap.Push(&todo, visit{at: v.at + paces[v.who].After(err, failures[v.who]), who: v.who})
	}
	for done < c.outposts {
		v := heap.Pop(&todo).(visit)
		since := v.at - c.outage
		if v.leaving {
			busy, done, out.inSync = busy-1, done+1, since
			if done == (c.outposts+1)/2 {
				out.half = since
			}
			continue
		}
		if since < 0 {
			fail(v, &remote.Error{Kind: remote.Offline})
			continue
		}
		second := int(since / time.Second)
		out.each = append(out.each, make([]int, max(0, second+1-len(out.each)))...)
		out.each[second]++
		if out.tries++; busy == c.places {
			out.refused++
			fail(v, &remote.Error{Kind: remote.Unavailable, After: c.after})
			continue
		}
		busy++
		heap.Push(&todo, visit{at: v.at + c.serve, who: v.who, leaving: true})
	}
	return out
}

// rollout is a company that installs Outpost on one morning.
type rollout struct {
	crowd
	within time.Duration // the programs are started evenly within this time
	spread time.Duration // the policy's spreadStart
	bytes  float64       // of one first synchronisation
	line   float64       // bytes a second that the server sends at most
	each   float64       // and to one
}

// rush is what the server saw of it.
type rush struct {
	atOnce  []int // first synchronisations in every second
	sent    []float64
	longest time.Duration
	middle  time.Duration // the median
	done    time.Duration // when the last one ended
}

// install plays the morning, second by second: the line is shared evenly.
func (r rollout) install() *rush {
	starts := make([]int, r.outposts)
	for i := range starts {
		begun := r.within * time.Duration(i) / time.Duration(r.outposts)
		starts[i] = int((begun + r.pacing(i, backend.Policy{SpreadStart: r.spread}).Start()) / time.Second)
	}
	slices.Sort(starts)
	out := &rush{}
	type first struct {
		start int
		left  float64
	}
	var running []first
	var took []time.Duration
	for now := 0; len(took) < r.outposts; now++ {
		for len(starts) > 0 && starts[0] <= now {
			running, starts = append(running, first{now, r.bytes}), starts[1:]
		}
		speed := min(r.each, r.line/float64(max(1, len(running))))
		out.atOnce, out.sent = append(out.atOnce, len(running)), append(out.sent, speed*float64(len(running)))
		for i := range running {
			running[i].left -= speed
		}
		running = slices.DeleteFunc(running, func(f first) bool {
			if f.left > 0 {
				return false
			}
			took = append(took, time.Duration(now+1-f.start)*time.Second)
			return true
		})
		out.done = time.Duration(now+1) * time.Second
	}
	slices.Sort(took)
	out.longest, out.middle = took[len(took)-1], took[len(took)/2]
	return out
}

// The company that is played.
const (
	manyOutposts = 1000
	outageTime   = 10 * time.Minute
	shortOutage  = 10 * time.Second
	servedAtOnce = 40
	serveTime    = 2 * time.Second
	told         = 30 * time.Second
	rolloutTime  = 10 * time.Minute
	rolloutBytes = 200e6
	serverLine   = 125e6 // 1 Gbit/s
	clientLine   = 12.5e6
	spreadTime   = 4 * time.Hour
)

// crowds plays what many Outposts do to one server.
func (b *bench) crowds() error {
	b.say("%d Outposts coming back", manyOutposts)
	base := crowd{outposts: manyOutposts, seed: b.seed, outage: outageTime, places: servedAtOnce, serve: serveTime, after: told}
	short, stepped := base, base
	short.outage = shortOutage
	stepped.inStep = true
	t := newTable("load-outage", fmt.Sprintf("%d Outposts after an outage", manyOutposts))
	t.simulated = true
	names := []string{"away for " + short.outage.String(), "away for " + base.outage.String(), "away for " + base.outage.String() + ", without chance"}
	runs := []*crush{short.comeBack(), base.comeBack(), stepped.comeBack()}
	t.columns = append([]string{"after the server is back"}, names...)
	for _, line := range []struct {
		name  string
		value func(*crush) string
	}{
		{"connections in the busiest second", func(c *crush) string { return fmt.Sprint(slices.Max(c.each)) }},
		{"connections in all", func(c *crush) string { return fmt.Sprint(c.tries) }},
		{"of these told to come back", func(c *crush) string { return fmt.Sprint(c.refused) }},
		{"half of them in sync after", func(c *crush) string { return c.half.Round(time.Second).String() }},
		{"all in sync after", func(c *crush) string { return c.inSync.Round(time.Second).String() }},
	} {
		row := []string{line.name}
		for _, r := range runs {
			row = append(row, line.value(r))
		}
		t.rows = append(t.rows, row)
	}
	for i, r := range runs {
		t.block("Connections a second, "+names[i], curve(r.each))
	}
	t.note("Simulated on a clock of its own with the schedule that the backend runs: all lose the server in the same moment. When it is back it serves %d passes of %s at once "+
		"and tells everybody else to come back in %s, so that all are in sync after %s at best. \"Without chance\" is the same schedule with every wait as long as it can be.",
		servedAtOnce, serveTime, told, manyOutposts/servedAtOnce*serveTime)
	if err := b.done(t); err != nil {
		return err
	}

	b.say("%d first synchronisations", manyOutposts)
	all := rollout{crowd: base, within: rolloutTime, bytes: rolloutBytes, line: serverLine, each: clientLine}
	spread := all
	spread.spread = spreadTime
	t = newTable("load-install", fmt.Sprintf("%d first synchronisations on one day", manyOutposts))
	t.simulated = true
	names = []string{"without a policy", fmt.Sprintf("spreadStart %s", spreadTime)}
	t.columns = append([]string{"after the roll-out begins"}, names...)
	mornings := []*rush{all.install(), spread.install()}
	for _, line := range []struct {
		name  string
		value func(*rush) string
	}{
		{"first synchronisations at once, at most", func(r *rush) string { return fmt.Sprint(slices.Max(r.atOnce)) }},
		{"MB/s from the server, at most", func(r *rush) string { return number(slices.Max(r.sent) / 1e6) }},
		{"one takes, in the median", func(r *rush) string { return r.middle.String() }},
		{"one takes, at most", func(r *rush) string { return r.longest.String() }},
		{"all are done after", func(r *rush) string { return r.done.String() }},
	} {
		t.rows = append(t.rows, []string{line.name, line.value(mornings[0]), line.value(mornings[1])})
	}
	for i, r := range mornings {
		t.block("First synchronisations at once, "+names[i], curve(r.atOnce))
	}
	t.note("Simulated: all programs are started within %s, each reads %d MB at first, the server sends %d MB/s in all and %s MB/s to one.", rolloutTime, int(rolloutBytes/1e6), int(serverLine/1e6), number(clientLine/1e6))
	return b.done(t)
}

// curve draws at most some lines over time, each as long as the largest of its seconds.
func curve(each []int) string {
	const lines, width = 24, 60
	step := 5
	for (len(each)+step-1)/step > lines {
		step *= 2
	}
	var b strings.Builder
	most, at := max(1, slices.Max(each)), 0
	for part := range slices.Chunk(each, step) {
		n := slices.Max(part)
		fmt.Fprintf(&b, "%8s %5d %s\n", time.Duration(at)*time.Second, n, strings.Repeat("#", (n*width+most-1)/most))
		at += step
	}
	fmt.Fprintf(&b, "(the most of any second in each %s)\n", time.Duration(step)*time.Second)
	return b.String()
}
