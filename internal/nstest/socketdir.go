package nstest

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// longestSocketDir leaves the names of a test's sockets some fifty of the 108 bytes that the path of a unix socket may have (unix(7)).
const longestSocketDir = 56

// SocketDir returns dir by a name for the paths of unix sockets that this process binds or connects: another one, valid until the test ends,
// where its own is long, as below a long TMPDIR.
func SocketDir(t TB, dir string) string {
	t.Helper()
	if len(dir) <= longestSocketDir {
		return dir
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fmt.Sprintf("/proc/self/fd/%d", fd)
}
