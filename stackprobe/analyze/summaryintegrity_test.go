package analyze

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// TestFigures_Integrity takes every outcome at the server, which reads what the client writes.
func TestFigures_Integrity(t *testing.T) {
	type outcome struct {
		Integrity     Integrity
		Word          string
		Read, Written int64
	}
	account := func(written, read int64, match bool) *event.End {
		return &event.End{Client: event.Totals{Written: written}, Server: event.Totals{Received: read, Match: match}}
	}
	program := account(5, 5, true)
	program.Client.Program = true
	scripted := &Figures{End: account(5, 5, true)}
	scripted.Sums.Client.Scripted = true
	for _, c := range []struct {
		f    *Figures
		want outcome
	}{
		{&Figures{}, outcome{NoAccount, "", 0, 0}},
		{scripted, outcome{ByScript, "script", 0, 0}},
		{&Figures{End: program}, outcome{OfProgram, "program", 0, 0}},
		{&Figures{End: account(0, 0, true)}, outcome{NothingWritten, "nothing-written", 0, 0}},
		{&Figures{End: account(7, 7, true)}, outcome{Intact, "intact", 7, 7}},
		{&Figures{End: account(7, 6, true)}, outcome{Incomplete, "incomplete", 6, 7}},
		{&Figures{End: account(7, 7, false)}, outcome{Changed, "changed", 7, 7}},
	} {
		var got outcome
		got.Integrity, got.Read, got.Written = c.f.Integrity(sv)
		got.Word = got.Integrity.String()
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}

// TestFigures_oneTap: at one tap each octet is counted once, though every departure there is an arrival.
func TestFigures_oneTap(t *testing.T) {
	d1, again := seg(1, event.ACK, 1, 100, 1), seg(2, event.ACK, 1, 100, 1)
	d2 := seg(3, event.ACK, 101, 50, 1)
	type moved struct{ Octets, Time int64 }
	for world, want := range map[string]moved{"memory": {150, 9}, event.TapWorld: {150, 9}} {
		events := append([]event.Event{{Kind: event.KindRun, Run: &event.Run{World: world}}},
			on(1, tx(0, cl, seg(8, event.SYN, 0, 0, 0)), rx(0, sv, seg(8, event.SYN, 0, 0, 0)), tx(1, cl, d1), rx(1, sv, d1), tx(5, cl, again), rx(5, sv, again),
				tx(10, cl, d2), rx(10, sv, d2))...)
		f := figuresOf(events...)
		conns, _ := f.Connections()
		var got moved
		got.Octets, got.Time = conns[0].Goodput(cl)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", world, diff)
		}
	}
}
