package main

import (
	"encoding/hex"
	"errors"
	"math"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/ping/probe"
)

// The arguments are read strictly and before any socket is opened; what is
// wrong ends ping with status 2. The sentences are those of iputils. Where it
// goes on with half of an argument, or ends with the status of a host that does
// not answer, that is difference bad-argument.

// maxPreload and userPreload bound -l.
const (
	maxPreload  = 65536
	userPreload = 3
)

// number reads a decimal as strtol(3) does with base 10: blanks and a sign may
// stand in front.
func number(arg string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(withoutBlanks(arg), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fail(statusCannot, "invalid argument: '%s': Numerical result out of range", arg)
	case err != nil:
		return 0, fail(statusCannot, "invalid argument: '%s'", arg)
	case n < low || n > high:
		return 0, fail(statusCannot, "invalid argument: '%s': out of range: %d <= value <= %d", arg, low, high)
	}
	return n, nil
}

// withoutBlanks takes off the blanks in front of a number, which strtol(3) and
// strtod(3) skip: "-i 0.2" may be one word.
func withoutBlanks(arg string) string { return strings.TrimLeft(arg, " \t\n\v\f\r") }

// seconds reads a decimal number of seconds with a point, to the nanosecond, as
// strtod(3) does.
func seconds(arg, what string) (time.Duration, error) {
	s, err := strconv.ParseFloat(withoutBlanks(arg), 64)
	if err != nil || strings.ContainsAny(arg, "xXpP_nN") || s < 0 || s > math.MaxInt32/1000 {
		return 0, fail(statusCannot, "%s: %s", what, arg)
	}
	d := time.Duration(math.Round(s * float64(time.Second)))
	if s > 0 && d == 0 {
		d = 1 // 0 has a meaning of its own, which nobody asked for
	}
	return d, nil
}

func (o *pingOptions) setFamily(f probe.Family) error {
	if o.Family != 0 && o.Family != f {
		return fail(statusCannot, "only one -4 or -6 option may be specified")
	}
	o.Family = f
	return nil
}

func (o *pingOptions) setCount(arg string) (err error) {
	o.Count, err = number(arg, 1, math.MaxInt64)
	return err
}

func (o *pingOptions) setID(arg string) error {
	n, err := number(arg, 0, math.MaxUint16)
	o.ID = int(n)
	return err
}

func (o *pingOptions) setInterval(arg string) (err error) {
	o.Interval, err = seconds(arg, "bad timing interval")
	o.IntervalSet = true
	return err
}

func (o *pingOptions) setWait(arg string) (err error) {
	o.Wait, err = seconds(arg, "bad linger time")
	o.WaitSet = true
	return err
}

func (o *pingOptions) setDeadline(arg string) error {
	n, err := number(arg, 0, math.MaxInt32)
	o.Deadline = time.Duration(n) * time.Second
	return err
}

func (o *pingOptions) setPreload(arg string) error {
	n, err := number(arg, 1, maxPreload)
	if err != nil {
		return err
	}
	if n > userPreload && os.Getuid() != 0 {
		return fail(statusCannot, "cannot set preload to value greater than %d: %d", userPreload, n)
	}
	o.Preload = int(n)
	return nil
}

func (o *pingOptions) setSize(arg string) error {
	n, err := number(arg, 0, math.MaxInt32)
	o.Size = int(n)
	return err
}

func (o *pingOptions) setSendBuffer(arg string) error {
	n, err := number(arg, 1, math.MaxInt32)
	o.SendBuffer = int(n)
	return err
}

func (o *pingOptions) setTTL(arg string) error {
	n, err := number(arg, 0, 255)
	o.TTL = int(n)
	return err
}

// setTOS reads -Q: decimal, or hexadecimal that begins with 0x.
func (o *pingOptions) setTOS(arg string) error {
	base, digits := 10, withoutBlanks(arg)
	if rest, ok := strings.CutPrefix(strings.ToLower(arg), "0x"); ok {
		base, digits = 16, rest
	}
	n, err := strconv.ParseUint(digits, base, 31)
	switch {
	case err != nil:
		return fail(statusCannot, "bad TOS value: %s", arg)
	case n > 255:
		return fail(statusCannot, "the decimal value of TOS bits must be in range 0-255: %d", n)
	}
	o.TOS = int(n)
	return nil
}

func (o *pingOptions) setMTU(arg string) error {
	modes := map[string]probe.MTUDiscovery{"do": probe.MTUDo, "want": probe.MTUWant, "dont": probe.MTUDont, "probe": probe.MTUProbe}
	mode, ok := modes[arg]
	if !ok {
		return fail(statusCannot, "invalid -M argument: %s", arg)
	}
	o.MTU = mode
	return nil
}

// maxPattern is how many bytes -p takes, as in the original.
const maxPattern = 16

// setPattern reads -p: pairs of hexadecimal digits, of which the last may be a
// single one, at least one and at most maxPattern. The original takes none for
// zeros, and goes on with the first sixteen of more: difference ping-pattern.
func (o *pingOptions) setPattern(arg string) error {
	digits := arg
	if len(digits)%2 == 1 {
		digits = digits[:len(digits)-1] + "0" + digits[len(digits)-1:]
	}
	pattern, err := hex.DecodeString(digits)
	if err != nil {
		return fail(statusCannot, "patterns must be specified as hex digits: %s", arg)
	}
	if len(pattern) == 0 || len(pattern) > maxPattern {
		return fail(statusCannot, "patterns must have 1 to %d bytes: '%s'", maxPattern, arg)
	}
	o.Pattern, o.PatternSet = pattern, true
	return nil
}

// setInterface reads -I: an IPv6 address with an optional device, an IPv4
// address in four decimal numbers, else a device.
func (o *pingOptions) setInterface(arg string) error {
	if strings.Contains(arg, ":") {
		text, device, zoned := strings.Cut(arg, "%")
		a, err := netip.ParseAddr(text)
		if err != nil || !a.Is6() {
			return fail(statusCannot, "invalid source address: %s", arg)
		}
		o.Source6, o.StrictFrom = a, true
		if zoned {
			o.Device = device
		}
		return nil
	}
	if a, err := netip.ParseAddr(arg); err == nil {
		o.Source4, o.StrictFrom = a, true
		return nil
	}
	if arg == "" {
		return fail(statusCannot, "-I needs an address or a device")
	}
	o.Device = arg
	return nil
}

// checkTTL refuses what IPv4 cannot have (ip_setsockopt, net/ipv4/ip_sockglue.c)
// before a socket is opened, in the words of the original, which finds it out
// afterwards. IPv6 sends a hop limit of 0.
func (o *pingOptions) checkTTL(f probe.Family) error {
	if o.TTL != 0 || f != probe.IPv4 {
		return nil
	}
	return fail(statusCannot, "cannot set unicast time-to-live: %s", errnoText(unix.EINVAL))
}
