package stackprobe_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// asVictim runs this program in a world and returns the line that names the world or the refusal.
func asVictim(t *testing.T, world string, argv ...string) string {
	t.Helper()
	first, _, _ := strings.Cut(victimSays(t, world, argv...), "\n")
	return first
}

// victimSays runs this program in a world, started by the command argv if there is one, and returns everything that it says.
func victimSays(t *testing.T, world string, argv ...string) string {
	t.Helper()
	out, _ := victimCommand(t, world, argv...).CombinedOutput() // a refusal is status 1
	return string(out)
}

// victimCommand makes the command for that.
func victimCommand(t *testing.T, world string, argv ...string) *exec.Cmd {
	t.Helper()
	argv = append(argv, "/proc/self/exe")
	cmd := exec.Command(argv[0], argv[1:]...)
	if len(argv) > 1 {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Args[len(cmd.Args)-1] = self
	}
	cmd.Env = append(os.Environ(), victimEnv+"="+world)
	return cmd
}

// TestRefusals: where a machine refuses the kernel's world, the run says which right is missing and takes the next world.
func TestRefusals(t *testing.T) {
	t.Run("no device", func(t *testing.T) {
		nstest.InNetns(t, func(t *testing.T) {
			// The mounts of this process are its own, and end with it.
			if err := unix.Mount("tmpfs", "/dev/net", "tmpfs", 0, ""); err != nil {
				t.Fatal(err)
			}
			const absent = "/dev/net/tun does not exist: the tun module is not loaded, or a container hides it"
			if got, want := asVictim(t, "tun"), "error "+absent; got != want {
				t.Errorf("tun: %q, want %q", got, want)
			}
			if got, want := asVictim(t, "auto"), "world veth: "+absent; got != want {
				t.Errorf("auto: %q, want %q", got, want)
			}
			if got := asVictim(t, "veth"); got != "world veth: " {
				t.Errorf("veth: %q", got)
			}
		})
	})
	t.Run("no right", func(t *testing.T) {
		nstest.Require(t, nstest.Root, nstest.TUN)
		setpriv := nstest.Peer(t, "setpriv")
		nstest.InNetns(t, func(t *testing.T) {
			const refused = "TUN interface: operation not permitted: it takes CAP_NET_ADMIN in this network namespace"
			without := []string{setpriv, "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"}
			if got, want := asVictim(t, "tun", without...), "error "+refused; !strings.HasPrefix(got, want) {
				t.Errorf("tun: %q, want %q", got, want)
			}
			got, rest, ok := strings.Cut(asVictim(t, "auto", without...), "; ")
			if want := "world memory: " + refused; !strings.HasPrefix(got, want) || !ok || !strings.HasPrefix(rest, "veth pair: ") || !strings.Contains(rest, "operation not permitted") {
				t.Errorf("auto: %q; %q, want %q and the veth pair's refusal", got, rest, want)
			}
		})
	})
}
