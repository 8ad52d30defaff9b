// Package kernelside is the Linux end of a link: a real kernel's TCP in a network namespace of its own, reached through
// a TUN interface.
//
// The namespace is made by this program, started once more (Helper): a process with several threads cannot enter a user
// namespace. The second process makes the interface and the socket, hands their descriptors over and ends. From then on
// nothing but these descriptors keeps the namespace: whatever way this process ends, the kernel removes everything.
//
// A socket belongs to the namespace where it was made, so it is used from here, in the same process and on the same
// clock as the engine at the other end.
package kernelside
