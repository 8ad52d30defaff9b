package procnet

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func etc(t testing.TB, name, text string) Names {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return NewNames(dir)
}

func TestUsers(t *testing.T) {
	n := etc(t, "passwd", "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\n+nis::::::\n:x:7:7::\nhalf:x\nneg:x:-1:1:\nbig:x:4294967296:1:\nlast:x:4294967295:1:")
	want := map[uint32]string{0: "root", 1<<32 - 1: "last"}
	if diff := cmp.Diff(want, n.Users()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUID(t *testing.T) {
	n := etc(t, "passwd", "root:x:0:0:root:/root:/bin/sh\n+nis::::::\nhalf:x\nneg:x:-1:1:\ntwo:x:big:1:\ntwo:x:2:1:\ntwo:x:3:1:\nlast:x:4294967295:1:")
	got := map[string]uint32{}
	for _, name := range []string{"root", "+nis", "half", "neg", "two", "last", "", "none"} {
		if uid, ok := n.UID(name); ok {
			got[name] = uid
		}
	}
	if diff := cmp.Diff(map[string]uint32{"root": 0, "two": 2, "last": 1<<32 - 1}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPorts(t *testing.T) {
	n := etc(t, "services", "# ssh 1/tcp\nssh 22/tcp alias other # x\nssh 23/tcp\nalias 24/udp\nboth 5/tcp\nboth 6/udp\nbad 70000/tcp\nbad 7\nbad x/udp\nhalf\nend 9/sctp\n")
	got := map[string][2]uint16{}
	for _, name := range []string{"ssh", "alias", "other", "x", "both", "bad", "half", "end", "", "22/tcp"} {
		if tcp, udp := n.Ports(name); tcp != 0 || udp != 0 {
			got[name] = [2]uint16{tcp, udp}
		}
	}
	if diff := cmp.Diff(map[string][2]uint16{"ssh": {22, 0}, "alias": {22, 24}, "other": {22, 0}, "both": {5, 6}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestServices(t *testing.T) {
	n := etc(t, "services", "# ssh 1/tcp\nssh\t\t22/tcp alias # x\nfirst 80/tcp\n  last 80/tcp\nudp 80/udp\nhalf\nbad 70000/tcp\nbad x/tcp\nnone 5\nend 65535/sctp")
	want := map[Service]string{{"tcp", 22}: "ssh", {"tcp", 80}: "last", {"udp", 80}: "udp", {"sctp", 65535}: "end"}
	if diff := cmp.Diff(want, n.Services()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProtocols(t *testing.T) {
	n := etc(t, "protocols", "ip 0 IP # internet\nicmp\t1\tICMP\nfirst 255\nlast 255\nbig 256\nhalf\n")
	want := map[uint8]string{0: "ip", 1: "icmp", 255: "last"}
	if diff := cmp.Diff(want, n.Protocols()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHosts(t *testing.T) {
	n := etc(t, "hosts", "::1 ip6one six\n127.0.0.1 localhost\n::ffff:10.0.0.1 mapped\n10.0.0.1 late\n10.0.0.2 One two\n10.0.0.2 three\nfe80::1%lo scoped\nnonsense x\n10.0.0.3\n")
	addr := netip.MustParseAddr
	want := map[string]string{
		"::1": "ip6one", "127.0.0.1": "ip6one", // gethostbyaddr(3) takes ::1 for 127.0.0.1
		"::ffff:10.0.0.1": "mapped", "10.0.0.1": "mapped", "10.0.0.2": "One", "fe80::1": "scoped",
	}
	got := make(map[string]string)
	for a, name := range n.Hosts() {
		if a != addr(a.String()) {
			t.Errorf("key %v does not read back", a)
		}
		got[a.String()] = name
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The zero value reads /etc, wherever the process stands.
func TestNames_zeroValue(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "passwd"), []byte("trap:x:0:0::/:\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if name := (Names{}).Users()[0]; name != "root" {
		t.Errorf("uid 0 is %q, want root", name)
	}
}

func TestNames_missingFiles(t *testing.T) {
	n := NewNames(filepath.Join(t.TempDir(), "nowhere"))
	if n.Users() == nil || n.Services() == nil || n.Protocols() == nil || n.Hosts() == nil {
		t.Error("a missing file gives a nil map")
	}
}

func FuzzNames(f *testing.F) {
	f.Add([]byte("root:x:0:0::/:\n"))
	f.Add([]byte("ssh 22/tcp\n127.0.0.1 a b\nip 0\n::1 x # y"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n := Names{read: func(string) ([]byte, error) { return text, nil }}
		for _, name := range n.Users() {
			if name == "" {
				t.Error("a user without a name")
			}
		}
		for _, name := range n.Services() {
			if name == "" {
				t.Error("a service without a name")
			}
		}
		for _, name := range n.Protocols() {
			if name == "" {
				t.Error("a protocol without a name")
			}
		}
		for a, name := range n.Hosts() {
			if name == "" || !a.IsValid() {
				t.Errorf("host %v is %q", a, name)
			}
		}
	})
}
