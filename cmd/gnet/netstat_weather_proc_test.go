package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// withoutV6 is what a kernel without IPv6 has below /proc/net: the files of this
// namespace but for those of IPv6.
func withoutV6(t *testing.T) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, name := range []string{"tcp", "udp", "udplite", "raw", "unix", "route", "dev", "snmp", "netstat", "igmp", "sockstat"} {
		text, err := os.ReadFile("/proc/net/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	return files
}

// TestNetstatWeather_noIPv6: a kernel without IPv6 has no file of it and makes no
// socket of it. Each mode shows what the original shows then.
func TestNetstatWeather_noIPv6(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		for _, local := range []string{"127.0.0.1:22", "10.99.0.1:9001"} {
			lab.listen(local)
		}
		lab.bind(unix.SOCK_DGRAM, 0, "0.0.0.0:53")
		lab.unixes()
		o := newNetstatOracle(t)
		fakeProc(t, withoutV6(t))
		t.Setenv(netlessEnv, strconv.Itoa(int(unix.EAFNOSUPPORT)))
		for _, line := range []string{"-an", "-tan", "-t6n", "-6n", "-6an", "-46an", "-tulne", "-6anv", "-w6n", "-A inet6 -an", "-x"} {
			o.compare(line)
		}
		got := o.run(o.gnet, strings.Fields("-6an --json"))
		want := nstest.Result{Stdout: `{"schema":"gnet/netstat/1","rows":[],"notes":[]}` + "\n"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("netstat -6an --json (-want +got):\n%s", diff)
		}
	})
}

// TestNetstatWeather_noProc: where nothing is mounted on /proc the sockets are
// known all the same, and that no process is known is said.
func TestNetstatWeather_noProc(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		difference(t, "no-proc-net")
		lab := newSocketLab(t)
		lab.listen("127.0.0.1:22")
		lab.bind(unix.SOCK_DGRAM, 0, "10.99.0.1:53")
		o := newNetstatOracle(t)
		want := o.run(o.gnet, []string{"-tuln"})
		dir := publicDir(t)
		lab.must(unix.Mount(dir, "/proc", "", unix.MS_BIND, ""))
		t.Cleanup(func() { unix.Unmount("/proc", unix.MNT_DETACH) })

		if diff := cmp.Diff(want, o.run(o.gnet, []string{"-tuln"})); diff != "" {
			t.Errorf("netstat -tuln (-with /proc +without):\n%s", diff)
		}
		got := o.run(o.gnet, []string{"-tulnp"})
		if strings.Count(got.Stdout, " -                   \n") != 2 || !strings.HasPrefix(got.Stderr, missingHint+"2 (") {
			t.Errorf("netstat -tulnp: %+v", got)
		}
		// With neither source there is nothing to show, and status 1 as the original has.
		t.Setenv(netlessEnv, strconv.Itoa(int(unix.EPERM)))
		for _, line := range []string{"-tn", "-tulnp", "-xn", "-an"} {
			o.compare(line)
		}
	})
}

// TestNetstatWeather_fewDescriptors: a process that may open next to nothing
// shows the whole truth or says what went wrong, and then its status is no
// success.
func TestNetstatWeather_fewDescriptors(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		for i := range 4 {
			lab.holder(fmt.Sprintf("/bin/holder%d", i), fmt.Sprintf("127.0.0.1:700%d", i))
		}
		o := newNetstatOracle(t)
		limited := func(line string, limit int) nstest.Result {
			script := fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, limit)
			return o.run("/bin/sh", append([]string{"-c", script, o.gnet}, strings.Fields(line)...))
		}
		for line, owner := range map[string]string{"-tlnp": "/holder", "-tlnp --format jsonl": `"comm":"sleep"`} {
			whole, complete, refused := limited(line, 100), 0, 0
			if whole.Status != 0 || strings.Count(whole.Stdout, owner) != 4 || whole.Stderr != "" {
				t.Fatalf("netstat %s: %+v", line, whole)
			}
			// With four the C library of this test binary cannot be loaded.
			for limit := 5; limit <= 12; limit++ {
				switch got := limited(line, limit); {
				case got == whole:
					complete++
				case got.Status == statusNo && (strings.Contains(got.Stderr, "too many open files") || strings.Contains(got.Stdout, "too many open files")):
					refused++
				default:
					t.Errorf("netstat %s with %d descriptors: %+v", line, limit, got)
				}
			}
			if complete == 0 || refused == 0 {
				t.Errorf("netstat %s: %d answers whole, %d refused: the limits show nothing", line, complete, refused)
			}
		}
	})
}

// TestNetstatWeather_unreadable: a table that we may not read is not one that the
// kernel lacks.
func TestNetstatWeather_unreadable(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Root)
		difference(t, "unreadable-table")
		newSocketLab(t)
		o := newNetstatOracle(t)
		fakeProc(t, map[string]string{
			"tcp":  labInetHead + "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0        0 77 2\n",
			"udp":  labInetHead + "   0: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000  0        0 78 2\n",
			"igmp": "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n",
		})
		for _, file := range []string{"tcp", "igmp"} {
			if err := os.Chmod("/proc/net/"+file, 0); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv(netlessEnv, strconv.Itoa(int(unix.EPERM)))
		o.nobody = true
		const head = "Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State      \n"
		const udp = "udp        0      0 127.0.0.1:53            0.0.0.0:*                          \n"
		const denied = "netstat: open /proc/net/tcp: permission denied\n"
		o.expect("-ln4", nstest.Result{Stdout: head + udp, Stderr: denied, Status: statusNo})
		o.expect("-tuln", nstest.Result{Stdout: head + udp, Stderr: denied, Status: statusNo})
		if got := o.run(o.original, []string{"-ln4"}); got != (nstest.Result{Stdout: head + udp}) {
			t.Errorf("the original no longer passes over what it may not read: %+v", got)
		}
		if got := o.run(o.gnet, []string{"-g"}); got.Status != statusNo || got.Stderr != "netstat: open /proc/net/igmp: permission denied\n" {
			t.Errorf("netstat -g: %+v", got)
		}
	})
}
