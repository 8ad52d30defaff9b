package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/internal/safe"
	"gnet/routes"
)

// routeGetOptions is what a `route get` command line asks for.
type routeGetOptions struct {
	Dst    netip.Addr
	Format render.Format
}

// newRouteGetCommand returns `gnet route get ADDRESS`, one of gnet's own verbs.
func newRouteGetCommand(e *env, run func(context.Context, *env, routeGetOptions) error) *cobra.Command {
	var format string
	var json bool
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
			o := routeGetOptions{Format: render.Classic}
			var err error
			if o.Format, err = render.ParseFormat(format); err != nil {
				return fail(statusUsage, "%w", err)
			}
			if json {
				o.Format = render.JSON
			}
			if o.Dst, err = netip.ParseAddr(args[0]); err != nil {
				return fail(statusUsage, "%q is not an address", args[0])
			}
			if o.Dst.Zone() != "" {
				return fail(statusUsage, "%s: a zone is not looked up", args[0]).
					withHint("gnet route get %s shows which interface is taken without one", o.Dst.WithZone(""))
			}
			return run(cmd.Context(), e, o)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&format, "format", "classic", "classic, table, json, jsonl or csv")
	cmd.Flags().BoolVar(&json, "json", false, "the same as --format json")
	completeFlag(cmd, "format", render.FormatWords()...)
	return cmd
}

// runRouteGet looks one destination up and prints the explanation.
func runRouteGet(_ context.Context, e *env, o routeGetOptions) error {
	conn, err := routes.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	l, err := conn.Lookup(o.Dst)
	if err != nil {
		return err
	}
	if o.Format == render.Classic {
		printLookup(e, l)
	} else if err := writeLookup(e, l, o.Format); err != nil {
		return err
	}
	if l.Kernel.Err != nil {
		return exitSilently(statusNo)
	}
	return nil
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
	fmt.Fprintf(e.Stdout, "rule %d: %s", step.Rule.Priority, ruleText(&step.Rule))
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

// ruleText is a rule's selectors and action, near to the words of `ip rule`.
func ruleText(r *rtnl.Rule) string {
	switch r.Action {
	case unix.FR_ACT_GOTO:
		return "goto " + strconv.FormatUint(uint64(r.Goto), 10)
	case unix.FR_ACT_NOP:
		return "nop"
	case unix.FR_ACT_BLACKHOLE:
		return "blackhole"
	case unix.FR_ACT_UNREACHABLE:
		return "unreachable"
	case unix.FR_ACT_PROHIBIT:
		return "prohibit"
	}
	return "lookup " + routes.TableName(r.Table)
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
