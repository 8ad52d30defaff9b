package procnet

import (
	"io"
	"iter"
	"net/netip"

	"gnet/internal/procfile"
)

// Inet6Addr is one IPv6 address of an interface: a row of if_inet6.
//
// Written by if6_seq_show (net/ipv6/addrconf.c), without a row of headings and in the order of the kernel's hash. Captured on 6.18.
//
//	%pi6 address, ifindex %02x, prefix length %02x, scope %02x, flags %02x, name %8s
type Inet6Addr struct {
	Addr      netip.Addr // without a zone
	Index     uint32     // of the interface
	PrefixLen uint8      // at most 128 from a kernel
	// Scope is IPV6_ADDR_LOOPBACK and its kind (net/ipv6.h) as in the bits 4 to 7 of ipv6_addr_type: 0 global, 0x10 host, 0x20
	// link, 0x40 site, 0x80 IPv4-compatible.
	Scope  uint8
	Flags  uint8  // the low bits of IFA_F_TENTATIVE and so on (linux/if_addr.h)
	Device []byte // raw name of the interface; valid until the next step
}

// Inet6Addrs returns the IPv6 addresses of the network namespace, in the kernel's order.
func (fs FS) Inet6Addrs() iter.Seq2[*Inet6Addr, error] {
	return func(yield func(*Inet6Addr, error) bool) {
		f, err := fs.root.OpenNet("if_inet6")
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		parseInet6Addrs(f, f.Name())(yield)
	}
}

func parseInet6Addrs(r io.Reader, file string) iter.Seq2[*Inet6Addr, error] {
	return func(yield func(*Inet6Addr, error) bool) {
		var a Inet6Addr
		for row, err := range procfile.Rows(r, file) {
			if err == nil {
				a = Inet6Addr{Addr: row.Net6("address"), Index: row.Hex32("ifindex"), PrefixLen: row.Hex8("prefix length"),
					Scope: row.Hex8("scope"), Flags: row.Hex8("flags"), Device: row.Column("name")}
				err = row.Err()
			}
			if !yieldRow(yield, &a, err) {
				return
			}
		}
	}
}
