package procnet

import (
	"bytes"
	"cmp"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Names are the names that files under /etc give to numbers; the zero value reads /etc itself. The maps are never nil; a file
// that cannot be read gives no names, as in the C library.
//
// They are read here and not by the C library: no NSS module is asked, so a user that only a directory service knows
// is shown by number.
type Names struct {
	dir  string
	read func(path string) ([]byte, error) // nil: os.ReadFile
}

// NewNames returns the names in dir; "" means /etc.
func NewNames(dir string) Names { return Names{dir: dir} }

// Users returns the name of each uid in passwd(5). When several lines have one uid the first counts, as for getpwuid(3).
func (n Names) Users() map[uint32]string {
	users := make(map[uint32]string)
	for line := range n.lines("passwd") {
		name, rest, _ := bytes.Cut(line, []byte{':'})
		_, rest, _ = bytes.Cut(rest, []byte{':'})
		id, _, ok := bytes.Cut(rest, []byte{':'})
		uid, err := strconv.ParseUint(string(id), 10, 32)
		if !ok || err != nil || len(name) == 0 {
			continue
		}
		if _, known := users[uint32(uid)]; !known {
			users[uint32(uid)] = string(name)
		}
	}
	return users
}

// UID returns the uid of a user in passwd(5). When several lines have one name the first counts, as for getpwnam(3).
func (n Names) UID(user string) (uint32, bool) {
	for line := range n.lines("passwd") {
		fields := bytes.SplitN(line, []byte{':'}, 4)
		if len(fields) < 4 || string(fields[0]) != user {
			continue
		}
		if uid, err := strconv.ParseUint(string(fields[2]), 10, 32); err == nil {
			return uint32(uid), true
		}
	}
	return 0, false
}

// Ports returns the ports of a service in services(5) over TCP and over UDP, 0 where it has none. An alias counts like the
// name, and of several lines the first, as for getservbyname(3).
func (n Names) Ports(service string) (tcp, udp uint16) {
	for line := range n.lines("services") {
		fields := bytes.Fields(line)
		isService := func(f []byte) bool { return string(f) == service }
		if len(fields) < 2 || !isService(fields[0]) && !slices.ContainsFunc(fields[2:], isService) {
			continue
		}
		number, proto, ok := bytes.Cut(fields[1], []byte{'/'})
		port, err := strconv.ParseUint(string(number), 10, 16)
		switch {
		case !ok || err != nil:
		case string(proto) == "tcp":
			tcp = cmp.Or(tcp, uint16(port))
		case string(proto) == "udp":
			udp = cmp.Or(udp, uint16(port))
		}
	}
	return tcp, udp
}

// Service is a key of Services.
type Service struct {
	Proto string // "tcp", "udp"
	Port  uint16
}

// Services returns the name of each port in services(5), aliases aside. When several lines have one port the last counts:
// netstat fills its table in file order, and a later entry covers an earlier one.
func (n Names) Services() map[Service]string {
	services := make(map[Service]string)
	for line := range n.lines("services") {
		fields := bytes.Fields(line)
		if len(fields) < 2 {
			continue
		}
		number, proto, ok := bytes.Cut(fields[1], []byte{'/'})
		port, err := strconv.ParseUint(string(number), 10, 16)
		if ok && err == nil {
			services[Service{string(proto), uint16(port)}] = string(fields[0])
		}
	}
	return services
}

// Protocols returns the name of each protocol number in protocols(5), the last line of a number winning as in Services.
func (n Names) Protocols() map[uint8]string {
	protocols := make(map[uint8]string)
	for line := range n.lines("protocols") {
		fields := bytes.Fields(line)
		if len(fields) < 2 {
			continue
		}
		if number, err := strconv.ParseUint(string(fields[1]), 10, 8); err == nil {
			protocols[uint8(number)] = string(fields[0])
		}
	}
	return protocols
}

// lines yields the lines of a file under /etc, comments cut off.
func (n Names) lines(name string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		read := n.read
		if read == nil {
			read = os.ReadFile
		}
		text, err := read(filepath.Join(cmp.Or(n.dir, "/etc"), name))
		if err != nil {
			return
		}
		for line := range bytes.Lines(text) {
			line, _, _ = bytes.Cut(line, []byte{'#'})
			if !yield(bytes.TrimSuffix(line, []byte{'\n'})) {
				return
			}
		}
	}
}

// Hosts returns the canonical name of each address in hosts(5), the first line of an address counting. An IPv4 address is also
// found by the line of its IPv4-mapped form, and 127.0.0.1 by that of ::1, because gethostbyaddr(3) reads the file so.
func (n Names) Hosts() map[netip.Addr]string {
	hosts := make(map[netip.Addr]string)
	add := func(a netip.Addr, name string) {
		if _, known := hosts[a]; !known {
			hosts[a] = name
		}
	}
	for line := range n.lines("hosts") {
		fields := bytes.Fields(line)
		if len(fields) < 2 {
			continue
		}
		a, err := netip.ParseAddr(string(fields[0]))
		if err != nil {
			continue
		}
		name := string(fields[1])
		add(a.WithZone(""), name)
		switch {
		case a.Is4In6():
			add(a.Unmap(), name)
		case a == netip.IPv6Loopback():
			add(netip.AddrFrom4([4]byte{127, 0, 0, 1}), name)
		}
	}
	return hosts
}
