package view

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"gnet/stackprobe/event"
)

// The bounds of what Datagrams keeps of a run, which may be a stored one of any length; what is beyond is counted.
const (
	maxPackets = 4096 // for the fragment tables
	maxRows    = 12   // of one datagram that leave one node on one link, unless Options.Unfold
)

// Datagrams draws a run of datagrams over a path: the header of the first one as in RFC 791 or RFC 8200, the way of each packet, the
// buffer in which the server puts fragments together, and at the end a table of the fragments on each link. It writes as it
// goes and keeps the packets for the tables, at most 4096. Explain and Absolute mean nothing to it.
type Datagrams struct {
	page  page
	path  *event.Path
	ipv6  bool
	real  bool // the times are a machine's
	data  int  // octets of data of each datagram
	drawn bool // the header of the first packet
	// packets are those of the tables, in the order of leaving; beyond counts the others.
	packets []tabled
	index   map[int]int // of packets, by ID
	beyond  int
	rows    map[group]int
	folded  int
	guessed bool // a computed buffer was shown
	end     *event.End
}

// tabled is a packet in a table, and what became of it.
type tabled struct {
	event.Packet
	fate string
	icmp event.ICMP
}

// group is what is folded together: packets of one datagram that leave one node.
type group struct{ datagram, node int }

// NewDatagrams gives a view that writes to w. Close must be called at the end.
func NewDatagrams(w io.Writer, o Options) *Datagrams {
	if o.Width == 0 {
		o.Width = wideWidth
	}
	o.Width = max(o.Width, minWidth)
	d := &Datagrams{index: make(map[int]int), rows: make(map[group]int)}
	d.page = page{w: w, opts: o, glyphs: unicodeGlyphs}
	if o.ASCII {
		d.page.glyphs = asciiGlyphs
	}
	return d
}

// Event draws e. It keeps no reference to it. The error is that of the writer; after one nothing more is written.
func (d *Datagrams) Event(e *event.Event) error {
	switch {
	case e.Kind == event.KindRun:
		if e.Run != nil {
			d.run(e.Run)
		}
	case e.Kind == event.KindEnd:
		d.end = e.End
	case e.Packet != nil:
		d.packet(e)
	case e.Kind == event.KindReassembly && e.Reassembly != nil:
		d.reassembly(e)
	case e.Kind == event.KindApp:
		d.app(e)
	case e.Kind == event.KindNote:
		st := faint
		if e.Level == event.Warning {
			st = bad
		}
		d.line(e.T, "", d.page.clean(e.Text), st)
	}
	return d.page.err
}

// Close draws the tables and what came of the run. It does not close the writer.
func (d *Datagrams) Close() error {
	if d.folded > 0 {
		d.page.text("", counted(d.folded, "row")+" more of datagrams in many pieces; the tables have them", faint)
	}
	d.tables()
	d.result()
	return d.page.err
}

// run writes what the run was made of.
func (d *Datagrams) run(r *event.Run) {
	p := &d.page
	d.path, d.ipv6, d.data = r.Path, r.IPv6, max(r.Bytes, 0)+8 // and the header of UDP
	if d.path == nil {
		d.path = &event.Path{}
	}
	p.text("world   ", strings.Join([]string{p.clean(r.World), clockText(r.Clock), "seed " + strconv.FormatInt(r.Seed, 10)}, ", "), plain)
	if r.Why != "" {
		p.text("        ", p.clean(r.Why), faint)
	}
	if d.real = r.Clock == event.Mono; d.real {
		p.text("        ", "the seed repeats faults and data, not the times", faint)
	}
	d.route()
	p.text("link    ", milliseconds(r.DelayClient)+" each way, each link", plain)
	d.stacks()
	d.asked()
	for _, f := range r.Faults {
		p.text("fault   ", p.clean(f), bad)
	}
	p.list("pinned  ", fold(r.Pinned), faint)
	p.list("not so  ", r.Unpinned, bad)
	p.emit(p.row())
}

// route draws the path: nodes, and the MTUs of the links between them.
func (d *Datagrams) route() {
	p := &d.page
	bar := strings.Repeat(string(p.glyphs.line), 2)
	var b strings.Builder
	for i, n := range d.path.Nodes {
		if i > 0 {
			fmt.Fprintf(&b, " %s%d%s ", bar, d.mtu(i), bar)
		}
		b.WriteString(p.clean(n.Name))
	}
	if d.path.Loop {
		b.WriteString(", which the last router does not reach: it points back")
	}
	p.text("path    ", b.String(), plain)
}

