package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"gnet/internal/procfile"
	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/routes"
)

// routeOptions is what a route command line asks for, after checking: a listing, or one change.
type routeOptions struct {
	outputOptions
	Listing routeListing
	Filter  routeFilter
	Details bool          // --details: the listing of gnet's own, over rtnetlink
	Change  *routeChange  // nil: list
	Confirm time.Duration // --confirm: how long a confirmation of the change is waited for; 0: none is needed

	families []string // as named on the line, in order, each once
	extend   int
	verbose  bool
	help     bool
}

// errShowVersion ends the parse where -V stands: what follows is not looked at. errShowHelp comes after the parse, so that a
// bad option behind -h is still named. Both as the old tool does.
var (
	errShowHelp    = errors.New("help")
	errShowVersion = errors.New("version")
)

// routeTable returns the options of route(8) of net-tools 2.10, in its order, and gnet's own.
func routeTable() *optionTable[routeOptions] {
	pick := func(o *routeOptions) *outputOptions { return &o.outputOptions }
	var table []option[routeOptions]
	for _, long := range []string{"ax25", "ip", "ipx", "appletalk", "netrom", "inet", "inet6", "rose", "unix", "ddp", "tcpip", "x25", "bluetooth"} {
		table = append(table, option[routeOptions]{long: long, class: "family",
			set: func(o *routeOptions, name, _ string) error { return o.addFamilies(name) }})
	}
	table = append(table, []option[routeOptions]{
		{short: 'e', long: "extend", help: "MSS, window and irtt in place of metric; twice: both; IPv4 only",
			set: func(o *routeOptions, _, _ string) error { o.extend++; return nil }},
		{short: 'v', long: "verbose", help: "with replace, say what was replaced; else no effect",
			set: func(o *routeOptions, _, _ string) error { o.verbose = true; return nil }},
		{short: 'V', long: "version", help: "print the version",
			set: func(*routeOptions, string, string) error { return errShowVersion }},
		{short: 'n', long: "numeric", help: "addresses, no names",
			set: func(o *routeOptions, _, _ string) error { o.Listing.Numeric = true; return nil }},
		{short: 'N', long: "symbolic", help: "addresses, no names, whatever it is called",
			set: func(o *routeOptions, _, _ string) error { o.Listing.Numeric = true; return nil }},
		{short: 'A', long: "protocol", arg: requiredArgument, argName: "FAMILY", help: "address families, comma separated: inet, inet6",
			words: []string{"inet", "inet6"},
			set:   func(o *routeOptions, _, arg string) error { return o.addFamilies(arg) }},
		{short: 'C', long: "cache", help: "list the routing cache (empty in every kernel since 3.6)",
			set: func(o *routeOptions, _, _ string) error { o.Listing.Cache = true; return nil }},
		{short: 'F', long: "fib", help: "list the forwarding information base (the default)",
			set: func(o *routeOptions, _, _ string) error { o.Listing.FIB = true; return nil }},
		{short: 'h', long: "help", help: "print this help",
			set: func(o *routeOptions, _, _ string) error { o.help = true; return nil }},
		{short: '?', help: "", set: func(o *routeOptions, _, _ string) error { o.help = true; return nil }},
		{short: '4', help: "IPv4 (the default)", set: func(o *routeOptions, _, _ string) error { return o.addFamilies("inet") }},
		{short: '6', help: "IPv6", set: func(o *routeOptions, _, _ string) error { return o.addFamilies("inet6") }},
	}...)
	table = append(table, outputRows(pick)...)
	table = append(table, procRootRow(pick),
		procRow(pick, "list from the files of /proc/net, even where rtnetlink is faster"),
		option[routeOptions]{long: "details", own: true, help: "list all that the kernel knows of each route",
			set: func(o *routeOptions, _, _ string) error { o.Details = true; return nil }},
		option[routeOptions]{long: "confirm", arg: requiredArgument, argName: "TIME", own: true,
			help: "undo the change unless it is confirmed within TIME, such as 60s or 5m",
			set:  func(o *routeOptions, _, arg string) (err error) { o.Confirm, err = parseConfirm(arg); return err }})
	table = append(table, filterRows(func(o *routeOptions) *routeFilter { return &o.Filter })...)
	return &optionTable[routeOptions]{options: table, verbs: []string{"add", "replace", "del"}}
}

