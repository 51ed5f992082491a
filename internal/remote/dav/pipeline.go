package dav

import (
	"context"
	"iter"
)

// pipeline does jobs, up to workers of them at a time, and hands their results to done in the order of the jobs, in
// the calling goroutine. An error of done ends it. When it returns nothing of it is running any more.
func pipeline[J, R any](ctx context.Context, workers int, jobs iter.Seq[J], do func(context.Context, J) R, done func(J, R) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type running struct {
		job    J
		result chan R
	}
	queue := make(chan running, workers-1) // one more is being waited for
	go func() {
		defer close(queue)
		for j := range jobs {
			r := running{j, make(chan R, 1)}
			select {
			case queue <- r:
			case <-ctx.Done():
				return
			}
			go func() { r.result <- do(ctx, r.job) }()
		}
	}()
	var err error
	for r := range queue {
		result := <-r.result
		if err != nil {
			continue
		}
		if err = done(r.job, result); err != nil {
			cancel()
		}
	}
	if err == nil {
		err = ctx.Err()
	}
	return err
}
