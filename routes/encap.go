package routes

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/rtnl"
)

// EncapName returns the word for a kind of tunnel (LWTUNNEL_ENCAP_, linux/lwtunnel.h), or the number.
func EncapName(typ uint16) string {
	words := [...]string{"none", "mpls", "ip", "ila", "ip6", "seg6", "bpf", "seg6local", "rpl", "ioam6", "xfrm"}
	if int(typ) < len(words) {
		return words[typ]
	}
	return strconv.Itoa(int(typ))
}

// EncapWords returns what a tunnel holds as words behind a blank each, near to those of ip-route(8); false for a kind that is not read
// here and for bytes that make no sense.
func EncapWords(e rtnl.Encap) (string, bool) {
	read, ok := map[uint16]func(*strings.Builder, *netlink.Attrs){
		unix.LWTUNNEL_ENCAP_MPLS: encapMPLS, unix.LWTUNNEL_ENCAP_IP: encapIP, unix.LWTUNNEL_ENCAP_IP6: encapIP,
		unix.LWTUNNEL_ENCAP_SEG6: encapSeg6, encapTypeXFRM: encapXFRM,
	}[e.Type]
	if !ok {
		return "", false
	}
	var b strings.Builder
	attrs := netlink.ReadAttrs([]byte(e.Data))
	for attrs.Next() {
		read(&b, &attrs)
	}
	return b.String(), attrs.Err() == nil
}

// What x/sys lacks of linux/lwtunnel.h, linux/mpls_iptunnel.h and linux/seg6_iptunnel.h.
const (
	encapTypeXFRM = 10 // LWTUNNEL_ENCAP_XFRM
	ipID          = 1  // LWTUNNEL_IP_ID, and so on for IP and IP6
	ipDst         = 2
	ipSrc         = 3
	ipTTL         = 4
	ipTOS         = 5
	ipFlags       = 6
	ipOpts        = 8
	xfrmIfID      = 1 // LWT_XFRM_IF_ID
	xfrmLink      = 2 // LWT_XFRM_LINK
	mplsDst       = 1 // MPLS_IPTUNNEL_DST
	mplsTTL       = 2 // MPLS_IPTUNNEL_TTL
	seg6SRH       = 1 // SEG6_IPTUNNEL_SRH
)

// encapIP reads the attributes of both ip and ip6, which have the same numbers (net/ipv4/ip_tunnel_core.c, ip_tun_fill_encap_info).
func encapIP(b *strings.Builder, a *netlink.Attrs) {
	switch a.Type() {
	case ipID:
		if len(a.Data()) != 8 {
			a.Fail()
			return
		}
		fmt.Fprintf(b, " id %d", binary.BigEndian.Uint64(a.Data()))
	case ipDst:
		fmt.Fprintf(b, " dst %v", a.Addr())
	case ipSrc:
		fmt.Fprintf(b, " src %v", a.Addr())
	case ipTTL:
		fmt.Fprintf(b, " ttl %d", a.Uint8())
	case ipTOS:
		fmt.Fprintf(b, " tos %d", a.Uint8())
	case ipFlags:
		if flags := a.Uint16BE(); flags != 0 {
			fmt.Fprintf(b, " flags %#x", flags)
		}
	case ipOpts:
		fmt.Fprintf(b, " opts 0x%x", a.Data())
	}
}

// encapMPLS reads a stack of labels (RFC 3032 section 2.1) and a TTL.
func encapMPLS(b *strings.Builder, a *netlink.Attrs) {
	switch a.Type() {
	case mplsDst:
		stack := a.Data()
		if len(stack) == 0 || len(stack)%4 != 0 {
			a.Fail()
			return
		}
		separator := " "
		for ; len(stack) > 0; stack = stack[4:] {
			fmt.Fprintf(b, "%s%d", separator, binary.BigEndian.Uint32(stack)>>12)
			separator = "/"
		}
	case mplsTTL:
		fmt.Fprintf(b, " ttl %d", a.Uint8())
	}
}

// encapSeg6 reads struct seg6_iptunnel_encap: the mode and a segment routing header (RFC 8754 section 2), whose segments stand in
// reverse.
func encapSeg6(b *strings.Builder, a *netlink.Attrs) {
	const mode, header, segment = 4, 8, 16
	data := a.Data()
	if a.Type() != seg6SRH {
		return
	}
	if len(data) < mode+header || (len(data)-mode-header)%segment != 0 {
		a.Fail()
		return
	}
	modes := [...]string{"inline", "encap", "l2encap", "encap.red", "l2encap.red"}
	if m := binary.NativeEndian.Uint32(data); m < uint32(len(modes)) {
		fmt.Fprintf(b, " mode %s segs ", modes[m])
	} else {
		fmt.Fprintf(b, " mode %d segs ", m)
	}
	list := data[mode+header:]
	for len(list) > 0 {
		last := len(list) - segment
		b.WriteString(netip.AddrFrom16([16]byte(list[last:])).String())
		if list = list[:last]; len(list) > 0 {
			b.WriteByte(',')
		}
	}
}

func encapXFRM(b *strings.Builder, a *netlink.Attrs) {
	switch a.Type() {
	case xfrmIfID:
		fmt.Fprintf(b, " if_id %#x", a.Uint32())
	case xfrmLink:
		fmt.Fprintf(b, " link_dev if%d", a.Uint32())
	}
}
