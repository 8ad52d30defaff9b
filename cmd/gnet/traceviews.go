package main

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"gnet/internal/render"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
	"gnet/stackprobe/view"
)

// maxWidth is more than any screen has, and bounds what a row costs.
const maxWidth = 1000

// eventView is a view of a run's events.
type eventView interface {
	// Event takes the next event, with what package analyze has derived for it.
	Event(*event.Event) error
	// Close ends the picture; it does not close its writer.
	Close() error
}

// screenView is a picture for standard output, asked for with --view.
type screenView struct {
	word string
	make func(io.Writer, view.Options) eventView
}

// screenViews are the pictures for standard output; the first is the default.
func screenViews() []screenView {
	return []screenView{
		{"ladder", func(w io.Writer, o view.Options) eventView { return view.NewLadder(w, o) }},
		{"window", func(w io.Writer, o view.Options) eventView { return view.NewWindow(w, o) }},
		{"summary", func(w io.Writer, o view.Options) eventView { return view.NewSummary(w, o) }},
		{"plot", func(w io.Writer, o view.Options) eventView { return view.NewPlot(w, o) }},
	}
}

// screenWords are the words of --view.
func screenWords() []string {
	var list []string
	for _, v := range screenViews() {
		list = append(list, v.word)
	}
	return list
}

// fileView is a view that has a file of its own, asked for with an option of its own. With - for the name of the file it takes
// the place of the picture on standard output.
type fileView struct {
	flag, usage string
	make        func(io.Writer, view.Options) eventView
}

// fileViews are the views that have files of their own.
func fileViews() []fileView {
	return []fileView{
		{"plot", "draw sequence numbers, windows and round trips over time into that `file`, as SVG",
			func(w io.Writer, o view.Options) eventView { return view.NewSVG(w, o) }},
		{"html", "write a page with the run to that `file`, in HTML", func(w io.Writer, o view.Options) eventView { return view.NewReport(w, o) }},
		{captureFlag, "write the packets of the run to that `file`, in pcapng", func(w io.Writer, _ view.Options) eventView { return capture.NewRun(w) }},
	}
}

// viewWords are the options that say how a run is shown, as they stand on the command line; all commands that show events
// have them.
type viewWords struct {
	view, format     string
	conns            string
	ascii, explain   bool
	unfold, absolute bool
	wireshark, step  bool
	width            int
	files            []string // by the index of fileViews
}

// bind gives cmd the options, and their completion.
func (w *viewWords) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&w.view, "view", "", "the `picture`: "+strings.Join(screenWords(), ", "))
	decimal(f, &w.width, "width", 0, "`columns` of the picture, 40 to 1000 (those of the terminal, else 80)")
	f.BoolVar(&w.ascii, "ascii", false, "draw with ASCII alone")
	f.BoolVar(&w.explain, "explain", false, "write into the picture what each end knows of the other, where it changes")
	f.BoolVar(&w.unfold, "unfold", false, "show each segment of long runs that go their usual way")
	f.BoolVar(&w.absolute, "absolute", false, "show sequence numbers as they stand in the segments")
	w.bindConn(cmd)
	f.BoolVar(&w.wireshark, wiresharkFlag, false, "say beside what happened what Wireshark takes it for (tshark)")
	w.bindStep(cmd)
	w.files = make([]string, len(fileViews()))
	for i, v := range fileViews() {
		f.StringVar(&w.files[i], v.flag, "", v.usage)
		_ = cmd.MarkFlagFilename(v.flag)
	}
	f.StringVar(&w.format, "format", "classic", strings.Join(render.FormatWords(), ", "))
	f.BoolFunc("json", "the same as --format json", func(v string) error { return setJSON(&w.format, v) })
	completeFlag(cmd, "view", screenWords()...)
	completeFlag(cmd, "format", render.FormatWords()...)
}

// viewOptions say how a run is shown.
type viewOptions struct {
	Format render.Format
	// View is the word of the picture, one of screenWords.
	View string
	// Width is the number of columns of the picture, 40 to maxWidth, 0 for the terminal's.
	Width int
	ASCII bool
	// Explain adds what each end knows of the other.
	Explain bool
	// Unfold shows each segment of long runs, Absolute sequence numbers as they stand in the segments.
	Unfold, Absolute bool
	// Chosen are the connections that are shown, nil for all.
	Chosen connSet
	// Wireshark has Wireshark say what it makes of the packets.
	Wireshark bool
	// PacketsTo makes what writes the file of packets of a capture that is going on, nil for the view of fileViews.
	PacketsTo func(io.Writer, view.Options) eventView
	// NoScreen has nothing on standard output but what is asked for with - as its file.
	NoScreen bool
	// Files are the names of the files for the views of fileViews, "" for one that is not asked for, - for standard output.
	Files []string
	// Step goes through the run on the whole screen; steps is what gives that its events, once it is there.
	Step  bool
	steps traceView
}

