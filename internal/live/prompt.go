package live

import (
	"strings"
	"unicode"
)

// Prompt is a line that is being typed. The zero value is one that is not shown.
type Prompt struct {
	Label string
	// Error is what is wrong with the text so far, shown behind it.
	Error string
	open  bool
	text  []rune
	at    int // where the cursor is
}

// maxPrompt bounds what can be typed or pasted.
const maxPrompt = 4096

// Open shows the prompt with a text that can be changed.
func (p *Prompt) Open(label, text string) {
	*p = Prompt{Label: label, open: true, text: []rune(text)}
	p.at = len(p.text)
}

// Close hides the prompt.
func (p *Prompt) Close() { p.open = false }

// IsOpen reports whether the prompt is shown.
func (p *Prompt) IsOpen() bool { return p.open }

// Text returns what was typed.
func (p *Prompt) Text() string { return string(p.text) }

// Key takes a key, and reports whether the text changed. Enter and Escape are the caller's.
func (p *Prompt) Key(k Key) (changed bool) {
	before := len(p.text)
	switch {
	case k.Code == KeyNone && unicode.IsPrint(k.Rune) && len(p.text) < maxPrompt:
		p.text = append(p.text[:p.at], append([]rune{k.Rune}, p.text[p.at:]...)...)
		p.at++
	case k.Code == Left:
		p.at = max(p.at-1, 0)
	case k.Code == Right:
		p.at = min(p.at+1, len(p.text))
	case k.Code == Home || k.Code == CtrlA:
		p.at = 0
	case k.Code == End || k.Code == CtrlE:
		p.at = len(p.text)
	case k.Code == Backspace && p.at > 0:
		p.cut(p.at-1, p.at)
	case k.Code == Delete && p.at < len(p.text):
		p.cut(p.at, p.at+1)
	case k.Code == CtrlU:
		p.cut(0, p.at)
	case k.Code == CtrlK:
		p.cut(p.at, len(p.text))
	case k.Code == CtrlW:
		head := strings.TrimRightFunc(string(p.text[:p.at]), unicode.IsSpace)
		p.cut(len([]rune(head[:strings.LastIndexByte(head, ' ')+1])), p.at)
	}
	return len(p.text) != before
}

// cut takes the characters from a up to b away.
func (p *Prompt) cut(a, b int) {
	p.text = append(p.text[:a], p.text[b:]...)
	p.at = a
}

// Draw draws the prompt in row y, so that the cursor is seen, and its error behind it or, where there is no room, in the row above.
func (p *Prompt) Draw(c *Canvas, y int) {
	w, _ := c.Size()
	x := c.Text(0, y, Strong, p.Label)
	room := max(w-x-1, 1)
	from := max(p.at-room, 0)
	for from < p.at && Columns(string(p.text[from:p.at])) > room {
		from++
	}
	end := c.Text(x, y, Plain, string(p.text[from:]))
	c.Cursor(x+Columns(string(p.text[from:p.at])), y)
	switch {
	case p.Error == "":
	case end+2+Columns(p.Error) <= w || y == 0:
		c.Text(end+2, y, Bad, p.Error)
	default:
		above := c.Part(0, y-1, w, 1)
		above.Clear()
		above.Text(0, 0, Bad, p.Error)
	}
}
