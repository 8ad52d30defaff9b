package chart

// Colour is a colour by what it is called in style sheets.
type Colour struct{ Name, Light, Dark string }

// Palette returns the colours on light and on dark ground: Okabe and Ito's, darker on white, where they are text too, so that each
// stands out by 4.5 or more (WCAG 2.2, 1.4.3).
func Palette() []Colour {
	return []Colour{
		{"bg", "#ffffff", "#111418"},
		{"ink", "#1b1b1b", "#f2f2f2"},   // segments, text
		{"dim", "#56606b", "#9aa4b0"},   // axes, what happens at the other end
		{"grid", "#e6e8eb", "#252b33"},  // grid
		{"red", "#b33c00", "#ff7f2a"},   // vermillion: retransmissions, losses
		{"green", "#00704f", "#1fc79a"}, // acknowledgments
		{"gold", "#7a6800", "#f0e442"},  // the window's edge
		{"orange", "#8a5000", "#e69f00"},
		{"blue", "#0067a3", "#56b4e9"},
		{"violet", "#96407a", "#cc79a7"}, // reddish purple: SACK
	}
}
