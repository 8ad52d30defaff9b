package main

import (
	"context"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/procfile"
	"gnet/internal/render"
)

// showNetstatRoutes is netstat -r: the tables of route, in forms of its own
// order. The original looks at a family when it comes to it, so the tables before
// one that has none are printed.
func showNetstatRoutes(ctx context.Context, e *env, o *netstatOptions) error {
	listing, other := o.routeListing()
	root := procfile.At(o.ProcRoot)
	if o.Format != render.Classic {
		if other != "" {
			return routelessFamily(e, root, other, o.Format)
		}
		return writeRoutes(e, root, routeOptions{outputOptions: o.outputOptions, Listing: listing})
	}
	if other == "" || len(listing.Families) > 0 {
		if err := printRoutes(ctx, e, root, listing); err != nil {
			return err
		}
	}
	if other != "" {
		return routelessFamily(e, root, other, o.Format)
	}
	return nil
}

// routeListing says which routing tables o means, up to the first family that
// has none here, which it returns too. The forms are those of route, but -r alone
// has the form of route -e and -re that of route.
func (o *netstatOptions) routeListing() (l routeListing, other string) {
	l = routeListing{FIB: o.FIB, Cache: o.Cache, File: o.Files, Numeric: o.NumericHosts || o.Symbolic}
	l.Form = [...]routeForm{routeFormMSS, routeFormMetric, routeFormLong}[min(o.Extend, 2)]
	for _, name := range o.Families.Order {
		family, err := routeFamilyOf(name)
		if err != nil {
			return l, name
		}
		l.Families = append(l.Families, family)
	}
	return l, ""
}

// routelessFamily says of a family why it has no routing table: in the original's
// words when the kernel does not have the family, and else that gnet does not
// show it. Some of the words go to stdout.
func routelessFamily(e *env, root procfile.Root, family string, format render.Format) error {
	said := func(stdout, stderr string) error {
		if format == render.Classic {
			e.Stdout.WriteString(stdout)
		}
		if stderr == "" {
			return exitSilently(statusNo)
		}
		return failBare(statusNo, "%s", stderr)
	}
	// missing returns what perror(3) says of a file, and present that one of them
	// is there.
	missing := func(file string) string { return root.Net(file) + ": " + errnoText(unix.ENOENT) }
	present := func(files ...string) bool {
		return slices.ContainsFunc(files, func(file string) bool { return unix.Access(root.Net(file), unix.F_OK) == nil })
	}
	switch {
	case family == "bluetooth":
		return failBare(statusUsage, "Address family `bluetooth' not supported.")
	case present(oldRouteFiles(family)...):
		return fail(statusNo, "routes of %s are not in this version", family)
	case family == "ax25":
		return said("AX.25 not configured in this system.\n", missing("ax25_route"))
	case family == "ipx":
		return said("IPX routing not in file "+root.Net("ipx/route")+" or "+root.Net("ipx_route")+" found.\n", errnoText(unix.ENOENT))
	case family == "rose":
		return said("", missing("rose_nodes")+"\nROSE not configured in this system.")
	case family == "ddp":
		return said("", "Error opening "+missing("atalk_route")+"\nDDP (AppleTalk) not configured on this system.")
	case family == "netrom":
		return said("NET/ROM not configured in this system.\n", missing("nr_nodes")+"\n"+missing("nr_neigh"))
	case family == "x25":
		return said("X.25 not configured in this system.\n", "")
	}
	return failBare(statusUsage, "No routing for address family `%s'.", family)
}

// oldRouteFiles are the files in which kernels once had the routes of a family.
func oldRouteFiles(family string) []string {
	switch family {
	case "ax25":
		return []string{"ax25_route"}
	case "ipx":
		return []string{"ipx/route", "ipx_route"}
	case "rose":
		return []string{"rose_neigh", "rose_nodes"}
	case "ddp":
		return []string{"atalk_route"}
	case "netrom":
		return []string{"nr_nodes", "nr_neigh"}
	case "x25":
		return []string{"x25/route", "x25_routes"}
	}
	return nil
}
