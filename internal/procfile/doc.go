// Package procfile reads the text files of a proc tree: it finds them under a root, cuts them into rows and columns, and
// turns each column notation of the kernel into a value.
//
// A proc file is not a file of known size: every read(2) returns at most what the kernel's seq_file buffer holds (a page, as
// a rule), may end in the middle of a row (fs/seq_file.c, seq_read_iter), and may fail after rows were already returned.
// Text in it can come from any process of the machine (unix paths, interface names), so nothing here trusts a byte:
// an over-long row is one bad row, never two, and a read error ends the walk after the rows that were whole.
//
// There is one reader per column notation, with its base and width fixed, because a column that is read in the wrong base
// works until the first digit above nine appears.
package procfile
