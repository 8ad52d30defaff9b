package probe_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"gnet/ping/probe"
)

// A socket sends ICMP messages as they are, and all that comes back is one
// stream of messages.
func Example() {
	socket, err := probe.Open(probe.IPv6, false)
	if err != nil {
		log.Fatal(err)
	}
	defer socket.Close()
	if err := socket.Configure(probe.Config{Dest: netip.MustParseAddr("2001:db8::1"), TTL: -1, TOS: -1, ID: 7, TransmitStamps: true}); err != nil {
		log.Fatal(err)
	}
	request := make([]byte, 64) // ICMPv6 echo request; the kernel fills in the checksum
	request[0] = 128
	binary.BigEndian.PutUint16(request[4:], socket.ID())
	binary.BigEndian.PutUint16(request[6:], 1)
	if err := socket.Send(request); err != nil {
		log.Fatal(err) // an errno: EPERM of a firewall, ENETUNREACH, an ICMP error of before
	}
	var left time.Time
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		if err := socket.Wait(time.Until(end)); err != nil {
			log.Fatal(err)
		}
		m, err := socket.Receive()
		switch {
		case errors.As(err, new(*probe.ParseError)), m == nil && err == nil:
			continue // one that cannot be read, or nothing
		case err != nil:
			log.Fatal(err)
		case m.Kind == probe.TransmitStamp:
			left = m.Stamp
		case m.Kind == probe.Packet:
			fmt.Println("answered by", m.From, "in", m.Stamp.Sub(left))
			return
		case m.Kind == probe.ICMPError:
			fmt.Println(m.Offender, "says", m.Type, m.Code)
			return
		}
	}
}

// Errors are values: which step failed, and whether a right is missing.
func ExampleSocketError() {
	var err error = &probe.SocketError{Op: "socket", Family: probe.IPv4, Mode: probe.Raw, Err: unix.EPERM}
	if wrong := (*probe.SocketError)(nil); errors.As(err, &wrong) && wrong.NoRight() {
		fmt.Println("CAP_NET_RAW or a group in ping_group_range:", errors.Is(err, unix.EPERM))
	}
	fmt.Println(err)
	// Output:
	// CAP_NET_RAW or a group in ping_group_range: true
	// socket (AF_INET, SOCK_RAW): operation not permitted
}
