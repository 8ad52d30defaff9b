package nstest

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Emulator is a terminal as xterm is one (ECMA-48 with DEC's modes), as far as full-screen programs use it. It takes what a program writes and
// holds what would be seen. It is strict: whatever it does not know, and every control character outside of a sequence that it knows, is in
// Strange. A character takes the columns that wcwidth gives it, each for itself, as in terminals that know nothing of grapheme clusters.
type Emulator struct {
	w, h      int
	cells     []emulated
	x, y      int
	wraps     bool // the last column was written: the next character goes to the next row
	automatic bool // DECAWM
	style     Rendition
	cursor    bool
	alternate bool
	saved     []emulated // the main screen while the alternate one is shown
	savedX    int        // by DECSC
	savedY    int
	clipboard string
	strange   []string
	pending   []byte // of a sequence or character that is not whole
}

// emulated is a cell. The one right of a wide character has an empty text.
type emulated struct {
	text  string
	style Rendition
}

// Rendition is what SGR has set: the attributes by their SGR parameters, and the colours, as parameters too; "" for none.
type Rendition struct {
	Bold, Dim, Italic, Underline, Blink, Reverse, Struck bool
	Foreground, Background                               string
}

// NewEmulator returns an empty screen of that size.
func NewEmulator(columns, rows int) *Emulator {
	e := &Emulator{automatic: true, cursor: true}
	e.Resize(columns, rows)
	return e
}

// Resize gives the screen another size. What stands in both stays.
func (e *Emulator) Resize(columns, rows int) {
	fit := func(old []emulated) []emulated {
		cells := blankCells(columns * rows)
		for y := range min(rows, e.h) {
			copy(cells[y*columns:(y+1)*columns], old[y*e.w:y*e.w+min(e.w, columns)])
		}
		return cells
	}
	cells := fit(e.cells)
	if e.alternate {
		e.saved = fit(e.saved)
	}
	e.cells, e.w, e.h = cells, columns, rows
	e.x, e.y, e.wraps = min(e.x, columns-1), min(e.y, rows-1), false
}

func blankCells(n int) []emulated {
	return slices.Repeat([]emulated{{text: " "}}, n)
}

// Write takes what a program wrote. It never fails.
func (e *Emulator) Write(p []byte) (int, error) {
	e.pending = append(e.pending, p...)
	for len(e.pending) > 0 {
		n := e.step(e.pending)
		if n == 0 {
			break
		}
		e.pending = e.pending[n:]
	}
	return len(p), nil
}

// step does what b begins with and returns its length, 0 where more is needed.
func (e *Emulator) step(b []byte) int {
	switch {
	case b[0] == '\x1b':
		return e.escape(b)
	case b[0] < ' ' || b[0] == 0x7f:
		e.control(b[0])
		return 1
	case !utf8.FullRune(b):
		return 0
	}
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError && n == 1 || r >= 0x80 && r < 0xa0 || unicode.Is(unicode.Bidi_Control, r) {
		e.wonder(b[:n])
		return n
	}
	e.put(r)
	return n
}

// wonder notes what is not known.
func (e *Emulator) wonder(b []byte) { e.strange = append(e.strange, fmt.Sprintf("%+q", b)) }

// control obeys a control character.
func (e *Emulator) control(b byte) {
	switch b {
	case '\b':
		e.x, e.wraps = max(e.x-1, 0), false
	case '\r':
		e.x, e.wraps = 0, false
	case '\n':
		e.down()
	case 0x0f: // SI: the character set that is there anyway
	default:
		e.wonder([]byte{b})
	}
}

// down goes to the next row; below the last one all move up.
func (e *Emulator) down() {
	if e.y+1 < e.h {
		e.y++
		return
	}
	e.cells = append(e.cells[e.w:], blankCells(e.w)...)
}

// put writes a character where the cursor is.
func (e *Emulator) put(r rune) {
	n := columnsOf(r)
	if n == 0 {
		e.combine(r)
		return
	}
	if e.wraps || e.x+n > e.w {
		if !e.automatic {
			e.x = max(e.w-n, 0)
		} else {
			e.x = 0
			e.down()
		}
		e.wraps = false
	}
	for i := range min(n, e.w) {
		e.clear(e.x + i)
	}
	at := e.y*e.w + e.x
	e.cells[at] = emulated{string(r), e.style}
	if n == 2 && e.x+1 < e.w {
		e.cells[at+1] = emulated{"", e.style}
	}
	e.x += n
	if e.x >= e.w {
		e.x, e.wraps = e.w-1, true
	}
}

// clear makes a column of the row blank, and the other half of a wide character there.
func (e *Emulator) clear(x int) {
	at := e.y*e.w + x
	if e.cells[at].text == "" && x > 0 {
		e.cells[at-1].text = " "
	}
	if x+1 < e.w && e.cells[at+1].text == "" {
		e.cells[at+1].text = " "
	}
	e.cells[at] = emulated{" ", e.style}
}

// combine adds a character without a column of its own to the one before the cursor.
func (e *Emulator) combine(r rune) {
	x := e.x
	if !e.wraps {
		x--
	}
	if x > 0 && e.cells[e.y*e.w+x].text == "" {
		x--
	}
	if x < 0 {
		e.wonder([]byte(string(r)))
		return
	}
	e.cells[e.y*e.w+x].text += string(r)
}

// columnsOf is how many columns wcwidth gives a character.
func columnsOf(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) && r != 0xad || r >= 0x1160 && r <= 0x11ff:
		return 0
	case width.LookupRune(r).Kind() == width.EastAsianWide || width.LookupRune(r).Kind() == width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// escape obeys a sequence.
func (e *Emulator) escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '[':
		return e.csi(b)
	case ']':
		return e.osc(b)
	case '(', ')': // which character set: only ASCII is ever chosen
		if len(b) < 3 {
			return 0
		}
		if b[2] != 'B' && b[2] != '0' || b[1] == '(' && b[2] == '0' {
			e.wonder(b[:3])
		}
		return 3
	case '=', '>': // keypad
		return 2
	case '7', '8': // DECSC, DECRC around the other screen
		if b[1] == '8' {
			e.x, e.y, e.wraps = e.savedX, e.savedY, false
		}
		e.savedX, e.savedY = e.x, e.y
		return 2
	}
	e.wonder(b[:2])
	return 2
}

