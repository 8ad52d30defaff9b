package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/safe"
)

// TestNetstatHostile_names gives processes and unix sockets names that a
// terminal would obey. In no form does gnet let such a byte through, and each
// name is on its row.
func TestNetstatHostile_names(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		difference(t, "control-bytes")
		difference(t, "unix-path-blank")
		difference(t, "unix-path-newline")
		lab := newSocketLab(t)
		dir := nstest.SocketDir(t, publicDir(t))
		for _, name := range hostileNames(dir) {
			fd := lab.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			lab.must(unix.Bind(fd, &unix.SockaddrUnix{Name: name}))
		}
		for i, arg0 := range []string{"we\x1b[31mird name", "/bin/new\nline", "not-utf8-\xff\xfe\xfd\xfc", "/bin/\u202eoverride"} {
			lab.holder(arg0, "127.0.0.1:600"+string(rune('0'+i)))
		}
		o := newNetstatOracle(t)

		for _, line := range []string{"-xan", "-xap", "-tlpn", "-anepoW", "-a", "-tlpn --format table", "-xan --format table", "-xapn --csv", "-tlpn --json", "-xapn --format jsonl"} {
			out := o.run(o.gnet, strings.Fields(strings.Replace(line, "--csv", "--format csv", 1)))
			text := strings.NewReplacer("\n", "", "\r", "").Replace(out.Stdout)
			if strings.Contains(line, "csv") {
				continue // carries the true string: TestNetstatHostile_csv
			}
			if !safe.Clean(text) {
				t.Errorf("netstat %s lets a control byte through:\n%q", line, out.Stdout)
			}
		}
		wantPaths := []string{"/with blanks  in it ", `/new\x0aline`, `/two\x0a\x0anewlines\x0a`, `/\x1b[31mred\x1b[0m`, `/not-utf8-\xff\xfe`,
			`/tab\x09and\x0dreturn`, `/bidi\xe2\x80\xaeoverride`, "@abstract@with@nul", "@" + strings.Repeat("L", 106)}
		if diff := cmp.Diff(sorted(wantPaths), sorted(columnAt(o.run(o.gnet, []string{"-xan"}).Stdout, "Path", dir))); diff != "" {
			t.Errorf("paths (-want +got):\n%s", diff)
		}
		// What the original makes of the same names.
		wantPaths = []string{"/with", "/new", "/two", "/\x1b[31mred\x1b[0m", "/not-utf8-\xff\xfe", "/tab", "/bidi\u202eoverride", "@abstract@with@nul", "@" + strings.Repeat("L", 106)}
		original := o.run(o.original, []string{"-xan"})
		if diff := cmp.Diff(sorted(wantPaths), sorted(columnAt(original.Stdout, "Path", dir))); diff != "" {
			t.Errorf("paths of the original (-want +got):\n%s", diff)
		}
		if n := strings.Count(original.Stderr, "warning, got bogus unix line.\n"); n != 4 {
			t.Errorf("the original calls %d rows bogus, want 4:\n%s", n, original.Stderr)
		}

		// Programs are cut to 19 bytes after they are escaped, never inside an escape.
		var programs []string
		for _, p := range columnAt(o.run(o.gnet, []string{"-tlpn"}).Stdout, "PID/", "") {
			_, name, _ := strings.Cut(strings.TrimRight(p, " "), "/")
			programs = append(programs, name)
		}
		for _, want := range []string{`we\x1b[31mird`, `new\x0aline`, `not-utf8-\xff`, `\xe2\x80\xae`} {
			if !slices.ContainsFunc(programs, func(p string) bool { return strings.HasPrefix(p, want) }) {
				t.Errorf("no program %q in %q", want, programs)
			}
		}
	})
}

// columnAt returns what stands at and behind a column head on each row, below
// dir.
func columnAt(out, head, dir string) []string {
	var column []string
	at := -1
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		switch i := strings.Index(line, head); {
		case strings.HasPrefix(line, "Proto"):
			at = i
		case at >= 0 && len(line) > at:
			column = append(column, strings.TrimPrefix(line[at:], dir))
		}
	}
	return column
}

