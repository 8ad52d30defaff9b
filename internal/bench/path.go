package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
	"gnet/internal/wire"
)

// path measures what ping --pmtu finds in each kind of path, in how many rounds
// and how long it takes, beside tracepath and beside what it is to find. Each run has
// a path of its own: nothing that a kernel has learned helps the next. In a
// black hole tracepath waits three seconds for each hop that does not exist, so
// that it runs there once.
func (l *lab) path() {
	tracepath, err := nstest.FindPeer("tracepath")
	if err != nil {
		l.print("\npath MTU: %v\n", err)
		return
	}
	if _, err := nstest.FindPeer("nft"); err != nil {
		l.print("\npath MTU: %v\n", err)
		return
	}
	theirs := []string{tracepath, "-n", "-m", fmt.Sprint(l.pathHops)}
	hole := blackHole()
	answer, dark := l.timePath(&hole, 1, theirs)
	l.heading("| path | gnet says | rounds | at most | gnet | tracepath says | tracepath |")
	for _, c := range pathCases() {
		says, took := "", time.Duration(0)
		switch {
		case c.name == hole.name:
			says, took = answer, dark
		case c.beside:
			says, took = l.timePath(&c, l.rounds, theirs)
		}
		l.pathRow(&c, says, took)
	}
	l.lossRows()
	l.heading("| the whole of tracepath | gnet says | gnet | tracepath says | tracepath | ratio |")
	ordinary := pathCases()[0]
	says, took := l.timePath(&ordinary, l.rounds, theirs)
	l.hopsRow("`tracepath`, routers answer", &ordinary, says, took)
	l.hopsRow(fmt.Sprintf("`tracepath`, black hole (-m %d)", l.pathHops), &hole, answer, dark)
}

// pathCase is one kind of path and what is to be found there.
type pathCase struct {
	name string
	mtus []uint32
	six  bool
	set  func(*lab, *nstest.Path)
	// rounds is how many it may take, 0 when none are asked for.
	rounds int
	// forward and reverse are the MTUs that are to be found, hop the router before the
	// link that sets the forward one, and forged how many kinds of lies are to be told.
	forward, reverse, hop, forged int
	// beside is whether tracepath runs there too.
	beside bool
}

func blackHole() pathCase {
	return pathCase{name: "black hole", mtus: nstest.PathMTUs(), set: blind(2), rounds: 4, forward: 1400, reverse: 1400, hop: 2}
}

// blind makes routers send no message about MTUs.
func blind(routers ...int) func(*lab, *nstest.Path) {
	return func(l *lab, p *nstest.Path) {
		for _, n := range routers {
			p.Blind(l, n)
		}
	}
}

func pathCases() []pathCase {
	usual := nstest.PathMTUs()
	return []pathCase{
		{name: "routers answer", mtus: usual, rounds: 2, forward: 1400, reverse: 1400, hop: 2, beside: true},
		blackHole(),
		{name: "jumbo 9000, blind link of 8950", mtus: []uint32{9000, 8950, 9000}, set: blind(1), forward: 8950, reverse: 8950, hop: 1},
		{name: "1280 at the edge", mtus: []uint32{1500, 1500, 1280}, forward: 1280, reverse: 1280, hop: 2, beside: true},
		{name: "IPv6, routers answer", mtus: usual, six: true, forward: 1400, reverse: 1400, hop: 2, beside: true},
		{name: "IPv6, black hole", mtus: usual, six: true, set: blind(2), rounds: 4, forward: 1400, reverse: 1400, hop: 2},
		{name: "asymmetric, 1400 there, 1300 back", mtus: usual, set: func(l *lab, p *nstest.Path) { p.ReturnMTU(l, 2, 1300) }, rounds: 4,
			forward: 1400, reverse: 1300, hop: 2, beside: true},
		{name: "forged messages of 552, 68, 0, 9000", mtus: usual, set: lie, forward: 1400, reverse: 1400, hop: 2, forged: 4},
	}
}

// lie makes the server send forged messages about long packets, and answer them.
func lie(l *lab, p *nstest.Path) {
	from := netip.MustParseAddr("203.0.113.66")
	stop := p.Server().Respond(l, false, func(r *nstest.Responder, q nstest.EchoRequest) {
		if len(q.Packet) > 600 {
			for _, mtu := range []uint32{552, 68, 0, 9000} {
				r.Complain(q, from, wire.ICMPv4Unreachable, wire.ICMPv4FragNeeded, mtu)
			}
		}
		r.Reply(q, q.Answer())
	})
	l.Cleanup(stop)
}

// inPath makes the path of a case, for one run.
func (l *lab) inPath(c *pathCase, run func(server string)) {
	l.scope(func() {
		l.withoutLink("right")
		p := nstest.NewPath(l, c.mtus...)
		if c.set != nil {
			c.set(l, p)
		}
		run(p.ServerAddr(c.six).String())
	})
}

