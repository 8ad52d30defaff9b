package main

import (
	"errors"
	"strings"
)

// netstatTable returns netstat's option table, its long options in the order
// in which net-tools 2.10 lists possibilities of an ambiguous prefix.
func netstatTable() *optionTable[netstatOptions] {
	family := func(long string) option[netstatOptions] {
		return option[netstatOptions]{long: long, class: "family", set: setNetstatFamily}
	}
	flag := func(short byte, long, help string, field func(*netstatOptions) *bool) option[netstatOptions] {
		return option[netstatOptions]{short: short, long: long, help: help,
			set: func(o *netstatOptions, _, _ string) error { *field(o) = true; return nil }}
	}
	options := []option[netstatOptions]{
		family("ax25"), family("ip"), family("ipx"), family("appletalk"), family("netrom"), family("inet"), family("inet6"),
		family("rose"), family("unix"), family("ddp"), family("tcpip"), family("x25"), family("bluetooth"),
		{short: 'V', long: "version", help: "print the version", set: func(*netstatOptions, string, string) error { return errNetstatVersion }},
		flag('i', "interfaces", "the interface table", func(o *netstatOptions) *bool { return &o.Interfaces }),
		{short: 'h', long: "help", help: "print this text", set: func(*netstatOptions, string, string) error { return errNetstatHelp }},
		flag('r', "route", "the routing table", func(o *netstatOptions) *bool { return &o.Route }),
		flag('M', "masquerade", "", func(o *netstatOptions) *bool { return &o.Masquerade }),
		{short: 'A', long: "protocol", arg: requiredArgument, argName: "FAMILY[,...]", help: "inet, inet6, unix and others",
			words: []string{"inet", "inet6", "unix"}, set: setNetstatFamilies},
		flag('t', "tcp", "TCP sockets", func(o *netstatOptions) *bool { return &o.Families.TCP }),
		flag('S', "sctp", "SCTP sockets", func(o *netstatOptions) *bool { return &o.Families.SCTP }),
		flag('u', "udp", "UDP sockets", func(o *netstatOptions) *bool { return &o.Families.UDP }),
		flag('U', "udplite", "UDP-Lite sockets", func(o *netstatOptions) *bool { return &o.Families.UDPLite }),
		flag('w', "raw", "raw sockets", func(o *netstatOptions) *bool { return &o.Families.Raw }),
		{short: 'x', long: "unix", help: "unix sockets", set: func(o *netstatOptions, _, _ string) error { return setNetstatFamily(o, "unix", "") }},
		{short: '4', help: "IPv4 only, as -A inet", set: func(o *netstatOptions, _, _ string) error { return setNetstatFamily(o, "inet", "") }},
		{short: '6', help: "IPv6 only, as -A inet6", set: func(o *netstatOptions, _, _ string) error { return setNetstatFamily(o, "inet6", "") }},
		flag('2', "l2cap", "", func(o *netstatOptions) *bool { return &o.Families.Bluetooth }),
		flag('f', "rfcomm", "", func(o *netstatOptions) *bool { return &o.Families.Bluetooth }),
		flag('l', "listening", "listening sockets only", func(o *netstatOptions) *bool { return &o.Listening }),
		flag('a', "all", "listening and other sockets", func(o *netstatOptions) *bool { return &o.All }),
		flag('o', "timers", "timer that is pending", func(o *netstatOptions) *bool { return &o.Timers }),
		flag('c', "continuous", "again every second", func(o *netstatOptions) *bool { return &o.Continuous }),
		{short: 'e', long: "extend", help: "user and inode; of routes and interfaces more", set: func(o *netstatOptions, _, _ string) error { o.Extend++; return nil }},
		flag('p', "programs", "process that holds the socket", func(o *netstatOptions) *bool { return &o.Programs }),
		flag('v', "verbose", "say which families the kernel lacks", func(o *netstatOptions) *bool { return &o.Verbose }),
		flag('s', "statistics", "the kernel's counters", func(o *netstatOptions) *bool { return &o.Statistics }),
		flag('W', "wide", "never cut an address", func(o *netstatOptions) *bool { return &o.Wide }),
		{short: 'n', long: "numeric", help: "no names at all", set: setNetstatNumeric},
		flag(0, "numeric-hosts", "no host names", func(o *netstatOptions) *bool { return &o.NumericHosts }),
		flag(0, "numeric-ports", "no port names", func(o *netstatOptions) *bool { return &o.NumericPorts }),
		flag(0, "numeric-users", "no user names", func(o *netstatOptions) *bool { return &o.NumericUsers }),
		flag('N', "symbolic", "", func(o *netstatOptions) *bool { return &o.Symbolic }),
		flag('C', "cache", "routes of the cache", func(o *netstatOptions) *bool { return &o.Cache }),
		flag('F', "fib", "routes of the table (default)", func(o *netstatOptions) *bool { return &o.FIB }),
		flag('g', "groups", "multicast memberships", func(o *netstatOptions) *bool { return &o.Groups }),
		{short: 'Z', long: "context", help: "SELinux context of the process", set: setNetstatContext},
		{short: '?', set: func(*netstatOptions, string, string) error { return failBare(statusUsage, "%s", netstatHelp()) }},
		{short: 'd', set: func(*netstatOptions, string, string) error { return nil }}, // counted by the original, and of no effect
	}
	options = append(append(options, infoRow()), killRows()...)
	output := func(o *netstatOptions) *outputOptions { return &o.outputOptions }
	options = append(append(options, outputRows(output)...), procRootRow(output),
		procRow(output, "with -r: the files of /proc/net, even where rtnetlink is faster"), filterRow())
	return &optionTable[netstatOptions]{options: append(options, netstatOwnRows()...)}
}

