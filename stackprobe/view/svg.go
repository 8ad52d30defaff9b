package view

import (
	"io"
	"strconv"

	"gnet/internal/chart"
	"gnet/internal/safe"
	"gnet/stackprobe/event"
)

// SVG writes the plots of one run as an SVG file: the sequence space of each direction in tcptrace's marks, congestion window,
// round trips and goodput. It keeps what Sequence keeps and writes at Close. Of the options it heeds Left alone: a file has
// no terminal.
type SVG struct {
	w   io.Writer
	seq *Sequence
}

// NewSVG gives a view that writes to w. Close must be called at the end.
func NewSVG(w io.Writer, o Options) *SVG {
	v := &SVG{w: w, seq: NewSequence()}
	v.seq.left = o.Left
	return v
}

// Event takes e, in which package analyze has derived what follows. It keeps no reference to e and gives no error.
func (v *SVG) Event(e *event.Event) error {
	v.seq.Event(e)
	return nil
}

// Close writes the file. It does not close the writer.
func (v *SVG) Close() error {
	_, err := v.w.Write(v.seq.AppendSVG(nil, SVGOptions{}))
	return err
}

// SVGOptions say how AppendSVG draws.
type SVGOptions struct {
	// ID goes in front of every id, and is that of the svg element itself, so that several can stand in one document. It must be
	// an XML name; "" is taken as "plot".
	ID string
	// Width is that of the picture in pixels; 0 is taken as 1200, less than 400 as 400.
	Width int
	// Inline leaves out what a file of its own needs and a document has itself: the XML declaration, the headings of the run and the
	// colours, which are the custom properties --bg, --ink, --dim, --grid, --red, --green, --gold, --orange, --blue and --violet.
	Inline bool
	// Conn is the number of the connection to draw, 0 for all that there is room for.
	Conn int
}

// AppendSVG appends the picture of what s holds. It refers to nothing outside itself, has no script, and follows the reader's
// preference for light or dark. A mark that belongs to a segment has its Segment.ID as data-seg and the number of its event as data-n;
// a run of folded marks those of the first, and data-count. Each panel is a g with the class panel, with data-host and
// data-conn; its data-time has pairs of a moment in nanoseconds and its x, between which time runs evenly, data-y0 and data-y1 are
// its upper and lower edge, and data-range has the figures at its lower and upper edge, with "log" behind them where their
// logarithm is drawn; data-window is the time in nanoseconds over which a goodput is meant.
func (s *Sequence) AppendSVG(dst []byte, o SVGOptions) []byte {
	if o.ID == "" {
		o.ID = "plot"
	}
	if o.Width == 0 {
		o.Width = 1200
	}
	o.Width = max(o.Width, 400)
	d := &drawing{b: dst, id: o.ID, width: float64(o.Width)}
	d.panels(s, &o)
	return d.finish(s, &o)
}

// drawing is an SVG that is being written. The body is made first, as its height is not known before.
type drawing struct {
	b      []byte // the document
	id     string
	width  float64
	y      float64 // of the next panel
	clips  int
	body   []byte
	list   []panel
	legend legend
}

