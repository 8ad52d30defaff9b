package live

import (
	"os"
	"strings"

	"github.com/gdamore/tcell/v2"
	"github.com/gdamore/tcell/v2/terminfo"
)

// TerminalError says why a view cannot be shown. Reason is a clause.
type TerminalError struct {
	Reason string
	Err    error
}

// Error is the reason, and the cause behind it if there is one.
func (e *TerminalError) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

// Unwrap returns the cause, nil if there is none.
func (e *TerminalError) Unwrap() error { return e.Err }

// open takes the process's terminal: keys come from it even where standard input is something else.
func open(t *tty) (tcell.Screen, error) {
	// A locale of another character set than UTF-8 and ASCII: what ASCII lacks becomes a question mark.
	tcell.SetEncodingFallback(tcell.EncodingFallbackASCII)
	kind, err := terminalKind(os.Getenv("TERM"))
	if err != nil {
		return nil, &TerminalError{Reason: "the terminal's kind is not known: TERM=" + os.Getenv("TERM")}
	}
	screen, err := tcell.NewTerminfoScreenFromTtyTerminfo(t, withoutPadding(*kind))
	if err != nil {
		return nil, &TerminalError{"the terminal cannot be used", err}
	}
	if err := screen.Init(); err != nil {
		return nil, &TerminalError{"the terminal cannot be used", err}
	}
	return screen, nil
}

// terminalKind looks up a name of terminfo. One that is not known is taken as the kind that it is a variant of, by what stands before its
// first - or dot: xterm-kitty, screen.xterm-new.
func terminalKind(name string) (*terminfo.Terminfo, error) {
	kind, err := tcell.LookupTerminfo(name)
	if at := strings.IndexAny(name, "-."); err != nil && at > 0 {
		return tcell.LookupTerminfo(name[:at])
	}
	return kind, err
}

// withoutPadding returns a kind of terminal without a padding character, by which tcell knows the devices that need the waiting times of
// terminfo, $<5>: it sleeps them, half a second for a picture on a vt100, which today is another program or has flow control.
func withoutPadding(kind terminfo.Terminfo) *terminfo.Terminfo {
	kind.PadChar = ""
	return &kind
}

// hasClipboard reports whether a kind of terminal is told of OSC 52, as those like xterm are.
func hasClipboard(name string) bool {
	kind, err := terminalKind(name)
	return err == nil && (kind.XTermLike || strings.HasPrefix(kind.Name, "xterm"))
}
