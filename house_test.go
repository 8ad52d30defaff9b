// Package house holds the rules of the house as tests: which room may import
// which, who alone may import a library, one package comment per package.
package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pkg is what the tests need of `go list -json`.
type pkg struct {
	ImportPath, Dir, Name string
	GoFiles, TestGoFiles  []string
	Imports, TestImports  []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Name,GoFiles,TestGoFiles,Imports,TestImports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 5 {
		t.Fatalf("go list found %d packages", len(all))
	}
	return all
}

// within reports whether an import path is one of the rooms or below one. A
// room that ends in "!" is meant alone, without what is below it.
func within(path string, rooms ...string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool {
		if alone, ok := strings.CutSuffix(room, "!"); ok {
			return path == alone
		}
		return path == room || strings.HasPrefix(path, room+"/")
	})
}

// ban forbids imports of one room, or in all rooms but some.
type ban struct {
	from    []string // the rooms that the ban binds; nil: every room
	except  []string
	imports []string
	why     string
}

var domains = []string{"gnet/procnet", "gnet/routes", "gnet/ping", "gnet/stackprobe"}

var bans = []ban{
	{except: []string{"gnet/cmd/gnet"}, imports: []string{"github.com/spf13/cobra", "github.com/spf13/pflag"},
		why: "the command line is cmd/gnet's alone"},
	{except: []string{"gnet/stackprobe/engine"}, imports: []string{"gvisor.dev/gvisor"},
		why: "its API changes with every release: one room sees its types"},
	{except: []string{"gnet/internal/render"}, imports: []string{"github.com/olekukonko/tablewriter"},
		why: "it rewrites headers and loses write errors: one file tames it"},
	{except: []string{"gnet/internal/live"}, imports: []string{"github.com/gdamore/tcell"},
		why: "one hand for keys, colours and a clean terminal: one room sees the screen"},
	{from: domains, imports: []string{"gnet/internal/render", "gnet/internal/live", "gnet/cmd"},
		why: "a domain returns rows and events; how they look is not its business"},
	{from: []string{"gnet/procnet"}, imports: []string{"gnet/routes", "gnet/ping", "gnet/stackprobe"}, why: "domains do not know each other"},
	{from: []string{"gnet/routes"}, imports: []string{"gnet/procnet", "gnet/ping", "gnet/stackprobe"}, why: "domains do not know each other"},
	{from: []string{"gnet/ping"}, imports: []string{"gnet/procnet", "gnet/routes", "gnet/stackprobe"}, why: "domains do not know each other"},
	{from: []string{"gnet/stackprobe"}, imports: []string{"gnet/procnet", "gnet/routes", "gnet/ping"}, why: "domains do not know each other"},
	{from: []string{"gnet/internal"}, except: []string{"gnet/internal/nstest", "gnet/internal/bench"}, imports: append([]string{"gnet/cmd"}, domains...),
		why: "imports point downward only"},
	{from: []string{"gnet/stackprobe/event"}, imports: []string{"gnet/stackprobe", "gnet/internal"}, why: "event knows nobody"},
	{from: []string{"gnet/stackprobe/vclock", "gnet/stackprobe/link", "gnet/stackprobe/app", "gnet/stackprobe/inject", "gnet/stackprobe/capture"},
		imports: []string{"gnet/stackprobe/engine", "gnet/stackprobe/kernelside", "gnet/stackprobe/analyze", "gnet/stackprobe/view", "gnet/stackprobe!"},
		why:     "clock, link, app, inject and capture are below both stacks"},
	{from: []string{"gnet/stackprobe/engine", "gnet/stackprobe/kernelside"},
		imports: []string{"gnet/stackprobe/analyze", "gnet/stackprobe/view", "gnet/stackprobe!"},
		why:     "a stack produces events; it does not read them"},
	{from: []string{"gnet/stackprobe/analyze"},
		imports: []string{"gnet/stackprobe/engine", "gnet/stackprobe/kernelside", "gnet/stackprobe/link", "gnet/stackprobe/vclock", "gnet/stackprobe/app", "gnet/stackprobe/view", "gnet/stackprobe!"},
		why:     "what follows from events must follow from stored ones too"},
	{from: []string{"gnet/stackprobe/scenario"},
		imports: []string{"gnet/stackprobe/engine", "gnet/stackprobe/kernelside", "gnet/stackprobe/link", "gnet/stackprobe/vclock", "gnet/stackprobe/app", "gnet/stackprobe/view", "gnet/stackprobe!"},
		why:     "a lesson is judged by its events; what its other words mean is known elsewhere"},
	{from: []string{"gnet/stackprobe/view"},
		imports: []string{"gnet/stackprobe/engine", "gnet/stackprobe/kernelside", "gnet/stackprobe/link", "gnet/stackprobe/vclock", "gnet/stackprobe/app", "gnet/stackprobe!"},
		why:     "views read events and analyze, so that a stored run looks the same"},
	{from: []string{"gnet/stackprobe!"}, imports: []string{"gnet/stackprobe/view"}, why: "a run does not know who looks at it"},
	{imports: []string{"net/http", "crypto/tls"}, why: "they cost every command 2 MB and a millisecond of start-up"},
	{imports: []string{"regexp", "text/template", "html/template"}, except: []string{"gnet/internal/nstest", "gnet/internal/bench"},
		why: "start-up is a feature; no format that gnet reads needs them"},
	{imports: []string{"github.com/google/go-cmp", "github.com/rogpeppe/go-internal", "testing"}, except: []string{"gnet/internal/nstest"}, why: "they are for tests"},
}

