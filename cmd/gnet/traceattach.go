package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/signal"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/internal/undo"
	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/attach"
	"gnet/stackprobe/event"
)

// attachWords are the options of `trace connect` and `trace listen` as they stand on the command line.
type attachWords struct {
	traceWords
	mode, engine     string
	address, gateway string
	replicate        bool
}

// attachOptions is what a command line of `trace connect` or `trace listen` asks for.
type attachOptions struct {
	traceOptions
	Mode attach.Mode
	// Bridge, Address, Gateway, Replicate and Solicit are those of attach.Config.
	Bridge             string
	Address            netip.Prefix
	Gateway            netip.Addr
	Replicate, Solicit bool
}

// bind gives cmd the options that both commands have, and their completion.
func (w *attachWords) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&w.mode, "attach", attach.Private.String(), "how the engine is connected: private (to nobody), nat (through this host, which forwards) or bridge:`BR` (a port of that bridge)")
	f.BoolVarP(&w.ipv4, "ipv4", "4", false, "the engine has IPv4 (default, if no address says otherwise)")
	f.BoolVarP(&w.ipv6, "ipv6", "6", false, "the engine has IPv6")
	f.StringVar(&w.address, "address", "", "on a bridge: the engine's `address` and the length of its network, such as 192.0.2.9/24, or auto: of IPv6, as a router announces")
	f.StringVar(&w.gateway, "gateway", "", "on a bridge: the `address` of the way out of that network, or auto: an IPv6 router that offers itself")
	f.BoolVar(&w.replicate, "replicate-state", false, "on a bridge: the engine's port has a carrier as long as another port has")
	decimal(f, &w.mtu, "mtu", stackprobe.DefaultMTU, "`MTU` of the engine and of the interface")
	f.StringArrayVar(&w.faults, "fault", nil, "`rule` of the link between the engine and this host; may be given several times")
	w.seed = stackprobe.DefaultSeed
	f.Var(&seedValue{&w.seed}, "seed", "`seed` of everything that is drawn at random, a number or random (default random)")
	f.Var((*delayValue)(&w.delay), "delay", "one-way `delay` to add in each direction, or two: the client's,the server's")
	f.StringVar(&w.engine, "at-engine", "", "what the engine does and how its sockets are made, in `words`")
	decimal(f, &w.bytes, "bytes", 0, "the engine sends so many `bytes` and closes")
	decimal(f, &w.snap, "snap", stackprobe.DefaultSnap, "`bytes` of each packet that the machine forms hold (with --pcap: all)")
	w.snapFlag = f.Lookup("snap")
	w.viewWords.bind(cmd)
	completeFlag(cmd, "attach", attach.Modes()...)
	completeFlag(cmd, "address", autoWord)
	completeFlag(cmd, "gateway", autoWord)
	completeFlag(cmd, "seed", "random")
	_ = cmd.RegisterFlagCompletionFunc("at-engine", completeEnd)
}

// options checks the words of the command line. idle is what the engine does that is told nothing else.
func (w *attachWords) options(cmd *cobra.Command, a *stackprobe.Attach, idle string) (attachOptions, error) {
	var o attachOptions
	mode, bridge, ok := attach.ParseMode(w.mode)
	if !ok {
		return o, fail(statusUsage, "--attach %q: want private, nat or bridge:BR", w.mode)
	}
	if mode == attach.Private {
		return o, fail(statusUsage, "--attach private: nobody outside is reached so").
			withHint("--attach nat goes through this host, which it changes while it runs; gnet trace tcp, run and serve are private")
	}
	o.Mode, o.Bridge = mode, bridge
	if err := w.place(&o); err != nil {
		return o, err
	}
	if !cmd.Flags().Changed("seed") {
		_ = (&seedValue{&w.seed}).Set("random") // a server remembers the numbers of a run before
	}
	engine, err := app.ParseOptions(w.engine)
	if err != nil {
		return o, wordFailure("--at-engine", err)
	}
	switch {
	case w.deadline < 0 || w.deadline > 24*time.Hour:
		return o, fail(statusUsage, "--deadline %v: want a time up to 24h", w.deadline)
	case cmd.Flags().Changed("bytes") && w.engine != "":
		return o, fail(statusUsage, "--bytes: with --at-engine, say bytes there")
	case cmd.Flags().Changed("bytes"):
		engine, err = app.ParseOptions(fmt.Sprintf("role source bytes %d", w.bytes))
	case w.engine == "" && a.Get == "":
		engine, err = app.ParseOptions(idle)
	}
	if err != nil {
		return o, fail(statusUsage, "--bytes %w", err)
	}
	own := event.Client
	if a.Port != 0 {
		own = event.Server
	}
	w.ends[own], w.link, w.until, w.attached = engine.String(), "auto", "done", a
	o.traceOptions, err = w.traceWords.options()
	return o, err
}

