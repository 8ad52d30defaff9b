package main

import (
	"context"
	"fmt"
	"os/signal"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/stackprobe"
	"gnet/stackprobe/event"
	"gnet/stackprobe/scenario"
)

// lessonSink takes the rows of --list and --all.
type lessonSink struct {
	e    *env
	doc  *render.Document
	rows *render.Rows[lessonRow]
}

func newLessonSink(e *env, f render.Format) *lessonSink {
	s := &lessonSink{e: e}
	if f != render.Classic {
		s.doc = e.document(f, lessonSchema)
		s.rows = render.NewRows(s.doc, lessonColumns())
	}
	return s
}

// row writes one lesson.
func (s *lessonSink) row(l *lessonRow) {
	if s.rows != nil {
		s.rows.Write(l) // a write error is kept by the document
		return
	}
	if !l.ran && l.why == "" {
		fmt.Fprintf(s.e.Stdout, "%-26s %-60s %s\n", l.Name, l.Title, worldWords(l.Scenario))
		return
	}
	fmt.Fprintf(s.e.Stdout, "%s\n", lessonLine(l))
	for i := range l.verdicts {
		x := &l.verdicts[i]
		fmt.Fprintf(s.e.Stdout, "        %s; found %s, event %d\n", x.Text, safe.String(x.Found), x.N)
	}
	if l.reason != "" {
		fmt.Fprintf(s.e.Stdout, "        the exchange failed: %s\n", safe.String(l.reason))
	}
}

// lessonLine is the line of a lesson that was run, or was not.
func lessonLine(l *lessonRow) string {
	switch {
	case !l.ran:
		return fmt.Sprintf("-     %-26s not run: %s", l.Name, l.why)
	case l.ok():
		return fmt.Sprintf("PASS  %-26s %s", l.Name, l.Title)
	}
	return fmt.Sprintf("FAIL  %-26s %s", l.Name, l.Title)
}

func worldWords(s *scenario.Scenario) string {
	list := make([]string, len(s.Worlds))
	for i, w := range s.Worlds {
		list[i] = w.String()
	}
	return strings.Join(list, " ")
}

func (s *lessonSink) close() error {
	if s.doc == nil {
		return nil
	}
	return s.e.closeDocument(s.doc)
}

// listLessons shows the lessons.
func listLessons(e *env, o *traceOptions) error {
	sink := newLessonSink(e, o.Format)
	for _, name := range scenario.Names() {
		s, err := scenario.Lesson(name)
		if err != nil {
			return err
		}
		sink.row(&lessonRow{Scenario: s})
	}
	return sink.close()
}

// runLessons runs every lesson that the world of the command line allows: memory, unless --link names another.
func runLessons(ctx context.Context, e *env, flags *pflag.FlagSet, given traceOptions) error {
	ctx, cancel := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	defer cancel()
	context.AfterFunc(ctx, cancel)
	if !flags.Changed("link") && given.Client == stackprobe.AnyKind {
		given.World = stackprobe.Memory
	}
	sink := newLessonSink(e, given.Format)
	failed := 0
	for _, name := range scenario.Names() {
		s, err := scenario.Lesson(name)
		if err != nil {
			return err
		}
		l := lessonRow{Scenario: s}
		if err := l.run(ctx, flags, given); err != nil {
			sink.close()
			return err
		}
		if l.ran && !l.ok() {
			failed++
		}
		sink.row(&l)
		e.Stdout.Flush() // somebody may be watching
	}
	if err := sink.close(); err != nil {
		return err
	}
	if failed > 0 {
		return fail(statusNo, "%d lessons failed", failed)
	}
	return nil
}

// run runs the lesson in the world that was asked for, if it is written for it.
func (l *lessonRow) run(ctx context.Context, flags *pflag.FlagSet, given traceOptions) error {
	world := scenario.Memory
	switch {
	case given.World == stackprobe.Memory:
	case given.Client == stackprobe.Engine, given.Client == stackprobe.AnyKind && !l.Allows(scenario.KernelClient):
		world, given.Client = scenario.KernelServer, stackprobe.Engine
	default:
		world, given.Client = scenario.KernelClient, stackprobe.Kernel
	}
	if !l.Allows(world) {
		l.why = "it is written for " + worldWords(l.Scenario)
		return nil
	}
	o, err := overlay(flags, given, l.Scenario)
	if err != nil {
		return err
	}
	o.World, o.Client = given.World, given.Client
	l.ran, l.world = true, world.String()
	for ev, err := range stackprobe.Run(ctx, o.Config) {
		if err != nil {
			return lessonStatus(l.Scenario, err)
		}
		switch ev.Kind {
		case event.KindExpectation:
			if l.add(ev.Expectation); ev.Expectation.Verdict == event.Fail {
				l.verdicts = append(l.verdicts, *ev.Expectation)
			}
		case event.KindEnd:
			if !ev.End.OK && !l.ExpectsFailure() {
				l.reason = ev.End.Reason
			}
		}
	}
	return nil
}
