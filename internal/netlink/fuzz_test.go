package netlink_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
)

// fuzzSeeds are datagrams of each kind: good, acknowledging, cut and lying.
func fuzzSeeds() [][]byte {
	request := netlink.Message{Type: 0x40, Flags: unix.NLM_F_REQUEST, Seq: 1}
	attrs := nltest.AppendAttr(nltest.AppendAttr(nil, 1, []byte("eth0\x00")), 2|unix.NLA_F_NESTED, nltest.AppendAttr(nil, 9, []byte{1, 2, 3, 4}))
	good := nltest.AppendDone(nltest.Append(nil, 0x40, unix.NLM_F_MULTI, 1, attrs), request, 0)
	lying := append([]byte(nil), good...)
	lying[0] = 3
	return [][]byte{
		good,
		good[:len(good)-3],
		append(nltest.Append(nil, 0x40, 0, 1, attrs), 1, 2, 3),
		lying,
		nltest.AppendAck(nil, request, unix.EEXIST, "there is one already"),
		nltest.Append(nil, unix.NLMSG_ERROR, unix.NLM_F_ACK_TLVS, 1, make([]byte, 40)),
		nltest.Append(nil, unix.NLMSG_ERROR, unix.NLM_F_ACK_TLVS|unix.NLM_F_CAPPED, 1, make([]byte, 40)),
		nltest.Append(nil, 0x40, 0, 1, []byte{2, 0, 1, 0}),
		nltest.Append(nil, 0x40, 0, 1, []byte{255, 0, 1, 0}),
	}
}

// FuzzDatagram: no bytes make a walk panic, read outside of the datagram or
// end without the end of the reply or an *OpError.
func FuzzDatagram(f *testing.F) {
	for _, seed := range fuzzSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, datagram []byte) {
		c, _ := nltest.Dial(func(netlink.Message) []nltest.Datagram { return []nltest.Datagram{{Bytes: datagram}} })
		_, err := readAll(c)
		var op *netlink.OpError
		if err != nil && !errors.As(err, &op) {
			t.Fatalf("error of type %T: %v", err, err)
		}
	})
}

// readAll dumps and walks all attributes two levels deep; it returns the number
// of bytes seen in them.
func readAll(c *netlink.Conn) (int, error) {
	seen := 0
	err := c.Dump("list", c.Request(0x40, 0), func(m netlink.Message) error {
		attrs := netlink.ReadAttrs(m.Body)
		for attrs.Next() {
			nested := attrs.Nested()
			for nested.Next() {
				seen += len(nested.Data()) + len(nested.String())
			}
		}
		if attrs.Err() != nil {
			return &netlink.OpError{Op: "read attributes", Err: attrs.Err()}
		}
		return nil
	})
	return seen, err
}

// TestFuzzSeeds_reachBothEnds: the seeds hold values as well as errors of each
// kind, so that fuzzing starts inside the code.
func TestFuzzSeeds_reachBothEnds(t *testing.T) {
	var values int
	kinds := map[error]bool{}
	for _, seed := range fuzzSeeds() {
		c, _ := nltest.Dial(func(netlink.Message) []nltest.Datagram { return []nltest.Datagram{{Bytes: seed}} })
		seen, err := readAll(c)
		values += seen
		for cause := err; cause != nil; cause = errors.Unwrap(cause) {
			kinds[cause] = true
		}
	}
	for _, want := range []error{netlink.ErrShortMessage, netlink.ErrBadLength, netlink.ErrBadAttribute, unix.EEXIST} {
		if !kinds[want] {
			t.Errorf("no seed ends in %q", want)
		}
	}
	if values == 0 {
		t.Error("no seed has a nested attribute")
	}
}
