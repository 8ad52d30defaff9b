package routes

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/rtnl"
)

// Lookup is the explained choice of a route for one packet: the rules in the order in which the kernel tries them, in each table the
// entries with their masks applied, the winner, and the kernel's own answer beside it.
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

	flow    flow // the packet
	oneTree bool // local and main are searched as one
	foreign bool // the packet is sent from here with the source address of another host
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

// Lookup explains the route of a packet. The kernel's refusal is part of the explanation, not an error.
func (c *Conn) Lookup(q Query) (*Lookup, error) {
	f, err := c.resolve(q)
	if err != nil {
		return nil, err
	}
	l := &Lookup{Dst: f.Dst, flow: f}
	rules, settled, err := c.rules(familyOf(l.Dst))
	if err != nil {
		return nil, err
	}
	if !settled {
		l.because(ReasonChanging, "the rules changed each of the %d times that they were read", readAttempts)
	}
	l.oneTree = isOneTree(rules)
	if err := c.walkRules(l, rules); err != nil {
		return nil, err
	}
	answer, err := c.ask(&f)
	if err != nil {
		return nil, err
	}
	l.Kernel = *answer
	l.foreign = answer.Err != nil && c.foreignSource(&f)
	l.compare()
	return l, nil
}

// readAttempts is how often rules and tables are read when they change meanwhile (NLM_F_DUMP_INTR).
const readAttempts = 3

// attempt reads until nothing changed meanwhile, at most readAttempts times; settled is false when something always did. What the
// last reading found stands.
func attempt(read func() error) (settled bool, err error) {
	for range readAttempts {
		if err = read(); !errors.Is(err, netlink.ErrInterrupted) {
			return true, err
		}
	}
	return false, nil
}

