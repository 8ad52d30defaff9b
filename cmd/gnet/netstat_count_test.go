package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/render"
	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// countLab is a few sockets of every kind, with what the files cannot say.
func countLab() []shownSocket {
	space := &socketSpace{netnsOf: netnsOf{id: 4026531840, label: "blue"}}
	tcp := func(local, remote string, cc string, owners ...procnet.Owner) shownSocket {
		s := &procnet.InetSocket{State: procnet.Established, Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote), UID: 7}
		if cc != "" {
			s.Diag = &sockdiag.InetRow{Has: sockdiag.ExtCong, Cong: []byte(cc)}
		}
		return shownSocket{inet: s, owners: owners, space: space}
	}
	raw := shownSocket{inet: &procnet.InetSocket{Proto: procnet.Raw, State: procnet.Close, Local: netip.MustParseAddrPort("0.0.0.0:89"), Remote: netip.MustParseAddrPort("0.0.0.0:0")},
		space: &socketSpace{}}
	one, two := procnet.Owner{PID: 1, Arg0: "/bin/one", Comm: "uno"}, procnet.Owner{PID: 2, Arg0: "two/2", Comm: ""}
	return []shownSocket{
		tcp("10.0.0.1:22", "[::ffff:10.0.0.2]:1024", "cubic", one, one, two),
		tcp("10.0.0.1:22", "10.0.0.2:1025", "cubic", two),
		tcp("10.0.0.1:443", "[2001:db8::2]:1025", "bbr"),
		tcp("10.0.0.1:443", "[::1.2.3.4]:1025", ""),
		{unix: &procnet.UnixSocket{Type: procnet.UnixDgram, State: procnet.UnixUnconnected}, space: space},
		raw,
	}
}

// counted is what --count-by prints for the lab.
func counted(t *testing.T, o *netstatOptions, keys string) string {
	t.Helper()
	if err := setCountBy(o, "", keys); err != nil {
		t.Fatal(err)
	}
	c := newSocketCounter(o)
	c.source.names = &socketNames{o: o, users: map[uint32]string{7: "seven"}, services: map[procnet.Service]string{{Proto: "tcp", Port: 22}: "ssh", {Proto: "tcp", Port: 1025}: "x\x1b"}}
	lab := countLab()
	for i := range lab {
		if lab[i].unix != nil {
			c.unix(&lab[i])
		} else {
			c.inet(&lab[i])
		}
	}
	var out bytes.Buffer
	e := &env{Stdout: newOutput(&out)}
	c.print(e)
	e.Stdout.Flush()
	return out.String()
}

func TestCountBy_keys(t *testing.T) {
	for keys, want := range map[string]string{
		"proto,family": "  Count Proto Family\n      4 tcp   inet\n      1 raw   inet\n      1 unix  unix\n      6 total\n",
		"state":        "  Count State\n      4 ESTABLISHED\n      1 CLOSE\n      1 UNCONNECTED\n      6 total\n",
		"type":         "  Count Type\n      5 -\n      1 DGRAM\n      6 total\n",
		"local":        "  Count Local Address\n      4 10.0.0.1\n      1 -\n      1 0.0.0.0\n      6 total\n",
		"remote":       "  Count Foreign Address\n      2 10.0.0.2\n      1 -\n      1 0.0.0.0\n      1 ::1.2.3.4\n      1 2001:db8::2\n      6 total\n",
		"port":         "  Count Local Port\n      2 -\n      2 22\n      2 443\n      6 total\n",
		"service":      "  Count Service\n      2 -\n      2 ssh\n      2 443\n      6 total\n",
		"remote-port,remote-service": "  Count Foreign Port Foreign Service\n      3 1025         x\\x1b\n      2 -            -\n" +
			"      1 1024         1024\n      6 total\n",
		"program,pid":      "  Count Program PID\n      4 -       -\n      1 one     1\n      1 two/2   2\n      6 total\n",
		"comm":             "  Count Command\n      5 -\n      1 uno\n      6 total\n",
		"user,uid":         "  Count User  UID\n      4 seven 7\n      1 -     -\n      1 0     0\n      6 total\n",
		"cc":               "  Count CC\n      3 -\n      2 cubic\n      1 bbr\n      6 total\n",
		"netns,netns-id":   "  Count Network Namespace Netns\n      5 blue              4026531840\n      1 -                 -\n      6 total\n",
		"cgroup,container": "  Count Cgroup Container\n      6 -      -\n      6 total\n",
	} {
		if diff := cmp.Diff(want, counted(t, &netstatOptions{outputOptions: outputOptions{ProcRoot: t.TempDir()}}, keys)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", keys, diff)
		}
	}
}