// fakeProc mounts a tree over /proc in the test's own mount namespace, so that
// the original reads it too. gnet finds its own program by path, and gets no sock_diag,
// by which it would see what the tree does not show.
func fakeProc(t *testing.T, files map[string]string) {
	t.Helper()
	dir := publicDir(t)
	for name, text := range files {
		path := filepath.Join(dir, "net", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mount(dir, "/proc", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount("/proc", unix.MNT_DETACH) })
	t.Setenv(netlessEnv, strconv.Itoa(int(unix.EPERM)))
}

const (
	labInetHead = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	labUnixHead = "Num       RefCount Protocol Flags    Type St Inode Path\n"
)

// oddFiles are rows that no kernel of today writes and that both programs show
// the same way: odd numbers, and rows that are refused.
var oddFiles = map[string]string{
	"tcp": labInetHead + "  0: garbage\n\n" +
		"   0: 0100007F:2329 00000000:0000 0A FFFFFFFF:FFFFFFFF 02:FFFFFFFF 00000003  4294967295 -4 18446744073709551615 2 x x x\n" +
		"   1: 0100007F:2329 0100007F:0001 00 00000000:00000000 05:00000064 00000000  70000        0 1\n" +
		"   2: 0100007F:2329 0100007F:0001 0B 00000000:00000000 04:00000064 00000000  65534        0 1\nno newline at end 1",
	"tcp6": labInetHead +
		"   0: 00000000000000000000000004030201:0016 000000000000000000000000FFFF0000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 77 2\n" +
		"   0: 0000000000000000FFFF000004030201:0016 0000000000000000FFFF000000000000:0050 08 00000000:00000000 05:00000064 00000003  1000        4 77 2\n",
	"udp": labInetHead +
		"   0: 00000000:0016 00000000:0000 07 00000000:00000000 02:00000010 00000003  100        4 78 2\n  1: zz\n" +
		"   0: 00000000:0017 00000000:0000 08 00000000:00000000 09:00000010 00000003  100        4 78 2\n" +
		"   0: 00000000:0018 00000000:0010 01 00000000:00000000 01:00000010 00000003  100        4 78 2\n",
	"udp6":     labInetHead,
	"udplite":  labInetHead + "   0: zz\n",
	"udplite6": labInetHead + "   0: zz\n",
	"raw": labInetHead +
		"   0: 00000000:00FF 00000000:0000 07 00000000:00000000 03:00000010 00000003  100        4 78 2\n" +
		"   0: 00000000:00FE 00000000:0000 01 00000000:00000000 01:00000010 00000003  100        4 78 2\n",
	"raw6": labInetHead + "   0: zz\n",
	"unix": labUnixHead + "0000: 2 0 10000 9 1 78\n0000: 2 5 50000 5 4 79 /p\n0000: 2 0 20000 1 9 80 /q\n0000: 2 0 0 3 0 81\n0000: 2 0 0 4 2 0 /r\n",
}

func TestNetstatOracle_oddRows(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newSocketLab(t)
		o := newNetstatOracle(t)
		fakeProc(t, oddFiles)
		for _, line := range []string{"-anoe", "-anoeW", "-an", "-ln", "-n", "-aoe", "-xa", "-wa", "-Uan", "-tap"} {
			o.compare(line)
		}
	})
}

// Absent files: who says what, and with which status.
func TestNetstatOracle_absentFiles(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		o := newNetstatOracle(t)
		fakeProc(t, map[string]string{"none": ""})
		for _, line := range []string{"-an", "-tn", "-tun", "-4n", "-6n", "-anv", "-4anv", "-xn", "-tulpn", "-t6n", "-wxn", "-A unix", "-rn", "-r6", "-rC", "-rn64", "-xav"} {
			o.compare(line)
		}
	})
}

