package routes

import (
	"bytes"
	"hash/maphash"
	"net/netip"

	"gnet/internal/rtnl"
)

// likeLines remembers lines of a file of routes: most of a million differ from one before in the destination alone, and need not be read
// again. The zero value is ready.
type likeLines struct {
	seed  maphash.Seed
	lines []likeLine // by the hash of their tail; made with the first line
	at    int        // where the line before had its destination
}

// likeSlots are as many as a table has next hops that take turns, roughly.
const likeSlots = 64

// likeLine is a line that was read: what stands before and behind the destination, and the route.
type likeLine struct {
	head, tail []byte
	route      rtnl.Route
}

// find returns the route of a line, valid until the next call, or nil when no line like it is remembered.
func (l *likeLines) find(line []byte) *rtnl.Route {
	if l.lines == nil {
		return nil
	}
	start, end := destinationIn(line, &l.at)
	if start < 0 {
		return nil
	}
	like := l.slot(line[end:])
	if !bytes.Equal(like.tail, line[end:]) || !bytes.Equal(like.head, line[:start]) {
		return nil
	}
	dst, ok := parsePrefix4(line[start:end])
	if !ok || dst != dst.Masked() {
		return nil // the parser has the words for what is wrong
	}
	like.route.Dst = dst
	return &like.route
}

// keep remembers a line that the parser made route of. The destination must be the route's own, not one in an object inside of it, and of
// IPv4, so that every other one leads to a route of the same family.
func (l *likeLines) keep(line []byte, route *rtnl.Route) {
	start, end := destinationIn(line, &l.at)
	if start < 0 || len(route.Multipath) > 0 || bytes.LastIndexAny(line[:start], "{[") != 0 {
		return
	}
	if dst, ok := parsePrefix4(line[start:end]); !ok || dst != route.Dst {
		return
	}
	if l.lines == nil {
		l.seed, l.lines = maphash.MakeSeed(), make([]likeLine, likeSlots)
	}
	like := l.slot(line[end:])
	like.head = append(like.head[:0], line[:start]...)
	like.tail = append(like.tail[:0], line[end:]...)
	like.route = *route
	like.route.Multipath = nil // the parser's memory
}

func (l *likeLines) slot(tail []byte) *likeLine {
	return &l.lines[maphash.Bytes(l.seed, tail)%likeSlots]
}

// destinationKey precedes the destination in a line as `route save` writes it. A quote inside a JSON string has a backslash before it, so that
// no other key's text is taken for it.
const destinationKey = `"destination":"`

// destinationIn finds the text of the destination in a line without reading the rest; start is negative when it is not there. at is where
// the line before had its key, and is where the line after should be tried first.
func destinationIn(line []byte, at *int) (start, end int) {
	if len(line) < *at || !bytes.HasPrefix(line[*at:], []byte(destinationKey)) {
		if *at = max(0, bytes.Index(line, []byte(destinationKey))); !bytes.HasPrefix(line[*at:], []byte(destinationKey)) {
			return -1, -1
		}
	}
	start = *at + len(destinationKey)
	size := bytes.IndexByte(line[start:], '"')
	if size < 0 {
		return -1, -1
	}
	return start, start + size
}

// shownDestination is the destination that a line shows without being read; an invalid one when it is not there, or in words that could be
// said in another way.
func shownDestination(line []byte, at *int) netip.Prefix {
	start, end := destinationIn(line, at)
	if start < 0 || end-start > len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128") {
		return netip.Prefix{}
	}
	p, ok := parsePrefix4(line[start:end])
	if !ok {
		var err error
		if p, err = netip.ParsePrefix(string(line[start:end])); err != nil {
			return netip.Prefix{}
		}
	}
	return p.Masked()
}
