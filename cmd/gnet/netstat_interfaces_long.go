package main

import (
	"net"
	"strconv"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
	"gnet/internal/safe"
	"gnet/procnet"
)

// printLong prints the rows of -ie as netstat of net-tools 2.10 does, which are
// those of ifconfig(8).
func (l *interfaceList) printLong() {
	l.title()
	var text []byte
	for _, row := range l.rows {
		text = append(row.appendLong(text[:0]), '\n')
		l.e.Stdout.Write(text)
	}
}

const longIndent = "        "

// appendLong appends the lines of one interface. A label has no counters.
func (r *interfaceRow) appendLong(text []byte) []byte {
	text = append(append(text, safe.String(r.name)...), ": "...)
	text = appendLongFlags(text, r.link.Flags)
	text = append(strconv.AppendInt(append(text, "  mtu "...), int64(int32(r.link.MTU)), 10), '\n')
	if len(r.inet) > 0 {
		text = appendLongInet(append(text, longIndent...), r.link.Flags, &r.inet[0])
	}
	for i := range r.inet6 {
		text = appendLongInet6(append(text, longIndent...), &r.inet6[i])
	}
	text = appendLongHardware(append(text, longIndent...), r.link)
	if r.stats != nil {
		text = appendLongCounters(text, r.stats, hardwareOf(r.link.ARPType).compresses)
	}
	return appendLongMap(text, &r.link.Map)
}

// appendLongFlags appends the flags as the original has them: the low 16 bits as
// a signed number, and words for those that it knows.
func appendLongFlags(text []byte, flags uint32) []byte {
	text = strconv.AppendInt(append(text, "flags="...), int64(int16(flags)), 10)
	if int16(flags) == 0 {
		return append(text, '<')
	}
	separator := byte('<')
	for _, f := range []struct {
		bit  uint32
		word string
	}{
		{unix.IFF_UP, "UP"}, {unix.IFF_BROADCAST, "BROADCAST"}, {unix.IFF_DEBUG, "DEBUG"}, {unix.IFF_LOOPBACK, "LOOPBACK"},
		{unix.IFF_POINTOPOINT, "POINTOPOINT"}, {unix.IFF_NOTRAILERS, "NOTRAILERS"}, {unix.IFF_RUNNING, "RUNNING"}, {unix.IFF_NOARP, "NOARP"},
		{unix.IFF_PROMISC, "PROMISC"}, {unix.IFF_ALLMULTI, "ALLMULTI"}, {unix.IFF_SLAVE, "SLAVE"}, {unix.IFF_MASTER, "MASTER"},
		{unix.IFF_MULTICAST, "MULTICAST"}, {unix.IFF_DYNAMIC, "DYNAMIC"},
	} {
		if flags&f.bit != 0 {
			text = append(append(text, separator), f.word...)
			separator = ','
		}
	}
	if separator == ',' {
		text = append(text, '>')
	}
	return text
}

// appendLongInet appends the IPv4 address that ioctl(SIOCGIFADDR) would give:
// the first with the name as its label.
func appendLongInet(text []byte, flags uint32, a *rtnl.Addr) []byte {
	text = a.Prefix.Addr().AppendTo(append(text, "inet "...))
	mask := net.CIDRMask(a.Prefix.Bits(), 32)
	text = append(append(text, "  netmask "...), net.IP(mask).String()...)
	if flags&unix.IFF_BROADCAST != 0 {
		text = append(text, "  broadcast "...)
		if a.Broadcast.IsValid() {
			text = a.Broadcast.AppendTo(text)
		} else {
			text = append(text, "0.0.0.0"...)
		}
	}
	if flags&unix.IFF_POINTOPOINT != 0 {
		peer := a.Peer
		if !peer.IsValid() {
			peer = a.Prefix.Addr()
		}
		text = peer.AppendTo(append(text, "  destination "...))
	}
	return append(text, '\n')
}

func appendLongInet6(text []byte, a *procnet.Inet6Addr) []byte {
	text = appendNumericAddr(append(text, "inet6 "...), a.Addr)
	text = strconv.AppendUint(append(text, "  prefixlen "...), uint64(a.PrefixLen), 10)
	text = strconv.AppendUint(append(text, "  scopeid 0x"...), uint64(a.Scope), 16)
	if words := inet6ScopeWords(a.Scope); words != "" {
		text = append(append(append(text, '<'), words...), '>')
	}
	return append(text, '\n')
}

