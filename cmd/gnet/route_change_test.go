package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/routes"
)

// TestSavedColumns: what save writes, and what a listing over rtnetlink does, restore reads, to the last field.
func TestSavedColumns(t *testing.T) {
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	encap := rtnl.Encap{Type: 2, Data: "\x0c\x00\x01\xff"}
	all := []rtnl.Route{
		{Family: unix.AF_INET, Dst: prefix("10.0.0.0/8"), Tos: 16, Table: 70000, Priority: 1<<32 - 1, Type: 1, Protocol: 77, Scope: 253,
			Gateway: addr("fe80::1"), Oif: 7, OifName: "a\x1b\xffb", Flags: unix.RTNH_F_ONLINK, PrefSrc: addr("10.0.0.1"), Realms: 0x30005, Encap: encap, Other: "\x08\x00\xc8\x00abcd",
			Metrics: rtnl.Metrics{Lock: 1<<unix.RTAX_MTU | 1<<unix.RTAX_CC_ALGO | 1<<unix.RTAX_WINDOW, MTU: 1, RTT: 3, RTTVar: 4, SSThresh: 5, CWnd: 6, AdvMSS: 7, Reordering: 8,
				HopLimit: 9, InitCWnd: 10, Features: 11, RTOMin: 12, InitRWnd: 13, QuickAck: 14, FastOpenNoC: 15, CongAlg: "reno", Other: "\x08\x00\x63\x00\x01\x02\x03\x04"}},
		{Family: unix.AF_INET, Dst: prefix("0.0.0.0/0"), Table: 254, Type: 6, Protocol: 2, Scope: 200, Multipath: []rtnl.Nexthop{
			{Gateway: addr("10.0.0.2"), Oif: 7, OifName: "a\x1b\xffb", Weight: 256, Flags: unix.RTNH_F_ONLINK, Realms: 9, Encap: encap, Other: "\x04\x00\xc9\x00"}, {Gateway: addr("10.0.0.3"), Weight: 1}}},
		{Family: unix.AF_INET6, Dst: prefix("::/0"), Src: prefix("fd00::/8"), Table: 254, Type: 1, Protocol: 9, Priority: 1024, Expires: 4200, Pref: 3},
		{Family: unix.AF_INET6, Dst: prefix("2001:db8::1/128"), Table: 255, Type: 2, Protocol: 2, NexthopID: 4000000000},
	}
	saved := writtenRoutes(t, routeSaveSchema, savedColumns(), all, func(r *rtnl.Route) *rtnl.Route { return r })
	listed := writtenRoutes(t, routeSchema, routeColumns(), all, func(r *rtnl.Route) *routeRow {
		if r.Family == unix.AF_INET {
			v4 := routes.IPv4RowOf(r)
			return &routeRow{v4: &v4, route: r}
		}
		v6 := routes.IPv6RowOf(r)
		return &routeRow{v6: &v6, route: r}
	})
	for i := range all { // as they are sent
		all[i].OifName = ""
		for j := range all[i].Multipath {
			all[i].Multipath[j].OifName = ""
		}
		all[i].Expires = all[i].Expires / 100
	}
	equal := cmp.Options{cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })}
	for what, got := range map[string][]rtnl.Route{"saved": saved, "listed": listed} {
		if diff := cmp.Diff(all, got, equal); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

// writtenRoutes writes routes as lines of JSON and reads them as restore does.
func writtenRoutes[T any](t *testing.T, schema string, columns []render.Column[T], all []rtnl.Route, row func(*rtnl.Route) *T) (got []rtnl.Route) {
	t.Helper()
	var b bytes.Buffer
	doc := render.NewDocument(&b, render.JSONL, schema)
	rows := render.NewRows(doc, columns)
	for i := range all {
		if err := rows.Write(row(&all[i])); err != nil {
			t.Fatal(err)
		}
	}
	if err := doc.Close(); err != nil {
		t.Fatal(err)
	}
	names := routes.SaveNames{Interface: func(name string) (int, bool) { return 7, name == "a\x1b\xffb" }}
	for saved, err := range routes.ReadSaved(&b, names) {
		if err != nil {
			t.Fatal(err)
		}
		r := saved.Route
		r.Multipath = append([]rtnl.Nexthop(nil), r.Multipath...)
		got = append(got, r)
	}
	return got
}

// table is what iproute2 lists of all tables.
func tables(t *testing.T, host *nstest.Host) string {
	t.Helper()
	ip := nstest.Peer(t, "ip")
	return host.Run(t, ip, "-4", "-d", "route", "show", "table", "all").Stdout + host.Run(t, ip, "-6", "-d", "route", "show", "table", "all").Stdout
}

// TestRouteSaveRestore: all that iproute2 lists is there again after a flush and a restore, through a file and through a pipe.
func TestRouteSaveRestore(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, run := routeListLab(t)
		file := filepath.Join(t.TempDir(), "saved")
		saved := run("save", "--all-tables")
		if err := os.WriteFile(file, []byte(saved.Stdout), 0o600); err != nil || saved.Status != 0 || saved.Stderr != "" {
			t.Fatal(err, saved)
		}
		before := tables(t, host)
		for _, how := range []string{"file", "pipe", "json", "jsonl"} {
			if strings.HasPrefix(how, "json") {
				saved = run("-4", "-6", "--details", "--all-tables", "--format", how)
				if err := os.WriteFile(file, []byte(saved.Stdout), 0o600); err != nil || saved.Status != 0 || saved.Stderr != "" {
					t.Fatal(err, saved)
				}
			}
			for _, flush := range [][]string{{"flush", "--all", "--yes"}, {"flush", "--table", "1001", "--yes"}} {
				if r := run(flush...); r.Status != 0 || r.Stderr != "" {
					t.Fatal(r)
				}
			}
			if r := run("flush", "--all", "--yes"); r.Status != 0 || r.Stdout != "nothing to do\n" {
				t.Errorf("flush of nothing: %+v", r)
			}
			restore := exec.Command(gnetCalled(t, "route"), "restore", file)
			if how == "pipe" {
				restore = exec.Command(gnetCalled(t, "route"), "restore")
				restore.Stdin = strings.NewReader(saved.Stdout) // exec makes a pipe of it
			}
			r := host.Output(t, restore)
			if r.Status != 0 || r.Stderr != "" || !strings.Contains(r.Stdout, " added, ") {
				t.Errorf("%s: %+v", how, r)
			}
			if diff := cmp.Diff(before, tables(t, host)); diff != "" {
				t.Errorf("%s (-before +after)\n%s", how, diff)
			}
			if r := run("diff", file); r.Status != 0 || r.Stdout+r.Stderr != "" {
				t.Errorf("%s: diff after the restore: %+v", how, r)
			}
		}
	})
}

