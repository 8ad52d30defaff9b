package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gnet/internal/safe"
	"gnet/internal/wire"
	"gnet/ping"
	"gnet/ping/probe"
)

// explainText prints an explanation around the lines of the run.
type explainText struct {
	pingSink
	x *explanation
	// began is when the first packet of a probe was seen, by its number on the wire.
	began map[uint16]time.Time
}

// newExplainText prints the plan, and the first line of the run behind it.
func newExplainText(ctx context.Context, x *explanation) *explainText {
	t := &explainText{x: x, began: make(map[uint16]time.Time)}
	t.plan(x.plan, 1)
	t.line("")
	t.pingSink = newPingSink(ctx, x.e, x.o, x.series)
	return t
}

func (t *explainText) line(format string, args ...any) {
	fmt.Fprintf(t.x.e.Stdout, format+"\n", args...)
}

// say prints a text behind its label, wrapped.
func (t *explainText) say(label, format string, args ...any) {
	for _, line := range labelled(label, fmt.Sprintf(format, args...)) {
		t.line("%s", line)
	}
}

// plan prints a plan from probe seq on.
func (t *explainText) plan(p *explainPlan, seq int64) {
	if seq > 1 {
		if t.x.o.Quiet {
			return
		}
		t.line("plan from icmp_seq=%d on, with what the kernel has learned:", seq)
	} else {
		host := p.series.Dest.String()
		if name := safe.String(p.series.Name); name != host {
			host = name + " (" + host + ")"
		}
		t.line("plan of an echo request with %d data bytes to %s", p.size, host)
		t.say("message", "%d bytes of ICMP header + %d of data = %d bytes", wire.ICMPHeader, p.size, p.message())
		t.say("packet", "%s", p.datagramText())
		t.say("header", "%s", p.headerText())
	}
	t.say("link", "%s", p.linkText())
	t.say("cut", "%s", p.cutText())
	if !p.six() {
		t.say("DF", "%s", p.dfText())
	}
	t.pieces(p, p.pieces)
	for i := range p.links {
		if len(p.pieces) == 0 {
			break
		}
		t.linkPlan(p, &p.links[i])
	}
}

func (p *explainPlan) datagramText() string {
	switch {
	case p.six():
		return fmt.Sprintf("%d bytes of IPv6 header + %d = %d bytes", wire.IPv6Header, p.message(), p.total())
	case p.options > 0:
		return fmt.Sprintf("%d bytes of IPv4 header + %d of options + %d = %d bytes", wire.IPv4MinHeader, p.options, p.message(), p.total())
	}
	return fmt.Sprintf("%d bytes of IPv4 header + %d = %d bytes", wire.IPv4MinHeader, p.message(), p.total())
}

// headerText names the fields that all packets share.
func (p *explainPlan) headerText() string {
	from := fmt.Sprintf("from %v to %v", p.series.Source, p.series.Target.WithZone(""))
	if p.six() {
		return fmt.Sprintf("version 6, traffic class 0x%02x, hop limit %d, next header %d (ICMPv6), %s", p.header.TOS, p.header.TTL, wire.ProtoICMPv6, from)
	}
	return fmt.Sprintf("version 4, IHL %d (%d bytes), TOS 0x%02x, TTL %d, protocol %d (ICMP), %s", p.ipHeader()/4, p.ipHeader(), p.header.TOS,
		p.header.TTL, wire.ProtoICMP, from)
}

func (p *explainPlan) linkText() string {
	text := fmt.Sprintf("%s, MTU %d", safe.String(p.device), p.deviceMTU)
	switch {
	case p.routeMTU < min(p.deviceMTU, 0xffff) && p.limit == p.routeMTU:
		text += fmt.Sprintf("; by its route, or by what a router said, the kernel cuts at %d", p.routeMTU)
	case p.routeMTU < min(p.deviceMTU, 0xffff):
		text += fmt.Sprintf("; the kernel remembers a path MTU of %d, which -M probe ignores", p.routeMTU)
	}
	return text
}

// cutText is the arithmetic.
func (p *explainPlan) cutText() string {
	switch {
	case p.refused:
		return fmt.Sprintf("%d bytes are more than %d, and -M %s allows no fragment: the kernel sends nothing (EMSGSIZE)", p.total(), p.limit, modeWord(p.header.MTU))
	case p.wrong != nil:
		return p.wrong.Error()
	case len(p.pieces) == 1:
		return fmt.Sprintf("nothing to cut: %d bytes are no more than %d", p.total(), p.limit)
	}
	n, chunk, last := len(p.pieces), p.pieces[0].Length, p.pieces[len(p.pieces)-1].Length
	room, head := p.limit-p.headers(n), fmt.Sprintf("%d", p.ipHeader())
	if p.six() {
		head = fmt.Sprintf("%d - 8 (Fragment header)", wire.IPv6Header)
	}
	text := fmt.Sprintf("%d - %s = %d bytes of data in a packet; ", p.limit, head, room)
	if chunk < room {
		text += fmt.Sprintf("in units of 8 bytes %d = %d x 8; ", chunk, chunk/8)
	} else {
		text += fmt.Sprintf("that is %d units of 8 bytes; ", chunk/8)
	}
	return text + fmt.Sprintf("%d = %d x %d + %d: %d fragments, of which the first alone has the ICMP header", p.message(), n-1, chunk, last, n)
}