// csi obeys a control sequence.
func (e *Emulator) csi(b []byte) int {
	end := 2
	for end < len(b) && b[end] >= 0x20 && b[end] < 0x40 {
		end++
	}
	if end == len(b) {
		return 0
	}
	e.sequence(string(b[2:end]), b[end], b[:end+1])
	return end + 1
}

// sequence obeys a control sequence with those parameters.
func (e *Emulator) sequence(params string, final byte, whole []byte) {
	n := numbers(params)
	switch final {
	case 'H':
		e.y, e.x, e.wraps = min(max(n[0], 1), e.h)-1, min(max(n[1], 1), e.w)-1, false
		return
	case 'J':
		if params == "" || params == "0" || params == "2" {
			e.erase(params == "2")
			return
		}
	case '@':
		if params == "" {
			row := e.cells[e.y*e.w : (e.y+1)*e.w]
			copy(row[e.x+1:], row[e.x:])
			return
		}
	case 'm':
		if e.render(params) {
			return
		}
	case 'h', 'l':
		if e.mode(params, final == 'h') {
			return
		}
	case 't', 'u', 'q', 'c': // titles, the keyboard's protocols, the cursor's shape
		return
	}
	e.wonder(whole)
}

// numbers returns the first two parameters, 0 where there is none.
func numbers(params string) (n [2]int) {
	for i, p := range strings.SplitN(params, ";", 3) {
		if i < 2 {
			n[i], _ = strconv.Atoi(p)
		}
	}
	return n
}

// erase makes the screen blank, from the cursor on or all of it.
func (e *Emulator) erase(all bool) {
	from := e.y*e.w + e.x
	if all {
		from = 0
	}
	copy(e.cells[from:], blankCells(len(e.cells)-from))
	e.wraps = false
}

// mode sets or resets modes, and reports whether it knows them.
func (e *Emulator) mode(params string, on bool) bool {
	switch params {
	case "?7":
		e.automatic = on
	case "?25", "?12;25":
		e.cursor = on
	case "?1049", "?47":
		if on && !e.alternate {
			e.saved, e.cells = e.cells, blankCells(e.w*e.h)
		} else if !on && e.alternate {
			e.cells, e.saved = e.saved, nil
		}
		e.alternate = on
	case "?1", "?12", "34", "?2004", "?1004", "?2026", "?9001", "?1000", "?1002", "?1003", "?1006": // the cursor, keys, pastes, the mouse, whole frames
	default:
		return false
	}
	return true
}

