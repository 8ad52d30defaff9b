package view

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// opinionsRun is a run of which Wireshark has been asked: a loss, its repair, a copy, a damaged and an injected segment.
func opinionsRun() []event.Event {
	says := func(e event.Event, o event.Opinion, m event.Misreading) event.Event {
		e.Derived.Wireshark, e.Derived.Misread = event.Asked|o, m
		return e
	}
	at := func(n int, ms int64, k event.Kind, h event.Host, id int) event.Event {
		d := event.Derived{Numbers: event.Numbers{RelSeq: 1, RelEnd: 101, RelAck: 1, HasRelSeq: true, HasRelAck: true, Attempt: 1}, Why: event.New, WhyHow: event.Computed}
		return event.Event{T: ms * 1e6, N: n, Kind: k, Host: h, Seg: event.Segment{ID: id, Flags: event.ACK | event.PSH, Len: 100}, Derived: d}
	}
	again := func(e event.Event) event.Event {
		e.Derived.Attempt, e.Derived.Why, e.Derived.WhyHow = 2, event.Timeout, event.Inferred
		e.Derived.Repeat = e.Kind == event.KindTx
		return e
	}
	copied, damaged, injected := at(8, 50, event.KindRx, event.Server, 4), at(10, 70, event.KindRx, event.Server, 5), at(12, 80, event.KindRx, event.Server, 6)
	copied.Derived.Copy, damaged.Seg.BadSum, injected.Seg.Origin = true, true, event.Injected
	putIn := at(11, 60, event.KindTx, event.Client, 6)
	putIn.Seg.Origin = event.Injected
	return []event.Event{
		says(at(1, 0, event.KindTx, event.Client, 1), 0, 0),
		at(2, 0, event.KindLost, event.Client, 1),
		says(at(3, 5, event.KindTx, event.Client, 2), 0, 0),
		says(at(4, 25, event.KindRx, event.Server, 2), 0, 0), // nothing to be told of
		says(again(at(5, 30, event.KindTx, event.Client, 3)), event.SaysRetransmission|event.SaysFastRetransmission, event.RepeatAsFast),
		says(again(at(6, 50, event.KindRx, event.Server, 3)), 0, event.RepeatAsNew),
		says(copied, event.SaysRetransmission|event.SaysSpuriousRetransmission, event.CopyAsRepeat),
		says(at(9, 50, event.KindTx, event.Client, 5), event.SaysWindowFull, 0),
		says(damaged, 0, event.DamagedAsGood),
		putIn,
		says(injected, event.SaysOutOfOrder, event.InjectedAsSent),
		says(at(13, 90, event.KindTx, event.Client, 7), event.SaysKeepAlive|event.SaysZeroWindow, 0),
	}
}

func drawOpinions(t *testing.T, events []event.Event, o Options) string {
	t.Helper()
	var b bytes.Buffer
	v := NewWireshark(&b, o, "4.0\x1b")
	for i := range events {
		if err := v.Event(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWireshark_table(t *testing.T) {
	want := strings.TrimPrefix(`

What Wireshark 4.0\x1b says of the segments from what has passed each tap; ! marks what differs from what happened
seconds   from   segment                  really                   at the sender's tap      at the receiver's tap
0.000000  client PSH,ACK 1:101 ack 1      new, lost                -                        never there
0.030000  client PSH,ACK 1:101 ack 1      repeated, ~rto           ! Fast Retransmission    ! says nothing
0.050000  client PSH,ACK 1:101 ack 1      a copy by the link       sent once                ! Spurious
                                                                                            Retransmission
0.050000  client PSH,ACK 1:101 ack 1      new, damaged             Window Full              ! says nothing
0.080000  client PSH,ACK 1:101 ack 1      injected                 not sent                 ! Out-Of-Order
0.090000  client PSH,ACK 1:101 ack 1      new                      Keep-Alive, ZeroWindow   on its way

    1 at the sender's tap: a retransmission that a timer made is called a fast one: duplicate acknowledgments had just
      come (repeat-as-fast)
    1 at the receiver's tap: a copy that the link made is called a retransmission: its sender sent it once
      (copy-as-repeat)
    1 at the receiver's tap: a retransmission looks like a first transmission: that never came to this tap
      (repeat-as-new)
    1 at the receiver's tap: a segment with a wrong checksum counts as received: checksums are not verified unless
      that is asked for (damaged-as-good)
    1 at the receiver's tap: an injected segment counts as one of the end whose address it bears (injected-as-sent)
`, "\n")
	if diff := cmp.Diff(want, drawOpinions(t, opinionsRun(), Options{Width: 118})); diff != "" {
		t.Errorf("want - got +\n%s", diff)
	}
}

// No row is wider than the page, however narrow that is, and ASCII is ASCII.
func TestWireshark_width(t *testing.T) {
	for width := minWidth; width < 130; width += 7 {
		for line := range strings.Lines(drawOpinions(t, opinionsRun(), Options{Width: width, ASCII: true})) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width || !ascii(line) {
				t.Errorf("%d columns on a page of %d: %q", n, width, line)
			}
		}
	}
}

func TestWireshark_nothingDiffers(t *testing.T) {
	events := opinionsRun()[2:4]
	if got, want := drawOpinions(t, events, Options{Width: 118}), "\nWhat Wireshark 4.0\\x1b says of the segments from what has passed each tap; ! marks what differs from what happened\n\nWhat it says is what happened.\n"; got != want {
		t.Errorf("got %q", got)
	}
	for i := range events {
		events[i].Derived.Wireshark = 0
	}
	if got, want := drawOpinions(t, events, Options{Width: 118}), "\nWireshark 4.0\\x1b was asked about no packet\n"; got != want {
		t.Errorf("got %q", got)
	}
}

// Beyond the bound segments are counted, and what differs is counted of all.
func TestWireshark_bounded(t *testing.T) {
	var events []event.Event
	for i := range 3 * maxSights {
		e := opinionsRun()[4]
		e.N, e.Seg.ID = i+1, i+1
		events = append(events, e)
	}
	got := drawOpinions(t, events, Options{Width: 118})
	if !strings.Contains(got, "and 10000 segments more\n") || !strings.Contains(got, "15000 at the sender's tap: a retransmission that a timer made") {
		t.Errorf("the end of %d bytes is %q", len(got), got[len(got)-300:])
	}
}

func TestWireshark_fullDisk(t *testing.T) {
	v := NewWireshark(noRoom{}, Options{}, "")
	events := opinionsRun()
	for i := range events {
		if err := v.Event(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Close(); !errors.Is(err, errNoSpace) {
		t.Errorf("Close: %v", err)
	}
}

// noRoom is a disk that is full.
type noRoom struct{}

var errNoSpace = errors.New("no space")

func (noRoom) Write([]byte) (int, error) { return 0, errNoSpace }

// Every misreading has a sentence of its own.
func TestMisreadingText(t *testing.T) {
	seen := map[string]bool{"": true}
	for m := event.LateAsRepeat; m <= event.OtherMisreading; m++ {
		if text := MisreadingText(m); seen[text] || m.String() == "" {
			t.Errorf("%d %v: %q", m, m, text)
		} else {
			seen[text] = true
		}
	}
}
