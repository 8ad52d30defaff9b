package main

import (
	"context"
	"errors"
	"io"
	"os/signal"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/stackprobe"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
	"gnet/stackprobe/link"
	"gnet/stackprobe/view"
)

// datagramOptions is what a `trace ip` command line asks for.
type datagramOptions struct {
	stackprobe.DatagramConfig
	viewOptions
}

const traceIPLong = `Send a datagram from the client over a path of links to the server, and show it as
RFC 791 draws it: each field of its header, each fragment, and how they are put
together at the far end.

The client is this machine's kernel in namespaces of its own, the routers are
further namespaces of it, and the server is an embedded stack, the engine, or the
other way round (--client); where the machine does not allow that, all are
engines, in virtual time. Nothing of the host is touched, and nothing is left.

--path 1500,1450,1400 are three links with a router between any two: over a link
that is too narrow a router fragments again. With --df, and with IPv6, it sends
an ICMP message instead. --loop has the last two routers point at each other.

A fault is a rule of words:
  [client>|server>] [link N] action [match [3|2-4]] [at 1s|1s..2s]
  action: drop, dup, corrupt, overlap, delay 50ms [jitter 10ms], reorder by 3,
          rate 1M queue 10, loss 5%, burst 1%,25%, down
  match:  any, frag, icmp
It is about the first link unless it names another. See gnet-trace(8).

Status 1: a datagram did not arrive. 2: the path could not be set up.`

// newTraceIPCommand returns `gnet trace ip`, one of gnet's own verbs.
func newTraceIPCommand(e *env, run func(context.Context, *env, datagramOptions) error) *cobra.Command {
	var w datagramWords
	cmd := &cobra.Command{
		Use:   "ip",
		Short: "Trace a datagram over a path: header, fragments, reassembly, TTL",
		Long:  traceIPLong,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fail(statusUsage, "unexpected word %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := w.options()
			if err != nil {
				return err
			}
			return run(cmd.Context(), e, o)
		},
	}
	w.bind(cmd)
	return cmd
}

// runTraceIP sends the datagrams and shows them.
func runTraceIP(ctx context.Context, e *env, o datagramOptions) error {
	ctx, cancel := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	defer cancel()
	// The second signal finds the default action again: a run whose output is stuck cannot come to its end.
	context.AfterFunc(ctx, cancel)
	show, err := newTraceView(e, &o.viewOptions)
	if err != nil {
		return err
	}
	var end *event.End
	var runErr error
	for ev, err := range stackprobe.RunDatagrams(ctx, o.DatagramConfig) {
		if err != nil {
			runErr = err
			break
		}
		if ev.Kind == event.KindEnd {
			end = ev.End
		}
		if show.event(ev) != nil {
			break // the writer is gone; exitStatus says so
		}
		if ev.Clock == event.Mono {
			show.flush() // somebody may be watching
		}
	}
	if err := show.close(); err != nil && runErr == nil {
		return err
	}
	switch {
	case runErr != nil:
		return datagramStatus(runErr)
	case end == nil || end.OK:
		return nil
	}
	return fail(statusNo, "%s", end.Reason)
}

// datagramStatus is traceStatus for a world that is not made of veth pairs.
func datagramStatus(err error) error {
	if refused, ok := errors.AsType[*kernelside.Error](err); ok {
		return fail(statusCannot, "%w", refused).withHint("--link memory needs no rights")
	}
	return traceStatus(err)
}

// datagramFault points at the word of a rule that cannot be read.
func datagramFault(err error) error {
	f := fail(statusUsage, "%w", err)
	if re, ok := errors.AsType[*link.RuleError](err); ok {
		f = fail(statusUsage, "%w\n%s", err, re.Pointer())
	}
	return f.withHint("a fault is [client>|server>] [link N] action [any|frag|icmp [3|2-4]] [at 1s|1s..2s]; see gnet-trace(8)")
}

// choose makes the picture that the run's first event calls for: one of datagrams has a picture of its own.
func (v screenView) choose(w io.Writer, o view.Options) eventView {
	return &chosenView{w: w, options: o, segments: v.make, datagrams: func(w io.Writer, o view.Options) eventView { return view.NewDatagrams(w, o) }}
}

// choose is the same for a view with a file.
func (v fileView) choose(w io.Writer, o view.Options) eventView {
	datagrams := func(io.Writer, view.Options) eventView { return noPath{v.flag} }
	if v.flag == captureFlag {
		datagrams = func(w io.Writer, _ view.Options) eventView { return capture.NewPath(w) }
	}
	return &chosenView{w: w, options: o, segments: v.make, datagrams: datagrams}
}

// chosenView becomes one of two views with the first event.
type chosenView struct {
	w                   io.Writer
	options             view.Options
	segments, datagrams func(io.Writer, view.Options) eventView
	view                eventView
}

// Event implements eventView.
func (c *chosenView) Event(e *event.Event) error {
	if c.view == nil {
		if make := c.segments; e.Packet == nil && (e.Run == nil || e.Run.Path == nil) {
			c.view = make(c.w, c.options)
		} else {
			c.view = c.datagrams(c.w, c.options)
		}
	}
	return c.view.Event(e)
}

// Close implements eventView.
func (c *chosenView) Close() error {
	if c.view == nil {
		return nil
	}
	return c.view.Close()
}

// noPath stands for a view that has nothing to show of a run of datagrams.
type noPath struct{ flag string }

// Event implements eventView.
func (noPath) Event(*event.Event) error { return nil }

// Close implements eventView.
func (n noPath) Close() error {
	return fail(statusUsage, "--%s: this is a run of datagrams, without connections", n.flag)
}