func TestImports(t *testing.T) {
	all := packages(t)
	for _, b := range bans {
		bound := 0
		for _, p := range all {
			if b.from != nil && !within(p.ImportPath, b.from...) || within(p.ImportPath, b.except...) {
				continue
			}
			bound++
			for _, imp := range p.Imports {
				if within(imp, b.imports...) && !within(imp, p.ImportPath) {
					t.Errorf("%s imports %s: %s", p.ImportPath, imp, b.why)
				}
			}
		}
		if bound == 0 {
			t.Errorf("the ban of %v (%s) binds no package: a room was renamed", b.imports, b.why)
		}
	}
}

// TestSingleImporters holds the file inside a package that may use a library.
func TestSingleImporters(t *testing.T) {
	for path, allowed := range map[string]string{
		"github.com/olekukonko/tablewriter": "internal/render/table.go",
	} {
		found := false
		walkGo(t, func(file string, f *ast.File) {
			for _, imp := range f.Imports {
				if !within(strings.Trim(imp.Path.Value, `"`), path) {
					continue
				}
				found = found || file == allowed
				if file != allowed {
					t.Errorf("%s imports %s: only %s may", file, path, allowed)
				}
			}
		})
		if !found {
			t.Errorf("%s does not import %s: the rule is out of date", allowed, path)
		}
	}
}

// TestExitIsInMainAlone: os.Exit skips deferred clean-up, so that a command
// which calls it could leave a terminal, a route or a namespace behind.
func TestExitIsInMainAlone(t *testing.T) {
	walkGo(t, func(file string, f *ast.File) {
		if f.Name.Name == "main" && filepath.Base(file) == "main.go" || strings.HasSuffix(file, "_test.go") {
			return
		}
		for _, name := range calls(f, "os", "Exit") {
			t.Errorf("%s calls %s: return an error, exit.go turns it into a status", file, name)
		}
	})
}

// TestSocketsAreEndedInCmdAlone: nothing below the command line may end a socket,
// so that whoever asks for it has typed it.
func TestSocketsAreEndedInCmdAlone(t *testing.T) {
	found := false
	walkGo(t, func(file string, f *ast.File) {
		if strings.HasSuffix(file, "_test.go") || !imports(f, "gnet/internal/sockdiag") {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if s, ok := c.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Destroy" {
				found = true
				if filepath.ToSlash(filepath.Dir(file)) != "cmd/gnet" {
					t.Errorf("%s ends a socket: only cmd/gnet may", file)
				}
			}
			return true
		})
	})
	if !found {
		t.Error("nothing calls sockdiag's Destroy: the rule is out of date")
	}
}