// dfText says why the bit is what it is.
func (p *explainPlan) dfText() string {
	mode := modeWord(p.header.MTU)
	switch {
	case p.refused:
		return fmt.Sprintf("it would be 1: -M %s", mode)
	case p.df:
		return fmt.Sprintf("1 (-M %s): no router may cut it; one with a narrower link drops it and says so (type 3 code 4)", mode)
	case p.header.MTU == probe.MTUWant:
		return "0: -M want sets it only while the datagram fits; routers may cut the fragments again"
	}
	return fmt.Sprintf("0 (-M %s): routers may cut further", mode)
}

// modeWord is the word of -M.
func modeWord(m probe.MTUDiscovery) string {
	return [...]string{"", "dont", "want", "do", "probe"}[min(m, probe.MTUProbe)]
}

// shownPieces is how many rows a table has before some are left out without -v.
const shownPieces = 12

// skipped reports whether row i of n is left out, and how many rows are when i is the
// first of these.
func (t *explainText) skipped(i, n int) (skip bool, rows int) {
	if t.x.o.Verbose || n <= shownPieces || i < shownPieces-3 || i >= n-2 {
		return false, 0
	}
	if i == shownPieces-3 {
		return true, n - 2 - i
	}
	return true, 0
}

// pieceHead is the head of a table of packets; IPv6 has no DF.
const pieceHead = "%6s  length  header   data  offset     /8  %s"

func (t *explainText) head(first string, six bool, more string) {
	flags := "DF MF"
	if six {
		flags = "   MF"
	}
	t.line("%s", strings.TrimRight(fmt.Sprintf(pieceHead, first, flags)+more, " "))
}

