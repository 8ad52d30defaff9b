package ping

import "net/netip"

// sweepSlot is what is remembered of one probe.
type sweepSlot struct {
	departure
	seq    int64
	cookie uint64
	// answered and blamed are those of the Pinger's table; refused: our own kernel
	// did not take it; sending: the send call has failed, and is not given up.
	answered, blamed, refused, sending bool
}

// leave sets the time at which the probe is handed to the kernel.
func (t *sweepSlot) leave(at Instant) { t.mono, t.wall = at.Mono, at.Wall.UnixNano() }

// slot returns the place of a probe.
func (s *Sweep) slot(target int, seq int64) *sweepSlot {
	return &s.slots[target*s.places+int(seq&int64(s.places-1))]
}

// find returns the newest probe of a target with these 16 bits on the wire, nil
// when it was not sent or is forgotten: there are no more places than numbers.
func (s *Sweep) find(target int, wire uint16) *sweepSlot {
	slot := s.slot(target, int64(wire))
	if uint16(slot.seq) != wire || slot.mono == 0 && slot.wall == 0 {
		return nil
	}
	return slot
}

// lookup returns the target with an address, -1 when there is none. A target
// without a zone is that address on any link.
func (s *Sweep) lookup(a netip.Addr) int {
	if s.byAddr == nil {
		s.byAddr = make(map[netip.Addr]int32, len(s.Targets))
		for i, target := range s.Targets {
			s.byAddr[target] = int32(i)
		}
	}
	if i, ok := s.byAddr[a]; ok {
		return int(i)
	}
	if i, ok := s.byAddr[a.WithZone("")]; ok && a.Zone() != "" {
		return int(i)
	}
	return -1
}

// socket returns that of a target's family.
func (s *Sweep) socket(four bool) *SweepSocket {
	if four {
		return &s.IPv4
	}
	return &s.IPv6
}
