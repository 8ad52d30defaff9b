package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"gnet/internal/nstest"
)

// getoptAnswer is what a command line shows of its parse: how the program ends
// and the first line it says on standard error.
type getoptAnswer struct {
	Status int
	Line   string
}

// getoptOracle compares a command's option table with the getopt of the
// installed original. Every line ends in tail, an option that neither knows: the
// complaint about it shows that all before it was accepted, and nothing runs.
type getoptOracle struct {
	name    string
	peer    string // path of the original
	tail    string
	samples map[string]string // by argName, or -X where the table has none: an argument that the original accepts
	// differs returns the row of differences.tsv for two answers that may not
	// be the same, "" when they must be.
	differs func(line []string, original, ours getoptAnswer) string
	seen    map[string]bool // the rows that differs has named
	budget  int             // how many more failures are printed
}

// compare runs one line in both, POSIXLY_CORRECT set or not.
func (g *getoptOracle) compare(t *testing.T, posix bool, line ...string) {
	t.Helper()
	original, ours := g.original(t, posix, line), g.ours(posix, line)
	if original == ours {
		return
	}
	if id := g.differs(line, original, ours); id != "" {
		g.seen[id] = true
		return
	}
	t.Fail()
	if g.budget--; g.budget >= 0 {
		t.Logf("%s %q (POSIXLY_CORRECT %t)\noriginal: %d %q\n    gnet: %d %q", g.name, line, posix,
			original.Status, original.Line, ours.Status, ours.Line)
	}
}

// original runs the installed tool under its own name.
func (g *getoptOracle) original(t *testing.T, posix bool, line []string) getoptAnswer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, g.peer)
	cmd.Args = append([]string{g.name}, line...)
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}
	if posix {
		cmd.Env = append(cmd.Env, "POSIXLY_CORRECT=")
	}
	cmd.Stderr = &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		t.Fatalf("%s %q: %v", g.name, line, err)
	}
	return answer(cmd.ProcessState.ExitCode(), &stderr)
}

// ours runs gnet in this process under the original's name.
func (g *getoptOracle) ours(posix bool, line []string) getoptAnswer {
	var stderr bytes.Buffer
	e := systemEnv()
	e.Stdin, e.Stdout, e.Stderr = strings.NewReader(""), newOutput(io.Discard), &stderr
	e.LookupEnv = func(name string) (string, bool) { return "", posix && name == "POSIXLY_CORRECT" }
	return answer(run(append([]string{g.name}, line...), e), &stderr)
}

// answer cuts the first line. Help texts are each program's own, and so are the
// hints of gnet: a line that belongs to one counts as none.
func answer(status int, stderr *bytes.Buffer) getoptAnswer {
	first, _, _ := strings.Cut(stderr.String(), "\n")
	for _, own := range []string{"usage:", "Usage:", "    inet (DARPA Internet)", "hint:"} {
		if strings.HasPrefix(first, own) {
			first = ""
		}
	}
	return getoptAnswer{status, first}
}

// compareEnd runs a line whose last word is no option any more, since options
// ended before it: neither program may complain of an option, and both end with
// the same status. What they say beyond that is not getopt's.
func (g *getoptOracle) compareEnd(t *testing.T, posix bool, line ...string) {
	t.Helper()
	original, ours := g.original(t, posix, line), g.ours(posix, line)
	for _, a := range []getoptAnswer{original, ours} {
		if strings.Contains(a.Line, " option") || a.Status != original.Status {
			t.Errorf("%s %q (POSIXLY_CORRECT %t)\noriginal: %d %q\n    gnet: %d %q", g.name, line, posix,
				original.Status, original.Line, ours.Status, ours.Line)
			return
		}
	}
}

// oracleOption is an option table's row without its type parameter.
type oracleOption struct {
	short    byte
	long     string
	required bool
	argName  string
	own      bool
}

func oracleOptions[O any](table *optionTable[O]) []oracleOption {
	var list []oracleOption
	for _, o := range table.options {
		list = append(list, oracleOption{o.short, o.long, o.arg == requiredArgument, o.argName, o.own})
	}
	return list
}

// sample returns an argument for the option.
func (g *getoptOracle) sample(t *testing.T, o oracleOption) string {
	t.Helper()
	key := o.argName
	if key == "" {
		key = "-" + string(rune(o.short))
	}
	arg, found := g.samples[key]
	if !found {
		t.Fatalf("%s: no sample for %s", g.name, key)
	}
	return arg
}

