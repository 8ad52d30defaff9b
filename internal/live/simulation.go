package live

import (
	"slices"
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"
)

// Simulation shows a view on a screen that is none, for tests: every step draws the picture before it returns.
type Simulation struct {
	*Loop
	screen tcell.SimulationScreen
}

// Simulate shows v on a simulated screen of that size, with 256 colours. Close ends it.
func Simulate(v View, o Options, w, h int) (*Simulation, error) {
	screen := tcell.NewSimulationScreen("UTF-8")
	if err := screen.Init(); err != nil {
		return nil, err
	}
	screen.SetSize(w, h)
	for screen.HasPendingEvent() {
		screen.PollEvent()
	}
	s := &Simulation{newLoop(screen, v, o), screen}
	s.clipboard = true
	if o.Start != nil {
		o.Start(s.Loop)
	}
	s.draw()
	return s, nil
}

// Close ends the simulation.
func (s *Simulation) Close() {
	close(s.done)
	s.screen.Fini()
	close(s.closed)
}

// Press presses keys by their names, as ParseKey reads them, and panics at a name that is none.
func (s *Simulation) Press(names ...string) {
	for _, name := range names {
		k, ok := ParseKey(name)
		if !ok {
			panic("no key " + name)
		}
		code := tcell.KeyRune
		for _, c := range codes() {
			if k.Code == c.code {
				code = c.from
				break
			}
		}
		s.screen.InjectKey(code, k.Rune, tcell.ModNone)
		s.event(s.screen.PollEvent())
		s.draw()
	}
}

// Type presses a key for each character.
func (s *Simulation) Type(text string) {
	for _, r := range text {
		s.screen.InjectKey(tcell.KeyRune, r, tcell.ModNone)
		s.event(s.screen.PollEvent())
	}
	s.draw()
}

// Resize gives the screen another size.
func (s *Simulation) Resize(w, h int) {
	s.screen.SetSize(w, h)
	for s.screen.HasPendingEvent() {
		s.event(s.screen.PollEvent())
	}
	s.draw()
}

// Tick calls the tick of the options.
func (s *Simulation) Tick(now time.Time) {
	s.opts.Tick(now)
	s.draw()
}

// Posted runs what was posted so far.
func (s *Simulation) Posted() {
	for {
		select {
		case f := <-s.posts:
			f()
		case text := <-s.panics:
			panic(text)
		default:
			s.draw()
			return
		}
	}
}

// Over reports whether the view has quit, and with what.
func (s *Simulation) Over() (bool, error) { return s.over, s.err }

// NoClipboard makes the terminal one without a clipboard.
func (s *Simulation) NoClipboard() { s.clipboard = false }

// Clipboard returns what was copied last.
func (s *Simulation) Clipboard() string { return string(s.screen.GetClipboardData()) }

// Cursor returns where the cursor is shown, and whether it is.
func (s *Simulation) Cursor() (x, y int, shown bool) { return s.screen.GetCursor() }

// Text returns the screen, a line each row, without the blanks at the ends of rows.
func (s *Simulation) Text() string {
	return s.rows(" ", func(cell string, _ tcell.Style, _ int) string {
		if cell == "" {
			return " "
		}
		return cell
	})
}

// Styles returns the styles of the screen, a line each row and a letter each column: a dot for Plain, f Faint, s Strong, h Heading, x
// Selected, g Good, w Warn, b Bad, + Fresh, - Gone, 1 to 6 the series.
func (s *Simulation) Styles() string {
	const letters = ".fshxgwb+-123456"
	return s.rows(".", func(_ string, style tcell.Style, width int) string {
		i := slices.Index(s.theme.style[:], style)
		return strings.Repeat(letters[max(i, 0):max(i, 0)+1], width)
	})
}

// rows joins what cell makes of each cell, without what is blank at the ends of rows.
func (s *Simulation) rows(blank string, cell func(text string, style tcell.Style, width int) string) string {
	w, h := s.screen.Size()
	var b strings.Builder
	for y := range h {
		row := ""
		for x := 0; x < w; {
			text, style, width := s.screen.Get(x, y)
			width = max(width, 1)
			row += cell(text, style, width)
			x += width
		}
		b.WriteString(strings.TrimRight(row, blank))
		b.WriteByte('\n')
	}
	return b.String()
}
