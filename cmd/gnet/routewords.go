package main

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"gnet/routes"
)

// routeKind is what -net and -host say about a target.
type routeKind uint8

const (
	kindByTarget routeKind = iota // the target decides: a network's name is a net, an address is a host
	kindNet
	kindHost
)

// The words that -net and -host become before getopt sees them, because getopt would take them for bundled letters. The old
// tool does the same and accepts these spellings too.
const (
	wordNet  = "#net"
	wordHost = "#host"
)

// routeChange is what the words after add or del ask for.
type routeChange struct {
	V6        bool
	Delete    bool
	Replace   bool
	Dst       netip.Prefix // host bits may be set: the kernel refuses them for IPv4 and masks them off for IPv6
	Gateway   netip.Addr   // the zero Addr: none given
	Metric    uint32
	HasMetric bool
	MSS       uint32 // as typed: 40 more than advmss; 0 none
	Window    uint32
	IRTT      uint32 // milliseconds
	Device    string
	HasDevice bool
	Reject    bool
	Modified  bool   // mod, accepted and lost, as by the old tool
	Dynamic   bool   // dyn, likewise
	Reinstate bool   // reinstate, likewise
	Type      uint8  // blackhole, prohibit, throw, unreachable: gnet's own words; 0 none
	Table     uint32 // table T, likewise; 0 main
	Tos       uint8  // tos N, likewise, IPv4

	BareZero bool // IPv4: the target was 0.0.0.0 without a mask, which is a host route and hardly what was meant
}

// routeUsage refuses a command line: the sentence, which is the old tool's where it has one, and the usage.
func routeUsage(text string) error {
	f := fail(statusUsage, "%s", text)
	f.usage = routeSynopsis
	return f
}

// routeSynopsis follows the message when words of a route command are wrong.
const routeSynopsis = `usage: route [-nNvee] [-FC] [-4|-6|-A FAMILY]
       route [-4|-6] --details | --table TABLE | --match PREFIX | --dev DEVICE ...
       route add|replace|del [-net|-host] TARGET[/LEN] [netmask MASK] [gw GATEWAY] [metric N]
             [mss N] [window N] [irtt MS] [reject|blackhole|prohibit|throw|unreachable]
             [table TABLE] [tos N] [mod] [dyn] [reinstate] [[dev] IF] [--confirm TIME]
       route -6 add|replace|del TARGET[/LEN] [gw GATEWAY] [metric N] [table TABLE]
             [blackhole|prohibit|throw|unreachable] [mod] [dyn] [[dev] IF] [--confirm TIME]
       route get [--from ADDRESS] [--iif|--oif DEVICE] [--mark N] ... [--brief] ADDRESS
       route save|flush|diff FILE|restore [FILE]|watch [OPTION]...
       route confirm [ID]|pending|dismiss ID
`

// unexpected says which word is wrong; the old tool prints its usage alone.
func unexpected(word, allowed string) error {
	return routeUsage(strconv.Quote(word) + ": " + allowed)
}

// routeNames finds addresses for names. Literal addresses never reach it.
type routeNames interface {
	// Network looks a name up in /etc/networks.
	Network(name string) (netip.Addr, bool)
	// Host looks a name up in /etc/hosts and DNS. v6 chooses the family.
	Host(ctx context.Context, name string, v6 bool) (netip.Addr, error)
}

// errNoSuchHost: the resolver is sure that the name does not exist. Any other error means that it could not find out.
var errNoSuchHost = errors.New("no such host")

// protectKindWords rewrites -net and -host, wherever they stand, so that getopt leaves them alone.
func protectKindWords(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		switch a {
		case "-net":
			a = wordNet
		case "-host":
			a = wordHost
		}
		out[i] = a
	}
	return out
}

// wordReader hands out the words after the verb.
type wordReader struct {
	words []string
}

// next returns the next word; false at the end.
func (r *wordReader) next() (string, bool) {
	if len(r.words) == 0 {
		return "", false
	}
	w := r.words[0]
	r.words = r.words[1:]
	return w, true
}

// parseRouteWords4 reads the words after add or del for IPv4:
//
//	[-net|-host] TARGET[/len] [netmask M] [gw|gateway G] [metric N] [mss|mtu N] [window N] [irtt N]
//	[reject] [mod] [dyn] [reinstate] [[dev|device] IF]
//
// and gnet's own: [blackhole|prohibit|throw|unreachable] [table T] [tos N].
func parseRouteWords4(ctx context.Context, verb string, words []string, names routeNames) (routeChange, error) {
	p := words4{wordReader: wordReader{words}, names: names}
	if err := p.target(ctx, verb); err != nil {
		return routeChange{}, err
	}
	for {
		word, ok := p.next()
		if !ok {
			break
		}
		if err := p.word(ctx, word); err != nil {
			return routeChange{}, err
		}
	}
	if err := cmp.Or(p.c.carriesNothing(), p.mask()); err != nil {
		return routeChange{}, err
	}
	return p.c, nil
}

