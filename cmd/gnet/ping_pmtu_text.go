package main

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"gnet/internal/safe"
	"gnet/ping/path"
	"gnet/ping/probe"
)

// pmtuText prints what a measurement found: the answer in the first line, then
// why.
type pmtuText struct {
	e   *env
	o   *pingOptions
	run *pathRun
	r   *path.Result
}

func newPMTUText(e *env, o *pingOptions, run *pathRun) *pmtuText {
	return &pmtuText{e: e, o: o, run: run}
}

// print prints all of it; with -v each probe follows.
func (t *pmtuText) print(r *path.Result, probes []*path.Probe) {
	t.r = r
	lines := []string{t.answer()}
	if !t.o.Quiet {
		lines = append(lines, t.reasons()...)
	}
	for _, line := range lines {
		fmt.Fprintf(t.e.Stdout, "%s\n", line)
	}
	if t.o.Verbose {
		for _, p := range probes {
			fmt.Fprintf(t.e.Stdout, "%s\n", t.probe(p))
		}
	}
}

// host is the destination with its address.
func (t *pmtuText) host() string {
	if name := safe.String(t.run.Name); name != t.run.Dest.String() {
		return fmt.Sprintf("%s (%v)", name, t.run.Dest)
	}
	return t.run.Dest.String()
}

func (t *pmtuText) answer() string {
	if !t.r.Reached {
		return fmt.Sprintf("path MTU to %s: not known, the host does not answer", t.host())
	}
	return fmt.Sprintf("path MTU to %s: %s there, %s back", t.host(), size(&t.r.Forward), size(&t.r.Reverse))
}

// size is the figure of a direction.
func size(d *path.Direction) string {
	switch {
	case d.Exact():
		return fmt.Sprintf("%d bytes", d.MTU)
	case d.MTU > 0:
		return fmt.Sprintf("at least %d bytes", d.MTU)
	}
	return "unknown"
}

// reasons are the lines behind the answer, each kind under its label.
func (t *pmtuText) reasons() []string {
	var lines []string
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, labelled(label, text)...)
		}
	}
	if t.r.Reached {
		add("limit", t.limit())
		add("why", t.cause())
		add("there", t.there())
		add("back", t.back())
	} else if h := t.r.Hint; h.MTU > 0 {
		add("limit", fmt.Sprintf("no more than %d bytes: %v names that as the MTU of its next link", h.MTU, h.From))
	}
	add("changed", t.changed())
	for _, f := range t.r.Forks {
		add("paths", fmt.Sprintf("hop %d answers from %s: there is more than one way, and another flow than that of the probes may find another MTU", f.Hop, joined(f.From)))
	}
	for _, text := range t.unknown() {
		add("unknown", text)
	}
	if n := t.r.OtherSource; n > 0 {
		add("doubt", fmt.Sprintf("replies to our probes come from %v, which was not asked (%s)", t.r.Other, times(n)))
	}
	for _, d := range t.r.Disbelieved {
		add("doubt", t.disbelief(&d))
	}
	for _, f := range t.r.Refusals {
		add("refused", fmt.Sprintf("%v says: %s (%s)", f.From, t.refusal(&f), times(f.Count)))
	}
	if len(t.run.Others) > 0 {
		add("other", "the name has more addresses, not measured: "+joined(t.run.Others))
	}
	add("effort", t.effort())
	return lines
}

const (
	pmtuWidth  = 80
	labelWidth = 11
)

