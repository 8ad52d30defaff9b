package ping_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"time"

	"gnet/ping"
	"gnet/ping/probe"
)

// A run over a real socket: five probes, a tenth of a second apart.
func Example() {
	target := netip.MustParseAddr("192.0.2.1")
	socket, err := probe.Open(probe.IPv4, false)
	if err != nil {
		log.Fatal(err) // a *probe.SocketError, which knows if a right is missing
	}
	defer socket.Close()
	err = socket.Configure(probe.Config{Dest: target, TTL: -1, TOS: -1, ID: 4711, TransmitStamps: true})
	if err != nil {
		log.Fatal(err)
	}
	pinger := ping.New(socket, ping.NewSystemClock(), ping.Config{
		Family: socket.Family(), Mode: socket.Mode(), ID: socket.ID(), Target: target,
		Count: 5, Interval: 100 * time.Millisecond, Wait: time.Second, Size: 56,
	})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for event, err := range pinger.Run(ctx) {
		if err != nil {
			log.Fatal(err) // the socket does not work any more
		}
		fmt.Println(event.Kind, event.Seq, event.From, event.RTT)
	}
	loss, ok := pinger.Stats().Loss()
	fmt.Println(loss, ok) // ok is false when nothing could be sent
}

// Every kind of event is a value, and what it means for the figures is in Stats.
func ExamplePinger_Run() {
	network := newNetwork()
	pinger := ping.New(network, network, ping.Config{
		Family: probe.IPv4, Mode: probe.Raw, ID: 4711, Target: host, Count: 4, Interval: time.Second, Wait: time.Second, Size: 56,
	})
	for event, err := range pinger.Run(context.Background()) {
		switch {
		case err != nil:
			fmt.Println("end:", err)
		case event.Kind == ping.Reply:
			fmt.Printf("%v %d from %v in %v, by %v\n", event.Kind, event.Seq, event.From, event.RTT, event.Source)
		case event.Kind == ping.ICMPError:
			fmt.Printf("%v %d from %v: type %d, code %d\n", event.Kind, event.Seq, event.From, event.Type, event.Code)
		}
	}
	s := pinger.Stats()
	fmt.Printf("%d sent, %d received, %d lost, %d of them explained\n", s.Transmitted, s.Received, s.Lost(), s.Explained)
	// Output:
	// reply 1 from 192.0.2.1 in 7ms, by kernel_receive
	// icmp_error 3 from 198.51.100.1: type 11, code 0
	// reply 4 from 192.0.2.1 in 7ms, by kernel_receive
	// 4 sent, 2 received, 2 lost, 1 of them explained
}

// A Distribution is filled in by a run, or by hand.
func ExampleDistribution() {
	var d ping.Distribution
	for ms := range 100 {
		d.Add(time.Duration(ms+1)*time.Millisecond, ping.KernelKernel)
	}
	for _, share := range []float64{0.5, 0.99} {
		rtt, _ := d.Quantile(share)
		fmt.Println(rtt.Round(time.Millisecond))
	}
	for bucket := range d.Histogram(1) {
		if bucket.Count > 20 {
			fmt.Println(bucket.From.Round(time.Millisecond), bucket.To.Round(time.Millisecond), bucket.Count)
		}
	}
	// Output:
	// 50ms
	// 99ms
	// 34ms 67ms 34
	// 67ms 134ms 33
}

var (
	host   = netip.AddrFrom4([4]byte{192, 0, 2, 1})
	router = netip.AddrFrom4([4]byte{198, 51, 100, 1})
)

// network is a Conn and a Clock: a network in memory, in which time passes when
// somebody waits. It answers the first probe and the fourth, loses the second,
// and a router complains about the third.
type network struct {
	now     time.Duration
	sent    int
	waiting []delivery
}

type delivery struct {
	at      time.Duration
	message probe.Message
}

func newNetwork() *network { return &network{} }

func (n *network) Now() ping.Instant { return ping.Instant{Mono: n.now, Wall: n.wall(n.now)} }

func (n *network) wall(at time.Duration) time.Time { return time.Unix(1_000_000_000, 0).Add(at) }

func (n *network) Send(request []byte) error {
	n.sent++
	at := n.now + 7*time.Millisecond
	data := append([]byte(nil), request...)
	switch n.sent {
	case 1, 4:
		data[0] = 0 // an echo reply, with all that the request had
		n.waiting = append(n.waiting, delivery{at, probe.Message{Kind: probe.Packet, Data: data, From: host, TTL: 63, Stamp: n.wall(at)}})
	case 3:
		n.waiting = append(n.waiting, delivery{at, probe.Message{Kind: probe.ICMPError, Data: data, From: host, Offender: router,
			TTL: -1, Type: 11, Stamp: n.wall(at)}})
	}
	return nil
}

func (n *network) Receive() (*probe.Message, error) {
	if len(n.waiting) == 0 || n.waiting[0].at > n.now {
		return nil, nil
	}
	m := n.waiting[0].message
	n.waiting = n.waiting[1:]
	return &m, nil
}

func (n *network) Wait(d time.Duration) error {
	until := n.now + d
	if len(n.waiting) > 0 {
		until = min(until, n.waiting[0].at)
	}
	n.now = until
	return nil
}

func (n *network) Wake() {}
