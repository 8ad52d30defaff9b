package main

import (
	"strconv"

	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/procnet"
	"gnet/routes"
)

// interfaceSchema names the document of the interface table; gnet-json(5).
const interfaceSchema = "gnet/netstat-interfaces/1"

// interfaceColumns is the column table of interfaceSchema.
func interfaceColumns() []render.Column[interfaceRow] {
	field := func(name string, kind render.Kind, unit, doc string) render.Field {
		return render.Field{Name: name, Kind: kind, Unit: unit, Doc: doc}
	}
	link := func(f render.Field, get func(*rtnl.Link, *render.Value)) render.Column[interfaceRow] {
		return render.Column[interfaceRow]{Field: f, Get: func(r *interfaceRow, v *render.Value) {
			if r.link != nil {
				get(r.link, v)
			}
		}}
	}
	columns := []render.Column[interfaceRow]{
		{Field: field("iface", render.String, "", "Name of the interface, or label of one of its IPv4 addresses."),
			Get: func(r *interfaceRow, v *render.Value) { v.Str(r.name) }},
		link(field("device", render.String, "", "Name of the interface, in the row of a label too."), func(l *rtnl.Link, v *render.Value) { v.Str(l.Name) }),
		link(field("iface_index", render.Uint, "", "Index of the interface."), func(l *rtnl.Link, v *render.Value) { v.Uint(uint64(l.Index)) }),
		link(field("mtu", render.Uint, "bytes", "Largest packet that it sends."), func(l *rtnl.Link, v *render.Value) { v.Uint(uint64(l.MTU)) }),
		link(field("flags", render.String, "", "The letters of the classic table."), func(l *rtnl.Link, v *render.Value) { v.Str(interfaceLetters(l.Flags)) }),
		link(field("flag_bits", render.Uint, "", "The IFF_ bits as the kernel has them."), func(l *rtnl.Link, v *render.Value) { v.Uint(uint64(l.Flags)) }),
	}
	columns = append(columns, hardwareColumns(link, field)...)
	columns = append(columns, addressColumn(field))
	for _, c := range interfaceCounters() {
		columns = append(columns, render.Column[interfaceRow]{Field: field(c.name, render.Uint, c.unit, c.doc), Get: func(r *interfaceRow, v *render.Value) {
			if r.stats != nil {
				v.Uint(c.get(r.stats))
			}
		}})
	}
	return columns
}

// linkColumn makes a column of what rtnetlink says of the link, absent when only
// a proc tree is read.
type linkColumn func(f render.Field, get func(*rtnl.Link, *render.Value)) render.Column[interfaceRow]

func hardwareColumns(link linkColumn, field fieldMaker) []render.Column[interfaceRow] {
	nonzero := func(n uint64, set func(uint64)) {
		if n != 0 {
			set(n)
		}
	}
	return []render.Column[interfaceRow]{
		link(field("hardware", render.String, "", "Kind of link in the original's word: ether, loop and so on, unspec for one that it does not know."),
			func(l *rtnl.Link, v *render.Value) { v.Str(hardwareOf(l.ARPType).word) }),
		link(field("hardware_type", render.Uint, "", "Kind of link as the kernel's ARPHRD_ number."),
			func(l *rtnl.Link, v *render.Value) { v.Uint(uint64(l.ARPType)) }),
		link(field("hardware_addr", render.String, "", "Address on the link, bytes in hexadecimal with colons between them; absent when it has none."),
			func(l *rtnl.Link, v *render.Value) {
				if len(l.Hardware) > 0 {
					v.Str(string(hexPairs(":", false)(nil, l.Hardware)))
				}
			}),
		link(field("txqueuelen", render.Uint, "packets", "Length of the queue for sending."),
			func(l *rtnl.Link, v *render.Value) { v.Uint(uint64(l.TxQueueLen)) }),
		link(field("interrupt", render.Uint, "", "Interrupt of the device; this and the next four are absent when it says none, as virtual devices do."),
			func(l *rtnl.Link, v *render.Value) { nonzero(uint64(l.Map.IRQ), v.Uint) }),
		link(field("base_addr", render.ID, "", "I/O address of the device."), func(l *rtnl.Link, v *render.Value) { nonzero(l.Map.BaseAddr, v.ID) }),
		link(field("mem_start", render.ID, "", "Start of the device's memory."), func(l *rtnl.Link, v *render.Value) { nonzero(l.Map.MemStart, v.ID) }),
		link(field("mem_end", render.ID, "", "End of the device's memory."), func(l *rtnl.Link, v *render.Value) { nonzero(l.Map.MemEnd, v.ID) }),
		link(field("dma", render.Uint, "", "DMA channel of the device."), func(l *rtnl.Link, v *render.Value) { nonzero(uint64(l.Map.DMA), v.Uint) }),
	}
}

