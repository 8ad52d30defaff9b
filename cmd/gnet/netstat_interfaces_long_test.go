package main

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/procnet"
)

func TestNetstatOracle_interfacesLong(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newInterfaceLab(t)
		lab.ip("link set e9 dynamic on")
		lab.ip("link set lone txqueuelen 0")
		lab.ip("addr add 10.0.8.1/24 dev lone label lone:only") // and none with the name of the device
		o := newNetstatOracle(t)
		o.compareAll([]string{"-ie", "-iae", "-iee", "-iaeee", "-ien", "-ie4", "-ie6", "-iae -A unix", "-iex", "-iel", "-iaep", "-ie lo", "-ietu", "-ieg", "-ieW",
			"-iev", "-ieo", "-ieN", "--interfaces --extend --all", "-ie -A foo"})
	})
}

// Each kind of link that the original has a word for, one that it has none for,
// and the kinds that are nobody's. The device takes any; its address has six
// bytes, or as many as the kind has.
func TestNetstatOracle_hardware(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.TUN)
		lab := newSocketLab(t)
		fd := lab.tap("t0")
		lab.ip("link set t0 address 82:84:86:88:8a:8c")
		o := newNetstatOracle(t)
		for _, kind := range []int{unix.ARPHRD_NETROM, unix.ARPHRD_ETHER, 2, unix.ARPHRD_AX25, unix.ARPHRD_ARCNET, unix.ARPHRD_DLCI, unix.ARPHRD_EUI64,
			unix.ARPHRD_INFINIBAND, unix.ARPHRD_SLIP, unix.ARPHRD_CSLIP, unix.ARPHRD_SLIP6, unix.ARPHRD_CSLIP6, unix.ARPHRD_ADAPT, unix.ARPHRD_ROSE, unix.ARPHRD_X25,
			unix.ARPHRD_PPP, unix.ARPHRD_CISCO, unix.ARPHRD_LAPB, unix.ARPHRD_TUNNEL, unix.ARPHRD_TUNNEL6, unix.ARPHRD_FRAD, unix.ARPHRD_LOOPBACK, unix.ARPHRD_FDDI,
			unix.ARPHRD_SIT, unix.ARPHRD_HIPPI, unix.ARPHRD_ECONET, unix.ARPHRD_IEEE80211, unix.ARPHRD_IP6GRE, unix.ARPHRD_RAWIP, unix.ARPHRD_NONE} {
			lab.must(unix.IoctlSetInt(fd, unix.TUNSETLINK, kind))
			for _, address := range []string{"82:84:86:88:8a:8c", "82:84:40:40:40:40", "00:00:00:00:00:00", "a2:00:b4:c6:d8:e2", "fe:fe:fe:fe:fe:fe"} {
				lab.host.Run(t, nstest.Peer(t, "ip"), "link", "set", "t0", "address", address) // refused when it is no address of the kind
				o.compare("-iae")
			}
		}

		difference(t, "hardware-address")
		lab.must(unix.IoctlSetInt(fd, unix.TUNSETLINK, unix.ARPHRD_IRDA))
		if got, want := o.hardwareLine("t0"), "        irda 00:00:00:00  txqueuelen 1000  (IrLAP)"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		lab.must(unix.IoctlSetInt(fd, unix.TUNSETLINK, unix.ARPHRD_IPGRE)) // four bytes, the first that the device had
		if got := o.hardwareLine("t0"); !strings.HasSuffix(got, "-00-00-00-00-00-00-00-00-00-00-00-00  txqueuelen 1000  (UNSPEC)") {
			t.Errorf("GRE: %s", got)
		}
	})
}

// hardwareLine is the line of -iae that shows what kind of link a device is.
func (o *netstatOracle) hardwareLine(device string) string {
	_, rest, _ := strings.Cut(o.run(o.gnet, []string{"-iae"}).Stdout, "\n"+device+": ")
	for line := range strings.Lines(rest) {
		if strings.Contains(line, "txqueuelen") {
			return strings.TrimSuffix(line, "\n")
		}
	}
	return ""
}

