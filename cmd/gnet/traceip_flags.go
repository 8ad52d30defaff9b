package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gnet/internal/render"
	"gnet/stackprobe"
	"gnet/stackprobe/link"
)

// datagramWords are the options of `trace ip` as they stand on the command line.
type datagramWords struct {
	link, client, path         string
	ipv4, ipv6, df, loop       bool
	size, count, mtu, ttl, tos int
	snap                       int
	ipOptions, faults          []string
	seed                       int64
	delay, deadline            time.Duration
	pcap                       string
	mtuFlag, snapFlag          *pflag.Flag
	viewWords
}

// bind gives cmd the options, and their completion.
func (w *datagramWords) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&w.link, "link", "auto", "the `world`: auto, tun (kernels and an embedded stack), memory (embedded stacks, virtual time)")
	f.StringVar(&w.client, "client", "", "the client is the kernel (default) or the engine, the embedded stack; the server is the other")
	f.BoolVarP(&w.ipv4, "ipv4", "4", false, "the links carry IPv4 (default)")
	f.BoolVarP(&w.ipv6, "ipv6", "6", false, "the links carry IPv6")
	decimal(f, &w.size, "size", stackprobe.DefaultSize, "`octets` of each datagram, its header included")
	decimal(f, &w.count, "count", 1, "`number` of datagrams, one each 100 ms")
	decimal(f, &w.mtu, "mtu", stackprobe.DefaultMTU, "`MTU` of the only link")
	w.mtuFlag = f.Lookup("mtu")
	f.StringVar(&w.path, "path", "", "`MTUs` of several links, with a router between any two: 1500,1450,1400")
	decimal(f, &w.ttl, "ttl", stackprobe.DefaultTTL, "time to live or hop limit: how many `hops` a packet may take")
	decimal(f, &w.tos, "tos", 0, "type of service or traffic class, `0` to 255")
	f.BoolVar(&w.df, "df", false, "nobody may fragment the datagram")
	f.BoolVar(&w.loop, "loop", false, "the last two routers point at each other (three links at least)")
	f.StringArrayVar(&w.ipOptions, "option", nil, "`option` of the IPv4 header: rr, ts (with room for 9 entries, or rr 3), ra; may be given several times")
	f.StringArrayVar(&w.faults, "fault", nil, "`rule` of a link; may be given several times")
	w.seed = stackprobe.DefaultSeed
	f.Var(&seedValue{&w.seed}, "seed", "`seed` of everything that is drawn at random, a number or random")
	f.DurationVar(&w.delay, "delay", stackprobe.DefaultDelay, "one-way `delay` of each link")
	f.DurationVar(&w.deadline, "deadline", 0, "give up after that time (100s, in virtual time 1h)")
	decimal(f, &w.snap, "snap", stackprobe.DefaultSnap, "`bytes` of each packet that the machine forms hold (with --pcap: all)")
	w.snapFlag = f.Lookup("snap")
	decimal(f, &w.width, "width", 0, "`columns` of the picture, 40 to 1000 (those of the terminal, else 80)")
	f.BoolVar(&w.ascii, "ascii", false, "draw with ASCII alone")
	f.BoolVar(&w.unfold, "unfold", false, "show each packet of a datagram in many pieces")
	f.StringVar(&w.pcap, captureFlag, "", "write the packets of the run to that `file`, in pcapng")
	f.StringVar(&w.format, "format", "classic", strings.Join(render.FormatWords(), ", "))
	f.BoolFunc("json", "the same as --format json", func(v string) error { return setJSON(&w.format, v) })
	w.bindStep(cmd)
	_ = f.MarkHidden(stepFlag) // it is here to be refused with a reason
	completeFlag(cmd, "link", "auto", "tun", "memory")
	completeFlag(cmd, "client", "kernel", "engine")
	completeFlag(cmd, "path", "1500,1450,1400", "1500,1400", "1500,1500,1500")
	completeFlag(cmd, "option", "rr", "ts", "ra")
	completeFlag(cmd, "seed", "random")
	completeFlag(cmd, "format", render.FormatWords()...)
	_ = cmd.MarkFlagFilename(captureFlag)
}

