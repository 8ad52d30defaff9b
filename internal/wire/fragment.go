package wire

// Fragment is one fragment of a datagram's data.
type Fragment struct {
	Offset int  // of its first byte in the datagram's data, in bytes; a multiple of 8
	Length int  // bytes of data
	MF     bool // more fragments follow
}

// Units is the offset as the header carries it, in units of 8 bytes (RFC 791 3.1, RFC 8200 4.5).
func (f Fragment) Units() int { return f.Offset / 8 }

// FragmentPlan says how data goes into fragments: all but the last carry Chunk bytes. It is computed,
// not stored, so that a plan of 65,535 bytes costs no more than one of 8.
type FragmentPlan struct {
	Data  int // bytes of data, without the headers that each fragment repeats
	Chunk int // bytes of data in each fragment but the last; Data itself when one packet holds all
	Room  int // the most that the last one holds: for IPv4 it need not end at a multiple of 8
}

// PlanIPv4 is the plan for data bytes behind an IPv4 header of the given length over a link with that
// MTU (RFC 791 3.2: what is left is sent as it is as soon as it fits, and Linux does so in ip_append_data and
// ip_do_fragment). One packet is used when it fits.
func PlanIPv4(data, header, mtu int) (FragmentPlan, error) {
	if data < 0 || header < IPv4MinHeader || header > 60 || data+header > 0xffff {
		return FragmentPlan{}, ErrFragmentData
	}
	return plan(data, mtu-header, mtu-header, 0)
}

// PlanIPv6 is the plan for data bytes behind the per-fragment headers of an IPv6 packet, of the given
// length together, over a path with that MTU (RFC 8200 4.5). One packet without a Fragment header is
// used when it fits; otherwise each has 8 bytes less for it, and the last is no longer than the others (as in Linux,
// net/ipv6/ip6_output.c, __ip6_append_data).
func PlanIPv6(data, header, mtu int) (FragmentPlan, error) {
	if data < 0 || header < IPv6Header || data+header-IPv6Header > 0xffff {
		return FragmentPlan{}, ErrFragmentData
	}
	return plan(data, mtu-header, mtu-header-8, 7)
}

// plan takes the room for data in a packet of its own and in a fragment, and which bits of that the last one does
// without.
func plan(data, whole, room, without int) (FragmentPlan, error) {
	if data <= whole {
		return FragmentPlan{Data: data, Chunk: data, Room: data}, nil
	}
	if room < 8 {
		return FragmentPlan{}, ErrFragmentMTU
	}
	return FragmentPlan{Data: data, Chunk: room &^ 7, Room: room &^ without}, nil
}

// Len is the number of packets, at least 1.
func (p FragmentPlan) Len() int {
	if p.Chunk == 0 {
		return 1
	}
	return 1 + (max(p.Data-p.Room, 0)+p.Chunk-1)/p.Chunk
}

// At is fragment i, counted from 0 and below Len.
func (p FragmentPlan) At(i int) Fragment {
	at := i * p.Chunk
	if rest := p.Data - at; rest <= p.Room {
		return Fragment{Offset: at, Length: rest}
	}
	return Fragment{Offset: at, Length: p.Chunk, MF: true}
}
