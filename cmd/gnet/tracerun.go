package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
)

const traceRunLong = `Start a program whose only network is a link of our own, with the engine, an
embedded TCP stack, at its far end, and show every segment of its connections.

The program is the client, and the engine serves it, at the address 192.0.2.2
(2001:db8::2) and under the name engine, unless --serve says otherwise:
  port 7   echo    sends back what arrives
  port 9   sink    reads and sends nothing
  port 19  source  sends --bytes octets and closes
  port 80  http    GET and HEAD: /bytes/N is N octets, other names are files
                   of the folder --root
With --server PORT the program is the server there, and the engine its client:
it sends --bytes octets and wants them back, or what --at-engine says, or a GET.

Standard input, output and error are the program's. The trace goes to standard
error when the program has ended, or with -o to a file while it runs.

The status is the program's, or 128 and the number of the signal that ended it;
127: there is no such program, 126: it cannot be executed. 1: the run failed
where the program did not. 2: it could not be set up. 3: the command line is
wrong.`

// newTraceRunCommand returns `gnet trace run`, one of gnet's own verbs.
func newTraceRunCommand(e *env, run func(context.Context, *env, guestOptions) error) *cobra.Command {
	var w guestWords
	cmd := &cobra.Command{
		Use:   "run [flags] -- CMD [ARG...]",
		Short: "Start a program behind the link, and trace its connections",
		Long:  traceRunLong,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 || args[0] == "" {
				return fail(statusUsage, "want a program to start").withHint("gnet trace run -- curl -o /dev/null http://engine/bytes/100000")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if w.server == 0 && (cmd.Flags().Changed("connections") || cmd.Flags().Changed("server")) {
				return fail(statusUsage, "--connections is for --server, where the engine is the client; --server wants a port, 1 to 65535")
			}
			o, err := w.options(args)
			if err != nil {
				return err
			}
			return run(cmd.Context(), e, o)
		},
	}
	w.bind(cmd)
	f := cmd.Flags()
	f.SetInterspersed(false) // what follows the program's name is its own
	decimal(f, &w.server, "server", 0, "the program is the server, at `PORT`, and the engine its client")
	f.StringVar(&w.get, "get", "", "the engine sends the program a GET for that `path`, and reads to its end")
	decimal(f, &w.conns, "connections", 1, "`number` of connections that the engine opens at once to the program")
	w.bindDeadline(cmd, "end the program after that time (never)")
	return cmd
}

// runTraceRun runs the program and shows the trace.
func runTraceRun(ctx context.Context, e *env, o guestOptions) error {
	if o.Step && o.steps == nil { // the terminal is the program's until it has ended
		return showStepsAfter(ctx, e, &o.viewOptions, newOutput(os.Stderr), false, func() error { return runTraceRun(ctx, e, o) })
	}
	t, done, err := e.traceOutput(o.Output, os.Stderr)
	if err != nil {
		return err
	}
	g := o.Guest
	g.Stdin, g.Stdout, g.Stderr = os.Stdin, os.Stdout, os.Stderr
	signals, ended := make(chan os.Signal, 8), make(chan struct{})
	for _, s := range [...]os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	defer signal.Stop(signals)
	g.Signals, g.Ended = signals, func() { close(ended) }
	g.Over = func() { signal.Stop(signals) } // from here on they end a run whose output is stuck
	var hold <-chan struct{}
	if o.Output == "" {
		hold = ended
	}
	end, err := t.showRun(ctx, &o.traceOptions, hold)
	if werr := done(); err == nil {
		err = werr
	}
	return programStatus(g, end, err)
}

// traceOutput returns an env whose standard output is the file of that name, or f if there is none, and the function that finishes
// it.
func (e *env) traceOutput(name string, f *os.File) (*env, func() error, error) {
	t := *e
	if name == "" {
		t.Stdout = newOutput(f)
		return &t, t.Stdout.finish, nil
	}
	file, err := os.Create(name)
	if err != nil {
		return nil, nil, fail(statusCannot, "%w", err)
	}
	t.Stdout = newOutput(file)
	return &t, func() error {
		err := t.Stdout.finish()
		if cerr := file.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return fail(statusNo, "write error: %w", err)
		}
		return nil
	}, nil
}

// showRun runs the laboratory and shows its events; from the second one on not before hold is closed, if it is not nil.
func (e *env) showRun(ctx context.Context, o *traceOptions, hold <-chan struct{}) (end *event.End, err error) {
	show, err := newTraceView(e, &o.viewOptions)
	if err != nil {
		return nil, err
	}
	for ev, rerr := range stackprobe.Run(ctx, o.Config) {
		if rerr != nil {
			err = rerr
			break
		}
		if hold != nil {
			<-hold
		}
		if ev.Kind == event.KindEnd {
			end = ev.End
		}
		if show.event(ev) != nil && hold == nil {
			// The writer is gone, which its finish says. The program has not ended because of that.
			hold = closedChan()
		}
		if hold == nil {
			show.flush()
		}
	}
	if cerr := show.close(); err == nil {
		err = cerr
	}
	return end, err
}

func closedChan() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// programStatus turns the end of a run with a program into a status: the program's, unless the run failed where the program did not.
func programStatus(g *stackprobe.Guest, end *event.End, err error) error {
	if refused, ok := errors.AsType[*kernelside.Error](err); ok && refused.Step == kernelside.StepProgram {
		if errors.Is(err, fs.ErrNotExist) {
			return fail(statusNotFound, "%w", err)
		}
		return fail(statusNotExecutable, "%w", err)
	}
	asked := g.Port != 0 && g.Exit.Signal == unix.SIGTERM // as a server is that has done its part
	switch {
	case err != nil && !g.Exited:
		return guestFailure(err)
	case g.Exited && g.Exit.Code() != 0 && !(asked && end != nil && end.OK):
		return exitSilently(g.Exit.Code())
	case err != nil:
		return guestFailure(err)
	case end != nil && !end.OK:
		return fail(statusNo, "the run failed: %s", end.Reason)
	}
	return nil
}

// guestFailure is traceStatus for programs: without a kernel there is no world for them, so memory is no way out.
func guestFailure(err error) error {
	if refused, ok := errors.AsType[*app.Unsupported](err); ok {
		return fail(statusUsage, "--at-engine %w", refused)
	}
	failed := traceStatus(err)
	if f, ok := errors.AsType[*failure](failed); ok {
		if refused, ok := errors.AsType[*kernelside.Error](err); ok {
			if f.hint = ""; refused.OtherLink() {
				f.hint = "--link veth does without /dev/net/tun"
			}
		}
	}
	return failed
}
