package main

import (
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"gnet/internal/procfile"
	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/procnet"
)

// selinux reports whether SELinux is on, as libselinux decides it: its file
// system is mounted and it has a configuration. Of a proc tree the kernel's list
// of file systems says it.
func (o *netstatOptions) selinux() (bool, error) {
	if !procfile.At(o.ProcRoot).IsLive() {
		return o.sockets().SELinux()
	}
	var mounted unix.Statfs_t
	if err := unix.Statfs("/sys/fs/selinux", &mounted); err != nil || uint32(mounted.Type) != unix.SELINUX_MAGIC {
		return false, nil
	}
	_, err := os.Stat("/etc/selinux/config")
	return err == nil, nil
}

// contextError is what -Z ends with when there are no contexts.
func (o *netstatOptions) contextError() error {
	on, err := o.selinux()
	switch {
	case err != nil:
		return fail(statusCannot, "-Z: %w", err)
	case !on:
		return failBare(statusNo, "SELinux is not enabled on this machine.")
	}
	return nil
}

// securityContexts are the contexts of the processes that were shown.
type securityContexts struct {
	e     *env
	procs procnet.FS
	seen  map[int]string
}

// of returns the context of a process, "" when it is not known.
func (c *securityContexts) of(pid int) string {
	if context, ok := c.seen[pid]; ok {
		return context
	}
	context, err := c.procs.Context(pid)
	if err != nil {
		c.e.warn("%v", err)
	}
	if c.seen == nil {
		c.seen = make(map[int]string)
	}
	c.seen[pid] = context
	return context
}

// contextWidth is that of the column of -Z; the head is one byte narrower.
const (
	contextWidth = 50
	contextHead  = " Security Context                                 "
)

// appendContext appends the column of -Z: the context of the process that -p
// shows, of one that is longer than the head its last 48 bytes.
func (c *securityContexts) appendContext(line []byte, owners []procnet.Owner) []byte {
	text := "-"
	if len(owners) > 0 {
		if context := c.of(owners[0].PID); context != "" {
			text = cutFront(safe.String(context))
		}
	}
	return render.Left(line, text, contextWidth)
}

// cutFront is safe.Cut at the other end.
func cutFront(text string) string {
	if len(text) < contextWidth {
		return text
	}
	for len(text) > contextWidth-2 {
		_, size := utf8.DecodeRuneInString(text)
		if strings.HasPrefix(text, `\x`) && len(text) > 4 {
			size = 4
		}
		text = text[size:]
	}
	return text
}
