package house

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What packages may allocate before main. Every command pays for it, so that a new entry, or a higher bound, needs a reason: a
// table that is built when it is first used, a smaller import, or a stand-in for a module (internal/live/encoding,
// internal/render/errors) come first.
const (
	initBytes   = 160 << 10 // of all packages together
	initObjects = 500
	ownBytes    = 256 // of one of gnet's packages
	ownObjects  = 8
	otherBytes  = 4096 // of another package that is not in costlyInits
	otherAllocs = 32
)

// initCost is what GODEBUG=inittrace=1 says of a package, or the bound of that.
type initCost struct{ bytes, objects int }

// costlyInits returns the bounds of the packages above otherBytes and otherAllocs. All are of modules, and come with what gnet needs of
// them.
func costlyInits() map[string]initCost {
	return map[string]initCost{
		"github.com/gdamore/tcell/v2":                     {44 << 10, 64}, // names of colours and keys
		"gvisor.dev/gvisor/pkg/tcpip/network/internal/ip": {19 << 10, 4},  // counters by name
		"gvisor.dev/gvisor/pkg/tcpip":                     {17 << 10, 10}, // the register of types that can be saved
		"unicode":                                         {12 << 10, 20}, // the classes by name, for regexp
		"gvisor.dev/gvisor/pkg/log":                       {8 << 10, 64},  // a regexp
		"github.com/olekukonko/tablewriter/pkg/twwidth":   {8 << 10, 64},  // a regexp
		"github.com/mattn/go-runewidth":                   {6 << 10, 48},  // a regexp
		"gvisor.dev/gvisor/pkg/rand":                      {5 << 10, 4},   // a buffer
	}
}

// TestPackageInitialisation bounds what is allocated before main, which unlike time does not depend on the machine.
func TestPackageInitialisation(t *testing.T) {
	cmd := exec.Command(buildGnet(t), "--version")
	cmd.Env = []string{"GODEBUG=inittrace=1"} // and no locale: go-runewidth asks for it
	var trace strings.Builder
	cmd.Stderr = &trace
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	costs := initCosts(trace.String())
	if len(costs) < 20 {
		t.Fatalf("%d packages in the trace: %q", len(costs), trace.String())
	}
	var all initCost
	bounds := costlyInits()
	for name, c := range costs {
		all.bytes, all.objects = all.bytes+c.bytes, all.objects+c.objects
		bound, known := bounds[name]
		switch {
		case within(name, "gnet"):
			bound = initCost{ownBytes, ownObjects}
		case !known:
			bound = initCost{otherBytes, otherAllocs}
		}
		if c.bytes > bound.bytes || c.objects > bound.objects {
			t.Errorf("%s allocates %d bytes in %d objects before main, want at most %d in %d", name, c.bytes, c.objects, bound.bytes, bound.objects)
		}
	}
	if all.bytes > initBytes || all.objects > initObjects {
		t.Errorf("all packages allocate %d bytes in %d objects before main, want at most %d in %d", all.bytes, all.objects, initBytes, initObjects)
	}
	for name := range bounds {
		if _, there := costs[name]; !there {
			t.Errorf("%s allocates nothing before main: its bound is out of date", name)
		}
	}
}

// initCosts reads lines as "init net @2.1 ms, 0.011 ms clock, 1768 bytes, 23 allocs".
func initCosts(trace string) map[string]initCost {
	costs := map[string]initCost{}
	for line := range strings.Lines(trace) {
		var name string
		var at, clock float64
		var c initCost
		if n, _ := fmt.Sscanf(line, "init %s @%f ms, %f ms clock, %d bytes, %d allocs", &name, &at, &clock, &c.bytes, &c.objects); n == 5 {
			costs[name] = c
		}
	}
	return costs
}

// TestUncalledMethodsAreDropped: a program that can look a method up by a name from outside must hold every exported method of every
// type, and what those call. cobra brings text/template, which does that; nothing may reach it.
func TestUncalledMethodsAreDropped(t *testing.T) {
	file, err := elf.Open(buildGnet(t))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	seesMain := false
	for _, s := range symbols {
		switch s.Name {
		case "main.main":
			seesMain = true
		case "reflect.Value.Method", "reflect.Value.MethodByName", "text/template.(*Template).Execute":
			t.Errorf("%s is linked: 3 MB more, and a sixth more time to start", s.Name)
		}
	}
	if !seesMain {
		t.Error("no main.main among the symbols")
	}
}

// buildGnet builds the program as `make` does, but with its symbols.
func buildGnet(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "gnet")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "./cmd/gnet")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}
