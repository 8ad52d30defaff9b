package ping

import (
	"cmp"
	"context"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// sweepNet is SweepConn and Clock: what each target does is data, and the clock
// moves only when the engine sends or waits.
type sweepNet struct {
	now      time.Duration
	wait     func(d time.Duration)
	targets  map[netip.Addr]sweepHost
	arrivals []sweepArrival
	sorted   bool
	// refused are the results of the send calls for a target, in order.
	refused map[netip.Addr][]sendResult
	sent    []probe.Outgoing
	at      []time.Duration
	calls   int
	inside  int // the most probes that were under way
	last    probe.Received
}

// sweepHost is what comes back for each probe of a target.
type sweepHost []sweepAnswer

type sweepAnswer struct {
	after  time.Duration
	from   netip.Addr // the target when not set
	mangle func(b []byte) []byte
	err    *probe.Message
	badSum bool
	// only is the number of the probe that is answered so, 0: each.
	only uint16
}

type sweepArrival struct {
	at time.Duration
	m  probe.Received
}

func (n *sweepNet) Now() Instant { return Instant{Mono: n.now, Wall: epoch.Add(n.now)} }

func (n *sweepNet) Send(datagrams []probe.Outgoing) (int, error) {
	n.calls++
	for i, d := range datagrams {
		if results := n.refused[d.To]; len(results) > 0 {
			if i > 0 {
				return i, nil
			}
			n.refused[d.To] = results[1:]
			for _, m := range results[0].queued {
				m.From = d.To
				n.add(0, probe.Received{Message: &m, Family: familyOfTest(d.To)})
			}
			if results[0].err != nil {
				return 0, results[0].err
			}
		}
		n.now += 5 * time.Microsecond
		n.take(d)
	}
	return len(datagrams), nil
}

func familyOfTest(a netip.Addr) probe.Family {
	if a.Is4() {
		return probe.IPv4
	}
	return probe.IPv6
}

func (n *sweepNet) take(d probe.Outgoing) {
	request := slices.Clone(d.Data)
	n.sent = append(n.sent, probe.Outgoing{To: d.To, Data: request, Tag: d.Tag})
	n.at = append(n.at, n.now)
	family := familyOfTest(d.To)
	n.add(0, probe.Received{Message: &probe.Message{Kind: probe.TransmitStamp, Stamp: epoch.Add(n.now)}, Family: family, Tag: d.Tag})
	for _, a := range n.targets[d.To] {
		if a.only != 0 && a.only != binary.BigEndian.Uint16(request[6:]) {
			continue
		}
		reply := slices.Clone(request)
		reply[0] = wire.ICMPv4EchoReply
		if family == probe.IPv6 {
			reply[0] = wire.ICMPv6EchoReply
		}
		if a.mangle != nil {
			reply = a.mangle(reply)
		}
		m := &probe.Message{Kind: probe.Packet, Data: reply, From: cmp.Or(a.from, d.To), TTL: 61, BadChecksum: a.badSum}
		if a.err != nil {
			copied := *a.err
			m = &copied
			m.Data, m.From = request, d.To
			if a.mangle != nil {
				m.Data = a.mangle(slices.Clone(request))
			}
		}
		m.Stamp = epoch.Add(n.now + a.after)
		n.add(a.after, probe.Received{Message: m, Family: family})
	}
	n.inside = max(n.inside, len(n.arrivals))
}

func (n *sweepNet) add(after time.Duration, m probe.Received) {
	m.First = true
	n.arrivals = append(n.arrivals, sweepArrival{n.now + after, m})
	n.sorted = false
}

func (n *sweepNet) Receive() (*probe.Received, error) {
	if !n.sorted {
		slices.SortStableFunc(n.arrivals, func(a, b sweepArrival) int { return cmp.Compare(a.at, b.at) })
		n.sorted = true
	}
	if len(n.arrivals) == 0 || n.arrivals[0].at > n.now {
		return nil, nil
	}
	n.last = n.arrivals[0].m
	n.arrivals = n.arrivals[1:]
	return &n.last, nil
}

func (n *sweepNet) Wait(d time.Duration) error {
	until := n.now + d
	if len(n.arrivals) > 0 && (d < 0 || n.arrivals[0].at < until) {
		until = n.arrivals[0].at
	} else if d < 0 {
		return errDone
	}
	n.now = max(n.now, until) + 5*time.Microsecond // waking up takes its time
	if n.wait != nil {
		n.wait(n.now)
	}
	return nil
}

func (n *sweepNet) Wake() {}

// addrs are 192.0.2.1 and so on.
func addrs(n int) []netip.Addr {
	list := make([]netip.Addr, n)
	list[0] = netip.MustParseAddr("10.0.0.1")
	for i := 1; i < n; i++ {
		list[i] = list[i-1].Next()
	}
	return list
}

// sweepConfig is ping -c COUNT -i 1 of some targets.
func sweepConfig(count int64, targets ...netip.Addr) SweepConfig {
	cookie := uint64(0)
	return SweepConfig{
		Targets: targets, IPv4: SweepSocket{probe.Raw, testID}, IPv6: SweepSocket{probe.Datagram, testID + 1}, Count: count,
		Interval: time.Second, Wait: 2 * time.Second, Size: 56, Stamped: true, Random: func() uint64 { cookie += 0x9e3779b97f4a7c15; return cookie },
	}
}

// runSweep plays a net and returns the events as lines.
func runSweep(t *testing.T, c SweepConfig, n *sweepNet) ([]string, *Sweep) {
	t.Helper()
	s := NewSweep(n, n, c)
	if n.targets == nil {
		n.targets = map[netip.Addr]sweepHost{}
	}
	var lines []string
	for ev, err := range s.Run(context.Background()) {
		if err != nil {
			lines = append(lines, "end: "+err.Error())
			break
		}
		lines = append(lines, eventLine(ev)+targetOf(ev))
	}
	return lines, s
}

func targetOf(ev *Event) string {
	if ev.Target < 0 {
		return " of none"
	}
	return " of " + string(rune('a'+ev.Target))
}
