package main

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// parseRouteWords6 reads the words after add or del for IPv6:
//
//	TARGET[/len] [gw|gateway G] [metric N] [mod] [dyn] [[dev|device] IF]
//
// and gnet's own: [blackhole|prohibit|throw|unreachable] [table T].
func parseRouteWords6(ctx context.Context, verb string, words []string, names routeNames) (routeChange, error) {
	p := words6{wordReader: wordReader{words}, names: names, c: routeChange{V6: true}}
	if err := p.target(ctx, verb); err != nil {
		return routeChange{}, err
	}
	for {
		word, ok := p.next()
		if !ok {
			return p.c, p.c.carriesNothing()
		}
		if err := p.word(word); err != nil {
			return routeChange{}, err
		}
	}
}

// words6 is the state of one IPv6 command line.
type words6 struct {
	wordReader
	names routeNames
	c     routeChange
}

func (p *words6) target(ctx context.Context, verb string) error {
	word, ok := p.next()
	if !ok {
		return unexpected(verb, "a target must follow")
	}
	if word == "default" {
		p.c.Dst = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		return nil
	}
	name, length, slash := strings.Cut(word, "/")
	bits := 128
	if slash {
		n, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimLeft(length, " \t"), "+"), 10, 16)
		if err != nil || n > 128 {
			return unexpected(word, "the length after the slash is a number from 0 to 128")
		}
		bits = int(n)
	}
	addr, err := resolve6(ctx, name, p.names)
	if err != nil {
		return err
	}
	p.c.Dst = netip.PrefixFrom(addr, bits)
	return nil
}

func (p *words6) word(word string) error {
	switch word {
	case "metric":
		return p.metric()
	case "gw", "gateway":
		return p.gateway(word)
	case "mod":
		p.c.Modified = true
	case "dyn":
		p.c.Dynamic = true
	case "device", "dev":
		name, ok := p.next()
		if !ok {
			return unexpected(word, "an interface must follow")
		}
		p.c.Device, p.c.HasDevice = name, true
	default:
		if own, err := p.ownWord(word, &p.c); own {
			return err
		}
		if len(p.words) > 0 {
			return unexpected(word, "expected gw, metric, blackhole, prohibit, throw, unreachable, table, mod, dyn, dev or, as the last word, an interface")
		}
		p.c.Device, p.c.HasDevice = word, true
	}
	return nil
}

func (p *words6) metric() error {
	text, ok := p.next()
	if !ok {
		return unexpected("metric", "a number must follow")
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return unexpected(text, "metric is a number from 0 to 4294967295")
	}
	p.c.Metric, p.c.HasMetric = uint32(n), true
	return nil
}

// gateway reads the next hop, which must be a literal address.
func (p *words6) gateway(keyword string) error {
	word, ok := p.next()
	if !ok {
		return unexpected(keyword, "an address must follow")
	}
	if p.c.Gateway.IsValid() {
		return unexpected(word, "there can be one gateway only")
	}
	addr, err := netip.ParseAddr(word)
	if err != nil || !addr.Is6() || addr.Zone() != "" {
		return lookupError(word, "Resolver Error 0 (no error)")
	}
	p.c.Gateway = addr
	return nil
}

// Answers of getaddrinfo(3) that the old tool prints by number (netdb.h).
const (
	eaiNoName     = -2 // EAI_NONAME
	eaiAgain      = -3 // EAI_AGAIN
	eaiAddrFamily = -9 // EAI_ADDRFAMILY
)

// resolve6 finds the address of a word: a literal, whose zone is dropped as the device is given apart, or a host's name.
func resolve6(ctx context.Context, word string, names routeNames) (netip.Addr, error) {
	addr, err := netip.ParseAddr(word)
	if err == nil && addr.Is6() {
		return addr.WithZone(""), nil
	}
	if _, ok := parseAton(word); ok {
		return netip.Addr{}, targetError6(word, eaiAddrFamily, "Resolver Error 0 (no error)")
	}
	if word == "" {
		return netip.Addr{}, failBare(statusNo, "getaddrinfo: : %d\nUnknown server error", eaiNoName)
	}
	if looksLiteral(word) {
		unknown := targetError6(word, eaiNoName, "Unknown host")
		if strings.HasPrefix(word, "#") {
			unknown = unknown.withHint("IPv6 has no -net and -host: TARGET is an address, ADDRESS/LENGTH or default")
		}
		return netip.Addr{}, unknown
	}
	addr, err = names.Host(ctx, word, true)
	switch {
	case err == nil:
		return addr, nil
	case errors.Is(err, errNoSuchHost):
		return netip.Addr{}, targetError6(word, eaiNoName, "Unknown host")
	}
	return netip.Addr{}, targetError6(word, eaiAgain, "Host name lookup failure")
}

// targetError6 has the status that the old tool gives an IPv6 target: 1, where IPv4 has 6.
func targetError6(word string, eai int, sentence string) *failure {
	return failBare(statusNo, "getaddrinfo: %s: %d\n%s: %s", word, eai, word, sentence)
}
