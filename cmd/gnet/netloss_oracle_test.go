package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

// netLoss is how an administrator sees a host lose its default route and get it back: G is the gateway, D the interface, A a
// host behind the gateway.
const netLoss = `route -n
netstat -rn
route del -net 0.0.0.0 gw G dev D
route -n
ping A
route add -net 0.0.0.0 gw G dev D
ping -c5 A`

// step is one command of a session and what it did.
type step struct {
	Line           string
	Stdout, Stderr string
	Status         int
}

// TestNetLossOracle runs the session with the installed tools and then with gnet, in one namespace. Nothing may differ but what
// varies by nature in the answers of ping.
func TestNetLossOracle(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, router, server := nstest.Here(t), nstest.NewHost(t, "router"), nstest.NewHost(t, "server")
		nstest.Connect(t, 0, nstest.End{Host: host, Name: "d0", Addrs: []string{"10.50.0.1/24"}},
			nstest.End{Host: router, Name: "d0", Addrs: []string{"10.50.0.2/24"}})
		nstest.Connect(t, 0, nstest.End{Host: router, Name: "d1", Addrs: []string{"10.60.0.1/24"}},
			nstest.End{Host: server, Name: "d1", Addrs: []string{"10.60.0.2/24"}})
		router.Forward(t)
		host.AddRoute(t, "default", "10.50.0.2")
		server.AddRoute(t, "default", "10.60.0.1")

		original, gnet := make(map[string]string), make(map[string]string)
		program := gnetCalled(t, "gnet") // the name that counts is argv[0], which session sets
		for _, name := range []string{"route", "netstat", "ping"} {
			original[name] = nstest.Peer(t, name)
			gnet[name] = program
		}
		want := session(t, host, original)
		if diff := cmp.Diff(want, session(t, host, gnet)); diff != "" {
			t.Errorf("gnet (-original +gnet)\n%s", diff)
		}
		// The session itself: the network was lost and came back.
		lost, back := want[4], want[6]
		if lost.Status != 2 || lost.Stderr != "ping: connect: Network is unreachable\n" {
			t.Errorf("without a route: %+v", lost)
		}
		if back.Status != 0 || strings.Count(back.Stdout, "bytes from 10.60.0.2: icmp_seq=") != 5 ||
			!strings.Contains(back.Stdout, "5 packets transmitted, 5 received, 0% packet loss") {
			t.Errorf("with the route again: %+v", back)
		}
		if want[0].Stdout == want[3].Stdout {
			t.Error("the table did not change")
		}
	})
}

func session(t *testing.T, h *nstest.Host, programs map[string]string) []step {
	t.Helper()
	var steps []step
	for line := range strings.Lines(netLoss) {
		line = strings.TrimSpace(line)
		words := strings.Fields(strings.NewReplacer(" G", " 10.50.0.2", " D", " d0", " A", " 10.60.0.2").Replace(line))
		cmd := exec.Command(programs[words[0]], words[1:]...)
		cmd.Args[0] = words[0]
		cmd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}
		r := h.Output(t, cmd)
		if words[0] == "ping" {
			r = normalisePingResult(r)
		}
		steps = append(steps, step{line, r.Stdout, r.Stderr, r.Status})
	}
	return steps
}