// netstatOwnRows are the options that the original does not have.
func netstatOwnRows() []option[netstatOptions] {
	type o = netstatOptions
	return []option[o]{
		watchRow(),
		{long: "count-by", arg: requiredArgument, argName: "KEY[,...]", own: true, wordList: countWords,
			help: "count the sockets by state, local, remote, port, program, user ...", set: setCountBy},
		{long: "owners", arg: requiredArgument, argName: "WHICH", own: true, words: []string{"first", "all"},
			help: "with -p, the first process of each socket, or all", set: setOwners},
		{long: "netns", arg: requiredArgument, argName: "NAME|PID|all", own: true, words: []string{allNetns},
			help: "the sockets of another network namespace, or of every one", set: setNetns},
	}
}

// setOwners is --owners.
func setOwners(o *netstatOptions, _, arg string) error {
	switch arg {
	case "first":
		o.AllOwners = false
	case "all":
		o.AllOwners, o.Programs = true, true
	default:
		return fail(statusUsage, "--owners: unknown word %q (first or all)", arg)
	}
	return nil
}

// errNetstatVersion and errNetstatHelp end the parse where the original ends
// the program: what follows on the line is not looked at.
var (
	errNetstatVersion = errors.New("version asked for")
	errNetstatHelp    = errors.New("help asked for")
)

// netstatParseError answers an error of the parse: help and version go to
// stdout, a message of getopt is followed by the usage.
func (e *env) netstatParseError(err error) error {
	var bad *getoptError
	switch {
	case errors.Is(err, errNetstatHelp):
		e.Stdout.WriteString(netstatHelp() + "\n")
		return nil
	case errors.Is(err, errNetstatVersion):
		e.Stdout.WriteString("gnet " + version + ", netstat as of net-tools 2.10\n")
		return nil
	case errors.As(err, &bad):
		return netstatUsage(bad.msg)
	}
	return err
}

func netstatUsage(message string) error {
	f := fail(statusUsage, "%s", message)
	f.usage = netstatHelp() + "\n"
	return f
}

func netstatHelp() string {
	return `usage: netstat [-tuUSwx46] [-A FAMILY] [-al] [-nepoWcv]   sockets
       netstat -r [-46] [-A FAMILY] [-nec] [-FC]        routes
       netstat -i [-ace]                                interfaces
       netstat -s [-tuUwS46]                            counters
       netstat -g [-46] [-nc]                           multicast groups

` + strings.TrimSuffix(netstatTable().help(), "\n")
}

// setNetstatNumeric is -n: the three numeric options at once.
func setNetstatNumeric(o *netstatOptions, _, _ string) error {
	o.NumericHosts, o.NumericPorts, o.NumericUsers = true, true, true
	return nil
}

// setNetstatFamilies is -A: family names with commas between them.
func setNetstatFamilies(o *netstatOptions, _, arg string) error {
	for _, name := range strings.Split(arg, ",") {
		if err := setNetstatFamily(o, name, ""); err != nil {
			return err
		}
	}
	return nil
}

// setNetstatFamily is one family of -A, or one of the options that are called
// like a family.
func setNetstatFamily(o *netstatOptions, name, _ string) error {
	f := &o.Families
	switch name {
	case "inet", "ip", "tcpip":
		f.Inet, name = true, "inet"
	case "inet6", "ip6":
		f.Inet6, name = true, "inet6"
	case "unix":
		f.Unix = true
	case "ipx":
		f.IPX = true
	case "ax25":
		f.AX25 = true
	case "x25":
		f.X25 = true
	case "netrom":
		f.Netrom = true
	case "rose":
		f.Rose = true
	case "bluetooth":
		f.Bluetooth = true
	case "appletalk":
		name = "ddp"
	case "econet":
		name = "ec"
	case "ddp", "ash":
		// Known names, but netstat never had a socket table for them, nor for the
		// two before.
	default:
		return failBare(statusNo, "Unknown address family `%s'.", name)
	}
	f.Order = append(f.Order, name)
	return nil
}

// setNetstatContext is -Z, which implies -p. Where SELinux is off the original
// ends there, whatever else is wrong with the line; contextError.
func setNetstatContext(o *netstatOptions, _, _ string) error {
	o.Context, o.Programs = true, true
	return nil
}
