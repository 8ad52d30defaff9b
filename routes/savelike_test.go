package routes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/rtnl"
)

// swapDestination is the text of a line with another destination in its first key of that name.
func swapDestination(line, dst string) string {
	head, rest, ok := strings.Cut(line, destinationKey)
	_, tail, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		return line
	}
	return head + destinationKey + dst + `"` + tail
}

// checkLike reads a line, and the same one with another destination, each alone and both in one file, in which the second is only compared with
// the first. The file must give what the two give alone.
func checkLike(t *testing.T, line, dst string) {
	t.Helper()
	other := swapDestination(line, dst)
	if strings.ContainsAny(line+dst, "\n\r") || !strings.HasPrefix(line, "{") {
		return
	}
	var alone []rtnl.Route
	var bad int
	for _, text := range []string{line, other} {
		found, errs := readSaved(text + "\n")
		alone, bad = append(alone, found...), bad+len(errs)
	}
	both, errs := readSaved(line + "\n" + other + "\n")
	if diff := cmp.Diff(alone, both, byValue); diff != "" || bad != len(errs) {
		t.Errorf("%s\n%s\n%d bad alone, in one file: %v\n(-alone +in one file)\n%s", line, other, bad, errs, diff)
	}
}

var likeSeeds = [][2]string{
	{strings.TrimSpace(savedLine), "20.1.3.0/25"},
	{strings.TrimSpace(savedLine), "20.1.3.1/25"}, // bits outside of its length
	{strings.TrimSpace(savedLine), "2001:db8::/32"},
	{strings.TrimSpace(savedLine), "0.0.0.0/0"},
	{strings.TrimSpace(savedLine), "nonsense"},
	{`{"destination":"10.0.0.0/8","iface":"nosuch"}`, "10.0.0.0/9"},
	{`{"destination":"10.0.0.0/8","nexthops":[{"gateway":"10.0.0.2","iface":"d0"},{"gateway":"10.0.0.3","iface":"d0"}]}`, "10.0.0.0/9"},
	{`{"text":{"destination":"10.0.0.0/8"},"destination":"10.0.0.0/8","iface":"d0"}`, "10.0.0.0/9"},
	{`{"text":["destination",{"destination":"10.0.0.0/8"}],"destination":"10.0.0.0/8","iface":"d0"}`, "10.0.0.0/9"},
	{`{"kind":"note","destination":"10.0.0.0/8"}`, "10.0.0.0/9"},
	{`{"destination":"10.0.0.0/8","text":"\"destination\":\"1.0.0.0/8\""}`, "10.0.0.0/9"},
}

func TestReadSaved_likeLines(t *testing.T) {
	for _, seed := range likeSeeds {
		checkLike(t, seed[0], seed[1])
	}
}

// TestReadSaved_unlikeLines: what differs in front of the destination or behind it is read.
func TestReadSaved_unlikeLines(t *testing.T) {
	var want []rtnl.Route
	var all string
	texts := []string{`{"tos":1,"destination":"10.0.0.0/8","iface":"d0"}`, `{"tos":2,"destination":"10.0.0.0/8","iface":"d0"}`}
	for i := range 3 * likeSlots { // more than there is room for
		texts = append(texts, fmt.Sprintf(`{"tos":1,"destination":"10.0.0.0/8","iface":"d0","metric":%d}`, i))
	}
	for _, text := range texts {
		found, _ := readSaved(text + "\n")
		want, all = append(want, found...), all+text+"\n"
	}
	got, bad := readSaved(all)
	if diff := cmp.Diff(want, got, byValue); diff != "" || bad != nil || len(want) != len(texts) {
		t.Error(bad, diff)
	}
}

// FuzzReadSaved_likeLines: that a line is only compared with one before it makes no difference.
func FuzzReadSaved_likeLines(f *testing.F) {
	for _, seed := range likeSeeds {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, line, dst string) { checkLike(t, line, dst) })
}

