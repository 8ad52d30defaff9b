package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnet/internal/render"
	"gnet/procnet"
)

// netstatLine parses a command line as gnet netstat does and returns what run
// would get.
func netstatLine(t *testing.T, line string) (netstatOptions, error) {
	t.Helper()
	var got netstatOptions
	e := &env{Stdout: newOutput(new(bytes.Buffer)), Stderr: new(bytes.Buffer), LookupEnv: func(string) (string, bool) { return "", false }, ProcRoot: "/proc"}
	cmd := newNetstatCommand(e, func(_ context.Context, _ *env, o netstatOptions) error { got = o; return nil })
	cmd.SetArgs(strings.Fields(line))
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	return got, cmd.ExecuteContext(context.Background())
}

func TestNetstatOptions(t *testing.T) {
	root := outputOptions{ProcRoot: "/proc"}
	for line, want := range map[string]netstatOptions{
		"": {outputOptions: root},
		"-tulpn": {outputOptions: root, Families: netstatFamilies{TCP: true, UDP: true}, Listening: true, Programs: true,
			NumericHosts: true, NumericPorts: true, NumericUsers: true},
		"-eae --numeric-users": {outputOptions: root, All: true, Extend: 2, NumericUsers: true},
		"-46x -A ip6,ax25 --inet": {outputOptions: root, Families: netstatFamilies{Inet: true, Inet6: true, Unix: true, AX25: true,
			Order: []string{"inet", "inet6", "unix", "inet6", "ax25", "inet"}}},
		"-rnC --fib":                      {outputOptions: root, Route: true, Cache: true, FIB: true, NumericHosts: true, NumericPorts: true, NumericUsers: true},
		"-tocWvNd x --proc-root=testdata": {outputOptions: outputOptions{ProcRoot: "testdata"}, Families: netstatFamilies{TCP: true}, Timers: true, Continuous: true, Wide: true, Verbose: true, Symbolic: true, Operands: true},
		"--json -c --format jsonl":        {outputOptions: outputOptions{ProcRoot: "/proc", Format: render.JSONL}, Continuous: true},
	} {
		got, err := netstatLine(t, line)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(netstatOptions{})); diff != "" || err != nil {
			t.Errorf("netstat %s: error %v (-want +got):\n%s", line, err, diff)
		}
	}
}

func TestNetstatOptions_refused(t *testing.T) {
	for line, want := range map[string]string{
		"-ri":         "3: -i, -r, -M and -s exclude each other",
		"-Ms":         "3: -i, -r, -M and -s exclude each other",
		"-c --json":   "3: -c never ends: of the machine formats it has only jsonl",
		"-A in":       "1: Unknown address family `in'.",
		"-A unix,":    "1: Unknown address family `'.",
		"-?":          "3: " + netstatHelp(),
		"--format xx": `3: unknown format "xx" (classic, table, json, jsonl or csv)`,
	} {
		got, err := netstatLine(t, line)
		var f *failure
		if !errors.As(err, &f) {
			t.Errorf("netstat %s: %v, want a failure", line, err)
			continue
		}
		if diff := cmp.Diff(want, fmt.Sprintf("%d: %v", f.status, f.err)); diff != "" {
			t.Errorf("netstat %s (-want +got):\n%s", line, diff)
		}
		if diff := cmp.Diff(netstatOptions{}, got, cmp.AllowUnexported(netstatOptions{})); diff != "" {
			t.Errorf("netstat %s ran:\n%s", line, diff)
		}
	}
}

// Which tables a line means, and which of them it misses loudly.
func TestSocketPlan(t *testing.T) {
	const all = "tcp tcp6 sctp udp udp6 udplite udplite6 raw raw6 unix"
	for line, want := range map[string]string{
		"":              all + " IPX AX25 X25 NETROM ROSE",
		"-a":            all + " IPX AX25 X25 NETROM ROSE",
		"-A econet":     all + " IPX AX25 X25 NETROM ROSE",
		"-t":            "tcp! tcp6!",
		"-4":            "tcp sctp udp udplite raw",
		"-6":            "tcp6 sctp udp6 udplite6 raw6",
		"-46":           strings.TrimSuffix(all, " unix"),
		"-6t":           "tcp6!",
		"-tSw4":         "tcp! sctp! raw!",
		"-x":            "unix!",
		"-x4":           "tcp sctp udp udplite raw unix!",
		"-ux":           "udp! udp6! unix!",
		"--ipx -A rose": "IPX! ROSE!",
		"-f":            "",
	} {
		o, err := netstatLine(t, line)
		if err != nil {
			t.Fatal(err)
		}
		p := newSocketPlan(&o)
		var got []string
		add := func(name string, named bool) {
			if named {
				name += "!"
			}
			got = append(got, name)
		}
		if p.inet {
			for _, table := range p.inetTables() {
				name := table.proto.File(table.v6)
				if table.sctp {
					name = "sctp"
				}
				add(name, table.named)
			}
		}
		if p.unix {
			add("unix", p.unixNamed)
		}
		for _, table := range p.oldTables(&o.Families) {
			add(table.word, table.named)
		}
		if diff := cmp.Diff(strings.Fields(want), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("netstat %s (-want +got):\n%s", line, diff)
		}
	}
}

