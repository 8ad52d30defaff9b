package main

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// Where netlink is refused, the table is the same, and -v says from where it
// comes; the machine formats say so always.
func TestNetstatSources_refused(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		lab.tcp()
		lab.datagrams()
		lab.unixes()
		o := newNetstatOracle(t)
		for _, errno := range []unix.Errno{unix.EPERM, unix.EACCES, unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT} {
			for _, line := range []string{"-an", "-tanoe", "-tln", "-tn", "-un", "-xa"} {
				o.sameWithout(line, errno)
			}
			t.Setenv(netlessEnv, strconv.Itoa(int(errno)))
			why := "tcp, tcp6, udp, udp6 read from /proc/net, because sock_diag: open netlink socket: " + errno.Error()
			if got := o.run(o.gnet, strings.Fields("-tulnv")); got.Stderr != "hint: "+why+"\n" {
				t.Errorf("%v: netstat -tulnv says %q", errno, got.Stderr)
			}
			got := o.run(o.gnet, strings.Fields("-tuln --json"))
			var answer struct{ Notes []map[string]string }
			if err := json.Unmarshal([]byte(got.Stdout), &answer); err != nil || got.Stderr != "" {
				t.Fatalf("%v: %+v", err, got)
			}
			if diff := cmp.Diff([]map[string]string{{"level": "hint", "text": why}}, answer.Notes); diff != "" {
				t.Errorf("%v: notes (-want +got):\n%s", errno, diff)
			}
		}
	})
}

// sameWithout compares gnet with netlink and without it. What moves between two
// runs agrees soon.
func (o *netstatOracle) sameWithout(line string, errno unix.Errno) {
	o.t.Helper()
	var with, without nstest.Result
	for range 5 {
		os.Unsetenv(netlessEnv)
		with = o.run(o.gnet, strings.Fields(line))
		o.t.Setenv(netlessEnv, strconv.Itoa(int(errno)))
		without = o.run(o.gnet, strings.Fields(line))
		with.Stdout, without.Stdout = normaliseTimers(with.Stdout), normaliseTimers(without.Stdout)
		if with == without {
			return
		}
	}
	o.t.Errorf("%v: netstat %s (-with +without netlink):\n%s", errno, line, cmp.Diff(with, without))
}

// Where /proc shows processes and nothing else, gnet still knows the sockets.
func TestNetstatSources_noProcNet(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Root)
		difference(t, "no-proc-net")
		lab := newSocketLab(t)
		both := lab.listen("[::]:443") // nothing here moves between two runs
		lab.connect("10.99.0.1:443")
		lab.connect("[::1]:443")
		lab.accept(both)
		lab.listen("127.0.0.1:22")
		lab.datagrams()
		lab.unixes()
		o := newNetstatOracle(t)
		const line = "-tux -anp"
		want := o.run(o.gnet, strings.Fields(line))
		if err := unix.Mount("proc", "/proc", "proc", 0, "subset=pid"); err != nil {
			t.Skipf("mount subset=pid: %v", err) // needs Linux 5.8
		}
		t.Cleanup(func() { unix.Unmount("/proc", 0) })
		got := o.run(o.gnet, strings.Fields(line))
		if diff := cmp.Diff(withoutRefCnt(want), withoutRefCnt(got)); diff != "" {
			t.Errorf("netstat %s (-with +without /proc/net):\n%s", line, diff)
		}
		for row := range strings.Lines(got.Stdout) {
			if strings.HasPrefix(row, "unix") && !strings.HasPrefix(row, "unix  -      [") {
				t.Errorf("a RefCnt that nobody knows: %s", row)
			}
		}
		raw := o.run(o.gnet, []string{"-wn"})
		if raw.Status != 1 || raw.Stderr != "netstat: no support for `AF INET (raw)' on this system.\n" {
			t.Errorf("netstat -wn, which neither source has: %+v", raw)
		}
		if original := o.run(o.original, []string{"-tn"}); original.Status != 1 {
			t.Errorf("the original sees sockets without /proc/net: %+v", original)
		}
	})
}

// withoutRefCnt blanks the column of unix sockets that only the file has, and
// leaves out the sockets without an inode, which are also only there.
func withoutRefCnt(r nstest.Result) nstest.Result {
	var out strings.Builder
	for line := range strings.Lines(r.Stdout) {
		if strings.HasPrefix(line, "unix") {
			if strings.Contains(line, " CONNECTING    0 ") {
				continue
			}
			line = line[:6] + "      " + line[12:]
		}
		out.WriteString(line)
	}
	r.Stdout = out.String()
	return r
}

// A connection attempt to port 0 is no listener, whatever the original says.
func TestNetstatDiffers_portZero(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.TUN)
		difference(t, "listening-port-0")
		lab := newSocketLab(t)
		lab.newTunPeer()
		fd := lab.socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		_, local := sockaddr(tunLocal + ":3000")
		lab.must(unix.Bind(fd, local))
		_, remote := sockaddr(tunPeer2 + ":0")
		if err := unix.Connect(fd, remote); err != unix.EINPROGRESS {
			t.Fatalf("connect: %v, want EINPROGRESS", err)
		}
		o := newNetstatOracle(t)
		row := "tcp        0      1 10.98.0.1:3000          10.98.0.2:*             SYN_SENT   \n"
		for line, want := range map[string]bool{"-tn4": true, "-tan4": true, "-tln4": false} {
			if got := o.run(o.gnet, []string{line}); strings.HasSuffix(got.Stdout, row) != want {
				t.Errorf("netstat %s: %+v", line, got)
			}
		}
		if got := o.run(o.original, []string{"-tln4"}); !strings.HasSuffix(got.Stdout, row) {
			t.Errorf("the original no longer takes it for a listener: %+v", got)
		}
	})
}
