package stackprobe_test

import (
	"slices"
	"strings"
	"testing"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// counterRun is a run whose kernel must have counted what the events show. keeps says that the kernel's socket is there to the end, so that
// TCP_INFO is too.
type counterRun struct {
	name           string
	kernel         event.Host
	ipv6, keeps    bool
	bytes, conns   int
	faults         []string
	client, server string
}

var counterRuns = []counterRun{
	{name: "plain", kernel: cl, keeps: true, bytes: 40_000},
	{name: "plain-6", kernel: cl, ipv6: true, keeps: true, bytes: 40_000},
	{name: "plain-server", kernel: sv, bytes: 40_000},
	{name: "plain-server-6", kernel: sv, ipv6: true, bytes: 40_000},
	{name: "data-lost", kernel: cl, keeps: true, bytes: 40_000, faults: []string{"client> drop data 3"}},
	{name: "data-lost-server-6", kernel: sv, ipv6: true, bytes: 40_000, faults: []string{"server> drop data 3"}},
	{name: "peers-data-lost", kernel: cl, ipv6: true, keeps: true, bytes: 40_000, faults: []string{"server> drop data 4-5"}},
	{name: "random-loss", kernel: cl, keeps: true, bytes: 60_000, faults: []string{"loss 4%"}},
	{name: "random-loss-server", kernel: sv, bytes: 60_000, faults: []string{"loss 4%"}},
	{name: "syn-lost", kernel: cl, ipv6: true, keeps: true, bytes: 3000, faults: []string{"client> drop syn 1"}},
	{name: "synack-lost", kernel: sv, bytes: 3000, faults: []string{"server> drop synack 1"}},
	{name: "synack-lost-client", kernel: cl, keeps: true, bytes: 3000, faults: []string{"server> drop synack 1"}},
	{name: "synack-timer", kernel: sv, bytes: 3000, faults: []string{"server> drop synack 1", "client> drop syn 2"}},
	{name: "synack-timer-6", kernel: sv, ipv6: true, bytes: 3000, faults: []string{"server> drop synack 1", "client> drop syn 2"}},
	{name: "final-ack-lost-6", kernel: sv, ipv6: true, bytes: 0, faults: []string{"client> drop ack 1"}},
	{name: "damaged", kernel: cl, keeps: true, bytes: 20_000, faults: []string{"corrupt data 2"}},
	{name: "damaged-server-6", kernel: sv, ipv6: true, bytes: 20_000, faults: []string{"corrupt data 2"}},
	{name: "copied", kernel: cl, keeps: true, bytes: 20_000, faults: []string{"dup data 3"}},
	{name: "copied-server-6", kernel: sv, ipv6: true, bytes: 20_000, faults: []string{"dup data 3"}},
	{name: "reordered", kernel: cl, keeps: true, bytes: 40_000, faults: []string{"reorder by 3 data 4"}},
	{name: "reordered-server", kernel: sv, bytes: 40_000, faults: []string{"reorder by 3 data 4"}},
	{name: "acks-lost", kernel: cl, keeps: true, bytes: 20_000, faults: []string{"server> drop ack 3-8"}},
	{name: "tail-lost", kernel: cl, keeps: true, bytes: 0, faults: []string{"client> drop data 3"}, client: "role source bytes 4000", server: "role sink"},
	{name: "link-down", kernel: cl, keeps: true, bytes: 0, faults: []string{"down 60ms..900ms"}, client: "role source bytes 40000", server: "role sink"},
	{name: "link-down-server-6", kernel: sv, ipv6: true, bytes: 0, faults: []string{"down 60ms..900ms"}, client: "role sink", server: "role source bytes 40000"},
	{name: "window-closed", kernel: cl, keeps: true, bytes: 0, client: "role source bytes 20000", server: "role sink read-start 2s rcvbuf 4096"},
	{name: "window-closes-6", kernel: cl, ipv6: true, bytes: 0, client: "role sink read-start 1s rcvbuf 4096", server: "role source bytes 30000"},
	{name: "keepalive", kernel: cl, keeps: true, bytes: 100, faults: []string{"down 1s.."}, client: "close never keepalive 1s,1s,2"},
	{name: "reset", kernel: cl, bytes: 1000, client: "close reset"},
	{name: "refused", kernel: sv, bytes: 100, server: "listen off"},
	{name: "several", kernel: cl, bytes: 5000, conns: 5, faults: []string{"loss 2%"}},
	{name: "several-server-6", kernel: sv, ipv6: true, bytes: 5000, conns: 5, faults: []string{"loss 2%"}},
	{name: "no-sack", kernel: cl, keeps: true, bytes: 40_000, faults: []string{"client> drop data 3"}, client: "sack off"},
	{name: "path-mtu", kernel: cl, keeps: true, bytes: 20_000, faults: []string{"client> mtu 1200 icmp"}},
}

const (
	cl = event.Client
	sv = event.Server
)

// config makes the run.
func (r *counterRun) config(t *testing.T) stackprobe.Config {
	t.Helper()
	c := tunConfig(t, r.bytes, r.faults...)
	c.Client, c.IPv6, c.Conns = stackprobe.Kernel, r.ipv6, r.conns
	if r.kernel == sv {
		c.Client = stackprobe.Engine
	}
	for h, words := range map[event.Host]string{cl: r.client, sv: r.server} {
		o, err := app.ParseOptions(words)
		if err != nil {
			t.Fatal(err)
		}
		c.Ends[h] = o
	}
	return c
}

// figures gives the figures of events that analyze has seen.
func figures(events []event.Event) *analyze.Figures {
	var f analyze.Figures
	for i := range events {
		f.Add(&events[i])
	}
	return &f
}

// compared lists what the kernel at h has counted beside the events, of the whole and of each connection.
func compared(f *analyze.Figures, h event.Host) []analyze.Count {
	list := f.Counts(h)
	conns, _ := f.Connections()
	for _, c := range conns {
		list = append(list, c.Infos(h)...)
	}
	return list
}

// TestKernelCountsWhatTheEventsShow holds the events of whole runs to what the kernel has counted itself, in /proc/net/snmp and netstat of its
// namespace and in TCP_INFO of its connections: segments, octets, retransmissions by reason, timeouts, probes, DSACKs, wrong checksums, closed
// windows.
func TestKernelCountsWhatTheEventsShow(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	met := make(chan string, 1000)
	t.Run("runs", func(t *testing.T) {
		for _, r := range counterRuns {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				events := collect(t, r.config(t))
				for _, c := range compared(figures(events), r.kernel) {
					if c.Differs() || r.keeps && c.Stack != c.Events {
						t.Errorf("%s (%s): the kernel says %d, the events %d %s", c.Name, c.What, c.Stack, c.Events, c.Apart)
					}
					met <- c.Name
				}
			})
		}
	})
	close(met)
	names := make(map[string]bool)
	for name := range met {
		names[name] = true
	}
	for _, name := range countedNames {
		if !names[name] {
			t.Errorf("%s: no run has met it", name)
		}
	}
}

