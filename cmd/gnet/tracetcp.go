package main

import (
	"context"
	"errors"
	"os/signal"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
	"gnet/stackprobe/link"
)

// traceOptions is what a `trace tcp` command line asks for.
type traceOptions struct {
	stackprobe.Config
	viewOptions
	// Compare is the end that is to be compared in two runs, None for a single run.
	Compare event.Host
}

const traceLong = `Open a TCP connection over a link of our own, send, get everything back, close,
and show every segment where it leaves and where it arrives, with the state of
both ends.

The client is this machine's kernel in namespaces of its own, the server an
embedded TCP stack, the engine, or the other way round (--client); where the
machine does not allow that, both ends are engines, in virtual time. The first
line says which, and why. Nothing of the host is touched, and nothing is left.

What an end does and how its socket is made, in words (--at-client, --at-server):
  role exchange|echo|sink|source   bytes N
  write N  pause T  start T        read N  every T  read-start T
  close fin|half|reset|abrupt|never [after T | at T]
  mss N  rcvbuf N  sndbuf N  cc NAME  keepalive T[,T[,N]]  user-timeout T
  time-wait T  backlog N  repeat N  and on or off for scaling, sack, timestamps, df,
  nagle, delayed-ack, rack, listen, cookies

A fault is a rule of words:
  [client>|server>] action [match [3|2-4|first 3]] [at 1s|1s..2s]
  action: drop, dup, corrupt, delay 50ms [jitter 10ms], reorder by 3,
          rate 1M queue 10, loss 5%, burst 1%,25%, mtu 1200 [icmp|silent], down
  match:  syn, synack, ack, data, fin, rst, any, seq 1-1000, len>=500
It counts what it matches on the link in its direction, retransmissions
included; with first it counts first transmissions only. See gnet-trace(8).

With the name of a lesson the two ends do what that says, and it is judged
whether they did: --list shows the lessons, --all runs them, --scenario-file
runs one of your own.

With --bulk there are no events: data go both ways over a TUN with offloads, and
what is shown is how fast.

Status 1: the exchange failed, or was not as the lesson expects. 2: it could
not be set up.`

// newTraceTCPCommand returns `gnet trace tcp`, one of gnet's own verbs.
func newTraceTCPCommand(e *env, run func(context.Context, *env, traceOptions) error) *cobra.Command {
	var w traceWords
	var s scenarioWords
	cmd := &cobra.Command{
		Use:   "tcp [LESSON]",
		Short: "Trace one TCP connection at both ends",
		Long:  traceLong,
		Args:  func(_ *cobra.Command, args []string) error { return s.args(args) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			if w.bulkWords.on {
				o, err := w.bulk(cmd)
				if err != nil {
					return err
				}
				return runTraceBulk(cmd.Context(), e, o)
			}
			if cmd.Flags().Changed("time") {
				return fail(statusUsage, "--time: only with --bulk; --deadline ends an exchange after a time")
			}
			o, err := w.options()
			if err != nil {
				return err
			}
			if o.Compare != event.None && (s.list || s.all) {
				return fail(statusUsage, "--compare: want one lesson or none, not --list or --all")
			}
			if o.Compare != event.None || s.list || s.all {
				if flag := o.oneRun(); flag != "" {
					return fail(statusUsage, "--%s: it is about one run: not with --compare, --list or --all", flag)
				}
			}
			return s.runOrList(cmd.Context(), e, cmd, o, run)
		},
	}
	w.bind(cmd)
	s.bind(cmd)
	return cmd
}

// faultFailure points at the word of a rule that cannot be read.
func faultFailure(err error) error {
	f := fail(statusUsage, "%w", err)
	if re, ok := errors.AsType[*link.RuleError](err); ok {
		f = fail(statusUsage, "%w\n%s", err, re.Pointer())
	}
	return f.withHint("a fault is [client>|server>] action [match [3|2-4|first 3]] [at 1s|1s..2s]; see FAULTS in gnet-trace(8)")
}

// errFailed is an exchange that ended badly; the picture and the document say why.
var errFailed = errors.New("the exchange failed")

// runTraceTCP runs the exchange and shows it.
func runTraceTCP(ctx context.Context, e *env, o traceOptions) error {
	if o.Compare != event.None {
		return runTraceCompare(ctx, e, o)
	}
	if o.Step && o.steps == nil {
		return showSteps(ctx, e, &o.viewOptions, false, func(ctx context.Context, e *env) error { return runTraceTCP(ctx, e, o) })
	}
	ctx, cancel := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	defer cancel()
	// The second signal finds the default action again: a run whose output is stuck cannot come to its end.
	context.AfterFunc(ctx, cancel)
	show, err := newTraceView(e, &o.viewOptions)
	if err != nil {
		return err
	}
	var end *event.End
	var verdicts tally
	var runErr error
	for ev, err := range stackprobe.Run(ctx, o.Config) {
		if err != nil {
			runErr = err
			break
		}
		switch ev.Kind {
		case event.KindEnd:
			end = ev.End
		case event.KindExpectation:
			verdicts.add(ev.Expectation)
		}
		if err := show.event(ev); err != nil {
			break // the writer is gone; exitStatus says so
		}
		if ev.Clock == event.Mono {
			show.flush() // somebody may be watching
		}
	}
	if err := show.close(); err != nil && runErr == nil {
		return err
	}
	if runErr != nil {
		return lessonStatus(o.Scenario, runErr)
	}
	return verdicts.failure(o.Scenario, end)
}

// traceStatus turns the error of a run into a status.
func traceStatus(err error) error {
	if errors.Is(err, context.Canceled) {
		return fail(statusNo, "interrupted")
	}
	if refused, ok := errors.AsType[*app.Unsupported](err); ok {
		return refusedOption(err, refused)
	}
	f := fail(statusCannot, "%w", err)
	if refused, ok := errors.AsType[*kernelside.Error](err); ok {
		return f.withHint("%s", refused.Hint())
	}
	return f
}

// refusedOption is an option of an end that its stack cannot do: the command line is wrong, for that stack.
func refusedOption(err error, refused *app.Unsupported) error {
	at := ""
	if e, ok := errors.AsType[*stackprobe.EndError](err); ok {
		at = "--at-" + e.Host.String() + " "
	}
	return fail(statusUsage, "%s%w", at, refused)
}
