package main

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// With -v the header of a redirected packet follows. Identification and checksum
// are by chance.
func TestPingDifferences_redirect(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		defer o.lab.respond(false, complain([]icmpCase{{wire.ICMPv4Redirect, 1, 0x0a4d0102}}))()
		id := difference(t, "ping-verbose-header").ID
		chance := regexp.MustCompile(`(?m)^( 4  5  00 ....) ....(   . ....  ..  01) ....`)
		for _, side := range []struct{ path, header string }{
			{o.original, " 4  5  00 5400 ID   0 0040  3e  01 SUM 10.77.1.1  10.77.3.2 \n"},
			{o.gnet, " 4  5  00 0054 ID   2 0000  3e  01 SUM 10.77.1.1  10.77.3.2 \n"},
		} {
			got := o.answer(side.path, []string{"-v", "-c1", "-W.3", labServer4})
			want := "ai->ai_family: AF_INET, ai->ai_canonname: '10.77.3.2'\nPING 10.77.3.2 (10.77.3.2) 56(84) bytes of data.\n" +
				"From 10.77.3.2: icmp_seq=1 Redirect Host(New nexthop: 10.77.1.2)\nVr HL TOS  Len   ID Flg  off TTL Pro  cks      Src      Dst Data\n" + side.header +
				"\n--- 10.77.3.2 ping statistics ---\n1 packets transmitted, 0 received, 100% packet loss, time Tms\n\n"
			if diff := cmp.Diff(want, chance.ReplaceAllString(got.Stdout, "$1 ID$2 SUM")); diff != "" {
				t.Errorf("%s: %s (-want +got)\n%s", id, side.path, diff)
			}
		}
	})
}

// What is quoted may be cut, and may have options.
func TestAppendHeader(t *testing.T) {
	header := []byte{0x46, 0x10, 0x00, 0x54, 0xab, 0xcd, 0x40, 0x01, 0x3d, 0x01, 0x12, 0x34, 10, 0, 0, 1, 10, 0, 0, 2, 7, 4, 5, 0}
	want := "Vr HL TOS  Len   ID Flg  off TTL Pro  cks      Src      Dst Data\n 4  6  10 0054 abcd   2 0001  3d  01 1234 10.0.0.1  10.0.0.2 07040500\n"
	if diff := cmp.Diff(want, string(appendHeader(nil, header))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for n := range header {
		if got := appendHeader(nil, header[:n]); len(got) > 0 {
			t.Errorf("%d bytes: %q", n, got)
		}
	}
}
