package attach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

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
		return errors.Join(deleteTable(&c, &result), restore(d, p.ID, &c, &result))
	})
	return result, err
}

func deleteTable(c *change, result *undo.Result) error {
	nft, err := nftables.Dial()
	if err != nil {
		return err
	}
	defer nft.Close()
	err = nft.DeleteTable(c.Table, c.IPv6)
	if isGone(err) {
		return nil
	}
	if err == nil {
		result.Lines = append(result.Lines, "the nftables table "+tableFamily(c.IPv6)+" "+c.Table+" is deleted")
	}
	return err
}

// restore puts back what the run has set, in the reverse order.
func restore(d *undo.Dir, id string, c *change, result *undo.Result) error {
	var needed []setting
	err := d.Others(UndoDomain, id, func(raw json.RawMessage) error {
		var other change
		err := json.Unmarshal(raw, &other)
		needed = append(needed, other.Settings...)
		return err
	})
	if err != nil {
		return err
	}
	global, err := forwards(all, 0).value()
	if err != nil {
		return err
	}
	rt, err := rtnl.Dial()
	if err != nil {
		return err
	}
	defer rt.Close()
	for _, s := range slices.Backward(c.Settings) {
		line, conflict, err := putBack(rt, s, slices.ContainsFunc(needed, s.same), global != "0" && c.Global == "0")
		if err != nil {
			return err
		}
		if result.Conflict = result.Conflict || conflict; line != "" {
			result.Lines = append(result.Lines, line)
		}
	}
	return nil
}

// putBack puts one setting back, and says what became of it. needed says that another run needs it, switched that somebody has switched on all
// interfaces of IPv4 meanwhile.
func putBack(rt *rtnl.Conn, s setting, needed, switched bool) (line string, conflict bool, err error) {
	if s.Index != 0 {
		l, err := rt.LinkByName(s.Device)
		if isGone(err) || err == nil && l.Index != s.Index {
			return "", false, nil // the interface is gone, and its setting with it
		}
		if err != nil {
			return "", false, err
		}
	}
	now, err := s.value()
	switch kept := s.Was == s.To; {
	case err != nil:
		return "", false, err
	case kept && (needed || now == s.Was), !kept && now != s.To:
		return "", false, nil
	case needed:
		return s.stays(), false, nil
	case switched && s.Family == inet4:
		return fmt.Sprintf("%v is left on: somebody has switched on net.ipv4.ip_forward meanwhile", s), true, nil
	}
	if err := s.write(s.Was); err != nil {
		return "", false, err
	}
	return s.undone(), false, nil
}
