package procnet

import (
	"bytes"
	"io"
	"iter"

	"gnet/internal/procfile"
)

// Traffic is the counters of one direction of an interface.
type Traffic struct {
	Bytes, Packets, Errors uint64
	Dropped                uint64 // received: what no receiver took included (rx_missed_errors)
	FIFO                   uint64 // overruns
	Compressed             uint64
}

// Device is one row of dev: the counters of an interface.
//
// Written by dev_seq_printf_stats (net/core/net-procfs.c) behind two rows of headings. Captured on 6.18.
//
//	%6s: bytes packets errs drop fifo frame compressed multicast, then bytes packets errs drop fifo colls carrier compressed
//
// All are %llu. The first may touch the colon.
type Device struct {
	Name      []byte // raw; valid until the next step
	Rx, Tx    Traffic
	Frame     uint64 // received with a bad length, checksum or alignment, or too much of it
	Multicast uint64 // received
	Colls     uint64 // collisions while sending
	Carrier   uint64 // failures of the carrier, window or heartbeat while sending
}

// Devices returns the interfaces of the network namespace, in the kernel's order.
func (fs FS) Devices() iter.Seq2[*Device, error] {
	return func(yield func(*Device, error) bool) {
		f, err := fs.root.OpenNet("dev")
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		parseDev(f, f.Name())(yield)
	}
}

func parseDev(r io.Reader, file string) iter.Seq2[*Device, error] {
	return func(yield func(*Device, error) bool) {
		var d Device
		for row, err := range procfile.Rows(r, file) {
			if err == nil && row.Line <= 2 && bytes.IndexByte(row.Text(), '|') >= 0 && bytes.IndexByte(row.Text(), ':') < 0 {
				continue
			}
			if err == nil {
				err = d.parse(row)
			}
			if !yieldRow(yield, &d, err) {
				return
			}
		}
	}
}

func (d *Device) parse(row *procfile.Row) error {
	name, rest, found := bytes.Cut(row.Text(), []byte(":"))
	name = bytes.TrimLeft(name, " ")
	if !found || len(name) == 0 {
		return row.Bad("face", row.Text(), errNoColon)
	}
	numbers := procfile.RowOf(row.File, row.Line, rest)
	d.Name = name
	for _, column := range []struct {
		name  string
		value *uint64
	}{
		{"rx bytes", &d.Rx.Bytes}, {"rx packets", &d.Rx.Packets}, {"rx errs", &d.Rx.Errors}, {"rx drop", &d.Rx.Dropped},
		{"rx fifo", &d.Rx.FIFO}, {"rx frame", &d.Frame}, {"rx compressed", &d.Rx.Compressed}, {"rx multicast", &d.Multicast},
		{"tx bytes", &d.Tx.Bytes}, {"tx packets", &d.Tx.Packets}, {"tx errs", &d.Tx.Errors}, {"tx drop", &d.Tx.Dropped},
		{"tx fifo", &d.Tx.FIFO}, {"tx colls", &d.Colls}, {"tx carrier", &d.Carrier}, {"tx compressed", &d.Tx.Compressed},
	} {
		*column.value = numbers.Dec64(column.name)
	}
	return numbers.Err()
}
