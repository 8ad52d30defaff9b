package stackprobe

import (
	"context"
	"errors"
	"iter"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
	"gnet/stackprobe/scenario"
)

// Run builds the world of c, runs the exchange in it and yields its events: first a run, last an end event, each with what
// follows from it and those before (Event.Derived). They come in the order of (T, N): T is the time at the tap where an event
// was seen, and numbers have no gap unless events were lost, which a warning says. The pointer is valid until the next step.
// An exchange that failed is no error, its end event says so; an error is last, and means that the world could not be built or
// that ctx ended.
//
// A run in virtual time waits for its consumer. One in real time does not: what is not taken in time waits in memory, and
// beyond 200,000 events or 256 MiB in a file without a name.
//
// Breaking off the iteration ends the world. When the iteration is over, nothing of the world is left: no goroutine, no
// process, no namespace, no file.
func Run(ctx context.Context, c Config) iter.Seq2[*event.Event, error] {
	return func(yield func(*event.Event, error) bool) {
		if err := c.Check(); err != nil {
			yield(nil, err)
			return
		}
		x, err := build(ctx, &c)
		if err != nil {
			yield(nil, err)
			return
		}
		defer x.close()
		track, judge := analyze.New(), x.newJudge()
		tracked := func(e *event.Event, err error) bool {
			if e == nil {
				return yield(e, err)
			}
			track.Add(e)
			return judge.add(e, yield) && yield(e, err)
		}
		if x.run.Clock == event.Virtual {
			runHere(ctx, x, tracked)
		} else {
			runBeside(ctx, x, tracked)
		}
	}
}

// driver is a world that is ready to run: drive gives events to emit as they come, until that returns false.
type driver interface {
	drive(ctx context.Context, emit func([]event.Event) bool) error
}

// runHere runs x between the steps of the iteration: virtual time waits for the consumer.
func runHere(ctx context.Context, x driver, yield func(*event.Event, error) bool) {
	stopped := false
	err := x.drive(ctx, func(batch []event.Event) bool {
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

// runBeside runs x on a goroutine of its own: real time does not wait, so a slow consumer must not hold up the ends.
func runBeside(ctx context.Context, x driver, yield func(*event.Event, error) bool) {
	ctx, cancel := context.WithCancel(ctx)
	q := newQueue()
	go func() {
		q.close(x.drive(ctx, q.put))
	}()
	defer q.drain()
	defer cancel()
	for {
		batch, err, open := q.get()
		for i := range batch {
			if !yield(&batch[i], nil) {
				return
			}
		}
		if !open {
			if err != nil {
				yield(nil, err)
			}
			return
		}
	}
}

// build makes the world that c asks for. Auto takes the first that the machine allows, with the refusals before it as reason.
func build(ctx context.Context, c *Config) (*exchange, error) {
	if c.Attach != nil {
		return attached(c)
	}
	switch c.World {
	case Memory:
		return memory(c, "")
	case Tun, Veth:
		return kernelWorld(ctx, c, c.World, "")
	}
	x, err := kernelWorld(ctx, c, Tun, "this machine allows a TUN interface in namespaces of its own")
	refusal, ok := errors.AsType[*kernelside.Error](err)
	if !ok {
		return x, err
	}
	why := refusal.Error()
	if refusal.OtherLink() {
		x, err = kernelWorld(ctx, c, Veth, why)
		if refusal, ok = errors.AsType[*kernelside.Error](err); !ok {
			return x, err
		}
		why += "; " + refusal.Error()
	}
	if c.Client == Kernel || c.Guest != nil || c.Scenario != nil && !c.Scenario.Allows(scenario.Memory) {
		return nil, refusal
	}
	x, err = memory(c, why)
	if err == nil && c.Tracefs {
		x.untraced = "there is no kernel in this world"
	}
	return x, err
}
