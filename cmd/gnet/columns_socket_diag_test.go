package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// jsonRows runs gnet netstat and returns the rows of its JSON.
func (o *netstatOracle) jsonRows(line string) []map[string]any {
	o.t.Helper()
	got := o.run(o.gnet, append(strings.Fields(line), "--json"))
	var answer struct{ Rows []map[string]any }
	if err := json.Unmarshal([]byte(got.Stdout), &answer); err != nil || got.Stderr != "" || got.Status != 0 {
		o.t.Fatalf("netstat %s: %v, %+v", line, err, got)
	}
	return answer.Rows
}

// keyed returns those of a row's keys that are named, without the ones it lacks.
func keyed(row map[string]any, keys ...string) map[string]any {
	some := make(map[string]any)
	for _, key := range keys {
		if v, ok := row[key]; ok {
			some[key] = v
		}
	}
	return some
}

// What sock_diag alone knows: the interface, also as the scope of an address, the
// mark, who is at the other end of a unix socket, and its true name.
func TestSocketColumns_diag(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		lab.listen("[fe80::7]:4096")
		device := lab.bind(unix.SOCK_DGRAM, 0, "127.0.0.1:53")
		lab.must(unix.BindToDevice(device, "lo"))
		lab.must(unix.SetsockoptInt(device, unix.SOL_SOCKET, unix.SO_MARK, 7))
		lab.bind(unix.SOCK_DGRAM, 0, "[::1]:54")
		o := newNetstatOracle(t)
		var got []map[string]any
		cookies := make(map[string]bool)
		for _, row := range o.jsonRows("-tulan") {
			got = append(got, keyed(row, "local_addr", "local_port", "interface", "interface_index", "v6only", "mark"))
			cookies[fmt.Sprint(row["cookie"])] = true
		}
		want := []map[string]any{
			{"local_addr": "fe80::7%lo", "local_port": 4096., "interface": "lo", "interface_index": 1., "v6only": true, "mark": 0.},
			{"local_addr": "127.0.0.1", "local_port": 53., "interface": "lo", "interface_index": 1., "mark": 7.},
			{"local_addr": "::1", "local_port": 54., "v6only": true, "mark": 0.},
		}
		if diff := cmp.Diff(want, got); diff != "" || len(cookies) != len(want) || cookies["<nil>"] {
			t.Errorf("cookies %v, rows (-want +got):\n%s", cookies, diff)
		}
	})
}

func TestSocketColumns_unixDiag(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		t.Chdir(publicDir(t)) // with the folder's own name, which is long where TMPDIR is, a socket's name could pass its 108 bytes
		// The second one's name would be a row of its own in the file.
		names := []string{"@a\x00b", "./x\n0000000000000000: 00000002 00000000 00010000 0001 01 99999999 forged", "./@a"}
		for _, name := range names {
			fd := lab.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			lab.must(unix.Bind(fd, &unix.SockaddrUnix{Name: name}))
		}
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		lab.must(err)
		lab.must(write(pair[0], 5)) // to the other one, which does not read
		inode := func(fd int) string {
			var st unix.Stat_t
			lab.must(unix.Fstat(fd, &st))
			return fmt.Sprint(st.Ino)
		}
		paths, pairs := make(map[string]any), make(map[string]any)
		for _, row := range newNetstatOracle(t).jsonRows("-xa") {
			if path, bound := row["path"].(string); bound {
				paths[path] = row["abstract"]
			} else {
				pairs[row["inode"].(string)] = keyed(row, "peer_inode", "recv_q", "uid", "user")
			}
		}
		wantPaths := map[string]any{"@a@b": true, names[1]: false, names[2]: false}
		if diff := cmp.Diff(wantPaths, paths); diff != "" {
			t.Errorf("paths, and whether they are abstract (-want +got):\n%s", diff)
		}
		one, two := inode(pair[0]), inode(pair[1])
		wantPairs := map[string]any{
			one: map[string]any{"peer_inode": two, "recv_q": 0., "uid": 0., "user": "root"},
			two: map[string]any{"peer_inode": one, "recv_q": 5., "uid": 0., "user": "root"},
		}
		for inode := range pairs {
			if wantPairs[inode] == nil {
				delete(pairs, inode) // the test's own
			}
		}
		if diff := cmp.Diff(wantPairs, pairs); diff != "" {
			t.Errorf("a pair (-want +got):\n%s", diff)
		}
		unix.Close(pair[0])
		unix.Close(pair[1])
	})
}

// The rows of the machine formats are those of ss, which asks sock_diag too: ends
// with their interface, states, queues.
func TestSocketColumns_ss(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ss := nstest.Peer(t, "ss")
		lab := newSocketLab(t)
		both := lab.listen("[::]:443")
		lab.connect("10.99.0.1:443")
		lab.accept(both)
		lab.listen("[fe80::7]:4096")
		only := lab.socket(unix.AF_INET6, unix.SOCK_STREAM, 0)
		lab.must(unix.SetsockoptInt(only, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1))
		lab.must(unix.Bind(only, &unix.SockaddrInet6{Port: 444}))
		lab.must(unix.Listen(only, 5))
		lab.closing()
		lab.datagrams()
		device := lab.bind(unix.SOCK_DGRAM, 0, "127.0.0.1:54")
		lab.must(unix.BindToDevice(device, "lo"))
		o := newNetstatOracle(t)
		var want, got []string
		for line := range strings.Lines(o.run(ss, strings.Fields("-Hatun")).Stdout) {
			want = append(want, strings.Join(strings.Fields(line), " "))
		}
		for _, row := range o.jsonRows("-atun") {
			got = append(got, ssRow(row))
		}
		if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" || len(got) < 15 {
			t.Errorf("-ss +gnet:\n%s", diff)
		}
	})
}

// ssRow writes a row of the JSON as ss does. A listening socket has its limit there
// where netstat has 0.
func ssRow(row map[string]any) string {
	states := map[string]string{"ESTABLISHED": "ESTAB", "FIN_WAIT2": "FIN-WAIT-2", "CLOSE_WAIT": "CLOSE-WAIT", "TIME_WAIT": "TIME-WAIT", "CLOSE": "UNCONN"}
	state := row["state"].(string)
	if short, ok := states[state]; ok {
		state = short
	}
	queue := fmt.Sprint(row["send_q"])
	if state == "LISTEN" {
		queue = "5"
	}
	end := func(which string) string {
		addr, device, _ := strings.Cut(row[which+"_addr"].(string), "%")
		if which == "local" && row["interface"] != nil {
			device = row["interface"].(string)
		}
		switch {
		case row["v6only"] == false && row["local_addr"] == "::":
			addr = "*"
		case strings.Contains(addr, ":"):
			addr = "[" + addr + "]"
		}
		if device != "" {
			addr += "%" + device
		}
		port := fmt.Sprint(row[which+"_port"])
		if port == "0" {
			port = "*"
		}
		return addr + ":" + port
	}
	return fmt.Sprintf("%s %s %v %s %s %s", row["proto"], state, row["recv_q"], queue, end("local"), end("foreign"))
}
