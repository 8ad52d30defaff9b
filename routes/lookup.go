package routes

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/rtnl"
)

// Lookup is the explained choice of a route for one destination: the rules in the order in which the kernel tries them, in each
// table the entries with their masks applied, the winner, and the kernel's own answer beside it.
//
// The packet that is explained is the one that RTM_GETROUTE describes when nothing but the destination is given: sent from
// this host by this user, no source address yet, mark 0, TOS 0, UDP (net/ipv4/route.c, inet_rtm_getroute; net/ipv6/route.c,
// inet6_rtm_getroute).
type Lookup struct {
	Dst   netip.Addr
	Rules []RuleStep
	// Winner is the entry that decides, nil when no table has one. It stands in one of the Rules' candidates.
	Winner *Candidate
	// Refused is what a packet is told when there is no way: the errno of the winning entry's type or of a rule's action,
	// ENETUNREACH when nothing matched; nil when there is a way.
	Refused error
	Kernel  Answer
	// Reasons say why the kernel's answer differs from the winner, or what it has beyond it. Empty when both agree in all.
	Reasons []Reason
	// Agree: the kernel uses the same entry, or refuses likewise.
	Agree bool

	oneTree bool // local and main are searched as one
}

// RuleStep is one routing rule and what came of it.
type RuleStep struct {
	Rule    rtnl.Rule
	Applies bool
	Why     string // why it does not apply, or how it ends the search; empty for a table that is looked into
	Table   *TableStep
}

// TableStep is one table that was looked into.
type TableStep struct {
	Table uint32
	// Candidates are all entries that match the destination and, for comparison, the first of those that do not, in the order
	// of the kernel's list.
	Candidates []Candidate
	// Entries counts the table's entries, Hidden those that do not match and are not among the candidates.
	Entries, Hidden int
	// Verdict says how the search in this table ended.
	Verdict string
}

// Candidate is one entry of a table held against the destination.
type Candidate struct {
	Route  rtnl.Route
	Masked netip.Addr // the destination AND the entry's mask
	Equal  bool       // Masked is the entry's address
	Won    bool
	Why    string // why it won or lost

	usable bool // equal, and nothing in the entry is against it
}

// Answer is what the kernel says.
type Answer struct {
	Err   error       // *OpError when it refuses; then the rest is empty
	Route *rtnl.Route // the way a packet takes
	Entry *rtnl.Route // the table's entry behind it; nil when this kernel cannot tell or the answer is from no table
}

// shownUnequal is how many entries that do not match are kept per table.
const shownUnequal = 32

// Lookup explains the route to dst. The kernel's refusal is part of the explanation, not an error.
func (c *Conn) Lookup(dst netip.Addr) (*Lookup, error) {
	l := &Lookup{Dst: dst.Unmap().WithZone("")}
	rules, err := c.rules(familyOf(l.Dst))
	if err != nil {
		return nil, err
	}
	l.oneTree = isOneTree(rules)
	if err := c.walkRules(l, rules); err != nil {
		return nil, err
	}
	if err := c.ask(l); err != nil {
		return nil, err
	}
	l.compare()
	return l, nil
}

// rules returns the rules of a family. A kernel without policy routing has the local and the main table, in this order.
func (c *Conn) rules(family uint8) ([]rtnl.Rule, error) {
	var rules []rtnl.Rule
	for r, err := range c.rt.Rules(family) {
		switch {
		case errors.Is(err, unix.EOPNOTSUPP):
			toTable := rtnl.Rule{Family: family, Action: unix.FR_ACT_TO_TBL, SuppressPrefixLen: -1, SuppressIfGroup: -1}
			local, main := toTable, toTable
			local.Table, main.Table = unix.RT_TABLE_LOCAL, unix.RT_TABLE_MAIN
			return []rtnl.Rule{local, main}, nil
		case errors.Is(err, netlink.ErrInterrupted):
			return rules, nil
		case err != nil:
			return nil, opError(OpRules, err)
		}
		rules = append(rules, *r)
	}
	return rules, nil
}

// isOneTree reports whether the rules are the kernel's own. As long as nobody ever changed one, the kernel holds the IPv4 tables
// local and main in one tree (net/ipv4/fib_trie.c, fib_trie_table; fib_frontend.c, fib_unmerge), so that the longest prefix of
// both together wins. That a rule came and went cannot be seen from outside.
func isOneTree(rules []rtnl.Rule) bool {
	own := []uint32{unix.RT_TABLE_LOCAL, unix.RT_TABLE_MAIN, unix.RT_TABLE_DEFAULT}
	if len(rules) != len(own) {
		return false
	}
	for i := range rules {
		r := &rules[i]
		if r.Family != unix.AF_INET || r.Action != unix.FR_ACT_TO_TBL || r.Table != own[i] || hasSelector(r) || r.Dst.Bits() > 0 {
			return false
		}
	}
	return true
}

