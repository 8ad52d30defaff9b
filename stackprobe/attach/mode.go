package attach

// Mode is how the engine is connected.
type Mode uint8

// The modes.
const (
	Private Mode = iota // to nothing but namespaces of its own
	NAT                 // behind a TUN interface of the host, which translates its address
)

// String returns the word of the command line.
func (m Mode) String() string { return [...]string{"private", "nat"}[m] }

// Modes are the words of the command line.
func Modes() []string { return []string{Private.String(), NAT.String()} }

// ParseMode reads the word of the command line.
func ParseMode(s string) (Mode, bool) {
	switch s {
	case "private":
		return Private, true
	case "nat":
		return NAT, true
	}
	return Private, false
}
