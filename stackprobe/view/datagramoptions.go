package view

import (
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"
	"strings"

	"gnet/stackprobe/event"
)

// The types of options that are known by name (RFC 791 section 3.1, RFC 2113).
const (
	optionEnd         = 0
	optionNone        = 1
	optionRecordRoute = 7
	optionTimestamps  = 68
	optionRouterAlert = 148
)

// optionName names an option of an IPv4 header.
func optionName(kind byte) string {
	switch kind {
	case optionEnd:
		return "end"
	case optionNone:
		return "no operation"
	case optionRecordRoute:
		return "record route"
	case optionTimestamps:
		return "timestamps"
	case optionRouterAlert:
		return "router alert"
	}
	return fmt.Sprintf("option %d", kind)
}

// headerOptions are the options of an IPv4 header, each with its type and length, up to the end of the list. What cannot be read
// is one of which readable is false: all that is left.
func headerOptions(octets string) iter.Seq2[string, bool] {
	return func(yield func(option string, readable bool) bool) {
		for at := 0; at < len(octets); {
			size := 1
			if octets[at] > optionNone {
				if at+1 >= len(octets) || octets[at+1] < 2 || at+int(octets[at+1]) > len(octets) {
					yield(octets[at:], false)
					return
				}
				size = int(octets[at+1])
			}
			if !yield(octets[at:at+size], true) || octets[at] == optionEnd {
				return
			}
			at += size
		}
	}
}

// optionNames names the options of an IPv4 header, a row of equal ones once.
func optionNames(octets string) string {
	var list []string
	for option, readable := range headerOptions(octets) {
		name := optionName(option[0])
		if !readable {
			name = "unreadable"
		}
		if len(list) == 0 || list[len(list)-1] != name {
			list = append(list, name)
		}
	}
	return strings.Join(list, ", ")
}

// optionFields are the options as fields: the bits of the type, and what else stands in each.
func optionFields(octets string) []field {
	var list []field
	for option, readable := range headerOptions(octets) {
		kind := option[0]
		f := field{name: "  " + optionName(kind), bits: 8 * len(option)}
		if !readable {
			list = append(list, field{name: "  unreadable", bits: f.bits, meaning: fmt.Sprintf("%x", option)})
			break
		}
		f.meaning = fmt.Sprintf("type %d: copied %d, class %d, number %d", kind, kind>>7, kind>>5&3, kind&31)
		if len(option) > 1 {
			f.meaning += fmt.Sprintf("; length %d", len(option))
		}
		switch {
		case kind == optionRecordRoute && len(option) >= 3:
			f.meaning += fmt.Sprintf("; pointer %d: %s", option[2], filled(option, 3))
		case kind == optionTimestamps && len(option) >= 4:
			f.meaning += fmt.Sprintf("; pointer %d: %s; overflow %d, flag %d", option[2], filled(option, 4), option[3]>>4, option[3]&15)
		case kind == optionRouterAlert && len(option) == 4:
			f.meaning += fmt.Sprintf("; value %d", binary.BigEndian.Uint16([]byte(option[2:])))
		}
		if n := len(list); n > 0 && list[n-1].meaning == f.meaning && len(option) == 1 {
			list[n-1].bits += f.bits // no-operations in a row
			continue
		}
		list = append(list, f)
	}
	return list
}

// filled says how many of the entries of an option are filled, of which the first begins at head.
func filled(option string, head int) string {
	return fmt.Sprintf("%d of %d entries", len(recordedEntries(option, head)), (len(option)-head)/4)
}

// recordedEntries are the filled entries of an option, of which the first begins at head: those before its pointer, which
// counts from 1.
func recordedEntries(option string, head int) []string {
	var list []string
	for at := head; at+4 <= min(len(option), int(option[2])-1); at += 4 {
		list = append(list, option[at:at+4])
	}
	return list
}

// recorded says what the nodes have recorded in the options of a packet on its way, "" if there is nothing.
func recorded(k *event.Packet) string {
	var b strings.Builder
	for option, readable := range headerOptions(k.Options) {
		var list []string
		switch {
		case !readable:
		case option[0] == optionRecordRoute && len(option) >= 3:
			for _, e := range recordedEntries(option, 3) {
				list = append(list, netip.AddrFrom4([4]byte([]byte(e))).String())
			}
		case option[0] == optionTimestamps && len(option) >= 4 && option[3]&15 == 0:
			for _, e := range recordedEntries(option, 4) {
				list = append(list, fmt.Sprint(binary.BigEndian.Uint32([]byte(e))))
			}
		}
		if len(list) == 0 {
			continue
		}
		fmt.Fprintf(&b, ", %s %s", optionName(option[0]), strings.Join(list, " "))
		if option[0] == optionTimestamps {
			b.WriteString(" (ms since midnight)")
		}
	}
	return b.String()
}
