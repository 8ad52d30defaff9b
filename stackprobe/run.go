package stackprobe

import (
	"context"
	"iter"

	"gnet/stackprobe/event"
)

// Run builds the world of c, runs the exchange in it and yields its events: first a run, last an end event. The pointer
// is valid until the next step. An exchange that failed is no error, its end event says so; an error is last, and means
// that the world could not be built or that ctx ended.
//
// Breaking off the iteration ends the world. When the iteration is over, nothing of the world is left: no goroutine, no
// process, no namespace, no file.
func Run(ctx context.Context, c Config) iter.Seq2[*event.Event, error] {
	return func(yield func(*event.Event, error) bool) {
		if err := c.check(); err != nil {
			yield(nil, err)
			return
		}
		x, err := build(ctx, &c)
		if err != nil {
			yield(nil, err)
			return
		}
		defer x.close()
		stopped := false
		err = x.drive(ctx, func(batch []event.Event) bool {
			for i := range batch {
				if !yield(&batch[i], nil) {
					stopped = true
					return false
				}
			}
			return true
		})
		if err != nil && !stopped {
			yield(nil, err)
		}
	}
}

// build makes the world that c asks for.
func build(_ context.Context, c *Config) (*exchange, error) {
	return memory(c, "")
}
