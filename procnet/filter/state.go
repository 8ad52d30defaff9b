package filter

import (
	"math/bits"
	"slices"
	"strings"

	"gnet/procnet"
)

// stateSet has bit 1<<state of each state. States that no kernel has count as bit 31.
type stateSet uint32

const allStates = ^stateSet(0)

func (set stateSet) has(s procnet.State) bool { return set>>min(s, 31)&1 != 0 }

func oneState(s procnet.State) stateSet { return 1 << s }

// stateWord is a word of the language and the states that it stands for.
type stateWord struct {
	word string
	set  stateSet
}

// stateWords returns the groups and the states of ss(8), in ss's spelling, then other words for the same. Case does not count,
// - and _ are one, so that those of netstat are among them.
func stateWords() []stateWord {
	const (
		listening = stateSet(1) << procnet.Listen
		closed    = stateSet(1) << procnet.Close
		synSent   = stateSet(1) << procnet.SynSent
		bucket    = stateSet(1)<<procnet.SynRecv | stateSet(1)<<procnet.TimeWait
	)
	return []stateWord{
		{"all", allStates},
		{"connected", allStates &^ (listening | closed)},
		{"synchronized", allStates &^ (listening | closed | synSent)},
		{"bucket", bucket},
		{"big", allStates &^ bucket},
		{"established", oneState(procnet.Established)},
		{"syn-sent", synSent},
		{"syn-recv", oneState(procnet.SynRecv)},
		{"fin-wait-1", oneState(procnet.FinWait1)},
		{"fin-wait-2", oneState(procnet.FinWait2)},
		{"time-wait", oneState(procnet.TimeWait)},
		{"closed", closed},
		{"close-wait", oneState(procnet.CloseWait)},
		{"last-ack", oneState(procnet.LastAck)},
		{"listening", listening},
		{"closing", oneState(procnet.Closing)},

		{"estab", oneState(procnet.Established)},
		{"fin-wait1", oneState(procnet.FinWait1)},
		{"fin-wait2", oneState(procnet.FinWait2)},
		{"unconnected", closed},
		{"unconn", closed},
		{"close", closed},
		{"listen", listening},
	}
}

// states is a run of state and exclude.
type states struct{ set stateSet }

// states reads a run of state and exclude. They add up from left to right: a first state stands alone, a first exclude
// takes from all.
func (p *parser) states() (expr, error) {
	var set stateSet
	words := stateWords()
	for first := true; ; first = false {
		t := p.peek(nameWord)
		if !isWord(t, "state", "exclude", "excl") {
			return states{set}, nil
		}
		p.take(t)
		one, err := p.stateName(words)
		if err != nil {
			return nil, err
		}
		switch {
		case t.text == "state":
			set |= one
		case first:
			set = allStates &^ one
		default:
			set &^= one
		}
		if set == 0 {
			return nil, p.fail(t, "no state is left")
		}
	}
}

func (p *parser) stateName(words []stateWord) (stateSet, error) {
	c := comparand{name: "state"}
	if err := p.value(&c); err != nil {
		return 0, err
	}
	name := strings.ReplaceAll(strings.ToLower(c.text), "_", "-")
	i := slices.IndexFunc(words, func(w stateWord) bool { return w.word == name })
	if i >= 0 {
		return words[i].set, nil
	}
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = w.word
	}
	err := p.fail(c.value, "%q is no state", c.text)
	if near := nearest(name, names); near != "" {
		return 0, err.hint("did you mean %s?", near)
	}
	return 0, err.hint("states are %s", strings.Join(names[:16], ", "))
}

func (n states) eval(s *Socket, _ *Needs) Verdict { return verdict(n.set.has(s.state())) }

func (n states) needs() Needs { return NeedState }

// append writes one clause for each state, from the side with fewer of them.
func (n states) append(dst []byte) []byte {
	word, set := "state ", n.set
	if n.set.has(31) {
		word, set = "exclude ", ^n.set
	}
	if set == 0 {
		return append(dst, "state all"...)
	}
	for _, w := range stateWords() {
		if bits.OnesCount32(uint32(w.set)) != 1 || w.set&set == 0 {
			continue
		}
		dst = append(append(append(dst, word...), w.word...), ' ')
		set &^= w.set
	}
	return dst[:len(dst)-1]
}