// render sets the rendition, and reports whether it knows all parameters.
func (e *Emulator) render(params string) bool {
	if strings.HasPrefix(params, ">") { // modifyOtherKeys
		return true
	}
	list := strings.Split(params, ";")
	for i := 0; i < len(list); i++ {
		n, err := strconv.Atoi(list[i])
		if list[i] != "" && err != nil {
			return false
		}
		s := &e.style
		switch {
		case n == 0:
			*s = Rendition{}
		case n <= 9 && n != 6 && n != 8:
			*[...]*bool{1: &s.Bold, 2: &s.Dim, 3: &s.Italic, 4: &s.Underline, 5: &s.Blink, 7: &s.Reverse, 9: &s.Struck}[n] = true
		case n == 39:
			s.Foreground = ""
		case n == 49:
			s.Background = ""
		case n >= 30 && n <= 37 || n >= 90 && n <= 97:
			s.Foreground = list[i]
		case n >= 40 && n <= 47 || n >= 100 && n <= 107:
			s.Background = list[i]
		case (n == 38 || n == 48) && i+2 < len(list) && list[i+1] == "5":
			*map[int]*string{38: &s.Foreground, 48: &s.Background}[n] = strings.Join(list[i:i+3], ";")
			i += 2
		case n == 59:
		default:
			return false
		}
	}
	return true
}

// osc obeys an operating system command.
func (e *Emulator) osc(b []byte) int {
	text, n := "", 0
	for i := 2; i < len(b) && n == 0; i++ {
		switch {
		case b[i] == '\a':
			text, n = string(b[2:i]), i+1
		case b[i] == '\x1b' && i+1 < len(b) && b[i+1] == '\\':
			text, n = string(b[2:i]), i+2
		case b[i] < ' ' && b[i] != '\x1b':
			e.wonder(b[:i+1])
			return i + 1
		}
	}
	if n == 0 {
		return 0
	}
	data, isClip := strings.CutPrefix(text, "52;c;")
	clip, err := base64.StdEncoding.DecodeString(data)
	switch {
	case isClip && err == nil:
		e.clipboard = string(clip)
	case text != "8;;": // the end of a link
		e.wonder(b[:n])
	}
	return n
}

// Whole reports whether no sequence and no character is half there.
func (e *Emulator) Whole() bool { return len(e.pending) == 0 }

// Strange returns what was written and is no text nor a sequence that is known, quoted.
func (e *Emulator) Strange() []string {
	if len(e.pending) > 0 {
		return append(slices.Clone(e.strange), fmt.Sprintf("%+q, which is not whole", e.pending))
	}
	return e.strange
}

// Alternate reports whether the alternate screen is shown.
func (e *Emulator) Alternate() bool { return e.alternate }

// Cursor returns where the cursor is, and whether it is shown.
func (e *Emulator) Cursor() (x, y int, shown bool) { return e.x, e.y, e.cursor }

// Clipboard returns what was copied last.
func (e *Emulator) Clipboard() string { return e.clipboard }

// Text returns the screen, a line each row, without the blanks at the ends of rows.
func (e *Emulator) Text() string {
	var b strings.Builder
	for y := range e.h {
		row := ""
		for _, c := range e.cells[y*e.w : (y+1)*e.w] {
			row += c.text
		}
		b.WriteString(strings.TrimRight(row, " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// Rendition returns how a cell is shown.
func (e *Emulator) Rendition(x, y int) Rendition { return e.cells[y*e.w+x].style }

// String names what differs from plain text, by SGR's parameters: "1;38;5;166"; "-" for nothing.
func (r Rendition) String() string {
	var words []string
	for n, on := range [...]bool{1: r.Bold, 2: r.Dim, 3: r.Italic, 4: r.Underline, 5: r.Blink, 7: r.Reverse, 9: r.Struck} {
		if on {
			words = append(words, strconv.Itoa(n))
		}
	}
	for _, color := range []string{r.Foreground, r.Background} {
		if color != "" {
			words = append(words, color)
		}
	}
	if words == nil {
		return "-"
	}
	return strings.Join(words, ";")
}