// finish puts the document together.
func (d *drawing) finish(s *Sequence, o *SVGOptions) []byte {
	top := &drawing{id: d.id, width: d.width, y: 8}
	if !o.Inline {
		top.headings(s)
	}
	top.key(&d.legend)
	top.notes(s, d.list)
	b := d.b
	if !o.Inline {
		b = append(b, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"...)
	}
	height := top.y + d.y + 8
	b = append(b, `<svg xmlns="http://www.w3.org/2000/svg" id="`...)
	b = append(b, d.id...)
	b = append(b, `" class="gnet-plot" role="img" width="`...)
	b = append(chart.AppendNumber(b, d.width), `" height="`...)
	b = append(chart.AppendNumber(b, height), `" viewBox="0 0 `...)
	b = append(chart.AppendNumber(b, d.width), ' ')
	b = append(chart.AppendNumber(b, height), `">`...)
	b = append(b, "\n<title>"...)
	b = chart.AppendXML(b, plotTitle(s.run))
	b = append(b, "</title>\n<style>"...)
	b = appendStyle(b, d.id, o.Inline)
	b = append(b, "</style>\n"...)
	b = append(b, `<rect class="bg" width="100%" height="100%"/>`+"\n"...)
	b = append(b, top.body...)
	b = append(b, `<g transform="translate(0 `...)
	b = append(chart.AppendNumber(b, top.y), ")\">\n"...)
	b = append(b, d.body...)
	return append(b, "</g>\n</svg>\n"...)
}

// plotTitle is what the run says of itself, in one line.
func plotTitle(r *event.Run) string {
	switch {
	case r == nil:
		return "TCP over time"
	case r.Title != "":
		return r.Scenario + ": " + r.Title
	}
	return "TCP over time, " + r.World + ", " + clockText(r.Clock) + ", seed " + strconv.FormatInt(r.Seed, 10)
}

// headings writes what the run is.
func (d *drawing) headings(s *Sequence) {
	d.y += 16
	d.textAt(16, d.y, "h1", plotTitle(s.run))
	d.y += 8
	r := s.run
	if r == nil {
		return
	}
	lines := []string{linkText(r)}
	for i, st := range [...]*event.Stack{&r.Client, &r.Server} {
		line := [...]string{"client ", "server "}[i] + st.Name
		for _, t := range [...]string{st.CC, st.Recovery, st.Addr, st.Options} {
			if t != "" {
				line += ", " + t
			}
		}
		lines = append(lines, line)
	}
	for _, f := range r.Faults {
		lines = append(lines, "fault "+f)
	}
	for _, f := range r.Crafted {
		lines = append(lines, "crafted "+f)
	}
	if r.Look != "" {
		lines = append(lines, r.Look)
	}
	fit := int((d.width - 32) / 6.2)
	for _, line := range lines[:min(len(lines), 24)] {
		for _, part := range wrap(safe.String(line), fit) {
			d.y += 15
			d.textAt(16, d.y, "sub", part)
		}
	}
	d.y += 6
}

// notes says what the picture does not show.
func (d *drawing) notes(s *Sequence, list []panel) {
	for _, line := range plotNotes(s, list) {
		d.y += 15
		d.textAt(16, d.y, "sub", line)
	}
	d.y += 4
}

// textAt writes a line of text.
func (d *drawing) textAt(x, y float64, class, s string) {
	d.open("text", class)
	d.xy(x, y)
	d.body = append(d.body, '>')
	d.body = chart.AppendXML(d.body, s)
	d.body = append(d.body, "</text>\n"...)
}

// open begins an element.
func (d *drawing) open(name, class string) {
	d.body = append(d.body, '<')
	d.body = append(d.body, name...)
	d.attr("class", class)
}

// attr writes an attribute whose value is ours.
func (d *drawing) attr(name, v string) {
	d.body = append(d.body, ' ')
	d.body = append(d.body, name...)
	d.body = append(d.body, `="`...)
	d.body = append(d.body, v...)
	d.body = append(d.body, '"')
}

// number writes an attribute that is a number.
func (d *drawing) number(name string, v float64) {
	d.body = append(d.body, ' ')
	d.body = append(d.body, name...)
	d.body = append(d.body, `="`...)
	d.body = append(chart.AppendNumber(d.body, v), '"')
}

func (d *drawing) integer(name string, v int64) {
	d.body = append(d.body, ' ')
	d.body = append(d.body, name...)
	d.body = append(d.body, `="`...)
	d.body = append(strconv.AppendInt(d.body, v, 10), '"')
}

func (d *drawing) xy(x, y float64) {
	d.number("x", x)
	d.number("y", y)
}
