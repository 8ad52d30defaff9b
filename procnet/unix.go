package procnet

import (
	"bytes"
	"io"
	"iter"

	"gnet/internal/procfile"
	"gnet/internal/sockdiag"
)

// UnixType is the type of a unix socket (include/linux/net.h, enum sock_type).
type UnixType uint16

// The types that a unix socket can have.
const (
	UnixStream    UnixType = 1
	UnixDgram     UnixType = 2
	UnixRaw       UnixType = 3
	UnixRDM       UnixType = 4
	UnixSeqpacket UnixType = 5
)

// UnixState is the St column of a unix socket (include/uapi/linux/net.h, socket_state).
type UnixState uint8

// The states of include/uapi/linux/net.h.
const (
	UnixFree UnixState = iota
	UnixUnconnected
	UnixConnecting
	UnixConnected
	UnixDisconnecting
)

// UnixAccepting is the bit of UnixSocket.Flags that marks a listening socket (SO_ACCEPTCON, include/linux/net.h). It is the only
// one that unix_seq_show sets.
const UnixAccepting = 1 << 16

// maxUnixPath is the size of sun_path (include/uapi/linux/un.h).
const maxUnixPath = 108

// UnixSocket is one row of /proc/net/unix.
//
// Written by unix_seq_show (net/unix/af_unix.c). Captured on 6.18.
//
//	col  name      form   note
//	0    Num       %pK:   hashed pointer; not kept
//	1    RefCount  %08X
//	2    Protocol  %08X   always 0
//	3    Flags     %08X   00010000 when listening, else 0
//	4    Type      %04X
//	5    St        %02X
//	6    Inode     %5lu   0 for a socket without a file
//	7    Path      " %s"  absent when not bound; raw bytes, blanks and newlines included; in an abstract
//	               name every NUL is shown as @, so that it looks like a file of that name
//
// A newline in a path continues on the next row of the file. Such rows are joined again as long as the path stays within sun_path
// and the row does not itself look like a socket's; a name that was made to look like a row cannot be told from one.
type UnixSocket struct {
	RefCount uint32 // meaningless with NoRefCount
	Protocol uint32
	Flags    uint32
	Type     UnixType
	State    UnixState
	Inode    uint64
	Path     []byte // raw, nil when the socket is not bound; valid until the next step
	// NoRefCount: the row comes from sock_diag alone, which does not have RefCount.
	NoRefCount bool
	// Diag is the same socket as unix_diag describes it: cookie, peer, queues, and the name with its NULs. It is nil when the row comes from
	// the file alone, and valid until the next step.
	Diag *sockdiag.UnixRow
}

// Accepting reports whether the socket is listening for connections.
func (s *UnixSocket) Accepting() bool { return s.Flags&UnixAccepting != 0 }

// Listening reports whether netstat -l shows the socket: accepting, and not connected.
func (s *UnixSocket) Listening() bool { return s.State == UnixUnconnected && s.Accepting() }

// Unix returns the unix sockets in the kernel's order.
func (fs FS) Unix() iter.Seq2[*UnixSocket, error] {
	return func(yield func(*UnixSocket, error) bool) {
		f, err := fs.root.OpenNet("unix")
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		parseUnix(f, f.Name())(yield)
	}
}

// parseUnix holds each socket back until the next row has shown that its path does not go on there.
func parseUnix(r io.Reader, file string) iter.Seq2[*UnixSocket, error] {
	return func(yield func(*UnixSocket, error) bool) {
		var s UnixSocket
		var path [maxUnixPath]byte
		held := false
		for row, err := range procfile.Rows(r, file) {
			if err == nil && (isHeader(row) || held && s.continues(row)) {
				continue
			}
			if held && !yield(&s, nil) {
				return
			}
			if held = err == nil; held {
				s.Path = path[:0]
				err = s.parse(row)
				held = err == nil
			}
			if err != nil && !yield(nil, err) {
				return
			}
		}
		if held {
			yield(&s, nil)
		}
	}
}

// continues takes row as the rest of the path of s, behind a newline, if it can be that.
func (s *UnixSocket) continues(row *procfile.Row) bool {
	text := row.Text()
	if s.Path == nil || len(s.Path)+1+len(text) > maxUnixPath || isUnixRow(row) {
		return false
	}
	s.Path = append(append(s.Path, '\n'), text...)
	return true
}

// isUnixRow reports whether row is a socket's own: it begins as %pK does, with eight or sixteen hexadecimal digits and a colon,
// or with fewer and has all the columns.
func isUnixRow(row *procfile.Row) bool {
	digits, ok := bytes.CutSuffix(row.First(), []byte{':'})
	if !ok || len(bytes.Trim(digits, "0123456789abcdefABCDEF")) > 0 {
		return false
	}
	if len(digits) == 8 || len(digits) == 16 {
		return true
	}
	var s UnixSocket
	again := *row
	return s.parse(&again) == nil
}

// parse reads one row. It keeps the path in the room of s.Path.
func (s *UnixSocket) parse(row *procfile.Row) error {
	if num := row.Column("Num"); num != nil && !endsInColon(num) {
		return row.Bad("Num", num, errNotRow)
	}
	s.RefCount = row.Hex32("RefCount")
	s.Protocol = row.Hex32("Protocol")
	s.Flags = row.Hex32("Flags")
	s.Type = UnixType(row.Hex16("Type"))
	s.State = UnixState(row.Hex8("St"))
	s.Inode = row.Dec64("Inode")
	if err := row.Err(); err != nil {
		return err
	}
	rest := row.Rest()
	if len(rest) == 0 {
		s.Path = nil
		return nil
	}
	if rest = rest[1:]; len(rest) > maxUnixPath {
		return row.Bad("Path", rest, procfile.ErrTooLong)
	}
	s.Path = append(s.Path, rest...)
	return nil
}