// autoWord has a router of IPv6 say the engine's address or gateway.
const autoWord = "auto"

// place reads where the engine is on a bridge, and with that which IP it has.
func (w *attachWords) place(o *attachOptions) (err error) {
	if o.Mode != attach.Bridge {
		if w.address != "" || w.gateway != "" || w.replicate {
			return fail(statusUsage, "--address, --gateway and --replicate-state are for --attach bridge:BR")
		}
		return nil
	}
	o.Replicate = w.replicate
	if w.address != autoWord {
		if o.Address, err = netip.ParsePrefix(w.address); err != nil || o.Address.Bits() == 0 || !unicast(o.Address.Addr()) {
			return fail(statusUsage, "--address %q: want a free address in the bridge's network, and the length of that, such as 192.0.2.9/24 or 2001:db8::9/64, or auto", w.address)
		}
	}
	six := w.address == autoWord || o.Address.Addr().Is6()
	if six && w.ipv4 || !six && w.ipv6 {
		return fail(statusUsage, "--address %s: want one of %s", w.address, family(w.ipv6))
	}
	w.ipv4, w.ipv6 = !six, six
	return w.wayOut(o)
}

// wayOut reads the gateway.
func (w *attachWords) wayOut(o *attachOptions) (err error) {
	switch network := o.Address.Masked(); {
	case w.gateway == "":
	case w.gateway == autoWord && w.ipv6:
		o.Solicit = true
	case w.gateway == autoWord:
		return fail(statusUsage, "--gateway auto: want an address: routers of IPv4 do not offer themselves")
	default:
		o.Gateway, err = netip.ParseAddr(w.gateway)
		good := err == nil && o.Gateway.Zone() == "" && o.Gateway != o.Address.Addr() && o.Gateway.Is6() == w.ipv6
		if near := o.Gateway.IsLinkLocalUnicast() && w.ipv6; good && !near && network.IsValid() && !network.Contains(o.Gateway) || !good {
			return fail(statusUsage, "--gateway %q: want another address of %s", w.gateway, networkWords(network))
		}
	}
	return nil
}

// networkWords names the network of a gateway.
func networkWords(network netip.Prefix) string {
	switch {
	case !network.IsValid():
		return "the bridge's network"
	case network.Addr().Is6():
		return network.String() + ", or a link-local one"
	}
	return network.String()
}

// unicast reports whether a host of a network can have an address.
func unicast(a netip.Addr) bool {
	return a.Zone() == "" && !a.Is4In6() && !a.IsMulticast() && !a.IsUnspecified() && !a.IsLoopback() && !(a.Is6() && a.IsLinkLocalUnicast())
}

// family names a version of IP.
func family(six bool) string {
	if six {
		return "IPv6"
	}
	return "IPv4"
}