// options checks the words.
func (w *viewWords) options() (viewOptions, error) {
	o := viewOptions{View: w.view, Width: w.width, ASCII: w.ascii, Explain: w.explain, Unfold: w.unfold, Absolute: w.absolute, Wireshark: w.wireshark, Files: w.files, Step: w.step}
	var err error
	if o.Format, err = render.ParseFormat(w.format); err != nil {
		return o, fail(statusUsage, "%w", err)
	}
	if o.Chosen, err = parseConns(w.conns); err != nil {
		return o, err
	}
	switch {
	case w.view != "" && !slices.Contains(screenWords(), w.view):
		return o, fail(statusUsage, "--view %q: want %s", w.view, strings.Join(screenWords(), ", "))
	case w.view != "" && w.view != summaryWord && o.Format != render.Classic:
		return o, fail(statusUsage, "--view %s: only with --format classic", w.view).withHint("--view %s has rows, and without --view the events are rows", summaryWord)
	case w.explain && o.Format != render.Classic:
		return o, fail(statusUsage, "--explain: only with --format classic")
	case w.width != 0 && (w.width < narrow || w.width > maxWidth):
		return o, fail(statusUsage, "--width %d: want %d to %d", w.width, narrow, maxWidth)
	}
	if o.View == "" {
		o.View = screenWords()[0]
	}
	if err := w.checkStep(&o); err != nil {
		return o, err
	}
	return o, o.onePipe()
}

// onePipe refuses two views for standard output.
func (o *viewOptions) onePipe() error {
	first := ""
	for i, v := range fileViews() {
		switch {
		case o.Files[i] != "-":
		case first != "":
			return fail(statusUsage, "--%s -: standard output has --%s already", v.flag, first)
		case o.Format != render.Classic:
			return fail(statusUsage, "--%s -: only with --format classic", v.flag)
		default:
			first = v.flag
		}
	}
	return nil
}

// oneRun returns the first option that is about a single run, "" for none.
func (o *viewOptions) oneRun() string {
	if o.Wireshark {
		return wiresharkFlag
	}
	if o.Step {
		return stepFlag
	}
	if o.inFigures() {
		return "view " + summaryWord
	}
	if o.Chosen != nil {
		return connFlag
	}
	for i, v := range fileViews() {
		if o.Files[i] != "" {
			return v.flag
		}
	}
	return ""
}

// inFigures reports whether the machine form of --view summary is asked for.
func (o *viewOptions) inFigures() bool { return o.Format != render.Classic && o.View == summaryWord }

// traceView shows events somewhere.
type traceView interface {
	event(*event.Event) error
	// flush brings what was drawn so far to the reader.
	flush()
	close() error
}

// traceViews are all the views of one run: the one on standard output, and those with files. Where one fails the others go on.
type traceViews struct {
	list   []traceView
	failed []error      // by the index in list
	asked  *opinions    // nil if Wireshark is not asked
	conns  *chosenConns // nil for all
}

// newTraceView makes the views that o asks for. Their files are there before the run begins.
func newTraceView(e *env, o *viewOptions) (*traceViews, error) {
	t := &traceViews{}
	if err := o.distinctFiles(""); err != nil {
		return nil, err
	}
	if o.hasFile() {
		outlivePipes()
	}
	if o.Wireshark {
		var err error
		if t.asked, err = askWireshark(); err != nil {
			return nil, err
		}
	}
	var left *view.Left
	if o.Chosen != nil {
		t.conns = &chosenConns{set: o.Chosen}
		left = &t.conns.left
	}
	screen := true
	for i, name := range o.Files {
		if name == "" {
			continue
		}
		screen = screen && name != "-"
		if err := t.addFile(e, o, left, i, name); err != nil {
			return nil, errors.Join(err, t.close())
		}
	}
	switch {
	case o.steps != nil:
		t.add(o.steps)
	case screen && !o.NoScreen:
		t.addScreen(e, o, left)
	}
	return t, nil
}

// addFile adds what is written to the file of that name, "-" for standard output, by view i of those that have files.
func (t *traceViews) addFile(e *env, o *viewOptions, left *view.Left, i int, name string) error {
	v := fileViews()[i]
	p := &tracePicture{out: e.Stdout, make: v.choose, options: view.Options{ASCII: o.ASCII, Explain: o.Explain, Unfold: o.Unfold, Absolute: o.Absolute, Left: left}}
	if name != "-" {
		f, err := os.Create(name)
		if err != nil {
			return fail(statusCannot, "--%s: %w", v.flag, err)
		}
		p.out, p.file = newOutput(f), f
	}
	if v.flag == captureFlag && o.PacketsTo != nil {
		p.make = o.PacketsTo
		p.begin() // packets come before events do
	}
	t.add(p)
	return nil
}

