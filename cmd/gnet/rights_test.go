package main

import (
	"encoding/binary"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// buildGnet builds the product as it is shipped: static, so that its threads
// all drop their capabilities, in a folder that nobody can read too.
func buildGnet(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gnet-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "gnet")
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// setFileCapabilities writes what setcap(8) writes: struct vfs_cap_data of
// linux/capability.h, revision 2, permitted but not effective unless asked.
func setFileCapabilities(t *testing.T, path string, permitted uint64, effective bool) {
	t.Helper()
	magic := uint32(0x02000000)
	if effective {
		magic |= 1
	}
	data := binary.LittleEndian.AppendUint32(nil, magic)
	for _, word := range []uint32{uint32(permitted), 0, uint32(permitted >> 32), 0} {
		data = binary.LittleEndian.AppendUint32(data, word)
	}
	if err := unix.Setxattr(path, "security.capability", data, 0); err != nil {
		t.Fatalf("setting capabilities on the file: %v", err)
	}
}

// TestFileCapabilitiesAreNotForEveryCommand runs the binary as nobody with
// cap_net_admin and cap_net_raw on its file: ping may use the second one, and
// nobody may change a route, end a socket, capture packets or join a network.
func TestFileCapabilitiesAreNotForEveryCommand(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Root)
		gnet := buildGnet(t)
		host := nstest.Here(t)
		as := func(args ...string) nstest.Result {
			cmd := exec.Command(gnet, args...)
			nstest.AsNobody(t, cmd)
			return host.Output(t, cmd)
		}
		victim, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer victim.Close()
		for _, effective := range []bool{false, true} {
			setFileCapabilities(t, gnet, 1<<unix.CAP_NET_ADMIN|netRaw, effective)

			got := as("route", "add", "-net", "10.9.0.0/16", "dev", "lo")
			got.Stderr, _, _ = strings.Cut(got.Stderr, "\n")
			want := nstest.Result{Stderr: "SIOCADDRT: Operation not permitted", Status: statusSocket}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("effective %v: route add (-want +got)\n%s", effective, diff)
			}

			got = as("netstat", "--kill", "--yes", "--all")
			if got.Status != statusCannot || !strings.HasSuffix(got.Stdout, " denied\n") {
				t.Errorf("effective %v: netstat --kill: %+v", effective, got)
			}

			for _, words := range [][]string{{"capture", "lo", "--deadline", "1s"}, {"connect", "127.0.0.1:9", "--attach", "nat"},
				{"listen", "9", "--attach", "bridge:br0", "--address", "10.0.0.2/24"}} {
				got := as(append([]string{"trace"}, words...)...)
				if got.Status != statusCannot || got.Stdout != "" || !strings.Contains(got.Stderr, "permitted") && !strings.Contains(got.Stderr, "permission denied") {
					t.Errorf("effective %v: trace %q: %+v", effective, words, got)
				}
			}

			if got := as("ping", "-q", "-c1", "127.0.0.1"); got.Status != statusOK {
				t.Errorf("effective %v: ping with cap_net_raw on the file: status %d\n%s", effective, got.Status, got.Stderr)
			}
		}

		setFileCapabilities(t, gnet, 0, false)
		if got := as("ping", "-q", "-c1", "127.0.0.1"); got.Status != statusCannot {
			t.Errorf("ping without any capability: status %d, want %d\n%s%s", got.Status, statusCannot, got.Stdout, got.Stderr)
		}
	})
}

func TestKeptCapabilities(t *testing.T) {
	for _, c := range []struct {
		args []string
		want uint64
	}{
		{nil, 0},
		{[]string{"route", "add"}, 0},
		{[]string{"trace", "ping"}, 0},
		{[]string{"ping", "-c1", "::1"}, netRaw},
		{[]string{"tracepath", "::1"}, netRaw},
	} {
		if got := keptCapabilities(c.args); got != c.want {
			t.Errorf("keptCapabilities(%q) = %#x, want %#x", c.args, got, c.want)
		}
	}
}
