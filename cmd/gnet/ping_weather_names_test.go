package main

import (
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// nameServer is a DNS server on loopback for one test: each question gets what
// answer says, nothing when that is nil.
type nameServer struct {
	conn   net.PacketConn
	answer func(name string, qtype uint16, query []byte) []byte
}

// serveNames starts a name server and makes it the one of the test's mount
// namespace, with a hosts(5) of its own.
func serveNames(t *testing.T, hosts string, answer func(name string, qtype uint16, query []byte) []byte) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	dir := t.TempDir()
	for path, text := range map[string]string{"/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", "/etc/hosts": hosts} {
		file := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount(file, path, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Unmount(path, unix.MNT_DETACH) })
	}
	s := &nameServer{conn: conn, answer: answer}
	go s.serve()
}

func (s *nameServer) serve() {
	buf := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		query := append([]byte(nil), buf[:n]...)
		if name, qtype, ok := question(query); ok {
			go func() {
				if b := s.answer(name, qtype, query); b != nil {
					s.conn.WriteTo(b, from)
				}
			}()
		}
	}
}

// question returns what a query asks (RFC 1035, section 4.1.2).
func question(b []byte) (name string, qtype uint16, ok bool) {
	i := 12
	var labels []string
	for i < len(b) && b[i] != 0 {
		n := int(b[i])
		if i+1+n > len(b) {
			return "", 0, false
		}
		labels = append(labels, string(b[i+1:i+1+n]))
		i += 1 + n
	}
	if i+5 > len(b) {
		return "", 0, false
	}
	return strings.Join(labels, "."), binary.BigEndian.Uint16(b[i+1:]), true
}

// response answers a query with a code and records of its own name and type.
func response(query []byte, code byte, records ...[]byte) []byte {
	i := 12
	for query[i] != 0 {
		i += 1 + int(query[i])
	}
	b := append([]byte(nil), query[:i+5]...)
	b[2], b[3] = 0x84, 0x80|code
	copy(b[4:12], []byte{0, 1, 0, byte(len(records)), 0, 0, 0, 0})
	for _, data := range records {
		b = append(b, 0xc0, 12)
		b = append(b, b[i+1:i+5]...)
		b = append(b, 0, 0, 0, 1, byte(len(data)>>8), byte(len(data)))
		b = append(b, data...)
	}
	return b
}

const (
	typeA    = 1
	typePTR  = 12
	typeAAAA = 28
)

// Names that are wrong, slow or hostile: the message is the original's, and no
// probe waits for a name server.
func TestPingWeather_names(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		hosts := "127.0.0.1 localhost\n10.77.1.2 \x1b[31mEVIL\x1b[0m.example\n10.77.1.2 bidi\u202e.example\n"
		serveNames(t, hosts, func(name string, qtype uint16, query []byte) []byte {
			switch {
			case name == "good.example" && qtype == typeA:
				return response(query, 0, []byte{10, 77, 1, 2})
			case name == "slow.example":
				time.Sleep(300 * time.Millisecond)
				if qtype == typeA {
					return response(query, 0, []byte{10, 77, 1, 2})
				}
				return response(query, 0)
			case name == "no-such-host.example":
				return response(query, 3) // NXDOMAIN
			case name == "silent.example":
				return nil
			case name == "broken.example":
				return response(query, 2) // SERVFAIL
			case name == "refused.example":
				return response(query, 5)
			case name == "noise.example":
				return append(query[:2:2], []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")...)
			case name == "empty.example", strings.HasSuffix(name, ".example") && qtype == typeAAAA:
				return response(query, 0)
			case qtype == typePTR:
				return nil // a server that is slow about addresses
			}
			return response(query, 3) // NXDOMAIN
		})
		original := nstest.Peer(t, "ping")
		for _, tt := range []struct{ host, want string }{
			{"no-such-host.example", "Name or service not known"},
			{"empty.example", "No address associated with hostname"},
			{"broken.example", "Temporary failure in name resolution"},
			{"refused.example", "Temporary failure in name resolution"},
			{"silent.example", "Temporary failure in name resolution"},
			{"noise.example", "Temporary failure in name resolution"},
			{"bad..name", "Name or service not known"},
			{strings.Repeat("a", 64) + ".example", "Name or service not known"},
			{strings.Repeat("abcdefgh.", 40), "Name or service not known"},
		} {
			got := w.ran("-c1 " + tt.host)
			got.Stderr = withoutHints(got.Stderr)
			want := nstest.Result{Status: 2, Stderr: "ping: " + tt.host + ": " + tt.want + "\n"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.host, diff)
			}
			same := w.client.Run(t, original, "-c1", tt.host)
			same.Stderr = strings.TrimPrefix(same.Stderr, filepath.Dir(original)+"/")
			if diff := cmp.Diff(want, same); diff != "" {
				t.Errorf("%s: the original (-want +got):\n%s", tt.host, diff)
			}
		}
		// The hosts file has names for the address, but none that a terminal may see.
		got := w.ran("-c1 good.example")
		if strings.ContainsAny(got.Stdout+got.Stderr, "\x1b\u202e") || got.Status != 0 {
			t.Errorf("a hostile name: %q %q %d", got.Stdout, got.Stderr, got.Status)
		}
		for _, host := range []string{"good.example", "slow.example"} {
			got := normalisePing(w.ran("-n -c1 " + host).Stdout)
			want := "PING " + host + " (10.77.1.2) 56(84) bytes of data.\n64 bytes from 10.77.1.2: icmp_seq=1 ttl=64 time=T ms\n\n--- " + host +
				" ping statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time Tms\nrtt min/avg/max/mdev = T ms\n"
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", host, diff)
			}
		}
	})
}

// While a name server keeps a line waiting for a name, the probes go out on
// time.
func TestPingWeather_slowNames(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		asked := make(chan string, 64)
		release := make(chan struct{})
		serveNames(t, "127.0.0.1 localhost\n", func(name string, qtype uint16, query []byte) []byte {
			if qtype == typePTR {
				asked <- name
				<-release
				return response(query, 3)
			}
			if qtype == typeA {
				return response(query, 0, []byte{10, 77, 1, 2})
			}
			return response(query, 0)
		})
		seen := make(chan uint16, 1<<10)
		defer w.server.Respond(t, false, func(r *responder, q echoRequest) {
			r.Reply(q, q.Answer())
			seen <- q.Seq
		})()
		r := w.start("-c4 -i.05 four.example")
		if name := <-asked; name != "2.1.77.10.in-addr.arpa" {
			t.Errorf("asked about %s", name)
		}
		for want := uint16(1); want <= 4; want++ { // all of them, while the name is still to come
			if got := <-seen; got != want {
				t.Errorf("request %d, want %d", got, want)
			}
		}
		close(release)
		got := r.end()
		if n := strings.Count(got.Stdout, "64 bytes from 10.77.1.2: icmp_seq="); n != 4 || got.Status != 0 {
			t.Errorf("%d lines of four: %+v", n, got)
		}
		if len(asked) > 0 {
			t.Errorf("the name server was asked again about %s: an answer that there is none is remembered", <-asked)
		}
	})
}
