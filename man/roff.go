package man

import (
	"fmt"
	"strconv"
	"strings"
)

// Style says how Render writes a page.
type Style struct {
	Width int  // columns of a line; a word that is longer stands alone
	Bold  bool // write bold and underlined text with terminal escapes
}

// RoffError is a line of a page that uses what Render does not know.
type RoffError struct {
	Line    int
	Problem string
}

// Error names the line and what the renderer does not know.
func (e *RoffError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Problem) }

// Render returns a page as text. It knows the macros of man(7) and the escapes
// of roff that gnet's own pages use; anything else is an error, so that a page
// cannot say something that only a full roff would show.
func Render(src []byte, style Style) ([]byte, error) {
	r := &renderer{style: style, margin: textIndent}
	for i, line := range strings.Split(strings.TrimSuffix(string(src), "\n"), "\n") {
		if err := r.line(line); err != nil {
			return nil, &RoffError{i + 1, err.Error()}
		}
	}
	if len(r.levels) > 0 || r.nofill {
		return nil, &RoffError{strings.Count(string(src), "\n"), ".RS or .EX is not closed"}
	}
	r.breakLine()
	r.footer()
	return r.out, nil
}

// The indents of man(7), in columns.
const (
	textIndent = 7 // body text, and what .TP, .IP and .RS add
	subIndent  = 3 // .SS headings
	maxIndent  = 30
	maxNesting = 4 // of .RS
)

// renderer holds the state between two input lines.
type renderer struct {
	style   Style
	out     []byte
	title   [5]string // the arguments of .TH
	margin  int       // where paragraphs start
	hang    int       // what a tagged paragraph adds to it
	levels  []int     // the margins outside of .RS
	tag     tagState
	label   text // the tag of a tagged paragraph, until its first line is out
	pending []text
	width   int // columns of pending with one blank between words
	nofill  bool
	gap     bool // a blank line comes before the next output
	fresh   bool // nothing was written since the heading
}

type tagState uint8

const (
	noTag   tagState = iota
	wantTag          // .TP was seen: the next line is the tag
)

// text is styled characters; inside it a blank does not break.
type text []cell

type cell struct {
	r    rune
	font byte // 'R', 'B' or 'I'
}

// line handles one input line: a comment, a macro, or text.
func (r *renderer) line(line string) error {
	switch {
	case strings.HasPrefix(line, `.\"`):
		return nil
	case strings.HasPrefix(line, "."):
		return r.macro(line[1:])
	case strings.HasPrefix(line, "'"):
		return fmt.Errorf("line starts with an apostrophe, which roff takes for a macro")
	case line == "" && !r.nofill:
		return fmt.Errorf("empty line: use .PP")
	}
	cells, err := parseText(line, 'R')
	if err != nil {
		return err
	}
	return r.inline(cells)
}

// macro handles a line that starts with a dot, given without it.
func (r *renderer) macro(line string) error {
	name, rest, _ := strings.Cut(line, " ")
	args, err := arguments(rest)
	if err != nil {
		return err
	}
	if fonts, known := fontsOf(name); known {
		cells, err := fontText(fonts, args)
		if err != nil {
			return fmt.Errorf(".%s: %w", name, err)
		}
		return r.inline(cells)
	}
	if r.tag == wantTag {
		return fmt.Errorf(".%s where the tag of .TP should be", name)
	}
	return r.block(name, args)
}

// block handles the macros that start or end something.
func (r *renderer) block(name string, args []string) error {
	switch name {
	case "TH":
		if len(args) != 5 {
			return fmt.Errorf(".TH has %d arguments, want 5", len(args))
		}
		return r.header(args)
	case "SH", "SS":
		return r.heading(name, args)
	case "PP":
		r.paragraph(0)
	case "TP":
		r.tag = wantTag
		return r.tagged(args)
	case "TQ": // one more tag of the paragraph
		r.breakLine()
		r.tag = wantTag
	case "IP":
		return r.item(args)
	case "RS":
		if len(r.levels) == maxNesting {
			return fmt.Errorf("more than %d .RS in each other", maxNesting)
		}
		r.breakLine()
		r.levels = append(r.levels, r.margin)
		r.margin, r.hang = r.margin+textIndent, 0
	case "RE":
		if len(r.levels) == 0 {
			return fmt.Errorf(".RE without .RS")
		}
		r.breakLine()
		r.margin, r.levels, r.hang = r.levels[len(r.levels)-1], r.levels[:len(r.levels)-1], 0
	case "EX", "nf":
		r.breakLine()
		r.nofill = true
	case "EE", "fi":
		r.breakLine()
		r.nofill = false
	case "br":
		r.breakLine()
	default:
		return fmt.Errorf("unknown macro .%s", name)
	}
	return nil
}

// paragraph ends the one before and starts one with the given hanging indent.
func (r *renderer) paragraph(hang int) {
	r.breakLine()
	r.gap, r.hang = !r.fresh, hang
}

