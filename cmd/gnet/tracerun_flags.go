package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gnet/internal/words"
	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// guestWords are the options of `trace run` and `trace serve` as they stand on the command line.
type guestWords struct {
	traceWords
	engine, output, root, get string
	serve                     []string
	server                    int
}

// guestOptions is what a command line of `trace run` or `trace serve` asks for.
type guestOptions struct {
	traceOptions
	// Output is the file that the trace goes to, "" for the stream of the command.
	Output string
}

// bind gives cmd the options that both commands have, and their completion.
func (w *guestWords) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&w.link, "link", "auto", "the `world`: auto, tun or veth")
	f.BoolVarP(&w.ipv4, "ipv4", "4", false, "the link carries IPv4 (default)")
	f.BoolVarP(&w.ipv6, "ipv6", "6", false, "the link carries IPv6")
	decimal(f, &w.mtu, "mtu", stackprobe.DefaultMTU, "`MTU` of the link")
	f.StringArrayVar(&w.faults, "fault", nil, "`rule` of the link; may be given several times")
	w.seed = stackprobe.DefaultSeed
	f.Var(&seedValue{&w.seed}, "seed", "`seed` of everything that is drawn at random, a number or random")
	for h := range w.delay {
		w.delay[h] = stackprobe.DefaultDelay
	}
	f.Var((*delayValue)(&w.delay), "delay", "one-way `delay` of each direction, or two: the client's,the server's")
	f.StringArrayVar(&w.serve, "serve", nil, "what the engine serves, `PORT=ROLE`, instead of 7=echo 9=sink 19=source 80=http; may be given several times")
	f.StringVar(&w.root, "root", "", "`folder` whose files the role http serves")
	decimal(f, &w.bytes, "bytes", stackprobe.DefaultBytes, "`bytes` that the engine sends as source, or as client")
	f.StringVar(&w.engine, "at-engine", "", "what the engine does and how its sockets are made, in `words`")
	decimal(f, &w.snap, "snap", stackprobe.DefaultSnap, "`bytes` of each packet that the machine forms hold (with --pcap: all)")
	w.snapFlag = f.Lookup("snap")
	f.StringVarP(&w.output, "output", "o", "", "`file` for the trace, written while it goes on")
	w.viewWords.bind(cmd)
	completeFlag(cmd, "link", "auto", "tun", "veth")
	completeFlag(cmd, "seed", "random")
	completeFlag(cmd, "serve", "7=echo", "9=sink", "19=source", "80=http")
	_ = cmd.RegisterFlagCompletionFunc("at-engine", completeEnd)
	_ = cmd.MarkFlagDirname("root")
	_ = cmd.MarkFlagFilename("output")
}

// bindDuration gives cmd its own deadline.
func (w *guestWords) bindDeadline(cmd *cobra.Command, usage string) {
	cmd.Flags().DurationVar(&w.deadline, "deadline", 0, usage)
}

// options checks the words of the command line.
func (w *guestWords) options(args []string) (guestOptions, error) {
	g := &stackprobe.Guest{Args: args, Port: uint16(w.server), Root: w.root, Get: w.get}
	w.until = "done"
	own := event.Server
	if w.server != 0 {
		own = event.Client
	}
	w.ends[own] = "" // its words are read here, so that a mistake is said of the option that was given
	engine, err := app.ParseOptions(w.engine)
	if err != nil {
		return guestOptions{}, wordFailure("--at-engine", err)
	}
	if g.Services, err = w.services(); err != nil {
		return guestOptions{}, err
	}
	switch {
	case w.server < 0 || w.server > 65535:
		return guestOptions{}, fail(statusUsage, "--server %d: want a port, 1 to 65535", w.server)
	case w.step && w.output != "":
		return guestOptions{}, fail(statusUsage, "--output: not with --step, which takes the whole screen")
	case w.deadline < 0 || w.deadline > 24*time.Hour:
		return guestOptions{}, fail(statusUsage, "--deadline %v: want a time up to 24h", w.deadline)
	}
	w.ends[own] = engine.String()
	w.guest = g
	o, err := w.traceWords.options()
	return guestOptions{traceOptions: o, Output: w.output}, err
}

// services reads what the engine serves.
func (w *guestWords) services() ([]stackprobe.Service, error) {
	if len(w.serve) == 0 {
		return stackprobe.Services(), nil
	}
	var list []stackprobe.Service
	for _, text := range w.serve {
		port, role, _ := strings.Cut(text, "=")
		n, ok := words.Number(port, 1, 65535)
		r, known := stackprobe.ParseRole(role)
		if !ok || !known {
			return nil, fail(statusUsage, "--serve %q: want a port and a role, such as 8080=http; the roles are echo, sink, source and http", text)
		}
		if slices.ContainsFunc(list, func(s stackprobe.Service) bool { return s.Port == uint16(n) }) {
			return nil, fail(statusUsage, "--serve %q: port %s has a role already", text, strconv.FormatInt(n, 10))
		}
		list = append(list, stackprobe.Service{Port: uint16(n), Role: r})
	}
	return list, nil
}
