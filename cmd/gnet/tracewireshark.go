package main

import (
	"errors"
	"io"
	"os/exec"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
	"gnet/stackprobe/view"
)

// wiresharkFlag is the option that has Wireshark say what it makes of the packets.
const wiresharkFlag = "wireshark"

// opinions asks Wireshark about each packet before the views see it.
type opinions struct {
	at      *capture.Wireshark
	version chan string
	failed  error
}

// askWireshark starts tshark, at both taps.
func askWireshark() (*opinions, error) {
	at, err := capture.StartWireshark(capture.Program)
	if err != nil {
		f := fail(statusCannot, "--%s: %w", wiresharkFlag, err)
		if errors.Is(err, exec.ErrNotFound) {
			return nil, f.withHint("%s is Wireshark's program for terminals; its package is called %[1]s, or wireshark-cli", capture.Program)
		}
		return nil, f
	}
	o := &opinions{at: at, version: make(chan string, 1)}
	go func() { o.version <- capture.TsharkVersion(capture.Program) }()
	return o, nil
}

// add writes what it says to ev. When it has failed once it is asked no more; close says why.
func (o *opinions) add(ev *event.Event) {
	ev.Derived.Wireshark = 0
	if o.failed == nil {
		o.failed = o.at.Ask(ev)
	}
	analyze.Misread(ev)
}

func (o *opinions) close() error {
	err := o.at.Close()
	if o.failed != nil {
		err = o.failed
	}
	if err != nil {
		return fail(statusCannot, "--%s: %w", wiresharkFlag, err)
	}
	return nil
}

// below is a picture with the table of what Wireshark says under it.
type below struct {
	first, second eventView
}

// beneath gives the maker of a picture with the table under it.
func (o *opinions) beneath(picture func(io.Writer, view.Options) eventView) func(io.Writer, view.Options) eventView {
	return func(w io.Writer, opts view.Options) eventView {
		table := &chosenView{w: w, options: opts, datagrams: func(io.Writer, view.Options) eventView { return noPath{wiresharkFlag} },
			segments: func(w io.Writer, opts view.Options) eventView { return view.NewWireshark(w, opts, <-o.version) }}
		return &below{picture(w, opts), table}
	}
}

// Event shows ev in the picture and keeps what the table needs.
func (b *below) Event(ev *event.Event) error {
	if err := b.first.Event(ev); err != nil {
		return err
	}
	return b.second.Event(ev)
}

// Close ends the picture and writes the table.
func (b *below) Close() error {
	if err := b.first.Close(); err != nil {
		return err
	}
	return b.second.Close()
}
