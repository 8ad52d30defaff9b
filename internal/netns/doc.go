// Package netns makes, opens and enters network namespaces (namespaces(7),
// network_namespaces(7)).
//
// There are two ways in. Isolate and Start run a program, usually this one
// again, in fresh network, process and mount namespaces, and in a user
// namespace where the caller has no CAP_SYS_ADMIN; they end with it. NS is a
// handle on one network namespace; NS.Do runs a function inside it on a
// thread of its own.
//
// The trap of the second way: /proc/net and /proc/self/net are those of the
// main thread, whatever thread reads them. Inside Do only
// /proc/thread-self/net shows the namespace that was entered. Sockets, rtnetlink,
// /proc/sys/net and programs that are started belong to it as expected.
package netns
