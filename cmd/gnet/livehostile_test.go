package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/live"
	"gnet/ping/path"
	"gnet/procnet"
	"gnet/stackprobe/event"
)

// hostileTexts are texts from outside that are hard to keep in a cell.
func hostileTexts() []string {
	return []string{
		"漢字かな한국어漢字かな한국어漢字かな한국어", "e\u0301\u0327" + strings.Repeat("\u0336", 500), "\u0301\u0301", "👨\u200d👩\u200d👧\u200d👦👍🏽☺\ufe0f1\ufe0f\u20e3",
		"שלום\u202eevil\u202c\u2066\u200f\u061c", "a\tb\r\nc\vd", "\x1b[2J\x1b]0;title\a\x1b[31m\x1bc", "\u0085\u009b2J\u0090", "\xff\xfe\xc3\x28\xf0\x9f", strings.Repeat("x", 10000),
		strings.Repeat("漢", 10000), "กำนี้क्षत्रिय", "\u1100\u1161\u11a8\u1161\u11a8", "\u200b\u200b\ufeff\u00ad", "", " ", "\x00", "\U000e0041\U0001f3f4\U000e0067\U000e007f",
	}
}

// hostileStages are views that are full of names, by what is in them.
func hostileStages() map[string]func(names []string) *liveStage {
	return map[string]func([]string) *liveStage{
		"hostile-netstat": func(names []string) *liveStage {
			source := fixedSockets()
			for i, name := range names {
				at := 5 + i%20
				source.holders[source.sockets[at].Inode] = procnet.Owner{PID: 1000 + i, Arg0: name}
			}
			x := newWatchScript(source)
			x.read()
			return &liveStage{view: x.view}
		},
		"hostile-ping": func(names []string) *liveStage {
			var hosts []pingHost
			for i, name := range names {
				hosts = append(hosts, pingHost{name, netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})})
			}
			script := newLiveScript(hosts...)
			script.playMany(1, 40)
			return &liveStage{view: newPingView(script.record, "56 data bytes, every 1 s")}
		},
		"hostile-tracepath": func(names []string) *liveStage {
			o := defaultTracepath()
			v := newHopView(&o, strings.Join(names, " "))
			var hops []path.Hop
			for i, name := range names {
				from := netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
				hops = append(hops, path.Hop{TTL: i + 1, From: []netip.Addr{from}, Sent: 9, Answered: 8, Min: 1e6, Mean: 2e6, Max: 3e6})
				v.names.known[from] = name
			}
			v.learn(hops, 1500, 9, nil)
			return &liveStage{view: v}
		},
		"hostile-step": func(names []string) *liveStage {
			events := lessonOf(stepLesson)
			last := events[len(events)-1]
			for i, name := range names {
				e := event.Event{N: last.N + 1 + i, T: last.T, Kind: event.KindNote, Text: name}
				if i%2 > 0 {
					e.Conn, e.Host = 1, event.Client
				}
				events = append(events, e)
			}
			v, s := stepScript(false, nil)
			v.take(events)
			v.ends(nil)
			s.steps = nil
			return s
		},
	}
}

// hostileKeys are what is pressed at random: what all views have, and letters.
func hostileKeys() []string {
	return []string{"Up", "Down", "PgUp", "PgDn", "Home", "End", "Enter", "Left", "Right", "Tab", "Space", "b", "h", "l", "o", "r", ">", "<", "+", "-", "z", "s", "x", "j",
		"]", "[", "/", "e", "漢", "é", ":", "5", "G", "y", "K", "n", "N", "?", "c", "Backspace", "Ctrl-U"}
}

// wantCells fails the test where a cell holds what no cell may.
func wantCells(t *testing.T, what string, s *live.Simulation, w int) {
	t.Helper()
	for y, row := range strings.Split(s.Text(), "\n") {
		if n := live.Columns(row); n > w {
			t.Fatalf("%s: row %d has %d columns of %d: %q", what, y, n, w, row)
		}
		for _, r := range row {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("%s: row %d holds %+q: %+q", what, y, r, row)
			}
		}
	}
}

