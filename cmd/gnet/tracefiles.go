package main

import (
	"os"
	"os/signal"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// distinctFiles refuses two views for one file, and a view in the place of the run that is read: in is its file, "" or - for none.
func (o *viewOptions) distinctFiles(in string) error {
	for i, name := range o.Files {
		if name == "" || name == "-" {
			continue
		}
		flag := fileViews()[i].flag
		if in != "" && in != "-" && sameFile(name, in) {
			return fail(statusUsage, "--%s %s: that is the run itself", flag, name)
		}
		for k, other := range o.Files[:i] {
			if other != "" && other != "-" && sameFile(name, other) {
				return fail(statusUsage, "--%s %s: --%s is written there", flag, name, fileViews()[k].flag)
			}
		}
	}
	return nil
}

// hasFile reports whether a view has a file of its own.
func (o *viewOptions) hasFile() bool {
	for _, name := range o.Files {
		if name != "" && name != "-" {
			return true
		}
	}
	return false
}

// sameFile reports whether what is written to a would be in the place of what is in b. Devices and pipes take anything.
func sameFile(a, b string) bool {
	at, errA := os.Stat(a)
	bt, errB := os.Stat(b)
	if errA != nil || errB != nil {
		return os.IsNotExist(errA) && os.IsNotExist(errB) && filepath.Clean(a) == filepath.Clean(b)
	}
	return at.Mode().IsRegular() && os.SameFile(at, bt)
}

// outlivePipes has a write to a closed pipe be an error: a reader that has seen enough of the picture must not end the program while
// it writes a file. The signal is caught, not ignored, so that programs of a run find the default.
func outlivePipes() { signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE) }
