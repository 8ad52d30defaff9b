package main

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/routes"
)

// routeFilter is what the filter options of a route command ask for. The commands that list, save and flush share the options.
type routeFilter struct {
	routes.Filter
	AllTables bool
	// matchDefault and exactDefault are set by the word default, which is the prefix of length 0 of either family.
	matchDefault, exactDefault bool
	given                      []string // the options, in order, each once
}

// filterOption is one filter option: a row of the option table of `route`, a flag of gnet's own verbs.
type filterOption struct {
	name, argName, help string
	words               []string // what the argument may be, for completion; nil when it is free
	set                 func(f *routeFilter, arg string) error
}

// filterOptions returns the options in the order of the help.
func filterOptions() []filterOption {
	return []filterOption{
		{"table", "TABLE", "only this table: main, local, default, a number, a name of rt_tables, or all", []string{"main", "local", "default", "all"},
			func(f *routeFilter, arg string) error { return f.setTable(arg) }},
		{"all-tables", "", "all tables; without it and --table the main one", nil,
			func(f *routeFilter, _ string) error { f.AllTables = true; return nil }},
		{"vrf", "DEVICE", "only the table of this VRF", nil,
			func(f *routeFilter, arg string) error { f.VRF = arg; return notEmpty(arg, "a VRF device") }},
		{"root", "PREFIX", "only this prefix and those inside of it", nil,
			func(f *routeFilter, arg string) error { _, err := filterPrefix(&f.Root, arg); return err }},
		{"match", "PREFIX", "only prefixes that contain this one", nil,
			func(f *routeFilter, arg string) (err error) {
				f.matchDefault, err = filterPrefix(&f.Covering, arg)
				return err
			}},
		{"exact", "PREFIX", "only this prefix", nil,
			func(f *routeFilter, arg string) (err error) {
				f.exactDefault, err = filterPrefix(&f.Exact, arg)
				return err
			}},
		{"dev", "DEVICE", "only routes with a next hop on this interface", nil,
			func(f *routeFilter, arg string) error { f.Dev = arg; return notEmpty(arg, "an interface") }},
		{"via", "ADDRESS", "only routes with this gateway; with --dev on that interface", nil,
			func(f *routeFilter, arg string) error { return filterAddr(&f.Via, arg) }},
		{"src", "ADDRESS", "only routes with this preferred source address", nil,
			func(f *routeFilter, arg string) error { return filterAddr(&f.Src, arg) }},
		{"proto", "PROTOCOL", "only routes made by this: kernel, boot, static, ra, bird, ... or a number", []string{"kernel", "boot", "static", "ra", "dhcp", "redirect"},
			func(f *routeFilter, arg string) error { return f.setProtocol(arg) }},
		{"type", "TYPE", "only unicast, local, broadcast, blackhole, ... or a number", filterTypes(),
			func(f *routeFilter, arg string) error { return f.setType(arg) }},
		{"scope", "SCOPE", "only global, site, link, host or a number", []string{"global", "site", "link", "host", "nowhere"},
			func(f *routeFilter, arg string) error { return f.setScope(arg) }},
	}
}

func filterTypes() []string {
	return []string{"unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw"}
}

// filterRows returns the rows of an option table; pick finds the filter in the command's options struct.
func filterRows[O any](pick func(*O) *routeFilter) []option[O] {
	var rows []option[O]
	for _, fo := range filterOptions() {
		row := option[O]{long: fo.name, argName: fo.argName, help: fo.help, words: fo.words, own: true,
			set: func(o *O, _, arg string) error { return pick(o).set(&fo, arg) }}
		if fo.argName != "" {
			row.arg = requiredArgument
		}
		rows = append(rows, row)
	}
	return rows
}

// addFilterFlags gives one of gnet's own verbs the filter options.
func addFilterFlags(cmd *cobra.Command, f *routeFilter) {
	for _, fo := range filterOptions() {
		flag := cmd.Flags().VarPF(&filterFlag{fo, f}, fo.name, "", fo.help)
		if fo.argName == "" {
			flag.NoOptDefVal = "true"
			continue
		}
		completeFlag(cmd, fo.name, fo.words...)
	}
}

// filterFlag is a filter option as a pflag.Value.
type filterFlag struct {
	filterOption
	filter *routeFilter
}

// String implements pflag.Value: a filter option has no default.
func (v *filterFlag) String() string { return "" }

// Type implements pflag.Value: the word for the argument in the help.
func (v *filterFlag) Type() string { return v.argName }

// Set implements pflag.Value.
func (v *filterFlag) Set(arg string) error {
	if v.argName == "" && arg != "true" {
		return fail(statusUsage, "--%s takes no argument", v.name)
	}
	return v.filter.set(&v.filterOption, arg)
}

func (f *routeFilter) set(fo *filterOption, arg string) error {
	if err := fo.set(f, arg); err != nil {
		return fail(statusUsage, "--%s: %w", fo.name, err)
	}
	if !slices.Contains(f.given, fo.name) {
		f.given = append(f.given, fo.name)
	}
	return nil
}

// Given reports whether any filter option was on the line.
func (f *routeFilter) Given() bool { return len(f.given) > 0 }

// filter checks what was given together and returns the filter: of the main table when none was named.
func (f *routeFilter) filter() (routes.Filter, error) {
	var tables []string
	for _, name := range f.given {
		if name == "table" || name == "all-tables" || name == "vrf" {
			tables = append(tables, "--"+name)
		}
	}
	if len(tables) > 1 {
		return routes.Filter{}, fail(statusUsage, "%s name different tables", strings.Join(tables, " and "))
	}
	out := f.Filter
	out.Default = f.matchDefault || f.exactDefault
	if len(tables) == 0 {
		out.Table = unix.RT_TABLE_MAIN
	}
	return out, nil
}

