package main

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gnet/internal/words"
	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// traceWords are the options of `trace tcp` as they stand on the command line.
type traceWords struct {
	link, client, until     string
	compare                 string
	ipv4, ipv6              bool
	tracefs                 bool
	faults, inject, peer    []string
	ends                    [3]string // by event.Host
	bytes, mtu, snap, conns int
	snapFlag                *pflag.Flag
	seed                    int64
	delay                   [3]time.Duration // by event.Host of the sender
	deadline                time.Duration
	guest                   *stackprobe.Guest  // of the commands for programs
	attached                *stackprobe.Attach // of the commands for networks
	viewWords
	bulkWords
}

// bind gives cmd the options, and their completion.
func (w *traceWords) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&w.link, "link", "auto", "the `world`: auto, tun or veth (kernel and embedded stack), memory (two embedded stacks, virtual time)")
	f.StringVar(&w.client, "client", "", "the client is the kernel (default) or the engine, the embedded stack; the server is the other")
	f.BoolVarP(&w.ipv4, "ipv4", "4", false, "the link carries IPv4 (default)")
	f.BoolVarP(&w.ipv6, "ipv6", "6", false, "the link carries IPv6")
	decimal(f, &w.mtu, "mtu", stackprobe.DefaultMTU, "`MTU` of the link")
	f.StringArrayVar(&w.inject, "inject", nil, "put a crafted `segment` on the link; may be given several times")
	f.StringArrayVar(&w.peer, "peer", nil, "`step` of an end that follows a script and has no stack; may be given several times")
	f.StringArrayVar(&w.faults, "fault", nil, "`rule` of the link; may be given several times")
	decimal(f, &w.bytes, "bytes", stackprobe.DefaultBytes, "`bytes` that the client sends and gets back")
	f.StringVar(&w.ends[event.Client], "at-client", "", "what the client does and how its socket is made, in `words` (see above)")
	f.StringVar(&w.ends[event.Server], "at-server", "", "the same for the server, in `words`")
	decimal(f, &w.conns, "connections", 1, "`number` of connections that the client opens at once")
	w.seed = stackprobe.DefaultSeed
	f.Var(&seedValue{&w.seed}, "seed", "`seed` of everything that is drawn at random, a number or random")
	for h := range w.delay {
		w.delay[h] = stackprobe.DefaultDelay
	}
	f.Var((*delayValue)(&w.delay), "delay", "one-way `delay` of each direction, or two: the client's,the server's")
	f.StringVar(&w.until, "until", "done", "when the run is over: done, or closed, which waits for the end of TIME-WAIT")
	f.DurationVar(&w.deadline, "deadline", 0, "give up after that time (30s, in virtual time 1h)")
	decimal(f, &w.snap, "snap", stackprobe.DefaultSnap, "`bytes` of each packet that the machine forms hold (with --pcap: all)")
	w.snapFlag = f.Lookup("snap")
	w.bulkWords.bind(f)
	f.BoolVar(&w.tracefs, "tracefs", false, "read the kernel's own trace events too (root)")
	f.StringVar(&w.compare, "compare", "", "run twice, that `end` once the kernel and once the engine, and list the decisions that differ: client (default) or server")
	f.Lookup("compare").NoOptDefVal = event.Client.String()
	w.viewWords.bind(cmd)
	completeFlag(cmd, "link", "auto", "tun", "veth", "memory")
	completeFlag(cmd, "client", "kernel", "engine")
	completeFlag(cmd, "compare", compareRoles()...)
	completeFlag(cmd, "until", "done", "closed")
	completeFlag(cmd, "seed", "random")
	for _, name := range []string{"at-client", "at-server"} {
		_ = cmd.RegisterFlagCompletionFunc(name, completeEnd)
	}
}

// setJSON is --json: of it and --format the last one counts, as in every other command.
func setJSON(format *string, v string) error {
	on, err := strconv.ParseBool(v)
	if err == nil && on {
		*format = "json"
	}
	return err
}

