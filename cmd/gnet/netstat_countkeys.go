package main

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"gnet/internal/render"
	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// countKey is one thing that --count-by counts by.
type countKey struct {
	words  []string // on the command line, the one to show first
	title  string   // of its column in text
	field  render.Field
	owners bool         // looks at the processes that hold a socket
	ext    sockdiag.Ext // looks at these attributes of inet_diag
	get    func(*countSource, *countValue)
}

// countSource is the socket that is being counted, with what names need.
type countSource struct {
	socket  *shownSocket
	owner   *procnet.Owner // nil when unknown
	names   *socketNames
	cgroups *cgroupsOf
	words   map[string]string // names that came as bytes, each kept once
}

func newCountSource(o *netstatOptions) countSource {
	return countSource{names: newSocketNames(nil, o), cgroups: newCgroupsOf(o.sockets()), words: make(map[string]string)}
}

// text returns b as a string that is allocated once.
func (c *countSource) text(b []byte) string {
	s, known := c.words[string(b)]
	if !known {
		s = string(b)
		c.words[s] = s
	}
	return s
}

// countKeys returns the keys in the order of the manual.
func countKeys() []countKey {
	key := func(words, title, name string, kind render.Kind, doc string, get func(*countSource, *countValue)) countKey {
		return countKey{words: strings.Fields(words), title: title, field: render.Field{Name: name, Kind: kind, Doc: doc}, get: get}
	}
	keys := []countKey{
		key("proto", "Proto", "proto", render.String, "Protocol, as in gnet/netstat.", func(c *countSource, v *countValue) { v.setText(c.socket.protoWord()) }),
		key("family", "Family", "family", render.String, "Address family, as in gnet/netstat.", func(c *countSource, v *countValue) { v.setText(c.socket.familyWord()) }),
		key("state", "State", "state", render.String, "State, as in gnet/netstat.", func(c *countSource, v *countValue) { v.setText(c.socket.stateWord()) }),
		key("type", "Type", "type", render.String, "Type of a unix socket; absent for others.", countType),
	}
	keys = append(keys, countEndpointKeys(key)...)
	return append(keys, countHolderKeys(key)...)
}

type keyMaker func(words, title, name string, kind render.Kind, doc string, get func(*countSource, *countValue)) countKey

func countEndpointKeys(key keyMaker) []countKey {
	return []countKey{
		key("local local-addr local-address", "Local Address", "local_addr", render.Addr,
			"Local address; an IPv4-mapped one counts as the IPv4 address that it is.", countAddr(localEnd)),
		key("port local-port", "Local Port", "local_port", render.Uint, "Local port; absent for raw and unix sockets.", countPort(localEnd)),
		key("service local-service", "Service", "local_service", render.String,
			"Name of the local port in /etc/services, its number where it has none.", countService(localEnd)),
		key("remote remote-addr foreign foreign-addr foreign-address", "Foreign Address", "foreign_addr", render.Addr,
			"Address of the other end, as local_addr.", countAddr(remoteEnd)),
		key("remote-port foreign-port", "Foreign Port", "foreign_port", render.Uint, "Port of the other end.", countPort(remoteEnd)),
		key("remote-service foreign-service", "Foreign Service", "foreign_service", render.String,
			"Name of the other end's port, as local_service.", countService(remoteEnd)),
	}
}

func countHolderKeys(key keyMaker) []countKey {
	holder := func(words, title, name string, kind render.Kind, doc string, get func(*countSource, *countValue)) countKey {
		k := key(words, title, name, kind, doc, func(c *countSource, v *countValue) {
			if c.owner != nil {
				get(c, v)
			}
		})
		k.owners = true
		return k
	}
	cc := key("cc congestion", "CC", "cc", render.String, "Congestion control of a TCP socket; absent where sock_diag(7) does not tell.", countCong)
	cc.ext = sockdiag.ExtCong
	return []countKey{
		holder("program", "Program", "program", render.String, "Program name of the process that holds the socket, as netstat -p shows it, whole; absent when unknown.",
			func(c *countSource, v *countValue) { v.setText(programWord(c.owner.Arg0)) }),
		holder("comm", "Command", "comm", render.String, "Name that the kernel has for the process.", func(c *countSource, v *countValue) { v.setName(c.owner.Comm) }),
		holder("pid", "PID", "pid", render.Uint, "Process id.", func(c *countSource, v *countValue) { v.setNumber(uint64(c.owner.PID)) }),
		holder("cgroup", "Cgroup", "cgroup", render.String, "Control group of the process, as owners in gnet/netstat.",
			func(c *countSource, v *countValue) { v.setName(c.cgroups.of(c.owner.PID).Path) }),
		holder("container container-id", "Container", "container_id", render.String, "Container of the process, as owners in gnet/netstat; absent when it is in none.",
			func(c *countSource, v *countValue) { v.setName(c.cgroups.of(c.owner.PID).Container) }),
		key("user", "User", "user", render.String, "Name of the socket's user, the uid where it has none, and with -n or --numeric-users.", countUser),
		key("uid", "UID", "uid", render.Uint, "User id of the socket; absent for unix sockets.", countUID),
		cc,
		key("netns", "Network Namespace", "netns_label", render.String,
			"Network namespace, with --netns: its name under ip-netns(8), else the container of its first process, else that process, else its number.",
			func(c *countSource, v *countValue) { v.setName(c.socket.space.label) }),
		key("netns-id", "Netns", "netns", render.ID, "Number of the network namespace, as in gnet/netstat.", func(c *countSource, v *countValue) {
			if id := c.socket.space.id; id != 0 {
				v.setNumber(id)
			}
		}),
	}
}

