package kernelside

import (
	"errors"
	"os/signal"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// HelperWord is the first argument of this program when it is started as helper; a program that it is to start, with its arguments,
// follows.
const HelperWord = "__world"

// controlFD is where the helper finds its end of the socket pair (the first of exec.Cmd.ExtraFiles).
const controlFD = 3

// Helper does the helper's work if this process was started as one, and reports whether it was; then its caller has to
// end the process with status. It must be called first of all in main. A person who types the word gets false: without
// a SOCK_SEQPACKET socket at descriptor 3 from which a request can be read at once, the word means nothing.
func Helper(args []string) (status int, ok bool) {
	if len(args) < 2 || args[1] != HelperWord || !isControl(controlFD) {
		return 0, false
	}
	buf := make([]byte, maxMessage)
	n, _, err := unix.Recvfrom(controlFD, buf, unix.MSG_DONTWAIT)
	if err != nil {
		return 0, false
	}
	if nodes, ok := decodePath(buf[:n]); ok {
		unix.CloseOnExec(controlFD)
		return servePath(nodes, buf), true
	}
	req, ok := decodeRequest(buf[:n])
	if !ok {
		return 0, false
	}
	unix.CloseOnExec(controlFD)
	return serve(&req, args[2:], buf), true
}

// isControl reports whether fd is one end of a SOCK_SEQPACKET pair.
func isControl(fd int) bool {
	domain, err1 := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	kind, err2 := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	return err1 == nil && err2 == nil && domain == unix.AF_UNIX && kind == unix.SOCK_SEQPACKET
}

// serve makes the world, then a socket for each further request, until the control socket closes. A terminal's signals reach us
// as they reach the run, which has to finish its work first: they end nothing here.
func serve(req *request, argv []string, buf []byte) int {
	runtime.LockOSThread()
	w := world{req: req}
	defer w.unwatch()
	if len(argv) > 0 {
		w.program = newProgram(argv)
	} else {
		signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	}
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
		}
		if !w.serve(string(buf[:n])) {
			return 1
		}
	}
}

// serve does what one request asks for, and reports whether it could be understood and answered.
func (w *world) serve(request string) bool {
	switch number, isSignal := strings.CutPrefix(request, signalMagic); {
	case request == socketMagic:
		fds, err := w.socket()
		return answer(fds, err, &world{})
	case w.program == nil:
		return false
	case request == startMagic:
		remarks, err := w.program.start(w.req)
		if !answer(nil, err, &world{unpinned: remarks}) {
			return false
		}
		if err == nil {
			go w.program.reap()
		}
		return true
	case isSignal:
		n, err := strconv.Atoi(number)
		w.program.signal(unix.Signal(n))
		return err == nil
	}
	return false
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
