package main

import (
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// bulkWords are the options that only --bulk has.
type bulkWords struct {
	on   bool
	time time.Duration
}

// bind gives cmd the options.
func (w *bulkWords) bind(f *pflag.FlagSet) {
	f.BoolVar(&w.on, "bulk", false, "move data both ways as fast as the two stacks can, and show how fast that is instead of segments")
	f.DurationVar(&w.time, "time", stackprobe.DefaultBulkTime, "with --bulk: how long each direction sends; or --bytes, how much")
}

// bulkRefusal says why --bulk does not take an option, "" if it does. An option that is not here does not fit: it says how
// segments are made, changed or shown.
func bulkRefusal(name string) string {
	switch name {
	case "bulk", "time", "bytes", "ipv4", "ipv6", "mtu", "at-client", "at-server", "deadline", "link", "client", "format", "json":
		return ""
	case "fault", "delay", "inject", "peer":
		return "its packets go from stack to stack, not through the laboratory's link"
	case "seed":
		return "nothing is drawn at random"
	case "connections":
		return "it has one connection"
	case "until":
		return "it is over when the data are"
	case "list", "all", "scenario-file":
		return "a lesson is about segments"
	case "view", "width", "ascii", "explain", stepFlag:
		return "it has no picture"
	}
	return "it records no segment"
}

// bulk checks the words of a command line with --bulk.
func (w *traceWords) bulk(cmd *cobra.Command) (bulkOptions, error) {
	var o bulkOptions
	var refused error
	f := cmd.Flags()
	f.Visit(func(flag *pflag.Flag) {
		if why := bulkRefusal(flag.Name); why != "" && refused == nil {
			refused = fail(statusUsage, "--%s: not with --bulk: %s", flag.Name, why)
		}
	})
	if refused == nil && f.NArg() > 0 {
		refused = fail(statusUsage, "%s: not with --bulk: a lesson is about segments", f.Arg(0))
	}
	if refused != nil {
		return o, refused
	}
	var plain traceOptions // for the words that mean the same
	var err error
	if plain.viewOptions, err = w.viewWords.options(); err != nil {
		return o, err
	}
	if err := w.choices(&plain); err != nil {
		return o, err
	}
	o.Format, o.IPv6, o.MTU, o.Deadline, o.Time, o.Version = plain.Format, w.ipv6, w.mtu, w.deadline, w.bulkWords.time, version
	switch {
	case plain.World == stackprobe.Veth:
		return o, fail(statusUsage, "--link veth: not with --bulk: the engine takes packets of up to 64 KiB from a TUN interface alone")
	case plain.World == stackprobe.Memory:
		return o, fail(statusUsage, "--link memory: not with --bulk: in memory there is no real time")
	case plain.Client == stackprobe.Engine:
		return o, fail(statusUsage, "--client engine: not with --bulk: its client is the kernel; it sends both ways")
	case f.Changed("bytes") && f.Changed("time"):
		return o, fail(statusUsage, "--bytes and --time: want one of them")
	case f.Changed("time") && w.bulkWords.time <= 0:
		return o, fail(statusUsage, "--time %v: want more than 0s, at most %v", w.bulkWords.time, stackprobe.MaxBulkTime)
	case f.Changed("bytes") && w.bytes == 0:
		return o, fail(statusUsage, "--bytes 0: want 1 to %d", int64(stackprobe.MaxBulkBytes))
	case f.Changed("bytes"):
		o.Bytes = int64(w.bytes)
	}
	if err := w.bulkEnds(&o); err != nil {
		return o, err
	}
	if err := o.Check(); err != nil {
		return o, configFailure(err)
	}
	return o, nil
}

// bulkEnds reads the words of both ends, which may only be about their sockets.
func (w *traceWords) bulkEnds(o *bulkOptions) error {
	for h := event.Client; h <= event.Server; h++ {
		end, err := app.ParseOptions(w.ends[h])
		if err != nil {
			return wordFailure("--at-"+h.String(), err)
		}
		o.Sockets[h] = end.Socket
		if end.Socket = (app.Socket{}); end != (app.Options{}) {
			return fail(statusUsage, "--at-%s %q: with --bulk an end takes only words about its socket, such as cc or rcvbuf", h, end.String())
		}
	}
	return nil
}
