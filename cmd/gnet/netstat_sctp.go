package main

import (
	"iter"
	"slices"
	"strconv"

	"gnet/internal/render"
	"gnet/procnet"
)

// sctpTables prints the endpoints of SCTP, which listen, and the associations,
// which do not. Both stand among the sockets of IPv4 whatever their addresses
// are, and a file is opened only when its sockets are shown.
func (w *socketWalk) sctpTables(space *socketSpace, t inetTable) error {
	for associations := range w.plan.sctpFiles() {
		if err := w.sctpTable(space, t, associations); err != nil {
			return err
		}
	}
	return nil
}

// sctpFiles returns for each file of SCTP that the plan means whether it is that
// of the associations.
func (p *socketPlan) sctpFiles() iter.Seq[bool] {
	return func(yield func(bool) bool) {
		for _, associations := range []bool{false, true} {
			if p.v4 && p.shows(!associations) && !yield(associations) {
				return
			}
		}
	}
}

func (w *socketWalk) sctpTable(space *socketSpace, t inetTable, associations bool) error {
	bogus := "sctp eps"
	if associations {
		bogus = "sctp assoc"
	}
	shown := shownSocket{space: space}
	for s, err := range space.tables.SCTP(associations) {
		if err == nil {
			shown.sctp, shown.inet = s, &s.InetSocket
			w.show(&shown, w.out.inet)
		} else if err := w.problem(err, "AF INET (sctp)", bogus, t.named, false); err != nil {
			return err
		}
	}
	return nil
}

// keptSCTP is one socket that was read, or an error in its place.
type keptSCTP struct {
	row *procnet.SCTPSocket
	err error
}

func (k *keptTables) keepSCTP(w *socketWalk, space *socketSpace, inodes []uint64) []uint64 {
	shown := shownSocket{space: space}
	for associations := range w.plan.sctpFiles() {
		for s, err := range space.tables.SCTP(associations) {
			if err != nil {
				k.sctp[associations] = append(k.sctp[associations], keptSCTP{err: err})
				continue
			}
			if shown.sctp, shown.inet = s, &s.InetSocket; w.mayShow(&shown) {
				row := *s
				row.Locals, row.Remotes = slices.Clone(s.Locals), slices.Clone(s.Remotes)
				k.sctp[associations] = append(k.sctp[associations], keptSCTP{row: &row})
				inodes = append(inodes, s.Inode)
			}
		}
	}
	return inodes
}

// SCTP is Inet for the sockets of SCTP.
func (k *keptTables) SCTP(associations bool) iter.Seq2[*procnet.SCTPSocket, error] {
	return func(yield func(*procnet.SCTPSocket, error) bool) {
		for _, kept := range k.sctp[associations] {
			if !yield(kept.row, kept.err) {
				return
			}
		}
	}
}

// sctp prints an endpoint, which has no queues and no other end, or an
// association. Further addresses have lines of their own; an endpoint's have the
// port again. Nothing is cut, and ports have no names.
func (c *classicSockets) sctp(shown *shownSocket) {
	s := shown.sctp
	line := render.Left(c.line[:0], "sctp", 5)
	if s.Association {
		line = appendUintRight(append(line, ' '), uint64(s.RxQueue), 6)
		line = appendUintRight(append(line, ' '), uint64(s.TxQueue), 6)
	} else {
		line = render.Left(line, "", 14)
	}
	line = c.appendSCTP(append(line, ' '), s, 0)
	line = render.Left(append(line, ' '), sctpStateWord(s.State), 11)
	for i := 1; i < max(len(s.Locals), len(s.Remotes)); i++ {
		line = render.Left(append(line, '\n'), "", 20)
		line = c.appendSCTP(line, s, i)
		line = render.Left(append(line, ' '), "", 11)
	}
	line = c.appendExtra(line, shown)
	if c.o.Timers {
		line = append(line, ' ') // and no timer
	}
	c.write(line)
	c.furtherOwners(shown.owners)
}

// appendSCTP appends the i-th address of each side, blanks for a side that has
// not so many. An endpoint has the room of both for its one.
func (c *classicSockets) appendSCTP(line []byte, s *procnet.SCTPSocket, i int) []byte {
	port := func(port uint16) string {
		if i == 0 || !s.Association {
			return portText(port)
		}
		return ""
	}
	if !s.Association {
		return c.appendSCTPAddr(line, s.Locals, i, port(s.Local.Port()), 2*endpointRoom+3)
	}
	line = c.appendSCTPAddr(line, s.Locals, i, port(s.Local.Port()), endpointRoom+1)
	return c.appendSCTPAddr(append(line, ' '), s.Remotes, i, port(s.Remote.Port()), endpointRoom+1)
}

// portText is a port behind its colon; * for none.
func portText(port uint16) string {
	if port == 0 {
		return ":*"
	}
	return ":" + strconv.Itoa(int(port))
}

func (c *classicSockets) appendSCTPAddr(line []byte, addrs []procnet.SCTPAddr, i int, port string, width int) []byte {
	start := len(line)
	if i < len(addrs) {
		line = append(c.appendHost(line, addrs[i].Addr), port...)
	}
	return render.Left(line, "", width-(len(line)-start))
}

func sctpStateWord(s procnet.State) string {
	switch {
	case s == 0:
		return ""
	case s > procnet.Closing:
		return "UNKNOWN(" + strconv.Itoa(int(s)) + ")"
	}
	return s.String()
}

// sctpColumns are the keys that only SCTP has.
func sctpColumns(field fieldMaker) []render.Column[socketRow] {
	list := func(name, doc string, get func(*procnet.SCTPSocket) []procnet.SCTPAddr) render.Column[socketRow] {
		f := field(name, render.List, "", doc)
		f.Sub = []render.Field{
			field("addr", render.Addr, "", "The address."),
			field("primary", render.Bool, "", "Whether it is the one that is used as long as it answers."),
		}
		return render.Column[socketRow]{Field: f, Get: func(r *socketRow, v *render.Value) {
			if r.sctp == nil {
				return
			}
			v.EmptyList()
			for _, a := range get(r.sctp) {
				o := v.Object(2)
				o[0].Addr(a.Addr)
				o[1].Bool(a.Primary)
			}
		}}
	}
	association := func(f render.Field, get func(*procnet.SCTPSocket, *render.Value)) render.Column[socketRow] {
		return render.Column[socketRow]{Field: f, Get: func(r *socketRow, v *render.Value) {
			if r.sctp != nil && r.sctp.Association {
				get(r.sctp, v)
			}
		}}
	}
	return []render.Column[socketRow]{
		list("local_addrs", "All local addresses of an SCTP socket; absent for others.", func(s *procnet.SCTPSocket) []procnet.SCTPAddr { return s.Locals }),
		list("foreign_addrs", "All addresses of the other end of an SCTP association; empty for an endpoint, absent for others.",
			func(s *procnet.SCTPSocket) []procnet.SCTPAddr { return s.Remotes }),
		association(field("assoc_id", render.Int, "", "Number of an SCTP association."), func(s *procnet.SCTPSocket, v *render.Value) { v.Int(int64(s.ID)) }),
		association(field("assoc_state", render.String, "", "State of an SCTP association (RFC 9260), with _ for -; state is that of its socket."),
			func(s *procnet.SCTPSocket, v *render.Value) { v.Str(s.Phase.String()) }),
	}
}
