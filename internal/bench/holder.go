package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
)

// startHolder starts a process that will hold sockets until the end of the
// scope. It is ready when awaitHolders has returned.
func (l *lab) startHolder(kind string, number, sockets int) {
	cmd := netns.Self("holder", kind, strconv.Itoa(number), strconv.Itoa(sockets))
	cmd.Env = append(os.Environ(), roleEnv+"=holder")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	l.must(err)
	stdout, err := cmd.StdoutPipe()
	l.must(err)
	l.must(cmd.Start())
	l.Cleanup(func() { stdin.Close(); cmd.Wait() })
	l.holders = append(l.holders, holder{cmd, bufio.NewReader(stdout)})
}

// holder is a started process; it says when it has its sockets.
type holder struct {
	cmd   *exec.Cmd
	ready *bufio.Reader
}

func (l *lab) awaitHolders() {
	for _, h := range l.holders {
		if _, err := h.ready.ReadString('\n'); err != nil {
			l.Fatalf("%v: %v", h.cmd.Args, err)
		}
	}
	l.holders = nil
}

// hold keeps sockets open until standard input ends. Each holder has an address
// of its own, so that ports never run out.
func hold(args []string) error {
	var kind string
	var number, sockets int
	if _, err := fmt.Sscan(strings.Join(args, " "), &kind, &number, &sockets); err != nil {
		return err
	}
	if err := allowDescriptors(sockets); err != nil {
		return err
	}
	h := holding{addr: [4]byte{127, 0, 1 + byte(number/250), 1 + byte(number%250)}}
	err := fmt.Errorf("nothing called %q can be held", kind)
	switch kind {
	case "tcp":
		err = h.tcp(sockets)
	case "udp":
		err = h.udp(sockets)
	case "descriptors":
		err = h.descriptors(sockets)
	}
	if err != nil {
		return err
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	return nil
}

// allowDescriptors raises the limit for n sockets and what the process has else.
func allowDescriptors(n int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	need := uint64(n + 50)
	if limit.Cur >= need {
		return nil
	}
	limit.Cur, limit.Max = need, max(limit.Max, need)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("a limit of %d descriptors: %w", need, err)
	}
	return nil
}

// holding makes sockets on one address. They are closed by the end of the
// process, with a reset: thousands of sockets in TIME_WAIT would be part of the
// next measurement.
type holding struct{ addr [4]byte }

const firstPort = 4000

func (h holding) socket(typ int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, typ|unix.SOCK_CLOEXEC, 0)
	if err == nil && typ == unix.SOCK_STREAM {
		err = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	return fd, err
}

func (h holding) bind(typ, port int) (int, error) {
	fd, err := h.socket(typ)
	if err != nil {
		return fd, err
	}
	return fd, unix.Bind(fd, &unix.SockaddrInet4{Addr: h.addr, Port: port})
}

func (h holding) listen(port int) (int, error) {
	fd, err := h.bind(unix.SOCK_STREAM, port)
	if err != nil {
		return fd, err
	}
	return fd, unix.Listen(fd, 16)
}

// tcp makes n sockets: one or two listeners, so that pairs make up the rest.
func (h holding) tcp(n int) error {
	listeners := 2 - n%2
	listener := -1
	for i := range listeners {
		fd, err := h.listen(firstPort + i)
		if err != nil {
			return err
		}
		listener = fd
	}
	remote := &unix.SockaddrInet4{Addr: h.addr, Port: firstPort + listeners - 1}
	for range (n - listeners) / 2 {
		client, err := h.socket(unix.SOCK_STREAM)
		if err != nil {
			return err
		}
		if err := unix.Connect(client, remote); err != nil {
			return err
		}
		if _, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC); err != nil {
			return err
		}
	}
	return nil
}

func (h holding) udp(n int) error {
	for i := range n {
		if _, err := h.bind(unix.SOCK_DGRAM, firstPort+i); err != nil {
			return err
		}
	}
	return nil
}

// descriptors makes n descriptors: those of a UDP socket, and then one of a
// listening TCP socket.
func (h holding) descriptors(n int) error {
	fd, err := h.bind(unix.SOCK_DGRAM, firstPort)
	if err != nil {
		return err
	}
	for range n - 2 {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0); err != nil {
			return err
		}
	}
	_, err = h.listen(firstPort)
	return err
}
