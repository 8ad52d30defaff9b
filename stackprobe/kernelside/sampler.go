package kernelside

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/sockdiag"
	"gnet/stackprobe/event"
)

// Sampler asks the kernel for the state and the variables of TCP sockets that are not ours: those of the network namespace that its
// maker's thread was in. It needs no rights.
type Sampler struct {
	diag *sockdiag.Conn
	row  sockdiag.InetRow
}

// NewSampler opens one. The caller closes it.
func NewSampler() (*Sampler, error) {
	diag, err := sockdiag.Dial()
	if err != nil {
		return nil, err
	}
	return &Sampler{diag: diag}, nil
}

// Sample returns what the kernel says of the connection at this moment, and false if it has no such socket. Vars.Has is 0 where it
// tells nothing of it: a socket in TIME-WAIT has no variables.
func (s *Sampler) Sample(t event.Tuple) (event.State, event.Vars, bool, error) {
	err := s.diag.Find(t.Local, t.Remote, sockdiag.ExtInfo, &s.row)
	if errors.Is(err, unix.ENOENT) {
		return event.StateUnknown, event.Vars{}, false, nil
	}
	if err != nil {
		return event.StateUnknown, event.Vars{}, false, err
	}
	if plain(s.row.Remote) != t.Remote { // the listener, which is asked where there is no connection
		return event.StateUnknown, event.Vars{}, false, nil
	}
	var v event.Vars
	if s.row.Has&sockdiag.ExtInfo != 0 {
		v = varsOf(&s.row.Info)
	}
	return stateOf(s.row.State), v, true, nil
}

// plain is an address of IPv4 as itself, which a socket of IPv6 shows as one of IPv6.
func plain(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// Close ends it.
func (s *Sampler) Close() error { return s.diag.Close() }
