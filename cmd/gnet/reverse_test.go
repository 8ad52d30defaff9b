package main

import (
	"context"
	"net"
	"net/netip"
	"os"
	"testing"
)

// One address that DNS does not answer for is enough: the others of a table would each wait as long.
func TestReverseLookup_asksASilentServerOnce(t *testing.T) {
	dials, hints := 0, 0
	n := newNetstatNames(&netstatOptions{}, &reverseLookup{context.Background(), &net.Resolver{PreferGo: true,
		Dial: func(context.Context, string, string) (net.Conn, error) { dials++; return nil, os.ErrDeadlineExceeded }},
		func() { hints++ }})
	if got := n.host(netip.MustParseAddr("192.0.2.1")); got != "" || dials == 0 {
		t.Fatalf("192.0.2.1 is %q after %d questions", got, dials)
	}
	first := dials
	if got := n.host(netip.MustParseAddr("192.0.2.2")); got != "" || dials != first || hints != 1 {
		t.Errorf("192.0.2.2 is %q; %d more questions, %d hints", got, dials-first, hints)
	}
}