// family returns the family that the prefixes and addresses are of, 0 when none says: an IPv4 route can have a gateway of IPv6. No route is
// of two families, nor of another than only, unless that is 0.
func (f *routeFilter) family(only uint8) (uint8, error) {
	family, first := uint8(0), ""
	for _, one := range []struct {
		option string
		addr   netip.Addr
		text   string
	}{
		{"root", f.Root.Addr(), f.Root.String()}, {"match", f.Covering.Addr(), f.Covering.String()}, {"exact", f.Exact.Addr(), f.Exact.String()},
		{"src", f.Src, f.Src.String()}, {"via", f.Via, f.Via.String()},
	} {
		if !one.addr.IsValid() || one.option == "via" && one.addr.Is6() {
			continue
		}
		this, word := familyOfAddr(one.addr), "--"+one.option+" "+one.text
		switch {
		case only != 0 && this != only:
			return 0, fail(statusUsage, "%s: %s, and only %s routes are asked for", word, familyTitle(this), familyTitle(only))
		case family != 0 && this != family:
			return 0, fail(statusUsage, "%s is %s and %s %s: no route is of both", first, familyTitle(family), word, familyTitle(this))
		}
		family, first = this, word
	}
	return family, nil
}

func familyOfAddr(a netip.Addr) uint8 {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func familyTitle(family uint8) string {
	if family == unix.AF_INET6 {
		return "IPv6"
	}
	return "IPv4"
}

func notEmpty(arg, what string) error {
	if arg == "" { // an unset variable of a script must not select everything
		return errors.New(what + " is needed, not an empty word")
	}
	return nil
}

func (f *routeFilter) setTable(arg string) error {
	if arg == "all" {
		f.Table = 0
		return nil
	}
	table, ok := parseTable(arg)
	if !ok {
		return errors.New(strconv.Quote(arg) + " is no table: main, local, default, all, a number from 1 to 4294967295, or a name of rt_tables")
	}
	f.Table = table
	return nil
}

// parseTable returns the table that a word, a number or a name of rt_tables(5) means.
func parseTable(arg string) (uint32, bool) {
	for _, table := range []uint32{unix.RT_TABLE_MAIN, unix.RT_TABLE_LOCAL, unix.RT_TABLE_DEFAULT} {
		if routes.TableName(table) == arg {
			return table, true
		}
	}
	if n, err := strconv.ParseUint(arg, 10, 32); err == nil {
		return uint32(n), n > 0
	}
	n, ok := numberOfLabel("rt_tables", arg)
	return n, ok && n > 0
}

func (f *routeFilter) setProtocol(arg string) error {
	protocol, ok := parseProtocol(arg)
	if !ok {
		return errors.New(strconv.Quote(arg) + " is no protocol: kernel, boot, static, ra, a number from 0 to 255, or a name of rt_protos")
	}
	f.Protocol, f.HasProtocol = protocol, true
	return nil
}

// parseProtocol returns the protocol that a word, a number or a name of rt_protos means.
func parseProtocol(arg string) (uint8, bool) {
	if n, err := strconv.ParseUint(arg, 10, 8); err == nil {
		return uint8(n), true
	}
	if protocol, ok := routes.ParseProtocol(arg); ok {
		return protocol, true
	}
	n, ok := numberOfLabel("rt_protos", arg)
	return uint8(n), ok && n <= 0xff
}

func (f *routeFilter) setType(arg string) error {
	typ, ok := routes.ParseType(arg)
	if !ok {
		return errors.New(strconv.Quote(arg) + " is no type: " + strings.Join(filterTypes(), ", ") + ", or a number from 1 to 255")
	}
	f.Type = typ
	return nil
}

func (f *routeFilter) setScope(arg string) error {
	scope, ok := routes.ParseScope(arg)
	if !ok {
		n, err := strconv.ParseUint(arg, 10, 8)
		if err != nil {
			return errors.New(strconv.Quote(arg) + " is no scope: global, site, link, host, nowhere, or a number from 0 to 255")
		}
		scope = uint8(n)
	}
	f.Scope, f.HasScope = scope, true
	return nil
}

// filterPrefix reads ADDRESS[/LENGTH] or default. Without a length it is that of the address. What is beyond the length is no part of a prefix,
// and more likely a mistake than meant.
func filterPrefix(to *netip.Prefix, arg string) (isDefault bool, err error) {
	if *to = (netip.Prefix{}); arg == "default" {
		return true, nil
	}
	prefix, err := netip.ParsePrefix(arg)
	if addr, aerr := netip.ParseAddr(arg); aerr == nil && addr.Zone() == "" {
		prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	if err != nil {
		return false, errors.New(strconv.Quote(arg) + " is no prefix: ADDRESS, ADDRESS/LENGTH or default")
	}
	if prefix != prefix.Masked() {
		return false, errors.New(strconv.Quote(arg) + " has bits beyond its length: " + prefix.Masked().String() + " is the prefix, " +
			prefix.Addr().String() + " the address")
	}
	*to = prefix
	return false, nil
}

func filterAddr(to *netip.Addr, arg string) error {
	addr, err := netip.ParseAddr(arg)
	if err != nil || addr.Zone() != "" {
		return errors.New(strconv.Quote(arg) + " is no address without a zone")
	}
	*to = addr
	return nil
}