// timePath runs a program that ends with a name of the server, and returns what it
// says in the end, and the median of its times.
func (l *lab) timePath(c *pathCase, rounds int, argv []string) (says string, took time.Duration) {
	var times []time.Duration
	for range rounds {
		l.inPath(c, func(server string) {
			begin := time.Now()
			out, _ := exec.Command(argv[0], slices.Concat(argv[1:], []string{server})...).Output() // a status is an answer too
			times = append(times, time.Since(begin))
			says = pathAnswer(string(out))
		})
	}
	return says, middle(times)
}

// pathSummary are those keys of gnet/ping-pmtu/1 that are judged.
type pathSummary struct {
	Forward      int    `json:"forward_mtu"`
	Exact        bool   `json:"forward_exact"`
	Reverse      int    `json:"reverse_mtu"`
	ReverseExact bool   `json:"reverse_exact"`
	Hop          int    `json:"limit_hop"`
	From         string `json:"limit_from"`
	Rounds       int    `json:"rounds"`
	Disbelieved  []struct {
		MTU int `json:"mtu"`
	} `json:"disbelieved"`
}

// pathRow prints what gnet finds: of several runs the one with the most rounds, and
// the first that is wrong before all.
func (l *lab) pathRow(c *pathCase, theySay string, theyTook time.Duration) {
	var times []time.Duration
	var worst pathSummary
	met := true
	for range l.rounds {
		l.inPath(c, func(server string) {
			begin := time.Now()
			s := l.askPath(l.gnet, "ping", "--pmtu", "-q", "--json", server)
			times = append(times, time.Since(begin))
			if right := c.right(&s); met && (!right || s.Rounds > worst.Rounds) {
				worst, met = s, right
			}
		})
	}
	atMost := "exact"
	if c.rounds > 0 {
		atMost = fmt.Sprintf("exact, %d", c.rounds)
		met = met && worst.Rounds <= c.rounds
	}
	if !met {
		atMost += " (missed)"
	}
	peer := ""
	if theySay != "" {
		peer = short(theyTook)
	}
	l.print("| `ping --pmtu`, %s | %s | %d | %s | %s | %s | %s |\n", c.name, worst.say(), worst.Rounds, atMost, short(middle(times)), theySay, peer)
}

// askPath runs gnet and reads the summary of what it found.
func (l *lab) askPath(argv ...string) pathSummary {
	out, _ := exec.Command(argv[0], argv[1:]...).Output() // a status is an answer too
	var doc struct{ Summary pathSummary }
	if err := json.Unmarshal(out, &doc); err != nil {
		l.Fatalf("%v: %v: %s", argv, err, out)
	}
	return doc.Summary
}

// right reports whether all was found that there is to find.
func (c *pathCase) right(s *pathSummary) bool {
	return s.Exact && s.ReverseExact && s.Forward == c.forward && s.Reverse == c.reverse && s.Hop == c.hop && len(s.Disbelieved) == c.forged
}

// say is the summary in a few words.
func (s *pathSummary) say() string {
	text := fmt.Sprintf("%d there, %d back, behind hop %d (%s)", s.Forward, s.Reverse, s.Hop, s.From)
	if n := len(s.Disbelieved); n > 0 {
		text += fmt.Sprintf("; %d not believed", n)
	}
	return text
}

// hopsRow prints gnet's tracepath beside the other.
func (l *lab) hopsRow(what string, c *pathCase, theySay string, theyTook time.Duration) {
	says, took := l.timePath(c, l.rounds, []string{l.gnet, "tracepath", "-n", "-m", fmt.Sprint(l.pathHops)})
	l.print("| %s | %s | %s | %s | %s | %s |\n", what, says, short(took), theySay, short(theyTook), pathRatio(took, theyTook))
}

// pathRatio has the digits that a small ratio needs.
func pathRatio(gnet, peer time.Duration) string {
	if peer == 0 {
		return ""
	}
	return fmt.Sprintf("%.3g", float64(gnet)/float64(peer))
}

// pathAnswer is the figure that tracepath comes to, and after how many lines, each
// of which is a round trip or a wait.
func pathAnswer(out string) string {
	i := strings.LastIndex(out, "pmtu ")
	if i < 0 {
		return "nothing"
	}
	probes := 0
	for line := range strings.Lines(out) {
		if words := strings.Fields(line); len(words) > 1 && strings.HasSuffix(words[0], ":") && strings.Trim(words[0], "0123456789") == ":" {
			probes++
		}
	}
	return fmt.Sprintf("%s in %d steps", strings.Fields(out[i:])[1], probes)
}

// withoutLink waits until a link of an earlier section is gone: it goes with the
// namespace of its other end, a moment after that is closed.
func (l *lab) withoutLink(name string) {
	c, err := rtnl.Dial()
	l.must(err)
	defer c.Close()
	for range 1000 {
		if _, err := c.LinkByName(name); err != nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	l.Fatalf("link %s stays: %v", name, unix.EEXIST)
}