// addScreen adds what is written to standard output where no file is.
func (t *traceViews) addScreen(e *env, o *viewOptions, left *view.Left) {
	switch {
	case o.inFigures():
		t.add(&summaryDocument{e: e, format: o.Format, left: left})
	case o.Format != render.Classic:
		doc := e.document(o.Format, event.Schema)
		t.add(&traceDocument{e: e, doc: doc, rows: eventRows(doc, o.Format), left: left, json: o.Format == render.JSON || o.Format == render.JSONL})
	default:
		i := slices.IndexFunc(screenViews(), func(v screenView) bool { return v.word == o.View })
		picture := screenViews()[max(i, 0)].choose
		if t.asked != nil {
			picture = t.asked.beneath(picture)
		}
		options := e.viewOptions(o)
		options.Left = left
		t.add(&tracePicture{out: e.Stdout, make: picture, options: options})
	}
}

func (t *traceViews) add(v traceView) {
	t.list, t.failed = append(t.list, v), append(t.failed, nil)
}

// event shows ev. The error says that no view is left.
func (t *traceViews) event(ev *event.Event) error {
	if t.conns != nil && !t.conns.keep(ev) {
		return nil
	}
	if t.asked != nil {
		t.asked.add(ev)
	}
	alive := false
	for i, v := range t.list {
		if t.failed[i] == nil {
			t.failed[i] = v.event(ev)
		}
		alive = alive || t.failed[i] == nil
	}
	if alive {
		return nil
	}
	if t.conns != nil {
		t.conns.cut = true
	}
	return errors.Join(t.failed...)
}

func (t *traceViews) flush() {
	for _, v := range t.list {
		v.flush()
	}
}

// close ends the views. What is wrong with standard output is said by exitStatus, the rest here.
func (t *traceViews) close() error {
	var all []error
	for _, v := range t.list {
		all = append(all, v.close())
	}
	if t.asked != nil {
		all = append(all, t.asked.close())
	}
	if t.conns != nil && t.conns.any && !t.conns.cut {
		all = append(all, t.conns.failure())
	}
	return errors.Join(all...)
}

// viewOptions fits a picture to where it is shown.
func (e *env) viewOptions(o *viewOptions) view.Options {
	getenv := func(name string) string {
		v, _ := e.LookupEnv(name)
		return v
	}
	width, color := e.terminal()
	if o.Width > 0 {
		width = o.Width
	}
	return view.Options{Width: min(width, maxWidth), ASCII: o.ASCII || !view.UTF8(getenv), Color: color, Explain: o.Explain,
		Unfold: o.Unfold, Absolute: o.Absolute}
}

// tracePicture draws a view. A run that never began has none.
type tracePicture struct {
	out     *output
	file    *os.File // nil for standard output
	make    func(io.Writer, view.Options) eventView
	options view.Options
	view    eventView // nil before the first event
}

func (p *tracePicture) flush() { p.out.Flush() }

func (p *tracePicture) event(ev *event.Event) error {
	p.begin()
	return p.view.Event(ev)
}

// begin makes the view, if there is none.
func (p *tracePicture) begin() {
	if p.view == nil {
		p.view = p.make(p.out, p.options)
	}
}

func (p *tracePicture) close() error {
	var err error
	if p.view != nil {
		err = p.view.Close()
	}
	if p.file == nil {
		return err
	}
	if ferr := p.out.finish(); ferr != nil {
		err = ferr
	}
	if cerr := p.file.Close(); err == nil {
		err = cerr
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if _, ok := errors.AsType[*capture.MissingError](err); ok {
		return fail(statusNo, "%s: %w", p.file.Name(), err)
	}
	if _, named := errors.AsType[*os.PathError](err); named {
		return fail(statusNo, "write error: %w", err)
	}
	if err != nil {
		return fail(statusNo, "write error: %s: %w", p.file.Name(), err)
	}
	return nil
}

// traceDocument writes events as rows.
type traceDocument struct {
	e    *env
	doc  *render.Document
	rows *render.Rows[event.Event]
	left *view.Left // nil if all connections are shown
	json bool       // the format has objects
	made []byte
}

// event writes ev. Its own JSON is what the columns make, in a tenth of the time, but for text that is not UTF-8, which has its bytes
// beside it in a document.
func (d *traceDocument) event(ev *event.Event) error {
	if !d.json || !shortWay(ev) {
		return d.rows.Write(ev)
	}
	d.made = event.AppendJSON(d.made[:0], ev)
	return d.rows.WriteObject(d.made)
}

// shortWay reports whether ev is of a kind that has little text, all of it UTF-8.
func shortWay(ev *event.Event) bool {
	if ev.Run != nil || ev.End != nil || ev.Expectation != nil || ev.Counters != nil {
		return false
	}
	for _, s := range [...]string{ev.Rule, ev.Fault.Rule, ev.Seg.Line, ev.App.Err, ev.Text, ev.Check.Name} {
		if !utf8.ValidString(s) {
			return false
		}
	}
	return true
}

func (d *traceDocument) flush() {
	d.doc.Flush()
	d.e.Stdout.Flush()
}

func (d *traceDocument) close() error {
	if d.left != nil && d.left.Conns > 0 {
		d.doc.Note("warning", plural(d.left.Conns, "connection")+" with "+plural(d.left.Segments, "segment")+" left out: --"+connFlag)
	}
	return d.e.closeDocument(d.doc)
}
