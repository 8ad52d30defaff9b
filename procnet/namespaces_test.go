package procnet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// namespace makes a process of the tree stand in a network namespace.
func (p *procTree) namespace(pid string, link string) {
	p.t.Helper()
	dir := filepath.Join(p.dir, pid, "ns")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Symlink(link, filepath.Join(dir, "net")); err != nil {
		p.t.Fatal(err)
	}
}

// showNamespaces is what was found as text, for whole comparisons.
func showNamespaces(n *Namespaces) []string {
	var lines []string
	for _, ns := range n.List {
		lines = append(lines, fmt.Sprintf("%d names %q files %q pid %d %q processes %d own %v", ns.ID, ns.Names, ns.Files, ns.PID, ns.Comm, ns.Processes, ns.Own))
	}
	for _, err := range n.Errs {
		lines = append(lines, err.Error())
	}
	return append(lines, fmt.Sprintf("hidden %d", n.Hidden))
}

func TestNamespaces(t *testing.T) {
	p := newProcTree(t)
	p.namespace("self", "net:[100]")
	for pid, link := range map[int]string{2000: "net:[300]", 40: "net:[200]", 30: "net:[100]", 31: "net:[100]", 50: "net:[200]", 60: "mnt:[7]", 61: "net:[x]", 62: "net:[18446744073709551616]"} {
		p.process(pid, "", fmt.Sprintf("comm %d", pid))
		p.namespace(strconv.Itoa(pid), link)
	}
	p.process(70, "", "without")
	p.write("no mount", "netns", "left-behind")
	s := namespaceScan{fs: NewFS(p.dir), named: filepath.Join(p.dir, "netns"), engines: []string{filepath.Join(p.dir, "absent")}}
	got, err := s.scan()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`100 names [] files [] pid 30 "comm 30" processes 2 own true`,
		`200 names [] files [] pid 40 "comm 40" processes 2 own false`,
		`300 names [] files [] pid 2000 "comm 2000" processes 1 own false`,
		"open namespace: open " + p.dir + "/netns/left-behind: invalid argument (it is no network namespace)",
		"hidden 0",
	}
	if diff := cmp.Diff(want, showNamespaces(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for pid, want := range map[int]uint64{50: 200, 70: 0, 99: 0, 60: 0} {
		ns, err := got.OfProcess(pid)
		switch {
		case want == 0 && (ns != nil || err == nil || pid != 60 && !errors.Is(err, fs.ErrNotExist)):
			t.Errorf("process %d: %+v, %v; want nothing and an error", pid, ns, err)
		case want != 0 && (err != nil || ns.ID != want):
			t.Errorf("process %d: %+v, %v; want %d", pid, ns, err, want)
		}
	}
}

func TestNamespaces_noTree(t *testing.T) {
	n, err := NewFS(filepath.Join(t.TempDir(), "nowhere")).Namespaces()
	if n != nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, %v; want nil and not exist", n, err)
	}
}

// The namespaces of a host: with a name, with a process, held by a file of an engine, and the test's own.
func TestNamespaces_kernel(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		blue, red, held := nstest.NewHost(t, "blue"), nstest.NewHost(t, "red"), nstest.NewHost(t, "held")
		nstest.NameHosts(t, red, blue)
		red.Name = "amber"
		if err := errors.Join(red.MountAt("/run/netns/amber"), os.WriteFile("/run/netns/stale", nil, 0o444),
			os.MkdirAll("/run/docker/netns", 0o755), held.MountAt("/run/docker/netns/3a4b")); err != nil {
			t.Fatal(err)
		}
		sleeper := exec.Command("sleep", "600")
		red.Start(t, sleeper)
		lone := exec.Command("sleep", "600")
		nstest.NewHost(t, "lone").Start(t, lone)

		n, err := FS{}.Namespaces()
		if err != nil {
			t.Fatal(err)
		}
		ids := make(map[uint64]string)
		for _, ns := range n.List {
			ids[ns.ID] = ""
		}
		if len(ids) != len(n.List) || n.ID(0) != nil {
			t.Errorf("an id is not unique: %+v", n.List)
		}
		got := showNamespaces(n)
		for i := range n.List {
			_, got[i], _ = strings.Cut(got[i], " ")
		}
		want := []string{
			fmt.Sprintf(`names [] files [] pid 1 %q processes 1 own true`, FS{}.Comm(1)),
			fmt.Sprintf(`names ["amber" "red"] files ["/run/netns/amber" "/run/netns/red"] pid %d "sleep" processes 1 own false`, sleeper.Process.Pid),
			`names ["blue"] files ["/run/netns/blue"] pid 0 "" processes 0 own false`,
			fmt.Sprintf(`names [] files [] pid %d "sleep" processes 1 own false`, lone.Process.Pid),
			`names [] files ["/run/docker/netns/3a4b"] pid 0 "" processes 0 own false`,
			"open namespace: open /run/netns/stale: invalid argument (it is no network namespace)",
			"hidden 0",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"amber", "blue", "red"}, n.Names()); diff != "" {
			t.Error(diff)
		}
		for _, name := range n.Names() {
			sameNamespace(t, n.Named(name), map[string]*nstest.Host{"blue": blue, "amber": red, "red": red}[name])
		}
		sameNamespace(t, &n.List[4], held)
	})
}

