package view

import (
	"fmt"
	"strconv"
	"strings"

	"gnet/stackprobe/event"
)

// packet draws what happened to a packet, and keeps it for the tables.
func (d *Datagrams) packet(e *event.Event) {
	k := e.Packet
	switch e.Kind {
	case event.KindTx:
		d.keep(e)
		if !d.drawn && k.Node == 0 && k.Offset == 0 && e.ICMP == (event.ICMP{}) {
			d.drawn = true
			d.header(e)
		}
		if !d.folds(e) {
			d.line(e.T, d.node(k.Node), d.leaves(e), plain)
		}
	case event.KindRx:
		d.reaches(e)
	case event.KindLost:
		d.fate(k.ID, "lost")
		d.line(e.T, d.node(k.Node), fmt.Sprintf("%s lost on link %d: %s", d.name(k), k.Link, d.page.clean(e.Rule)), bad)
	case event.KindFault:
		fate := e.Fault.Action.String()
		if e.Fault.Copy != 0 {
			fate += ", copy #" + strconv.Itoa(e.Fault.Copy)
		}
		d.fate(k.ID, fate)
		d.line(e.T, d.node(k.Node), d.faulted(e), again)
	case event.KindDiscard:
		d.fate(k.ID, "ends at "+d.node(k.Node))
		if !d.folds(e) {
			d.line(e.T, d.node(k.Node), fmt.Sprintf("%s ends here: %s", d.name(k), d.page.clean(e.Text)), bad)
		}
	case event.KindICMP:
		d.line(e.T, d.node(0), fmt.Sprintf("is told of %s: %s", d.name(k), d.message(e)), again)
	}
}

// keep puts a packet into the tables.
func (d *Datagrams) keep(e *event.Event) {
	if len(d.packets) == maxPackets {
		d.beyond++
		return
	}
	k := *e.Packet
	k.Wire = ""
	d.index[k.ID] = len(d.packets)
	d.packets = append(d.packets, tabled{Packet: k, icmp: e.ICMP})
}

// fate notes what became of a packet.
func (d *Datagrams) fate(id int, what string) {
	if i, ok := d.index[id]; ok {
		if d.packets[i].fate != "" {
			what = d.packets[i].fate + ", " + what
		}
		d.packets[i].fate = what
	}
}

// folds reports whether enough rows of this datagram and node were drawn; of the first that is not, an ellipsis stands in the
// picture.
func (d *Datagrams) folds(e *event.Event) bool {
	k := e.Packet
	if d.page.opts.Unfold {
		return false
	}
	g := group{k.Datagram, k.Node}
	if len(d.rows) > maxPackets {
		clear(d.rows) // a stored run of many datagrams: their counts begin anew
	}
	if d.rows[g]++; d.rows[g] <= maxRows {
		return false
	}
	if d.folded++; d.rows[g] == maxRows+1 {
		d.line(e.T, d.node(k.Node), fmt.Sprintf("%s more of datagram %d", d.page.glyphs.ellipsis, k.Datagram), faint)
	}
	return true
}

// name is what a row calls a packet.
func (d *Datagrams) name(k *event.Packet) string { return "#" + strconv.Itoa(k.ID) }

// arrow is a link on which something goes that way.
func (d *Datagrams) arrow(k *event.Packet) string {
	g := &d.page.glyphs
	if k.Node < k.Link {
		return fmt.Sprintf("%c%d%c", g.line, k.Link, g.toRight)
	}
	return fmt.Sprintf("%c%d%c", g.toLeft, k.Link, g.line)
}

