package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

func TestNetstatOracle_groups(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newInterfaceLab(t)
		mountText(t, "/etc/hosts", "224.0.0.1 all-systems\n239.1.2.3 a-group-of-a-name-that-is-longer-than-every-column.example.org\nff02::1 all-nodes\n")
		newNetstatOracle(t).compareAll([]string{"-g", "-gn", "-4g", "-6gn", "-46gn", "-64g", "-gt", "-gtn6", "-gu4n", "-gx", "-gxn", "-g -A inet,unix", "-g -A inet6",
			"-g -A ax25", "-gS", "-gv", "-gvn6", "-gl", "-gaeW", "-gan4", "-gp", "-g --numeric-hosts", "-g --numeric-ports", "-gN", "-g --ddp", "-gM", "-gr", "--groups -n"})
	})
}

// igmpFiles are rows that both programs show the same way, or refuse.
var igmpFiles = map[string]string{
	"igmp": "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\ngarbage\n" +
		"1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n\t\t\t\tZZ 1\n\t\t\t\t010000E0\n\t\t\t\t010000E0 x 0:0\n\n" +
		"2\taverylongifname:     2      V3\n\t\t\t\t010000E0     1234567 0:00000000\t\t0\n\t\t\t\tFB0000E0     2 0:00000000\t\t0\n",
	"igmp6": "garbage\n1    lo              ff020000000000000000000000000001     1 0000000C 0\n\n" +
		"2    averylongifname ff010000000000000000000000000001  1234567 00000008 0\n1 lo ff020000000000000000000000000001\n" +
		"1 lo ff020000000000000000000000000001 x\n1 lo\n1 lo ff020000000000000000000000000001 5",
}

func TestNetstatOracle_oddGroups(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newSocketLab(t)
		o := newNetstatOracle(t)
		fakeProc(t, igmpFiles)
		for _, line := range []string{"-gn", "-g4n", "-6gn", "-gxn"} {
			o.compare(line)
		}
	})
}

func TestNetstatOracle_absentGroups(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		o := newNetstatOracle(t)
		for _, files := range []map[string]string{{"none": ""}, {"igmp6": igmpFiles["igmp6"]}, {"igmp": igmpFiles["igmp"]}} {
			fakeProc(t, files)
			for _, line := range []string{"-gn", "-4gn", "-6gn", "-46gn", "-gnx", "-gnv", "-gn -A unix"} {
				o.compare(line)
			}
		}
	})
}

func TestNetstatDiffers_groups(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newInterfaceLab(t)
		o := newNetstatOracle(t)

		difference(t, "groups-again")
		// Two rounds: the second is the first again.
		once := o.run(o.gnet, []string{"-gn"}).Stdout
		rounds := func(path string) nstest.Result { return o.until(path, 2*strings.Count(once, "\n"), "-gnc") }
		if got := rounds(o.gnet); got.Stdout != once+once || got.Stderr != "" {
			t.Errorf("netstat -gnc: %+v", got)
		}
		if got := rounds(o.original); !strings.HasPrefix(got.Stdout, once) || got.Stdout == once+once || !strings.Contains(got.Stderr, "bogus igmp6") {
			t.Errorf("the original's -gnc: %+v", got)
		}

		difference(t, "group-address")
		const head = "IPv6/IPv4 Group Memberships\nInterface       RefCnt Group\n--------------- ------ ---------------------\n"
		fakeProc(t, map[string]string{"igmp": "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n1\tlo        :     1      V3\n\t\t\t\t0100E0     1 0:0\t\t0\n",
			"igmp6": "1 lo ff02 1 0 0\n"})
		o.expect("-gn", nstest.Result{Stdout: head, Stderr: "warning, got bogus igmp line 2.\nhint: /proc/net/igmp: line 3: Group \"0100E0\": not an address\n" +
			"warning, got bogus igmp6 line 0.\nhint: /proc/net/igmp6: line 1: group \"ff02\": not an address\n"})
		if got := o.run(o.original, []string{"-gn"}).Stdout; got != head+"lo              1      224.0.1.0\nlo              1      0:ff02::\n" {
			t.Errorf("the original's -gn:\n%s", got)
		}
	})
}

// A name that the kernel takes and a terminal would obey is escaped, whole.
func TestNetstatHostile_groups(t *testing.T) {
	dir := t.TempDir()
	root := dir + "/net"
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"igmp": "3\te\x1b[31mR\xff: 1 V3\n\t\t\t\t010000E0     1 0:0\t\t0\n", "igmp6": "3 e\x1b[31mR\xff ff020000000000000000000000000001 1 0 0\n"} {
		if err := os.WriteFile(root+"/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const head = "IPv6/IPv4 Group Memberships\nInterface       RefCnt Group\n--------------- ------ ---------------------\n"
	netstatPrints(t, "-gn --proc-root "+dir, head+"e\\x1b[31mR\\xff  1      224.0.0.1\ne\\x1b[31mR\\xff  1      ff02::1\n")
	netstatPrints(t, "-gn --format jsonl --proc-root "+dir,
		`{"kind":"row","family":"inet","iface":"e\u001b[31mR\ufffd","iface_hex":"651b5b33316d52ff","iface_index":3,"group":"224.0.0.1","users":1}`+"\n"+
			`{"kind":"row","family":"inet6","iface":"e\u001b[31mR\ufffd","iface_hex":"651b5b33316d52ff","iface_index":3,"group":"ff02::1","users":1}`+"\n")
}

// netstatPrints runs gnet netstat in this process and compares all of its
// standard output; nothing else is said.
func netstatPrints(t *testing.T, line, want string) {
	t.Helper()
	netstatSays(t, line, nstest.Result{Stdout: want})
}

// netstatSays is netstatPrints for an answer with messages or a status.
func netstatSays(t *testing.T, line string, want nstest.Result) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	e := &env{Stdout: newOutput(&stdout), Stderr: &stderr, Name: "netstat", LookupEnv: func(string) (string, bool) { return "", false }, ProcRoot: "/proc"}
	cmd := newNetstatCommand(e, runNetstat)
	cmd.SetArgs(strings.Fields(line))
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	status := exitStatus(e, cmd.ExecuteContext(t.Context()))
	if diff := cmp.Diff(want, nstest.Result{Stdout: stdout.String(), Stderr: stderr.String(), Status: status}); diff != "" {
		t.Errorf("netstat %s (-want +got):\n%s", line, diff)
	}
}
