package filter

import (
	"cmp"
	"strconv"
	"strings"

	"gnet/procnet"
)

// portValue is a port, by number or by the name of a service, which may have one in each protocol.
type portValue struct {
	name string // "" for a number
	Service
}

func portNumber(n uint16) portValue { return portValue{Service: Service{n, n}} }

// in returns the port in a protocol: that of TCP or UDP, or of the other where the service has only that. A raw socket has
// protocol numbers in place of ports, which have no service names.
func (v portValue) in(p procnet.Proto) (port uint16, ok bool) {
	switch {
	case v.name == "":
		return v.TCP, true
	case p == procnet.Raw:
		return 0, false
	case p == procnet.UDP || p == procnet.UDPLite:
		return cmp.Or(v.UDP, v.TCP), true
	}
	return cmp.Or(v.TCP, v.UDP), true
}

// port is sport and dport. The local port of a raw socket is its protocol, as in ss.
type port struct {
	dest  bool
	op    comparison
	value portValue
}

func readPort(p *parser, c *comparand) (expr, error) {
	text := c.text
	family, text := cutFamily(text)
	text = strings.TrimPrefix(text, ":")
	if text == "*" {
		if c.op != equal {
			return nil, p.fail(c.value, "a port is missing: * is any")
		}
		return inFamily(family, always{}), nil
	}
	value, err := p.port(c.value, text)
	if err != nil {
		return nil, err
	}
	return inFamily(family, port{c.name == "dport", c.op, value}), nil
}

// eitherPort reads :PORT, which is that port at either end.
func (p *parser) eitherPort() (expr, error) {
	c := comparand{name: "a port"}
	if err := p.value(&c); err != nil {
		return nil, err
	}
	value, err := p.port(c.value, c.text[1:])
	if err != nil {
		return nil, err
	}
	return or{port{false, equal, value}, port{true, equal, value}}, nil
}

// port reads a port's number or name, which is text in the token t.
func (p *parser) port(t token, text string) (portValue, error) {
	if first := strings.TrimLeft(text, "0123456789"); first == "" || strings.HasPrefix(text, "0x") {
		n, err := parseNumber(text, 16)
		if text == "" {
			return portValue{}, p.fail(t, "a port is missing")
		}
		if err == errNumberRange {
			return portValue{}, p.fail(t, "%s is no port: ports end at 65535", text)
		}
		if err != nil {
			return portValue{}, p.fail(t, "%q %v", text, err)
		}
		return portNumber(uint16(n)), nil
	}
	service, ok := p.names.Service(text)
	if !ok {
		err := p.fail(t, "%q is no port, nor a service in /etc/services", text)
		if strings.Contains(text, ":") {
			return portValue{}, err.hint("write src or dst to compare an address with its port")
		}
		return portValue{}, err
	}
	if service.TCP == service.UDP {
		return portNumber(service.TCP), nil
	}
	return portValue{text, service}, nil
}

func (n port) eval(s *Socket, _ *Needs) Verdict {
	if s.Inet == nil {
		return No
	}
	want, ok := n.value.in(s.Inet.Proto)
	have := s.Inet.Local.Port()
	if n.dest {
		have = s.Inet.Remote.Port()
	}
	return verdict(ok && n.op.holds(uint64(have), uint64(want)))
}

func (n port) needs() Needs { return 0 }

func (n port) append(dst []byte) []byte {
	name := "sport"
	if n.dest {
		name = "dport"
	}
	return n.value.append(appendComparison(dst, name, n.op))
}

// append writes :PORT.
func (v portValue) append(dst []byte) []byte {
	if v.name != "" {
		return appendValue(dst, ":"+v.name)
	}
	return strconv.AppendUint(append(dst, ':'), uint64(v.TCP), 10)
}
