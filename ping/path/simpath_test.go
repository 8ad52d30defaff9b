package path

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
	"gnet/ping"
	"gnet/ping/probe"
)

const ms = time.Millisecond

// simLink is one link of a simulated path.
type simLink struct {
	// forward and back are the MTUs of its two senders; back 0 is that of forward.
	forward, back int
	// takes is the length that its far end accepts on the way there, 0 for all.
	takes int
	// noFragments and noFragmentsBack drop fragments.
	noFragments, noFragmentsBack bool
}

// simRouter is the router behind the link of the same index.
type simRouter struct {
	// blind routers send no message about MTUs, mute ones nothing at all.
	blind, mute bool
	// from is an address to answer from, if not its own.
	from netip.Addr
	// says is the MTU that it names instead of the true one, -1 for 0.
	says int
	// rate limits its time exceeded messages: six, then one a second.
	rate bool
	sent int
	// spent says that it sends one time exceeded message a second, and has sent the last one to
	// somebody else: the next comes so long after the first packet for which there is none.
	spent time.Duration
	next  time.Duration
}

// simPath is a path as data: Conn and Clock over it, in virtual time. It has no
// packets, only their lengths.
type simPath struct {
	family  probe.Family
	links   []simLink
	routers []simRouter
	random  *rand.Rand
	// loss is the probability that a packet is lost, in each direction.
	loss float64
	// deaf hosts do not answer a method.
	deaf [3]bool
	// jitter is the most that an answer is late by chance, twins says that each
	// comes twice.
	jitter time.Duration
	twins  bool
	// forge makes other answers than the honest ones, on the way of each packet.
	forge func(n *simPath, p *Packet)
	// refuses are packets that our own kernel does not send.
	refuses func(p *Packet) bool
	// left is what an earlier probe has left on the socket, 0: nothing. Its report was read
	// before.
	left func(p *Packet) unix.Errno
	// replaced has the route of our own kernel replaced while each packet is sent for
	// the first time; failed is the number of the last of these, and 1.
	replaced bool
	failed   int
	// change happens at a time.
	change   func(n *simPath)
	changeAt time.Duration

	now      time.Duration
	arrivals []arrival
	learned  int // what the host knows of the way back, IPv6
	cached   int // what our kernel knows of the way there
	ports    int // port unreachable messages of the host
	sent     []Packet
	ends     []simEnd
	pieces   bool
}

// simEnd is where a packet ended, and when.
type simEnd struct {
	who netip.Addr
	at  time.Duration
}

// end notes that a packet ended at router i, or at the host behind them all.
func (n *simPath) end(i int) {
	who := n.host()
	if i >= 0 && i < len(n.routers) {
		who = n.routerAddr(i)
	}
	n.ends = append(n.ends, simEnd{who, n.now + time.Duration(i+1)*linkDelay})
}

type arrival struct {
	at time.Duration
	a  Answer
}

var (
	simHost4, simHost6 = netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("2001:db8::9")
	epoch              = time.Unix(1700000000, 0)
)

const (
	linkDelay = 2 * ms
)

func newSim(family probe.Family, seed uint64, links []simLink) *simPath {
	return &simPath{family: family, links: links, routers: make([]simRouter, len(links)-1), random: rand.New(rand.NewPCG(seed, 7))}
}

func mtus(mtus ...int) []simLink {
	var links []simLink
	for _, m := range mtus {
		links = append(links, simLink{forward: m})
	}
	return links
}

func (n *simPath) host() netip.Addr {
	if n.family == probe.IPv6 {
		return simHost6
	}
	return simHost4
}

func (n *simPath) routerAddr(i int) netip.Addr {
	if r := n.routers[i]; r.from.IsValid() {
		return r.from
	}
	if n.family == probe.IPv6 {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:%d::1", i+1))
	}
	return netip.MustParseAddr(fmt.Sprintf("198.51.100.%d", i+1))
}

func (n *simPath) Now() ping.Instant { return ping.Instant{Mono: n.now, Wall: epoch.Add(n.now)} }

func (n *simPath) Wake() {}

func (n *simPath) Wait(d time.Duration) error {
	until := n.now + d
	if len(n.arrivals) > 0 && n.arrivals[0].at < until {
		until = n.arrivals[0].at
	}
	if n.change != nil && n.changeAt > n.now && n.changeAt < until {
		until = n.changeAt
	}
	if d < 0 {
		return errors.New("waits for ever")
	}
	n.now = max(n.now, until) + 3*time.Microsecond
	n.mayChange()
	return nil
}

func (n *simPath) mayChange() {
	if n.change != nil && n.now >= n.changeAt {
		n.change(n)
		n.change = nil
	}
}

func (n *simPath) Receive() (*Answer, error) {
	if len(n.arrivals) == 0 || n.arrivals[0].at > n.now {
		return nil, nil
	}
	a := n.arrivals[0].a
	n.arrivals = n.arrivals[1:]
	return &a, nil
}

