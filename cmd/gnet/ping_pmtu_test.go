package main

import (
	"encoding/json"
	"net/netip"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/ping/path"
)

// steadyPMTU is what stands in the output without what varies: how many probes a
// conclusion took, which a busy machine raises, and times.
func steadyPMTU(stdout string) string {
	for _, r := range []struct{ pattern, with string }{
		{`(?s)\n  effort: .*?(\n\d|$)`, "\n  effort$1"},
		{`(\S)\n {11}`, "$1 "},
		{`\(\d+\)`, "(N)"},
		{`\d+ times`, "N times"},
		{`\d+ of \d+`, "N of N"},
		{`\(N of N in [^)]*sure\)`, "(silence)"},
		{` in [0-9.e-]+ ms`, " in T"},
	} {
		stdout = regexp.MustCompile(r.pattern).ReplaceAllString(stdout, r.with)
	}
	return strings.TrimSuffix(stdout, "\n")
}

func TestPMTU_kernel(t *testing.T) {
	nstest.Peer(t, "nft")
	const six = "fd77:4::2"
	for _, tt := range []struct {
		name   string
		line   string
		user   bool
		set    func(p *nstest.Path, t *testing.T)
		status int
		want   string
	}{
		{"ICMP comes back", "10.77.4.2", false, nil, 0, `path MTU to 10.77.4.2: 1400 bytes there, 1400 bytes back
  limit:   the link from hop 2 (10.77.2.2) to hop 3 (10.77.3.2), for which the router names 1400 bytes
  there:   1400 bytes are answered (N of N), a router refuses 1401 bytes (N of N)
  back:    replies of 1400 bytes come whole (N), of 1401 bytes in fragments (N)
  effort`},
		{"black hole", "10.77.4.2", false, func(p *nstest.Path, t *testing.T) { p.Blind(t, 2) }, 0, `path MTU to 10.77.4.2: 1400 bytes there, 1400 bytes back
  limit:   the link from hop 2 (10.77.2.2) to hop 3 (10.77.3.2): longer packets reach the first and not the second (silence)
  why:     longer packets die without a word: "fragmentation needed" is filtered; routers know their MTU, for they cut packets that they may (N of N arrive)
  there:   1400 bytes are answered (N of N), 1401 bytes are not (silence)
  back:    replies of 1400 bytes come whole (N), of 1401 bytes in fragments (N)
  effort`},
		{"black hole, IPv6, all sizes at once", "=fast " + six, false, func(p *nstest.Path, t *testing.T) { p.Blind(t, 2) }, 0, `path MTU to fd77:4::2: 1400 bytes there, 1400 bytes back
  limit:   the link from hop 2 (fd77:2::2) to hop 3 (fd77:3::2): longer packets reach the first and not the second (silence)
  why:     longer packets die without a word: no Packet Too Big comes back; it is filtered or not sent
  there:   1400 bytes are answered (N of N), 1401 bytes are not (silence)
  back:    replies of 1400 bytes come whole (N), of 1401 bytes in fragments (N)
  effort`},
		{"an ordinary user", "10.77.4.2", true, func(p *nstest.Path, t *testing.T) { p.SetMTU(t, 3, 1500, 1380) }, 0, `path MTU to 10.77.4.2: 1384 bytes there, 1380 bytes back
  limit:   the link from hop 2 (10.77.2.2) to hop 3 (10.77.3.2): longer packets reach the first and not the second (silence)
  why:     longer packets die without a word: the two ends of that link have different MTUs, or fragments are dropped
  there:   1384 bytes are answered (N of N), 1385 bytes are not (silence)
  back:    replies of 1380 bytes come whole (N), of 1381 bytes in fragments (N)
  unknown: which of the two: that takes a raw socket (root, or CAP_NET_RAW)
  effort`},
		{"an ordinary user, IPv6", six, true, nil, 0, `path MTU to fd77:4::2: 1400 bytes there, 1400 bytes back
  limit:   the link from hop 2 (fd77:2::2) to hop 3 (fd77:3::2), for which the router names 1400 bytes
  there:   1400 bytes are answered (N of N), a router refuses 1401 bytes (N of N)
  back:    replies of 1400 bytes come whole (N), of 1401 bytes in fragments (N)
  effort`},
		{"reply fragments are dropped", "10.77.4.2", false, func(p *nstest.Path, t *testing.T) { p.Drop(t, 1, "iifname right ip frag-off & 0x3fff != 0") }, 0, `path MTU to 10.77.4.2: 1400 bytes there, at least 1400 bytes back
  limit:   the link from hop 2 (10.77.2.2) to hop 3 (10.77.3.2), for which the router names 1400 bytes
  why:     fragments arrive at the host, its own do not come back: long answers are lost (answered: N of N long echo requests, N of N long datagrams, N of N small fragments)
  there:   1400 bytes are answered (N of N), a router refuses 1401 bytes (N of N)
  back:    replies of up to 1400 bytes come back
  unknown: the exact MTU of the way back: no longer reply came in fragments
  effort`},
		{"a silent host", "-W0.2 10.77.4.2", false, func(p *nstest.Path, t *testing.T) { p.Drop(t, 4, "iifname left meta l4proto { icmp, tcp, udp }") }, 1, `path MTU to 10.77.4.2: not known, the host does not answer
  limit:   no more than 1400 bytes: 10.77.2.2 names that as the MTU of its next link
  unknown: whether the host is there: nothing answered ICMP echo requests, TCP SYNs to port 443 and UDP datagrams to port 33434
  effort`},
		{"a router refuses", "-W0.2 10.99.0.1", false, nil, 1, `path MTU to 10.99.0.1: not known, the host does not answer
  unknown: whether the host is there: nothing answered ICMP echo requests, TCP SYNs to port 443 and UDP datagrams to port 33434
  refused: 10.77.1.2 says: Destination Net Unreachable (N times)
  effort`},
		{"a link-local address", "-q fe80::2%right", false, nil, 0, `path MTU to fe80::2%right: 1500 bytes there, 1500 bytes back`},
		{"the answer alone", "-q 10.77.4.2", false, nil, 0, `path MTU to 10.77.4.2: 1400 bytes there, 1400 bytes back`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nstest.InNetns(t, func(t *testing.T) {
				p := nstest.NewPath(t, nstest.PathMTUs()...)
				p.Client().AddRoute(t, "default", "10.77.1.2")
				gnet := publicDir(t) + "/ping"
				copyExecutable(t, gnet)
				if tt.set != nil {
					tt.set(p, t)
				}
				args := strings.Fields("--pmtu " + tt.line)
				if fast, ok := strings.CutPrefix(tt.line, "=fast "); ok {
					args = []string{"--pmtu=fast", fast}
				}
				cmd := exec.Command(gnet, args...)
				if tt.user {
					p.Client().AllowPing(t)
					nstest.AsNobody(t, cmd)
				}
				r := p.Client().Output(t, cmd)
				if diff := cmp.Diff(tt.want, steadyPMTU(r.Stdout)); diff != "" || r.Status != tt.status || r.Stderr != "" {
					t.Errorf("status %d, stderr %q (-want +got)\n%s\n%s", r.Status, r.Stderr, diff, r.Stdout)
				}
			})
		})
	}
}