// leaves says what a node transmits.
func (d *Datagrams) leaves(e *event.Event) string {
	k := e.Packet
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s ", d.arrow(k), d.name(k))
	if e.ICMP != (event.ICMP{}) {
		fmt.Fprintf(&b, "%d octets: %s", k.Size, d.message(e))
		if k.About != 0 {
			fmt.Fprintf(&b, ", about #%d", k.About)
		}
	} else {
		fmt.Fprintf(&b, "%d octets", k.Size)
		if k.Fragment() {
			fmt.Fprintf(&b, ", data %d-%d", k.Offset, k.Offset+k.Data-1)
			if k.MF {
				b.WriteString(", MF")
			}
		}
		if k.DF {
			b.WriteString(", DF")
		}
	}
	fmt.Fprintf(&b, ", %s %d", d.ttl(), k.TTL)
	if i, ok := d.index[k.Parent]; ok && k.Parent != 0 && d.packets[i].Size != k.Size {
		fmt.Fprintf(&b, ", of #%d", k.Parent)
	} else if k.Parent != 0 {
		fmt.Fprintf(&b, ", was #%d", k.Parent)
	}
	return b.String()
}

func (d *Datagrams) ttl() string {
	if d.ipv6 {
		return "hop limit"
	}
	return "TTL"
}

// reaches says that a packet has arrived at an end; at a router what it transmits says so.
func (d *Datagrams) reaches(e *event.Event) {
	k := e.Packet
	if k.Node == 0 && k.About != 0 {
		return // what it is told about says so
	}
	if k.Node != 0 && (d.path == nil || k.Node != len(d.path.Nodes)-1) {
		return
	}
	what := fmt.Sprintf("%s arrives", d.name(k))
	if i, ok := d.index[k.ID]; ok && d.packets[i].Offset != k.Offset {
		what += fmt.Sprintf(" as data %d-%d", k.Offset, k.Offset+k.Data-1)
	}
	if k.BadSum {
		what += ", its header's checksum wrong"
	} else if k.Node != 0 {
		what += recorded(k)
	}
	if !d.folds(e) {
		d.line(e.T, d.node(k.Node), what, plain)
	}
}

// faulted says what a rule did to a packet.
func (d *Datagrams) faulted(e *event.Event) string {
	f := &e.Fault
	what := d.name(e.Packet) + " "
	switch f.Action {
	case event.Dup:
		what += "is doubled"
		if f.Copy != 0 {
			what += ", the copy is #" + strconv.Itoa(f.Copy)
		}
	case event.Corrupt:
		what += "is damaged in bit " + strconv.Itoa(f.Bit)
	case event.Overlap:
		what += "is moved 8 octets into the data before it"
	case event.Reorder:
		what += "lets others pass"
	default:
		what += "waits " + milliseconds(f.Wait)
	}
	return what + ": " + d.page.clean(f.Rule)
}

// message names an ICMP message (RFC 792, RFC 1122, RFC 4443).
func (d *Datagrams) message(e *event.Event) string {
	m := e.ICMP
	name := ""
	if d.ipv6 {
		name = message6(m)
	} else {
		name = message4(m)
	}
	if name == "" {
		return fmt.Sprintf("ICMP type %d, code %d", m.Type, m.Code)
	}
	if m.MTU != 0 {
		name += ", MTU " + strconv.Itoa(m.MTU)
	}
	return "ICMP " + name
}

func message4(m event.ICMP) string {
	switch {
	case m.Type == 3 && m.Code == 4:
		return "fragmentation needed"
	case m.Type == 3 && m.Code == 3:
		return "port unreachable"
	case m.Type == 3 && m.Code < 2:
		return "unreachable"
	case m.Type == 11 && m.Code == 0:
		return "time exceeded in transit"
	case m.Type == 11:
		return "fragment reassembly time exceeded"
	case m.Type == 12:
		return "parameter problem"
	}
	return ""
}

func message6(m event.ICMP) string {
	switch {
	case m.Type == 1 && m.Code == 4:
		return "port unreachable"
	case m.Type == 1:
		return "unreachable"
	case m.Type == 2:
		return "packet too big"
	case m.Type == 3 && m.Code == 0:
		return "hop limit exceeded in transit"
	case m.Type == 3:
		return "fragment reassembly time exceeded"
	case m.Type == 4:
		return "parameter problem"
	}
	return ""
}