// sweepFile is a file with what sweeps have to look at: places of several routes, lines that do not show their destination, bad lines, routes
// to interfaces.
func sweepFile() string {
	var b strings.Builder
	for i := range 1000 {
		dst := fmt.Sprintf("20.%d.%d.0/24", i/256, i%256)
		fmt.Fprintf(&b, `{"destination":"%s","gateway":"10.0.0.2","iface":"d0"}`+"\n", dst)
		switch i % 9 {
		case 1:
			fmt.Fprintf(&b, `{"dst":"%s","gateway":"10.0.0.3"}`+"\n", dst)
			fmt.Fprintf(&b, `{"destination":"%s","gateway":"10.0.0.4"}`+"\n", dst)
		case 3:
			b.WriteString("no route\n\n")
			fmt.Fprintf(&b, `{"destination":"%s","gateway":"10.0.0.5"}`+"\n", dst)
		case 5:
			fmt.Fprintf(&b, `{"destination":"30.%d.%d.0/24","iface":"d0"}`+"\n", i/256, i%256)
		case 7:
			fmt.Fprintf(&b, `{"destination":"2001:db8:%x::/48","gateway":"fe80::1","iface":"d0"}`+"\n", i)
			fmt.Fprintf(&b, `{"destination":"2001:0db8:%04x:0::/48","gateway":"fe80::2","iface":"d0"}`+"\n", i)
		}
	}
	return b.String()
}

// TestSweeps: all sweeps together read each line once, routes for one place in the same sweep and in their order, and what has no gateway in the
// first.
func TestSweeps(t *testing.T) {
	text := sweepFile()
	step := func(s *Saved, err error) string {
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(s.Place, s.Item, s.Route.Dst, s.Route.Gateway)
	}
	var whole, parts []string
	for s, err := range ReadSaved(strings.NewReader(text), testNames()) {
		whole = append(whole, step(s, err))
	}
	in := make(map[routeKey]int)
	part := sweep{of: sweepsOfLong, plan: new(sweepPlan)}
	for ; part.number < part.of; part.number++ {
		var last routeKey
		n := 0
		for s, err := range readSweep(strings.NewReader(text), testNames(), part) {
			n++
			parts = append(parts, step(s, err))
			if err != nil {
				continue
			}
			key := keyOf(&s.Route)
			if at, ok := in[key]; ok && (at != part.number || key != last) {
				t.Errorf("%v is in sweep %d and in %d, or not together", s.Route.Dst, at, part.number)
			}
			in[key], last = part.number, key
			if !s.Route.Gateway.IsValid() && part.number > 0 {
				t.Errorf("%v, which needs no gateway, is in sweep %d", s.Route.Dst, part.number)
			}
		}
		if n < len(whole)/sweepsOfLong/2 {
			t.Errorf("sweep %d has %d of %d lines", part.number, n, len(whole))
		}
	}
	slices.Sort(whole)
	slices.Sort(parts)
	if diff := cmp.Diff(whole, parts); diff != "" {
		t.Errorf("(-one walk +sweeps)\n%s", diff)
	}
}

// TestSweeps_otherFormats: what has no lines is read once.
func TestSweeps_otherFormats(t *testing.T) {
	route := rtnl.Route{Family: 2, Dst: prefix("10.0.0.0/8"), Table: 254, Type: 1}
	for _, text := range []string{`[{"dst":"10.0.0.0/8"},{"dst":"11.0.0.0/8"}]`, binarySave(rtnl.AppendRoute(nil, &route)),
		`{"schema":"gnet/route-save/1","rows":[{"destination":"10.0.0.0/8"}],"notes":[]}`} {
		whole, _ := readSaved(text)
		var parts []rtnl.Route
		part := sweep{of: sweepsOfLong, plan: new(sweepPlan)}
		for ; part.number < part.of; part.number++ {
			for s, err := range readSweep(strings.NewReader(text), testNames(), part) {
				if err != nil {
					t.Fatal(err)
				}
				parts = append(parts, clone(&s.Route))
			}
		}
		if diff := cmp.Diff(whole, parts, byValue); diff != "" || len(whole) == 0 {
			t.Errorf("%.20q: (-one walk +sweeps)\n%s", text, diff)
		}
	}
}
