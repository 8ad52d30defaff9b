package main

import (
	"bytes"
	"context"
	"net/netip"
	"strconv"
	"unicode/utf8"

	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/procnet"
)

// classicSockets prints sockets as netstat of net-tools 2.10 does, byte for
// byte. One line is built in one buffer, which the next line uses again.
type classicSockets struct {
	e     *env
	o     *netstatOptions
	names *netstatNames
	which string // the end of the titles
	secs  securityContexts
	line  []byte
	// before is how much of the line stands before the program column.
	before int
	addr   []byte
	port   []byte
}

func newClassicSockets(ctx context.Context, e *env, o *netstatOptions) *classicSockets {
	c := &classicSockets{e: e, o: o, names: newNetstatNames(o, newReverseLookup(ctx, e)), which: "(w/o servers)",
		secs: securityContexts{e: e, procs: o.sockets()}}
	switch {
	case o.All:
		c.which = "(servers and established)"
	case o.Listening:
		c.which = "(only servers)"
	}
	return c
}

func (c *classicSockets) inetTitle() {
	line := "Active Internet connections " + c.which + "\n" +
		"Proto Recv-Q Send-Q Local Address           Foreign Address         State      "
	if c.o.Extend > 0 {
		line += " User       Inode     "
	}
	if c.o.Programs {
		line += " PID/Program name    "
	}
	if c.o.Context {
		line += contextHead
	}
	if c.o.Timers {
		line += " Timer"
	}
	if c.o.Kill {
		line += " Result"
	}
	c.e.Stdout.WriteString(line + "\n")
}

func (c *classicSockets) inet(shown *shownSocket) {
	if shown.sctp != nil {
		c.sctp(shown)
		return
	}
	s := shown.inet
	line := render.Left(c.line[:0], inetWord(s), 5)
	line = appendUintRight(append(line, ' '), uint64(s.RxQueue), 6)
	line = appendUintRight(append(line, ' '), uint64(s.TxQueue), 6)
	line = c.appendEndpoint(append(line, ' '), s, s.Local)
	line = c.appendEndpoint(append(line, ' '), s, s.Remote)
	line = render.Left(append(line, ' '), inetStateWord(s), 11)
	line = c.appendExtra(line, shown)
	if c.o.Timers {
		line = appendTimer(append(line, ' '), s)
	}
	if shown.killed != nil {
		line = append(append(line, ' '), shown.killed.word...)
	}
	if c.o.Info {
		line = appendInfo(line, s)
	}
	c.write(line)
	c.furtherOwners(shown.owners)
}

// appendExtra appends the columns of -e, -p and -Z.
func (c *classicSockets) appendExtra(line []byte, shown *shownSocket) []byte {
	if c.o.Extend > 0 {
		line = c.appendUser(append(line, ' '), shown.inet.UID)
		line = appendUintLeft(append(line, ' '), shown.inet.Inode, 10)
	}
	return c.appendOwner(line, shown.owners)
}

// inetWord is the Proto column.
func inetWord(s *procnet.InetSocket) string {
	words := [...][2]string{procnet.TCP: {"tcp", "tcp6"}, procnet.UDP: {"udp", "udp6"}, procnet.UDPLite: {"udpl", "udpl6"}, procnet.Raw: {"raw", "raw6"}}
	if s.V6 {
		return words[s.Proto][1]
	}
	return words[s.Proto][0]
}

// inetStateWord is the State column: a word for TCP, a word for a connected UDP
// socket and nothing for another, the number for raw.
func inetStateWord(s *procnet.InetSocket) string {
	switch {
	case s.Proto == procnet.Raw:
		return strconv.Itoa(int(s.State))
	case s.Proto == procnet.TCP && s.State == 0, s.Proto != procnet.TCP && s.State == procnet.Close:
		return ""
	case s.Proto == procnet.TCP || s.State == procnet.Established:
		return s.State.String()
	}
	return "UNKNOWN"
}

// endpointRoom is what an address and a port share, without the colon.
const endpointRoom = 22

// appendEndpoint appends one address column, 23 bytes wide. Without -W what is
// too long is cut: the port to 18 bytes, the address to what is left.
func (c *classicSockets) appendEndpoint(dst []byte, s *procnet.InetSocket, ap netip.AddrPort) []byte {
	addr := c.appendHost(c.addr[:0], ap.Addr())
	port := c.appendPort(c.port[:0], s.Proto, ap.Port())
	c.addr, c.port = addr, port
	if !c.o.Wide && len(addr)+len(port) > endpointRoom {
		port = cutText(port, 18)
		addr = cutText(addr, endpointRoom-len(port))
	}
	start := len(dst)
	dst = append(append(append(dst, addr...), ':'), port...)
	return render.Left(dst, "", endpointRoom+1-(len(dst)-start))
}

