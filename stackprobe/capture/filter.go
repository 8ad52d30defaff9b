package capture

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gnet/internal/words"
)

// maxFilterWords bounds an expression: far beyond what somebody types, and what a parser that calls itself must stand.
const maxFilterWords = 1024

// FilterError is an expression that cannot be read.
type FilterError = words.Error

// Filter is an expression that chooses packets, in the language of pcap-filter(7) as far as it is here: the primitives host, net,
// port and portrange with src and dst, ip, ip6, tcp, udp, icmp and icmp6, joined by and, or, not and parentheses. As there, and and
// or bind alike, from the left, and a bare address or number repeats the words of the primitive before it.
type Filter struct{ root *term }

// term is a node of an expression: not of left, and or or of both, or one of the tests of a packet, for op 0.
type term struct {
	op          operator
	left, right *term
	test
}

type operator uint8

const (
	_ operator = iota
	opNot
	opAnd
	opOr
)

// test is what is wanted of one packet.
type test struct {
	what      subject
	direction whichSide
	proto     string // tcp or udp before port, ip or ip6 before host and net, "" for all
	net       netip.Prefix
	low, high uint16 // ports
}

type subject uint8

const (
	aboutProto subject = iota + 1
	aboutNet
	aboutPort
)

// whichSide says which of a packet's two addresses or ports is meant.
type whichSide uint8

const (
	eitherSide whichSide = iota
	sourceSide
	targetSide
	bothSides
)

// ParseFilter reads an expression; an empty one chooses all packets. The error is a *FilterError.
func ParseFilter(text string) (*Filter, error) {
	p := &filterParser{text: text, words: filterWords(text)}
	if len(p.words) == 0 {
		return &Filter{}, nil
	}
	if len(p.words) > maxFilterWords {
		p.at = maxFilterWords
		return nil, p.fail(fmt.Sprintf("no more than %d words", maxFilterWords))
	}
	root, err := p.list()
	if err == nil && p.word() != "" {
		err = p.fail("and, or, or the end")
	}
	if err != nil {
		return nil, err
	}
	return &Filter{root}, nil
}

// filterWord is a word and where it stands.
type filterWord struct {
	text string
	at   int
}

// filterWords splits at blanks, and around parentheses and exclamation marks.
func filterWords(s string) []filterWord {
	var list []filterWord
	start := -1
	end := func(i int) {
		if start >= 0 {
			list = append(list, filterWord{s[start:i], start})
		}
		start = -1
	}
	for i := range len(s) {
		switch s[i] {
		case ' ', '\t', '\n':
			end(i)
		case '(', ')', '!':
			end(i)
			list = append(list, filterWord{s[i : i+1], i})
		default:
			if start < 0 {
				start = i
			}
		}
	}
	end(len(s))
	return list
}

type filterParser struct {
	text  string
	words []filterWord
	at    int
	last  *test // the primitive before, whose words a bare value repeats
}

// word is the one at which the parser stands, "" at the end.
func (p *filterParser) word() string { return p.ahead(0) }

func (p *filterParser) ahead(n int) string {
	if p.at+n >= len(p.words) {
		return ""
	}
	return p.words[p.at+n].text
}

// accept passes one of the words.
func (p *filterParser) accept(list ...string) bool {
	if w := p.word(); w == "" || !slices.Contains(list, w) {
		return false
	}
	p.at++
	return true
}

// fail is the error of the word at which the parser stands.
func (p *filterParser) fail(want string) *FilterError {
	e := &FilterError{Text: p.text, Word: p.word(), Offset: len(p.text), Want: want}
	if e.Word != "" {
		e.Offset = p.words[p.at].at
		if list := FilterWords(); !slices.Contains(list, e.Word) {
			e.Meant = words.Nearest(e.Word, list...)
		}
	}
	return e
}

// FilterWords are the words of the language.
func FilterWords() []string {
	return []string{"host", "net", "port", "portrange", "src", "dst", "tcp", "udp", "icmp", "icmp6", "ip", "ip6", "and", "or", "not"}
}

// list reads terms with and and or between them.
func (p *filterParser) list() (*term, error) {
	left, err := p.one()
	for err == nil {
		op := opAnd
		switch {
		case p.accept("and", "&&"):
		case p.accept("or", "||"):
			op = opOr
		default:
			return left, nil
		}
		var right *term
		if right, err = p.one(); err == nil {
			left = &term{op: op, left: left, right: right}
		}
	}
	return nil, err
}

