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
}

// PlanIPv4 is the plan for data bytes behind an IPv4 header of the given length over a link with that
// MTU (RFC 791 3.2). One packet is used when it fits.
func PlanIPv4(data, header, mtu int) (FragmentPlan, error) {
	if data < 0 || header < IPv4MinHeader || header > 60 || data+header > 0xffff {
		return FragmentPlan{}, ErrFragmentData
	}
	return plan(data, mtu-header, mtu-header)
}

// PlanIPv6 is the plan for data bytes behind the per-fragment headers of an IPv6 packet, of the given
// length together, over a path with that MTU (RFC 8200 4.5). One packet without a Fragment header is
// used when it fits; otherwise each has 8 bytes less for it.
func PlanIPv6(data, header, mtu int) (FragmentPlan, error) {
	if data < 0 || header < IPv6Header || data+header-IPv6Header > 0xffff {
		return FragmentPlan{}, ErrFragmentData
	}
	return plan(data, mtu-header, mtu-header-8)
}

// plan takes the room for data in a packet of its own and in a fragment.
func plan(data, whole, room int) (FragmentPlan, error) {
	if data <= whole {
		return FragmentPlan{Data: data, Chunk: data}, nil
	}
	if room < 8 {
		return FragmentPlan{}, ErrFragmentMTU
	}
	return FragmentPlan{Data: data, Chunk: room &^ 7}, nil
}

// Len is the number of packets, at least 1.
func (p FragmentPlan) Len() int {
	if p.Chunk == 0 {
		return 1
	}
	return (p.Data + p.Chunk - 1) / p.Chunk
}

// At is fragment i, counted from 0 and below Len.
func (p FragmentPlan) At(i int) Fragment {
	at := i * p.Chunk
	n := min(p.Chunk, p.Data-at)
	return Fragment{Offset: at, Length: n, MF: at+n < p.Data}
}
