package main

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"gnet/internal/procfile"
	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/internal/sockdiag"
	"gnet/procnet"
	"gnet/procnet/filter"
)

// filterRow returns the table row for --filter.
func filterRow() option[netstatOptions] {
	return option[netstatOptions]{long: "filter", arg: requiredArgument, argName: "EXPR", own: true, wordList: filter.Words,
		help: "only the sockets that EXPR describes, in the language of ss",
		set:  func(o *netstatOptions, _, arg string) error { o.Filters = append(o.Filters, arg); return nil }}
}

// readFilter reads what --filter was given; several join by and.
func (o *netstatOptions) readFilter(ctx context.Context, e *env) error {
	if len(o.Filters) == 0 {
		return nil
	}
	if mode := o.otherMode(); mode != "" {
		return fail(statusUsage, "--filter chooses sockets: it does not go with %s", mode)
	}
	names := &filterNames{ctx: ctx, o: o}
	var filters []*filter.Filter
	for _, text := range o.Filters {
		f, err := filter.Parse(text, names)
		if bad := (*filter.SyntaxError)(nil); errors.As(err, &bad) {
			return filterFailure(bad)
		}
		if f.MixesOrAnd() {
			e.hint("and binds tighter than or, as the manual of ss has it, although ss reads from left to right: parentheses make it plain")
		}
		filters = append(filters, f)
	}
	o.filter = newRowFilter(filter.All(filters...))
	if o.filter.f.Needs()&filter.NeedState != 0 && o.Watch == 0 { // there each filter says so for itself
		o.All = true
	}
	return nil
}

// operandsMeant says what words without an option may have been meant for.
func (o *netstatOptions) operandsMeant() string {
	switch {
	case o.otherMode() != "":
		return ""
	case len(o.Filters) > 0:
		return ": the expression of --filter is one word, which takes quotes"
	}
	return "; did you mean --filter?"
}

// filterFailure shows the expression with a line below it that marks the word. Of
// an expression that fills screens it shows what is about the word.
func filterFailure(bad *filter.SyntaxError) error {
	const about = 100 // bytes that are kept on either side of where the word begins
	msg := bad.Msg
	if len(msg) > 2*about {
		msg = clipRight(msg, about) + clipLeft(msg, about)[len(clipped):]
	}
	if strings.TrimSpace(bad.Expr) == "" {
		return fail(statusUsage, "--filter: %s", msg)
	}
	before := safe.String(clipLeft(bad.Expr[:bad.Offset], about))
	behind := clipRight(bad.Expr[bad.Offset:], about)
	word := safe.String(behind[:min(len(bad.Word), len(behind))])
	f := fail(statusUsage, "--filter: %s\n  %s\n  %s^%s", msg, before+safe.String(behind),
		strings.Repeat(" ", render.Width(before)), strings.Repeat("~", max(0, render.Width(word)-1)))
	f.hint = bad.Hint
	return f
}

// clipped stands for what clipLeft and clipRight left out.
const clipped = "..."

// clipLeft returns the last n bytes of a text, or some less so that no character is cut.
func clipLeft(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[len(s)-n:]
	for s != "" && !utf8.RuneStart(s[0]) {
		s = s[1:]
	}
	return clipped + s
}

// clipRight returns the first n bytes of a text, or some less so that no character is cut.
func clipRight(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + clipped
}

// filterNames looks up the names in an expression: in files under /etc, at the
// resolver, among the interfaces of this network namespace.
type filterNames struct {
	ctx context.Context
	o   *netstatOptions
	etc procnet.Names
}

// Service implements filter.Names.
func (n *filterNames) Service(name string) (filter.Service, bool) {
	tcp, udp := n.etc.Ports(name)
	return filter.Service{TCP: tcp, UDP: udp}, tcp != 0 || udp != 0
}

// User implements filter.Names.
func (n *filterNames) User(name string) (uint32, bool) { return n.etc.UID(name) }

// Interface implements filter.Names. The rows of a captured tree have no
// interface, so any name will do.
func (n *filterNames) Interface(name string) (uint32, error) {
	switch {
	case !n.live():
		return 1<<31 - 1, nil
	case n.o.Netns != "":
		return 0, errOtherInterfaces
	}
	dev, err := net.InterfaceByName(name)
	if err != nil {
		return 0, errNoInterface
	}
	return uint32(dev.Index), nil
}

var (
	errNoInterface     = errors.New("no such interface")
	errNoNetns         = errors.New("no network namespace of that name")
	errOtherInterfaces = errors.New("with --netns an interface is given by its number")
)

// Host implements filter.Names.
func (n *filterNames) Host(name string) ([]netip.Addr, error) {
	resolver := net.Resolver{PreferGo: true}
	return resolver.LookupNetIP(n.ctx, "ip", name)
}

