package attach

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"gnet/internal/safe"
)

// Picture draws who has which address, and where translation happens: lines for a terminal, of printable characters.
func (p *Plan) Picture() []string {
	if p.Mode == Bridge {
		return p.bridgePicture()
	}
	boxes := []box{{"engine", p.Engine.String(), ""}, {"this host", p.Host.String() + " on " + p.Device, "forwards, translates"}}
	wires := []string{"TUN"}
	how := ""
	switch {
	case p.Port != 0:
		boxes = append(boxes, box{"the network", "anybody", ""})
		wires = append(wires, "")
		to := netip.AddrPortFrom(p.Engine, p.Port)
		how = fmt.Sprintf("this host, TCP port %d  becomes  %v; from this host the engine is reached at %v", p.Port, to, to)
	case p.Uplink == "":
		boxes[1].third, boxes[1].second = p.Server.String(), p.Host.String()+" on "+p.Device
		how = "the server is this host: nothing is translated"
	default:
		boxes = append(boxes, box{"the server", p.Server.String(), ""})
		wires = append(wires, safe.String(p.Uplink))
		how = fmt.Sprintf("the engine's %s  becomes  %s beyond %s", p.Engine, sourceText(p), safe.String(p.Uplink))
	}
	return append(draw(boxes, wires), how)
}

// bridgePicture is Picture for a port of a bridge.
func (p *Plan) bridgePicture() []string {
	far := box{"its network", p.Network.String(), ""}
	if p.Server.IsValid() {
		far = box{"the server", p.Server.String(), ""}
		if !p.Network.Contains(p.Server.Addr()) && p.Gateway.IsValid() {
			far.third = "by way of " + p.Gateway.String()
		}
	}
	boxes := []box{{"engine", p.Address.String(), p.MAC.String()}, {"bridge " + safe.String(p.Bridge), "of this host", "port " + p.Device}, far}
	how := fmt.Sprintf("nothing is translated: the engine is a host of %v of its own", p.Network)
	if p.Port != 0 {
		how += fmt.Sprintf(", reached at %s", netip.AddrPortFrom(p.Engine, p.Port))
	}
	return append(draw(boxes, []string{"TAP", ""}), how)
}

func sourceText(p *Plan) string {
	if p.Source.IsValid() {
		return p.Source.String()
	}
	return "the interface's address"
}

// box is one party: what it is, its address, what it does.
type box struct{ first, second, third string }

// draw puts boxes side by side with named wires between them. It is ASCII, so that it is the same everywhere.
func draw(boxes []box, wires []string) []string {
	rows := make([]strings.Builder, 5)
	for i, b := range boxes {
		width := max(utf8.RuneCountInString(b.first), utf8.RuneCountInString(b.second), utf8.RuneCountInString(b.third))
		edge := "+" + strings.Repeat("-", width+2) + "+"
		rows[0].WriteString(edge)
		rows[4].WriteString(edge)
		for n, text := range [...]string{b.first, b.second, b.third} {
			rows[n+1].WriteString("| " + text + strings.Repeat(" ", width-utf8.RuneCountInString(text)) + " |")
		}
		if i == len(boxes)-1 {
			break
		}
		name := wires[i]
		gap := max(utf8.RuneCountInString(name), 3) + 4
		for n := range rows {
			switch n {
			case 2:
				line := "--" + name
				rows[n].WriteString(line + strings.Repeat("-", gap-utf8.RuneCountInString(line)))
			default:
				rows[n].WriteString(strings.Repeat(" ", gap))
			}
		}
	}
	lines := make([]string, 0, len(rows))
	for i := range rows {
		lines = append(lines, strings.TrimRight(rows[i].String(), " "))
	}
	return lines
}
