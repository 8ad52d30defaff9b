package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/procnet"
	"gnet/procnet/filter"
)

// keptOf reads a table with a query and returns the rows that the filter keeps,
// and how many the source gave.
func keptOf(t *testing.T, source *procnet.Sockets, r *rowFilter, proto procnet.Proto, v6 bool, q procnet.Query) (kept []string, given int) {
	t.Helper()
	shown := shownSocket{space: new(socketSpace)}
	for s, err := range source.Inet(proto, v6, q) {
		if err != nil {
			t.Fatal(err)
		}
		given++
		if shown.inet = s; r.keep(&shown, true) {
			kept = append(kept, fmt.Sprint(s.Local, s.Remote, s.State, s.Inode))
		}
	}
	return sorted(kept), given
}

// labConditions are what random filters of the lab's sockets are made of.
var labConditions = []string{"sport = 22", "dport = :443", "sport > 1024", "dport < 2000", "sport >= 443", "dport <= 0", "src 127/8", "dst 10.99.0.1", "src ::/0", "dst [::1]", "src 0/0", "src ::ffff:0:0/96", "family inet6", "dev lo", "dev 0", "fwmark 1/1", "fwmark 0",
	"state listening", "state established", "exclude time-wait", "state bucket", "proto tcp", "user root", "sendq > 0", "recvq > 0", "inode 0", "rtt < 1s", "cwnd >= 10", "min_rtt > 1s", "src localhost", ":2000"}

// labExpression returns a random expression.
func labExpression(r *rand.Rand, conditions []string, depth int) string {
	if depth == 0 {
		return conditions[r.IntN(len(conditions))]
	}
	a, b := labExpression(r, conditions, depth-1), labExpression(r, conditions, r.IntN(depth))
	return [...]string{"not ( " + a + " )", "( " + a + " ) or ( " + b + " )", "( " + a + " ) and ( " + b + " )", "( " + a + " ) ( not ( " + b + " ) )"}[r.IntN(4)]
}

// TestFilter_sameRowsEitherWay: what the kernel left out, the filter would have left
// out too, and rows from the files give the same answer where they can.
func TestFilter_sameRowsEitherWay(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		lab := newSocketLab(t)
		lab.filterLab()
		source := procnet.NewFS("").Sockets()
		defer source.Close()
		conditions := labConditions
		if _, err := procnet.CgroupID("/"); err == nil {
			conditions = append(slices.Clone(conditions), "cgroup /")
		}
		r := rand.New(rand.NewPCG(8, 9))
		spared, kept, fromFiles := 0, 0, 0
		for range 60 {
			expr := labExpression(r, conditions, 3)
			f := filterOf(t, expr)
			const files = filter.NeedInfo | filter.NeedDevice | filter.NeedMark | filter.NeedCgroup
			for _, table := range []struct {
				proto procnet.Proto
				v6    bool
			}{{procnet.TCP, false}, {procnet.TCP, true}, {procnet.UDP, false}, {procnet.UDP, true}} {
				var narrow procnet.Query
				f.narrow(table.proto, &narrow)
				wide := procnet.Query{Ext: narrow.Ext}
				same := func(how string, q procnet.Query) (got []string, spared int) {
					var diff string
					for range 5 { // a state may change between two dumps
						want, all := keptOf(t, source, f, table.proto, table.v6, wide)
						kept, given := keptOf(t, source, f, table.proto, table.v6, q)
						if diff = cmp.Diff(want, kept); diff == "" {
							return kept, all - given
						}
					}
					t.Errorf("%s %q (-all rows +%s):\n%s", table.proto.File(table.v6), expr, how, diff)
					return nil, 0
				}
				got, left := same("narrowed", narrow)
				spared += left
				kept += len(got)
				if f.f.Needs()&files == 0 {
					fromFiles++
					same("file", procnet.Query{FileOnly: true})
				}
			}
		}
		if spared < 300 || kept < 300 || fromFiles < 30 {
			t.Errorf("the kernel left out %d rows, %d were kept, %d tables were read from files: the lab says too little", spared, kept, fromFiles)
		}
		if len(source.Fallbacks()) > 0 {
			t.Errorf("sock_diag was refused: %v", source.Fallbacks())
		}
	})
}

// TestFilter_owners: a process is found by name and number, by root and by whoever
// owns it; what a user may not know is said.
func TestFilter_owners(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Root)
		lab := newSocketLab(t)
		lab.tcp()
		lab.holder("/bin/daemon", "127.0.0.1:7001")
		lab.holder("/bin/daemon", "127.0.0.1:7002")
		o := newNetstatOracle(t)
		chosen := func(expr string) (locals, stderr string) {
			got := o.run(o.gnet, []string{"-tlnp", "--filter", expr})
			var list []string
			for line := range strings.Lines(got.Stdout) {
				if fields := strings.Fields(line); fields[0] == "tcp" {
					list = append(list, fields[3])
				}
			}
			return strings.Join(sorted(list), " "), got.Stderr
		}
		for expr, want := range map[string]string{
			"comm sleep": "127.0.0.1:7001 127.0.0.1:7002", "comm sl*p and sport = 7002": "127.0.0.1:7002", "comm daemon": "", "not comm sleep sport > 7000 sport < 8000": "", "pid 1 sport = 7001": "",
			"(comm sleep or sport = 9001) and sport != 7001": "0.0.0.0:9001 127.0.0.1:7002", "pid > 1": "127.0.0.1:7001 127.0.0.1:7002", // the lab itself is the first process of its namespace
			"pid >= 1 or src [::]": "0.0.0.0:9001 10.99.0.1:65535 127.0.0.1:22 127.0.0.1:7001 127.0.0.1:7002",
		} {
			if got, stderr := chosen(expr); got != want || stderr != "" {
				t.Errorf("%q chooses %q, want %q; stderr %q", expr, got, want, stderr)
			}
		}
		o.nobody = true
		if got, _ := chosen("comm sleep"); got != "127.0.0.1:7001 127.0.0.1:7002" {
			t.Errorf("of nobody's own processes: %q", got)
		}
		if got, stderr := chosen("not comm sleep sport = 9001"); got != "0.0.0.0:9001" || !strings.HasPrefix(stderr, "(Not all processes could be identified") {
			t.Errorf("nobody: %q, %q", got, stderr)
		}
		_, stderr := chosen("fwmark 0")
		const want = "netstat: --filter: of some sockets this is not known, and counts as not so: fwmark, which only sock_diag tells, and only with CAP_NET_ADMIN\n"
		if !strings.HasSuffix(stderr, want) {
			t.Errorf("nobody: %q, want %q", stderr, want)
		}
	})
}
