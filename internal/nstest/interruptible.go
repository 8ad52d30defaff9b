package nstest

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// Interruptible runs the tests of a package that interrupts the programs it starts; M is the *testing.M. The tests may themselves have been
// started with SIGINT or SIGHUP ignored, as a shell without job control does for what runs beside it (POSIX.1-2017, XCU 2.11) and nohup(1):
// what is ignored stays so in every program that a test starts (execve(2)), and gnet leaves it ignored. What a test takes itself is as
// usual in its programs. Those that have to begin with a signal ignored have a shell see to it. The umask is the usual one too: what a test
// makes for programs of other users can be read by them.
type Interruptible struct{ M interface{ Run() int } }

// Run runs the tests and returns the status of the process.
func (i Interruptible) Run() int {
	for _, s := range []os.Signal{unix.SIGINT, unix.SIGHUP} { // of the others the runtime takes care (os/signal)
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s) // it goes on to be without effect here
		}
	}
	unix.Umask(0o022)
	return i.M.Run()
}
