package main

import (
	"context"
	"errors"
	"io"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
	"gnet/stackprobe"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/view"
)

// captureOptions is what a `trace capture` command line asks for.
type captureOptions struct {
	stackprobe.CaptureConfig
	viewOptions
	Expression string // of Filter
}

// captureWords are the options of `trace capture` as they stand on the command line.
type captureWords struct {
	viewWords
	filter             string
	snap, count, ring  int
	promiscuous, quiet bool
	deadline           time.Duration
}

const traceCaptureLong = `Follow the live TCP connections of a device of this host, as its packets show them:
the pictures, files and machine forms of the other traces, seen from one tap. The
states are inferred from the segments; what the kernel says of a socket of this
host is asked while its segments pass, and stands beside them with its time.

DEV is a device, or any for all of them. It ends with Ctrl-C, --count or
--deadline. --pcap writes each packet as it was captured, also those that are no
TCP; with --quiet nothing else is done, which is the fastest.

A filter is an expression as tcpdump has them, with these words:
  host A, net N/L, port P, portrange P-Q, each with src or dst before it
  tcp, udp, icmp, icmp6, ip, ip6; and, or, not, ( )
  and and or bind alike, from the left: gnet-trace(8).

Status 1: a packet could not be read, or nothing could be written. 2: the
capture could not begin; it needs cap_net_raw.`

// newTraceCaptureCommand returns `gnet trace capture`, one of gnet's own verbs.
func newTraceCaptureCommand(e *env, run func(context.Context, *env, captureOptions) error) *cobra.Command {
	var w captureWords
	cmd := &cobra.Command{
		Use:   "capture DEV",
		Short: "Follow the live connections of a device",
		Long:  traceCaptureLong,
		Args: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return fail(statusUsage, "want the name of a device, or %s", capture.Any)
			case 1:
				return nil
			}
			return fail(statusUsage, "unexpected word %q", args[1]).withHint("the filter is one word: --filter 'tcp port 80'")
		},
		ValidArgsFunction: completeDevice,
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := w.options()
			if err != nil {
				return err
			}
			o.Device = args[0]
			if o.Promiscuous && o.Device == capture.Any {
				return fail(statusUsage, "--promiscuous: want the name of a device, not %s", capture.Any)
			}
			return run(cmd.Context(), e, o)
		},
	}
	w.bind(cmd)
	return cmd
}

// bind gives cmd the options, and their completion.
func (w *captureWords) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&w.filter, "filter", "", "`expression` for the packets that are captured")
	decimal(f, &w.count, "count", 0, "end after that `number` of packets")
	f.DurationVar(&w.deadline, "deadline", 0, "end after that `time`")
	decimal(f, &w.snap, "snap", 0, "`octets` of each packet that are kept, its link's header included (all)")
	decimal(f, &w.ring, "buffer", capture.DefaultRing>>20, "`MiB` that the kernel holds until they are read, 1 to 1024")
	f.BoolVar(&w.promiscuous, "promiscuous", false, "capture what is for other hosts too")
	f.BoolVar(&w.quiet, "quiet", false, "draw nothing: only write --pcap, and count")
	w.viewWords.bind(cmd)
	_ = cmd.RegisterFlagCompletionFunc("filter", completeFilter)
}