// TestNetstatDiffers_rows shows what gnet does otherwise with rows that the
// original misreads.
func TestNetstatDiffers_rows(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newSocketLab(t)
		o := newNetstatOracle(t)
		long := strings.Repeat("x", 9000)
		fakeProc(t, map[string]string{
			"tcp": labInetHead +
				"   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000  100        0 77 2\n" +
				"   1: 0100007F:0017 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1\n" +
				"   2: 0100007F:0018 00000000:0000 0E 00000000:00000000 00:00000000 00000000  0        0 78\n",
			"udp":  "   0: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000  0        0 79 2\n",
			"unix": labUnixHead + "0000: 2 0 10000 1 1 77 " + long + "\n",
			"ax25": "",
		})
		tcpHead := "Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State      "
		row := func(port, state string) string {
			return "tcp        0      0 127.0.0.1:" + port + "            0.0.0.0:*               " + state
		}

		difference(t, "short-row")
		difference(t, "unknown-state")
		extend := " User       Inode     \n"
		o.expect("-tlne4", nstest.Result{
			Stdout: tcpHead + extend + row("22", "LISTEN      100        77        \n") + row("24", "UNKNOWN     0          78        \n"),
			Stderr: "warning, got bogus tcp line.\nhint: /proc/net/tcp: line 3: timeout: column is missing\n",
		})
		if got := o.run(o.original, strings.Fields("-tlne4")).Stdout; !strings.HasPrefix(got, tcpHead+extend+row("22", "LISTEN      100        77        \n")+row("23", "LISTEN      1          77        \n")) {
			t.Errorf("the original no longer shows the short row with the inode of another:\n%s", got)
		}

		difference(t, "missing-header")
		o.expect("-uln4", nstest.Result{Stdout: tcpHead + "\nudp        0      0 127.0.0.1:53            0.0.0.0:*                          \n"})
		if got := o.run(o.original, strings.Fields("-uln4")); got != (nstest.Result{Stdout: tcpHead + "\n"}) {
			t.Errorf("the original no longer drops the first line: %+v", got)
		}

		difference(t, "long-row")
		unixHead := "Active UNIX domain sockets (only servers)\nProto RefCnt Flags       Type       State         I-Node   Path\n"
		o.expect("-xln", nstest.Result{Stdout: unixHead,
			Stderr: "warning, got bogus unix line.\nhint: /proc/net/unix: line 2: Path \"" + long[:64] + "\": row is too long\n"})
		if got := o.run(o.original, strings.Fields("-xln")); !strings.HasPrefix(got.Stdout, unixHead+"unix  2      [ ACC ]     STREAM     LISTENING     77       xxxx") ||
			got.Stderr != "warning, got bogus unix line.\n" {
			t.Errorf("the original no longer cuts the row in two: %+v", got)
		}

		difference(t, "old-families")
		o.expect("-A ax25 -n", nstest.Result{Stderr: "netstat: AX25 sockets are not in this version\n", Status: 1})
		if got := o.run(o.original, strings.Fields("-A ax25 -n")); got.Status != 0 || got.Stdout == "" {
			t.Errorf("the original has no table of AX.25: %+v", got)
		}
	})
}

// expect compares a whole answer of gnet.
func (o *netstatOracle) expect(line string, want nstest.Result) {
	o.t.Helper()
	if diff := cmp.Diff(want, o.run(o.gnet, strings.Fields(line))); diff != "" {
		o.t.Errorf("netstat %s (-want +got):\n%s", line, diff)
	}
}

// TestNetstatDiffers_options shows what gnet does otherwise with options.
func TestNetstatDiffers_options(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		lab.listen("127.0.0.1:22")
		lab.listen("[::1]:22")
		o := newNetstatOracle(t)

		difference(t, "full-disk")
		full := []string{"-c", `exec "$0" -an > /dev/full`}
		if got := o.run("/bin/sh", append(full, o.gnet)); got != (nstest.Result{Status: 1, Stderr: got.Stderr}) || !strings.Contains(got.Stderr, "no space left on device") {
			t.Errorf("gnet to a full disk: %+v", got)
		}
		if got := o.run("/bin/sh", append(full, o.original)); got.Status != 0 {
			t.Errorf("the original to a full disk: %+v", got)
		}

		difference(t, "old-routing-families")
		if got := o.run(o.original, strings.Fields("-r -A netrom")); got.Status != 1 || got.Stderr != "/proc/net/nr_nodes: No such file or directory\n/proc/net/nr_neigh: Invalid argument\n" {
			t.Errorf("the original's NET/ROM routes: %+v", got)
		}
		o.expect("-r -A netrom", nstest.Result{Status: 1, Stdout: "NET/ROM not configured in this system.\n",
			Stderr: "/proc/net/nr_nodes: No such file or directory\n/proc/net/nr_neigh: No such file or directory\n"})

		difference(t, "extend-again")
		long := o.run(o.gnet, []string{"-rnee"})
		for _, line := range []string{"-rneee", "-rneeee", "-rneeeeee"} {
			o.expect(line, long)
		}
		if got := o.run(o.original, []string{"-rneee"}); got.Stdout != "Kernel IP routing table\n" {
			t.Errorf("the original's -rneee: %+v", got)
		}

		difference(t, "mode-again")
		for line, once := range map[string]string{"-rnr": "-rn", "-s -u -s": "-su", "-ii": "-i", "-MM": "-M"} {
			o.expect(line, o.run(o.gnet, strings.Fields(once)))
			if got := o.run(o.original, strings.Fields(line)); got.Status != 3 || got.Stdout != "" {
				t.Errorf("the original's %s: %+v", line, got)
			}
		}
		fakeProc(t, map[string]string{"ax25_route": "callsign dev addr\n", "x25/route": "\n"})
		o.expect("-r -A ax25", nstest.Result{Status: 1, Stderr: "netstat: routes of ax25 are not in this version\n"})
		o.expect("-r -A x25", nstest.Result{Status: 1, Stderr: "netstat: routes of x25 are not in this version\n"})
		if got := o.run(o.original, []string{"-r", "-A", "ax25"}); got.Status != 0 || got.Stdout == "" {
			t.Errorf("the original's AX.25 routes: %+v", got)
		}
	})
}
