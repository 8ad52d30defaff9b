package procnet

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"net/netip"

	"gnet/internal/procfile"
)

// Group is one membership of the host in a multicast group: a row of igmp or igmp6.
//
// Written by igmp_mc_seq_show (net/ipv4/igmp.c) and igmp6_mc_seq_show (net/ipv6/mcast.c). Captured on 6.18.
//
//	igmp, a row per device and below it, behind four tabs, a row per group:
//	  Idx %d, Device %-10s:, Count %5d, Querier %7s
//	  Group %08X (one word in host order), Users %5d, Timer %d:%08lX, Reporter %d
//	igmp6, a row per group:
//	  index %-4d, device %-15s, group %pi6, users %5d, flags %08X, timer %ld
type Group struct {
	V6     bool
	Index  uint32     // of the interface
	Device []byte     // raw name of the interface; valid until the next step
	Addr   netip.Addr // of the group, without a zone
	Users  uint32     // how many sockets of this host, or the kernel itself, joined
}

// Groups returns the memberships of one address family, in the kernel's order.
func (fs FS) Groups(v6 bool) iter.Seq2[*Group, error] {
	name, parse := "igmp", parseIGMP
	if v6 {
		name, parse = "igmp6", parseIGMP6
	}
	return func(yield func(*Group, error) bool) {
		f, err := fs.root.OpenNet(name)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		parse(f, f.Name())(yield)
	}
}

var (
	errNoColon  = errors.New("no colon behind the name of the device")
	errNoDevice = errors.New("a group without a device before it")
)

func parseIGMP(r io.Reader, file string) iter.Seq2[*Group, error] {
	return func(yield func(*Group, error) bool) {
		var g Group
		var name []byte
		for row, err := range procfile.Rows(r, file) {
			switch {
			case err != nil:
			case bytes.HasPrefix(row.Text(), []byte("\t")):
				g.Device = name
				err = g.parse(row)
			case row.Line == 1 && string(row.First()) == "Idx":
				continue
			default:
				// A device that cannot be read must not lend its groups to the one before.
				if name, err = g.device(row, name[:0]); err == nil {
					continue
				}
			}
			if !yieldRow(yield, &g, err) {
				return
			}
		}
	}
}

// device reads the row of a device into g, and its name into the room of name.
func (g *Group) device(row *procfile.Row, name []byte) ([]byte, error) {
	g.Index = row.Dec32("Idx")
	column := row.Column("Device")
	if err := row.Err(); err != nil {
		return name[:0], err
	}
	trimmed, colon := bytes.CutSuffix(column, []byte(":"))
	if !colon && string(row.Next()) != ":" {
		return name[:0], row.Bad("Device", column, errNoColon)
	}
	return append(name, trimmed...), nil
}

// parse reads the row of a group below the device.
func (g *Group) parse(row *procfile.Row) error {
	g.Addr = row.Word4("Group")
	g.Users = row.Dec32("Users")
	if err := row.Err(); err != nil {
		return err
	}
	if len(g.Device) == 0 {
		return row.Bad("", row.Text(), errNoDevice)
	}
	return nil
}

func parseIGMP6(r io.Reader, file string) iter.Seq2[*Group, error] {
	return func(yield func(*Group, error) bool) {
		g := Group{V6: true}
		for row, err := range procfile.Rows(r, file) {
			if err == nil {
				g.Index = row.Dec32("index")
				g.Device = row.Column("device")
				g.Addr = row.Net6("group")
				g.Users = row.Dec32("users")
				err = row.Err()
			}
			if !yieldRow(yield, &g, err) {
				return
			}
		}
	}
}