// one reads a term.
func (p *filterParser) one() (*term, error) {
	switch {
	case p.accept("not", "!"):
		inner, err := p.one()
		if err != nil {
			return nil, err
		}
		return &term{op: opNot, left: inner}, nil
	case p.accept("("):
		inner, err := p.list()
		if err == nil && !p.accept(")") {
			err = p.fail("and, or, or )")
		}
		if err != nil {
			return nil, err
		}
		return inner, nil
	}
	t, err := p.primitive()
	if err != nil {
		return nil, err
	}
	p.last = &t
	return &term{test: t}, nil
}

// primitive reads a protocol, or the words and the value of a test.
func (p *filterParser) primitive() (test, error) {
	var t test
	if w := p.word(); w != "" && slices.Contains(filterProtocols(), w) {
		p.at++
		t.what, t.proto = aboutProto, w
		if !slices.Contains([]string{"src", "dst", "host", "net", "port", "portrange"}, p.word()) {
			return t, nil
		}
	}
	t.direction = p.side()
	kind := p.word()
	switch {
	case kind == "host", kind == "net", kind == "port", kind == "portrange":
		if err := p.fits(kind, t.proto); err != nil {
			return t, err
		}
		p.at++
	case t.direction != eitherSide: // src A is src host A
		if err := p.fits("host", t.proto); err != nil {
			return t, err
		}
		kind = ""
	case p.last != nil && p.last.what != aboutProto && !slices.Contains(FilterWords(), kind):
		return p.again()
	default:
		kind = "primitive"
	}
	return p.value(t, kind)
}

// fits refuses a protocol that has nothing of the kind.
func (p *filterParser) fits(kind, proto string) error {
	ports := strings.HasPrefix(kind, "port")
	switch {
	case proto == "", ports == (proto == "tcp" || proto == "udp") && proto != "icmp" && proto != "icmp6":
		return nil
	case ports:
		return p.fail("and, or, or the end: only tcp and udp have ports")
	}
	return p.fail("and, or, or the end: only ip and ip6 have addresses")
}

func filterProtocols() []string { return []string{"ip", "ip6", "tcp", "udp", "icmp", "icmp6"} }

// side reads src, dst, or both with and or or between them.
func (p *filterParser) side() whichSide {
	first := p.word()
	other := map[string]string{"src": "dst", "dst": "src"}[first]
	if other == "" {
		return eitherSide
	}
	p.at++
	if join := p.word(); (join == "or" || join == "and") && p.ahead(1) == other && p.ahead(2) != "" {
		p.at += 2
		if join == "or" {
			return eitherSide
		}
		return bothSides
	}
	if first == "src" {
		return sourceSide
	}
	return targetSide
}

// again reads a bare value, for which the words of the primitive before stand.
func (p *filterParser) again() (test, error) {
	t := *p.last
	if t.what == aboutPort {
		return p.value(t, "port")
	}
	return p.value(t, "")
}

// value reads the value of a test: of a kind, or an address or network for "".
func (p *filterParser) value(t test, kind string) (test, error) {
	w := p.word()
	switch kind {
	case "port", "portrange":
		t.what = aboutPort
		var ok bool
		if t.low, t.high, ok = portRange(w, kind == "portrange"); !ok {
			return t, p.fail(map[string]string{"port": "a port from 0 to 65535", "portrange": "ports such as 8000-8080"}[kind])
		}
	default:
		t.what = aboutNet
		want := map[string]string{"host": "an address", "net": "a network such as 192.0.2.0/24", "": "an address or a network",
			"primitive": "host, net, port, src, dst, a protocol, not or ("}[kind]
		var ok bool
		if t.net, ok = network(w, kind); !ok {
			return t, p.fail(want)
		}
		if six := t.net.Addr().Is6(); t.proto == "ip" && six || t.proto == "ip6" && !six {
			return t, p.fail("an address of " + t.proto)
		}
	}
	p.at++
	return t, nil
}

// portRange reads a port, or two with a hyphen between them.
func portRange(s string, isRange bool) (low, high uint16, ok bool) {
	first, second, found := strings.Cut(s, "-")
	if !isRange {
		first, second, found = s, s, true
	}
	a, err1 := strconv.ParseUint(first, 10, 16)
	b, err2 := strconv.ParseUint(second, 10, 16)
	return uint16(min(a, b)), uint16(max(a, b)), found && err1 == nil && err2 == nil
}

// network reads an address or a network; of the kind host it is an address, of net a network or an address.
func network(s, kind string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	n, err := netip.ParsePrefix(s)
	return n, err == nil && kind != "host" && n == n.Masked()
}