// TestRouteDiff: what is missing, what stands in the place of another, what is beyond the file.
func TestRouteDiff(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, run := routeListLab(t)
		file := filepath.Join(t.TempDir(), "saved")
		if err := os.WriteFile(file, []byte(run("save").Stdout+"rubbish\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(run("save").Stdout, "\n") + 1
		ip := nstest.Peer(t, "ip")
		for _, line := range []string{"route del 10.1.0.0/16", "route replace default via 10.50.0.9", "route add 10.77.0.0/16 dev d0", "route add 10.78.0.0/16 dev d0 table 9",
			"route replace 10.7.0.0/16 dev d0 mtu 1300 rtt 13"} {
			if r := host.Run(t, ip, strings.Fields(line)...); r.Status != 0 {
				t.Fatal(line, r)
			}
		}
		want := nstest.Result{Status: 1, Stderr: fmt.Sprintf("route: line %d: it is no JSON\n", lines), Stdout: `~ 0.0.0.0/0 via 10.50.0.2 dev d0 proto boot  was: 0.0.0.0/0 via 10.50.0.9 dev d0 proto boot
+ blackhole 10.1.0.0/16 proto static
~ 10.7.0.0/16 dev d0 realms 3/4 mtu lock 1400 initcwnd 20 rto_min lock 300ms features ecn congctl cubic scope link proto boot  was: 10.7.0.0/16 dev d0 mtu 1300 rtt 1.625ms scope link proto boot
- 10.77.0.0/16 dev d0 scope link proto boot
`}
		got := run("diff", file)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if got := run("diff", file, "--json"); got.Status != 1 || !json.Valid([]byte(got.Stdout)) || strings.Count(got.Stdout, `"change":`) != 4 {
			t.Errorf("%+v", got)
		}
	})
}

