package main

import (
	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/procnet"
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
	for _, c := range interfaceCounters() {
		columns = append(columns, render.Column[interfaceRow]{Field: field(c.name, render.Uint, c.unit, c.doc), Get: func(r *interfaceRow, v *render.Value) {
			if r.stats != nil {
				v.Uint(c.get(r.stats))
			}
		}})
	}
	return columns
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