func (n *simPath) deliver(after time.Duration, a Answer) {
	copies := 1
	if n.twins {
		copies = 2
	}
	for range copies {
		late := time.Duration(0)
		if n.jitter > 0 {
			late = time.Duration(n.random.Int64N(int64(n.jitter)))
		}
		n.arrivals = append(n.arrivals, arrival{n.now + after + late, a})
	}
	slices.SortStableFunc(n.arrivals, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
}

func (n *simPath) lost(pieces int) bool {
	lost := false
	for range pieces {
		lost = n.random.Float64() < n.loss || lost
	}
	return lost
}

func (n *simPath) Send(p *Packet) error {
	n.now += 10 * time.Microsecond
	n.mayChange()
	if p.Size > n.links[0].forward && !p.Fragment {
		n.deliver(0, Answer{Kind: LocalError, Info: uint32(n.links[0].forward)})
		return unix.EMSGSIZE
	}
	if n.replaced && n.failed != int(p.Number)+1 {
		n.failed = int(p.Number) + 1
		if n.family == probe.IPv6 {
			return unix.EINVAL
		}
		n.deliver(0, Answer{Kind: LocalError, Info: 68})
		return unix.EMSGSIZE
	}
	if p.Method == TCP && n.deaf[TCP] && n.deaf[UDP] && n.deaf[Echo] {
		return unix.EOPNOTSUPP
	}
	if n.refuses != nil && n.refuses(p) {
		return unix.EPERM
	}
	if n.left != nil {
		if errno := n.left(p); errno != 0 {
			return errno
		}
	}
	n.sent = append(n.sent, *p)
	if n.forge != nil {
		n.forge(n, p)
	}
	n.travel(p)
	return nil
}

// travel carries a packet to where it ends.
func (n *simPath) travel(p *Packet) {
	sizes := n.atSource(p)
	if n.lost(len(sizes)) {
		return
	}
	for i, link := range n.links {
		if p.TTL == i && i > 0 {
			n.end(i - 1)
			n.exceed(p, i-1)
			return
		}
		out, narrow := n.cut(sizes, link.forward, (p.Fragment || p.Pieces) && n.family == probe.IPv4)
		if narrow {
			n.end(i - 1)
			n.tooBig(p, i-1, link.forward)
			return
		}
		sizes = out
		if link.takes > 0 && slices.Max(sizes) > link.takes || link.noFragments && len(sizes) > 1 {
			return
		}
	}
	n.end(len(n.routers))
	n.arrive(p)
}

func (n *simPath) atSource(p *Packet) []int {
	switch {
	case p.Pieces:
		sizes, _ := n.cut([]int{p.Size}, p.FragmentSize, true)
		return sizes
	case !p.Fragment || p.Size <= cmp.Or(n.cached, n.links[0].forward): // the kernel does not look at FragmentSize before
		return []int{p.Size}
	}
	mtu := n.links[0].forward
	if n.family == probe.IPv6 {
		mtu = p.FragmentSize
	}
	sizes, _ := n.cut([]int{p.Size}, mtu, true)
	return sizes
}

// cut cuts packets to an MTU; narrow is what it says when one may not be cut.
func (n *simPath) cut(sizes []int, mtu int, may bool) (out []int, narrow bool) {
	header := 20
	if n.family == probe.IPv6 {
		header = 48
	}
	for _, s := range sizes {
		if s <= mtu {
			out = append(out, s)
			continue
		}
		if !may {
			return nil, true
		}
		chunk := (mtu - header) &^ 7
		data := s - 20
		if n.family == probe.IPv6 {
			data = s - 40
		}
		for ; data > 0; data -= chunk {
			out = append(out, header+min(chunk, data))
		}
	}
	return out, false
}

// about is an error of router i about p.
func (n *simPath) about(p *Packet, i int, typ, code uint8, info uint32) {
	if n.routers[i].mute || n.lost(1) {
		return
	}
	if typ == wire.ICMPv6TooBig && n.family == probe.IPv6 && info >= 1280 && (n.cached == 0 || int(info) < n.cached) {
		n.cached = int(info)
	}
	n.deliver(time.Duration(2*(i+1))*linkDelay, Answer{Kind: ICMPError, Method: p.Method, Number: p.Number, Cookie: p.Cookie, HasCookie: true,
		From: n.routerAddr(i), About: n.host(), Type: typ, Code: code, Info: info, TTL: 64 - i})
}

func (n *simPath) exceed(p *Packet, i int) {
	r := &n.routers[i]
	if r.rate && r.sent >= 6+int(n.now/time.Second) {
		return
	}
	r.sent++
	if r.spent > 0 {
		at := n.now + time.Duration(i+1)*linkDelay
		if r.next == 0 {
			r.next = at + r.spent
		}
		if at < r.next {
			return
		}
		r.next = at + time.Second
	}
	if n.family == probe.IPv6 {
		n.about(p, i, wire.ICMPv6TimeExceeded, 0, 0)
		return
	}
	n.about(p, i, wire.ICMPv4TimeExceeded, 0, 0)
}

func (n *simPath) tooBig(p *Packet, i, mtu int) {
	if i < 0 || n.routers[i].blind {
		return
	}
	if says := n.routers[i].says; says != 0 {
		mtu = max(says, 0)
	}
	n.claim(p, i, mtu)
}

// claim is a message of router i that p is too big.
func (n *simPath) claim(p *Packet, i, mtu int) {
	if n.family == probe.IPv6 {
		n.about(p, i, wire.ICMPv6TooBig, 0, uint32(mtu))
		return
	}
	n.about(p, i, wire.ICMPv4Unreachable, wire.ICMPv4FragNeeded, uint32(mtu))
}

// arrive makes the host answer.
func (n *simPath) arrive(p *Packet) {
	if n.deaf[p.Method] {
		return
	}
	back := time.Duration(2*len(n.links)) * linkDelay
	a := Answer{Kind: Reply, Method: p.Method, Number: p.Number, Cookie: p.Cookie, HasCookie: true, From: n.host(), TTL: 64 - len(n.links) + 1, Size: 44}
	switch p.Method {
	case UDP:
		if n.ports >= 6+int(n.now/time.Second) {
			return
		}
		n.ports++
		a.Kind, a.About, a.Type, a.Code = ICMPError, n.host(), wire.ICMPv4Unreachable, 3
		if n.family == probe.IPv6 {
			a.Type, a.Code = wire.ICMPv6Unreachable, 4
		}
	case Echo:
		var ok bool
		if a.FragmentSize, ok = n.reply(p.Size); !ok {
			return
		}
		a.Size = p.Size
	}
	if n.lost(1) {
		return
	}
	n.deliver(back, a)
}

// reply carries an echo reply back: the largest fragment in which it comes, 0 when
// whole, and whether it does.
func (n *simPath) reply(size int) (fragment int, ok bool) {
	sizes := []int{size}
	if n.family == probe.IPv6 && n.learned > 0 {
		sizes, _ = n.cut(sizes, n.learned, true)
	}
	for _, link := range slices.Backward(n.links) {
		mtu := cmp.Or(link.back, link.forward)
		var narrow bool
		if sizes, narrow = n.cut(sizes, mtu, n.family == probe.IPv4); narrow {
			n.learned = mtu
			return 0, false
		}
		if link.noFragmentsBack && len(sizes) > 1 {
			return 0, false
		}
	}
	if len(sizes) == 1 {
		return 0, true
	}
	return slices.Max(sizes), !n.lost(len(sizes) - 1)
}

// measure runs a measurement over n and tells each round in a line.
func (n *simPath) measure(t *testing.T, change func(*Config)) (*Result, []string) {
	t.Helper()
	cookie := uint64(0xc0)
	c := Config{Target: n.host(), DeviceMTU: n.links[0].forward, Methods: []Method{TCP, UDP}, Pieces: n.pieces,
		Random: func() uint64 { cookie++; return cookie << 20 }}
	if change != nil {
		change(&c)
	}
	m := New(n, n, c)
	var lines []string
	var line strings.Builder
	round := 0
	for s, err := range m.Run(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Round != round {
			lines, round = append(lines, line.String()), s.Round
			line.Reset()
		}
		fmt.Fprintf(&line, " %v %d", s.Method, s.Size)
		if s.TTL > 0 {
			fmt.Fprintf(&line, "@%d", s.TTL)
		}
		if s.Fragment {
			line.WriteString("f")
		}
		fmt.Fprintf(&line, ":%v", s.Fate)
	}
	return m.Result(), append(lines, line.String())[1:]
}

// short is the result in a line.
func short(r *Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v forward %d %v, reverse %d %v", r.Method, r.Forward.MTU, r.Forward.Basis, r.Reverse.MTU, r.Reverse.Basis)
	if r.LimitKnown {
		fmt.Fprintf(&b, ", behind hop %d", r.Limit.Hop)
		if r.Limit.NextHop != r.Limit.Hop+1 {
			fmt.Fprintf(&b, " before %d", r.Limit.NextHop)
		}
		if r.Limit.Named {
			b.WriteString(" named")
		}
	}
	if r.Cause != NoCause {
		fmt.Fprintf(&b, ", %v", r.Cause)
	}
	if !r.Reached {
		b.Reset()
		b.WriteString("no answer")
	}
	if r.Changes > 0 {
		fmt.Fprintf(&b, ", changed %d", r.Changes)
	}
	for _, d := range r.Disbelieved {
		fmt.Fprintf(&b, ", not %d: %v", d.MTU, d.Reason)
	}
	return b.String()
}
