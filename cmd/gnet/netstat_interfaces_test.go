package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

func TestNetstatOracle_interfaces(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newInterfaceLab(t)
		o := newNetstatOracle(t)
		o.compareAll([]string{"-i", "-ia", "-in", "-ia4", "-i6", "-i -A unix", "-ix", "-il", "-iap", "-i lo", "-itu", "-ig", "-iW", "-iv", "--interfaces --all", "-i -A foo"})
		lab.ip("addr add 10.0.9.1/24 dev e9 label e9:x") // down, and no number behind its colon
		o.compareAll([]string{"-i", "-ia"})
	})
}

// Names that sort in more than one way, and rows that no kernel writes.
func TestNetstatOracle_interfaceOrder(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		names := strings.Fields("a1b2 a10b1 a1b10 a2b1 e01 e1 e001 e10 e9 e2x 10 9 x1y x10y a-1 a-10 E1 e e-2 Z9 Z10 e1a e10a _1 e0 e00 1a 2a 10a 0")
		for i := 0; i < len(names); i += 2 {
			lab.ip("link add " + names[i] + " type veth peer name " + names[i+1])
		}
		for _, line := range []string{"10.1.0.1/24 dev e1 label e1:0", "10.1.1.1/24 dev e1 label e1:10", "10.1.2.1/24 dev e1 label e1:9", "10.1.3.1/24 dev 10 label 10:9", "10.1.4.1/24 dev 9 label 9:a"} {
			lab.ip("addr add " + line)
		}
		o := newNetstatOracle(t)
		o.compareAll([]string{"-i", "-ia"})
		const head = "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
		for _, files := range []map[string]string{
			{"none": ""},
			{"dev": head + "    lo:18446744073709551615 18446744073709551615 1234567 1234567 1234567 6 7 8 9 987654321 7654321 7654321 7654321 14 15 16\n  e9:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"},
		} {
			fakeProc(t, files)
			for _, line := range []string{"-i", "-ia"} {
				o.compare(line)
			}
		}
	})
}

func TestNetstatDiffers_interfaces(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newInterfaceLab(t)
		o := newNetstatOracle(t)

		difference(t, "odd-label")
		without := o.run(o.original, []string{"-i"}).Stdout
		lab.ip("addr add 10.0.8.1/24 dev averylongifnam label averylongifna:1")
		const row = "averylongifna:1  9000      - no statistics available -                        BMU\n"
		head, rest := splitAfterLine(without, 2)
		if got := o.run(o.gnet, []string{"-i"}); got.Status != 0 || got.Stderr != "" || !sameRows(got.Stdout, head+row+rest) {
			t.Errorf("netstat -i: %+v", got)
		}
		if got := o.run(o.original, []string{"-i"}); got.Status != 1 || got.Stdout != head {
			t.Errorf("the original's -i: %+v", got)
		}

		// Each round has the head of the columns, and only the first the title.
		lab.ip("addr del 10.0.8.1/24 dev averylongifnam")
		once := o.run(o.gnet, []string{"-i"}).Stdout
		_, again := splitAfterLine(once, 1)
		for _, path := range []string{o.original, o.gnet} {
			if got := o.until(path, strings.Count(once+again, "\n"), "-ic"); !sameRows(got.Stdout, once+again) {
				t.Errorf("%s -ic: %+v", path, got)
			}
		}

		difference(t, "device-row")
		difference(t, "long-device")
		lab.ip("link add x12345678901234 type veth peer name x1")
		lab.ip("link set x12345678901234 up")
		const devHead = "Inter-|\n face |bytes\n"
		fakeProc(t, map[string]string{"dev": devHead + "e0: 1 2 3\ngarbage\nx12345678901234:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n    lo:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"})
		got := o.run(o.gnet, []string{"-i"})
		if got.Status != 0 || !strings.Contains(got.Stdout, "\nlo              65536        2      3      4 5            10     11     12     13 LRU\n") ||
			got.Stderr != "netstat: /proc/net/dev: line 3: rx drop: column is missing\nnetstat: /proc/net/dev: line 4: face \"garbage\": no colon behind the name of the device\n" {
			t.Errorf("netstat -i: %+v", got)
		}
		if !strings.Contains(got.Stdout, "\nx12345678901234  1500        2      3      4 5            10     11     12     13 BMU\n") {
			t.Errorf("netstat -i of a name of 15 bytes: %+v", got)
		}
		if got := o.run(o.original, []string{"-i"}); got.Status != 1 || !strings.Contains(got.Stdout, "\ne0               1500        2      3      0 0             0      0      0      0 BMRU\n") {
			t.Errorf("the original's -i: %+v", got)
		}
		fakeProc(t, map[string]string{"dev": devHead + "x12345678901234:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"})
		if got := o.run(o.original, []string{"-i"}).Stdout; !strings.Contains(got, "\nx12345678901234  1500        0      0      0 0             0      0      0      0 BMU\n") {
			t.Errorf("the original's -i of a name of 15 bytes:\n%s", got)
		}
	})
}

