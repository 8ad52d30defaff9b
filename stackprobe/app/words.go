package app

import (
	"strconv"
	"strings"
	"time"

	"gnet/internal/words"
)

// MaxTime bounds every time among the options.
const MaxTime = 24 * time.Hour

// ParseOptions reads the options of one end in the words of the command line. The error is a *words.Error.
//
//	options = { name value | ending }
//	ending  = "close" ( "fin" | "half" | "reset" | "abrupt" | "never" ) [ "after" time | "at" time ]
//
// The other names and their values are those of Words. None may stand twice.
func ParseOptions(text string) (Options, error) {
	var o Options
	w := words.Walk(text)
	seen := make(map[string]bool)
	list := table()
	for w.Next() {
		name := w.Word
		if seen[name] {
			return Options{}, w.Fail(name + " only once")
		}
		seen[name] = true
		if name == "close" {
			if err := o.readEnding(w); err != nil {
				return Options{}, err
			}
			continue
		}
		i := find(list, name)
		if i < 0 {
			return Options{}, w.Fail(known(list))
		}
		w.Next()
		if !list[i].set(&o, w.Word) {
			return Options{}, w.Fail(list[i].want)
		}
	}
	return o, nil
}

// readEnding reads what follows "close", at which w stands.
func (o *Options) readEnding(w *words.Walker) error {
	w.Next()
	end, ok := index(endingNames(), w.Word)
	if !ok {
		return w.Fail(choice(endingNames()))
	}
	o.End = Ending(end)
	to := &o.EndAfter
	switch w.Peek() {
	case "after":
	case "at":
		to = &o.EndAt
	default:
		return nil
	}
	w.Next()
	if o.End == EndNever {
		return w.Fail("no time: this end never closes")
	}
	w.Next()
	if *to, ok = words.Duration(w.Word, MaxTime); !ok || *to == 0 {
		return w.Fail("a time such as 20ms or 1s")
	}
	return nil
}

// String returns the options as ParseOptions reads them, without those that have their default.
func (o Options) String() string {
	var b []string
	for _, w := range table() {
		if v := w.get(&o); v != "" {
			b = append(b, w.name, v)
		}
	}
	if o.End != EndClose || o.EndAfter > 0 || o.EndAt > 0 {
		b = append(b, "close", endingNames()[o.End])
	}
	switch {
	case o.EndAfter > 0:
		b = append(b, "after", o.EndAfter.String())
	case o.EndAt > 0:
		b = append(b, "at", o.EndAt.String())
	}
	return strings.Join(b, " ")
}

// Words returns the names that ParseOptions knows, those of values only, in the order of String.
func Words() []string {
	var names []string
	for _, w := range table() {
		names = append(names, w.name)
	}
	return append(names, "close")
}

// word is one name with its value: set reads it and reports whether it could, get writes it, "" for the default.
type word struct {
	name, want string
	set        func(*Options, string) bool
	get        func(*Options) string
}

// table returns the names in the order of String.
func table() []word {
	return []word{
		{"role", choice(roleNames()[1:]), setRole, func(o *Options) string { return roleNames()[o.Role] }},
		{"bytes", "a number from 0 to 1073741824", setBytes, getBytes},
		number("repeat", 1, 1<<20, func(o *Options) *int { return &o.Repeat }),
		{"open", choice(openingNames()[1:]), setOpening, func(o *Options) string { return openingNames()[o.Open] }},
		duration("open-at", func(o *Options) *time.Duration { return &o.OpenAt }),
		duration("restart", func(o *Options) *time.Duration { return &o.Restart }),
		duration("reconnect", func(o *Options) *time.Duration { return &o.Reconnect }),
		number("write", 1, 1<<20, func(o *Options) *int { return &o.Write }),
		duration("pause", func(o *Options) *time.Duration { return &o.Pause }),
		duration("start", func(o *Options) *time.Duration { return &o.Start }),
		number("read", 1, 1<<20, func(o *Options) *int { return &o.Read }),
		duration("every", func(o *Options) *time.Duration { return &o.ReadPause }),
		duration("read-start", func(o *Options) *time.Duration { return &o.ReadStart }),
		number("mss", 88, 32767, func(o *Options) *int { return &o.MSS }),
		number("rcvbuf", 1, 1<<30, func(o *Options) *int { return &o.RcvBuf }),
		number("sndbuf", 1, 1<<30, func(o *Options) *int { return &o.SndBuf }),
		toggle("scaling", func(o *Options) *Switch { return &o.WindowScaling }),
		toggle("sack", func(o *Options) *Switch { return &o.SACK }),
		toggle("timestamps", func(o *Options) *Switch { return &o.Timestamps }),
		toggle("nagle", func(o *Options) *Switch { return &o.Nagle }),
		toggle("delayed-ack", func(o *Options) *Switch { return &o.DelayedAck }),
		toggle("df", func(o *Options) *Switch { return &o.DF }),
		{"cc", "the name of a congestion control, such as cubic", setCongestion, func(o *Options) string { return o.Congestion }},
		toggle("rack", func(o *Options) *Switch { return &o.RACK }),
		{"keepalive", "times and a number such as 5s or 5s,1s,3: idle time, time between probes, how many", setKeepalive, getKeepalive},
		duration("user-timeout", func(o *Options) *time.Duration { return &o.UserTimeout }),
		duration("time-wait", func(o *Options) *time.Duration { return &o.TimeWait }),
		toggle("listen", func(o *Options) *Switch { return &o.Listen }),
		number("backlog", 1, 65535, func(o *Options) *int { return &o.Backlog }),
		toggle("cookies", func(o *Options) *Switch { return &o.Cookies }),
	}
}

