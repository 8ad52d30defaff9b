package procnet

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// id64 is a container id as the runtimes make them.
var id64 = strings.Repeat("0123456789abcdef", 4)

func TestParseCgroup(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want Cgroup
	}{
		"v2":                      {"0::/system.slice/ssh.service\n", Cgroup{Path: "/system.slice/ssh.service"}},
		"v2 at the root":          {"0::/\n", Cgroup{Path: "/"}},
		"outside of the reader's": {"0::/../..\n", Cgroup{Path: "/../.."}},
		"colons in the path":      {"0::/a:b::c\n", Cgroup{Path: "/a:b::c"}},
		"no newline at the end":   {"0::/a", Cgroup{Path: "/a"}},
		"hybrid, v2 in use":       {"3:cpu,cpuacct:/x\n1:name=systemd:/y\n0::/z\n", Cgroup{Path: "/z"}},
		"hybrid, v2 not in use":   {"3:cpu,cpuacct:/x\n1:name=systemd:/y\n0::/\n", Cgroup{Path: "/y"}},
		"v1 without systemd":      {"9:name=systemd:/\n4:memory:/jobs/7\n3:cpuset:/other\n0::/\n", Cgroup{Path: "/jobs/7"}},
		"v1 at the root":          {"2:cpu:/\n1:name=systemd:/\n", Cgroup{Path: "/"}},
		"container under v1":      {"2:cpu:/docker/" + id64 + "\n1:name=systemd:/\n", Cgroup{"/docker/" + id64, id64}},
		"hostile bytes":           {"0::/\x1b[2J\xff\n", Cgroup{Path: "/\x1b[2J\xff"}},
		"not a cgroup file":       {"hello\n1:x\n\n0::\n", Cgroup{}},
		"empty":                   {"", Cgroup{}},
	} {
		if diff := cmp.Diff(test.want, parseCgroup([]byte(test.text))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestContainerOf(t *testing.T) {
	other := strings.Repeat("f", 64)
	for path, want := range map[string]string{
		"/system.slice/docker-" + id64 + ".scope": id64,
		"/docker/" + id64:                         id64,
		"/docker/" + id64 + "/system.slice/x":     id64,
		"/docker/" + id64 + "/docker/" + other:    other, // a container in a container: the inner one
		"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-" + id64 + ".scope": id64,
		"/kubepods.slice/kubepods-pod1_2.slice/crio-" + id64 + ".scope":                                              id64,
		"/kubepods.slice/kubepods-pod1_2.slice/crio-conmon-" + id64 + ".scope":                                       "",
		"/kubepods/besteffort/pod0c9e/" + id64:                                                                       id64,
		"/machine.slice/libpod-" + id64 + ".scope":                                                                   id64,
		"/machine.slice/libpod-conmon-" + id64 + ".scope":                                                            "",
		"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id64 + ".scope/container":               id64,
		"/libpod_parent/libpod-" + id64:                                                                              id64,
		"/ecs/task/" + id64:                                                                                          id64,
		"/lxc.payload.web01/system.slice/nginx.service":                                                              "web01",
		"/lxc.payload/web01":                                                                                         "web01",
		"/lxc/web01/init.scope":                                                                                      "web01",
		"/lxc.monitor.web01":                                                                                         "",
		"/lxc.pivot":                                                                                                 "",
		`/machine.slice/machine-debian\x2d12.scope/payload`:                                                          "debian-12",
		"/machine.slice/systemd-nspawn@build.service/payload":                                                        "build",
		"/machine.slice":                                                                                             "",
		"/system.slice/machine-x.scope":                                                                              "",
		`/machine.slice/machine-odd\x2.scope`:                                                                        `odd\x2`,
		`/machine.slice/machine-odd\xzz.scope`:                                                                       `odd\xzz`,
		"/docker/" + id64[1:]:                                                                                        "",
		"/docker/" + strings.ToUpper(id64):                                                                           "",
		"/foo-" + id64 + ".scope":                                                                                    "",
		"/init.scope":                                                                                                "",
		"/":                                                                                                          "",
		"":                                                                                                           "",
	} {
		if got := containerOf(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestCgroup(t *testing.T) {
	p := newProcTree(t)
	p.write("0::/docker/"+id64+"\n", "7", "cgroup")
	long := "0::/" + strings.Repeat("long/", 4000)
	p.write(long, "9", "cgroup")
	for pid, want := range map[int]Cgroup{7: {"/docker/" + id64, id64}, 8: {}, 9: {Path: long[3:]}} {
		got, err := NewFS(p.dir).Cgroup(pid)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%d: error %v (-want +got):\n%s", pid, err, diff)
		}
	}
	p.write("", "10", "cgroup", "a-directory")
	if got, err := NewFS(p.dir).Cgroup(10); got != (Cgroup{}) || !errors.Is(err, unix.EISDIR) {
		t.Errorf("%v, %v; want nothing and %v", got, err, unix.EISDIR)
	}
}

// The running kernel's own form.
func TestCgroup_live(t *testing.T) {
	text, err := os.ReadFile("/proc/self/cgroup")
	got, badErr := FS{}.Cgroup(os.Getpid())
	if badErr != nil {
		t.Fatal(badErr)
	}
	if err != nil { // a kernel without control groups
		if diff := cmp.Diff(Cgroup{}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		return
	}
	if !strings.HasPrefix(got.Path, "/") || !strings.Contains(string(text), ":"+got.Path+"\n") {
		t.Errorf("%q is no path of\n%s", got.Path, text)
	}
}

func FuzzParseCgroup(f *testing.F) {
	f.Add([]byte("9:name=systemd:/\n4:memory:/jobs/7\n0::/\n"))
	f.Add([]byte("0::/system.slice/docker-" + id64 + ".scope\n"))
	f.Add([]byte("1:name=systemd:/machine.slice/machine-a\\x2db.scope\n"))
	f.Add([]byte("0::/lxc.payload.x\n0::/machine.slice/systemd-nspawn@y.service/payload\n0::/docker/x-y\nbad\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := parseCgroup(text)
		if c.Path != "" && !strings.Contains(string(text), ":"+c.Path) {
			t.Errorf("%q is nowhere in %q", c.Path, text)
		}
		if c.Container != "" && !strings.Contains(c.Path, `\x`) && !strings.Contains(c.Path, c.Container) {
			t.Errorf("%q is nowhere in %q", c.Container, c.Path)
		}
	})
}
