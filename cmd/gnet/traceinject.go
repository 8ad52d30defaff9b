package main

import (
	"errors"

	"gnet/internal/words"
	"gnet/stackprobe/inject"
)

// crafted reads the words of --inject and --peer.
func (w *traceWords) crafted(o *traceOptions) error {
	for _, text := range w.inject {
		l, err := inject.ParseLine(text)
		if err != nil {
			return craftedFailure("--inject", err)
		}
		o.Inject = append(o.Inject, l)
	}
	for _, text := range w.peer {
		s, err := inject.ParseStep(text)
		if err != nil {
			return craftedFailure("--peer", err)
		}
		o.Peer = append(o.Peer, s)
	}
	return nil
}

// craftedFailure points at the word of a line that cannot be read.
func craftedFailure(flag string, err error) error {
	f := fail(statusUsage, "%s %w", flag, err)
	if e, ok := errors.AsType[*words.Error](err); ok {
		f = fail(statusUsage, "%s %w\n%s", flag, err, e.Pointer())
	}
	return f.withHint("see CRAFTED SEGMENTS in gnet-trace(8)")
}
