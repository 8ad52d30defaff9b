package main

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"gnet/stackprobe/event"
	"gnet/stackprobe/view"
)

// pageText is a page of --html as a reader without script, style and pictures gets it: its kept picture is small, and changes
// where the words do.
type pageText struct {
	w    io.Writer
	page bytes.Buffer
	view *view.Report
}

func makePageText(w io.Writer, o view.Options) eventView {
	t := &pageText{w: w}
	t.view = view.NewReport(&t.page, o)
	return t
}

func (t *pageText) Event(e *event.Event) error { return t.view.Event(e) }

func (t *pageText) Close() error {
	if err := t.view.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(t.w, plainText(&t.page))
	return err
}

// plainText gives the words of a page, a line for each block, without the figures, whose picture is that of --view summary.
func plainText(page io.Reader) string {
	blocks := strings.Fields("p h1 h2 h3 li tr div nav header section aside table caption dt dd")
	pictureTags := []string{"style", "script", "svg", "dialog"}
	const sums = `<section class="sums"`
	var b strings.Builder
	skip, figures := 0, false
	z := html.NewTokenizer(page)
	for {
		switch z.Next() {
		case html.ErrorToken:
			return squeeze(b.String())
		case html.TextToken:
			if text := strings.Join(strings.Fields(string(z.Text())), " "); skip == 0 && text != "" {
				b.WriteString(text + " ")
			}
		case html.StartTagToken:
			raw := string(z.Raw())
			name, _ := z.TagName()
			if slices.Contains(pictureTags, string(name)) || strings.HasPrefix(raw, sums) {
				skip++
			}
			figures = figures || strings.HasPrefix(raw, sums)
			switch {
			case skip > 0:
			case slices.Contains(blocks, string(name)):
				b.WriteString("\n")
			case string(name) == "td":
				b.WriteString("| ")
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if slices.Contains(pictureTags, string(name)) || figures && string(name) == "section" {
				skip--
				figures = figures && string(name) != "section"
			}
		}
	}
}

// squeeze takes out empty lines and blanks at the ends of lines.
func squeeze(s string) string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
