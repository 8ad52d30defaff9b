package main

import (
	"fmt"

	"gnet/ping/path"
)

// unknown are the questions that stay open.
func (t *pmtuText) unknown() []string {
	var open []string
	r := t.r
	if !r.Reached {
		return []string{"whether the host is there: " + t.silentHost()}
	}
	if r.Method != path.Echo && r.Reverse.MTU == 0 {
		open = append(open, fmt.Sprintf("the way back: ICMP echo requests are not answered; %s are", methodWords(r.Method)))
	} else if !r.Reverse.Exact() && r.Reverse.Fails.Answered > 0 {
		open = append(open, "the exact MTU of the way back: the probes ended before that was clear")
	} else if !r.Reverse.Exact() {
		open = append(open, "the exact MTU of the way back: no longer reply came in fragments")
	}
	if !r.Forward.Exact() {
		open = append(open, "how much longer packets may be: the probes ended before that was clear")
	} else if !r.LimitKnown {
		open = append(open, "which link is the narrow one: the routers do not answer, or too seldom")
	}
	switch {
	case r.Cause == path.Unknown && t.run.Ended:
		open = append(open, "why longer packets die: the probes ended before that was clear")
	case r.Cause == path.Unknown:
		open = append(open, "why longer packets die: the host answers no probe that would tell")
	case r.Cause == path.MismatchOrFragments:
		open = append(open, "which of the two: that takes a raw socket (root, or CAP_NET_RAW)")
	}
	return open
}

// silentHost says what was tried.
func (t *pmtuText) silentHost() string {
	var asked []string
	for _, m := range t.r.Asked {
		asked = append(asked, methodWords(m))
	}
	if len(asked) == 0 {
		return "no probe could be sent"
	}
	text := "nothing answered " + asked[0]
	for i, words := range asked[1:] {
		separator := ", "
		if i == len(asked)-2 {
			separator = " and "
		}
		text += separator + words
	}
	if !t.run.Raw {
		text += "; TCP SYNs take a raw socket (root, or CAP_NET_RAW)"
	}
	return text
}