// inet6ScopeWords is the scope of an IPv6 address in words, "" when it is none of
// those that the original knows. A kernel sets one bit, or none.
func inet6ScopeWords(scope uint8) string {
	var words string
	for _, s := range []struct {
		set  bool
		word string
	}{
		{scope&0x80 != 0, "compat"}, {scope&^0x80 == 0, "global"}, {scope&0x20 != 0, "link"}, {scope&0x40 != 0, "site"}, {scope&0x10 != 0, "host"},
	} {
		if s.set {
			words += "," + s.word
		}
	}
	if words == "" {
		return ""
	}
	return words[1:]
}

// appendLongHardware appends what kind of link it is, its address when the kind
// has one, and the length of its queue unless the kernel does not say it.
func appendLongHardware(text []byte, l *rtnl.Link) []byte {
	h := hardwareOf(l.ARPType)
	text = append(text, h.word...)
	if h.append != nil {
		var b [32]byte
		n := copy(b[:], l.Hardware)
		text = h.append(append(text, ' '), b[:max(n, h.size)])
	}
	if n := int32(l.TxQueueLen); n != -1 {
		text = strconv.AppendInt(append(text, "  txqueuelen "...), int64(n), 10)
	}
	return append(append(append(text, "  ("...), h.title...), ")\n"...)
}

func appendLongCounters(text []byte, d *procnet.Device, compresses bool) []byte {
	counter := func(name string, n uint64) { text = strconv.AppendUint(append(text, name...), n, 10) }
	counter(longIndent+"RX packets ", d.Rx.Packets)
	counter("  bytes ", d.Rx.Bytes)
	text = append(appendBinaryBytes(append(text, " ("...), d.Rx.Bytes), ")\n"...)
	if compresses {
		counter(longIndent+"RX compressed:", d.Rx.Compressed)
		text = append(text, '\n')
	}
	counter(longIndent+"RX errors ", d.Rx.Errors)
	counter("  dropped ", d.Rx.Dropped)
	counter("  overruns ", d.Rx.FIFO)
	counter("  frame ", d.Frame)
	counter("\n"+longIndent+"TX packets ", d.Tx.Packets)
	counter("  bytes ", d.Tx.Bytes)
	text = append(appendBinaryBytes(append(text, " ("...), d.Tx.Bytes), ")\n"...)
	if compresses {
		counter(longIndent+"TX compressed ", d.Tx.Compressed)
		text = append(text, '\n')
	}
	counter(longIndent+"TX errors ", d.Tx.Errors)
	counter("  dropped ", d.Tx.Dropped)
	counter(" overruns ", d.Tx.FIFO)
	counter("  carrier ", d.Carrier)
	counter("  collisions ", d.Colls)
	return append(text, '\n')
}

// appendBinaryBytes appends n in the largest unit that it exceeds, with one
// digit behind the point, cut and not rounded. A tenth of an EiB is cut too, as
// the original does, so that 2^64-1 bytes are 16.0 of them.
func appendBinaryBytes(text []byte, n uint64) []byte {
	units := [...]string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	exponent := 0
	for exponent+1 < len(units) && n > 1<<(10*(exponent+1)) {
		exponent++
	}
	unit := uint64(1) << (10 * exponent)
	tenths := n * 10 / unit
	if exponent == len(units)-1 { // times ten it is too large
		tenths = n / (unit / 10)
	}
	text = append(strconv.AppendUint(text, tenths/10, 10), '.', byte('0'+tenths%10), ' ')
	return append(text, units[exponent]...)
}

// appendLongMap appends what of the host the device occupies: nothing for a
// virtual one.
func appendLongMap(text []byte, m *rtnl.LinkMap) []byte {
	if m.IRQ == 0 && m.MemStart == 0 && m.DMA == 0 && m.BaseAddr < 0x100 {
		return text
	}
	text = append(text, longIndent+"device "...)
	if m.IRQ != 0 {
		text = append(strconv.AppendUint(append(text, "interrupt "...), uint64(m.IRQ), 10), "  "...)
	}
	if m.BaseAddr >= 0x100 {
		text = append(strconv.AppendUint(append(text, "base 0x"...), m.BaseAddr, 16), "  "...)
	}
	if m.MemStart != 0 {
		text = strconv.AppendUint(append(text, "memory 0x"...), m.MemStart, 16)
		text = append(strconv.AppendUint(append(text, '-'), m.MemEnd, 16), "  "...)
	}
	if m.DMA != 0 {
		text = strconv.AppendUint(append(text, "  dma 0x"...), uint64(m.DMA), 16)
	}
	return append(text, '\n')
}