// addFamilies adds the families of one word, such as inet,inet6, each once.
func (o *routeOptions) addFamilies(words string) error {
	for name := range strings.SplitSeq(words, ",") {
		switch name {
		case "ip", "tcpip":
			name = "inet"
		case "ip6":
			name = "inet6"
		case "inet", "inet6":
		case "ax25", "ipx", "rose", "appletalk", "ddp", "netrom", "x25", "unix", "econet", "ash", "bluetooth":
		default:
			return failBare(statusNo, "Unknown address family `%s'.", name)
		}
		if !slices.Contains(o.families, name) {
			o.families = append(o.families, name)
		}
	}
	return nil
}

// newRouteCommand returns `gnet route` and its own verbs. run and names are parameters for tests.
func newRouteCommand(e *env, run func(context.Context, *env, routeOptions) error) *cobra.Command {
	cmd := newClassicCommand("route [OPTION]... [add|del TARGET ...]", "Show and change the routing tables", routeTable,
		func(cmd *cobra.Command, args []string) error {
			o, err := parseRouteAs(cmd.Context(), e.Arg0, args, e.posix(), systemNames{})
			switch {
			case errors.Is(err, errShowHelp):
				e.Stdout.WriteString(routeSynopsis + "\n" + routeTable().help())
				return nil
			case errors.Is(err, errShowVersion):
				e.Stdout.WriteString("gnet " + version + ", route as of net-tools 2.10\n")
				return nil
			case err != nil:
				return err
			}
			return run(cmd.Context(), e, o)
		})
	cmd.AddCommand(routeVerbs(e)...)
	return cmd
}

// routeVerbs returns gnet's own verbs of `gnet route` that the line can come to: without the name of one, none.
func routeVerbs(e *env) []*cobra.Command {
	all := []branch{
		{"get", func() *cobra.Command { return newRouteGetCommand(e, runRouteGet) }},
		{"save", func() *cobra.Command { return newRouteSaveCommand(e) }},
		{"restore", func() *cobra.Command { return newRouteRestoreCommand(e) }},
		{"diff", func() *cobra.Command { return newRouteDiffCommand(e) }},
		{"flush", func() *cobra.Command { return newRouteFlushCommand(e) }},
		{"watch", func() *cobra.Command { return newRouteWatchCommand(e) }},
		{"confirm", func() *cobra.Command { return newRouteConfirmCommand(e) }},
		{"pending", func() *cobra.Command { return newRoutePendingCommand(e) }},
		{"dismiss", func() *cobra.Command { return newRouteDismissCommand(e) }},
	}
	words := e.wordsBehind("route")
	named := func(b branch) bool { return slices.Contains(words, b.name) }
	if len(e.Words) > 0 && e.Words[0] == "route" && !slices.ContainsFunc(all, named) {
		return nil
	}
	return commandsFor(words, all)
}

// parseRoute turns a command line into options.
func parseRoute(ctx context.Context, args []string, posix bool, names routeNames) (routeOptions, error) {
	return parseRouteAs(ctx, "route", args, posix, names)
}

// parseRouteAs is parseRoute for the name by which the command was called: of inet6_route it is the family that is meant when the line
// names none.
func parseRouteAs(ctx context.Context, name string, args []string, posix bool, names routeNames) (routeOptions, error) {
	var o routeOptions
	words, err := routeTable().parse(protectKindWords(args), posix, &o)
	if unknown := (*getoptError)(nil); errors.As(err, &unknown) {
		return routeOptions{}, routeUsage(unknown.msg)
	}
	if err != nil {
		return routeOptions{}, err
	}
	if o.help {
		return routeOptions{}, errShowHelp
	}
	if family, called := strings.CutSuffix(name, "_route"); called && len(o.families) == 0 {
		if err := o.addFamilies(family); err != nil {
			return routeOptions{}, failBare(statusUsage, "%w\nAddress family `%s' not supported.", err, family)
		}
	}
	if len(words) == 0 {
		err = o.listing()
	} else {
		err = o.change(ctx, words, names)
	}
	if err != nil {
		return routeOptions{}, err
	}
	return o, nil
}

// listing decides families and form.
func (o *routeOptions) listing() error {
	for _, name := range o.families {
		f, err := routeFamilyOf(name)
		if err != nil {
			return err
		}
		o.Listing.Families = append(o.Listing.Families, f)
	}
	o.Listing.Form = [...]routeForm{routeFormMetric, routeFormMSS, routeFormLong}[min(o.extend, 2)]
	o.Listing.File = o.Files
	return o.ownListing()
}

