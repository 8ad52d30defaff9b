package main

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal returns the terminal end of a pseudo terminal with so many
// columns.
func openTerminal(t *testing.T, columns uint16) *os.File {
	t.Helper()
	_, terminal := openTerminalPair(t, columns)
	return terminal
}

// openTerminalPair returns both ends: what is written to the master was typed.
// Source: pty(7), ioctl_tty(2).
func openTerminalPair(t *testing.T, columns uint16) (master, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	return master, terminal
}

func TestTerminal(t *testing.T) {
	terminal := openTerminal(t, 100)
	for _, c := range []struct {
		tty   bool
		env   map[string]string
		width int
		bold  bool
	}{
		{tty: true, width: 100, bold: true},
		{tty: true, env: map[string]string{"COLUMNS": "72"}, width: 72, bold: true},
		{tty: true, env: map[string]string{"COLUMNS": "7"}, width: narrow, bold: true},
		{tty: true, env: map[string]string{"COLUMNS": "wide", "NO_COLOR": "1"}, width: 100},
		{tty: true, env: map[string]string{"NO_COLOR": ""}, width: 100, bold: true},
		{tty: true, env: map[string]string{"TERM": "dumb"}, width: 100},
		{width: 80},
		{env: map[string]string{"COLUMNS": "120"}, width: 120},
	} {
		e := systemEnv()
		e.Stdout = newOutput(&bytes.Buffer{})
		if c.tty {
			e.Stdout = newOutput(terminal)
		}
		e.LookupEnv = func(name string) (string, bool) { value, set := c.env[name]; return value, set }
		if width, bold := e.terminal(); width != c.width || bold != c.bold {
			t.Errorf("terminal %t, %v: %d columns, bold %t, want %d, %t", c.tty, c.env, width, bold, c.width, c.bold)
		}
	}
}
