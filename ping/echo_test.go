package ping

import (
	"bytes"
	"testing"
	"time"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

func TestNumber(t *testing.T) {
	for _, tt := range []struct {
		last int64
		wire uint16
		want int64
	}{{5, 5, 5}, {5, 1, 1}, {5, 6, 6 - window}, {window, 0, window}, {window + 3, 3, window + 3}, {window + 3, 4, 4},
		{5 * window, 65535, 5*window - 1}} {
		if got := number(tt.last, tt.wire); got != tt.want {
			t.Errorf("number(%d, %d) = %d, want %d", tt.last, tt.wire, got, tt.want)
		}
	}
}

// Whatever number is asked for, the table has the window's newest probes and no
// other.
func TestTable(t *testing.T) {
	var table table
	if table.get(1) != nil {
		t.Error("an empty table has probe 1")
	}
	for n := int64(1); n <= 2*window+10; n++ {
		table.put(n).cookie = uint64(n)
		for _, m := range []int64{n, n - 63, n - window + 1} {
			if s := table.get(m); m >= 1 && (s == nil || s.n != m || s.cookie != uint64(m)) {
				t.Fatalf("after %d: probe %d is %v", n, m, s)
			}
		}
		for _, m := range []int64{n + 1, n - window, 0, -n} {
			if s := table.get(m); s != nil {
				t.Fatalf("after %d: probe %d is %v, want none", n, m, s)
			}
		}
	}
}

// FuzzMessage feeds the engine any message of any kind after a few probes. It
// must not panic, nor count more answers than probes.
func FuzzMessage(f *testing.F) {
	request := newMessage(&Config{Family: probe.IPv4, ID: testID, Size: 56})
	reply := bytes.Clone(request)
	reply[0], reply[7] = wire.ICMPv4EchoReply, 1
	f.Add(byte(probe.Packet), true, reply)
	f.Add(byte(probe.Packet), false, reply[:20])
	f.Add(byte(probe.Packet), false, []byte{129, 0, 0, 0, 0x12, 0x34, 0, 2})
	for _, typ := range []uint8{wire.ICMPv4Unreachable, wire.ICMPv4Redirect, wire.ICMPv4SourceQuench, wire.ICMPv4TimeExceeded} {
		f.Add(byte(probe.Packet), true, quoting(request, typ, 1, 0x0a000001))
		f.Add(byte(probe.Packet), true, quoting(request, typ, 16, 0)[:31])
	}
	f.Add(byte(probe.ICMPError), true, request)
	f.Add(byte(probe.LocalError), true, []byte{})
	f.Add(byte(probe.TransmitStamp), true, []byte{0, 0, 0, 7})
	f.Fuzz(func(t *testing.T, kind byte, four bool, data []byte) {
		c := testConfig(0)
		c.AnySource = true
		if !four {
			c.Family = probe.IPv6
		}
		n := &simNet{t: t}
		p := New(n, n, c)
		p.yield = func(ev *Event, err error) bool { return eventLine(ev) != "" && err == nil }
		for range 3 {
			p.sendNext()
		}
		n.now += time.Second
		m := probe.Message{Kind: probe.Kind(kind), Data: data, From: host, StampID: uint32(len(data))}
		for range 2 {
			p.handleFor(3, &m)
		}
		if s := p.Stats(); s.Received > 1 || s.Received+s.Duplicates > 2 || s.Errors > 2 || s.Foreign > 2 {
			t.Errorf("figures %+v", *s)
		}
	})
}
