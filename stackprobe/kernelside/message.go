package kernelside

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The two processes exchange messages over a SOCK_SEQPACKET pair: lines of text, descriptors beside them. The first request is
// for a world, each later one for a socket in it.
const (
	worldMagic  = "gnet world 3"
	socketMagic = "gnet world 3 socket"
	startMagic  = "gnet world 3 start"
	signalMagic = "gnet world 3 signal " // and its number
	exitMagic   = "gnet world 3 exit"
	replyMagic  = "gnet world 3 reply"
	maxMessage  = 8 << 10
)

// request is what the helper has to make.
type request struct {
	local, peer netip.Addr // of one family
	mtu         int
	veth        bool   // instead of TUN
	offload     bool   // a TUN interface with segmentation offload
	quickAck    bool   // acknowledge every segment at once (RTAX_QUICKACK)
	watch       uint16 // the server's port, 0 if no trace events are read
	cc          string
	guests      bool // programs run in the world: it has a loopback interface and a name for the peer
	uid, gid    int  // whose they are
	sysctls     []sysctl
}

// sysctl is a file below /proc/sys/net and what is written to it.
type sysctl struct{ name, value string }

func (r *request) encode() []byte {
	b := fmt.Appendf(nil, "%s\n%s\n%s\n%d\n%t\n%t\n%t\n%d\n%t\n%d\n%d\n%s", worldMagic, r.local, r.peer, r.mtu, r.veth, r.offload, r.quickAck, r.watch,
		r.guests, r.uid, r.gid, r.cc)
	for _, s := range r.sysctls {
		b = fmt.Appendf(b, "\n%s=%s", s.name, s.value)
	}
	return b
}

// decodeRequest reads a request; it reports false for anything else, which means that this process is no helper.
func decodeRequest(b []byte) (request, bool) {
	f := strings.Split(string(b), "\n")
	if len(f) < 12 || f[0] != worldMagic {
		return request{}, false
	}
	local, err1 := netip.ParseAddr(f[1])
	peer, err2 := netip.ParseAddr(f[2])
	mtu, err3 := strconv.ParseUint(f[3], 10, 17)
	veth, err4 := strconv.ParseBool(f[4])
	offload, err5 := strconv.ParseBool(f[5])
	quick, err6 := strconv.ParseBool(f[6])
	watch, err7 := strconv.ParseUint(f[7], 10, 16)
	guests, err8 := strconv.ParseBool(f[8])
	uid, err9 := strconv.Atoi(f[9])
	gid, err10 := strconv.Atoi(f[10])
	r := request{local: local, peer: peer, mtu: int(mtu), veth: veth, offload: offload, quickAck: quick, watch: uint16(watch), guests: guests, uid: uid, gid: gid, cc: f[11]}
	for _, err := range [...]error{err1, err2, err3, err4, err5, err6, err7, err8, err9, err10} {
		if err != nil {
			return request{}, false
		}
	}
	for _, line := range f[12:] {
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.Contains(name, "..") {
			return request{}, false
		}
		r.sysctls = append(r.sysctls, sysctl{name, value})
	}
	return r, local.Is4() == peer.Is4()
}

// reply is what the helper made, its descriptors beside it, and what is pinned; or how it failed.
type reply struct {
	// step is "" for success, otherwise what failed; errno is its cause, text the whole sentence.
	step, text string
	errno      int
	// pinned lists what was fixed, unpinned what could not be, with the cause.
	pinned, unpinned []string
	// untraced says why no trace events are read.
	untraced string
}

func (r *reply) encode() []byte {
	lines := []string{replyMagic, r.step, strconv.Itoa(r.errno), strings.ReplaceAll(r.text, "\n", " ")}
	for _, p := range r.pinned {
		lines = append(lines, "+"+p)
	}
	for _, p := range r.unpinned {
		lines = append(lines, "-"+p)
	}
	if r.untraced != "" {
		lines = append(lines, "!"+strings.ReplaceAll(r.untraced, "\n", " "))
	}
	b := strings.Join(lines, "\n")
	return []byte(b[:min(len(b), maxMessage)])
}

func decodeReply(b []byte) (reply, error) {
	f := strings.Split(string(b), "\n")
	if len(f) < 4 || f[0] != replyMagic {
		return reply{}, &Error{Step: StepHelper, Text: fmt.Sprintf("unreadable answer of %d bytes", len(b))}
	}
	errno, err := strconv.Atoi(f[2])
	if err != nil {
		return reply{}, &Error{Step: StepHelper, Text: "unreadable errno in the answer"}
	}
	r := reply{step: f[1], errno: errno, text: f[3]}
	for _, line := range f[4:] {
		switch {
		case strings.HasPrefix(line, "+"):
			r.pinned = append(r.pinned, line[1:])
		case strings.HasPrefix(line, "-"):
			r.unpinned = append(r.unpinned, line[1:])
		case strings.HasPrefix(line, "!"):
			r.untraced = line[1:]
		}
	}
	return r, nil
}

// failure makes the error of a reply.
func (r *reply) failure() error {
	if r.step == "" {
		return nil
	}
	e := &Error{Step: Step(r.step), Text: r.text}
	if r.errno != 0 {
		e.Err = unix.Errno(r.errno)
	}
	return e
}
