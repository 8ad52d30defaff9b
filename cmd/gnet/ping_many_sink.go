package main

import (
	"net/netip"
	"strings"

	"gnet/internal/render"
	"gnet/ping"
	"gnet/ping/probe"
)

// manySink takes what a run with many targets yields.
type manySink interface {
	begin()
	event(ev *ping.Event)
	// close ends the output with the results.
	close() error
}

func newManySink(results *manyResults) manySink {
	if results.run.o.Format != render.Classic {
		return newManyDocument(results)
	}
	return newManyLines(results)
}

// lastTrouble is what was last wrong with a target.
type lastTrouble struct {
	kind      ping.Kind
	typ, code uint8
	info      uint32
	from      netip.Addr
	errno     error
}

// manyResults is what is known of each target.
type manyResults struct {
	run   *manyRun
	sweep *ping.Sweep
	last  []lastTrouble
}

// note remembers what is wrong.
func (m *manyResults) note(ev *ping.Event) {
	switch ev.Kind {
	case ping.ICMPError, ping.TooLong, ping.NotSent:
		if ev.Target >= 0 {
			m.last[ev.Target] = lastTrouble{ev.Kind, ev.Type, ev.Code, ev.Info, ev.From, ev.Err}
		}
	}
}

// result is one row.
func (m *manyResults) result(i int) manyResult {
	return manyResult{target: &m.run.targets.found[i], stats: m.sweep.Stats(i), last: &m.last[i]}
}

// all calls f for each result: first the targets that were pinged, as given,
// then those without an address.
func (m *manyResults) all(f func(*manyResult)) {
	for i := range m.run.targets.found {
		r := m.result(i)
		f(&r)
	}
	for i := range m.run.targets.missing {
		t := &m.run.targets.missing[i]
		f(&manyResult{target: t, stats: &ping.Stats{}, last: &lastTrouble{}, missing: strings.TrimPrefix(t.reason(m.run.e, m.run.o), t.Name+": ")})
	}
}

// sum returns the figures of all targets together.
func (m *manyResults) sum() manySum {
	sum := manySum{results: m, Targets: len(m.run.targets.found), Missing: len(m.run.targets.missing)}
	sum.Foreign, sum.OwnDrops = m.sweep.Common().Foreign, int64(m.sweep.Common().Dropped)
	sum.Damaged = int64(m.sweep.Common().Damaged)
	sum.BackOffs = m.sweep.Common().BackOffs
	for i := range m.run.targets.found {
		st := m.sweep.Stats(i)
		if st.Received > 0 {
			sum.Answered++
		}
		sum.Transmitted += st.Transmitted
		sum.NotSent += st.NotSent
		sum.Received += st.Received
		sum.Duplicates += st.Duplicates
		sum.Corrupted += st.Corrupted
		sum.Errors += st.Errors
		sum.Foreign += st.Foreign
		sum.Late += st.Late
	}
	return sum
}

// manyResult is what became of one target.
type manyResult struct {
	target *manyTarget
	stats  *ping.Stats
	last   *lastTrouble
	// missing says why there is no address.
	missing string
}

// trouble says what was last wrong, "" when nothing was.
func (r *manyResult) trouble() string {
	if r.missing != "" {
		return r.missing
	}
	return r.last.sentence(familyOf(r.target.Addr))
}

func (t *lastTrouble) sentence(f probe.Family) string {
	switch {
	case t.kind == ping.ICMPError && f == probe.IPv4:
		return icmpv4Sentence(t.typ, t.code, t.info)
	case t.kind == ping.ICMPError:
		return icmpv6Sentence(t.typ, t.code, t.info)
	case t.kind == ping.TooLong:
		return "message too long"
	case t.kind == ping.NotSent:
		return errnoText(t.errno)
	}
	return ""
}

// manySum is the figures of all targets together.
type manySum struct {
	results                                      *manyResults
	Targets, Answered, Missing                   int
	Transmitted, NotSent, Received               int64
	Duplicates, Corrupted, Errors, Foreign, Late int64
	OwnDrops, Damaged, BackOffs                  int64
}

// loss returns the share of the probes without an answer, in percent. Answers
// that our own buffer had no room for are no loss of the network's.
func (s *manySum) loss() (float64, bool) {
	if s.Transmitted == 0 {
		return 0, false
	}
	return float64(max(0, s.Transmitted-s.Received-s.OwnDrops)) * 100 / float64(s.Transmitted), true
}

// manyDocument writes the results as rows; in jsonl, which is watched, also what
// happens, as lines of kind "change".
type manyDocument struct {
	*manyResults
	doc    *render.Document
	events *render.Rows[manyEvent]
	rows   *render.Rows[manyResult]
}

func newManyDocument(m *manyResults) *manyDocument {
	doc := m.run.e.document(m.run.o.Format, pingTargetsSchema)
	d := &manyDocument{manyResults: m, doc: doc, rows: render.NewRows(doc, manyResultColumns())}
	if m.run.o.Format == render.JSONL && !m.run.o.Quiet {
		d.events = render.NewRows(doc, manyEventColumns())
	}
	return d
}

func (d *manyDocument) begin() {}

func (d *manyDocument) event(ev *ping.Event) {
	d.note(ev)
	switch {
	case ev.Kind == ping.Status:
		d.run.e.Stdout.Flush()
		(&manyTable{results: d.manyResults}).write(d.run.e.Stderr)
	case d.events != nil:
		row := manyEvent{echoRow: echoRow{ev, 0}}
		if ev.Target >= 0 {
			row.target = &d.run.targets.found[ev.Target]
			row.family = familyOf(row.target.Addr)
		}
		d.events.Change(&row)
		d.run.e.Stdout.Flush()
	}
}

func (d *manyDocument) close() error {
	d.all(func(r *manyResult) { d.rows.Write(r) })
	sum := d.sum()
	render.Summary(d.doc, manySumColumns(), &sum)
	return d.run.e.closeDocument(d.doc)
}
