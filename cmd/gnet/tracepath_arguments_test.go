package main

import (
	"errors"
	"strings"
	"testing"

	"gnet/ping/path"
)

// FuzzTracepathArguments: no command line panics; it is refused with a status and a sentence or a usage,
// or asks for what can be done.
func FuzzTracepathArguments(f *testing.F) {
	for _, line := range []string{"-n 10.77.4.2", "-4nb -l 1000 -m 3 -p 99 h/7", "h/", "-l -1 h", "-m 256 h", "-p65535 h", "-46 h", "--udp --tcp h", "--rounds 3 h",
		"--rounds=0 h", "--format json h", "-V", "-h", "-z", "-l", "h i", "", "-- -n", "h/65536", "--json --icmp h"} {
		f.Add(line, false)
		f.Add(line, true)
	}
	f.Fuzz(func(t *testing.T, line string, posix bool) {
		o, err := parseTracepath(strings.Fields(line), posix)
		var known *failure
		switch {
		case errors.Is(err, errLongHelp), errors.Is(err, errShowHelp), errors.Is(err, errShowVersion):
		case errors.As(err, &known):
			if known.status == 0 || known.err == nil && known.usage == "" {
				t.Errorf("%q: status %d, %v", line, known.status, known.err)
			}
		case err != nil:
			t.Errorf("%q: an error of another type: %v", line, err)
		case o.MaxHops < 0 || o.MaxHops > 255 || o.Rounds < 1 || o.Rounds > 1000 || o.Port == 0 || o.Length < 0 || o.Method > path.TCP:
			t.Errorf("%q: %+v", line, o)
		}
	})
}
