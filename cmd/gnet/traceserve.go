package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

const traceServeLong = `Make a network namespace whose only way out is a link of our own, with the
engine, an embedded TCP stack, at its far end, and show every segment of the
connections that programs open there. How to start them is said on standard
error, such as
  nsenter --target 4711 --net -- curl http://192.0.2.2/bytes/100000

The engine serves the ports 7 echo, 9 sink, 19 source and 80 http, as for
gnet trace run, unless --serve says otherwise.

SIGINT and SIGTERM end the run, also --connections; what still runs in the
namespace keeps it, without the link.

Status 1: the run failed. 2: it could not be set up.`

// newTraceServeCommand returns `gnet trace serve`, one of gnet's own verbs.
func newTraceServeCommand(e *env, run func(context.Context, *env, guestOptions) error) *cobra.Command {
	var w guestWords
	limit := 0
	cmd := &cobra.Command{
		Use:               "serve",
		Short:             "Wait for programs behind the link, and trace their connections",
		Long:              traceServeLong,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fail(statusUsage, "unexpected word %q", args[0]).withHint("gnet trace run starts a program")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			w.conns = 1
			o, err := w.options(nil)
			if err != nil {
				return err
			}
			if limit < 0 || limit == 0 && cmd.Flags().Changed("connections") {
				return fail(statusUsage, "--connections %d: want a positive number", limit)
			}
			o.Guest.Limit = limit
			return run(cmd.Context(), e, o)
		},
	}
	w.bind(cmd)
	decimal(cmd.Flags(), &limit, "connections", 0, "end when so many `connections` are over (SIGINT ends)")
	w.bindDeadline(cmd, "end after that time (never)")
	return cmd
}

// runTraceServe waits for programs and shows the trace.
func runTraceServe(ctx context.Context, e *env, o guestOptions) error {
	if o.Step && o.steps == nil { // the terminal says how programs are started until they have ended
		return showStepsAfter(ctx, e, &o.viewOptions, e.Stdout, true, func() error { return runTraceServe(ctx, e, o) })
	}
	ctx, cancel := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	defer cancel()
	context.AfterFunc(ctx, cancel) // the second signal finds the default action again
	t, done := e, func() error { return nil }
	if o.Output != "" {
		var err error
		if t, done, err = e.traceOutput(o.Output, nil); err != nil {
			return err
		}
	}
	o.Guest.Ready = func(process int) { printLine(e.Stderr, e.Name+": "+invitation(&o, process)) }
	end, err := t.showRun(ctx, &o.traceOptions, nil)
	if werr := done(); err == nil {
		err = werr
	}
	switch {
	case errors.Is(err, context.Canceled) && end != nil && end.OK:
		return nil // that is how it ends
	case err != nil:
		return guestFailure(err)
	case end != nil && !end.OK:
		return fail(statusNo, "the run failed: %s", end.Reason)
	}
	return nil
}

// invitation says what is served and how a program gets there.
func invitation(o *guestOptions, process int) string {
	var served []string
	for _, s := range o.Guest.Services {
		served = append(served, fmt.Sprintf("%s %d", app.RoleName(s.Role), s.Port))
	}
	user := ""
	if !netns.CanAdminister() {
		user = " --user --preserve-credentials"
	}
	return fmt.Sprintf("%s serves %s; start programs with: nsenter --target %d%s --net -- CMD", stackprobe.Addr(event.Server, o.IPv6), strings.Join(served, ", "), process, user)
}
