package kernelside

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/stackprobe/app"
)

// CC is the congestion control of a socket whose options name none: the engine's, so that the two can be compared.
const CC = "reno"

// unsupported makes the refusal of an option.
func unsupported(option, why string) error {
	return &app.Unsupported{Option: option, Stack: Name(), Why: why}
}

// refuse reports the first option that no kernel has.
func refuse(s *app.Socket) error {
	switch {
	case s.TimeWait != 0:
		return unsupported("time-wait", "its TIME-WAIT is 60 seconds (TCP_TIMEWAIT_LEN), for all sockets")
	case s.Keepalive%time.Second != 0 || s.KeepaliveEvery%time.Second != 0:
		return unsupported("keepalive", "it counts whole seconds (TCP_KEEPIDLE, TCP_KEEPINTVL)")
	case s.UserTimeout%time.Millisecond != 0:
		return unsupported("user-timeout", "it counts whole milliseconds (TCP_USER_TIMEOUT)")
	case s.MSS != 0 && (s.MSS < 88 || s.MSS > 32767):
		return unsupported("mss", "it takes 88 to 32767 (TCP_MAXSEG)")
	}
	return nil
}

// socketOption is one integer option of a socket.
type socketOption struct {
	word, name        string
	level, opt, value int
	doubled           bool
}

// optionsOf lists the options that s asks for, by their words on the command line.
func optionsOf(s *app.Socket) []socketOption {
	var list []socketOption
	add := func(wanted bool, o socketOption) {
		if wanted {
			list = append(list, o)
		}
	}
	tcp, sock := unix.IPPROTO_TCP, unix.SOL_SOCKET
	add(s.MSS != 0, socketOption{word: "mss", name: "TCP_MAXSEG", level: tcp, opt: unix.TCP_MAXSEG, value: s.MSS})
	add(s.RcvBuf != 0, socketOption{word: "rcvbuf", name: "SO_RCVBUF", level: sock, opt: unix.SO_RCVBUF, value: s.RcvBuf, doubled: true})
	add(s.SndBuf != 0, socketOption{word: "sndbuf", name: "SO_SNDBUF", level: sock, opt: unix.SO_SNDBUF, value: s.SndBuf, doubled: true})
	add(s.Nagle == app.Off, socketOption{word: "nagle", name: "TCP_NODELAY", level: tcp, opt: unix.TCP_NODELAY, value: 1})
	// On: delay from the first segment on, without the quick acknowledgements of the beginning.
	add(s.DelayedAck == app.On, socketOption{word: "delayed-ack", name: "TCP_QUICKACK", level: tcp, opt: unix.TCP_QUICKACK, value: 0})
	add(s.DF == app.On, socketOption{word: "df", name: "IP_MTU_DISCOVER", level: unix.IPPROTO_IP, opt: unix.IP_MTU_DISCOVER, value: unix.IP_PMTUDISC_DO})
	add(s.DF == app.Off, socketOption{word: "df", name: "IP_MTU_DISCOVER", level: unix.IPPROTO_IP, opt: unix.IP_MTU_DISCOVER, value: unix.IP_PMTUDISC_DONT})
	add(s.Keepalive != 0, socketOption{word: "keepalive", name: "SO_KEEPALIVE", level: sock, opt: unix.SO_KEEPALIVE, value: 1})
	add(s.Keepalive != 0, socketOption{word: "keepalive", name: "TCP_KEEPIDLE", level: tcp, opt: unix.TCP_KEEPIDLE, value: int(s.Keepalive / time.Second)})
	add(s.KeepaliveEvery != 0, socketOption{word: "keepalive", name: "TCP_KEEPINTVL", level: tcp, opt: unix.TCP_KEEPINTVL, value: int(s.KeepaliveEvery / time.Second)})
	add(s.KeepaliveCount != 0, socketOption{word: "keepalive", name: "TCP_KEEPCNT", level: tcp, opt: unix.TCP_KEEPCNT, value: s.KeepaliveCount})
	add(s.UserTimeout != 0, socketOption{word: "user-timeout", name: "TCP_USER_TIMEOUT", level: tcp, opt: unix.TCP_USER_TIMEOUT, value: int(s.UserTimeout / time.Millisecond)})
	return list
}

// applyOptions sets the options of a socket before it connects or listens; what is accepted from a listener inherits them. Buffers
// are read back, because the kernel cuts them to its limits without a word (net/core/sock.c, sk_setsockopt).
func applyOptions(fd int, s *app.Socket) error {
	for _, o := range optionsOf(s) {
		if err := unix.SetsockoptInt(fd, o.level, o.opt, o.value); err != nil {
			return unsupported(o.word, fmt.Sprintf("%s %d: %v", o.name, o.value, err))
		}
		if !o.doubled {
			continue
		}
		got, err := unix.GetsockoptInt(fd, o.level, o.opt)
		if err != nil {
			return os.NewSyscallError("getsockopt "+o.name, err)
		}
		if got < 2*o.value {
			return unsupported(o.word, fmt.Sprintf("%s takes at most %d on this machine (net.core)", o.name, got/2))
		}
	}
	return nil
}

// congestionError turns the kernel's refusal of a congestion control into that of the option.
func congestionError(err error, name string) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Step != StepCongestion {
		return err
	}
	why := name + ": " + e.Err.Error()
	if e.Err == unix.ENOENT {
		why = name + " is not in this kernel"
		if b, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control"); err == nil {
			why += "; it has " + strings.TrimSpace(string(b))
		}
	}
	return unsupported("cc", why)
}