// pieceRow is the part of a row that plan and wire have alike.
func pieceRow(length, header int, f wire.Fragment, df, six bool) string {
	d := fmt.Sprintf("%2d", bit(df))
	if six {
		d = "  "
	}
	return fmt.Sprintf("  %6d  %6d %6d  %6d %6d  %s %2d", length, header, f.Length, f.Offset, f.Units(), d, bit(f.MF))
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// pieces prints a table of packets.
func (t *explainText) pieces(p *explainPlan, pieces []wire.Fragment) {
	if len(pieces) == 0 {
		return
	}
	t.head("#", p.six(), "")
	header := p.headers(len(pieces))
	for i, f := range pieces {
		if skip, rows := t.skipped(i, len(pieces)); skip {
			if rows > 0 {
				t.line("        ... %d more of %d bytes each", rows, header+f.Length)
			}
			continue
		}
		t.line("%6d%s", i+1, pieceRow(header+f.Length, header, f, p.df, p.six()))
	}
}

// linkPlan says what becomes of the packets on a link behind.
func (t *explainText) linkPlan(p *explainPlan, l *planLink) {
	at := fmt.Sprintf("%s, MTU %d: ", safe.String(l.Name), l.MTU)
	switch {
	case l.beyond:
		t.say("then", "%snothing arrives there", at)
	case l.dropped && p.six():
		t.say("then", "%sno router of IPv6 cuts: the packet is dropped, and ICMPv6 type 2 with that MTU comes back", at)
	case l.dropped:
		t.say("then", "%sDF forbids to cut: the packet is dropped, and ICMP type 3 code 4 with that MTU comes back", at)
	case l.wrong != nil:
		t.say("then", "%s%v", at, l.wrong)
	case len(l.pieces) > 0 && p.longest(l.pieces) <= l.MTU && t.unchanged(p, l):
		t.say("then", "%snothing to cut", at)
	default:
		t.say("then", "%s%d packets arrive", at, len(l.pieces))
		t.pieces(p, l.pieces)
	}
}

// unchanged reports whether a link passes what the one before it did.
func (t *explainText) unchanged(p *explainPlan, l *planLink) bool {
	before := p.pieces
	for i := range p.links {
		if &p.links[i] == l {
			break
		}
		before = p.links[i].pieces
	}
	return len(before) == len(l.pieces)
}

// since is the time since the first packet of a probe, in ms.
func (t *explainText) since(p *seenPacket, seq uint16) string {
	at, ok := t.began[seq]
	if !ok {
		at = p.At
		t.began[seq] = at
	}
	return fmt.Sprintf("%.3f", float64(p.At.Sub(at))/float64(time.Millisecond))
}

// datagram prints what was seen of a request or a reply.
func (t *explainText) datagram(d *seenDatagram) {
	if len(t.began) > maxIncomplete {
		clear(t.began)
	}
	if t.x.o.Quiet {
		return
	}
	t.line("  %s", t.datagramText(d))
	first := &d.packets[0]
	t.head("ms", first.six, "")
	for i := range d.packets {
		p := &d.packets[i]
		at := t.since(p, d.Seq)
		if skip, rows := t.skipped(i, len(d.packets)); skip && (d.plan == nil || d.asPlanned()) {
			if rows > 0 {
				t.line("        ... %d more", rows)
			}
			continue
		}
		mark := ""
		if d.plan != nil {
			mark = "  as planned"
			if !d.matches(i) {
				mark = "  not planned"
			}
		}
		t.line("%6s%s%s", at, pieceRow(p.Length, p.Header, p.Piece, p.DF, p.six), mark)
	}
}

// datagramText is the line above a table of what was seen.
func (t *explainText) datagramText(d *seenDatagram) string {
	first := &d.packets[0]
	what, verb := "request", "left"
	if d.Reply {
		what, verb = "reply", "came"
	}
	id := fmt.Sprintf(", id 0x%04x", first.ID)
	if first.six {
		if id = ""; first.isFragment() {
			id = fmt.Sprintf(", id 0x%08x", first.ID)
		}
	}
	ttl := "TTL"
	if first.six {
		ttl = "hop limit"
	}
	text := fmt.Sprintf("seen on %s: %s %d %s in %s%s, %s %d", safe.String(t.x.plan.device), what, d.Seq, verb, packets(len(d.packets)), id, ttl, first.TTL)
	if !d.whole() {
		text += "; not all of it was seen"
	}
	return text
}

func packets(n int) string { return count(n, "packet", "packets") }

// count is a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// complaint prints an ICMP error that was seen.
func (t *explainText) complaint(c *seenPacket) {
	if t.x.o.Quiet {
		return
	}
	t.line("  seen on %s: ICMP type %d code %d from %v after %s ms", safe.String(t.x.plan.device), c.Type, c.Code, c.Src, t.since(c, c.Seq))
	if c.isTimeout() {
		t.say("means", "fragment reassembly time exceeded: of request %d, id 0x%04x, a fragment did not arrive, so %v has thrown away the others: the whole datagram is lost",
			c.Seq, c.Quote.ID, c.Src)
		return
	}
	t.say("means", "%s; it quotes request %d, %d bytes", complaintText(c), c.Seq, c.Quote.TotalLength)
}

// complaintText is the sentence that ping has for an error.
func complaintText(c *seenPacket) string {
	if c.six {
		return icmpv6Sentence(c.Type, c.Code, c.MTU)
	}
	return icmpv4Sentence(c.Type, c.Code, c.MTU)
}

// close prints the summary of the run, and what the wire had beside the plan.
func (t *explainText) close(s *ping.Stats) error {
	if err := t.pingSink.close(s); err != nil {
		return err
	}
	x, n := t.x, &t.x.tally
	switch {
	case x.watch == nil:
	case n.Requests > 0:
		back := "no whole reply came"
		if n.Replies > 0 {
			back = fmt.Sprintf("%s came whole, in %s", count(n.Replies, "reply", "replies"), packets(n.ReplyPackets))
		}
		t.say("wire", "%d of %s left as planned, in %s; %s", n.AsPlanned, count(n.Requests, "request", "requests"), packets(n.Packets), back)
	case s.Transmitted == 0 && x.plan.refused:
		t.say("wire", "nothing left, as planned")
	default:
		t.say("wire", "nothing was seen leaving, against the plan")
	}
	if n.ReplyLongest > 0 {
		t.say("back", "the host, or a router on the way back, cut by an MTU from %d to %d: so long is the longest packet, to the next multiple of 8", n.ReplyLongest, n.ReplyLongest+7)
	}
	for _, text := range x.findings(s) {
		t.say("why", "%s", text)
	}
	if text := x.blindness(); text != "" {
		t.say("unseen", "%s", text)
	}
	return nil
}

// findings are the conclusions.
func (x *explanation) findings(s *ping.Stats) (list []string) {
	n := &x.tally
	if s.Lost() > s.Explained+int64(n.Timeouts) && (x.watch == nil || n.Requests > 0) && len(x.plan.pieces) > 1 {
		text := fmt.Sprintf("one lost fragment loses the whole datagram: where each packet is lost with probability p, all %d arrive with (1-p)^%d", len(x.plan.pieces), len(x.plan.pieces))
		if x.watch != nil {
			text += "; no host said that it waited in vain: it may yet, or the first fragment, the reply or that message was lost"
		}
		list = append(list, text)
	}
	if n.Timeouts > 0 {
		list = append(list, "the host waited for a fragment in vain, and gave up "+count(n.Timeouts, "datagram", "datagrams"))
	}
	if n.Incomplete > 0 {
		list = append(list, fmt.Sprintf("only a part was seen of %s", count(n.Incomplete, "datagram", "datagrams")))
	}
	if n.Strays > 0 {
		list = append(list, fmt.Sprintf("%s came from the host without the first of the datagram: whose cannot be known, but a reply may have lost its other fragments", count(n.Strays, "fragment", "fragments")))
	}
	if n.Drops > 0 {
		list = append(list, fmt.Sprintf("%s found no room in the packet socket and stayed unseen", packets(n.Drops)))
	}
	return list
}
