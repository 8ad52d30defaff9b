// Package capture reads and writes the files of packet captures, and makes one of the events of a run.
//
// Writer writes pcapng (draft-ietf-opsawg-pcapng): interfaces that the caller names, packets with nanoseconds, original
// lengths and comments. Run is a Writer for the laboratory: four interfaces, one for what each end transmits and one for
// what it receives, so that the delay of the link and every loss can be seen in the file.
//
// Text from outside passes package safe before it becomes a comment: readers print comments on terminals.
package capture