// tap makes an Ethernet device of the test's own.
func (lab *socketLab) tap(name string) int {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	lab.must(err)
	lab.t.Cleanup(func() { unix.Close(fd) })
	request, err := unix.NewIfreq(name)
	lab.must(err)
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	lab.must(unix.IoctlIfreq(fd, unix.TUNSETIFF, request))
	return fd
}

// What no tap device has: addresses of every length, as the kernel gives them.
func TestAppendLongHardware(t *testing.T) {
	long := make([]byte, 32)
	for i := range long {
		long[i] = byte(0x81 + i)
	}
	for _, c := range []struct {
		kind uint16
		addr []byte
		want string
	}{
		{unix.ARPHRD_INFINIBAND, long[:20], "unspec 81-82-83-84-85-86-87-88-89-8A-8B-8C-8D-8E-8F-90-91-92-93-94  txqueuelen 7  (UNSPEC)\n"},
		{unix.ARPHRD_TUNNEL6, long[:16], "unspec 81-82-83-84-85-86-87-88-89-8A-8B-8C-8D-8E-8F-90  txqueuelen 7  (UNSPEC)\n"},
		{unix.ARPHRD_IPGRE, long[:4], "unspec 81-82-83-84-00-00-00-00-00-00-00-00-00-00-00-00  txqueuelen 7  (UNSPEC)\n"},
		{unix.ARPHRD_NONE, nil, "unspec 00-00-00-00-00-00-00-00-00-00-00-00-00-00-00-00  txqueuelen 7  (UNSPEC)\n"},
		{unix.ARPHRD_ETHER, nil, "ether 00:00:00:00:00:00  txqueuelen 7  (Ethernet)\n"},
		{unix.ARPHRD_EUI64, long[:8], "eui64 81:82:83:84:85:86:87:88  txqueuelen 7  (Generic EUI-64)\n"},
		{unix.ARPHRD_ROSE, long[:5], "rose 8182838485  txqueuelen 7  (AMPR ROSE)\n"},
		{unix.ARPHRD_X25, []byte("12\x1b\x003"), "x25 12\\x1b  txqueuelen 7  (generic X.25)\n"},
		{unix.ARPHRD_AX25, []byte{'A' << 1, 'B' << 1, 0x1b << 1, ' ' << 1, 'C' << 1, ' ' << 1, 0x6c}, "ax25 AB\\x1b-6  txqueuelen 7  (AMPR AX.25)\n"},
		{unix.ARPHRD_DLCI, []byte{0xff, 0xff}, "dlci 65535  txqueuelen 7  (Frame Relay DLCI)\n"},
		{unix.ARPHRD_IRDA, long[:4], "irda 84:83:82:81  txqueuelen 7  (IrLAP)\n"},
		{unix.ARPHRD_ASH, long[:2], "ash [8182]  txqueuelen 7  (Ash)\n"},
	} {
		if got := string(appendLongHardware(nil, &rtnl.Link{ARPType: c.kind, Hardware: c.addr, TxQueueLen: 7})); got != c.want {
			t.Errorf("%d %x: %q, want %q", c.kind, c.addr, got, c.want)
		}
	}
	if got := string(appendLongHardware(nil, &rtnl.Link{ARPType: unix.ARPHRD_PPP, TxQueueLen: 1<<32 - 1})); got != "ppp  (Point-to-Point Protocol)\n" {
		t.Errorf("without a queue: %q", got)
	}
}

