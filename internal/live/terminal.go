package live

import (
	"os"

	"github.com/gdamore/tcell/v2"
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
	screen, err := tcell.NewTerminfoScreenFromTty(t)
	if err != nil {
		return nil, &TerminalError{Reason: "the terminal's kind is not known: TERM=" + os.Getenv("TERM")}
	}
	if err := screen.Init(); err != nil {
		return nil, &TerminalError{"the terminal cannot be used", err}
	}
	return screen, nil
}