// addressColumn is the list of addresses: of IPv4 those with the row's name as
// label, then those of IPv6.
func addressColumn(field fieldMaker) render.Column[interfaceRow] {
	list := field("addrs", render.List, "", "Addresses of the interface; of IPv4 those whose label is the row's name, and none from a proc tree.")
	list.Sub = []render.Field{
		field("addr", render.Addr, "", "The address."),
		field("prefix_len", render.Uint, "bits", "Length of its network."),
		field("broadcast", render.Addr, "", "Broadcast address of IPv4; absent when it has none."),
		field("peer", render.Addr, "", "Other end of a point-to-point address; absent when it has none."),
		field("scope", render.String, "", "Where the address is valid: global, site, link, host, or the kernel's number."),
	}
	return render.Column[interfaceRow]{Field: list, Get: func(r *interfaceRow, v *render.Value) {
		if r.link != nil {
			v.EmptyList() // of a proc tree nobody knows
		}
		for i := range r.inet {
			a, o := &r.inet[i], v.Object(len(list.Sub))
			o[0].Addr(a.Prefix.Addr())
			o[1].Uint(uint64(a.Prefix.Bits()))
			o[2].Addr(a.Broadcast)
			o[3].Addr(a.Peer)
			o[4].Str(routes.ScopeName(a.Scope))
		}
		for i := range r.inet6 {
			a, o := &r.inet6[i], v.Object(len(list.Sub))
			o[0].Addr(a.Addr)
			o[1].Uint(uint64(a.PrefixLen))
			if o[4].Str(inet6ScopeWords(a.Scope)); inet6ScopeWords(a.Scope) == "" {
				o[4].Str(strconv.Itoa(int(a.Scope)))
			}
		}
	}}
}

type interfaceCounter struct {
	name, unit, doc string
	get             func(*procnet.Device) uint64
}

// interfaceCounters are the columns of /proc/net/dev.
func interfaceCounters() []interfaceCounter {
	return []interfaceCounter{
		{"rx_bytes", "bytes", "Bytes received; this and all that follow are absent for a label.", func(d *procnet.Device) uint64 { return d.Rx.Bytes }},
		{"rx_packets", "", "Packets received.", func(d *procnet.Device) uint64 { return d.Rx.Packets }},
		{"rx_errors", "", "Packets received with an error.", func(d *procnet.Device) uint64 { return d.Rx.Errors }},
		{"rx_dropped", "", "Packets received and dropped, those missed by the hardware included.", func(d *procnet.Device) uint64 { return d.Rx.Dropped }},
		{"rx_fifo", "", "Packets lost to a full receive buffer.", func(d *procnet.Device) uint64 { return d.Rx.FIFO }},
		{"rx_frame", "", "Packets received with a bad length, checksum or alignment.", func(d *procnet.Device) uint64 { return d.Frame }},
		{"rx_compressed", "", "Compressed packets received.", func(d *procnet.Device) uint64 { return d.Rx.Compressed }},
		{"rx_multicast", "", "Multicast packets received.", func(d *procnet.Device) uint64 { return d.Multicast }},
		{"tx_bytes", "bytes", "Bytes sent.", func(d *procnet.Device) uint64 { return d.Tx.Bytes }},
		{"tx_packets", "", "Packets sent.", func(d *procnet.Device) uint64 { return d.Tx.Packets }},
		{"tx_errors", "", "Packets that could not be sent for an error.", func(d *procnet.Device) uint64 { return d.Tx.Errors }},
		{"tx_dropped", "", "Packets dropped before they were sent.", func(d *procnet.Device) uint64 { return d.Tx.Dropped }},
		{"tx_fifo", "", "Packets lost to an empty transmit buffer.", func(d *procnet.Device) uint64 { return d.Tx.FIFO }},
		{"tx_collisions", "", "Collisions while sending.", func(d *procnet.Device) uint64 { return d.Colls }},
		{"tx_carrier", "", "Failures of the carrier, window or heartbeat while sending.", func(d *procnet.Device) uint64 { return d.Carrier }},
		{"tx_compressed", "", "Compressed packets sent.", func(d *procnet.Device) uint64 { return d.Tx.Compressed }},
	}
}