// Flags and maps that no device of a namespace has. What the original makes of
// them was found by changing the answers of its ioctls.
func TestAppendLong_oddDevices(t *testing.T) {
	for flags, want := range map[uint32]string{
		0: "flags=0<", 8192: "flags=8192", 1 << 16: "flags=0<", 0x8000: "flags=-32768<DYNAMIC>",
		0xffff: "flags=-1<UP,BROADCAST,DEBUG,LOOPBACK,POINTOPOINT,NOTRAILERS,RUNNING,NOARP,PROMISC,ALLMULTI,SLAVE,MASTER,MULTICAST,DYNAMIC>",
	} {
		if got := string(appendLongFlags(nil, flags)); got != want {
			t.Errorf("flags %#x: %s, want %s", flags, got, want)
		}
	}
	difference(t, "device-map")
	for _, c := range []struct {
		m    rtnl.LinkMap
		want string
	}{
		{rtnl.LinkMap{Port: 3, MemEnd: 0xe0000, BaseAddr: 0xff}, ""},
		{rtnl.LinkMap{IRQ: 17}, "        device interrupt 17  \n"},
		{rtnl.LinkMap{IRQ: 300, BaseAddr: 0xfebc0000}, "        device interrupt 300  base 0xfebc0000  \n"},
		{rtnl.LinkMap{MemStart: 0xe0000}, "        device memory 0xe0000-0  \n"},
		{rtnl.LinkMap{DMA: 3}, "        device   dma 0x3\n"},
		{rtnl.LinkMap{DMA: 30, IRQ: 255, BaseAddr: 0x340, MemStart: 0xd000, MemEnd: 0xd800},
			"        device interrupt 255  base 0x340  memory 0xd000-d800    dma 0x1e\n"},
	} {
		if got := string(appendLongMap(nil, &c.m)); got != c.want {
			t.Errorf("%+v: %q, want %q", c.m, got, c.want)
		}
	}
	peer := rtnl.Addr{Prefix: netip.MustParsePrefix("10.0.0.1/32"), Peer: netip.MustParseAddr("10.0.0.2")}
	if got, want := string(appendLongInet(nil, unix.IFF_POINTOPOINT, &peer)), "inet 10.0.0.1  netmask 255.255.255.255  destination 10.0.0.2\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A tun device is point to point; with and without another end.
func TestNetstatOracle_pointToPoint(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.TUN)
		lab := newSocketLab(t)
		for _, line := range []string{"tuntap add n0 mode tun", "tuntap add n1 mode tun", "tuntap add n2 mode tun", "addr add 10.1.0.1 peer 10.1.0.2/32 dev n0",
			"addr add 10.2.0.1/24 dev n1", "link set n0 up", "link set n1 up", "link set n2 up", "link set n1 multicast off"} {
			lab.ip(line)
		}
		newNetstatOracle(t).compareAll([]string{"-ie", "-iae", "-i", "-ia"})
	})
}

const labDevHead = "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"

// Counters of every size, and scopes and prefixes that no kernel writes.
func TestNetstatOracle_interfacesLongOdd(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newInterfaceLab(t)
		o := newNetstatOracle(t)
		sizes := []uint64{0, 1, 999, 1023, 1024, 1025, 1<<20 - 1, 1 << 20, 1<<20 + 1, 1<<20 + 1<<10*51, 1 << 30, 1<<30 + 1, 1<<40 - 1, 1 << 40, 1<<50 - 1, 1 << 50, 1<<50 + 1,
			922337203685477580, 922337203685477581, 1000<<50 - 1, 1000 << 50, 1<<60 - 1, 1 << 60, 1<<60 + 1, 3 << 59, 3<<59 - 1, 8 << 60, 8<<60 - 1, 15 << 60, 1<<64 - 1}
		for pair := range slices.Chunk(sizes, 2) {
			fakeProc(t, map[string]string{"dev": labDevHead + fmt.Sprintf("    lo: %d 2 3 4 5 6 7 8 %d 10 11 12 13 14 15 16\n", pair[0], pair[1])})
			o.compare("-ie")
		}
		var scopes strings.Builder
		for scope := range 256 {
			fmt.Fprintf(&scopes, "20010db80000000000000000000000%02x 01 %02x %02x 80       lo\n", scope, scope, scope)
		}
		scopes.WriteString("0000000000000000000000000a000001 01 80 00 80       lo\n00000000000000000000ffff0a000001 01 80 00 80       lo\n" +
			"00000000000000000000000000000000 01 80 00 80       lo\n20010db8000000000000000000000001 02 40 00 80 e0:1\n20010db8000000000000000000000001 02 40 00 80 gone\n")
		for _, files := range []map[string]string{{"if_inet6": scopes.String()}, {"none": ""}, {"dev": labDevHead}, {"dev": labDevHead, "if_inet6": scopes.String()}} {
			fakeProc(t, files)
			o.compare("-ie")
			o.compare("-iae")
		}
	})
}

