package main

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/man"
)

// manualOptions are the options of `gnet help` that ask for the manual.
type manualOptions struct {
	Man  bool
	Roff bool // the source, as `make install` wants it
}

// showManual prints one page of the manual, gnet(1) when none is named.
func showManual(e *env, o manualOptions, words []string) error {
	name := "gnet"
	switch {
	case len(words) > 1:
		return fail(statusUsage, "one page at a time: %s", topicNames())
	case len(words) == 1:
		name = words[0]
	}
	page, err := man.Page(name, schemas())
	if err != nil {
		return fail(statusUsage, "%w", err).withHint("the pages are %s", topicNames())
	}
	if !o.Roff {
		width, bold := e.terminal()
		if page, err = man.Render(page, man.Style{Width: width, Bold: bold}); err != nil {
			return err
		}
	}
	_, err = e.Stdout.Write(page)
	return err
}

func topicNames() string {
	var names []string
	for _, t := range man.Topics() {
		names = append(names, t.Name)
	}
	return strings.Join(names, ", ")
}

// manualTopics returns the pages for completion, when none is named yet.
func manualTopics(words []string) []string {
	if len(words) > 0 {
		return nil
	}
	var names []string
	for _, t := range man.Topics() {
		names = append(names, t.Name+"\t"+t.File)
	}
	return names
}

// narrow is the fewest columns in which the manual is set: in less, an indented
// paragraph is one word per line.
const narrow = 40

// terminal returns the width of the text to print and whether it may be bold:
// COLUMNS, else the terminal's width, else 80; plain when standard output is no
// terminal or NO_COLOR is set to anything.
func (e *env) terminal() (width int, bold bool) {
	width = 80
	size, tty := e.Stdout.windowSize()
	if tty && size > 0 {
		width = size
	}
	if text, _ := e.LookupEnv("COLUMNS"); text != "" {
		if n, err := strconv.Atoi(text); err == nil && n > 0 {
			width = n
		}
	}
	noColor, _ := e.LookupEnv("NO_COLOR")
	term, _ := e.LookupEnv("TERM")
	return max(width, narrow), tty && noColor == "" && term != "dumb"
}

// windowSize returns the columns of the terminal behind the output, and whether
// there is a terminal. Source: TIOCGWINSZ, ioctl_tty(2).
func (o *output) windowSize() (columns int, tty bool) {
	file, isFile := o.err.w.(*os.File)
	if !isFile {
		return 0, false
	}
	size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(size.Col), true
}
