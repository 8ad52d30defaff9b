package main

import (
	"context"
	"errors"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"gnet/ping/path"
	"gnet/ping/probe"
)

// tracepathOptions is what a tracepath command line asks for, after checking.
type tracepathOptions struct {
	outputOptions
	Host    string
	Family  probe.Family // 0: whatever the name has
	Both    bool         // names and addresses
	Length  int          // 0: what the link takes
	MaxHops int
	Numeric bool
	Port    uint16
	Method  path.Method
	OneFlow bool // all UDP probes go to one port
	Rounds  int
	Live    bool // on the whole screen
}

// tracepathPort is the first port that tracepath made known.
const tracepathPort = 44444

func defaultTracepath() tracepathOptions {
	return tracepathOptions{MaxHops: 30, Port: tracepathPort, Method: path.UDP, Rounds: 1}
}

// statusShown is the status of tracepath's usage: -1, as exit(3) cuts it.
const statusShown = 255

const tracepathSynopsis = "\nUsage\n  tracepath [options] <destination>\n\nOptions:\n"

// tracepathTable returns the options of tracepath(8) of iputils 20221126, and
// gnet's own.
func tracepathTable() *optionTable[tracepathOptions] {
	type o = tracepathOptions
	value := func(short byte, argName, help string, set func(*o, string) error) option[o] {
		return option[o]{short: short, arg: requiredArgument, argName: argName, help: help,
			set: func(o *tracepathOptions, _, arg string) error { return set(o, arg) }}
	}
	flag := func(short byte, long, help string, set func(*o) error) option[o] {
		return option[o]{short: short, long: long, own: long != "", help: help, set: func(o *tracepathOptions, _, _ string) error { return set(o) }}
	}
	method := func(m path.Method) func(*o) error {
		return func(o *o) error { o.Method = m; return nil }
	}
	table := []option[o]{
		flag('4', "", "IPv4 only", func(o *o) error { return o.setFamily(probe.IPv4) }),
		flag('6', "", "IPv6 only", func(o *o) error { return o.setFamily(probe.IPv6) }),
		flag('n', "", "addresses, no names", func(o *o) error { o.Numeric = true; return nil }),
		flag('b', "", "names and addresses", func(o *o) error { o.Both = true; return nil }),
		{short: 'h', help: "print this help", set: func(*o, string, string) error { return errShowHelp }},
		{short: '?', set: func(*o, string, string) error { return errShowHelp }},
		value('l', "LENGTH", "length of the first packet", (*o).setLength),
		value('m', "HOPS", "the most hops (30)", (*o).setMaxHops),
		value('p', "PORT", "port of the destination (44444)", (*o).setPort),
		flag('V', "", "print the version", func(*o) error { return errShowVersion }),
		flag(0, "udp", "probe with UDP to one port, as one flow", func(o *o) error { o.Method, o.OneFlow = path.UDP, true; return nil }),
		flag(0, "icmp", "probe with ICMP echo requests", method(path.Echo)),
		flag(0, "tcp", "probe with TCP SYN segments to port 443", method(path.TCP)),
		{long: "rounds", arg: requiredArgument, argName: "N", own: true, help: "ask each hop N times, and add a table of losses and times",
			set: func(o *o, _, arg string) error { return o.setRounds(arg) }},
		flag(0, "live", "show the hops on the whole screen, with losses and times, in rounds", func(o *o) error { o.Live = true; return nil }),
		flag(0, "help", "print this help on standard output", func(*o) error { return errLongHelp }),
	}
	return &optionTable[o]{options: append(table, outputRows(func(o *o) *outputOptions { return &o.outputOptions })...), shortOnly: true}
}

func (o *tracepathOptions) setFamily(f probe.Family) error {
	if o.Family != 0 && o.Family != f {
		return fail(statusCannot, "Only one -4 or -6 option may be specified")
	}
	o.Family = f
	return nil
}

// argument reads a number; tracepath ends with another status than ping.
func argument(arg string, low, high int64) (int, error) {
	n, err := number(arg, low, high)
	if f := (*failure)(nil); errors.As(err, &f) {
		f.status = statusNo
	}
	return int(n), err
}

func (o *tracepathOptions) setLength(arg string) (err error) {
	o.Length, err = argument(arg, 0, math.MaxInt32)
	return err
}

// checkLength says when the packet has no room for the headers.
func (o *tracepathOptions) checkLength(f probe.Family) error {
	header := 28
	if f == probe.IPv6 {
		header = 48
	}
	if o.Length != 0 && o.Length <= header {
		return fail(statusNo, "pktlen must be within: %d < value <= %d", header, math.MaxInt32)
	}
	return nil
}

func (o *tracepathOptions) setMaxHops(arg string) (err error) {
	o.MaxHops, err = argument(arg, 0, 255)
	return err
}

func (o *tracepathOptions) setPort(arg string) error {
	n, err := argument(arg, 0, math.MaxUint16)
	o.Port = uint16(n)
	if n == 0 {
		o.Port = tracepathPort
	}
	return err
}

func (o *tracepathOptions) setRounds(arg string) (err error) {
	o.Rounds, err = argument(arg, 1, 1000)
	return err
}

// parseTracepath turns a command line into options.
func parseTracepath(args []string, posix bool) (tracepathOptions, error) {
	o := defaultTracepath()
	words, err := tracepathTable().parse(args, posix, &o)
	usage := &failure{status: statusShown, usage: tracepathSynopsis + tracepathTable().help()}
	if wrong := (*getoptError)(nil); errors.As(err, &wrong) {
		usage.err = wrong
		return tracepathOptions{}, usage
	}
	if err != nil {
		return tracepathOptions{}, err
	}
	if len(words) != 1 {
		return tracepathOptions{}, usage
	}
	host, port, given := strings.Cut(words[0], "/")
	if o.Host = host; given {
		if err := o.setPort(port); err != nil {
			return tracepathOptions{}, err
		}
	}
	return o, nil
}

// newTracepathCommand returns `gnet tracepath`. run is a parameter for tests.
func newTracepathCommand(e *env, run func(context.Context, *env, tracepathOptions) error) *cobra.Command {
	return newClassicCommand("tracepath [OPTION]... DESTINATION", "Show the hops to a host and the path MTU", tracepathTable,
		func(cmd *cobra.Command, args []string) error {
			o, err := parseTracepath(args, e.posix())
			switch {
			case errors.Is(err, errLongHelp):
				e.Stdout.WriteString(tracepathSynopsis[1:] + tracepathTable().help())
				return nil
			case errors.Is(err, errShowHelp):
				return &failure{status: statusShown, usage: tracepathSynopsis + tracepathTable().help()}
			case errors.Is(err, errShowVersion):
				e.Stdout.WriteString("gnet " + version + "\ntracepath: options and output of iputils 20221126\n")
				return nil
			case err != nil:
				return err
			}
			return run(cmd.Context(), e, o)
		})
}