// walkRules tries the rules in order until one decides (net/core/fib_rules.c, fib_rules_lookup).
func (c *Conn) walkRules(l *Lookup, rules []rtnl.Rule) error {
	l.Refused = unix.ENETUNREACH
	from := uint32(0) // where a goto leads
	for _, rule := range rules {
		if rule.Priority < from {
			continue
		}
		l.Rules = append(l.Rules, RuleStep{Rule: rule})
		step := &l.Rules[len(l.Rules)-1]
		step.Applies, step.Why = selects(&rule, l.Dst)
		if !step.Applies {
			continue
		}
		switch rule.Action {
		case unix.FR_ACT_GOTO:
			to := "rule " + strconv.FormatUint(uint64(rule.Goto), 10)
			if rule.Flags&unix.FIB_RULE_UNRESOLVED != 0 { // the kernel passes over it
				step.Why = "there is no " + to + ", so the next one is tried"
				continue
			}
			from, step.Why = rule.Goto, "goes on at "+to
		case unix.FR_ACT_NOP:
			step.Why = "does nothing"
		case unix.FR_ACT_BLACKHOLE, unix.FR_ACT_UNREACHABLE, unix.FR_ACT_PROHIBIT:
			step.Why, l.Refused = ruleRefusal(rule.Action)
			return nil
		default:
			done, err := c.lookInTable(l, step)
			if err != nil || done {
				return err
			}
		}
	}
	return nil
}

// ruleRefusal returns what a rule that refuses does, and the errno that senders get (net/ipv4/fib_rules.c, fib4_rule_action).
func ruleRefusal(action uint8) (why string, refused error) {
	switch action {
	case unix.FR_ACT_BLACKHOLE:
		return "the rule drops the packet", unix.EINVAL
	case unix.FR_ACT_PROHIBIT:
		return "the rule prohibits the packet", unix.EACCES
	}
	return "the rule says unreachable", unix.ENETUNREACH
}

// lookInTable searches one table; done when it decided.
func (c *Conn) lookInTable(l *Lookup, step *RuleStep) (done bool, err error) {
	table, err := c.searchTable(l.Dst, step.Rule.Table)
	if err != nil {
		return false, err
	}
	step.Table = table
	w := table.winner()
	if w == nil {
		table.Verdict = "no match"
		return false, nil
	}
	bits := w.Route.Dst.Bits()
	if int32(bits) <= step.Rule.SuppressPrefixLen {
		w.Won, w.Why = false, "longest match, but the rule suppresses lengths up to "+strconv.Itoa(int(step.Rule.SuppressPrefixLen))
		table.Verdict = "suppressed"
		return false, nil
	}
	if l.oneTree && table.Table == unix.RT_TABLE_LOCAL {
		longer, err := c.longerInMain(l.Dst, bits)
		if err != nil {
			return false, err
		}
		if longer {
			w.Won, w.Why = false, "main has a longer prefix"
			table.Verdict = "main has a longer prefix, and the kernel searches both as one tree while the rules are its own"
			return false, nil
		}
	}
	if w.Route.Type == unix.RTN_THROW {
		table.Verdict = "throw: the search goes on with the next rule"
		return false, nil
	}
	table.Verdict = "decides"
	l.Winner, l.Refused = w, typeRefusal(w.Route.Type)
	return true, nil
}

func (c *Conn) longerInMain(dst netip.Addr, bits int) (bool, error) {
	main, err := c.searchTable(dst, unix.RT_TABLE_MAIN)
	if err != nil {
		return false, err
	}
	w := main.winner()
	return w != nil && w.Route.Dst.Bits() > bits, nil
}

// typeRefusal returns the errno that a route of a type gives to senders, nil for those that carry packets (net/ipv4/fib_semantics.c,
// fib_props; net/ipv6/route.c, ip6_rt_type_to_error).
func typeRefusal(typ uint8) error {
	switch typ {
	case unix.RTN_BLACKHOLE:
		return unix.EINVAL
	case unix.RTN_PROHIBIT:
		return unix.EACCES
	case unix.RTN_UNREACHABLE:
		return unix.EHOSTUNREACH
	}
	return nil
}

