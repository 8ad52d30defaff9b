package view

// reportColours are those of a page on light and on dark ground: Okabe and Ito's, darker for text on white and lighter for text on
// black, so that each has a contrast of 4.5 or more (WCAG 2.2, 1.4.3); none of them means anything alone.
var reportColours = [...]struct{ name, light, dark string }{
	{"bg", "#ffffff", "#14181c"},
	{"panel", "#f5f7f9", "#1c2228"},
	{"ink", "#1a2026", "#e6eaee"},
	{"soft", "#56606b", "#a5b0bb"},
	{"edge", "#d6dce2", "#38424c"},
	{"rail", "#87929d", "#72808d"},
	{"grid", "#dfe4e9", "#333d47"},
	{"c", "#0067a3", "#62b5ea"},     // the client
	{"s", "#00704f", "#3cc79b"},     // the server
	{"again", "#8a5000", "#f0b545"}, // retransmissions
	{"bad", "#b33c00", "#ff9466"},   // losses
	{"gold", "#7a6800", "#f0e442"},  // the window's edge
	{"held", "#96407a", "#e29bc6"},  // SACK
	{"mark", "#fff0b8", "#4a3f10"},
	{"tint", "#e4f0f8", "#1d3445"},
	{"acked", "#c9d1d9", "#3c4650"},
}

// colours writes them: light, unless the reader's system or the script's class says otherwise. Paper is light.
func (h *htmlWriter) colours() {
	rule := func(selector string, dark bool) {
		scheme := "light"
		if dark {
			scheme = "dark"
		}
		h.raw(selector, "{color-scheme:", scheme)
		for _, c := range reportColours {
			v := c.light
			if dark {
				v = c.dark
			}
			h.raw(";--", c.name, ":", v)
		}
		h.raw("}")
	}
	rule(":root", false)
	h.raw("\n@media screen and (prefers-color-scheme:dark){")
	rule(":root:not(.light)", true)
	h.raw("}\n@media screen{")
	rule(":root.dark", true)
	h.raw("}\n")
}
