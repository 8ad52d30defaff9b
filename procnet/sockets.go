package procnet

import (
	"errors"
	"io/fs"
	"iter"

	"golang.org/x/sys/unix"

	"gnet/internal/sockdiag"
)

// Query says which rows of a table are wanted, and what of each. The zero value is every row of the file, and of a row what
// netstat shows without options.
//
// States and Bytecode let the kernel leave rows out before it writes them, where sock_diag is the source; a file is always read
// whole, and the kernel may know less than the query says. They save time: the caller checks each row all the same.
type Query struct {
	// States is a set of bits 1<<State; 0 means all. Embryonic connections are in SYN_RECV. Bound sockets that are neither listening nor
	// connected (BOUND_INACTIVE, 13) are in no file and are never asked for.
	States uint32
	// Ext is the set of attributes wanted in InetSocket.Diag.
	Ext sockdiag.Ext
	// Bytecode is a program from sockdiag.Compile; nil lets all pass.
	Bytecode []byte
	// Timers asks for InetSocket.Timer whole. Without it Retransmits and Probes of a row from sock_diag may be short of one of the two.
	Timers bool
	// Users asks for the UID of embryonic connections too, which sock_diag gives as 0.
	Users bool
	// Diag asks for what only sock_diag knows also of unix and raw sockets, whose source is the file as a rule: then it is sock_diag, if the
	// kernel has it for them.
	Diag bool
	// Both announces that tcp and tcp6 will be read one after the other, both with this query, and that InetSocket.Diag of tcp6 is not
	// needed but for what Ext asks: without Ext it may be nil even where sock_diag is the source. It saves a walk of the kernel's table.
	Both bool
	// FileOnly leaves sock_diag out.
	FileOnly bool
}

// boundInactive is the bit of TCP_BOUND_INACTIVE (include/net/tcp_states.h).
const boundInactive = 1 << 13

// Sockets reads the sockets of one network namespace from sock_diag(7) where that is faster, else from the files of /proc/net. It
// is not safe for concurrent use, and one table is read at a time.
type Sockets struct {
	fs        FS
	dial      func() (*sockdiag.Conn, error) // nil: files alone
	conn      *sockdiag.Conn
	dialErr   error
	fallbacks []Fallback
	tcp6      *InetShelf // rows that came with those of tcp (Query.Both)
	few6      bool       // those of the reading before were few enough to keep
}

// Fallback is a table that was not read from the source that it is read from as a rule, and why.
type Fallback struct {
	Table string // name of the file under /proc/net
	File  bool   // read from the file, because of Err of sock_diag; false: the other way round
	Err   error
}

// Sockets returns the reader of the tree's sockets. sock_diag is dialled at the first need, in the network namespace of the thread
// that asks then; never for a tree that is not the running kernel's.
func (f FS) Sockets() *Sockets {
	if !f.root.IsLive() {
		return NewSockets(f, nil)
	}
	return NewSockets(f, sockdiag.Dial)
}

// NewSockets returns a reader of files under f and of what dial connects to, which must be the same namespace; a nil dial means files
// alone. Close closes the connection.
func NewSockets(f FS, dial func() (*sockdiag.Conn, error)) *Sockets {
	return &Sockets{fs: f, dial: dial}
}

// Close ends the connection to the kernel, if there is one, and there will be no other.
func (s *Sockets) Close() error {
	conn := s.conn
	s.conn, s.dial = nil, nil
	if conn == nil {
		return nil
	}
	return conn.Close()
}

// Fallbacks returns what was read from the other source than its own, in the order of reading; each table once.
func (s *Sockets) Fallbacks() []Fallback { return s.fallbacks }

var errFilesOnly = errors.New("sock_diag was not asked")

// diag returns the connection, dialling it once.
func (s *Sockets) diag() (*sockdiag.Conn, error) {
	if s.dial == nil {
		return nil, errFilesOnly
	}
	if s.conn == nil && s.dialErr == nil {
		s.conn, s.dialErr = s.dial()
	}
	return s.conn, s.dialErr
}