// ownListing refuses what cannot go with the listing of gnet's own.
func (o *routeOptions) ownListing() error {
	if o.Confirm != 0 {
		return routeUsage("--confirm goes with add, replace, del, flush and restore")
	}
	if !o.Details && !o.Filter.Given() {
		return nil
	}
	why := "--details"
	if o.Filter.Given() {
		why = "--" + o.Filter.given[0]
	}
	switch {
	case o.ProcRoot != "":
		return routeUsage(why + " asks the running kernel: no --proc-root")
	case o.Files:
		return routeUsage(why + " is not in the files of /proc/net: no --proc")
	case o.Listing.Cache:
		return routeUsage(why + " lists the tables: no -C")
	case o.extend > 0:
		return routeUsage(why + " shows all there is: no -e")
	}
	if _, err := o.Filter.filter(); err != nil {
		return err
	}
	only := uint8(0)
	for i, family := range o.Listing.Families {
		switch n := family.number(); {
		case i == 0:
			only = n
		case n != only:
			only = 0
		}
	}
	_, err := o.Filter.family(only)
	return err
}

// routeFamilyOf refuses the families that have no routing table here.
func routeFamilyOf(name string) (routeFamily, error) {
	switch name {
	case "inet":
		return routeInet, nil
	case "inet6":
		return routeInet6, nil
	}
	return 0, failBare(statusUsage, "No routing for address family `%s'.", name)
}

// change reads the verb and the words after it.
func (o *routeOptions) change(ctx context.Context, words []string, names routeNames) error {
	verb, words := words[0], words[1:]
	if len(o.families) > 1 {
		return failBare(statusUsage, "Please don't supply more than one address family.\nAddress family `%s' not supported.",
			strings.Join(o.families, ","))
	}
	family, name := routeInet, "inet"
	if len(o.families) == 1 {
		name = o.families[0]
		var err error
		if family, err = routeFamilyOf(name); err != nil {
			return err
		}
	}
	switch {
	case verb == "get":
		return routeUsage("get must be the first word, and takes options of its own")
	case verb == "flush":
		return bareUsage("Flushing `%s' routing table not supported", name)
	case slices.Contains([]string{"save", "restore", "diff", "watch", "confirm", "pending", "dismiss"}, verb):
		return routeUsage(verb + " must be the first word, and takes options of its own")
	case verb != "add" && verb != "replace" && verb != "del" && verb != "delete":
		return unexpected(verb, "expected add, replace, del, delete, get, save, restore, flush, diff, watch, confirm, pending or dismiss")
	case o.Listing.Cache && family == routeInet:
		return bareUsage("Modifying `%s' routing cache not supported", name)
	case o.Format != render.Classic:
		return routeUsage("add, replace and del print no rows: no --format")
	case o.ProcRoot != "":
		return routeUsage("add, replace and del change the running kernel: no --proc-root")
	case o.Details, o.Filter.Given(), o.Files:
		return routeUsage("add, replace and del list nothing: no --details, no --proc and none of the options that select routes")
	}
	parse := parseRouteWords4
	if family == routeInet6 {
		parse = parseRouteWords6
	}
	c, err := parse(ctx, verb, words, names)
	c.Delete, c.Replace = verb == "del" || verb == "delete", verb == "replace"
	o.Change = &c
	return err
}

// bareUsage is routeUsage for a sentence without the program's name.
func bareUsage(format string, args ...any) error {
	f := failBare(statusUsage, format, args...)
	f.usage = routeSynopsis
	return f
}

// runRoute lists or changes.
func runRoute(ctx context.Context, e *env, o routeOptions) error {
	if o.Change != nil {
		return changeRoute(ctx, e, &o)
	}
	dir := e.ProcRoot
	if o.ProcRoot != "" {
		dir = o.ProcRoot
	}
	root := procfile.At(dir)
	switch {
	case o.Format == render.Classic && (o.Details || o.Filter.Given()):
		return printDetails(e, &o)
	case o.Format == render.Classic:
		return printRoutes(ctx, e, root, o.Listing)
	}
	return writeRoutes(e, root, o)
}