// completeDevice completes the name of a device.
func completeDevice(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list := []string{capture.Any}
	if conn, err := rtnl.Dial(); err == nil {
		defer conn.Close()
		names, _ := conn.Names() // without them there is any
		for _, name := range names {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list, cobra.ShellCompDirectiveNoFileComp
}

// completeFilter completes the last word of an expression.
func completeFilter(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndexAny(typed, " (!")+1]
	var list []string
	for _, w := range capture.FilterWords() {
		list = append(list, before+w)
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// options checks the words of the command line.
func (w *captureWords) options() (captureOptions, error) {
	o := captureOptions{Expression: w.filter}
	var err error
	if o.viewOptions, err = w.viewWords.options(); err != nil {
		return o, err
	}
	switch {
	case w.count < 0:
		return o, fail(statusUsage, "--count %d: want a number of packets", w.count)
	case w.snap < 0:
		return o, fail(statusUsage, "--snap %d: want a number of octets", w.snap)
	case w.deadline < 0:
		return o, fail(statusUsage, "--deadline %v: want a time", w.deadline)
	case w.ring < 1 || w.ring > capture.MaxRing>>20:
		return o, fail(statusUsage, "--buffer %d: want 1 to %d MiB", w.ring, capture.MaxRing>>20)
	}
	if o.Filter, err = capture.ParseFilter(w.filter); err != nil {
		return o, expressionFailure(err)
	}
	if o.Chosen != nil && o.Files[captureIndex()] != "" {
		return o, fail(statusUsage, "--%s: not with --%s, which has each packet as it was captured", connFlag, captureFlag).withHint("--filter chooses before, trace show --conn behind")
	}
	if w.quiet {
		if err := w.silent(&o); err != nil {
			return o, err
		}
	}
	o.Count, o.Deadline, o.Snap, o.Ring, o.Promiscuous, o.NoEvents = w.count, w.deadline, w.snap, w.ring<<20, w.promiscuous, w.quiet
	return o, nil
}

// silent refuses what cannot be had with --quiet.
func (w *captureWords) silent(o *captureOptions) error {
	for i, v := range fileViews() {
		if o.Files[i] != "" && v.flag != captureFlag {
			return fail(statusUsage, "--quiet: not with --%s, which is drawn", v.flag)
		}
	}
	for _, flag := range [...]struct {
		name string
		on   bool
	}{{"view", w.view != ""}, {"format", w.format != "classic"}, {connFlag, w.conns != ""}, {wiresharkFlag, w.wireshark}, {"explain", w.explain}, {stepFlag, w.step}} {
		if flag.on {
			return fail(statusUsage, "--quiet: not with --%s", flag.name)
		}
	}
	return nil
}

// expressionFailure points at the word of a filter that cannot be read.
func expressionFailure(err error) error {
	f := fail(statusUsage, "--filter %w", err)
	if fe, ok := errors.AsType[*capture.FilterError](err); ok {
		f = fail(statusUsage, "--filter %w\n%s", err, fe.Pointer())
	}
	return f.withHint("a filter has host A, net N/L, port P, portrange P-Q, src, dst, tcp, udp, icmp, icmp6, ip, ip6, and, or, not and ( ); see gnet-trace(8)")
}

// runTraceCapture captures, and shows what comes.
func runTraceCapture(ctx context.Context, e *env, o captureOptions) error {
	if o.Step && o.steps == nil { // what a screen shows would be captured with it, over SSH
		return showStepsAfter(ctx, e, &o.viewOptions, e.Stdout, true, func() error { return runTraceCapture(ctx, e, o) })
	}
	ctx, cancel := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	defer cancel()
	// The second signal finds the default action again: a capture whose output is stuck cannot come to its end.
	context.AfterFunc(ctx, cancel)
	if err := o.distinctFiles(""); err != nil {
		return err
	}
	var packets *packetFile
	var live *stackprobe.Capture
	if name := o.Files[captureIndex()]; name != "" {
		packets = &packetFile{options: &o}
		o.Packets = packets.packet
	}
	live, err := stackprobe.OpenCapture(o.CaptureConfig)
	if err != nil {
		return captureFailure(err)
	}
	defer live.Close()
	show, err := o.views(e, packets, live)
	if err != nil {
		return err
	}
	bad, err := followCapture(ctx, e, &o, live, show)
	sums := live.Sums()
	if packets != nil {
		packets.sums = sums
	}
	if closing := show.close(); closing != nil && err == nil {
		return closing
	}
	if err != nil {
		return captureFailure(err)
	}
	return e.captureVerdict(&o, &sums, bad)
}

// captureIndex is the place of --pcap among the files.
func captureIndex() int {
	return slices.IndexFunc(fileViews(), func(v fileView) bool { return v.flag == captureFlag })
}

// views makes the views; packets gets its file.
func (o *captureOptions) views(e *env, packets *packetFile, live *stackprobe.Capture) (*traceViews, error) {
	v := o.viewOptions
	if packets != nil {
		packets.device = live.Interface()
		v.PacketsTo = func(w io.Writer, _ view.Options) eventView { return packets.to(w) }
	}
	v.NoScreen = o.NoEvents
	return newTraceView(e, &v)
}

// followCapture shows the events, and returns the number of packets that could not be read.
func followCapture(ctx context.Context, e *env, o *captureOptions, live *stackprobe.Capture, show *traceViews) (bad int, err error) {
	for ev, err := range live.Events(ctx) {
		switch {
		case badPart(err):
			if bad++; bad <= maxBadLines {
				e.warn("%s: %v", o.Device, err)
			}
		case err != nil:
			return bad, err
		case ev == nil:
			show.flush() // somebody may be watching
		case show.event(ev) != nil:
			return bad, nil // the writer is gone; exitStatus says so
		}
	}
	return bad, nil
}

// captureVerdict says what was captured, where no picture does.
func (e *env) captureVerdict(o *captureOptions, sums *stackprobe.CaptureSums, bad int) error {
	if sums.Lost > 0 || o.NoEvents {
		e.warn("%s: %d packets captured, %d lost because the ring was full", o.Device, sums.Packets, sums.Lost)
		if sums.Lost > 0 {
			e.hint("--quiet, a --filter, a smaller --snap or a larger --buffer lose less")
		}
	}
	switch {
	case bad > maxBadLines:
		return fail(statusNo, "%s: %d packets could not be read, the first %d of which are named", o.Device, bad, maxBadLines)
	case bad > 0:
		return exitSilently(statusNo)
	}
	return nil
}

// captureFailure turns the error of a capture into a status, with what helps.
func captureFailure(err error) error {
	if _, long := errors.AsType[*capture.LongError](err); long {
		return fail(statusUsage, "--filter: %w", err)
	}
	f := fail(statusCannot, "%w", err)
	switch {
	case errors.Is(err, unix.EPERM):
		return f.withHint("it takes CAP_NET_RAW, as root has it; `gnet trace tcp` needs no rights")
	case errors.Is(err, unix.ENODEV):
		return f.withHint("`gnet netstat -i` lists the devices; %s is all of them", capture.Any)
	case errors.Is(err, unix.ENOMEM):
		return f.withHint("a smaller --buffer takes less of the kernel's memory")
	}
	if file, ok := errors.AsType[*failure](err); ok {
		return file
	}
	return f
}
