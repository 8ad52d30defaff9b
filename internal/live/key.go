package live

import (
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"
)

// Key is a key that was pressed: a character, or a Code.
type Key struct {
	Rune rune
	Code Code
}

// Code is a key that is no character.
type Code uint8

// The codes; KeyNone is that of a character.
const (
	KeyNone Code = iota
	Up
	Down
	Left
	Right
	PageUp
	PageDown
	Home
	End
	Enter
	Escape
	Tab
	BackTab
	Backspace
	Delete
	CtrlA
	CtrlC
	CtrlE
	CtrlK
	CtrlL
	CtrlU
	CtrlW
	CtrlZ
	CtrlBackslash
	F1
	Other
)

// codes are the codes with their names and what tcell calls them.
func codes() []struct {
	code Code
	name string
	from tcell.Key
} {
	return []struct {
		code Code
		name string
		from tcell.Key
	}{
		{Up, "Up", tcell.KeyUp}, {Down, "Down", tcell.KeyDown}, {Left, "Left", tcell.KeyLeft}, {Right, "Right", tcell.KeyRight},
		{PageUp, "PgUp", tcell.KeyPgUp}, {PageDown, "PgDn", tcell.KeyPgDn}, {Home, "Home", tcell.KeyHome}, {End, "End", tcell.KeyEnd},
		{Enter, "Enter", tcell.KeyEnter}, {Escape, "Esc", tcell.KeyEscape}, {Tab, "Tab", tcell.KeyTab}, {BackTab, "Shift-Tab", tcell.KeyBacktab},
		{Backspace, "Backspace", tcell.KeyBackspace2}, {Backspace, "Backspace", tcell.KeyBackspace}, {Delete, "Delete", tcell.KeyDelete},
		{CtrlA, "Ctrl-A", tcell.KeyCtrlA}, {CtrlC, "Ctrl-C", tcell.KeyCtrlC}, {CtrlE, "Ctrl-E", tcell.KeyCtrlE}, {CtrlK, "Ctrl-K", tcell.KeyCtrlK},
		{CtrlL, "Ctrl-L", tcell.KeyCtrlL}, {CtrlU, "Ctrl-U", tcell.KeyCtrlU}, {CtrlW, "Ctrl-W", tcell.KeyCtrlW}, {CtrlZ, "Ctrl-Z", tcell.KeyCtrlZ},
		{CtrlBackslash, "Ctrl-\\", tcell.KeyCtrlBackslash}, {F1, "F1", tcell.KeyF1},
	}
}

// keyOf reads tcell's event.
func keyOf(ev *tcell.EventKey) Key {
	if ev.Key() == tcell.KeyRune {
		return Key{Rune: ev.Rune()}
	}
	for _, c := range codes() {
		if c.from == ev.Key() {
			return Key{Code: c.code}
		}
	}
	return Key{Code: Other}
}

// String returns the name: the character itself, Space, or Up, Enter, Ctrl-C ...
func (k Key) String() string {
	if k.Code == KeyNone {
		if k.Rune == ' ' {
			return "Space"
		}
		return string(k.Rune)
	}
	for _, c := range codes() {
		if c.code == k.Code {
			return c.name
		}
	}
	return "another key"
}

// ParseKey reads a name that String returns.
func ParseKey(name string) (k Key, ok bool) {
	if name == "Space" {
		return Key{Rune: ' '}, true
	}
	for _, c := range codes() {
		if c.name == name {
			return Key{Code: c.code}, true
		}
	}
	r, n := utf8.DecodeRuneInString(name)
	return Key{Rune: r}, n > 0 && n == len(name) && r != utf8.RuneError
}
