package main

import (
	"context"

	"github.com/spf13/cobra"

	"gnet/internal/words"
	"gnet/stackprobe"
)

const traceListenLong = `Let others reach the engine, an embedded TCP stack, at a port of this host, and
show every segment of their connections, with the engine's state and variables.
Of the clients only their segments are seen: their states are inferred.

--attach nat puts the engine behind a TUN interface of this host, which sends on
to it what comes to the port at any of its addresses. From this host itself the
engine is reached at its own address, which the picture shows. --attach bridge:BR
makes it a host of that bridge's network (--address). What is changed
of this host for that is said before, and changed back after, however the run
ends.

The engine sends back what it gets, or sends --bytes octets and closes, or does
what --at-engine says. SIGINT and SIGTERM end the run, also --connections.

Status 1: the run failed. 2: the host could not be changed, or changed back.
3: the command line is wrong.`

// newTraceListenCommand returns `gnet trace listen`, one of gnet's own verbs.
func newTraceListenCommand(e *env, run func(context.Context, *env, attachOptions) error) *cobra.Command {
	var w attachWords
	limit := 0
	cmd := &cobra.Command{
		Use:               "listen PORT",
		Short:             "Let others connect to the engine, and trace that",
		Long:              traceListenLong,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fail(statusUsage, "want one port to listen at")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			port, ok := words.Number(args[0], 1, 65535)
			if !ok {
				return fail(statusUsage, "%q: want a port, 1 to 65535", args[0])
			}
			if limit < 0 || limit == 0 && cmd.Flags().Changed("connections") {
				return fail(statusUsage, "--connections %d: want a positive number", limit)
			}
			w.conns = 1
			o, err := w.options(cmd, &stackprobe.Attach{Port: uint16(port), Limit: limit}, "role echo")
			if err != nil {
				return err
			}
			return run(cmd.Context(), e, o)
		},
	}
	w.bind(cmd)
	f := cmd.Flags()
	decimal(f, &limit, "connections", 0, "end when so many `connections` are over (SIGINT ends)")
	f.DurationVar(&w.deadline, "deadline", 0, "end after that time (never)")
	return cmd
}
