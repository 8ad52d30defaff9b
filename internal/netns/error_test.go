package netns

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestExplain_namesTheSetting builds a /proc for each policy that machines have.
func TestExplain_namesTheSetting(t *testing.T) {
	kinds := map[string]string{"self/ns/user": "", "self/ns/net": "", "self/ns/pid": "", "self/ns/mnt": ""}
	for _, tc := range []struct {
		name  string
		errno error
		files map[string]string
		want  string
	}{
		{"user namespaces switched off", unix.ENOSPC, map[string]string{"sys/user/max_user_namespaces": "0\n"}, "user.max_user_namespaces is 0"},
		{"network namespaces switched off", unix.ENOSPC, map[string]string{"sys/user/max_user_namespaces": "7\n", "sys/user/max_net_namespaces": "0\n"}, "user.max_net_namespaces is 0"},
		{"limit reached", unix.ENOSPC, map[string]string{"sys/user/max_user_namespaces": "7\n"}, "a limit under /proc/sys/user is reached"},
		{"Debian's switch", unix.EPERM, map[string]string{"sys/kernel/unprivileged_userns_clone": "0\n"}, "kernel.unprivileged_userns_clone is 0"},
		{"Ubuntu's switch", unix.EACCES, map[string]string{"sys/kernel/apparmor_restrict_unprivileged_userns": "1\n"}, "kernel.apparmor_restrict_unprivileged_userns is 1"},
		{"container", unix.EPERM, map[string]string{"self/status": "Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\n"}, "a seccomp filter is active, as in containers"},
		{"no filter", unix.EPERM, map[string]string{"self/status": "Name:\tx\nSeccomp:\t0\nSeccomp_filters:\t2\n"}, ""},
		{"kernel without them", unix.EINVAL, map[string]string{"self/ns/user": "", "self/ns/net": ""}, "this kernel has no pid namespaces"},
		{"kernel with them", unix.EINVAL, kinds, ""},
		{"another error", unix.ENOENT, map[string]string{"sys/user/max_user_namespaces": "0\n"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			proc := t.TempDir()
			for name, content := range tc.files {
				path := filepath.Join(proc, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			err := refusal("make namespaces", proc, &os.PathError{Op: "fork/exec", Path: "/x", Err: tc.errno})
			var own *Error
			if !errors.As(err, &own) || own.Why != tc.want || !errors.Is(err, tc.errno) {
				t.Errorf("got %q, want the reason %q", err, tc.want)
			}
		})
	}
}
