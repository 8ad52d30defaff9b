package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// netnsLab is a host with four network namespaces, and a listening socket in
// each: the test's own; blue, with a name and a process; void, with a name alone; and one with a
// process alone.
type netnsLab struct {
	*socketLab
	oracle *netstatOracle
	names  *strings.Replacer // numbers of this run -> words
	ids    map[string]string
	blue   int // pids
	lone   int
}

func newNetnsLab(t *testing.T) *netnsLab {
	t.Helper()
	lab := &netnsLab{socketLab: newSocketLab(t), oracle: newNetstatOracle(t), ids: make(map[string]string)}
	blue, void, lone := nstest.NewHost(t, "blue"), nstest.NewHost(t, "void"), nstest.NewHost(t, "lone")
	nstest.NameHosts(t, blue, void)
	lab.listen("127.0.0.1:22")
	void.Do(t, func() error { lab.listen("127.0.0.1:82"); return nil })
	lab.blue, lab.lone = lab.daemon(blue, "/bin/blued", "127.0.0.1:80"), lab.daemon(lone, "loned", "127.0.0.1:81")
	var pairs []string
	for _, host := range []*nstest.Host{lab.host, blue, void, lone} {
		id, err := host.NS.ID()
		lab.must(err)
		lab.ids[host.Name] = fmt.Sprint(id)
		pairs = append(pairs, fmt.Sprint(id), strings.ToUpper(host.Name))
	}
	comm, err := os.ReadFile("/proc/self/comm")
	lab.must(err)
	lab.names = strings.NewReplacer(append(pairs, fmt.Sprint(lab.blue, "/"), "B/", fmt.Sprint(lab.lone, "/"), "L/",
		"1/"+strings.TrimSpace(string(comm)), "1/test", "1/"+programWord(os.Args[0]), "1/test", programWord(os.Args[0]), "test")...)
	return lab
}

// daemon starts a process in a namespace that holds a listening socket there.
func (lab *netnsLab) daemon(host *nstest.Host, arg0, local string) int {
	lab.t.Helper()
	var socket *os.File
	host.Do(lab.t, func() error { socket = os.NewFile(uintptr(lab.listen(local)), "socket"); return nil })
	sleep, err := exec.LookPath("sleep")
	lab.must(err)
	cmd := exec.Command(sleep)
	cmd.Args = []string{arg0, "1000"}
	cmd.ExtraFiles = []*os.File{socket}
	host.Start(lab.t, cmd)
	socket.Close()
	return cmd.Process.Pid
}

// netstat runs gnet and returns what it does in words. Runs of blanks that a
// number of this run may have changed become one.
func (lab *netnsLab) netstat(line string) string {
	lab.t.Helper()
	got := lab.oracle.run(lab.oracle.gnet, strings.Fields(line))
	lines := strings.Split(lab.names.Replace(got.Stdout+got.Stderr), "\n")
	for i, text := range lines {
		lines[i] = strings.Join(strings.Fields(text), " ")
	}
	return strings.Join(lines, "\n") + fmt.Sprintln("status", got.Status)
}

const (
	netnsTitle = "Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address Foreign Address State PID/Program name\n"
	netnsPlain = "Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address Foreign Address State\n"
)