// TestRouteFlush: the filters, what asks, and what is never taken along.
func TestRouteFlush(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, run := routeListLab(t)
		before := tables(t, host)
		for _, words := range [][]string{{"flush"}, {"flush", "--all"}, {"flush", "--proto", "boot"}, {"flush", "--yes"}, {"flush", "--dry-run"}, {"flush", "--frob"}, {"flush", "10.0.0.0/8"}, {"flush", "--proto", "nosuch", "--yes"}} {
			if r := run(words...); r.Status != 3 || r.Stdout != "" || r.Stderr == "" {
				t.Errorf("%q: %+v", words, r)
			}
		}
		r := run("flush", "--root", "10.0.0.0/8", "--proto", "boot", "--dry-run", "-4")
		if n := strings.Count(r.Stdout, "would delete 10."); r.Status != 0 || n != 6 || !strings.HasSuffix(r.Stdout, "6 routes would be deleted\n") {
			t.Errorf("dry run: %+v", r)
		}
		if diff := cmp.Diff(before, tables(t, host)); diff != "" {
			t.Fatalf("something was deleted\n%s", diff)
		}
		if r := run("flush", "--all-tables", "--all", "--yes", "--json"); r.Status != 0 || !strings.Contains(r.Stdout, `"failed":0`) {
			t.Errorf("%+v", r)
		}
		for line := range strings.Lines(tables(t, host)) {
			if !strings.Contains(line, "table local") {
				t.Errorf("left: %s", line)
			}
		}
		if r := run("flush", "--table", "local", "--type", "broadcast", "--yes"); r.Status != 0 || strings.Contains(tables(t, host), "broadcast") {
			t.Errorf("the local table by name: %+v", r)
		}
	})
}

// TestRouteFlush_asks at a terminal, and takes anything but yes for no; where nothing is selected there is nothing to ask.
func TestRouteFlush_asks(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, _ := routeListLab(t)
		script := nstest.Peer(t, "script")
		for _, answer := range []string{"n", "", "yes"} {
			cmd := exec.Command(script, "-qec", gnetCalled(t, "route")+" flush --exact 10.1.0.0/16", "/dev/null")
			cmd.Stdin = strings.NewReader(answer + "\n")
			r := host.Output(t, cmd)
			want, left := 1, 1
			if answer == "yes" {
				want, left = 0, 0
			}
			if n := strings.Count(tables(t, host), "10.1.0.0/16"); r.Status != want || n != left || !strings.Contains(r.Stdout, "delete 1 route? [y/N] ") {
				t.Errorf("%q: %d are left, %+v", answer, n, r)
			}
		}
		before := tables(t, host)
		cmd := exec.Command(script, "-qec", gnetCalled(t, "route")+" flush --exact 10.1.0.0/16", "/dev/null")
		cmd.Stdin = strings.NewReader("yes\n")
		r := host.Output(t, cmd)
		if said := strings.Replace(r.Stdout, "yes\r\n", "", 1); said != "nothing to do\r\n" || r.Status != 0 || tables(t, host) != before { // the terminal echoes the answer when it likes
			t.Errorf("nothing is selected: %+v", r)
		}
	})
}

// TestRouteRestore_manyAndOneBad, and a user who may not.
func TestRouteRestore_failures(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, run := routeListLab(t)
		dir := t.TempDir()
		file := filepath.Join(dir, "saved")
		var b strings.Builder
		for i := range 3000 {
			fmt.Fprintf(&b, `{"destination":"20.%d.%d.0/24","gateway":"10.50.0.2","iface":"d0"}`+"\n", i>>8, i&255)
			if i == 999 {
				b.WriteString(`{"destination":"20.0.0.0/33"}` + "\n" + `{"destination":"30.0.0.0/8","gateway":"192.0.2.1","iface":"d0"}` + "\n")
			}
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		want := nstest.Result{Status: 1, Stdout: "3000 added, 1 failed, 1 no route\n", Stderr: `route: line 1001: "destination": "20.0.0.0/33" is no prefix
route: line 1002: 30.0.0.0/8 via 192.0.2.1 dev d0: Network is unreachable (the kernel says: Nexthop has invalid gateway)
`}
		if diff := cmp.Diff(want, run("restore", file)); diff != "" {
			t.Error(diff)
		}
		got := run("restore", file, "--format", "jsonl")
		lines := strings.Split(got.Stdout, "\n")
		if got.Status != 1 || len(lines) != 4 || lines[1] != `{"kind":"row","line":1002,"item":1002,"destination":"30.0.0.0/8","table":254,"error":"Network is unreachable","kernel":"Nexthop has invalid gateway"}` ||
			lines[2] != `{"kind":"summary","added":0,"replaced":0,"present":3000,"deleted":0,"gone":0,"failed":1,"bad":1,"unknown":0,"untried":0,"interrupted":false}` {
			t.Errorf("%+v", got)
		}
		for text, want := range map[string]string{"default via 10.0.0.1\n": "restore: " + file + ": neither lines of JSON"} {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if r := run("restore", file); r.Status != 2 || r.Stdout != "nothing was done\n" || !strings.Contains(r.Stderr, strings.TrimPrefix(want, "restore: ")) {
				t.Errorf("%q: %+v", text, r)
			}
		}
		_ = host
	})
}

