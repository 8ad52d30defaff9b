package link_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// BenchmarkLink is the way of one full segment, with all its events, past different rules.
func BenchmarkLink(b *testing.B) {
	p := packet(b, client, server, wire.TCPFields{Seq: 1, Flags: wire.ACK}, wire.TCPOptions{}, strings.Repeat("x", 1400))
	for _, rules := range []string{"", "drop data 1000000000", "loss 1%,burst 1%|25%,rate 100G queue 10,delay 1ms jitter 1ms"} {
		b.Run("rules="+rules, func(b *testing.B) {
			var texts []string
			for text := range strings.SplitSeq(rules, ",") {
				if text != "" {
					texts = append(texts, strings.ReplaceAll(text, "|", ","))
				}
			}
			loop := vclock.NewVirtual()
			l := link.New(link.Config{Clock: loop, Rules: parseRules(b, texts...), Snap: 128, Sink: func(*event.Event) {}})
			l.Attach(event.Client, nowhere{})
			l.Attach(event.Server, nowhere{})
			b.ReportAllocs()
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				l.Send(event.Client, loop.Now(), p, link.Sent{})
				for loop.Step(context.Background(), time.Duration(1<<62)) == vclock.Ran {
				}
			}
		})
	}
}

// TestLinkAllocates counts what a packet costs: itself, the bytes that its events hold, its place in the clock's queue and
// the function there. Events share one place.
func TestLinkAllocates(t *testing.T) {
	p := packet(t, client, server, wire.TCPFields{Seq: 1, Flags: wire.ACK}, wire.TCPOptions{}, strings.Repeat("x", 1400))
	b := newBench(link.Path{}, link.Path{}, parseRules(t, "drop data 1000000000", "mtu 9000", "rate 1000G queue 10", "loss 0%", "burst 0%,10%")...)
	for h := event.Client; h <= event.Server; h++ {
		b.link.Attach(h, nowhere{})
	}
	b.discard = true
	if n := testing.AllocsPerRun(1000, func() {
		b.link.Send(event.Client, b.loop.Now(), p, link.Sent{})
		b.run()
	}); n > 4 {
		t.Errorf("%v allocations for a packet, want 4", n)
	}
}
