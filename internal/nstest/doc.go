// Package nstest gives tests a kernel of their own: namespaces, links between
// them, and the installed original tools. It says what the machine allows and
// why not.
//
// A test that needs the kernel begins with InNetns: its body runs in a child
// process in fresh network and process namespaces, as root there, with the
// loopback interface up. Inside, NewHost makes further hosts and Connect links
// them.
//
//	func TestRouter(t *testing.T) {
//		nstest.InNetns(t, func(t *testing.T) {
//			client, router := nstest.Here(t), nstest.NewHost(t, "router")
//			nstest.Connect(t, 1500,
//				nstest.End{Host: client, Name: "eth0", Addrs: []string{"10.0.0.1/24", "fd00::1/64"}},
//				nstest.End{Host: router, Name: "eth0", Addrs: []string{"10.0.0.2/24", "fd00::2/64"}})
//			client.AddRoute(t, "default", "10.0.0.2")
//			router.Sysctl(t, "net/ipv4/ip_forward", "1")
//		})
//	}
//
// What the machine does not allow is a skip with its reason. The environment
// variable GNET_REQUIRE is a comma-separated list of capabilities (netns, raw,
// tun, peers, userns, root, tracefs) for which a skip is a failure.
package nstest
