package main

import (
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

// pmtuLab is the usual path and gnet as ping in it.
type pmtuLab struct {
	*nstest.Path
	ping string
}

// inPMTULab runs body in one.
func inPMTULab(t *testing.T, body func(t *testing.T, lab *pmtuLab)) {
	t.Helper()
	nstest.InNetns(t, func(t *testing.T) {
		lab := &pmtuLab{nstest.NewPath(t, nstest.PathMTUs()...), publicDir(t) + "/ping"}
		copyExecutable(t, lab.ping)
		body(t, lab)
	})
}

// said is what a run prints, what varies taken away, with its status.
type said struct {
	Stdout, Stderr string
	Status         int
}

func saidBy(r nstest.Result) said { return said{steadyPMTU(r.Stdout), r.Stderr, r.Status} }

// endedEarly is what is known when a run ends while the second round waits: the
// server answers what the first one asks.
const endedEarly = `path MTU to 10.77.4.2: at least 1400 bytes there, at least 1400 bytes back
  there:   1400 bytes are answered (N of N)
  back:    replies of up to 1400 bytes come back
  unknown: the exact MTU of the way back: the probes ended before that was clear
  unknown: how much longer packets may be: the probes ended before that was clear
  effort`

// TestPMTU_interrupted: what is known by then is said.
func TestPMTU_interrupted(t *testing.T) {
	nstest.Peer(t, "nft")
	for _, tt := range []struct{ line, stdout string }{{"", endedEarly}, {"-q ", strings.SplitN(endedEarly, "\n", 2)[0]}} {
		t.Run("--pmtu "+tt.line, func(t *testing.T) {
			inPMTULab(t, func(t *testing.T, lab *pmtuLab) {
				lab.Blind(t, 1)
				lab.Blind(t, 2)
				second := make(chan struct{})
				var silent bool
				lab.answer(t, func(r *nstest.Responder, q nstest.EchoRequest) {
					switch {
					case silent:
					case q.Seq > 12: // the first round has 13 probes
						silent = true
						close(second)
					default:
						r.Reply(q, q.Answer())
					}
				})
				cmd := exec.Command(lab.ping, strings.Fields("--pmtu "+tt.line+"10.77.4.2")...)
				var stdout, stderr strings.Builder
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				lab.Client().Start(t, cmd)
				<-second
				cmd.Process.Signal(os.Interrupt)
				cmd.Wait()
				got := saidBy(nstest.Result{Stdout: stdout.String(), Stderr: stderr.String(), Status: cmd.ProcessState.ExitCode()})
				if diff := cmp.Diff(said{tt.stdout, "ping: ended before all was known\n", 1}, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		})
	}
}

// TestPMTU_deadline: -w ends what would take longer: a host that answers datagrams
// alone, which it does once a second.
func TestPMTU_deadline(t *testing.T) {
	nstest.Peer(t, "nft")
	inPMTULab(t, func(t *testing.T, lab *pmtuLab) {
		lab.Blind(t, 2)
		lab.Drop(t, 4, "iifname left meta l4proto { icmp, tcp }")
		lab.LimitErrors(t, 4)
		got := saidBy(lab.Client().Run(t, lab.ping, "--pmtu", "-q", "-w", "4", "10.77.4.2"))
		got.Stdout = regexp.MustCompile(`\d+ bytes there`).ReplaceAllString(got.Stdout, "N bytes there")
		if diff := cmp.Diff(said{"path MTU to 10.77.4.2: at least N bytes there, unknown back", "ping: ended before all was known\n", 1}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// TestPMTU_names: a name with addresses of both families, and options that choose.
func TestPMTU_names(t *testing.T) {
	const four, six = "path MTU to both (10.77.4.2): 1400 bytes there, 1400 bytes back", "path MTU to both (fd77:4::2): 1400 bytes there, 1400 bytes back"
	inPMTULab(t, func(t *testing.T, lab *pmtuLab) {
		serveNames(t, "10.77.4.2 both\nfd77:4::2 both\n10.77.4.2 half\n2001:db8:99::1 half\n2001:db8:99::1 none\n", nil)
		for _, tt := range []struct {
			line string
			want said
		}{
			{"-q -4 both", said{four, "", 0}},
			{"-q -6 both", said{six, "", 0}},
			{"-q both", said{six, "", 0}},
			{"-q half", said{strings.Replace(four, "both", "half", 1), "", 0}},
			{"-q none", said{"", "ping: connect: Network is unreachable\nhint: this host has no route to 2001:db8:99::1; gnet route get 2001:db8:99::1 explains it\n", 2}},
			{"-q -4 none", said{"", "ping: none: Address family for hostname not supported\n", 2}},
			{"-q 10.77.1.255", said{"", "ping: 10.77.1.255: --pmtu wants one host\n", 2}},
			{"-q -6 10.77.4.2", said{"", "ping: 10.77.4.2: Address family for hostname not supported\n", 2}},
		} {
			r := lab.Client().Run(t, lab.ping, append([]string{"--pmtu"}, strings.Fields(tt.line)...)...)
			if diff := cmp.Diff(tt.want, saidBy(r)); diff != "" {
				t.Errorf("%s (-want +got)\n%s", tt.line, diff)
			}
		}
		r := lab.Client().Run(t, lab.ping, "--pmtu", "both")
		if want := "\n  other:   the name has more addresses, not measured: 10.77.4.2\n"; !strings.Contains(r.Stdout, want) {
			t.Errorf("no %q in\n%s", want, r.Stdout)
		}
	})
}

// TestPMTU_rights: what an ordinary user may do, and what is missing where that is
// nothing.
func TestPMTU_rights(t *testing.T) {
	nstest.Require(t, nstest.Root)
	inPMTULab(t, func(t *testing.T, lab *pmtuLab) {
		user := func() said {
			cmd := exec.Command(lab.ping, "--pmtu", "-q", "10.77.4.2")
			nstest.AsNobody(t, cmd)
			return saidBy(lab.Client().Output(t, cmd))
		}
		want := said{"", "ping: socktype: SOCK_RAW\nping: socket: Operation not permitted\nping: => missing cap_net_raw+p capability or setuid?\n" +
			"hint: a group of yours in sysctl net.ipv4.ping_group_range is enough, for IPv6 too\n", 2}
		if diff := cmp.Diff(want, user()); diff != "" {
			t.Errorf("closed (-want +got)\n%s", diff)
		}
		lab.Client().AllowPing(t)
		want = said{"path MTU to 10.77.4.2: 1400 bytes there, 1400 bytes back", "", 0}
		if diff := cmp.Diff(want, user()); diff != "" {
			t.Errorf("open (-want +got)\n%s", diff)
		}
	})
}

// TestPMTU_lies: what is forged, what another host answers, and a path that changes,
// each in its words.
func TestPMTU_lies(t *testing.T) {
	nstest.Peer(t, "nft")
	for _, tt := range []struct {
		name, line string
		set        func(t *testing.T, lab *pmtuLab)
		want       said
	}{
		{"forged", "10.77.4.2", func(t *testing.T, lab *pmtuLab) {
			lab.answer(t, func(r *nstest.Responder, q nstest.EchoRequest) {
				if len(q.Packet) > 600 {
					for _, mtu := range []uint32{552, 68, 0, 9000} {
						r.Complain(q, forgedBy, 3, 4, mtu)
					}
				}
				r.Reply(q, q.Answer())
			})
		}, said{`path MTU to 10.77.4.2: 1400 bytes there, 1400 bytes back
  limit:   the link from hop 2 (10.77.2.2) to hop 3 (10.77.3.2), for which the router names 1400 bytes
  there:   1400 bytes are answered (N of N), a router refuses 1401 bytes (N of N)
  back:    replies of 1400 bytes come whole (N), of 1401 bytes in fragments (N)
  doubt:   203.0.113.66 names an MTU of 552 (N times), but 1400 bytes are answered
  doubt:   203.0.113.66 names an MTU of 68 (N times), but 1400 bytes are answered
  doubt:   203.0.113.66 says that packets are too long and names no MTU (N times)
  doubt:   203.0.113.66 names an MTU of 9000 (N times), no less than the 1508 bytes it complains of
  effort`, "", 0}},
		{"another host answers", "-W0.2 10.77.4.2", func(t *testing.T, lab *pmtuLab) {
			lab.Drop(t, 4, "iifname left meta l4proto { tcp, udp }")
			lab.answer(t, func(r *nstest.Responder, q nstest.EchoRequest) { r.Send(q, forgedBy, q.Answer(), true) })
		}, said{`path MTU to 10.77.4.2: not known, the host does not answer
  limit:   no more than 1400 bytes: 10.77.2.2 names that as the MTU of its next link
  unknown: whether the host is there: nothing answered ICMP echo requests, TCP SYNs to port 443 and UDP datagrams to port 33434
  doubt:   replies to our probes come from 203.0.113.66, which was not asked (N times)
  effort`, "", 1}},
		{"the path changes", "10.77.4.2", func(t *testing.T, lab *pmtuLab) {
			// The first round has 13 probes; the fragments of what may be cut are shorter.
			lab.Drop(t, 2, "iifname left ip frag-off & 0x4000 != 0 ip length > 1390 icmp sequence > 12")
			lab.Drop(t, 2, "iifname left ip frag-off & 0x4000 != 0 ip length > 1390 udp dport 33434")
		}, said{`path MTU to 10.77.4.2: 1390 bytes there, 1400 bytes back
  limit:   the link from hop 1 (10.77.1.2) to hop 2 (10.77.2.2): longer packets reach the first and not the second (silence)
  why:     longer packets die without a word: "fragmentation needed" is filtered; routers know their MTU, for they cut packets that they may (N of N arrive)
  there:   1390 bytes are answered (N of N), 1391 bytes are not (silence)
  back:    replies of 1400 bytes come whole (N), of 1401 bytes in fragments (N)
  changed: the path became narrower while it was measured; this is what it is since
  effort`, "", 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inPMTULab(t, func(t *testing.T, lab *pmtuLab) {
				tt.set(t, lab)
				r := lab.Client().Run(t, lab.ping, append([]string{"--pmtu"}, strings.Fields(tt.line)...)...)
				if diff := cmp.Diff(tt.want, saidBy(r)); diff != "" {
					t.Errorf("(-want +got)\n%s\n%s", diff, r.Stdout)
				}
			})
		})
	}
}

// forgedBy is an address that no host of the path has.
var forgedBy = netip.MustParseAddr("203.0.113.66")

// answer makes the server answer until the test ends.
func (lab *pmtuLab) answer(t *testing.T, reply func(*nstest.Responder, nstest.EchoRequest)) {
	t.Helper()
	t.Cleanup(lab.Server().Respond(t, false, reply))
}

// TestPMTU_wholeJSON: the machine form of a run in which everything is answered,
// each key of it, with what varies by nature taken away: times, and the order in
// which two hosts answer.
func TestPMTU_wholeJSON(t *testing.T) {
	inPMTULab(t, func(t *testing.T, lab *pmtuLab) {
		lab.answer(t, func(r *nstest.Responder, q nstest.EchoRequest) {
			if len(q.Packet) > 1300 {
				r.Complain(q, forgedBy, 3, 4, 552)
			}
			r.Reply(q, q.Answer())
		})
		r := lab.Client().Run(t, lab.ping, "--pmtu", "--json", "10.77.4.2")
		steady := regexp.MustCompile(`"time":"[^"]*"`).ReplaceAllString(r.Stdout, `"time":"T"`)
		steady = regexp.MustCompile(`_ns":\d+`).ReplaceAllString(steady, `_ns":0`)
		golden, err := os.ReadFile("testdata/pmtu.json")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(golden), steady); diff != "" || r.Status != 0 || r.Stderr != "" {
			t.Errorf("status %d, stderr %q (-want +got)\n%s\n%s", r.Status, r.Stderr, diff, steady)
		}
	})
}
