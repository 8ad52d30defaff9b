package main

import (
	"context"
	"errors"
	"net"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"gnet/ping/probe"
)

// asciiName returns a name as it is looked up: one with letters of the world in
// the form of RFC 5890, all others as they are.
func asciiName(name string) (string, error) {
	if strings.IndexFunc(name, func(r rune) bool { return r >= 0x80 }) < 0 {
		return name, nil
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil || !utf8.ValidString(name) {
		return "", fail(statusCannot, "%s: Parameter string not correctly encoded", name)
	}
	return ascii, nil
}

// lookUpTarget asks hosts(5) and DNS for the addresses of a name in a family, or
// in both, and for its canonical name. For one family only that is asked.
func lookUpTarget(ctx context.Context, operand string, family probe.Family) (pingTarget, error) {
	name, err := asciiName(operand)
	if err != nil {
		return pingTarget{}, err
	}
	tap := &dnsTap{}
	addrs, err := tap.lookUp(ctx, name, family)
	if err != nil || len(addrs) == 0 {
		return pingTarget{}, fail(statusCannot, "%s: %w", name, lookUpError(err, family, tap.answer().Exists)).withHint("%s", tap.silence())
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	target := pingTarget{Name: name, Addrs: uniqueLocalFirst(addrs)}
	switch owner := string(tap.answer().Owner); {
	case owner == "":
		target.Canonical = hostsName(ctx, name)
	case strings.EqualFold(owner, name):
		target.Canonical = name
	default:
		target.Canonical = owner
	}
	return target, nil
}

// hostsName returns the first name of a name's line in hosts(5), or the name
// itself when it stands there with an IPv6 address: that of another family's
// line is not the one.
func hostsName(ctx context.Context, name string) string {
	files := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.ErrUnsupported }}
	if six, err := files.LookupNetIP(ctx, "ip6", name); err == nil && len(six) > 0 {
		return name
	}
	canonical, err := files.LookupCNAME(ctx, name)
	if err != nil {
		return name
	}
	return strings.TrimSuffix(canonical, ".")
}

// errHostsFamily: hosts(5) has the name with addresses of the other family. DNS is not asked then,
// neither by the C library nor here.
var errHostsFamily = errors.New("Address family for hostname not supported")

// lookUpError has the sentence of gai_strerror(3). exists: a name server knows the
// name. One that has no address in the family that was asked for may have one in
// the other.
func lookUpError(err error, family probe.Family, exists bool) error {
	answer := (*net.DNSError)(nil)
	switch {
	case errors.As(err, new(*net.AddrError)):
		return errHostsFamily
	case exists && family != 0:
		return errors.New("Address family for hostname not supported")
	case errors.As(err, &answer) && !answer.IsNotFound:
		return errors.New("Temporary failure in name resolution")
	case exists:
		return errors.New("No address associated with hostname")
	}
	return errors.New("Name or service not known")
}
