package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gnet/internal/live"
)

// liveStage is a full-screen view with all that fills it, and what happens on it: nothing on it depends on the machine or the time.
type liveStage struct {
	view  live.View
	steps []liveStep
}

// liveStep is a key, a text that is typed, or something that happens; name is what the golden calls it.
type liveStep struct {
	name      string
	key, text string
	// do happens on the goroutine of the view.
	do func()
	// until says when what the key has begun beside the view is over; nil for at once.
	until func() bool
	// sizes has the step shown in the other sizes too.
	sizes bool
}

// liveStages are the views by the names of their goldens.
func liveStages() []struct {
	name string
	make func(ascii bool) *liveStage
} {
	return []struct {
		name string
		make func(ascii bool) *liveStage
	}{
		{"netstat-watch", netstatStage},
		{"ping-one", pingOneStage},
		{"ping-many", pingManyStage},
		{"tracepath", tracepathStage},
		{"trace-step", traceStepStage},
		{"trace-step-connections", traceStepConnectionsStage},
	}
}

// stageOf makes the stage of a name; ascii is for the views that are told so themselves.
func stageOf(name string, ascii bool) *liveStage {
	for _, s := range liveStages() {
		if s.name == name {
			return s.make(ascii)
		}
	}
	if hostile := hostileStages()[name]; hostile != nil {
		return hostile(hostileTexts())
	}
	panic("no stage " + name)
}

// press are steps of keys.
func (s *liveStage) press(names ...string) *liveStage {
	for _, name := range names {
		s.steps = append(s.steps, liveStep{name: name, key: name})
	}
	return s
}

// types is a step of text.
func (s *liveStage) types(text string) *liveStage {
	s.steps = append(s.steps, liveStep{name: "typed " + text, text: text})
	return s
}

// happens is a step of something that happens.
func (s *liveStage) happens(name string, do func()) *liveStage {
	s.steps = append(s.steps, liveStep{name: name, do: do})
	return s
}

// everySize has the last step shown in all sizes.
func (s *liveStage) everySize() *liveStage {
	s.last().sizes = true
	return s
}

func (s *liveStage) last() *liveStep { return &s.steps[len(s.steps)-1] }

// stagePatience bounds what is waited for what a key has begun.
const stagePatience = 20 * time.Second

// take does a step on a simulation.
func (st *liveStep) take(s *live.Simulation) error {
	switch {
	case st.key != "":
		s.Press(st.key)
	case st.text != "":
		s.Type(st.text)
	case st.do != nil:
		s.Post(st.do)
		s.Posted()
	}
	for end := time.Now().Add(stagePatience); st.until != nil && !st.until(); s.Posted() {
		if time.Now().After(end) {
			return fmt.Errorf("%s: what it has begun is not over", st.name)
		}
	}
	return nil
}

// picture writes a signed screen for a golden: rows that are blank or as they were in the screen before are counted where there are some together.
func picture(screen, before string) string {
	rows, old := strings.Split(strings.TrimSuffix(screen, "\n"), "\n"), strings.Split(strings.TrimSuffix(before, "\n"), "\n")
	var b strings.Builder
	for y := 0; y < len(rows); {
		same, blank := 0, 0
		for len(old) == len(rows) && y+same < len(rows) && rows[y+same] == old[y+same] {
			same++
		}
		for y+blank < len(rows) && rows[y+blank] == "|" {
			blank++
		}
		switch {
		case same > 3:
			fmt.Fprintf(&b, "(%d rows as before)\n", same)
			y += same
		case blank > 2:
			fmt.Fprintf(&b, "(%d blank)\n", blank)
			y += blank
		default:
			b.WriteString(rows[y] + "\n")
			y++
		}
	}
	return b.String()
}

// signed is the screen, a line each row behind a | or, where the row is selected, a >.
func signed(s *live.Simulation) string {
	var b strings.Builder
	styles := strings.Split(s.Styles(), "\n")
	y := 0
	for row := range strings.Lines(s.Text()) {
		sign := "|"
		if strings.Contains(styles[y], "x") {
			sign = ">"
		}
		b.WriteString(sign + row)
		y++
	}
	return b.String()
}

// stageKeys are the keys that a view says it has. What is no name of a key is several in a row: 57G.
func stageKeys(v live.View) (keys []string) {
	for _, b := range v.Help() {
		if b.Sign {
			continue
		}
		for _, name := range strings.Fields(b.Keys) {
			if _, ok := live.ParseKey(name); ok {
				keys = append(keys, name)
				continue
			}
			for _, r := range name {
				keys = append(keys, string(r))
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
