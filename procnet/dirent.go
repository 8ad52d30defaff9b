package procnet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in struct linux_dirent64 (include/linux/dirent.h).
const (
	direntReclen = 16
	direntName   = 19
)

var errDirent = errors.New("malformed directory entry")

// readDir calls entry with the name of every entry of an open directory, "." and ".." too. Behind the name is a NUL. The name is
// only valid during the call. It exists beside os.ReadDir because that makes a string and a sort of what is read once,
// and the descriptors of all processes are by far the largest thing that netstat reads.
func readDir(dir int, buf []byte, entry func(name []byte)) error {
	for {
		n, err := unix.Getdents(dir, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n <= 0 {
			return err
		}
		if err := cutDirents(buf[:n], entry); err != nil {
			return err
		}
	}
}

func cutDirents(buf []byte, entry func(name []byte)) error {
	for len(buf) > 0 {
		if len(buf) < direntName {
			return errDirent
		}
		size := int(binary.NativeEndian.Uint16(buf[direntReclen:]))
		if size <= direntName || size > len(buf) {
			return errDirent
		}
		end := bytes.IndexByte(buf[direntName:size], 0)
		if end <= 0 {
			return errDirent
		}
		entry(buf[direntName : direntName+end])
		buf = buf[size:]
	}
	return nil
}

// readlinkat is readlinkat(2) for a name that has a NUL behind its last byte, as names from readDir have. unix.Readlinkat
// wants a string, which would be an allocation for every descriptor of every process.
func readlinkat(dir int, name, buf []byte) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(unsafe.SliceData(name))),
		uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
