package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/internal/procfile"
	"gnet/internal/render"
	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// killRows are the rows of --kill in netstat's option table.
func killRows() []option[netstatOptions] {
	return []option[netstatOptions]{
		{long: "kill", own: true, help: "end the sockets that --filter or --all selects, after a question",
			set: func(o *netstatOptions, _, _ string) error { o.Kill = true; return nil }},
		{long: "yes", own: true, help: "with --kill: do not ask",
			set: func(o *netstatOptions, _, _ string) error { o.Yes = true; return nil }},
	}
}

// checkKill refuses --kill where it is not plain what is meant: to end sockets
// takes an explicit choice, of this kernel's sockets, of kinds that it can end.
func (o *netstatOptions) checkKill() error {
	usage := func(format string, args ...any) *failure { return fail(statusUsage, "--kill: "+format, args...) }
	f := &o.Families
	switch {
	case !o.Kill && o.Yes:
		return fail(statusUsage, "--yes is the answer to the question of --kill")
	case !o.Kill:
		return nil
	case len(o.Filters) == 0 && !o.All:
		return usage("which sockets? It takes --filter EXPR, or --all for every one")
	case o.Route || o.Interfaces || o.Statistics || o.Groups || o.Masquerade:
		return usage("it is about sockets")
	case o.Netns != "":
		return usage("it ends sockets of its own network namespace only").withHint("ip netns exec NAME gnet netstat --kill ...")
	case len(o.CountBy) > 0:
		return usage("--count-by counts sockets and does not go with it")
	case o.Continuous:
		return usage("it cannot be repeated with -c")
	case !procfile.At(o.ProcRoot).IsLive():
		return usage("it asks the running kernel and cannot be used with --proc-root")
	case f.Unix || f.SCTP || f.IPX || f.AX25 || f.X25 || f.Netrom || f.Rose || f.Bluetooth:
		return usage("the kernel ends TCP, UDP, UDP-Lite and raw sockets only")
	}
	return nil
}

// killResult is what became of one socket.
type killResult struct {
	word string // what the table says
	err  error  // the kernel's refusal, nil if there was none
}

// The words of results. Only the first two are what was asked for.
const (
	wasKilled     = "killed"
	wasEnded      = "ended" // its other end or its listener was killed, and took it along
	wasGone       = "gone"
	wasMissed     = "missed" // another socket answers for its addresses (SO_REUSEPORT)
	wasDenied     = "denied"
	wasImpossible = "unsupported"
	wasUnknown    = "unknown" // without a cookie, from a file
	wasFailed     = "failed"
	wasSkipped    = "skipped" // interrupted before
)

// killTarget is one selected socket.
type killTarget struct {
	shown  shownSocket
	result killResult
}

func (t *killTarget) done() bool { return t.result.word != "" && t.result.word != wasMissed }

// killTargets collects what the walk would show. It is a socketWriter.
type killTargets struct{ list []*killTarget }

func (k *killTargets) inetTitle()        {}
func (k *killTargets) unixTitle()        {}
func (k *killTargets) unix(*shownSocket) {}

func (k *killTargets) inet(s *shownSocket) {
	kept := *s.inet
	if kept.Diag != nil {
		kept.Diag = kept.Diag.Clone()
	}
	t := &killTarget{shown: shownSocket{inet: &kept, owners: slices.Clone(s.owners), space: s.space}}
	if kept.Diag == nil {
		t.result.word = wasUnknown
	}
	k.list = append(k.list, t)
}

// killSockets ends the sockets that the same line without --kill shows.
func killSockets(ctx context.Context, e *env, o *netstatOptions) error {
	if !o.Yes && !e.canAsk() {
		return fail(statusUsage, "--kill asks before it acts, and there is no terminal to ask at").withHint("--yes is the answer beforehand")
	}
	targets, err := selectTargets(ctx, e, o)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return e.nothingToKill(o)
	}
	conn, err := sockdiag.Dial()
	if err != nil {
		return fail(statusCannot, "--kill: %w", err)
	}
	defer conn.Close()
	if !o.Yes {
		if err := e.confirmKill(ctx, o, targets); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	k := &killer{conn: conn, targets: targets}
	k.run(ctx)
	e.showKilled(ctx, o, targets)
	return killOutcome(targets)
}

// selectTargets walks the tables that sock_diag can end sockets of.
func selectTargets(ctx context.Context, e *env, o *netstatOptions) ([]*killTarget, error) {
	found := new(killTargets)
	w := &socketWalk{e: e, o: o, plan: newSocketPlan(o), out: found}
	if err := w.findSpaces(); err != nil {
		return nil, err
	}
	w.plan.anyNamed = true // a protocol that is not there is nothing to report
	w.plan.unix, w.plan.sctp = false, false
	if o.filter != nil {
		w.filter = o.filter
		o.filter.limit(&w.plan)
	}
	if w.needsOwners() {
		if err := w.findOwners(ctx); err != nil {
			return nil, err
		}
	}
	err := w.walk()
	return found.list, err
}

