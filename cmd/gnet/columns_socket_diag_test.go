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
			got = append(got, keyed(row, "local_addr", "local_port", "interface", "interface_index", "mark"))
			cookies[fmt.Sprint(row["cookie"])] = true
		}
		want := []map[string]any{
			{"local_addr": "fe80::7%lo", "local_port": 4096., "interface": "lo", "interface_index": 1., "mark": 0.},
			{"local_addr": "127.0.0.1", "local_port": 53., "interface": "lo", "interface_index": 1., "mark": 7.},
			{"local_addr": "::1", "local_port": 54., "mark": 0.},
		}
		if diff := cmp.Diff(want, got); diff != "" || len(cookies) != len(want) || cookies["<nil>"] {
			t.Errorf("cookies %v, rows (-want +got):\n%s", cookies, diff)
		}
	})
}

func TestSocketColumns_unixDiag(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		dir := publicDir(t)
		// The second one's name would be a row of its own in the file.
		names := []string{"@a\x00b", dir + "/x\n0000000000000000: 00000002 00000000 00010000 0001 01 99999999 forged", dir + "/@a"}
		for _, name := range names {
			fd := lab.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			lab.must(unix.Bind(fd, &unix.SockaddrUnix{Name: name}))
		}
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		lab.must(err)
		inode := func(fd int) string {
			var st unix.Stat_t
			lab.must(unix.Fstat(fd, &st))
			return fmt.Sprint(st.Ino)
		}
		paths, peers := make(map[string]any), make(map[string]any)
		for _, row := range newNetstatOracle(t).jsonRows("-xa") {
			if path, bound := row["path"].(string); bound {
				paths[strings.Replace(path, dir, "DIR", 1)] = row["abstract"]
			} else {
				peers[row["inode"].(string)] = row["peer_inode"]
			}
		}
		wantPaths := map[string]any{"@a@b": true, strings.Replace(names[1], dir, "DIR", 1): false, "DIR/@a": false}
		if diff := cmp.Diff(wantPaths, paths); diff != "" {
			t.Errorf("paths, and whether they are abstract (-want +got):\n%s", diff)
		}
		one, two := inode(pair[0]), inode(pair[1])
		if peers[one] != two || peers[two] != one {
			t.Errorf("%s and %s are a pair: %v", one, two, peers)
		}
		unix.Close(pair[0])
		unix.Close(pair[1])
	})
}