// searchTable holds each entry of a table against dst, in constant memory but for the entries that match.
func (c *Conn) searchTable(dst netip.Addr, table uint32) (*TableStep, error) {
	t := &TableStep{Table: table}
	unequal := 0
	best := -1
	for r, err := range c.rt.Routes(rtnl.RouteFilter{Family: familyOf(dst), Table: table}) {
		if errors.Is(err, netlink.ErrInterrupted) {
			break
		}
		if err != nil {
			return nil, opError(OpList, err)
		}
		t.Entries++
		masked := netip.PrefixFrom(dst, r.Dst.Bits()).Masked().Addr()
		equal := masked == r.Dst.Addr()
		if !equal {
			if unequal++; unequal > shownUnequal {
				t.Hidden++
				continue
			}
		}
		t.Candidates = append(t.Candidates, Candidate{Route: copyRoute(r), Masked: masked, Equal: equal})
		last := len(t.Candidates) - 1
		if t.Candidates[last].judge() && (best < 0 || t.Candidates[last].beats(&t.Candidates[best])) {
			best = last
		}
	}
	t.explain(best)
	return t, nil
}

func copyRoute(r *rtnl.Route) rtnl.Route {
	route := *r
	route.Multipath = slices.Clone(r.Multipath)
	return route
}

// judge reports whether an entry can be chosen; Why says what is against it.
func (c *Candidate) judge() bool {
	r := &c.Route
	switch {
	case !c.Equal:
		c.Why = "not equal"
	case r.Tos != 0:
		c.Why = "for TOS " + strconv.Itoa(int(r.Tos)) + " only"
	case r.Src.IsValid() && r.Src.Bits() > 0:
		c.Why = "for sources in " + r.Src.String() + " only"
	case dead(r):
		c.Why = "every next hop is dead"
	default:
		c.usable = true
	}
	return c.usable
}

// beats reports whether c is chosen before the present best: the longer prefix, then the lower metric, then the earlier entry.
func (c *Candidate) beats(best *Candidate) bool {
	if c.Route.Dst.Bits() != best.Route.Dst.Bits() {
		return c.Route.Dst.Bits() > best.Route.Dst.Bits()
	}
	return c.Route.Priority < best.Route.Priority
}

// explain writes into the candidates that could be chosen why they won or lost.
func (t *TableStep) explain(best int) {
	for i := range t.Candidates {
		c := &t.Candidates[i]
		switch {
		case i == best:
			c.Won, c.Why = true, t.whyWon(best)
		case c.usable:
			c.Why = c.whyLost(&t.Candidates[best])
		}
	}
}

// Why a candidate lost, from the first rule of the choice to the last.
const (
	lostByLength = "shorter prefix"
	lostByMetric = "higher metric"
	lostByOrder  = "later in the table"
)

func (c *Candidate) whyLost(best *Candidate) string {
	switch {
	case c.Route.Dst.Bits() < best.Route.Dst.Bits():
		return lostByLength
	case c.Route.Priority > best.Route.Priority:
		return lostByMetric
	}
	return lostByOrder
}

// whyWon names how far the rules of the choice had to be followed.
func (t *TableStep) whyWon(best int) string {
	why := "the only match"
	for i := range t.Candidates {
		c := &t.Candidates[i]
		if i == best || !c.usable {
			continue
		}
		switch c.whyLost(&t.Candidates[best]) {
		case lostByOrder:
			return "longest prefix, lowest metric, first in the table"
		case lostByMetric:
			why = "longest prefix, lowest metric"
		case lostByLength:
			if why == "the only match" {
				why = "longest prefix"
			}
		}
	}
	return why
}

func (t *TableStep) winner() *Candidate {
	for i := range t.Candidates {
		if t.Candidates[i].Won {
			return &t.Candidates[i]
		}
	}
	return nil
}

// dead reports whether no next hop of a route can be used: its interface is down, or has no carrier and such routes are to be ignored
// (RTNH_F_DEAD; net/ipv4/fib_semantics.c, fib_nexthop_info).
func dead(r *rtnl.Route) bool {
	if len(r.Multipath) == 0 {
		return r.Flags&unix.RTNH_F_DEAD != 0
	}
	for i := range r.Multipath {
		if r.Multipath[i].Flags&unix.RTNH_F_DEAD == 0 {
			return false
		}
	}
	return true
}