// all compares everything that getopt knows, on lines made from the table.
func (g *getoptOracle) all(t *testing.T, options []oracleOption) {
	t.Run("letters", func(t *testing.T) { g.letters(t, options) })
	t.Run("long", func(t *testing.T) { g.longNames(t, options) })
	t.Run("prefixes", func(t *testing.T) { g.prefixes(t, options) })
	t.Run("bundles", func(t *testing.T) { g.bundles(t, options) })
	t.Run("order", func(t *testing.T) { g.order(t, options) })
}

// expectSeen demands that each row which a line may differ by was needed.
func (g *getoptOracle) expectSeen(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if !g.seen[id] {
			t.Errorf("no line differs by %s any more", id)
		}
	}
}

// letters: each letter of the table with its argument beside, attached and
// missing, and each printable character that is none.
func (g *getoptOracle) letters(t *testing.T, options []oracleOption) {
	known := make(map[byte]oracleOption)
	for _, o := range options {
		if o.short != 0 {
			known[o.short] = o
		}
	}
	for c := byte('!'); c <= '~'; c++ {
		letter := "-" + string(rune(c))
		o, isOption := known[c]
		switch {
		case c == '-':
		case !isOption:
			g.compare(t, false, letter)
			g.compare(t, false, letter, g.tail)
		case o.required:
			g.compare(t, false, letter)
			g.compare(t, false, letter, g.sample(t, o), g.tail)
			g.compare(t, false, letter+g.sample(t, o), g.tail)
		default:
			g.compare(t, false, letter, g.tail)
		}
	}
}

// longNames: each long name in full, with and without an argument.
func (g *getoptOracle) longNames(t *testing.T, options []oracleOption) {
	for _, o := range options {
		switch {
		case o.long == "" || o.own:
		case o.required:
			g.compare(t, false, "--"+o.long)
			g.compare(t, false, "--"+o.long, g.sample(t, o), g.tail)
			g.compare(t, false, "--"+o.long+"="+g.sample(t, o), g.tail)
		default:
			g.compare(t, false, "--"+o.long, g.tail)
			g.compare(t, false, "--"+o.long+"=x", g.tail)
			g.compare(t, false, "--"+o.long+"=", g.tail)
		}
	}
	g.compare(t, false, "--no-such-option=x")
	g.compare(t, false, "--=x")
}

// prefixes: every beginning of every long name, unique or ambiguous. Those of
// gnet's own options must mean nothing, but where they are also the original's.
func (g *getoptOracle) prefixes(t *testing.T, options []oracleOption) {
	var done []string
	for _, o := range options {
		for n := 1; n < len(o.long); n++ {
			prefix := "--" + o.long[:n]
			if slices.Contains(done, prefix) || slices.ContainsFunc(options, func(p oracleOption) bool { return p.long == o.long[:n] }) {
				continue
			}
			done = append(done, prefix)
			g.compare(t, false, prefix, g.tail)
			g.compare(t, false, prefix+"=x", g.tail)
			if o.required && !o.own {
				g.compare(t, false, prefix, g.sample(t, o), g.tail)
				g.compare(t, false, prefix+"="+g.sample(t, o), g.tail)
			}
		}
	}
}

// bundles: each pair of letters in one word, the second with its argument
// attached where it takes one, then a letter that is none.
func (g *getoptOracle) bundles(t *testing.T, options []oracleOption) {
	for _, a := range options {
		if a.short == 0 || a.required {
			continue
		}
		for _, b := range options {
			if b.short == 0 {
				continue
			}
			word := "-" + string(rune(a.short)) + string(rune(b.short))
			if b.required {
				word += g.sample(t, b)
			}
			g.compare(t, false, word, g.tail)
		}
		g.compare(t, false, "-"+string(rune(a.short))+"%", g.tail)
	}
}

// order: options behind operands, with POSIXLY_CORRECT and without, and the
// words that end the options.
func (g *getoptOracle) order(t *testing.T, options []oracleOption) {
	for _, o := range options {
		if o.own {
			continue
		}
		for _, word := range []string{"-" + string(rune(o.short)), "--" + o.long} {
			if word == "-\x00" || word == "--" {
				continue
			}
			line := []string{word}
			if o.required {
				line = append(line, g.sample(t, o))
			}
			g.compare(t, false, append(append([]string{"operand"}, line...), g.tail)...)
			g.compare(t, false, append(append([]string{"-"}, line...), "operand", g.tail)...)
			g.compare(t, true, append(line, g.tail)...)
		}
	}
	g.compareEnd(t, false, "-n", "--", g.tail)
	g.compareEnd(t, true, "-n", "operand", g.tail)
	g.compare(t, false, "-n", "operand", g.tail)
}

