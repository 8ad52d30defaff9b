package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/scenario"
)

// scenarioWords are the options of `trace tcp` that name a scenario.
type scenarioWords struct {
	file      string
	list, all bool
	name      string // the argument
}

// bind gives cmd the options, and their completion.
func (s *scenarioWords) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&s.list, "list", false, "list the lessons")
	f.BoolVar(&s.all, "all", false, "run every lesson and say what came of it, in memory or where --link says")
	f.StringVar(&s.file, "scenario-file", "", "run the scenario of that `file`")
	_ = cmd.MarkFlagFilename("scenario-file", strings.TrimPrefix(scenario.Ending, "."))
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return scenario.Names(), cobra.ShellCompDirectiveNoFileComp
	}
}

// args takes the arguments of the command.
func (s *scenarioWords) args(args []string) error {
	if len(args) > 1 {
		return fail(statusUsage, "unexpected word %q", args[1])
	}
	if len(args) == 1 {
		s.name = args[0]
	}
	asked := 0
	for _, on := range [...]bool{s.list, s.all, s.file != "", len(args) == 1} {
		if on {
			asked++
		}
	}
	if asked > 1 {
		return fail(statusUsage, "the name of a lesson, --list, --all and --scenario-file: want one of them")
	}
	return nil
}

// scenario reads the scenario that is asked for, nil for none.
func (s *scenarioWords) scenario() (*scenario.Scenario, error) {
	switch {
	case s.file != "":
		return readScenario(s.file)
	case s.name == "":
		return nil, nil
	}
	sc, err := scenario.Lesson(s.name)
	if err != nil {
		return nil, scenarioFailure(err)
	}
	if sc == nil {
		return nil, unknownLesson(s.name)
	}
	return sc, nil
}

// unknownLesson is a name that no lesson has.
func unknownLesson(name string) error {
	f := fail(statusUsage, "no lesson %q", name)
	if near := scenario.Nearest(name); near != "" {
		f = fail(statusUsage, "no lesson %q; did you mean %q?", name, near)
	}
	if _, err := os.Stat(name); err == nil {
		return f.withHint("--scenario-file %s runs that file, --list shows the lessons", name)
	}
	return f.withHint("--list shows the lessons")
}