// TestPMTU_verbose: -v adds a line for each probe.
func TestPMTU_verbose(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		p := nstest.NewPath(t, 1500, 1400, 1500)
		gnet := publicDir(t) + "/ping"
		copyExecutable(t, gnet)
		r := p.Client().Run(t, gnet, "--pmtu", "-v", "10.77.3.2")
		for _, want := range []string{
			"\n1 icmp 68 bytes: answered by 10.77.3.2 in T\n",
			"\n1 icmp 1508 bytes may be fragmented: answered by 10.77.3.2 in T, in fragments of up to 1396\n",
			"\n1 icmp 1500 bytes: too big by 10.77.1.2 in T, mtu 1400 by 10.77.1.2\n",
			"\n2 icmp 68 bytes ttl 2: time exceeded by 10.77.2.2 in T\n",
		} {
			if !strings.Contains(steadyPMTU(r.Stdout), want) {
				t.Errorf("no %q in\n%s", want, r.Stdout)
			}
		}
	})
}

// TestPMTU_json: the machine form has a row for each probe, and the answers.
func TestPMTU_json(t *testing.T) {
	nstest.Peer(t, "nft")
	type evidence struct {
		Sent, Answered, Silent int
		Confidence             float64
	}
	type document struct {
		Schema string
		Rows   []struct {
			Round, Bytes int
			Fate         string
		}
		Summary struct {
			Forward        int        `json:"forward_mtu"`
			Exact          bool       `json:"forward_exact"`
			Basis          string     `json:"forward_basis"`
			Fails          []evidence `json:"forward_fails"`
			Reverse        int        `json:"reverse_mtu"`
			LimitHop       int        `json:"limit_hop"`
			LimitFrom      string     `json:"limit_from"`
			LimitTo        string     `json:"limit_to"`
			Cause          string
			Rounds, Probes int
			Unknown        []struct{ Text string }
		}
	}
	nstest.InNetns(t, func(t *testing.T) {
		p := nstest.NewPath(t, nstest.PathMTUs()...)
		p.Blind(t, 2)
		gnet := publicDir(t) + "/ping"
		copyExecutable(t, gnet)
		r := p.Client().Run(t, gnet, "--pmtu", "--json", "10.77.4.2")
		var got, want document
		if err := json.Unmarshal([]byte(r.Stdout), &got); err != nil {
			t.Fatalf("%v\n%s", err, r.Stdout)
		}
		silent := 0
		for _, row := range got.Rows {
			if row.Bytes == 1401 && row.Fate == "silent" {
				silent++
			}
		}
		fails := got.Summary.Fails
		if len(fails) != 1 || fails[0].Silent < 4 || silent < fails[0].Silent || fails[0].Answered > 0 || fails[0].Confidence < 0.999999 || fails[0].Confidence >= 1 {
			t.Errorf("evidence %+v, %d silent rows", fails, silent)
		}
		if len(got.Rows) != got.Summary.Probes {
			t.Errorf("%d rows of %d probes", len(got.Rows), got.Summary.Probes)
		}
		want.Schema = "gnet/ping-pmtu/1"
		want.Rows, want.Summary = got.Rows, got.Summary
		s := &want.Summary
		s.Forward, s.Exact, s.Basis, s.Reverse = 1400, true, "silence", 1400
		s.LimitHop, s.LimitFrom, s.LimitTo, s.Cause, s.Unknown = 2, "10.77.2.2", "10.77.3.2", "icmp_filtered", nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// Several routers at one hop are told, each in its hop's line.
func TestPMTUText_forks(t *testing.T) {
	a := netip.MustParseAddr
	run := &pathRun{Name: "192.0.2.9", Dest: a("192.0.2.9")}
	text := newPMTUText(nil, &pingOptions{}, run)
	text.r = &path.Result{Forks: []path.Fork{{Hop: 2, From: []netip.Addr{a("198.51.100.2"), a("203.0.113.2")}}}}
	want := []string{
		"  paths:   hop 2 answers from 198.51.100.2, 203.0.113.2: there is more than one",
		"           way, and another flow than that of the probes may find another MTU",
	}
	if diff := cmp.Diff(want, text.reasons()[:len(want)]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
