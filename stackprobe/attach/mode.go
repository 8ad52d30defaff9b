package attach

import "strings"

// Mode is how the engine is connected.
type Mode uint8

// The modes.
const (
	Private Mode = iota // to nothing but namespaces of its own
	NAT                 // behind a TUN interface of the host, which translates its address
	Bridge              // as a port of a bridge of the host
)

// String returns the word of the command line, without a bridge's name.
func (m Mode) String() string { return [...]string{"private", "nat", "bridge"}[m] }

// Modes are the words of the command line; that of a bridge ends where its name begins.
func Modes() []string { return []string{Private.String(), NAT.String(), Bridge.String() + ":"} }

// ParseMode reads the word of the command line; bridge is the name behind bridge:.
func ParseMode(s string) (m Mode, bridge string, ok bool) {
	word, name, colon := strings.Cut(s, ":")
	switch {
	case word == "private" && !colon:
		return Private, "", true
	case word == "nat" && !colon:
		return NAT, "", true
	case word == "bridge" && name != "":
		return Bridge, name, true
	}
	return Private, "", false
}
