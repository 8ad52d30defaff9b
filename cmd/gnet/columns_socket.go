package main

import (
	"cmp"
	"time"

	"gnet/internal/render"
	"gnet/procnet"
)

// socketSchema names the document of a socket listing; gnet-json(5).
const socketSchema = "gnet/netstat/1"

// socketRow is one socket as the machine formats show it.
type socketRow struct {
	*shownSocket
	names   *socketNames
	cgroups *cgroupsOf
	paths   *procnet.CgroupPaths
}

// socketNames are the names that the machine formats add to numbers: those from
// files, never DNS. Text is true, not escaped for a terminal.
type socketNames struct {
	o        *netstatOptions
	users    map[uint32]string
	services map[procnet.Service]string
	contexts securityContexts
	devices  map[deviceKey]string
}

func newSocketNames(e *env, o *netstatOptions) *socketNames {
	n := &socketNames{o: o, contexts: securityContexts{e: e, procs: o.sockets()}}
	var etc procnet.Names
	if !o.NumericUsers {
		n.users = etc.Users()
	}
	if !o.NumericPorts {
		n.services = etc.Services()
	}
	return n
}

// socketDocument prints sockets as rows of a document.
type socketDocument struct {
	rows *render.Rows[socketRow]
	row  socketRow
}

func newSocketDocument(e *env, d *render.Document, o *netstatOptions) *socketDocument {
	columns := socketColumns()
	if o.Info {
		columns = append(columns, infoColumns()...)
	}
	if o.Kill {
		columns = append(columns, killColumns()...)
	}
	row := socketRow{names: newSocketNames(e, o), cgroups: newCgroupsOf(o.sockets()), paths: procnet.OpenCgroupPaths()}
	return &socketDocument{rows: render.NewRows(d, columns), row: row}
}

// close returns the first failure for which a row lacks something.
func (d *socketDocument) close() error {
	d.row.paths.Close()
	return cmp.Or(d.row.cgroups.err, d.row.paths.Err())
}

func (d *socketDocument) inetTitle() {}
func (d *socketDocument) unixTitle() {}

func (d *socketDocument) inet(s *shownSocket) {
	d.row.shownSocket = s
	d.rows.Write(&d.row) // a write error is kept by the document
}

func (d *socketDocument) unix(s *shownSocket) { d.inet(s) }

// socketColumns is the column table of socketSchema.
func socketColumns() []render.Column[socketRow] {
	field := func(name string, kind render.Kind, unit, doc string) render.Field {
		return render.Field{Name: name, Kind: kind, Unit: unit, Doc: doc}
	}
	columns := []render.Column[socketRow]{
		{Field: field("proto", render.String, "", "Protocol: tcp, sctp, udp, udplite, raw or unix."), Get: (*socketRow).proto},
		{Field: field("family", render.String, "", "Address family: inet, inet6 or unix; an inet6 socket may have IPv4-mapped addresses."), Get: (*socketRow).family},
	}
	columns = append(columns, endpointColumns(field)...)
	columns = append(columns, stateColumns(field)...)
	columns = append(columns, sctpColumns(field)...)
	columns = append(columns, unixColumns(field)...)
	columns = append(columns, ownerColumns(field)...)
	columns = append(columns, diagColumns(field)...)
	return append(columns, netnsColumns(field)...)
}

// tick is the unit of the kernel's timer column, 1/USER_HZ; maxTicks is what a
// time.Duration can hold of it.
const (
	tick     = 10 * time.Millisecond
	maxTicks = uint64((1<<63 - 1) / tick)
)

type fieldMaker func(name string, kind render.Kind, unit, doc string) render.Field

