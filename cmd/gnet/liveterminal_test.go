package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/live"
	"gnet/internal/netns"
	"gnet/internal/nstest"
)

// stageEnv names the stage that the guest "stage" shows.
const stageEnv = "GNET_TEST_STAGE"

// guestShowsStage is this binary as a program that shows a stage on its terminal, in the environment's way. For each number of a step that
// it reads it does that step, and says so.
func guestShowsStage([]string) int {
	o := systemEnv().liveOptions()
	stage := stageOf(os.Getenv(stageEnv), o.ASCII)
	o.Start = func(l *live.Loop) {
		l.Go(func() {
			for in := bufio.NewScanner(os.Stdin); in.Scan(); {
				n, err := strconv.Atoi(in.Text())
				if err != nil {
					panic(err)
				}
				done := make(chan struct{})
				if !l.Post(func() { stage.steps[n].do(); close(done) }) {
					return
				}
				<-done
				fmt.Println("did", n)
			}
		})
	}
	if err := live.Run(context.Background(), stage.view, o); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// stageTerminal is a stage on a pseudo terminal, beside the same stage on the simulation.
type stageTerminal struct {
	*nstest.Terminal
	t        *testing.T
	stage    *liveStage
	sim      *live.Simulation
	ascii    bool // the locale has no other characters
	kind     string
	commands io.Writer
	answers  *bufio.Reader
	// renditions is what the terminal was told for each style.
	renditions map[byte]string
}

// stageOn starts a stage in an environment.
func stageOn(t *testing.T, name string, w, h int, env ...string) *stageTerminal {
	t.Helper()
	cmd := netns.Self("stage")
	cmd.Env = append(append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8", "NO_COLOR=", "COLORTERM=", guestEnv+"=stage", stageEnv+"="+name), env...)
	commands, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	x := &stageTerminal{t: t, commands: commands, answers: bufio.NewReader(answers), ascii: slices.Contains(env, "LC_ALL=C"), kind: "xterm", renditions: make(map[byte]string)}
	for _, e := range env {
		if kind, ok := strings.CutPrefix(e, "TERM="); ok {
			x.kind = kind
		}
	}
	x.stage, x.sim = startStage(t, name, live.Options{ASCII: x.ascii || x.kind == "linux" || strings.HasPrefix(x.kind, "vt")}, w, h)
	if !strings.HasPrefix(x.kind, "xterm") && !strings.HasPrefix(x.kind, "tmux") {
		x.sim.NoClipboard()
	}
	x.Terminal = nstest.OnTerminal(t, cmd, w, h)
	return x
}

// keyBytes are what a terminal sends for keys.
func keyBytes(name string) string {
	if bytes, ok := map[string]string{"Up": "\x1b[A", "Down": "\x1b[B", "Right": "\x1b[C", "Left": "\x1b[D", "Home": "\x1b[H", "End": "\x1b[F", "PgUp": "\x1b[5~",
		"PgDn": "\x1b[6~", "Enter": "\r", "Esc": "\x1b", "Tab": "\t", "Shift-Tab": "\x1b[Z", "Backspace": "\x7f", "Delete": "\x1b[3~", "Space": " ", "F1": "\x1bOP"}[name]; ok {
		return bytes
	}
	if letter, ok := strings.CutPrefix(name, "Ctrl-"); ok {
		return string(rune(letter[0] & 0x1f))
	}
	return name
}

// take does a step on both.
func (x *stageTerminal) take(n int) {
	x.t.Helper()
	step := x.stage.steps[n]
	before := signed(x.sim)
	if err := step.take(x.sim); err != nil {
		x.t.Fatal(err)
	}
	switch {
	case step.key == "Esc" && signed(x.sim) == before:
		x.t.Fatalf("%02d: Esc changes nothing here: on a terminal it would become a part of the next key", n)
	case step.key != "":
		x.Write(keyBytes(step.key))
	case step.text != "":
		x.Write(step.text)
	default:
		fmt.Fprintln(x.commands, n)
		if line, err := x.answers.ReadString('\n'); line != fmt.Sprintln("did", n) {
			x.t.Fatalf("%02d %s: %q, %v", n, step.name, line, err)
		}
	}
}

// wantSame waits until the terminal shows what the simulation does.
func (x *stageTerminal) wantSame(what string) {
	x.t.Helper()
	want := x.sim.Text()
	if x.ascii {
		want = inASCII(want)
	}
	cx, cy, shown := x.sim.Cursor()
	var learned map[byte]string
	var fault string
	same := func(e *nstest.Emulator) bool {
		ex, ey, eshown := e.Cursor()
		if !e.Whole() || e.Text() != want || shown && (ex != cx || ey != cy || !eshown) {
			return false
		}
		learned, fault = x.styles()
		return fault == ""
	}
	if !x.UntilShown(same) {
		ex, ey, eshown := x.Screen().Cursor()
		x.t.Fatalf("%s: cursor at %d,%d %v, want %d,%d %v; %s; screen (-simulation +terminal)\n%s", what, ex, ey, eshown, cx, cy, shown, fault, cmp.Diff(quoted(want), quoted(x.Screen().Text())))
	}
	if strange := x.Screen().Strange(); len(strange) > 0 {
		x.t.Fatalf("%s: what no terminal should be sent: %s", what, strange)
	}
	x.renditions = learned
}

// styles returns how the terminal was told each style by now, and what is wrong where it was told one of them in two ways.
func (x *stageTerminal) styles() (learned map[byte]string, fault string) {
	learned = maps.Clone(x.renditions)
	for y, row := range strings.Split(strings.TrimSuffix(x.sim.Styles(), "\n"), "\n") {
		for at := range len(row) {
			got := x.Screen().Rendition(at, y).String()
			if want, known := learned[row[at]]; !known {
				learned[row[at]] = got
			} else if got != want {
				return nil, fmt.Sprintf("style %c at %d,%d is %s, and %s elsewhere", row[at], at, y, got, want)
			}
		}
	}
	return learned, ""
}

// quoted are the rows of a screen with what cannot be told apart by looking.
func quoted(screen string) (rows []string) {
	for row := range strings.Lines(screen) {
		rows = append(rows, fmt.Sprintf("%+q", row))
	}
	return rows
}

// inASCII is a screen in a locale without other characters than ASCII: each that is none is a question mark, as wide as it is.
func inASCII(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		b.WriteString("?" + strings.Repeat(" ", live.Columns(string(r))-1))
	}
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// walk takes all steps, the last of which ends the view.
func (x *stageTerminal) walk() {
	x.t.Helper()
	for n, step := range x.stage.steps {
		x.take(n)
		if over, _ := x.sim.Over(); over {
			break
		}
		x.wantSame(fmt.Sprintf("%02d %s", n, step.name))
		if x.sim.Clipboard() != x.Screen().Clipboard() {
			x.t.Errorf("%02d %s: copied %q, want %q", n, step.name, x.Screen().Clipboard(), x.sim.Clipboard())
		}
	}
	if status := x.Wait(); status != 0 {
		x.t.Errorf("status %d", status)
	}
}

// TestLiveTerminal: each view through a pseudo terminal shows after every step what the simulation shows, whose screens are the goldens,
// in each size.
func TestLiveTerminal(t *testing.T) {
	for _, c := range liveStages() {
		for _, size := range stageSizes {
			t.Run(fmt.Sprintf("%s-%dx%d", c.name, size[0], size[1]), func(t *testing.T) {
				x := stageOn(t, c.name, size[0], size[1])
				x.walk()
				x.WantClean()
			})
		}
	}
}

// TestLiveTerminal_resize: so it does after each change of size in mid-run.
func TestLiveTerminal_resize(t *testing.T) {
	for _, c := range liveStages() {
		t.Run(c.name, func(t *testing.T) {
			x := stageOn(t, c.name, 80, 24)
			for n, step := range x.stage.steps {
				x.take(n)
				if over, _ := x.sim.Over(); over {
					break
				}
				x.wantSame(step.name)
				for _, size := range [][2]int{{40, 10}, {200, 60}, {300, 100}, {80, 24}} {
					if !step.sizes {
						break
					}
					x.sim.Resize(size[0], size[1])
					x.Resize(size[0], size[1])
					x.wantSame(fmt.Sprintf("%02d %s at %dx%d", n, step.name, size[0], size[1]))
				}
			}
			x.Wait()
			x.WantClean()
		})
	}
}

// TestLiveTerminal_kinds: so it does on other kinds of terminals and in other locales; how they are told each style is a golden.
func TestLiveTerminal_kinds(t *testing.T) {
	golden := make(map[byte]map[string]string)
	var kinds []string
	for _, c := range []struct {
		name string
		env  []string
	}{
		{"xterm-256color", nil},
		{"truecolor", []string{"COLORTERM=truecolor"}},
		{"NO_COLOR", []string{"NO_COLOR=1"}},
		{"LC_ALL=C", []string{"LC_ALL=C"}},
		{"xterm", []string{"TERM=xterm"}},
		{"another xterm", []string{"TERM=xterm-of-tomorrow"}},
		{"xterm-mono", []string{"TERM=xterm-mono"}},
		{"linux", []string{"TERM=linux"}},
		{"screen", []string{"TERM=screen"}},
		{"tmux-256color", []string{"TERM=tmux-256color"}},
		{"vt220", []string{"TERM=vt220"}},
		{"vt100", []string{"TERM=vt100"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			kinds = append(kinds, c.name)
			for _, stage := range []string{"netstat-watch", "ping-many", "tracepath"} {
				x := stageOn(t, stage, 80, 24, c.env...)
				x.walk()
				for style, rendition := range x.renditions {
					if golden[style] == nil {
						golden[style] = make(map[string]string)
					}
					if before, known := golden[style][c.name]; known && before != rendition {
						t.Errorf("style %c is %s, and %s in another view", style, rendition, before)
					}
					golden[style][c.name] = rendition
				}
			}
		})
	}
	var b strings.Builder
	for _, style := range slices.Sorted(maps.Keys(golden)) {
		fmt.Fprintf(&b, "%c\n", style)
		for _, kind := range kinds {
			fmt.Fprintf(&b, "  %-14s %s\n", kind, golden[style][kind])
		}
	}
	liveGolden(t, filepath.Join("renditions.txt"), b.String())
}

// TestLiveTerminal_unusable: kinds of terminals on which nothing can be placed are refused, and get no sequence.
func TestLiveTerminal_unusable(t *testing.T) {
	for _, term := range []string{"dumb", "", "no-such-terminal"} {
		cmd := netns.Self("stage")
		cmd.Env = append(os.Environ(), "TERM="+term, "LC_ALL=C.UTF-8", guestEnv+"=stage", stageEnv+"=tracepath")
		p := nstest.OnTerminal(t, cmd, 80, 24)
		status := p.Wait()
		if want := "the terminal's kind is not known: TERM=" + term + "\n\n"; status != 1 || !strings.HasPrefix(p.Screen().Text(), want) || strings.Contains(string(p.Seen()), "\x1b") {
			t.Errorf("TERM=%s: status %d, %q", term, status, p.Seen())
		}
	}
}
