package procnet

import (
	"bytes"
	"io"
	"iter"

	"gnet/internal/procfile"
)

// Counters6 returns the sections of snmp6 in the kernel's order. The file has no sections of its own: the protocol of a counter is
// its name up to the first 6, or all of it, and counters that stand together are one section. See CounterSection.
func (fs FS) Counters6() iter.Seq2[*CounterSection, error] {
	return fs.counterList("snmp6", section6)
}

func section6(name []byte) []byte {
	if i := bytes.IndexByte(name, '6'); i >= 0 {
		return name[:i+1]
	}
	return name
}

// CountersSCTP returns the one section of sctp/snmp, which exists once the kernel has loaded SCTP. See CounterSection.
func (fs FS) CountersSCTP() iter.Seq2[*CounterSection, error] {
	return fs.counterList("sctp/snmp", func([]byte) []byte { return []byte("Sctp") })
}

func (fs FS) counterList(name string, section func(counter []byte) []byte) iter.Seq2[*CounterSection, error] {
	return func(yield func(*CounterSection, error) bool) {
		f, err := fs.root.OpenNet(name)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		parseCounterList(f, f.Name(), section)(yield)
	}
}

// parseCounterList reads one counter per row. A section is handed out when a counter of another one, or the end, shows that
// it is whole; the bad rows within it come before it.
func parseCounterList(r io.Reader, file string, section func([]byte) []byte) iter.Seq2[*CounterSection, error] {
	return func(yield func(*CounterSection, error) bool) {
		var s CounterSection
		var names []byte // room for the names of s.Counters
		for row, err := range procfile.Rows(r, file) {
			var c Counter
			if err == nil {
				c.Name = row.Column("name")
				err = c.parse(row, row.Column("value"))
			}
			if err != nil {
				if !yield(nil, err) {
					return
				}
				continue
			}
			if len(s.Counters) > 0 && !bytes.Equal(section(c.Name), s.Name) {
				if !yield(&s, nil) {
					return
				}
				s.Counters, names = s.Counters[:0], names[:0]
			}
			start := len(names)
			names = append(names, c.Name...)
			c.Name = names[start:len(names):len(names)]
			s.Name = section(c.Name)
			s.Counters = append(s.Counters, c)
		}
		if len(s.Counters) > 0 {
			yield(&s, nil)
		}
	}
}
