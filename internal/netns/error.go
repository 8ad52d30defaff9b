package netns

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Error is the one error type of this package.
type Error struct {
	// Op says what was being done: "make namespaces", "enter namespace".
	Op string
	// Err is the cause; errors.Is reaches the errno.
	Err error
	// Why is what this machine's settings say about the cause, "" if they say
	// nothing: "user.max_user_namespaces is 0".
	Why string
}

// Error is one line: operation, cause, and the setting behind it.
func (e *Error) Error() string {
	if e.Why == "" {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s: %v (%s)", e.Op, e.Err, e.Why)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// refusal wraps err with the reason that the files below proc give.
func refusal(op, proc string, err error) error {
	return &Error{Op: op, Err: err, Why: explain(proc, err)}
}

// Why is what this machine's settings say about a refusal of something that a fresh namespace should allow, "" if they say nothing.
func Why(err error) string { return explain("/proc", err) }

// explain names the setting that makes the kernel refuse a namespace with this
// errno: ENOSPC is a limit (kernel/ucount.c), EINVAL a kernel built without
// them, EPERM and EACCES a policy (kernel/fork.c, security modules, seccomp).
func explain(proc string, err error) string {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EUSERS):
		return limit(proc)
	case errors.Is(err, unix.EINVAL):
		return missing(proc)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES), errors.Is(err, unix.ENOSYS):
		return policy(proc)
	}
	return ""
}

func limit(proc string) string {
	for _, name := range []string{"max_user_namespaces", "max_net_namespaces", "max_pid_namespaces", "max_mnt_namespaces"} {
		if setting(proc, "sys/user/"+name) == "0" {
			return "user." + name + " is 0"
		}
	}
	return "a limit under /proc/sys/user is reached"
}

func missing(proc string) string {
	for _, kind := range []string{"user", "net", "pid", "mnt"} {
		if _, err := os.Lstat(filepath.Join(proc, "self/ns", kind)); errors.Is(err, os.ErrNotExist) {
			return "this kernel has no " + kind + " namespaces"
		}
	}
	return ""
}

func policy(proc string) string {
	switch {
	case setting(proc, "sys/kernel/unprivileged_userns_clone") == "0":
		return "kernel.unprivileged_userns_clone is 0"
	case setting(proc, "sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
		return "kernel.apparmor_restrict_unprivileged_userns is 1"
	case status(proc, "Seccomp:") == "2":
		return "a seccomp filter is active, as in containers"
	}
	return ""
}

// setting reads a one-line file, "" if it cannot be read.
func setting(proc, name string) string {
	b, err := os.ReadFile(filepath.Join(proc, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// status is the value of one line of /proc/self/status, "" if there is none.
func status(proc, key string) string {
	b, err := os.ReadFile(filepath.Join(proc, "self/status"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, key); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
