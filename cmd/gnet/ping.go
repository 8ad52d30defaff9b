package main

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// pingOptions is what a ping command line asks for, after checking.
type pingOptions struct {
	outputOptions
	manyOptions
	// Targets are the operands: at least one, or there are files or ranges.
	Targets []string
	Family  probe.Family // 0: whatever the name has

	Count    int64 // 0: without end
	Interval time.Duration
	// IntervalSet tells -i 1 from no -i, which -f needs.
	IntervalSet bool
	Wait        time.Duration // 0: without limit
	Deadline    time.Duration // 0: none
	Preload     int
	Size        int
	Pattern     []byte
	PatternSet  bool

	TTL, TOS   int // -1: the host's
	MTU        probe.MTUDiscovery
	ID         int // -1: chosen
	Source4    netip.Addr
	Source6    netip.Addr
	StrictFrom bool // -B, or -I with an address
	Device     string
	SendBuffer int

	// RecordRoute and Timestamps are options of the IPv4 header; the latter is a
	// flag of RFC 791 or timestampsUnset. TimestampHosts are those of tsprespec.
	RecordRoute    bool
	Timestamps     uint8
	TimestampHosts []string
	ipOptions      []byte // as on the wire; see makeIPOptions
	Flow           bool
	FlowLabel      uint32 // 0: the kernel's choice
	Node           nodeOptions
	Mark           uint32
	MarkSet        bool

	Adaptive, Flood, Audible, Broadcast, DontRoute, NoLoop bool
	Debug, Numeric, Outstanding, Quiet, Stamp, UserTime    bool
	Verbose, Connect, Precise, ForceNames                  bool
	// Stats asks for the distribution of the times and losses.
	Stats bool

	// Live shows the run on the whole screen; Plot is the file for its picture, "" for none.
	Live bool
	Plot string

	// PMTU measures the path in place of pinging, Fast with all sizes at once.
	PMTU, Fast bool
	explainOptions
}

// defaultPing is ping without options.
func defaultPing() pingOptions {
	return pingOptions{Interval: time.Second, Wait: 10 * time.Second, Preload: 1, Size: 56, TTL: -1, TOS: -1, ID: -1,
		Timestamps: timestampsUnset}
}

// pingTable returns the options of ping(8) of iputils 20221126, in the order of
// its help, and gnet's own.
func pingTable() *optionTable[pingOptions] {
	type o = pingOptions
	flag := func(short byte, help string, set func(*o)) option[o] {
		return option[o]{short: short, help: help, set: func(o *pingOptions, _, _ string) error { set(o); return nil }}
	}
	value := func(short byte, argName, help string, set func(*o, string) error) option[o] {
		return option[o]{short: short, arg: requiredArgument, argName: argName, help: help,
			set: func(o *pingOptions, _, arg string) error { return set(o, arg) }}
	}
	table := []option[o]{
		{short: 'h', help: "print this help", set: func(*o, string, string) error { return errShowHelp }},
		{short: '?', set: func(*o, string, string) error { return errShowHelp }},
		{short: 'V', help: "print the version", set: func(*o, string, string) error { return errShowVersion }},
		{short: '4', help: "IPv4 only", set: func(o *pingOptions, _, _ string) error { return o.setFamily(probe.IPv4) }},
		{short: '6', help: "IPv6 only", set: func(o *pingOptions, _, _ string) error { return o.setFamily(probe.IPv6) }},
		flag('a', "ring the bell at each reply", func(o *o) { o.Audible = true }),
		flag('A', "adaptive: the interval follows the round-trip time", func(o *o) { o.Adaptive = true }),
		flag('b', "allow a broadcast address", func(o *o) { o.Broadcast = true }),
		flag('B', "keep the source address of the start", func(o *o) { o.StrictFrom = true }),
		value('c', "COUNT", "send COUNT probes and stop when each is answered or has brought an error", (*o).setCount),
		flag('C', "connect the socket: hear of no other host", func(o *o) { o.Connect = true }),
		flag('d', "set SO_DEBUG on the socket", func(o *o) { o.Debug = true }),
		flag('D', "print the time of day before each line", func(o *o) { o.Stamp = true }),
		value('e', "ID", "identifier of the echo requests; 0 needs a raw socket", (*o).setID),
		value('F', "LABEL", "flow label of IPv6, decimal or 0x hexadecimal; 0 for any", (*o).setFlow),
		flag('f', "flood: a dot for each probe, a backspace for each reply", func(o *o) { o.Flood, o.Numeric = true, true }),
		flag('H', "look up names, even of a numeric destination and with -f", func(o *o) { o.ForceNames = true }),
		value('i', "SECONDS", "time between probes (1)", (*o).setInterval),
		value('I', "ADDRESS|DEVICE", "source address, or device to send through; may be given twice", (*o).setInterface),
		value('l', "PRELOAD", "send that many probes at once at the start", (*o).setPreload),
		flag('L', "do not loop multicast probes back", func(o *o) { o.NoLoop = true }),
		value('m', "MARK", "mark of the packets, for routing rules", (*o).setMark),
		{short: 'M', arg: requiredArgument, argName: "MODE", words: []string{"do", "want", "dont", "probe"},
			help: "path MTU discovery: do, want, dont or probe", set: func(o *pingOptions, _, arg string) error { return o.setMTU(arg) }},
		value('N', "WORD", "ask a node of IPv6 for its names or addresses; -N help lists the words", (*o).setNode),
		flag('n', "addresses, no names", func(o *o) { o.Numeric, o.ForceNames = true, false }),
		flag('O', "say when the last probe has no answer yet", func(o *o) { o.Outstanding = true }),
		value('p', "HEX", "pattern of the data, up to 16 bytes", (*o).setPattern),
		flag('q', "only the first line and the summary", func(o *o) { o.Quiet = true }),
		value('Q', "TOS", "traffic class, decimal or 0x hexadecimal", (*o).setTOS),
		{short: 'R', help: "record the route (IPv4)", set: func(o *pingOptions, _, _ string) error { return o.setRecordRoute() }},
		flag('r', "send directly, past the routing table", func(o *o) { o.DontRoute = true }),
		value('s', "SIZE", "data bytes of each probe (56)", (*o).setSize),
		value('S', "BYTES", "size of the socket's send buffer", (*o).setSendBuffer),
		{short: 'T', arg: requiredArgument, argName: "TYPE", words: []string{"tsonly", "tsandaddr", "tsprespec"},
			help: "times of the hops (IPv4): tsonly, tsandaddr, or tsprespec with up to 4 hosts before the destination",
			set:  func(o *pingOptions, _, arg string) error { return o.setTimestamps(arg) }},
		value('t', "TTL", "time to live, or hop limit", (*o).setTTL),
		flag('U', "print times as this program sees them, not the kernel's", func(o *o) { o.UserTime = true }),
		flag('v', "verbose", func(o *o) { o.Verbose = true }),
		value('w', "SECONDS", "end after that time", (*o).setDeadline),
		value('W', "SECONDS", "wait that long for the first reply after the last probe (10)", (*o).setWait),
		flag('3', "times with three decimals, however long", func(o *o) { o.Precise = true }),
	}
	table = append(table, option[o]{long: "pmtu", own: true, arg: optionalArgument,
		help: "measure the path MTU, both ways, and say which link sets it; =fast sends all known sizes at once",
		set:  func(o *pingOptions, _, arg string) error { return o.setPMTU(arg) }})
	table = append(table, option[o]{long: "explain", own: true, arg: optionalArgument,
		help: "show how the probe is cut into fragments, and what the wire has of them; =MTU,... names those of links behind",
		set:  func(o *pingOptions, _, arg string) error { return o.setExplain(arg) }})
	table = append(table, option[o]{long: "stats", own: true, help: "add percentiles, jitter, a histogram and runs of losses to the summary",
		set: func(o *pingOptions, _, _ string) error { o.Stats = true; return nil }}, option[o]{long: "help", own: true, help: "print this help on standard output",
		set: func(*o, string, string) error { return errLongHelp }})
	table = append(table, option[o]{long: "live", own: true, help: "show the round trips over time on the whole screen; of many hosts a table, the worst first",
		set: func(o *pingOptions, _, _ string) error { o.Live = true; return nil }}, option[o]{long: "plot", own: true, arg: requiredArgument, argName: "FILE.svg",
		help: "write a picture of the run: round trips and losses over time, and a histogram", set: func(o *pingOptions, _, arg string) error { return o.setPlot(arg) }})
	table = append(table, pingManyRows()...)
	table = append(table, outputRows(func(o *pingOptions) *outputOptions { return &o.outputOptions })...)
	return &optionTable[o]{options: table, shortOnly: true}
}

