package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/internal/safe"
	"gnet/routes"
)

// routeGetOptions is what a `route get` command line asks for.
type routeGetOptions struct {
	Query  routes.Query
	Brief  bool // the kernel's answer alone
	Format render.Format
}

// routeGetFlags are the flags as typed.
type routeGetFlags struct {
	from, iif, oif, mark, uid, tos, ipproto, sport, dport string
	brief, json                                           bool
	format                                                string
}

// newRouteGetCommand returns `gnet route get ADDRESS`, one of gnet's own verbs.
func newRouteGetCommand(e *env, run func(context.Context, *env, routeGetOptions) error) *cobra.Command {
	var flags routeGetFlags
	cmd := &cobra.Command{
		Use:               "get ADDRESS",
		Short:             "Explain which route a destination takes",
		ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Explain which route a destination takes: the rules in the kernel's order, in each
table the entries with the destination masked, the winner and why, and the
kernel's own answer beside it. Status 1: there is no way.`,
		Args: func(cmd *cobra.Command, args []string) error {
			e.setName(cmd) // cobra checks words before the hook that sets it
			if len(args) != 1 {
				return fail(statusUsage, "one address, got %d words", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := flags.options(args[0])
			if err != nil {
				return err
			}
			return run(cmd.Context(), e, o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&flags.from, "from", "", "the packet's source `address`; without it, it has none yet")
	f.StringVar(&flags.iif, "iif", "", "the `device` that it has come in by, to be forwarded")
	f.StringVar(&flags.oif, "oif", "", "the `device` that it is bound to leave by")
	f.StringVar(&flags.mark, "mark", "", "its firewall mark, a `number`")
	f.StringVar(&flags.uid, "uid", "", "the `user` whose it is, by number; without it, yours")
	f.StringVar(&flags.tos, "tos", "", "its type of service, a `number`")
	f.StringVar(&flags.ipproto, "ipproto", "", "its `protocol`: udp, tcp, icmp, or a number; without it, udp")
	f.StringVar(&flags.sport, "sport", "", "its source `port`")
	f.StringVar(&flags.dport, "dport", "", "its destination `port`")
	f.BoolVar(&flags.brief, "brief", false, "the kernel's answer alone")
	f.StringVar(&flags.format, "format", "classic", "classic, table, json, jsonl or csv")
	f.BoolVar(&flags.json, "json", false, "the same as --format json")
	completeFlag(cmd, "format", render.FormatWords()...)
	completeFlag(cmd, "ipproto", "udp", "tcp", "icmp", "ipv6-icmp")
	return cmd
}

// options checks the flags and the address. A zone of the address is the device that the packet is bound to.
func (f *routeGetFlags) options(address string) (routeGetOptions, error) {
	o := routeGetOptions{Brief: f.brief, Format: render.Classic}
	var err error
	if o.Format, err = render.ParseFormat(f.format); err != nil {
		return o, fail(statusUsage, "%w", err)
	}
	if f.json {
		o.Format = render.JSON
	}
	q := &o.Query
	if q.Dst, err = netip.ParseAddr(address); err != nil {
		return o, fail(statusUsage, "%q is not an address", address)
	}
	q.Iif, q.Oif = f.iif, f.oif
	if zone := q.Dst.Zone(); zone != "" {
		if f.oif != "" && f.oif != zone {
			return o, fail(statusUsage, "%s and --oif %s are different devices", address, f.oif)
		}
		q.Oif = zone
	}
	if f.from != "" {
		if q.Src, err = netip.ParseAddr(f.from); err != nil || q.Src.Zone() != "" {
			return o, fail(statusUsage, "--from: %q is not an address without a zone", f.from)
		}
		if q.Src.Unmap().Is4() != q.Dst.Unmap().Is4() {
			return o, fail(statusUsage, "--from %s and %s are of different families", f.from, address)
		}
	}
	return o, f.numbers(q)
}

// numbers reads the flags that are numbers: decimal, or hexadecimal with 0x.
func (f *routeGetFlags) numbers(q *routes.Query) error {
	number := func(flag, text string, bits int, set func(uint64)) error {
		if text == "" {
			return nil
		}
		digits, base := text, 10
		if hex, found := strings.CutPrefix(text, "0x"); found {
			digits, base = hex, 16
		}
		n, err := strconv.ParseUint(digits, base, bits)
		if err != nil {
			return fail(statusUsage, "--%s: %q is not a number from 0 to %d", flag, text, uint64(1)<<bits-1)
		}
		set(n)
		return nil
	}
	protocol := f.ipproto
	switch {
	case protocol == "tcp":
		protocol = strconv.Itoa(unix.IPPROTO_TCP)
	case protocol == "udp":
		protocol = strconv.Itoa(unix.IPPROTO_UDP)
	case protocol == "icmp" && q.Dst.Unmap().Is4():
		protocol = strconv.Itoa(unix.IPPROTO_ICMP)
	case protocol == "icmp", protocol == "ipv6-icmp", protocol == "icmp6":
		protocol = strconv.Itoa(unix.IPPROTO_ICMPV6)
	}
	return cmp.Or(
		number("mark", f.mark, 32, func(n uint64) { q.Mark = uint32(n) }),
		number("uid", f.uid, 32, func(n uint64) { q.UID, q.HasUID = uint32(n), true }),
		number("tos", f.tos, 8, func(n uint64) { q.Tos = uint8(n) }),
		number("ipproto", protocol, 8, func(n uint64) { q.IPProto = uint8(n) }),
		number("sport", f.sport, 16, func(n uint64) { q.SPort = uint16(n) }),
		number("dport", f.dport, 16, func(n uint64) { q.DPort = uint16(n) }))
}

// runRouteGet looks one destination up and prints the explanation, or the kernel's answer alone.
func runRouteGet(_ context.Context, e *env, o routeGetOptions) error {
	conn, err := routes.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	l := &routes.Lookup{Dst: o.Query.Dst.Unmap().WithZone("")}
	if o.Brief {
		answer, err := conn.Ask(o.Query)
		if err != nil {
			return err
		}
		l.Kernel = *answer
	} else if l, err = conn.Lookup(o.Query); err != nil {
		return err
	}
	switch {
	case o.Format != render.Classic:
		err = writeLookup(e, l, o)
	case o.Brief:
		fmt.Fprintf(e.Stdout, "%v: %s\n", l.Dst, answerText(&l.Kernel))
	default:
		printLookup(e, l)
	}
	if err == nil && l.Kernel.Err != nil {
		err = exitSilently(statusNo)
	}
	return err
}

// printLookup prints the explanation as text.
func printLookup(e *env, l *routes.Lookup) {
	for i := range l.Rules {
		printRuleStep(e, l, &l.Rules[i])
	}
	switch {
	case l.Refused == nil:
		fmt.Fprintf(e.Stdout, "chosen: %s: %s\n", entryText(&l.Winner.Route), l.Winner.Why)
	case l.Winner != nil:
		fmt.Fprintf(e.Stdout, "chosen: %s: no way: %s\n", entryText(&l.Winner.Route), errnoText(l.Refused))
	default:
		fmt.Fprintf(e.Stdout, "chosen: nothing: %s\n", errnoText(l.Refused))
	}
	verdict := "the same"
	if !l.Agree {
		verdict = "DIFFERENT"
	}
	fmt.Fprintf(e.Stdout, "kernel: %s: %s\n", answerText(&l.Kernel), verdict)
	for _, r := range l.Reasons {
		fmt.Fprintf(e.Stdout, "reason: %v: %s\n", r.Kind, safe.String(r.Text))
	}
}

func printRuleStep(e *env, l *routes.Lookup, step *routes.RuleStep) {
	fmt.Fprintf(e.Stdout, "rule %d: %s", step.Rule.Priority, safe.String(ruleText(&step.Rule)))
	switch {
	case !step.Applies:
		fmt.Fprintf(e.Stdout, ": does not apply: %s\n", safe.String(step.Why))
	case step.Why != "":
		fmt.Fprintf(e.Stdout, ": %s\n", step.Why)
	default:
		fmt.Fprintf(e.Stdout, ": %s\n", step.Table.Verdict)
	}
	if step.Table == nil || len(step.Table.Candidates) == 0 {
		return
	}
	rows := [][]string{{"ENTRY", "MASK", l.Dst.String() + " AND MASK", "EQUAL", "METRIC", "WAY", "RESULT"}}
	for i := range step.Table.Candidates {
		rows = append(rows, candidateCells(&step.Table.Candidates[i]))
	}
	printAligned(e, rows)
	if step.Table.Hidden > 0 {
		fmt.Fprintf(e.Stdout, "  and %d entries that are not equal\n", step.Table.Hidden)
	}
}

func candidateCells(c *routes.Candidate) []string {
	equal, result := "no", c.Why
	if c.Equal {
		equal = "yes"
	} else {
		result = ""
	}
	if c.Won {
		result = "WINS: " + c.Why
	}
	bits := c.Route.Dst.Bits()
	mask := "/" + strconv.Itoa(bits)
	if c.Masked.Is4() {
		m := lengthMask(bits)
		mask = netip.AddrFrom4([4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}).String()
	}
	return []string{c.Route.Dst.String(), mask, c.Masked.String(), equal, strconv.FormatUint(uint64(c.Route.Priority), 10),
		wayText(&c.Route), result}
}

// printAligned prints cells in columns, indented, without blanks at the ends of lines.
func printAligned(e *env, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	var line []byte
	for _, row := range rows {
		line = append(line[:0], ' ')
		end := 0
		for i, cell := range row {
			line = append(line, ' ')
			if cell != "" {
				end = len(line) + len(cell)
			}
			line = render.Left(line, cell, widths[i])
		}
		e.Stdout.Write(append(line[:end], '\n'))
	}
}

// entryText names an entry: prefix, way, metric and table.
func entryText(r *rtnl.Route) string {
	text := r.Dst.String() + " " + wayText(r)
	if r.Priority != 0 {
		text += " metric " + strconv.FormatUint(uint64(r.Priority), 10)
	}
	return text + " table " + routes.TableName(r.Table)
}

// wayText says how an entry passes packets on: its type when it is not unicast, gateway, interface, or all next hops.
func wayText(r *rtnl.Route) string {
	text := ""
	if r.Type != unix.RTN_UNICAST {
		text = " " + routes.TypeName(r.Type)
	}
	text += hopText(r.Gateway, r.OifName, r.Oif)
	for i := range r.Multipath {
		h := &r.Multipath[i]
		text += " nexthop" + hopText(h.Gateway, h.OifName, h.Oif) + " weight " + strconv.Itoa(h.Weight)
	}
	if text == "" {
		return "-"
	}
	return text[1:]
}

func hopText(gateway netip.Addr, name string, index int) string {
	text := ""
	if gateway.IsValid() {
		text = " via " + gateway.String()
	}
	switch {
	case name != "":
		text += " dev " + safe.String(name)
	case index != 0:
		text += " dev if" + strconv.Itoa(index)
	}
	return text
}

// answerText is the kernel's way or its refusal.
func answerText(a *routes.Answer) string {
	if a.Err != nil {
		var op *routes.OpError
		if errors.As(a.Err, &op) {
			return errnoText(op.Err)
		}
		return a.Err.Error()
	}
	text := wayText(a.Route)
	if a.Route.PrefSrc.IsValid() {
		text += " src " + a.Route.PrefSrc.String()
	}
	if a.Entry != nil {
		text += ", by " + entryText(a.Entry)
	}
	return text
}