// words4 is the state of one IPv4 command line.
type words4 struct {
	wordReader
	names routeNames
	c     routeChange

	kind     routeKind
	addr     [4]byte
	network  bool // the target is a network's name or default
	hasMask  bool
	maskBits uint32
	maskWord string // as typed after netmask, for the message
}

func (p *words4) target(ctx context.Context, verb string) error {
	word, ok := p.next()
	after := verb
	switch word {
	case wordNet:
		p.kind, after = kindNet, "-net"
		word, ok = p.next()
	case wordHost:
		p.kind, after = kindHost, "-host"
		word, ok = p.next()
	}
	if !ok {
		return unexpected(after, "a target must follow")
	}
	name, length, slash := strings.Cut(word, "/")
	if slash {
		n, ok := prefixLength4(length)
		if !ok {
			return unexpected(word, "the length after the slash is a number from 0 to 32")
		}
		p.hasMask, p.maskBits = true, lengthMask(n)
	}
	addr, network, err := resolve4(ctx, name, p.kind == kindHost, p.names)
	if err != nil {
		return err
	}
	p.addr, p.network = addr.As4(), network
	return nil
}

func (p *words4) word(ctx context.Context, word string) error {
	switch word {
	case "metric":
		return p.number(word, &p.c.Metric, &p.c.HasMetric)
	case "netmask":
		return p.netmask(ctx)
	case "gw", "gateway":
		return p.gateway(ctx, word)
	case "mss", "mtu":
		return p.mss()
	case "window":
		return p.window()
	case "irtt":
		return p.irtt()
	case "reject":
		if p.c.Type != 0 {
			return unexpected(word, "a route has one type")
		}
		p.c.Reject = true
	case "mod":
		p.c.Modified = true
	case "dyn":
		p.c.Dynamic = true
	case "reinstate":
		p.c.Reinstate = true
	case "device", "dev":
		return p.device(word)
	case "tos":
		return p.tos()
	default:
		if own, err := p.ownWord(word, &p.c); own {
			return err
		}
		return p.lastWord(word)
	}
	return nil
}

// ownWord reads a word that the old tool does not have and both families share: table, and the types of routes that carry nothing.
func (r *wordReader) ownWord(word string, c *routeChange) (own bool, err error) {
	switch word {
	case "table":
		text, ok := r.next()
		if !ok {
			return true, unexpected(word, "a table must follow")
		}
		if c.Table, ok = parseTable(text); !ok {
			return true, unexpected(text, "table is main, local, default, a number from 1 to 4294967295, or a name of rt_tables")
		}
		return true, nil
	case "blackhole", "prohibit", "throw", "unreachable":
		typ, _ := routes.ParseType(word) // each is one
		if c.Type != 0 && c.Type != typ || c.Reject {
			return true, unexpected(word, "a route has one type")
		}
		c.Type = typ
		return true, nil
	}
	return false, nil
}

// carriesNothing refuses a way for a route of a type that has none.
func (c *routeChange) carriesNothing() error {
	if c.Type != 0 && (c.Gateway.IsValid() || c.HasDevice) {
		return routeUsage("a route of type " + routes.TypeName(c.Type) + " has no gateway and no interface")
	}
	return nil
}

// tos reads a type of service, decimal or with 0x hexadecimal.
func (p *words4) tos() error {
	text, ok := p.next()
	if !ok {
		return unexpected("tos", "a number must follow")
	}
	digits, base := text, 10
	if hex, found := strings.CutPrefix(text, "0x"); found {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 8)
	if err != nil {
		return unexpected(text, "tos is a number from 0 to 255")
	}
	p.c.Tos = uint8(n)
	return nil
}

// number reads the operand of metric: a decimal number of 32 bits. (The old tool takes what atoi makes of it and sends 16 bits.)
func (p *words4) number(word string, to *uint32, has *bool) error {
	text, ok := p.next()
	if !ok {
		return unexpected(word, "a number must follow")
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return unexpected(text, word+" is a number from 0 to 4294967295")
	}
	*to, *has = uint32(n), true
	return nil
}

func (p *words4) netmask(ctx context.Context) error {
	word, ok := p.next()
	if !ok {
		return unexpected("netmask", "a mask must follow")
	}
	if p.hasMask {
		return unexpected(word, "the length of the prefix is given already")
	}
	addr, _, err := resolve4(ctx, word, false, p.names)
	if err != nil {
		return err
	}
	p.hasMask, p.maskBits, p.maskWord = true, word4(addr.As4()), word
	return nil
}

func (p *words4) gateway(ctx context.Context, keyword string) error {
	word, ok := p.next()
	if !ok {
		return unexpected(keyword, "an address must follow")
	}
	if p.c.Gateway.IsValid() {
		return unexpected(word, "there can be one gateway only")
	}
	addr, network, err := resolve4(ctx, word, true, p.names)
	if err != nil {
		return err
	}
	if network {
		return routeUsage(word + ": cannot use a NETWORK as gateway!")
	}
	p.c.Gateway = addr
	return nil
}

// Bounds of the old tool: the smallest and largest segment that mss accepts, and the smallest window.
const (
	minMSS    = 64
	maxMSS    = 65536
	minWindow = 128
)

