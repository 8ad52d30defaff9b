package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// TestTraceCapture_promiscuousEnds: the device is no longer asked for all packets when the capture has ended, also by SIGKILL.
func TestTraceCapture_promiscuousEnds(t *testing.T) {
	nstest.Require(t, nstest.Raw)
	for name, signal := range map[string]unix.Signal{"SIGINT": unix.SIGINT, "SIGKILL": unix.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			inAttachLab(t, func(l *attachLab) {
				asked := func(n string) bool {
					r := l.host.Run(t, nstest.Peer(t, "ip"), "-d", "link", "show", "dev", "up0")
					return strings.Contains(r.Stdout, " promiscuity "+n+" ")
				}
				if !asked("0") {
					t.Fatal("somebody asks for all packets already")
				}
				r := l.begin("trace", "capture", "up0", "--promiscuous", "--quiet")
				waitFor(t, "the device to be asked", func() bool { return asked("1") })
				r.Process.Signal(signal)
				r.end()
				if !asked("0") {
					t.Error("the device is still asked for all packets")
				}
			})
		})
	}
}