// The address column is 23 bytes wide, and what is too long is cut as the
// original cuts it: the port to 18 bytes, then the address to what is left.
func TestClassicEndpoint(t *testing.T) {
	for _, test := range []struct {
		wide bool
		ap   string
		want string
	}{
		{false, "127.0.0.1:22", "127.0.0.1:22           "},
		{false, "[2001:db8:1234:5678:9abc:def0:1234:5678]:8443", "2001:db8:1234:5678:8443"},
		{false, "[2001:db8:1234:5678:9abc:def0:1234:5678]:59076", "2001:db8:1234:567:59076"},
		{true, "[2001:db8:1234:5678:9abc:def0:1234:5678]:59076", "2001:db8:1234:5678:9abc:def0:1234:5678:59076"},
		{false, "[::ffff:10.99.0.1]:0", "10.99.0.1:*            "},
		{false, "[::]:0", ":::*                   "},
		{false, "[::1.2.3.4]:1", "::1.2.3.4:1            "},
		{false, "[::1]:1", "::1:1                  "},
		{false, "[::2:0]:1", "::0.2.0.0:1            "},
	} {
		o := &netstatOptions{Wide: test.wide, NumericHosts: true, NumericPorts: true}
		c := newClassicSockets(context.Background(), nil, o)
		got := string(c.appendEndpoint(nil, &procnet.InetSocket{}, netip.MustParseAddrPort(test.ap)))
		if got != test.want {
			t.Errorf("%s, wide %v: %q, want %q", test.ap, test.wide, got, test.want)
		}
	}
}

func TestProgramName(t *testing.T) {
	for arg0, want := range map[string]string{
		"/usr/sbin/sshd":           "12345/sshd",
		"sshd: /usr/sbin/sshd -D":  "12345/sshd: /usr/sb",
		"/usr/bin/python3 a/b c":   "12345/b c",
		"nginx: master":            "12345/nginx: master",
		"nginx: masters":           "12345/nginx: master",
		"":                         "12345/",
		"/":                        "12345/",
		"we\x1b[31mird name":       `12345/we\x1b[31mird`,
		"eleven chr\x1b":           "12345/eleven chr",
		"\xff\xfe\xfd\xfc":         `12345/\xff\xfe\xfd`,
		"/\u202e/\u202eover\u202e": `12345/\xe2\x80\xaeo`,
	} {
		if got := programName(procnet.Owner{PID: 12345, Arg0: arg0}); got != want {
			t.Errorf("%q: %q, want %q", arg0, got, want)
		}
	}
}

// A name is asked for once, and what stands for any address never.
func TestNetstatNames_asksOnce(t *testing.T) {
	n := newNetstatNames(&netstatOptions{}, nil)
	n.hosts = map[netip.Addr]string{netip.MustParseAddr("192.0.2.1"): "one\x1b.example"}
	for range 2 {
		if got := n.host(netip.MustParseAddr("192.0.2.1")); got != `one\x1b.example` {
			t.Errorf("192.0.2.1 is %q", got)
		}
		n.hosts = map[netip.Addr]string{} // the second answer comes from the first
	}
	for _, any := range []string{"0.0.0.0", "::", "::ffff:0.0.0.0"} {
		if got := n.host(netip.MustParseAddr(any)); got != "" {
			t.Errorf("%s is %q", any, got)
		}
	}
}

// The classic table is printed without an allocation per row.
func TestClassicSockets_allocations(t *testing.T) {
	o := &netstatOptions{NumericHosts: true, NumericPorts: true, NumericUsers: true, Extend: 1, Timers: true, Programs: true}
	e := &env{Stdout: newOutput(new(discard))}
	c := newClassicSockets(context.Background(), e, o)
	s := &procnet.InetSocket{State: procnet.Established, Local: netip.MustParseAddrPort("127.0.0.1:65535"), Remote: netip.MustParseAddrPort("[2001:db8:1234:5678:9abc:def0:1234:5678]:59076"), Inode: 1 << 40}
	u := &procnet.UnixSocket{Path: []byte("/run/a/path"), Type: procnet.UnixStream, State: procnet.UnixConnected}
	inet, local := &shownSocket{inet: s}, &shownSocket{unix: u}
	n := testing.AllocsPerRun(100, func() {
		c.inet(inet)
		c.unix(local)
	})
	if n != 0 {
		t.Errorf("two rows allocate %v times, want 0", n)
	}
}

type discard struct{ n int }

func (d *discard) Write(p []byte) (int, error) { d.n += len(p); return len(p), nil }

// -c goes on until it is told to stop, and prints each round at once.
func TestNetstat_continuous(t *testing.T) {
	const round = "Active Internet connections (w/o servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State      \n"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // of one that does not flush
	defer cancel()
	out := &readerOf{text: round + round, seen: cancel}
	e := &env{Stdout: newOutput(out), Stderr: new(bytes.Buffer)}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "net"), 0o755); err != nil {
		t.Fatal(err)
	}
	o := netstatOptions{outputOptions: outputOptions{ProcRoot: root}, Families: netstatFamilies{Inet: true}, Continuous: true}
	if err := runNetstat(ctx, e, o); !errors.Is(err, context.Canceled) {
		t.Errorf("runNetstat = %v, want %v", err, context.Canceled)
	}
	if diff := cmp.Diff(round+round, out.String()); diff != "" {
		t.Errorf("rounds (-want +got):\n%s", diff)
	}
}

// readerOf is who reads the output until it has that text, however long it takes.
type readerOf struct {
	bytes.Buffer
	text string
	seen func()
}

func (r *readerOf) Write(p []byte) (int, error) {
	n, err := r.Buffer.Write(p)
	if bytes.Contains(r.Bytes(), []byte(r.text)) {
		r.seen()
	}
	return n, err
}
