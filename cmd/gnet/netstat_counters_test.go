package main

import (
	"fmt"
	"strings"
	"testing"

	"gnet/internal/nstest"
)

// counterLines are what is compared of -s.
func counterLines() []string {
	return []string{"-s", "-st", "-su", "-sw", "-sS", "-sU", "-stu", "-stuwSU", "-s6", "-6st", "-s6u", "-6sw", "-s6S", "-s6U", "-s6tuw", "-sn", "-sae", "-sp", "-s eth0",
		"-s -4", "-s4t", "-s46", "-s64", "-s44", "-s -A unix", "-sx", "-s6x", "-s -A inet", "-s -A ip6", "-s --inet6", "-s -A ddp", "-s -A inet,ax25", "-sg", "-s2", "-sf", "--statistics"}
}

// TestNetstatOracle_counters: the counters of a namespace where something
// happened. They do not move between two calls, or compare asks again.
func TestNetstatOracle_counters(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newInterfaceLab(t)
		newNetstatOracle(t).compareAll(counterLines())
	})
}

// counterWorld is a proc tree with every counter that netstat has a sentence
// for and every one of this kernel, the same names in sections that it does not
// know, and value as the value of each: distinct numbers, or all zero.
func counterWorld(value func(i int) int) map[string]string {
	names := func(section string) []string {
		var list []string
		for line := range strings.Lines(counterSentences(section)) {
			name, _, _ := strings.Cut(line, " ")
			list = append(list, name)
		}
		return append(list, "Unknown"+section, section+"Unknown", section)
	}
	i := 0
	pair := func(section, of string) string {
		a, b := section+":", section+":"
		for _, name := range names(of) {
			a += " " + name
			b += " " + fmt.Sprint(value(i))
			i++
		}
		return a + "\n" + b + "\n"
	}
	list := func(sections ...string) (text string) {
		for _, section := range sections {
			for _, name := range names(section) {
				if strings.HasPrefix(name, section) && name != section {
					text += fmt.Sprintf("%-32s\t%d\n", name, value(i))
					i++
				}
			}
		}
		return text
	}
	return map[string]string{
		"snmp": pair("Ip", "Ip") + pair("Icmp", "Icmp") + "IcmpMsg: InType3 OutType8\nIcmpMsg: 3 8\n" + pair("Tcp", "Tcp") + pair("Udp", "Udp") + pair("UdpLite", "Udp") +
			pair("Foo", "Tcp") + pair("Icmp", "Icmp") + pair("UdpLite", "Udp") + "IcmpMsg: \nIcmpMsg: \n",
		"netstat":   pair("TcpExt", "TcpExt") + pair("IpExt", "Ip") + pair("MPTcpExt", "TcpExt"),
		"snmp6":     list("Ip6", "Icmp6", "Udp6") + list("UdpLite6", "Udp6", "Tcp6"),
		"sctp/snmp": list("Sctp"),
	}
}

func TestNetstatOracle_counterSentences(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newSocketLab(t)
		o := newNetstatOracle(t)
		for _, value := range []func(int) int{func(i int) int { return 1000 + i }, func(int) int { return 0 }, func(i int) int { return i % 2 }} {
			fakeProc(t, counterWorld(value))
			for _, line := range []string{"-s", "-st", "-sw", "-sS", "-su", "-s6", "-s6t", "-s6w", "-6su", "-s6S"} {
				o.compare(line)
			}
		}
	})
}

// Rows of odd shape that both programs show the same way.
func TestNetstatOracle_oddCounters(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newSocketLab(t)
		o := newNetstatOracle(t)
		for _, files := range []map[string]string{
			{"snmp": ""}, {"snmp": "\nIp: A\nIp: 1\n\n\nTcp: InSegs X\nTcp: 3 18446744073709551615\nIp: B\nIp: -1\n"},
			{"snmp": "IcmpMsg: \nIcmpMsg: \nTcp: RtoAlgorithm RtoMin MaxConn X\nTcp: 1 200 -1 3\n", "snmp6": ""},
			{"snmp": "Icmp: InDestUnreachs OutDestUnreachs InEchos Foo OutEchos InMsgs\nIcmp: 1 1 1 1 1 1\nFoo: X\nFoo: 1\n", "netstat": "IpExt: A\nIpExt: 1\n"},
			{"snmp": "Icmp: InDestUnreachs\nIcmp: 0\nUdpLite: A\nUdpLite: 5\nIcmpMsg: InType3\nIcmpMsg: 3\nTcp: InSegs Foo\nTcp: 4 4\nFoo: B\nFoo: 6\nUdp: InErrors Z\nUdp: 3 3\n",
				"netstat": "TcpExt: TW ABC\nTcpExt: 3 3\nIpExt: Q\nIpExt: 5\n"},
			{"snmp": "Icmp: InDestUnreachs\nIcmp: 1\n", "sctp/snmp": "SctpFoo\t1\nSctpShutdowns 3\nSctpBar 4\n", "snmp6": "Icmp6InDestUnreachs 1\nUdpLite6A 1\nTcp6A 3\n"},
		} {
			fakeProc(t, files)
			for _, line := range []string{"-s", "-st", "-sw", "-su", "-sS"} {
				o.compare(line)
			}
			if _, ok := files["snmp6"]; ok {
				o.compare("-s6")
				o.compare("-s6w")
			}
		}
	})
}

func TestNetstatDiffers_counters(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newSocketLab(t)
		o := newNetstatOracle(t)

		difference(t, "no-counters")
		fakeProc(t, map[string]string{"none": ""})
		for file, line := range map[string]string{"snmp": "-s", "snmp6": "-s6"} {
			want := nstest.Result{Stderr: "cannot open /proc/net/" + file + ": No such file or directory\n", Status: 1}
			o.expect(line, want)
			want.Status = 0
			if got := o.run(o.original, []string{line}); got != want {
				t.Errorf("the original's %s: %+v", line, got)
			}
		}

		difference(t, "read-status")
		files := map[string]string{"snmp/x": "", "netstat": "TcpExt: A\nTcpExt: 1\n", "snmp6": "Ip6InReceives 3\n", "dev/x": "", "sctp/snmp": "SctpCurrEstab\t3\n"}
		fakeProc(t, files) // folders cannot be read
		for _, line := range []string{"-s", "-s6", "-i", "-ie"} {
			want := o.run(o.original, []string{line})
			if want.Status != 0 {
				t.Errorf("the original's %s: %+v", line, want)
			}
			want.Status = 1
			o.expect(line, want)
		}

		difference(t, "counter-value")
		fakeProc(t, map[string]string{"snmp": "Tcp: InSegs OutSegs\nTcp: 12abc 5\nIp: A B\nTcp: X\nTcp: 3\n"})
		o.expect("-s", nstest.Result{Stdout: "Tcp:\n    5 segments sent out\nTcp:\n    X: 3\n",
			Stderr: "netstat: /proc/net/snmp: line 2: InSegs \"12abc\": not a decimal number\n" +
				"netstat: /proc/net/snmp: line 3 \"Ip: A B\": names without the row of their values\n"})
		if got := o.run(o.original, []string{"-s"}).Stdout; !strings.HasPrefix(got, "Tcp:\n    12 segments received\n    0 segments sent out\n") {
			t.Errorf("the original's -s:\n%s", got)
		}
	})
}
