package procnet

import (
	"bytes"
	"errors"
	"io"
	"iter"

	"gnet/internal/procfile"
)

// CounterSection is the counters of one protocol, as they stand in a pair of rows of snmp and netstat, or in a run of rows of
// snmp6 and sctp/snmp.
//
// Written by snmp_seq_show and netstat_seq_show (net/ipv4/proc.c), snmp6_seq_show (net/ipv6/proc.c) and sctp_snmp_seq_show
// (net/sctp/proc.c). Captured on 6.18.
//
//	snmp, netstat     "Tcp: RtoAlgorithm RtoMin ...", and in the next row "Tcp: 1 200 ..."
//	snmp6, sctp/snmp  "Ip6InReceives                   \t12"
//
// Which counters there are differs from kernel to kernel, so that a counter is known by its name and never by its place. IcmpMsg
// has a column for each type that was seen, and none in a fresh namespace. All are unsigned 64-bit numbers but Tcp's MaxConn,
// which is -1.
//
// A section and what it points to are valid until the next step.
type CounterSection struct {
	Name     []byte // Ip, Icmp, TcpExt, Ip6, Sctp; never empty
	Counters []Counter
}

// Counter is one counter of a section.
type Counter struct {
	Name     []byte // as the kernel has it: of snmp6 and sctp/snmp with the protocol in front
	Value    uint64
	Negative bool // Value is the two's complement of a negative number
}

// Counters returns the sections of snmp or netstat, which the name of the file says, in the kernel's order. A counter that cannot
// be read is an error behind its section, which has the others.
func (fs FS) Counters(file string) iter.Seq2[*CounterSection, error] {
	return func(yield func(*CounterSection, error) bool) {
		f, err := fs.root.OpenNet(file)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		parseSNMP(f, f.Name())(yield)
	}
}

var (
	errNoPair  = errors.New("names without the row of their values")
	errNoName  = errors.New("a value without a name")
	errNoTitle = errors.New("no protocol and colon in front")
)

func parseSNMP(r io.Reader, file string) iter.Seq2[*CounterSection, error] {
	return func(yield func(*CounterSection, error) bool) {
		var s CounterSection
		var names []byte // the row of names, kept until that of the values
		line := 0
		for row, err := range procfile.Rows(r, file) {
			if err == nil && len(bytes.TrimSpace(row.Text())) == 0 {
				continue
			}
			if line > 0 {
				head := procfile.RowOf(file, line, names)
				if err == nil && bytes.Equal(head.First(), row.First()) {
					line = 0
					bad := s.parsePair(&head, row)
					if !yield(&s, nil) || bad != nil && !yield(nil, bad) {
						return
					}
					continue
				}
				line = 0
				if !yield(nil, head.Bad("", names, errNoPair)) {
					return
				}
			}
			if err == nil && (len(row.First()) < 2 || !endsInColon(row.First())) {
				err = row.Bad("", row.Text(), errNoTitle)
			}
			if err != nil {
				if line = 0; !yield(nil, err) {
					return
				}
				continue
			}
			names, line = append(names[:0], row.Text()...), row.Line
		}
		if line > 0 {
			head := procfile.RowOf(file, line, names)
			yield(nil, head.Bad("", names, errNoPair))
		}
	}
}

// parsePair reads the values below their names. The section has what could be read; the first error is returned.
func (s *CounterSection) parsePair(names, values *procfile.Row) error {
	s.Name = bytes.TrimSuffix(names.Next(), []byte(":"))
	s.Counters = s.Counters[:0]
	values.Next()
	var first error
	for name := names.Next(); name != nil; name = names.Next() {
		c := Counter{Name: name}
		err := c.parse(values, values.Column(string(name)))
		if err == nil {
			s.Counters = append(s.Counters, c)
		} else if first == nil {
			first = err
		}
	}
	if extra := values.Next(); extra != nil && first == nil {
		first = values.Bad("", extra, errNoName)
	}
	return first
}

// parse reads the value in text, a column of row.
func (c *Counter) parse(row *procfile.Row, text []byte) error {
	if err := row.Err(); err != nil {
		return err
	}
	digits, negative := bytes.CutPrefix(text, []byte("-"))
	value := procfile.RowOf(row.File, row.Line, digits)
	n := value.Dec64(string(c.Name))
	switch {
	case value.Err() != nil:
		return value.Err()
	case negative && (n == 0 || n > 1<<63):
		return row.Bad(string(c.Name), text, procfile.ErrRange)
	case negative:
		n = -n
	}
	c.Value, c.Negative = n, negative
	return nil
}