// fellBack notes that a table comes from its second source.
func (s *Sockets) fellBack(table string, file bool, err error) {
	if errors.Is(err, errFilesOnly) {
		return
	}
	for _, f := range s.fallbacks {
		if f.Table == table {
			return
		}
	}
	s.fallbacks = append(s.fallbacks, Fallback{table, file, err})
}

// Inet returns the sockets of one protocol and address family, in the kernel's order, which is the same in both sources. The first
// source that can say anything is the source of the whole table: an error in the middle of it is the last value. When neither source
// has the table, the error is the file's (fs.ErrNotExist: the kernel does not have the protocol).
func (s *Sockets) Inet(p Proto, v6 bool, q Query) iter.Seq2[*InetSocket, error] {
	sources := sourcePair[InetSocket]{
		table: p.File(v6),
		file:  s.fs.Inet(p, v6),
		diag:  s.inetDiag(p, v6, q),
	}
	if q.FileOnly {
		return sources.file
	}
	return sources.read(s, p != Raw || q.Diag)
}

// Unix returns the unix sockets. The source is the file, which alone has RefCount and the sockets that wait to be accepted. With q.Diag it is
// sock_diag, whose names are true whatever bytes they hold, joined with the file's RefCount; the sockets that wait come last then. Else the
// order is the kernel's. The second source is the other one.
func (s *Sockets) Unix(q Query) iter.Seq2[*UnixSocket, error] {
	sources := sourcePair[UnixSocket]{table: "unix", file: s.fs.Unix(), diag: s.unixDiag()}
	if q.FileOnly {
		return sources.file
	}
	return sources.read(s, q.Diag)
}

// sourcePair is the two sources of one table.
type sourcePair[T any] struct {
	table      string
	file, diag iter.Seq2[*T, error]
}

// read hands out the rows of the first source; if that fails before its first row, those of the second one.
func (p sourcePair[T]) read(s *Sockets, diagFirst bool) iter.Seq2[*T, error] {
	first, second := p.file, p.diag
	if diagFirst {
		first, second = p.diag, p.file
	}
	return func(yield func(*T, error) bool) {
		switch err := firstError(first, yield); {
		case err == nil:
		case diagFirst || missing(err):
			p.second(s, second, diagFirst, err, yield)
		default:
			yield(nil, err)
		}
	}
}

// second hands out the rows of the second source. If that has nothing either, the error that says more is the answer: that of the
// file, unless sock_diag answered and could not be understood.
func (p sourcePair[T]) second(s *Sockets, rows iter.Seq2[*T, error], file bool, because error, yield func(*T, error) bool) {
	err := firstError(rows, yield)
	if err == nil || file && !missing(err) {
		s.fellBack(p.table, file, because)
	}
	switch {
	case err == nil:
	case !file, missing(err) && !unavailable(because):
		yield(nil, because)
	default:
		yield(nil, err)
	}
}

// missing reports whether a file is not there for this process: to netstat the kernel then lacks the protocol.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}

// unavailable reports whether err says that sock_diag cannot answer here: it was not asked, could not be reached (a seccomp filter), or
// the kernel refused (no module for the protocol). What is left is an answer that makes no sense.
func unavailable(err error) bool {
	var errno unix.Errno
	return errors.Is(err, errFilesOnly) || errors.As(err, &errno)
}

// firstError hands rows on. An error that is the very first value is returned and not handed on; the caller has another source.
func firstError[T any](rows iter.Seq2[*T, error], yield func(*T, error) bool) error {
	var refused error
	first := true
	for row, err := range rows {
		if first && err != nil && !isParseError(err) {
			refused = err
			break
		}
		first = false
		if !yield(row, err) {
			return nil
		}
	}
	return refused
}

func isParseError(err error) bool {
	var bad *ParseError
	return errors.As(err, &bad)
}