// options checks the words of the command line.
func (w *datagramWords) options() (datagramOptions, error) {
	var o datagramOptions
	var err error
	if w.step {
		return o, fail(statusUsage, "--step: it goes through connections, and datagrams have none").withHint("the picture shows all of a datagram: --unfold each of its packets")
	}
	w.files = make([]string, len(fileViews()))
	w.files[slices.IndexFunc(fileViews(), func(v fileView) bool { return v.flag == captureFlag })] = w.pcap
	if o.viewOptions, err = w.viewWords.options(); err != nil {
		return o, err
	}
	o.Size, o.Count, o.DF, o.Loop, o.IPv6 = w.size, w.count, w.df, w.loop, w.ipv6
	o.Seed, o.Delay, o.Deadline, o.Version = w.seed, w.delay, w.deadline, version
	for _, step := range []func(*datagramOptions) error{w.choices, w.links, w.header, w.octets} {
		if err := step(&o); err != nil {
			return o, err
		}
	}
	for _, text := range w.faults {
		r, err := link.ParseDatagramRule(text)
		if err != nil {
			return o, datagramFault(err)
		}
		o.Faults = append(o.Faults, r)
	}
	if err := o.Check(); err != nil {
		return o, configFailure(err)
	}
	return o, nil
}

// choices reads the options that are one word of several.
func (w *datagramWords) choices(o *datagramOptions) error {
	var ok bool
	if o.World, ok = stackprobe.ParseWorld(w.link); !ok || o.World == stackprobe.Veth {
		return fail(statusUsage, "--link %q: want auto, tun or memory", w.link)
	}
	client := slices.Index([]string{"", "kernel", "engine"}, w.client)
	if client < 0 {
		return fail(statusUsage, "--client %q: want kernel or engine", w.client)
	}
	o.Client = stackprobe.Kind(client)
	switch {
	case w.ipv4 && w.ipv6:
		return fail(statusUsage, "--ipv4 and --ipv6: want one of them")
	case w.count < 1:
		return fail(statusUsage, "--count %d: want 1 to %d", w.count, stackprobe.MaxDatagrams)
	}
	return nil
}

// links reads the MTUs.
func (w *datagramWords) links(o *datagramOptions) error {
	switch {
	case w.path != "" && w.mtuFlag.Changed:
		return fail(statusUsage, "--mtu and --path: want one of them")
	case w.path == "" && w.loop:
		o.MTUs = []int{w.mtu, w.mtu, w.mtu}
	case w.path == "":
		o.MTUs = []int{w.mtu}
	default:
		for text := range strings.SplitSeq(w.path, ",") {
			mtu, err := strconv.Atoi(text)
			if err != nil {
				return fail(statusUsage, "--path %q: want MTUs with commas between them, such as 1500,1450,1400", w.path)
			}
			o.MTUs = append(o.MTUs, mtu)
		}
	}
	return nil
}

// header reads what stands in the header.
func (w *datagramWords) header(o *datagramOptions) error {
	switch {
	case w.ttl < 1 || w.ttl > 255:
		return fail(statusUsage, "--ttl %d: want 1 to 255", w.ttl)
	case w.tos < 0 || w.tos > 255:
		return fail(statusUsage, "--tos %d: want 0 to 255", w.tos)
	}
	o.TTL, o.TOS = uint8(w.ttl), uint8(w.tos)
	for _, text := range w.ipOptions {
		option, ok := stackprobe.ParseIPOption(text)
		if !ok {
			return fail(statusUsage, "--option %q: want rr, ts (or with a number of entries from 1 to 9: rr 3) or ra", text)
		}
		o.Options = append(o.Options, option)
	}
	return nil
}

// octets says how much of each packet the events hold.
func (w *datagramWords) octets(o *datagramOptions) error {
	switch {
	case w.snap < 0:
		return fail(statusUsage, "--snap %d: want 0 to %d", w.snap, stackprobe.MaxMTU)
	case w.snap == 0 && w.pcap != "":
		return fail(statusUsage, "--%s: with --snap 0 there is nothing of a packet to write", captureFlag)
	case w.snap == 0:
		o.Snap = -1
	case w.pcap != "" && !w.snapFlag.Changed:
		o.Snap = stackprobe.MaxMTU
	default:
		o.Snap = w.snap
	}
	return nil
}
