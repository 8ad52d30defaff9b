package link

import (
	"strings"
	"time"

	"gnet/internal/words"
	"gnet/stackprobe/event"
)

// matchNames are the words of the classes from MatchAny to MatchRst, actionNames those of the actions from Drop to Down.
var (
	matchNames  = [...]string{"any", "syn", "synack", "ack", "data", "fin", "rst"}
	actionNames = [...]string{"drop", "dup", "corrupt", "delay", "reorder", "rate", "loss", "burst", "mtu", "down"}
)

// What could have stood in the place of a wrong word.
const (
	wantAction = "drop, dup, corrupt, delay, reorder, rate, loss, burst, mtu or down"
	wantMatch  = "any, syn, synack, ack, data, fin, rst, \"seq 1-1000\" or len>=500"
	wantList   = "a number, a range like 2-4, \"first 3\""
	wantWhen   = "\"at 1s\" or 1s..2s"
	wantTime   = "a time with its unit, such as 20ms or 1.5s, up to 24h"
	wantChance = "a percentage from 0% to 100%, such as 5%"
	wantRate   = "bits per second from 100 to 1000G, such as 64k or 1.5M"
	wantNumber = "a number from 1"
)

// ParseRule reads one rule; the error is a *RuleError.
func ParseRule(text string) (Rule, error) {
	p := ruleParser{Walker: words.Walk(text)}
	r := Rule{}
	switch p.Next(); p.Word {
	case "client>":
		r.From = event.Client
		p.Next()
	case "server>":
		r.From = event.Server
		p.Next()
	}
	for _, step := range []func(*Rule) error{p.action, p.match, p.list, p.when} {
		if err := step(&r); err != nil {
			return Rule{}, err
		}
	}
	if p.Word != "" {
		return Rule{}, p.stray(&r)
	}
	r.Text = strings.Join(strings.Fields(text), " ")
	return r, nil
}

// ruleParser walks over the words of a rule. Each step below takes the words that are its own, and leaves the parser at
// the first that is not.
type ruleParser struct {
	*words.Walker
	// matched and listed tell which parts of the rule have been read.
	matched, listed bool
	// datagram tells a rule of a path, whose packets have no retransmissions.
	datagram bool
}

// fail makes the error for the word at which the parser stands. choices are those that could have stood there, near ones
// of which may have been meant.
func (p *ruleParser) fail(want string, choices ...string) error {
	return p.failMeant(want, words.Nearest(p.Word, choices...))
}

func (p *ruleParser) failMeant(want, meant string) error {
	if p.Word == "" {
		meant = ""
	}
	e := p.Fail(want)
	e.Meant = meant
	return (*RuleError)(e)
}

// action reads the action and what belongs to it.
func (p *ruleParser) action(r *Rule) error {
	for i, name := range actionNames {
		if p.Word == name {
			r.Action = event.Drop + event.Action(i)
		}
	}
	switch {
	case r.Action != 0:
	case r.From != event.None:
		return p.fail(wantAction, actionNames[:]...)
	default:
		for _, dir := range [...]string{"client>", "server>"} {
			if rest, glued := strings.CutPrefix(p.Word, dir); glued {
				return p.failMeant("client>, server> or "+wantAction, dir+" "+rest)
			}
		}
		return p.fail("client>, server> or "+wantAction, append([]string{"client>", "server>"}, actionNames[:]...)...)
	}
	p.Next()
	return p.quantities(r)
}

// quantities reads what stands behind the word of the action.
func (p *ruleParser) quantities(r *Rule) (err error) {
	switch r.Action {
	case event.Delay:
		return p.delay(r)
	case event.Reorder:
		if err = p.keyword("by", "\"by 3\": the number of packets that pass"); err == nil {
			r.By, err = p.number(maxNumber, wantNumber)
		}
	case event.Rate:
		return p.rate(r)
	case event.Loss:
		r.Chance, err = p.chance(p.Word)
		p.Next()
	case event.Burst:
		return p.burst(r)
	case event.MTU:
		return p.mtu(r)
	}
	return err
}

func (p *ruleParser) delay(r *Rule) (err error) {
	if r.Delay, err = p.time(p.Word); err != nil {
		return err
	}
	if p.Next(); p.Word != "jitter" {
		return nil
	}
	p.Next()
	if r.Jitter, err = p.time(p.Word); err != nil {
		return err
	}
	if r.Jitter > r.Delay {
		return p.fail("at most the delay before it: nothing arrives before it has left")
	}
	p.Next()
	return nil
}

func (p *ruleParser) rate(r *Rule) error {
	var ok bool
	if r.Rate, ok = bitRate(p.Word); !ok {
		return p.failMeant(wantRate, meantRate(p.Word))
	}
	p.Next()
	if err := p.keyword("queue", "\"queue 10\": the number of packets that can wait"); err != nil {
		return err
	}
	n, err := p.number(maxQueue, "a number of packets from 1 to 100000")
	r.Queue = int64(n)
	return err
}

func (p *ruleParser) burst(r *Rule) (err error) {
	const want = "two chances like 1%,25%: to begin and to end, the second above 0%"
	enter, leave, comma := strings.Cut(p.Word, ",")
	var ok [2]bool
	r.Chance, ok[0] = percent(enter)
	r.Leave, ok[1] = percent(leave)
	if comma && ok[0] && ok[1] && r.Leave > 0 {
		p.Next()
		return nil
	}
	meant := ""
	if e, l := meantPercent(enter), meantPercent(leave); comma && (e != "" || ok[0]) && (l != "" || ok[1]) && e+l != "" {
		meant = strings.TrimSuffix(enter, "%") + "%," + strings.TrimSuffix(leave, "%") + "%"
	}
	return p.failMeant(want, meant)
}

func (p *ruleParser) mtu(r *Rule) error {
	n, ok := number(p.Word, maxMTU)
	if !ok || n < minMTU {
		return p.fail("octets of an IP packet, 68 to 65535")
	}
	r.MTU = n
	switch p.Next(); p.Word {
	case "silent":
		r.Silent = true
		p.Next()
	case "icmp":
		p.Next()
	}
	return nil
}

// keyword takes the word w.
func (p *ruleParser) keyword(w, want string) error {
	if p.Word != w {
		return p.fail(want, w)
	}
	p.Next()
	return nil
}

// number takes a number from 1 to limit.
func (p *ruleParser) number(limit int, want string) (int, error) {
	n, ok := number(p.Word, limit)
	if !ok {
		return 0, p.fail(want)
	}
	p.Next()
	return n, nil
}

// time reads s, which is the word at which the parser stands or a part of it.
func (p *ruleParser) time(s string) (time.Duration, error) {
	d, ok := duration(s)
	if ok {
		return d, nil
	}
	if s != p.Word {
		return 0, p.fail("times with their units, such as 500ms..1.5s, up to 24h")
	}
	return 0, p.failMeant(wantTime, meantTime(s))
}

// chance reads s, which is the word at which the parser stands.
func (p *ruleParser) chance(s string) (Chance, error) {
	c, ok := percent(s)
	if !ok {
		return 0, p.failMeant(wantChance, meantPercent(s))
	}
	return c, nil
}
