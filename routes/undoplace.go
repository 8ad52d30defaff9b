package routes

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
	"gnet/internal/undo"
)

// place puts the routes of one place and metric in order.
func (u *undoing) place(was, is, left []rtnl.Route) error {
	if sameRoutes(is, was) {
		return nil
	}
	var ours, others []rtnl.Route // of what is there and was not before
	for i := range is {
		switch {
		case has(was, &is[i]):
		case u.ours(left, &is[i]):
			ours = append(ours, is[i])
		default:
			others = append(others, is[i])
		}
	}
	var missing []rtnl.Route
	for i := range was {
		if !has(is, &was[i]) {
			missing = append(missing, was[i])
		}
	}
	if u.result.Conflict {
		if len(others) > 0 {
			for i := range missing {
				u.say("not put back, since others have its place: "+u.routeText(&missing[i]), maxSaid)
			}
			missing = nil
		}
	}
	all := slices.Concat(was, is)
	u.objects = slices.ContainsFunc(all, func(r rtnl.Route) bool { return r.NexthopID != 0 })
	if all[0].Family == unix.AF_INET6 {
		return u.place6(was, is, missing, ours)
	}
	return u.place4(was, is, missing, ours)
}

// place4 puts the old routes of IPv4 back before the new ones go, so that there is a way at all times. Old ones that stood in
// front are put in front; where one stood between others these are made anew behind it.
func (u *undoing) place4(was, is, missing, ours []rtnl.Route) error {
	inFront := len(missing) > 0 && sameRoutes(missing, was[:len(missing)])
	if inFront || len(missing) == len(was) {
		for i := range slices.Backward(missing) {
			if err := u.send(DoPrepend, &missing[i]); err != nil {
				return err
			}
		}
	} else if err := u.rebuild(was, is, missing); err != nil {
		return err
	}
	return u.remove(ours)
}

// place6 puts one old route of IPv6 in the place of all new ones if nothing else is there; the kernel would join it with them
// otherwise.
func (u *undoing) place6(was, is, missing, ours []rtnl.Route) error {
	if len(missing) > 0 && len(ours) > 0 && len(ours) == len(is) {
		if err := u.send(DoReplace, &missing[0]); err != nil {
			return err
		}
		missing = missing[1:]
		var err error
		if ours, err = u.notReplaced(ours); err != nil {
			return err
		}
	}
	if err := u.remove(ours); err != nil {
		return err
	}
	return u.rebuild(was, is, missing)
}

// notReplaced returns the routes that are still there after one of them was replaced. Next hops that a new one shares with an old one
// must not be deleted by the name of the old one.
func (u *undoing) notReplaced(ours []rtnl.Route) ([]rtnl.Route, error) {
	if len(ours) == 1 {
		return nil, nil
	}
	now, err := u.c.at(map[routePlace]bool{placeOf(&ours[0]): true})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(ours, func(r rtnl.Route) bool { return !has(now, &r) }), nil
}

// rebuild puts the missing routes where they stood: from the first of them on all are made anew, in their order.
func (u *undoing) rebuild(was, is, missing []rtnl.Route) error {
	first := slices.IndexFunc(was, func(r rtnl.Route) bool { return has(missing, &r) })
	if first < 0 {
		return nil
	}
	for i := range was[first:] {
		r := &was[first+i]
		if has(is, r) {
			if err := u.delete(r); err != nil {
				return err
			}
		}
		if err := u.send(DoAppend, r); err != nil {
			return err
		}
	}
	return nil
}

// send makes a change; what is there already or gone already is as good.
func (u *undoing) send(do Do, r *rtnl.Route) error {
	err := u.c.send(Step{Do: do, Route: r, Known: true})
	switch {
	case do == DoDelete && errors.Is(err, unix.ESRCH), do != DoDelete && errors.Is(err, unix.EEXIST):
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", u.routeText(r), err)
	case do == DoDelete:
		u.done("removed " + u.routeText(r))
	default:
		u.done("put back " + u.routeText(r))
	}
	return nil
}

// The bounds of the lines of a result, which people read: of what was done, and of what was not. More are counted.
const (
	maxDone = 20
	maxSaid = 200
)

// done says what was done.
func (u *undoing) done(line string) { u.say(line, maxDone) }

func (u *undoing) say(line string, most int) {
	if len(u.result.Lines) >= most {
		u.unsaid++
		return
	}
	u.result.Lines = append(u.result.Lines, line)
}

// told is the result, and how much it does not tell.
func (u *undoing) told() undo.Result {
	if u.unsaid > 0 {
		u.result.Lines = append(u.result.Lines, fmt.Sprintf("and %d more such lines", u.unsaid))
	}
	return u.result
}

// routeText is a route for a line that tells what was done.
func (u *undoing) routeText(r *rtnl.Route) string {
	text := r.Dst.String()
	if r.Type != 0 && r.Type != unix.RTN_UNICAST {
		text = TypeName(r.Type) + " " + text
	}
	switch {
	case r.Gateway.IsValid():
		text += " via " + r.Gateway.String()
	case len(r.Multipath) > 0:
		text += fmt.Sprintf(" with %d next hops", len(r.Multipath))
	case r.NexthopID != 0:
		text += fmt.Sprintf(" nhid %d", r.NexthopID)
	}
	if r.Oif != 0 {
		text += " dev " + cmp.Or(u.links[r.Oif], fmt.Sprintf("if%d", r.Oif))
	}
	if r.Priority != 0 {
		text += fmt.Sprintf(" metric %d", r.Priority)
	}
	if r.Table != unix.RT_TABLE_MAIN {
		text += " table " + TableName(r.Table)
	}
	return text
}
