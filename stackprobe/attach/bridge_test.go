package attach

import "testing"

// TestDrawMAC: the engine's address is one host's, locally given out, and never that of its port: a bridge keeps what is sent to a port's
// own address for itself, so that the engine would hear no answer.
func TestDrawMAC(t *testing.T) {
	first := map[byte]bool{}
	for range 10_000 {
		m := drawMAC()
		if m[0]&1 != 0 || m[0]&2 == 0 || m == portMAC(m) {
			t.Fatalf("%v, of the port %v", m, portMAC(m))
		}
		first[m[0]] = true
	}
	if len(first) != 16 {
		t.Errorf("%d first octets, want 16: %v", len(first), first)
	}
}
