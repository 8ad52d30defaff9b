package filter

import "net/netip"

// Names turns the names in an expression into numbers. A Filter is as good as its Names were when it was read: interfaces belong
// to a network namespace.
type Names interface {
	// Service returns the ports of a service, aliases included.
	Service(name string) (Service, bool)
	// User returns the uid of a user.
	User(name string) (uint32, bool)
	// Interface returns the index of an interface. The error, of a few words, says why there is none.
	Interface(name string) (uint32, error)
	// Host returns the addresses of a host, at least one or an error.
	Host(name string) ([]netip.Addr, error)
	// Cgroup returns the id of the cgroup v2 at path (procnet.CgroupID). The error, of a few words, says why there is none.
	Cgroup(path string) (uint64, error)
	// Netns is nil when a network namespace has that name (ip-netns(8)). The error, of a few words, says why there is none.
	Netns(name string) error
}

// Service is the port that a name has in each protocol, 0 where it has none.
type Service struct{ TCP, UDP uint16 }
