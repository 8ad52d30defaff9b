package procnet

import (
	"bytes"
	"iter"

	"gnet/internal/sockdiag"
)

// unixShow is what is asked of unix_diag.
const unixShow = sockdiag.ShowName | sockdiag.ShowPeer | sockdiag.ShowRQLen | sockdiag.ShowUID

// unixDiag returns the rows of unix_diag as the file has them, with the file's reference counts as far as they are known, and behind them
// the sockets that only the file has: those that wait to be accepted have no inode yet, and unix_diag passes over them (net/unix/diag.c,
// sk_diag_dump).
func (s *Sockets) unixDiag() iter.Seq2[*UnixSocket, error] {
	return func(yield func(*UnixSocket, error) bool) {
		conn, err := s.diag()
		if err != nil {
			yield(nil, err)
			return
		}
		file := s.fs.unixFile()
		var d unixDiagReader
		for row, err := range conn.Unix(unixShow) {
			if err != nil {
				yield(nil, err)
				return
			}
			u := d.convert(row)
			count := file.refs[u.Inode]
			u.RefCount, u.NoRefCount = count.n, count.times != 1
			if !yield(u, nil) {
				return
			}
		}
		for i := range file.waiting {
			if !yield(&file.waiting[i], nil) {
				return
			}
		}
	}
}

// unixFile is what the file says beside unix_diag, as far as it can be read.
type unixFile struct {
	refs    map[uint64]refCount
	waiting []UnixSocket // without an inode
}

// refCount is the RefCount of an inode, and how many rows of the file have that inode: more than one when the name of a socket was made to
// look like a row.
type refCount struct{ n, times uint32 }

func (f FS) unixFile() unixFile {
	file := unixFile{refs: make(map[uint64]refCount)}
	for u, err := range f.Unix() {
		switch {
		case err != nil:
		case u.Inode == 0:
			row := *u
			row.Path = bytes.Clone(u.Path)
			file.waiting = append(file.waiting, row)
		default:
			file.refs[u.Inode] = refCount{u.RefCount, file.refs[u.Inode].times + 1}
		}
	}
	return file
}

// unixDiagReader turns rows of unix_diag into those of the file.
type unixDiagReader struct {
	row  UnixSocket
	path [maxUnixPath + 1]byte
}

// convert returns r as the file has it, but for RefCount; valid until the next call. The file derives its columns from what unix_diag has:
// Flags from the state LISTEN, St from the state of a socket that has an inode (net/unix/af_unix.c, unix_seq_show, beside
// net/unix/diag.c, sk_diag_fill).
func (d *unixDiagReader) convert(r *sockdiag.UnixRow) *UnixSocket {
	u := &d.row
	*u = UnixSocket{Type: UnixType(r.Type), Inode: uint64(r.Inode), Diag: r, Path: d.name(r.Name)}
	u.State = UnixUnconnected
	if State(r.State) == Established {
		u.State = UnixConnected
	}
	if State(r.State) == Listen {
		u.Flags = UnixAccepting
	}
	return u
}

// name returns a bound name as the file writes it: in an abstract one, which begins with a NUL, every NUL is an @.
func (d *unixDiagReader) name(raw []byte) []byte {
	if len(raw) == 0 {
		return nil
	}
	name := append(d.path[:0], raw...)
	if name[0] != 0 {
		return name
	}
	for i, c := range name {
		if c == 0 {
			name[i] = '@'
		}
	}
	return name
}
