package link

import (
	"strings"

	"gnet/stackprobe/event"
)

// match reads the class of segments, if there is one. A carrier that is down is so for every packet.
func (p *ruleParser) match(r *Rule) error {
	if r.Action == event.Down {
		return nil
	}
	for i, name := range matchNames {
		if p.Word == name {
			r.Match, p.matched = Match(i), true
			p.Next()
			return nil
		}
	}
	if text, ok := strings.CutPrefix(p.Word, "len>="); ok {
		if r.MinLen, ok = number(text, maxNumber); !ok {
			return p.fail("octets of data from 1, such as len>=500")
		}
		r.Match, p.matched = MatchLen, true
		p.Next()
	} else if p.Word == "seq" {
		p.Next()
		return p.seq(r)
	}
	return nil
}

// seq reads "A-B".
func (p *ruleParser) seq(r *Rule) error {
	low, high, dash := strings.Cut(p.Word, "-")
	var a, b int
	ok := low == "0"
	if !ok {
		a, ok = number(low, maxNumber)
	}
	okHigh := high == "0"
	if !okHigh {
		b, okHigh = number(high, maxNumber)
	}
	if !dash || !ok || !okHigh || b < a {
		meant := ""
		if !dash && ok {
			meant = low + "-" + low
		}
		return p.failMeant("sequence numbers like 1-1000, 0 for the SYN", meant)
	}
	r.Match, r.SeqLow, r.SeqHigh, p.matched = MatchSeq, int64(a), int64(b), true
	p.Next()
	return nil
}

// list reads "3", "2-4" or "first 3", if there is one.
func (p *ruleParser) list(r *Rule) error {
	if !p.matched || p.Word == "" || strings.Contains(p.Word, "..") {
		return nil
	}
	var err error
	switch {
	case p.Word == "first" && !p.datagram:
		p.Next()
		r.First, r.Low = true, 1
		r.High, err = p.number(maxNumber, wantNumber)
	case p.Word[0] >= '0' && p.Word[0] <= '9':
		err = p.numbers(r)
	default:
		return nil
	}
	p.listed = true
	return err
}

// numbers reads "3" or "2-4".
func (p *ruleParser) numbers(r *Rule) error {
	low, high, dash := strings.Cut(p.Word, "-")
	var ok bool
	if r.Low, ok = number(low, maxNumber); !ok {
		meant := ""
		if _, isTime := duration(p.Word); isTime && p.Word != "0" {
			meant = "at " + p.Word
		}
		return p.failMeant(wantList+", "+wantWhen, meant)
	}
	r.High = r.Low
	if dash {
		if r.High, ok = number(high, maxNumber); !ok || r.High < r.Low {
			return p.fail("a range like 2-4")
		}
	}
	p.Next()
	return nil
}

// when reads "at T", "T1..T2" or "T1..", if there is one of them.
func (p *ruleParser) when(r *Rule) (err error) {
	if p.Word == "at" {
		p.Next()
		if r.Since, err = p.time(p.Word); err != nil {
			return err
		}
		p.Next()
		r.once(p.listed)
		return p.end()
	}
	from, to, dots := strings.Cut(p.Word, "..")
	if !dots {
		return nil
	}
	if r.Since, err = p.time(from); err != nil {
		return err
	}
	if to != "" {
		if r.Until, err = p.time(to); err != nil {
			return err
		}
		if r.Until <= r.Since {
			return p.fail("a range of time whose end is after its begin, like 1s..2s")
		}
	}
	p.Next()
	return p.end()
}

// once makes "at" without a list mean one packet for what happens to single packets.
func (r *Rule) once(listed bool) {
	switch r.Action {
	case event.Drop, event.Dup, event.Corrupt, event.Reorder, event.Overlap:
		if !listed {
			r.Low, r.High = 1, 1
		}
	}
}

// end says that nothing may follow.
func (p *ruleParser) end() error {
	if p.Word != "" {
		return p.fail("nothing more")
	}
	return nil
}

// stray makes the error for a word that begins no part of the rule that may still come.
func (p *ruleParser) stray(r *Rule) error {
	words := []string{"at"}
	switch {
	case r.Action == event.Down:
		return p.fail(wantWhen+": a carrier that is down takes every packet", words...)
	case p.listed:
		return p.fail(wantWhen, words...)
	case p.matched:
		return p.fail(wantList+", "+wantWhen, append(words, "first")...)
	}
	words = append(append(words, matchNames[:]...), "seq")
	want := wantMatch
	switch {
	case r.Action == event.MTU && !r.Silent:
		words, want = append(words, "icmp", "silent"), "icmp, silent, "+want
	case r.Action == event.Delay && r.Jitter == 0:
		words, want = append(words, "jitter"), "\"jitter 5ms\", "+want
	}
	if _, ok := number(p.Word, maxNumber); ok {
		return p.failMeant(want+", "+wantWhen, "any "+p.Word)
	}
	if octets, ok := strings.CutPrefix(p.Word, "len"); ok {
		if n := strings.TrimLeft(octets, "<>=:"); digits(n) && n != octets {
			return p.failMeant(want+", "+wantWhen, "len>="+n)
		}
	}
	return p.fail(want+", "+wantWhen, words...)
}
