package event

import (
	"bytes"
	"math"
	"strconv"
)

// runMember takes what the first event has.
func (p *parts) runMember(key []byte) bool {
	r := &p.run
	switch string(key) {
	case "schema":
		p.schema = string(p.text())
	case "world":
		r.World = string(p.text())
	case "why_world":
		r.Why = string(p.text())
	case "run_clock":
		r.Clock = Clock(p.word(clockNames[:]))
	case "start":
		p.next()
		at := p.i
		ns, ok := ParseStart(string(p.text()))
		if r.Start = ns; !ok {
			p.fail(at, "a time such as 2006-01-02T15:04:05.000000000Z, from 1970 on")
		}
	case "version":
		r.Version = string(p.text())
	case "scenario":
		r.Scenario = string(p.text())
	case "title":
		r.Title = string(p.text())
	case "look":
		r.Look = string(p.text())
	case "seed":
		p.next()
		at := p.i
		n, err := strconv.ParseInt(string(p.text()), 10, 64)
		if r.Seed = n; err != nil {
			p.fail(at, "a decimal number of 64 bits as a string")
		}
	case "run_bytes":
		r.Bytes = p.count()
	case "snap":
		r.Snap = int(p.int(0, 1<<20))
	case "ipv6":
		r.IPv6 = p.bool()
	case "delay_client_ns":
		r.DelayClient = p.time()
	case "delay_server_ns":
		r.DelayServer = p.time()
	case "mtu":
		r.MTU = int(p.int(0, 1<<20))
	case "deadline_ns":
		r.Deadline = p.time()
	case "clock_error_ns":
		r.ClockError = p.time()
	case "clock_error_max_ns":
		r.ClockErrorMax = p.time()
	case "client_program":
		r.Programs[Client] = string(p.text())
	case "server_program":
		r.Programs[Server] = string(p.text())
	case "conns":
		r.Conns = string(p.text())
	case "faults":
		r.Faults = p.texts("rule")
	case "crafted_lines":
		r.Crafted = p.texts("line")
	case "pinned":
		r.Pinned = p.texts("what")
	case "unpinned":
		r.Unpinned = p.texts("what")
	default:
		return p.ends(key, func(key []byte, client bool) bool {
			if client {
				return p.stack(key, &r.Client)
			}
			return p.stack(key, &r.Server)
		})
	}
	return true
}

// ends cuts the name of an end from a key.
func (p *parts) ends(key []byte, member func(key []byte, client bool) bool) bool {
	if rest, ok := bytes.CutPrefix(key, []byte("client_")); ok {
		return member(rest, true)
	}
	rest, ok := bytes.CutPrefix(key, []byte("server_"))
	return ok && member(rest, false)
}

// texts takes a list of texts, the true bytes of those that are not UTF-8.
func (p *parts) texts(member string) []string {
	var all []string
	p.elements(func() {
		text := ""
		p.members(func(key []byte) {
			switch string(key) {
			case member:
				text = string(p.text())
			case member + "_hex":
				text = p.wire()
			default:
				p.skip()
			}
		})
		all = append(all, text)
	})
	return all
}

func (p *parts) stack(key []byte, s *Stack) bool {
	switch string(key) {
	case "stack":
		s.Name = string(p.text())
	case "kernel":
		s.Kernel = p.bool()
	case "cc":
		s.CC = string(p.text())
	case "recovery":
		s.Recovery = string(p.text())
	case "addr":
		s.Addr = string(p.text())
	case "options":
		s.Options = string(p.text())
	default:
		return false
	}
	return true
}

// endMember takes what the last event has.
func (p *parts) endMember(key []byte) bool {
	switch string(key) {
	case "ok":
		p.end.OK = p.bool()
		return true
	case "reason":
		p.end.Reason = string(p.text())
		return true
	}
	return p.ends(key, func(key []byte, client bool) bool {
		if client {
			return p.totals(key, &p.end.Client)
		}
		return p.totals(key, &p.end.Server)
	})
}

func (p *parts) totals(key []byte, t *Totals) bool {
	switch string(key) {
	case "state":
		t.State = State(p.word(stateNames[:]))
	case "is_program":
		t.Program = p.bool()
	case "written":
		t.Written = p.time()
	case "received":
		t.Received = p.time()
	case "match":
		t.Match = p.bool()
	case "written_hash":
		t.WrittenHash = p.hash()
	case "received_hash":
		t.ReceivedHash = p.hash()
	case "segments":
		t.Segments = p.count()
	case "retransmitted":
		t.Retransmitted = p.count()
	case "lost":
		t.Lost = p.count()
	case "kernel_acked":
		t.KernelAcked, t.HasKernel = p.uint(math.MaxUint64), true
	case "kernel_received":
		t.KernelReceived, t.HasKernel = p.uint(math.MaxUint64), true
	case "checks":
		t.Checks = p.count()
	case "checks_wrong":
		t.Wrong = p.count()
	default:
		return false
	}
	return true
}