func number(name string, low, high int, field func(*Options) *int) word {
	return word{name, "a number from " + strconv.Itoa(low) + " to " + strconv.Itoa(high),
		func(o *Options, s string) bool {
			n, ok := words.Number(s, int64(low), int64(high))
			*field(o) = int(n)
			return ok
		},
		func(o *Options) string {
			if *field(o) == 0 {
				return ""
			}
			return strconv.Itoa(*field(o))
		}}
}

func duration(name string, field func(*Options) *time.Duration) word {
	return word{name, "a time such as 20ms or 1s, at most 24h",
		func(o *Options, s string) (ok bool) {
			*field(o), ok = words.Duration(s, MaxTime)
			return ok
		},
		func(o *Options) string {
			if *field(o) == 0 {
				return ""
			}
			return field(o).String()
		}}
}

func toggle(name string, field func(*Options) *Switch) word {
	return word{name, "on or off",
		func(o *Options, s string) bool {
			i, ok := index([]string{"", "on", "off"}, s)
			*field(o) = Switch(i)
			return ok && s != ""
		},
		func(o *Options) string { return [...]string{"", "on", "off"}[*field(o)] }}
}

// RoleName returns the role's word, "" for RoleDefault.
func RoleName(r Role) string { return append(roleNames(), "http", "program")[r] }

func roleNames() []string    { return []string{"", "exchange", "echo", "sink", "source"} }
func openingNames() []string { return []string{"", "active", "passive", "never"} }

func endingNames() []string { return []string{"fin", "half", "reset", "abrupt", "never"} }

func setRole(o *Options, s string) bool {
	i, ok := index(roleNames(), s)
	o.Role = Role(i)
	return ok && s != ""
}

func setOpening(o *Options, s string) bool {
	i, ok := index(openingNames(), s)
	o.Open = Opening(i)
	return ok && s != ""
}

func setBytes(o *Options, s string) (ok bool) {
	o.Bytes, ok = words.Number(s, 0, MaxBytes)
	o.HasBytes = ok
	return ok
}

func getBytes(o *Options) string {
	if !o.HasBytes {
		return ""
	}
	return strconv.FormatInt(o.Bytes, 10)
}

// setCongestion takes what can be a name (TCP_CA_NAME_MAX in include/net/tcp.h: 16 with its end); whether it is one, the
// stack decides.
func setCongestion(o *Options, s string) bool {
	o.Congestion = s
	rest := strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_")
	return s != "" && len(s) < 16 && rest == ""
}

func setKeepalive(o *Options, s string) bool {
	parts := strings.Split(s, ",")
	var ok bool
	if o.Keepalive, ok = words.Duration(parts[0], MaxTime); !ok || o.Keepalive == 0 || len(parts) > 3 {
		return false
	}
	if len(parts) > 1 {
		if o.KeepaliveEvery, ok = words.Duration(parts[1], MaxTime); !ok || o.KeepaliveEvery == 0 {
			return false
		}
	}
	if len(parts) > 2 {
		n, ok := words.Number(parts[2], 1, 127)
		o.KeepaliveCount = int(n)
		return ok
	}
	return true
}

func getKeepalive(o *Options) string {
	if o.Keepalive == 0 {
		return ""
	}
	s := o.Keepalive.String()
	if o.KeepaliveEvery > 0 {
		s += "," + o.KeepaliveEvery.String()
	}
	if o.KeepaliveCount > 0 {
		s += "," + strconv.Itoa(o.KeepaliveCount)
	}
	return s
}

func find(list []word, name string) int {
	for i := range list {
		if list[i].name == name {
			return i
		}
	}
	return -1
}

func index(names []string, s string) (int, bool) {
	for i, n := range names {
		if n == s {
			return i, true
		}
	}
	return 0, false
}

// choice writes names as a sentence has them.
func choice(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func known(list []word) string {
	names := make([]string, 0, len(list)+1)
	for i := range list {
		names = append(names, list[i].name)
	}
	return choice(append(names, "close"))
}
