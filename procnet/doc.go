// Package procnet reads what the kernel shows of its sockets, interfaces, counters and multicast groups in /proc/net, and which processes
// hold the sockets in /proc/<pid>/fd. It only reads, and it prints nothing.
//
//	file                         writer in the kernel                                     here
//	tcp, tcp6                    net/ipv4/tcp_ipv4.c, net/ipv6/tcp_ipv6.c                 inet.go
//	udp, udp6, udplite, udplite6 net/ipv4/udp.c, net/ipv6/datagram.c                      inet.go
//	raw, raw6                    net/ipv4/raw.c, net/ipv6/datagram.c                      inet.go
//	sctp/eps, sctp/assocs        net/sctp/proc.c                                          sctp.go
//	unix                         net/unix/af_unix.c                                       unix.go
//	dev                          net/core/net-procfs.c                                    dev.go
//	if_inet6                     net/ipv6/addrconf.c                                      if_inet6.go
//	igmp, igmp6                  net/ipv4/igmp.c, net/ipv6/mcast.c                        igmp.go
//	snmp, netstat                net/ipv4/proc.c                                          snmp.go
//	snmp6, sctp/snmp             net/ipv6/proc.c, net/sctp/proc.c                         snmp6.go
//	<pid>/fd, cmdline, comm      fs/proc/fd.c, fs/proc/base.c                             owners.go
//	<pid>/attr/current           fs/proc/base.c, security/selinux                          context.go
//
// The tables are streams: iter.Seq2[*T, error]. The pointer is valid until the next step. A *ParseError with a nil row is
// one bad row, and the walk goes on; any other error is the last value. A missing file is an error that is
// fs.ErrNotExist: the running kernel does not have that protocol.
//
// # What a table is not
//
// A file is read in pieces of about a page, and sockets come and go between them: one socket can be missing or appear twice. Only
// single rows are consistent. The pointers in the rows (sk, Num) are hashes and identify nothing.
//
// # Where the rows come from
//
// Sockets reads tcp, udp and udplite from sock_diag(7), which costs the kernel a quarter of the text and can leave rows out, and reads the
// file where sock_diag cannot be had: a seccomp filter, a kernel without the module. It reads raw and unix from the file, and
// sock_diag where that is absent (/proc mounted subset=pid), or where what only it knows is asked for (Query.Diag). A tree that is not the running kernel's is never mixed with sock_diag. Both
// sources have the same rows in the same order, but for this, where they differ by nature and the file is the source:
//
//	table      rows       columns
//	raw        all        all               raw_diag is a module that many kernels do not have
//	raw6       all        all
//	tcp        SYN_RECV   retrnsmt          inet_diag counts retransmissions of the SYN-ACK, the file timeouts
//	tcp        SYN_RECV   uid               inet_diag has no owner (0), the file that of the listener
//	tcp6       SYN_RECV   retrnsmt
//	tcp6       SYN_RECV   uid
//	unix       all        RefCount          unix_diag does not have it
//	unix       inode 0    all               unix_diag passes over what waits to be accepted
//
// A test reads this table and holds it against the running kernel: what is here must differ, and nothing else may.
package procnet

import "gnet/internal/procfile"

// ParseError is one bad row of a file: where it is, which column, its text, and why.
type ParseError = procfile.ParseError

// FS reads one proc tree. The zero value reads the running kernel's. It holds no file open and may be copied.
type FS struct{ root procfile.Root }

// NewFS returns the reader of the proc tree in dir; "" and "/proc" mean the running kernel's. For the proc of another host or
// container the sockets are those of its process 1 (dir/1/net); a captured tree has them in dir/net.
func NewFS(dir string) FS { return FS{procfile.At(dir)} }

// InNetns returns a reader of the same tree, processes and all, that takes the tables of another network namespace from the directory
// net, such as /proc/<pid>/net.
func (f FS) InNetns(net string) FS { return FS{f.root.WithNet(net)} }

// Net returns the path of a file among the tables that f reads, for example Net("sctp/eps").
func (f FS) Net(name string) string { return f.root.Net(name) }

// IsLive reports whether f reads the running kernel and the reader's own network namespace.
func (f FS) IsLive() bool { return f.root.IsLive() }
