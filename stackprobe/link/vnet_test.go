package link_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/link"
)

func TestVnetHeader(t *testing.T) {
	for _, want := range []link.VnetHeader{
		{},
		{NeedsChecksum: true, CsumStart: 20, CsumOffset: 16},
		{NeedsChecksum: true, Segmented: link.VnetTCPv6, HeaderLen: 60, SegmentSize: 1420, CsumStart: 40, CsumOffset: 16},
	} {
		b := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
		want.Put(b)
		got, ok := link.ParseVnet(b)
		if d := cmp.Diff(want, got); d != "" || !ok || b[10] != 11 {
			t.Errorf("%v %t %d", d, ok, b[10])
		}
	}
	if _, ok := link.ParseVnet(make([]byte, link.VnetLen-1)); ok {
		t.Error("a short header is one")
	}
}