// Cgroup implements filter.Names.
func (n *filterNames) Cgroup(path string) (uint64, error) {
	if !n.live() {
		return 1<<64 - 1, nil
	}
	return procnet.CgroupID(path)
}

// Netns implements filter.Names. A captured tree does not tell the names.
func (n *filterNames) Netns(name string) error {
	if !n.live() {
		return nil
	}
	all, err := n.o.sockets().Namespaces()
	if err != nil {
		return err
	}
	if all.Named(name) == nil {
		return errNoNetns
	}
	return nil
}

func (n *filterNames) live() bool { return procfile.At(n.o.ProcRoot).IsLive() }

// rowFilter shows the sockets that --filter describes.
type rowFilter struct {
	f     *filter.Filter
	match *filter.Matcher
	// admin: the kernel takes conditions on the mark of a socket.
	admin bool
	told  filter.Needs  // what was said to be unknown
	row   filter.Socket // of keep, used again
}

func newRowFilter(f *filter.Filter) *rowFilter {
	caps, err := getCapabilities()
	return &rowFilter{f: f, match: filter.NewMatcher(f), admin: err == nil && caps.effective>>unix.CAP_NET_ADMIN&1 != 0}
}

// narrow implements socketFilter.
func (r *rowFilter) narrow(p procnet.Proto, q *procnet.Query) {
	needs := r.f.Needs()
	q.Diag = q.Diag || needs&(filter.NeedDevice|filter.NeedMark|filter.NeedCgroup) != 0
	if needs&filter.NeedInfo != 0 && p == procnet.TCP {
		q.Ext |= sockdiag.ExtInfo
	}
	plan := r.f.Plan(filter.Table{Proto: p, V4: true, V6: true, Privileged: r.admin})
	switch {
	case plan.States == 0:
	case q.States == 0:
		q.States = plan.States
	case q.States&plan.States == 0:
		plan.Never = true
	default:
		q.States &= plan.States
	}
	if plan.Never {
		plan.Cond = sockdiag.Or{}
	}
	if plan.Cond == nil {
		return
	}
	if code, err := sockdiag.Compile(plan.Cond); err == nil { // else it is too long for the kernel
		q.Bytecode = code
	}
}

// needsOwners implements socketFilter.
func (r *rowFilter) needsOwners() bool { return r.f.Needs()&filter.NeedOwners != 0 }

// keep implements socketFilter: with the owners known, nothing is Maybe.
func (r *rowFilter) keep(s *shownSocket, owned bool) bool {
	r.row = filter.Socket{Inet: s.inet, Unix: s.unix, Owners: s.owners, OwnersKnown: owned, Netns: s.space.id, NetnsNames: s.space.names}
	return r.match.Match(&r.row) != filter.No
}

// limit takes the tables out of the plan in which the filter keeps nothing, unless
// the command line names them.
func (r *rowFilter) limit(p *socketPlan) {
	if p.unix && !p.unixNamed && r.f.Plan(filter.Table{Unix: true}).Never {
		p.unix = false
	}
	if p.sctpNamed || slices.Contains(slices.Collect(maps.Values(p.named)), true) {
		return
	}
	var v4, v6 bool
	holds := func(proto procnet.Proto) bool {
		in4 := p.v4 && !r.f.Plan(filter.Table{Proto: proto, V4: true}).Never
		in6 := p.v6 && !r.f.Plan(filter.Table{Proto: proto, V6: true}).Never
		v4, v6 = v4 || in4, v6 || in6
		return in4 || in6
	}
	for proto := range p.show {
		p.show[proto] = holds(proto)
	}
	p.sctp = p.sctp && holds(procnet.SCTP)
	p.v4, p.v6 = v4, v6
	p.inet = p.inet && (v4 || v6)
}

// reportFilter says once which conditions could not be answered.
func (w *socketWalk) reportFilter() {
	r, ok := w.filter.(*rowFilter)
	if !ok {
		return
	}
	unknown := r.match.Unknown() &^ r.told
	r.told |= unknown
	if lines := unknownLines(unknown); len(lines) > 0 {
		w.e.warn("--filter: of some sockets this is not known, and counts as not so: %s", strings.Join(lines, "; "))
	}
}

func unknownLines(unknown filter.Needs) []string {
	var lines []string
	for _, u := range []struct {
		needs filter.Needs
		text  string
	}{
		{filter.NeedInfo, "rtt and the like, which are not in the files of /proc/net"},
		{filter.NeedDevice, "dev, which is not in the files of /proc/net"},
		{filter.NeedMark, "fwmark, which only sock_diag tells, and only with CAP_NET_ADMIN"},
		{filter.NeedCgroup, "cgroup, which sock_diag tells since Linux 5.8"},
		{filter.NeedUnixDiag, "user, sendq and recvq of unix sockets, which are not in /proc/net/unix"},
		{filter.NeedNetns, "netns"},
	} {
		if unknown&u.needs != 0 {
			lines = append(lines, u.text)
		}
	}
	return lines
}
