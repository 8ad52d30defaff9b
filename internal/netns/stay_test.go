package netns_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/nstest"
)

// The main thread is never the one that enters: what /proc/self shows is the same for everybody at all times.
func TestDo_notTheMainThread(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		far := nstest.NewHost(t, "far")
		for range 200 {
			far.Do(t, func() error {
				if unix.Gettid() == unix.Getpid() {
					t.Error("on the main thread")
				}
				return nil
			})
			if t.Failed() {
				return
			}
		}
	})
}

// tables counts the devices and UDP sockets that a directory of tables shows.
func tables(dir string) string {
	dev, err := os.ReadFile(filepath.Join(dir, "dev"))
	if err != nil {
		return err.Error()
	}
	udp, err := os.ReadFile(filepath.Join(dir, "udp"))
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d devices, %d sockets", strings.Count(string(dev), ":"), strings.Count(string(udp), "\n")-1)
}

// While a thread stays in a namespace everybody sees its tables, and a socket made on it is there; when it has left the
// threads of the process are all at home.
func TestStay(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		here, far := nstest.Here(t), nstest.NewHost(t, "far")
		nstest.Connect(t, 0, nstest.End{Host: here, Name: "here0"}, nstest.End{Host: far, Name: "far0"})
		nstest.Connect(t, 0, nstest.End{Host: far, Name: "far1"}, nstest.End{Host: nstest.NewHost(t, "third"), Name: "third0"})
		stay, err := far.NS.Stay()
		if err != nil {
			t.Fatal(err)
		}
		var fd int
		stay.Do(func() { fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0) })
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.Bind(fd, &unix.SockaddrInet4{Port: 9}); err != nil { // on another thread
			t.Fatal(err)
		}
		got := []string{tables(stay.ProcNet), tables("/proc/self/net")}
		if diff := cmp.Diff([]string{"3 devices, 1 sockets", "2 devices, 0 sockets"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		stay.Leave()
		stay.Leave()
		home, err := os.Readlink("/proc/self/ns/net")
		if err != nil {
			t.Fatal(err)
		}
		tasks, err := filepath.Glob("/proc/self/task/*")
		if err != nil || len(tasks) < 2 {
			t.Fatalf("%d threads, %v", len(tasks), err)
		}
		for _, task := range tasks {
			if link, err := os.Readlink(task + "/ns/net"); err == nil && link != home {
				t.Errorf("%s is in %s, not in %s", task, link, home)
			}
		}
	})
}

func TestStay_refused(t *testing.T) {
	ns, err := netns.Current()
	if err != nil {
		t.Fatal(err)
	}
	ns.Close()
	if stay, err := ns.Stay(); stay != nil || err == nil {
		t.Errorf("%v, %v; want no stay in a closed namespace", stay, err)
	}
}
