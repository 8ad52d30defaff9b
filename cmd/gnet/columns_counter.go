package main

import (
	"gnet/internal/render"
	"gnet/procnet"
)

// counterSchema names the document of the kernel's counters; gnet-json(5).
const counterSchema = "gnet/netstat-statistics/1"

// counterRow is one counter as the machine formats show it.
type counterRow struct {
	file    string
	section *procnet.CounterSection
	counter *procnet.Counter
}

// counterDocument prints counters as rows of a document, those at zero too.
type counterDocument struct {
	rows *render.Rows[counterRow]
	row  counterRow
}

func (d *counterDocument) section(file string, s *procnet.CounterSection) {
	for i := range s.Counters {
		d.row = counterRow{file, s, &s.Counters[i]}
		d.rows.Write(&d.row) // a write error is kept by the document
	}
}

func (d *counterDocument) hidden(*procnet.CounterSection) {}

// counterColumns is the column table of counterSchema.
func counterColumns() []render.Column[counterRow] {
	field := func(name string, kind render.Kind, doc string) render.Field {
		return render.Field{Name: name, Kind: kind, Doc: doc}
	}
	return []render.Column[counterRow]{
		{Field: field("file", render.String, "File under /proc/net that has it: snmp, netstat, snmp6 or sctp/snmp."),
			Get: func(r *counterRow, v *render.Value) { v.Str(r.file) }},
		{Field: field("section", render.String, "Protocol: Ip, Icmp, Tcp, TcpExt, Ip6 and others, as the kernel has it."),
			Get: func(r *counterRow, v *render.Value) { v.Str(string(r.section.Name)) }},
		{Field: field("name", render.String, "Name of the counter, as the kernel has it; of snmp6 and sctp/snmp with the protocol in front."),
			Get: func(r *counterRow, v *render.Value) { v.Str(string(r.counter.Name)) }},
		{Field: field("value", render.Int, "Its value, up to 18446744073709551615; only MaxConn of Tcp is negative."),
			Get: func(r *counterRow, v *render.Value) {
				if r.counter.Negative {
					v.Int(int64(r.counter.Value))
				} else {
					v.Uint(r.counter.Value)
				}
			}},
	}
}