func (c *classicSockets) appendHost(dst []byte, a netip.Addr) []byte {
	if name := c.names.host(a); name != "" {
		return append(dst, name...)
	}
	if a == netip.IPv6Unspecified() && !c.o.NumericHosts {
		return append(dst, "[::]"...)
	}
	return appendNumericAddr(dst, a)
}

// appendNumericAddr appends an address as inet_ntop(3) writes it, an IPv4-mapped
// one as IPv4. It differs from netip in the deprecated IPv4-compatible addresses
// (RFC 4291 section 2.5.5.1), whose last word is written as IPv4.
func appendNumericAddr(dst []byte, a netip.Addr) []byte {
	a = a.Unmap()
	if a.Is6() {
		b := a.As16()
		if [12]byte(b[:12]) == [12]byte{} && (b[12] != 0 || b[13] != 0) {
			return netip.AddrFrom4([4]byte(b[12:])).AppendTo(append(dst, "::"...))
		}
	}
	return a.AppendTo(dst)
}

func (c *classicSockets) appendPort(dst []byte, p procnet.Proto, port uint16) []byte {
	if port == 0 {
		return append(dst, '*')
	}
	if name := c.names.service(p, port); name != "" {
		return append(dst, name...)
	}
	return strconv.AppendUint(dst, uint64(port), 10)
}

// appendUser appends the User column. An unknown uid is a number, and netstat
// takes it for signed.
func (c *classicSockets) appendUser(dst []byte, uid uint32) []byte {
	if name := c.names.user(uid); name != "" {
		return render.Left(dst, name, 10)
	}
	return render.LeftInt(dst, int64(int32(uid)), 10)
}

// appendOwner appends the columns of -p and -Z.
func (c *classicSockets) appendOwner(line []byte, owners []procnet.Owner) []byte {
	c.before = len(line)
	if c.o.Programs {
		line = appendProgram(append(line, ' '), owners)
	}
	if c.o.Context {
		line = c.secs.appendContext(append(line, ' '), owners)
	}
	return line
}

func appendProgram(dst []byte, owners []procnet.Owner) []byte {
	program := "-"
	if len(owners) > 0 {
		program = programName(owners[0])
	}
	return render.Left(dst, program, 20)
}

// furtherOwners prints with --owners all the processes beside the first that
// hold the socket of the row just written, on a line each, below the program
// column. The original has no such lines.
func (c *classicSockets) furtherOwners(owners []procnet.Owner) {
	if !c.o.AllOwners || len(owners) < 2 {
		return
	}
	before := c.line[:c.before]
	before = before[bytes.LastIndexByte(before, '\n')+1:] // a row of SCTP may have several lines
	indent := utf8.RuneCount(before)
	for i := 1; i < len(owners); i++ {
		if owners[i].PID != owners[i-1].PID { // several descriptors of one process
			c.write(bytes.TrimRight(c.appendOwner(render.Left(c.line[:0], "", indent), owners[i:]), " "))
		}
	}
}

// appendTimer appends the Timer column: word (seconds/retransmits/probes).
func appendTimer(dst []byte, s *procnet.InetSocket) []byte {
	t := s.Timer
	if word := timerWord(s.Proto, t.Kind); word != "" {
		dst = append(dst, word...)
	} else {
		dst = strconv.AppendUint(append(dst, "unkn-"...), uint64(t.Kind), 10)
	}
	if s.Proto == procnet.UDP || s.Proto == procnet.UDPLite {
		t.Retransmits = 0 // the original never shows a datagram socket's
	}
	dst = appendHundredths(append(dst, " ("...), t.Remaining)
	dst = strconv.AppendUint(append(dst, '/'), uint64(t.Retransmits), 10)
	dst = strconv.AppendInt(append(dst, '/'), int64(t.Probes), 10)
	return append(dst, ')')
}

// timerWord is netstat's word for a timer, "" when it has none.
func timerWord(p procnet.Proto, kind procnet.TimerKind) string {
	words := []string{"off", "on1", "on2"}
	if p == procnet.TCP {
		words = []string{"off", "on", "keepalive", "timewait", "probe"}
	}
	if int(kind) < len(words) {
		return words[kind]
	}
	return ""
}

