// Package tracefs reads trace events of the kernel from an instance of its own (Documentation/trace/ftrace.rst): a set of
// ring buffers, a clock and filters beside those of everybody else, which stay as they are.
//
// New makes the instance and switches its events on, in the caller's mount namespace; it takes the rights of root. The
// descriptors of its buffers and formats may be read by another process. Remove takes it away; what a killed program has left is taken
// away by the next New, since the kernel removes no instance whose buffers somebody has open.
package tracefs