// rules returns the rules of a family. A kernel without policy routing has the local and the main table, in this order.
func (c *Conn) rules(family uint8) (rules []rtnl.Rule, settled bool, err error) {
	settled, err = attempt(func() error {
		rules = rules[:0]
		for r, err := range c.rt.Rules(family) {
			if err != nil {
				return err
			}
			rules = append(rules, *r)
		}
		return nil
	})
	if errors.Is(err, unix.EOPNOTSUPP) {
		toTable := rtnl.Rule{Family: family, Action: unix.FR_ACT_TO_TBL, SuppressPrefixLen: -1, SuppressIfGroup: -1}
		local, main := toTable, toTable
		local.Table, main.Table = unix.RT_TABLE_LOCAL, unix.RT_TABLE_MAIN
		return []rtnl.Rule{local, main}, true, nil
	}
	return rules, settled, opError(OpRules, err)
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
		step.Applies, step.Why = l.flow.selects(&rule)
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
	number := step.Rule.Table
	if step.Rule.L3mdev {
		number = l.flow.vrfTable
	}
	table, err := c.searchTable(l, number)
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
		longer, err := c.longerInMain(l, bits)
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

func (c *Conn) longerInMain(l *Lookup, bits int) (bool, error) {
	main, err := c.searchTable(l, unix.RT_TABLE_MAIN)
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

// searchTable holds each entry of a table against the packet, in constant memory but for the entries that match.
func (c *Conn) searchTable(l *Lookup, table uint32) (*TableStep, error) {
	objects, err := c.objects()
	if err != nil {
		return nil, err
	}
	t := new(TableStep)
	settled, err := attempt(func() error {
		*t = TableStep{Table: table}
		return c.readTable(l, t, &objects)
	})
	if err != nil {
		return nil, opError(OpList, err)
	}
	if !settled {
		l.because(ReasonChanging, "table %s changed each of the %d times that it was read", TableName(table), readAttempts)
	}
	return t, nil
}

// readTable is one reading of a table. When it is interrupted, what was read has been judged all the same.
func (c *Conn) readTable(l *Lookup, t *TableStep, objects *nexthopObjects) error {
	unequal, best := 0, -1
	var interrupted error
	for r, err := range c.rt.Routes(rtnl.RouteFilter{Family: familyOf(l.Dst), Table: t.Table}) {
		if errors.Is(err, netlink.ErrInterrupted) {
			interrupted = err
			break
		}
		if err != nil {
			return err
		}
		t.Entries++
		masked := netip.PrefixFrom(l.Dst, r.Dst.Bits()).Masked().Addr()
		equal := masked == r.Dst.Addr()
		if !equal {
			if unequal++; unequal > shownUnequal {
				t.Hidden++
				continue
			}
		}
		objects.resolve(r)
		t.Candidates = append(t.Candidates, Candidate{Route: copyRoute(r), Masked: masked, Equal: equal})
		last := len(t.Candidates) - 1
		if t.Candidates[last].judge(&l.flow) && (best < 0 || t.Candidates[last].beats(&t.Candidates[best])) {
			best = last
		}
	}
	t.explain(best)
	return interrupted
}

func copyRoute(r *rtnl.Route) rtnl.Route {
	route := *r
	route.Multipath = slices.Clone(r.Multipath)
	return route
}

// judge reports whether an entry can be chosen; Why says what is against it.
func (c *Candidate) judge(f *flow) bool {
	r := &c.Route
	switch {
	case !c.Equal:
		c.Why = "not equal"
	case r.Tos != 0 && r.Tos != f.Tos:
		c.Why = "for TOS " + strconv.Itoa(int(r.Tos)) + " only"
	case r.Src.IsValid() && r.Src.Bits() > 0 && !(f.Src.IsValid() && r.Src.Contains(f.Src)):
		c.Why = "for sources in " + r.Src.String() + " only"
	case f.boundTo() != 0 && !(r.Family == unix.AF_INET && carriesNothing(r.Type)) && !leadsOut(r, f.oif):
		c.Why = "not out of " + f.Oif
	case dead(r):
		c.Why = "every next hop is dead"
	default:
		c.usable = true
	}
	return c.usable
}

// carriesNothing reports whether a type ends the search whatever the interface (net/ipv4/fib_semantics.c, fib_props).
func carriesNothing(typ uint8) bool { return typ == unix.RTN_THROW || typeRefusal(typ) != nil }

// leadsOut reports whether a next hop of a route is on an interface.
func leadsOut(r *rtnl.Route, oif int) bool {
	return slices.ContainsFunc(hops(r), func(h rtnl.Nexthop) bool { return h.Oif == oif })
}

// beats reports whether c is chosen before the present best: the longer prefix, then the longer source prefix, then an entry for this
// TOS before one for all, then the lower metric, then the earlier entry.
func (c *Candidate) beats(best *Candidate) bool { return c.before(best) < 0 }

// before compares two candidates in the order of the choice; 0 leaves it to their order in the table.
func (c *Candidate) before(other *Candidate) int {
	return cmp.Or(
		cmp.Compare(other.Route.Dst.Bits(), c.Route.Dst.Bits()),
		cmp.Compare(sourceBits(&other.Route), sourceBits(&c.Route)),
		cmp.Compare(other.Route.Tos, c.Route.Tos),
		cmp.Compare(c.Route.Priority, other.Route.Priority))
}

func sourceBits(r *rtnl.Route) int {
	if !r.Src.IsValid() {
		return 0
	}
	return r.Src.Bits()
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
	lostBySource = "shorter source prefix"
	lostByTos    = "for every TOS"
	lostByMetric = "higher metric"
	lostByOrder  = "later in the table"
)

func (c *Candidate) whyLost(best *Candidate) string {
	r, b := &c.Route, &best.Route
	switch {
	case r.Dst.Bits() < b.Dst.Bits():
		return lostByLength
	case sourceBits(r) < sourceBits(b):
		return lostBySource
	case r.Tos != b.Tos:
		return lostByTos
	case r.Priority > b.Priority:
		return lostByMetric
	}
	return lostByOrder
}

// whyWon names how far the rules of the choice had to be followed.
func (t *TableStep) whyWon(best int) string {
	lost := []string{"", lostByLength, lostBySource, lostByTos, lostByMetric, lostByOrder}
	won := []string{"the only match", "longest prefix", "longest prefix, longest source prefix", "longest prefix, for this TOS",
		"longest prefix, lowest metric", "longest prefix, lowest metric, first in the table"}
	far := 0
	for i := range t.Candidates {
		if c := &t.Candidates[i]; i != best && c.usable {
			far = max(far, slices.Index(lost, c.whyLost(&t.Candidates[best])))
		}
	}
	return won[far]
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