// appendHundredths appends ticks of 1/100 s as seconds with two decimals.
func appendHundredths(dst []byte, ticks uint64) []byte {
	dst = strconv.AppendUint(dst, ticks/100, 10)
	return append(dst, '.', byte('0'+ticks/10%10), byte('0'+ticks%10))
}

func (c *classicSockets) unixTitle() {
	line := "Active UNIX domain sockets " + c.which + "\n" +
		"Proto RefCnt Flags       Type       State         I-Node  "
	if c.o.Programs {
		line += " PID/Program name    "
	}
	if c.o.Context {
		line += contextHead
	}
	c.e.Stdout.WriteString(line + " Path\n")
}

func (c *classicSockets) unix(shown *shownSocket) {
	s := shown.unix
	proto := "unix"
	if s.Protocol != 0 {
		proto = "??"
	}
	line := render.Left(c.line[:0], proto, 5)
	line = appendRefCount(append(line, ' '), s)
	line = appendUnixFlags(append(line, ' '), s.Flags)
	line = render.Left(append(line, ' '), unixTypeWord(s.Type), 10)
	line = render.Left(append(line, ' '), unixStateWord(s), 13)
	line = appendUintLeft(append(line, ' '), s.Inode, 8)
	line = c.appendOwner(line, shown.owners)
	c.write(safe.Append(append(line, ' '), string(s.Path)))
	c.furtherOwners(shown.owners)
}

// appendRefCount appends the RefCnt column, - where only the file has it and
// there is none.
func appendRefCount(dst []byte, s *procnet.UnixSocket) []byte {
	if s.NoRefCount {
		return render.Left(dst, "-", 6)
	}
	return appendUintLeft(dst, uint64(s.RefCount), 6)
}

// appendUnixFlags appends the Flags column: SO_ACCEPTCON, and two flags that
// kernels once had.
func appendUnixFlags(dst []byte, flags uint32) []byte {
	start := len(dst)
	dst = append(dst, "[ "...)
	if flags&procnet.UnixAccepting != 0 {
		dst = append(dst, "ACC "...)
	}
	if flags&(1<<17) != 0 { // SO_WAITDATA
		dst = append(dst, "W "...)
	}
	if flags&(1<<18) != 0 { // SO_NOSPACE
		dst = append(dst, "N "...)
	}
	dst = append(dst, ']')
	return render.Left(dst, "", 11-(len(dst)-start))
}

func unixTypeWord(t procnet.UnixType) string {
	switch t {
	case procnet.UnixStream:
		return "STREAM"
	case procnet.UnixDgram:
		return "DGRAM"
	case procnet.UnixRaw:
		return "RAW"
	case procnet.UnixRDM:
		return "RDM"
	case procnet.UnixSeqpacket:
		return "SEQPACKET"
	}
	return "UNKNOWN"
}

func unixStateWord(s *procnet.UnixSocket) string {
	switch s.State {
	case procnet.UnixFree:
		return "FREE"
	case procnet.UnixUnconnected:
		if s.Accepting() {
			return "LISTENING"
		}
		return ""
	case procnet.UnixConnecting:
		return "CONNECTING"
	case procnet.UnixConnected:
		return "CONNECTED"
	case procnet.UnixDisconnecting:
		return "DISCONNECTING"
	}
	return "UNKNOWN"
}

// write ends the line and keeps its buffer.
func (c *classicSockets) write(line []byte) {
	c.line = append(line, '\n')
	c.e.Stdout.Write(c.line)
}

// cutText cuts text to width bytes, not inside an escape or a character. A number
// has neither, and is cut where it is, without a copy.
func cutText(text []byte, width int) []byte {
	if len(text) <= width {
		return text
	}
	for _, c := range text {
		if c == '\\' || c >= utf8.RuneSelf {
			return text[:len(safe.Cut(string(text), width))]
		}
	}
	return text[:width]
}

func appendUintRight(dst []byte, n uint64, width int) []byte {
	var digits [20]byte
	text := strconv.AppendUint(digits[:0], n, 10)
	return append(render.Left(dst, "", width-len(text)), text...)
}

func appendUintLeft(dst []byte, n uint64, width int) []byte {
	start := len(dst)
	dst = strconv.AppendUint(dst, n, 10)
	return render.Left(dst, "", width-(len(dst)-start))
}
