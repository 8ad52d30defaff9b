package main

import (
	"context"

	"gnet/internal/procfile"
	"gnet/internal/render"
)

// showNetstatRoutes is netstat -r: the tables of route, in forms of its own
// order.
func showNetstatRoutes(ctx context.Context, e *env, o *netstatOptions) error {
	listing, err := o.routeListing()
	if err != nil {
		return err
	}
	root := procfile.At(o.ProcRoot)
	if o.Format == render.Classic {
		return printRoutes(ctx, e, root, listing)
	}
	return writeRoutes(e, root, routeOptions{outputOptions: o.outputOptions, Listing: listing})
}

// routeListing says which routing tables o means. The forms are those of route,
// but -r alone has the form of route -e and -re that of route; from -reee on
// they repeat.
func (o *netstatOptions) routeListing() (routeListing, error) {
	l := routeListing{FIB: o.FIB, Cache: o.Cache, File: o.Files, Numeric: o.NumericHosts || o.Symbolic}
	switch o.Extend {
	case 0:
		l.Form = routeFormMSS
	case 1:
		l.Form = routeFormMetric
	default:
		l.Form = [...]routeForm{routeFormTitle, routeFormMetric, routeFormMSS, routeFormLong}[(o.Extend+1)%4]
	}
	for _, name := range o.Families.Order {
		family, err := routeFamilyOf(name)
		if err != nil {
			return routeListing{}, err
		}
		l.Families = append(l.Families, family)
	}
	return l, nil
}