// TestRoute_withoutRight: every change names the capability, and nothing is changed.
func TestRoute_withoutRight(t *testing.T) {
	nstest.Require(t, nstest.Root)
	nstest.InNetns(t, func(t *testing.T) {
		host, _ := routeListLab(t)
		before := tables(t, host)
		for _, words := range []string{"restore", "flush --all --yes", "add -net 10.66.0.0/16 dev d0", "replace -net 10.1.0.0/16 dev d0", "del default"} {
			cmd := exec.Command(gnetCalled(t, "route"), strings.Fields(words)...)
			nstest.AsNobody(t, cmd)
			cmd.Stdin = strings.NewReader(`{"destination":"20.0.0.0/8","iface":"d0"}`)
			r := host.Output(t, cmd)
			want := 2
			if !strings.HasPrefix(words, "restore") && !strings.HasPrefix(words, "flush") {
				want = 7
			}
			if r.Status != want || !strings.Contains(strings.ToLower(r.Stderr), "operation not permitted") || !strings.Contains(r.Stderr, "cap_net_admin") {
				t.Errorf("%s: %+v", words, r)
			}
		}
		if diff := cmp.Diff(before, tables(t, host)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestRouteIoctl: under a seccomp filter that refuses netlink, add and del do what they do without, by the old system calls; what those cannot
// carry is refused with a sentence.
func TestRouteIoctl(t *testing.T) {
	lines := []string{
		"add -net 10.20.0.0/16 gw 10.50.0.2", "add -net 10.20.0.0/16 gw 10.50.0.2", "add -net 10.21.0.0/16 gw 10.50.0.3 metric 32766", "add 10.22.0.1 dev d0 metric 0",
		"add -net 10.23.0.0/16 gw 10.50.0.2 mss 1400 window 8192 irtt 300", "add -net 10.24.0.0/16 reject", "add -net 10.25.0.0/16 gw 192.0.2.77", "add -net 10.26.0.0/16 dev nosuch",
		"add -net 10.26.0.0/16 dev averyveryverylongname", "add -net 10.27.0.1 netmask 255.255.255.255 gw 10.50.0.2", "add -net 10.28.0.0/16 unreachable metric 9", "del -net 10.24.0.0/16", "del -net 10.24.0.0/16 reject", "del -net 10.20.0.0/16", "del -net 10.99.0.0/16", "del default",
		"add default gw 10.50.0.9 dev d0",
		"-6 add 2001:db8:20::/48 gw 2001:db8:50::2", "-6 add 2001:db8:20::/48 gw 2001:db8:50::2", "-6 add 2001:db8:21::7/128 dev d0 metric 4000000000", "-6 add 2001:db8:22::/48 dev nosuch", "-6 add 2001:db8:23::/48 gw 2001:db8:99::1",
		"-6 del 2001:db8:20::/48", "-6 del 2001:db8:20::/48", "-6 del 2001:db8:21::7/128 metric 4000000000",
	}
	nstest.InNetns(t, func(t *testing.T) {
		host, run := routeListLab(t)
		ip := nstest.Peer(t, "ip")
		play := func() (steps []string) {
			for _, line := range lines {
				r := run(strings.Fields(line)...)
				said, _, _ := strings.Cut(r.Stderr, "hint: ") // the ioctl has no words of the kernel
				steps = append(steps, fmt.Sprintf("%s: %d %s%s", line, r.Status, r.Stdout, said))
			}
			steps = append(steps, host.Run(t, ip, "route", "show").Stdout, host.Run(t, ip, "-6", "route", "show").Stdout)
			return steps
		}
		saved := run("save")
		want := play()
		if r := run("flush", "--all", "--yes"); r.Status != 0 {
			t.Fatal(r)
		}
		file := filepath.Join(t.TempDir(), "saved")
		os.WriteFile(file, []byte(saved.Stdout), 0o600)
		if r := run("restore", file); r.Status != 0 {
			t.Fatal(r)
		}
		for _, errno := range []unix.Errno{unix.EPERM, unix.EAFNOSUPPORT} {
			t.Setenv(netlessEnv, fmt.Sprintf("%d:%d", errno, unix.NETLINK_ROUTE))
			got := play()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v (-netlink +ioctl)\n%s", errno, diff)
			}
			for line, says := range map[string]string{
				"add -net 10.30.0.0/16 dev d0 metric 32767": "metric 32767: at most 32766",
				"add -net 10.30.0.0/16 dev d0 irtt 65536":   "irtt 65536: at most 65535",
				"add -net 10.30.0.0/16 blackhole":           "the type blackhole",
				"-6 add 2001:db8:30::/48 unreachable":       "the type unreachable",
				"add -net 10.30.0.0/16 dev d0 table 9":      "a table: it knows the main one",
				"del -net 10.30.0.0/16 tos 16":              "a type of service",
				"replace -net 10.23.0.0/16 dev d0":          "a replacement: delete the route and add the other",
				"del -net 10.21.0.0/16 metric 4294967295":   "metric 4294967295: at most 32766",
			} {
				r := run(strings.Fields(line)...)
				if r.Status != 7 || r.Stderr != "route: netlink is refused here, and the old system call cannot carry "+says+"\n" {
					t.Errorf("%s: %+v", line, r)
				}
			}
			for _, verb := range []string{"save", "restore " + file, "flush --all --yes", "diff " + file, "watch"} {
				if r := run(strings.Fields(verb)...); r.Status != 2 || r.Stderr == "" {
					t.Errorf("%s: %+v", verb, r)
				}
			}
			os.Unsetenv(netlessEnv)
			if run("flush", "--all", "--yes").Status != 0 || run("restore", file).Status != 0 {
				t.Fatal("the table could not be put back")
			}
		}
	})
}

// TestRoute_blackholeObject: a route of a nexthop object that is a blackhole is listed as a blackhole and was made as unicast; it goes with a
// flush all the same. What iproute2 says of the object with -d keeps nobody from restoring it.
func TestRoute_blackholeObject(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, run := routeListLab(t)
		ip := nstest.Peer(t, "ip")
		for _, line := range []string{"nexthop add id 77 blackhole", "route add 10.15.0.0/16 nhid 77"} {
			if r := host.Run(t, ip, strings.Fields(line)...); r.Status != 0 {
				t.Fatal(line, r)
			}
		}
		file := filepath.Join(t.TempDir(), "saved")
		saved := host.Run(t, ip, "-j", "-d", "route", "show", "10.15.0.0/16").Stdout
		if err := os.WriteFile(file, []byte(saved), 0o600); err != nil || !strings.Contains(saved, "nh_info") {
			t.Fatal(err, saved)
		}
		before := tables(t, host)
		if diff := cmp.Diff(nstest.Result{Stdout: "1 deleted\n"}, run("flush", "--exact", "10.15.0.0/16", "--yes")); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(nstest.Result{Stdout: "1 added\n"}, run("restore", file)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(before, tables(t, host)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestOpenSaved_waits: for the writer of a named pipe until it is interrupted; a directory is called one.
func TestOpenSaved_waits(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := openSaved(ctx, new(env), fifo)
	if err == nil || err.Error() != "interrupted before anything was changed" {
		t.Errorf("a pipe without a writer: %v", err)
	}
	if f, err := os.OpenFile(fifo, os.O_RDWR, 0); err == nil { // lets go who still opens it
		f.Close()
	}
	if _, err = openSaved(t.Context(), new(env), dir); err == nil || err.Error() != "read "+dir+": is a directory" {
		t.Errorf("a directory: %v", err)
	}
}