// readScenario reads a file of somebody's own.
func readScenario(file string) (*scenario.Scenario, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fail(statusCannot, "%w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, scenario.MaxText+1)) // a device may have no end
	if err != nil {
		return nil, fail(statusCannot, "%w", err)
	}
	s, err := scenario.Parse(file, string(text))
	if err != nil {
		return nil, scenarioFailure(err)
	}
	s.Name = strings.TrimSuffix(filepath.Base(file), scenario.Ending)
	return s, nil
}

// scenarioFailure points at the word of a file that cannot be read.
func scenarioFailure(err error) error {
	f := fail(statusUsage, "%w", err)
	if e, ok := errors.AsType[*scenario.Error](err); ok && e.Text != "" {
		f = fail(statusUsage, "%w\n%s", err, e.Pointer())
	}
	return f.withHint("the language is under SCENARIOS in gnet-trace(8)")
}

// overlay returns the options of scenario s, with what was given on the command line in the place of what its file says:
// flags are the command's, given their values. Expectations are not judged if that changes what they are about.
func overlay(flags *pflag.FlagSet, given traceOptions, s *scenario.Scenario) (traceOptions, error) {
	o := given
	var err error
	if o.Config, err = stackprobe.Prepare(s); err != nil {
		return o, scenarioFailure(err)
	}
	o.Version = version
	var changed []string
	flags.Visit(func(f *pflag.Flag) {
		if f.Changed && o.replace(f.Name, &given.Config) {
			changed = append(changed, "--"+f.Name)
		}
	})
	if len(changed) > 0 {
		slices.Sort(changed)
		o.Void = strings.Join(changed, " and ") + " made it another run"
	}
	if err := o.Check(); err != nil {
		return o, configFailure(err)
	}
	return o, nil
}

// replace takes the value of the flag of that name from given, and reports whether it makes another run than the file's.
func (o *traceOptions) replace(name string, given *stackprobe.Config) bool {
	switch name {
	case "link":
		if o.World = given.World; o.World == stackprobe.Memory {
			o.Client = given.Client
		} else if given.World != stackprobe.Auto && o.Client == stackprobe.AnyKind && !o.Scenario.Allows(scenario.KernelClient) {
			o.Client = stackprobe.Engine
		}
	case "client":
		if o.Client = given.Client; o.World == stackprobe.Memory && o.Client == stackprobe.Kernel {
			o.World = stackprobe.Auto
		}
	case "tracefs":
		o.Tracefs = given.Tracefs
	case "snap", captureFlag:
		o.Snap = given.Snap
	case "deadline":
		o.Deadline = given.Deadline
	default:
		return o.replaceContent(name, given)
	}
	return false
}

// replaceContent is replace for the flags that make another run.
func (o *traceOptions) replaceContent(name string, given *stackprobe.Config) bool {
	switch name {
	case "ipv4", "ipv6":
		if o.IPv6 == given.IPv6 {
			return false
		}
		o.IPv6 = given.IPv6
	case "mtu":
		o.MTU = given.MTU
	case "fault":
		o.Faults = append(o.Faults, given.Faults...)
	case "inject":
		o.Inject = append(o.Inject, given.Inject...)
	case "peer":
		o.Peer = append(o.Peer, given.Peer...)
	case "bytes":
		o.Bytes = given.Bytes
	case "at-client":
		o.Ends[event.Client] = given.Ends[event.Client]
	case "at-server":
		o.Ends[event.Server] = given.Ends[event.Server]
	case "connections":
		o.Conns = given.Conns
	case "seed":
		o.Seed = given.Seed
	case "delay":
		o.Delay, o.DelayServer = given.Delay, given.DelayServer
	case "until":
		o.Until = given.Until
	default:
		return false
	}
	return true
}

// errExpectations is a run that was not as its scenario expects; the picture and the document say which.
var errExpectations = errors.New("not as the scenario expects")

// tally counts what came of the expectations of a run.
type tally struct{ passed, failed, unjudged int }

func (t *tally) add(x *event.Expectation) {
	switch x.Verdict {
	case event.Pass:
		t.passed++
	case event.Fail:
		t.failed++
	default:
		t.unjudged++
	}
}

// failure is the error of a run of s with these verdicts and that end, nil if all is as it should be.
func (t *tally) failure(s *scenario.Scenario, end *event.End) error {
	switch {
	case t.failed > 0:
		return fail(statusNo, "%w: %d of %d expectations failed", errExpectations, t.failed, t.passed+t.failed)
	case s != nil && s.ExpectsFailure() && t.passed > 0:
		return nil // how the exchange ends is among what was judged
	case end != nil && !end.OK:
		return fail(statusNo, "%w: %s", errFailed, end.Reason)
	}
	return nil
}

// lessonStatus is traceStatus for a run of s, nil for a plain one: an option that a stack refuses is the file's.
func lessonStatus(s *scenario.Scenario, err error) error {
	if _, refused := errors.AsType[*app.Unsupported](err); refused && s != nil {
		return fail(statusUsage, "%s: %w", s.Name, err).withHint("it is written for %s", worldWords(s))
	}
	return traceStatus(err)
}

// runOrList runs what the words ask for: lessons, a scenario, or a plain exchange.
func (s *scenarioWords) runOrList(ctx context.Context, e *env, cmd *cobra.Command, o traceOptions, run func(context.Context, *env, traceOptions) error) error {
	switch {
	case s.list:
		return listLessons(e, &o)
	case s.all:
		return runLessons(ctx, e, cmd.Flags(), o)
	}
	sc, err := s.scenario()
	if err == nil && sc != nil {
		o, err = overlay(cmd.Flags(), o, sc)
	}
	if err != nil {
		return err
	}
	return run(ctx, e, o)
}
