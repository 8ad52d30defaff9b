// Package sockdiag asks the kernel for its sockets through NETLINK_SOCK_DIAG
// (linux/sock_diag.h, linux/inet_diag.h, linux/unix_diag.h) and, with
// Conn.Destroy, has it end them.
//
// Lists are iter.Seq2[*T, error]: one row is reused for the whole walk and its
// byte slices are views into the receive buffer, so that a row is valid until
// the next step and a million sockets cost no allocation each; Clone keeps one.
// An error is the last value. Leaving a loop early is allowed: the rest of the
// dump is then read and dropped.
//
// Errors are *netlink.OpError. Where the kernel lacks the module for a protocol
// (inet_diag, tcp_diag, udp_diag, raw_diag, unix_diag), netlink.IsRefused holds
// for the error and errors.Is finds unix.ENOENT: the caller can read /proc/net
// instead. If the kernel says that the table changed while it was read, the rows
// come all the same and netlink.ErrInterrupted is the last value.
//
// A condition (Cond) can be compiled to the bytecode that inet_diag runs on each
// socket, so that rows which nobody wants never leave the kernel; Eval gives the
// same answer about a row in user space.
package sockdiag