// sameNamespace checks the id against the namespace itself, and that Open leads into it.
func sameNamespace(t *testing.T, ns *Namespace, host *nstest.Host) {
	t.Helper()
	want, err := host.NS.ID()
	if err != nil || ns == nil {
		t.Fatalf("%s: %v, %v", host.Name, ns, err)
	}
	open, err := ns.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	got, err := open.ID()
	if err != nil || got != want || ns.ID != want {
		t.Errorf("%s: opened %d, found %d, error %v; want %d", host.Name, got, ns.ID, err, want)
	}
}

// Processes of another user do not tell their namespace, but which of them share one is known by their tables.
func TestNamespaces_otherUser(t *testing.T) {
	nstest.Require(t, nstest.Root)
	nstest.InNetns(t, func(t *testing.T) {
		var pids []int
		far := nstest.NewHost(t, "far")
		nstest.NameHosts(t, far)
		start := func(h *nstest.Host) {
			cmd := exec.Command("sleep", "600")
			h.Start(t, cmd)
			pids = append(pids, cmd.Process.Pid)
		}
		start(nstest.Here(t))
		start(far)
		start(far)
		mine := exec.Command("sleep", "600")
		nstest.AsNobody(t, mine)
		nstest.NewHost(t, "mine").Start(t, mine)

		var got []string
		asNobody(t, func() error {
			n, err := FS{}.Namespaces()
			if err != nil {
				return err
			}
			for i := range n.List {
				n.List[i].ID = min(n.List[i].ID, 1)
			}
			got = showNamespaces(n)
			for _, pid := range pids {
				ns, err := n.OfProcess(pid)
				if err != nil {
					return err
				}
				got = append(got, fmt.Sprint(pid, " is in ", slices.Index(got, showNamespaces(&Namespaces{List: []Namespace{*ns}})[0])))
			}
			return nil
		})
		want := []string{
			fmt.Sprintf(`1 names [] files [] pid 1 %q processes 2 own true`, FS{}.Comm(1)),
			`1 names ["far"] files ["/run/netns/far"] pid 0 "" processes 0 own false`,
			fmt.Sprintf(`0 names [] files [] pid %d "sleep" processes 2 own false`, pids[1]),
			fmt.Sprintf(`1 names [] files [] pid %d "sleep" processes 1 own false`, mine.Process.Pid),
			"hidden 0",
			fmt.Sprint(pids[0], " is in 0"), fmt.Sprint(pids[1], " is in 2"), fmt.Sprint(pids[2], " is in 2"),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// asNobody runs fn on a thread that is the user nobody without capabilities; the rest of the process stays root.
func asNobody(t *testing.T, fn func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		const nobody = 65534
		for _, call := range []uintptr{unix.SYS_SETRESGID, unix.SYS_SETRESUID} {
			if _, _, errno := unix.RawSyscall(call, nobody, nobody, nobody); errno != 0 {
				done <- errno
				return
			}
		}
		done <- fn()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
