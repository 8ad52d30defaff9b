package event

import (
	"strconv"
	"time"
)

// startForm is RFC 3339 to the nanosecond, in UTC.
const startForm = "2006-01-02T15:04:05.000000000Z"

// StartText writes Run.Start as the schema has it: RFC 3339, UTC, nanoseconds.
func StartText(ns int64) string { return time.Unix(0, ns).UTC().Format(startForm) }

// ParseStart reads what StartText has written; false for anything else, and for a moment before 1970 or behind what 64 bits of
// nanoseconds hold.
func ParseStart(s string) (ns int64, ok bool) {
	t, err := time.Parse(startForm, s)
	if err != nil || t.Unix() < 0 || t.Unix() > maxStart {
		return 0, false
	}
	return t.UnixNano(), true
}

// maxStart is the last second of which all nanoseconds fit into an int64, in 2262.
const maxStart = 1<<63/1_000_000_000 - 1

func (o *object) run(r *Run) {
	if r == nil {
		r = &Run{}
	}
	o.str("schema", Schema)
	o.optStr("world", r.World)
	o.optStr("why_world", r.Why)
	o.optStr("run_clock", r.Clock.String())
	if r.Start != 0 {
		o.str("start", StartText(r.Start))
	}
	o.optStr("version", r.Version)
	o.optStr("scenario", r.Scenario)
	o.optStr("title", r.Title)
	o.optStr("look", r.Look)
	o.str("seed", strconv.FormatInt(r.Seed, 10))
	o.int("run_bytes", int64(r.Bytes))
	o.int("snap", int64(r.Snap))
	o.bool("ipv6", r.IPv6)
	o.int("delay_client_ns", r.DelayClient)
	o.int("delay_server_ns", r.DelayServer)
	o.int("mtu", int64(r.MTU))
	if r.Deadline != 0 {
		o.int("deadline_ns", r.Deadline)
	}
	if r.Clock == Mono {
		o.int("clock_error_ns", r.ClockError)
		o.int("clock_error_max_ns", r.ClockErrorMax)
	}
	o.stack("client_", &r.Client)
	o.stack("server_", &r.Server)
	o.optStr("client_program", r.Programs[Client])
	o.optStr("server_program", r.Programs[Server])
	o.optStr("conns", r.Conns)
	o.path(r.Path)
	o.texts("faults", "rule", r.Faults)
	o.texts("crafted_lines", "line", r.Crafted)
	o.texts("pinned", "what", r.Pinned)
	o.texts("unpinned", "what", r.Unpinned)
}

func (o *object) stack(prefix string, s *Stack) {
	o.optStr(prefix+"stack", s.Name)
	o.bool(prefix+"kernel", s.Kernel)
	o.optStr(prefix+"cc", s.CC)
	o.optStr(prefix+"recovery", s.Recovery)
	o.optStr(prefix+"addr", s.Addr)
	o.optStr(prefix+"options", s.Options)
}

func (o *object) end(e *End) {
	if e == nil {
		e = &End{}
	}
	o.bool("ok", e.OK)
	o.optStr("reason", e.Reason)
	o.totals("client_", &e.Client)
	o.totals("server_", &e.Server)
}

func (o *object) totals(prefix string, t *Totals) {
	o.optStr(prefix+"state", t.State.String())
	o.is(prefix+"is_program", t.Program)
	if !t.Program {
		o.int(prefix+"written", t.Written)
		o.int(prefix+"received", t.Received)
		o.bool(prefix+"match", t.Match)
		o.hash(prefix+"written_hash", t.WrittenHash)
		o.hash(prefix+"received_hash", t.ReceivedHash)
	}
	o.int(prefix+"segments", int64(t.Segments))
	o.int(prefix+"retransmitted", int64(t.Retransmitted))
	o.int(prefix+"lost", int64(t.Lost))
	if t.HasKernel {
		o.uint(prefix+"kernel_acked", t.KernelAcked)
		o.uint(prefix+"kernel_received", t.KernelReceived)
	}
	if t.Checks != 0 || t.Wrong != 0 {
		o.int(prefix+"checks", int64(t.Checks))
		o.int(prefix+"checks_wrong", int64(t.Wrong))
	}
}
