package view

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// TestLadderRows: the rows are those of the ladder, whose events they name; what stands before and behind them is the heading and the sums.
func TestLadderRows(t *testing.T) {
	for _, width := range []int{60, 80, 130} {
		for i, events := range [][]event.Event{plainRun(), lostRun(), crossRun(), timeoutRun(), oddRun(), kindsRun(), waitsRun(), longRun()} {
			ascii := i%2 == 1
			o := Options{Width: width, ASCII: ascii, Unfold: true}
			var whole bytes.Buffer
			l := NewLadder(&whole, o)
			var got []string
			places := []int{}
			for i := range events {
				if err := l.Event(&events[i]); err != nil {
					t.Fatal(err)
				}
			}
			LadderRows(o, nil, false, func(yield func(int, *event.Event) bool) {
				for i := range events {
					if !yield(i, &events[i]) {
						return
					}
				}
			}, func(r Row) {
				got = append(got, text(r))
				places = append(places, r.Place)
			})
			l.folds.release(0)
			l.form.finish()
			want := strings.Split(strings.TrimSuffix(whole.String(), "\n"), "\n")
			heading := text(LadderHeading(o))
			var rest []string
			for _, row := range want {
				if row != heading {
					rest = append(rest, row)
				}
			}
			if len(rest) != len(want)-1 {
				t.Errorf("width %d: no row is the heading %q", width, heading)
			}
			if diff := cmp.Diff(rest, got); diff != "" {
				t.Errorf("width %d (-ladder +rows):\n%s", width, diff)
			}
			for i, p := range places {
				if p < 0 || p >= len(events) {
					t.Errorf("row %q is of event %d", got[i], p)
				}
			}
		}
	}
}

func text(r Row) (all string) {
	for _, s := range r.Spans {
		all += s.Text
	}
	return all
}

// TestPanes_octets: each byte stands once beside what it means, and what the run has not kept is said.
func TestPanes_octets(t *testing.T) {
	const wire = "\x45\x00\x05\xdc\x01\x0e\x40\x00\x40\x06\xb0\x26\xc0\x00\x02\x01\xc0\x00\x02\x02" +
		"\x9c\x40\x00\x07\xe1\x24\xcc\xfc\xb0\x81\x3e\x83\xa0\x12\x10\x00\xd9\x65\x00\x00" +
		"\x02\x04\x05\xb4\x01\x03\x03\x07\x04\x02\x05\x0a\x00\x00\x00\x01\x00\x00\x00\x09" + "hello"
	e := event.Event{Kind: event.KindTx, Seg: event.Segment{ID: 1, Size: 70, Wire: wire}}
	var got []string
	for _, r := range NewPanes(Options{}).Octets(&e, 60) {
		got = append(got, text(r))
	}
	want := []string{
		"  0 45                      IPv4, header 20 bytes",
		"  1 00                      type of service 0",
		"  2 05 dc                   total length 1500",
		"  4 01 0e                   identification 270",
		"  6 40 00                   flags and fragment offset DF 0",
		"  8 40                      TTL 64",
		"  9 06                      protocol 6",
		" 10 b0 26                   header checksum 0xb026",
		" 12 c0 00 02 01             source 192.0.2.1",
		" 16 c0 00 02 02             destination 192.0.2.2",
		" 20 9c 40                   source port 40000",
		" 22 00 07                   destination port 7",
		" 24 e1 24 cc fc             sequence number 3777285372",
		" 28 b0 81 3e 83             acknowledgment number 2961260163",
		" 32 a0 12                   TCP header and flags 40 bytes",
		"                            SYN,ACK",
		" 34 10 00                   window 4096",
		" 36 d9 65                   checksum 0xd965",
		" 38 00 00                   urgent pointer 0",
		" 40 02 04 05 b4             option MSS 1460",
		" 44 01                      no-operation",
		" 45 03 03 07                option window scale 7",
		" 48 04 02                   option SACK permitted",
		" 50 05 0a 00 00 00 01 00 00 option SACK 1:9",
		" 58 00 09",
		" 60 68 65 6c 6c 6f          data 5 bytes",
		"5 bytes more, not kept; --snap says how many the run keeps",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzDissect: the fields of any packet stand in their order, do not overlap, and lie in the packet.
func FuzzDissect(f *testing.F) {
	f.Add("\x45\x00\x05\xdc\x01\x0e\x40\x00\x40\x06\xb0\x26\xc0\x00\x02\x01\xc0\x00\x02\x02\x9c\x40\x00\x07\xe1\x24\xcc\xfc\xb0\x81\x3e\x83\x80\x10\x10\x00\xd9\x65\x00\x00\x01\x01\x08\x0a\x15\xfe\x05\x02\x2a\xc6\x72\x23\xd2")
	f.Add("\x60\x01\x02\x03\x00\x14\x06\x40" + strings.Repeat("\x20\x01\x0d\xb8\x00\x00\x00\x01", 4) + "\x9c\x40\x00\x07\xe1\x24\xcc\xfc\xb0\x81\x3e\x83\xf0\x10\x10\x00\xd9\x65\x00\x00\x02\x00")
	f.Add("\x41\x00\x00")
	f.Add("\x00")
	f.Fuzz(func(t *testing.T, wire string) {
		if wire == "" {
			return
		}
		end := 0
		for _, field := range dissect(wire) {
			if field.at < end || field.n <= 0 || field.at+field.n > len(wire) {
				t.Fatalf("%q: %d bytes at %d behind %d: %s", wire, field.n, field.at, end, field.name)
			}
			end = field.at + field.n
		}
		e := event.Event{Kind: event.KindTx, Seg: event.Segment{ID: 1, Wire: wire}}
		for _, r := range NewPanes(Options{ASCII: true}).Octets(&e, 40) {
			if n := columns(text(r)); n > 40 {
				t.Fatalf("%d columns: %q", n, text(r))
			}
		}
	})
}
