// Package scenario is the language of the lessons: what the two ends do, what the link does to their segments, and what
// must then be seen. It reads such a file, keeps the words that other rooms understand (faults, options of an end,
// crafted segments) as text with their place, and judges the events of a run by the file's expectations.
//
// The lessons themselves are the files of the folder lessons, which are part of the program. The package knows event and
// analyze.
package scenario
