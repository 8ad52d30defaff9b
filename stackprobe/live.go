package stackprobe

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
)

// CaptureConfig says what is captured from a device, and for how long.
type CaptureConfig struct {
	capture.LiveConfig
	// Count ends the capture after that many packets, Deadline after that time; 0 is no end.
	Count    int
	Deadline time.Duration
	// Packets gets each packet as it was captured, before its events; nil for nobody. The packet is valid until it returns; its
	// error ends the capture.
	Packets func(*capture.Packet) error
	// NoEvents has no events made of the packets: they are for Packets alone.
	NoEvents bool
}

// CaptureSums say what a capture has had.
type CaptureSums struct {
	// Packets were handed over, Lost found no room in the ring and are gone.
	Packets, Lost uint64
	// Last is the time of the last packet, in nanoseconds since 1970.
	Last int64
	// Bad packets could not be read; Oversized ones were longer than the MTU, as they are before a device segments them, and
	// behind one that joins them.
	Bad, Oversized uint64
}

// Capture follows the connections of a device.
type Capture struct {
	config  CaptureConfig
	live    *capture.Live
	sampler *kernelside.Sampler
	tap     *capture.Tap
	track   *analyze.Tracker
	yield   func(*event.Event, error) bool
	sums    CaptureSums
	stop    error // errEnough, errGone, or the error of Packets
	sockets sockets
}

// errEnough is a capture that has all it was asked for, errGone one whose reader wants no more.
var (
	errEnough = errors.New("enough")
	errGone   = errors.New("the reader is gone")
)

// OpenCapture begins to capture. The error is a *capture.LiveError or a *capture.LongError. The caller closes it.
func OpenCapture(config CaptureConfig) (*Capture, error) {
	live, err := capture.OpenLive(&config.LiveConfig)
	if err != nil {
		return nil, err
	}
	c := &Capture{config: config, live: live, track: analyze.New()}
	if !config.NoEvents {
		// Without it the packets alone speak.
		c.sampler, _ = kernelside.NewSampler()
	}
	return c, nil
}

// Interface is the device as a capture's file describes it.
func (c *Capture) Interface() *capture.Interface { return c.live.Interface() }

// Sums are those up to now; they are whole when Events has ended.
func (c *Capture) Sums() CaptureSums { return c.sums }

// Close ends the capture.
func (c *Capture) Close() error {
	var err error
	if c.sampler != nil {
		err = c.sampler.Close()
	}
	return errors.Join(c.live.Close(), err)
}

// Events captures until ctx is done, or Count or Deadline ends it, and returns the events. A nil event with a nil error says that
// nothing is to be read now. One with a *capture.PacketError is a packet that cannot be read; any other error is the last. It can
// be called once.
func (c *Capture) Events(ctx context.Context) iter.Seq2[*event.Event, error] {
	return func(yield func(*event.Event, error) bool) {
		c.yield = yield
		c.tap = capture.NewTap(c.config.Device, func(e *event.Event) bool {
			c.track.Add(e)
			c.sockets.saw(e)
			return c.put(e, nil)
		})
		if c.config.Deadline > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, c.config.Deadline)
			defer cancel()
		}
		err := c.follow(ctx)
		if err == nil {
			err = c.end()
		}
		if err != nil && err != errGone {
			yield(nil, err)
		}
	}
}

// put yields, and reports whether more is wanted.
func (c *Capture) put(e *event.Event, err error) bool {
	if !c.yield(e, err) {
		c.stop = errGone
	}
	return c.stop != errGone
}

// idle is how long a capture waits for packets before it looks whether it is over.
const idle = 50 * time.Millisecond

// follow reads the ring until the capture is over; what is in it then is read too, unless it has enough.
func (c *Capture) follow(ctx context.Context) error {
	for ctx.Err() == nil && c.stop == nil {
		had, err := c.live.Read(c.packet)
		if err != nil {
			return err
		}
		if c.stop == nil {
			c.sample()
		}
		if had || c.stop != nil {
			continue
		}
		if c.put(nil, nil) {
			if err := c.live.Wait(idle); err != nil {
				return err
			}
		}
	}
	if c.stop == nil {
		if err := c.drain(); err != nil {
			return err
		}
	}
	if c.stop == errEnough {
		return nil
	}
	return c.stop
}

// drain takes what has come before the capture was over.
func (c *Capture) drain() error {
	if err := c.live.Stop(); err != nil {
		return err
	}
	for empty := 0; empty < 2 && c.stop == nil; { // a block that is not full comes with the next tick
		had, err := c.live.Read(c.packet)
		if err != nil {
			return err
		}
		if had {
			empty = 0
			continue
		}
		if err := c.live.Wait(idle); err != nil {
			return err
		}
		empty++
	}
	return nil
}

// packet takes a packet, and says whether it wants more.
func (c *Capture) packet(p *capture.Packet) bool {
	c.sums.Packets++
	c.sums.Last = p.Time
	if c.config.Packets != nil {
		if c.stop = c.config.Packets(p); c.stop != nil {
			return false
		}
	}
	if !c.config.NoEvents && !c.events(p) {
		return false
	}
	if c.config.Count > 0 && c.sums.Packets == uint64(c.config.Count) {
		c.stop = errEnough
	}
	return c.stop == nil
}

// events makes those of a packet.
func (c *Capture) events(p *capture.Packet) bool {
	if c.sockets.mtu = c.live.MTU(); c.sockets.mtu > 0 {
		if _, length, err := p.IP(); err == nil && length > c.sockets.mtu {
			c.sums.Oversized++
		}
	}
	more, err := c.tap.Packet(p)
	if err != nil {
		c.sums.Bad++
		return c.put(nil, err)
	}
	if c.sums.Oversized == 1 && !c.sockets.toldLong && c.tap.Begun() {
		c.sockets.toldLong = true
		more = more && c.tap.Note(event.Info, fmt.Sprintf("a packet is longer than the MTU of %s, %d octets: the device segments what it sends, or has joined what came; "+
			"the wire has several of them", c.config.Device, c.sockets.mtu))
	}
	return more
}

// end counts what was lost, and says so.
func (c *Capture) end() error {
	_, lost, err := c.live.Statistics()
	if err != nil {
		return err
	}
	c.sums.Lost = lost
	if !c.tap.Begun() {
		return nil
	}
	c.tap.End()
	if lost > 0 && c.stop != errGone {
		c.tap.Note(event.Warning, fmt.Sprintf("%d packets are not here: the ring was full", lost))
	}
	if c.sums.Oversized > 0 && c.stop != errGone {
		c.tap.Note(event.Info, fmt.Sprintf("%d packets were longer than the MTU", c.sums.Oversized))
	}
	return nil
}