func endpointColumns(field fieldMaker) []render.Column[socketRow] {
	return []render.Column[socketRow]{
		{Field: field("local_addr", render.Addr, "", "Local address; 0.0.0.0 or :: means any. A link-local address has its scope where sock_diag(7) tells it."),
			Get: func(r *socketRow, v *render.Value) {
				if r.inet != nil {
					r.endpoint(r.inet.Local.Addr(), v)
				}
			}},
		inetColumn(field("local_port", render.Uint, "", "Local port; absent for raw sockets."),
			func(s *procnet.InetSocket, v *render.Value) { setPort(s, s.Local.Port(), v) }),
		{Field: field("local_service", render.String, "", "Name of the local port in /etc/services; absent when it has none, and with -n or --numeric-ports."),
			Get: func(r *socketRow, v *render.Value) { r.service(v, true) }},
		{Field: field("foreign_addr", render.Addr, "", "Address of the other end; 0.0.0.0 or :: when there is none."),
			Get: func(r *socketRow, v *render.Value) {
				if r.inet != nil {
					r.endpoint(r.inet.Remote.Addr(), v)
				}
			}},
		inetColumn(field("foreign_port", render.Uint, "", "Port of the other end; 0 when there is none, absent for raw sockets."),
			func(s *procnet.InetSocket, v *render.Value) { setPort(s, s.Remote.Port(), v) }),
		{Field: field("foreign_service", render.String, "", "Name of the other end's port in /etc/services, as local_service."),
			Get: func(r *socketRow, v *render.Value) { r.service(v, false) }},
		inetColumn(field("ip_protocol", render.Uint, "", "IP protocol number that a raw socket receives; absent for others."),
			func(s *procnet.InetSocket, v *render.Value) {
				if s.Proto == procnet.Raw {
					v.Uint(uint64(s.Local.Port()))
				}
			}),
	}
}

func stateColumns(field fieldMaker) []render.Column[socketRow] {
	return []render.Column[socketRow]{
		{Field: field("state", render.String, "", "TCP state; of UDP and raw sockets ESTABLISHED when connected, else CLOSE; of SCTP sockets one of TCP's; of unix sockets FREE, LISTENING, UNCONNECTED, CONNECTING, CONNECTED or DISCONNECTING."),
			Get: (*socketRow).state},
		{Field: field("recv_q", render.Uint, "bytes", "Bytes not yet read by the process; of a listening TCP or unix socket the connections not yet accepted; of UDP and raw sockets memory charged for what waits, headers included; absent for an SCTP endpoint, and for unix sockets where sock_diag(7) does not tell."),
			Get: (*socketRow).recvQueue},
		{Field: field("send_q", render.Uint, "bytes", "Bytes not yet acknowledged by the other end, or of a unix socket not yet read there; of UDP and raw sockets memory charged for what was not yet sent; absent as recv_q, and for a listening unix socket."),
			Get: (*socketRow).sendQueue},
		timerColumn(field("timer", render.String, "", "Pending timer, with -o: off, on (retransmission), keepalive, timewait or probe; of UDP and raw sockets off, on1 or on2."),
			func(s *procnet.InetSocket, v *render.Value) {
				if word := timerWord(s.Proto, s.Timer.Kind); word != "" {
					v.Str(word)
				}
			}),
		timerColumn(field("timer_remaining_ns", render.Duration, "ns", "Time until the timer fires, with -o; the kernel gives it in hundredths of a second."),
			func(s *procnet.InetSocket, v *render.Value) {
				if s.Timer.Remaining <= maxTicks {
					v.Duration(time.Duration(s.Timer.Remaining) * tick)
				}
			}),
		countColumn(field("retransmits", render.Uint, "", "Retransmissions of the oldest segment without an answer, with -o; of a TCP connection with --info too."),
			func(s *procnet.InetSocket, v *render.Value) { v.Uint(uint64(s.Timer.Retransmits)) }),
		countColumn(field("probes", render.Int, "", "Keepalive or zero-window probes without an answer, with -o; of a TCP connection with --info too."),
			func(s *procnet.InetSocket, v *render.Value) { v.Int(int64(s.Timer.Probes)) }),
	}
}

