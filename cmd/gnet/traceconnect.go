package main

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"gnet/internal/words"
	"gnet/ping/probe"
	"gnet/stackprobe"
)

const traceConnectLong = `Have the engine, an embedded TCP stack, open a connection to a real server, and
show every segment of it, with the engine's state and variables. Of the server
only its segments are seen: its states are inferred from them, and marked so.

--attach nat puts the engine behind a TUN interface of this host, which forwards
its packets and masquerades its address; --attach bridge:BR makes it a host of
that bridge's network (--address). What is changed of this host is said before,
and changed back after, however the run ends: a process of its own sees to that,
and if it was killed too, the next run of gnet.

The engine waits a second for what the server says, and closes; or it sends a GET
(--get), or --bytes octets, or does what --at-engine says.

Status 1: the connection failed. 2: the host could not be changed, or changed
back. 3: the command line is wrong.`

// connectIdle is what an engine does that is told nothing.
const connectIdle = "role sink close fin at 1s"

// newTraceConnectCommand returns `gnet trace connect`, one of gnet's own verbs.
func newTraceConnectCommand(e *env, run func(context.Context, *env, attachOptions) error) *cobra.Command {
	var w attachWords
	get := ""
	cmd := &cobra.Command{
		Use:               "connect HOST:PORT",
		Short:             "Connect the engine to a real server, and trace that",
		Long:              traceConnectLong,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fail(statusUsage, "want one server, as HOST:PORT")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			host, port, err := splitServer(args[0])
			if err != nil {
				return err
			}
			if literal, err := netip.ParseAddr(host); err == nil && w.address == "" && !w.ipv4 {
				w.ipv6 = literal.Is6()
			}
			a := &stackprobe.Attach{}
			if get != "" {
				if a.Get, err = getRequest(get, args[0]); err != nil {
					return err
				}
			}
			o, err := w.options(cmd, a, connectIdle)
			if err != nil {
				return err
			}
			if a.Server, err = server(cmd.Context(), host, port, w.ipv6); err != nil {
				return err
			}
			return run(cmd.Context(), e, o)
		},
	}
	w.bind(cmd)
	f := cmd.Flags()
	f.StringVar(&get, "get", "", "send a GET of HTTP/1.1 for that `path`, and read to the end")
	decimal(f, &w.conns, "connections", 1, "`number` of connections that the engine opens at once")
	f.DurationVar(&w.deadline, "deadline", 0, "give up after that time (30s)")
	return cmd
}

// splitServer reads HOST:PORT.
func splitServer(text string) (host string, port uint16, err error) {
	host, number, err := net.SplitHostPort(text)
	n, ok := words.Number(number, 1, 65535)
	if err != nil || !ok || host == "" {
		return "", 0, fail(statusUsage, "%q: want a server as HOST:PORT, such as example.net:80", text)
	}
	return host, uint16(n), nil
}

// server finds the address of a server.
func server(ctx context.Context, host string, port uint16, six bool) (netip.AddrPort, error) {
	if literal, err := netip.ParseAddr(host); err == nil && (literal.Is6() != six || six && !unicast(literal)) {
		return netip.AddrPort{}, fail(statusUsage, "%s: want a server of %s, which others reach too", host, family(six))
	}
	of := probe.IPv4
	if six {
		of = probe.IPv6
	}
	target, err := resolveTarget(ctx, host, of)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(target.Addrs[0].Unmap(), port), nil
}

// getRequest is a GET for a path.
func getRequest(path, server string) (string, error) {
	if path[0] != '/' || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", fail(statusUsage, "--get %q: want a path such as /index.html, its other octets as %%20", path)
	}
	return "GET " + path + " HTTP/1.1\r\nHost: " + server + "\r\nConnection: close\r\n\r\n", nil
}
