// Package netlink speaks AF_NETLINK: requests with acknowledgements, dumps,
// and the attribute encoding (linux/netlink.h).
//
// A Conn owns one receive buffer of fixed size and one request buffer, both
// reused, so that a dump of a million messages allocates nothing per message.
// What a callback gets is a view into that buffer: it is valid until the
// callback returns, and what shall live longer is copied by the callee.
//
// Every error is an *OpError. It carries the kernel's own sentence (extended
// acknowledgement, NLMSGERR_ATTR_MSG) where there is one, and errors.Is
// reaches the errno.
package netlink