// errLongHelp asks for the help on standard output: --help, unlike -h, is a
// question of gnet's own.
var errLongHelp = errors.New("help on standard output")

const pingSynopsis = "\nUsage\n  ping [options] <destination>\n\nOptions:\n"

// newPingCommand returns `gnet ping`. run is a parameter for tests.
func newPingCommand(e *env, run func(context.Context, *env, pingOptions) error) *cobra.Command {
	return newClassicCommand("ping [OPTION]... DESTINATION", "Send ICMP echo requests to a host", pingTable,
		func(cmd *cobra.Command, args []string) error {
			o, err := parsePing(args, e.posix())
			switch {
			case errors.Is(err, errLongHelp):
				e.Stdout.WriteString(pingSynopsis[1:] + pingTable().help())
				return nil
			case errors.Is(err, errShowHelp):
				return &failure{status: statusCannot, usage: pingSynopsis + pingTable().help()}
			case errors.Is(err, errNodeHelp):
				e.Stdout.WriteString(nodeHelp)
				return nil
			case errors.Is(err, errShowVersion):
				e.Stdout.WriteString("gnet " + version + "\nping: options and output of iputils 20221126\n")
				return nil
			case err != nil:
				return err
			}
			return run(cmd.Context(), e, o)
		})
}

// parsePing turns a command line into options.
func parsePing(args []string, posix bool) (pingOptions, error) {
	o := defaultPing()
	words, err := pingTable().parse(args, posix, &o)
	if wrong := (*getoptError)(nil); errors.As(err, &wrong) {
		f := fail(statusCannot, "%w", wrong)
		f.usage = pingSynopsis + pingTable().help()
		return pingOptions{}, f
	}
	if err != nil {
		return pingOptions{}, err
	}
	if group, ok := o.Node.group(); ok && len(words) == 0 {
		words = []string{group.String()}
	}
	if len(words)+len(o.TargetFiles)+len(o.Ranges) == 0 {
		return pingOptions{}, fail(statusNo, "usage error: Destination address required")
	}
	o.Targets = words
	if o.Timestamps == wire.TimestampsPrescribed && len(words) > 0 {
		last := len(words) - 1
		o.TimestampHosts, o.Targets = words[:last], words[last:]
	}
	if o.hasIPOptions() && o.many() || len(o.TimestampHosts) > maxTimestampHosts {
		return pingOptions{}, &failure{status: statusCannot, usage: pingSynopsis + pingTable().help()}
	}
	if o.Flood && !o.IntervalSet {
		o.Interval = 0
	}
	return o, nil
}