func (r *renderer) heading(name string, args []string) error {
	cells, err := fontText("B", args)
	if err != nil {
		return fmt.Errorf(".%s: %w", name, err)
	}
	r.breakLine()
	r.gap, r.hang = !r.fresh, 0
	indent := 0
	if name == "SS" {
		indent = subIndent
	}
	r.write(indent, cells)
	r.fresh, r.margin, r.levels = true, textIndent, nil
	return nil
}

// tagged starts a .TP paragraph; its argument is the hanging indent.
func (r *renderer) tagged(args []string) error {
	hang := textIndent
	if len(args) > 1 {
		return fmt.Errorf("%d arguments, want at most the indent", len(args))
	}
	if len(args) == 1 {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 || n > maxIndent {
			return fmt.Errorf("indent %q: 1 to %d columns are wanted", args[0], maxIndent)
		}
		hang = n
	}
	r.paragraph(hang)
	return nil
}

// item starts an .IP paragraph: a tag and perhaps an indent.
func (r *renderer) item(args []string) error {
	if len(args) == 0 {
		r.paragraph(textIndent)
		return nil
	}
	label, err := parseText(args[0], 'R')
	if err != nil {
		return err
	}
	if err := r.tagged(args[1:]); err != nil {
		return err
	}
	r.label = label
	return nil
}

// inline adds text to the paragraph, or prints it as a line of its own where
// lines are kept.
func (r *renderer) inline(cells text) error {
	switch {
	case r.tag == wantTag:
		r.tag, r.label = noTag, cells
	case r.nofill:
		r.write(r.margin+r.hang, cells)
	default:
		for _, word := range words(cells) {
			r.word(word)
		}
	}
	return nil
}

// word adds a word to the line, and ends the line first when it is full.
func (r *renderer) word(w text) {
	if len(r.pending) > 0 && r.margin+r.hang+r.width+1+len(w) > r.style.Width {
		r.breakLine()
	}
	if len(r.pending) > 0 {
		r.width++
	}
	r.pending = append(r.pending, w)
	r.width += len(w)
}

// breakLine writes the words that wait, and a tag that still waits for them.
func (r *renderer) breakLine() {
	if len(r.pending) == 0 && r.label == nil {
		return
	}
	var cells text
	for i, w := range r.pending {
		if i > 0 {
			cells = append(cells, cell{' ', 'R'})
		}
		cells = append(cells, w...)
	}
	r.pending, r.width = r.pending[:0], 0
	r.write(r.margin+r.hang, cells)
}

// write writes one output line, after the tag when one waits: beside it when it
// is short enough, below it when not.
func (r *renderer) write(indent int, cells text) {
	if r.gap && len(r.out) > 0 {
		r.out = append(r.out, '\n')
	}
	r.gap, r.fresh = false, false
	label := r.label
	r.label = nil
	switch {
	case label == nil:
		r.emit(indent, cells)
	case len(label) < r.hang && len(cells) > 0:
		joined := append(text(nil), label...)
		for len(joined) < r.hang {
			joined = append(joined, cell{' ', 'R'})
		}
		r.emit(r.margin, append(joined, cells...))
	default:
		r.emit(r.margin, label)
		if len(cells) > 0 {
			r.emit(indent, cells)
		}
	}
}

// emit writes the cells at a column, with escapes where the font changes.
func (r *renderer) emit(indent int, cells text) {
	if len(cells) == 0 {
		r.out = append(r.out, '\n')
		return
	}
	r.out = append(r.out, strings.Repeat(" ", indent)...)
	font := byte('R')
	for _, c := range cells {
		if r.style.Bold && c.font != font {
			r.out = append(r.out, fontEscape(c.font)...)
			font = c.font
		}
		if c.r == hardBlank {
			c.r = ' '
		}
		r.out = append(r.out, byte(c.r))
	}
	if font != 'R' {
		r.out = append(r.out, fontEscape('R')...)
	}
	r.out = append(r.out, '\n')
}

func fontEscape(font byte) string {
	switch font {
	case 'B':
		return "\x1b[0;1m"
	case 'I':
		return "\x1b[0;4m"
	}
	return "\x1b[0m"
}

// header writes NAME(8), the manual's title, NAME(8) over the width.
func (r *renderer) header(args []string) error {
	for i, arg := range args {
		cells, err := parseText(arg, 'R')
		if err != nil {
			return err
		}
		for _, c := range cells {
			r.title[i] += string(c.r)
		}
	}
	name := r.title[0] + "(" + r.title[1] + ")"
	r.out = append(r.out, spread(name, r.title[4], name, r.style.Width)...)
	r.gap = true
	return nil
}

func (r *renderer) footer() {
	r.out = append(r.out, '\n')
	r.out = append(r.out, spread(r.title[3], r.title[2], r.title[0]+"("+r.title[1]+")", r.style.Width)...)
}

// spread sets three words at the left, in the middle and at the right.
func spread(left, middle, right string, width int) string {
	before := max(1, (width-len(middle))/2-len(left))
	after := max(1, width-len(left)-before-len(middle)-len(right))
	return left + strings.Repeat(" ", before) + middle + strings.Repeat(" ", after) + right + "\n"
}
