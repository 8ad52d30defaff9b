package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"gnet/ping/probe"
)

// manyTarget is one target.
type manyTarget struct {
	// Name is what was written; for an address of a range, "".
	Name string
	Addr netip.Addr
	// Numeric: Name is an address, or there is none.
	Numeric bool
	// Err says why a target has no address.
	Err error
}

// reason says why a target has no address.
func (t *manyTarget) reason(e *env, o *pingOptions) string { return pingFailure(e, o, t.Err).Error() }

// label is how the target is named in tables.
func (t *manyTarget) label() string {
	if t.Name == "" {
		return t.Addr.String()
	}
	return t.Name
}

// targetList is what was found of all that was named.
type targetList struct {
	// found have an address, each its own; missing have none.
	found, missing []manyTarget
	// twice counts what was left out because its address was there already.
	twice int
}

func (l *targetList) addrs() []netip.Addr {
	addrs := make([]netip.Addr, len(l.found))
	for i := range l.found {
		addrs[i] = l.found[i].Addr
	}
	return addrs
}

func (l *targetList) has(f probe.Family) bool { return l.first(f) != nil }

// first returns the first target of a family, nil when there is none.
func (l *targetList) first(f probe.Family) *manyTarget {
	i := slices.IndexFunc(l.found, func(t manyTarget) bool { return familyOf(t.Addr) == f })
	if i < 0 {
		return nil
	}
	return &l.found[i]
}

// findTargets reads all that names targets and finds their addresses: the
// operands, then the files, then the ranges.
func findTargets(ctx context.Context, e *env, o *pingOptions) (*targetList, error) {
	named := make([]manyTarget, 0, len(o.Targets))
	for _, operand := range o.Targets {
		named = append(named, manyTarget{Name: operand})
	}
	for _, name := range o.TargetFiles {
		var err error
		if named, err = readTargets(e, name, named); err != nil {
			return nil, err
		}
	}
	size := len(named)
	for _, r := range o.Ranges {
		size += r.Count
	}
	if size > maxTargets {
		return nil, tooManyTargets()
	}
	var found []manyTarget
	names := o.Live && slices.ContainsFunc(named, func(t manyTarget) bool { return isName(t.Name) })
	err := o.await(ctx, e, plural(len(named), "host"), names, func(ctx context.Context) error {
		found = resolveTargets(ctx, o, named)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, r := range o.Ranges {
		for a := range r.all() {
			found = append(found, manyTarget{Addr: a, Numeric: true})
		}
	}
	return sortTargets(e, o, found)
}

func tooManyTargets() error {
	return fail(statusCannot, "more than %d targets", maxTargets)
}

// readTargets appends the targets of a file: words with blanks between them.
// What follows a # on a line is left out.
func readTargets(e *env, name string, targets []manyTarget) ([]manyTarget, error) {
	in := e.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fail(statusCannot, "--targets: %w", err)
		}
		defer f.Close()
		in = f
	}
	return parseTargets(in, name, targets)
}

// maxTargetLine bounds a line: a name has at most 253 bytes (RFC 1035 2.3.4), and
// most lines have one.
const maxTargetLine = 1 << 16

func parseTargets(in io.Reader, name string, targets []manyTarget) ([]manyTarget, error) {
	lines := bufio.NewReaderSize(in, maxTargetLine)
	for number := 1; ; number++ {
		line, err := lines.ReadSlice('\n')
		if err != nil && err != io.EOF {
			if errors.Is(err, bufio.ErrBufferFull) {
				return nil, fail(statusCannot, "--targets: %s: line %d has more than %d bytes", name, number, maxTargetLine)
			}
			return nil, fail(statusCannot, "--targets: %w", err)
		}
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff")) // some editors begin a file with it
		}
		line, _, _ = bytes.Cut(line, []byte("#"))
		for word := range bytes.FieldsSeq(line) {
			targets = append(targets, manyTarget{Name: string(word)})
		}
		if len(targets) > maxTargets {
			return nil, tooManyTargets()
		}
		if err == io.EOF {
			return targets, nil
		}
	}
}

