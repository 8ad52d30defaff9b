package stackprobe_test

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/nstest"
)

// refuses expects that the world "tun" ends with why, and that "auto" takes the world left for that reason.
func refuses(t *testing.T, left, why string, says func(world string) string) {
	t.Helper()
	if got := says("tun"); !strings.HasPrefix(got, "error ") || !strings.Contains(got, why) {
		t.Errorf("tun: %q, want %q", got, why)
	}
	if got := says("auto"); !strings.HasPrefix(got, "world "+left+": ") || !strings.Contains(got, why) {
		t.Errorf("auto: %q, want world %s for %q", got, left, why)
	}
}

// TestRefusedByPolicy: what refuses namespaces or the device is named, and the world that is left is taken.
func TestRefusedByPolicy(t *testing.T) {
	t.Run("no user namespaces", func(t *testing.T) {
		nstest.Require(t, nstest.Netns, nstest.Userns, nstest.Root)
		// The limit is that of the user namespace in which it is written, and so of no other.
		confined := []string{nstest.Peer(t, "unshare"), "--user", "--map-root-user", "sh", "-c", `echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"`, "sh",
			nstest.Peer(t, "setpriv"), "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"}
		before := setting(t, "/proc/sys/user/max_user_namespaces")
		refuses(t, "memory", "start in fresh namespaces: fork/exec /proc/self/exe: no space left on device (user.max_user_namespaces is 0)",
			func(world string) string { return asVictim(t, world, confined...) })
		if after := setting(t, "/proc/sys/user/max_user_namespaces"); after != before {
			t.Fatalf("the host's limit was %s and is %s", before, after)
		}
	})
	t.Run("a device that is not ours", func(t *testing.T) {
		nstest.Require(t, nstest.Root, nstest.Userns)
		nstest.InNetns(t, func(t *testing.T) {
			if err := unix.Mount("tmpfs", "/dev/net", "tmpfs", 0, ""); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mknod("/dev/net/tun", unix.S_IFCHR|0o600, int(unix.Mkdev(10, 200))); err != nil {
				t.Fatal(err)
			}
			left := "veth"
			if netns.Why(unix.EPERM) != "" {
				left = "memory" // who is not root gets no namespaces here
			}
			refuses(t, left, "/dev/net/tun: permission denied: only its owner may open it", func(world string) string {
				cmd := victimCommand(t, world)
				nstest.AsNobody(t, cmd)
				out, _ := cmd.CombinedOutput() // a refusal is status 1
				first, _, _ := strings.Cut(string(out), "\n")
				return first
			})
		})
	})
	t.Run("a filter of system calls", func(t *testing.T) {
		nstest.Require(t, nstest.Netns)
		why := cmp.Or(netns.Why(unix.EPERM), "a seccomp filter is active, as in containers") // of two policies the machine's is named
		t.Setenv(victimFilter, "1")
		refuses(t, "memory", "start in fresh namespaces: fork/exec /proc/self/exe: operation not permitted ("+why+")",
			func(world string) string { return asVictim(t, world) })
	})
}

func setting(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// denyNamespaces puts a filter over this process that lets clone(2) make no network namespace, as the profiles of containers do, and hides
// clone3(2), whose flags no filter sees (seccomp(2)).
func denyNamespaces() error {
	const nr, arg0 = 0, 16 // offsets in struct seccomp_data; the flags of clone are the low half of its first argument
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	jump := func(op uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | op | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	end := func(k uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k}
	}
	filter := []unix.SockFilter{
		load(nr),
		jump(unix.BPF_JEQ, unix.SYS_CLONE3, 4, 0),
		jump(unix.BPF_JEQ, unix.SYS_CLONE, 0, 2),
		load(arg0),
		jump(unix.BPF_JSET, unix.CLONE_NEWNET, 2, 0),
		end(unix.SECCOMP_RET_ALLOW),
		end(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)),
		end(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)),
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	const setModeFilter, allThreads = 1, 1 // SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, setModeFilter, allThreads, uintptr(unsafe.Pointer(&prog))); errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	return nil
}
