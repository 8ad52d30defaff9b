package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
)

// reverseLookup finds the names of addresses by Go's resolver: /etc/hosts, then DNS. When DNS does not answer it is not asked again: a
// table has many addresses, and each would wait as long.
type reverseLookup struct {
	ctx      context.Context
	resolver *net.Resolver
	timedOut func() // called once, when DNS does not answer
}

func newReverseLookup(ctx context.Context, e *env) *reverseLookup {
	return &reverseLookup{ctx, &net.Resolver{PreferGo: true}, func() { e.hint("name lookups time out; -n prints addresses") }}
}

// name returns the first name of an address, without the dot at its end, or "": no answer is an answer, the number is shown.
func (r *reverseLookup) name(a netip.Addr) string {
	names, err := r.resolver.LookupAddr(r.ctx, a.String())
	if answer := (*net.DNSError)(nil); errors.As(err, &answer) && answer.IsTimeout {
		r.resolver.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.ErrUnsupported }
		r.timedOut()
	}
	if len(names) == 0 {
		return ""
	}
	return strings.TrimSuffix(names[0], ".")
}