// lookups is how many names are looked up at the same time.
const lookups = 32

// resolveTargets finds the addresses of what was named, in its order; a name may
// have several.
func resolveTargets(ctx context.Context, o *pingOptions, named []manyTarget) []manyTarget {
	answers := make(map[int][]manyTarget)
	var mu sync.Mutex
	var wait sync.WaitGroup
	slots := make(chan struct{}, lookups)
	for i := range named {
		t := &named[i]
		if a, err := netip.ParseAddr(t.Name); err == nil && a.Is4() { // most are
			t.Addr, t.Numeric = a, true
			checkFamily(o, t)
			continue
		}
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			found := resolveName(ctx, o, t.Name)
			mu.Lock()
			defer mu.Unlock()
			answers[i] = found
		})
	}
	wait.Wait()
	if len(answers) == 0 {
		return named
	}
	all := make([]manyTarget, 0, len(named))
	for i := range named {
		if found, ok := answers[i]; ok {
			all = append(all, found...)
		} else {
			all = append(all, named[i])
		}
	}
	return all
}

func checkFamily(o *pingOptions, t *manyTarget) {
	if o.Family != 0 && familyOf(t.Addr) != o.Family {
		t.Err = fail(statusCannot, "%s: Address family for hostname not supported", t.Name)
	}
}

// resolveName finds the address of a name, or all of them. Of several the first
// counts to which there is a route.
func resolveName(ctx context.Context, o *pingOptions, name string) []manyTarget {
	target, err := resolveTarget(ctx, name, o.Family)
	if err != nil {
		return []manyTarget{{Name: name, Err: err}}
	}
	addrs := target.Addrs
	if !o.AllAddresses {
		addrs = addrs[:1]
		for _, a := range target.Addrs {
			if len(target.Addrs) > 1 && noRouteTo(o, a) {
				continue
			}
			addrs = []netip.Addr{a}
			break
		}
	}
	var found []manyTarget
	for _, a := range addrs {
		if !a.IsLinkLocalUnicast() && !a.IsLinkLocalMulticast() {
			a = a.WithZone("")
		}
		t := manyTarget{Name: name, Addr: a, Numeric: target.Numeric}
		switch {
		case a.Is4In6():
			t.Err = fail(statusCannot, "%s stands for the IPv4 address %v", name, a.Unmap())
		case a.IsUnspecified(): // this host
			t.Addr, t.Err = sourceOf(familyOf(a), probe.Config{Dest: a, Device: o.Device, TTL: -1, TOS: -1})
		}
		found = append(found, t)
	}
	return found
}

func noRouteTo(o *pingOptions, a netip.Addr) bool {
	_, err := sourceOf(familyOf(a), probe.Config{Dest: a, Device: o.Device, TTL: -1, TOS: -1})
	return errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH)
}

// sortTargets parts what was found from what was not, and leaves out addresses
// that come twice. What is left out is said.
func sortTargets(e *env, o *pingOptions, all []manyTarget) (*targetList, error) {
	l := &targetList{found: all[:0]}
	seen := make(map[netip.Addr]struct{}, len(all))
	for i := range all {
		t := all[i]
		if t.Err != nil {
			l.missing = append(l.missing, t)
			e.tell("%s: %s", e.Name, t.reason(e, o))
			continue
		}
		if _, ok := seen[t.Addr]; ok {
			l.twice++
			continue
		}
		seen[t.Addr] = struct{}{}
		l.found = append(l.found, t)
	}
	if l.twice > 0 {
		e.warn("%s left out: another one has the same address", plural(l.twice, "target"))
	}
	if len(l.found) > maxTargets {
		return nil, tooManyTargets()
	}
	if len(l.found)+len(l.missing) == 0 {
		return nil, fail(statusNo, "usage error: Destination address required")
	}
	return l, nil
}