func TestNetstatDiffers_interfacesLong(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newSocketLab(t)
		o := newNetstatOracle(t)

		difference(t, "inet6-row")
		const row = "20010db8000000000000000000000001 01 80 00 80       lo\n"
		const line = "        inet6 2001:db8::1  prefixlen 128  scopeid 0x0<global>\n"
		fakeProc(t, map[string]string{"if_inet6": "garbage\n" + row})
		got := o.run(o.gnet, []string{"-ie"})
		if !strings.Contains(got.Stdout, line) || got.Status != 0 || !strings.Contains(got.Stderr, `/proc/net/if_inet6: line 1: address "garbage": not an address`) {
			t.Errorf("netstat -ie: %+v", got)
		}
		if got := o.run(o.original, []string{"-ie"}); strings.Contains(got.Stdout, "inet6") || got.Status != 0 || strings.Contains(got.Stderr, "if_inet6") {
			t.Errorf("the original's -ie: %+v", got)
		}
	})
}

// Each round of -iec has the rows, and only the first the title.
func TestNetstatOracle_interfacesLongAgain(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newInterfaceLab(t)
		o := newNetstatOracle(t)
		// The counters move; what begins a line does not.
		heads := func(lines []string) (heads []string) {
			for _, line := range lines {
				heads = append(heads, line[:min(len(line), 18)])
			}
			return heads
		}
		once := heads(strings.SplitAfter(o.run(o.gnet, []string{"-ie"}).Stdout, "\n"))
		want := slices.Concat(once[:len(once)-1], once[1:len(once)-1])
		for _, path := range []string{o.original, o.gnet} {
			if diff := cmp.Diff(want, heads(o.lines(path, len(want), "-iec"))); diff != "" {
				t.Errorf("%s -iec (-want +got):\n%s", path, diff)
			}
		}
	})
}

// lines are those of until.
func (o *netstatOracle) lines(path string, n int, args ...string) []string {
	o.t.Helper()
	lines := strings.SplitAfter(o.until(path, n, args...).Stdout, "\n")
	return lines[:len(lines)-1]
}

// until runs a netstat that does not end by itself until it has printed n lines, and returns these: no time is set in which it
// must have started, or come to its next round.
func (o *netstatOracle) until(path string, n int, args ...string) nstest.Result {
	o.t.Helper()
	cmd := exec.CommandContext(o.t.Context(), path, args...)
	cmd.Args[0], cmd.Dir, cmd.Env = "netstat", "/", []string{"LC_ALL=C", "TMPDIR=" + filepath.Dir(o.gnet)}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		o.t.Fatal(err)
	}
	var stdout strings.Builder
	reader := bufio.NewReader(out)
	for range n {
		line, err := reader.ReadString('\n')
		if err != nil {
			break // it ended; what is missing shows
		}
		stdout.WriteString(line)
	}
	cmd.Process.Kill()
	cmd.Wait()
	return nstest.Result{Stdout: stdout.String(), Stderr: stderr.String(), Status: cmd.ProcessState.ExitCode()}
}

