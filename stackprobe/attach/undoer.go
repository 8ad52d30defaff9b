package attach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"gnet/internal/nftables"
	"gnet/internal/rtnl"
	"gnet/internal/undo"
)

// UndoDomain is the name of attached worlds in the plans of package undo.
const UndoDomain = "attach"

// Undoer undoes the changes of a run in the network namespace of the calling thread. The interface has ended with the run.
type Undoer struct{}

// Undo deletes the run's table, and switches forwarding off again where the run, or one before it, had switched it on, unless another
// run needs it: then that one will.
func (Undoer) Undo(_ context.Context, p *undo.Plan) (undo.Result, error) {
	var c change
	if err := json.Unmarshal(p.Change, &c); err != nil {
		return undo.Result{}, fmt.Errorf("the plan of %s: %w", p.ID, err)
	}
	d, err := undo.Open(undo.Path)
	if err != nil {
		return undo.Result{}, err
	}
	defer d.Close()
	var result undo.Result
	if c.Table == "" {
		return result, nil // a port of a bridge ends with its run
	}
	err = d.Exclusive(func() error {
		return errors.Join(deleteTable(c.Table, &result), restore(d, p.ID, &c, &result))
	})
	return result, err
}

func deleteTable(name string, result *undo.Result) error {
	nft, err := nftables.Dial()
	if err != nil {
		return err
	}
	defer nft.Close()
	err = nft.DeleteTable(name)
	if isGone(err) {
		return nil
	}
	if err == nil {
		result.Lines = append(result.Lines, "the nftables table ip "+name+" is deleted")
	}
	return err
}

// restore switches off what the run has switched on.
func restore(d *undo.Dir, id string, c *change, result *undo.Result) error {
	needed := map[string]bool{}
	err := d.Others(UndoDomain, id, func(raw json.RawMessage) error {
		var other change
		if err := json.Unmarshal(raw, &other); err != nil {
			return err
		}
		for _, f := range other.Forward {
			needed[f.Device] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	global, err := forwards(all)
	if err != nil {
		return err
	}
	rt, err := rtnl.Dial()
	if err != nil {
		return err
	}
	defer rt.Close()
	for _, f := range c.Forward {
		l, err := rt.LinkByName(f.Device)
		if isGone(err) || err == nil && l.Index != f.Index {
			continue // the interface is gone, and its setting with it
		}
		if err != nil {
			return err
		}
		on, err := forwards(f.Device)
		switch {
		case err != nil:
			return err
		case !on:
		case needed[f.Device]:
			result.Lines = append(result.Lines, fmt.Sprintf("net.ipv4.conf.%s.forwarding stays on: another run needs it", f.Device))
		case global && !c.Global:
			result.Conflict = true
			result.Lines = append(result.Lines, fmt.Sprintf("net.ipv4.conf.%s.forwarding is left on: somebody has switched on net.ipv4.ip_forward meanwhile", f.Device))
		default:
			if err := setForwarding(f.Device, false); err != nil {
				return err
			}
			result.Lines = append(result.Lines, fmt.Sprintf("net.ipv4.conf.%s.forwarding is off again", f.Device))
		}
	}
	return nil
}
