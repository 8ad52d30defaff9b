package main

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"

	"gnet/internal/render"
	"gnet/procnet"
)

// netstatOptions is what a netstat command line asks for.
type netstatOptions struct {
	outputOptions

	// What to show. Of the first four at most one is set.
	Route, Interfaces, Statistics, Masquerade, Groups bool
	Families                                          netstatFamilies

	All, Listening                            bool
	NumericHosts, NumericPorts, NumericUsers  bool
	Extend                                    int
	Programs, Timers, Wide, Verbose, Symbolic bool
	Continuous, Context                       bool
	FIB, Cache                                bool
	Info, Kill, Yes                           bool

	Watch time.Duration // between two readings of --watch; 0 without

	// CountBy is the keys of --count-by, in the first spelling of each; nil prints sockets.
	CountBy []string
	// AllOwners is --owners all.
	AllOwners bool
	// Netns is --netns: "" for the own network namespace, "all", or a name or pid.
	Netns string

	// Operands is whether words were given that are no options; netstat has none.
	Operands bool

	// Filters are the expressions of --filter, filter what they say together.
	Filters []string
	filter  *rowFilter // nil without

	titled bool // -ic has printed its title, which comes once
}

// netstatFamilies says which sockets were asked for by name. None at all means every one.
type netstatFamilies struct {
	TCP, SCTP, UDP, UDPLite, Raw            bool
	Inet, Inet6                             bool
	Unix                                    bool
	IPX, AX25, X25, Netrom, Rose, Bluetooth bool

	// Order is the address families in the order of the line, repeated ones
	// too: -r prints one table for each.
	Order []string
}

func newNetstatCommand(e *env, run func(context.Context, *env, netstatOptions) error) *cobra.Command {
	return newClassicCommand("netstat [OPTION]...", "Sockets and their owners, routing tables", netstatTable,
		func(cmd *cobra.Command, args []string) error {
			o := netstatOptions{outputOptions: outputOptions{ProcRoot: e.ProcRoot}}
			operands, err := netstatTable().parse(args, e.posix(), &o)
			if o.Context {
				if err := o.contextError(); err != nil {
					return err
				}
			}
			if err != nil {
				return e.netstatParseError(err)
			}
			o.Operands = len(operands) > 0
			if err := o.check(); err != nil {
				return err
			}
			return run(cmd.Context(), e, o)
		})
}

// check refuses what cannot be shown together or not at all.
func (o *netstatOptions) check() error {
	tables := 0
	for _, set := range []bool{o.Route, o.Interfaces, o.Statistics, o.Masquerade} {
		if set {
			tables++
		}
	}
	if tables > 1 {
		return netstatUsage("-i, -r, -M and -s exclude each other")
	}
	if err := cmp.Or(o.checkCountBy(), o.checkNetns()); err != nil {
		return err
	}
	if o.Watch == 0 && o.Continuous && o.Format != render.Classic && o.Format != render.JSONL {
		return fail(statusUsage, "-c never ends: of the machine formats it has only jsonl")
	}
	if err := cmp.Or(o.checkWatch(), o.checkKill()); err != nil {
		return err
	}
	return o.checkInfo()
}

// runNetstat shows what o asks for, once or every second.
func runNetstat(ctx context.Context, e *env, o netstatOptions) error {
	if o.Operands {
		e.hint("operands are ignored%s", o.operandsMeant())
	}
	if err := o.refused(); err != nil {
		return err
	}
	if err := o.readFilter(ctx, e); err != nil {
		return err
	}
	show := showSockets
	switch {
	case o.Watch != 0:
		return watchSockets(ctx, e, &o)
	case o.Kill:
		show = killSockets
	case o.Route:
		show = showNetstatRoutes
	case o.Interfaces:
		show = showInterfaces
	case o.Statistics:
		show = showCounters
	case o.Groups && o.Format != render.Classic:
		show = showGroups
	}
	for {
		err := show(ctx, e, &o)
		if err != nil || !o.Continuous || o.Statistics { // the original shows counters once, and scripts end with it
			return err
		}
		if err := e.Stdout.Flush(); err != nil {
			return nil // reported by the writer itself
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// refused says what kernels no longer have.
func (o *netstatOptions) refused() error {
	if o.Masquerade {
		return fail(statusNo, "no support for `ip_masquerade' on this system.")
	}
	return nil
}

// sockets returns the reader that o names.
func (o *netstatOptions) sockets() procnet.FS { return procnet.NewFS(o.ProcRoot) }
