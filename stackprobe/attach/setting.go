package attach

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gnet/internal/rtnl"
)

// A packet of IPv4 is forwarded if the interface by which it came forwards (net/ipv4/route.c, ip_route_input_slow): net.ipv4.ip_forward
// switches all interfaces, and changes what the host makes of redirects, so only those that are needed are switched, one by one.
//
// With IPv6 it takes net.ipv6.conf.all.forwarding (net/ipv6/ip6_output.c, ip6_forward), which makes a router of the host: no interface
// heeds router advertisements any more, and the routes that came from them are gone, unless its accept_ra is 2. Since Linux 6.17
// force_forwarding of the interface by which the packet came will do, which changes nothing else.

// setting is a setting of an interface, or of all, that the run needs to be different.
type setting struct {
	// Family and Key are parts of the name, as in net.ipv6.conf.up0.forwarding. Index is the interface's number, 0 for all.
	Family string `json:"family"`
	Device string `json:"device"`
	Key    string `json:"key"`
	Index  int    `json:"index,omitempty"`
	// Was is the value before the runs that need another, To the one that they need. They are equal for one that a setting of all interfaces
	// changes when it is put back.
	Was string `json:"was"`
	To  string `json:"to"`
}

// The parts of names.
const (
	inet4, inet6 = "ipv4", "ipv6"
	forwarding   = "forwarding"
	forced       = "force_forwarding"
	acceptRA     = "accept_ra"
	// all stands for the host as a whole where an interface's name is expected.
	all = "all"
)

// forwards is the setting that has an interface forward IPv4.
func forwards(device string, index int) setting {
	return setting{Family: inet4, Device: device, Key: forwarding, Index: index, Was: "0", To: "1"}
}

// String is the name as sysctl(8) has it.
func (s setting) String() string { return fmt.Sprintf("net.%s.conf.%s.%s", s.Family, s.Device, s.Key) }

func (s setting) path() string {
	return filepath.Join("/proc/sys/net", s.Family, "conf", s.Device, s.Key)
}

// same reports whether two runs speak of one setting.
func (s setting) same(o setting) bool {
	return s.Family == o.Family && s.Device == o.Device && s.Key == o.Key && s.Index == o.Index
}

// value reads it.
func (s setting) value() (string, error) {
	b, err := os.ReadFile(s.path())
	return strings.TrimSpace(string(b)), err
}

// write sets it.
func (s setting) write(value string) error { return os.WriteFile(s.path(), []byte(value+"\n"), 0) }

// will says what is done to it.
func (s setting) will() string {
	switch {
	case s.Key == acceptRA:
		return fmt.Sprintf("set %v to %s, so that %s heeds router advertisements while this host forwards", s, s.To, s.Device)
	case s.Device == all:
		return fmt.Sprintf("switch on %v: this kernel has no other way to forward IPv6", s)
	}
	return fmt.Sprintf("switch on %v", s)
}

// undone says that it is as before.
func (s setting) undone() string {
	if s.Key == acceptRA || s.Was == s.To {
		return fmt.Sprintf("%v is %s again", s, s.Was)
	}
	return fmt.Sprintf("%v is off again", s)
}

// stays says that another run needs it.
func (s setting) stays() string {
	if s.Key == acceptRA {
		return fmt.Sprintf("%v stays %s: another run needs it", s, s.To)
	}
	return fmt.Sprintf("%v stays on: another run needs it", s)
}

// sixfold returns what has to be set for the host to forward IPv6 between the interfaces of those numbers and one of the run's own, in the
// order in which it is to be done. own says what the run's interface needs itself.
func sixfold(rt *rtnl.Conn, names map[int]string, indexes []int) (list []setting, own string, err error) {
	whole := setting{Family: inet6, Device: all, Key: forwarding, Was: "0", To: "1"}
	on, err := whole.value()
	if err != nil || on != "0" {
		return []setting{whole}, "", err
	}
	if _, err := (setting{Family: inet6, Device: all, Key: forced}).value(); err == nil {
		for _, i := range indexes {
			list = append(list, setting{Family: inet6, Device: names[i], Key: forced, Index: i, Was: "0", To: "1"})
		}
		return list, forced, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, "", err
	}
	if list, err = heeding("default", 0); err != nil { // interfaces that are still to come
		return nil, "", err
	}
	for l, err := range rt.Links() {
		if err != nil {
			return nil, "", err
		}
		more, err := heeding(l.Name, l.Index)
		if err != nil {
			return nil, "", err
		}
		list = append(list, more...)
	}
	return append(list, whole), "", nil
}

// heeding returns what keeps an interface as it is when all interfaces of IPv6 begin to forward, and when they end.
func heeding(device string, index int) ([]setting, error) {
	f := setting{Family: inet6, Device: device, Key: forwarding, Index: index, Was: "1", To: "1"}
	on, err := f.value()
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil // it has no IPv6
	case err != nil:
		return nil, err
	case on != "0":
		return []setting{f}, nil
	}
	if index == 0 || device == "lo" {
		return nil, nil // nobody announces anything there
	}
	ra := setting{Family: inet6, Device: device, Key: acceptRA, Index: index, Was: "1", To: "2"}
	if heeds, err := ra.value(); err != nil || heeds != ra.Was {
		return nil, err
	}
	return []setting{ra}, nil
}
