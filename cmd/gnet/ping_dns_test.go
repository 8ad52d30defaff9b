package main

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// askedServer answers from a table for names of one label under "ex", and keeps
// what it was asked.
type askedServer struct {
	conn  net.PacketConn
	mu    sync.Mutex
	asked []string
}

// askedServerHere serves on the loopback address, to which the namespace's
// resolv.conf points.
func askedServerHere(t *testing.T) *askedServer {
	t.Helper()
	s := &askedServer{}
	nstest.Here(t).Do(t, func() (err error) {
		s.conn, err = net.ListenPacket("udp", "127.0.0.1:53")
		return err
	})
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(path, "/etc/resolv.conf", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 2000)
		for {
			n, from, err := s.conn.ReadFrom(b)
			if err != nil {
				return
			}
			if answer := s.answer(slices.Clone(b[:n])); answer != nil {
				s.conn.WriteTo(answer, from)
			}
		}
	}()
	t.Cleanup(func() {
		s.conn.Close()
		<-done
		unix.Unmount("/etc/resolv.conf", unix.MNT_DETACH)
	})
	return s
}

// answer builds an answer: alias.ex is an alias of four.ex, only four.ex and
// both.ex have IPv4 addresses, six.ex and both.ex IPv6 ones.
func (s *askedServer) answer(query []byte) []byte {
	name, at, err := wire.ReadDNSName(nil, query, 12)
	if err != nil || at+4 > len(query) {
		return nil
	}
	kind := binary.BigEndian.Uint16(query[at:])
	s.mu.Lock()
	s.asked = append(s.asked, map[uint16]string{1: "A ", 5: "CNAME ", 12: "PTR ", 28: "AAAA "}[kind]+string(name))
	s.mu.Unlock()
	owner, records, count := strings.ToLower(string(name)), []byte(nil), byte(0)
	add := func(owner string, kind uint16, data []byte) {
		records, _ = wire.AppendDNSName(records, owner)
		records = append(records, 0, byte(kind), 0, 1, 0, 0, 0, 9, 0, byte(len(data)))
		records, count = append(records, data...), count+1
	}
	if owner == "alias.ex" {
		data, _ := wire.AppendDNSName(nil, "four.ex")
		add(owner, 5, data)
		owner = "four.ex"
	}
	if strings.HasPrefix(owner, "dead.") || owner == "dead" {
		return nil
	}
	known := slices.Contains([]string{"four.ex", "six.ex", "empty.ex", "both.ex", "xn--bcher-kva.ex"}, owner)
	if kind == 1 && known && owner != "six.ex" && owner != "empty.ex" {
		add(owner, 1, []byte{127, 0, 0, 1})
	}
	if kind == 28 && (owner == "six.ex" || owner == "both.ex") {
		add(owner, 28, netip.IPv6Loopback().AsSlice())
	}
	b := slices.Clone(query[:at+4])
	b[2], b[3] = 0x81, 0x80
	if !known {
		b[3] = 0x83
	}
	b[6], b[7], b[10], b[11] = 0, count, 0, 0 // no additional record: no EDNS
	return append(b, records...)
}

// questions returns what was asked since the last call, each once.
func (s *askedServer) questions() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.asked)
	asked := strings.Join(slices.Compact(s.asked), ", ")
	s.asked = nil
	return asked
}

// Names of DNS: the canonical one, its aliases, what is missing; and no question
// about a family that was ruled out.
func TestPingOracle_dns(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		server := askedServerHere(t)
		for _, tt := range []struct{ line, asked string }{
			{"-n -4 -c1 four.ex", "A four.ex"},
			{"-n -4 -c1 alias.ex", "A alias.ex"},
			{"-n -4 -v -c1 alias.ex", "A alias.ex"},
			{"-n -6 -c1 six.ex", "AAAA six.ex"},
			{"-n -6 -c1 both.ex", "AAAA both.ex"},
			{"-n -c1 alias.ex", "A alias.ex, AAAA alias.ex"},
			{"-n -c1 six.ex", "A six.ex, AAAA six.ex"},
			{"-n -4 -c1 six.ex", "A six.ex"},
			{"-n -6 -c1 four.ex", "AAAA four.ex"},
			{"-n -c1 none.ex", "A none.ex, AAAA none.ex"},
			{"-n -4 -c1 none.ex", "A none.ex"},
			{"-n -c1 empty.ex", "A empty.ex, AAAA empty.ex"},
			{"-n -4 -c1 FOUR.ex", "A FOUR.ex"},
			{"-c1 four.ex", "A four.ex, AAAA four.ex"},
		} {
			server.questions()
			args := pingWords(tt.line)
			want := o.answer(o.original, args)
			server.questions()
			got := o.answer(o.gnet, args)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ping %s (-original +gnet)\n%s", tt.line, diff)
			}
			if asked := server.questions(); asked != tt.asked {
				t.Errorf("ping %s asked %s, want %s", tt.line, asked, tt.asked)
			}
		}
		idn := difference(t, "ping-idn").ID
		reply := strings.ReplaceAll(oneReply, "10.77.3.2: icmp_seq=1 ttl=62", "127.0.0.1: icmp_seq=1 ttl=64") + oneOfOne + "status 0"
		o.shown(idn, "-n -4 -c1 bücher.ex", "! ping: bücher.ex: Parameter string not correctly encoded\nstatus 2", reply)
		if got := o.answer(o.gnet, []string{"-n", "-4", "-c1", "BÜCHER.ex"}); !strings.HasPrefix(got.Stdout, "PING xn--bcher-kva.ex (127.0.0.1) ") {
			t.Errorf("%s: %q", idn, got.Stdout)
		}
		for _, name := range []string{"a\u202eb.ex", "b\xfccher.ex"} {
			o.compareName(name)
		}
	})
}

// Where no name server answers, a name is asked for no longer than by the original, and the servers are named.
func TestPingOracle_deadServer(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		server := askedServerHere(t)
		mountText(t, "/etc/resolv.conf", "nameserver 127.0.0.1\nsearch dead.ex dead.net dead.org dead.com\noptions timeout:1 attempts:1\n")
		for _, name := range []string{"dead.dead", "none.ex"} {
			want := o.answer(o.original, []string{"-4", "-c1", name})
			asked := server.questions()
			got := o.lab.client.Output(t, o.command(o.gnet, []string{"-4", "-c1", name}))
			if n := len(strings.Split(server.questions(), ", ")); n > len(strings.Split(asked, ", ")) {
				t.Errorf("%s: %d names were asked for, by the original %s", name, n, asked)
			}
			if name == "dead.dead" {
				want.Stderr += "hint: no answer from the name servers of resolv.conf(5): 127.0.0.1\n"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-original +gnet)\n%s", name, diff)
			}
		}
	})
}

// compareName compares the refusal of a name; gnet's shows no byte that a terminal
// would obey.
func (o *pingOracle) compareName(name string) {
	o.t.Helper()
	escaped := strings.NewReplacer("\u202e", `\xe2\x80\xae`, "\xfc", `\xfc`)
	original, gnet := o.answer(o.original, []string{name}), o.answer(o.gnet, []string{name})
	original.Stderr = escaped.Replace(original.Stderr)
	if diff := cmp.Diff(original, gnet); diff != "" {
		o.t.Errorf("ping %q (-original +gnet)\n%s", name, diff)
	}
}
