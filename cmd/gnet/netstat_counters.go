package main

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"strconv"
	"strings"

	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/procnet"
)

// counterFile is one file of -s.
type counterFile struct {
	name     string
	sections iter.Seq2[*procnet.CounterSection, error]
	optional bool // no word when it is absent
	only     string
}

// counterPlan is which files and sections -s means: those of IPv4, or with -6
// those of IPv6 and TCP, which has no counters per family. Of several families
// together it has none.
func (o *netstatOptions) counterPlan() ([]counterFile, error) {
	procs := o.sockets()
	snmp := counterFile{name: "snmp", sections: procs.Counters("snmp")}
	switch strings.Join(o.Families.Order, ",") {
	case "", "inet":
		return []counterFile{snmp,
			{name: "netstat", sections: procs.Counters("netstat"), optional: true},
			{name: "sctp/snmp", sections: procs.CountersSCTP(), optional: true}}, nil
	case "inet6":
		snmp.only = "Tcp"
		return []counterFile{{name: "snmp6", sections: procs.Counters6()}, snmp}, nil
	}
	return nil, fail(statusNo, "No statistics support for specified address family: %s", strings.Join(o.Families.Order, ","))
}

// showsCounters is the rule of -t, -u, -S, -w and -U for a section. One that
// netstat does not know is always shown.
func (o *netstatOptions) showsCounters(section string) bool {
	f := &o.Families
	if !(f.TCP || f.UDP || f.SCTP || f.Raw || f.UDPLite) {
		return true
	}
	switch section {
	case "Ip", "Icmp", "Ip6", "Icmp6":
		return f.Raw
	case "Tcp", "TcpExt", "Tcp6":
		return f.TCP
	case "Udp", "Udp6":
		return f.UDP
	case "Sctp":
		return f.SCTP
	}
	return true
}

// counterWriter prints counters.
type counterWriter interface {
	section(file string, s *procnet.CounterSection)
	hidden(s *procnet.CounterSection) // a section that the options leave out
}

// showCounters is netstat -s.
func showCounters(_ context.Context, e *env, o *netstatOptions) error {
	files, err := o.counterPlan()
	if err != nil && o.Format == render.Classic {
		e.Stdout.WriteString("netstat: " + err.Error() + "\n") // stdout, and no name but its own
		return exitSilently(statusNo)
	}
	if err != nil {
		return err
	}
	if o.Format == render.Classic {
		return writeCounters(e, o, files, &classicCounters{e: e})
	}
	doc := e.document(o.Format, counterSchema)
	err = writeCounters(e, o, files, &counterDocument{rows: render.NewRows(doc, counterColumns())})
	e.closeDocument(doc)
	e.notes = nil
	return err
}

// writeCounters prints the files one after the other. One that must be there
// and is not ends it.
func writeCounters(e *env, o *netstatOptions, files []counterFile, w counterWriter) error {
	failed := false
	for _, file := range files {
		for s, err := range file.sections {
			var bad *procnet.ParseError
			switch {
			case err == nil && file.only != "" && string(s.Name) != file.only:
			case err == nil && o.showsCounters(string(s.Name)):
				w.section(file.name, s)
			case err == nil:
				w.hidden(s)
			case errors.As(err, &bad):
				e.warn("%v", bad)
			case file.optional && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)):
			default:
				failed = true
				if e.unreadable(err) {
					break
				}
				if file.only == "" && !file.optional {
					return exitSilently(statusNo)
				}
			}
		}
	}
	if failed {
		return exitSilently(statusNo)
	}
	return nil
}

// unreadable says why a file could not be opened, or with true read to its end,
// in the original's words.
func (e *env) unreadable(err error) (opened bool) {
	var path *fs.PathError
	if !errors.As(err, &path) {
		e.warn("%v", err)
		return true
	}
	if path.Op == "open" {
		e.warnBare("cannot open %s: %s", path.Path, errnoText(path.Err))
		return false
	}
	e.warnBare("%s: %s", path.Path, errnoText(path.Err))
	return true
}

// classicCounters prints counters as netstat -s of net-tools 2.10 does. Within
// an ICMP histogram lines are indented by eight, and so are those of sections
// that netstat does not know, until one that it knows.
type classicCounters struct {
	e         *env
	histogram counterKind // counterIn or counterOut while in one
	line      []byte
}

func (c *classicCounters) section(_ string, s *procnet.CounterSection) {
	c.hidden(s)
	sentences := counterSentences(string(s.Name))
	c.line = append(c.line[:0], safe.String(string(s.Name))...)
	c.write(append(c.line, ':'))
	for i := range s.Counters {
		c.counter(&s.Counters[i], sentenceOf(sentences, string(s.Counters[i].Name)))
	}
}

// hidden ends a histogram where a section begins that netstat knows, shown or
// not.
func (c *classicCounters) hidden(s *procnet.CounterSection) {
	if name := string(s.Name); counterSentences(name) != "" || name == "Tcp6" {
		c.histogram = 0
	}
}

func (c *classicCounters) counter(n *procnet.Counter, s counterSentence) {
	switch s.kind {
	case counterHidden:
	case counterIn, counterOut:
		c.histogramLine(n, s)
	case counterAlways, counterNonzero:
		c.histogram = 0
		if n.Value == 0 && s.kind == counterNonzero {
			return
		}
		before, after, _ := strings.Cut(s.text, "#")
		line := strconv.AppendUint(append(c.indent(), before...), n.Value, 10)
		c.write(append(line, after...))
	default:
		if n.Value != 0 {
			c.named(safe.String(string(n.Name)), n.Value)
		}
	}
}

// histogramLine prints a line of a histogram, and its title before the first
// even when it stays empty.
func (c *classicCounters) histogramLine(n *procnet.Counter, s counterSentence) {
	if c.histogram != s.kind {
		word := "input"
		if s.kind == counterOut {
			word = "output"
		}
		c.write(append(c.indent(), "ICMP "+word+" histogram:"...))
		c.histogram = s.kind
	}
	if n.Value != 0 {
		c.named(s.text, n.Value)
	}
}

func (c *classicCounters) named(name string, value uint64) {
	line := append(append(c.indent(), name...), ": "...)
	c.write(strconv.AppendUint(line, value, 10))
}

func (c *classicCounters) indent() []byte {
	if c.histogram != 0 {
		return append(c.line[:0], "        "...)
	}
	return append(c.line[:0], "    "...)
}

func (c *classicCounters) write(line []byte) {
	c.line = append(line, '\n')
	c.e.Stdout.Write(c.line)
}
