package rtnl

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// nexthopSeeds are bodies as kernel 6.18 sends them.
func nexthopSeeds() map[string][]byte {
	head := func(family byte) []byte { return []byte{family, 253, 3, 0, 4, 0, 0, 0} }
	return map[string][]byte{
		"one": attrs(head(unix.AF_INET), unix.NHA_ID, u32(10), unix.NHA_OIF, u32(2), unix.NHA_GATEWAY, []byte{10, 50, 0, 3},
			unix.NHA_ENCAP_TYPE, []byte{2, 0}, unix.NHA_ENCAP, []byte{5, 0, 4, 0, 7, 0, 0, 0}),
		"blackhole": attrs(head(unix.AF_INET6), unix.NHA_ID, u32(30), unix.NHA_BLACKHOLE, []byte{}),
		"group": attrs(head(unix.AF_UNSPEC), unix.NHA_ID, u32(20), unix.NHA_GROUP_TYPE, []byte{1, 0},
			unix.NHA_GROUP, append(append(u32(10), 2, 0, 0, 0), append(u32(11), 255, 1, 0, 0)...)),
		"half a member": attrs(head(unix.AF_UNSPEC), unix.NHA_ID, u32(20), unix.NHA_GROUP, []byte{1, 2, 3, 4}),
		"short":         {2, 0, 0},
	}
}

func TestDecodeNexthop(t *testing.T) {
	want := map[string]*NexthopObject{
		"one": {ID: 10, Oif: 2, Gateway: netip.MustParseAddr("10.50.0.3"), Flags: 4,
			Encap: Encap{Type: 2, Data: "\x05\x00\x04\x00\x07\x00\x00\x00"}},
		"blackhole": {ID: 30, Flags: 4, Blackhole: true},
		"group":     {ID: 20, Flags: 4, GroupType: 1, Group: []NexthopMember{{ID: 10, Weight: 3}, {ID: 11, Weight: 512}}},
	}
	errs := map[string]error{"half a member": netlink.ErrBadAttribute, "short": netlink.ErrShortMessage}
	for name, body := range nexthopSeeds() {
		got := new(NexthopObject)
		_, err := decodeNexthop(netlink.Message{Type: unix.RTM_NEWNEXTHOP, Body: body}, got)
		if err != errs[name] {
			t.Errorf("%s: %v, want %v", name, err, errs[name])
		}
		if want[name] == nil {
			continue
		}
		if diff := cmp.Diff(want[name], got, byValue); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestDecodeLink_vrf(t *testing.T) {
	info := attrs(nil, unix.IFLA_INFO_KIND, []byte("vrf\x00"), unix.IFLA_INFO_DATA, attrs(nil, unix.IFLA_VRF_TABLE, u32(1001)))
	got := new(Link)
	if _, err := decodeLink(netlink.Message{Type: unix.RTM_NEWLINK, Body: attrs(make([]byte, 16), unix.IFLA_LINKINFO, info)}, got); err != nil {
		t.Fatal(err)
	}
	if want := (&Link{Kind: "vrf", VRFTable: 1001}); !cmp.Equal(want, got) {
		t.Error(cmp.Diff(want, got))
	}
	// The data of another kind is another structure.
	info = attrs(nil, unix.IFLA_INFO_KIND, []byte("veth\x00"), unix.IFLA_INFO_DATA, attrs(nil, unix.IFLA_VRF_TABLE, u32(1001)))
	if _, err := decodeLink(netlink.Message{Type: unix.RTM_NEWLINK, Body: attrs(make([]byte, 16), unix.IFLA_LINKINFO, info)}, got); err != nil || got.VRFTable != 0 {
		t.Errorf("table %d of a veth, %v", got.VRFTable, err)
	}
}
