package link

import (
	"strings"

	"gnet/internal/words"
	"gnet/stackprobe/event"
)

// The words of the rules of a path that differ from those of TCP.
var (
	datagramMatches = [...]string{"any", "frag", "icmp"}
	datagramActions = [...]string{"drop", "dup", "corrupt", "overlap", "delay", "reorder", "rate", "loss", "burst", "down"}
)

const (
	wantDatagramAction = "drop, dup, corrupt, overlap, delay, reorder, rate, loss, burst or down"
	wantDatagramMatch  = "any, frag or icmp"
)

// MaxLinks bounds the links of a path.
const MaxLinks = 32

// ParseDatagramRule reads a rule of a path of several links; the error is a *RuleError. Its words are those of a Rule but
// for these:
//
//	rule   = [ "client>" | "server>" ] [ "link" N ] action [ match [ list ] ] [ when ]
//	action = ... | "overlap", without "mtu": the links of a path have MTUs of their own
//	match  = "any" | "frag" | "icmp"
//
// A rule that names no link is about the first. "frag" is every fragment, so that "frag 2" is the second that leaves on that
// link; "overlap" moves a fragment 8 octets into the one before it.
func ParseDatagramRule(text string) (Rule, error) {
	p := ruleParser{Walker: words.Walk(text), datagram: true}
	r := Rule{Link: 1}
	switch p.Next(); p.Word {
	case "client>":
		r.From = event.Client
		p.Next()
	case "server>":
		r.From = event.Server
		p.Next()
	}
	for _, step := range []func(*Rule) error{p.place, p.datagramAction, p.datagramMatch, p.list, p.when} {
		if err := step(&r); err != nil {
			return Rule{}, err
		}
	}
	if p.Word != "" {
		return Rule{}, p.strayDatagram(&r)
	}
	r.Text = strings.Join(strings.Fields(text), " ")
	return r, nil
}

// place reads "link N", if it is there.
func (p *ruleParser) place(r *Rule) (err error) {
	if p.Word == "link" {
		p.Next()
		r.Link, err = p.number(MaxLinks, "the place of a link on the path, from 1")
	}
	return err
}

func (p *ruleParser) datagramAction(r *Rule) error {
	for i, name := range actionNames {
		if p.Word == name && name != "mtu" {
			r.Action = event.Drop + event.Action(i)
		}
	}
	if p.Word == "overlap" {
		r.Action = event.Overlap
	}
	if r.Action == 0 {
		return p.fail("client>, server>, \"link 2\", "+wantDatagramAction, append([]string{"client>", "server>", "link"}, datagramActions[:]...)...)
	}
	p.Next()
	return p.quantities(r)
}

func (p *ruleParser) datagramMatch(r *Rule) error {
	if r.Action == event.Down {
		return nil
	}
	for i, m := range [...]Match{MatchAny, MatchFrag, MatchICMP} {
		if p.Word == datagramMatches[i] {
			r.Match, p.matched = m, true
			p.Next()
			break
		}
	}
	return nil
}

// strayDatagram makes the error for a word that begins no part of the rule that may still come.
func (p *ruleParser) strayDatagram(r *Rule) error {
	switch {
	case r.Action == event.Down || p.listed:
		return p.fail(wantWhen, "at")
	case p.matched:
		return p.fail("a number, a range like 2-4, "+wantWhen, "at")
	}
	return p.fail(wantDatagramMatch+", "+wantWhen, append([]string{"at"}, datagramMatches[:]...)...)
}
