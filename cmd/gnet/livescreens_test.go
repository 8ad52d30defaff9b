package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"gnet/internal/live"
)

// stageSizes are the sizes of the goldens, the first one that in which others are tried in mid-run.
var stageSizes = [][2]int{{80, 24}, {40, 10}, {200, 60}}

// startStage shows a stage.
func startStage(t *testing.T, name string, o live.Options, w, h int) (*liveStage, *live.Simulation) {
	t.Helper()
	stage := stageOf(name, o.ASCII)
	s, err := live.Simulate(stage.view, o, w, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return stage, s
}

// TestLiveScreens: whole screens of each view after each step, in each size, and on a terminal that has neither colours nor more than ASCII.
// Every key of the page of keys is pressed and changes something.
func TestLiveScreens(t *testing.T) {
	for _, c := range liveStages() {
		for _, size := range stageSizes {
			for _, plain := range []bool{false, true} {
				name := fmt.Sprintf("%s-%dx%d", c.name, size[0], size[1])
				if plain {
					name += "-ascii"
				}
				t.Run(name, func(t *testing.T) {
					stage, s := startStage(t, c.name, live.Options{ASCII: plain, Mono: plain}, size[0], size[1])
					first := size == stageSizes[0]
					golden, effects := stageScreens(t, stage, s, first || plain, first || !plain)
					if plain {
						wantASCII(t, golden)
					}
					compareTxtar(t, filepath.Join("testdata", "live", name+".txtar"), golden)
					if !strings.HasSuffix(c.name, "connections") { // whose keys are those of the other
						wantEffects(t, stage.view, effects, needless()[name])
					}
				})
			}
		}
	}
}

// needless are the keys that have nothing to do on a screen of that name, where all there is can be seen.
func needless() map[string][]string {
	return map[string][]string{"netstat-watch-200x60": {"Right"}, "netstat-watch-200x60-ascii": {"Right"}, "trace-step-200x60": {"[", "]"}, "trace-step-200x60-ascii": {"[", "]"}}
}

// stageScreens takes the steps of a stage. It returns the screens, with the styles of some, and, by key, whether it ever changed anything;
// without every only the screens that are shown in all sizes.
func stageScreens(t *testing.T, stage *liveStage, s *live.Simulation, styles, every bool) (*txtar.Archive, map[string]bool) {
	t.Helper()
	golden, effects := &txtar.Archive{}, make(map[string]bool)
	before, known := "", ""
	for i, step := range stage.steps {
		if err := step.take(s); err != nil {
			t.Fatal(err)
		}
		screen := signed(s)
		over, err := s.Over()
		x, y, shown := s.Cursor()
		state := fmt.Sprint(screen, s.Styles(), over, err, s.Clipboard(), x, y, shown)
		if step.key != "" {
			effects[step.key] = effects[step.key] || state != known
		}
		known = state
		if !every && !step.sizes {
			continue
		}
		data := picture(screen, before)
		if over {
			data = "(over)\n"
		}
		golden.Files = append(golden.Files, txtar.File{Name: fmt.Sprintf("%02d %s", i, step.name), Data: []byte(data)})
		if styles && step.sizes {
			golden.Files = append(golden.Files, txtar.File{Name: fmt.Sprintf("%02d %s, its styles", i, step.name), Data: []byte(s.Styles())})
		}
		before = screen
	}
	return golden, effects
}

// wantEffects fails the test for keys of a view's page that were not pressed, or never changed anything.
func wantEffects(t *testing.T, v live.View, effects map[string]bool, needless []string) {
	t.Helper()
	var idle []string
	for _, key := range append(stageKeys(v), "?", "q") {
		if effects[key] == slices.Contains(needless, key) {
			idle = append(idle, key)
		}
	}
	if len(idle) > 0 {
		t.Errorf("keys of the page that no step presses, or that change nothing (or that do, against what is said of them): %q; pressed: %q", idle, slices.Sorted(maps.Keys(effects)))
	}
}

// wantASCII fails the test where a golden has anything else; its picture is that of the view's own characters.
func wantASCII(t *testing.T, a *txtar.Archive) {
	t.Helper()
	for _, f := range a.Files {
		for i, line := range strings.Split(string(f.Data), "\n") {
			for _, r := range line {
				if r > 126 && !strings.ContainsRune("漢字", r) { // a name of the script
					t.Errorf("%s, line %d: %q is not ASCII", f.Name, i+1, r)
				}
			}
		}
	}
}

// compareTxtar holds an archive to its file.
func compareTxtar(t *testing.T, path string, got *txtar.Archive) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(txtar.Format(want)), string(txtar.Format(got))); diff != "" {
		t.Errorf("%s (-want +got)\n%s", path, diff)
	}
}

// TestLiveScreens_resize: what can be on the screen when its size changes: in the small size, in the large one, and back in the first, where
// all is as it was but for the part of a list that is seen.
func TestLiveScreens_resize(t *testing.T) {
	for _, c := range liveStages() {
		t.Run(c.name, func(t *testing.T) {
			first := stageSizes[0]
			stage, s := startStage(t, c.name, live.Options{}, first[0], first[1])
			golden := &txtar.Archive{}
			for i, step := range stage.steps {
				if err := step.take(s); err != nil {
					t.Fatal(err)
				}
				if !step.sizes {
					continue
				}
				before := signed(s)
				for _, size := range append(stageSizes[1:], first) {
					s.Resize(size[0], size[1])
					data := picture(signed(s), "")
					if size == first {
						data = picture(signed(s), before)
					}
					golden.Files = append(golden.Files, txtar.File{Name: fmt.Sprintf("%02d %s %dx%d", i, step.name, size[0], size[1]), Data: []byte(data)})
				}
			}
			compareTxtar(t, filepath.Join("testdata", "live", c.name+"-resize.txtar"), golden)
		})
	}
}
