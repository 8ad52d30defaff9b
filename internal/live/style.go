package live

import "github.com/gdamore/tcell/v2"

// Style is what a cell means; how that looks depends on the terminal. No meaning is carried by colour alone.
type Style uint8

// The styles. Fresh and Gone are rows that have just appeared or vanished; the series are the lines of a chart.
const (
	Plain Style = iota
	Faint
	Strong
	Heading
	Selected
	Good
	Warn
	Bad
	Fresh
	Gone
	Series1
	Series2
	Series3
	Series4
	Series5
	Series6
	styles
)

// look is a style in the three kinds of terminal: the numbers are those of xterm's 256 colours and of the 16 of ECMA-48, -1 the
// terminal's own. The colours are Okabe and Ito's, which are told apart by people who see fewer.
type look struct {
	many, few int
	attr      tcell.AttrMask
}

// looks returns the looks by Style.
func looks() [styles]look {
	return [styles]look{
		Plain:    {-1, -1, 0},
		Faint:    {-1, -1, tcell.AttrDim},
		Strong:   {-1, -1, tcell.AttrBold},
		Heading:  {-1, -1, tcell.AttrBold | tcell.AttrUnderline},
		Selected: {-1, -1, tcell.AttrReverse},
		Good:     {36, 2, 0},
		Warn:     {214, 3, 0},
		Bad:      {166, 1, tcell.AttrBold},
		Fresh:    {36, 2, tcell.AttrBold},
		Gone:     {-1, -1, tcell.AttrDim | tcell.AttrStrikeThrough},
		Series1:  {74, 6, 0},
		Series2:  {214, 3, 0},
		Series3:  {36, 2, 0},
		Series4:  {175, 5, 0},
		Series5:  {32, 4, 0},
		Series6:  {166, 1, 0},
	}
}

// theme is the looks of one terminal.
type theme struct{ style [styles]tcell.Style }

// newTheme fits the looks to a terminal of so many colours.
func newTheme(colors int) *theme {
	t := &theme{}
	for s, k := range looks() {
		n := -1
		switch {
		case colors >= 256:
			n = k.many
		case colors >= 8:
			n = k.few
		}
		st := tcell.StyleDefault.Attributes(k.attr)
		if k.attr&tcell.AttrUnderline != 0 { // which tcell draws by another name alone
			st = st.Underline(true)
		}
		if n >= 0 {
			st = st.Foreground(tcell.PaletteColor(n))
		}
		t.style[s] = st
	}
	return t
}