func (p *words4) mss() error {
	text, ok := p.next()
	if !ok {
		return unexpected("mss", "a number must follow")
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n < minMSS || n > maxMSS {
		return routeUsage("Invalid MSS/MTU.")
	}
	p.c.MSS = uint32(n)
	return nil
}

func (p *words4) window() error {
	text, ok := p.next()
	if !ok {
		return unexpected("window", "a number must follow")
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n < minWindow {
		return routeUsage("Invalid window.")
	}
	p.c.Window = uint32(n)
	return nil
}

// maxIRTT is what the kernel's metric, in eighths of a millisecond, can hold.
const maxIRTT = (1<<32 - 1) / 8

func (p *words4) irtt() error {
	text, ok := p.next()
	if !ok {
		return unexpected("irtt", "a number must follow")
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n > maxIRTT {
		return unexpected(text, "irtt is a number of milliseconds from 0 to "+strconv.Itoa(maxIRTT))
	}
	p.c.IRTT = uint32(n)
	return nil
}

func (p *words4) device(keyword string) error {
	name, ok := p.next()
	if !ok {
		return unexpected(keyword, "an interface must follow")
	}
	if p.c.HasDevice {
		return unexpected(name, "there can be one interface only")
	}
	p.c.Device, p.c.HasDevice = name, true
	return nil
}

// lastWord takes a word that is no keyword for the interface, if nothing follows it.
func (p *words4) lastWord(word string) error {
	if len(p.words) > 0 || p.c.HasDevice {
		return unexpected(word, "expected netmask, gw, metric, mss, window, irtt, reject, blackhole, prohibit, throw, unreachable, table, tos, mod, dyn, reinstate, dev or, as the last word, an interface")
	}
	p.c.Device, p.c.HasDevice = word, true
	return nil
}

// mask decides the prefix from the target, -net or -host, and the mask.
func (p *words4) mask() error {
	host := p.kind == kindHost || p.kind == kindByTarget && !p.network
	zero := p.addr == [4]byte{}
	if host && p.kind == kindByTarget && zero && p.hasMask && p.maskBits == 0 {
		host = false // 0.0.0.0/0 is the default route
	}
	addr := netip.AddrFrom4(p.addr)
	if host {
		if p.hasMask && p.maskBits != 1<<32-1 {
			return routeUsage("netmask " + hex8(^p.maskBits) + " doesn't make sense with host route")
		}
		p.c.Dst = netip.PrefixFrom(addr, 32)
		p.c.BareZero = zero && !p.hasMask && p.kind == kindByTarget
		return nil
	}
	hostBits := ^p.maskBits
	if hostBits&(hostBits+1) != 0 {
		return routeUsage("bogus netmask " + p.maskWord)
	}
	// Without a mask the kernel is asked and refuses: only 0.0.0.0 has no bit outside a mask of length 0.
	if p.maskBits != 0 && word4(p.addr)&hostBits != 0 {
		return routeUsage("netmask doesn't match route address")
	}
	p.c.Dst = netip.PrefixFrom(addr, maskLength(p.maskBits))
	return nil
}

// resolve4 finds the address of a word: default, an inet_aton literal, a network's name or a host's name. hostFirst is the order
// for -host and gateways; it also decides the sentence when nothing is found, as in the old tool.
func resolve4(ctx context.Context, word string, hostFirst bool, names routeNames) (addr netip.Addr, network bool, err error) {
	if word == "default" {
		return netip.IPv4Unspecified(), true, nil
	}
	if addr, ok := parseAton(word); ok {
		return addr, false, nil
	}
	if word == "" {
		sentence := "Unknown server error"
		if hostFirst {
			sentence = "Unknown host"
		}
		return netip.Addr{}, false, lookupError("", sentence)
	}
	if !hostFirst {
		if addr, ok := names.Network(word); ok {
			return addr, true, nil
		}
	}
	addr, err = lookupHost(ctx, word, names)
	if err == nil {
		return addr, false, nil
	}
	if hostFirst {
		if addr, ok := names.Network(word); ok {
			return addr, true, nil
		}
		return netip.Addr{}, false, lookupError(word, "Unknown host")
	}
	if errors.Is(err, errNoSuchHost) {
		return netip.Addr{}, false, lookupError(word, "Unknown host")
	}
	return netip.Addr{}, false, lookupError(word, "Host name lookup failure")
}

// looksLiteral reports whether a word can only be a mistyped address or keyword. No resolver is asked for those.
func looksLiteral(word string) bool {
	return strings.Trim(word, "0123456789.") == "" || strings.ContainsAny(word, ":/#")
}

// lookupHost asks the resolver for a host's name.
func lookupHost(ctx context.Context, word string, names routeNames) (netip.Addr, error) {
	if looksLiteral(word) {
		return netip.Addr{}, errNoSuchHost
	}
	return names.Host(ctx, word, false)
}

func lookupError(word, sentence string) error {
	if word != "" {
		sentence = word + ": " + sentence
	}
	return failBare(statusLookup, "%s", sentence)
}
