package nstest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// ignoredEnv has this test run as one that was started with two signals ignored.
const ignoredEnv = "NSTEST_IGNORED"

func TestMain(m *testing.M) {
	if os.Getenv(ignoredEnv) != "" {
		os.Exit(m.Run())
	}
	os.Exit(Interruptible{M: m}.Run())
}

// ignoredOf runs a program and returns the signals that it was started with ignored, as the kernel writes them.
type ignoredOf func() int

func (f ignoredOf) Run() int { return f() }

// TestInterruptible: a program that a test starts takes SIGHUP and SIGINT, the two lowest bits, though the test was started with both ignored.
func TestInterruptible(t *testing.T) {
	if os.Getenv(ignoredEnv) == "" {
		cmd := exec.Command("/bin/sh", "-c", `trap "" HUP INT; exec "$0" -test.run='^TestInterruptible$' -test.count=1`, os.Args[0])
		cmd.Env = append(os.Environ(), ignoredEnv+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	var before, after string
	read := func(to *string) int {
		out, err := exec.Command("/bin/sh", "-c", "grep ^SigIgn: /proc/self/status").Output()
		if err != nil {
			t.Fatal(err)
		}
		*to = strings.TrimSpace(strings.TrimPrefix(string(out), "SigIgn:"))
		return 7
	}
	read(&before)
	if status := (Interruptible{M: ignoredOf(func() int { return read(&after) })}).Run(); status != 7 {
		t.Errorf("status %d, want that of the tests", status)
	}
	if !strings.HasSuffix(before, "3") || !strings.HasSuffix(after, "0") {
		t.Errorf("ignored before %s and after %s, want ...3 and ...0", before, after)
	}
}
