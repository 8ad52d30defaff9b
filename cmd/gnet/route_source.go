package main

import (
	"errors"
	"iter"

	"gnet/internal/procfile"
	"gnet/routes"
)

// ipv6FileLimit is the number of routes up to which /proc/net/ipv6_route is read: its kernel code starts again at the first route for
// each read, so that the time grows with the square.
const ipv6FileLimit = 4096

// ipv4Rows returns the rows of the IPv4 file: over rtnetlink, which is twice as fast and has the same rows, where the running
// kernel is asked, else from the file. fromFile forces the file.
func ipv4Rows(root procfile.Root, fromFile bool) iter.Seq2[*routes.IPv4Row, error] {
	file := routes.IPv4File(root)
	if fromFile || !root.IsLive() {
		return file
	}
	return orFile(file, func(c *routes.Conn) iter.Seq2[*routes.IPv4Row, error] { return c.IPv4Rows() })
}

// orFile walks the rows of rtnetlink; those of the file when rtnetlink is refused before its first row, as under a seccomp filter.
func orFile[T any](file iter.Seq2[*T, error], rows func(*routes.Conn) iter.Seq2[*T, error]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		conn, err := routes.Dial()
		if err != nil {
			file(yield)
			return
		}
		defer conn.Close()
		first := true
		for row, err := range rows(conn) {
			if err != nil && first && !errors.Is(err, routes.ErrInterrupted) {
				file(yield)
				return
			}
			first = false
			if !yield(row, err) {
				return
			}
		}
	}
}

// ipv6Rows returns the rows of the IPv6 file, and whether they lack what rtnetlink does not carry: more than ipv6FileLimit routes are
// read over rtnetlink, unless fromFile forces the file.
func ipv6Rows(root procfile.Root, fromFile bool) (rows iter.Seq2[*routes.IPv6Row, error], lacking bool, count uint64) {
	file := routes.IPv6File(root)
	if fromFile || !root.IsLive() {
		return file, false, 0
	}
	count, known := routes.IPv6Entries(root)
	if !known || count <= ipv6FileLimit {
		return file, false, count
	}
	conn, err := routes.Dial()
	if err != nil {
		return file, false, count
	}
	return func(yield func(*routes.IPv6Row, error) bool) {
		defer conn.Close()
		conn.IPv6Rows()(yield)
	}, true, count
}
