package man

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// fontsOf returns the fonts that a font macro uses in turn: .BR is "BR".
func fontsOf(macro string) (fonts string, known bool) {
	switch macro {
	case "B", "I", "BR", "RB", "BI", "IB", "IR", "RI":
		return macro, true
	}
	return "", false
}

// fontText returns the arguments of a font macro: one font joins them with
// blanks, two fonts alternate without.
func fontText(fonts string, args []string) (text, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("no text on the line")
	}
	var cells text
	for i, arg := range args {
		if i > 0 && len(fonts) == 1 {
			cells = append(cells, cell{' ', fonts[0]})
		}
		part, err := parseText(arg, fonts[i%len(fonts)])
		if err != nil {
			return nil, err
		}
		cells = append(cells, part...)
	}
	return cells, nil
}

// arguments splits the rest of a macro line at blanks; double quotes keep
// blanks inside an argument.
func arguments(rest string) ([]string, error) {
	var args []string
	for rest = strings.TrimLeft(rest, " "); rest != ""; rest = strings.TrimLeft(rest, " ") {
		if rest[0] != '"' {
			var arg string
			arg, rest = cutArgument(rest)
			args = append(args, arg)
			continue
		}
		arg, after, closed := strings.Cut(rest[1:], `"`)
		if !closed || after != "" && after[0] != ' ' {
			return nil, fmt.Errorf("quotes do not close at the end of an argument: %s", rest)
		}
		args, rest = append(args, arg), after
	}
	return args, nil
}

// cutArgument cuts an argument without quotes at its blank; an escaped blank
// belongs to it.
func cutArgument(s string) (arg, rest string) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ' ':
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// parseText returns the characters of a line, its escapes resolved, in the font
// base until an escape changes it.
func parseText(s string, base byte) (text, error) {
	cells := make(text, 0, len(s))
	font := base
	for s != "" {
		if s[0] != '\\' {
			r, n := utf8.DecodeRuneInString(s)
			if r >= 0x7f || r < ' ' {
				return nil, fmt.Errorf("%q is not printable ASCII", s[:n])
			}
			cells = append(cells, cell{r, font})
			s = s[1:]
			continue
		}
		if len(s) >= 3 && s[1] == 'f' {
			if !strings.ContainsRune("RBI", rune(s[2])) {
				return nil, fmt.Errorf("unknown font escape %s", s[:3])
			}
			font, s = s[2], s[3:]
			continue
		}
		shown, n, err := escaped(s)
		if err != nil {
			return nil, err
		}
		for _, r := range shown {
			cells = append(cells, cell{r, font})
		}
		s = s[n:]
	}
	return cells, nil
}

// hardBlank is a blank at which a line does not break, until it is written.
const hardBlank = '\u00a0'

// escaped returns what the escape at the start of s shows, and its length.
// Everything is shown in ASCII: a page reads the same on every terminal.
func escaped(s string) (shown string, n int, err error) {
	switch {
	case strings.HasPrefix(s, `\-`):
		return "-", 2, nil
	case strings.HasPrefix(s, `\e`):
		return `\`, 2, nil
	case strings.HasPrefix(s, `\ `):
		return string(hardBlank), 2, nil
	case strings.HasPrefix(s, `\&`):
		return "", 2, nil
	case len(s) < 4 || s[1] != '(':
		return "", 0, fmt.Errorf("unknown escape %s", s[:min(2, len(s))])
	}
	switch s[2:4] {
	case "aq":
		return "'", 4, nil
	case "ga":
		return "`", 4, nil
	case "ha":
		return "^", 4, nil
	case "ti":
		return "~", 4, nil
	case "dq":
		return `"`, 4, nil
	case "bu":
		return "*", 4, nil
	case "em":
		return "--", 4, nil
	}
	return "", 0, fmt.Errorf("unknown escape %s", s[:4])
}

// words splits text at its blanks.
func words(cells text) []text {
	var list []text
	start := 0
	for i := 0; i <= len(cells); i++ {
		if i < len(cells) && cells[i].r != ' ' {
			continue
		}
		if i > start {
			list = append(list, cells[start:i])
		}
		start = i + 1
	}
	return list
}
