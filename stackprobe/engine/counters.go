package engine

import (
	"cmp"
	"reflect"
	"slices"

	"gvisor.dev/gvisor/pkg/tcpip"

	"gnet/stackprobe/event"
)

// Counters returns the stack's counters of IP and TCP that are not zero, by netstack's own names (tcpip.IPStats,
// tcpip.TCPStats), sorted. One is this package's: messages of a path MTU below that of IPv6, which it kept from the stack.
func (s *Stack) Counters() []event.Counter {
	stats := s.stack.Stats()
	c := collect(nil, "IP", reflect.ValueOf(stats.IP))
	c = collect(c, "TCP", reflect.ValueOf(stats.TCP))
	if n := s.nic.understated.Load(); n > 0 {
		c = append(c, event.Counter{Name: "IP.PacketTooBigBelow1280Discarded", Value: n})
	}
	slices.SortFunc(c, func(a, b event.Counter) int { return cmp.Compare(a.Name, b.Name) })
	return c
}

// collect adds the counters of a struct of them to to.
func collect(to []event.Counter, prefix string, group reflect.Value) []event.Counter {
	for i := range group.NumField() {
		name, v := prefix+"."+group.Type().Field(i).Name, group.Field(i)
		if v.Kind() == reflect.Struct {
			to = collect(to, name, v)
		} else if n, ok := v.Interface().(*tcpip.StatCounter); ok && n.Value() > 0 {
			to = append(to, event.Counter{Name: name, Value: n.Value()})
		}
	}
	return to
}
