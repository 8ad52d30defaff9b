package kernelside

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
)

// CC is the congestion control of the client's socket: the engine's, so that the two can be compared.
const CC = "reno"

// Config says what to make.
type Config struct {
	Client, Server netip.Addr // IPv4
	Port           uint16     // the client's
	MTU            int
	// Helper is the command that runs Helper; nil stands for this program.
	Helper []string
}

// Host is a kernel's network namespace with a TUN interface and one socket, seen from outside.
type Host struct {
	tun, sock      int
	table, devices int // /proc/net/tcp and /proc/net/dev of the namespace
	client, server netip.Addr
	port           uint16
	peer           netip.AddrPort // of the connection, after Connect
	// Pinned says what was fixed in the namespace, Unpinned what could not be.
	Pinned, Unpinned []string

	traffic traffic
}

// Open makes a Host. It starts the helper and returns when that has ended. If the machine refuses, the error is an
// *Error.
func Open(ctx context.Context, c Config) (*Host, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, &Error{Step: "world helper", Err: err}
	}
	defer unix.Close(ours)
	req := request{client: c.Client.String(), server: c.Server.String(), port: c.Port, mtu: c.MTU, cc: CC}
	if err := unix.Send(ours, req.encode(), unix.MSG_NOSIGNAL); err != nil {
		theirs.Close()
		return nil, &Error{Step: "world helper", Err: os.NewSyscallError("send", err)}
	}
	p, err := start(c.Helper, theirs)
	theirs.Close()
	if err != nil {
		return nil, &Error{Step: "namespaces", Text: err.Error(), Err: err}
	}
	stop := context.AfterFunc(ctx, func() { p.Cmd.Process.Kill() })
	defer stop()
	r, fds, err := receive(ours)
	waitErr := p.Wait()
	if err == nil {
		err = r.failure()
	}
	if err == nil && len(fds) != numFDs {
		err = &Error{Step: "world helper", Text: "the helper handed over too few descriptors"}
	}
	if err != nil {
		closeAll(fds)
		return nil, explainDeath(ctx, err, waitErr)
	}
	return &Host{tun: fds[0], sock: fds[1], table: fds[2], devices: fds[3], client: c.Client, server: c.Server, port: c.Port, Pinned: r.pinned, Unpinned: r.unpinned}, nil
}

// numFDs is the number of descriptors that the helper hands over: TUN, socket, socket table, device table.
const numFDs = 4

// pair makes the two ends of the control socket, the second as a file for the helper.
func pair() (int, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, nil, os.NewSyscallError("socketpair", err)
	}
	return fds[0], os.NewFile(uintptr(fds[1]), "world helper"), nil
}

// start runs the helper in fresh namespaces that die with us.
func start(helper []string, control *os.File) (*netns.Process, error) {
	cmd := netns.Self("gnet", HelperWord)
	if len(helper) > 0 {
		cmd = &exec.Cmd{Path: helper[0], Args: append(helper[:len(helper):len(helper)], HelperWord)}
	}
	cmd.ExtraFiles = []*os.File{control}
	netns.Isolate(cmd)
	return netns.Start(cmd)
}

// receive reads the helper's answer and the descriptors with it.
func receive(fd int) (reply, []int, error) {
	buf, oob := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4*numFDs))
	var n, oobn int
	var err error
	for {
		n, oobn, _, _, err = unix.Recvmsg(fd, buf, oob, unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			break
		}
	}
	switch {
	case err == unix.ECONNRESET || err == nil && n == 0:
		// It ended; if it had not even read the request, the socket says reset.
		return reply{}, nil, errSilent
	case err != nil:
		return reply{}, nil, &Error{Step: "world helper", Err: os.NewSyscallError("recvmsg", err)}
	}
	var fds []int
	if msgs, err := unix.ParseSocketControlMessage(oob[:oobn]); err == nil {
		for i := range msgs {
			if got, err := unix.ParseUnixRights(&msgs[i]); err == nil {
				fds = append(fds, got...)
			}
		}
	}
	r, err := decodeReply(buf[:n])
	return r, fds, err
}

// errSilent is a helper that ended without an answer.
var errSilent = &Error{Step: "world helper", Text: "the helper ended without an answer"}

// explainDeath adds how the helper ended to an error that it did not explain itself.
func explainDeath(ctx context.Context, err, waitErr error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errSilent) && waitErr != nil {
		return &Error{Step: "world helper", Text: strings.Join([]string{errSilent.Text, waitErr.Error()}, ": "), Err: waitErr}
	}
	return err
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
