package main

import (
	"context"
	"errors"
	"io/fs"
	"strconv"

	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/procnet"
)

// groupTables prints the multicast memberships: between the sockets of inet and
// those of unix, for both families when neither was asked for.
func (w *socketWalk) groupTables() error {
	if !w.plan.groups {
		return nil
	}
	w.groups.groupTitle()
	missing := false
	if w.plan.v4 && !w.groupTable("igmp", false) && w.plan.groupsNamed {
		w.e.warn("no support for `AF INET (igmp)' on this system.")
		missing = true
	}
	if w.plan.v6 {
		w.groupTable("igmp6", true) // a kernel without IPv6 is no failure
	}
	if missing {
		return exitSilently(statusNo)
	}
	return nil
}

// groupTable prints the memberships of one family; false when the kernel has no
// such file.
func (w *socketWalk) groupTable(file string, v6 bool) bool {
	for g, err := range w.space.fs.Groups(v6) {
		var bad *procnet.ParseError
		switch {
		case err == nil:
			w.groups.group(g)
		case errors.As(err, &bad):
			w.e.warnBare("warning, got bogus %s line %d.", file, bad.Line-1)
			w.e.hint("%v", bad)
		case errors.Is(err, fs.ErrNotExist):
			return false
		default:
			w.failed = true
			w.e.warn("%v", err)
		}
	}
	return true
}

// classicGroups prints memberships as netstat -g does.
type classicGroups struct {
	e     *env
	names *netstatNames
	line  []byte
}

func (c *classicGroups) groupTitle() {
	c.e.Stdout.WriteString("IPv6/IPv4 Group Memberships\n" +
		"Interface       RefCnt Group\n" +
		"--------------- ------ ---------------------\n")
}

func (c *classicGroups) group(g *procnet.Group) {
	line := render.Left(c.line[:0], safe.String(string(g.Device)), 15)
	line = render.Left(append(line, ' '), strconv.FormatUint(uint64(g.Users), 10), 6)
	line = append(line, ' ')
	if name := c.names.host(g.Addr); name != "" {
		line = append(line, name...)
	} else {
		line = appendNumericAddr(line, g.Addr)
	}
	c.line = append(line, '\n')
	c.e.Stdout.Write(c.line)
}

// showGroups is -g in the machine formats: memberships alone. The sockets that
// the original lists beside them with -4, -t and the like are another document.
func showGroups(_ context.Context, e *env, o *netstatOptions) error {
	doc := e.document(o.Format, groupSchema)
	w := &socketWalk{e: e, o: o, plan: newSocketPlan(o), space: &socketSpace{fs: o.sockets()}, groups: &groupDocument{rows: render.NewRows(doc, groupColumns())}}
	if w.plan.inet || w.plan.unix {
		e.hint("this document has the multicast groups only; without -g it has the sockets")
	}
	err := w.groupTables()
	e.closeDocument(doc)
	e.notes = nil
	if err == nil && w.failed {
		return exitSilently(statusNo)
	}
	return err
}