// labelled wraps a text behind its label.
func labelled(label, text string) []string {
	var lines []string
	line := fmt.Sprintf("%-*s", labelWidth, "  "+label+":")
	empty := true
	for word := range strings.FieldsSeq(text) {
		if !empty && len(line)+1+len(word) > pmtuWidth {
			lines = append(lines, line)
			line, empty = strings.Repeat(" ", labelWidth), true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	return append(lines, line)
}

// limit says which link is the narrow one.
func (t *pmtuText) limit() string {
	l := &t.r.Limit
	switch {
	case !t.r.LimitKnown:
		return ""
	case t.r.Forward.Basis == path.OwnLink:
		return fmt.Sprintf("our own link, which carries %d bytes", t.r.DeviceMTU)
	}
	text := fmt.Sprintf("the link from %s to %s", hop(l.Hop, l.From), hop(l.NextHop, l.Next))
	if l.NextHop > l.Hop+1 {
		text = fmt.Sprintf("a link between %s and %s; the routers between them are silent", hop(l.Hop, l.From), hop(l.NextHop, l.Next))
	}
	if l.Named {
		return text + fmt.Sprintf(", for which the router names %d bytes", t.r.Forward.MTU)
	}
	return text + fmt.Sprintf(": longer packets reach the first and not the second (%s)", silence(&l.Evidence))
}

// hop names a router by number and address.
func hop(n int, a netip.Addr) string {
	switch {
	case n == 0:
		return "this host"
	case a.IsValid():
		return fmt.Sprintf("hop %d (%v)", n, a)
	}
	return fmt.Sprintf("hop %d", n)
}

// silence is the evidence of probes that were not answered.
func silence(e *path.Evidence) string {
	text := fmt.Sprintf("%d of %d", e.Answered, e.Sent)
	if e.Rounds > 1 {
		text += fmt.Sprintf(" in %d rounds", e.Rounds)
	}
	if e.Named > 0 {
		text += fmt.Sprintf(", %d refused by a router", e.Named)
	}
	if e.Confidence < 1 {
		text += fmt.Sprintf(", %s %% sure", nines(e.Confidence))
	}
	return text
}

// nines has as many nines as there are.
func nines(confidence float64) string {
	text := fmt.Sprintf("%.5f", 100*confidence)
	if text == "100.00000" {
		return "99.99999"
	}
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

// cause says why longer packets die.
func (t *pmtuText) cause() string {
	f := &t.r.Fragments
	const silent = "longer packets die without a word: "
	switch t.r.Cause {
	case path.Filtered:
		if t.run.Family == probe.IPv6 {
			return silent + "no Packet Too Big comes back; it is filtered or not sent"
		}
		return fmt.Sprintf("%s\"fragmentation needed\" is filtered; routers know their MTU, for they cut packets that they may (%d of %d arrive)", silent,
			f.Long.Answered+f.Cut.Answered+f.Datagrams.Answered, f.Long.Sent+f.Cut.Sent+f.Datagrams.Sent)
	case path.Mismatch:
		return fmt.Sprintf("%sthe two ends of that link have different MTUs; fragments arrive (%d of %d)", silent, f.Pieces.Answered, f.Pieces.Sent)
	case path.RequestFragments:
		return fmt.Sprintf("fragments do not arrive at the host: what must be cut is lost (%s)", t.fragments())
	case path.ReplyFragments:
		if t.r.Method == path.UDP {
			return fmt.Sprintf("fragments arrive at the host; its answers longer than %d bytes do not come back: the way back is narrower without a word, or drops fragments (%s)",
				t.r.Reverse.MTU, t.fragments())
		}
		return fmt.Sprintf("fragments arrive at the host, its own do not come back: long answers are lost (%s)", t.fragments())
	case path.MismatchOrFragments:
		return silent + "the two ends of that link have different MTUs, or fragments are dropped"
	}
	return ""
}

// fragments are the trials behind a verdict on fragments.
func (t *pmtuText) fragments() string {
	f := &t.r.Fragments
	text := fmt.Sprintf("answered: %d of %d long echo requests", f.Long.Answered+f.Cut.Answered, f.Long.Sent+f.Cut.Sent)
	if f.Datagrams.Sent > 0 {
		text += fmt.Sprintf(", %d of %d long datagrams", f.Datagrams.Answered, f.Datagrams.Sent)
	}
	if f.Pieces.Sent > 0 {
		text += fmt.Sprintf(", %d of %d small fragments", f.Pieces.Answered, f.Pieces.Sent)
	}
	return text
}

// changed says that there was more than one path.
func (t *pmtuText) changed() string {
	if t.r.Changes == 0 {
		return ""
	}
	text := "the path became narrower while it was measured"
	if t.r.Changes > 1 {
		text += ", " + times(t.r.Changes)
	}
	return text + "; this is what it is since"
}

// there is what the forward figure rests on.
func (t *pmtuText) there() string {
	f := &t.r.Forward
	if f.MTU == 0 {
		return ""
	}
	text := fmt.Sprintf("%d bytes are answered (%d of %d)", f.MTU, f.Fits.Answered, f.Fits.Sent)
	switch f.Basis {
	case path.Routers, path.Silence:
		if f.Fails.Sent > 0 && f.Fails.Named == f.Fails.Sent {
			return text + fmt.Sprintf(", a router refuses %d bytes (%d of %d)", f.MTU+1, f.Fails.Named, f.Fails.Sent)
		}
		return text + fmt.Sprintf(", %d bytes are not (%s)", f.MTU+1, silence(&f.Fails))
	}
	return text
}

// back is what the reverse figure rests on.
func (t *pmtuText) back() string {
	b := &t.r.Reverse
	switch {
	case b.MTU == 0:
		return ""
	case b.Basis == path.Replies:
		return fmt.Sprintf("replies of %d bytes come whole (%d), of %d bytes in fragments (%d)", b.MTU, b.Fits.Answered, b.MTU+1, b.Fails.Answered)
	case b.Basis == path.OwnLink:
		return fmt.Sprintf("replies of %d bytes come whole (%d)", b.MTU, b.Fits.Answered)
	}
	return fmt.Sprintf("replies of up to %d bytes come back", b.MTU)
}

// methodWords names the probes of a method.
func methodWords(m path.Method) string {
	return [...]string{"ICMP echo requests", "UDP datagrams to port 33434", "TCP SYNs to port 443"}[m]
}

// disbelief says why a router's word does not count.
func (t *pmtuText) disbelief(d *path.Disbelief) string {
	text := fmt.Sprintf("%v names an MTU of %d (%s)", d.From, d.MTU, times(d.Count))
	switch d.Reason {
	case path.NamesNone:
		return fmt.Sprintf("%v says that packets are too long and names no MTU (%s)", d.From, times(d.Count))
	case path.BelowMinimum:
		return text + ", less than any link may have"
	case path.NotSmaller:
		return text + fmt.Sprintf(", no less than the %d bytes it complains of", d.Size)
	}
	return text + fmt.Sprintf(", but %d bytes are answered", t.r.Forward.MTU)
}

// refusal is an ICMP error in ping's words.
func (t *pmtuText) refusal(f *path.Refusal) string {
	if t.run.Family == probe.IPv6 {
		return icmpv6Sentence(f.Type, f.Code, 0)
	}
	return icmpv4Sentence(f.Type, f.Code, 0)
}

// effort is what it took.
func (t *pmtuText) effort() string {
	r := t.r
	text := fmt.Sprintf("%s, %d probes, %d kB, %s", plural(r.Rounds, "round"), r.Probes, (r.Bytes+500)/1000, shortMS(r.Elapsed))
	if r.Reached {
		text += fmt.Sprintf("; %d of %d that fit lost; round trip %s to %s", r.Lost, r.Fitting, shortMS(r.RTTMin), shortMS(r.RTTMax))
	}
	if r.Reached && r.Method != path.Echo {
		text += "; by " + methodWords(r.Method)
	}
	return text
}

// probe is one probe in a line.
func (t *pmtuText) probe(p *path.Probe) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %v %d bytes", p.Round, p.Method, p.Size)
	switch {
	case p.Pieces:
		fmt.Fprintf(&b, " in fragments of %d", p.FragmentSize)
	case p.Fragment:
		b.WriteString(" may be fragmented")
	}
	if p.TTL > 0 {
		fmt.Fprintf(&b, " ttl %d", p.TTL)
	}
	fmt.Fprintf(&b, ": %s", strings.ReplaceAll(p.Fate.String(), "_", " "))
	if p.From.IsValid() {
		fmt.Fprintf(&b, " by %v in %s", p.From, shortMS(p.RTT))
	}
	for _, c := range p.Claims {
		fmt.Fprintf(&b, ", mtu %d by %v", c.MTU, c.From)
	}
	if p.Fate == path.Answered && p.Method == path.Echo && (p.Fragment || p.ReplyFragment > 0) {
		b.WriteString(cameBack(p))
	}
	return b.String()
}

// cameBack says how a reply came.
func cameBack(p *path.Probe) string {
	if p.ReplyFragment == 0 {
		return ", whole"
	}
	return fmt.Sprintf(", in fragments of up to %d", p.ReplyFragment)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// shortMS shows three digits of a time, of a second and more all of its milliseconds.
func shortMS(d time.Duration) string {
	if d >= 999500*time.Microsecond {
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	}
	return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
}

func joined(addrs []netip.Addr) string {
	var words []string
	for _, a := range addrs {
		words = append(words, a.String())
	}
	return strings.Join(words, ", ")
}
