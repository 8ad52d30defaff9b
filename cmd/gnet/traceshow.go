package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
)

// hopeless is how many lines without an event are read until the file is taken for something else: a device has no end.
const hopeless = 10_000

// maxBadLines bounds the bad lines that are named one by one.
const maxBadLines = 10

// showOptions is what a `trace show` command line asks for.
type showOptions struct {
	viewOptions
	File string // "-" for standard input
}

// newTraceShowCommand returns `gnet trace show`, one of gnet's own verbs.
func newTraceShowCommand(e *env, run func(context.Context, *env, showOptions) error) *cobra.Command {
	var w viewWords
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "Show a stored run again",
		Long: `Read the events of a run that was stored with --format json or jsonl, and show
them as the run itself did; or a capture, pcap or pcapng, and show it in the
same way, as far as its packets tell. FILE is a name, or - for standard input.

What follows from the events, such as the reason of a retransmission, is
concluded anew.

Status 1: lines of the file cannot be read, or its run has no end; what can be
read is shown. 2: the file cannot be opened or read.`,
		Args: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return fail(statusUsage, "want the name of a file, or -")
			case 1:
				return nil
			}
			return fail(statusUsage, "unexpected word %q", args[1])
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := w.options()
			if err != nil {
				return err
			}
			return run(cmd.Context(), e, showOptions{viewOptions: o, File: args[0]})
		},
	}
	cmd.Flags().SortFlags = false
	w.bind(cmd)
	return cmd
}

// runTraceShow reads the file and shows its events.
func runTraceShow(ctx context.Context, e *env, o showOptions) error {
	if o.Step && o.steps == nil {
		return showSteps(ctx, e, &o.viewOptions, o.File != "-", func(ctx context.Context, e *env) error { return runTraceShow(ctx, e, o) })
	}
	if o.hasFile() {
		// Files are ended when somebody interrupts; the second signal finds the default action, where nothing comes any more.
		var cancel context.CancelFunc
		ctx, cancel = signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
		defer cancel()
		context.AfterFunc(ctx, cancel)
	}
	if err := o.distinctFiles(o.File); err != nil {
		return err
	}
	in, live := e.Stdin, true
	if o.File != "-" {
		f, err := os.Open(o.File)
		if err != nil {
			return fail(statusCannot, "%w", err)
		}
		defer f.Close()
		fi, err := f.Stat()
		in, live = f, err == nil && !fi.Mode().IsRegular()
	}
	view, err := newTraceView(e, &o.viewOptions)
	if err != nil {
		return err
	}
	s := showing{e: e, file: o.File, view: view, track: analyze.New()}
	err = s.all(ctx, in, live)
	if closing := s.view.close(); closing != nil {
		return closing
	}
	if err != nil {
		return err
	}
	return s.verdict()
}

// showing is a stored run while it is shown.
type showing struct {
	e              *env
	file, what     string // what are the parts that can be bad
	view           *traceViews
	track          *analyze.Tracker
	events, bad    int
	hasRun, hasEnd bool
}

// all shows the events of in; live says that somebody may be watching while they come.
func (s *showing) all(ctx context.Context, in io.Reader, live bool) error {
	for ev, err := range s.read(in) {
		if ctx.Err() != nil {
			return fail(statusNo, "interrupted")
		}
		if badPart(err) {
			if s.bad++; s.bad <= maxBadLines {
				s.e.warn("%s: %v", s.file, err)
			}
			if s.events == 0 && s.bad == hopeless {
				return fail(statusNo, "%s: no event in %d lines", s.file, s.bad)
			}
			continue
		}
		if err != nil {
			return s.failure(err)
		}
		if ev.Kind == event.KindRun && s.hasRun {
			return fail(statusNo, "%s: holds more than one run; the first is shown", s.file)
		}
		s.events++
		s.hasRun = s.hasRun || ev.Kind == event.KindRun
		s.hasEnd = s.hasEnd || ev.Kind == event.KindEnd || ev.Kind == event.KindRun && ev.Run.Captured()
		if ev.Packet == nil {
			s.track.Add(ev) // it follows connections
		}
		if s.view.event(ev) != nil {
			return nil // the writer is gone; exitStatus says so
		}
		if live {
			s.view.flush()
		}
	}
	return nil
}

// read returns the events of in, which is a stored run or a capture.
func (s *showing) read(in io.Reader) iter.Seq2[*event.Event, error] {
	r := bufio.NewReader(in)
	if magic, _ := r.Peek(capture.MagicLen); capture.Detect(magic) { // an error comes again
		s.what = "packets"
		return capture.NewReplay(r).Events()
	}
	s.what = "lines"
	return event.Decode(r)
}

// badPart reports whether err is about one line or one packet, behind which reading goes on.
func badPart(err error) bool {
	_, line := errors.AsType[*event.DecodeError](err)
	_, packet := errors.AsType[*capture.PacketError](err)
	return line || packet
}

// failure is the end of reading before that of the file.
func (s *showing) failure(err error) error {
	if _, ok := errors.AsType[*capture.FormatError](err); ok {
		return fail(statusNo, "%s: %w", s.file, err)
	}
	if _, ok := errors.AsType[*event.SchemaError](err); ok {
		return fail(statusCannot, "%s: %w", s.file, err)
	}
	if _, ok := errors.AsType[*os.PathError](err); ok {
		return fail(statusCannot, "%w", err)
	}
	return fail(statusCannot, "%s: %w", s.file, err)
}

// verdict says what is wrong with the file.
func (s *showing) verdict() error {
	switch {
	case s.bad > maxBadLines:
		return fail(statusNo, "%s: %d %s could not be read, the first %d of which are named", s.file, s.bad, s.what, maxBadLines)
	case s.bad > 0:
		return exitSilently(statusNo)
	case s.events == 0:
		return fail(statusNo, "%s: no events", s.file)
	case !s.hasEnd:
		return fail(statusNo, "%s: the run has no end", s.file)
	}
	return nil
}