// TestLiveHostile_walk: random keys and sizes on views full of hostile names, with the names typed too: nothing panics, takes for ever or puts
// what is no character into a cell.
func TestLiveHostile_walk(t *testing.T) {
	for name, stage := range hostileStages() {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%s-%d", name, seed), func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 11))
				w, h := 80, 24
				s, err := live.Simulate(stage(append(hostileTexts(), "🇩🇪🇩🇪")).view, live.Options{ASCII: seed%2 > 0}, w, h)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				keys, names := hostileKeys(), append(hostileTexts(), "🇩🇪🇩🇪") // whose columns terminals do not agree about
				var walked []string
				for range 250 {
					switch random.IntN(8) {
					case 0:
						w, h = 1+random.IntN(300), 1+random.IntN(100)
						if random.IntN(2) > 0 {
							w, h = 1+random.IntN(30), 1+random.IntN(12)
						}
						s.Resize(w, h)
						walked = append(walked, fmt.Sprintf("%dx%d", w, h))
					case 1:
						text := []rune(names[random.IntN(len(names))])
						s.Press("/")
						s.Type(string(text[:min(len(text), 300)]))
						wantCells(t, "typed", s, w)
						s.Press("Esc")
						walked = append(walked, "typed")
					default:
						key := keys[random.IntN(len(keys))]
						s.Press(key)
						walked = append(walked, key)
					}
					wantCells(t, strings.Join(walked, " "), s, w)
				}
			})
		}
	}
}

// TestLiveHostile_columns: whatever the names are, what stands beside them stands where it does beside tame ones.
func TestLiveHostile_columns(t *testing.T) {
	hostile := hostileTexts()
	tame := make([]string, len(hostile))
	for i := range tame {
		tame[i] = fmt.Sprintf("tame-%d", i)
	}
	for _, size := range [][2]int{{80, 24}, {40, 24}, {200, 60}, {61, 30}} {
		for _, c := range []struct {
			name string
			part func(heading, row string, w int) string // what no name may touch
		}{
			{"hostile-netstat", func(heading, row string, w int) string {
				if at := strings.Index(heading, "Program"); at >= 0 {
					return leftOf(row, at)
				}
				return row
			}},
			{"hostile-ping", func(_, row string, w int) string { return rightOf(row, max(min(w/3, 32), 12)) }},
		} {
			shows := func(names []string) (rows []string) {
				s, err := live.Simulate(hostileStages()[c.name](names).view, live.Options{}, size[0], size[1])
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				screen := strings.Split(s.Text(), "\n")
				for i, row := range screen {
					if i >= 2 && i < size[1]-2 { // the table
						rows = append(rows, c.part(screen[1], row, size[0]))
					}
				}
				return rows
			}
			if diff := cmp.Diff(shows(tame), shows(hostile)); diff != "" {
				t.Errorf("%s at %dx%d (-tame +hostile)\n%s", c.name, size[0], size[1], diff)
			}
		}
	}
}

// leftOf is what stands in the first n columns of a row, without blanks at its end.
func leftOf(row string, n int) string {
	for i, r := range row {
		if n -= live.Columns(string(r)); n < 0 {
			return strings.TrimRight(row[:i], " ")
		}
	}
	return strings.TrimRight(row, " ")
}

// rightOf is what stands behind the first n columns of a row.
func rightOf(row string, n int) string {
	for i, r := range row {
		if n <= 0 && live.Columns(string(r)) > 0 {
			return row[i:]
		}
		n -= live.Columns(string(r))
	}
	return ""
}

// TestLiveHostile_terminal: hostile names reach a terminal as characters that stay in their cells.
func TestLiveHostile_terminal(t *testing.T) {
	for name := range hostileStages() {
		for _, kind := range []string{"xterm-256color", "screen", "linux"} {
			t.Run(name+"-"+kind, func(t *testing.T) {
				x := stageOn(t, name, 80, 24, "TERM="+kind)
				x.wantSame("start")
				for _, size := range [][2]int{{41, 12}, {120, 40}, {80, 24}} {
					x.sim.Resize(size[0], size[1])
					x.Resize(size[0], size[1])
					x.wantSame(fmt.Sprint(size))
					for _, key := range []string{"Down", "End", "Enter", "Tab", "b", "Home", "PgDn", "?", "x"} {
						x.sim.Press(key)
						x.Write(keyBytes(key))
						x.wantSame(fmt.Sprint(size, " ", key))
					}
				}
			})
		}
	}
}
