package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/stackprobe"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
)

// compareSchema names the machine form of trace tcp --compare.
const compareSchema = "gnet/trace-compare/1"

// compareRoles are the words of --compare.
func compareRoles() []string { return []string{event.Client.String(), event.Server.String()} }

// runTraceCompare runs the exchange twice, the end o.Compare being the kernel and then the engine, and shows in which decisions
// they differ. The peer is the engine in both.
func runTraceCompare(ctx context.Context, e *env, o traceOptions) error {
	ctx, cancel := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	defer cancel()
	context.AfterFunc(ctx, cancel) // the second signal ends the program at once
	kernel, engine := o.Config, o.Config
	kernel.Client = stackprobe.Kernel
	if o.Compare == event.Server {
		kernel.Client = stackprobe.Engine
	}
	if kernel.World == stackprobe.Memory { // what a lesson was written for
		kernel.World = stackprobe.Auto
	}
	engine.World, engine.Client = stackprobe.Memory, stackprobe.AnyKind
	var sides [2]*analyze.Conduct
	for i, c := range [...]stackprobe.Config{kernel, engine} {
		var err error
		if sides[i], err = conductOf(ctx, c, o.Compare); err != nil {
			return compareStatus(err)
		}
		if i == 0 && !sides[0].Stack().Kernel {
			return compareStatus(noKernelError(sides[0].Run.Why))
		}
	}
	c := &compared{e: e, role: o.Compare, kernel: sides[0], engine: sides[1], list: analyze.Compare(sides[0], sides[1])}
	if o.Format == render.Classic {
		return c.text(&o)
	}
	return c.document(o.Format)
}

// noKernelError says why this machine allows no kernel's end.
type noKernelError string

// Error is the sentence of the world that was taken instead.
func (e noKernelError) Error() string { return string(e) }

// compareStatus turns what prevented one of the two runs into a status; what a machine does not allow is the kernel's.
func compareStatus(err error) error {
	_, refused := errors.AsType[*kernelside.Error](err)
	_, none := errors.AsType[noKernelError](err)
	if refused || none {
		return fail(statusCannot, "the kernel's run cannot be made: %w", err).withHint("gnet trace tcp --link memory shows the engine alone")
	}
	return traceStatus(err)
}

// conductOf runs c and returns what host did in it. A run that ends in mid-exchange is an error.
func conductOf(ctx context.Context, c stackprobe.Config, host event.Host) (*analyze.Conduct, error) {
	conduct := &analyze.Conduct{Host: host}
	for ev, err := range stackprobe.Run(ctx, c) {
		if err != nil {
			return nil, err
		}
		if ev.Kind == event.KindRun && ev.Run.World == stackprobe.Memory.String() && c.World != stackprobe.Memory {
			conduct.Run = ev.Run // the machine allows no other; the rest would say nothing
			return conduct, nil
		}
		conduct.Add(ev)
	}
	return conduct, nil
}

// compared is the outcome of a comparison.
type compared struct {
	e              *env
	role           event.Host
	kernel, engine *analyze.Conduct
	list           []analyze.Difference
}

// warnings says what the list does not hold.
func (c *compared) warnings() {
	for _, s := range [...]*analyze.Conduct{c.kernel, c.engine} {
		if s.Cut > 0 {
			c.e.warn("%s: %d decisions are not compared: too many", s.Stack().Name, s.Cut)
		}
	}
}

// text prints the differences for people.
func (c *compared) text(o *traceOptions) error {
	width := c.e.viewOptions(&o.viewOptions).Width
	p := &paragraphs{bulkLines{c.e}, width}
	k, n := c.kernel.Run, c.engine.Run
	w := c.e.Stdout
	fmt.Fprintf(w, "compare the %s in two runs\n", c.role)
	p.list("kernel  ", fmt.Sprintf("%s, %s, %s, over %s; real clock, the machine wakes up to %s late", c.kernel.Stack().Name, c.kernel.Stack().CC,
		c.kernel.Stack().Recovery, k.World, time.Duration(k.ClockErrorMax).Round(10*time.Microsecond)), width)
	p.list("engine  ", fmt.Sprintf("%s, %s, %s, in %s; virtual clock, seed %d", c.engine.Stack().Name, c.engine.Stack().CC, c.engine.Stack().Recovery, n.World, n.Seed), width)
	p.list("peer    ", c.peer().Name+" in both", width)
	for _, f := range n.Faults {
		p.list("fault   ", f, width)
	}
	for i := range c.list {
		fmt.Fprintln(w)
		p.difference(i+1, &c.list[i])
	}
	fmt.Fprintln(w)
	last := "no decision differs"
	if n := len(c.list); n > 0 {
		last = plural(n, "difference")
	}
	fmt.Fprintln(w, last)
	c.warnings()
	return nil
}

// paragraphs writes wrapped text.
type paragraphs struct {
	bulkLines
	width int
}

// difference writes one difference: what it is about, both sides with the events that show them, and the reason.
func (p *paragraphs) difference(i int, d *analyze.Difference) {
	head := fmt.Sprintf("%d  %s", i, strings.ReplaceAll(d.Topic.String(), "-", " "))
	if d.Conn > 1 {
		head += fmt.Sprintf(", connection %d", d.Conn)
	}
	if d.More > 0 {
		head += fmt.Sprintf(", and %d more", d.More)
	}
	fmt.Fprintln(p.e.Stdout, head)
	for _, s := range [...]struct {
		name string
		analyze.Side
	}{{"kernel", d.A}, {"engine", d.B}} {
		text := s.Text
		if s.N > 0 {
			text += fmt.Sprintf("  (event %d, %.3f s)", s.N, float64(s.T)/1e9)
		}
		p.list("   "+s.name+"  ", text, p.width)
	}
	if d.Why != "" {
		p.list("   ", d.Why, p.width)
	}
}

// document writes the differences as rows, and the runs as the summary.
func (c *compared) document(f render.Format) error {
	doc := c.e.document(f, compareSchema)
	rows := render.NewRows(doc, compareColumns())
	for i := range c.list {
		if err := rows.Write(&c.list[i]); err != nil {
			break // the document says so when it is closed
		}
	}
	c.warnings()
	if err := render.Summary(doc, compareSummaryColumns(), c); err != nil {
		return err
	}
	return c.e.closeDocument(doc)
}

// errNoKernel is an option that leaves --compare no kernel.
var errNoKernel = errors.New("not with --compare: one of the two must be the kernel")

// comparison checks the words of a command line with --compare.
func (w *traceWords) comparison(o *traceOptions) error {
	switch w.compare {
	case "":
		return nil
	case "client":
		o.Compare = event.Client
	case "server":
		o.Compare = event.Server
	default:
		return fail(statusUsage, "--compare %q: want client or server", w.compare)
	}
	switch {
	case w.link == "memory":
		return fail(statusUsage, "--link memory: %w", errNoKernel)
	case w.client != "":
		return fail(statusUsage, "--client: not with --compare, which says who is the kernel")
	case w.explain:
		return fail(statusUsage, "--explain: not with --compare, which has no picture")
	}
	return nil
}
