package procnet

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"gnet/internal/procfile"
)

// Context returns the security context of a process, as its security module words it (/proc/<pid>/attr/current, proc_pid_attr_read in
// fs/proc/base.c), raw, without the NUL or newline at its end. It is empty when the process is gone, does not let itself be looked
// at, or has none.
func (f FS) Context(pid int) (string, error) {
	text, err := os.ReadFile(f.root.Path(strconv.Itoa(pid), "attr", "current"))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ESRCH), errors.Is(err, syscall.EINVAL):
		return "", nil // EINVAL: no module has an answer
	case err != nil:
		return "", err
	}
	return string(bytes.TrimRight(text, "\x00\n")), nil
}

// SELinux reports whether the tree's kernel runs SELinux, which then has its file system (filesystems; security/selinux/selinuxfs.c
// registers it only if SELinux was not disabled at boot).
func (f FS) SELinux() (bool, error) {
	file, err := os.Open(f.root.Path("filesystems"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	for row, err := range procfile.Rows(file, file.Name()) {
		if err != nil {
			return false, err
		}
		for name := row.Next(); name != nil; name = row.Next() {
			if string(name) == "selinuxfs" {
				return true, nil
			}
		}
	}
	return false, nil
}
