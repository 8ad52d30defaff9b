package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"gnet/internal/live"
	"gnet/internal/procfile"
	"gnet/internal/render"
)

// watchRow returns the table row of --watch.
func watchRow() option[netstatOptions] {
	return option[netstatOptions]{long: "watch", arg: optionalArgument, argName: "SECONDS", own: true,
		help: "a full-screen view of sockets and their byte rates, read anew every second, or so often",
		set:  setWatch}
}

// setWatch is --watch. The bounds are those of what can be looked at.
func setWatch(o *netstatOptions, _, arg string) error {
	o.Watch = time.Second
	if arg == "" {
		return nil
	}
	seconds, err := strconv.ParseFloat(arg, 64)
	if err != nil || !(seconds >= 0.1 && seconds <= 3600) {
		return fail(statusUsage, "--watch=%s: not a number of seconds from 0.1 to 3600", arg)
	}
	o.Watch = time.Duration(seconds * float64(time.Second))
	return nil
}

// checkWatch refuses --watch beside what is no question about sockets, or asks for another output.
func (o *netstatOptions) checkWatch() error {
	if o.Watch == 0 {
		return nil
	}
	f := &o.Families
	refuse := func(option, why string) *failure { return fail(statusUsage, "--watch and %s: %s", option, why) }
	switch mode := o.otherMode(); {
	case mode != "":
		return refuse(mode, "it shows sockets")
	case o.Continuous:
		return refuse("-c", "-c prints again and again, --watch draws in place").withHint("--watch=SECONDS says how often")
	case o.Format != render.Classic:
		return refuse("--format", "a picture is for people").withHint("-c --format jsonl prints for machines")
	case o.Kill || o.Yes:
		return refuse("--kill", "in the view the key K ends a socket, after a question")
	case len(o.CountBy) > 0:
		return refuse("--count-by", "in the view the key b groups the sockets")
	case o.Netns != "":
		return refuse("--netns", "it shows its own network namespace").withHint("ip netns exec NAME gnet netstat --watch")
	case o.Context:
		return refuse("-Z", "it has no column for that")
	case !procfile.At(o.ProcRoot).IsLive():
		return refuse("--proc-root", "a tree that was kept does not move")
	case f.Unix || f.SCTP || f.IPX || f.AX25 || f.X25 || f.Netrom || f.Rose || f.Bluetooth:
		return refuse("this family", "it shows TCP, UDP, UDP-Lite and raw sockets")
	}
	return nil
}

// watchSockets shows the sockets until the user has enough.
func watchSockets(ctx context.Context, e *env, o *netstatOptions) error {
	const hint = "-c prints the sockets every second, --json once for machines"
	if err := e.needTerminal("--watch", hint); err != nil {
		return err
	}
	reader := newWatchReader(ctx, newKernelSockets(e, o), o.Watch)
	v := newWatchView(o, reader.ask)
	v.compile = watchFilterOf(ctx, o)
	v.kill = killWatched
	options := e.liveOptions()
	options.Start = func(l *live.Loop) {
		l.Go(func() {
			reader.run(func(f func()) bool { return l.Post(f) }, l.Done(), v.take, v.learn)
		})
	}
	err := live.Run(ctx, v, options)
	if errors.As(err, new(*live.TerminalError)) {
		return fail(statusCannot, "--watch: %w", err).withHint("%s", hint)
	}
	return liveOutcome(err)
}