func unixColumns(field fieldMaker) []render.Column[socketRow] {
	return []render.Column[socketRow]{
		unixColumn(field("type", render.String, "", "Type of a unix socket: STREAM, DGRAM, RAW, RDM or SEQPACKET."),
			func(s *procnet.UnixSocket, v *render.Value) { v.Str(unixTypeWord(s.Type)) }),
		unixColumn(field("flags", render.Uint, "", "Flags of a unix socket as the kernel has them; 65536 marks a listening one."),
			func(s *procnet.UnixSocket, v *render.Value) { v.Uint(uint64(s.Flags)) }),
		unixColumn(field("refcnt", render.Uint, "", "References that the kernel holds to a unix socket; absent where /proc/net/unix cannot tell."),
			func(s *procnet.UnixSocket, v *render.Value) {
				if !s.NoRefCount {
					v.Uint(uint64(s.RefCount))
				}
			}),
		unixColumn(field("path", render.String, "", "Name that a unix socket is bound to, whole; @ stands for each NUL of an abstract name; absent when not bound."),
			func(s *procnet.UnixSocket, v *render.Value) {
				if s.Path != nil {
					v.Str(string(s.Path))
				}
			}),
	}
}

func ownerColumns(field fieldMaker) []render.Column[socketRow] {
	owners := field("owners", render.List, "", "Processes that hold the socket, with -p, by pid and descriptor; empty when none is visible to this user.")
	owners.Sub = []render.Field{
		field("pid", render.Uint, "", "Process id."),
		field("comm", render.String, "", "Name that the kernel has for the process, at most 15 bytes."),
		field("fd", render.Uint, "", "Descriptor by which the process holds the socket."),
		field("context", render.String, "", "Security context of the process, with -Z; absent when it is not known."),
		field("cgroup", render.String, "", "Control group of the process, from /proc/PID/cgroup: the path in cgroup v2, else that of the hierarchy of systemd, else the first that is not the root."),
		field("container_id", render.String, "", "Container that the control group belongs to: the id of Docker, containerd, CRI-O or Podman, the name of LXC or systemd-machined; absent when its path does not tell."),
	}
	return []render.Column[socketRow]{
		{Field: field("uid", render.Uint, "", "User id of the socket's owner, in this user namespace; absent of TCP sockets that are left to their TIME_WAIT timer, for which the kernel keeps none, and of unix sockets where sock_diag(7) does not tell."),
			Get: func(r *socketRow, v *render.Value) {
				if uid, known := r.uid(); known {
					v.Uint(uint64(uid))
				}
			}},
		{Field: field("user", render.String, "", "Name of the uid in /etc/passwd; absent when it has none, and with -n or --numeric-users."), Get: (*socketRow).user},
		{Field: field("inode", render.ID, "", "Inode of the socket's file; 0 when it has none (TIME_WAIT, SYN_RECV, not yet accepted)."), Get: (*socketRow).setInode},
		{Field: owners, Get: (*socketRow).setOwners},
	}
}

func inetColumn(f render.Field, get func(*procnet.InetSocket, *render.Value)) render.Column[socketRow] {
	return render.Column[socketRow]{Field: f, Get: func(r *socketRow, v *render.Value) {
		if r.inet != nil {
			get(r.inet, v)
		}
	}}
}

func timerColumn(f render.Field, get func(*procnet.InetSocket, *render.Value)) render.Column[socketRow] {
	return render.Column[socketRow]{Field: f, Get: func(r *socketRow, v *render.Value) {
		if r.inet != nil && r.sctp == nil && r.names.o.Timers {
			get(r.inet, v)
		}
	}}
}

// countColumn is timerColumn for what --info knows too.
func countColumn(f render.Field, get func(*procnet.InetSocket, *render.Value)) render.Column[socketRow] {
	return render.Column[socketRow]{Field: f, Get: func(r *socketRow, v *render.Value) {
		if r.inet != nil && r.sctp == nil && (r.names.o.Timers || r.names.o.Info && infoOf(r.inet) != nil) {
			get(r.inet, v)
		}
	}}
}

func unixColumn(f render.Field, get func(*procnet.UnixSocket, *render.Value)) render.Column[socketRow] {
	return render.Column[socketRow]{Field: f, Get: func(r *socketRow, v *render.Value) {
		if r.unix != nil {
			get(r.unix, v)
		}
	}}
}