// nothingToKill answers a selection without a socket.
func (e *env) nothingToKill(o *netstatOptions) error {
	e.showKilled(context.Background(), o, nil)
	return fail(statusNo, "--kill: no socket is selected")
}

// canAsk reports whether somebody can see a question and answer it.
func (e *env) canAsk() bool { return isTerminal(e.Stdin) && isTerminal(e.Stderr) }

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// confirmKill shows the sockets and asks. Whatever is not yes is no, the end of
// the input too; an interrupt ends the program.
func (e *env) confirmKill(ctx context.Context, o *netstatOptions, targets []*killTarget) error {
	caps, err := getCapabilities()
	if err == nil && caps.effective>>unix.CAP_NET_ADMIN&1 == 0 {
		return errNotPermitted()
	}
	screen := *e
	screen.Stdout = newOutput(e.Stderr)
	plain := *o
	plain.Kill = false
	list := newClassicSockets(ctx, &screen, &plain)
	list.inetTitle()
	for _, t := range targets {
		list.inet(&t.shown)
	}
	fmt.Fprintf(screen.Stdout, "end %s? [y/N] ", countSockets(len(targets)))
	screen.Stdout.Flush()
	if answer, _ := readLine(e.Stdin); answer != "y" && answer != "yes" {
		return fail(statusNo, "--kill: nothing was done")
	}
	return nil
}

// readLine reads one line, without what follows it, in small letters.
func readLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		return "", err
	}
	return strings.ToLower(strings.TrimSpace(line)), nil
}

func countSockets(n int) string {
	if n == 1 {
		return "1 socket"
	}
	return fmt.Sprintf("%d sockets", n)
}

// showKilled prints the sockets with what became of each.
func (e *env) showKilled(ctx context.Context, o *netstatOptions, targets []*killTarget) {
	if o.Format == render.Classic {
		printKilled(newClassicSockets(ctx, e, o), targets)
		return
	}
	doc := e.document(o.Format, socketSchema)
	out := newSocketDocument(e, doc, o)
	printKilled(out, targets)
	if err := out.close(); err != nil {
		e.warn("%v", err)
	}
	e.closeDocument(doc)
	e.notes = nil
}

func printKilled(out socketWriter, targets []*killTarget) {
	if len(targets) > 0 {
		out.inetTitle()
	}
	for _, t := range targets {
		t.shown.killed = &t.result
		out.inet(&t.shown)
	}
}

// killOutcome is the command's error: none if every socket is gone by our doing.
func killOutcome(targets []*killTarget) error {
	count := map[string]int{}
	for _, t := range targets {
		count[t.result.word]++
	}
	failed := len(targets) - count[wasKilled] - count[wasEnded]
	switch {
	case failed == 0:
		return nil
	case count[wasDenied] == len(targets):
		return errNotPermitted()
	case count[wasImpossible] == len(targets):
		return fail(statusCannot, "--kill: operation not supported").withHint("the kernel is built without CONFIG_INET_DIAG_DESTROY, or cannot end sockets of this protocol")
	case count[wasUnknown] == len(targets):
		return fail(statusCannot, "--kill: sock_diag does not know these sockets").withHint("-v says why they were read from /proc/net")
	}
	return fail(statusNo, "--kill: of %s %d could not be ended", countSockets(len(targets)), failed)
}

func errNotPermitted() error {
	return fail(statusCannot, "--kill: %w", unix.EPERM).withHint("it takes CAP_NET_ADMIN in the user namespace of the network namespace")
}

// killProtocol is the protocol number of SOCK_DESTROY.
func killProtocol(p procnet.Proto) uint8 {
	switch p {
	case procnet.UDP:
		return unix.IPPROTO_UDP
	case procnet.UDPLite:
		return unix.IPPROTO_UDPLITE
	case procnet.Raw:
		return unix.IPPROTO_RAW
	}
	return unix.IPPROTO_TCP
}

// wordOf names the kernel's refusal; an absent socket is looked for later.
func wordOf(err error) string {
	switch {
	case err == nil:
		return wasKilled
	case errors.Is(err, unix.EPERM):
		return wasDenied
	case errors.Is(err, unix.EOPNOTSUPP):
		return wasImpossible
	case errors.Is(err, unix.ENOENT):
		return wasMissed
	}
	return wasFailed
}
