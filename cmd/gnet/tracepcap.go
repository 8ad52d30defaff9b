package main

import (
	"slices"

	"gnet/stackprobe"
)

// captureFlag is the option for the packets of a run in a file.
const captureFlag = "pcap"

// wholePackets has the events hold all of each packet, for a capture, unless --snap says otherwise.
func (w *traceWords) wholePackets(o *traceOptions) error {
	i := slices.IndexFunc(fileViews(), func(v fileView) bool { return v.flag == captureFlag })
	switch {
	case o.Files[i] == "":
	case w.snapFlag.Changed:
		if w.snap == 0 {
			return fail(statusUsage, "--%s: with --snap 0 there is nothing of a packet to write", captureFlag)
		}
	default:
		o.Snap = stackprobe.MaxMTU
	}
	return nil
}