func (d *Datagrams) mtu(link int) int {
	if link < 1 || link > len(d.path.Links) {
		return 0
	}
	return d.path.Links[link-1].MTU
}

// stacks writes what the nodes are, neighbours that are the same in one line.
func (d *Datagrams) stacks() {
	p := &d.page
	nodes := d.path.Nodes
	for i := 0; i < len(nodes); i++ {
		first := i
		for i+1 < len(nodes) && nodes[i+1].Stack == nodes[first].Stack && nodes[i+1].Kernel == nodes[first].Kernel && first > 0 && i+1 < len(nodes)-1 {
			i++
		}
		name := p.clean(nodes[first].Name)
		if i > first {
			name = "routers"
		}
		text := p.clean(nodes[first].Stack)
		switch {
		case first == 0 && len(d.path.Links) > 0:
			text += ", " + p.clean(d.path.Links[0].Near)
		case first == len(nodes)-1 && len(d.path.Links) > 0:
			text += ", " + p.clean(d.path.Links[len(d.path.Links)-1].Far)
		}
		if i > 0 && i < len(nodes)-1 && len(nodes) == 3 {
			name = "router" // the only one: its number would leave the column
		}
		head := fmt.Sprintf("%-8s", name)
		if columns(name) > 7 {
			head = name + " "
		}
		p.text(head, text, plain)
	}
}

// asked writes what was to be sent.
func (d *Datagrams) asked() {
	a := d.path
	text := fmt.Sprintf("%s of %d octets, TTL %d", counted(a.Count, "datagram"), a.Size, a.TTL)
	if d.ipv6 {
		text = fmt.Sprintf("%s of %d octets, hop limit %d", counted(a.Count, "datagram"), a.Size, a.TTL)
	}
	if a.DF {
		text += ", not to be fragmented"
	}
	if a.TOS != 0 {
		text += fmt.Sprintf(", type of service 0x%02x", a.TOS)
	}
	for _, o := range a.Options {
		text += ", option " + d.page.clean(o)
	}
	d.page.text("sends   ", text, strong)
}

// node names a node.
func (d *Datagrams) node(i int) string {
	if i >= 0 && d.path != nil && i < len(d.path.Nodes) {
		return d.page.clean(d.path.Nodes[i].Name)
	}
	return "node " + strconv.Itoa(i)
}

// line writes a row of the way: time, who, what.
func (d *Datagrams) line(t int64, who, what string, st style) {
	p := &d.page
	stamp := milliseconds(t)
	if d.real {
		stamp = strconv.FormatFloat(float64(t)/1e6, 'f', 3, 64) + " ms" // the digits beyond are the scheduler's
	}
	head := fmt.Sprintf("%12s  %-9s ", stamp, who)
	if p.opts.Width < wideWidth {
		head = strings.TrimLeft(stamp, " ") + " " + who + " "
		if who == "" {
			head = strings.TrimLeft(stamp, " ") + " "
		}
	}
	p.text(head, what, st)
}

// app writes a call of an application.
func (d *Datagrams) app(e *event.Event) {
	switch e.App.Call {
	case event.Write:
		d.line(e.T, e.Host.String(), "sends "+counted(e.App.Bytes, "octet")+" of data", strong)
	case event.Receive:
		d.line(e.T, e.Host.String(), "its application gets "+counted(e.App.Bytes, "octet")+" of data", strong)
	case event.Failed:
		d.line(e.T, e.Host.String(), "its own stack refuses: "+d.page.clean(e.App.Err), bad)
	}
}

// result writes what came of the run.
func (d *Datagrams) result() {
	p := &d.page
	p.emit(p.row())
	switch {
	case d.end == nil:
		p.text("result  ", "no account of its end: the run broke off", bad)
	case d.end.OK:
		p.text("result  ", "every datagram arrived: "+counted(int(d.end.Server.Received), "octet")+" of data, unchanged", strong)
	default:
		p.text("result  ", "failed: "+p.clean(d.end.Reason), bad)
	}
	if d.guessed {
		p.text("        ", "~ computed from the fragments that arrived: no stack shows its buffer", faint)
	}
}
