package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/scenario"
	"gnet/stackprobe/view"
)

// tcb is what one end of a connection knows by RFC 9293, from nothing but the segments that it has sent and those that have arrived there.
// Numbers count from the initial ones.
type tcb struct {
	iss, irs      int64
	begun, synced bool // it has sent its SYN, has got the other's
	wrote         int64
	// SND.UNA, SND.NXT, SND.UNA+SND.WND as the window came, SND.WL1, SND.WL2.
	una, nxt, edge, wl1, wl2 int64
	hasWindow                bool
	// RCV.NXT, and the right edge of the window that it has announced last.
	rcvNxt, rcvEdge int64
	announced       bool
	ahead           [][2]int64 // data that arrived, ascending
	fin             int64      // behind the FIN that has arrived, 0 for none
	// The shift counts of its windows and of the other's (RFC 7323 section 2.2); offers says whose SYN had one.
	own, theirs int64
	offers      [2]bool
}

func (r storedRow) flag(name string) bool {
	return slices.Contains(strings.Split(r.text("flags"), ","), name)
}

// window is that of a segment in octets, with the shift count of the end that sends it.
func (b *tcb) window(r storedRow, shift int64) int64 {
	win, _ := r.number("win")
	if r.flag("SYN") || !b.offers[0] || !b.offers[1] {
		return win
	}
	return win << shift
}

// span is what a segment takes of the sequence space, counted from an initial number.
func (r storedRow) span(initial int64) (first, last int64) {
	seq, _ := r.number("seq")
	n, _ := r.number("len")
	for _, flag := range []string{"SYN", "FIN"} {
		if r.flag(flag) {
			n++
		}
	}
	first = fromInitial(seq, initial)
	return first, first + n
}

// fromInitial is a sequence number counted from the initial one.
func fromInitial(n, initial int64) int64 { return int64(int32(uint32(n) - uint32(initial))) }

// sends takes a segment that leaves.
func (b *tcb) sends(r storedRow) {
	if !b.begun {
		b.iss, _ = r.number("seq")
		b.begun = true
	}
	if shift, has := r.number("wscale"); has && r.flag("SYN") {
		b.own, b.offers[0] = shift, true
	}
	_, last := r.span(b.iss)
	b.nxt = max(b.nxt, last)
	if ack, has := r.number("ack"); has && r.flag("ACK") && !r.flag("RST") {
		b.rcvEdge, b.announced = fromInitial(ack, b.irs)+b.window(r, b.own), true
	}
}

// gets takes a segment that has arrived (RFC 9293 section 3.10.7).
func (b *tcb) gets(r storedRow) {
	if r["checksum_ok"] == false || r.flag("RST") {
		return
	}
	if r.flag("SYN") && !b.synced {
		b.irs, _ = r.number("seq")
		b.theirs, b.offers[1] = r.number("wscale")
		b.synced, b.rcvNxt = true, 1
	}
	first, last := r.span(b.irs)
	if ack, has := r.number("ack"); has && r.flag("ACK") && b.begun && (last >= b.rcvNxt || first == last) {
		b.acknowledged(fromInitial(ack, b.iss), first, r)
	}
	if r.flag("FIN") {
		last--
	}
	if b.announced && last > b.rcvEdge || r.flag("SYN") {
		return
	}
	if r.flag("FIN") {
		b.fin = last + 1
	}
	b.ahead = append(b.ahead, [2]int64{first, last})
	slices.SortFunc(b.ahead, func(x, y [2]int64) int { return int(x[0] - y[0]) })
	for _, p := range b.ahead {
		if p[0] <= b.rcvNxt {
			b.rcvNxt = max(b.rcvNxt, p[1])
		}
	}
	if b.rcvNxt == b.fin-1 {
		b.rcvNxt = b.fin
	}
}

// acknowledged takes an acknowledgment and its window (section 3.10.7.4, the fifth step).
func (b *tcb) acknowledged(ack, seq int64, r storedRow) {
	if ack < b.una || ack > b.nxt {
		return
	}
	b.una = ack
	if !b.hasWindow || b.wl1 < seq || b.wl1 == seq && b.wl2 <= ack {
		b.edge, b.wl1, b.wl2, b.hasWindow = ack+b.window(r, b.theirs), seq, ack, true
	}
}

// spaceEnd is an end: what it knows now, and what it knew when its stack told of itself last, which is what is shown.
type spaceEnd struct {
	now, shown tcb
	before     tcb // now before the segment that arrived last
}

// spaceEnds are both ends of one connection, by their names.
type spaceEnds map[string]*spaceEnd

