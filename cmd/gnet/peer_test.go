package main

import (
	"os"
	"os/exec"
	"testing"

	"gnet/internal/nstest"
)

// TestPeer_isNotGnet: the names that testscript puts in PATH are this test
// binary. An oracle that took one for the original would compare gnet with
// itself and agree on everything.
func TestPeer_isNotGnet(t *testing.T) {
	self, err := os.Stat("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"netstat", "route", "ping"} {
		first, err := exec.LookPath(name)
		if err != nil {
			t.Fatalf("%s is not in the PATH of the scripts: %v", name, err)
		}
		peer := nstest.Peer(t, name)
		file, err := os.Stat(peer)
		if err != nil {
			t.Fatal(err)
		}
		if peer == first || os.SameFile(file, self) {
			t.Errorf("Peer(%s) = %s, which is gnet", name, peer)
		}
	}
}
