package main

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/sockdiag"
	"gnet/procnet"
	"gnet/procnet/filter"
)

// TestFilterWords_areInTheManual: every condition that can be written is
// described.
func TestFilterWords_areInTheManual(t *testing.T) {
	page, err := os.ReadFile("../../man/gnet-netstat.8")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), ".SH FILTER\n")
	section, _, _ = strings.Cut(section, "\n.SH ")
	words := strings.FieldsFunc(section, func(r rune) bool { return r == ' ' || r == '\n' || r == '"' || r == ',' || r == '\\' })
	for _, w := range filter.Words() {
		if !found || !slices.Contains(words, w) {
			t.Errorf("%s is not in section FILTER of gnet-netstat(8)", w)
		}
	}
}

// filterOf reads an expression as --filter does, as a user with CAP_NET_ADMIN.
func filterOf(t *testing.T, expr string) *rowFilter {
	t.Helper()
	o := &netstatOptions{Filters: []string{expr}}
	if err := o.readFilter(t.Context(), &env{}); err != nil {
		t.Fatalf("%q: %v", expr, err)
	}
	o.filter.admin = true
	return o.filter
}

// TestRowFilter_narrow holds what of a filter, and of -a and -l, reaches the
// kernel.
func TestRowFilter_narrow(t *testing.T) {
	compiled := func(c sockdiag.Cond) []byte {
		code, err := sockdiag.Compile(c)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	const listen, estab, all = 1 << procnet.Listen, 1 << procnet.Established, 1<<12 - 2
	ssh := compiled(sockdiag.Port{Port: 22})
	nothing := compiled(sockdiag.Or{})
	var hosts []string
	for range 3500 {
		hosts = append(hosts, "10.0.0.1:22")
	}
	for _, c := range []struct {
		expr        string
		proto       procnet.Proto
		before, now procnet.Query
	}{
		{"pid 1", procnet.TCP, procnet.Query{States: listen}, procnet.Query{States: listen}},
		{"sport 22", procnet.TCP, procnet.Query{}, procnet.Query{Bytecode: ssh}},
		{"sport 22", procnet.UDP, procnet.Query{States: all, Timers: true}, procnet.Query{States: all, Timers: true, Bytecode: ssh}},
		{"state listen sport 22", procnet.TCP, procnet.Query{}, procnet.Query{States: listen, Bytecode: ssh}},
		{"exclude listen", procnet.TCP, procnet.Query{States: listen | estab}, procnet.Query{States: estab}},
		{"exclude listen", procnet.TCP, procnet.Query{States: listen}, procnet.Query{States: listen, Bytecode: nothing}},
		{"proto tcp", procnet.UDP, procnet.Query{}, procnet.Query{Bytecode: nothing}},
		{"rtt > 1ms or sport 22", procnet.TCP, procnet.Query{}, procnet.Query{Ext: sockdiag.ExtInfo}},
		{"rtt > 1ms or sport 22", procnet.UDP, procnet.Query{}, procnet.Query{Bytecode: ssh}},
		{"dev 1", procnet.Raw, procnet.Query{}, procnet.Query{Diag: true, Bytecode: compiled(sockdiag.Dev(1))}},
		{"fwmark 1", procnet.TCP, procnet.Query{}, procnet.Query{Diag: true, Bytecode: compiled(sockdiag.Mark{Value: 1, Mask: 1<<32 - 1})}},
		{"src " + strings.Join(hosts, " or src "), procnet.TCP, procnet.Query{}, procnet.Query{}},
	} {
		got := c.before
		filterOf(t, c.expr).narrow(c.proto, &got)
		if diff := cmp.Diff(c.now, got); diff != "" {
			t.Errorf("%.60q for %s (-want +got)\n%s", c.expr, c.proto.File(false), diff)
		}
	}
}

// TestRowFilter_limit holds which tables are left out because the filter keeps
// nothing of them.
func TestRowFilter_limit(t *testing.T) {
	for _, c := range []struct{ line, expr, want string }{
		{"", "sport 22", "tcp tcp6 sctp udp udp6 udplite udplite6 raw raw6"},
		{"", "not sport 22", "tcp tcp6 sctp udp udp6 udplite udplite6 raw raw6 unix"},
		{"", "rtt > 1ms", "tcp tcp6"},
		{"", "dst [::1]", "tcp6 sctp udp6 udplite6 raw6"},
		{"", "proto udp or src /x", "udp udp6 unix"},
		{"", "proto tcp6 or proto udp", "tcp tcp6 udp udp6"},
		{"", "proto sctp", "sctp"},
		{"", "src /x", "unix"},
		{"", "not src *", ""},
		{"-4", "dst [::1]", ""},
		{"-x", "sport 22", "unix"},
		{"-t", "proto udp", "tcp tcp6"},
		{"-tx", "src /x", "tcp tcp6 unix"},
		{"-6", "src inet:10/8 or rtt > 1s", "tcp6"},
	} {
		o, err := netstatLine(t, c.line)
		if err != nil {
			t.Fatal(err)
		}
		p := newSocketPlan(&o)
		filterOf(t, c.expr).limit(&p)
		var got []string
		if p.inet {
			for _, table := range p.inetTables() {
				if table.sctp {
					got = append(got, "sctp")
					continue
				}
				got = append(got, table.proto.File(table.v6))
			}
		}
		if p.unix {
			got = append(got, "unix")
		}
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("netstat %s --filter %q (-want +got)\n%s", c.line, c.expr, diff)
		}
	}
}

