package sockdiag

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
)

// everything is a row with each attribute that has a place in InetRow, and two
// that have none.
func everything() []byte { return withAttributes(func(uint16) bool { return true }) }

// narrow is everything without the structures of counters.
func narrow() []byte {
	return withAttributes(func(typ uint16) bool { return !slices.Contains([]uint16{1, 2, 3, 7, 9, 16}, typ) })
}

func withAttributes(wanted func(typ uint16) bool) []byte {
	b := diagMsg(unix.AF_INET6, 1, local6, remote6)
	for _, attr := range []struct {
		typ  uint16
		data []byte
	}{
		{1, host32(nil, 101, 102, 103, 104)},
		{2, tcpInfoBytes()},
		{3, host32(nil, 1, 302, 303, 304)},
		{4, []byte("cubic\x00")},
		{5, []byte{0x15}},
		{6, []byte{0x16}},
		{7, host32(nil, 701, 702, 703, 704, 705, 706, 707, 708, 709)},
		{8, []byte{2}},
		{9, host32(nil, 1|2<<16, 902, 903, 904)},
		{10, []byte{58}},
		{11, []byte{1}},
		{12, []byte("not a place in the row")},
		{15, host32(nil, 1501)},
		{16, host32(nil, 1601, 1, 1603, 1604, 1605)},
		{17, host32(nil, 1701)},
		{19, nltest.AppendAttr(nltest.AppendAttr(nil, 1, []byte("tls\x00")), 2, []byte{1})},
		{21, host32(nil, 2101, 0)},
		{22, []byte{0x21, 0x03}},
		{31, []byte("from the future")},
		{4000, []byte("from the far future")},
	} {
		if wanted(attr.typ) {
			b = nltest.AppendAttr(b, attr.typ, attr.data)
		}
	}
	return b
}

// everythingRow is the row that everything makes.
func everythingRow() InetRow {
	r := headOf(unix.AF_INET6, 1, local6, remote6)
	r.Has = ExtMemInfo | ExtInfo | ExtVegasInfo | ExtCong | ExtTOS | ExtTClass | ExtSkMemInfo | ExtShutdown | ExtDCTCPInfo |
		ExtProtocol | ExtV6Only | ExtMark | ExtBBRInfo | ExtClassID | ExtULP | ExtCgroupID
	r.Mem = MemInfo{RMem: 101, WMem: 102, FMem: 103, TMem: 104}
	r.Info = tcpInfoValue()
	r.Vegas = VegasInfo{Enabled: 1, RTTCount: 302, RTT: 303, MinRTT: 304}
	r.Cong, r.ULP = []byte("cubic"), []byte("tls")
	r.TOS, r.TClass, r.Shutdown, r.Protocol, r.V6Only = 0x15, 0x16, 2, 58, true
	r.SkMem = SkMem{RmemAlloc: 701, RcvBuf: 702, WmemAlloc: 703, SndBuf: 704, FwdAlloc: 705, WmemQueued: 706, OptMem: 707, Backlog: 708, Drops: 709}
	r.DCTCP = DCTCPInfo{Enabled: 1, CEState: 2, Alpha: 902, AckedECN: 903, AckedTotal: 904}
	r.BBR = BBRInfo{Bandwidth: 1<<32 | 1601, MinRTT: 1603, PacingGain: 1604, CwndGain: 1605}
	r.Mark, r.ClassID, r.CgroupID = 1501, 1701, 2101
	return r
}

func TestInet_whatTheKernelMaySend(t *testing.T) {
	four, six := diagMsg(unix.AF_INET, 10, local4, remote4), diagMsg(unix.AF_INET6, 10, local6, remote6)
	row4, row6 := headOf(unix.AF_INET, 10, local4, remote4), headOf(unix.AF_INET6, 10, local6, remote6)
	badSize := nltest.AppendAttr(append([]byte(nil), four...), 8, []byte{1, 2})
	shortMem := nltest.AppendAttr(append([]byte(nil), four...), 1, host32(nil, 1, 2, 3))
	oldMem := nltest.AppendAttr(append([]byte(nil), four...), 7, host32(nil, 1, 2, 3))
	rowOldMem := row4
	rowOldMem.Has, rowOldMem.SkMem = ExtSkMemInfo, SkMem{RmemAlloc: 1, RcvBuf: 2, WmemAlloc: 3}
	for _, tc := range []struct {
		name   string
		family uint8
		typ    uint16
		errno  unix.Errno
		bodies [][]byte
		want   answer
	}{
		{"no socket", unix.AF_INET, 20, 0, nil, answer{}},
		{"each attribute, and then none", 0, 20, 0, [][]byte{everything(), four}, answer{Rows: []InetRow{everythingRow(), row4}}},
		{"rows of the other family", unix.AF_INET6, 20, 0, [][]byte{four, six, four}, answer{Rows: []InetRow{row6}}},
		{"both families in one walk", 0, 18, 0, [][]byte{six, four}, answer{Rows: []InetRow{row6, row4}}},
		{"messages of another type", 0, 40, 0, [][]byte{six, {1}}, answer{}},
		{"no module", unix.AF_INET, 20, unix.ENOENT, nil, answer{Err: "list sockets: no such file or directory", Errno: unix.ENOENT, Refused: true}},
		{"memory of an old kernel", 0, 20, 0, [][]byte{oldMem}, answer{Rows: []InetRow{rowOldMem}}},
		{"too short", 0, 20, 0, [][]byte{four, four[:71]}, answer{Rows: []InetRow{row4}, Err: "list sockets: " + netlink.ErrShortMessage.Error()}},
		{"attribute of a wrong size", 0, 20, 0, [][]byte{badSize}, answer{Err: "list sockets: " + netlink.ErrBadAttribute.Error()}},
		{"structure too short", 0, 20, 0, [][]byte{shortMem}, answer{Err: "list sockets: " + netlink.ErrBadAttribute.Error()}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := scripted(tc.typ, tc.errno, tc.bodies...)
			mustEqual(t, tc.want, askInet(t, c, Request{Family: tc.family, Protocol: unix.IPPROTO_TCP}))
		})
	}
}