// changeRoute sends one change to the kernel: over rtnetlink, and by the old system call where netlink is refused.
func changeRoute(ctx context.Context, e *env, o *routeOptions) error {
	c := o.Change
	if c.BareZero {
		e.hint("0.0.0.0 is the host 0.0.0.0; the default route is called default or 0.0.0.0/0")
	}
	ch := routes.Change{
		Dst: c.Dst, Gateway: c.Gateway, Device: c.Device, HasDevice: c.HasDevice, Metric: c.Metric, HasMetric: c.HasMetric,
		MSS: c.MSS, Window: c.Window, IRTT: c.IRTT, Reject: c.Reject,
		Type: c.Type, Table: c.Table, Tos: c.Tos,
	}
	add, del := routes.AddOld, routes.DeleteOld
	replace := func(routes.Change) ([]rtnl.Route, error) {
		return nil, &routes.OldError{What: "a replacement: delete the route and add the other"}
	}
	tellPending(ctx, e)
	conn, err := routes.Dial()
	switch {
	case err == nil:
		defer conn.Close()
		add, del, replace = conn.Add, conn.Delete, conn.Replace
	case !routes.IsRefusedNetlink(err):
		return fail(statusSocket, "%w", err)
	case o.Confirm != 0:
		return changeFailure("", &routes.OldError{What: "--confirm: it does not tell what must be put back"})
	}
	end := func(err error) error { return err }
	if o.Confirm != 0 {
		end = tryOne(ctx, e, conn, o.Confirm)
	}
	switch {
	case c.Delete:
		return end(changeFailure("SIOCDELRT", del(ch)))
	case c.Replace:
		was, err := replace(ch)
		if err == nil && o.verbose {
			tellReplaced(e, was)
		}
		return end(changeFailure("SIOCADDRT", err))
	}
	return end(changeFailure("SIOCADDRT", add(ch)))
}

// tellReplaced says what a replacement did: the kernel replaces one route, and others of the place stay.
func tellReplaced(e *env, was []rtnl.Route) {
	if len(was) == 0 {
		e.tell("%s: added: there was none of the same destination and metric", e.Name)
		return
	}
	e.tell("%s: replaced %s", e.Name, routeText(&was[0]))
	for i := range was[1:] {
		e.tell("%s: left %s", e.Name, routeText(&was[i+1]))
	}
}

// changeFailure gives a refused change the old tool's sentence and status, and adds what the kernel and we know.
func changeFailure(ioctl string, err error) error {
	if own := (*failure)(nil); errors.As(err, &own) {
		return own
	}
	if old := (*routes.OldError)(nil); errors.As(err, &old) {
		return fail(statusSocket, "%w", old)
	}
	var op *routes.OpError
	if !errors.As(err, &op) {
		return err
	}
	if op.Op == routes.OpInterface {
		ioctl = "SIOGIFINDEX" // as the old tool spells it
	}
	f := &failure{status: statusSocket, bare: true, err: fmt.Errorf("%s: %s", ioctl, errnoText(err))}
	switch {
	case errors.Is(err, syscall.EPERM):
		return f.withHint("changing routes needs cap_net_admin in the network namespace")
	case op.Kernel != "":
		return f.withHint("the kernel says: %s", op.Kernel)
	}
	return f
}

// systemNames looks names up in /etc/networks, /etc/hosts and DNS.
type systemNames struct{}

// Network implements routeNames.
func (systemNames) Network(name string) (netip.Addr, bool) {
	for _, n := range readNetworks(networksFile) {
		if slices.Contains(n.names, name) {
			return n.addr, true
		}
	}
	return netip.Addr{}, false
}

// Host implements routeNames.
func (systemNames) Host(ctx context.Context, name string, v6 bool) (netip.Addr, error) {
	network := "ip4"
	if v6 {
		network = "ip6"
	}
	resolver := net.Resolver{PreferGo: true}
	addrs, err := resolver.LookupNetIP(ctx, network, name)
	if answer := (*net.DNSError)(nil); errors.As(err, &answer) && answer.IsNotFound {
		return netip.Addr{}, errNoSuchHost
	}
	if err != nil {
		return netip.Addr{}, err
	}
	if len(addrs) == 0 {
		return netip.Addr{}, errNoSuchHost
	}
	if v6 {
		return addrs[0], nil
	}
	return addrs[0].Unmap(), nil
}
