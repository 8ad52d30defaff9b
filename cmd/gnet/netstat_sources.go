package main

import (
	"strings"

	"gnet/internal/render"
	"gnet/procnet"
)

// reportSources says which tables did not come from where they come from as a
// rule, and why: with -v on standard error, and always as a note of a document.
// Tables with one reason share a line.
func (w *socketWalk) reportSources() {
	for i := range w.spaces {
		source := w.spaces[i].source
		if source == nil {
			continue
		}
		for _, text := range sourceLines(source.Fallbacks()) {
			switch {
			case w.o.Verbose, w.o.Info: // --info shows what only sock_diag has
				w.e.hint("%s", text)
			case w.o.Format != render.Classic:
				w.e.notes = append(w.e.notes, message{"hint", text})
			}
		}
	}
}

func sourceLines(fallbacks []procnet.Fallback) []string {
	var lines []string
	tables := make(map[string][]string)
	for _, f := range fallbacks {
		reason := "from sock_diag, because " + f.Err.Error()
		if f.File {
			reason = "from /proc/net, because sock_diag: " + f.Err.Error()
		}
		if tables[reason] == nil {
			lines = append(lines, reason)
		}
		tables[reason] = append(tables[reason], f.Table)
	}
	for i, reason := range lines {
		lines[i] = strings.Join(tables[reason], ", ") + " read " + reason
	}
	return lines
}
