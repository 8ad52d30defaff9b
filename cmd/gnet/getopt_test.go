package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seen records what a parse did, as "name" or "name=arg" in order.
type seen struct{ options []string }

func see(s *seen, name, arg string) error {
	if arg != "" {
		name += "=" + arg
	}
	if name == "bad" {
		return errors.New("refused by set")
	}
	s.options = append(s.options, name)
	return nil
}

func sampleTable() *optionTable[seen] {
	return &optionTable[seen]{options: []option[seen]{
		{long: "inet", class: "af", set: see},
		{long: "inet6", class: "af", set: see},
		{short: 'i', long: "interfaces", set: see},
		{short: 'n', long: "numeric", set: see},
		{long: "numeric-hosts", set: see},
		{short: 'A', long: "protocol", arg: requiredArgument, set: see},
		{short: 'W', long: "wide", set: see},
		{long: "bad", set: see},
		{long: "watch", own: true, set: see},
		{long: "format", arg: requiredArgument, own: true, set: see},
	}}
}

func TestParse(t *testing.T) {
	type result struct {
		Options, Operands []string
		Err               string
	}
	for _, c := range []struct {
		line  string
		posix bool
		want  result
	}{
		{line: "", want: result{}},
		{line: "-n x -i y", want: result{Options: []string{"n", "i"}, Operands: []string{"x", "y"}}},
		{line: "-n x -i y", posix: true, want: result{Options: []string{"n"}, Operands: []string{"x", "-i", "y"}}},
		{line: "-ni -- -W", want: result{Options: []string{"n", "i"}, Operands: []string{"-W"}}},
		{line: "-nAunix -", want: result{Options: []string{"n", "A=unix"}, Operands: []string{"-"}}},
		{line: "-A unix", want: result{Options: []string{"A=unix"}}},
		{line: "-nA", want: result{Options: []string{"n"}, Err: "option requires an argument -- 'A'"}},
		{line: "-nyi", want: result{Options: []string{"n"}, Err: "invalid option -- 'y'"}},
		{line: "--numeric", want: result{Options: []string{"numeric"}}},
		{line: "--num", want: result{Err: "option '--num' is ambiguous; possibilities: '--numeric' '--numeric-hosts'"}},
		{line: "--i", want: result{Err: "option '--i' is ambiguous; possibilities: '--inet' '--interfaces'"}},
		{line: "--ine", want: result{Options: []string{"inet"}}},
		{line: "--prot=unix --prot inet", want: result{Options: []string{"protocol=unix", "protocol=inet"}}},
		{line: "--prot", want: result{Err: "option '--protocol' requires an argument"}},
		{line: "--numeric-h=3", want: result{Err: "option '--numeric-hosts' doesn't allow an argument"}},
		{line: "--foo=3", want: result{Err: "unrecognized option '--foo=3'"}},
		{line: "--w", want: result{Options: []string{"wide"}}},
		{line: "--wat", want: result{Err: "unrecognized option '--wat'"}},
		{line: "--watch --format=json --format csv", want: result{Options: []string{"watch", "format=json", "format=csv"}}},
		{line: "--bad -n", want: result{Err: "refused by set"}},
	} {
		var s seen
		operands, err := sampleTable().parse(strings.Fields(c.line), c.posix, &s)
		got := result{Options: s.options, Operands: operands}
		if err != nil {
			got.Err = err.Error()
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q (-want +got)\n%s", c.line, diff)
		}
	}
}

func TestParse_shortOnly(t *testing.T) {
	table := sampleTable()
	table.shortOnly = true
	for line, want := range map[string]string{
		"--numeric": "invalid option -- '-'",
		"--format":  "option '--format' requires an argument",
		"--watch":   "",
		"-y":        "invalid option -- 'y'",
	} {
		_, err := table.parse(strings.Fields(line), false, &seen{})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