// setQueue sets the bytes of a queue, which an endpoint of SCTP does not have.
func setQueue(s *procnet.InetSocket, bytes uint32, v *render.Value) {
	if s.Proto != procnet.SCTP || !s.Listening() {
		v.Uint(uint64(bytes))
	}
}

func setPort(s *procnet.InetSocket, port uint16, v *render.Value) {
	if s.Proto != procnet.Raw {
		v.Uint(uint64(port))
	}
}

func (r *socketRow) proto(v *render.Value)  { v.Str(r.protoWord()) }
func (r *socketRow) family(v *render.Value) { v.Str(r.familyWord()) }
func (r *socketRow) state(v *render.Value)  { v.Str(r.stateWord()) }

// protoWord is the protocol in the machine formats.
func (s *shownSocket) protoWord() string {
	if s.unix != nil {
		return "unix"
	}
	return s.inet.Proto.File(false)
}

// familyWord is the address family in the machine formats.
func (s *shownSocket) familyWord() string {
	switch {
	case s.unix != nil:
		return "unix"
	case s.inet.V6:
		return "inet6"
	}
	return "inet"
}

// stateWord is the state in the machine formats.
func (s *shownSocket) stateWord() string {
	switch {
	case s.inet != nil:
		return s.inet.State.String()
	case s.unix.State == procnet.UnixUnconnected && !s.unix.Accepting():
		return "UNCONNECTED"
	}
	return unixStateWord(s.unix)
}

func (r *socketRow) service(v *render.Value, local bool) {
	if r.inet == nil || r.inet.Proto == procnet.Raw {
		return
	}
	port := r.inet.Remote.Port()
	if local {
		port = r.inet.Local.Port()
	}
	if name, ok := r.names.services[serviceKey(r.inet.Proto, port)]; ok {
		v.Str(name)
	}
}

// serviceKey is the port in /etc/services. UDP-Lite has the names of UDP.
func serviceKey(p procnet.Proto, port uint16) procnet.Service {
	switch p {
	case procnet.TCP:
		return procnet.Service{Proto: "tcp", Port: port}
	case procnet.SCTP:
		return procnet.Service{Proto: "sctp", Port: port}
	}
	return procnet.Service{Proto: "udp", Port: port}
}

func (r *socketRow) user(v *render.Value) {
	uid, known := r.uid()
	if !known {
		return
	}
	if name, ok := r.names.users[uid]; ok {
		v.Str(name)
	}
}

func (r *socketRow) setInode(v *render.Value) { v.ID(r.inode()) }

func (r *socketRow) setOwners(v *render.Value) {
	if !r.names.o.Programs {
		return
	}
	v.EmptyList()
	for _, o := range r.owners {
		object := v.Object(6)
		object[0].Uint(uint64(o.PID))
		object[1].Str(o.Comm)
		object[2].Uint(uint64(o.FD))
		if r.names.o.Context {
			strKnown(&object[3], r.names.contexts.of(o.PID))
		}
		cgroup := r.cgroups.of(o.PID)
		strKnown(&object[4], cgroup.Path)
		strKnown(&object[5], cgroup.Container)
	}
}

// killColumns is what --kill adds to the column table of socketSchema.
func killColumns() []render.Column[socketRow] {
	field := func(name, doc string) render.Field { return render.Field{Name: name, Kind: render.String, Doc: doc} }
	return []render.Column[socketRow]{
		{Field: field("result", "With --kill: what became of the socket: killed; ended, with the other end or the listener that was killed; gone before; missed, because another socket has its addresses too; denied; unsupported; unknown to sock_diag; failed; skipped after an interrupt."),
			Get: func(r *socketRow, v *render.Value) {
				if r.killed != nil {
					v.Str(r.killed.word)
				}
			}},
		{Field: field("result_error", "With --kill: the kernel's refusal; absent when there was none."),
			Get: func(r *socketRow, v *render.Value) {
				if r.killed != nil && r.killed.err != nil {
					v.Str(r.killed.err.Error())
				}
			}},
	}
}