// Ends of a socket.
func localEnd(s *procnet.InetSocket) netip.AddrPort  { return s.Local }
func remoteEnd(s *procnet.InetSocket) netip.AddrPort { return s.Remote }

func countAddr(end func(*procnet.InetSocket) netip.AddrPort) func(*countSource, *countValue) {
	return func(c *countSource, v *countValue) {
		if s := c.socket.inet; s != nil {
			v.kind, v.addr = render.Addr, end(s).Addr().Unmap()
		}
	}
}

func countPort(end func(*procnet.InetSocket) netip.AddrPort) func(*countSource, *countValue) {
	return func(c *countSource, v *countValue) {
		if s := c.socket.inet; s != nil && s.Proto != procnet.Raw {
			v.setNumber(uint64(end(s).Port()))
		}
	}
}

func countService(end func(*procnet.InetSocket) netip.AddrPort) func(*countSource, *countValue) {
	port := countPort(end)
	return func(c *countSource, v *countValue) {
		port(c, v)
		if v.kind == 0 {
			return
		}
		if name, ok := c.names.services[serviceKey(c.socket.inet.Proto, uint16(v.number))]; ok {
			v.setText(name)
		}
	}
}

func countType(c *countSource, v *countValue) {
	if s := c.socket.unix; s != nil {
		v.setText(unixTypeWord(s.Type))
	}
}

func countUID(c *countSource, v *countValue) {
	if s := c.socket.inet; s != nil {
		if uid, known := s.User(); known {
			v.setNumber(uint64(uid))
		}
	}
}

func countUser(c *countSource, v *countValue) {
	countUID(c, v)
	if name, ok := c.names.users[uint32(v.number)]; ok && v.kind != 0 {
		v.setText(name)
	}
}

func countCong(c *countSource, v *countValue) {
	if s := c.socket.inet; s != nil && s.Diag != nil && s.Diag.Has&sockdiag.ExtCong != 0 {
		v.setText(c.text(s.Diag.Cong))
	}
}

// programWord is the name in netstat's program column: the first argument,
// without the folder if that is absolute.
func programWord(arg0 string) string {
	if strings.HasPrefix(arg0, "/") {
		return arg0[strings.LastIndexByte(arg0, '/')+1:]
	}
	return arg0
}

// countValue is the value of a key for one socket: text, a number, an address,
// or unknown.
type countValue struct {
	kind   render.Kind // String, Uint, Addr; 0 when unknown
	number uint64
	addr   netip.Addr
	text   string
}

func (v *countValue) setText(s string)   { v.kind, v.text = render.String, s }
func (v *countValue) setNumber(n uint64) { v.kind, v.number = render.Uint, n }

// setName is setText for a name that is unknown when empty.
func (v *countValue) setName(s string) {
	if s != "" {
		v.setText(s)
	}
}

// appendID appends bytes that no other value has, whatever follows them.
func (v *countValue) appendID(dst []byte) []byte {
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case render.String:
		dst = binary.AppendUvarint(dst, uint64(len(v.text)))
		dst = append(dst, v.text...)
	case render.Uint:
		dst = binary.BigEndian.AppendUint64(dst, v.number)
	case render.Addr:
		b := v.addr.As16()
		dst = append(append(dst, byte(v.addr.BitLen())), b[:]...)
	}
	return dst
}

// compare orders values: unknown ones, text, numbers, addresses.
func (v countValue) compare(w countValue) int {
	return cmp.Or(cmp.Compare(v.kind, w.kind), cmp.Compare(v.text, w.text), cmp.Compare(v.number, w.number), v.addr.Compare(w.addr))
}

// String is the value as a cell; "-" when unknown.
func (v *countValue) String() string {
	switch v.kind {
	case render.String:
		if v.text == "" {
			return `""`
		}
		return v.text
	case render.Uint:
		return strconv.FormatUint(v.number, 10)
	case render.Addr:
		return string(appendNumericAddr(nil, v.addr))
	}
	return "-"
}

// set gives the value to a cell of the machine formats. A service or user
// without a name is its number as text there.
func (v *countValue) set(cell *render.Value, kind render.Kind) {
	switch {
	case v.kind == 0:
	case v.kind == render.Addr:
		cell.Addr(v.addr)
	case v.kind == render.Uint && kind == render.ID:
		cell.ID(v.number)
	case v.kind == render.Uint && kind == render.Uint:
		cell.Uint(v.number)
	default:
		cell.Str(v.textOf())
	}
}

func (v *countValue) textOf() string {
	if v.kind == render.Uint {
		return strconv.FormatUint(v.number, 10)
	}
	return v.text
}
