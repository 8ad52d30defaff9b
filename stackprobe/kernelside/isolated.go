package kernelside

import (
	"errors"
	"os/signal"
	"runtime"

	"golang.org/x/sys/unix"
)

// HelperWord is the only argument of this program when it is started as helper.
const HelperWord = "__world"

// controlFD is where the helper finds its end of the socket pair (the first of exec.Cmd.ExtraFiles).
const controlFD = 3

// Helper does the helper's work if this process was started as one, and reports whether it was; then its caller has to
// end the process with status. It must be called first of all in main. A person who types the word gets false: without
// a SOCK_SEQPACKET socket at descriptor 3 from which a request can be read at once, the word means nothing.
func Helper(args []string) (status int, ok bool) {
	if len(args) != 2 || args[1] != HelperWord || !isControl(controlFD) {
		return 0, false
	}
	buf := make([]byte, maxMessage)
	n, _, err := unix.Recvfrom(controlFD, buf, unix.MSG_DONTWAIT)
	if err != nil {
		return 0, false
	}
	req, ok := decodeRequest(buf[:n])
	if !ok {
		return 0, false
	}
	unix.CloseOnExec(controlFD)
	return serve(&req, buf), true
}

// isControl reports whether fd is one end of a SOCK_SEQPACKET pair.
func isControl(fd int) bool {
	domain, err1 := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	kind, err2 := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	return err1 == nil && err2 == nil && domain == unix.AF_UNIX && kind == unix.SOCK_SEQPACKET
}

// serve makes the world, then a socket for each further request, until the control socket closes. A terminal's signals reach us
// as they reach the run, which has to finish its work first: they are ignored here.
func serve(req *request, buf []byte) int {
	runtime.LockOSThread()
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	w := world{req: req}
	defer w.unwatch()
	fds, err := w.build()
	if !answer(fds, err, &w) || err != nil {
		return 1
	}
	for {
		n, _, err := unix.Recvfrom(controlFD, buf, 0)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil || n == 0:
			return 0
		case string(buf[:n]) != socketMagic:
			return 1
		}
		fds, err = w.socket()
		if !answer(fds, err, &world{}) {
			return 1
		}
	}
}

// answer sends descriptors, or the error instead, and closes them here.
func answer(fds []int, err error, w *world) bool {
	r := reply{pinned: w.pinned, unpinned: w.unpinned, untraced: w.untraced}
	if err != nil {
		r.step, r.text = string(StepHelper), err.Error()
		if e, ok := errors.AsType[*Error](err); ok {
			r.step = string(e.Step)
		}
		if errno, ok := errors.AsType[unix.Errno](err); ok {
			r.errno = int(errno)
		}
		fds = nil
	}
	sent := unix.Sendmsg(controlFD, r.encode(), unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
	closeAll(fds)
	return sent == nil
}