// The sockets of every namespace, and of one by name and by process.
func TestNetstatNetns(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newNetnsLab(t)
		for line, want := range map[string]string{
			"-tlnp4 --netns all": "Network namespace HERE, this one, processes 2, first 1/test\n" + netnsTitle +
				"tcp 0 0 127.0.0.1:22 0.0.0.0:* LISTEN 1/test\n\n" +
				"Network namespace BLUE, name blue, processes 1, first B/sleep\n" + netnsTitle +
				"tcp 0 0 127.0.0.1:80 0.0.0.0:* LISTEN B/blued\n\n" +
				"Network namespace VOID, name void, no process\n" + netnsTitle +
				"tcp 0 0 127.0.0.1:82 0.0.0.0:* LISTEN 1/test\n\n" +
				"Network namespace LONE, processes 1, first L/sleep\n" + netnsTitle +
				"tcp 0 0 127.0.0.1:81 0.0.0.0:* LISTEN L/loned\nstatus 0\n",
			"-tln4 --netns blue":                                    netnsPlain + "tcp 0 0 127.0.0.1:80 0.0.0.0:* LISTEN\nstatus 0\n",
			"-tln4 --netns void":                                    netnsPlain + "tcp 0 0 127.0.0.1:82 0.0.0.0:* LISTEN\nstatus 0\n",
			"-tln4 --netns 1":                                       netnsPlain + "tcp 0 0 127.0.0.1:22 0.0.0.0:* LISTEN\nstatus 0\n",
			fmt.Sprint("-tln4 --netns ", lab.lone):                  netnsPlain + "tcp 0 0 127.0.0.1:81 0.0.0.0:* LISTEN\nstatus 0\n",
			"-tln4 --netns all --count-by netns,port":               "Count Network Namespace Local Port\n1 1/test 22\n1 L/sleep 81\n1 blue 80\n1 void 82\n4 total\nstatus 0\n",
			"-tln4 --netns all --count-by program":                  "Count Program\n2 test\n1 blued\n1 loned\n4 total\nstatus 0\n",
			"-tln4 --count-by netns-id,local":                       "Count Netns Local Address\n1 HERE 127.0.0.1\n1 total\nstatus 0\n",
			"-tln4 --netns all --filter sport=:81 --count-by port":  "Count Local Port\n1 81\n1 total\nstatus 0\n",
			"-tln4 --netns all --filter comm=sleep --count-by port": "Count Local Port\n1 80\n1 81\n2 total\nstatus 0\n",
			"-tln4 --netns all --filter netns=void --count-by port": "Count Local Port\n1 82\n1 total\nstatus 0\n",
			"--netns nix":    "netstat: no network namespace is called \"nix\"\nhint: the names are blue, void; or give the pid of a process in it\nstatus 1\n",
			"--netns 999999": "netstat: no process 999999\nstatus 1\n",
		} {
			if diff := cmp.Diff(want, lab.netstat(line)); diff != "" {
				t.Errorf("netstat %s (-want +got):\n%s", line, diff)
			}
		}
		lab.rows(t)
	})
}

// rows checks the keys of the machine formats.
func (lab *netnsLab) rows(t *testing.T) {
	t.Helper()
	got := lab.oracle.run(lab.oracle.gnet, strings.Fields("-tln4 --netns all --format jsonl"))
	var rows []string
	for line := range strings.Lines(got.Stdout) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, lab.names.Replace(fmt.Sprintf("%v in %v name %v process %v/%v", row["local_port"], row["netns"], row["netns_name"], row["netns_pid"], row["netns_comm"])))
	}
	want := []string{"22 in HERE name <nil> process 1/test", "80 in BLUE name blue process B/sleep", "82 in VOID name void process <nil>/<nil>", "81 in LONE name <nil> process L/sleep"}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// An ordinary user cannot enter, but can read the tables of every process.
func TestNetstatNetns_nobody(t *testing.T) {
	nstest.Require(t, nstest.Root)
	nstest.InNetns(t, func(t *testing.T) {
		lab := newNetnsLab(t)
		lab.oracle.nobody = true
		for line, want := range map[string]string{
			"-tln4 --netns all": "Network namespace HERE, this one, processes 2, first 1/test\n" + netnsPlain +
				"tcp 0 0 127.0.0.1:22 0.0.0.0:* LISTEN\n\n" +
				"Network namespace, processes 1, first B/sleep\n" + netnsPlain +
				"tcp 0 0 127.0.0.1:80 0.0.0.0:* LISTEN\n\n" +
				"Network namespace, processes 1, first L/sleep\n" + netnsPlain +
				"tcp 0 0 127.0.0.1:81 0.0.0.0:* LISTEN\n" +
				"netstat: network namespaces that could not be entered: 2 (blue: enter namespace: operation not permitted; " +
				"void: enter namespace: operation not permitted)\nhint: root can enter all\nstatus 1\n",
			fmt.Sprint("-tln4v --netns ", lab.lone): netnsPlain + "tcp 0 0 127.0.0.1:81 0.0.0.0:* LISTEN\n" +
				"hint: tcp read from /proc/net, because sock_diag: open namespace: open /proc/L/ns/net: permission denied\nstatus 0\n",
			"-tln4 --netns void": "netstat: network namespace void: enter namespace: operation not permitted\nhint: root can enter it\nstatus 2\n",
		} {
			if diff := cmp.Diff(want, lab.netstat(line)); diff != "" {
				t.Errorf("netstat %s (-want +got):\n%s", line, diff)
			}
		}
	})
}

// A file under /run/netns that holds no namespace, as one is left by a mount that
// others do not see, is said; its neighbours are shown.
func TestNetstatNetns_stale(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newNetnsLab(t)
		lab.must(unix.Unmount("/run/netns/void", unix.MNT_DETACH))
		want := "Count Network Namespace\n1 1/test\n1 L/sleep\n1 blue\n3 total\n" +
			"netstat: open namespace: open /run/netns/void: invalid argument (it is no network namespace)\nstatus 0\n"
		if diff := cmp.Diff(want, lab.netstat("-tln4 --netns all --count-by netns")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