// countedNames are the counters that the runs must have moved.
var countedNames = strings.Fields(`TcpInSegs TcpInCsumErrors TcpOutSegs TcpRetransSegs TcpOutRsts TcpExtTCPOrigDataSent TcpExtTCPSynRetrans
	TcpExtTCPTimeouts TcpExtTCPFastRetrans TcpExtTCPLossProbes TcpExtTCPKeepAlive TcpExtTCPWinProbe TcpExtTCPToZeroWindowAdv
	TcpExtTCPFromZeroWindowAdv TcpExtTCPDSACKOldSent+TcpExtTCPDSACKOfoSent tcpi_segs_in tcpi_segs_out tcpi_data_segs_in tcpi_data_segs_out
	tcpi_total_retrans tcpi_bytes_sent tcpi_bytes_retrans tcpi_bytes_acked tcpi_bytes_received`)

// TestOneEventLess: no segment can be missing from the events of a kernel's end, and no expiry of its timer, without a counter that differs.
func TestOneEventLess(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for _, i := range []int{
		slices.IndexFunc(counterRuns, func(r counterRun) bool { return r.name == "data-lost" }),
		slices.IndexFunc(counterRuns, func(r counterRun) bool { return r.name == "synack-lost-client" }),
		slices.IndexFunc(counterRuns, func(r counterRun) bool { return r.name == "damaged-server-6" }),
		slices.IndexFunc(counterRuns, func(r counterRun) bool { return r.name == "synack-timer" }),
	} {
		r := counterRuns[i]
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			c := r.config(t)
			c.Bytes = min(c.Bytes, 10_000)
			events := collect(t, c)
			left := 0
			for i := range events {
				e := &events[i]
				expired := e.Kind == event.KindTimer && e.Timer.Op == event.Fired && (e.Timer.Kind == event.RTO || e.Timer.Kind == event.TimerSyn || e.Timer.Kind == event.TimerSynAck)
				if e.Host != r.kernel || e.Kind != event.KindTx && e.Kind != event.KindRx && !expired {
					continue
				}
				left++
				rest := slices.Delete(slices.Clone(events), i, i+1)
				track := analyze.New()
				for k := range rest {
					track.Add(&rest[k])
				}
				if !slices.ContainsFunc(compared(figures(rest), r.kernel), func(c analyze.Count) bool { return c.Differs() }) {
					t.Errorf("event %d, %v of segment %d: nobody misses it", e.N, e.Kind, e.Seg.ID)
				}
			}
			if left == 0 {
				t.Error("nothing was left out")
			}
		})
	}
}