// runTraceAttached changes the host, runs the engine in its network, shows the trace, and changes the host back.
func runTraceAttached(ctx context.Context, e *env, o attachOptions) error {
	if o.Step && o.steps == nil { // nothing of the host stays changed while somebody looks
		return showStepsAfter(ctx, e, &o.viewOptions, e.Stdout, true, func() error { return runTraceAttached(ctx, e, o) })
	}
	ctx, cancel := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer cancel()
	context.AfterFunc(ctx, cancel) // the second signal finds the default action again
	d, err := undo.Make(undo.Path)
	if err != nil {
		return attachFailure(err)
	}
	defer d.Close()
	if err := repairPlans(ctx, e, d); err != nil {
		return attachFailure(err)
	}
	if s := o.Attach.Server; o.Address.IsValid() && s.IsValid() && !o.Address.Masked().Contains(s.Addr()) && !o.Gateway.IsValid() && !o.Solicit {
		return fail(statusUsage, "%v is not in %v: want a --gateway", s.Addr(), o.Address.Masked())
	}
	c := attach.Config{Mode: o.Mode, Server: o.Attach.Server, Port: o.Attach.Port, MTU: o.MTU, Bridge: o.Bridge, Address: o.Address, Gateway: o.Gateway,
		Replicate: o.Replicate, Solicit: o.Solicit, IPv6: o.IPv6, What: "gnet " + commandWords(e), Program: "gnet"}
	host, err := attach.Open(ctx, d, c, func(p *attach.Plan) { tellPlan(e, p) })
	if err != nil {
		return attachFailure(err)
	}
	o.Attach.Host, o.MTU = host, host.MTU
	drawPlan(e, &host.Plan, &o.viewOptions)
	end, err := e.showRun(ctx, &o.traceOptions, nil)
	e.Stdout.Flush() // before what is said of the end
	err = attachedStatus(&o, end, err)
	return errors.Join(err, closeHost(ctx, e, host))
}

// repairPlans does the work of keepers that died, and says so.
func repairPlans(ctx context.Context, e *env, d *undo.Dir) error {
	done, err := d.Repair(ctx, undoDomains())
	for i := range done {
		tellRepaired(e, &done[i])
	}
	return err
}

// tellPlan says what will be changed.
func tellPlan(e *env, p *attach.Plan) {
	for _, line := range p.Will() {
		printLine(e.Stderr, e.Name+": will: "+safe.String(line))
	}
	for _, line := range p.Unchanged() {
		printLine(e.Stderr, e.Name+": "+safe.String(line))
	}
	for _, line := range p.Warnings {
		e.warn("%s", safe.String(line))
	}
}

// drawPlan says what was learned, and draws the world where a picture goes to standard output.
func drawPlan(e *env, p *attach.Plan, o *viewOptions) {
	for _, line := range p.Learned {
		printLine(e.Stderr, e.Name+": "+safe.String(line))
	}
	if !o.screen() {
		return
	}
	for _, line := range p.Picture() {
		fmt.Fprintln(e.Stdout, line)
	}
	fmt.Fprintln(e.Stdout)
	e.Stdout.Flush()
}

// screen reports whether a picture goes to standard output.
func (o *viewOptions) screen() bool {
	for _, name := range o.Files {
		if name == "-" {
			return false
		}
	}
	return o.Format == render.Classic
}

// closeHost changes the host back and says what was done.
func closeHost(ctx context.Context, e *env, host *attach.Host) error {
	result, err := host.Close(context.WithoutCancel(ctx))
	for _, line := range result.Lines {
		printLine(e.Stderr, e.Name+": undone: "+safe.String(line))
	}
	switch {
	case err != nil:
		return fail(statusCannot, "change %s: %w", host.ID(), err).withHint("gnet route pending shows it")
	case result.Conflict:
		e.warn("change %s: not all was undone, because others have changed it meanwhile", host.ID())
	}
	return nil
}

// attachedStatus turns the end of a run into a status.
func attachedStatus(o *attachOptions, end *event.End, err error) error {
	switch {
	case errors.Is(err, context.Canceled) && end != nil && end.OK && o.Attach.Port != 0:
		return nil // that is how it ends
	case err != nil:
		return traceStatus(err)
	case end != nil && !end.OK:
		return fail(statusNo, "%s", end.Reason)
	}
	return nil
}

// attachFailure is a host that could not be changed; nothing of it is.
func attachFailure(err error) error {
	f := fail(statusCannot, "%w", err)
	if refused, ok := errors.AsType[*attach.Error](err); ok && refused.Hint() != "" {
		return f.withHint("%s", refused.Hint())
	}
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
		return f.withHint("--attach changes this host: it takes root")
	}
	return f
}