func TestGetoptOracle_route(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		g := getoptOracle{name: "route", peer: nstest.Peer(t, "route"), tail: "--zzz", budget: 40, seen: make(map[string]bool),
			samples: map[string]string{"FAMILY": "inet"}}
		badOption, tcpip := difference(t, "route-bad-option").ID, difference(t, "route-tcpip").ID
		g.differs = func(_ []string, original, ours getoptAnswer) string {
			switch {
			case original.Line == ours.Line && original.Status < 2 && ours.Status == statusUsage:
				return badOption
			case original.Line == "route.c: Internal Error `longopts 1 range'.":
				return tcpip
			}
			return ""
		}
		g.all(t, oracleOptions(routeTable()))
		for _, word := range []string{"-net", "-host", "-ne", "-hos", "--net"} { // the first two are words, and no bundles
			g.compare(t, false, word, g.tail)
			g.compare(t, false, "add", word, "10.0.0.0/8", g.tail)
			g.compare(t, false, "del", word, "10.0.0.0/8", g.tail)
		}
		g.expectSeen(t, badOption, tcpip)
	})
}

func TestGetoptOracle_netstat(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		g := getoptOracle{name: "netstat", peer: nstest.Peer(t, "netstat"), tail: "--zzz", budget: 40, seen: make(map[string]bool),
			samples: map[string]string{"FAMILY[,...]": "inet,unix"}}
		tcpip := difference(t, "netstat-tcpip").ID
		g.differs = func(_ []string, original, ours getoptAnswer) string {
			if original.Line == "netstat.c: Internal Error `longopts 1 range'." && original.Status == ours.Status {
				return tcpip
			}
			return ""
		}
		g.all(t, oracleOptions(netstatTable()))
		g.expectSeen(t, tcpip)
	})
}

func TestGetoptOracle_ping(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		g := getoptOracle{name: "ping", peer: nstest.Peer(t, "ping"), tail: "-y", budget: 40, seen: make(map[string]bool),
			samples: map[string]string{
				"COUNT": "3", "ID": "7", "SECONDS": "2", "ADDRESS|DEVICE": "lo", "PRELOAD": "2", "MODE": "do", "HEX": "ff00",
				"TOS": "0x10", "SIZE": "100", "BYTES": "4096", "TTL": "9",
				"TYPE": "tsonly", "LABEL": "1", "WORD": "name", "MARK": "1",
			}}
		newer := difference(t, "ping-newer").ID
		g.differs = func(_ []string, original, ours getoptAnswer) string {
			if original.Line == "ping: invalid option -- '3'" || original.Line == "ping: invalid option -- 'H'" {
				return newer
			}
			return ""
		}
		g.all(t, oracleOptions(pingTable()))
		g.expectSeen(t, newer)
	})
}

func TestGetoptOracle_tracepath(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		g := getoptOracle{name: "tracepath", peer: nstest.Peer(t, "tracepath"), tail: "-y", budget: 40, seen: make(map[string]bool),
			samples: map[string]string{"LENGTH": "1000", "HOPS": "3", "PORT": "99"}}
		g.differs = func([]string, getoptAnswer, getoptAnswer) string { return "" }
		g.all(t, oracleOptions(tracepathTable()))
		for _, line := range [][]string{{}, {"a", "b"}, {"-h"}, {"-?"}, {"-V", "-y"}, {"-V", "a"}, {"-4", "-6"}, {"-46", "a"}, {"-6n4"}, {"-nb4", "-y"}, {"--"}, {"--", "a", "b"}, {"-"}, {"-", "-y"}} {
			if line := strings.Join(line, " "); line == "-" {
				continue // a name that is looked up
			}
			g.compare(t, false, line...)
			g.compare(t, true, line...)
		}
		for _, letter := range []string{"-l", "-m", "-p"} {
			for _, value := range []string{"", "x", "1x", " 7", "7 ", "+7", "-1", "-0", "0", "0x10", "010", "1e3", "255", "256", "65535", "65536", "2147483647", "2147483648", "-2147483648",
				"9223372036854775807", "9223372036854775808", "99999999999999999999", "1.5"} {
				g.compare(t, false, letter, value, "-y")
				g.compare(t, false, letter+value, "-y")
			}
		}
	})
}
