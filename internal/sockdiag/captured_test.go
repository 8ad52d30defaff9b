package sockdiag

import (
	"bufio"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
)

// captured is one message of a real kernel.
type captured struct {
	Name string
	netlink.Message
}

// capturedMessages reads testdata/FILE: per line a name and the message's body in hex.
// All come from Linux 6.18 on a little-endian machine, under type 20.
func capturedMessages(t testing.TB, file string) (all []captured) {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, digits, _ := strings.Cut(lines.Text(), " ")
		body, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("%s: %s: %v", file, name, err)
		}
		all = append(all, captured{name, netlink.Message{Type: 20, Body: body}})
	}
	if len(all) == 0 {
		t.Fatalf("%s has no message", file)
	}
	return all
}

func capturedRows(t testing.TB) []captured { return capturedMessages(t, "inet_diag.hex") }

// attributeOf is the payload of an attribute of a captured inet row.
func attributeOf(body []byte, typ uint16) []byte {
	attrs := netlink.ReadAttrs(body[sizeofMsg:])
	for attrs.Next() {
		if attrs.Type() == typ {
			return attrs.Data()
		}
	}
	return nil
}

var rowErrors = []error{netlink.ErrShortMessage, netlink.ErrBadAttribute}

func isRowError(err error) bool {
	return slices.ContainsFunc(rowErrors, func(known error) bool { return errors.Is(err, known) })
}

// inetSeeds are captured bodies, the row with every attribute, and broken ones.
func inetSeeds(t testing.TB) (seeds [][]byte) {
	for _, m := range capturedRows(t) {
		seeds = append(seeds, m.Body)
	}
	base := diagMsg(2, 10, local4, remote4)
	for typ := range uint16(24) {
		seeds = append(seeds, nltest.AppendAttr(slices.Clip(base), typ, []byte{1}))
	}
	return append(seeds, everything(), base, base[:40], append(slices.Clip(base), 3, 0, 1, 0))
}

func unixSeeds(t testing.TB) (seeds [][]byte) {
	for _, m := range capturedMessages(t, "unix_diag.hex") {
		seeds = append(seeds, m.Body)
	}
	base := unixMsg(1)
	for typ := range uint16(10) {
		seeds = append(seeds, nltest.AppendAttr(slices.Clip(base), typ, []byte{1}))
	}
	return append(seeds, unixEverything(), base, base[:4], unixMsg(2))
}

// FuzzInetRow: a row holds what its own message says and nothing of the message
// before; what is wrong with one is said in the words of package netlink.
func FuzzInetRow(f *testing.F) {
	for _, seed := range inetSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, before := range [][]byte{everything(), narrow()} {
			m := netlink.Message{Type: 20, Body: body}
			var fresh, used InetRow
			wanted, err := fresh.decode(m, 0)
			if _, err := used.decode(netlink.Message{Type: 20, Body: before}, 0); err != nil {
				t.Fatal(err)
			}
			again, errAgain := used.decode(m, 0)
			if wanted != again || !errors.Is(errAgain, err) {
				t.Fatalf("%v, %v; then %v, %v", wanted, err, again, errAgain)
			}
			if err == nil {
				mustEqual(t, fresh, used)
			} else if !isRowError(err) {
				t.Fatal(err)
			}
		}
	})
}

// FuzzUnixRow is FuzzInetRow for unix sockets.
func FuzzUnixRow(f *testing.F) {
	for _, seed := range unixSeeds(f) {
		f.Add(seed)
	}
	dirt := netlink.Message{Type: 20, Body: unixEverything()}
	f.Fuzz(func(t *testing.T, body []byte) {
		m := netlink.Message{Type: 20, Body: body}
		var fresh, used UnixRow
		wanted, err := fresh.decode(m)
		if _, err := used.decode(dirt); err != nil {
			t.Fatal(err)
		}
		again, errAgain := used.decode(m)
		if err != nil {
			if !errors.Is(errAgain, err) || !isRowError(err) {
				t.Fatalf("%v, then %v", err, errAgain)
			}
			return
		}
		if wanted != again {
			t.Fatalf("wanted %v, then %v", wanted, again)
		}
		if wanted {
			mustEqual(t, fresh, used)
		}
	})
}

// TestSeeds_reachBothEnds: among the seeds are rows and errors of each kind.
func TestSeeds_reachBothEnds(t *testing.T) {
	found := map[string]bool{}
	for _, seed := range inetSeeds(t) {
		var r InetRow
		_, err := r.decode(netlink.Message{Type: 20, Body: seed}, 0)
		found[outcome("inet", err)] = true
	}
	for _, seed := range unixSeeds(t) {
		var r UnixRow
		_, err := r.decode(netlink.Message{Type: 20, Body: seed})
		found[outcome("unix", err)] = true
	}
	want := map[string]bool{}
	for _, family := range []string{"inet", "unix"} {
		for _, err := range append([]error{nil}, rowErrors...) {
			want[outcome(family, err)] = true
		}
	}
	mustEqual(t, want, found)
}

func outcome(family string, err error) string {
	if err == nil {
		return family + ": a row"
	}
	return family + ": " + err.Error()
}
