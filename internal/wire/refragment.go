package wire

import "iter"

// All yields the fragments of the plan in the order of their offsets.
func (p FragmentPlan) All() iter.Seq[Fragment] {
	return func(yield func(Fragment) bool) {
		for i := range p.Len() {
			if !yield(p.At(i)) {
				return
			}
		}
	}
}

// AppendCut appends to dst what a router makes of f, a whole datagram or a fragment of one, when it sends
// it on over a link with that MTU (RFC 791 3.2): f itself when it fits. header is the length of f's IPv4
// header with its options; all pieces keep it, as they do in Linux, which overwrites the options that are
// not copied (net/ipv4/ip_options.c, ip_options_fragment) where RFC 791 would leave them out.
//
// It is for packets of IPv4 without DF: no router cuts others. On an error dst is unchanged.
func (f Fragment) AppendCut(dst []Fragment, header, mtu int) ([]Fragment, error) {
	p, err := PlanIPv4(f.Length, header, mtu)
	if err != nil {
		return dst, err
	}
	for piece := range p.All() {
		piece.Offset += f.Offset
		piece.MF = piece.MF || f.MF
		dst = append(dst, piece)
	}
	return dst, nil
}

// Cut is what becomes of the pieces of a datagram on a further link with that MTU, as AppendCut has it.
func Cut(pieces []Fragment, header, mtu int) ([]Fragment, error) {
	cut := make([]Fragment, 0, len(pieces))
	for _, f := range pieces {
		var err error
		if cut, err = f.AppendCut(cut, header, mtu); err != nil {
			return nil, err
		}
	}
	return cut, nil
}