// A thousand interfaces in natural order, names of 15 bytes among them, which
// the original shows without their counters: so they have none.
func TestNetstatOracle_manyInterfaces(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		var batch strings.Builder
		for i := range 500 {
			names := [2]string{fmt.Sprintf("v%d", i), fmt.Sprintf("w%d", 1000-i)}
			if i%50 == 0 {
				names[0] = fmt.Sprintf("a-long-name-%03d", i)
			}
			fmt.Fprintf(&batch, "link add %s type veth peer name %s\n", names[0], names[1])
			if i%3 == 0 {
				fmt.Fprintf(&batch, "addr add 10.%d.%d.1/24 dev %s\naddr add 10.%d.%d.1/24 dev %s label %.10s:%d\n", i/250, i%250, names[1], 100+i/250, i%250, names[1], names[1], i)
			}
		}
		file := filepath.Join(publicDir(t), "batch")
		lab.must(os.WriteFile(file, []byte(batch.String()), 0o644))
		lab.ip("-batch " + file)
		newNetstatOracle(t).compareAll([]string{"-i", "-ia", "-iae", "-gn"})
	})
}

func TestNetstatHostile_interfacesLong(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		lab.ip("link add e\x1b[31mR type veth peer name u\xff\xfe\xfd\xfcxyz")
		o := newNetstatOracle(t)
		var names []string
		for line := range strings.Lines(o.run(o.gnet, []string{"-iae"}).Stdout) {
			if name, _, found := strings.Cut(line, ": flags="); found {
				names = append(names, name)
			}
		}
		if diff := cmp.Diff([]string{`e\x1b[31mR`, "lo", `u\xff\xfe\xfd\xfcxyz`}, names); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// The machine formats have all that -ie shows, and every address.
func TestNetstatInterfaces_document(t *testing.T) {
	row := interfaceRow{
		name: "e0",
		link: &rtnl.Link{Name: "e0", Index: 3, MTU: 1500, Flags: 0x1043, ARPType: unix.ARPHRD_ETHER, Hardware: []byte{2, 0, 0, 0, 0, 1}, TxQueueLen: 1000,
			Map: rtnl.LinkMap{IRQ: 300, MemStart: 0xe0000000, MemEnd: 0xe0010000}},
		inet: []rtnl.Addr{{Prefix: netip.MustParsePrefix("10.0.0.1/24"), Broadcast: netip.MustParseAddr("10.0.0.255")},
			{Prefix: netip.MustParsePrefix("10.0.0.2/32"), Peer: netip.MustParseAddr("10.0.0.9"), Scope: unix.RT_SCOPE_LINK}},
		inet6: []procnet.Inet6Addr{{Addr: netip.MustParseAddr("fe80::1"), PrefixLen: 64, Scope: 0x20}, {Addr: netip.MustParseAddr("ff::"), Scope: 5}},
	}
	var stdout strings.Builder
	e := &env{Stdout: newOutput(&stdout), Stderr: os.Stderr}
	l := interfaceList{e: e, o: &netstatOptions{outputOptions: outputOptions{Format: render.JSONL}}, rows: []*interfaceRow{&row}}
	l.print()
	if err := e.Stdout.finish(); err != nil {
		t.Fatal(err)
	}
	want := `{"kind":"row","iface":"e0","device":"e0","iface_index":3,"mtu":1500,"flags":"BMRU","flag_bits":4163,"hardware":"ether","hardware_type":1,` +
		`"hardware_addr":"02:00:00:00:00:01","txqueuelen":1000,"interrupt":300,"mem_start":"3758096384","mem_end":"3758161920",` +
		`"addrs":[{"addr":"10.0.0.1","prefix_len":24,"broadcast":"10.0.0.255","scope":"global"},{"addr":"10.0.0.2","prefix_len":32,"peer":"10.0.0.9","scope":"link"},` +
		`{"addr":"fe80::1","prefix_len":64,"scope":"link"},{"addr":"ff::","prefix_len":0,"scope":"5"}]}` + "\n"
	if diff := cmp.Diff(want, stdout.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
