package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gnet/stackprobe/event"
	"gnet/stackprobe/view"
)

// connFlag is the option that chooses connections by their numbers.
const connFlag = "conn"

// maxConnRanges bounds the ranges of --conn: each event is held against them.
const maxConnRanges = 1000

// connRange are the connections first to last.
type connRange struct{ first, last int }

// connSet are the connections that --conn chooses; nil is all of them.
type connSet []connRange

// bindConn gives cmd the option.
func (w *viewWords) bindConn(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.conns, connFlag, "", "show the connections of these `numbers` alone: 3, or 1,4-6")
}

// parseConns reads the numbers of --conn, "" for all.
func parseConns(words string) (connSet, error) {
	var set connSet
	if words == "" {
		return nil, nil
	}
	for word := range strings.SplitSeq(words, ",") {
		from, to, isRange := strings.Cut(word, "-")
		if !isRange {
			to = from
		}
		r := connRange{connNumber(from), connNumber(to)}
		if r.first == 0 || r.last < r.first || len(set) == maxConnRanges {
			return nil, fail(statusUsage, "--%s %q: want numbers of connections from 1, such as 3 or 1,4-6", connFlag, words)
		}
		set = append(set, r)
	}
	return set, nil
}

// connNumber reads a number from 1, 0 for anything else.
func connNumber(word string) int {
	if strings.TrimLeft(word, "0123456789") != "" { // no sign
		return 0
	}
	n, err := strconv.ParseInt(word, 10, 32)
	if err != nil {
		return 0
	}
	return int(n)
}

func (s connSet) has(conn int) bool {
	for _, r := range s {
		if r.first <= conn && conn <= r.last {
			return true
		}
	}
	return false
}

// String returns the numbers as --conn takes them.
func (s connSet) String() string {
	words := make([]string, len(s))
	for i, r := range s {
		if words[i] = strconv.Itoa(r.first); r.last > r.first {
			words[i] += "-" + strconv.Itoa(r.last)
		}
	}
	return strings.Join(words, ",")
}

// chosenConns lets the events of some connections pass, and those of none; what is told of all connections together, the counters of
// a stack, would belong to no picture of some.
type chosenConns struct {
	set  connSet
	left view.Left
	met  int  // the highest number
	any  bool // there was an event
	cut  bool // nobody wanted those that were left
}

// keep reports whether ev is shown. The first event gets the choice written into it.
func (c *chosenConns) keep(ev *event.Event) bool {
	c.any = true
	if ev.Run != nil {
		run := *ev.Run
		run.Conns = c.set.String()
		ev.Run = &run
	}
	if ev.Conn == 0 {
		return ev.Kind != event.KindCounters
	}
	chosen := c.set.has(ev.Conn)
	if ev.Conn > c.met { // they are numbered as they come
		c.met = ev.Conn
		if !chosen {
			c.left.Conns++
		}
	}
	if !chosen && ev.Kind == event.KindTx {
		c.left.Segments++
	}
	return chosen
}

// failure says which numbers no connection has.
func (c *chosenConns) failure() error {
	for _, r := range c.set {
		if r.last <= c.met {
			continue
		}
		wrong := r.last
		if r.first > c.met {
			wrong = r.first
		}
		return fail(statusNo, "--%s %s: there is no connection %d", connFlag, c.set, wrong).withHint("%s", c.what())
	}
	return nil
}

// what says which connections there are.
func (c *chosenConns) what() string {
	switch c.met {
	case 0:
		return "the run has no connections"
	case 1:
		return "the run has connection 1 alone"
	}
	return "the run has the connections 1 to " + strconv.Itoa(c.met)
}
