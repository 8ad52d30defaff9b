// Package rtnl reads and changes links, addresses, neighbours, routes and rules
// through rtnetlink (linux/rtnetlink.h, linux/if_link.h, linux/fib_rules.h).
//
// Lists are iter.Seq2[*T, error]: one value is reused for all rows, so the
// pointer is valid until the next step; an error is the last value. If the
// kernel says that the table changed while it was read, the rows come all the
// same and netlink.ErrInterrupted is the last value. Errors are
// *netlink.OpError. Leaving a loop early is allowed; the rest of the dump is
// then read and dropped.
package rtnl
