package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/internal/procfile"
	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/internal/safe"
	"gnet/procnet"
)

// interfaceRow is one row of netstat -i: an interface, or a label of one of its
// IPv4 addresses.
type interfaceRow struct {
	name  string          // true, not escaped
	link  *rtnl.Link      // nil when only a proc tree is read
	stats *procnet.Device // nil for a label
	inet  []rtnl.Addr     // its IPv4 addresses: those whose label is name
	inet6 []procnet.Inet6Addr
}

// showInterfaces is netstat -i. The counters are those of /proc/net/dev; flags,
// MTU and labels are rtnetlink's, which another proc tree does not have.
func showInterfaces(_ context.Context, e *env, o *netstatOptions) error {
	live := procfile.At(o.ProcRoot).IsLive()
	if !live && o.Format == render.Classic {
		return fail(statusCannot, "-i: flags and MTU are not in a proc tree").withHint("--format table has the counters")
	}
	l := interfaceList{e: e, o: o, have: make(map[string]*interfaceRow)}
	if live {
		if err := l.readKernel(); err != nil {
			return err
		}
	} else {
		e.hint("flags, MTU, labels and IPv4 addresses are not in a proc tree")
	}
	l.readDevices()
	l.addLabels()
	slices.SortFunc(l.rows, func(a, b *interfaceRow) int { return compareNatural(a.name, b.name) })
	if o.Extend > 0 || o.Format != render.Classic {
		l.readInet6()
	}
	l.print()
	if l.failed {
		return exitSilently(statusNo)
	}
	return nil
}

// interfaceList collects the rows of one round.
type interfaceList struct {
	e      *env
	o      *netstatOptions
	links  map[string]*rtnl.Link // nil when only a proc tree is read
	labels []*interfaceRow       // one per label, in the kernel's order
	rows   []*interfaceRow
	have   map[string]*interfaceRow // rows by their names
	failed bool                     // a file could not be read to its end
}

// readKernel asks for the links and the labels of their IPv4 addresses.
func (l *interfaceList) readKernel() error {
	c, err := rtnl.Dial()
	if err != nil {
		return fail(statusCannot, "-i: %w", err)
	}
	defer c.Close()
	l.links = make(map[string]*rtnl.Link)
	byIndex := make(map[int]*rtnl.Link)
	for link, err := range c.Links() {
		if err != nil {
			return fail(statusCannot, "-i: %w", err)
		}
		kept := *link
		kept.Hardware = slices.Clone(kept.Hardware)
		l.links[kept.Name], byIndex[kept.Index] = &kept, &kept
	}
	type key struct {
		index int
		label string
	}
	labels := make(map[key]*interfaceRow)
	for a, err := range c.Addrs(unix.AF_INET) {
		if err != nil {
			return fail(statusCannot, "-i: %w", err)
		}
		link := byIndex[a.Index]
		if link == nil || a.Label == "" {
			continue
		}
		row := labels[key{a.Index, a.Label}]
		if row == nil {
			row = &interfaceRow{name: a.Label, link: link}
			labels[key{a.Index, a.Label}] = row
			l.labels = append(l.labels, row)
		}
		row.inet = append(row.inet, *a)
	}
	return nil
}

// readDevices adds a row for each interface of /proc/net/dev. Without that file
// only the labels are left, one of which is mostly the name of its device.
func (l *interfaceList) readDevices() {
	for d, err := range l.o.sockets().Devices() {
		var bad *procnet.ParseError
		switch {
		case err == nil:
			l.addDevice(d)
		case errors.As(err, &bad):
			l.e.warn("%v", bad)
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
			l.e.warnBare("Warning: cannot open %s (%s). Limited output.", procfile.At(l.o.ProcRoot).Net("dev"), errnoText(err))
		default:
			l.e.unreadable(err)
			l.failed = true
		}
	}
}

func (l *interfaceList) addDevice(d *procnet.Device) {
	row := &interfaceRow{name: string(d.Name)}
	if l.links != nil {
		if row.link = l.links[row.name]; row.link == nil {
			l.e.hint("%s: gone before its flags were asked for", row.name)
			return
		}
	}
	stats := *d
	stats.Name = nil
	row.stats = &stats
	l.add(row)
}

// addLabels adds a row for each label, or to the row of the device its
// addresses when the label is the device's name.
func (l *interfaceList) addLabels() {
	for _, label := range l.labels {
		if row := l.have[label.name]; row == nil {
			l.add(label)
		} else if row.link == label.link {
			row.inet = label.inet
		}
	}
}

// add keeps a row that will be shown, the first of its name.
func (l *interfaceList) add(row *interfaceRow) {
	shown := l.o.All || row.link == nil || row.link.Up()
	if shown && l.have[row.name] == nil {
		l.have[row.name] = row
		l.rows = append(l.rows, row)
	}
}