// take takes a row. What a stack tells at a transmission is from before it, and is moved on by what leaves.
func (ends spaceEnds) take(r storedRow) {
	e := ends[r.text("host")]
	if conn, _ := r.number("conn"); e == nil || conn != 1 {
		return
	}
	if r.text("call") == "write" {
		n, _ := r.number("bytes")
		e.now.wrote += n
	}
	if r.text("event") == "rx" {
		e.before = e.now
		e.now.gets(r)
	}
	if r.text("vars_how") != "" {
		e.shown = e.now
		if wnd, _ := r.number("wnd"); r.text("event") == "tx" && e.now.hasWindow && wnd != e.now.edge-e.now.una {
			e.shown.una, e.shown.edge = e.before.una, e.before.edge // netstack acknowledges before it takes in what is acknowledged to it
		}
	}
	if r.text("from") == "LAST-ACK" && r.text("state") == "CLOSED" { // by the ACK of its FIN: of what that said a stack tells no more
		e.shown = e.now
	}
	if r.text("event") == "tx" {
		e.now.sends(r)
		e.shown.nxt, e.shown.rcvEdge, e.shown.announced = e.now.nxt, e.now.rcvEdge, e.now.announced
	}
}

// want are the numbers that the pane of the windows has of the octets that an end sends, nil where there are none.
func (ends spaceEnds) want(sender, receiver string) []string {
	s, r := ends[sender].shown, ends[receiver].shown
	if ends[sender].now.nxt <= 2 && r.rcvNxt <= 2 && ends[sender].now.wrote == 0 {
		return nil // no data
	}
	list := []string{sender, fmt.Sprint("SND.UNA ", s.una), fmt.Sprint("SND.NXT ", s.nxt)}
	if s.hasWindow {
		list = append(list, fmt.Sprintf("SND.WND %d to %d", max(s.edge-s.una, 0), s.edge))
	}
	if r.synced {
		list = append(list, fmt.Sprint("RCV.NXT ", r.rcvNxt))
	}
	if r.announced {
		list = append(list, fmt.Sprintf("RCV.WND %d to %d", max(r.rcvEdge-r.rcvNxt, 0), r.rcvEdge))
	}
	return list
}

// shownWindows are the numbers of the pane of the windows, which stands at the right of a wide screen, by sender.
func shownWindows(screen string) map[string][]string {
	lines := strings.Split(screen, "\n")
	before, _, _ := strings.Cut(lines[1], "─ [windows]")
	from := len([]rune(before))
	list, sender := map[string][]string{}, ""
	for _, line := range lines[2:] {
		text := []rune(line)
		part := string(text[min(from, len(text)):])
		if strings.HasPrefix(part, "─ ") {
			break
		}
		if word, _, _ := strings.Cut(part, " "); sender == "" && (word == "client" || word == "server") {
			sender = word // whose strip is the first
			list[sender] = []string{sender}
		}
		for item := range strings.SplitSeq(strings.TrimSpace(part), ", ") {
			if item = strings.TrimSuffix(item, ","); strings.HasPrefix(item, "SND.") || strings.HasPrefix(item, "RCV.") {
				list[sender] = append(list[sender], item)
			}
		}
		if strings.HasPrefix(strings.TrimSpace(part), "limit:") {
			sender = ""
		}
	}
	return list
}

// otherWindows are the lessons in which the pane of the windows is something else than what the segments of the first connection tell.
func otherWindows() map[string]string {
	const (
		several   = "several connections"
		crafted   = "segments that no stack has sent"
		concluded = "an end that tells nothing of itself: its numbers are concluded, and marked so"
		long      = "what the others have too, in more events"
	)
	return map[string]string{
		"half-open-syn": several, "old-duplicate-syn": several, "syn-flood": several, "time-wait-reuse": several,
		"blind-reset": crafted, "old-duplicate-syn-late": crafted, "syn-cookies": concluded, "two-way": concluded,
		"pmtu-drop-icmp":    "netstack does not keep a FIN that arrives ahead of data",
		"simultaneous-open": "netstack does not scale the window of its ACK of a SYN,ACK here, and its other end takes it for 128 times as much",
		"bufferbloat":       long, "window-scaling": long, "silly-window": long,
	}
}

// TestStep_windows: behind every event of a lesson, the numbers in the pane of the windows are what RFC 9293 makes of the segments that each end
// had sent and got when its stack told of itself last.
func TestStep_windows(t *testing.T) {
	other := otherWindows()
	for name := range other {
		if !slices.Contains(scenario.Names(), name) {
			t.Errorf("there is no lesson %s", name)
		}
	}
	for _, name := range scenario.Names() {
		if other[name] != "" {
			continue
		}
		events := lessonEvents(t, name)
		if events == nil {
			continue // a kernel's
		}
		_, s := stepped(t, events, view.Options{}, false, 400, 40)
		ends := spaceEnds{"client": {}, "server": {}}
		for i, r := range storedRows(t, []byte(gnetSays(t, "trace", "tcp", name, "--json"))) {
			ends.take(r)
			want := map[string][]string{}
			for sender, receiver := range map[string]string{"client": "server", "server": "client"} {
				if list := ends.want(sender, receiver); list != nil {
					want[sender] = list
				}
			}
			if diff := cmp.Diff(want, shownWindows(s.Text())); diff != "" {
				t.Fatalf("%s, event %d (-RFC 9293 +screen):\n%s", name, i+1, diff)
			}
			s.Press("j")
		}
	}
}