func imports(f *ast.File, path string) bool {
	return slices.ContainsFunc(f.Imports, func(imp *ast.ImportSpec) bool { return strings.Trim(imp.Path.Value, `"`) == path })
}

// TestDomainsDoNotPrint: whoever prints decides the format and the stream.
func TestDomainsDoNotPrint(t *testing.T) {
	walkGo(t, func(file string, f *ast.File) {
		if !within("gnet/"+filepath.ToSlash(filepath.Dir(file)), domains...) || strings.HasSuffix(file, "_test.go") {
			return
		}
		for _, name := range append(calls(f, "fmt", "Print", "Println", "Printf"), calls(f, "log", "Print", "Println", "Printf", "Fatal", "Fatalf")...) {
			t.Errorf("%s calls %s: a domain package returns errors and rows", file, name)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && selects(s, "os", "Stdout", "Stderr") {
				t.Errorf("%s uses os.%s", file, s.Sel.Name)
			}
			return true
		})
	})
}

// TestPackageComments demands exactly one package comment per package.
func TestPackageComments(t *testing.T) {
	comments := map[string]int{}
	walkGo(t, func(file string, f *ast.File) {
		dir := filepath.Dir(file)
		if strings.HasSuffix(f.Name.Name, "_test") || strings.HasSuffix(file, "_test.go") && dir != "." {
			return
		}
		comments[dir] += 0
		if f.Doc != nil {
			comments[dir]++
		}
	})
	for dir, n := range comments {
		if n != 1 {
			t.Errorf("%s has %d package comments, want 1", dir, n)
		}
	}
}

// TestExportedNamesAreDocumented holds for the product's packages.
func TestExportedNamesAreDocumented(t *testing.T) {
	walkGo(t, func(file string, f *ast.File) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
					t.Errorf("%s: %s has no doc comment", file, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if ts, ok := s.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil {
						t.Errorf("%s: type %s has no doc comment", file, ts.Name.Name)
					}
				}
			}
		}
	})
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	exported := false
	ast.Inspect(d.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.IsExported() && len(id.Name) > 1 {
			exported = true
		}
		return true
	})
	return exported
}

// TestFileNames: a name that fits everything says nothing.
func TestFileNames(t *testing.T) {
	walkGo(t, func(file string, _ *ast.File) {
		name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".go"), "_test")
		dir := filepath.Base(filepath.Dir(file))
		for _, bad := range []string{"util", "utils", "helper", "helpers", "common", "types", "misc", "constants"} {
			if name == bad || dir == bad {
				t.Errorf("%s: name it after the proc file, RFC noun or command that it is about", file)
			}
		}
	})
}

// walkGo parses each Go file of the module.
func walkGo(t *testing.T, visit func(file string, f *ast.File)) {
	t.Helper()
	seen := 0
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || path != "." && strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		seen++
		visit(path, f)
		return nil
	})
	if err != nil || seen == 0 {
		t.Fatalf("%d files: %v", seen, err)
	}
}

// calls returns the calls of the named functions of a package.
func calls(f *ast.File, pkg string, names ...string) []string {
	var found []string
	ast.Inspect(f, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			if s, ok := c.Fun.(*ast.SelectorExpr); ok && selects(s, pkg, names...) {
				found = append(found, pkg+"."+s.Sel.Name)
			}
		}
		return true
	})
	return found
}

func selects(s *ast.SelectorExpr, pkg string, names ...string) bool {
	id, ok := s.X.(*ast.Ident)
	return ok && id.Name == pkg && slices.Contains(names, s.Sel.Name)
}
