package wire

// CutIPv4 returns what becomes of an IPv4 packet on a link with that MTU (RFC 791 3.2): the packet itself when it fits, else
// its fragments, each with memory of its own. An option without the copy bit (RFC 791 3.1) stands in the first alone; the others
// keep its room, filled with NOPs, as in Linux. DF is not looked at.
func CutIPv4(p IPv4, mtu int) ([][]byte, error) {
	if p.TotalLength() <= mtu {
		return [][]byte{p[:p.TotalLength()]}, nil
	}
	whole := Fragment{Offset: p.Offset(), Length: p.TotalLength() - p.HeaderLen(), MF: p.MF()}
	pieces, err := whole.AppendCut(nil, p.HeaderLen(), mtu)
	if err != nil {
		return nil, err
	}
	fields, data := p.Fields(), p.Payload()
	var cut [][]byte
	for i, f := range pieces {
		if i == 1 {
			fields.Options = copiedOptions(fields.Options)
		}
		fields.Offset, fields.MF = f.Offset, f.MF
		b, err := fields.Append(make([]byte, 0, p.HeaderLen()+f.Length), f.Length)
		if err != nil {
			return nil, err
		}
		at := f.Offset - whole.Offset
		cut = append(cut, append(b, data[at:at+f.Length]...))
	}
	return cut, nil
}

// copiedOptions returns options as fragments other than the first have them. What is malformed stays.
func copiedOptions(options []byte) []byte {
	out := append([]byte(nil), options...)
	for rest := out; len(rest) > 0; {
		option, behind, err := NextIPv4Option(rest)
		if err != nil {
			break
		}
		if option[0]&0x80 == 0 && option[0] != IPv4OptEnd {
			for i := range option {
				option[i] = IPv4OptNOP
			}
		}
		rest = behind
	}
	return out
}

// CutIPv6 returns what its source makes of an IPv6 packet without extension headers on a path with that MTU (RFC 8200 4.5): the
// packet itself when it fits, else fragments with that identification, each with memory of its own.
func CutIPv6(p IPv6, mtu int, id uint32) ([][]byte, error) {
	size := IPv6Header + p.PayloadLength()
	if size <= mtu {
		return [][]byte{p[:size]}, nil
	}
	plan, err := PlanIPv6(p.PayloadLength(), IPv6Header, mtu)
	if err != nil {
		return nil, err
	}
	fields, data := p.Fields(), p.Payload()
	next := fields.NextHeader
	fields.NextHeader = ProtoFragment
	var cut [][]byte
	for f := range plan.All() {
		b, err := fields.Append(make([]byte, 0, IPv6Header+8+f.Length), 8+f.Length)
		if err == nil {
			b, err = AppendFragmentHeader(b, next, f.Offset, f.MF, id)
		}
		if err != nil {
			return nil, err
		}
		cut = append(cut, append(b, data[f.Offset:f.Offset+f.Length]...))
	}
	return cut, nil
}
