package nftables

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// Rule is a list of expressions: as long as they match, the next one is evaluated.
type Rule []Expression

// Expression is one step of a rule.
type Expression struct {
	name string
	data func(r *netlink.Request)
}

// The attributes of an expression (NFTA_EXPR_*), and those that several kinds of them share.
const (
	expressionName, expressionData = 1, 2
	dataValue                      = 1 // NFTA_DATA_VALUE
	register1, register2           = 1, 2
)

func (e Expression) append(r *netlink.Request) {
	element := r.Open(listElement)
	r.String(expressionName, e.name)
	data := r.Open(expressionData)
	if e.data != nil {
		e.data(r)
	}
	r.Close(data)
	r.Close(element)
}

// load is a payload expression: size octets at the offset of a header into the first register.
func load(base, offset, size uint32) Expression {
	return Expression{"payload", func(r *netlink.Request) {
		be32(r, 1, register1)
		be32(r, 2, base)
		be32(r, 3, offset)
		be32(r, 4, size)
	}}
}

// equal goes on if the first register is value.
func equal(value []byte) Expression {
	return Expression{"cmp", func(r *netlink.Request) {
		be32(r, 1, register1)
		be32(r, 2, 0) // NFT_CMP_EQ
		data := r.Open(3)
		r.Bytes(dataValue, value)
		r.Close(data)
	}}
}

// immediate puts a value into a register.
func immediate(register uint32, value []byte) Expression {
	return Expression{"immediate", func(r *netlink.Request) {
		be32(r, 1, register)
		data := r.Open(2)
		r.Bytes(dataValue, value)
		r.Close(data)
	}}
}

// The headers of payload expressions (NFT_PAYLOAD_*).
const (
	networkHeader   = 1
	transportHeader = 2
)

// Masquerade is the rule that gives what src sends the address of the interface by which it leaves.
func Masquerade(src netip.Addr) Rule {
	offset := uint32(12) // RFC 791 section 3.1
	if src.Is6() {
		offset = 8 // RFC 8200 section 3
	}
	return Rule{load(networkHeader, offset, uint32(src.BitLen()/8)), equal(src.AsSlice()), {name: "masq"}}
}

// Redirect is the rule that sends on to dst what comes to a TCP port of this machine's own addresses.
func Redirect(port uint16, dst netip.AddrPort) Rule {
	at := binary.BigEndian.AppendUint16(nil, port)
	return Rule{
		{"fib", func(r *netlink.Request) {
			be32(r, 1, register1)
			be32(r, 2, 3) // NFT_FIB_RESULT_ADDRTYPE
			be32(r, 3, 2) // NFTA_FIB_F_DADDR
		}},
		equal(binary.NativeEndian.AppendUint32(nil, unix.RTN_LOCAL)),
		{"meta", func(r *netlink.Request) {
			be32(r, 1, register1)
			be32(r, 2, 16) // NFT_META_L4PROTO
		}},
		equal([]byte{unix.IPPROTO_TCP}),
		load(transportHeader, 2, 2), equal(at),
		immediate(register1, dst.Addr().AsSlice()),
		immediate(register2, binary.BigEndian.AppendUint16(nil, dst.Port())),
		{"nat", func(r *netlink.Request) {
			be32(r, 1, 1) // NFT_NAT_DNAT
			be32(r, 2, uint32(version(dst.Addr().Is6())))
			be32(r, 3, register1)
			be32(r, 5, register2)
		}},
	}
}