// readInet6 adds the IPv6 addresses to the rows. A kernel without IPv6 has none.
func (l *interfaceList) readInet6() {
	for a, err := range l.o.sockets().Inet6Addrs() {
		var bad *procnet.ParseError
		switch {
		case err == nil:
			if row := l.have[string(a.Device)]; row != nil {
				kept := *a
				kept.Device = nil
				row.inet6 = append(row.inet6, kept)
			}
		case errors.As(err, &bad):
			l.e.warn("%v", bad)
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		default:
			l.e.unreadable(err)
			l.failed = true
		}
	}
}

func (l *interfaceList) print() {
	switch {
	case l.o.Format != render.Classic:
		l.printDocument()
	case l.o.Extend > 0:
		l.printLong()
	default:
		l.printClassic()
	}
}

func (l *interfaceList) printDocument() {
	doc := l.e.document(l.o.Format, interfaceSchema)
	rows := render.NewRows(doc, interfaceColumns())
	for _, row := range l.rows {
		rows.Write(row) // a write error is kept by the document
	}
	l.e.closeDocument(doc)
	l.e.notes = nil
}

// title prints the title of the classic forms, with -c in the first round only.
func (l *interfaceList) title() {
	if !l.o.titled {
		l.e.Stdout.WriteString("Kernel Interface table\n")
		l.o.titled = true
	}
}

// printClassic prints the table of net-tools 2.10, with -c its title once and
// its head in each round.
func (l *interfaceList) printClassic() {
	l.title()
	l.e.Stdout.WriteString("Iface             MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\n")
	var line []byte
	for _, row := range l.rows {
		line = append(row.appendClassic(line[:0]), '\n')
		l.e.Stdout.Write(line)
	}
}

func (r *interfaceRow) appendClassic(line []byte) []byte {
	line = render.Left(line, safe.Cut(safe.String(r.name), 15), 15)
	line = append(appendUintRight(append(line, ' '), uint64(r.link.MTU), 5), ' ')
	if r.stats == nil {
		line = render.Left(line, "     - no statistics available -", 56)
		return append(line, interfaceLetters(r.link.Flags)...)
	}
	rx, tx := &r.stats.Rx, &r.stats.Tx
	line = appendUintRight(line, rx.Packets, 8)
	line = appendUintRight(append(line, ' '), rx.Errors, 6)
	line = appendUintRight(append(line, ' '), rx.Dropped, 6)
	line = appendUintLeft(append(line, ' '), rx.FIFO, 6)
	line = appendUintRight(append(line, ' '), tx.Packets, 8)
	line = appendUintRight(append(line, ' '), tx.Errors, 6)
	line = appendUintRight(append(line, ' '), tx.Dropped, 6)
	line = appendUintRight(append(line, ' '), tx.FIFO, 6)
	return append(append(line, ' '), interfaceLetters(r.link.Flags)...)
}

// interfaceLetters is the Flg column: a letter per flag of linux/if.h, in
// netstat's order.
func interfaceLetters(flags uint32) string {
	var letters []byte
	for _, f := range []struct {
		bit    uint32
		letter byte
	}{
		{unix.IFF_ALLMULTI, 'A'}, {unix.IFF_BROADCAST, 'B'}, {unix.IFF_DEBUG, 'D'}, {unix.IFF_LOOPBACK, 'L'},
		{unix.IFF_MULTICAST, 'M'}, {unix.IFF_DYNAMIC, 'd'}, {unix.IFF_PROMISC, 'P'}, {unix.IFF_NOTRAILERS, 'N'}, {unix.IFF_NOARP, 'O'},
		{unix.IFF_POINTOPOINT, 'P'}, {unix.IFF_SLAVE, 's'}, {unix.IFF_MASTER, 'm'}, {unix.IFF_RUNNING, 'R'}, {unix.IFF_UP, 'U'},
	} {
		if flags&f.bit != 0 {
			letters = append(letters, f.letter)
		}
	}
	if letters == nil {
		return "[NO FLAGS]"
	}
	return string(letters)
}

// compareNatural orders interfaces as netstat does: e2 before e10, and the
// labels e2:1 and e2:10 behind e2.
func compareNatural(a, b string) int {
	baseA, numberA, aliasA := splitInterface(a)
	baseB, numberB, aliasB := splitInterface(b)
	return cmp.Or(strings.Compare(baseA, baseB), cmp.Compare(numberA, numberB), cmp.Compare(aliasA, aliasB), strings.Compare(a, b))
}

// splitInterface takes a name apart: the number at its end, and behind a colon
// that of an alias; -1 for what it does not have.
func splitInterface(name string) (base string, number, alias int64) {
	base, number = splitNumber(name)
	if device, ok := strings.CutSuffix(base, ":"); ok && number >= 0 {
		alias = number
		base, number = splitNumber(device)
		return base, number, alias
	}
	return base, number, -1
}

func splitNumber(name string) (string, int64) {
	base := strings.TrimRight(name, "0123456789")
	n, err := strconv.ParseInt(name[len(base):], 10, 64)
	if err != nil {
		return base, -1
	}
	return base, n
}
