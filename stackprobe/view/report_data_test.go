package view

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// What a page has of variables and of the sequence space, as differences, is what the report knew.
func TestReport_differences(t *testing.T) {
	n := 0
	for _, run := range append(baseRuns[:len(baseRuns):len(baseRuns)], waitsRun, lessonRun) {
		events := run()
		for i := range events {
			if events[i].Kind == event.KindTx {
				events[i].Vars = event.Vars{Has: event.HasCwnd | event.HasSRTT | event.HasCongestion, Cwnd: uint32(i / 3), SRTT: int64(i) * 1_000_000, How: event.Read}
			}
		}
		n += differences(t, events)
	}
	if n == 0 {
		t.Error("no run has variables")
	}
}

func differences(t *testing.T, events []event.Event) int {
	t.Helper()
	r := NewReport(&strings.Builder{}, Options{})
	for _, e := range events {
		if err := r.Event(&e); err != nil {
			t.Fatal(err)
		}
	}
	page := reported(t, events, Options{})
	data, wrong := inspect(page)
	if wrong != "" {
		t.Fatal(wrong)
	}
	var vars []varChange
	for _, v := range data.Vars {
		row := 0
		for list := v[3].([]any); len(list) > 0; list = list[2:] {
			row += int(list[0].(float64))
			text, ok := list[1].(string)
			if !ok {
				text = decimalText(int64(list[1].(float64)))
			}
			vars = append(vars, varChange{row, endOf{event.Host(v[1].(float64)), int(v[0].(float64))}, int(v[2].(float64)), text})
		}
	}
	order := func(a, b varChange) int {
		return slices.Compare([]int{a.row, int(a.end.host), a.variable}, []int{b.row, int(b.end.host), b.variable})
	}
	want := slices.SortedFunc(slices.Values(r.vars.changes), order)
	slices.SortFunc(vars, order)
	if diff := cmp.Diff(want, vars, cmp.AllowUnexported(varChange{}, endOf{})); diff != "" {
		t.Errorf("%d changes of variables (-want +got):\n%s", len(vars), diff)
	}
	for i := range r.spaces.list {
		c := &r.spaces.list[i]
		for k := range c.numbers {
			if !c.known[k] {
				c.numbers[k] = 0 // it means nothing
			}
		}
	}
	if diff := cmp.Diff(r.spaces.list, unfoldSpaces(&data), cmp.AllowUnexported(spaceChange{}, endOf{}), cmp.Comparer(func(a, b []event.Range) bool { return slices.Equal(a, b) })); diff != "" {
		t.Errorf("the sequence space (-want +got):\n%s", diff)
	}
	return len(vars)
}

// unfoldSpaces is what the script does with data.space.
func unfoldSpaces(data *pageData) (list []spaceChange) {
	last := map[endOf]spaceChange{}
	for _, x := range data.Space {
		next := func() (v any) { v, x = x[0], x[1:]; return v }
		number := func() int { return int(next().(float64)) }
		blocks := func(from int64) (all []event.Range) {
			edges := next().([]any)
			for i := 0; i < len(edges); i += 2 {
				first := from + int64(edges[i].(float64))
				from = first + int64(edges[i+1].(float64))
				all = append(all, event.Range{First: first, Last: from})
			}
			return all
		}
		end := number()
		k := endOf{event.Host(end&1 + 1), end >> 1}
		c := last[k]
		c.end = k
		c.row += number()
		parts := number()
		for i := range c.numbers {
			if parts&(1<<i) == 0 {
				continue
			}
			if v := next(); v == nil {
				c.numbers[i], c.known[i] = 0, false
			} else {
				c.numbers[i], c.known[i] = c.numbers[i]+int64(v.(float64)), true
			}
		}
		if parts&spaceLimit != 0 {
			c.limit = data.Limits[number()]
		}
		if parts&spaceSacked != 0 {
			c.sacked = blocks(c.numbers[0])
		}
		if parts&spaceHeld != 0 {
			c.held = blocks(c.numbers[5])
		}
		if parts&spaceGuess != 0 {
			c.guess = number()
		}
		last[k] = c
		list = append(list, c)
	}
	return list
}

// The marks that the script draws from are those of the plots.
func TestReport_plotData(t *testing.T) {
	seq := newSequence(maxReportMarks)
	for _, e := range lostRun() {
		seq.Event(&e)
	}
	page := reported(t, lostRun(), Options{})
	_, page, _ = strings.Cut(page, `id="plotdata">`)
	page, _, _ = strings.Cut(page, "</script>")
	var ends [][]json.RawMessage
	if err := json.Unmarshal([]byte(page), &ends); err != nil || len(ends) != 2 {
		t.Fatalf("%v, %d ends", err, len(ends))
	}
	for i, end := range ends {
		d := &seq.conns[0].dirs[event.Client+event.Host(i)]
		var marks map[string][]json.RawMessage
		if err := json.Unmarshal(end[3], &marks); err != nil {
			t.Fatal(err)
		}
		for k := range markKinds {
			var times, low, tall []int64
			if c := marks[k.class()]; c != nil {
				for n, list := range []*[]int64{&times, &low, &tall} {
					if err := json.Unmarshal(c[n], list); err != nil {
						t.Fatal(err)
					}
				}
			}
			var want, got [][3]int64
			for _, m := range d.marks[k].list {
				want = append(want, [...]int64{m.t, m.lo, m.hi})
			}
			var at, from, high int64
			for j := range times {
				at += times[j]
				if len(low) > 0 {
					from += low[j]
				}
				if high = from; len(tall) > 0 {
					high += tall[j]
				}
				got = append(got, [...]int64{at, from, high})
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v of end %d (-want +got):\n%s", k.class(), i, diff)
			}
		}
	}
}