// completeEnd completes the last of an end's words.
func completeEnd(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndexByte(typed, ' ')+1]
	var list []string
	for _, w := range app.Words() {
		list = append(list, before+w)
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// options checks the words of the command line.
func (w *traceWords) options() (traceOptions, error) {
	var o traceOptions
	var err error
	if o.viewOptions, err = w.viewWords.options(); err != nil {
		return o, err
	}
	o.Bytes, o.Seed, o.Delay, o.Deadline, o.Version = w.bytes, w.seed, w.delay[event.Client], w.deadline, version
	o.MTU, o.Conns, o.IPv6, o.Snap, o.Tracefs = w.mtu, w.conns, w.ipv6, w.snap, w.tracefs
	if server := w.delay[event.Server]; server != o.Delay {
		o.DelayServer = &server
	}
	if w.snap == 0 {
		o.Snap = -1
	}
	if err := w.wholePackets(&o); err != nil {
		return o, err
	}
	if err := w.choices(&o); err != nil {
		return o, err
	}
	for _, text := range w.faults {
		r, err := link.ParseRule(text)
		if err != nil {
			return o, faultFailure(err)
		}
		o.Faults = append(o.Faults, r)
	}
	if err := w.crafted(&o); err != nil {
		return o, err
	}
	for h := event.Client; h <= event.Server; h++ {
		var err error
		if o.Ends[h], err = app.ParseOptions(w.ends[h]); err != nil {
			return o, wordFailure("--at-"+h.String(), err)
		}
	}
	o.Guest, o.Attach = w.guest, w.attached
	if err := o.Check(); err != nil {
		return o, configFailure(err)
	}
	return o, w.comparison(&o)
}

// choices reads the options that are one word of several, and the bounds that the laboratory does not know.
func (w *traceWords) choices(o *traceOptions) error {
	var ok bool
	if o.World, ok = stackprobe.ParseWorld(w.link); !ok {
		return fail(statusUsage, "--link %q: want auto, tun, veth or memory", w.link)
	}
	client := slices.Index([]string{"", "kernel", "engine"}, w.client)
	if client < 0 {
		return fail(statusUsage, "--client %q: want kernel or engine", w.client)
	}
	o.Client = stackprobe.Kind(client)
	until := slices.Index([]string{"done", "closed"}, w.until)
	if until < 0 {
		return fail(statusUsage, "--until %q: want done or closed", w.until)
	}
	o.Until = stackprobe.Until(until)
	switch {
	case w.conns < 1:
		return fail(statusUsage, "--connections %d: want 1 to %d", w.conns, stackprobe.MaxConns)
	case w.mtu < 1:
		return fail(statusUsage, "--mtu %d: want %d to %d", w.mtu, stackprobe.MinMTU4, stackprobe.MaxMTU)
	case w.snap < 0:
		return fail(statusUsage, "--snap %d: want 0 to %d", w.snap, stackprobe.MaxMTU)
	case w.ipv4 && w.ipv6:
		return fail(statusUsage, "--ipv4 and --ipv6: want one of them")
	}
	return nil
}

// wordFailure points at the word of an option that cannot be read.
func wordFailure(option string, err error) error {
	f := fail(statusUsage, "%s %w", option, err)
	if we, ok := errors.AsType[*words.Error](err); ok {
		f = fail(statusUsage, "%s %w\n%s", option, err, we.Pointer())
	}
	return f.withHint("what an end can be told is under ENDS in gnet-trace(8)")
}

// configFailure names the option whose value the laboratory refuses.
func configFailure(err error) error {
	if c, ok := errors.AsType[*stackprobe.ConfigError](err); ok && c.Field == "roles" {
		return fail(statusUsage, "%w", err)
	}
	return fail(statusUsage, "--%w", err)
}

// decimal gives f a flag that is a decimal number: pflag's own take 010 for 8.
func decimal(f *pflag.FlagSet, to *int, name string, value int, usage string) {
	*to = value
	f.Var((*decimalValue)(to), name, usage)
}

type decimalValue int

func (d *decimalValue) String() string { return strconv.Itoa(int(*d)) }
func (*decimalValue) Type() string     { return "int" }
func (d *decimalValue) Set(s string) error {
	n, err := strconv.ParseInt(s, 10, 64)
	*d = decimalValue(n)
	return err
}

// seedValue is a number, or one that is drawn now.
type seedValue struct{ to *int64 }

func (v *seedValue) String() string { return strconv.FormatInt(*v.to, 10) }
func (*seedValue) Type() string     { return "a whole number of 64 bits or random" }
func (v *seedValue) Set(s string) (err error) {
	if s == "random" {
		*v.to = int64(rand.Uint32()) // short enough to be typed again
		return nil
	}
	if *v.to, err = strconv.ParseInt(s, 10, 64); err != nil {
		return strconv.ErrSyntax
	}
	return nil
}

// delayValue is one time for both directions, or one for each.
type delayValue [3]time.Duration

func (v *delayValue) String() string { return v[event.Client].String() }
func (*delayValue) Type() string {
	return "a time such as 20ms or 1s, or two with a comma between them"
}
func (v *delayValue) Set(s string) (err error) {
	client, server, two := strings.Cut(s, ",")
	if v[event.Client], err = time.ParseDuration(client); err != nil {
		return err
	}
	v[event.Server] = v[event.Client]
	if two {
		v[event.Server], err = time.ParseDuration(server)
	}
	return err
}