// splitAfterLine cuts text behind its first n lines.
func splitAfterLine(text string, n int) (head, rest string) {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[:n], ""), strings.Join(lines[n:], "")
}

// sameRows compares tables that were asked for at different times, when counters
// may have moved: all but the digits.
func sameRows(a, b string) bool {
	blank := func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}
	squeeze := func(text string) string { return strings.Join(strings.Fields(strings.Map(blank, text)), " ") }
	return strings.Count(a, "\n") == strings.Count(b, "\n") && squeeze(a) == squeeze(b)
}

func TestNetstatHostile_interfaces(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		lab.ip("link add e\x1b[31mR type veth peer name u\xff\xfe\xfd\xfcxyz")
		lab.ip("link set e\x1b[31mR up")
		o := newNetstatOracle(t)
		got := o.run(o.gnet, []string{"-ia"})
		var names []string
		for line := range strings.Lines(got.Stdout) {
			names = append(names, strings.TrimRight(line[:15], " "))
		}
		if diff := cmp.Diff([]string{"Kernel Interfac", "Iface", `e\x1b[31mR`, "lo", `u\xff\xfe\xfd`}, names); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := o.run(o.gnet, strings.Fields("-ia --json")).Stdout; !strings.Contains(got, `"iface_hex":"75fffefdfc78797a"`) || !strings.Contains(got, `"iface":"e\u001b[31mR"`) {
			t.Errorf("netstat -ia --json:\n%s", got)
		}
	})
}

// Another proc tree has the counters and nothing else.
func TestNetstatInterfaces_procRoot(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/net", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/net/dev", []byte("e10:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\ne9:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	row := func(name string) string {
		return `{"kind":"row","iface":"` + name + `","rx_bytes":1,"rx_packets":2,"rx_errors":3,"rx_dropped":4,"rx_fifo":5,"rx_frame":6,"rx_compressed":7,"rx_multicast":8,` +
			`"tx_bytes":9,"tx_packets":10,"tx_errors":11,"tx_dropped":12,"tx_fifo":13,"tx_collisions":14,"tx_carrier":15,"tx_compressed":16}` + "\n"
	}
	netstatSays(t, "-i --format jsonl --proc-root "+dir, nstest.Result{
		Stdout: row("e9") + row("e10") + `{"kind":"note","level":"hint","text":"flags, MTU, labels and IPv4 addresses are not in a proc tree"}` + "\n",
		Stderr: "hint: flags, MTU, labels and IPv4 addresses are not in a proc tree\n"})
	netstatSays(t, "-i --proc-root "+dir, nstest.Result{Status: 2, Stderr: "netstat: -i: flags and MTU are not in a proc tree\nhint: --format table has the counters\n"})
}

func TestInterfaceLetters(t *testing.T) {
	for flags, want := range map[uint32]string{0: "[NO FLAGS]", 1 << 16: "[NO FLAGS]", 0xffff &^ 0x6000: "ABDLMdPNOPsmRU", 0x1043: "BMRU", 0x10d1: "MOPRU"} {
		if got := interfaceLetters(flags); got != want {
			t.Errorf("%#x: %s, want %s", flags, got, want)
		}
	}
}

func TestCompareNatural(t *testing.T) {
	want := strings.Fields("0 9 10 10:9 10a 1a 2a 9:a E1 Z9 Z10 _1 a-1 a-10 a10b1 a1b2 a1b10 e e0 e00 e001 e01 e1 e1:0 e1:9 e1:10 e9 e10 e-2 e10a e9a lo")
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareNatural)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