// With all owners a socket counts for each of them, but once for what they have
// in common.
func TestCountBy_allOwners(t *testing.T) {
	want := "  Count PID CC\n      3 -   -\n      2 2   cubic\n      1 -   bbr\n      1 1   cubic\n      6 total\n"
	if diff := cmp.Diff(want, counted(t, &netstatOptions{AllOwners: true}, "pid,cc")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("  Count CC\n      3 -\n      2 cubic\n      1 bbr\n      6 total\n", counted(t, &netstatOptions{AllOwners: true}, "cc")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is asked of the kernel for the keys.
func TestCountBy_needs(t *testing.T) {
	for keys, want := range map[string]string{
		"state,port": "owners false ext 0 all false", "program": "owners true ext 0 all false", "comm": "owners true ext 0 all true",
		"container,cc": fmt.Sprintf("owners true ext %d all false", sockdiag.ExtCong),
	} {
		o := &netstatOptions{outputOptions: outputOptions{Format: render.JSON}}
		if err := setCountBy(o, "", keys); err != nil {
			t.Fatal(err)
		}
		w := &socketWalk{o: o}
		if got := fmt.Sprintf("owners %v ext %d all %v", o.countsOwners(), o.countExt(), w.needsAllOwners()); got != want {
			t.Errorf("%s: %s, want %s", keys, got, want)
		}
	}
}

// A socket whose keys are known costs no memory.
func TestSocketCounter_allocations(t *testing.T) {
	o := &netstatOptions{}
	keys := ""
	for _, k := range countKeys() {
		keys += "," + k.words[0]
	}
	if err := setCountBy(o, "", keys[1:]); err != nil {
		t.Fatal(err)
	}
	c := newSocketCounter(o)
	lab := countLab()
	round := func() {
		for i := range lab {
			c.inet(&lab[i])
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%d known sockets allocate %v times, want 0", len(lab), n)
	}
	if c.sockets != uint64(102*len(lab)) || len(c.buckets) != len(lab) {
		t.Errorf("%d sockets in %d buckets", c.sockets, len(c.buckets))
	}
}

// A count of more digits than its column pushes all rows alike.
func TestSocketCounter_wide(t *testing.T) {
	c := &socketCounter{keys: countKeys()[:1], sockets: 123456789, buckets: map[string]*countBucket{
		"a": {values: []countValue{{kind: render.String, text: "tcp"}}, sockets: 123456788},
		"b": {values: []countValue{{kind: render.String}}, sockets: 1},
	}}
	var out bytes.Buffer
	e := &env{Stdout: newOutput(&out)}
	c.print(e)
	e.Stdout.Flush()
	want := "    Count Proto\n123456788 tcp\n        1 \"\"\n123456789 total\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Different values never share a bucket, whatever stands beside them.
func TestCountValue_id(t *testing.T) {
	text := func(s string) countValue { return countValue{kind: render.String, text: s} }
	addr := func(s string) countValue { return countValue{kind: render.Addr, addr: netip.MustParseAddr(s)} }
	number := countValue{kind: render.Uint, number: 49}
	rows := [][]countValue{
		{text("a"), text("bc")}, {text("ab"), text("c")}, {text("abc"), {}}, {{}, text("abc")}, {text(""), text("abc")},
		{text("a\x01b"), text("c")}, {text("a"), text("b\x01c")},
		{addr("0.0.0.0"), {}}, {addr("::"), {}}, {addr("::ffff:0.0.0.0"), {}}, {number, {}}, {text("1"), {}}, {text("49"), {}},
	}
	seen := make(map[string]int)
	for i, row := range rows {
		var id []byte
		for _, v := range row {
			id = v.appendID(id)
		}
		if j, again := seen[string(id)]; again {
			t.Errorf("%v and %v share a bucket", rows[j], row)
		}
		seen[string(id)] = i
	}
}

// Every word of a key leads to it, and none to two.
func TestCountBy_words(t *testing.T) {
	var list []string
	for _, k := range countKeys() {
		for _, word := range append(k.words, k.field.Name) {
			o := new(netstatOptions)
			if err := setCountBy(o, "", word); err != nil && k.field.Name != "netns_label" {
				t.Errorf("%s: %v", word, err)
			} else if err == nil && word != "netns" && o.CountBy[0] != k.words[0] {
				t.Errorf("%s is %s, want %s", word, o.CountBy[0], k.words[0])
			}
		}
		list = append(list, k.words[0])
	}
	if diff := cmp.Diff(list, countWords()); diff != "" {
		t.Errorf("words for completion (-keys +words):\n%s", diff)
	}
}

func TestEditDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"state", "state", 0}, {"stat", "state", 1}, {"progarm", "program", 2}, {"kitten", "sitting", 3}, {"port", "sort", 1}} {
		if got := editDistance(test.a, test.b); got != test.want {
			t.Errorf("%q to %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestSetOwners(t *testing.T) {
	var f *failure
	o := new(netstatOptions)
	if err := setOwners(o, "", "some"); !errors.As(err, &f) || f.status != statusUsage {
		t.Errorf("some: %v, want status %d", err, statusUsage)
	}
	if err := errors.Join(setOwners(o, "", "all"), setOwners(o, "", "first")); err != nil || o.AllOwners || !o.Programs {
		t.Errorf("all, then first: %v, %+v", err, o)
	}
}

// Columns stand below each other on a terminal, whatever letters a process named
// itself with.
func TestNetstatCount_wideNames(t *testing.T) {
	o := new(netstatOptions)
	if err := setCountBy(o, "", "comm,pid"); err != nil {
		t.Fatal(err)
	}
	c := newSocketCounter(o)
	for i, comm := range []string{"größe-und-maß", "端口", "x"} {
		c.inet(&shownSocket{inet: new(procnet.InetSocket), owners: []procnet.Owner{{PID: i + 1, Comm: comm}}})
	}
	var out bytes.Buffer
	e := &env{Stdout: newOutput(&out)}
	c.print(e)
	e.Stdout.Flush()
	want := "" +
		"  Count Command       PID\n" +
		"      1 größe-und-maß 1\n" +
		"      1 x             3\n" +
		"      1 端口          2\n" +
		"      3 total\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
