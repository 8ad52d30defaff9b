package link_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// mayCut is a packet with 1400 octets of data that routers may fragment.
func mayCut(t *testing.T) []byte {
	t.Helper()
	p := packet(t, client, server, wire.TCPFields{Seq: 1, Flags: wire.ACK}, wire.TCPOptions{}, strings.Repeat("abcdefg", 200))
	ip := wire.IPv4(p)
	f := ip.Fields()
	f.DF = false
	b, err := f.Append(nil, len(ip.Payload()))
	if err != nil {
		t.Fatal(err)
	}
	return append(b, ip.Payload()...)
}

// TestCut: a segment that is too long arrives as fragments, with the last of which it is there; what a rule takes of them takes all of it.
func TestCut(t *testing.T) {
	const told = "0s fault client #1 by 1 mtu"
	for name, tt := range map[string]struct {
		rules []string
		story []string
		sizes []int // of the fragments that arrive
		count link.Count
	}{
		"whole":     {[]string{"mtu 1500"}, []string{"#1"}, []int{1440}, link.Count{Segments: 1, Arrived: 1}},
		"cut":       {[]string{"mtu 600"}, []string{told, "#1"}, []int{596, 596, 288}, link.Count{Segments: 1, Arrived: 1}},
		"silent":    {[]string{"mtu 600 silent"}, []string{told, "#1"}, []int{596, 596, 288}, link.Count{Segments: 1, Arrived: 1}},
		"cut again": {[]string{"mtu 600", "mtu 300"}, []string{told, "0s fault client #1 by 2 mtu", "0s fault client #1 by 2 mtu", "#1"}, []int{300, 300, 36, 300, 300, 36, 288}, link.Count{Segments: 1, Arrived: 1}},
		"one lost":  {[]string{"mtu 600", "drop any 2"}, []string{told, "10ms lost client #1 by 2 drop"}, []int{596, 288}, link.Count{Segments: 1, Lost: 1}},
		"all lost":  {[]string{"mtu 600", "drop any"}, []string{told, "0s lost client #1 by 2 drop"}, nil, link.Count{Segments: 1, Lost: 1}},
		"copied":    {[]string{"mtu 600", "dup any 1", "drop any 2"}, []string{told, "#1"}, []int{596, 596, 288}, link.Count{Segments: 1, Arrived: 1}},
		"late":      {[]string{"mtu 600", "delay 5ms any 1"}, []string{told, "0s fault client #1 by 2 delay wait 5ms", "15ms rx server #1"}, []int{596, 288, 596}, link.Count{Segments: 1, Arrived: 1}},
		"of a copy": {[]string{"dup any", "mtu 600"}, []string{"0s fault client #1 by 1 dup copy #2", "0s fault client #1 by 2 mtu", "0s fault client #2 by 2 mtu", "#1", "10ms rx server #2"}, []int{596, 596, 288, 596, 596, 288}, link.Count{Segments: 1, Copied: 1, Arrived: 2}},
	} {
		b := newBench(link.Path{Delay: 10 * time.Millisecond}, link.Path{}, parseRules(t, tt.rules...)...)
		b.link.Send(event.Client, 0, mayCut(t), link.Sent{})
		b.run()
		var sizes []int
		var again wire.Reassembly
		for _, p := range b.arrived[event.Server] {
			ip, err := wire.CheckIPv4(p)
			if err != nil || !ip.ChecksumOK() {
				t.Fatalf("%s: %x: %v", name, p, err)
			}
			sizes = append(sizes, len(p))
			if _, err := again.Add(wire.Fragment{Offset: ip.Offset(), Length: len(ip.Payload()), MF: ip.MF()}, ip.Payload()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if tt.count.Lost == 0 && !bytes.Equal(again.Data(), wire.IPv4(mayCut(t)).Payload()) {
			t.Errorf("%s: what arrived is not what was sent", name)
		}
		if n := len(b.arrived[event.Client]); n != 0 {
			t.Errorf("%s: the sender got %d messages", name, n)
		}
		type outcome struct {
			Story []string
			Sizes []int
			Count link.Count
		}
		if diff := cmp.Diff(outcome{tt.story, tt.sizes, tt.count}, outcome{b.story(), sizes, b.link.Count(event.Client)}); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// TestCut_number: the event says into how many fragments a segment was cut.
func TestCut_number(t *testing.T) {
	b := newBench(link.Path{}, link.Path{}, parseRules(t, "mtu 600")...)
	b.link.Send(event.Client, 0, mayCut(t), link.Sent{})
	b.run()
	var got []int
	for _, e := range b.events {
		if e.Kind == event.KindFault {
			got = append(got, e.Fault.Fragments)
		}
	}
	if diff := cmp.Diff([]int{3}, got); diff != "" {
		t.Error(diff)
	}
}