// TestReportFilter: with -c, what is unknown is said in the first round only.
func TestReportFilter(t *testing.T) {
	var stderr bytes.Buffer
	f := filterOf(t, "rtt > 1ms or dev 1")
	w := &socketWalk{e: &env{Stdout: newOutput(io.Discard), Stderr: &stderr, Name: "netstat"}, filter: f}
	space := new(socketSpace)
	keep := func(p procnet.Proto) {
		f.keep(&shownSocket{space: space, inet: &procnet.InetSocket{Proto: p, State: procnet.Established}}, true)
		w.reportFilter()
	}
	keep(procnet.UDP)
	keep(procnet.UDP)
	keep(procnet.TCP)
	keep(procnet.TCP)
	const line = "netstat: --filter: of some sockets this is not known, and counts as not so: "
	want := line + "dev, which is not in the files of /proc/net\n" + line + "rtt and the like, which are not in the files of /proc/net\n"
	if diff := cmp.Diff(want, stderr.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFilterFailure_oneLine: an expression with newlines stays on its line, and the
// mark below its word.
func TestFilterFailure_oneLine(t *testing.T) {
	_, err := filter.Parse("comm x\nor pdi 3", &filterNames{o: &netstatOptions{}})
	bad, ok := err.(*filter.SyntaxError)
	if !ok {
		t.Fatal(err)
	}
	want := "--filter: \"pdi\" is no condition\n  comm x\\x0aor pdi 3\n               ^~~"
	if diff := cmp.Diff(want, filterFailure(bad).Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFilterFailure_long: of an expression or a word that fills screens the
// message has what is about the beginning of the word.
func TestFilterFailure_long(t *testing.T) {
	before, behind := strings.Repeat("sport 1 or ", 1000), strings.Repeat(" or \u00e9t\u00e9", 1000)
	blank := strings.Repeat(" ", 2+3+100)
	for expr, want := range map[string]string{
		before + "pdi 3" + behind: "--filter: \"pdi\" is no condition\n  ..." + before[len(before)-100:] + "pdi 3" +
			behind[:94] + "...\n" + blank + "^~~",
		strings.Repeat("x", 1000): "--filter: \"" + strings.Repeat("x", 99) + "..." + strings.Repeat("x", 100-len("\" is no condition")) + "\" is no condition\n  " +
			strings.Repeat("x", 100) + "...\n  ^" + strings.Repeat("~", 102),
	} {
		_, err := filter.Parse(expr, &filterNames{o: &netstatOptions{}})
		bad, ok := err.(*filter.SyntaxError)
		if !ok {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, filterFailure(bad).Error()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
