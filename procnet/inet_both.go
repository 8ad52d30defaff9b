package procnet

import (
	"bytes"
	"iter"
	"strconv"

	"golang.org/x/sys/unix"

	"gnet/internal/procfile"
	"gnet/internal/sockdiag"
)

// aheadRows is how many rows of tcp6 are kept while tcp is read: few enough that memory stays what it was.
const aheadRows = 4 * slabRows

// bothFamilies returns the rows of tcp and keeps those of tcp6, from one walk of the kernel's table. Most of what a small namespace costs is
// that walk: the hash of all connections of all namespaces, of which there is one.
func (s *Sockets) bothFamilies(conn *sockdiag.Conn, q Query) iter.Seq2[*InetSocket, error] {
	return func(yield func(*InetSocket, error) bool) {
		v4, v6 := s.newDiagReader(TCP, false, q), s.newDiagReader(TCP, true, q)
		kept := NewInetShelf(TCP, true)
		s.few6 = false // until the whole was read
		request := q.request(TCP, false)
		request.Family = unix.AF_UNSPEC
		for row, err := range askInet(conn, request) {
			switch {
			case err != nil:
				yield(nil, err)
				return
			case row.Family == unix.AF_INET:
				if !yield(v4.convert(row), nil) {
					return
				}
			case kept != nil && kept.Len() < aheadRows:
				kept.Add(v6.convert(row), q.Ext != 0)
			default:
				kept = nil // tcp6 will be asked for itself
			}
		}
		s.tcp6, s.few6 = kept, kept != nil
	}
}

// fewTCP6 reports whether the namespace is known to have few enough IPv6 connections to keep. Those in TIME_WAIT are not counted in
// /proc/net/sockstat6 (net/ipv6/proc.c, sockstat6_seq_show).
func (f FS) fewTCP6() bool {
	file, err := f.root.OpenNet("sockstat6")
	if err != nil {
		return false
	}
	defer file.Close()
	for row, err := range procfile.Rows(file, file.Name()) {
		if err != nil {
			return false
		}
		if words := bytes.Fields(row.Text()); len(words) == 3 && string(words[0]) == "TCP6:" && string(words[1]) == "inuse" {
			n, err := strconv.Atoi(string(words[2]))
			return err == nil && n <= aheadRows
		}
	}
	return false
}