func TestInet_aTableThatChanged(t *testing.T) {
	nl, _ := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
		d := nltest.Append(nil, 20, unix.NLM_F_MULTI|unix.NLM_F_DUMP_INTR, r.Seq, diagMsg(unix.AF_INET, 10, local4, remote4))
		return []nltest.Datagram{{Bytes: nltest.AppendDone(d, r, 0)}}
	})
	want := answer{Rows: []InetRow{headOf(unix.AF_INET, 10, local4, remote4)}, Err: "list sockets: " + netlink.ErrInterrupted.Error()}
	mustEqual(t, want, askInet(t, New(nl), Request{}))
}

// TestInet_request holds the bytes that are sent.
func TestInet_request(t *testing.T) {
	v2 := func(family, protocol, ext uint8, states uint32) []byte {
		return append(host32([]byte{family, protocol, ext, 0}, states), make([]byte, sizeofSockID)...)
	}
	for _, tc := range []struct {
		name string
		req  Request
		typ  uint16
		want []byte
	}{
		{"all UDP", Request{Family: unix.AF_INET6, Protocol: unix.IPPROTO_UDP}, 20, v2(10, 17, 0, 0x1fff)},
		{"states and attributes", Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, States: 1 << 10, Ext: ExtInfo | ExtCong | ExtMark}, 20, v2(2, 6, 0x0a, 0x400)},
		{"attributes that come with others", Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, Ext: ExtBBRInfo | ExtClassID}, 20, v2(2, 6, 0x24, 0x1fff)},
		{"both families", Request{Protocol: unix.IPPROTO_TCP, States: 2, Ext: ExtInfo}, 18,
			host32(append([]byte{2, 0, 0, 2}, make([]byte, sizeofSockID)...), 2, 0)},
		{"a program", Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, Bytecode: []byte{0, 4, 0, 0}}, 20,
			nltest.AppendAttr(v2(2, 6, 0, 0x1fff), 1, []byte{0, 4, 0, 0})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, kernel := scripted(20, 0)
			mustEqual(t, answer{}, askInet(t, c, tc.req))
			want := nltest.Append(nil, tc.typ, unix.NLM_F_REQUEST|unix.NLM_F_DUMP, 1, tc.want)
			mustEqual(t, [][]byte{want}, kernel.Requests)
		})
	}
}

// TestInet_leavingEarly: the connection stays usable.
func TestInet_leavingEarly(t *testing.T) {
	c, _ := scripted(20, 0, diagMsg(unix.AF_INET, 10, local4, remote4), diagMsg(unix.AF_INET, 1, local4, remote4))
	for row, err := range c.Inet(Request{}) {
		if err != nil || row.State != 10 {
			t.Fatalf("%v, %v", row, err)
		}
		break
	}
	want := answer{Rows: []InetRow{headOf(unix.AF_INET, 10, local4, remote4), headOf(unix.AF_INET, 1, local4, remote4)}}
	mustEqual(t, want, askInet(t, c, Request{}))
}

func TestClone_sharesNothing(t *testing.T) {
	c, _ := scripted(20, 0, everything(), diagMsg(unix.AF_INET, 10, local4, remote4))
	var kept *InetRow
	for row, err := range c.Inet(Request{}) {
		if err != nil {
			t.Fatal(err)
		}
		if kept == nil {
			kept = row.Clone()
			clear(row.Cong)
			clear(row.ULP)
		}
	}
	mustEqual(t, everythingRow(), *kept)
}

// TestInet_allocatesNothingPerRow: ten rows and ninety cost the same.
func TestInet_allocatesNothingPerRow(t *testing.T) {
	counts := map[int]float64{}
	for _, n := range []int{10, 90} {
		bodies := make([][]byte, n)
		for i := range bodies {
			bodies[i] = everything()
		}
		var datagram []byte
		for _, body := range bodies {
			datagram = nltest.Append(datagram, 20, unix.NLM_F_MULTI, 1, body)
		}
		counts[n] = testing.AllocsPerRun(20, func() { readCanned(t, datagram, n) })
	}
	if counts[10] != counts[90] {
		t.Errorf("%v allocations for 10 rows, %v for 90", counts[10], counts[90])
	}
}

// canned is a transport that answers with the same datagrams at each request,
// without an allocation of its own.
type canned struct {
	rows, done []byte
	step       int
}

func (c *canned) Send([]byte) error { return nil }
func (c *canned) Close() error      { return nil }
func (c *canned) Recv(p []byte) (int, uint32, error) {
	c.step++
	if c.step == 1 {
		return copy(p, c.rows), 0, nil
	}
	return copy(p, c.done), 0, nil
}

func readCanned(t *testing.T, datagram []byte, want int) {
	request := netlink.Message{Seq: 1}
	nl := netlink.NewConn(&canned{rows: datagram, done: nltest.AppendDone(nil, request, 0)})
	n := 0
	for row, err := range New(nl).Inet(Request{}) {
		if err != nil || row.Info.TotalRetrans == 0 {
			t.Fatal(row, err)
		}
		n++
	}
	if n != want {
		t.Fatalf("%d rows, want %d", n, want)
	}
}
