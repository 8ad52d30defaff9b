package main

import (
	"io"
	"strings"

	"gnet/stackprobe"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
)

// packetFile writes the packets of a capture as they come, in the place of the view that makes packets of events.
type packetFile struct {
	options *captureOptions
	device  *capture.Interface
	w       *capture.Writer
	sums    stackprobe.CaptureSums // those of the whole, when it is closed
	failed  error                  // the first error of w
}

// to begins the file.
func (p *packetFile) to(w io.Writer) *packetFile {
	section := &capture.Section{Application: strings.TrimSpace("gnet " + version)}
	if p.w, p.failed = capture.NewWriter(w, section); p.failed != nil {
		return p
	}
	device := *p.device
	if p.options.Expression != "" {
		device.Comments = []string{"filter: " + p.options.Expression}
	}
	_, p.failed = p.w.Interface(&device)
	return p
}

// packet writes one; its interface is the only one.
func (p *packetFile) packet(k *capture.Packet) error {
	if p.failed == nil {
		p.failed = p.w.Packet(k)
	}
	if p.failed != nil && p.options.NoEvents {
		return p.failed
	}
	return nil // the pictures go on
}

// Event implements eventView: what is in the file is no event.
func (p *packetFile) Event(*event.Event) error { return p.failed }

// Close writes the sums.
func (p *packetFile) Close() error {
	if p.failed == nil {
		p.failed = p.w.Statistics(0, p.sums.Last, p.sums.Packets+p.sums.Lost, p.sums.Lost)
	}
	return p.failed
}
